"Fields by gradient and by formula, a pixel inside and pixels outside, and where the gradient is large"
import torch
import torch.nn.functional as F
from cnn_notes.models import simple_cnn
from cnn_notes.receptive import receptive_field
from .common import seeded
from . import near, same

def by_gradient():
    "Ones for weights and one channel: nothing cancels, so every pixel that is seen has a gradient"
    images = torch.ones(1, 1, 161, 161, requires_grad=True)
    act,found = images,[]
    for block in simple_cnn()[:5]:
        ks,stride = block.conv.kernel_size[0],block.conv.stride[0]
        act = F.conv2d(act, torch.ones(1, 1, ks, ks)/ks, stride=stride, padding=ks//2)
        grad, = torch.autograd.grad(act[0, 0, act.shape[2]//2, act.shape[3]//2], images, retain_graph=True)
        seen = (grad[0, 0] != 0).nonzero()
        found.append(same(**dict(zip('hw', (seen.max(0).values - seen.min(0).values + 1).tolist()))))
    return tuple(found)

def effective():
    "The mean size of the gradient in the field of the third convolution, with random weights and images"
    net,images = seeded(0, simple_cnn),torch.randn(64, 1, 41, 41, requires_grad=True)
    act = net[2].conv(net[:2](images))
    middle = act[:, :, act.shape[2]//2, act.shape[3]//2].sum(0)
    total = sum(torch.autograd.grad(o, images, retain_graph=True)[0].abs() for o in middle).mean((0, 1))
    seen = total.nonzero()
    (top,left),(bottom,right) = seen.min(0).values,seen.max(0).values
    return total[top:bottom+1, left:right+1]

def check():
    net,images = simple_cnn().eval(),torch.randn(1, 1, 28, 28)
    far,close = images.clone(),images.clone()
    far[..., :8, :] += 1; close[..., 11, 11] += 1 # output (3, 3) of the second convolution sees rows 8 to 16
    before,outside,inside = (net[1].conv(net[0](o))[0, :, 3, 3] for o in (images, far, close))
    assert torch.equal(outside, before) and not torch.equal(inside, before), (
        'a pixel outside counts, or one inside does not')
    formula = tuple(receptive_field(net, (1, 28, 28), f'{i}.conv').size[0] for i in range(5))
    field = effective()
    width = len(field)
    inner = field[width//4:width - width//4, width//4:width - width//4]
    return dict(fields=same(gradient=by_gradient(), formula=formula), third=width, inner=len(inner),
                area=near(inner.numel()/field.numel(), .005), share=near((inner.sum()/field.sum()).item(),
                                                                         .02))
