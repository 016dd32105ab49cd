"""`one_cycle` against PyTorch's and fastai's, step by step; the callbacks in fits that end well and fits that
do not; what the experiments of the lesson are made of"""
import copy, math
import numpy as np, pytest, torch
import torch.nn as nn
from cnn_notes.data import mnist_dls # before fastai: keeps its import quiet
from fastai.callback.core import Callback, CancelFitException
from fastai.callback.schedule import ParamScheduler, SchedLin, combine_scheds, combined_cos # patches Learner with fit_one_cycle and lr_find
from fastai.data.core import DataLoaders
from fastai.learner import Learner
from fastai.losses import CrossEntropyLossFlat, MSELossFlat
from fastai.optimizer import Adam, OptimWrapper, SGD
from functools import partial
from hypothesis import assume, given, settings, strategies as st
from matplotlib.figure import Figure
from cnn_notes import live as live_module
from cnn_notes.experiments import schedule as experiments
from cnn_notes.schedule import LiveSchedule, OneCycle, StepSchedule, one_cycle, plot_one_cycle

pos = lambda a,b: st.floats(a, b, allow_nan=False)
moms3 = st.tuples(pos(.5, .99), pos(.5, .99), pos(.5, .99))

def theirs_torch(n, lr_max, opt='sgd', **kwargs):
    p = [nn.Parameter(torch.zeros(1))]
    opt = torch.optim.SGD(p, lr=.1, momentum=.9) if opt == 'sgd' else torch.optim.Adam(p, lr=.1)
    sched,res = torch.optim.lr_scheduler.OneCycleLR(opt, lr_max, total_steps=n, **kwargs),[]
    for i in range(n):
        g = opt.param_groups[0]
        res.append((g['lr'], g['momentum'] if 'momentum' in g else g['betas'][0]))
        opt.step()
        if i < n-1: sched.step()
    return tuple(map(list, zip(*res)))

@settings(max_examples=200, deadline=None)
@given(st.integers(3, 300), pos(1e-5, 10), pos(.05, .95), pos(1, 100), pos(1, 1e6), pos(.5, .99), pos(.5, .99),
       st.sampled_from(['cos','linear']), st.booleans(), st.sampled_from(['sgd','adam']))
def test_equal_to_pytorch(n, lr, pct, div, fin, base, top, anneal, three, opt):
    knots = [0, pct*n-1, 2*pct*n-2, n-1] if three else [0, pct*n-1, n-1]
    assume(all(b-a > 1e-6 for a,b in zip(knots, knots[1:])))
    lrs,moms = theirs_torch(n, lr, opt, pct_start=pct, div_factor=div, final_div_factor=fin, base_momentum=base, max_momentum=top, anneal_strategy=anneal, three_phase=three)
    o = one_cycle(n, lr, div, fin, pct, (top, base, top), anneal, 'pytorch', three)
    assert o.lrs == pytest.approx(lrs, rel=1e-9, abs=1e-12*lr) and o.moms == pytest.approx(moms, rel=1e-9)
    assert o.knots == pytest.approx(knots)

@pytest.mark.parametrize('n', [10, 100, 117, 1000])
@pytest.mark.parametrize('three', [False, True])
def test_pytorch_defaults(n, three):
    lrs,moms = theirs_torch(n, .3, three_phase=three)
    o = one_cycle(n, .3, style='pytorch', three_phase=three)
    assert o.lrs == pytest.approx(lrs, rel=1e-9) and o.moms == pytest.approx(moms, rel=1e-9)

def theirs_fastai(n, lr, div, fin, pct, moms):
    f,g = combined_cos(pct, lr/div, lr, lr/fin),combined_cos(pct, *moms)
    return [f(i/n) for i in range(n)],[g(i/n) for i in range(n)]

