"`BatchNorm2d` and its relatives against PyTorch's"
import io, re, subprocess, sys
import numpy as np, pytest, torch, torch.nn.functional as F
import torch.nn as nn
from hypothesis import given, settings, strategies as st
from torch.testing import assert_close
from cnn_notes.models import conv, simple_cnn
from cnn_notes.norm import BatchNorm2d, batch_norm, group_norm, instance_norm, layer_norm, standardize

shapes   = st.tuples(st.integers(2, 5), st.integers(1, 4), st.integers(1, 5), st.integers(1, 5))
settings_of = st.fixed_dictionaries(dict(eps=st.sampled_from([1e-5, 1e-3, .1]), momentum=st.sampled_from([0., .01, .1, .5, 1.])))
dtypes   = st.sampled_from([torch.float32, torch.float64])
seeds    = st.integers(0, 10_000)

def pair(nf, dtype=torch.float32, **kwargs):
    "Ours and PyTorch's with the same random parameters"
    ours,theirs = BatchNorm2d(nf, **kwargs).to(dtype),nn.BatchNorm2d(nf, **kwargs).to(dtype)
    for p,q in zip(ours.parameters(), theirs.parameters()):
        with torch.no_grad(): q.copy_(p.copy_(torch.randn(nf)))
    return ours,theirs

def batch(shape, dtype): return (torch.randn(shape, dtype=torch.float64)*torch.rand(shape[1], 1, 1).add(.1)*4 + torch.randn(shape[1], 1, 1)*3).to(dtype)
def tol(dtype): return dict(rtol=1e-9, atol=1e-9) if dtype == torch.float64 else dict(rtol=2e-4, atol=2e-4)

def same(ours, theirs, x, dtype, **kwargs):
    "Values and gradients of both for `x`"
    weights,(a,b) = torch.randn_like(x),(x.clone().requires_grad_() for _ in range(2))
    ya,yb = ours(a),theirs(b)
    assert ya.dtype == yb.dtype and ya.shape == yb.shape
    assert_close(ya, yb, **tol(dtype))
    for y in (ya, yb): (y*weights).sum().backward()
    for p,q in zip([a, *ours.parameters()], [b, *theirs.parameters()]):
        assert_close(p.grad, q.grad, rtol=tol(dtype)['rtol'], atol=tol(dtype)['atol']*max(1., q.grad.abs().max().item()))

@settings(max_examples=150, deadline=None)
@given(shapes, settings_of, dtypes, seeds, st.lists(st.booleans(), min_size=1, max_size=6))
def test_values_gradients_and_buffers_after_several_steps(shape, kwargs, dtype, seed, modes):
    torch.manual_seed(seed)
    ours,theirs = pair(shape[1], dtype, **kwargs)
    for training in modes:
        ours.train(training); theirs.train(training)
        ours.zero_grad(); theirs.zero_grad()
        same(ours, theirs, batch(shape, dtype), dtype)
        assert ours.state_dict().keys() == theirs.state_dict().keys()
        for k,v in theirs.state_dict().items():
            assert ours.state_dict()[k].dtype == v.dtype and ours.state_dict()[k].shape == v.shape
            assert_close(ours.state_dict()[k], v, **tol(dtype))

@settings(max_examples=50, deadline=None)
@given(shapes, settings_of, dtypes, seeds, st.booleans())
def test_state_dicts_fit_both_ways(shape, kwargs, dtype, seed, ours_first):
    torch.manual_seed(seed)
    make = lambda cls: cls(shape[1], **kwargs).to(dtype)
    one,other = [make(cls) for cls in ((BatchNorm2d, nn.BatchNorm2d) if ours_first else (nn.BatchNorm2d, BatchNorm2d))]
    for p in one.parameters(): nn.init.normal_(p)
    for _ in range(3): one(batch(shape, dtype))
    f = io.BytesIO(); torch.save(one.state_dict(), f); f.seek(0)
    other.load_state_dict(torch.load(f, weights_only=True))
    x = batch(shape, dtype)
    for _ in range(2): assert_close(one(x), other(x), **tol(dtype)) # training, on from the loaded buffers
    assert_close(one.eval()(x), other.eval()(x), **tol(dtype))

