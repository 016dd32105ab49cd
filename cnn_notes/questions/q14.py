"Shapes and strides of a batch, permuted and in the other layout"
import torch
import torch.nn.functional as F
from . import same

def check():
    imgs = torch.randn(2, 3, 4, 5)
    last,permuted = imgs.to(memory_format=torch.channels_last),imgs.permute(0, 2, 3, 1)
    assert torch.equal(imgs, last) and permuted[1, 3, 4, 2] == imgs[1, 2, 3, 4]
    assert F.conv2d(imgs, torch.randn(7, 3, 2, 2)).shape == (2, 7, 3, 4), (
        'conv2d reads the axes in another order')
    return dict(nchw=same(plain=tuple(imgs.shape), channels_last=tuple(last.shape)),
                nhwc=tuple(permuted.shape),
                strides=imgs.stride(), last=last.stride())
