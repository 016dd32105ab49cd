"Shapes after flattening and squeezing, and what cross-entropy accepts"
import torch
import torch.nn as nn
import torch.nn.functional as F
from .common import takes

def check():
    scores,labels = torch.randn(128, 10, 1, 1),torch.randint(10, (128,))
    assert not takes(lambda o: F.cross_entropy(o, labels), scores), 'cross-entropy accepts four axes'
    assert takes(lambda o: F.cross_entropy(nn.Flatten()(o), labels), scores), 'cross-entropy refuses two axes'
    other = torch.randn(5, 64, 2, 2)
    assert torch.equal(nn.Flatten()(other), other.reshape(5, -1)) and other.squeeze().shape == other.shape
    return dict(flattened=tuple(nn.Flatten()(scores[:1]).shape), squeezed=tuple(scores[:1].squeeze().shape),
                four=nn.Flatten()(other).shape[1])
