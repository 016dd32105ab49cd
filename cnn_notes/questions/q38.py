"Parameters and buffers of `nn.BatchNorm2d`, and what gamma and beta can do"
import torch
import torch.nn as nn
from .common import close
from . import near

def check(gamma):
    bn,imgs = nn.BatchNorm2d(7),torch.randn(16, 7, 5, 5)*3 + 2
    axes,xhat = (0, 2, 3),bn(imgs)
    assert close(xhat.mean(axes), torch.zeros(7)) and close(xhat.std(axes, correction=0), torch.ones(7), 1e-3)
    with torch.no_grad():
        bn.weight.fill_(gamma)
        spread = bn(imgs).std(axes, correction=0).mean().item()
        bn.weight.copy_(imgs.std(axes, correction=0)); bn.bias.copy_(imgs.mean(axes))
        assert close(bn(imgs), imgs, 1e-3), (
            'gamma and beta cannot bring back what the normalization took away')
    return dict(parameters=tuple(n for n,_ in bn.named_parameters()),
                buffers=tuple(n for n,_ in bn.named_buffers()),
                per_channel=sum(p.numel() for p in bn.parameters())//7, spread=near(spread, .1))
