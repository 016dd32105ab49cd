"What a fit recorded stays: after everything else that a learner does, in other ways to train, and for layers that do not run once in every batch"
import copy, json, os, pickle, socket, subprocess, sys, textwrap
from functools import partial
from pathlib import Path
import matplotlib
matplotlib.use('Agg')
import matplotlib.pyplot as plt
import pytest, torch, torch.nn as nn
from cnn_notes.data import mnist_dls
from cnn_notes.callbacks import ActivationRecord, ActivationStats, _describe, _is_other_replica
from cnn_notes.live import LiveSchedule
from cnn_notes.models import simple_cnn
from fastai.vision.all import (Callback, CancelBackwardException, CancelBatchException, CancelFitException, ClassificationInterpretation,
                               CrossEntropyLossFlat, GradientAccumulation, Interpretation, Learner, accuracy, load_learner, set_seed)
from fastai.callback.schedule import LRFinder

package = Path(__file__).resolve().parent.parent

@pytest.fixture(scope='module')
def dls():
    g = torch.Generator().manual_seed(0)
    x,y = torch.randint(0, 256, (256, 28, 28), generator=g, dtype=torch.uint8),torch.arange(256) % 10
    return mnist_dls(bs=64, val_bs=64, data=(x, y, x[:128], y[:128]), device='cpu')

def learner(dls, *cbs, model=None, **kwargs):
    set_seed(0); dls.train.rng.seed(0)
    cbs = cbs or (ActivationStats(with_hist=True, hist_range=(-5, 5)), LiveSchedule(every=None))
    return Learner(dls, simple_cnn() if model is None else model, metrics=accuracy, cbs=cbs, **kwargs)

def quiet(learn, f, *args, **kwargs):
    with learn.no_bar(), learn.no_logging(): return f(*args, **kwargs)
def fit(learn, epochs=1, lr=.01, **kwargs): quiet(learn, learn.fit, epochs, lr, **kwargs); return learn
def hooks(model): return sum(len(m._forward_hooks) + len(m._backward_hooks) + ('forward' in m.__dict__ and '_orig_mod' not in m._modules) for m in model.modules())

def kept(learn):
    "All that the two callbacks say of the last fit"
    cb,live = learn.activation_stats,learn.live_schedule
    res = [str(cb.stats), cb.layers, repr(cb.health()), len(cb.fits), [len(r) for r in cb.fits], [cb.hist(i).tolist() for i in range(len(cb.layers))]]
    figs = [cb.plot(), cb.plot_layer_stats(0), live.plot()]
    res += [[line.get_ydata().tolist() if hasattr(line.get_ydata(), 'tolist') else list(line.get_ydata()) for ax in fig.axes for line in ax.lines] for fig in figs]
    plt.close('all')
    return str(res + [live.batch_losses, live.smooth_losses, live.rates, live.momenta, live.n_steps, live.first_step])

# ---- what else a learner does

def one_batch(learn):
    learn.one_batch(0, learn.dls.train.one_batch())
    learn.training = True; learn.model.train()
    learn.one_batch(0, learn.dls.train.one_batch())
def with_learner(learn):
    with learn: learn.one_batch(0, learn.dls.valid.one_batch())
def lr_find(learn): learn.lr_find(show_plot=False, num_it=12)
def lr_find_interrupted(learn):
    class Stop(Callback):
        def after_loss(self):
            if self.training and self.train_iter == 3: raise KeyboardInterrupt
    finder = LRFinder(num_it=12)
    with pytest.raises(KeyboardInterrupt): learn.fit(1, cbs=[finder, Stop()])
    finder.tmp_d.cleanup()
def interpretation(learn): ClassificationInterpretation.from_learner(learn).confusion_matrix()
def losses(learn): Interpretation.from_learner(learn).top_losses(3)
def predict(learn): learn.predict(learn.dls.train_ds.x[0])
def show_results(learn): learn.show_results(max_n=4); plt.close('all')
def save_and_load(learn): learn.save('m'); learn.load('m')
def fit_nothing(learn): learn.fit(0)

uses = dict(validate=lambda l: l.validate(), validate_train=lambda l: l.validate(0), get_preds=lambda l: l.get_preds(), get_preds_with_loss=lambda l: l.get_preds(ds_idx=0, with_loss=True),
            tta=lambda l: l.tta(n=1), summary=lambda l: l.summary(), freeze=lambda l: l.unfreeze(), one_batch_of_data=lambda l: l.dls.one_batch())
