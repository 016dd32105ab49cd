"Channels of images and of a first layer, and what becomes of the output when channels change their order"
import torch
import torch.nn.functional as F
from cnn_notes.models import simple_cnn
from .common import close, digits
from . import same

def check():
    import numpy as np
    from PIL import Image
    def channels(mode): return np.atleast_3d(np.array(Image.new(mode, (4, 5)))).shape[-1]
    first = simple_cnn()[0].conv
    img,kernel,order = torch.randn(2, 6, 8, 8),torch.randn(4, 6, 3, 3),torch.randperm(6)
    assert close(F.conv2d(img[:, order], kernel[:, order]), F.conv2d(img, kernel)), (
        'the order of the channels matters')
    rows = torch.randperm(8)
    assert not close(F.conv2d(img[:, :, rows], kernel), F.conv2d(img, kernel)), (
        'the order of the rows does not matter')
    return dict(second=first.weight.shape[1], gray=same(file=channels('L'), digit=digits()[0].shape[1]),
                color=channels('RGB'),
                filters=same(filters=first.out_channels, output=first(digits()[0][:2]).shape[1]))
