"Fields of networks made of everything: by table, by gradient, and by changing one pixel at a time"
import functools, io, pickle, random
import pytest, torch, torchvision
import torch.nn as nn, torch.nn.functional as F
from concurrent.futures import ThreadPoolExecutor
from hypothesis import assume, given, settings, strategies as st
from cnn_notes import boxes as boxes_module, receptive
from cnn_notes.fields import results
from cnn_notes.models import simple_cnn
from cnn_notes.receptive import (effective_receptive_field, gradient_receptive_field, input_box, precedents,
                                 receptive_field)
from cnn_notes.tracing import trace

pytestmark = pytest.mark.filterwarnings('ignore:Using padding=.same.')

# ---- the reference: which pixels change which activations?

def positive(net):
    "Weights that only average, so that nothing cancels and nothing saturates"
    for p in net.parameters():
        with torch.no_grad():
            p.copy_(torch.rand_like(p) + .5)
            if p.ndim < 2: continue
            scale = (torch.rand(len(p)) + .5).view(-1, *(1,)*(p.ndim-1))
            p /= p.sum(tuple(range(1, p.ndim)), keepdim=True)*scale
    return net.double().eval()

def separate(net, shape):
    "Does each image of a batch have a result of its own?"
    x = torch.rand(2, *shape, dtype=torch.float64)
    y = net(x.clone())
    return len(y) == 2 and torch.allclose(y, torch.cat([net(x[:1].clone()), net(x[1:].clone())]))

def sensitivity(net, shape, images=3, scales=(1.,), by=(5., -5.)):
    "(rows, columns, output's shape) bool: does the output change when a pixel does?"
    g = torch.Generator().manual_seed(0)
    n,changes = shape[1]*shape[2],0
    at = torch.eye(n, dtype=torch.float64).view(n, 1, *shape[1:])
    with torch.no_grad():
        batch = n if separate(net, shape) else 1
        def run(xs): return torch.cat([net(x.clone()) for x in xs.split(batch)])
        for k in range(images):
            x = (torch.rand(1, *shape, generator=g, dtype=torch.float64) + .5)*scales[k%len(scales)]
            y = run(x.expand(batch, *shape)) # at the same positions of a batch rounding is the same
            for change in by:
                much = change*x.mean()*(1 + torch.rand(n, shape[0], 1, 1, generator=g, dtype=torch.float64))
                changes = changes + (run(x + at*much) != y).int()
    return changes.view(*shape[1:], 1, *changes.shape[1:]) > 0

def seen(changes, place, axes=(-2, -1)):
    "The pixels that change an output's position, in any batch and channel"
    at = changes
    for axis,i in zip(axes, place): at = at.select(axis, i).unsqueeze(axis)
    return at.flatten(2).any(2)

def thorough(net, shape):
    """The same with many images, dark and bright, and changes of any size: where a network selects or decides,
    a pixel changes the result only in those images in which it can move something over a threshold"""
    return sensitivity(net, shape, 25, (.1, .3, 1, 3, 10), [s*4.**k for k in range(-1, 5) for s in (1, -1)])

