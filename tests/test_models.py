"cnn_notes.models against PyTorch: shapes, parameters, order, bias, errors, and what a model has to survive"
import copy, pickle, subprocess, sys, warnings
from functools import partial
import numpy as np, pytest, torch
import torch.nn as nn
import torch.nn.functional as F
from hypothesis import given, settings, strategies as st
import cnn_notes.experiments.first_kernel as first
import cnn_notes.experiments.models as ex
from cnn_notes.models import Flatten1x1, conv, simple_cnn

odd   = st.sampled_from([1, 3, 5, 7])
small = st.integers(1, 6)
acts  = st.sampled_from([None, nn.ReLU, nn.GELU, partial(nn.LeakyReLU, .1), lambda: nn.Sigmoid()])
norms = st.sampled_from([None, nn.BatchNorm2d, nn.InstanceNorm2d, lambda nf: nn.GroupNorm(1, nf)])

def n_params(m): return sum(p.numel() for p in m.parameters())
def batch(*shape, seed=0): return torch.randn(shape, generator=torch.Generator().manual_seed(seed))

# conv

@given(ni=small, nf=small, ks=odd, stride=st.integers(1, 4), h=st.integers(1, 20), w=st.integers(1, 20))
def test_conv_is_conv2d_then_relu(ni, nf, ks, stride, h, w):
    m, x = conv(ni, nf, ks, stride), batch(2, ni, h, w)
    want = F.conv2d(x, m.conv.weight, m.conv.bias, stride=stride, padding=ks//2).relu()
    assert torch.equal(m(x), want)
    assert m(x).shape == (2, nf, -(-h//stride), -(-w//stride)) # same padding, odd kernel: the size over the stride, rounded up

@given(ni=small, nf=small, ks=st.integers(1, 6), stride=st.integers(1, 3), padding=st.integers(0, 3), n=st.integers(6, 12))
def test_conv_with_padding_of_ones_own(ni, nf, ks, stride, padding, n):
    m, x = conv(ni, nf, ks, stride, act=None, padding=padding), batch(1, ni, n, n)
    assert torch.equal(m(x), F.conv2d(x, m.conv.weight, m.conv.bias, stride=stride, padding=padding))

@given(ni=small, nf=small, ks=odd, act=acts, norm=norms, norm_first=st.booleans(), bias=st.sampled_from([None, True, False]))
def test_conv_order_and_bias(ni, nf, ks, act, norm, norm_first, bias):
    m = conv(ni, nf, ks, act=act, norm=norm, norm_first=norm_first, bias=bias)
    names = [n for n,_ in m.named_children()]
    order = ['conv', 'norm', 'act'] if norm_first else ['conv', 'act', 'norm']
    assert names == [n for n in order if n == 'conv' or (n == 'act' and act) or (n == 'norm' and norm)]
    norm_next = len(names) > 1 and names[1] == 'norm'
    assert (m.conv.bias is not None) == (not norm_next if bias is None else bias)
    x = batch(3, ni, 8, 8)
    want = x
    for layer in [m.conv] + [getattr(m, n) for n in order[1:] if n in names]: want = layer(want)
    assert torch.equal(m(x), want)
    assert n_params(m.conv) == nf*ni*ks*ks + nf*(m.conv.bias is not None)

@pytest.mark.parametrize('norm', [nn.BatchNorm2d, partial(nn.InstanceNorm2d, affine=True)])
def test_a_bias_before_the_norm_does_nothing_and_before_act_it_does(norm):
    x = batch(16, 2, 9, 9)
    for norm_first in (True, False):
        torch.manual_seed(0)
        m = conv(2, 4, norm=norm, norm_first=norm_first, bias=True).train()
        before = m(x).detach()
        with torch.no_grad(): m.conv.bias += torch.tensor([1., -2, 3, -4])
        change = (m(x) - before).abs().max().item()
        assert change < 1e-4 if norm_first else change > .1, (norm_first, change)
        (m(x)*batch(16, 4, 5, 5, seed=1)).mean().backward() # some loss
        grad = m.conv.bias.grad.abs().max().item()
        assert grad < 1e-5 if norm_first else grad > 1e-3, (norm_first, grad)

def test_group_norm_over_several_channels_keeps_some_of_the_bias():
    "Why `bias` can be asked for: the norm takes away a group's mean, not each channel's"
    torch.manual_seed(0)
    m, x = conv(2, 4, norm=lambda nf: nn.GroupNorm(2, nf), norm_first=True, bias=True), batch(4, 2, 9, 9)
    before = m(x).detach()
    with torch.no_grad(): m.conv.bias += torch.tensor([1., -2, 3, -4])
    assert (m(x) - before).abs().max() > .1

def test_each_call_makes_its_own_layers():
    made = []
    def act(): made.append(nn.ReLU()); return made[-1]
    simple_cnn(act=act)
    assert len(made) == 4 and len({id(o) for o in made}) == 4

@pytest.mark.parametrize('kwargs, error, says', [
    (dict(ni=0, nf=4),                 ValueError, ['ni is 0', '1 or more']),
    (dict(ni=1, nf=-1),                ValueError, ['nf is -1', '1 or more']),
    (dict(ni=1, nf=4.),                TypeError,  ['nf is 4.0', 'whole number']),
    (dict(ni=1, nf=True),              TypeError,  ['nf is True']),
    (dict(ni=1, nf=4, ks=0),           ValueError, ['ks is 0']),
    (dict(ni=1, nf=4, ks=(3, 3)),      TypeError,  ['ks is (3, 3)', 'whole number']),
    (dict(ni=1, nf=4, stride=0),       ValueError, ['stride is 0']),
    (dict(ni=1, nf=4, stride=1.),      TypeError,  ['stride is 1.0']),
    (dict(ni=1, nf=4, ks=4),           ValueError, ['ks is 4', 'odd', 'padding']),
    (dict(ni=1, nf=4, padding=-1),     ValueError, ['padding is -1', '0 or more']),
    (dict(ni=1, nf=4, padding='same'), TypeError,  ["padding is 'same'", '0 or more']),
    (dict(ni=1, nf=4, bias=1),         TypeError,  ['bias is 1']),
    (dict(ni=1, nf=4, act=False),      TypeError,  ['act is False', 'None', 'nn.ReLU']),
    (dict(ni=1, nf=4, act=nn.ReLU()),  TypeError,  ['act is a ReLU module', 'class or function']),
    (dict(ni=1, nf=4, norm='batch'),   TypeError,  ["norm is 'batch'", 'class or function']),
    (dict(ni=1, nf=4, norm=nn.BatchNorm2d(4)), TypeError, ['norm is a BatchNorm2d', 'class or function']),
])
def test_conv_refuses(kwargs, error, says):
    with pytest.raises(error) as e: conv(**kwargs)
    assert str(e.value).startswith('conv: ') and all(s in str(e.value) for s in says), e.value

@pytest.mark.parametrize('kwargs, said', [(dict(act=F.relu), 'relu'), (dict(norm=nn.GroupNorm), 'num_channels'),
                                          (dict(norm=lambda nf: nf), 'not a Module')])
def test_what_a_maker_says_is_passed_on(kwargs, said):
    with pytest.raises(TypeError, match=said): conv(1, 4, **kwargs)

# simple_cnn

def test_the_ten_digit_network_is_the_chapters():
    m, x, shapes = simple_cnn(), batch(64, 1, 28, 28), []
    for layer in m:
        x = layer(x)
        shapes.append(tuple(x.shape[1:]))
    assert shapes == [(8, 14, 14), (16, 7, 7), (32, 4, 4), (64, 2, 2), (10, 1, 1), (10,)]
    assert [n_params(layer) for layer in m] == [208, 1168, 4640, 18496, 5770, 0]
    assert n_params(m) == 30282

def test_the_3_or_7_network_is_the_chapters():
    m, x, shapes = simple_cnn((4, 8, 16, 32), n_out=2, first_ks=3), batch(64, 1, 28, 28), []
    for layer in m:
        x = layer(x)
        shapes.append(tuple(x.shape[1:]))
    assert shapes == [(4, 14, 14), (8, 7, 7), (16, 4, 4), (32, 2, 2), (2, 1, 1), (2,)]
    assert [n_params(layer) for layer in m] == [40, 296, 1168, 4640, 578, 0]

@settings(max_examples=40)
@given(widths=st.lists(small, min_size=1, max_size=5), n_in=small, n_out=small, ks=odd, first_ks=odd, act=acts,
       norm=st.sampled_from([None, nn.BatchNorm2d, lambda nf: nn.GroupNorm(1, nf)]), norm_first=st.booleans(), data=st.data())
def test_simple_cnn_gives_logits_or_says_which_sizes_work(widths, n_in, n_out, ks, first_ks, act, norm, norm_first, data):
    m = simple_cnn(widths, n_in, n_out, ks, first_ks, act, norm, norm_first).eval()
    limit = 2**(len(widths)+1)
    h, w = (data.draw(st.integers(1, limit + limit//2)) for _ in range(2))
    x = batch(2, n_in, h, w)
    if max(h, w) <= limit: assert m(x).shape == (2, n_out)
    else:
        with pytest.raises(ValueError, match=f'{limit} x {limit}'): m(x)

@given(widths=st.lists(small, min_size=1, max_size=5), n_in=small, n_out=small, ks=odd, first_ks=odd)
def test_simple_cnn_parameters(widths, n_in, n_out, ks, first_ks):
    sizes = [n_in, *widths, n_out]
    want = sum(nf*(ni*k*k + 1) for ni,nf,k in zip(sizes, sizes[1:], [first_ks] + [ks]*len(widths)))
    assert n_params(simple_cnn(widths, n_in, n_out, ks, first_ks)) == want

def test_norm_everywhere_but_at_the_end():
    m = simple_cnn(norm=nn.BatchNorm2d)
    assert [[n for n,_ in b.named_children()] for b in m] == [['conv', 'act', 'norm']]*4 + [['conv'], []]
    assert all(b.conv.bias is not None for b in list(m)[:-1])
    m = simple_cnn(norm=nn.BatchNorm2d, norm_first=True)
    assert [[n for n,_ in b.named_children()] for b in m] == [['conv', 'norm', 'act']]*4 + [['conv'], []]
    assert [b.conv.bias is not None for b in list(m)[:-1]] == [False]*4 + [True]

def test_leaves_are_plain_layers_at_most_one_level_down():
    m = simple_cnn(norm=nn.BatchNorm2d)
    assert type(m) is nn.Sequential and isinstance(m[-1], nn.Flatten)
    assert all(type(b) is nn.Sequential and not any(list(l.children()) for l in b) for b in list(m)[:-1])

def test_a_batch_of_none_and_of_one():
    m = simple_cnn(norm=nn.BatchNorm2d).eval()
    assert m(torch.empty(0, 1, 28, 28)).shape == (0, 10) and m(batch(1, 1, 28, 28)).shape == (1, 10)
    assert simple_cnn(norm=nn.BatchNorm2d).train()(batch(1, 1, 28, 28)).shape == (1, 10)

def test_an_image_without_its_batch_axis_is_refused():
    with pytest.raises(ValueError, match=r'x has shape \[10, 1, 1\]; give .*\(N, C, H, W\)'): simple_cnn()(batch(1, 28, 28))

@pytest.mark.parametrize('kwargs, says', [
    (dict(widths=()),          ['widths is ()', '1 to 100']),
    (dict(widths=8),           ['widths is 8', '1 to 100']),
    (dict(widths='8'),         ["widths is '8'"]),
    (dict(widths=(8, 0)),      ['widths is (8, 0)', '1 or more']),
    (dict(widths=(8, 1.5)),    ['widths is (8, 1.5)', 'whole number']),
    (dict(widths=(8, True)),   ['widths is (8, True)', 'whole number']),
    (dict(widths=(8,)*101),    ['widths is a tuple', '1 to 100']),
    (dict(n_in=0),             ['n_in is 0']),
    (dict(n_out=0),            ['n_out is 0']),
    (dict(first_ks=4),         ['first_ks is 4', 'odd']),
    (dict(ks=2),               ['ks is 2', 'odd']),
    (dict(ks=-1),              ['ks is -1', '1 or more']),
])
def test_simple_cnn_refuses(kwargs, says):
    with pytest.raises((TypeError, ValueError)) as e: simple_cnn(**kwargs)
    assert str(e.value).startswith('simple_cnn: ') and all(s in str(e.value) for s in says), e.value

def test_widths_may_be_any_iterable():
    for widths in (np.array([8, 16, 32, 64]), torch.tensor([8, 16, 32, 64]), [8, 16, 32, 64]): assert n_params(simple_cnn(widths)) == n_params(simple_cnn())
    assert n_params(simple_cnn(2**i for i in range(3, 7))) == n_params(simple_cnn())

# what a model has to survive

models = pytest.mark.parametrize('make', [simple_cnn, partial(simple_cnn, norm=nn.BatchNorm2d, norm_first=True), partial(simple_cnn, act=lambda: nn.LeakyReLU(.1), norm=lambda nf: nn.GroupNorm(4, nf))])

@models
def test_reload_copy_and_pickle(make, tmp_path):
    m, x = make().eval(), batch(4, 1, 28, 28)
    want = m(x)
    torch.save(m.state_dict(), tmp_path/'m.pth')
    other = make().eval()
    assert not torch.equal(other(x), want)
    other.load_state_dict(torch.load(tmp_path/'m.pth', weights_only=True))
    for o in (other, copy.deepcopy(m), pickle.loads(pickle.dumps(m))):
        assert torch.equal(o(x), want)
        with pytest.raises(ValueError, match='32 x 32'): o(batch(1, 1, 64, 64))

@models
def test_script_and_export(make):
    m, x = make().eval(), batch(4, 1, 28, 28)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore') # PyTorch deprecates torch.jit
        scripted = torch.jit.script(m)
    torch.testing.assert_close(scripted(x), m(x))
    torch.testing.assert_close(torch.export.export(m, (x,)).module()(x), m(x))

def test_gradients_reach_every_parameter():
    m = simple_cnn(norm=nn.BatchNorm2d)
    F.cross_entropy(m(batch(32, 1, 28, 28)), torch.arange(32)%10).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() and p.grad.abs().sum() > 0 for p in m.parameters())

def test_flatten1x1_is_flatten():
    x = batch(3, 5, 1, 1)
    assert torch.equal(Flatten1x1(1)(x), nn.Flatten()(x)) and torch.equal(Flatten1x1(1)(x), x.view(3, 5))
    assert 'max_size=32' in repr(simple_cnn())

def test_import_does_not_bring_fastai():
    code = "import sys, cnn_notes.models; print([m for m in sys.modules if m.split('.')[0] in ('fastai', 'matplotlib') or m == 'cnn_notes.data'])"
    assert subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True).stdout.strip() == '[]'

# the experiments' networks and measures

def test_the_long_form_lacks_a_relu_and_nothing_else():
    whole,planted,x = ex.cnn37(),ex.long_form(),batch(2, 1, 28, 28)
    def relus(m): return sum(isinstance(o, nn.ReLU) for o in m.modules())
    assert (relus(whole), relus(planted)) == (4, 3) and n_params(whole) == n_params(planted) == 6722
    assert whole(x).shape == planted(x).shape == (2, 2)

@pytest.mark.parametrize('make, shape', [(ex.linear, (3, 2)), (ex.perceptron, (3, 2)), (ex.cnn37, (3, 2)), (ex.pooled, (3, 2)),
                                         (partial(ex.linear, 10), (3, 10)), (partial(ex.perceptron, 10), (3, 10)), (ex.with_norm, (3, 10))])
def test_the_networks_that_are_compared(make, shape): assert make().eval()(batch(3, 1, 28, 28)).shape == shape

def test_pooled_ignores_where_a_digit_is():
    "Moved by 4 pixels, which two strides of 2 divide, with nothing near the border: the same scores"
    net,x = ex.pooled().eval(),F.pad(batch(2, 1, 20, 20), (32, 32, 32, 32))
    torch.testing.assert_close(net(x), net(x.roll((4, -8), (2, 3))), atol=1e-5, rtol=1e-5)

@pytest.mark.parametrize('ks', [3, 5, 7])
def test_share_of_ramp(ks):
    torch.testing.assert_close(ex.ramp_share(ex.ramps(ks)), torch.ones(8))
    torch.testing.assert_close(ex.ramps(ks).flatten(1).norm(dim=1), torch.ones(8))
    assert ex.ramp_share(batch(20_000, 1, ks, ks)).mean().item() == pytest.approx(2/ks**2, rel=.03)
    assert ex.ramp_share(torch.ones(1, 1, ks, ks)).item() == pytest.approx(0, abs=1e-6)

def test_what_a_first_layer_keeps():
    x = batch(40, 1, 28, 28)
    assert first.kept(torch.eye(9).view(9, 1, 3, 3), x) == pytest.approx(1)
    one = torch.zeros(1, 1, 3, 3)
    one[0, 0, 1, 1] = 1
    assert first.kept(one, x) == pytest.approx(1/9, abs=.02) and first.rank(one) == 14*14 # noise: a pixel tells nothing of another
    assert first.kept(first.in_a_plane(8, 5), x) == pytest.approx(2/25, abs=.02)
    assert first.kept(torch.cat([one, 2*one]), x) == pytest.approx(first.kept(one, x)) and first.rank(torch.cat([one, 2*one])) == 14*14

def test_first_layers_differ_in_the_first_layer_and_what_is_frozen_stays():
    x,y = batch(16, 1, 28, 28),torch.arange(16) % 10
    for name,make in first.first_layers().items():
        torch.manual_seed(0)
        net = make().train()
        before = net[0].conv.weight.detach().clone()
        assert before.flatten(1).norm(dim=1).mean() == pytest.approx(3**-.5, rel=.25), name
        opt = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], lr=.1)
        F.cross_entropy(net(x), y).backward()
        opt.step()
        frozen = name.split()[0] in ('random', 'ramps', 'plane')
        assert torch.equal(before, net[0].conv.weight) == frozen, name
        r = torch.linalg.matrix_rank(net[0].conv.weight.flatten(1).detach(), rtol=1e-5).item()
        assert r == {'through 3': 3, 'ramps 3x3': 2, 'ramps 5x5': 2, 'plane 5x5': 2, '3x3 wide': 9, '5x5 wide': 25}.get(name, 8), name
