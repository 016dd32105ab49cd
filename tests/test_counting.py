"`count` against fvcore, torchinfo and a counting loop"
import copy, functools, logging, pickle, re, threading
import numpy as np, pytest, torch, torchinfo, torchvision
import torch.nn as nn, torch.nn.functional as F
from fvcore.nn import FlopCountAnalysis
from hypothesis import assume, given, settings, strategies as st
from math import prod
from torch.nn.utils import prune
from torch.utils.flop_counter import FlopCounterMode
from cnn_notes.counting import count
from cnn_notes.geometry import Window, trace
from cnn_notes.models import simple_cnn

nets = dict(alexnet={}, vgg16={}, resnet18={}, resnet50={}, mobilenet_v2={}, densenet121={}, googlenet=dict(init_weights=False))
@functools.lru_cache
def net(name): return (simple_cnn(), (1, 28, 28)) if name == 'simple_cnn' else (getattr(torchvision.models, name)(weights=None, **nets[name]).eval(), (3, 224, 224))

def of_kind(c, kind, what='multiplications'): return sum(getattr(o, what) for o in c if o.kind == kind)

@pytest.mark.parametrize('name', ['simple_cnn', *nets])
@pytest.mark.filterwarnings('ignore::DeprecationWarning', 'ignore::FutureWarning', 'ignore::torch.jit.TracerWarning')
def test_count_is_fvcores(name):
    "fvcore counts conv and linear as products, like count; norms and adaptive pooling come under other names"
    logging.getLogger('fvcore').setLevel(logging.ERROR)
    model,shape = net(name)
    ops = FlopCountAnalysis(model, torch.zeros(1, *shape)).unsupported_ops_warnings(False).uncalled_modules_warnings(False).by_operator()
    c = count(model, shape)
    assert of_kind(c, 'conv') == ops['conv']
    assert of_kind(c, 'linear') == ops.get('linear', 0)
    assert c.total.multiplications == ops['conv'] + ops.get('linear', 0)

@pytest.mark.parametrize('name', ['simple_cnn', *nets])
def test_count_is_torchinfos(name):
    "torchinfo takes all parameters of a convolution times its places, biases too, and the parameters of norm and linear layers once"
    model,shape = net(name)
    c = count(model, shape)
    info = torchinfo.summary(model, input_size=(1, *shape), verbose=0)
    biases = sum(prod(o.out_shape) for o,l in zip(c, trace(model, shape)) if l.has_bias) # zip: without the rows for what is not run
    assert info.total_mult_adds == c.total.multiplications + biases + of_kind(c, 'norm', 'params')
    assert c.total.params == sum(p.numel() for p in model.parameters())
    assert info.total_params == c.total.params

@settings(max_examples=40, deadline=None)
@given(st.tuples(st.integers(1, 4), st.integers(1, 3)), st.integers(1, 3), st.tuples(st.integers(0, 3), st.integers(0, 2)), st.integers(1, 2), st.integers(1, 2), st.tuples(st.integers(1, 8), st.integers(1, 8)))
def test_real_products_by_convolving_ones(ks, stride, padding, dilation, groups, size):
    "A convolution of ones with ones counts the real pixels under the kernel at each place"
    w = Window(ks, stride, padding, dilation)
    assume(all(sp <= n + sum(p) for sp,n,p in zip(w.span, size, w.padding)))
    m = nn.Conv2d(2*groups, 4*groups, ks, stride, padding, dilation, groups, bias=False)
    nn.init.ones_(m.weight)
    c = count(m, (2*groups, *size))[0]
    assert c.real == m(torch.ones(1, 2*groups, *size)).sum().item()
    assert c.multiplications == m(torch.ones(1, 2*groups, *size)).numel()*prod(m.weight.shape[1:])
    assert c.params == c.trainable == m.weight.numel()

def test_the_chapters_layer():
    c = count(nn.Conv2d(8, 16, 3, 2, 1), (8, 7, 7))[0]
    assert (c.multiplications, c.real, c.params, c.activations) == (18_432, 12_800, 1168, 256)

def test_batch_scales_work_and_not_parameters():
    one,four = count(simple_cnn(), (1, 28, 28)).total,count(simple_cnn(), (4, 1, 28, 28)).total
    assert (four.multiplications, four.real, four.activations, four.params) == (4*one.multiplications, 4*one.real, 4*one.activations, one.params)

