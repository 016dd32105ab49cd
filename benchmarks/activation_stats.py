"""What does it cost to watch a network train? fastai's ActivationStats and cnn_notes', batches of 512, with
histograms.

    python benchmarks/activation_stats.py [--epochs 12] [--batches 60]

none     chapter 13's network with batch norm in a `Learner`, without a callback: nine layers that have
parameters
fastai   the same with fastai's `ActivationStats(with_hist=True)`
ours     with `cnn_notes.callbacks.ActivationStats(with_hist=True)`; its statistics are compared with
fastai's, number by number
sample   ours, 64 of the 512 images of every batch: `sample=64`
skipped  ours, on a batch that `every` leaves out

The five take turns within one training run, a batch each, in an order drawn anew for every five: one run may
be slower than the next from beginning to end, because its arrays happen to lie elsewhere in memory,
and that would be more than what is measured here. A batch is timed from before the first callback sees it
until after the last has, by the clock and in processor time.

An epoch has as many batches of validation as a sixth of training's, as MNIST has. fastai's hooks work there
as well, without leaving a record. The overhead of a side is what its median batch takes more than that of
`none`, six batches of training and one of validation together, over what those of `none` take; the line
"batches of training alone" leaves validation out. `every=5` is a fifth of `ours` and four fifths of
`skipped`.
A turn of the table is an epoch: it gives the median, the smallest and the largest of them. What ours compiles
when it is first called is no part of it, and has a line of its own.
"""
import random, sys, time, warnings
from statistics import median
from types import SimpleNamespace
import torch
from torch import nn
from cnn_notes.data import load_mnist, mnist_dls
from cnn_notes.callbacks import ActivationStats, _describe
from cnn_notes.models import simple_cnn
from fastai.callback.core import Callback
from fastai.callback.hook import ActivationStats as FastaiStats
from fastai.learner import Learner
from fastai.metrics import accuracy
from fastai.torch_core import set_seed
import fastai.callback.progress # noqa: F401, Learner.no_bar
from _table import parser, progress, ratio, report

sides = dict(none=lambda: None, fastai=lambda: FastaiStats(with_hist=True),
    ours=lambda: ActivationStats(with_hist=True),
             sample=lambda: ActivationStats(with_hist=True, sample=64),
             skipped=lambda: ActivationStats(with_hist=True, every=1<<30))

class Start(Callback):
    "Before all others: draw whose turn it is, and start the clocks"
    order = -100
    def __init__(self): self.left = {True: [], False: []}
    def before_batch(self):
        left = self.left[self.training]
        if not left: left += random.sample(list(sides), len(sides))
        self.turns.side = left.pop()
        # it keeps its hooks from batch to batch; so this is not timed
        if self.turns.side == 'fastai': self.turns.cbs['fastai']._register()
        self.time = time.perf_counter(),time.process_time()

class Turns(Callback):
    "Where the callbacks have their place: pass what happens on to the one whose turn it is"
    order = -20
    def before_fit(self):
        self.cbs = {k: make() for k,make in sides.items()}
        for k,cb in self.cbs.items():
            if cb is None: continue
            cb.learn = self.learn
            cb.before_fit()
            if k == 'fastai': cb._remove()
    def _all(self, event):
        for cb in self.cbs.values(): getattr(cb, event, lambda: None)()
    def before_train(self): self._all('before_train') # from here to its end, ours records
    def after_train(self): self._all('after_train')
    def _pass_on(self, event): getattr(self.cbs[self.side], event, lambda: None)()
    def before_batch(self): self._pass_on('before_batch')
    def after_pred(self): self._pass_on('after_pred')
    def after_batch(self): self._pass_on('after_batch')

class Stop(Callback):
    "After all others: stop the clocks"
    order = 100
    def __init__(self): self.epochs = []
    def before_epoch(self): self.epochs.append({(k, t): [] for k in sides for t in (True, False)})
    def after_batch(self):
        self.epochs[-1][self.turns.side, self.training].append(tuple(b - a for a,
            b in zip(self.start.time, (time.perf_counter(), time.process_time()))))
        if self.turns.side == 'fastai': self.turns.cbs['fastai']._remove()
    def after_epoch(self): progress(f'turn {len(self.epochs)} of {self.n_epoch}: an epoch')

