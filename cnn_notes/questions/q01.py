"A linear rule on pixels and on rectified edges, for 3s and 7s in both inks"
import torch
import torch.nn.functional as F
from cnn_notes.kernels import edge_kernels
from .common import digits, ridge
from . import near

def both_inks(x, y, n):
    "`n` 3s and `n` 7s, then their negatives; labels 1 and -1"
    x = torch.cat([(x[y == d][:n] - x.min())/(x.max() - x.min()) for d in (3, 7)])
    return torch.cat([x, 1 - x]),torch.cat([torch.ones(n), -torch.ones(n)]).repeat(2)[:, None]

def most(total):
    "The largest share right if the scores of a digit and its negative add up to a number of sign `total`"
    pairs = [(a, b) for a in (1, -1) for b in (1, -1) if a != b or a == total]
    return sum(max(sum(o == label for o in pair) for pair in pairs) for label in (1, -1))/4

def check():
    images,labels,vx,vy = digits()
    (tx,ty),(vx,vy) = both_inks(images, labels, 700),both_inks(vx, vy, 900)
    kernels = torch.stack([edge_kernels[o] for o in ('top', 'bottom', 'left', 'right')])[:, None]
    def edges(o): return F.conv2d(o, kernels, stride=2).relu().flatten(1)
    def right(feature):
        rule = ridge(feature(tx), ty)
        return ((rule(feature(vx)) > 0) == (vy > 0)).float().mean().item()
    assert edges(vx[:1]).numel() < vx[:1].numel(), 'there are not fewer features than pixels'
    rule = ridge(tx.flatten(1), ty)
    sums = rule(vx[:1800].flatten(1)) + rule(vx[1800:].flatten(1))
    assert sums.max() - sums.min() < 1e-2, 'a digit and its negative do not have scores of a constant sum'
    pixels = right(lambda o: o.flatten(1))
    return dict(ceiling=max(map(most, (1, -1, 0))), pixels=near(pixels, .02), edges=near(right(edges), .005))
