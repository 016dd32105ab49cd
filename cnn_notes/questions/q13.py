"Shapes after flattening and squeezing, and what cross-entropy accepts"
import torch
import torch.nn as nn
import torch.nn.functional as F
from .common import takes

def check():
    x,y = torch.randn(128, 10, 1, 1),torch.randint(10, (128,))
    assert not takes(lambda o: F.cross_entropy(o, y), x), 'cross-entropy accepts four axes'
    assert takes(lambda o: F.cross_entropy(nn.Flatten()(o), y), x), 'cross-entropy refuses two axes'
    z = torch.randn(5, 64, 2, 2)
    assert torch.equal(nn.Flatten()(z), z.reshape(5, -1)) and z.squeeze().shape == z.shape
    return dict(flattened=tuple(nn.Flatten()(x[:1]).shape), squeezed=tuple(x[:1].squeeze().shape),
                four=nn.Flatten()(z).shape[1])
