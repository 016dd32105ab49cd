"Which axes PyTorch's layers average over, found by trying, and for which the other images matter"
import torch
import torch.nn as nn
import torch.nn.functional as F
from .common import close, mean_half, printed, record

tried = (0, 2, 3),(1, 2, 3),(2, 3),(0, 1, 2, 3),(1,),(0,)

def standardize(x, axes):
    return (x - x.mean(axes, keepdim=True))/(x.var(axes, keepdim=True, correction=0) + 1e-5).sqrt()

def check():
    imgs = torch.randn(5, 8, 6, 7)*3 + 2
    norms = dict(batch=nn.BatchNorm2d(8, affine=False),
                 layer=nn.LayerNorm((8, 6, 7), elementwise_affine=False),
                 instance=nn.InstanceNorm2d(8))
    found = {name: [axes for axes in tried if close(standardize(imgs, axes), norm(imgs),
                                                    1e-3)] for name,norm in norms.items()}
    assert close(F.group_norm(imgs, 1), norms['layer'](imgs))
    assert close(F.group_norm(imgs, 8), norms['instance'](imgs))
    norms['group'] = nn.GroupNorm(4, 8, affine=False)
    alone, = [name for name,norm in norms.items() if not close(norm(imgs)[:2], norm(imgs[:2]))]
    runs,number = record('norm_contest'),9
    def differ(name, bs): return mean_half(runs[f'{name} {bs}'] - runs[f'batch {bs}'], number)
    large = [differ(name, 64) for name in ('none', 'layer', 'group', 'instance')]
    small,room = differ('group', 2)
    assert all(mean > half for mean,half in large) and abs(small) < room, 'another norm works best'
    compared = [k for k in runs.keys() if not k.startswith('batch') and not k.endswith('loss')]
    said = 'batch 64', 'group 64', 'batch 2', 'group 2', 'none 2'
    means = {k.replace(' ', ''): printed(runs.mean(k)) for k in said}
    shared = {name: axes for name,(axes,) in found.items()}
    return means | shared | dict(comparisons=len(compared), alone=alone)
