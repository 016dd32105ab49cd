"ActivationStats against fastai's, and in the situations where a record goes wrong"
import gc, math, pickle, weakref
import matplotlib
matplotlib.use('Agg')
import matplotlib.pyplot as plt
import pytest
import torch
import torch.nn as nn
from cnn_notes.data import mnist_dls
from cnn_notes.callbacks import ActivationRecord, ActivationStats, _describe
from cnn_notes.models import simple_cnn
from fastai.callback.core import Callback, CancelBatchException, CancelFitException
from fastai.callback.hook import ActivationStats as FastaiStats
from fastai.learner import Learner, load_learner
from fastai.torch_core import set_seed
from fastai.callback import progress, schedule # noqa: F401, Learner.no_bar and lr_find
from hypothesis import given, settings, strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

@pytest.fixture(scope='module')
def dls():
    g = torch.Generator().manual_seed(0)
    x,y = torch.randint(0, 256, (400, 28, 28), generator=g, dtype=torch.uint8),torch.arange(400) % 10
    return mnist_dls(bs=64, val_bs=100, data=(x, y, x[:100], y[:100]), device='cpu')

def learner(dls, cb, model=None, **kwargs):
    set_seed(0); dls.train.rng.seed(0)
    return Learner(dls, simple_cnn() if model is None else model, cbs=cb, **kwargs)

def fit(learn, epochs=1, lr=.01, **kwargs):
    with learn.no_bar(), learn.no_logging(): learn.fit(epochs, lr, **kwargs)
    return learn

def run(dls, model=None, epochs=1, **kwargs): return fit(learner(dls, ActivationStats(**kwargs), model), epochs).activation_stats
def hooks(model): return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) + len(m._backward_hooks) + ('forward' in m.__dict__) for m in model.modules())

# ---- fastai's numbers

def same(a, b):
    "`layer_stats` of ours and of fastai's: counts exactly, mean and standard deviation as far as single precision goes, of a mean near 0 too"
    for p,q in zip(a, b): assert len(p) == len(q) and list(p) == pytest.approx(list(q), rel=2e-6, abs=2e-6*max(1e-6, *b[1]), nan_ok=True)
    assert a[2] == b[2]

@pytest.mark.parametrize('kwargs', [dict(), dict(every=2), dict(include_paramless=True)])
def test_equal_to_fastai(dls, kwargs):
    theirs,ours = (fit(learner(dls, cls(with_hist=True, **kwargs)), 2).activation_stats for cls in (FastaiStats, ActivationStats))
    assert len(ours.stats) == len(theirs.stats) and [type(m) for m in ours.modules] == [type(m) for m in theirs.modules]
    for i in (*range(len(ours.modules)), -1):
        same(ours.layer_stats(i), theirs.layer_stats(i))
        assert ours.hist(i).dtype == theirs.hist(i).dtype and torch.equal(ours.hist(i), theirs.hist(i))
    for a,b in zip(ours.stats, theirs.stats):
        for p,q in zip(a, b):
            assert p['near_zero'] == q['near_zero'] and torch.equal(p['hist'], q['hist'])

def test_does_not_change_the_training(dls):
    plain = fit(learner(dls, None)).recorder.losses
    for kwargs in (dict(), dict(with_hist=True, after_act=True), dict(is_forward=False), dict(sample=3, every=2)):
        assert fit(learner(dls, ActivationStats(**kwargs))).recorder.losses == plain

def test_constructor_and_attributes_of_fastai(dls):
    cb = ActivationStats(True, modules=None, every=1, remove_end=True, is_forward=True, detach=True, cpu=True, include_paramless=False)
    for k in ('with_hist', 'modules', 'every', 'remove_end', 'is_forward', 'detach', 'cpu', 'include_paramless'): assert hasattr(cb, k)
    learn = fit(learner(dls, cb))
    assert learn.activation_stats is cb and cb.order == FastaiStats.order
    for k in ('stats', 'layer_stats', 'hist', 'color_dim', 'plot_layer_stats'): assert hasattr(cb, k)

def compared(x):
    "Share of positions at which an image differs from the one before it, as they are and after a ReLU"
    images = x.reshape(len(x) if x.ndim else 1, -1)
    return [(o[1:] != o[:-1]).double().mean().item() for o in (images, images.relu())]

