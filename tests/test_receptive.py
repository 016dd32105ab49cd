"The receptive field by formula, backwards and by gradient, against each other and against published numbers"
import math, random, time
import pytest, torch, torchvision
import torch.nn as nn, torch.nn.functional as F
from hypothesis import assume, given, settings, strategies as st
from cnn_notes.geometry import trace
from cnn_notes.models import simple_cnn
from cnn_notes.receptive import (Box, EffectiveField, ReceptiveField, ReceptiveFields,
                                 effective_receptive_field, gradient_receptive_field, input_box, precedents,
                                 receptive_field)
from cnn_notes.fields import _mean_pool

pytestmark = pytest.mark.filterwarnings('ignore:Using padding=.same.')

def both_boxes(*args):
    "By formula and by gradient"
    return input_box(*args),gradient_receptive_field(*args)

def assert_alike(a, b): assert a == b and torch.equal(a.cells, b.cells)

# ---- random networks

class Join(nn.Module):
    "Branches that meet again"
    def __init__(self, how, *branches):
        super().__init__()
        self.how,self.branches = how,nn.ModuleList(branches)
    def forward(self, x):
        ys = [b(x) for b in self.branches]
        if self.how == 'cat': return torch.cat(ys, 1)
        res = ys[0]
        for y in ys[1:]: res = res + y if self.how == 'add' else res*torch.sigmoid(y)
        return res

padding_modes = ['reflect', 'circular', 'replicate']

