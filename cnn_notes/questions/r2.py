"Which axes PyTorch's layers average over, found by trying, and for which the other images matter"
import torch
import torch.nn as nn
import torch.nn.functional as F
from .common import close

tried = (0, 2, 3),(1, 2, 3),(2, 3),(0, 1, 2, 3),(1,),(0,)

def standardize(x, axes):
    return (x - x.mean(axes, keepdim=True))/(x.var(axes, keepdim=True, correction=0) + 1e-5).sqrt()

def check():
    x = torch.randn(5, 8, 6, 7)*3 + 2
    norms = dict(batch=nn.BatchNorm2d(8, affine=False),
                 layer=nn.LayerNorm((8, 6, 7), elementwise_affine=False),
                 instance=nn.InstanceNorm2d(8))
    found = {name: [axes for axes in tried if close(standardize(x, axes), norm(x),
                                                    1e-3)] for name,norm in norms.items()}
    assert close(F.group_norm(x, 1), norms['layer'](x)) and close(F.group_norm(x, 8), norms['instance'](x))
    norms['group'] = nn.GroupNorm(4, 8, affine=False)
    alone, = [name for name,norm in norms.items() if not close(norm(x)[:2], norm(x[:2]))]
    return {name: axes for name,(axes,) in found.items()} | dict(alone=alone)
