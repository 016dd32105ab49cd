"The scatter of gradients of batches of 16 and 256, and the batches of an epoch"
import torch
import torch.nn.functional as F
from cnn_notes.models import simple_cnn
from .common import digits, record, seeded
from . import near

def check():
    from cnn_notes.data import mnist_dls
    images,labels = (o[:8000] for o in digits()[:2])
    net = seeded(0, simple_cnn)
    def gradient(idx):
        grads = torch.autograd.grad(F.cross_entropy(net(images[idx]), labels[idx]), list(net.parameters()))
        return torch.cat([g.flatten() for g in grads])
    def noise(bs, times=80):
        grads = [gradient(torch.randint(8000, (bs,))) for _ in range(times)]
        return torch.stack(grads).var(0).sum().sqrt().item()
    took = record('to_the_recipe')['seconds'] # 1: batches of 512; 2: of 128
    assert (took[:, 1] < took[:, 2]).all(), 'larger batches did not take less time'
    small,large = (len(mnist_dls(bs=bs, device='cpu').train) for bs in (64, 512))
    return dict(ratio=near(noise(16)/noise(256), .6), small=small, large=large)