def keeps_size(r, c):
    "A layer that keeps the size, for use within a branch"
    kind = r.choice(['conv']*4 + ['pool', 'mean', 'act', 'norm', 'mode', 'none'])
    if kind == 'conv':
        ks,d = ((r.choice([1, 3, 5]), r.choice([1, 3])),(r.randint(1, 2), r.randint(1, 2)))
        return nn.Conv2d(c, c, ks, 1, tuple((k-1)*e//2 for k,e in zip(ks, d)), d, groups=r.choice([1, c]))
    if kind == 'mode': return nn.Conv2d(c, c, 3, padding=1, padding_mode=r.choice(padding_modes))
    return dict(pool=nn.MaxPool2d(3, 1, 1), mean=nn.AvgPool2d((3, 1), 1, (1, 0)),
                act=nn.ReLU(inplace=r.random() < .3), norm=nn.BatchNorm2d(c), none=nn.Identity())[kind]

def gate(c): return Join('mul', nn.Identity(), nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(c, c, 1)))

def any_layer(r, c, windows_only):
    def pair(m): return r.randint(1, m),r.randint(1, m)
    kinds = ['conv']*4 + ['pool', 'ceil', 'mean', 'act', 'norm', 'pad', 'drop']
    kind = r.choice(kinds + ([] if windows_only else ['up', 'adaptive', 'whole', 'mode', 'gate']))
    if kind == 'conv':
        ks,stride,pad = pair(4),pair(3),pair(3 if r.random() < .3 else 2)
        return nn.Conv2d(c, c, ks, stride, pad, pair(2), groups=r.choice([1, c]))
    if kind in ('pool', 'ceil', 'mean'):
        ks = pair(4); pad = tuple(r.randint(0, k//2) for k in ks)
        if kind == 'mean': return nn.AvgPool2d(ks, pair(3), pad, ceil_mode=r.random() < .4)
        return nn.MaxPool2d(ks, pair(3), pad, pair(2) if kind == 'pool' else 1, ceil_mode=kind == 'ceil')
    activations = [nn.ReLU, nn.GELU, nn.Sigmoid, nn.PReLU, nn.LeakyReLU, nn.Hardswish]
    if kind == 'act': return r.choice(activations)()
    if kind == 'pad': return nn.ZeroPad2d(tuple(r.randint(0, 3) for _ in range(4)))
    if kind == 'up': return nn.Upsample(scale_factor=r.choice([2, 3, (1, 2), 1.5, (2., 1.3)]))
    if kind == 'adaptive': return r.choice([nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d])(pair(5))
    if kind == 'whole':
        return r.choice([nn.GroupNorm(1, c), nn.InstanceNorm2d(c), nn.Softmax(dim=r.choice([1, 2, -1])),
                         nn.BatchNorm2d(c, track_running_stats=False)])
    if kind == 'mode': return nn.Conv2d(c, c, 3, padding=1, padding_mode=r.choice(padding_modes))
    if kind == 'gate': return gate(c)
    return nn.Dropout2d() if kind == 'drop' else nn.BatchNorm2d(c)

def branches(r, c):
    how,several = r.choice(['add', 'mul']),range(r.randint(2, 3))
    return Join(how, *[nn.Sequential(*[keeps_size(r, c) for _ in range(r.randint(0, 2))]) for _ in several])

def network(seed, windows_only=False, c=2):
    r = random.Random(seed)
    torch.manual_seed(seed)
    layers = [nn.Conv2d(1, c, 1)]
    for _ in range(r.randint(1, 5)):
        if r.random() < .25: layers.append(branches(r, c))
        elif r.random() < .12:
            s = r.randint(1, 3)
            layers.append(Join('add', nn.Conv2d(c, c, 3, s, 1), nn.Conv2d(c, c, 1, s)))
        elif r.random() < .1:
            layers += [Join('cat', *[keeps_size(r, c) for _ in range(2)]), nn.Conv2d(2*c, c, 1)]
        else: layers.append(any_layer(r, c, windows_only))
    return nn.Sequential(*layers)

def traced(net, shape):
    try: return trace(net, shape)
    except ValueError: assume(False) # too small an image for this network

@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6), st.integers(6, 22), st.integers(6, 22), st.data())
def test_backwards_is_the_gradient(seed, h, w, data):
    "Exactly the same cells, at any place, the border included"
    net,shape = network(seed),(1, h, w)
    grid = traced(net, shape)[-1].out_shape[2:]
    place = tuple(data.draw(st.integers(0, n-1)) for n in grid)
    a,b = both_boxes(net, shape, None, place)
    assert_alike(a, b)
    cells = precedents(net, shape, None, place).get('input', torch.zeros(h, w, dtype=torch.bool))
    assert torch.equal(cells, a.cells)

@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6))
def test_formula_is_the_gradient(seed):
    "Size, stride, padding and center, far from the border, for networks of windows and branches"
    net = network(seed, windows_only=True)
    f = receptive_field(net, (1, 64, 64), None)[-1] if _fits(net, 64) else None
    assume(f is not None and None not in f.stride)
    n = max(f.size) + 6*max(f.stride) + 2*max(0, *f.padding) + 8 # room for three whole neighbors
    assume(n <= 220)
    shape = (1, n, n)
    f = receptive_field(net, shape)[-1]
    first = [-(-max(p, 0)//s) + 1 for p,s in zip(f.padding, f.stride)] # the first box that begins inside
    both_axes = zip(first, f.places, f.stride, f.padding, f.size)
    assume(all(i+1 < g and (i+1)*s - p + size <= n for i,g,s,p,size in both_axes))
    a,b = (gradient_receptive_field(net, shape, None, tuple(i+k for i in first)) for k in (0, 1))
    assert a.size == f.size
    for axis in ('rows', 'cols'):
        k = ('rows', 'cols').index(axis)
        assert getattr(b, axis).start - getattr(a, axis).start == f.stride[k]
        assert getattr(a, axis).start == first[k]*f.stride[k] - f.padding[k]
        assert f.center[k] == -f.padding[k] + (f.size[k]-1)/2
    first = tuple(first)
    assert input_box(net, shape, None, first, clip=False) == input_box(net, shape, None, first) == a

def _fits(net, n):
    try: return bool(trace(net, (1, n, n)))
    except ValueError: return False

@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(*(st.integers(*o) for o in [(1, 5), (1, 3), (0, 2), (1, 3)])),
                min_size=1, max_size=5))
