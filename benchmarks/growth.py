"""How do time and memory grow: those of training with a network's sizes, and those of `count`,
`receptive_field`, and torchinfo with the number of operations?

    python benchmarks/growth.py [--turns 5] [--operations 10000] [--largest-turns 1]

Training: convolutions and ReLUs, four of each, 16 channels, images of 32 x 32, batches of 32. One of these
four numbers is doubled, and doubled again. Time is what a training step takes of the processor: in the
program, and with the system's share, which grows in a leap where arrays are so large (32 MiB with glibc) that
each is taken from the system, page by page, and given back in every step (MALLOC_MMAP_THRESHOLD_ and
MALLOC_TRIM_THRESHOLD_ in the environment, with a large number, prevent that). Memory is what PyTorch keeps
between the forward and the backward pass, without the parameters (bytes of the tensors that autograd saves,
each storage once: an exact number). `count` says how the multiplications and the activations grow. A ratio is
the growth from the smallest to the largest size over the growth that `count` says: 1 is as counted, less is a
fixed cost that the larger sizes share.

Looking: chains of 10 to 10,000 operations (convolution, ReLU, convolution ...), in two widths. "usual" has 64
channels of 56 x 56, as the first blocks of ResNet-18; "tiny" has 4 channels of
8 x 8, where torchinfo, which runs the network, has next to nothing to compute. Processor seconds; the three
take turns. `exponent` is the slope of log(seconds) over log(operations): 1 is linear growth.
"""
import math, resource
from statistics import linear_regression, median
import torch, torchinfo
from torch import nn
from torch.nn.functional import cross_entropy
from cnn_notes.counting import count
from cnn_notes.receptive import receptive_field
from _table import parser, progress, ratio, report

def spent():
    "Processor seconds of this process: all, and those in the program"
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime,used.ru_utime

def seconds(call, least=.05):
    "Processor seconds of one call, as in `spent`: of as many as take a while, together"
    n,start = 0,spent()
    while not n or spent()[0] - start[0] < least: call(); n += 1
    return [(b - a)/n for a,b in zip(start, spent())]

def slope(xs, ys):
    "Of a straight line through the points, both in logarithms: the exponent"
    return linear_regression(*([math.log(o) for o in v] for v in (xs, ys))).slope

def turns(names, calls, times, what, least=.05):
    "Processor seconds of each call, a list for each turn; each is first once"
    res: list = []
    for i in range(times):
        order,turn = [*range(len(calls))],{}
        for k in order[i%len(order):] + order[:i%len(order)]:
            progress(f'{what}: {names[k]}, turn {i+1}')
            turn[k] = seconds(calls[k], least)
        res.append([turn[k] for k in order])
    return res

# ---- training

base = dict(size=32, channels=16, depth=4, batch=32)
named = dict(size='image side', channels='channels', depth='depth', batch='batch')

class Training:
    "A network, its batch, and what `count` says of it"
    def __init__(self, size, channels, depth, batch):
        torch.manual_seed(0)
        convs = [nn.Conv2d(channels, channels, 3, padding=1) for _ in range(depth)]
        blocks = [o for conv in convs for o in (conv, nn.ReLU())]
        self.model = nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10))
        self.x,self.y = torch.rand(batch, channels, size, size),torch.arange(batch)%10
        self.opt = torch.optim.SGD(self.model.parameters(), .01)
        total = count(self.model, self.x.shape).total
        self.multiplications,self.activations = total.multiplications,total.activations
        self.step()

    def step(self):
        self.opt.zero_grad()
        cross_entropy(self.model(self.x), self.y).backward()
        self.opt.step()

    def kept(self):
        "Bytes that the forward pass keeps for the backward pass, without the parameters"
        own = {p.untyped_storage().data_ptr() for p in self.model.parameters()}
        found: dict = {}
        def note(t):
            s = t.untyped_storage()
            if s.data_ptr() not in own: found[s.data_ptr()] = s.nbytes()
            return t
        with torch.autograd.graph.saved_tensors_hooks(note, lambda t: t):
            loss = cross_entropy(self.model(self.x), self.y) # while it lives, no storage is used again
        del loss
        return sum(found.values())