def test_shared_and_frozen_and_unused_parameters():
    conv = nn.Conv2d(1, 1, 3, padding=1)
    model = nn.Sequential(conv, conv, nn.Conv2d(1, 2, 1).requires_grad_(False))
    c = count(model, (1, 5, 5))
    assert [o.params for o in c] == [10, 0, 4] and [o.trainable for o in c] == [10, 0, 0]
    assert c[0].multiplications == c[1].multiplications == 225
    class Spare(nn.Module):
        def __init__(self):
            super().__init__()
            self.used,self.spare = nn.Conv2d(1, 1, 3),nn.Linear(7, 7)
        def forward(self, x): return self.used(x)
    c = count(Spare(), (1, 5, 5))
    assert (c[-1].name, c[-1].kind, c[-1].params) == ('spare', 'not run', 56) and c.total.params == 66

def test_linear_over_many_places():
    class Mix(nn.Module):
        def __init__(self):
            super().__init__()
            self.lin = nn.Linear(3, 5)
        def forward(self, x): return self.lin(x.permute(0, 2, 3, 1))
    assert count(Mix(), (3, 4, 6)).total.multiplications == 4*6*3*5

def test_shows_as_text_table_and_frame():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.add_module('<b>&', nn.Conv2d(1, 2, 3))
        def forward(self, x): return self._modules['<b>&'](x)
    c = count(Odd(), (1, 5, 5))
    assert '&lt;b&gt;&amp;' in c._repr_html_() and '<b>&' not in c._repr_html_()
    lines = repr(c).splitlines()
    assert lines[0].startswith('layer') and lines[-1].startswith('total') and '162' in lines[-1]
    df = c.to_frame()
    assert df.multiplications.sum() == c.total.multiplications and df.loc[0, 'out_shape'] == (2, 3, 3)

def test_the_table_tells_what_is_trained_where_some_is_not():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Conv2d(2, 3, 3))
    def heads(c): return repr(c).splitlines()[0].split(),re.findall('<th [^>]*>([^<]*)', c._repr_html_()[:c._repr_html_().index('</thead>')])
    text,html = heads(count(model, (1, 9, 9)))
    assert 'trainable' not in text + html and {'parameters', 'multiplications', 'activations'} <= set(text) & set(html)
    model[0].requires_grad_(False)
    c = count(model, (1, 9, 9))
    text,html = heads(c)
    assert 'trainable' in text and html.index('trainable') == html.index('parameters')+1
    rows = [re.findall('<t[dh] [^>]*>([^<]*)', r) for r in c._repr_html_().split('<tr>')[2:]]
    assert [r[html.index('trainable')] for r in rows] == ['0', '57', '57'] and all(len(r) == len(html) for r in rows)

def test_refuses_what_trace_refuses():
    with pytest.raises(TypeError): count(F.relu, (1, 5, 5))
    with pytest.raises(ValueError, match='does not run'): count(simple_cnn(), (3, 28, 28))
    with pytest.raises(ValueError, match='lazy'): count(nn.LazyConv2d(2, 3), (1, 5, 5))

# ---- products in every spelling

class Uses(nn.Module):
    "A function of the input and a parameter, and of modules"
    def __init__(self, f, *shape, **modules):
        super().__init__()
        self.f,self.w = f,nn.Parameter(torch.randn(*shape)) if shape else None
        for name,m in modules.items(): setattr(self, name, m)
    def forward(self, x): return self.f(self, x)

class Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w): return x @ w
    @staticmethod
    def backward(ctx, g): return g, None

def rows(x): return x.flatten(1) # 1 x 192
def steps(x): return x.flatten(2).transpose(1, 2) # 1 x 64 x 3
def zeros(x, *shape): return torch.zeros(*shape, device=x.device)
attention,rnn = 64*9*4 + 2*64*64*3,dict(batch_first=True)

