"`Window` and `trace` against PyTorch"
import re
import pytest, torch, torchvision
import torch.nn as nn, torch.nn.functional as F
from hypothesis import assume, given, settings, strategies as st
from cnn_notes.geometry import Trace, Window, trace
from cnn_notes.views import explore_window
from test_explore import page

sizes   = st.tuples(st.integers(1, 14), st.integers(1, 14))
kernels = st.tuples(st.integers(1, 5), st.integers(1, 5))
def two(low, high): return st.tuples(st.integers(low, high), st.integers(low, high))
windows = st.builds(Window, kernels, two(1, 4), two(0, 3), two(1, 3))

def zeros(size): return torch.zeros(1, 1, *size)
def symmetric(w): return tuple(a for a,_ in w.padding)
def fits(w, size): return all(sp <= n + sum(p) for sp,n,p in zip(w.span, size, w.padding))

@settings(max_examples=200, deadline=None)
@given(windows, sizes)
def test_out_size_is_conv2ds(w, size):
    def conv(): return F.conv2d(zeros(size), zeros(w.ks), None, w.stride, symmetric(w), w.dilation)
    if fits(w, size): assert w.out_size(size) == tuple(conv().shape[2:])
    else:
        with pytest.raises(ValueError, match='spans'): w.out_size(size)
        with pytest.raises(RuntimeError): conv()

