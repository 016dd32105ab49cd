"Shapes and strides of a batch, permuted and in the other layout"
import torch
import torch.nn.functional as F
from . import same

def check():
    x = torch.randn(2, 3, 4, 5)
    y,permuted = x.to(memory_format=torch.channels_last),x.permute(0, 2, 3, 1)
    assert torch.equal(x, y) and permuted[1, 3, 4, 2] == x[1, 2, 3, 4]
    assert F.conv2d(x, torch.randn(7, 3, 2, 2)).shape == (2, 7, 3, 4), (
        'conv2d reads the axes in another order')
    return dict(nchw=same(plain=tuple(x.shape), channels_last=tuple(y.shape)), nhwc=tuple(permuted.shape),
                strides=x.stride(),
                last=y.stride())