def compare(net, shape, axes=(-2, -1), at_most=False):
    "All three agree, at the corners and in the middle; `at_most`: what is measured may miss pixels"
    layers = trace(positive(net), shape)
    quick,slow = (functools.cache(functools.partial(f, net, shape)) for f in (sensitivity, thorough))
    rows,cols = (layers[-1].out_shape[a] for a in axes)
    def alike(got, want, how):
        assert torch.equal(got, want), f'{how} {net}\n{layers}\n{place}:\n{got.int()}\n{want.int()}'
    for place in sorted({(0, 0), (rows//2, cols//2), (rows-1, cols-1), (rows//3, cols-1)}):
        cells,measured = input_box(layers, place=place).cells,seen(quick(), place, axes)
        if not at_most and not torch.equal(measured, cells): measured = measured | seen(slow(), place, axes)
        alike(cells | measured if at_most else measured, cells, 'measured, by table:')
        by_layer = precedents(layers, place=place).get('input', torch.zeros_like(cells))
        alike(by_layer, cells, 'layer by layer, by table:')
        alike(gradient_receptive_field(layers, place=place).cells, cells, 'by gradient, by table:')

# ---- operations

class Op(nn.Module):
    def __init__(self, name, f, *layers):
        super().__init__()
        self.name,self.f,self.layers = name,f,nn.ModuleList(layers)
    def extra_repr(self): return self.name
    def forward(self, x): return self.f(x, *self.layers)

def conv(c=2, n=None, ks=3, **kwargs): return nn.Conv2d(c, n or c, ks, **{'padding': ks//2} | kwargs)
def to_last(x): return x.permute(0, 2, 3, 1)
def to_first(x): return x.permute(0, 3, 1, 2)
def tokens(x): return x.flatten(2).transpose(1, 2)
def blocks(x, n): # (windows, tokens, channels) of windows of n x n
    b,c,h,w = x.shape
    return x.view(b, c, h//n, n, w//n, n).permute(0, 2, 4, 3, 5, 1).reshape(-1, n*n, c)
def unblocks(x, shape, n):
    b,c,h,w = shape
    return x.reshape(b, h//n, w//n, n, n, c).permute(0, 5, 1, 3, 2, 4).reshape(shape)
def even(x): return x[:, :, :x.shape[2]//2*2, :x.shape[3]//2*2]
def space_to_depth(x):
    b,c,h,w = x.shape
    return x.view(b, c, h//2, 2, w//2, 2).permute(0, 1, 3, 5, 2, 4).reshape(b, 4*c, h//2, w//2)
def attend(x, f): return f(tokens(x)).transpose(1, 2).reshape(x.shape)
def unfold_mean(x, f): return x + F.unfold(x, 3, padding=1).view(*x.shape[:2], 9, *x.shape[2:]).mean(2)
def written(x, f):
    y = torch.zeros_like(x)
    y[:, :, ::2] = f(x)[:, :, ::2]
    y[:, :1, 1] = x[:, :1, 0]
    return y
def ghost(x, f, g):
    primary = f(x)
    return torch.cat([primary, g(primary)], 1)[:, :x.shape[1]]

class Blur(nn.Module): # anti-aliased pooling
    def __init__(self, c=2):
        super().__init__()
        side = torch.tensor([1., 2., 1.])
        self.register_buffer('kernel', side.outer(side).expand(c, 1, 3, 3)/16)
    def forward(self, x):
        y = F.pad(F.max_pool2d(x, 2, 1), (1, 1, 1, 1), mode='reflect')
        return F.conv2d(y, self.kernel.to(x), stride=2, groups=x.shape[1])

modes = 'reflect', 'replicate', 'circular'
pad_layers = nn.ReflectionPad2d, nn.ReplicationPad2d, nn.CircularPad2d, nn.ZeroPad2d
resizes = [('nearest', dict(scale_factor=2)), ('nearest', dict(scale_factor=1.27)),
           ('nearest-exact', dict(scale_factor=.7)), ('bilinear', dict(scale_factor=2)),
           ('bilinear', dict(scale_factor=1.3, recompute_scale_factor=True)),
           ('bilinear', dict(size=(5, 6), align_corners=True)), ('bicubic', dict(scale_factor=1.5)),
           ('area', dict(size=(4, 3)))]
def pad_then(x, f, m): return f(F.pad(x, (2, 1, 0, 1), mode=m))
def resize(x, m, k): return F.interpolate(x, mode=m, **k)
def mixed(x, f):
    y = torch.cat([x, f(x)], 1).unflatten(1, (2, 2))
    return y.transpose(1, 2).flatten(1, 2)[:, :2]
def quarters(x): return torch.cat([even(x)[..., i::2, j::2] for i in (0, 1) for j in (0, 1)], 1)
def strips(x, f): return torch.cat(f(torch.cat(even(x).split(2, 2))).chunk(x.shape[2]//2), 2)
def rnn(x, f, g): # along each row
    b,c,h,w = x.shape
    return f(x) + g(to_last(x).reshape(b*h, w, c))[0].reshape(b, h, w, c).permute(0, 3, 1, 2)/9
def attend_itself(x, f): return attend(x, lambda t: f(t, t, t)[0])

# those that normalize are added to their input, as the mean of what they give alone is always the same
operations = { # name -> (the function, its layers); what they give and take is (N, 2, H, W)
    'conv': (lambda x, f: f(x), conv),
    'stride': (lambda x, f: f(x), lambda: conv(stride=2)),
    'dilated': (lambda x, f: f(x), lambda: conv(padding=2, dilation=2)),
    'grouped': (lambda x, f: f(x), lambda: conv(groups=2)),
    'transposed conv': (lambda x, f: f(x), lambda: nn.ConvTranspose2d(2, 2, 3, 2, 1)),
    'mode': (lambda x, f: f(x), lambda: conv(padding_mode=random.choice(modes))),
    **{f'pad {m}': (functools.partial(pad_then, m=m), lambda: conv(padding=0)) for m in ('constant', *modes)},
    'crop': (lambda x: F.pad(x, (-1, 0, 0, -1)),),
    'layer pad': (lambda x, f: f(x), lambda: random.choice(pad_layers)((1, 0, 1, 1))),
    **{f'{m} {k}': (functools.partial(resize, m=m, k=k),) for m,k in resizes},
    'max pool': (lambda x: F.max_pool2d(x, 3, 2, 1, ceil_mode=True),),
    'indices': (lambda x: F.max_pool2d(x, 2, 1, return_indices=True)[0],),
    'avg pool': (lambda x: F.avg_pool2d(x, (2, 3), 1, (1, 0)),),
    'adaptive': (lambda x: F.adaptive_max_pool2d(x, (3, 4)),),
    'gate': (lambda x: x*torch.sigmoid(x.mean((2, 3), keepdim=True)),),
    'row mean': (lambda x: x + x.mean(3, keepdim=True),),
    'instance': (lambda x: x + F.instance_norm(x),),
    'group': (lambda x, f: x + f(x), lambda: nn.GroupNorm(2, 2)),
    'batch stats': (lambda x, f: x + f(x), lambda: nn.BatchNorm2d(2, track_running_stats=False)),
    'batch norm': (lambda x, f: f(x), lambda: nn.BatchNorm2d(2)),
    'convnext': (lambda x, f, n, l: x + to_first(F.gelu(l(n(to_last(f(x)))))), lambda: conv(groups=2),
                 lambda: nn.LayerNorm(2), lambda: nn.Linear(2, 2)),
    'norm over all': (lambda x: x + F.layer_norm(x, x.shape[1:]),),
    'norm over rows': (lambda x: x + to_first(F.layer_norm(to_last(x), (x.shape[3], 2))),),
    'softmax': (lambda x: x + x.softmax(2),),
    'x/max': (lambda x: (x + 1)/x.max(),),
    'channel max': (lambda x: x - x.amax(1, keepdim=True),),
    'sort': (lambda x: x.sort(3)[0],),
    'topk': (lambda x: x.topk(2, 2)[0],),
    'median': (lambda x: x + x.median(2, keepdim=True)[0],),
    'cumsum': (lambda x: x.cumsum(2)/9,),
    'kth': (lambda x: x + x.kthvalue(1, 3, keepdim=True)[0],),
    'std': (lambda x: (x + 1)/(x.std((2, 3), keepdim=True) + 1),),
    'add': (lambda x, f: x + f(f(x)), conv),
    'shared': (lambda x, f: f(x)*f(x[:, [1, 0]]), conv),
    'cat': (lambda x, f, g: g(torch.cat([f(x), x], 1)), conv, lambda: conv(4, 2, 1)),
    'channel slice': (lambda x, f: torch.cat([x, f(x)], 1)[:, 1:3], conv),
    'chunk': (lambda x, f: torch.cat(torch.cat([x, f(x)], 1).chunk(4, 1)[1:3], 1), conv),
    'shuffle': (lambda x, f: F.channel_shuffle(torch.cat([x, f(x)], 1), 2)[:, :2], conv),
    'view shuffle': (mixed, conv),
    'ghost': (ghost, lambda: conv(2, 1, 1), lambda: conv(1, 1)),
    'stack': (lambda x, f: torch.stack([x, f(x)], 1).mean(1), conv),
    'rows again': (lambda x, f: torch.cat([x, f(x)], 2), conv),
    'columns again': (lambda x: torch.cat([x, x.flip(3)], 3),),
    'stacked again': (lambda x, f: torch.stack([x, f(x)], 2).flatten(2, 3), conv),
    'rows apart': (lambda x, f: f(torch.stack([*reversed(x.unbind(2))], 2)), conv),
    'strips': (strips, conv),
    'roll': (lambda x: x.roll((1, -2), (2, 3)),),
    'flip': (lambda x: x.flip(2),),
    'every other': (lambda x: x[:, :, ::2, 1:],),
    'repeat': (lambda x: x.repeat(1, 1, 1, 2),),
    'interleave': (lambda x: x.repeat_interleave(2, 2),),
    'pixel shuffle': (lambda x, f: F.pixel_shuffle(f(x), 2), lambda: conv(2, 8)),
    'unshuffle': (lambda x, f: f(F.pixel_unshuffle(even(x), 2)), lambda: conv(8, 2)),
    'space to depth': (lambda x, f: f(space_to_depth(even(x))), lambda: conv(8, 2)),
    'focus': (lambda x, f: f(quarters(x)), lambda: conv(8, 2)),
    'unfold': (unfold_mean, conv),
    'fold': (lambda x: F.fold(F.unfold(x, 3, stride=2, padding=1), x.shape[2:], 3, stride=2, padding=1),),
    'windows': (lambda x, f: even(x) + unblocks(F.softmax(blocks(even(x), 2), 1), even(x).shape, 2), conv),
    'attention': (attend_itself, lambda: nn.MultiheadAttention(2, 1, batch_first=True)),
    'dot product': (lambda x: attend(x, lambda t: F.scaled_dot_product_attention(t, t, t)),),
    'matmul': (lambda x, f: f(x)/9 @ x.mT, conv),
    'linear': (lambda x, f: to_first(f(to_last(x))), lambda: nn.Linear(2, 2)),
    'rows of a GRU': (rnn, conv, lambda: nn.GRU(2, 1, batch_first=True, bidirectional=True)),
    'steps of an LSTM': (rnn, conv, lambda: nn.LSTM(2, 2, 2, batch_first=True)),
    'einsum': (lambda x: torch.einsum('nchw,dc->ndhw', x, torch.tensor([[1, .5], [.2, 1]], dtype=x.dtype)),),
    'blur': (lambda x, f: f(x), Blur),
    'written': (written, conv),
    'in place': (lambda x, f: f(x).relu_().mul_(2).add_(x), conv),
    'lrn': (lambda x: F.local_response_norm(x, 3),),
}
decides = { # a pixel changes the result only if it moves something over a threshold
    'where': (lambda x, f: torch.where(f(x) > 1, x, x/2), conv),
    'mask': (lambda x, f: x*(f(x) > x.mean(2, keepdim=True)).float(), conv),
    'filled': (lambda x, f: x.masked_fill(~(f(x) < 1), 0.), conv),
    'argmax': (lambda x: x + x.argmax(3, keepdim=True),),
    'rounded': (lambda x, f: f(x).round() + x.sign(), conv)}
changes_axes = { # rows become columns
    'unbound': (lambda x: torch.stack(x.unbind(2), 3),),
    'turned': (lambda x, f: f(x).mT, conv), 'transposed': (lambda x: x.transpose(2, 3),),
    'moved': (lambda x, f: f(x.movedim(3, 2)), conv)}

def operation(name):
    f,*layers = (operations | decides | changes_axes)[name]
    return Op(name, f, *(make() for make in layers))

def start(names): # two channels with different fields
    return nn.Sequential(nn.Conv2d(1, 2, 1), *(operation(n) for n in names))

@pytest.mark.parametrize('name', operations)
def test_each_operation(name): compare(nn.Sequential(start(['conv', name]), conv()), (1, 6, 8))

@pytest.mark.parametrize('name', decides)
def test_decisions(name): compare(nn.Sequential(start(['conv', name]), conv()), (1, 6, 8))

@pytest.mark.parametrize('name', changes_axes)
def test_rows_become_columns(name): compare(start(['stride', name, 'conv']), (1, 6, 9), axes=(-1, -2))

def networks(n): return st.lists(st.sampled_from(sorted(operations | decides)), min_size=2, max_size=n)

def check_network(names, h, w):
    torch.manual_seed(0); random.seed(0)
    net = start(names)
    try: layers = trace(net, (1, h, w))
    except ValueError: assume(False) # too small an image for this network
    assume(all(0 < o <= 24 for l in layers for o in l.out_shape[2:] if len(l.out_shape) == 4))
    closing = {'rows of a GRU', 'steps of an LSTM'} # what a gate lets through may not pass a maximum after it
    compare(net, (1, h, w), at_most=bool((decides.keys() | closing) & set(names))) # few images meet all thresholds
    if any(n in ('mode', 'layer pad', 'blur') or n.startswith('pad') for n in names): return # mirrored pixels
    for place in ((0, 0), tuple(n-1 for n in receptive_field(layers, layer=-1).places or (1, 1))):
        exact,formula = (input_box(layers, place=place, clip=clip) for clip in (True, False))
        assert {*exact.rows} <= {*formula.rows} and {*exact.cols} <= {*formula.cols}

@pytest.mark.parametrize('equation', ['...ij,...kj->...ik', 'ncij,nckj->ncik'])
def test_an_einsum_of_two_maps_is_refused(equation):
    class Net(nn.Module):
        def __init__(self): super().__init__(); self.conv = nn.Conv2d(1, 2, 3, padding=1)
        def forward(self, x): return torch.einsum(equation, self.conv(x), self.conv(2*x))
    with pytest.raises(ValueError, match='einsum'): receptive_field(Net(), (1, 5, 5), layer='einsum')

@settings(max_examples=15) # each takes 1.5 s; many more in the test below
@given(networks(4), st.integers(5, 7), st.integers(5, 7))
def test_random_networks(names, h, w): check_network(names, h, w)

@pytest.mark.nightly
@settings(max_examples=600)
@given(networks(6), st.integers(5, 8), st.integers(5, 8))
def test_many_random_networks(names, h, w): check_network(names, h, w)

@pytest.mark.parametrize('names', [['rows again', 'channel slice'], ['stacked again', 'cat'],
    ['columns again', 'rows again', 'ghost'], ['rows apart', 'rows again', 'add'],
    ['strips', 'conv', 'channel slice']])
def test_rows_joined_to_themselves_and_then_to_another_branch(names): compare(start(names), (1, 5, 5))

# ---- what is refused, and what is not hidden

class Uses(nn.Module):
    def __init__(self, f, *layers):
        super().__init__()
        self.f,self.layers = f,nn.ModuleList([nn.Conv2d(2, 2, 3, padding=1), *layers])
    def forward(self, x): return self.f(x, *self.layers)

class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x): return x*2
    @staticmethod
    def backward(ctx, g): return g*0

def without_gradient(x, f):
    with torch.no_grad(): return f(x).relu_() + 1

@pytest.mark.parametrize('f', [without_gradient, lambda x, f: Doubled.apply(f(x)) + x,
    lambda x, f: torch.utils.checkpoint.checkpoint(f, x, use_reentrant=True), lambda x, f: f(f(x).detach())])
def test_what_passes_no_gradient_in_the_model_does_for_the_wiring(f):
    net = Uses(f)
    for place in ((0, 0), (4, 5)):
        a,b = (g(net, (2, 9, 9), place=place).cells for g in (input_box, gradient_receptive_field))
        assert torch.equal(a, b) and a.any()

def moved_by_itself(x, f, g, d): return d(f(x), g(x))
def spatial_transformer(x, f):
    at = F.affine_grid(torch.eye(2, 3)[None].to(x)*x.mean(), x.shape, False)
    return F.grid_sample(f(x), at, align_corners=False)
def through_numpy(x, f): return f(x) + torch.as_tensor(x.detach().cpu().numpy()).mean()
def through_python(x, f): return f(x)/x.max().item()
def as_lists(x, f): return f(x) + torch.tensor(x.tolist()).to(x).mean()
def as_index(x, f): return f(x).roll(int(x.argmax()), -1)
def pickled(x, f): return f(x) + pickle.loads(pickle.dumps(x.detach())).mean()
def from_storage(x, f): return f(x) + x.new_empty(0).set_(x.untyped_storage(), 0, x.shape, x.stride()).mean()
def saved(x, f):
    file = io.BytesIO()
    torch.save(x.detach(), file)
    file.seek(0)
    return f(x) + torch.load(file, weights_only=True).mean()

@pytest.mark.parametrize('f, layers, said', [
    (moved_by_itself, [nn.Conv2d(2, 18, 3, padding=1), torchvision.ops.DeformConv2d(2, 2, 3, padding=1)],
     'where it looks depends on the values of the image'),
    (spatial_transformer, [], 'where it looks depends on the values of the image'),
    *((f, [], 'leave PyTorch') for f in (through_numpy, through_python, as_lists, as_index,
                                          pickled, saved, from_storage))])
def test_what_nobody_can_say_is_refused(f, layers, said):
    net = Uses(f, *layers).eval()
    for g in (receptive_field, input_box, precedents, gradient_receptive_field):
        with pytest.raises(ValueError, match=f'^{g.__name__}: in layer .*{said}'): g(net, (2, 9, 9))
    assert receptive_field(net, (2, 9, 9), 'layers.0').size == (3, 3), 'but not what comes before'

def buffered(x, f):
    raw = bytearray(f(x).detach().numpy().tobytes())
    return f(torch.frombuffer(raw, dtype=torch.float32).view(1, 2, 9, 9))

def test_whether_the_last_layer_sees_the_image_is_not_known_after_its_values_left():
    net = Uses(buffered)
    for g in (input_box, precedents, gradient_receptive_field):
        with pytest.raises(ValueError, match="'numpy'.* leave PyTorch, and whether 'layers.0"):
            g(net, (2, 9, 9))
    assert input_box(net, (2, 9, 9), 'layers.0').cells.sum() == 9
    def read(x, f, linear): return linear(torch.tensor(f(x).flatten(1).tolist()))
    with pytest.raises(ValueError, match="leave PyTorch, and whether 'layers.1"):
        input_box(Uses(read, nn.Linear(162, 3)), (2, 9, 9))

def branches(x, f): return torch.cond(x.sum() >= 0, f, lambda x: x + 0, (x,))
def indexed(x, f): return f(x)[..., x.argmax()%2:]
def set_to(x, f): return f(torch.empty_like(x).set_(f(x)))
def behind_its_back(x, f):
    y = f(x)
    y.data = f(y).data
    return y

old = pytest.mark.skipif(torch.__version__.startswith('2.4.'), reason='PyTorch 2.4: cond runs when compiled only')
@pytest.mark.parametrize('f, said', [pytest.param(branches, "convolves inside 'cond'", marks=old), (indexed, 'does not run on this image with gradients'),
    (set_to, 'no gradient comes back'), (behind_its_back, 'no gradient follows')])
def test_what_has_no_gradient_is_refused_in_one_form(f, said):
    with pytest.raises(ValueError, match=f'^gradient_receptive_field: .*{said}'):
        gradient_receptive_field(Uses(f), (2, 9, 9))

def seen_by(f, *layers):
    net = Uses(f, *layers).eval()
    return {g(net, (2, 9, 9), place=(4, 4)).cells.sum().item() for g in (input_box, gradient_receptive_field)}

@pytest.mark.parametrize('f', [lambda x, f: f(x) + x.std(1), lambda x, f: f(x) + torch.var(x, 1),
    lambda x, f: f(x) + torch.std_mean(x, 1)[1], lambda x, f: f(x) + x.std(1).unsqueeze(1)])
def test_an_axis_given_by_position_is_an_axis(f): assert seen_by(f) == {9}

@pytest.mark.filterwarnings('ignore:To copy construct')
@pytest.mark.parametrize('f', [lambda x, f: f(x) + x.new_full(x.shape, x.max()),
    lambda x, f: f(x) + torch.full_like(x, x.max()), lambda x, f: f(x) + x.new_tensor(x.mean())])
def test_what_a_tensor_is_filled_with_counts(f): assert input_box(Uses(f), (2, 9, 9)).cells.all()

@pytest.mark.parametrize('f', [lambda x, f: f(x)/(1 + x[x > .9].numel()), lambda x, f: f(x)/(1 + len((x > .9).nonzero())),
    lambda x, f: f(x)/(1 + x[x > .9].float().shape[0]), lambda x, f: f(x)*(1 + x.round().unique().size(0)),
    lambda x, f: f(x)*x[0, 0, 0].repeat_interleave((x[0, 0, 0] + 1).round().long()).numel(),
    lambda x, f: f(x)*sum(1 for _ in x.nonzero()), lambda x, f: f(x)*len(x[x > .5].split(1)),
    lambda x, f: f(x)*x[x > .5].nbytes, lambda x, f: f(x)*len(torch.bincount(x.round().long().flatten()))])
def test_how_many_were_selected_depends_on_the_image(f):
    for g in (input_box, precedents, gradient_receptive_field):
        with pytest.raises(ValueError, match=f'^{g.__name__}: .*leave PyTorch'): g(Uses(f), (2, 9, 9))

def strided_copy(x, f): return f(x) + torch.empty_strided(x.shape, x.stride(), device=x.device).copy_(x)
def hooked(x, f):
    handle = f.register_full_backward_hook(lambda *args: None)
    y = f(x)
    handle.remove()
    return y
def picked(x, f): return f(x)*x[:, 0, torch.arange(3)].shape[2]
def masked_by_a_constant(x, f): return f(x)*x[:, 0, torch.arange(9) > 2].shape[1]
@pytest.mark.parametrize('f', [strided_copy, hooked, picked, masked_by_a_constant])
def test_what_only_looks_like_leaving_is_seen(f): assert seen_by(f) == {9}

def written_over(x, f): return f(x).copy_(x*2)
def given_out(x, f):
    y = f(x)
    torch.mul(x, 2, out=y)
    return y
@pytest.mark.parametrize('f', [written_over, given_out])
def test_what_is_written_over_is_not_seen(f): assert input_box(Uses(f), (2, 9, 9), place=(4, 4)).cells.sum() == 1

def test_the_last_layer_is_what_the_model_returns_though_a_view_of_it_was_written():
    def write(x, f):
        y = f(x)
        y[:, :, 1:].add_(x[:, :, :-1])
        return y
    layers = trace(Uses(write), (2, 9, 9))
    assert layers[-1].out_shape == (1, 2, 9, 9) and input_box(layers, place=(4, 4)).rows == range(3, 6)

def test_the_weights_of_an_attention_are_refused_in_one_form():
    def weighted(x, f, attention):
        tokens = f(x).flatten(2).mT
        return attention(tokens, tokens, tokens)[1] @ tokens
    with pytest.raises(ValueError, match='^input_box: '):
        input_box(Uses(weighted, nn.MultiheadAttention(2, 1, batch_first=True)), (2, 9, 9))

def test_errors_of_the_model_carry_the_name_of_the_function():
    def refuses(x, f):
        if x.requires_grad: raise ValueError('no training here')
        return f(x)
    images = torch.rand(1, 2, 9, 9)
    for g,args in ((gradient_receptive_field, [(2, 9, 9)]), (effective_receptive_field, [images])):
        with pytest.raises(ValueError, match=f'^{g.__name__}: .*no training here'): g(Uses(refuses), *args)
    with pytest.raises(ValueError, match='^effective_receptive_field: no gradient comes back'):
        effective_receptive_field(Uses(set_to), images)
    flat = nn.Sequential(nn.Conv2d(2, 2, 3), nn.Flatten(), nn.BatchNorm2d(2))
    with pytest.raises(ValueError, match='^trace: Sequential does not run .*expected 4D input'): trace(flat, (2, 9, 9))

def test_offsets_that_are_fixed_are_measured():
    def at_zero(x, f, d): return d(x, x.new_zeros(1, 18, 9, 9))
    net = Uses(at_zero, torchvision.ops.DeformConv2d(2, 2, 3, padding=1))
    with pytest.raises(ValueError, match='gradient_receptive_field measures it'): input_box(net, (2, 9, 9))
    assert gradient_receptive_field(net, (2, 9, 9), place=(4, 4)).cells.sum() == 9

torch.library.define('cnn_notes_tests::twice', '(Tensor x) -> Tensor')
@torch.library.impl('cnn_notes_tests::twice', 'CompositeExplicitAutograd')
def twice(x): return x*2

def test_what_the_gradient_cannot_measure_is_refused():
    for f in (lambda x, f: f(x) + torch.ops.cnn_notes_tests.twice(x),
              lambda x, f: f(x) + torch.bucketize(x, x.new_ones(1))):
        with pytest.raises(ValueError, match='^gradient_rec.*: (twice|bucketize) .* pass no gradient on'):
            gradient_receptive_field(Uses(f), (2, 9, 9))
    def there_and_back(x, f): return torch.fft.irfft2(torch.fft.rfft2(f(x)))
    assert gradient_receptive_field(Uses(there_and_back), (2, 8, 8)).cells.all(), 'nothing cancels'

def test_a_convolution_that_is_not_fed_by_the_image():
    with pytest.raises(ValueError, match="'layers.0' is not fed by the image as far as can be seen"):
        receptive_field(Uses(lambda x, f: f(torch.tensor(x.tolist()))), (2, 9, 9))

# no mode can step in for `as_subclass` (the last layer of fastai's U-Net), and 2.4 refuses it for what a mode for operations gave it
old_subclass = pytest.mark.skipif(torch.__version__.startswith('2.4.'), reason='PyTorch 2.4: as_subclass fails where operations are recorded')

class Marked(torch.Tensor): "A tensor of one's own class"
def in_another_thread(x, f):
    with ThreadPoolExecutor(1) as pool: return next(pool.map(f, [x]))

@pytest.mark.parametrize('door', [pytest.param(lambda x, f: f(x.as_subclass(Marked)), marks=old_subclass), lambda x, f: f(nn.Parameter(x)),
                                  lambda x, f: torch.func.functionalize(f)(x)])
def test_a_branch_behind_a_door_is_followed(door):
    "Were the branch lost, the sum would see one pixel"
    net = Uses(lambda x, f: F.relu(door(x, f)) + x)
    for place in ((0, 0), (4, 5)):
        a,b = (g(net, (2, 9, 9), place=place).cells for g in (input_box, gradient_receptive_field))
        assert torch.equal(a, b) and a.sum() == (4 if place == (0, 0) else 9)

@pytest.mark.parametrize('door, said', [(lambda x, f: torch.vmap(lambda t: f(t[None])[0])(x), 'hidden_view'), (in_another_thread, 'another thread'),
    (lambda x, f: in_another_thread(x, lambda y: F.avg_pool2d(y, 3, 1, 1)), 'out of sight')])
def test_a_branch_behind_a_door_that_hides_what_it_does_is_refused(door, said):
    with pytest.raises(ValueError, match=f'receptive_field: .*{said}'): receptive_field(Uses(lambda x, f: door(x, f) + f(x)), (2, 9, 9), 'add')

@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions(dtype):
    net = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2),
                        *[nn.Conv2d(2, 2, 3, padding=1) for _ in range(9)]).to(dtype)
    a,b = (g(net, (1, 60, 60), place=(15, 15)).cells for g in (input_box, gradient_receptive_field))
    assert torch.equal(a, b) and a.sum() == 40*40

def unet():
    from fastai.vision.models.unet import DynamicUnet
    def block(ni, nf): return nn.Sequential(nn.Conv2d(ni, nf, 3, 2, 1), nn.BatchNorm2d(nf), nn.ReLU())
    body = [block(1, 8), block(8, 16), block(16, 32)]
    return DynamicUnet(nn.Sequential(*body), 2, (24, 24), blur=True, self_attention=True)
def outputs(f): return lambda: Uses(lambda x, c: f(c(x), x))
several = {'dict': outputs(lambda y, x: {'out': y, 'more': [x*2]}), 'tuple': outputs(lambda y, x: (x, y)),
    'categorical': outputs(lambda y, x: torch.distributions.Categorical(logits=y.flatten(1))), 'unet': unet}

@pytest.mark.parametrize('name', [pytest.param(o, marks=old_subclass) if o == 'unet' else o for o in several])
def test_models_with_several_outputs_or_memories(name):
    net,shape = several[name]().eval(),(1, 24, 24) if name == 'unet' else (2, 8, 8)
    layers,x = trace(net, shape),torch.rand(1, *shape)
    conv = [l for l in layers if l.kind == 'conv'][-1]
    a,b = (g(layers, layer=conv.index).cells for g in (input_box, gradient_receptive_field))
    assert torch.equal(a, b) and a.any()
    net(x) # still runs

# ---- on the reader's own model

def test_results_are_those_of_the_layers_asked_for():
    net,x = simple_cnn((4, 4)).eval(),torch.randn(2, 1, 8, 8)
    layers,expected = [net[0].conv, net[0].act, net[1].conv, net[1].act, net[2].conv],[x]
    with torch.no_grad():
        for layer in layers: expected.append(layer(expected[-1]))
    got = results(net, x, range(5))
    assert list(got) == [0, 1, 2, 3, 4]
    for a,b in zip(got.values(), expected[1:], strict=True): torch.testing.assert_close(a, b)

@pytest.mark.parametrize('layers', [
    [nn.Conv2d(1, 2, 3, 2), nn.Conv2d(2, 1, 3, 2)], [nn.Conv2d(1, 2, 3, 2, 1), nn.Upsample(scale_factor=2), nn.Conv2d(2, 2, 3)],
    [nn.Conv2d(1, 2, 5, 2), nn.ReLU(), nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 3)]])
def test_a_huge_image_is_known_from_smaller_ones(layers, monkeypatch):
    for shape in ((1, 5003, 4999), (1, 28, 5003), (1, 7000, 700)):
        followed = receptive_field(nn.Sequential(*layers), shape)
        boxes = [receptive.input_box(nn.Sequential(*layers), shape, '0', (11, 300), clip=False) for _ in '1' if shape[1] > 28]
        with monkeypatch.context() as m:
            m.setattr(boxes_module, '_longest', 2600)
            assert list(receptive_field(nn.Sequential(*layers), shape)) == list(followed)
            assert boxes == [receptive.input_box(nn.Sequential(*layers), shape, '0', (11, 300), clip=False) for _ in boxes]

def test_a_huge_image_that_follows_no_rule_is_refused():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.AdaptiveAvgPool2d(7))
    with pytest.raises(ValueError, match=r"receptive_field: what layer '1' sees follows no rule .*; give up to 131072 x 131072"):
        receptive_field(net, (1, 10**6 + 1, 10**6 + 1))