uses |= {f.__name__: f for f in (one_batch, with_learner, lr_find, lr_find_interrupted, interpretation, losses, predict, show_results, save_and_load, fit_nothing)}

@pytest.fixture
def fitted(dls, tmp_path): return fit(learner(dls, path=tmp_path), 2)

@pytest.mark.parametrize('use', uses)
def test_the_record_stays(use, fitted):
    before = kept(fitted)
    quiet(fitted, uses[use], fitted)
    assert kept(fitted) == before and hooks(fitted.model) == 0
    fit(fitted)
    assert [len(r) for r in fitted.activation_stats.fits] == [8, 4] and len(fitted.live_schedule.rates) == 4

@pytest.mark.parametrize('use', [o for o in uses if o not in ('fit_nothing', 'one_batch', 'with_learner')])
def test_nothing_is_recorded_without_a_fit(use, dls, tmp_path):
    learn = learner(dls, path=tmp_path); learn.create_opt()
    quiet(learn, uses[use], learn)
    assert learn.activation_stats.fits == [] and learn.live_schedule.rates == []
    assert 'no fit yet' in repr(learn.activation_stats) and '0 steps' in repr(learn.live_schedule)

class Fails(Callback):
    def __init__(self, event, error=KeyboardInterrupt, at=0, order=5): self.event,self.error,self.at,self.order = event,error,at,order
    def __call__(self, name):
        if name == self.event and (self.at is None or self.training and self.train_iter == self.at): raise self.error

@pytest.mark.parametrize('event', ['before_fit', 'before_train', 'before_batch', 'after_pred', 'after_loss'])
@pytest.mark.parametrize('order', [-90, 90])
def test_a_fit_that_fails_before_its_first_step_leaves_the_record(event, order, fitted):
    before = kept(fitted)
    with pytest.raises(KeyboardInterrupt): fit(fitted, cbs=Fails(event, at=None if event in ('before_fit', 'before_train') else 0, order=order))
    quiet(fitted, fitted.validate)
    assert kept(fitted) == before and hooks(fitted.model) == 0

@pytest.mark.parametrize('error', [KeyboardInterrupt, ZeroDivisionError, CancelFitException])
def test_an_interrupted_fit_is_a_record_of_its_own(error, fitted):
    first = str(fitted.activation_stats.stats)
    try: fit(fitted, cbs=Fails('after_pred', error, at=3))
    except (KeyboardInterrupt, ZeroDivisionError): pass
    quiet(fitted, fitted.validate)
    cb,live = fitted.activation_stats,fitted.live_schedule
    assert [len(r) for r in cb.fits] == [8, 3] and str(cb.fits[0].stats) == first
    assert len(live.rates) == len(live.batch_losses) == 3 and 'step 3 of 4' in live.plot().axes[0].get_title()

def test_save_load_export_pickle_and_copy(fitted, tmp_path):
    before = kept(fitted)
    other = copy.deepcopy(fitted)
    assert kept(other) == before and other.activation_stats.modules[0] is other.model[0].conv
    fit(other)
    assert kept(fitted) == before and len(other.activation_stats.fits) == 2 # the copy has a life of its own
    dls = fitted.dls
    fitted.export('e.pkl')
    back = load_learner(tmp_path/'e.pkl')
    assert kept(back) == before and kept(fitted) == before
    back.dls = dls
    assert [len(r) for r in fit(back).activation_stats.fits] == [8, 4]
    for o in (fitted.activation_stats.record, fitted.live_schedule): assert repr(pickle.loads(pickle.dumps(o))) == repr(o)

def test_a_callback_is_removed_and_added_between_fits(fitted):
    cb,before = fitted.activation_stats,kept(fitted)
    fitted.remove_cb(cb)
    fit(fitted)
    fitted.add_cb(cb)
    assert str(cb.stats) in before or [len(r) for r in cb.fits] == [8]
    assert [len(r) for r in fit(fitted).activation_stats.fits] == [8, 4]

# ---- layers that do not run once in every batch

