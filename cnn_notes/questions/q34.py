"fastai's schedule, and the steps of SGD and Adam under a constant gradient"
import torch
from .common import learner, quietly, record, times
from . import near, same

def step(optimizer):
    "The length of the last of 400 steps under a gradient of 1, at a rate of 0.001, in units of the rate"
    weight = torch.zeros(1, requires_grad=True, dtype=torch.float64)
    opt = optimizer([weight], lr=1e-3)
    for _ in range(400):
        before,weight.grad = weight.item(),torch.ones_like(weight)
        opt.step()
    return (before - weight.item())/1e-3

def check(high, low):
    learn = learner(n=640, bs=16)
    hps = quietly(learn, lambda: learn.fit_one_cycle(1, .01)).recorder.hps
    lr,mom = torch.tensor(hps['lr']),torch.tensor(hps['mom'])
    assert (lr.diff().sign() == -mom.diff().sign()).all(), 'momentum does not go against the learning rate'
    assert abs(mom.max() - high) < 1e-4 and abs(mom[lr.argmax()] - low) < 1e-4, (
        f'it goes from {mom.max():.3f} to {mom.min():.3f}')
    sgd = {m: step(lambda p, lr, m=m: torch.optim.SGD(p, lr, momentum=m)) for m in (high, low)}
    adam = {m: step(lambda p, lr, m=m: torch.optim.Adam(p, lr, betas=(m, .99))) for m in (high, low)}
    by_sgd,by_adam = record('momentum_of_sgd'),record('parts_of_the_cycle')
    def of_sgd(rate): return times(by_sgd[f'momentum {high}, {rate}'], by_sgd[f'cycle, {rate}'], 6)
    def of_adam(mom_, rate, alike=False):
        return times(by_adam[f'momentum {mom_}, {rate}'], by_adam[f'1cycle, {rate}'], 16, alike)
    return dict(seeds=(len(by_sgd), len(by_adam)), slow=of_sgd('0.03'), fast=of_sgd('0.2'),
                adam_low=of_adam(high, '0.01'), adam_high=of_adam(high, '0.06'),
                alike=of_adam(low, '0.06', True), far=near(sgd[high], .05), closer=near(sgd[low], .02),
                adam=same(high=round(adam[high], 3), low=round(adam[low], 3)))