@settings(max_examples=200, deadline=None)
@given(st.integers(2, 300), pos(1e-5, 10), pos(.05, .95), pos(1, 100), pos(1, 1e6), moms3)
def test_equal_to_fastais_functions(n, lr, pct, div, fin, moms):
    assume(pct + (1-pct) == 1) # combine_scheds insists
    lrs,ms = theirs_fastai(n, lr, div, fin, pct, moms)
    o = one_cycle(n, lr, div, fin, pct, moms)
    # fastai's position is single precision
    assert o.lrs == pytest.approx(lrs, rel=1e-5, abs=1e-6*lr) and o.moms == pytest.approx(ms, rel=1e-5)

def learner(n=20, cbs=None, opt_func=Adam):
    x = torch.linspace(-1, 1, n)[:,None]
    ds = list(zip(x, 3*x))
    return Learner(DataLoaders.from_dsets(ds, ds[:1], bs=1, device='cpu'), nn.Linear(1, 1), MSELossFlat(), opt_func=opt_func, cbs=cbs)

def quiet(learn, f, *args, **kwargs):
    with learn.no_bar(), learn.no_logging(): return f(*args, **kwargs)

@pytest.mark.parametrize('epochs,n,kw', [(1, 20, {}), (5, 20, {}), (3, 7, dict(pct_start=.4, div=10., div_final=50.)), (2, 13, dict(moms=(.9, .8, .99)))])
@pytest.mark.parametrize('opt_func', [Adam, SGD])
def test_equal_to_fit_one_cycle(epochs, n, kw, opt_func):
    learn = learner(n, opt_func=partial(opt_func, mom=.9))
    quiet(learn, learn.fit_one_cycle, epochs, .02, **kw)
    o = one_cycle(epochs*n, .02, **kw)
    assert o.lrs == pytest.approx(learn.recorder.hps['lr'], rel=1e-5, abs=2e-8)
    assert o.moms == pytest.approx(learn.recorder.hps['mom'], rel=1e-5)

def test_numbers_of_other_kinds():
    "NumPy's numbers and 0-d tensors are numbers"
    assert one_cycle(np.int64(40), np.float32(.5), pct_start=torch.tensor(.25)) == one_cycle(40, .5) == one_cycle(torch.tensor(40), torch.tensor(.5), moms=np.array([.95, .85, .95]).tolist())

def test_shape_of_the_path():
    o = one_cycle(200, 1.)
    assert isinstance(o, OneCycle) and len(o.lrs) == len(o.moms) == 200
    assert o.lrs[0] == pytest.approx(1/25) and o.lrs[50] == pytest.approx(1) and max(o.lrs) == pytest.approx(1)
    assert all(a < b for a,b in zip(o.lrs[:51], o.lrs[1:51])) and all(a > b for a,b in zip(o.lrs[50:], o.lrs[51:]))
    assert all(type(v) is float for v in o.lrs + o.moms)
    p = one_cycle(200, 1., style='pytorch')
    assert p.lrs[-1] == pytest.approx(1/25/1e4) and p.moms[-1] == pytest.approx(.95)

@pytest.mark.parametrize('kw,msg', [
    (dict(n_steps=0), 'n_steps is 0'), (dict(n_steps=1), 'increase'), (dict(n_steps=-5), 'n_steps is -5'), (dict(n_steps=10.), 'whole number'), (dict(n_steps=True), 'whole number'),
    (dict(lr_max=0.), 'lr_max is 0.0'), (dict(lr_max=-1), 'above 0'), (dict(lr_max=math.nan), 'lr_max is nan'), (dict(lr_max=math.inf), 'finite'), (dict(lr_max='a'), 'lr_max'),
    (dict(div=0), 'div is 0'), (dict(div_final=math.nan), 'div_final'), (dict(pct_start=0.), 'pct_start'), (dict(pct_start=1), 'pct_start'), (dict(pct_start=-.1), 'pct_start'), (dict(pct_start=math.nan), 'pct_start'),
    (dict(moms=(.9, .8)), 'three numbers'), (dict(moms=.9), 'three numbers'), (dict(moms=(.9, 1., .9)), 'three numbers'), (dict(moms=(.9, math.nan, .9)), 'three numbers'), (dict(moms='abc'), 'three numbers'),
    (dict(moms=None), 'three numbers'), (dict(n_steps=torch.tensor(2.)), 'n_steps'), (dict(anneal='exp'), 'anneal'), (dict(style='keras'), 'style'), (dict(three_phase=True), 'three_phase'), (dict(style='pytorch', three_phase=True, pct_start=.6), 'below 0.5'), (dict(style='pytorch', n_steps=3), 'more steps')])