class Odd(nn.Module):
    "`sometimes` runs in every other batch, `twice` twice in each, `never` not at all"
    def __init__(self):
        super().__init__(); self.n = 0
        self.stem,self.sometimes,self.twice,self.never,self.seen = nn.Linear(784, 10),nn.Linear(10, 10),nn.Linear(10, 10),nn.Linear(2, 2),[]
    def forward(self, x):
        x = self.stem(x.flatten(1))
        self.n += self.training
        if self.n % 2: x = x + self.sometimes(x)
        a = self.twice(x); b = self.twice(a.relu())
        if self.training: self.seen.append((a, b))
        for o in (a, b): o.retain_grad() if o.requires_grad else None
        return b

@pytest.fixture(scope='module')
def odd(dls): return fit(learner(dls, model=Odd()))

def test_a_layer_that_never_ran_is_reported_as_such(odd):
    cb = odd.activation_stats
    assert [h.verdict == 'not run' for h in cb.health()] == [False, False, False, True]
    assert repr(cb.stats[0][3]) == 'not run' and cb.stats[0][3]['calls'] == 0 and 'never (not run)' in repr(cb.record) and 'never (not run)' in repr(cb)
    fig = cb.plot()
    assert fig.axes[3].get_title(loc='left') == 'never\nnot run' and [t.get_text() for t in fig.axes[7].texts] == ['not run'] # a column of each row
    fig = cb.plot_layer_stats('never')
    assert fig.get_suptitle() == 'Layer never (not run)' and all('not run' in [t.get_text() for t in ax.texts] for ax in fig.axes)
    assert [t.get_text() for t in cb.color_dim('never').texts] == ['not run']
    assert 'NaN' not in repr(cb.health()[3].verdict) and cb.hist('never').sum() == 0
    plt.close('all')

def test_only_layers_that_never_ran(dls):
    "A fit in which no watched layer ran is a fit"
    cb = fit(learner(dls, ActivationStats(modules=['never']), model=Odd())).activation_stats
    assert len(cb.record) == 4 and [h.verdict for h in cb.health()] == ['not run'] and repr(cb.stats[3][0]) == 'not run'
    cb.plot(); plt.close('all')

def test_a_layer_that_ran_in_some_batches(odd):
    cb = odd.activation_stats
    h = cb.health()[1]
    assert cb.record.series('sometimes', 'calls').tolist() == [1, 0, 1, 0] and h.note == 'ran in 2 of 4 batches' and 'sometimes (ran in 2 of 4 batches)' in repr(cb)
    ran = cb.record.series('sometimes', 'health')[[0, 2]] # the last tenth of what was recorded: one batch
    assert h.health == pytest.approx(ran[1].item()) and h.verdict in ('healthy', 'collapsing')
    assert 'ran in 2 of 4' in cb.plot().axes[1].get_title(loc='left'); plt.close('all')

def test_a_layer_that_ran_twice_records_the_last_call(dls):
    for forward in (True, False):
        model = Odd()
        cb = fit(learner(dls, ActivationStats(with_hist=True, is_forward=forward), model=model)).activation_stats
        for k,(a,b) in enumerate(model.seen):
            want = b.detach() if forward else b.grad
            assert cb.stats[k][2]['calls'] == 2 and cb.stats[k][2]['mean'] == pytest.approx(want.mean().item(), rel=1e-4, abs=1e-8) and cb.stats[k][2]['std'] == pytest.approx(want.std().item(), rel=1e-4)
        assert 'up to 2 calls in a batch' in cb.health()[2].note and '2 calls' in repr(cb.record)

def test_no_gradient_is_not_the_same_as_not_run(dls):
    model = simple_cnn(); model[0].requires_grad_(False)
    cb = fit(learner(dls, ActivationStats(is_forward=False), model=model)).activation_stats
    assert [h.verdict == 'no gradient' for h in cb.health()] == [True] + [False]*4 and repr(cb.stats[0][0]) == 'no gradient'

def test_health_is_still_five_values(odd):
    for layer,passing,signal,health,verdict in odd.activation_stats.health(): assert verdict
    h = odd.activation_stats.health()[1]
    assert pickle.loads(pickle.dumps(h)).note == h.note

# ---- compiled models

compiling = pytest.mark.skipif(not hasattr(torch.compiler, 'set_stance'), reason='PyTorch 2.6 or later')

class Counter:
    "A backend that counts: graphs compiled, and how often they run"
    def __init__(self): self.compiled = self.runs = 0
    def __call__(self, graph, inputs):
        self.compiled += 1
        def run(*args): self.runs += 1; return graph(*args)
        return run

