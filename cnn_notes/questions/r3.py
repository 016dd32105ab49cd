"In which order the convolution's bias is useless, and four seeds of a short training of each order"
import torch
import torch.nn as nn
from cnn_notes.models import conv, simple_cnn
from .common import accuracy, close, mean_half, printed, record, seeded, train
from . import near

words = dict(conv='convolution', norm='normalization', act='activation')

def useless(first, added):
    "The order of the layers, and whether adding to the bias changes nothing"
    images = torch.randn(16, 3, 9, 9)
    block = seeded(0, lambda: conv(3, 4, norm=nn.BatchNorm2d, norm_first=first, bias=True))
    before = block(images)
    with torch.no_grad(): block.conv.bias += added
    return ', '.join(words[name] for name,_ in block.named_children()),close(block(images), before, 1e-3)

def right(first, seed):
    net = seeded(seed, lambda: simple_cnn(norm=nn.BatchNorm2d, norm_first=first))
    train(net, lambda p: .1*(1 - p), 60, seed=seed)
    return 100*accuracy(net, 1000)

def check(added):
    assert added, 'adding nothing shows nothing'
    original, = [order for order,same in (useless(first, added) for first in (True, False)) if same]
    one,other = ([right(first, seed) for seed in range(4)] for first in (True, False))
    runs = record('norm_contest')
    difference,half = mean_half(runs['batch 64'] - runs['after 64'])
    assert abs(difference) < half, 'the order makes a difference'
    return dict(pairs=len(runs), difference=printed(difference), half=printed(half),
                original=original, points=near(sum(one)/4 - sum(other)/4, .8),
                seeds=near(max(max(o) - min(o) for o in (one, other)), 1))