def test_the_seven_lines_of_arithmetic_by_hand():
    "Two images of one pixel: 1 and 3"
    bn = BatchNorm2d(1, eps=0, momentum=.25)
    assert bn(torch.tensor([1., 3.]).view(2, 1, 1, 1)).flatten().tolist() == [-1, 1]
    assert bn.running_mean.item() == .5  # .75*0 + .25*2
    assert bn.running_var.item() == 1.25 # .75*1 + .25*2: unbiased; the biased one is 1
    assert bn.num_batches_tracked.item() == 1
    y = bn.eval()(torch.tensor(.5).view(1, 1, 1, 1))
    assert y.item() == 0

def test_second_derivative():
    torch.manual_seed(0)
    bn = BatchNorm2d(2).double()
    assert torch.autograd.gradcheck(bn, (torch.randn(2, 2, 2, 3, dtype=torch.double, requires_grad=True),))
    assert torch.autograd.gradgradcheck(bn, (torch.randn(2, 2, 2, 3, dtype=torch.double, requires_grad=True),))

@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
@pytest.mark.parametrize('cast', [True, False])
def test_half_precision(dtype, cast):
    torch.manual_seed(0)
    ours,theirs = pair(3, dtype if cast else torch.float32)
    for training in (True, True, False):
        ours.train(training); theirs.train(training)
        x = (torch.randn(8, 3, 5, 5)*3 + 20).to(dtype)
        assert ours(x).dtype == theirs(x).dtype == dtype
        assert_close(ours(x), theirs(x), rtol=5e-2, atol=8e-2 if dtype == torch.bfloat16 else 2e-2)
        for k,v in theirs.state_dict().items(): assert_close(ours.state_dict()[k], v, rtol=2e-2, atol=2e-2)

def test_any_memory_order_and_no_graph_in_the_buffers():
    torch.manual_seed(0)
    ours,theirs = pair(4)
    x = torch.randn(3, 4, 5, 6)
    for y in (x.to(memory_format=torch.channels_last), x.transpose(2, 3), x[:, :, ::2], x[::2]): assert_close(ours(y), theirs(y), rtol=1e-4, atol=1e-5)
    ours(x.requires_grad_())
    assert not ours.running_mean.requires_grad and not ours.running_var.requires_grad
    before = ours.running_mean.clone(); x.detach().add_(100)
    assert torch.equal(ours.running_mean, before)

def test_parameters_and_buffers():
    ours,theirs = BatchNorm2d(3),nn.BatchNorm2d(3)
    names = lambda m: ([n for n,_ in m.named_parameters()], [n for n,_ in m.named_buffers()])
    assert names(ours) == names(theirs)
    for k,v in theirs.state_dict().items(): assert torch.equal(ours.state_dict()[k], v)
    assert repr(BatchNorm2d(3, momentum=.2)) == 'BatchNorm2d(3, eps=1e-05, momentum=0.2)'

@pytest.mark.parametrize('shape', [(), (3,), (2, 3), (3, 4, 4), (2, 3, 4, 4, 4)])
def test_wrong_rank(shape):
    with pytest.raises(ValueError, match=rf'^BatchNorm2d: x is .* of shape {re.escape(str(shape))}; give .*\(n, c, h, w\)'): BatchNorm2d(3)(torch.zeros(shape))

@pytest.mark.parametrize('training', [True, False])
def test_wrong_channels(training):
    with pytest.raises(ValueError, match='^BatchNorm2d: x has 4 channels; give 3'): BatchNorm2d(3).train(training)(torch.zeros(2, 4, 5, 5))

def test_one_value_per_channel():
    x = torch.randn(1, 3, 1, 1)
    ours,theirs = BatchNorm2d(3),nn.BatchNorm2d(3)
    with pytest.raises(ValueError): theirs(x)
    with pytest.raises(ValueError, match='^BatchNorm2d: x has 1 value per channel; give '): ours(x)
    assert ours.num_batches_tracked == 0 and torch.equal(ours.running_var, torch.ones(3)) # nothing was counted
    assert_close(ours.eval()(x), theirs.eval()(x))

def test_no_images():
    for shape in ((0, 3, 4, 4), (2, 3, 0, 4)):
        with pytest.raises(ValueError, match='0 value'): BatchNorm2d(3)(torch.zeros(shape)) # PyTorch lets it pass
        assert BatchNorm2d(3).eval()(torch.zeros(shape)).shape == shape

@pytest.mark.parametrize('dtype', [torch.uint8, torch.int64, torch.bool, torch.complex64])
def test_not_floating(dtype):
    with pytest.raises(TypeError, match=f'^BatchNorm2d: x is .*{str(dtype)[6:]} tensor .*; give a floating-point'): BatchNorm2d(3)(torch.zeros(2, 3, 4, 4, dtype=dtype))

