"The buffers of `nn.BatchNorm2d` after one batch and two, and its output in both modes"
import torch
import torch.nn as nn
from .common import close
from . import near

def check():
    bn,pair = nn.BatchNorm2d(1),torch.tensor([1., 3.]).view(2, 1, 1, 1)
    assert close(bn(pair).flatten(), torch.tensor([-1., 1.])), (
        'the batch is not normalized with its biased variance')
    found = dict(mean=near(bn.running_mean.item(), 1e-5), var=near(bn.running_var.item(), 1e-5))
    bn(pair)
    assert abs(bn.running_mean.item() - 2*(1 - .9**2)) < 1e-5, 'the average is not exponential'
    imgs,bn = torch.randn(8, 3, 4, 4),nn.BatchNorm2d(3)
    bn(imgs*2 + 1)
    assert not close(bn(imgs)[:2], bn(imgs[:2])), 'in training the output does not depend on the other images'
    bn.eval()
    assert close(bn(imgs)[:2], bn(imgs[:2])), 'in validation the output depends on the other images'
    want = (imgs - bn.running_mean.view(-1, 1, 1))/(bn.running_var.view(-1, 1, 1) + bn.eps).sqrt()
    assert close(bn(imgs), want), 'in validation it is not the running averages that are used'
    return found
