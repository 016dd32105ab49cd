"The loss on 4,000 digits with the rate kept up, over the loss after annealing, from three seeds"
import math
import torch
import torch.nn.functional as F
from cnn_notes.models import simple_cnn
from .common import digits, record, seeded, times, train
from . import near

def end(rate, seed):
    images,labels = (o[:4000] for o in digits()[:2])
    net = seeded(seed, simple_cnn)
    train(net, rate, 300, bs=16, seed=seed)
    with torch.no_grad(): return F.cross_entropy(net(images), labels).item()

def ratio(lr):
    def anneal(p): return lr if p < .5 else lr*(1 + math.cos(math.pi*(p - .5)/.5))/2
    kept,annealed = (sum(end(rate, seed) for seed in range(3)) for rate in (lr, anneal))
    return kept/annealed

def check(lr, small):
    from cnn_notes.experiments.schedule import arms
    runs = record('parts_of_the_cycle')
    assert f'1cycle, {small}' in runs.keys(), f'the course did not compare at {small}'
    def kept(rate, alike): return times(runs[f'no annealing, {rate}'], runs[f'1cycle, {rate}'], 16, alike)
    others = record('parts_of_the_cycle_fresh') # the first seeds suggested this comparison
    assert set(runs.record['seeds']).isdisjoint(others.record['seeds']), 'the seeds are not others'
    schedules = arms(small)
    wsd,kept_up = (schedules[name].lrs for name in ('WSD', 'no annealing'))
    assert wsd[:3*len(wsd)//4] == kept_up[:3*len(wsd)//4], 'they differ before the last quarter'
    late = times(others[f'WSD, {small}'], others[f'no annealing, {small}'], 1, False)
    return dict(pairs=len(runs), kept=kept('0.06', False), kept_low=kept(small, True), late=late,
                times=near(ratio(lr), 1), gain=near(ratio(small), .2))
