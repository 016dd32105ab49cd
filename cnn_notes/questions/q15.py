"A loop that counts, PyTorch's counter, and a convolution of ones"
import torch
import torch.nn as nn
from torch.utils.flop_counter import FlopCounterMode
from . import same

def counted():
    "Positions, products, and products with a real activation, in a 7 x 7 image with a margin of 1"
    corners = [(row, col) for row in range(-1, 6, 2) for col in range(-1, 6, 2)]
    cells = [(row+i, col+j) for row,col in corners for i in range(3) for j in range(3)]
    real = [(r, c) for r,c in cells if 0 <= r < 7 and 0 <= c < 7]
    return len(corners),8*16*len(cells),8*16*len(real)

def check():
    layer,images = nn.Conv2d(8, 16, 3, 2, 1),torch.zeros(1, 8, 7, 7)
    places,products,real = counted()
    with FlopCounterMode(display=False) as counter: out = layer(images)
    ones = nn.Conv2d(8, 16, 3, 2, 1, bias=False)
    nn.init.ones_(ones.weight)
    weights = layer.weight.numel()
    return dict(parameters=sum(p.numel() for p in layer.parameters()), biases=layer.bias.numel(),
                weights=weights, usual=7*7*weights,
                side=same(rows=out.shape[2], columns=out.shape[3]),
                places=same(loop=places, output=out[0, 0].numel()),
                products=same(loop=products, counter=counter.get_total_flops()//2),
                real=same(loop=real, ones=int(ones(torch.ones(1, 8, 7, 7)).sum())))