spellings = dict(
    matmul=(1920, Uses(lambda s,x: rows(x) @ s.w, 192, 10)), from_the_right=(5*8*24, Uses(lambda s,x: s.w @ x, 5, 8)),
    mm=(1920, Uses(lambda s,x: torch.mm(rows(x), s.w), 192, 10)), mv=(192, Uses(lambda s,x: torch.mv(rows(x), s.w), 192)),
    dot=(192, Uses(lambda s,x: torch.dot(x.flatten(), s.w), 192)), bmm=(960, Uses(lambda s,x: torch.bmm(steps(x), s.w), 1, 3, 5)),
    addmm=(1920, Uses(lambda s,x: torch.addmm(zeros(x, 10), rows(x), s.w), 192, 10)), addmv=(192, Uses(lambda s,x: torch.addmv(zeros(x, 1), rows(x), s.w), 192)),
    addbmm=(960, Uses(lambda s,x: torch.addbmm(zeros(x, 64, 5), steps(x), s.w), 1, 3, 5)), baddbmm=(960, Uses(lambda s,x: torch.baddbmm(zeros(x, 1, 64, 5), steps(x), s.w), 1, 3, 5)),
    einsum=(960, Uses(lambda s,x: torch.einsum('bchw,co->bohw', x, s.w), 3, 5)), einsum_outer=(192*7, Uses(lambda s,x: torch.einsum('i,j->ij', x.flatten(), s.w), 7)),
    tensordot=(960, Uses(lambda s,x: torch.tensordot(x, s.w, ([1], [0])), 3, 5)), outer=(192*7, Uses(lambda s,x: torch.outer(x.flatten(), s.w), 7)),
    inner=(960, Uses(lambda s,x: torch.inner(rows(x), s.w), 5, 192)), chain=(3840, Uses(lambda s,x: torch.linalg.multi_dot([rows(x), s.w, s.w.T]), 192, 10)),
    linear=(1920, Uses(lambda s,x: F.linear(rows(x), s.w), 10, 192)), bilinear=(120, Uses(lambda s,x: s.m(rows(x)[:, :4], rows(x)[:, :5]), m=nn.Bilinear(4, 5, 6))),
    im2col=(4*27*36, Uses(lambda s,x: s.w @ F.unfold(x, 3), 4, 27)), low_rank=(3*8*5*8 + 80, Uses(lambda s,x: F.linear(x, s.a @ s.b), a=nn.Parameter(torch.ones(5, 2)), b=nn.Parameter(torch.ones(2, 8)))),
    attention=(2*64*64*3, Uses(lambda s,x: F.scaled_dot_product_attention(steps(x), steps(x), steps(x)))),
    multi_head=(attention, Uses(lambda s,x: s.m(*[steps(x)]*3)[0], m=nn.MultiheadAttention(3, 1, batch_first=True))),
    encoder=(2*(attention + 64*42), Uses(lambda s,x: s.m(steps(x)), m=nn.TransformerEncoder(nn.TransformerEncoderLayer(3, 1, 7, batch_first=True), 2, enable_nested_tensor=False))),
    lstm=(64*2*(20*8 + 20*15), Uses(lambda s,x: s.m(steps(x))[0], m=nn.LSTM(3, 5, 2, bidirectional=True, **rnn))), lstm_with_values=(64*160, Uses(lambda s,x: s.m(steps(x))[0] if x.sum() == 0 else x, m=nn.LSTM(3, 5, **rnn))),
    gru=(64*15*8, Uses(lambda s,x: s.m(steps(x))[0], m=nn.GRU(3, 5, **rnn))), rnn=(64*5*8, Uses(lambda s,x: s.m(steps(x))[0], m=nn.RNN(3, 5, **rnn))), cell=(20*197, Uses(lambda s,x: s.m(rows(x))[0], m=nn.LSTMCell(192, 5))),
    deformable=(4*27*36, Uses(lambda s,x: torchvision.ops.deform_conv2d(x, zeros(x, 1, 18, 6, 6), s.w), 4, 3, 3, 3)),
    transposed=(64*108, nn.ConvTranspose2d(3, 4, 3, 2)), transposed_1d=(64*36, Uses(lambda s,x: s.m(x.flatten(2)), m=nn.ConvTranspose1d(3, 4, 3))),
    conv_1d=(64*36, Uses(lambda s,x: s.m(x.flatten(2)), m=nn.Conv1d(3, 4, 3, padding=1))), conv_3d=(192*27*4, Uses(lambda s,x: s.m(x[:, None]), m=nn.Conv3d(1, 4, 3, padding=1))),
    own_function=(1920, Uses(lambda s,x: Product.apply(rows(x), s.w), 192, 10)), checkpoint=(96*8, Uses(lambda s,x: torch.utils.checkpoint.checkpoint(lambda y: y @ s.w, x, use_reentrant=False), 8, 4)),
    attributes=(4*27*36 + 4*36*16, Uses(lambda s,x: s.b(s.a(x).mT.data), a=nn.Conv2d(3, 4, 3), b=nn.Conv2d(4, 4, 3))), complex=(2*4*27*36 + 4*36*16, Uses(lambda s,x: s.b(torch.complex(s.a(x), s.a(x)).real), a=nn.Conv2d(3, 4, 3), b=nn.Conv2d(4, 4, 3))),
    tied=(1920, Uses(lambda s,x: F.linear(s.m(rows(x)), s.m.weight.t()), m=nn.Linear(192, 5))), functional=(4*27*36, Uses(lambda s,x: F.conv2d(x, s.m.weight, s.m.bias), m=nn.Conv2d(3, 4, 3))))