@pytest.mark.parametrize('bins', [1, 40, 63, 100, 101, 127])
@pytest.mark.parametrize('center,spread', [(0, 1), (1, 1.01), (5, 1), (-.7, .5), (100, .1), (3, 0), (-40, 3)])
def test_numbers_of_any_center(center, spread, bins):
    "Beside double precision, and counts beside PyTorch's, of shapes of more values than are taken at a time and of fewer"
    g = torch.Generator().manual_seed(bins)
    for shape in ((512, 8, 14, 14), (9, 16, 16, 8), (5, 21, 14, 14), (513, 3, 7, 5), (3, 5), (9,), (), (1, 1)):
        x = torch.randn(shape, generator=g)*spread + center
        (mean, std, differ, passed), counts, n = _describe(x, bins, -1., 9.)
        d = x.double()
        assert n == d.numel() and mean.item() == pytest.approx(d.mean().item(), rel=1e-6, abs=1e-6*spread)
        assert math.isnan(std) if n == 1 else std.item() == pytest.approx(d.std().item(), rel=1e-6)
        assert [differ.item(), passed.item()] == pytest.approx(compared(x), rel=1e-6, nan_ok=True)
        assert counts[:3].tolist() == [(x <= .05).sum(), (x < -.05).sum(), 0] and torch.equal(counts[3:], x.histc(bins, -1., 9.).long())

@settings(deadline=None, max_examples=60)
@given(st.floats(-50, 50), st.floats(.01, 60), st.integers(1, 300), st.integers(0, 300), st.integers(0, 2**31))
def test_histogram_is_histc(lo, width, bins, n, seed):
    hi,g = lo + width,torch.Generator().manual_seed(seed)
    e = torch.linspace(lo, hi, bins+1)
    far = torch.tensor(1e9)
    x = torch.cat([e, torch.nextafter(e, far), torch.nextafter(e, -far), torch.tensor([lo, hi]), torch.randn(n, generator=g)*width + lo])
    assert torch.equal(_describe(x, bins, lo, hi)[1][3:], x.histc(bins, lo, hi).long())

@pytest.mark.parametrize('lo,hi', [(0, 1e38), (-1e38, 1e38), (1e6, 1e6 + .1), (1e8, 1e8 + 1), (-1e-40, 1e-40)])
def test_histogram_of_extreme_ranges(lo, hi):
    x = torch.randn(20_000)*(hi/1e5)
    x[:3] = torch.tensor([.1, .2, .9])*hi # times `bins`, that is more than single precision holds
    assert torch.equal(_describe(x, 40, lo, hi)[1][3:], x.histc(40, lo, hi).long())

@pytest.mark.parametrize('first', [1e6, -1e30])
def test_a_first_value_unlike_all_others(first):
    "The sums are of differences from the first value"
    x = torch.randn(64, 3, 5, 5); x[0, 0, 0, 0] = first
    (mean, std, *_), _, n = _describe(x)
    d = x.double()
    assert mean.item() == pytest.approx(d.mean().item(), rel=1e-6) and std.item() == pytest.approx(d.std().item(), rel=1e-6)

def test_negated_views_have_numbers():
    "PyTorch negates such a tensor only when it is read: the imaginary part of a conjugate"
    z = torch.randn(3, 50, dtype=torch.cfloat)
    for x in (z.conj().imag, z.conj().imag[:, ::2], z.imag._neg_view(), torch.randn(3, 50)._neg_view()):
        for a,b in zip(_describe(x, 40, -1., 9.), _describe(x.clone().resolve_neg().contiguous(), 40, -1., 9.)):
            assert a == b if isinstance(a, int) else torch.allclose(a, b, rtol=1e-6)

@pytest.mark.parametrize('bins', [40, 100, 101, 1000])
def test_more_values_in_a_bin_than_single_precision_can_count(bins):
    "`histc` counts up to 2**24 and stops"
    counts = _describe(torch.zeros(1, 2**24 + 3), bins, 0, 10)[1]
    assert counts[3] == 2**24 + 3 and counts[4:].sum() == 0
    assert _describe(torch.ones(2, 3), bins, 0, 10**30)[1][3:].sum() == 6 # a range that `histc` cannot take

