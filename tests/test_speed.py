"`train_fast` and its parts: what they refuse, what they leave alone, and that a small training learns"
import math, random, time
from types import SimpleNamespace
import pytest, torch
from torch import nn
from hypothesis import given, settings, strategies as st
from cnn_notes.data import load_mnist, mnist_dls # before fastai: keeps its import quiet
from fastai.callback.core import Callback, TrainEvalCallback
from fastai.callback.progress import ProgressCallback
from fastai.callback.schedule import ParamScheduler
from fastai.data.core import DataLoaders
from fastai.data.load import DataLoader
from fastai.learner import AvgSmoothLoss, CastToTensor, Learner, Recorder
from cnn_notes.counting import count
from cnn_notes.speed import Clock, Crop, DeviceLoss, LeanLearner, Recipe, fast_cnn, recipes, train_fast

@pytest.fixture(scope='module')
def few():
    "512 digits to learn from, 200 to look at"
    d = load_mnist()
    return d._make((d.train_x[:512], d.train_y[:512], d.valid_x[:200], d.valid_y[:200]))

def dls(few, bs=64): return mnist_dls(bs=bs, data=few, device='cpu')

@settings(max_examples=60, deadline=None)
@given(st.integers(1, 12), st.integers(0, 4), st.integers(0, 5), st.integers(0, 5), st.booleans())
def test_crop_gives_a_window_of_its_size(size, jitter, rows, cols, training):
    h,w = size + 2*jitter + rows,size + 2*jitter + cols
    x = torch.arange(2.*3*h*w).view(2, 3, h, w)
    y = Crop(size, jitter).train(training)(x)
    assert y.shape == (2, 3, size, size)
    r,c = divmod(int(y[0, 0, 0, 0]), w)
    assert torch.equal(y, x[:, :, r:r+size, c:c+size]) # the same window for all images and channels
    assert abs(r - (h-size)//2) <= jitter*training and abs(c - (w-size)//2) <= jitter*training

def test_crop_refuses():
    for kw,text in ((dict(size=0), 'size is 0'), (dict(size=2.), 'size is 2.0'), (dict(size=True), 'size is True'), (dict(jitter=-1), 'jitter is -1')):
        with pytest.raises((TypeError, ValueError), match=f'^Crop: {text}; give '): Crop(**kw)
    with pytest.raises(ValueError, match='^Crop: x is 23 x 28; give 24 x 24'): Crop(20, 2)(torch.zeros(1, 1, 23, 28))
    with pytest.raises(ValueError, match=r'^Crop: x is .*\(1, 28, 28\)'): Crop(20)(torch.zeros(1, 28, 28))

@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 6), min_size=2, max_size=4), st.none() | st.integers(1, 9), st.integers(1, 30), st.booleans(), st.integers(1, 3), st.integers(1, 5))
def test_fast_cnn_fits_or_says_so(widths, hidden, size, pad, n_in, n_out):
    try: m = fast_cnn(widths, hidden, size, pad=pad, n_in=n_in, n_out=n_out)
    except ValueError as e:
        assert 'spans' in str(e) and not pad
        return
    assert m.eval()(torch.zeros(2, n_in, size + 3, size)).shape == (2, n_out)

def test_fast_cnn_refuses():
    for kw,text in ((dict(widths=(8,)), r'widths is \(8,\)'), (dict(widths='ab'), "widths is 'ab'"), (dict(widths=(8, 0)), r'widths is \(8, 0\)'), (dict(size=0), 'size is 0'), (dict(n_out=0), 'n_out is 0'), (dict(hidden=0), 'hidden is 0'), (dict(size=5), 'spans')):
        with pytest.raises((TypeError, ValueError), match=text): fast_cnn(**kw)

def test_fast_cnn_is_small():
    assert count(fast_cnn()[1:], (1, 20, 20)).total.params < 300_000

def test_device_loss_is_fastais():
    mine,theirs,losses = DeviceLoss(),AvgSmoothLoss(),torch.rand(30)
    for l in (mine, theirs): l.reset() # as a Recorder does; in fastai 2.8.1 a metric has nothing before
    for o in losses:
        for l in (mine, theirs): l.accumulate(SimpleNamespace(loss=o))
    assert mine.value.item() == pytest.approx(theirs.value.item(), rel=1e-6)
    mine.reset()
    assert mine.count == 0

