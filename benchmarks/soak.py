"""Does watching a network cost more and more? 20,000 training steps with `ActivationStats(with_hist=True)`: memory and speed along the way.

    python benchmarks/soak.py [--steps 20000] [--folder _bench]

A small network and batches of 4, so that the steps are many and the record is what grows: 4 layers, 40 bins. At a hundred points of the training
this notes the resident memory of the process (Linux: /proc/self/statm), the bytes of the record (its tensors, and the numbers of the batches)
and the processor time. fastai's own Recorder, which keeps three numbers of every batch, is taken out: its growth is not the question here.

The first tenth is warm-up for the memory: allocators, the first epoch's validation and the like. After it the resident memory may grow by what
the record grew by, and 4 MB; and the last tenth of the steps may take at most a quarter more processor time than the second tenth, the medians
of ten points each. Exit status 1 if it is otherwise. The points go to soak.csv and a drawing of them to soak.png in the folder.
"""
import argparse, gc, os, sys, time
from pathlib import Path
from statistics import median
import torch
from cnn_notes.data import mnist_dls
from cnn_notes.callbacks import ActivationStats
from cnn_notes.models import simple_cnn
from fastai.callback.core import Callback
from fastai.learner import Learner, Recorder
from fastai.torch_core import set_seed
import fastai.callback.progress # Learner.no_bar

def resident():
    "Bytes of memory that the process has now"
    with open('/proc/self/statm') as f: return int(f.read().split()[1])*os.sysconf('SC_PAGE_SIZE')

def record_bytes(record):
    "What a record has to keep: of each batch and layer 3 float32, 3 + bins int64 and 1 int64, and the batch's number with its place in a list"
    return len(record)*(len(record.layers)*(3*4 + (3 + (record.bins or 0))*8 + 8) + sys.getsizeof(10**6) + 8)

class Points(Callback):
    "Note memory and time at every `every`-th step"
    order,run_valid = 90,False
    def __init__(self, every): self.every,self.points,self.n = every,[],0
    def after_batch(self):
        self.n += 1
        if self.n % self.every: return
        self.points.append((self.n, resident(), record_bytes(self.learn.activation_stats.record), time.process_time()))

def soak(steps, points=100):
    "Train for so many steps; [(step, resident bytes, record bytes, processor seconds)], and the record"
    set_seed(0)
    data = [torch.rand(512, 16, 16), torch.arange(512)%4, torch.rand(16, 16, 16), torch.arange(16)%4]
    dls = mnist_dls(bs=4, data=data, device='cpu') # 128 batches an epoch
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3, 2, 1), torch.nn.ReLU(), torch.nn.Conv2d(4, 8, 3, 2, 1), torch.nn.ReLU(), torch.nn.Conv2d(8, 8, 3, 2, 1),
                                torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(32, 4))
    watch = Points(max(1, steps//points))
    learn = Learner(dls, model, cbs=[ActivationStats(with_hist=True), watch])
    learn.remove_cb(Recorder)
    with learn.no_bar(), learn.no_logging(): learn.fit(-(-steps//len(dls.train)), .01)
    return watch.points,learn.activation_stats.record

def verdict(points):
    "(bytes that the memory grew by, bytes that the record grew by, processor time of a step in the last tenth over the second), after the first tenth"
    tenth = len(points)//10
    grew,record = (points[-1][k] - points[tenth][k] for k in (1, 2))
    per = [(b[3]-a[3])/(b[0]-a[0]) for a,b in zip(points, points[1:])]
    return grew,record,median(per[-tenth:])/median(per[tenth:2*tenth])

def draw(points, path):
    from matplotlib.figure import Figure
    fig = Figure(figsize=(8, 3.2), layout='constrained')
    a,b = fig.subplots(1, 2)
    xs,start = [p[0] for p in points],points[len(points)//10]
    a.plot(xs, [(p[1]-start[1])/2**20 for p in points], color='#12857A', label='resident memory')
    a.plot(xs, [(p[2]-start[2])/2**20 for p in points], color='#E07B00', ls='--', label='the record')
    a.set(title='Memory, from the first tenth on', xlabel='step', ylabel='MiB'); a.legend()
    b.plot(xs[1:], [1000*(q[3]-p[3])/(q[0]-p[0]) for p,q in zip(points, points[1:])], color='#2F6DB5')
    b.set(title='Processor time of a step', xlabel='step', ylabel='ms', ylim=(0, None))
    fig.savefig(path, dpi=100)

slack = 4*2**20
if __name__ == '__main__':
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('--steps', type=int, default=20_000)
    ap.add_argument('--folder', type=Path, default=Path('_bench'), help='where soak.csv and soak.png go')
    args = ap.parse_args()
    points,record = soak(args.steps)
    tenth = len(points)//10
    print(f"{'step':>7}{'resident MiB':>14}{'record MiB':>12}{'ms a step':>11}")
    for i in range(tenth-1, len(points), tenth):
        p,q = points[max(i-tenth, 0)],points[i]
        print(f'{q[0]:>7,}{q[1]/2**20:>14.1f}{q[2]/2**20:>12.2f}{1000*(q[3]-p[3])/(q[0]-p[0] or 1):>11.2f}')
    grew,rec,ratio = verdict(points)
    ok = grew <= rec + slack and ratio <= 1.25
    print(f'{len(record):,} batches recorded. After the first tenth the memory grew by {grew/2**20:.1f} MiB, the record by {rec/2**20:.1f} MiB; '
          f'a step of the last tenth takes {ratio:.2f} of the processor time of one in the second: {"sound" if ok else "NOT SOUND"}')
    args.folder.mkdir(parents=True, exist_ok=True)
    (args.folder/'soak.csv').write_text('step,resident,record,processor\n' + ''.join(f'{a},{b},{c},{d:.4f}\n' for a,b,c,d in points))
    draw(points, args.folder/'soak.png')
    sys.exit(not ok)
