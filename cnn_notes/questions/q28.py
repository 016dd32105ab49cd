"Gradients of a network whose second layer is driven below zero"
import torch.nn as nn
import torch.nn.functional as F
from cnn_notes.models import simple_cnn
from .common import digits, seeded

def gradients(dead):
    "The largest gradient of each layer's weights"
    images,labels = (o[:256] for o in digits()[:2])
    net = seeded(0, simple_cnn)
    if dead: nn.init.constant_(net[1].conv.bias, -1000.)
    for i in range(2, 4): nn.init.constant_(net[i].conv.bias, .1) # alive without any input
    F.cross_entropy(net(images), labels).backward()
    return [net[i].conv.weight.grad.abs().max().item() for i in range(5)]

def check():
    healthy,found = gradients(False),gradients(True)
    assert min(healthy) > 0, 'a layer of the healthy network gets no gradient'
    blocked = tuple(i for i,(g,o) in enumerate(zip(found, healthy), 1) if g < 1e-3*o)
    return dict(blocked=blocked, gradient=max(found[i-1] for i in blocked))