def test_bad_settings_are_refused(kw, msg):
    with pytest.raises((TypeError, ValueError), match=f'one_cycle: .*{msg}'): one_cycle(**{**dict(n_steps=100, lr_max=.1), **kw})

def test_plot_one_cycle():
    import matplotlib.pyplot as plt
    axs = plot_one_cycle(one_cycle(50, .1, style='pytorch', three_phase=True), title='t')
    assert list(axs[0].lines[0].get_ydata()) == one_cycle(50, .1, style='pytorch', three_phase=True).lrs
    assert [o.get_text() for o in axs[0].texts] == ['warm-up','back down','annealing']
    with pytest.raises(ValueError, match='give two'): plot_one_cycle(one_cycle(50, .1), axs=[axs[0]])
    plt.close('all')

# StepSchedule

def test_step_schedule_gives_each_step_its_value():
    lrs,moms = torch.rand(60).tolist(),(torch.rand(60)*.9).tolist()
    learn = learner()
    quiet(learn, learn.fit, 3, cbs=StepSchedule(lr=lrs, mom=moms))
    assert learn.recorder.hps == dict(lr=lrs, mom=moms) and learn.recorder.lrs == lrs

@pytest.mark.parametrize('kw,msg', [({}, 'one value per step'), (dict(lr=[]), 'for each step'), (dict(lr=[True]), 'finite'), (dict(lr=[1.], mom=[.9, .9]), 'one value per step'), (dict(lr=[.1, math.nan]), 'finite'), (dict(lr=[-.1]), 'finite')])
def test_step_schedule_refuses(kw, msg):
    with pytest.raises(ValueError, match=msg): StepSchedule(**kw)

def test_step_schedule_refuses_another_length():
    learn = learner()
    with pytest.raises(ValueError, match='40 values; this fit has 20 steps'): quiet(learn, learn.fit, 1, cbs=StepSchedule(lr=[.1]*40))

# LiveSchedule

class Screen:
    "A notebook that counts what is shown"
    def __init__(self): self.shown,self.updates = [],0
    def display(self, fig, display_id=None): self.shown.append(fig); return self
    def update(self, fig): assert isinstance(fig, Figure); self.updates += 1

@pytest.fixture
def screen(monkeypatch):
    s = Screen()
    monkeypatch.setattr(live_module, '_in_notebook', lambda: True)
    monkeypatch.setattr('IPython.display.display', s.display)
    return s

def test_live_shows_one_figure_and_updates_it(screen):
    live = LiveSchedule(every=0, max_share=1.)
    learn = learner(cbs=live)
    quiet(learn, learn.fit_one_cycle, 2, .1)
    assert len(screen.shown) == 1 and screen.updates == live.n_draws - 1 > 1
    assert live.rates == learn.recorder.hps['lr'] and live.momenta == learn.recorder.hps['mom']
    assert live.smooth_losses == pytest.approx([o.item() for o in learn.recorder.losses], rel=1e-3)
    quiet(learn, learn.fit, 1, .1) # a second fit: a figure of its own
    assert len(screen.shown) == 2 and len(live.rates) == 20

def test_live_draws_seldom(screen):
    live = LiveSchedule(every=1000)
    learn = learner(cbs=live)
    quiet(learn, learn.fit_one_cycle, 2, .1)
    assert live.n_draws == 1 and len(screen.shown) == 1 # the last picture only

