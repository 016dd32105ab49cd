"Forty steps of `fit_one_cycle` and of `OneCycleLR` against half cosines"
import math
import torch
from .common import learner, printed, quietly, record, times

steps,top = 40,.01

def cos(a, b, p): return a + (b - a)*(1 - math.cos(math.pi*p))/2

def pytorchs(warmup, div, final, high, low):
    "Rates and momenta of PyTorch's schedule, made to end where fastai's ends"
    opt = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1., momentum=.9)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, top, total_steps=steps+1,
        pct_start=(warmup*steps + 1)/(steps + 1), div_factor=div, final_div_factor=final/div,
        base_momentum=low, max_momentum=high)
    for _ in range(steps):
        yield opt.param_groups[0]['lr'],opt.param_groups[0]['momentum']
        opt.step(); sched.step()

def equal(name, a, b):
    far = max(abs(u-v) for u,v in zip(a, b, strict=True))
    assert far <= 1e-6*max(b), f'{name} is not the curve of the answer: {far:.2g} off at its largest distance'

def check(warmup, div, final, high, low):
    learn = learner(n=640, bs=16)
    hps = quietly(learn, lambda: learn.fit_one_cycle(1, top)).recorder.hps
    def curve(start, middle, end):
        def at(part): return cos(start, middle, part/warmup) if part < warmup else cos(middle, end,
                                                                          (part - warmup)/(1 - warmup))
        return [at(i/steps) for i in range(steps)]
    lrs,moms = curve(top/div, top, top/final),curve(high, low, high)
    equal("fastai's learning rate", hps['lr'], lrs); equal("fastai's momentum", hps['mom'], moms)
    theirs = zip(*pytorchs(warmup, div, final, high, low))
    equal("PyTorch's learning rate", next(theirs), lrs); equal("PyTorch's momentum", next(theirs), moms)
    again = record('second_cycle')
    return dict(peak=printed(times(again['peak'], again['first'], 6).value, 1),
                longer=printed(times(again['second'], again['long'], 6).value, 1))
