"Inputs of a first filter, how well patches are recovered from its outputs, and the rank of the layer"
import torch
import torch.nn as nn
import torch.nn.functional as F
from cnn_notes.models import simple_cnn
from .common import digits, mean_half, printed, record, seeded
from . import near, same

def kept(w):
    "The share of the patches' variance that a linear map recovers from the outputs at their position"
    ks = w.shape[-1]
    patches = F.unfold(digits()[2][:300], ks, padding=ks//2, stride=2).transpose(1, 2).flatten(0, 1)
    patches = patches - patches.mean(0)
    out = patches @ w.flatten(1).T
    return (1 - (patches - out @ torch.linalg.lstsq(out, patches).solution).square().sum()
                /patches.square().sum()).item()

def rank(w):
    matrix = F.conv2d(torch.eye(784).view(784, 1, 28, 28), w, stride=2,
                      padding=w.shape[-1]//2).flatten(1).double()
    eigenvalues = torch.linalg.eigvalsh(matrix @ matrix.T)
    return (eigenvalues > 1e-10*eigenvalues[-1]).sum().item()

def check():
    first = {ks: simple_cnn(first_ks=ks)[0].conv.weight for ks in (3, 5)}
    def start(ks, seed): return seeded(seed, lambda: nn.Conv2d(1, 8, ks).weight.detach())
    random = {ks: [start(ks, seed) for seed in range(5)] for ks in (3, 5)}
    shares = {ks: [kept(w) for w in ws] for ks,ws in random.items()}
    assert min(shares[3]) > max(shares[5]), (
        f'some 5 x 5 patches are recovered better than 3 x 3 ones: {shares}')
    runs = record('first_kernel')
    def differ(a, b): return mean_half(runs[a][:, 0] - runs[b][:, 0], 9)
    found = dict(gain=differ('5x5', '3x3'), wide=differ('5x5 wide', '3x3 wide'),
                 edges=differ('ramps 5x5', 'plane 5x5'))
    assert all(mean > half for mean,half in found.values()), 'a difference is not settled'
    kept_of = {k: runs[k][:, 1].mean() for k in ('plane 5x5', 'ramps 5x5')}
    assert kept_of['plane 5x5'] > kept_of['ramps 5x5'], 'the edges keep more of a patch'
    squeeze,half = differ('through 3', 'through 8')
    assert abs(squeeze) < half, 'a squeeze in a 3 x 3 window makes a difference'
    means = {k: printed(mean, 3) for k,(mean,_) in found.items()}
    halves = {f'{k}_half': printed(half, 3) for k,(_,half) in found.items()}
    return means | halves | dict(small=first[3][0].numel(), large=first[5][0].numel(),
                filters=same(small=len(first[3]), large=len(first[5])),
                deeper=nn.Conv2d(4, 8, 3).weight[0].numel(),
                kept=tuple(near(sum(o)/5, .06) for o in shares.values()),
                rank=same(small=rank(random[3][0]), large=rank(random[5][0])))