def compiled(how, backend):
    set_seed(0)
    model = simple_cnn(norm=nn.BatchNorm2d)
    if how == 'method': model.compile(backend=backend)
    if how == 'part': model[1] = torch.compile(model[1], backend=backend)
    if how == 'layer': model[1].conv = torch.compile(model[1].conv, backend=backend)
    return torch.compile(model, backend=backend) if how == 'wrapper' else model

@compiling
@pytest.mark.full
@pytest.mark.parametrize('how', ['wrapper', 'method', 'part', 'layer'])
def test_compiled_models_are_recorded_as_they_were_written(how, dls):
    want = fit(learner(dls, ActivationStats(with_hist=True), model=compiled(None, None))).activation_stats
    for kwargs in (dict(), dict(after_act=True), dict(is_forward=False)):
        torch._dynamo.reset()
        backend = Counter()
        cbs = ActivationStats(with_hist=True, **kwargs),LiveSchedule(every=None)
        learn = fit(learner(dls, *cbs, model=compiled(how, backend)))
        cb = learn.activation_stats
        assert cb.layers == want.layers and hooks(learn.model) == 0 and len(cb.record) == len(learn.live_schedule.rates) == 4
        assert backend.runs > 0 # validation runs compiled
        if not kwargs: assert all(cb.layer_stats(k) == want.layer_stats(k) and torch.equal(cb.hist(k), want.hist(k)) for k in want.layers)
        torch.compiler.set_stance('default') # and no other stance is left

@compiling
@pytest.mark.full
@pytest.mark.parametrize('how', ['wrapper', 'method', 'part', 'layer'])
def test_hooks_are_not_compiled(how, dls):
    "With the callback, no more graphs are compiled than without, and all batches that are not recorded run compiled"
    counts = {}
    for name,cbs in dict(without=(), every=(ActivationStats(every=2),), all=(ActivationStats(), LiveSchedule(every=None))).items():
        torch._dynamo.reset()
        counts[name] = Counter()
        fit(learner(dls, *(cbs or (LiveSchedule(every=None),)), model=compiled(how, counts[name])), 2)
    assert counts['every'].compiled == counts['without'].compiled >= counts['all'].compiled
    assert counts['without'].runs - counts['every'].runs == 4*counts['without'].runs//12 # 4 of 8 batches in training, and 4 in validation

@compiling
@pytest.mark.full
def test_an_interrupted_batch_of_a_compiled_model(dls):
    torch._dynamo.reset()
    backend = Counter()
    class Boom(nn.Module):
        at = 2
        def forward(self, x):
            if self.training and not torch.compiler.is_compiling():
                self.at -= 1
                if self.at < 0: raise KeyboardInterrupt
            return x
    model = torch.compile(nn.Sequential(nn.Flatten(), nn.Linear(784, 10), Boom()), backend=backend)
    learn = learner(dls, model=model)
    with pytest.raises(KeyboardInterrupt): fit(learn)
    assert len(learn.activation_stats.record) == 2 and hooks(model) == 0
    model.eval(); model(torch.zeros(2, 784))
    assert backend.runs == 1 # what comes afterwards is compiled again

@pytest.mark.full
def test_watching_does_not_import_the_compiler():
    code = '''import sys, cnn_notes.callbacks as c, torch
        m = torch.nn.Linear(2, 2); before = 'torch._dynamo' in sys.modules
        h = c._BatchHooks([m], c._describe, True, (), set()); h.attach(m); m(torch.ones(1, 2)); h.remove()
        assert before or 'torch._dynamo' not in sys.modules; print(len(h.rows))'''
    res = subprocess.run([sys.executable, '-c', textwrap.dedent(code.replace('import sys', '        import sys', 1))], capture_output=True, text=True, env={**os.environ, 'PYTHONPATH': str(package)})
    assert res.stdout.strip() == '1', res.stderr[-2000:]

# ---- several callbacks, wrappers, devices

def test_two_at_once(dls):
    "Each takes its own guard away, in whatever order, and the model's own `forward` is back"
    for own in (False, True):
        model = simple_cnn()
        if own: model.forward = forward = partial(nn.Sequential.forward, model)
        one,two = ActivationStats(),ActivationStats(after_act=True, every=2)
        fit(learner(dls, one, two, model=model), 2)
        assert len(one.record) == 8 and len(two.record) == 4
        before,after = (dict(zip(o.record.batches, o.layer_stats(0)[0])) for o in (one, two))
        assert all(mean > max(before[batch], 0) for batch,mean in after.items()) # of the same values, after ReLU
        assert model.__dict__.get('forward') is (forward if own else None)