def training(args):
    ratios,table = [],[f"{'training':<12}{'sizes':<16}{'time':>9}{'multiplied':>12}{'memory':>9}"
        f"{'activations':>13}   (exponents)   {'milliseconds':<24}{'with the system':<24}MiB kept"]
    for key,name in named.items():
        sizes = [base[key]*k for k in ((1, 2) if args.quick else (1, 2, 4))]
        runs = [Training(**{**base, key: n}) for n in sizes]
        times = turns([f'{name} {n}' for n in sizes], [o.step for o in runs], args.turns, 'training',
            .02 if args.quick else .3)
        kept,products,values = ([getattr(o, k) for o in runs] for k in ('kept', 'multiplications',
            'activations'))
        kept = [o() for o in kept]
        def grown(o): return o[-1]/o[0]
        whole,program = ([[o[k] for o in t] for t in times] for k in (0, 1))
        ratios += [ratio(f'training, {name} x {grown(sizes):.0f}: growth of time / of multiplications',
                [grown(t)/grown(products) for t in program], most=1.25),
            ratio(f"training, {name} x {grown(sizes):.0f}: the same, with the system's time",
                [grown(t)/grown(products) for t in whole]),
            ratio(f'training, {name} x {grown(sizes):.0f}: growth of memory / of activations',
                [grown(kept)/grown(values)], most=1.05)]
        med,all_ = ([median(o) for o in zip(*t)] for t in (program, whole))
        exps = [slope(sizes, o) for o in (med, products, kept, values)]
        table.append(f"{name:<12}{', '.join(map(str, sizes)):<16}{exps[0]:>9.2f}{exps[1]:>12.2f}"
            f"{exps[2]:>9.2f}{exps[3]:>13.2f}                 "
            + ''.join(f"{', '.join(f'{s*1e3:.1f}' for s in o):<24}" for o in (med, all_)) +
            f"{', '.join(f'{o/2**20:.1f}' for o in kept)}")
    return ratios,table

# ---- looking

widths = dict(usual=(64, 56), tiny=(4, 8))

def chain(n, channels):
    "So many operations, one after the other"
    convs = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(n//2))
    return nn.Sequential(*(o for conv in convs for o in (conv, nn.ReLU()))).eval()

def lookers(model, shape):
    return [lambda: count(model, shape), lambda: receptive_field(model, shape),
        lambda: torchinfo.summary(model, input_size=(1, *shape), verbose=0)]

def looking(args):
    ratios,table,names = [],[],['count','receptive_field','torchinfo']
    sizes = [n for n in (10, 30, 100, 300, 1000, 3000, 10_000) if n <= args.operations]
    for kind,(channels,side) in widths.items():
        if args.quick and kind == 'usual': continue
        table += ['', f"{kind + f': {channels} x {side} x {side}':<24}{'count ms':>12}"
            f"{'receptive_field ms':>20}{'torchinfo ms':>14}"]
        shape,found,meds = (channels, side, side),{},[]
        for n in sizes:
            calls = lookers(chain(n, channels), shape)
            for call in calls if n == sizes[0] else (): call() # what happens once in a process
            times = args.turns if n <= 1000 else args.largest_turns
            found[n] = turns(names, calls, times, f'{kind}, {n:,} operations')
            found[n] = [[o[0] for o in t] for t in found[n]]
            meds.append([median(o) for o in zip(*found[n])])
            table.append(f'{n:>8,} operations     ' + f'{meds[-1][0]*1e3:>12,.1f}{meds[-1][1]*1e3:>20,.1f}'
                f'{meds[-1][2]*1e3:>14,.1f}')
        exps = [slope(sizes, o) for o in zip(*meds)]
        table.append(f"{'exponent':<24}{exps[0]:>12.2f}{exps[1]:>20.2f}{exps[2]:>14.2f}")
        for k,name in enumerate(names[:2]):
            ratios.append(ratio(f'{kind}: exponent of {name} / linear growth', [exps[k]], most=1.1))
            ratios += [ratio(f'{kind}, {n:,} operations: {name} / torchinfo',
                [t[k]/t[2] for t in turn], most=1) for n,turn in found.items()]
    return ratios,table

if __name__ == '__main__':
    ap = parser(__doc__)
    ap.add_argument('--turns', type=int, default=5)
    ap.add_argument('--operations', type=int, default=10_000, help='the longest chain')
    ap.add_argument('--largest-turns', type=int, default=1, help='for chains of more than 1,000')
    args = ap.parse_args()
    if args.quick: args.turns,args.operations = 1,100
    (a,b),(c,d) = training(args),looking(args)
    progress()
    report(args, f'Growth, {args.turns} turns, {torch.get_num_threads()} thread(s)', a + c, b + d)