def test_live_keeps_its_share(screen, monkeypatch):
    now = [0.]
    monkeypatch.setattr(live_module.time, 'perf_counter', lambda: now[0])
    live = LiveSchedule(every=0, max_share=.1)
    def slow_plot(): now[0] += 1.; return Figure()
    monkeypatch.setattr(live, 'plot', slow_plot)
    class Tick(Callback):
        def after_pred(self):
            if self.training: now[0] += .5
    learn = learner(100, cbs=[live, Tick()])
    quiet(learn, learn.fit, 1, .01)
    assert 2 <= live.n_draws <= 7 and live.draw_seconds <= .1*now[0] + 2

def test_live_shows_nothing_outside_a_notebook(monkeypatch, capsys):
    monkeypatch.setattr('IPython.display.display', lambda *a, **k: pytest.fail('displayed'))
    live = LiveSchedule(every=0)
    learn = learner(cbs=live)
    quiet(learn, learn.fit_one_cycle, 1, .1)
    assert live.n_draws == 0 and len(live.rates) == 20 and isinstance(live.plot(), Figure) and capsys.readouterr().out == ''

def test_live_can_record_without_drawing(screen):
    live = LiveSchedule(every=None)
    learn = learner(cbs=live)
    quiet(learn, learn.fit_one_cycle, 1, .1)
    assert screen.shown == [] and live.n_draws == 0 and len(live.batch_losses) == 20

def test_live_leaves_pyplot_alone(screen):
    import matplotlib.pyplot as plt
    before = plt.get_fignums()
    learn = learner(cbs=LiveSchedule(every=0))
    quiet(learn, learn.fit, 1, .1)
    assert plt.get_fignums() == before

@pytest.mark.parametrize('error', [CancelFitException, KeyboardInterrupt])
def test_live_survives_an_interrupted_fit(screen, error):
    class Stop(Callback):
        def before_batch(self):
            if self.train_iter == 7: raise error()
    live,stop = LiveSchedule(),Stop()
    learn = learner(cbs=[live, stop])
    try: quiet(learn, learn.fit_one_cycle, 1, .1)
    except KeyboardInterrupt: pass
    assert len(live.rates) == len(live.batch_losses) == 7 and isinstance(live.plot(), Figure)
    learn.remove_cb(stop)
    quiet(learn, learn.fit, 1, .1)
    assert len(live.rates) == 20

def test_live_without_momentum(screen):
    live = LiveSchedule()
    learn = learner(cbs=live, opt_func=lambda p, lr, **k: OptimWrapper(opt=torch.optim.Adagrad(list(p), lr=lr)))
    quiet(learn, learn.fit, 1, .1)
    assert live.momenta == [] and live.rates == [.1]*20 and isinstance(live.plot(), Figure)

def test_live_keeps_out_of_lr_find(screen, tmp_path):
    live = LiveSchedule(every=0)
    learn = learner(cbs=live); learn.path = tmp_path
    with learn.no_bar(): learn.lr_find(show_plot=False, suggest_funcs=None) # a suggestion needs ten losses, and this little model may blow up before
    assert screen.shown == [] and live.rates == []

def test_live_draws_losses_that_are_not_finite():
    live = LiveSchedule()
    learn = learner(cbs=live)
    quiet(learn, learn.fit, 1, 1e30)
    bad = next(i for i,o in enumerate(live.batch_losses) if not math.isfinite(o))
    assert f'not finite from step {bad}' in live.plot().axes[0].get_title()

def test_live_holds_no_graph():
    live = LiveSchedule()
    learn = learner(cbs=live)
    quiet(learn, learn.fit, 1, .1)
    assert not any(o.requires_grad for o in live._losses)

@pytest.mark.parametrize('kw', [dict(every=-1), dict(every=math.nan), dict(max_share=0), dict(max_share=2), dict(every='a')])
def test_live_refuses(kw):
    with pytest.raises((TypeError, ValueError), match='LiveSchedule: (every|max_share) is '): LiveSchedule(**kw)
