"How much one image's output varies with the images beside it, in three networks"
import torch
import torch.nn as nn
from cnn_notes.models import simple_cnn
from .common import digits, mean_half, printed, record, seeded, train
from . import near

def spread(net, bs, training, n=60):
    "The standard deviation of the outputs for one image in `n` batches"
    net.train(training)
    def batch(): return digits()[2][torch.cat([torch.tensor([0]), torch.randperm(999)[:bs-1] + 1])]
    with torch.no_grad(): return torch.stack([net(batch())[0] for _ in range(n)]).std(0).mean().item()

def ratio(seed):
    net = seeded(seed, lambda: simple_cnn(norm=nn.BatchNorm2d))
    train(net, .05, 40, seed=seed)
    torch.manual_seed(seed)
    still = spread(net, 8, False)
    assert still < 1e-5, f'in evaluation the outputs vary by {still:.2g}'
    return spread(net, 8, True)/spread(net, 128, True),still

def check():
    times,still = (sum(o)/3 for o in zip(*map(ratio, range(3))))
    runs = record('norm_noise')
    change,half = mean_half(runs['all 256'] - runs['the 32'], 3)
    assert abs(change) < half, f'the validation error changes: {change:.2f}, give or take {half:.2f}'
    fewer,fewer_half = mean_half(runs['the 32'] - runs['none'], 3)
    higher,higher_half = mean_half(runs['none, loss'] - runs['the 32, loss'], 3)
    assert fewer > fewer_half and higher > higher_half, 'without a norm: not fewer errors at a higher loss'
    return dict(seeds=len(runs), change=printed(change), half=printed(half), fewer=printed(fewer),
                fewer_half=printed(fewer_half), times=near(times, .8), still=near(still, 1e-5))