def test_what_is_not_finite_is_counted():
    "NaN and both infinities, alone and together, beside PyTorch's counts; NaN is equal to nothing, also after a ReLU"
    nan,inf = float('nan'),float('inf')
    for values in ([nan], [inf], [-inf], [inf, -inf], [nan, inf, -inf]):
        x = torch.randn(9, 1000) + 1
        for k,v in enumerate(values): x[k::3, k::7] = v
        (mean, std, differ, passed), counts, _ = _describe(x, 40, 0., 10.)
        assert counts[:3].tolist() == [(x <= .05).sum(), (x < -.05).sum(), x.isnan().sum()]
        assert torch.equal(counts[3:], x.histc(40, 0., 10.).long())
        assert str(mean.item()) == str(x.double().mean().item())
        assert [differ.item(), passed.item()] == pytest.approx(compared(x), rel=1e-6)

def test_places_in_any_order_of_memory():
    "Channels last, a slice, batches not outermost, one image many times: the same numbers as of a copy in order"
    x = torch.randn(7, 6, 5, 4)*4 + 1
    for t in (x.to(memory_format=torch.channels_last), x[:, ::2], x.transpose(0, 2), x.transpose(1, 3), x[:1].expand(9, 6, 5, 4), x[..., None, :]):
        for a,b in zip(_describe(t, 40, -10, 10), _describe(t.clone(memory_format=torch.contiguous_format), 40, -10, 10)): assert a == b if isinstance(a, int) else torch.allclose(a, b, rtol=1e-6)

def test_histogram_of_many_values_and_odd_shapes():
    x = torch.randn(7, 33, 29, 31)*4
    for t in (x, x[:, ::2], x.to(memory_format=torch.channels_last), x[:1, :1, :1, :1], x[..., 0]):
        assert torch.equal(_describe(t, 40, -10, 10)[1][3:], t.histc(40, -10, 10).long())
        for bins in (40, 126, 127, 500): assert torch.equal(_describe(t, bins, 0, 10)[1][3:], t.histc(bins, 0, 10).long())

def test_signal_and_health_compare_images(dls):
    x = torch.randn(50, 4, 3, 3).round() # many values are alike
    rec = ActivationRecord(['a', 'b']); rec._add(0, [_describe(x)]*2)
    rec.before_relu.add(1)
    assert [rec.series(o, 'signal').item() for o in 'ab'] == pytest.approx([compared(x)[0]]*2)
    assert [rec.series(o, 'health').item() for o in 'ab'] == pytest.approx(compared(x))
    assert rec.series('a', 'near_zero_abs').item() == (x.abs() <= .05).sum().item()/x.numel()
    cb = run(dls, sample=20)
    assert cb.record.before_relu == {0, 1, 2, 3} and all(0 <= s <= 1 for s in cb.record.series(0, 'signal'))

# ---- what fastai's does not have

def test_layers_by_name(dls):
    cb = run(dls, with_hist=True)
    assert cb.layers == [f'{i}.conv' for i in range(5)]
    for i,name in enumerate(cb.layers):
        assert cb.layer_stats(name) == cb.layer_stats(i) == cb.layer_stats(i-5)
        assert torch.equal(cb.hist(name), cb.hist(i))
    for bad in ('1.cnov', 5, -6, 1.5, True, None):
        with pytest.raises((TypeError, ValueError), match="ActivationStats: .*(0.conv|1.conv|a layer's name or number)"): cb.layer_stats(bad)

def test_modules_by_name_and_as_modules(dls):
    model = simple_cnn()
    cb = run(dls, model, modules=['1.act', model[0].conv])
    assert cb.layers == ['1.act', '0.conv'] and min(cb.layer_stats('1.act')[0]) >= 0 and cb.modules == [model[1].act, model[0].conv]

def test_after_act_is_the_activation(dls):
    names = [f'{i}.act' for i in range(4)] + ['4.conv']
    for forward in (True, False):
        a,b = (run(dls, is_forward=forward, **k) for k in (dict(modules=names), dict(after_act=True)))
        assert b.layers == [f'{i}.conv' for i in range(5)]
        for i in range(5): assert a.layer_stats(i) == b.layer_stats(i)

