"An image made with Pillow, as an array and as a tensor"
import torch

def check(width, height):
    import numpy as np
    from PIL import Image
    from torchvision.transforms.functional import to_tensor
    img = Image.new('RGB', (width, height), (255, 51, 0))
    tensor = to_tensor(img)
    planes = [o.unique().tolist() for o in tensor]
    assert planes == [[1.], [torch.tensor(51/255).item()], [0.]], (
        'the planes are not red, green and blue, or not divided by 255')
    return dict(axes=tensor.ndim, tensor=tuple(tensor.shape), array=np.array(img).shape)