@pytest.mark.parametrize('name', spellings)
@pytest.mark.filterwarnings('ignore:.*torch.utils.checkpoint')
def test_a_product_is_counted_however_it_is_spelled(name):
    want,model = spellings[name]
    c = count(model, (3, 8, 8))
    assert c.total.multiplications == want and not c.unknown
    assert c.total.params == sum(p.numel() for p in model.parameters()) and not any(o.kind == 'not run' for o in c)

# ---- ways to run something that are not a call in the model's own thread, mode, and shape

class Marked(torch.Tensor): "A tensor of one's own class"
class Silent(torch.Tensor): __torch_function__ = torch._C._disabled_torch_function_impl

@torch.jit.script
def scripted(x: torch.Tensor, w: torch.Tensor): return torch.conv2d(x, w)

def in_inference_mode(s, x):
    with torch.inference_mode(): return s.m(x)
def without_functions(s, x):
    with torch._C.DisableTorchFunction(): return s.m(x)
def gradient(s, x):
    leaf = x.detach().clone().requires_grad_()
    with torch.enable_grad(): s.m(leaf).sum().backward()
    return leaf.grad*1
def into(s, x):
    out = torch.empty(1, 4, device=x.device)
    return torch.mm(rows(x)[:, :27], s.m.weight.detach().flatten(1).T, out=out)*1
def copied(s, x): return copy.deepcopy(s.m)(x)
def decided(s, x): return torch.cond(x.sum() > -1, lambda y: s.m(y)*1, lambda y: y[:, :1, 2:, 2:].expand(-1, 4, -1, -1)*1, (x,))
def in_a_thread(s, x):
    res: list = []
    thread = threading.Thread(target=lambda: res.append(s.m(x)))
    thread.start(); thread.join()
    return res[0]
def of_many_sizes(s, x):
    pieces = torch.nested.nested_tensor([x.flatten()[:16].view(2, 8), x.flatten()[:24].view(3, 8)], layout=torch.jagged)
    return F.linear(pieces, s.m.weight.flatten()[:40].view(5, 8)).to_padded_tensor(0.)

conv_products = 4*27*36
doors = dict(marked=(1, lambda s,x: s.m(x.as_subclass(Marked))), silent=(1, lambda s,x: s.m(x.as_subclass(Silent))), vmap=(1, lambda s,x: torch.vmap(lambda t: s.m(t[None])[0])(x)),
    vmap_in_chunks=(1, lambda s,x: torch.vmap(lambda t: s.m(t[None])[0], chunk_size=1)(x)), jvp=(3, lambda s,x: torch.func.jvp(s.m, (x,), (x,))[1]), vjp=(3, lambda s,x: torch.func.vjp(s.m, x)[1](s.m(x)*0)[0]),
    grad=(2, lambda s,x: torch.func.grad(lambda t: s.m(t).sum())(x)), functional_call=(1, lambda s,x: torch.func.functional_call(s.m, dict(s.m.named_parameters()), (x,))),
    functionalize=(1, lambda s,x: torch.func.functionalize(s.m)(x)), gradient=(3, gradient), convolution_backward=(2, lambda s,x: torch.ops.aten.convolution_backward(x[:, :1, 2:, 2:].expand(1, 4, 6, 6), x, s.m.weight, [4], [1, 1], [0, 0], [1, 1], False, [0, 0], 1, [True, True, False])[0]),
    inference_mode=(1, in_inference_mode), without_functions=(1, without_functions), scripted_function=(1, lambda s,x: scripted(x, s.m.weight)), out=(27*4/conv_products, into), own_data=(1, lambda s,x: s.m(nn.Parameter(x))),
    in_place=(27*4/conv_products, lambda s,x: torch.zeros(1, 4, device=x.device).addmm_(rows(x)[:, :27], s.m.weight.detach().flatten(1).T)*1), copied=(1, copied), branch=(1, decided),
    thread=(0, in_a_thread), nested=(0, of_many_sizes), pickled=(1, lambda s,x: s.m(pickle.loads(pickle.dumps(x)))))

