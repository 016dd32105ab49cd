"How far the gradient of one output reaches, for kernels of 3, 5 and 7"
import torch
import torch.nn.functional as F
from . import same

def field(ks, strides):
    img = torch.ones(1, 1, 61, 61, requires_grad=True)
    act = img
    for stride in strides: act = F.conv2d(act, torch.ones(1, 1, ks, ks), stride=stride, padding=ks//2)
    act[0, 0, act.shape[2]//2, act.shape[3]//2].backward()
    return int((img.grad[0, 0].sum(0) != 0).sum())

def check():
    def each(strides): return tuple(field(ks, strides) for ks in (3, 5, 7))
    return dict(fields=same(strides_2_2=each((2, 2)), strides_2_1=each((2, 1)),
                            formula=tuple(3*ks - 2 for ks in (3, 5, 7))),
                usual=tuple(ks + 4 for ks in (3, 5, 7)))
