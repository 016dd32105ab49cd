"The planes convolved one by one, added up, against the layer"
import torch
import torch.nn as nn
import torch.nn.functional as F
from .common import close
from . import same

def check():
    layer,x = nn.Conv2d(3, 16, 3),torch.randn(2, 3, 10, 12)
    for f in range(16):
        planes = [F.conv2d(x[:, c:c+1], layer.weight[f:f+1, c:c+1]) for c in range(3)]
        assert close(sum(planes)[:, 0] + layer.bias[f], layer(x)[:, f]), (
            'the planes and one bias do not add up to the output')
    return dict(weights=layer.weight.numel(),
                biases=same(biases=layer.bias.numel(), outputs=layer(x).shape[1]))