def test_formula_is_the_published_recurrence(layers):
    "Araujo, Norris and Sim 2019: size and padding add up over the product of the strides before"
    size,step,padding = 1,1,0
    for ks,s,p,d in layers: size,padding,step = size + (ks-1)*d*step,padding + p*step,step*s
    net = nn.Sequential(*[nn.Conv2d(1, 1, ks, s, p, d) for ks,s,p,d in layers])
    f = receptive_field(net, (1, size+5, size+9))[-1]
    assert (f.size, f.stride, f.padding) == ((size,)*2, (step,)*2, (padding,)*2)

@pytest.mark.parametrize('ks', [1, 3, 5, 7, 9])
def test_two_layers_of_stride_2(ks):
    net = nn.Sequential(*[nn.Conv2d(1, 1, ks, 2, ks//2) for _ in range(2)])
    by_gradient = gradient_receptive_field(net, (1, 64, 64), '1').size
    assert receptive_field(net, (1, 64, 64), '1').size == (3*ks-2,)*2 == by_gradient

@settings(max_examples=60, deadline=None)
@given(st.tuples(st.integers(1, 4), st.integers(1, 4)), st.integers(1, 3), st.integers(1, 2), st.booleans(),
       st.integers(5, 10), st.integers(5, 10), st.data())
def test_the_mean_stands_where_the_maximum_did(ks, stride, dilation, ceil, h, w, data):
    "The stand-in for max pooling sees exactly the pixels that can be the maximum"
    pad = tuple(data.draw(st.integers(0, k//2)) for k in ks)
    x = torch.zeros(1, 1, h, w, requires_grad=True)
    try: want = F.max_pool2d(x, ks, stride, pad, dilation, ceil)
    except RuntimeError: assume(False)
    got = _mean_pool(x, ks, stride, pad, dilation, ceil)
    assert got.shape == want.shape
    i,j = (data.draw(st.integers(0, n-1)) for n in want.shape[2:])
    seen, = torch.autograd.grad(got[0, 0, i, j], x)
    can = torch.zeros(h, w, dtype=torch.bool)
    for r in range(h):
        for c in range(w):
            y = torch.zeros(1, 1, h, w); y[0, 0, r, c] = 1
            can[r, c] = F.max_pool2d(y, ks, stride, pad, dilation, ceil)[0, 0, i, j] == 1
    assert torch.equal(seen[0, 0] != 0, can)

# ---- known networks

def net_of(name):
    quick = dict(init_weights=False) if name in ('inception_v3', 'googlenet') else {}
    return getattr(torchvision.models, name)(weights=None, **quick)
def empty_net_of(name):
    with torch.device('meta'): return net_of(name)

def last(net, n=321):
    layers = trace(net, (3, n, n))
    end = next(l.index for l in layers if l.kind in ('adaptive_pool', 'flatten'))
    f = receptive_field(net, (3, n, n), end - 1)
    return f.size[0],f.stride[0],f.padding[0]

@pytest.mark.parametrize('name, want', [
    ('vgg16', (212, 32, 90)), ('inception_v3', (1311, 32, 618)), # as published
    ('alexnet', (195, 32, 66)), ('resnet50', (427, 32, 213)), # of torchvision: see the notebook
    ('resnet101', (971, 32, 485)), ('resnet152', (1451, 32, 725))])
def test_known_networks(name, want): assert last(empty_net_of(name)) == want

def test_every_stage_of_inception_v3():
    "The detailed table of google-research/receptive_field: size and padding at each end-point"
    f = receptive_field(empty_net_of('inception_v3'), (3, 321, 321))
    table = [('Conv2d_1a_3x3', 3, 2, 0), ('Conv2d_2a_3x3', 7, 2, 0), ('Conv2d_2b_3x3', 11, 2, 2),
             ('maxpool1', 15, 4, 2), ('Conv2d_4a_3x3', 23, 4, 2), ('maxpool2', 31, 8, 2),
             ('Mixed_5b', 63, 8, 18), ('Mixed_5d', 127, 8, 50),
             ('Mixed_6a', 159, 16, 58), ('Mixed_6b', 351, 16, 154), ('Mixed_6e', 927, 16, 442),
             ('Mixed_7a', 1055, 32, 490), ('Mixed_7b', 1183, 32, 554)]
    for stage,*want in table:
        o = f[stage]
        assert [o.size, o.stride, o.padding] == [(v, v) for v in want], stage

@pytest.mark.parametrize('name, shape', [
    ('alexnet', (3, 131, 97)), ('resnet18', (3, 65, 50)), ('googlenet', (3, 64, 80)),
    ('mobilenet_v2', (3, 64, 50)), ('squeezenet1_0', (3, 65, 49)), ('shufflenet_v2_x1_0', (3, 64, 50)),
    ('efficientnet_b0', (3, 40, 33)), ('mobilenet_v3_small', (3, 40, 33))])
def test_known_networks_by_gradient(name, shape):
    net = net_of(name)
    layers = trace(net, shape)
    for l in layers[::max(1, len(layers)//4)]: assert_alike(*both_boxes(net, shape, l.name))

# ---- robustness of the gradient

def test_dead_or_broken_weights_hide_nothing():
    net = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.BatchNorm2d(4),
                        nn.Dropout(), nn.Conv2d(4, 4, 3, padding=1), nn.Sigmoid(), nn.Conv2d(4, 2, 3))
    want = input_box(net, (1, 24, 24), '7', (3, 3))
    for fill in (0., -1e30, float('nan'), float('inf')):
        for p in net.parameters(): nn.init.constant_(p, fill)
        got = gradient_receptive_field(net, (1, 24, 24), '7', (3, 3))
        assert got == want and torch.equal(got.cells, want.cells), fill

def test_depth_does_not_make_it_vanish():
    net = nn.Sequential(*[nn.Conv2d(1, 1, 3, padding=1) for _ in range(120)])
    assert gradient_receptive_field(net, (1, 260, 260), None, (130, 130)).size == (241, 241)
    assert receptive_field(net, (1, 260, 260))[-1].size == (241, 241)

@pytest.mark.parametrize('mode', [True, False])
def test_the_model_is_handed_back_as_it_was(mode):
    net = torchvision.models.resnet18(weights=None).train(mode)
    named = [*net.named_parameters(), *net.named_buffers()]
    before = {k: (v.clone(), v.requires_grad, v._version) for k,v in named}
    for f in (receptive_field, input_box, gradient_receptive_field): f(net, (3, 33, 33))
    effective_receptive_field(net, torch.randn(2, 3, 33, 33), 'layer1')
    assert all(m.training == mode for m in net.modules())
    for k,v in [*net.named_parameters(), *net.named_buffers()]:
        assert torch.equal(v, before[k][0]) and v.grad is None
        assert (v.requires_grad, v._version) == before[k][1:]
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in net.modules())

class Stops(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 3)
    def forward(self, x):
        y = self.conv(x)
        if y.requires_grad: raise RuntimeError('halfway') # not while it is traced
        return y*1
def test_a_model_that_fails_is_handed_back_too():
    net = Stops().train()
    with pytest.raises(ValueError, match='halfway'): gradient_receptive_field(net, (1, 8, 8), 'mul')
    assert net.training

# ---- layers with more than a window

class Uses(nn.Module):
    def __init__(self, f, c=2):
        super().__init__()
        self.f,self.conv,self.soft = f,nn.Conv2d(c, c, 3, padding=1),nn.Softmax(dim=2)
        self.gn,self.bn = nn.GroupNorm(1, c),nn.BatchNorm2d(c)
        self.scale = nn.Parameter(torch.zeros(c, 1, 1))
    def forward(self, x): return self.f(self, x)

@pytest.mark.parametrize('f, size', [
    (lambda s,x: x + s.conv(s.conv(x)), (5, 5)), (lambda s,x: x*s.scale + s.conv(x), (3, 3)),
    (lambda s,x: torch.cat([s.conv(x), x], 1), (3, 3)), (lambda s,x: 2 - s.conv(x)/3, (3, 3)),
    (lambda s,x: s.conv(x).relu_(), (3, 3)), (lambda s,x: s.conv(x).add_(x), (3, 3)),
    (lambda s,x: s.conv(s.conv(x).clamp(0, 6)), (5, 5)), (lambda s,x: s.bn(s.conv(x)), (3, 3)),
    (lambda s,x: s.conv(F.pad(x, (2, 0, 1, 3))), (3, 3)), (lambda s,x: s.conv(x).detach()*1, (3, 3)),
    (lambda s,x: torch.cat(s.conv(x).chunk(2, 1)[::-1], 1), (3, 3)),
    (lambda s,x: torch.maximum(x, s.conv(x)), (3, 3)),
    (lambda s,x: s.conv(x)*torch.sigmoid(s.conv(s.conv(x))), (5, 5)),
    (lambda s,x: s.conv(x).view(1, 2, 1, 16, 16).transpose(1, 2).reshape(1, 2, 16, 16), (3, 3)),
    (lambda s,x: s.gn(s.conv(x)), (16, 16)), (lambda s,x: s.conv(x)*x.mean((2, 3), keepdim=True), (16, 16)),
    (lambda s,x: s.soft(s.conv(x)), (16, 3)), (lambda s,x: s.conv(x).flatten(1), (16, 16)),
    (lambda s,x: s.conv(x)*torch.sigmoid(x.mean((2, 3)).view(1, 2, 1, 1)), (16, 16))])
def test_operations(f, size):
    a,b = both_boxes(Uses(f), (2, 16, 16))
    assert_alike(a, b)
    assert a.size == size

def test_padding_that_repeats_the_image():
    for layer in (nn.ReflectionPad2d(2), nn.ReplicationPad2d(2), nn.CircularPad2d(2)):
        net = nn.Sequential(layer, nn.Conv2d(1, 1, 3))
        for place in ((0, 0), (0, 9), (11, 5)):
            assert_alike(*both_boxes(net, (1, 12, 12), '1', place))
        assert receptive_field(net, (1, 12, 12), '1').size == (3, 3)
    box = input_box(net, (1, 12, 12), '1', (0, 0))
    assert box.size == (12, 12) and box.cells.sum() == 9 # around the corner: rows 10, 11 and 0

def test_whole_image_or_part():
    gate = Join('mul', nn.Identity(), nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(2, 2, 1)))
    net = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), gate, nn.Conv2d(2, 2, 3, padding=1))
    f = receptive_field(net, (1, 20, 20), '2')
    assert f.whole and f.stride == (None, None)
    local = receptive_field(net, (1, 20, 20), '2', local=True)
    assert not local.whole and (local.size, local.stride) == ((5, 5), (1, 1))
    assert input_box(net, (1, 20, 20), '2', (9, 9), local=True).size == (5, 5)
    fields = receptive_field(simple_cnn(), (1, 28, 28))
    assert [o.whole for o in fields if o.kind == 'conv'] == [False]*4 + [True]

def test_branches_that_disagree_about_the_stride():
    net = Join('add', nn.Conv2d(1, 1, 2, stride=3), nn.Conv2d(1, 1, 6)) # 10 to 3 and 10 to 5: do not fit
    with pytest.raises(ValueError): receptive_field(net, (1, 10, 10))
    net = Join('add', nn.Conv2d(1, 1, 3, stride=2), nn.Conv2d(1, 1, 7)) # 11 to 5, twice
    f = receptive_field(net, (1, 11, 11))[-1]
    assert f.stride == (None, None)
    for place in ((0, 0), (2, 4), (4, 4)):
        a,b = both_boxes(net, (1, 11, 11), None, place)
        assert torch.equal(a.cells, b.cells) and a == input_box(net, (1, 11, 11), None, place, clip=False)

def test_a_window_in_the_padding_sees_nothing():
    net = nn.Conv2d(1, 1, 2, padding=3)
    for box in both_boxes(net, (1, 5, 5), None, (0, 0)):
        assert box.size == (0, 0) and not box.cells.any()
    assert input_box(net, (1, 5, 5), None, (0, 0), clip=False) == Box(range(-3, -1), range(-3, -1))

def test_clipping_the_formula_is_not_exact():
    net = nn.Sequential(nn.Conv2d(1, 1, 3, stride=2), nn.Conv2d(1, 1, 3, padding=1))
    a,b = both_boxes(net, (1, 6, 6), '1', (1, 1))
    assert a.rows == range(0, 5) == b.rows
    assert input_box(net, (1, 6, 6), '1', (1, 1), clip=False).rows == range(0, 7)

def test_upsampling_halves_the_stride():
    net = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.Upsample(scale_factor=2), nn.Conv2d(1, 1, 2),
                        nn.Conv2d(1, 1, 1, stride=2))
    f = receptive_field(net, (1, 12, 12))
    assert [o.stride[0] for o in f] == [1, .5, .5, 1] and [o.size[0] for o in f] == [3, 3, 4, 3]

# ---- the list

def test_list_shows_and_converts():
    f = receptive_field(simple_cnn(), (1, 28, 28))
    assert isinstance(f, ReceptiveFields) and isinstance(f[0], ReceptiveField)
    assert isinstance(f[2:4], ReceptiveFields) and f[2:4]['1.conv'].name == '1.conv'
    assert f['1'].name == '1.act' and f['1.conv'].size == (9, 9)
    lines = repr(f).splitlines()
    assert len(lines) == len(f)+1 and '65' in lines[-1]
    assert lines[0].split()[:4] == ['layer', 'kind', 'positions', 'size']
    assert f._repr_html_().count('<tr>') == len(f)+1
    df = f.to_frame()
    assert df.loc['2.conv', 'size_rows'] == 17 and df.loc['2.conv', 'stride_cols'] == 8
    assert len(df) == len(f) and df.index.is_unique
    g = receptive_field(nn.Sequential(nn.Conv2d(1, 1, (1, 3)), nn.Flatten()), (1, 8, 8))
    assert '1 x 3' in repr(g) and g[-1].places == () and g[-1].size == (8, 8) and g[-1].whole

def test_names_are_escaped():
    net = nn.Sequential(); net.add_module('<b>', nn.Conv2d(1, 1, 3))
    assert '&lt;b&gt;' in receptive_field(net, (1, 8, 8))._repr_html_()

# ---- refusals

class Two(nn.Module):
    def forward(self, x, y): return x + y

def at_zero(s, x): return F.grid_sample(s.conv(x), torch.zeros(1, 4, 4, 2).to(x), align_corners=False)

@pytest.mark.parametrize('model, shape, said', [
    (nn.Sequential(nn.Flatten(), nn.Linear(64, 2)), (1, 8, 8), 'no convolution.*pooling.*flatten, linear'),
    (nn.ReLU(), (1, 8, 8), 'no convolution'), (Two(), (1, 8, 8), 'needs 2 inputs'),
    (nn.LazyConv2d(2, 3), (1, 8, 8), 'lazy'),
    (nn.Sequential(nn.Conv2d(1, 1, 3), nn.Conv2d(1, 1, 7)), (1, 8, 8), 'does not run on an input of shape'),
    (nn.Conv2d(1, 1, 3), (8, 8), 'input_shape'),
    (Uses(at_zero), (2, 8, 8), "kind 'grid_sample'"),
    (Uses(lambda s,x: s.conv(x)[x > 0]), (2, 8, 8), "kind 'getitem'")])
def test_what_the_formula_refuses(model, shape, said):
    with pytest.raises(ValueError, match='^receptive_field: .*' + said): receptive_field(model, shape)

def test_what_the_formula_refuses_the_gradient_measures():
    def zoomed(s, x):
        at = F.affine_grid(torch.eye(2, 3)[None].to(x), (1, 2, 16, 16), False)
        return F.grid_sample(s.conv(x), at, align_corners=False)
    assert gradient_receptive_field(Uses(zoomed), (2, 16, 16)).size[0] in (3, 4)

@pytest.mark.parametrize('call', [input_box, gradient_receptive_field, precedents])
def test_places_and_names(call):
    net = simple_cnn()
    def refused(kind, said, *args):
        with pytest.raises(kind, match=said): call(net, (1, 28, 28), *args)
    for place in ((4, 0), (0, -1), (1,), (1., 1)):
        refused(ValueError, f"{call.__name__}: place is .*'2.conv' has 4 x 4 places", '2.conv', place)
    for place in (2, 'ab'): refused(TypeError, f'{call.__name__}: place is .*tuple', '2.conv', place)
    refused(ValueError, "no layer is named '2.cnv'; the nearest are .*'2.conv'", '2.cnv')
    refused(ValueError, 'layer is 99', 99)
    call(net, (1, 28, 28)); call(net, (1, 28, 28), -1, ())
def test_unknown_name():
    with pytest.raises(ValueError, match="no layer is named 'conv9'"):
        receptive_field(simple_cnn(), (1, 28, 28), 'conv9')

# ---- the effective field

def test_effective_field_of_one_convolution_is_its_kernel():
    net = nn.Conv2d(1, 1, 3, padding=1)
    e = effective_receptive_field(net, torch.randn(4, 1, 9, 9), None, (4, 5))
    want = torch.zeros(9, 9)
    want[3:6, 4:7] = net.weight[0, 0].detach().abs()
    torch.testing.assert_close(e.heat, want/want.sum())
    assert e.heat.sum() == pytest.approx(1)

def test_effective_field_is_the_average_over_images_and_channels():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Tanh(), nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3)).train()
    images = torch.randn(5, 2, 12, 12)
    want = 0
    for k in range(4):
        x = images.clone().requires_grad_()
        want += torch.autograd.grad(net.eval()(x)[:, k, 2, 3].sum(), x)[0].abs().sum((0, 1))
    torch.testing.assert_close(effective_receptive_field(net, images, '3', (2, 3)).heat, want/want.sum())
    assert not images.requires_grad