def test_two_at_once_that_are_interrupted(dls):
    class Boom(nn.Module):
        def forward(self, x): raise KeyboardInterrupt
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10), Boom())
    with pytest.raises(KeyboardInterrupt): fit(learner(dls, ActivationStats(), ActivationStats(), model=model))
    assert hooks(model) == 0

def test_data_parallel(dls):
    learn = fit(learner(dls, model=nn.DataParallel(simple_cnn())))
    assert learn.activation_stats.layers == [f'{i}.conv' for i in range(5)] and hooks(learn.model) == 0
    same = fit(learner(dls))
    assert learn.activation_stats.layer_stats('1.conv') == same.activation_stats.layer_stats('1.conv')
    copied,layer = nn.Linear(2, 2),nn.Linear(2, 2)
    copied._is_replica = True
    assert _is_other_replica(copied, layer, torch.ones(1, device='meta')) and not _is_other_replica(copied, layer, torch.ones(1))
    assert not _is_other_replica(layer, layer, torch.ones(1, device='meta')) # a layer that gives its results elsewhere

worker = '''
import json, os, sys
import cnn_notes.data, torch, torch.nn as nn, torch.distributed as dist
try: import accelerate
except ImportError: # what fastai uses of it
    from types import ModuleType
    class Accelerator:
        def __init__(self, cpu=True): dist.init_process_group('gloo')
        def prepare(self, model): return nn.parallel.DistributedDataParallel(model)
        def backward(self, loss): loss.backward()
    sys.modules['accelerate'] = accelerate = ModuleType('accelerate'); accelerate.Accelerator = Accelerator
from fastai.vision.all import *
from fastai.distributed import *
from cnn_notes.callbacks import ActivationStats
from cnn_notes.live import LiveSchedule
from cnn_notes.models import simple_cnn
def broadcast(self, t, rank): t = LongTensor(t); dist.broadcast(t, rank); return t.tolist()
DistributedDL._broadcast = broadcast # fastai's moves the numbers to a GPU
class Keep(Callback):
    order = -30
    def after_create(self): self.means = []
    def before_batch(self):
        if self.training:
            with torch.no_grad(): self.means.append(self.model.module[0].conv(self.xb[0]).mean().item())
x,y = torch.randn(512, 1, 28, 28, generator=torch.Generator().manual_seed(0)),torch.arange(512)%10
set_seed(0)
ds = list(zip(x, y))
learn = Learner(DataLoaders.from_dsets(ds, ds[:128], bs=64, device='cpu'), simple_cnn(norm=nn.BatchNorm2d), loss_func=CrossEntropyLossFlat(), cbs=[ActivationStats(), LiveSchedule(every=None), Keep()])
with learn.no_bar(), learn.no_logging(), learn.distrib_ctx(sync_bn=False, cpu=True):
    learn.fit_one_cycle(2, .01)
    wrapped = type(learn.model).__name__
    learn.validate()
cb,live = learn.activation_stats,learn.live_schedule
left = sum(len(m._forward_hooks) + ('forward' in m.__dict__) for m in learn.model.modules())
print('RESULT', json.dumps(dict(layers=cb.layers, means=list(cb.layer_stats(0)[0]), kept=learn.keep.means, rates=len(live.rates), n_steps=live.n_steps, left=left, forms=[h.verdict for h in cb.health()])))
dist.destroy_process_group()
'''

