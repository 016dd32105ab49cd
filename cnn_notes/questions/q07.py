"Both comprehensions, evaluated, and a kernel slid with the nested one"
from string import ascii_lowercase as letters
import torch
import torch.nn.functional as F
from cnn_notes.kernels import apply_kernel, top_edge
from .common import close
from . import same

def check():
    flat = [(row, col) for row in letters for col in letters]
    grid = [[(row, col) for col in letters] for row in letters]
    assert all(isinstance(o, tuple) for o in flat) and sum(grid, []) == flat, (
        'the pairs or their orders differ')
    img = torch.randn(28, 28)
    slid = torch.tensor([[apply_kernel(img, i, j, top_edge) for j in range(1, 27)] for i in range(1, 27)])
    assert close(slid, F.conv2d(img[None, None], top_edge[None, None])[0, 0]), (
        'the nested form does not slide a kernel')
    widths = {len(o) for o in grid}
    return dict(flat=len(flat), rows=same(rows=len(grid), widths=widths.pop()))