def test_measures_of_heat():
    heat = torch.zeros(21, 31); heat[5:14, 10:21] = 1/99
    e = EffectiveField(heat)
    assert e.center == pytest.approx((9, 15)) and e.std == pytest.approx((((81-1)/12)**.5, ((121-1)/12)**.5))
    assert e.size(1) == pytest.approx(99**.5) and e.size(.5) == pytest.approx(50**.5)
    assert e.overlap(heat) == pytest.approx(1)
    g = torch.outer(torch.exp(-(torch.arange(41)-20.)**2/18), torch.exp(-(torch.arange(51)-22.)**2/32))
    e = EffectiveField(g/g.sum())
    assert e.std == pytest.approx((3, 4), rel=1e-3) and e.overlap(e.gaussian()) > .999
    assert e.size() == pytest.approx((-2*math.log(.05)*math.pi*12)**.5, rel=.02) # 95% of a Gaussian

@pytest.mark.parametrize('images, said', [
    (torch.zeros(1, 28, 28), r'images is .*\(1, 28, 28\)'),
    (torch.zeros(2, 1, 28, 28, dtype=torch.uint8), 'uint8'),
    (torch.zeros(0, 1, 28, 28), 'images is'), (None, 'None')])
def test_images_that_are_none(images, said):
    with pytest.raises((ValueError, TypeError), match=said): effective_receptive_field(simple_cnn(), images)