class Residual(nn.Module): # one activation for two places, as in a ResNet
    def __init__(self, inplace):
        super().__init__(); torch.manual_seed(0)
        self.a,self.b,self.act,self.head = nn.Conv2d(1, 4, 3, padding=1),nn.Conv2d(4, 4, 3, padding=1),nn.ReLU(inplace=inplace),nn.Linear(4, 10)
    def forward(self, x):
        x = self.act(self.a(x))
        return self.head(self.act(x + self.b(x)).mean((2, 3)))

def test_after_act_where_one_activation_serves_twice(dls):
    a,b,pre = (run(dls, Residual(o), **k) for o,k in ((True, dict(after_act=True)), (False, dict(after_act=True)), (True, {})))
    assert a.layers == ['a', 'b', 'head']
    for i in range(3):
        for p,q in zip(a.layer_stats(i), b.layer_stats(i)): assert list(p) == pytest.approx(list(q))
    assert min(r[0]['mean'] for r in a.stats) > max(0, pre.stats[0][0]['mean']) # what follows a is its ReLU
    assert a.stats[0][1]['mean'] == pre.stats[0][1]['mean'] # b's output meets the sum first

def test_in_place_activations_do_not_reach_the_record(dls):
    def model(inplace): torch.manual_seed(0); return nn.Sequential(nn.Conv2d(1, 4, 5, 4), nn.ReLU(inplace=inplace), nn.Flatten(), nn.Linear(144, 10))
    a,b = (run(dls, model(o)) for o in (True, False))
    assert a.layer_stats(0) == b.layer_stats(0) and min(r[0]['mean'] for r in a.stats) < min(a.layer_stats(1)[1])

def test_own_activation_class(dls):
    class Shifted(nn.Module):
        def forward(self, x): return x.clamp_min(0) + 1
    model = simple_cnn(act=Shifted)
    assert min(run(dls, model, after_act=Shifted).layer_stats(0)[0]) >= 1 > max(run(dls, simple_cnn(act=Shifted), after_act=True).layer_stats(0)[0])

def test_gradients(dls):
    cb = run(dls, is_forward=False)
    grads = []
    class Keep(Callback):
        def before_batch(self):
            if self.training: self.h = self.model[2].conv.register_forward_hook(lambda m,i,o: o.register_hook(lambda g: grads.append((g.mean().item(), g.std().item()))) and None)
        def after_batch(self):
            if self.training: self.h.remove()
    fit(learner(dls, [ActivationStats(is_forward=False), Keep()]))
    for got,want in zip(cb.layer_stats(2)[:2], zip(*grads)): assert list(got) == pytest.approx(want, rel=2e-6, abs=2e-6*max(s for _,s in grads))

def test_range_and_bins(dls):
    cb = run(dls, with_hist=True, bins=25, hist_range=(-2, 3))
    wide = run(dls, with_hist=True, hist_range=(-1000, 1000))
    assert cb.hist(0).shape == (25, 6) and cb.hist(0)[:10].sum() > 0 # below zero
    assert wide.hist(0).expm1().sum(0).round().tolist() == [64*8*14*14]*6

@pytest.mark.parametrize('kwargs,match', [
    (dict(bins=0), 'bins is 0'), (dict(bins=2.5), 'bins is 2.5'), (dict(bins=True), 'bins is True'), (dict(hist_range=(1, 1)), 'hist_range'), (dict(hist_range=(2, 1)), 'hist_range'),
    (dict(hist_range=(0, math.inf)), 'hist_range'), (dict(hist_range=(0, 1e39)), 'single precision'), (dict(hist_range=(-10**400, 0)), 'hist_range'), (dict(hist_range=(0, math.nan)), 'hist_range'), (dict(hist_range=3), 'hist_range'), (dict(hist_range=(0, 'a')), 'hist_range'),
    (dict(every=0), 'every is 0'), (dict(every=1.5), 'every'), (dict(every=-1), 'every'), (dict(sample=0), 'sample is 0'), (dict(sample='1'), 'sample')])
def test_refused_arguments(kwargs, match):
    with pytest.raises((TypeError, ValueError), match=f'ActivationStats: .*{match}'): ActivationStats(**kwargs)

class Lone(nn.Module): # a parameter, and no layer that has one
    def __init__(self): super().__init__(); self.w,self.flat = nn.Parameter(torch.randn(784, 10)),nn.Flatten()
    def forward(self, x): return self.flat(x) @ self.w