def learner(data, cbs):
    set_seed(0)
    dls = mnist_dls(bs=512, data=data); dls.train.rng.seed(0)
    return Learner(dls, simple_cnn(norm=nn.BatchNorm2d), metrics=accuracy, cbs=cbs)

def fit(learn, epochs=1):
    with learn.no_bar(), learn.no_logging(): learn.fit(epochs, .01)

def same(data):
    """Are the records of fastai's callback and ours the same: counts and histograms exactly, mean and
    standard deviation as far as single precision goes?"""
    a,b = (sides[k]() for k in ('fastai', 'ours'))
    for cb in (a, b): fit(learner(data, cb))
    return len(a.stats) == len(b.stats) and all(p['near_zero'] == q['near_zero']
        and all(abs(p[k] - q[k]) <= 2e-6*max(abs(p[k]), p['std']) for k in ('mean', 'std')) for r,
        s in zip(a.stats, b.stats) for p,q in zip(r, s)) and \
           all(torch.equal(a.hist(i), b.hist(i)) for i in range(len(b.layers)))

if __name__ == '__main__':
    ap = parser(__doc__)
    ap.add_argument('--batches', type=int, default=60, help='training batches in an epoch, 30 to 117')
    ap.add_argument('--epochs', type=int, default=12)
    args = ap.parse_args()
    if args.quick: args.batches,args.epochs = 30,2
    if not 30 <= args.batches <= 117 or args.epochs < 1:
        ap.error(f'{args.batches} batches and {args.epochs} epochs: every side needs a batch of validation, '
            'so 30 batches of training, and MNIST has 117; and at least an epoch')
    warnings.filterwarnings('ignore', 'You are shadowing an attribute') # fastai's callback sets `modules`
    start = time.perf_counter(); _describe(torch.zeros(1, 1), 40, 0, 10)
    compiling = time.perf_counter() - start
    m = load_mnist()
    def part(batches):
        n = batches*512
        return m.train_x[:n], m.train_y[:n], m.valid_x[:n//6], m.valid_y[:n//6]
    equal = same(part(12))
    stop = Stop()
    fit(learner(part(args.batches), [Start(), Turns(), stop]), args.epochs + 1)
    progress()
    epochs = stop.epochs[1:] # the first is for warming up
    ratios,table = [],[f"{'overhead':<52}{'median':>9}{'smallest':>10}{'largest':>9}"]
    def row(name, values, fmt):
        table.append(f'{name:<52}{median(values):>9{fmt}}{min(values):>10{fmt}}{max(values):>9{fmt}}')
    for c,clock in enumerate(('clock', 'processor')):
        def times(weights, c=c): # of each epoch: seconds of each side, for as many batches of each kind
            res = [{k: sum(w*median(o[c] for o in e[k, t]) for t,w in weights.items()) for k in sides}
                for e in epochs]
            return [SimpleNamespace(**r, every=(r['ours'] + 4*r['skipped'])/5) for r in res]
        ts,train = times({True: 6, False: 1}),times({True: 1})
        ratios.append(ratio(f'overhead of ours / of fastai, {clock}',
            [(t.ours - t.none)/(t.fastai - t.none) for t in ts], most=1/5))
        ratios.append(ratio(f"ours / fastai's, batches of training alone, {clock}",
            [(t.ours - t.none)/(t.fastai - t.none) for t in train]))
        ratios += [ratio(f'ours, {name} / none, {clock}', [getattr(t, k)/t.none for t in ts], most=1.1) for k,
            name in (('every', 'every=5'), ('sample', 'sample=64'))]
        row(f'none: milliseconds for a batch of training, {clock}', [t.none*1e3 for t in train], '.1f')
        for k in ('fastai', 'ours', 'every', 'sample', 'skipped'):
            row(f'{k}, {clock}', [getattr(t, k)/t.none - 1 for t in ts], '.1%')
    table.append(f"statistics and histograms of ours and fastai's: {'the same' if equal else 'DIFFERENT'}")
    table.append(f'ours compiles its loop once in a process: {compiling:.1f} s')
    report(args, f'Watching a network train, {args.batches} batches of 512 in an epoch, {args.epochs} '
        f'epochs, {torch.get_num_threads()} thread(s)', ratios, table)
    sys.exit(not equal)
