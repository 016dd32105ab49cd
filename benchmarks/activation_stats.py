"""What does it cost to watch a network train? fastai's ActivationStats and cnn_notes', batches of 512, with histograms.

    python benchmarks/activation_stats.py [--batches 12] [--repeats 25] [--group 5]

none     chapter 13's network in a `Learner`, without a callback
fastai   the same with fastai's `ActivationStats(with_hist=True)`
ours     with `cnn_notes.callbacks.ActivationStats(with_hist=True)`; its statistics are compared with fastai's, number by number
every    ours, one batch in five: `every=5`
sample   ours, 64 of the 512 images of every batch: `sample=64`

Twice: by the clock, and in processor time. A step is a training batch from before the first callback sees it until after the last has. The five take turns, so that a slow minute of the
machine meets all of them. What else runs on the machine still makes single steps longer, seldom the same step of several turns: of so many turns, five unless said otherwise, each step counts with its median over the turns,
and the sum over the steps is the time of a side. The overhead of a side is its time over that of `none`, less 1. The table gives the median, the smallest and the largest of these groups of turns.
"""
import sys, time, warnings
from statistics import median
import torch
from cnn_notes.data import load_mnist, mnist_dls
from cnn_notes.callbacks import ActivationStats
from cnn_notes.models import simple_cnn
from fastai.callback.core import Callback
from fastai.callback.hook import ActivationStats as FastaiStats
from fastai.learner import Learner
from fastai.metrics import accuracy
from fastai.torch_core import set_seed
import fastai.callback.progress # Learner.no_bar
from _table import parser, progress, ratio, report

sides = dict(none=lambda: None, fastai=lambda: FastaiStats(with_hist=True), ours=lambda: ActivationStats(with_hist=True),
             every=lambda: ActivationStats(with_hist=True, every=5), sample=lambda: ActivationStats(with_hist=True, sample=64))

def now(): return time.perf_counter(),time.process_time()
class Start(Callback):
    order = -100
    def before_batch(self): self.time = now()
class Stop(Callback):
    order = 100
    def before_fit(self): self.steps = []
    def after_batch(self):
        if self.training: self.steps.append(tuple(b - a for a,b in zip(self.learn.start.time, now())))

def once(data, make):
    "Seconds of each step of a run, (clock, processor), and its callback"
    set_seed(0)
    dls = mnist_dls(bs=512, data=data); dls.train.rng.seed(0)
    cb = make()
    start,stop = Start(),Stop()
    learn = Learner(dls, simple_cnn(), metrics=accuracy, cbs=[start, *([cb] if cb else []), stop])
    with learn.no_bar(), learn.no_logging():
        learn.fit(1, .01)
    return stop.steps,cb

def same(a, b):
    "Are the records of fastai's callback and ours the same: counts and histograms exactly, mean and standard deviation as far as single precision goes?"
    return len(a.stats) == len(b.stats) and all(p['near_zero'] == q['near_zero'] and all(abs(p[k] - q[k]) <= 2e-6*max(abs(p[k]), p['std']) for k in ('mean', 'std')) for r,s in zip(a.stats, b.stats) for p,q in zip(r, s)) and \
           all(torch.equal(a.hist(i), b.hist(i)) for i in range(len(b.layers)))

if __name__ == '__main__':
    ap = parser(__doc__)
    ap.add_argument('--batches', type=int, default=12, help='training batches in a run; an epoch has 117')
    ap.add_argument('--repeats', type=int, default=25)
    ap.add_argument('--group', type=int, default=5, help='turns whose steps are compared, for one line of the table')
    args = ap.parse_args()
    if args.quick: args.batches,args.repeats,args.group = 2,2,1
    warnings.filterwarnings('ignore', 'You are shadowing an attribute') # fastai's callback sets `modules`
    m,n = load_mnist(),min(args.batches, 117)*512
    data = (m.train_x[:n], m.train_y[:n], m.valid_x[:n//6], m.valid_y[:n//6])
    once(data, sides['none'])
    turns,equal = [],True
    for i in range(args.repeats):
        progress(f'turn {i+1} of {args.repeats}')
        runs = {k: once(data, make) for k,make in sides.items()}
        equal = equal and same(runs['fastai'][1], runs['ours'][1])
        turns.append({k: t for k,(t,_) in runs.items()})
    progress()
    def over(t): return {k: t[k]/t['none'] - 1 for k in t}
    ratios,table = [],[f"{'overhead':<36}{'median':>9}{'smallest':>10}{'largest':>9}"]
    def row(name, values, fmt): table.append(f'{name:<36}{median(values):>9{fmt}}{min(values):>10{fmt}}{max(values):>9{fmt}}')
    for c,clock in enumerate(('clock', 'processor')):
        ts = [{k: sum(median(step[c] for step in steps) for steps in zip(*(t[k] for t in turns[i:i+args.group]))) for k in sides} for i in range(0, len(turns) - args.group + 1, args.group)]
        ratios.append(ratio(f'overhead of ours / of fastai, {clock}', [o['ours']/o['fastai'] for o in map(over, ts)], most=1/3))
        ratios += [ratio(f'ours, {k} / none, {clock}', [t[k]/t['none'] for t in ts], most=1.1) for k in ('every', 'sample')]
        row(f'none: milliseconds a step, {clock}', [t['none']/(n//512)*1e3 for t in ts], '.1f')
        for k in list(sides)[1:]: row(f'{k}, {clock}', [over(t)[k] for t in ts], '.1%')
    table.append(f"statistics and histograms of ours and fastai's: {'the same' if equal else 'DIFFERENT'}")
    report(args, f'Watching a network train, {n//512} batches of 512, {len(turns)} turns in groups of {args.group}, {torch.get_num_threads()} thread(s)', ratios, table)
    sys.exit(not equal)
