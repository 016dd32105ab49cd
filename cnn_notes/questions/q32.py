"Steps to a loss of 0.5 at two rates, and the rate at which descent in a valley becomes unstable"
from cnn_notes.models import simple_cnn
from .common import record, seeded, train
from .common import times as ratios
from . import near, same

def steps(lr, seed, most=330):
    "Steps until the loss, averaged over 20, is below 0.5"
    smooth = train(seeded(seed, simple_cnn), lr, most, seed=seed).unfold(0, 20, 1).mean(1)
    there = (smooth < .5).nonzero()
    return there[0].item() + 20 if len(there) else most

def stable(lr, h):
    "Does descent on `h*w**2/2` from 1 shrink?"
    weight = 1.
    for _ in range(400): weight -= lr*h*weight
    return abs(weight) < 1

def limit(h):
    "The lowest unstable rate, in units of 1/h, by bisection"
    low,high = 0.,10.
    while high - low > 1e-4:
        middle = (low + high)/2
        if stable(middle/h, h): low = middle
        else: high = middle
    return round(low, 2)

def check(low, high):
    slow,fast = (sum(steps(lr, seed) for seed in range(2)) for lr in (low, high))
    runs = record('high_rates')
    learned = {lr: runs[f'loss, {lr}'] < 1 for lr in ('0.01', '0.03', '0.1', '0.2')}
    assert not learned['0.2'].all() and learned['0.1'].all(), 'training begins to fail at another rate'
    def of(key, rate, than, alike=False):
        ours,theirs = runs[f'{key}, {rate}'],runs[f'{key}, {than}']
        both = learned[rate] & learned[than] & (ours + theirs == ours + theirs)
        return ratios(ours[both], theirs[both], 14, alike)
    of('valid', '0.1', '0.03', True)
    reached = [key for key in runs.keys()
               if key.startswith('highest') and (float(key.split(', ')[1])*runs[key]).max() >= 2]
    assert not reached, f'a network reached the limit: {reached}'
    return dict(seeds=len(runs), faster=of('steps', '0.03', '0.01'), alike=of('steps', '0.1', '0.03', True),
                flatter=of('highest', '0.1', '0.03'), relative=of('relative', '0.1', '0.03', True),
                times=near(slow/fast, .4), limit=same(**{f'h_{h:g}': limit(h) for h in (.5, 3., 20.)}))