def test_refused_modules(dls):
    with pytest.raises(TypeError, match='a list of modules'): ActivationStats(modules='0.conv')
    with pytest.raises(TypeError, match='modules holds 3'): run(dls, modules=[3])
    with pytest.raises(ValueError, match="no layer is named '0.cnov'; the nearest are '0.conv'"): run(dls, modules=['0.cnov'])
    with pytest.raises(ValueError, match='not part of the model'): run(dls, modules=[nn.Linear(1, 1)])
    with pytest.raises(ValueError, match='modules is empty'): run(dls, modules=[])
    with pytest.raises(ValueError, match='no layer with parameters'): run(dls, Lone())

def test_nothing_recorded_yet(dls):
    cb = ActivationStats()
    for f in (lambda: cb.stats, lambda: cb.layer_stats(0), lambda: cb.health(), lambda: cb.plot()):
        with pytest.raises(ValueError, match='call fit first'): f()
    cb = run(dls)
    with pytest.raises(ValueError, match='with_hist=True'): cb.hist(0)
    with pytest.raises(ValueError, match="what is 'men'; give one of 'mean', 'std'"): cb.record.series(0, 'men')

# ---- several fits, interruptions, pickling

def test_every_fit_keeps_its_record(dls):
    learn = fit(learner(dls, ActivationStats()))
    first = learn.activation_stats.stats
    fit(learn, 2)
    cb = learn.activation_stats
    assert [len(r) for r in cb.fits] == [6, 12] and cb.fits[0].stats == first and len(cb.stats) == 12

def test_a_new_model_is_followed(dls):
    learn = fit(learner(dls, ActivationStats()))
    learn.model,learn.opt = simple_cnn((4, 8, 16, 32)),None; fit(learn)
    assert learn.activation_stats.modules[0] is learn.model[0].conv and not math.isnan(learn.activation_stats.layer_stats(0)[0][0])
    learn.activation_stats.modules = ['1.conv']; fit(learn) # set later, as an attribute
    assert learn.activation_stats.layers == ['1.conv']

def test_lr_find_does_not_erase_a_fit(dls):
    learn = fit(learner(dls, ActivationStats()))
    with learn.no_bar(), learn.no_logging(): learn.lr_find(show_plot=False, num_it=10)
    assert len(learn.activation_stats.record) == 6 and len(learn.activation_stats.fits) == 1

class Boom(nn.Module):
    at = 10**9
    def forward(self, x):
        self.at -= 1
        if self.at < 0: raise KeyboardInterrupt
        return x

@pytest.mark.parametrize('where', ['model', 'after_pred', 'after_loss', 'before_batch', 'after_step'])
@pytest.mark.parametrize('kwargs', [dict(), dict(is_forward=False), dict(after_act=True)])
def test_no_hook_survives_an_interruption(dls, where, kwargs):
    boom = Boom()
    class Stop(Callback):
        order = 5
        def __call__(self, name):
            if name == where and self.training and self.train_iter == 2: raise KeyboardInterrupt
    model = nn.Sequential(nn.Conv2d(1, 4, 5, 4), nn.ReLU(), boom, nn.Flatten(), nn.Linear(144, 10))
    if where == 'model': boom.at = 2
    learn = learner(dls, ActivationStats(**kwargs), model)
    with pytest.raises(KeyboardInterrupt): fit(learn, cbs=None if where == 'model' else Stop())
    if where != 'before_batch': assert hooks(model) == 0
    assert len(learn.activation_stats.record) == 2 and len(learn.activation_stats.stats) == 2
    boom.at = 10**9
    for c in [c for c in learn.cbs if isinstance(c, Stop)]: learn.remove_cb(c)
    fit(learn)
    assert hooks(model) == 0 and len(learn.activation_stats.record) == 6

def test_canceled_batches_leave_no_stale_row(dls):
    class Skip(Callback):
        order = -30
        def before_batch(self):
            if self.training and self.iter == 3: raise CancelBatchException
    cb = fit(learner(dls, [ActivationStats(), Skip()])).activation_stats
    means = cb.layer_stats(0)[0]
    assert len(means) == 5 == len(set(means))

