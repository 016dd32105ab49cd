"`trace` leaves a model exactly as it was, follows every kind of operation, and keeps the arguments of each"
import collections, functools, gc, threading, time, weakref
import numpy as np, pytest, torch, torchvision
import torch.nn as nn, torch.nn.functional as F
from contextlib import suppress
from torch.nn.utils import parametrizations, prune
from cnn_notes import geometry
from cnn_notes.counting import count
from cnn_notes.models import simple_cnn
from cnn_notes.receptive import (effective_receptive_field, gradient_receptive_field, input_box, precedents,
                                 receptive_field)
from cnn_notes.tracing import Source, Trace, _uncollected, as_trace, trace
from cnn_notes.views import explore_network

def conv(ni=1, nf=2): return nn.Conv2d(ni, nf, 3)

# ---- the model comes back as it was

def held(o, path='', seen=None):
    "Everything that a model holds: (path, what identifies it and its value)"
    seen = {} if seen is None else seen
    if id(o) in seen: return
    seen[id(o)] = o
    if isinstance(o, torch.Tensor):
        value = None if o.is_meta else o.detach().clone()
        yield path,(id(o), o.device.type, tuple(o.shape), o.requires_grad, None if o.is_inference() else o._version, value)
    elif isinstance(o, (list, tuple, collections.deque)):
        yield path,(id(o), len(o))
        for i,v in enumerate(o): yield from held(v, f'{path}[{i}]', seen)
    elif isinstance(o, dict):
        yield path,(id(o), len(o))
        for k,v in list(o.items()): yield from held(v, f'{path}.{k}', seen)
    elif hasattr(o, '__dict__') and not isinstance(o, type):
        yield path,(id(o), sorted(vars(o)))
        yield from held(vars(o), path, seen)
    else: yield path,repr(o)

def alike(a, b):
    if isinstance(a, torch.Tensor): return isinstance(b, torch.Tensor) and torch.equal(a, b)
    if isinstance(a, tuple): return isinstance(b, tuple) and len(a) == len(b) and all(map(alike, a, b))
    return a == b

def changes(before, model):
    before,after = dict(before),dict(held(model))
    return [k for k in before.keys() | after.keys() if not alike(before.get(k), after.get(k))]

class Cached(nn.Module):
    "Keeps tensors in every way there is, and makes more of them while it runs"
    shared = {}
    def __init__(self):
        super().__init__()
        self.conv,self.cache,self.grid,self.past,self.mask,self.runs = conv(),{},None,[],torch.ones(1),0
    def forward(self, x):
        n = x.shape[-1]
        self.runs += 1
        for cache in (self.cache, Cached.shared): cache.setdefault(n, torch.ones(n, device=x.device))
        if self.grid is None: self.grid = torch.arange(n, device=x.device).float()
        y = self.conv(x*self.cache[n]*Cached.shared[n] + self.grid)*self.mask
        self.past.append(y.mean())
        self.register_buffer('last', y.detach())
        return y

class Values(Cached):
    "Looks at values, so that it runs on real zeros, and writes to its weights and buffers"
    def forward(self, x):
        if x.sum() > 1: return x
        self.conv.weight.data.clamp_(-.01, .01)
        self.mask.add_(1)
        return super().forward(x + torch.rand(1))

class Uncopyable(nn.Module):
    "Holds what copy.deepcopy refuses, and what it does not look into"
    def __init__(self):
        super().__init__()
        self.lock,self.conv,self.items = threading.Lock(),conv(),(i for i in range(3))
        self.closure,self.part,self.parent = lambda x: self.conv(x),functools.partial(self.conv),weakref.ref(self.conv)
        self.computed = self.conv.weight*2
        self.generator = torch.Generator()
    def forward(self, x):
        with self.lock: return self.closure(x) + self.part(x) + self.parent()(x) + F.conv2d(x, self.computed)

class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = [conv(1, 3), {'last': conv(3, 2)}] # not registered
    def forward(self, x): return self.layers[1]['last'](self.layers[0](x))