def test_another_precision_than_the_layers_keeps_its_own():
    x = torch.randn(2, 3, 4, 4).double()
    for training in (True, False):
        want = nn.BatchNorm2d(3).double().train(training)(x)
        assert_close(BatchNorm2d(3).train(training)(x), want)
        assert_close(BatchNorm2d(3).double().train(training)(x.float()), want.float())

@pytest.mark.parametrize('nf', [0, -1, 2.5, '3', None, True])
def test_nf(nf):
    with pytest.raises((TypeError, ValueError), match='^BatchNorm2d: nf is .*; give '): BatchNorm2d(nf)
@pytest.mark.parametrize('nf', [np.int64(4), np.array(4), torch.tensor(4)])
def test_every_whole_number_is_taken(nf): assert BatchNorm2d(nf).weight.shape == (4,)
@pytest.mark.parametrize('momentum', [-.1, 1.1, float('nan')])
def test_momentum(momentum):
    with pytest.raises(ValueError, match='momentum is'): BatchNorm2d(3, momentum=momentum)

def test_nan_is_passed_on():
    x = torch.randn(2, 3, 4, 4); x[0, 1, 0, 0] = float('nan')
    y = BatchNorm2d(3)(x)
    assert y[:, 1].isnan().all() and not y[:, [0, 2]].isnan().any()

images = st.tuples(st.integers(1, 5), st.sampled_from([1, 2, 3, 4, 6, 8, 12]), st.integers(1, 5), st.integers(2, 5))

@settings(max_examples=100, deadline=None)
@given(images, dtypes, seeds, st.data())
def test_the_relatives_are_pytorchs(shape, dtype, seed, data):
    torch.manual_seed(seed)
    x,c = batch(shape, dtype),shape[1]
    g = data.draw(st.sampled_from([o for o in range(1, c+1) if c%o == 0]))
    assert_close(batch_norm(x),    F.batch_norm(x, None, None, training=True), **tol(dtype))
    assert_close(layer_norm(x),    F.layer_norm(x, shape[1:]), **tol(dtype))
    assert_close(instance_norm(x), F.instance_norm(x), **tol(dtype))
    assert_close(group_norm(x, g), F.group_norm(x, g), **tol(dtype))
    assert_close(group_norm(x, 1), layer_norm(x), **tol(dtype))
    assert_close(group_norm(x, c), instance_norm(x), **tol(dtype))

@settings(max_examples=50, deadline=None)
@given(images, seeds)
def test_only_batch_norm_mixes_images(shape, seed):
    torch.manual_seed(seed)
    x = batch(shape, torch.float64)
    other = x.clone(); other[1:] += torch.randn_like(x[1:])*10
    for f in (layer_norm, instance_norm, lambda x: group_norm(x, x.shape[1])): assert torch.equal(f(x)[0], f(other)[0])
    if len(x) > 1: assert not torch.allclose(batch_norm(x)[0], batch_norm(other)[0])

@settings(max_examples=50, deadline=None)
@given(images, st.tuples(st.floats(.1, 10), st.floats(-10, 10)), seeds)
def test_a_norm_takes_scale_and_shift_away(shape, ab, seed):
    torch.manual_seed(seed)
    x = torch.randn(shape, dtype=torch.float64)*3
    for axes in ((0, 2, 3), (1, 2, 3), (2, 3)): assert_close(standardize(x*ab[0] + ab[1], axes, eps=0), standardize(x, axes, eps=0), rtol=1e-6, atol=1e-6)

def test_relatives_in_half_precision():
    torch.manual_seed(0)
    x = (torch.randn(4, 8, 5, 5)*3 + 20).half()
    for f in (batch_norm, layer_norm, instance_norm, lambda x: group_norm(x, 2)):
        assert f(x).dtype == torch.float16
        assert_close(f(x).float(), f(x.float()), rtol=2e-3, atol=2e-3)

