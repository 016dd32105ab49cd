"Random kernels and a layer on zeros"
import math
import torch
import torch.nn as nn
import torch.nn.functional as F

def check():
    zeros = torch.zeros(1, 1, 3, 3)
    found = {F.conv2d(zeros, 100*torch.randn(1, 1, 3, 3)).item() for _ in range(200)}
    layer = nn.Conv2d(1, 1, 3)
    value = layer(zeros).item()
    assert F.conv2d(zeros, torch.full((1, 1, 3, 3), math.inf)).isnan().all(), (
        'an infinite kernel gives no NaN')
    outputs = F.conv2d(zeros, torch.ones(1, 1, 3, 3)).numel()
    return dict(outputs=outputs, bare=found.pop() if len(found) == 1 else found,
                layer='its bias' if value == layer.bias.item() != 0 else str(value))