def test_training_learns_and_is_repeatable(few):
    def once():
        random.seed(7) # DataLoaders draw their order's seed when they are made
        return train_fast(dls=dls(few), seed=3, epochs=4)
    a,b = once(),once()
    assert a.final_record[-1] > .7
    assert all(torch.equal(p, q) for p,q in zip(a.model.parameters(), b.model.parameters()))
    assert len(a.recorder.values) == 4 and len(a.recorder.losses) == 4*8
    assert a.model(torch.zeros(1, 1, 28, 28)).shape == (1, 10)
    preds,y = a.get_preds()
    assert (preds.argmax(1) == y).float().mean().item() == pytest.approx(a.final_record[-1], abs=1e-6)

def test_clock_counts_training_only(few):
    class Slow(Callback):
        def before_validate(self): time.sleep(.5)
    learn = train_fast(dls=dls(few), seed=0, epochs=2, cbs=Slow())
    assert len(learn.clock.epochs) == 2 and learn.clock.seconds == pytest.approx(sum(learn.clock.epochs))
    class SlowTraining(Callback):
        def after_batch(self): time.sleep(.05*self.training)
    slow = train_fast(dls=dls(few), seed=0, epochs=2, cbs=[SlowTraining()])
    assert slow.clock.seconds > 16*.05 # 2 epochs of 8 batches
    learn.fit(1) # a second training starts from zero
    assert len(learn.clock.epochs) == 1

def test_settings_reach_the_training(few):
    learn = train_fast(dls=dls(few), epochs=1, lr=.02, smooth=.2, moms=(.95, .85, .95), widths=(4, 8), size=16)
    assert max(learn.recorder.hps['lr']) == pytest.approx(.02, rel=.05) and min(learn.recorder.hps['mom']) == pytest.approx(.85, abs=.01)
    assert learn.model[0].size == 16 and learn.model[1][0].out_channels == 4
    assert learn.loss_func.func.label_smoothing == .2
    own = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    assert train_fast(dls=dls(few), model=own, epochs=1).model is own
    for kw in (dict(fused=False), dict(channels_last=False), dict(autocast=True), dict(jitter=2, pad=True)):
        assert math.isfinite(train_fast(dls=dls(few), epochs=1, **kw).final_record[0])

def test_an_own_number_of_classes_and_channels(few):
    x = few.train_x[:, None].repeat(1, 3, 1, 1)
    d = mnist_dls(bs=32, digits=(3, 7), data=(x, few.train_y, x[:100], few.train_y[:100]), device='cpu')
    learn = train_fast(dls=d, epochs=1)
    assert learn.model(torch.zeros(2, 3, 28, 28)).shape == (2, 2)

def test_loaders_without_a_device(few):
    "fastai's own have none unless it is given: the model stays where it is"
    pairs = [(x[None].float()/255, int(y)) for x,y in zip(few.train_x[:64], few.train_y)]
    learn = train_fast(dls=DataLoaders(*(DataLoader(pairs, bs=16) for _ in range(2))), seed=0)
    assert len(learn.recorder.losses) == 4 and learn.clock.seconds > 0

def test_refusals(few):
    for kw,text in ((dict(target=.95), 'target is 0.95'), (dict(epochs=0), 'epochs is 0'), (dict(lr=math.nan), 'lr is nan'), (dict(lr=0), 'lr is 0'), (dict(smooth=1), 'smooth is 1'), (dict(dls=dls(few), bs=3), 'either dls or bs'), (dict(bs=2.5), 'bs is 2.5')):
        with pytest.raises((TypeError, ValueError), match=text): train_fast(**kw)
    for kw,text in ((dict(epoch=1), 'no setting epoch'), (dict(dls=[1]), r'dls is \[1\]')):
        with pytest.raises(TypeError, match=text): train_fast(**kw)

def test_recipes_are_settings():
    assert set(recipes) == {.99, .994} and all(isinstance(o, Recipe) for o in recipes.values())
    with pytest.raises(Exception, match='cannot assign'): recipes[.99].lr = 1