def test_canceled_fit(dls):
    class Stop(Callback):
        def after_batch(self):
            if self.training and self.iter == 1: raise CancelFitException
    learn = fit(learner(dls, [ActivationStats(), Stop()]))
    assert hooks(learn.model) == 0 and len(learn.activation_stats.record) == 2

def test_validation_is_left_alone(dls, monkeypatch):
    calls = []
    monkeypatch.setattr('cnn_notes.callbacks._describe', lambda *a: calls.append(0) or _describe(*a))
    cb = run(dls)
    assert len(calls) == 6*5 == 5*len(cb.record)

def test_export_and_pickle(dls, tmp_path):
    learn = fit(learner(dls, ActivationStats(with_hist=True, after_act=True), path=tmp_path))
    learn.export('e.pkl')
    back = load_learner(tmp_path/'e.pkl')
    cb = back.activation_stats
    assert cb.layer_stats(2) == learn.activation_stats.layer_stats(2) and torch.equal(cb.hist(1), learn.activation_stats.hist(1))
    back.dls = dls; fit(back)
    assert len(cb.fits) == 2
    rec = pickle.loads(pickle.dumps(learn.activation_stats.record))
    assert rec.stats[0][0]['mean'] == learn.activation_stats.stats[0][0]['mean']
    fresh = pickle.loads(pickle.dumps(ActivationStats(every=2)))
    assert fresh.every == 2 and fresh.fits == []

def test_remove_cb(dls):
    learn = fit(learner(dls, ActivationStats()))
    learn.remove_cb(ActivationStats)
    assert not hasattr(learn, 'activation_stats') and hooks(learn.model) == 0
    fit(learn)

def test_activations_are_not_kept_alive(dls):
    refs = []
    model = simple_cnn()
    for m in (model[1].conv, model[1].act): m.register_forward_hook(lambda m,i,o: refs.append(weakref.ref(o)))
    cb = run(dls, model, with_hist=True, after_act=True); gc.collect()
    assert len(refs) > 10 and sum(r() is not None for r in refs) == 0
    size = sum(t.untyped_storage().nbytes() for t in cb.record._read())
    assert size == len(cb.record)*5*(4*4 + 43*8 + 2*8) # the record, nothing else

# ---- other models and numbers

def test_model_that_is_one_layer_or_has_its_own_forward(dls):
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    class One(nn.Linear):
        def forward(self, x): return super().forward(x.flatten(1))
    cb = run(dls, One(784, 10))
    assert cb.layers == ['One'] and len(cb.layer_stats(0)[0]) == 6 and not math.isnan(cb.layer_stats(0)[0][0])
    own = lambda x: nn.Sequential.forward(model, x)*2
    model.forward = own
    run(dls, model)
    assert model.forward is own

def test_layer_that_is_not_called(dls):
    class Idle(nn.Module):
        def __init__(self): super().__init__(); self.idle,self.used = nn.Linear(2, 2),nn.Linear(784, 10)
        def forward(self, x): return self.used(x.flatten(1))
    cb = run(dls, Idle(), with_hist=True)
    assert math.isnan(cb.layer_stats('idle')[0][0]) and cb.hist('idle').sum() == 0 and not math.isnan(cb.layer_stats('used')[0][0])
    assert [h.verdict == 'not run' for h in cb.health()] == [True, False] and repr(cb.stats[0][0]) == 'not run'

def test_recurrent_layer_and_lone_parameter(dls):
    class Rnn(nn.Module):
        def __init__(self): super().__init__(); self.scale,self.rnn,self.head = nn.Parameter(torch.ones(1)),nn.LSTM(28, 6, batch_first=True),nn.Linear(6, 10)
        def forward(self, x): return self.head(self.rnn(x.squeeze(1)*self.scale)[0][:, -1])
    cb = run(dls, Rnn())
    assert cb.layers == ['rnn', 'head'] and max(map(abs, cb.layer_stats('rnn')[0])) < 1

def test_frozen_layers_are_recorded_and_need_no_gradient(dls):
    model = simple_cnn(); model[0].requires_grad_(False)
    assert len(run(dls, model).layer_stats(0)[0]) == 6
    assert all(math.isnan(o) for o in run(dls, model, is_forward=False).layer_stats(0)[0]) # no gradient ever comes there

