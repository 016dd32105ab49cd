"Three networks after 200 steps of SGD"
import torch.nn as nn
from cnn_notes.models import simple_cnn
from .common import accuracy, seeded, train
from . import near

def run(seed):
    "How far the first kernels moved, relative to their length, and the accuracy"
    net = seeded(seed, simple_cnn)
    before = net[0].conv.weight.detach().clone()
    train(net, .05, 200, seed=seed)
    return ((net[0].conv.weight.detach() - before).norm()/before.norm()).item(),accuracy(net)

def check():
    moved,right = (sum(o)/3 for o in zip(*map(run, range(3))))
    dense = sum(isinstance(m, nn.Linear) for m in simple_cnn().modules())
    return dict(dense=dense or 'none', moved=near(moved, .2), accuracy=near(right, .03))