# ---- LeanLearner

class Told(Callback):
    "Notes what it is told"
    def __init__(self, order=0, **kwargs): super().__init__(**kwargs); self.order,self.heard = order,[]
    def before_fit(self): self.heard.append('before_fit')
    def before_batch(self): self.heard.append('before_batch')
    def after_batch(self): self.heard.append('after_batch')
    def after_validate(self): self.heard.append('after_validate')

class HearsAll(Callback):
    "Takes events in its own way, as fastai's VerboseCallback does"
    def __call__(self, event_name): self.learn.all_heard = [*getattr(self.learn, 'all_heard', []), event_name]

def test_lean_learner_gives_the_same_weights_and_record(few):
    def once(lean):
        random.seed(7)
        return train_fast(dls=dls(few), seed=3, epochs=2, lean=lean)
    lean,plain = once(True),once(False)
    assert type(lean) is LeanLearner and type(plain) is Learner
    assert all(torch.equal(p, q) for p,q in zip(lean.model.parameters(), plain.model.parameters()))
    assert lean.recorder.values == plain.recorder.values and lean.recorder.lrs == plain.recorder.lrs

@pytest.mark.parametrize('make', [LeanLearner, Learner])
def test_lean_learner_tells_callbacks_what_fastai_does(few, make):
    later,said = Told(order=5),[]
    learn = make(dls(few), nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), nn.CrossEntropyLoss(), cbs=[later, Told()])
    learn.add_cb(Callback(after_pred=lambda self: said.append('made from a function')))
    learn.add_cb(HearsAll)
    learn.told.run = False # it is turned on again at the end of a fit
    learn.remove_cb(ProgressCallback)
    with learn.no_logging(): learn.fit(1)
    n = len(learn.dls.train) + len(learn.dls.valid)
    assert later.heard == ['before_fit', *['before_batch', 'after_batch']*n, 'after_validate']
    assert len(said) == n and learn.all_heard.count('after_loss') == n and learn.told.run
    learn(['before_fit', 'after_validate'])
    assert later.heard[-2:] == ['before_fit', 'after_validate']
    with pytest.raises(Exception, match='missing before_lunch'): learn('before_lunch')

def test_every_event_goes_through_call_one(few):
    "A subclass, or a wrapper, sees single events and lists"
    class Mine(LeanLearner):
        def _call_one(self, event_name):
            seen.append(event_name)
            super()._call_one(event_name)
    seen = []
    learn = Mine(dls(few), nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), nn.CrossEntropyLoss())
    learn.remove_cb(ProgressCallback)
    with learn.no_logging(): learn.fit(1)
    assert seen.count('after_pred') == len(learn.dls.train) + len(learn.dls.valid)
    learn(['before_validate', 'after_validate'])
    assert seen[-2:] == ['before_validate', 'after_validate']

def test_lean_learner_keeps_the_order_and_sees_new_callbacks(few):
    said = []
    def named(name, order):
        cb = Callback(before_validate=lambda self: said.append(name))
        cb.order = order
        return cb
    learn = LeanLearner(dls(few), nn.Flatten(), nn.CrossEntropyLoss(), cbs=[named('c', 3), named('a', 1)])
    learn.remove_cb(ProgressCallback)
    learn('before_validate')
    learn.add_cb(named('b', 2)); learn('before_validate')
    learn.remove_cb(learn.cbs[-1]); learn('before_validate')
    assert ''.join(said) == 'acabcac'

def test_five_of_forty_calls_find_a_method(few):
    "What the page says of a step"
    learn,steps = train_fast(dls=dls(few)),[]
    class Step(Callback):
        order = 100
        def after_pred(self): steps.append(sorted(cb.order for cb in self.learn.cbs if cb is not self))
    with learn.no_bar(), learn.no_logging(): learn.fit_one_cycle(1, cbs=Step())
    events = 'before_batch after_pred after_loss before_backward after_backward before_step after_step after_batch'.split()
    callbacks = [Clock, TrainEvalCallback, CastToTensor, Recorder, ParamScheduler]
    assert len(steps[0]) == len(callbacks) and len(callbacks)*len(events) == 40
    assert sum(hasattr(cls, event) for cls in callbacks for event in events) == 5

