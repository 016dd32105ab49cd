"Sizes that `nn.Conv2d` gives"
import math
import torch
import torch.nn as nn

def size(n, ks, stride, padding):
    return nn.Conv2d(1, 1, ks, stride, padding)(torch.zeros(1, 1, n, n)).shape[-1]

def check():
    for size_in in range(1, 33):
        for stride in (1, 2, 3, 4):
            for ks in (1, 3, 5):
                assert size(size_in, ks, stride, ks//2) == math.ceil(size_in/stride), (
                    f'{size_in} at stride {stride}, kernel {ks}')
    halves = [28]
    while halves[-1] > 1: halves.append(size(halves[-1], 3, 2, 1))
    return dict(bare=tuple(size(28, 3, s, 0) for s in (1, 2, 3)),
                padded=tuple(size(28, 3, s, 1) for s in (1, 2, 3)),
                halves=tuple(halves), odd=size(7, 3, 2, 1))
