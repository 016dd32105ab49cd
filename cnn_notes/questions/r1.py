"Harris responses, sums over boxes, codes under tone curves, Sobel on a ramp, and a classifier on directions"
import math
import torch
import torch.nn.functional as F
from cnn_notes.classic import gabor_bank, gabor_energy, lbp, sobel, sobel_kernels
from cnn_notes.experiments.classic import judged_once
from .common import digits, printed, record, ridge
from . import near, same

raw = torch.tensor([[-1., 0, 1], [-2, 0, 2], [-1, 0, 1]])[None, None]

def harris(img, k=.05):
    "det(M) - k*trace(M)**2 of the summed products of slopes"
    down,right = sobel(img[None, None])[0]
    rows,cols,both = (F.avg_pool2d(o[None, None], 5, 1)[0, 0] for o in (down*down, right*right, down*right))
    return rows*cols - both*both - k*(rows + cols)**2

def sign(v): return 'positive' if v > 1e-4 else 'negative' if v < -1e-4 else 'zero'

def box_sums():
    "How many entries of the integral image a sum over a rectangle takes"
    img = torch.rand(20, 30, dtype=torch.float64)
    total = F.pad(img, (1, 0, 1, 0)).cumsum(0).cumsum(1)
    for top,bottom,left,right in torch.tensor([[2, 9, 3, 29], [0, 20, 0, 30], [5, 6, 7, 8]]).tolist():
        corners = [total[bottom, right], -total[top, right], -total[bottom, left], total[top, left]]
        assert torch.isclose(sum(corners), img[top:bottom, left:right].sum()), (
            'the corners do not give the sum')
    return len(corners)

def energies():
    "The energy of a Gabor filter of wavelength 6 on stripes like its own, across, and twice as wide"
    bank,at = gabor_bank(15, (6,), 4),torch.arange(60.)
    own,wide = (torch.cos(2*math.pi*at/w).expand(1, 1, 60, 60) for w in (6, 12))
    return tuple(gabor_energy(o.contiguous(), bank)[0, 0, 30, 30].item() for o in (own, own.mT, wide))

def oriented(x, directions=8):
    "Cells of 7 x 7 pixels, each pixel voting for the direction of its slope with its strength"
    gx,gy = (F.conv2d(x, k, padding=1) for k in (raw, raw.mT))
    size,angle = torch.hypot(gx, gy),torch.atan2(gy, gx) % math.pi
    def votes(direction): # shared between the two nearest directions
        far = ((angle/math.pi*directions - direction + directions/2) % directions - directions/2).abs()
        return size*(1 - far).clamp(min=0)
    cells = F.avg_pool2d(torch.cat([votes(d) for d in range(directions)], 1), 7)
    return cells.shape,(cells.flatten(1)/cells.flatten(1).norm(dim=1, keepdim=True))

def mistakes(feature, n=4000):
    images,labels,vx,vy = (o[:n] for o in digits())
    rule = ridge(feature(images), F.one_hot(labels).float(), .1)
    return (rule(feature(vx)).argmax(1) != vy).float().mean().item()

def check():
    quarter = torch.zeros(24, 24) # a corner at (12, 12), an edge at (20, 12), flat at (4, 4)
    quarter[12:, 12:] = 1
    response = harris(quarter)
    assert sign(response[2, 2]) == 'zero', 'a flat patch has a response'
    img = torch.rand(200, 1, 20, 20)*.8 + .1
    codes = lbp(img)
    curves = (lambda o: o**2),(lambda o: o**.5),(lambda o: .5*o + .3)
    changed = sum((lbp(f(img)) != codes).sum().item() for f in curves)
    shape,numbers = oriented(digits()[0][:1])
    slope = torch.arange(9.).expand(1, 1, 9, 9)
    assert (sobel(slope)[0, 1, :, 1:-1] - 1).abs().max() < 1e-5, "the course's Sobel does not give the slope"
    best = judged_once(record('all_labels'), record('longer'), record('held_out_budgets'))
    def right(name): return printed(100*best[name][1].mean())
    return dict(pixels=right('pixels'), patterns=right('LBP'), gabor=right('Gabor energy'),
                network=right('network'), lookups=box_sums(), corner=sign(response[10, 10]),
                edge=sign(response[18, 10]),
                codes=len(codes.unique()), changed=changed or 'none',
                energies=tuple(near(e, w) for e,w in zip(energies(), (.05, .005, .05))),
                directions=shape[1], cells=shape[2]*shape[3], numbers=numbers.shape[1],
                share=near(mistakes(lambda o: oriented(o)[1])/mistakes(lambda o: o.flatten(1)), .03),
                ramp=same(raw=F.conv2d(slope, raw).unique().item(),
                          course=(raw/sobel_kernels[1:]).nanmean().item()))
