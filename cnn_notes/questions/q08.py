"A grouped convolution on the CPU, and each of its groups computed alone"
import torch
import torch.nn as nn
import torch.nn.functional as F
from .common import close, takes
from . import same

def check(ni, nf, groups):
    layer,imgs = nn.Conv2d(ni, nf, 3, groups=groups),torch.randn(5, ni, 9, 9)
    assert imgs.device.type == 'cpu'
    single, = [o.ndim for o in (imgs[0], imgs[0, 0]) if takes(layer, o) and close(layer(o), layer(imgs)[0])]
    per = ni//groups # how many channels a filter sees
    parts = enumerate(zip(layer.weight.chunk(groups), layer.bias.chunk(groups)))
    alone = [F.conv2d(imgs[:, g*per:(g+1)*per], w, b) for g,(w,b) in parts]
    assert close(torch.cat(alone, 1), layer(imgs)), (
        'the groups do not see the channels that the answer gives them')
    assert not takes(layer, torch.randn(5, ni+1, 9, 9)), 'a wrong number of channels is accepted'
    return dict(weight=tuple(layer.weight.shape), axes=same(input=imgs.ndim, weight=layer.weight.ndim),
                single=single)
