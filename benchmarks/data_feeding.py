"""How fast does a network get its data? One epoch of the CNN of fastbook's chapter 13, fed in four ways.

    python benchmarks/data_feeding.py                              the full measurement (about a quarter of an
    hour on two cores)
    python benchmarks/data_feeding.py --batches 12 --repeats 2     a short look

a  fastai's `Learner`, from 70,000 PNG files by way of a `DataBlock`, as the chapter does it
b  the same `Learner`, from `mnist_dls`
c  a plain PyTorch loop over the batches of `mnist_dls`
d  a plain PyTorch loop over normalized tensors, indexed by hand

An epoch is a pass over the training images and one over the validation images with accuracy. The four take
turns, so
that a slow minute of the machine meets all of them; a ratio is the median of the ratios within one turn, with
the
smallest and the largest beside it. b/d is what `Learner` costs (its callbacks, its recorder and its own
Adam).
"""
import sys, time
from pathlib import Path
from statistics import median
import torch
import torch.nn.functional as F
from torch import nn
from cnn_notes.data import load_mnist, mnist_dls
from fastai.data.all import CategoryBlock, DataBlock, GrandparentSplitter, Normalize
from fastai.data.all import get_image_files, parent_label, set_seed
from fastai.learner import Learner
from fastai.metrics import accuracy
from fastai.vision.data import ImageBlock, PILImageBW
from PIL import Image
import fastai.callback.progress # noqa: F401, Learner.no_bar
from _table import parser, ratio, report as tell

sides = dict(a='Learner, PNG files through a DataBlock', b='Learner, mnist_dls', c='plain loop, mnist_dls',
    d='plain loop, tensors indexed by hand')
pairs = [('a','b','files against memory'), ('b','d','what Learner costs'), ('c','d','what feeding costs')]
# on two cores, of these at this batch size
should = {('a','b',512): dict(least=6), ('c','d',512): dict(most=1.05)}

def say(text): print(text, file=sys.stderr, flush=True)

