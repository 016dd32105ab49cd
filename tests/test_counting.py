"`count` against fvcore, torchinfo and a counting loop"
import functools, logging
import pytest, torch, torchinfo, torchvision
import torch.nn as nn, torch.nn.functional as F
from fvcore.nn import FlopCountAnalysis
from hypothesis import assume, given, settings, strategies as st
from math import prod
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

def test_refuses_what_trace_refuses():
    with pytest.raises(TypeError): count(F.relu, (1, 5, 5))
    with pytest.raises(ValueError, match='does not run'): count(simple_cnn(), (3, 28, 28))
    with pytest.raises(ValueError, match='lazy'): count(nn.LazyConv2d(2, 3), (1, 5, 5))
