"Sizes that `F.conv2d` gives for kernels of 1 to 7, strides of 1 to 3 and images of 8 to 29 pixels"
import torch
import torch.nn.functional as F
from .common import close

def size(n, ks, stride, padding):
    return F.conv2d(torch.zeros(1, 1, n, n), torch.zeros(1, 1, ks, ks), stride=stride,
                    padding=padding).shape[-1]

def check():
    keeps,ns = set(),range(8, 30)
    for ks in range(1, 8):
        for stride in (1, 2, 3):
            found = [size(n, ks, stride, ks//2) for n in ns]
            assert found == [(n + 2*(ks//2) - ks)//stride + 1 for n in ns], 'the formula of the size is wrong'
            if found == [*ns]: keeps.add(('odd' if ks%2 else 'even', stride))
    (parity,stride), = keeps
    assert all(size(28, ks, 1, p) != 28 for ks in (2, 4, 6) for p in range(8)), (
        'a symmetric padding serves an even kernel')
    images,weight = torch.randn(1, 1, 9, 9),torch.randn(1, 1, 4, 4)
    same = F.conv2d(images, weight, padding='same')
    before, = [b for b in range(4) if close(F.conv2d(F.pad(images, (b, 3-b, b, 3-b)), weight), same)]
    return dict(parity=parity, stride=stride, before=before, after=3-before, halved=size(28, 3, 2, 1))
