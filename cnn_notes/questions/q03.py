"Products added up by hand against `F.conv2d` and `apply_kernel`, with the kernel as it is and rotated"
import torch
import torch.nn.functional as F
from cnn_notes.kernels import apply_kernel, top_edge

def check():
    img,kernel = torch.randn(7, 9, dtype=torch.float64),torch.randn(3, 3, dtype=torch.float64)
    want,row,col = F.conv2d(img[None, None], kernel[None, None])[0, 0, 2, 4],3,5
    cells = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    def by_hand(k): return sum(k[i+1, j+1]*img[row+i, col+j] for i,j in cells)
    kinds = {'cross-correlation': kernel, 'convolution': kernel.flip(0, 1)}
    name, = [name for name,k in kinds.items() if torch.isclose(by_hand(k), want)]
    products = torch.stack([kernel[i+1, j+1]*img[row+i, col+j] for i,j in cells])
    kind, = [name for name in ('min', 'max', 'sum', 'mean') if torch.isclose(getattr(products, name)(), want)]
    assert torch.isclose(apply_kernel(img, row, col, kernel), want) and torch.equal(top_edge.flip(0, 1),
                                                                                -top_edge)
    def on_bytes(top, bottom): # the response to a patch of bytes
        patch = torch.tensor([[top]*3, [0]*3, [bottom]*3]).float()
        return int(apply_kernel(patch, 1, 1, top_edge))
    return dict(lowest=on_bytes(255, 0), highest=on_bytes(0, 255), products=len(cells), name=name, kind=kind)
