"The long form of the chapter's network, whole and with a ReLU forgotten, and the short form"
import torch
import torch.nn as nn
from cnn_notes.models import simple_cnn
from . import same

widths = 1, 4, 8, 16, 32, 2

def long_form(without=None):
    layers = []
    for number,(ni,nf) in enumerate(zip(widths, widths[1:])):
        layers.append(nn.Conv2d(ni, nf, 3, 2, 1))
        if number < 4 and number != without: layers.append(nn.ReLU())
    return nn.Sequential(*layers, nn.Flatten())

def is_linear(m):
    one,other,zeros = torch.randn(1, 8, 7, 7),torch.randn(1, 8, 7, 7),torch.zeros(1, 8, 7, 7)
    return torch.allclose(m(one+other) - m(zeros), m(one) + m(other) - 2*m(zeros), atol=1e-5)

def check():
    nets = dict(whole=long_form(), planted=long_form(2), short=simple_cnn(widths[1:5], n_out=2, first_ks=3))
    def each(f): return {name: f(m) for name,m in nets.items()}
    relus = each(lambda m: sum(isinstance(o, nn.ReLU) for o in m.modules()))
    assert same(**each(lambda m: tuple(m(torch.zeros(3, 1, 28, 28)).shape))) == (3, 2)
    assert is_linear(nets['planted'][4:6]) and not is_linear(nets['whole'][4:7]), (
        'the ReLU is not what makes it nonlinear')
    return dict(relus=same(whole=relus['whole'], short=relus['short']), forgotten=relus['planted'],
                params=same(**each(lambda m: sum(p.numel() for p in m.parameters()))))