# with modes, PyTorch 2.4 has no `as_subclass` and no branches, and its nested tensors can do less; its counter is lost in two more
old = torch.__version__.startswith('2.4.')
not_old = [pytest.param(o, marks=pytest.mark.skipif(old, reason='PyTorch 2.4')) if o in ('marked', 'silent', 'branch', 'nested') else o for o in doors]

@pytest.mark.parametrize('name', not_old)
@pytest.mark.filterwarnings('ignore')
def test_nothing_is_lost_behind_a_door(name):
    """Each is counted as PyTorch's own counter does where that one can; what is not followed is named"""
    times,f = doors[name]
    model = Uses(f, m=nn.Conv2d(3, 4, 3))
    c,unsure = count(model, (3, 8, 8)),name in ('thread', 'nested')
    assert c.total.multiplications == times*conv_products and bool(c.unknown) == unsure and ('at least' in repr(c)) == unsure
    if not unsure and name not in ('vjp', 'grad', 'in_place', *['gradient', 'inference_mode']*old): # PyTorch's counter fails, or counts nothing
        with FlopCounterMode(display=False) as flops: model(torch.rand(1, 3, 8, 8))
        assert flops.get_total_flops() == 2*c.total.multiplications

@torch.library.custom_op('cnn_notes_test::gram', mutates_args=())
def gram(x: torch.Tensor) -> torch.Tensor: return x @ x.mT
@gram.register_fake
def _(x): return x @ x.mT

@pytest.mark.parametrize('name, f', [('fft2', lambda s,x: torch.fft.fft2(x).real), ('cdist', lambda s,x: torch.cdist(x, x)), ('gram', lambda s,x: gram(x)), ('solve', lambda s,x: torch.linalg.solve(x + torch.eye(8, device=x.device), x)),
                                     ('numpy', lambda s,x: torch.from_numpy(x.numpy() @ np.ones((8, 2), 'float32')))])
def test_what_cannot_be_counted_is_named(name, f):
    c = count(Uses(lambda s,x: f(s, s.conv(x)), conv=nn.Conv2d(3, 4, 1)), (3, 8, 8))
    assert len(c.unknown) == 1 and name in c.unknown[0]
    assert c.total.unknown == c.unknown and c.total.multiplications == 12*64
    assert 'at least 768' in repr(c) and f'{c.unknown[0]!r}' in repr(c) and 'at least 768' in c._repr_html_()

@pytest.mark.filterwarnings('ignore')
def test_quantized_layers_are_counted():
    net = torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Flatten(), nn.Linear(192, 10)), {nn.Linear})
    assert count(net, (3, 8, 8)).total.multiplications == 1920
    conv = torch.ao.nn.quantized.Conv2d(3, 4, 3)
    net = Uses(lambda s,x: s.m(torch.quantize_per_tensor(x, 1., 0, torch.quint8)), m=conv)
    assert count(net, (3, 8, 8)).total.multiplications == 4*27*36

# ---- rows

parametrized = dict(weight_norm=nn.utils.parametrizations.weight_norm, spectral_norm=nn.utils.parametrizations.spectral_norm,
    orthogonal=nn.utils.parametrizations.orthogonal, old_spectral_norm=nn.utils.spectral_norm, prune=lambda m: prune.l1_unstructured(m, 'weight', amount=.5))

@pytest.mark.parametrize('name', parametrized)
@pytest.mark.filterwarnings('ignore:.*spectral_norm')
def test_a_parametrized_layer_has_one_row(name):
    m = parametrized[name](nn.Conv2d(3, 4, 3))
    c = count(nn.Sequential(m), (3, 8, 8))
    assert [(o.name, o.kind, o.params, o.multiplications) for o in c] == [('0', 'conv', sum(p.numel() for p in m.parameters()), 4*27*36)]