@pytest.mark.full
def test_two_processes(tmp_path):
    "Under fastai's `distrib_ctx`: a record in each process, of its own part of the data, with the layers' own names; nothing is left"
    (tmp_path/'home').mkdir(); (tmp_path/'w').mkdir()
    with socket.socket() as s: s.bind(('127.0.0.1', 0)); port = s.getsockname()[1]
    path = os.pathsep.join([str(package)] + [o for o in os.environ.get('PYTHONPATH', '').split(os.pathsep) if o])
    env = {**os.environ, 'WORLD_SIZE': '2', 'LOCAL_WORLD_SIZE': '2', 'MASTER_ADDR': '127.0.0.1', 'MASTER_PORT': str(port), 'OMP_NUM_THREADS': '1', 'PYTHONPATH': path, 'CUDA_VISIBLE_DEVICES': '', 'TMPDIR': str(tmp_path/'home')}
    procs = [subprocess.Popen([sys.executable, '-c', worker], env={**env, 'RANK': str(r), 'LOCAL_RANK': str(r)}, cwd=tmp_path/'w', stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True) for r in (0, 1)]
    try: outs = [p.communicate(timeout=240) for p in procs]
    finally:
        for p in procs: p.kill()
    assert [p.returncode for p in procs] == [0, 0], [e[-2000:] for _,e in outs]
    a,b = (json.loads(o.split('RESULT ')[1]) for o,_ in outs)
    for r in (a, b):
        assert r['layers'] == [f'{i}.{k}' for i in range(4) for k in ('conv', 'norm')] + ['4.conv']
        assert len(r['means']) == r['rates'] == r['n_steps'] == 8 and r['left'] == 0 and 'not run' not in r['forms']
        assert r['means'] == pytest.approx(r['kept'], rel=1e-4, abs=1e-6)
    assert a['means'] != b['means'] # each process its own half
    assert os.listdir(tmp_path/'w') == [] and os.listdir(tmp_path/'home') == []
    for p in procs:
        with pytest.raises(ProcessLookupError): os.killpg(p.pid, 0) # none of its processes is there any more

# ---- other ways to train

def test_gradient_accumulation(dls):
    learn = fit(learner(dls, ActivationStats(), LiveSchedule(every=None), GradientAccumulation(128)), 2)
    assert len(learn.activation_stats.record) == len(learn.live_schedule.rates) == 8
    grads = fit(learner(dls, ActivationStats(is_forward=False), GradientAccumulation(128)), 2).activation_stats
    assert len(grads.record) == 8 and not torch.isnan(grads.record.series(0)).any()

@pytest.mark.filterwarnings('ignore')
def test_mixed_precision(dls):
    "fastai's callback asks for a GPU's precision, and PyTorch ignores that on a CPU: the record is what it is without"
    learn = learner(dls).to_fp16()
    fit(learn)
    assert learn.activation_stats.layer_stats(0) == fit(learner(dls)).activation_stats.layer_stats(0)

def test_a_model_that_returns_several(dls):
    class Two(nn.Module):
        def __init__(self): super().__init__(); self.a,self.b = nn.Linear(784, 10),nn.Linear(784, 10)
        def forward(self, x): x = x.flatten(1); return self.a(x),{'b': [self.b(x)]}
    loss = lambda pred, y: CrossEntropyLossFlat()(pred[0], y) + CrossEntropyLossFlat()(pred[1]['b'][0], y)
    set_seed(0)
    learn = Learner(dls, Two(), loss_func=loss, cbs=[ActivationStats(include_paramless=True, modules=['a', 'b', '']), LiveSchedule(every=None)])
    fit(learn)
    cb = learn.activation_stats
    assert cb.layers == ['a', 'b', 'Two'] and cb.layer_stats('Two') == cb.layer_stats('a') and len(learn.live_schedule.rates) == 4

def test_frozen_and_discriminative(dls):
    "Rates and momenta are the last group's, as `Recorder` has them"
    from cnn_notes.data import load_mnist # noqa: F401
    learn = learner(dls, splitter=lambda m: [list(m[0].parameters()), list(m[1:].parameters())])
    learn.freeze()
    fit(learn)
    learn.unfreeze()
    quiet(learn, learn.fit_one_cycle, 2, slice(1e-4, 1e-2))
    assert learn.live_schedule.rates == learn.recorder.hps['lr'] == [o for o in learn.recorder.lrs] and max(learn.live_schedule.rates) > 5e-3
    assert [len(r) for r in learn.activation_stats.fits] == [4, 8] and 'not run' not in repr(learn.activation_stats)

def test_a_fit_that_starts_later(dls):
    learn = learner(dls)
    quiet(learn, learn.fit_one_cycle, 3, .01, start_epoch=1)
    live = learn.live_schedule
    assert (live.first_step, live.n_steps, len(live.rates), len(learn.activation_stats.record)) == (4, 12, 8, 8)
    ax = live.plot().axes[0]
    assert list(ax.lines[0].get_xdata()) == list(range(4, 12)) and ax.get_title() == 'step 12 of 12'