def cnn():
    "Chapter 13's network with batch normalization: 5 convolutions of stride 2, from 28x28 to 1x1"
    layers,ni = [],1
    for nf,ks in ((8,5), (16,3), (32,3), (64,3), (10,3)):
        layers += [nn.Conv2d(ni, nf, ks, stride=2, padding=ks//2)] + [nn.ReLU()]*(nf != 10) + [
            nn.BatchNorm2d(nf)]
        ni = nf
    return nn.Sequential(*layers, nn.Flatten())

def write_files(folder, data):
    """The digits as PNG files in `train/` and `valid/`, a folder for each class; files that are there
    already stay"""
    for split,x,y in (('train', data.train_x, data.train_y), ('valid', data.valid_x, data.valid_y)):
        todo = [(p,im) for i,(im,label) in enumerate(zip(x, y.tolist()))
            if not (p := folder/split/str(label)/f'{i:05}.png').exists()]
        for label in range(10): (folder/split/str(label)).mkdir(parents=True, exist_ok=True)
        for i,(p,im) in enumerate(todo):
            if i%5000 == 0: say(f'writing {split} images as PNG files: {i:,} of {len(todo):,}')
            Image.fromarray(im.numpy()).save(p)

def file_dls(folder, data, bs, workers):
    limit = dict(train=len(data.train_x), valid=len(data.valid_x))
    def items(path): return [p for p in get_image_files(path) if int(p.stem) < limit[p.parent.parent.name]]
    block = DataBlock((ImageBlock(cls=PILImageBW), CategoryBlock), get_items=items,
        splitter=GrandparentSplitter(), get_y=parent_label, batch_tfms=Normalize())
    dls = block.dataloaders(folder, bs=bs, num_workers=workers, device=torch.device('cpu'))
    assert (len(dls.train_ds), len(dls.valid_ds)) == (limit['train'], limit['valid'])
    return dls

def by_hand(data, bs):
    "Two functions, each giving one pass of batches"
    (tx,ty),(vx,vy) = ((x[:,None].float(), y.long()) for x,y in (data[:2], data[2:]))
    mean,std = tx.mean(),tx.std()
    tx,vx = (tx-mean)/std,(vx-mean)/std
    def train():
        for idx in torch.randperm(len(tx)).split(bs)[:len(tx)//bs]: yield tx[idx],ty[idx]
    def valid():
        for xb,yb in zip(vx.split(bs), vy.split(bs)): yield xb,yb
    return train,valid

def with_learner(dls, epochs, lr):
    learn = Learner(dls, cnn(), loss_func=F.cross_entropy, metrics=accuracy, lr=lr)
    with learn.no_bar(), learn.no_logging(): learn.fit(epochs)
    return learn.final_record[-1]

def plain(train, valid, epochs, lr):
    model = cnn()
    opt = torch.optim.Adam(model.parameters(), lr=lr)
    for _ in range(epochs):
        model.train()
        for xb,yb in train():
            F.cross_entropy(model(xb), yb).backward()
            opt.step(); opt.zero_grad()
        model.eval()
        right = n = 0
        with torch.no_grad():
            for xb,yb in valid():
                right += (model(xb).argmax(1) == yb).sum()
                n += len(yb)
    return (right/n).item()

def measure(data, folder, bs, epochs, repeats, workers, lr):
    """{side: [(seconds for an epoch, share of validation images right), ...]}, and seconds for a batch with
    no network for c and d"""
    cpu = torch.device('cpu')
    from_files,in_memory = file_dls(folder, data, bs, workers),mnist_dls(bs=bs, data=data, device=cpu)
    hand = by_hand(data, bs)
    runs = dict(a=lambda: with_learner(from_files, epochs, lr), b=lambda: with_learner(in_memory, epochs, lr),
                c=lambda: plain(lambda: in_memory.train, lambda: in_memory.valid, epochs, lr),
                d=lambda: plain(*hand, epochs, lr))
    few = data._make((data.train_x[:10*bs], data.train_y[:10*bs], data.valid_x[:bs], data.valid_y[:bs]))
    dls = mnist_dls(bs=bs, data=few, device=cpu)
    # PyTorch and fastai import and set up much at first use
    for _ in range(2): with_learner(dls, 1, lr); plain(lambda: dls.train, lambda: dls.valid, 1, lr)
    res,feed = {k: [] for k in runs},{k: [] for k in 'cd'}
    for turn in range(repeats):
        # each side is first, second ... once in four turns
        for k in list(runs)[turn%4:] + list(runs)[:turn%4]:
            set_seed(turn)
            start = time.perf_counter()
            right = runs[k]()
            res[k].append(((time.perf_counter()-start)/epochs, right))
            say(f'batch {bs}, turn {turn+1} of {repeats}, {k}: {res[k][-1][0]:.2f} s')
        for k,batches in (('c', lambda: in_memory.train), ('d', hand[0])): # the same without a network
            start = time.perf_counter()
            for _ in batches(): pass
            feed[k].append((time.perf_counter()-start)/len(in_memory.train))
    return res,feed

def report(args, res, feed, data, bs, epochs):
    n = len(data.train_x)//bs*bs + len(data.valid_x)
    ratios = [ratio(f'batch {bs}: {p}/{q}, {what}', [x[0]/y[0] for x,y in zip(res[p], res[q])],
        **should.get((p,q,bs), {})) for p,q,what in pairs]
    table = [f'{"":40}{"s/epoch":>9}{"images/s":>10}{"right":>8}']
    for k,name in sides.items():
        s,right = median(o[0] for o in res[k]),median(o[1] for o in res[k])
        table.append(f'{k} {name:38}{s:9.2f}{n/s:10,.0f}{right:8.1%}')
    c,d = (min(feed[k]) for k in 'cd') # short: the best turn is the one that nobody disturbed
    step = min(o[0] for o in res['d'])*bs/n
    table.append(f'feeding without a network: c {c*1000:.3f} ms a batch, d {d*1000:.3f} ms; the difference '
        f'is {(c-d)/step:.1%} of the {step*1000:.1f} ms that d takes for a batch')
    tell(args, f'Feeding, batch {bs}, an epoch of {len(data.train_x):,} + {len(data.valid_x):,} images, '
        f'{len(res["a"])} turns of {epochs} epoch(s), {torch.get_num_threads()} thread(s)', ratios, table)

def main():
    p = parser(__doc__)
    p.add_argument('--bs', type=int, nargs='+', default=[64, 512], help='batch sizes (64 and 512)')
    p.add_argument('--epochs', type=int, default=1, help='epochs in a run (1)')
    p.add_argument('--repeats', type=int, default=4, help='turns (4)')
    p.add_argument('--batches', type=int, help='training batches in an epoch, with a sixth as many '
        'validation images; all images without it')
    p.add_argument('--workers', type=int, help="processes that read files for a (fastai's default: one for "
        "each core)")
    p.add_argument('--lr', type=float, default=.01, help='learning rate (0.01)')
    p.add_argument('--folder', type=Path, default=Path(__file__).resolve().parent.parent/'_bench'/'mnist_png',
        help='where the PNG files are kept (_bench/mnist_png)')
    args = p.parse_args()
    if args.quick: args.batches,args.repeats = 2,1
    whole = load_mnist()
    for bs in args.bs:
        n = min(60_000, args.batches*bs) if args.batches else 60_000
        data = whole._make((whole.train_x[:n], whole.train_y[:n], whole.valid_x[:n//6], whole.valid_y[:n//6]))
        write_files(args.folder, data)
        report(args, *measure(data, args.folder, bs, args.epochs, args.repeats, args.workers, args.lr), data,
            bs, args.epochs)

if __name__ == '__main__': main()