@pytest.mark.parametrize('f, args, error, match', [
    (batch_norm,    (torch.zeros(2, 3, 4, 4).byte(),), TypeError,  'batch_norm: x is a uint8 tensor'),
    (batch_norm,    (torch.zeros(3, 4, 4),),           ValueError, r'batch_norm: x is .* of shape \(3, 4, 4\)'),
    (batch_norm,    (torch.zeros(1, 3, 1, 1),),        ValueError, 'standardize: .* one value'),
    (instance_norm, (torch.zeros(4, 3, 1, 1),),        ValueError, 'standardize: .* one value'),
    (layer_norm,    (torch.zeros(4, 1, 1, 1),),        ValueError, 'standardize: .* one value'),
    (layer_norm,    (torch.zeros(4, 0, 3, 3),),        ValueError, r'standardize: x is .* of shape \(4, 0, 3, 3\)'),
    (group_norm,    (torch.zeros(2, 8, 4, 4), 3),      ValueError, 'group_norm: groups is 3; give a divisor of 8'),
    (group_norm,    (torch.zeros(2, 8, 4, 4), 0),      ValueError, 'group_norm: groups is 0; give '),
    (group_norm,    (torch.zeros(2, 8, 4, 4), True),   TypeError,  'group_norm: groups is True; give '),
])
def test_relatives_refuse(f, args, error, match):
    with pytest.raises(error, match=match): f(*args)

makers = {'ours': BatchNorm2d, 'batch': nn.BatchNorm2d, 'layer': lambda nf: nn.GroupNorm(1, nf), 'group': lambda nf: nn.GroupNorm(4, nf),
          'instance': lambda nf: nn.InstanceNorm2d(nf, affine=True)}

@pytest.mark.parametrize('norm_first', [True, False])
@pytest.mark.parametrize('name', makers)
def test_conv_and_simple_cnn_take_it_by_norm(name, norm_first):
    torch.manual_seed(0)
    x,kind = torch.randn(4, 1, 28, 28),type(makers[name](8))
    block = conv(1, 8, norm=makers[name], norm_first=norm_first)
    assert type(block.norm) is kind and block(x).shape == (4, 8, 14, 14)
    model = simple_cnn(norm=makers[name], norm_first=norm_first)
    assert sum(type(m) is kind for m in model.modules()) == 4
    F.cross_entropy(model(x), torch.arange(4)).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    assert sum(p.grad.abs().sum() > 0 for m in model.modules() if type(m) is kind for p in m.parameters()) == 8 # each gamma and beta learns

@pytest.mark.parametrize('norm_first', [True, False])
def test_a_network_with_ours_trains_as_one_with_pytorchs(norm_first):
    torch.manual_seed(0)
    ours,theirs = (simple_cnn(norm=o, norm_first=norm_first).double() for o in (BatchNorm2d, nn.BatchNorm2d))
    theirs.load_state_dict(ours.state_dict())
    opts = [torch.optim.SGD(m.parameters(), .05, momentum=.9) for m in (ours, theirs)]
    for _ in range(8):
        x,y = torch.randn(16, 1, 28, 28, dtype=torch.float64),torch.randint(10, (16,))
        for m,opt in zip((ours, theirs), opts):
            F.cross_entropy(m(x), y).backward(); opt.step(); opt.zero_grad()
    for k,v in theirs.state_dict().items(): assert_close(ours.state_dict()[k], v, rtol=1e-7, atol=1e-9)
    assert_close(ours.eval()(x), theirs.eval()(x), rtol=1e-7, atol=1e-9)

def test_a_batch_of_one_image():
    "One image is refused only where it is down to one place"
    x = torch.randn(1, 3, 2, 1)
    ours,theirs = pair(3)
    assert_close(ours(x), theirs(x), **tol(torch.float32))
    for k,v in theirs.state_dict().items(): assert_close(ours.state_dict()[k], v, **tol(torch.float32))

def test_what_the_page_says_of_the_options_that_only_pytorchs_layer_has():
    torch.manual_seed(0)
    batches = torch.randn(5, 8, 3, 4, 4)*2 + 1
    assert not list(nn.BatchNorm2d(3, affine=False).parameters())
    without = nn.BatchNorm2d(3, track_running_stats=False).eval()
    assert not list(without.buffers())
    assert_close(without(batches[0]), BatchNorm2d(3)(batches[0]), **tol(torch.float32))
    even = nn.BatchNorm2d(3, momentum=None)
    for x in batches: even(x)
    assert_close(even.running_mean, batches.mean((0, 1, 3, 4)))
    assert_close(even.running_var, torch.stack([x.var((0, 2, 3)) for x in batches]).mean(0))

def test_module_is_light():
    "Importing it brings in neither fastai nor the data"
    code = "import sys, cnn_notes.norm; print([o for o in ('fastai', 'cnn_notes.data', 'matplotlib') if o in sys.modules])"
    assert subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True).stdout.strip() == '[]'