@pytest.mark.parametrize('bad', [math.nan, math.inf, -math.inf])
def test_nan_and_infinity_are_counted_not_fatal(bad):
    x = torch.randn(8, 4, 5, 5); x[0, 0] = bad
    v,c,n = _describe(x, 40, 0, 10)
    assert torch.equal(c[3:], x.histc(40, 0, 10).long()) and c[2] == (25 if math.isnan(bad) else 0)
    assert c[0] == (x <= .05).sum() and not v[0].isfinite()

def test_nan_in_training(dls):
    model = simple_cnn(); model[2].conv.weight.data.fill_(math.nan)
    learn = learner(dls, ActivationStats(with_hist=True), model); fit(learn)
    cb = learn.activation_stats
    assert cb.record.series(2, 'nan')[0] == 1 and cb.health()[2].verdict == 'NaN'
    cb.plot(); cb.plot_layer_stats(2); cb.color_dim(2); plt.close('all')

def test_half_precision(dls):
    class Amp(Callback):
        order = -50
        def before_batch(self): self.amp = torch.autocast('cpu', torch.bfloat16); self.amp.__enter__()
        def after_pred(self): self.amp.__exit__(None, None, None); self.learn.pred = self.pred.float()
        def after_cancel_batch(self): self.amp.__exit__(None, None, None)
    kinds = []
    class Kind(Callback):
        def before_fit(self): self.h = self.model[1].conv.register_forward_hook(lambda m,i,o: kinds.append(o.dtype) and None)
        def after_fit(self): self.h.remove()
    ours,theirs = (fit(learner(dls, [cls(with_hist=True), Amp(), Kind()])).activation_stats for cls in (ActivationStats, FastaiStats))
    assert set(kinds) == {torch.bfloat16}
    for i in range(5): same(ours.layer_stats(i), theirs.layer_stats(i)); assert torch.equal(ours.hist(i), theirs.hist(i))
    x = torch.full((4, 3), 60000., dtype=torch.float16) # a sum that float16 cannot hold
    assert _describe(x, 4, 0, 70000)[0][0] == 60000

class NoWaiting(TorchDispatchMode):
    "Refuses what makes a program wait for its device: a number, or a copy to the CPU"
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.__name__.split('.')[0]
        assert name not in ('_local_scalar_dense', 'nonzero', 'bincount', 'is_nonzero', 'equal'), name
        if name in ('_to_copy', 'copy_'): assert str((kwargs or {}).get('device', '')) != 'cpu', name
        return func(*args, **(kwargs or {}))

def test_nothing_waits_for_a_device():
    class Away: # a tensor whose device claims to be another one, so that the branch for devices runs here
        type = 'elsewhere'
    class Other(torch.Tensor):
        __torch_function__ = torch._C._disabled_torch_function_impl
        device = property(lambda self: Away())
        def detach(self): return self
        def as_subclass(self, cls): return self
        def float(self): return self
    x = torch.randn(16, 4, 5, 5)
    want = _describe(x, 40, -10, 10)
    with NoWaiting(): got = _describe(torch.Tensor._make_subclass(Other, x), 40, -10, 10)
    assert torch.allclose(got[0], want[0]) and got[1].tolist() == want[1].tolist() and got[2] == want[2]

@pytest.mark.skipif(not torch.cuda.is_available(), reason='no CUDA device')
def test_cuda_without_synchronization():
    model,x = simple_cnn().cuda(),torch.randn(32, 1, 28, 28, device='cuda')
    cb = ActivationStats(with_hist=True, after_act=True)
    class Learn: pass
    cb.learn = Learn(); cb.learn.model,cb.learn.training,cb.learn.train_iter,cb.learn.cbs = model,True,0,[cb]
    cb.before_fit(); cb.before_train(); model(x)
    torch.cuda.synchronize(); torch.cuda.set_sync_debug_mode('error')
    try:
        for i in range(3): cb.learn.train_iter = i; cb.before_batch(); model(x); cb.after_pred(); cb.after_batch()
    finally: torch.cuda.set_sync_debug_mode('default')
    on_cuda = cb.stats[0]
    assert len(cb.stats) == 3 and cb.stats[0][0]['mean'] > 0
    want = _describe(model[0](x).cpu(), 40, 0, 10)
    assert on_cuda[0]['mean'] == pytest.approx(want[0][0].item(), rel=1e-4) and abs(on_cuda[0]['hist'].sum() - want[1][3:].sum()) < 5