class OneShot(nn.Module):
    "A hook that removes itself"
    def __init__(self):
        super().__init__()
        self.conv = conv()
        self.handle = self.conv.register_forward_pre_hook(self.first)
    def first(self, module, inputs): self.handle.remove()
    def forward(self, x): return self.conv(x)

def replaced_forward():
    m = conv()
    own = m.forward
    m.forward = lambda x: own(x).relu()
    return m

def pruned():
    m = prune.random_unstructured(prune.l1_unstructured(conv(), 'weight', amount=.5), 'bias', amount=.5)
    return nn.Sequential(m, nn.BatchNorm2d(2), nn.Dropout()).train()

def compiled_in_place():
    m = conv()
    m.compile(backend='eager')
    return m

def made_in_inference_mode():
    with torch.inference_mode(): return conv()

def hooked():
    seen,m = [],nn.Sequential(conv(), nn.ReLU())
    m[0].register_forward_hook(lambda m, i, o: seen.append(o))
    m.seen = seen
    return m

models = dict(cached=Cached, values=Values, uncopyable=Uncopyable, plain=Plain, one_shot=OneShot, replaced_forward=replaced_forward, pruned=pruned, hooked=hooked,
    weight_norm=lambda: parametrizations.weight_norm(conv()), spectral_norm=lambda: parametrizations.spectral_norm(conv()), old_spectral_norm=lambda: nn.utils.spectral_norm(conv()),
    graph=lambda: torch.fx.symbolic_trace(nn.Sequential(conv(), nn.ReLU())), parallel=lambda: nn.DataParallel(conv()), half=lambda: conv().half(), meta=lambda: conv().to('meta'),
    compiled=lambda: nn.Sequential(torch.compile(conv(), backend='eager'), nn.ReLU()), compiled_in_place=compiled_in_place, inference=made_in_inference_mode, simple=simple_cnn)

@pytest.mark.parametrize('name', models)
@pytest.mark.filterwarnings('ignore')
def test_the_model_comes_back_as_it_was(name):
    model = models[name]()
    before,random = list(held(model)),torch.get_rng_state()
    assert len(trace(model, (1, 16, 16)))
    assert not changes(before, model) and not Cached.shared
    with pytest.raises(ValueError): trace(model, (7, 16, 16)) # refused
    assert not changes(before, model) and not Cached.shared
    with torch.inference_mode(): assert len(trace(model, (1, 16, 16)))
    assert not changes(before, model) and torch.equal(random, torch.get_rng_state())

