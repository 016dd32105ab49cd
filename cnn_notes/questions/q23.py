"Multiplications by PyTorch's counter, activations and parameters of the five convolutions"
import torch
from torch.utils.flop_counter import FlopCounterMode
from cnn_notes.models import simple_cnn

def check():
    x,found = torch.zeros(1, 1, 28, 28),[]
    for block in simple_cnn()[:5]:
        with FlopCounterMode(display=False) as counter: out = block.conv(x)
        found.append((counter.get_total_flops()//2, out.numel(),
                      sum(p.numel() for p in block.conv.parameters())))
        x = block(x)
    return dict(zip(('multiplications', 'activations', 'parameters'), map(tuple, zip(*found))))