def test_no_gradient_is_an_error():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU())
    nn.init.zeros_(net[0].weight); nn.init.constant_(net[0].bias, -1)
    images = torch.randn(2, 1, 8, 8)
    with pytest.raises(ValueError, match='no gradient'): effective_receptive_field(net, images)
    nn.init.constant_(net[0].weight, float('nan')); nn.init.constant_(net[0].bias, 1)
    with pytest.raises(ValueError, match='NaN'): effective_receptive_field(nn.Sequential(net[0]), images)

# ---- what the lesson says of small fields and skip connections

def pictures(n=3):
    "A 3 and a 7 side by side, and in the other order"
    from cnn_notes.data import load_mnist
    from cnn_notes.experiments.receptive import orders
    mnist = load_mnist()
    x,y = orders(mnist.valid_x[:100], mnist.valid_y[:100])
    half = len(x)//2
    assert y.tolist() == [0]*half + [1]*half and x.shape[1:] == (1, 40, 80)
    return x[:n].double()/255,x[half:half+n].double()/255

@pytest.mark.parametrize('seed', range(3))
def test_an_average_of_small_windows_knows_no_order(seed):
    from cnn_notes.experiments.receptive import local_net
    torch.manual_seed(seed)
    left,right = pictures()
    def scores(**kwargs):
        net = local_net(in_size=(40, 80), n_out=2, **kwargs).double().eval()
        return net(left),net(right)
    torch.testing.assert_close(*scores())
    for changed in (dict(average=False), dict(dilation=8)): # positions kept, or windows that see both digits
        a,b = scores(**changed)
        assert (a - b).abs().max() > 1e-4