class Stops(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner,self.stop = Cached(),nn.Parameter(torch.zeros(1))
    def forward(self, x):
        self.inner(x)
        raise KeyboardInterrupt

def test_an_interrupt_changes_nothing():
    model = Stops()
    before = list(held(model))
    with pytest.raises(KeyboardInterrupt): trace(model, (1, 8, 8))
    assert not changes(before, model) and not Cached.shared

@pytest.mark.parametrize('on', [True, False])
def test_the_search_for_garbage_goes_on_as_before(on):
    class Asks(nn.Module):
        def forward(self, x):
            seen.append(gc.isenabled())
            if len(x) > 1: raise KeyboardInterrupt
            return F.avg_pool2d(x, 2)
    seen: list = []
    was_on = gc.isenabled()
    try:
        (gc.enable if on else gc.disable)()
        receptive_field(Asks(), (1, 8, 8))
        with pytest.raises(KeyboardInterrupt): trace(Asks(), (2, 1, 8, 8))
        assert gc.isenabled() == on and seen == [False, False]
    finally: (gc.enable if was_on else gc.disable)()

def test_a_detector_runs_as_before():
    model = torchvision.models.detection.fasterrcnn_mobilenet_v3_large_320_fpn(weights=None, weights_backbone=None).eval()
    x = [torch.rand(3, 96, 96)]
    want = model(x)[0]
    assert len(trace(model, (3, 96, 96))) > 100
    with pytest.raises(ValueError): trace(model, (2, 96, 96))
    got = model(x)[0]
    assert all(torch.equal(want[k], got[k]) for k in want)

looks = {'gradient': lambda m: gradient_receptive_field(m, (1, 16, 16)),
    'effective': lambda m: effective_receptive_field(m, torch.ones(2, 1, 16, 16)),
    'view': lambda m: explore_network(m, torch.ones(1, 16, 16))}

@pytest.mark.parametrize('look', looks)
@pytest.mark.parametrize('name', ['cached', 'values', 'uncopyable', 'plain', 'one_shot', 'pruned', 'spectral_norm',
                                  'weight_norm', 'old_spectral_norm', 'compiled', 'hooked'])
@pytest.mark.filterwarnings('ignore')
def test_looking_changes_nothing(name, look):
    model = models[name]()
    before,random = list(held(model)),torch.get_rng_state()
    with suppress(ValueError): looks[look](model) # the effective field has no gradient where the model detaches
    assert not changes(before, model) and not Cached.shared and torch.equal(random, torch.get_rng_state())

class StopsWhileItIsLookedAt(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = Cached()
    def forward(self, x):
        y = self.inner(x)
        if x.abs().sum() > 0 and not x.is_meta: raise KeyboardInterrupt
        return y*1

def test_an_interrupted_look_changes_nothing():
    model = StopsWhileItIsLookedAt().train()
    before = list(held(model))
    for look in looks.values():
        with pytest.raises(KeyboardInterrupt): look(model)
        assert not changes(before, model) and not Cached.shared

def test_two_threads_look_at_one_model_while_a_third_runs_it():
    torch.manual_seed(0) # some random layers give nothing but zeros, and no gradient
    model,x,wrong,runs = simple_cnn((4, 4, 4)).eval(),torch.rand(1, 1, 16, 16),[],[0]
    want,looking = model(x),[True, True]
    boxes = gradient_receptive_field(model, (1, 16, 16), '0')
    def look(i):
        try:
            for _ in range(3):
                if gradient_receptive_field(model, (1, 16, 16), '0') != boxes: wrong.append('gradient')
                effective_receptive_field(model, x, '0'); explore_network(model, x[0])
        except Exception as e: wrong.append(e)
        finally: looking[i] = False
    def run():
        while any(looking):
            runs[0] += 1
            if not torch.equal(model(x), want): wrong.append('run')
    threads = [threading.Thread(target=f, args=a, daemon=True) for f,a in ((look, (0,)), (look, (1,)), (run, ()))]
    for t in threads: t.start()
    for t in threads: t.join(120)
    assert not wrong and not any(looking) and runs[0] > 1 and all(p.requires_grad for p in model.parameters())

def test_two_threads_trace_one_model_while_a_third_runs_it():
    model,x,wrong = simple_cnn().eval(),torch.rand(1, 1, 28, 28),[]
    want,names,end = model(x),[l.name for l in trace(model, (1, 28, 28))],time.time() + 1
    def traces():
        while time.time() < end:
            if [l.name for l in trace(model, (1, 28, 28))] != names: wrong.append('trace')
    def runs():
        while time.time() < end:
            if not torch.equal(model(x), want): wrong.append('run')
    threads = [threading.Thread(target=f) for f in (traces, traces, runs)]
    for t in threads: t.start()
    for t in threads: t.join()
    assert not wrong and {p.device.type for p in model.parameters()} == {'cpu'}

@pytest.mark.filterwarnings('ignore')
def test_scripted_is_refused_and_compiled_is_looked_through():
    for model in (torch.jit.script(conv()), torch.jit.trace(conv(), torch.zeros(1, 1, 8, 8)), nn.Sequential(conv(), torch.jit.script(nn.ReLU()))):
        with pytest.raises(ValueError, match='count: .*compiled by TorchScript'): count(model, (1, 8, 8))
        assert not any(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())
    plain = nn.Sequential(conv(), nn.ReLU())
    names = [l.name for l in trace(plain, (1, 8, 8))]
    assert [l.name for l in trace(torch.compile(plain, backend='eager'), (1, 8, 8))] == names
    assert [l.name for l in trace(nn.Sequential(torch.compile(plain[0], backend='eager'), plain[1]), (1, 8, 8))] == names

# ---- what is followed

class Uses(nn.Module):
    def __init__(self, f):
        super().__init__()
        self.f,self.conv = f,nn.Conv2d(2, 4, 3, padding=1)
    def forward(self, x): return self.f(self, x)

def found(f): return trace(Uses(f), (2, 8, 8))

@pytest.mark.parametrize('name', ['mT', 'T', 'H', 'data', 'real', 'imag'])
def test_attributes_are_followed(name):
    def f(s, x): return getattr({'T': lambda t: t[0, 0], 'H': lambda t: t[0, 0], 'imag': lambda t: torch.complex(t, t)}.get(name, lambda t: t)(s.conv(x)), name).abs()
    layers = found(f)
    assert layers[-2].call.function == name and layers[-1].inputs == (len(layers)-2,)

def depends(layers, i, on=0):
    "Does record `i` depend on record `on`?"
    return i == on or i >= 0 and any(depends(layers, k, on) for k in layers[i].inputs)

def assigned(s, x):
    y = torch.zeros(1, 4, 8, 8, device=x.device)
    y[:, :2] = s.conv(x)[:, :2]
    return y.sum()

def through_a_view(s, x):
    y = torch.zeros(1, 4, 8, 8, device=x.device)
    part = y[:, :2]
    part.copy_(s.conv(x)[:, :2])
    return y.sum()

def into(s, x):
    y = torch.empty(1, 8, 8, 8, device=x.device)
    torch.cat([s.conv(x)]*2, 1, out=y)
    return y.sum()

def in_place(s, x):
    y = s.conv(x)
    first,second = y[:, :2],y[:, 2:]
    z = x*2
    first.add_(z)
    return second.sum() + y.sum()

def data(s, x):
    y = torch.zeros(1, 4, 8, 8, device=x.device)
    y.data = s.conv(x)
    return y.sum()

@pytest.mark.parametrize('f', [assigned, through_a_view, into, in_place, data])
def test_what_is_written_is_followed(f):
    layers = found(f)
    assert depends(layers, len(layers)-1, layers['conv'].index)
    if f is in_place: assert depends(layers, len(layers)-1, layers['mul'].index)

def test_a_function_of_ones_own_is_followed_inside():
    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x): return x.mul(2).relu()
        @staticmethod
        def backward(ctx, g): return g
    layers = found(lambda s, x: s.conv(Twice.apply(x)))
    assert [l.kind for l in layers] == ['mul', 'activation', 'conv'] and depends(layers, 2, 0)

def test_what_has_no_part_of_the_input_is_kept_aside():
    layers = trace(torchvision.models.swin_v2_t(weights=None), (3, 64, 64))
    bias = [l for l in layers.aside if l.name == 'features.1.0.attn.cpb_mlp.0']
    assert len(bias) == 1 and bias[0].inputs == () and bias[0].params == ('features.1.0.attn.cpb_mlp.0.weight', 'features.1.0.attn.cpb_mlp.0.bias')
    assert list(layers.parameters) == [n for n,_ in layers.model.named_parameters()]

# ---- arguments by name

@pytest.mark.parametrize('f, want', [
    (lambda s, x: x.permute(0, 2, 3, 1), dict(dims=(0, 2, 3, 1))), (lambda s, x: torch.permute(x, (0, 2, 3, 1)), dict(dims=(0, 2, 3, 1))), (lambda s, x: x.flip(2, 3), dict(dims=(2, 3))),
    (lambda s, x: x.mean((2, 3), keepdim=True), dict(dim=(2, 3), keepdim=True)), (lambda s, x: x.softmax(1), dict(dim=1)), (lambda s, x: F.softmax(x, dim=1), dict(dim=1)),
    (lambda s, x: F.interpolate(x, scale_factor=2, mode='bilinear'), dict(scale_factor=2, mode='bilinear', size=None, align_corners=None)), (lambda s, x: F.pad(x, (1, 2, 0, 1), 'reflect'), dict(pad=(1, 2, 0, 1), mode='reflect')),
    (lambda s, x: F.max_pool2d(x, 2, padding=1), dict(kernel_size=2, padding=1, stride=None)), (lambda s, x: nn.MaxPool2d(3, 2)(x), dict(kernel_size=3, stride=2)), (lambda s, x: F.avg_pool2d(x, 2), dict(kernel_size=2, ceil_mode=False)),
    (lambda s, x: x[:, 1:, ::2], dict(index=(slice(None), slice(1, None), slice(None, None, 2)))), (lambda s, x: x.roll(1, -1), dict(shifts=1, dims=-1)), (lambda s, x: x.topk(2, 1)[0], dict(k=2, dim=1)), (lambda s, x: F.pixel_shuffle(torch.cat([x, x], 1), 2), dict(upscale_factor=2)),
    (lambda s, x: x.reshape(2, -1), dict(shape=(2, -1))), (lambda s, x: x.sum(1), dict(dim=1)), (lambda s, x: x + 1, dict(other=1)), (lambda s, x: 1 - x, dict(other=1)), (lambda s, x: x.transpose(1, 2), dict(dim0=1, dim1=2))])
def test_arguments_have_names(f, want):
    args = found(f)[-1].call.args
    assert {k: args[k] for k in want} == want and isinstance(args.get('input', Source(-1, 0, ())), Source)

def test_a_source_says_which_result_of_which_record_it_is():
    layers = found(lambda s, x: torch.stack([*reversed(s.conv(x).chunk(2, 1))]))
    assert layers['stack'].call.args['tensors'] == [Source(1, 1, (1, 2, 8, 8)), Source(1, 0, (1, 2, 8, 8))]
    assert layers['conv'].call.args['input'] == Source(-1, 0, (1, 2, 8, 8))
    assert layers['conv'].call.args['weight'] == Source(None, 0, (4, 2, 3, 3), ('conv.weight',)) and layers['conv'].params == ('conv.weight', 'conv.bias')

# ---- one way to name a layer

half = torch.float16
mixes = dict(conv=lambda s, x: s.conv(x.to(half)), weight=lambda s, x: F.conv2d(x, s.conv.weight.double()), matmul=lambda s, x: x @ x.double(), whole_numbers=lambda s, x: x @ x.long(),
    einsum=lambda s, x: torch.einsum('nchw,dc->ndhw', x, s.conv.weight[:, :, 0, 0].to(half)), linear=lambda s, x: F.linear(x, torch.ones(4, 8, dtype=half, device=x.device)),
    addmm=lambda s, x: torch.addmm(x[0, 0].double(), x[0, 0], x[0, 1]), batch_norm=lambda s, x: F.batch_norm(x, x.new_zeros(2, dtype=half), x.new_ones(2, dtype=half)),
    layer_norm=lambda s, x: F.layer_norm(x, (8,), x.new_ones(8, dtype=torch.float64)), transposed=lambda s, x: F.conv_transpose2d(x, s.conv.weight[:2].to(half)), bias=lambda s, x: F.conv2d(x, s.conv.weight, s.conv.bias.double()),
    add=lambda s, x: x + x.to(half), cat=lambda s, x: torch.cat([x, x.double()]), where=lambda s, x: torch.where(x > 0, x, x.double()), embedding=lambda s, x: F.embedding((x > 0).long(), s.conv.weight[:, 0, 0]), prelu=lambda s, x: F.prelu(x, x.new_ones(1, dtype=half)),
    attention=lambda s, x: F.scaled_dot_product_attention(x, x.to(half), x), mv=lambda s, x: torch.mv(x[0, 0], x[0, 0, 0].double()), dot=lambda s, x: torch.dot(x[0, 0, 0], x[0, 0, 0].double()), lerp=lambda s, x: x.lerp(x.double(), .5))

@pytest.mark.parametrize('name', mixes)
def test_numbers_of_different_types_are_refused_as_pytorch_does(name):
    """On shapes alone PyTorch lets many a mix pass that it refuses where it computes"""
    model = Uses(mixes[name])
    try:
        with torch.no_grad(): model(torch.zeros(1, 2, 8, 8))
    except RuntimeError:
        with pytest.raises(ValueError, match='does not run'): trace(model, (2, 8, 8))
    else: assert len(trace(model, (2, 8, 8)))

def test_find():
    layers = trace(nn.Sequential(nn.Sequential(conv(), nn.ReLU()), conv(2, 2)), (1, 8, 8))
    assert layers.find('0.0') is layers[0] and layers.find('0') is layers[1] is layers['0'] and layers.find(np.int64(-1)) is layers[2] is layers[np.int64(2)]
    for wrong,error,said in (('0.1.x', ValueError, "trace: no layer is named '0.1.x'; the nearest are '0.1'"), (3, ValueError, 'trace: layer is 3'), (True, TypeError, 'trace: layer is True'), (1.5, TypeError, 'layer is 1.5'), (None, TypeError, 'layer is None')):
        with pytest.raises(error, match=said): layers.find(wrong)
    with pytest.raises(ValueError, match='count: no layer'): layers.find('nope', 'count')
    with pytest.raises(IndexError): layers[3]
    assert isinstance(layers[1:], Trace) and layers[1:].model is layers.model

class Shows(nn.Module): # a layer of each kind of name
    def __init__(self):
        super().__init__()
        self.body,self.head = nn.Sequential(conv(1, 4), nn.ReLU()),conv(4, 2)
    def forward(self, x): return self.head(self.body(x)) + 1

@pytest.mark.parametrize('name, want', [('body.0', 'body.0'), ('body', 'body.1'), ('add', 'add'), (0, 'body.0'),
    (-1, 'add'), (np.int64(2), 'head'), (torch.tensor(1), 'body.1')])
def test_every_function_takes_the_same_names(name, want):
    torch.manual_seed(0)
    net,x = Shows(),torch.rand(1, 10, 10)
    layers = trace(net, x.shape)
    fields,counts = receptive_field(layers),count(layers)
    assert layers[name].name == layers.find(name).name == fields[name].name == counts[name].name == want
    assert receptive_field(layers, layer=name).name == want
    for f in (input_box, gradient_receptive_field): assert f(layers, layer=name, place=(0, 0)).size[0] in (3, 5)
    assert [*precedents(layers, layer=name, place=(0, 0))][-1] == want
    assert effective_receptive_field(layers, x[None], name).heat.any()
    view = explore_network(layers, x, layers=name, at=(name, (0, 0)))
    assert [p['name'] for p in view.panels] == ['image', want]

@pytest.mark.parametrize('name', ['bdy', 4, True, 1.5])
def test_every_function_refuses_the_same_names(name):
    net,x = Shows(),torch.rand(1, 10, 10)
    calls = [functools.partial(f, net, x.shape, name) for f in (receptive_field, input_box, precedents, gradient_receptive_field)]
    calls += [functools.partial(effective_receptive_field, net, x[None], name), functools.partial(explore_network, net, x, name)]
    for f in calls:
        with pytest.raises((TypeError, ValueError), match=f'^{f.func.__name__}: '): f()

def test_the_model_runs_once(monkeypatch):
    net,x = Shows(),torch.rand(1, 1, 10, 10)
    layers = trace(net, x.shape)
    monkeypatch.setattr('cnn_notes.tracing._trace', None)
    assert explore_network(layers, x[0]).title.endswith('this Shows is made from')
    for f in (receptive_field, input_box, precedents, gradient_receptive_field, count): f(layers)
    effective_receptive_field(layers, x.expand(3, -1, -1, -1))
    for f,given in ((explore_network, x[0, :, 1:]), (effective_receptive_field, x[:, :, 1:])):
        with pytest.raises(ValueError, match=rf'^{f.__name__}: the image has shape \(1, 9, 10\), but the trace'): f(layers, given)
    for f in (count, receptive_field, input_box):
        with pytest.raises(ValueError, match=f'^{f.__name__}: the trace does not begin with'): f(layers[1:])

def test_a_trace_or_a_model():
    model = conv()
    layers = trace(model, (1, 8, 8))
    assert as_trace(layers, None, 'f') is layers is as_trace(layers, (1, 8, 8), 'f') and layers.shape == (1, 1, 8, 8)
    assert len(as_trace(model, (np.int64(1), 8, torch.tensor(8)), 'f')) == 1
    for m,shape,error in ((layers, (1, 9, 9), ValueError), (model, None, ValueError), (model, (1, True, 8), ValueError), ('net', (1, 8, 8), TypeError)):
        with pytest.raises(error, match='^f: '): as_trace(m, shape, 'f')

def test_the_old_paths_work():
    from cnn_notes.geometry import Layer, Trace, trace, unknown_layer # noqa: F401
    assert geometry.trace is trace and {'Layer', 'Trace', 'trace', 'unknown_layer', 'Window'} <= {*geometry.__all__}
    with pytest.raises(AttributeError): geometry.nothing # noqa: B018

def test_batch_norm_leaves_the_layout_that_it_leaves_in_a_real_run():
    "A model that asks for it goes the same way in a trace"
    class Asks(nn.Module):
        def __init__(self): super().__init__(); self.norm = nn.BatchNorm2d(3).eval()
        def forward(self, x):
            for y in (x, x.transpose(2, 3), x.contiguous(memory_format=torch.channels_last), x[..., ::2]):
                layouts.append(self.norm(y).stride())
            return x
    layouts: list = []
    model = Asks()
    with torch.no_grad(): model(torch.zeros(1, 3, 8, 6))
    real = layouts.copy(); layouts.clear()
    trace(model, (3, 8, 6))
    assert layouts == real

def test_what_is_not_asked_of_pytorch_is_what_it_says(monkeypatch):
    "Of results that are made like others of their kind: the same record and layout in memory as PyTorch says"
    from cnn_notes import tracing
    class Odd(nn.Module):
        def __init__(self, n=3):
            super().__init__()
            self.norms = nn.ModuleList([nn.BatchNorm2d(n), nn.BatchNorm2d(n, affine=False),
                nn.BatchNorm2d(n, track_running_stats=False)])
        def forward(self, x):
            y = x.permute(0, 1, 3, 2)[:, :, ::2].relu()
            y = torch.relu_(y + 1).contiguous(memory_format=torch.channels_last)
            for norm in self.norms: y = norm(y); tags.append((y.stride(), y.dtype))
            z = x[:, :, :1].expand(-1, -1, 4, -1).relu()
            tags.append(z.stride())
            v = z[:, 0]
            v.relu_()
            return y.flatten(1).sum() + z.flatten(1)
    def seen():
        tags.clear()
        t = trace(Odd(), (3, 8, 8))
        return repr(t),[(l.call, l.ops, l.inputs) for l in t],[*tags]
    tags: list = []
    short = seen()
    assert any(o.function == 'aten::native_batch_norm' for l in short[1] for o in l[1])
    monkeypatch.setattr(tracing, '_is_asked_once', lambda op: False)
    assert seen() == short
    monkeypatch.undo()
    with pytest.raises(ValueError, match='does not run'): trace(Odd(4), (3, 8, 8))

def test_the_search_for_garbage_waits_for_the_last_of_two_threads():
    before = gc.isenabled()
    gc.enable()
    try:
        one,other = _uncollected(),_uncollected()
        one.__enter__(); other.__enter__()
        one.__exit__(None, None, None)
        assert not gc.isenabled()
        other.__exit__(None, None, None)
        assert gc.isenabled()
    finally:
        if not before: gc.disable()

@pytest.mark.parametrize('register', ['register_full_backward_hook', 'register_full_backward_pre_hook'])
def test_backward_hooks_do_not_move_the_field(register):
    model = nn.Sequential(conv(), nn.ReLU())
    getattr(model[0], register)(lambda *args: None)
    box = gradient_receptive_field(model, (1, 8, 8))
    assert (box.rows, box.cols) == (input_box(model, (1, 8, 8)).rows, input_box(model, (1, 8, 8)).cols)
    assert len(model[0]._backward_hooks) + len(model[0]._backward_pre_hooks) == 1

@pytest.mark.parametrize('power', [lambda x: x**2, lambda x: x.relu()**.5, lambda x: x**x, lambda x: x.__ipow__(2)])
def test_powers(power):
    "Python functions around C++ code, which have no signature of their own"
    class Power(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 1, 3)
        def forward(self, x): return power(self.conv(x))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Power()
    traced = trace(model, (1, 8, 8))
    box = input_box(traced, place=(2, 3))
    assert (box.rows, box.cols) == (range(2, 5), range(3, 6))
    assert not count(traced).unknown

class Counted(nn.Module):
    calls,seen,nested,pair,state,mean = 0,{'shapes': []},[[0]],([],),{'a': 0},torch.zeros(2)
    table,both = {'mean': torch.zeros(2)},(torch.zeros(2),)
    def __init__(self):
        super().__init__()
        self.conv = conv()
    def forward(self, x):
        Counted.calls += 1
        self.seen['shapes'].append(x.shape)
        self.nested[0][0] += 1
        self.pair[0].append(x)
        self.state['b'] = self.state.pop('a', 0)
        for o in (Counted.mean, self.table['mean'], *self.both): o.add_(1)
        return self.conv(x)

def test_what_the_class_of_a_model_counts_is_put_back():
    kept = Counted.seen,Counted.seen['shapes'],Counted.nested,Counted.pair
    receptive_field(Counted(), (1, 8, 8))
    assert (Counted.calls, Counted.seen, Counted.nested, Counted.pair) == (0, {'shapes': []}, [[0]], ([],))
    assert Counted.state == {'a': 0}
    assert not any(o.any() for o in (Counted.mean, Counted.table['mean'], *Counted.both))
    assert all(a is b for a,b in zip(kept, (Counted.seen, Counted.seen['shapes'], Counted.nested, Counted.pair)))

class Registered(nn.Module):
    nodes: dict = {i: {'to': []} for i in range(30)}
    pairs: list = []
    for _ in range(40): pairs = [pairs, pairs]
    def __init__(self):
        super().__init__()
        self.conv = conv()
    def forward(self, x):
        self.nodes[30] = self.nodes.pop(0)
        return self.conv(x)
for node in Registered.nodes.values(): node['to'] += [o for o in Registered.nodes.values() if o is not node]

def test_what_a_class_keeps_is_looked_at_once_however_many_ways_lead_to_it():
    receptive_field(Registered(), (1, 8, 8))
    assert [*Registered.nodes] == [*range(30)]

class MakesItsHead(nn.Module):
    "A beginner's way to let a layer find out its size"
    def __init__(self): super().__init__(); self.conv,self.head = nn.Conv2d(1, 2, 3),None
    def forward(self, x):
        x = self.conv(x).flatten(1)
        if self.head is None: self.head = nn.Linear(x.shape[1], 10)
        return self.head(x)

def test_a_model_that_makes_a_layer_while_it_runs_is_told_to_run_first():
    model = MakesItsHead()
    with pytest.raises(ValueError, match='makes head.weight while it runs; run it once on a batch, and then trace it'): trace(model, (1, 5, 5))
    assert model.head is None
    model(torch.zeros(1, 1, 5, 5))
    assert [l.weight_shape for l in trace(model, (1, 5, 5)) if l.weight_shape] == [(2, 1, 3, 3), (10, 18)]