def test_a_canceled_batch_is_no_step(dls):
    for event,order in (('before_batch', -30), ('after_pred', 0)):
        learn = fit(learner(dls, ActivationStats(), LiveSchedule(every=None), Fails(event, CancelBatchException, at=1, order=order)), 2)
        steps = 8 if event == 'after_pred' else 7
        assert len(learn.live_schedule.rates) == len(learn.live_schedule.batch_losses) == 7 and len(learn.activation_stats.record) == steps
        assert len(set(learn.live_schedule.batch_losses)) == 7

def test_a_canceled_backward_pass_leaves_no_gradients(dls):
    cb = fit(learner(dls, ActivationStats(is_forward=False), Fails('before_backward', CancelBackwardException, at=1))).activation_stats
    assert len(cb.record) == 3 and cb.record.batches == [0, 2, 3]

@pytest.mark.parametrize('kind', ['weight_norm', 'spectral_norm'])
def test_a_parametrized_layer_is_one_layer(dls, kind):
    model = nn.Sequential(nn.Flatten(), getattr(nn.utils.parametrizations, kind)(nn.Linear(784, 10)))
    cb = fit(learner(dls, model=model)).activation_stats
    assert cb.layers == ['1'] and cb.health()[0].verdict != 'not run'

def test_a_shared_layer_and_an_activation_by_keyword(dls):
    class Net(nn.Module):
        def __init__(self): super().__init__(); self.a,self.act = nn.Linear(784, 10),nn.ReLU(); self.again = self.a
        def forward(self, x): return self.act(input=self.a(x.flatten(1)))
    cb = fit(learner(dls, ActivationStats(after_act=True), model=Net())).activation_stats
    assert cb.layers == ['a'] and len(cb.record) == 4

def test_a_layer_that_gives_one_number(dls):
    class Net(nn.Module):
        def __init__(self): super().__init__(); self.one,self.a = Mean(),nn.Linear(784, 10)
        def forward(self, x): return self.a(x.flatten(1)) + self.one(x)
    class Mean(nn.Module):
        def forward(self, x): return x.mean()
    cb = fit(learner(dls, ActivationStats(sample=8, modules=['one', 'a']), model=Net())).activation_stats
    assert len(cb.record) == 4 and cb.record._read()[2][0].tolist() == [1, 80]

def test_rows_from_two_devices_go_to_the_one_that_is_not_the_cpu():
    "A layer without a row, and rows on a CPU, come to the others: what stays on a device is not waited for"
    rec = ActivationRecord(['a', 'b', 'c'], 4, (0, 1))
    here,there = _describe(torch.rand(3, 2), 4, 0, 1),(torch.zeros(4, device='meta'), torch.zeros(7, dtype=torch.int64, device='meta'), 6)
    for k,rows in enumerate(([None]*3, [here, None, there], [here]*3)): rec._add(k, rows)
    rec._pack()
    assert [o.device.type for o in rec._blocks[0]] == ['meta', 'meta', 'cpu', 'cpu'] and rec._blocks[0][3].tolist() == [[0]*3, [1, 0, 1], [1]*3]

def test_settings_that_are_changed_later(dls):
    learn = learner(dls)
    learn.activation_stats.hist_range = (3, 1)
    with pytest.raises(ValueError, match='hist_range is .3, 1.; give two numbers'): fit(learn)

# ---- which ActivationStats?

def test_each_says_whose_it_is(dls):
    from fastai.callback.hook import ActivationStats as Theirs
    ours,theirs = ActivationStats(True, None, 2, False, True, False, False),Theirs()
    assert repr(ours).startswith('cnn_notes.ActivationStats: ') and repr(LiveSchedule()).startswith('cnn_notes.LiveSchedule: ')
    assert repr(theirs) == 'ActivationStats' and not hasattr(theirs, 'health')
    learn = fit(learner(dls, ours))
    assert 'cnn_notes.ActivationStats: 2 batches of 5 layers: 0.conv' in str(quiet(learn, learn.summary))

def test_the_old_import_path():
    from cnn_notes import schedule
    assert schedule.LiveSchedule is LiveSchedule and 'LiveSchedule' in schedule.__all__

def test_the_live_figure_shows_itself(dls):
    "Also in a notebook in which pyplot has not drawn yet, where a figure is its name and nothing else"
    fig = fit(learner(dls)).live_schedule.plot()
    assert fig._repr_png_()[:4] == b'\x89PNG'