def test_dilation_widens_the_windows_of_a_local_net():
    from cnn_notes.experiments.receptive import local_net
    for d in (1, 2, 3): assert receptive_field(local_net(d), (1, 28, 28), '6').size == (3 + 4*d,)*2
    assert local_net(2, average=False)(torch.zeros(2, 1, 28, 28)).shape == (2, 10)

def test_a_skip_connection_keeps_the_field_and_narrows_the_effective_one():
    from cnn_notes.experiments.receptive import Deep
    torch.manual_seed(0)
    plain,skip = Deep(nf=8),Deep(nf=8, skip=True)
    assert receptive_field(plain, (1, 21, 21))[-1].size == receptive_field(skip, (1, 21, 21))[-1].size == (17, 17)
    images = torch.randn(4, 1, 21, 21)
    a,b = (effective_receptive_field(net, images, channels=8) for net in (plain, skip))
    assert sum(b.std) < .9*sum(a.std)

def test_old_import_paths():
    from cnn_notes import boxes, receptive, views
    for name in receptive._all_:
        assert getattr(receptive, name) is getattr(views if hasattr(views, name) and not hasattr(boxes, name) else boxes, name)
    with pytest.raises(AttributeError, match='no attribute'): receptive.nothing

# ---- speed

def test_as_fast_as_a_summary():
    "ResNet-50 at 224 x 224: near torchinfo, which runs it once; medians of CPU time, with room for noise"
    torchinfo = pytest.importorskip('torchinfo')
    net = torchvision.models.resnet50(weights=None).eval()
    def seconds(f, *args, **kwargs):
        start = time.process_time(); f(net, *args, **kwargs)
        return time.process_time() - start
    both = [(seconds(receptive_field, (3, 224, 224)), seconds(torchinfo.summary, (1, 3, 224, 224), verbose=0))
            for _ in range(6)][1:]
    ours,theirs = (sorted(o)[2] for o in zip(*both))
    assert ours < 1.5*theirs, (ours, theirs)

@pytest.mark.parametrize('pad', [(-1, -2, -1, 0), (1, 1, -1, -1), (0, 0, 0, 0, 1, -1)])
def test_a_crop(pad):
    class Crops(nn.Module):
        def __init__(self): super().__init__(); self.a,self.b = nn.Conv2d(1, 2, 3),nn.Conv2d(2, 2, 3)
        def forward(self, x): return self.b(F.pad(self.a(x), pad))
    net = Crops()
    box = input_box(net, (1, 12, 12), 'b', (2, 2))
    left,top = pad[0] if len(pad) == 4 else 0,pad[2] if len(pad) == 4 else 0
    assert box.rows == range(2-top, 7-top) and box.cols == range(2-left, 7-left)
    assert box == gradient_receptive_field(net, (1, 12, 12), 'b', (2, 2))
    assert box == input_box(net, (1, 12, 12), 'b', (2, 2), clip=False)
