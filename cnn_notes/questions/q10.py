"The matrix of `conv_matrix` against what layers make of unit images, and its gradient"
import torch
import torch.nn as nn
from cnn_notes.matmul import conv_matrix
from .common import close

def matrix_of(layer, channels, n):
    "Column j is what the layer makes of an image that is 1 at j and 0 elsewhere"
    with torch.no_grad(): return layer(torch.eye(channels*n*n).view(-1, channels, n, n)).flatten(1).T

def tied(w, m):
    "Is the gradient of a weight the sum over its positions?"
    img,grad = torch.randn(9),torch.randn(4)
    w = w.clone().requires_grad_()
    (conv_matrix(w, (3, 3)) @ img @ grad).backward()
    return close(w.grad.flatten(), torch.stack([torch.outer(grad, img)[m == v].sum() for v in (1, 2, 3, 4)]))

def check():
    kernel = torch.tensor([1., 2, 3, 4]).view(1, 1, 2, 2)
    matrix = conv_matrix(kernel, (3, 3))
    ones = {ks: torch.ones(1, 1, ks, ks) for ks in range(1, 11)}
    sizes = [(n, ks) for n in range(1, 11) for ks in range(1, n+1)]
    agree = tuple((n, ks) for n,ks in sizes if len(conv_matrix(ones[ks], (n, n))) == ks*ks)
    for kw in ({}, dict(stride=2), dict(padding=1), dict(dilation=2), dict(groups=2),
               dict(stride=2, padding=1, groups=2)):
        layer = nn.Conv2d(4, 6, 3, bias=False, **kw)
        assert close(conv_matrix(layer.weight, (4, 7, 7), **kw), matrix_of(layer, 4, 7)), (
            f'not the matrix of the layer: {kw}')
    assert tied(kernel, matrix), 'the gradient of a weight is not the sum over its positions'
    return dict(example=tuple(matrix.shape), zeros=(matrix == 0).sum().item(),
                numbers=matrix[matrix != 0].unique().numel(),
                digit=tuple(conv_matrix(ones[3], (28, 28)).shape), cells=ones[3].numel(), agree=agree)