# ---- what the lesson's experiments are made of

from dataclasses import asdict
from cnn_notes.experiments.speed import (any_size, book_net, chapter_net, changes, cropped_net, example_net, flat,
    from_files, grow, held_out, one_by_one, published_net, sliced, steps_to_the_recipe, tensors, trained)

def test_held_out_digits_are_the_last_of_the_training_set():
    d,own = load_mnist(),held_out()
    assert torch.equal(own.train_x, d.train_x[:50_000]) and torch.equal(own.valid_x, d.train_x[50_000:])
    assert torch.equal(own.valid_y, d.train_y[50_000:]) and len(held_out(7).train_x) == 7

def test_each_step_changes_one_setting_and_the_last_is_the_recipe():
    rows = list(steps_to_the_recipe().values())
    for (net,a),(net2,b) in zip(rows[1:], rows[2:]):
        changed = {k for k in a | b if a.get(k) != b.get(k)} | ({'net'} if net is not net2 else set())
        assert changed in ({'bs', 'lr'}, *({o} for o in changed)), changed
    net,last = rows[-1]
    assert net is None and asdict(Recipe()) | last == asdict(Recipe())

def test_how_images_are_fed_does_not_change_them(few, tmp_path):
    files,loaders = from_files(tmp_path, few, bs=50),mnist_dls(bs=50, data=few, device='cpu')
    xb,yb = files.valid.one_batch()
    idx = [int(p.stem) for p in files.valid_ds.items][:len(xb)]
    want_x,want_y = loaders.valid_ds.batch(idx)
    assert torch.allclose(xb.as_subclass(torch.Tensor), want_x, atol=1e-5)
    assert torch.equal(yb.as_subclass(torch.Tensor), want_y)
    one,cut = (sorted(x.sum().item() for x in torch.cat([x for x,_ in batches]))
               for batches in (one_by_one(few.train_x, few.train_y), sliced(tensors(few.train_x), few.train_y)))
    assert one == pytest.approx(cut, abs=.05)

def test_networks_of_the_comparisons():
    x = torch.zeros(2, 1, 28, 28)
    for make in (chapter_net, book_net, cropped_net, any_size, example_net, published_net): assert make()(x).shape == (2, 10)
    products = [count(make(), (1, 28, 28)).total.multiplications for make in (example_net, published_net)]
    assert products == [11_992_448, 1_244_160]
    assert any_size()[2:](torch.zeros(2, 1, 10, 10)).shape == (2, 10)

def test_the_rate_stays_and_the_image_grows(few):
    few = few._make((few.train_x, few.train_y, few.valid_x, few.valid_y))
    learn = trained(0, few, bs=64, cbs=[flat(.003)])
    assert learn.opt.hypers[0]['lr'] == .003 and learn.processor_clock.took > 0
    seen = []
    class Watch(Callback):
        order = 70
        def before_batch(self): seen.append((self.training, self.model[1].small))
    trained(0, few, any_size, bs=64, cbs=[grow(), Watch()])
    assert seen[:8] == [(True, True)]*4 + [(True, False)]*4 and set(changes()) >= {'any size', 'bfloat16'}

def test_half_precision_trains_on_the_weights_of_each_step(few):
    shares = [train_fast(dls=dls(few, 32), seed=0, epochs=3, autocast=on).final_record[-1] for on in (False, True)]
    assert shares[0] > .6 and abs(shares[1] - shares[0]) < .08 # copies of the first weights stay far below

def test_a_call_that_is_replaced_for_all_callbacks_is_used(few, monkeypatch):
    "By somebody who follows all events, say"
    heard,fastais = [],Callback.__call__
    def call(self, event_name): heard.append(event_name); return fastais(self, event_name)
    monkeypatch.setattr(Callback, '__call__', call)
    learn = LeanLearner(dls(few), nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), nn.CrossEntropyLoss())
    heard.clear()
    learn('before_step')
    assert heard == ['before_step']*len(learn.cbs)