@pytest.mark.parametrize('mode', ['reflect', 'replicate', 'circular'])
def test_padding_mode_has_a_row_of_its_own_and_pads_real_pixels(mode):
    c = count(nn.Sequential(nn.Conv2d(3, 4, 3, padding=1, padding_mode=mode)), (3, 8, 8))
    assert [(o.name, o.kind, o.params) for o in c] == [('0.pad', 'pad', 0), ('0', 'conv', 112)]
    assert c.total.real == c.total.multiplications == 4*27*64

@settings(max_examples=60, deadline=None)
@given(st.tuples(st.integers(1, 4), st.integers(1, 3)), st.integers(1, 3), st.integers(0, 3), st.integers(1, 2), st.integers(1, 2), st.tuples(st.integers(3, 8), st.integers(3, 8)), st.sampled_from(['pad', 'layer', 'twice', 'relu']))
def test_a_padded_zero_is_one_whoever_pads(ks, stride, pad, dilation, groups, size, how):
    w = Window(ks, stride, pad, dilation)
    assume(all(sp <= n + sum(p) for sp,n,p in zip(w.span, size, w.padding)))
    conv = nn.Conv2d(2*groups, 2*groups, ks, stride, pad, dilation, groups)
    bare = nn.Conv2d(2*groups, 2*groups, ks, stride, 0, dilation, groups)
    before = dict(pad=[Uses(lambda s,x: F.pad(x, (pad,)*4))], layer=[nn.ZeroPad2d(pad)], relu=[nn.ZeroPad2d(pad), nn.ReLU()], twice=[nn.ZeroPad2d((pad, 0, 0, pad)), nn.ConstantPad2d((0, pad, pad, 0), 0.)])
    want,got = (count(m, (2*groups, *size)).total for m in (conv, nn.Sequential(*before[how], bare)))
    assert (got.multiplications, got.real) == (want.multiplications, want.real)

def test_padding_that_is_not_zero_is_real():
    for layer in (nn.ReflectionPad2d(1), nn.ConstantPad2d(1, 1.), nn.ReplicationPad2d(1)):
        t = count(nn.Sequential(layer, nn.Conv2d(3, 4, 3)), (3, 8, 8)).total
        assert t.real == t.multiplications
    same = count(nn.Conv2d(3, 4, 4, padding='same'), (3, 8, 8)).total
    assert same.real == count(nn.Sequential(nn.ZeroPad2d((1, 2, 1, 2)), nn.Conv2d(3, 4, 4)), (3, 8, 8)).total.real < same.multiplications

# ---- torchvision

def published(name):
    "(the model on the meta device, the size of its images, billions of multiplications as published) for each size"
    weights = torchvision.models.get_model_weights(name)
    options = dict(googlenet=dict(init_weights=False, aux_logits=False), inception_v3=dict(init_weights=False)).get(name, {})
    for size,ops in {w.transforms.keywords['crop_size']: w.meta['_ops'] for w in weights}.items():
        if name.startswith('vit'): options = dict(image_size=size)
        with torch.device('cpu' if name.startswith('regnet') else 'meta'): model = torchvision.models.get_model(name, weights=None, **options)
        yield model.to('meta').eval(),size,ops

def check_published(name):
    for model,size,ops in published(name):
        c = count(model, (3, size, size))
        with FlopCounterMode(display=False) as counter, torch.no_grad(): model(torch.empty(1, 3, size, size, device='meta'))
        assert 2*c.total.multiplications == counter.get_total_flops() and not c.unknown
        assert abs(c.total.multiplications/1e9 - ops) <= .00051 # published with three decimals
        assert c.total.params == sum(p.numel() for p in model.parameters())

some = 'resnet50 mobilenet_v3_small efficientnet_b0 convnext_tiny regnet_y_400mf vit_b_16 swin_t maxvit_t'.split()
all_models = torchvision.models.list_models(module=torchvision.models)

@pytest.mark.parametrize('name', some)
def test_count_is_what_torchvision_publishes(name): check_published(name)

@pytest.mark.nightly
@pytest.mark.parametrize('name', sorted({*all_models} - {*some}))
def test_count_is_what_torchvision_publishes_for_all(name): check_published(name)

def test_a_trace_is_as_good_as_a_model():
    model = simple_cnn()
    layers = trace(model, (1, 28, 28))
    assert count(layers) == count(model, (1, 28, 28)) == count(layers, (1, 28, 28))
    with pytest.raises(ValueError, match='count: input_shape'): count(layers, (1, 27, 28))
    with pytest.raises(ValueError, match='count: input_shape'): count(model)