def test_batch_of_one_and_sampling(dls):
    v,c,n = _describe(torch.ones(1, 1))
    assert n == 1 and math.isnan(v[1])
    a,b = run(dls, sample=10**6),run(dls)
    assert a.layer_stats(1) == b.layer_stats(1)
    assert run(dls, sample=8).record._read()[2][0].tolist() == [8*8*14*14, 8*16*7*7, 8*32*4*4, 8*64*2*2, 80]

# ---- health and pictures

def test_health_tells_dead_from_alive(dls):
    dead,alive = simple_cnn(),simple_cnn(act=nn.LeakyReLU, norm=nn.BatchNorm2d)
    dead[1].conv.bias.data.fill_(-100)
    h = run(dls, dead).health()
    assert [o.verdict for o in h[1:4]] == ['collapsing']*3 and h[1].passing == 0 and h[3].signal < .01
    h = run(dls, alive, modules=[f'{i}.conv' for i in range(4)], epochs=2).health()
    assert [o.verdict for o in h] == ['healthy']*4

@torch.no_grad()
def recorded_health(model, x):
    "What the record of one batch says of each layer of `model`"
    from cnn_notes.callbacks import _BatchHooks
    layers = [b.conv for b in model[:-1]]
    rec = ActivationRecord([f'{i}.conv' for i in range(5)])
    hooks = _BatchHooks(layers, _describe, True, (), set(), rec.before_relu)
    hooks.attach(model); model(x); hooks.remove()
    rec._add(0, [hooks.rows[i] for i in range(5)])
    return [h.health for h in rec.health()]

def test_health_is_of_the_function_and_not_of_its_units(dls):
    torch.manual_seed(0)
    model = simple_cnn().requires_grad_(False)
    x = dls.train_ds.batch(torch.arange(100))[0]
    before = recorded_health(model, x)
    assert min(before) > .05
    for i in range(4): # powers of two: nothing is rounded
        k = 2.**torch.randint(-6, 7, (model[i].conv.out_channels,))
        model[i].conv.weight.data.mul_(k.view(-1, 1, 1, 1)); model[i].conv.bias.data.mul_(k)
        model[i+1].conv.weight.data.div_(k.view(1, -1, 1, 1))
    assert recorded_health(model, x) == before
    model[4].conv.bias.data.sub_(100) # the same probabilities
    assert recorded_health(model, x) == pytest.approx(before, rel=.05) # small differences are rounded away
    model[2].conv.bias.data.fill_(-1e6)
    assert recorded_health(model, x)[2:] == [0, 0, 0]

def test_health_of_fresh_networks(dls):
    x = dls.train_ds.batch(torch.arange(100))[0]
    for seed in range(5):
        torch.manual_seed(seed)
        assert min(recorded_health(simple_cnn(), x)) > .05

def test_health_of_one_image(dls):
    rec = ActivationRecord(['a']); rec._add(0, [_describe(torch.ones(1, 3))])
    assert rec.health()[0].verdict == 'one image'

def test_pictures(dls):
    cb = run(dls, with_hist=True, every=2)
    ax = cb.color_dim(1); assert ax.images[0].get_array().shape == (40, 3) and ax.get_title().startswith('1.conv')
    fig,own = plt.subplots(); assert cb.color_dim('0.conv', ax=own) is own and len(fig.axes) == 2
    fig,own = plt.subplots(); cb.color_dim('0.conv', ax=own, vmax=12, colorbar=False); assert len(fig.axes) == 1 and own.images[0].get_clim() == (0, 12)
    fig = cb.plot_layer_stats('2.conv'); assert [len(a.lines) for a in fig.axes] == [1, 1, 2] and fig.axes[0].lines[0].get_xdata().tolist() == [0, 2, 4]
    fig = cb.plot('all layers'); assert len(fig.axes) == 4*5 + 1 and [a.get_title(loc='left').split('\n')[0] for a in fig.axes[:5]] == cb.layers
    assert len(run(dls).plot().axes) == 3*5
    assert len({ax.images[0].get_clim() for ax in cb.plot().axes[:5]}) == 1 # one scale of colors
    plt.close('all')
