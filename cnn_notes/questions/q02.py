"The kernel's responses to steps up, steps down and flat patches, and how two color maps draw high numbers"
import torch
import torch.nn.functional as F
from cnn_notes.kernels import top_edge

def tone(name):
    "How a color map draws its highest number"
    from matplotlib import colormaps
    return 'light' if sum(colormaps[name](1.)[:3]) > sum(colormaps[name](0.)[:3]) else 'dark'

def check(kernel):
    weight = torch.tensor(kernel).float()[None, None]
    down = torch.tensor([0., 0, 0, 1, 1, 1])[:, None].expand(6, 6)[None, None] # low to high on the way down
    res = F.conv2d(down, weight)[0, 0]
    assert (res[1:3] > 0).all() and not res[[0, 3]].any(), (
        'not positive exactly where low meets high on the way down')
    assert (F.conv2d(1-down, weight)[0, 0, 1:3] < 0).all(), 'not negative where high meets low'
    assert not F.conv2d(torch.ones(1, 1, 6, 6), weight).any() and not F.conv2d(down.mT, weight).any(), (
        'it responds to more than top edges')
    assert torch.equal(weight[0, 0], top_edge.float()), 'it is not the kernel of the course'
    flipped = F.conv2d(down, weight.flip(2))[0, 0, 1, 0].item()
    step = torch.tensor([0., 0, 0, 1, 1, 1])
    def wide(k): return (F.conv1d(step[None, None], torch.tensor(k)[None, None]) != 0).sum().item()
    return dict(one_wide=wide([-1., 1, 0]), two_wide=wide([-1., 0, 1]),
                greys=tone('Greys'), gray=tone('gray'), flipped=flipped)
