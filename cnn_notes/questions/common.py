"What several checks need: digits, records, a plain training loop, a linear rule, a fastai learner"
import json
from functools import lru_cache
import torch
import torch.nn.functional as F
from . import near

@lru_cache
def digits():
    "MNIST, normalized: (60000, 1, 28, 28) float32 and labels, then 10,000 of each for validation"
    from cnn_notes.data import load_mnist
    mnist = load_mnist()
    def images(x): return (x.float()[:, None] - 33.32)/78.57
    return images(mnist.train_x),mnist.train_y.long(),images(mnist.valid_x),mnist.valid_y.long()

@lru_cache
def record(name):
    "The record of an experiment that ships with the package, as `Runs`"
    from cnn_notes.measured import Runs, shipped_folder
    return Runs(json.loads((shipped_folder()/f'{name}.json').read_text(encoding='utf-8')))

def printed(value, digits=2):
    "A number from a record: a claim has to be that number, rounded to so many digits"
    return near(float(value), .501*10**-digits)

def mean_half(differences, among=1):
    "The mean over the seeds, and half of its 95% interval, for `among` intervals together"
    from cnn_notes.experiments.norm import half
    return differences.mean(),half(differences, among)

def times(a, b, among=1, alike=False):
    "The geometric mean of a/b over pairs; `alike` says whether its interval is to include 1"
    from cnn_notes.experiments.schedule import ratio
    mean,low,high = ratio(a, b, among)
    assert (low <= 1 <= high) == alike, f'the interval of {mean:.2f} is {low:.2f} to {high:.2f}'
    return printed(mean)

def train(net, lr, steps, bs=64, adam=False, n=8000, seed=0):
    """Train on `n` digits by SGD with momentum 0.9, or by Adam; the loss of each step.
    `lr`: a number, or a function of progress from 0 to 1"""
    images,labels = digits()[:2]
    generator,losses = torch.Generator().manual_seed(seed),[]
    weights = list(net.parameters())
    opt = torch.optim.Adam(weights) if adam else torch.optim.SGD(weights, lr=.1, momentum=.9)
    for step in range(steps):
        opt.param_groups[0]['lr'] = lr(step/steps) if callable(lr) else lr
        batch = torch.randint(n, (bs,), generator=generator)
        loss = F.cross_entropy(net(images[batch]), labels[batch])
        opt.zero_grad(); loss.backward(); opt.step()
        losses.append(loss.item())
    return torch.tensor(losses)

def seeded(seed, make):
    "What `make()` gives after the seed is set"
    torch.manual_seed(seed)
    return make()

def accuracy(net, n=2000):
    "The share of the first `n` validation digits that `net` reads right"
    images,labels = (o[:n] for o in digits()[2:])
    with torch.no_grad(): return (net.eval()(images).argmax(1) == labels).float().mean().item()

def ridge(x, y, penalty=1.):
    "The linear rule, by least squares, from features `x` (N, d) to targets `y` (N, k): a function of a batch"
    mean,scale = x.mean(0),x.std(0).max()
    def scaled(o): return ((o - mean)/scale).double()
    rows = scaled(x)
    best = torch.linalg.solve(rows.T@rows + penalty*torch.eye(rows.shape[1], dtype=rows.dtype),
                              rows.T@(y - y.mean(0)).double())
    return lambda o: (scaled(o) @ best).float() + y.mean(0)

def close(a, b, eps=1e-4):
    "Are these tensors equal, up to rounding?"
    return torch.allclose(a, b, rtol=eps, atol=eps)

def takes(f, x):
    "Does `f` accept `x`?"
    try: return bool(f(x).numel())
    except RuntimeError: return False

def small_dls(bs=64, n=640):
    "`DataLoaders` with `n` digits for training and 200 for validation, on the CPU"
    from cnn_notes.data import load_mnist, mnist_dls
    mnist = load_mnist()
    data = mnist.train_x[:n],mnist.train_y[:n],mnist.valid_x[:200],mnist.valid_y[:200]
    return mnist_dls(bs=bs, data=data, device='cpu')

def learner(bs=64, n=640, **kwargs):
    "A fastai `Learner` of `simple_cnn` on `n` digits"
    dls = small_dls(bs, n)
    import fastai.callback.progress, fastai.callback.schedule # noqa: F401 (they add methods to `Learner`)
    from fastai.learner import Learner
    from cnn_notes.models import simple_cnn
    return Learner(dls, seeded(0, simple_cnn), **kwargs)

def quietly(learn, fit):
    "Run `fit()` without a bar or a log; the learner"
    with learn.no_bar(), learn.no_logging(): fit()
    return learn

def drawn(draw):
    "The axes that `draw()` adds"
    import matplotlib.pyplot as plt
    had = set(plt.get_fignums())
    draw()
    return [ax for n in sorted(set(plt.get_fignums()) - had) for ax in plt.figure(n).axes]
