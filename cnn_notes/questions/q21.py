"The planes convolved one by one, added up, against the layer"
import torch
import torch.nn as nn
import torch.nn.functional as F
from .common import close
from . import same

def check():
    layer,images = nn.Conv2d(3, 16, 3),torch.randn(2, 3, 10, 12)
    for number in range(16):
        planes = [F.conv2d(images[:, c:c+1], layer.weight[number:number+1, c:c+1]) for c in range(3)]
        assert close(sum(planes)[:, 0] + layer.bias[number], layer(images)[:, number]), (
            'the planes and one bias do not add up to the output')
    return dict(weights=layer.weight.numel(),
                biases=same(biases=layer.bias.numel(), outputs=layer(images).shape[1]))
