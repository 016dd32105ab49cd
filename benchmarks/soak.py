"""Does watching a network cost more and more? 20,000 training steps with `ActivationStats(with_hist=True)`:
memory and speed along the way.

    python benchmarks/soak.py [--steps 20000] [--folder _bench]

A small network and batches of 4, so that the steps are many and the record is what grows: 4 layers, 40 bins.
At a hundred points of the training
this notes the resident memory of the process (Linux: /proc/self/statm), the bytes of the record (its tensors,
and the numbers of the batches)
and the processor time. fastai's own Recorder, which keeps three numbers of every batch, is taken out: its
growth is not the question here.

The first tenth is warm-up for the memory: allocators, the first epoch's validation and the like. After it the
resident memory may grow by what
the record grew by, and 4 MiB. The speed is the processor time of a step over that of a fixed piece of work
done at the same point, which takes
the moods of the machine out of it; in the last tenth it may be a quarter more than in the second, the medians
of ten points each. The points go to soak.csv and a drawing of them to soak.png in the folder.
"""
import os, sys, time
from pathlib import Path
from statistics import median
import torch
from _table import parser, progress, ratio, report
from cnn_notes.data import mnist_dls
from cnn_notes.callbacks import ActivationStats
from fastai.callback.core import Callback
from fastai.learner import Learner, Recorder
from fastai.torch_core import set_seed
import fastai.callback.progress # noqa: F401, Learner.no_bar

def resident():
    "Bytes of memory that the process has now"
    with open('/proc/self/statm') as f: return int(f.read().split()[1])*os.sysconf('SC_PAGE_SIZE')

def record_bytes(record):
    """What a record has to keep: of each batch and layer 3 float32, 3 + bins int64 and 1 int64, and the
    batch's number with its place in a list"""
    return len(record)*(len(record.layers)*(3*4 + (3 + (record.bins or 0))*8 + 8) + sys.getsizeof(10**6) + 8)

work = torch.nn.Conv2d(8, 8, 3),torch.rand(4, 8, 16, 16)
def fixed_work():
    "Processor seconds of something that is always the same"
    start = time.process_time()
    for _ in range(100):
        work[0].zero_grad()
        work[0](work[1]).sum().backward()
    return time.process_time() - start

class Points(Callback):
    "Note memory and time at every `every`-th step"
    order,run_valid = 90,False
    def __init__(self, every): self.every,self.points,self.n = every,[],0
    def before_fit(self): fixed_work(); self.start = time.process_time()
    def after_batch(self):
        self.n += 1
        if self.n % self.every: return
        spent = time.process_time() - self.start
        self.points.append((self.n, resident(), record_bytes(self.learn.activation_stats.record),
            spent/self.every, fixed_work()))
        progress(f'step {self.n:,} of {self.n_epoch*len(self.dls.train):,}')
        self.start = time.process_time()

def soak(steps, points=100):
    """Train for so many steps; [(step, resident bytes, record bytes, processor seconds of a step, of the
    fixed work)], and the record"""
    set_seed(0)
    data = [torch.rand(512, 16, 16), torch.arange(512)%4, torch.rand(16, 16, 16), torch.arange(16)%4]
    dls = mnist_dls(bs=4, data=data, device='cpu') # 128 batches an epoch
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3, 2, 1), torch.nn.ReLU(),
        torch.nn.Conv2d(4, 8, 3, 2, 1), torch.nn.ReLU(), torch.nn.Conv2d(8, 8, 3, 2, 1),
                                torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(32, 4))
    watch = Points(max(1, steps//points))
    learn = Learner(dls, model, cbs=[ActivationStats(with_hist=True), watch])
    learn.remove_cb(Recorder)
    with learn.no_bar(), learn.no_logging(): learn.fit(-(-steps//len(dls.train)), .01)
    return watch.points,learn.activation_stats.record

def verdict(points):
    """After the first tenth: bytes that the memory grew by, bytes that the record grew by; and a step of the
    last tenth over one of the second, each over the fixed work"""
    tenth = len(points)//10
    grew,record = (points[-1][k] - points[tenth][k] for k in (1, 2))
    per = [p[3]/p[4] for p in points]
    return grew,record,median(per[-tenth:])/median(per[tenth:2*tenth])

def draw(points, path):
    from matplotlib.figure import Figure
    fig = Figure(figsize=(8, 3.2), layout='constrained')
    a,b = fig.subplots(1, 2)
    xs,start = [p[0] for p in points],points[len(points)//10]
    a.plot(xs, [(p[1]-start[1])/2**20 for p in points], color='#12857A', label='resident memory')
    a.plot(xs, [(p[2]-start[2])/2**20 for p in points], color='#E07B00', ls='--', label='the record')
    a.set(title='Memory, from the first tenth on', xlabel='step', ylabel='MiB'); a.legend()
    b.plot(xs, [100*p[3]/p[4] for p in points], color='#2F6DB5')
    b.set(title='Processor time of a step', xlabel='step', ylabel='forward and backward passes\nof one small '
        'convolution', ylim=(0, None))
    fig.savefig(path, dpi=100)

slack = 4*2**20
if __name__ == '__main__':
    ap = parser(__doc__)
    ap.add_argument('--steps', type=int, default=20_000)
    ap.add_argument('--folder', type=Path, default=Path('_bench'), help='where soak.csv and soak.png go')
    args = ap.parse_args()
    if args.quick: args.steps = 250
    points,record = soak(args.steps)
    tenth = len(points)//10
    table = [f"{'step':>7}{'resident MiB':>14}{'record MiB':>12}{'ms a step':>11}{'over fixed work':>17}"]
    for i in range(tenth-1, len(points), tenth):
        n,mem,rec,*_ = points[i]
        last = points[i-tenth+1:i+1]
        ms,over = 1000*median(p[3] for p in last),median(100*p[3]/p[4] for p in last)
        table.append(f'{n:>7,}{mem/2**20:>14.1f}{rec/2**20:>12.2f}{ms:>11.2f}{over:>17.2f}')
    progress()
    grew,rec,slower = verdict(points)
    table.append(f'after the first tenth: memory grew by {grew/2**20:.1f} MiB, '
        f'the record by {rec/2**20:.1f} MiB')
    ratios = [ratio('memory / the record and 4 MiB', [grew/(rec + slack)], most=1),
        ratio('a step, last tenth / second tenth', [slower], most=1.25)]
    args.folder.mkdir(parents=True, exist_ok=True)
    (args.folder/'soak.csv').write_text('step,resident,record,seconds_a_step,fixed_work\n'
        + ''.join(f'{a},{b},{c},{d:.6f},{e:.5f}\n' for a,b,c,d,e in points))
    draw(points, args.folder/'soak.png')
    report(args, f'Watching a network train for long, {len(record):,} batches recorded', ratios, table)