@settings(max_examples=150, deadline=None)
@given(kernels, st.integers(1, 4), st.integers(1, 2), sizes, st.booleans(), st.data())
def test_out_size_is_max_pools(ks, stride, dilation, size, ceil, data):
    pad = tuple(data.draw(st.integers(0, k//2)) for k in ks)
    w = Window(ks, stride, pad, dilation, ceil)
    assume(fits(w, size))
    got = F.max_pool2d(zeros(size), ks, stride, pad, dilation, ceil)
    assert w.out_size(size) == tuple(got.shape[2:])

@settings(max_examples=60, deadline=None)
@given(windows, sizes)
def test_each_place_sees_what_the_gradient_says(w, size):
    assume(fits(w, size))
    x = torch.zeros(1, 1, *size, requires_grad=True)
    out = F.conv2d(x, torch.ones(1, 1, *w.ks), None, w.stride, symmetric(w), w.dilation)[0, 0]
    padded = F.pad(x.detach(), [p for pads in reversed(w.padding) for p in pads])[0, 0]
    for i,j in {(0, 0), (out.shape[0]-1, out.shape[1]-1), (out.shape[0]//2, out.shape[1]//2)}:
        g, = torch.autograd.grad(out[i, j], x, retain_graph=True)
        rows,cols = w.inputs(i, j)
        want = torch.zeros(size)
        for r in rows:
            for c in cols:
                if 0 <= r < size[0] and 0 <= c < size[1]: want[r, c] = 1
        assert torch.equal(g[0, 0], want)
        assert padded[w.slices(i, j)].shape == w.ks

@settings(max_examples=100, deadline=None)
@given(kernels, st.tuples(st.integers(1, 3), st.integers(1, 3)), sizes)
@pytest.mark.filterwarnings('ignore:Using padding=.same.')
def test_same_padding(ks, dilation, size):
    same = Window(ks, dilation=dilation, padding='same')
    assert same.out_size(size) == size
    w = Window(ks, dilation=dilation)
    if all(o%2 for o in w.span):
        p = w.same_padding
        assert Window(ks, padding=p, dilation=dilation).out_size(size) == size
        assert F.conv2d(zeros(size), zeros(ks), padding=p, dilation=dilation).shape[2:] == size
    else:
        with pytest.raises(ValueError, match='even'): w.same_padding
    x,kernel = torch.arange(float(size[0]*size[1])).view(1, 1, *size),torch.ones(1, 1, *ks)
    got = F.conv2d(x, kernel, padding='same', dilation=dilation)
    (top,bottom),(left,right) = same.padding
    assert torch.equal(got, F.conv2d(F.pad(x, (left, right, top, bottom)), kernel, dilation=dilation))

@settings(max_examples=100, deadline=None)
@given(windows, st.booleans(), st.tuples(*[st.tuples(st.integers(0, 3), st.integers(0, 3))]*2))
def test_a_window_shows_itself_as_the_call_that_makes_it(w, ceil, sides):
    for o in (w, Window(w.ks, w.stride, sides, w.dilation, ceil)): assert eval(repr(o)) == o and hash(eval(repr(o))) == hash(o)

@settings(max_examples=100, deadline=None)
@given(windows, st.integers(14, 20))
def test_one_number_of_a_window_alike_in_both_axes_is_one_number(w, n):
    alike = all(o[0] == o[1] for o in (w.ks, w.stride, w.padding, w.dilation))
    both = w.out_size((n, n))
    assert w.out_size(n) == (both[0] if alike else both)

@settings(max_examples=150, deadline=None)
@given(windows, sizes)
def test_what_if_says_what_can_be_counted(w, size):
    facts = w.what_if(size, stride=(5, 5))
    assert list(facts) == ['as it is', 'stride=(5, 5)']
    assert facts['stride=(5, 5)'] == Window(w.ks, 5, w.padding, w.dilation).what_if(size)['as it is']
    facts = facts['as it is']
    if not fits(w, size):
        assert [*facts.values()] == [None]*4
        return
    out = w.out_size(size)
    seen = [[set(w.inputs(i, i)[axis]) for i in range(out[axis])] for axis in (0, 1)]
    assert facts['output'] == out
    assert facts['not reached'] == tuple(max(0, n - 1 - max(along[-1])) for n,along in zip(size, seen))
    def inside(o, n): return min(o) >= 0 and max(o) < n
    whole = [sum(inside(o, n) for o in along) for n,along in zip(size, seen)]
    assert facts['see padding'] == out[0]*out[1] - whole[0]*whole[1]
    common = [len(along[0] & along[1]) if len(along) > 1 else None for along in seen]
    for told,counted in zip(facts['in common'], common): assert counted in (told, None)

def test_what_if_names_its_settings_and_refuses_others():
    assert list(Window(3).what_if(8, ks=5, padding='same')) == ['as it is', 'ks=5', "padding='same'"]
    assert Window(3).what_if(8, ks=9)['ks=9']['output'] is None
    with pytest.raises(TypeError, match='size'): Window(3).what_if(8, size=3)

@pytest.mark.parametrize('n, ks, stride', [(28, 3, 2), (7, 3, 2), (28, 4, 1), (9, 5, 3)])
def test_same_with_a_stride_rounds_up(n, ks, stride):
    total = max((-(-n//stride) - 1)*stride + ks - n, 0)
    w = Window(ks, stride, ((total//2, total - total//2),)*2)
    assert w.out_size((n, n)) == (-(-n//stride),)*2

@pytest.mark.parametrize('args, param, error', [
    ((0,), 'ks', ValueError), (((3, 3, 3),), 'ks', TypeError), ((2.5,), 'ks', TypeError), ((True,), 'ks', TypeError),
    (('3',), 'ks', TypeError), (((),), 'ks', TypeError), (((3,),), 'ks', TypeError), ((3, 0), 'stride', ValueError),
    ((3, 1, -1), 'padding', ValueError), ((3, 1, 'full'), 'padding', ValueError),
    ((3, 1, ((1, 2), 3)), 'padding', TypeError), ((3, 1, ((1, 2), (3, -4))), 'padding', ValueError),
    ((3, 1, 0, 0), 'dilation', ValueError), ((3, 1, 0, 1, 1), 'ceil_mode', TypeError)])
def test_what_is_refused(args, param, error):
    with pytest.raises(error, match=rf'^Window: {param} is {re.escape(repr(args[-1]))}; give '): Window(*args)

@pytest.mark.parametrize('size', [0, -1, 2.5, (3,)*3, 'a'])
def test_what_is_no_size(size):
    with pytest.raises((TypeError, ValueError), match='^Window.out_size: in_size is .*; give '): Window(1).out_size(size)

nets = dict(alexnet={}, vgg16={}, resnet18={}, mobilenet_v2={}, densenet121={}, googlenet=dict(init_weights=False), shufflenet_v2_x1_0={}, efficientnet_b0={}, convnext_tiny={})

@pytest.mark.parametrize('name', nets)
def test_trace_of_torchvision_networks(name):
    model = getattr(torchvision.models, name)(weights=None, **nets[name]).train()
    before = {k: (v.shape, v.device) for k,v in model.state_dict().items()}
    layers = trace(model, (3, 224, 224))
    assert all(m.training for m in model.modules())
    assert before == {k: (v.shape, v.device) for k,v in model.state_dict().items()}
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
    convs = {n for n,m in model.named_modules() if isinstance(m, nn.Conv2d) and not n.startswith('aux')} # GoogLeNet's side heads run in training only
    assert convs == {l.name for l in layers if l.kind == 'conv'}
    for l in layers:
        assert all(-1 <= i < l.index for i in l.inputs) and len(l.inputs) == len(l.in_shapes)
        assert all(l.in_shapes[k] == ((1, 3, 224, 224) if i == -1 else layers[i].out_shape) for k,i in enumerate(l.inputs)) or l.kind == 'chunk' or any(layers[i].kind == 'chunk' for i in l.inputs if i >= 0)
        if l.window: assert l.window.out_size(l.in_shape[2:]) == l.out_shape[2:]
        if l.kind == 'conv':
            assert l.weight_shape == tuple(l.module.weight.shape) and l.groups == l.module.groups and l.has_bias == (l.module.bias is not None)
    assert len({l.name for l in layers}) == len(layers)
    assert layers[-1].out_shape == (1, 1000)

def test_trace_follows_hooks_own_view():
    "The order and shapes that forward hooks see"
    model = torchvision.models.resnet18(weights=None).eval()
    seen = []
    for n,m in model.named_modules():
        if not list(m.children()): m.register_forward_hook(lambda m, i, o, n=n: seen.append((n, tuple(i[0].shape), tuple(o.shape))))
    model(torch.zeros(1, 3, 64, 64))
    want = list(seen) # the hooks see the run below too
    mine = [(l.name.split(' ')[0], l.in_shape, l.out_shape) for l in trace(model, (3, 64, 64)) if not l.name.endswith(('add', 'flatten'))]
    assert mine == want

class Uses(nn.Module):
    def __init__(self, f):
        super().__init__()
        self.f,self.conv = f,nn.Conv2d(2, 2, 3, padding=1)
    def forward(self, x): return self.f(self, x)

@pytest.mark.parametrize('f, kinds', [
    (lambda s,x: s.conv(x) + x, [('conv', (-1,)), ('add', (0, -1))]),
    (lambda s,x: x - s.conv(x), [('conv', (-1,)), ('add', (-1, 0))]),
    (lambda s,x: s.conv(x).relu_(), [('conv', (-1,)), ('activation', (0,))]),
    (lambda s,x: torch.cat([x, s.conv(x), x], 1), [('conv', (-1,)), ('concat', (-1, 0, -1))]),
    (lambda s,x: F.interpolate(s.conv(x), scale_factor=2), [('conv', (-1,)), ('upsample', (0,))]),
    (lambda s,x: F.interpolate(x, scale_factor=2, mode='bilinear'), [('interpolate', (-1,))]),
    (lambda s,x: s.conv(F.pad(x, (1, 2, 0, 3))), [('pad', (-1,)), ('conv', (0,))]),
    (lambda s,x: x.mean((2, 3)), [('adaptive_pool', (-1,))]),
    (lambda s,x: x.mean(1), [('mean', (-1,))]),
    (lambda s,x: F.conv2d(input=x, weight=s.conv.weight, stride=2), [('conv', (-1,))]),
    (lambda s,x: s.conv(s.conv(x)), [('conv', (-1,)), ('conv', (0,))]),
    (lambda s,x: F.avg_pool2d(x, 2, ceil_mode=True), [('avg_pool', (-1,))]),
    (lambda s,x: s.conv(x) if x.sum() == 0 else x, [('sum', (-1,)), ('eq', (0,)), ('bool', (1,)), ('conv', (-1,))]),   # looks at values: runs on real zeros
])
def test_trace_of_operations(f, kinds):
    layers = trace(Uses(f), (2, 9, 9))
    got = [(l.kind, l.inputs) for l in layers]
    if kinds[-1] == ('conv', (-1,)) and len(kinds) == 4: got,kinds = got[-1:],kinds[-1:]
    assert got == kinds
    for l in layers:
        if l.window: assert l.window.out_size(l.in_shape[2:]) == l.out_shape[2:]

def test_trace_leaves_the_model_alone_when_it_fails():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Conv2d(2, 2, 9)).train()
    stats = model[1].running_mean.clone()
    with pytest.raises(ValueError, match=r'does not run on an input of shape \(1, 1, 6, 6\)'): trace(model, (1, 6, 6))
    assert model.training and torch.equal(stats, model[1].running_mean) and model[1].num_batches_tracked == 0
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())

class Two(nn.Module):
    def forward(self, x, y): return x+y

@pytest.mark.parametrize('model, shape, said', [
    (Two(), (1, 8, 8), r'needs 2 inputs \(x, y\)'), (nn.LazyConv2d(3, 3), (1, 8, 8), 'lazy'),
    (nn.Conv2d(1, 1, 3), (8, 8), 'input_shape'), (nn.Conv2d(1, 1, 3), (1, 0, 8), 'input_shape'), (nn.Conv2d(3, 1, 3), (1, 8, 8), 'does not run'), (nn.Sequential(nn.Conv1d(8, 8, 3)), (1, 8, 8), 'does not run')])
def test_what_trace_refuses(model, shape, said):
    with pytest.raises(ValueError, match=said): trace(model, shape)

def test_trace_wants_a_module_and_knows_names():
    with pytest.raises(TypeError, match='function'): trace(lambda x: x, (1, 8, 8))
    layers = trace(nn.Sequential(nn.Conv2d(1, 1, 3), nn.ReLU()), (1, 8, 8))
    assert layers['0'].kind == 'conv' and isinstance(layers[:1], Trace)
    with pytest.raises(ValueError, match="no layer is named 'conv1'"): layers['conv1']

def test_half_precision_and_shared_modules():
    relu = nn.ReLU()
    layers = trace(nn.Sequential(nn.Conv2d(1, 2, 3), relu, nn.Conv2d(2, 2, 3), relu).half(), (1, 8, 8))
    assert [l.name for l in layers] == ['0', '1', '2', '1 (2)']

# ---- the view without numbers

def in_view(b): return b.js("""
    const grid = css => document.querySelector(css), rows = e => new Set([...e.querySelectorAll('.cell')].map(c => c.dataset.at.split(',')[0])).size;
    const box = e => Math.round(e.getBoundingClientRect().width);
    return {input: rows(grid('.in .grid')), output: rows(grid('.out .grid')), text: grid('.formula').textContent,
            cells: [grid('.in .cell'), grid('.out .cell')].map(box), note: grid('.in .note').textContent,
            table: [...document.querySelectorAll('tbody tr')].map(r => [...r.children].map(c => c.textContent))}""")

def press(b, name): b.js('document.querySelector(`button[aria-label="${arguments[0]}"]`).click()', name)

def test_the_view_says_what_window_says(browser):
    browser.open(explore_window(Window(3, stride=2, padding=1), 7).html(), width=900)
    steps = [None, 'more size', 'more stride', 'more dilation', 'less padding', 'less kernel', 'more kernel', 'more padding', 'less stride']
    now,name = dict(size=7, kernel=3, stride=2, padding=1, dilation=1),{'less': -1, 'more': 1}
    with browser.frame():
        for step in steps:
            if step:
                press(browser, step)
                now[step.split()[1]] += name[step.split()[0]]
            def out(o):
                w = Window(o['kernel'], o['stride'], o['padding'], o['dilation'])
                try: return w,w.out_size(o['size'])
                except ValueError: return w,0
            seen,(w,n) = in_view(browser),out(now)
            assert (seen['input'], seen['output']) == (now['size'] + 2*now['padding'], n), (step, seen)
            assert seen['cells'][0] == seen['cells'][1], 'all cells in one size'
            read = {r for i in range(n) for r in w.inputs(i, i)[0]}
            lost = [r for r in range(now['size']) if r not in read]
            assert ('Hatched' in seen['note']) == bool(lost) and seen['text'].split('.')[0].endswith(str(n))
            for (_,told,_),key in zip(seen['table'], now):
                more = out(now | {key: now[key] + 1})[1]
                assert told == (f'{more} \u00d7 {more}' if more else 'does not fit'), (key, seen)

@pytest.mark.parametrize('width', [390, 360, 344, 320, 274]) # of a phone, and of one with an exported page's margins
def test_the_view_on_a_phone(browser, width):
    "Nothing is cut off or scrolls, and input and output are side by side in cells that a finger finds"
    browser.open(page(explore_window(Window(3, stride=2, padding=1), 7), style='margin:0'), width=width, height=844, phone=True)
    with browser.frame():
        browser.wait(lambda: browser.js("return document.querySelectorAll('.out .cell').length == 16"))
        found = browser.js("""const e = document.documentElement, box = css => document.querySelector(css).getBoundingClientRect(), of = css => [...document.querySelectorAll(css)];
            return {over: [e.scrollWidth - innerWidth, e.scrollHeight - innerHeight], beside: box('.in .grid').right < box('.out .grid').left,
                    cells: Math.min(...of('.out .cell').map(c => c.getBoundingClientRect().width)), buttons: Math.min(...of('button').map(c => c.getBoundingClientRect().width)),
                    beyond: of('main *').filter(c => c.getBoundingClientRect().right > innerWidth && !c.closest('.unseen')).length}""")
    assert max(found['over']) <= 0 and found['beside'] and found['cells'] >= 12 and found['buttons'] >= 24 and not found['beyond'], found