def test_live_refuses_to_draw_nothing():
    with pytest.raises(ValueError, match='no step is recorded'): LiveSchedule().plot()

def test_a_training_by_lists_is_the_training_of_fit_one_cycle():
    def weights(by_list):
        torch.manual_seed(0)
        x = torch.randint(0, 255, (64, 28, 28), dtype=torch.uint8); y = torch.arange(64)%2
        dls = mnist_dls(bs=8, data=(x, y, x[:8], y[:8]), device='cpu'); dls.train.rng.seed(0)
        learn = Learner(dls, nn.Sequential(nn.Flatten(), nn.Linear(784, 2)), loss_func=CrossEntropyLossFlat())
        s = one_cycle(16, .01)
        quiet(learn, *((learn.fit, 2) if by_list else (learn.fit_one_cycle, 2, .01)), **(dict(cbs=StepSchedule(lr=s.lrs, mom=s.moms)) if by_list else {}))
        return learn.model[1].weight.detach()
    torch.testing.assert_close(weights(True), weights(False), rtol=1e-5, atol=1e-6)

def test_the_linear_form_is_made_of_fastais_parts():
    learn,ours = learner(),one_cycle(40, .1, anneal='linear')
    theirs = combine_scheds([.25, .75], [SchedLin(.1/25, .1), SchedLin(.1, .1/1e5)])
    quiet(learn, learn.fit, 2, cbs=ParamScheduler({'lr': theirs}))
    assert ours.lrs == pytest.approx(learn.recorder.hps['lr'], rel=1e-5, abs=1e-7)

@pytest.mark.parametrize('style', ['fastai', 'pytorch'])
def test_a_knot_between_two_steps_leaves_out_the_highest_rate(style):
    assert .9 < max(one_cycle(10, 1., style=style, pct_start=.25).lrs) < 1

def test_an_interrupted_fit_leaves_no_schedule_with_the_recorder():
    class Stop(Callback):
        def before_batch(self):
            if self.train_iter == 7: raise KeyboardInterrupt
    learn = learner(cbs=Stop())
    with pytest.raises(KeyboardInterrupt): quiet(learn, learn.fit_one_cycle, 1, .1)
    assert not hasattr(learn.recorder, 'hps') and len(learn.recorder.lrs) == 7

def test_a_live_figure_is_a_figure_to_its_reader():
    live = LiveSchedule()
    learn = learner(cbs=live)
    quiet(learn, learn.fit, 1, .1)
    assert repr(live.plot()) == '<Figure with 3 axes>'

# the experiments

@pytest.fixture
def few(monkeypatch):
    "256 digits in place of 30,000, in batches of 8"
    x,y = (o[:256] for o in experiments.digits()[:2])
    monkeypatch.setattr(experiments, 'digits', lambda: (x, y, x, y))
    return [torch.arange(i, i + 8) for i in range(0, 256, 8)]

def fastais(few, opt_func=Adam, **kwargs):
    "A learner with the network, the batches, and the optimizer of the experiments"
    x,y = experiments.digits()[:2]
    dls = DataLoaders.from_dsets(list(zip(x, y)), list(zip(x[:8], y[:8])), bs=8, shuffle=False, device='cpu')
    return Learner(dls, experiments.fresh(0)[0], CrossEntropyLossFlat(), opt_func=opt_func, wd_bn_bias=True, **kwargs)

@pytest.mark.parametrize('kind,opt_func', [('adam', Adam), ('sgd', partial(SGD, mom=.9))])
def test_a_training_of_the_experiments_is_fastais(few, kind, opt_func):
    sched = one_cycle(32, .003)
    learn,live = fastais(few, opt_func),LiveSchedule(every=None)
    quiet(learn, learn.fit_one_cycle, 1, .003, cbs=live)
    ours = experiments.train(*experiments.fresh(0, kind), sched, few)
    assert live.batch_losses == pytest.approx(ours, rel=1e-2)

def test_the_range_test_is_lr_find(few, tmp_path):
    learn = fastais(few)
    learn.path = tmp_path
    with learn.no_bar(): theirs = learn.lr_find(start_lr=1e-5, end_lr=.1, num_it=30, show_plot=False)
    rates,losses,_ = experiments.range_test(*experiments.fresh(0), few, 1e-5, .1, 30)
    n = min(len(rates), len(learn.recorder.lrs))
    assert n >= 28 and rates[:n] == pytest.approx(learn.recorder.lrs[:n], rel=1e-4)
    assert losses[:n] == pytest.approx([o.item() for o in learn.recorder.losses[:n]], rel=1e-2)
    assert experiments.suggested(rates, losses, 30)[0] == pytest.approx(theirs.valley, rel=.5)

def test_the_range_test_ends_where_the_loss_does(few):
    rates,losses,raw = experiments.range_test(*experiments.fresh(0, 'sgd'), few, 1e-3, 1e6, 32)
    assert len(rates) == len(losses) == len(raw) < 32 and not losses[-1] <= 4*min(losses)

@pytest.mark.parametrize('relative', [False, True])
def test_curvatures_of_a_network_small_enough_for_its_hessian(relative):
    torch.manual_seed(0)
    x,y,net = torch.randn(50, 6),torch.randint(0, 3, (50,)),nn.Linear(6, 3, bias=False)
    def loss(w): return nn.functional.cross_entropy(x@w.view(3, 6).T, y)
    hessian = torch.autograd.functional.hessian(loss, net.weight.detach().flatten())
    units = experiments.lengths(net.weight).flatten() if relative else torch.ones(18)
    exact = torch.linalg.eigvalsh(units[:, None]*hessian*units)
    low,high = experiments.curvatures(net, x, y, relative)
    assert high == pytest.approx(exact[-1].item(), rel=1e-3) and low == pytest.approx(exact[0].item(), abs=1e-4)

def test_relative_curvature_belongs_to_the_function(few):
    net,_ = experiments.fresh(0)
    twin = copy.deepcopy(net)
    with torch.no_grad(): twin[0].conv.weight *= 2; twin[0].conv.bias *= 2; twin[1].conv.weight /= 2
    x,y = experiments.digits()[:2]
    (_,plain),(_,plain_twin) = (experiments.curvatures(m, x, y) for m in (net, twin))
    (_,relative),(_,relative_twin) = (experiments.curvatures(m, x, y, True) for m in (net, twin))
    assert relative_twin == pytest.approx(relative, rel=1e-2) and abs(plain_twin/plain - 1) > .1

def test_arms_differ_from_the_cycle_in_one_part():
    arms = experiments.arms(.06)
    full = arms['1cycle']
    assert full == one_cycle(117, .06) and all(len(o.lrs) == len(o.moms) == 117 for o in arms.values())
    assert arms['no warm-up'].lrs[29:] == full.lrs[29:] and arms['no annealing'].lrs[:29] == full.lrs[:29]
    assert set(arms['constant'].lrs) == {.06} and arms['momentum 0.95'].lrs == full.lrs
    wsd = arms['WSD'].lrs
    assert wsd[:29] == full.lrs[:29] and set(wsd[29:88]) == {.06} and wsd[88:] == sorted(wsd[88:], reverse=True)
    assert wsd[-1] < .002

def test_paired_says_what_a_t_test_says():
    from scipy.stats import ttest_rel
    a,b = np.random.default_rng(0).normal(size=(2, 12))
    mean,half = experiments.paired(a, b)
    low,high = ttest_rel(a, b).confidence_interval()
    assert (mean - half, mean + half) == pytest.approx((low, high))
    assert experiments.ratio(np.exp(a), np.exp(b)) == pytest.approx(np.exp([mean, low, high]))
    assert experiments.lower([0.1, .2, .1], [1., 1.1, 1.1]) and not experiments.lower([1., 1, 1.1], [.9, 1.1, 1])
