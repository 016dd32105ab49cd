"The exercises of 06_counting"
import torch
from torch import nn
from cnn_notes.answers import seen
from cnn_notes.exercises import Exercise, Mistake

class Macs(Exercise):
    id,title,name = '06.1','By heart','macs'
    statement = '''`macs(ni, nf, ks, out, groups)` should return how many multiplications a convolution
                   takes for one image: it reads `ni` channels, has `nf` filters in `groups` groups and
                   kernels of `ks` x `ks`, and gives `out` x `out` positions.'''
    stub = 'def macs(ni, nf, ks, out, groups): ...'
    hints = ('How many numbers come out, and how many products does each of them add up?',
             'Each output adds up ks*ks products for every channel that its filter reads.',
             'With groups, a filter reads ni/groups channels.')
    solution_code = 'def macs(ni, nf, ks, out, groups): return out*out*nf*(ni//groups)*ks*ks'
    mistakes = {
        'Each filter reads the channels of its own group only, so there are ni/groups kernels in it.':
            Mistake('''
def macs(ni, nf, ks, out, groups): return out*out*nf*ni*ks*ks''', seen.flops_without_groups),
        'These are the parameters. Each of them is used at every position.':
            Mistake('def macs(ni, nf, ks, out, groups): return nf*(ni//groups)*ks*ks'),
        'The positions form a square: out rows of out columns.':
            Mistake('def macs(ni, nf, ks, out, groups): return out*nf*(ni//groups)*ks*ks'),
        'The kernels are squares: ks rows of ks columns.':
            Mistake('def macs(ni, nf, ks, out, groups): return out*out*nf*(ni//groups)*ks'),
        'The channels of the input are missing: an output adds up products of all of them.':
            Mistake('def macs(ni, nf, ks, out, groups): return out*out*nf*ks*ks', seen.no_channels),
        'An output adds up products of the channels that come in, not of those that go out.': Mistake('''
def macs(ni, nf, ks, out, groups): return out*out*nf*(nf//groups)*ks*ks''', seen.outputs_for_inputs),
        'The filters are missing: each of them makes out x out outputs.':
            Mistake('def macs(ni, nf, ks, out, groups): return out*out*(ni//groups)*ks*ks'),
        'This counts additions as well. A multiplication and its addition are one product here.': Mistake('''
def macs(ni, nf, ks, out, groups): return 2*out*out*nf*(ni//groups)*ks*ks''', seen.flops_and_macs),
        'Groups divide the filters among themselves, too, but each filter is still there: divide only once.':
            Mistake('''
def macs(ni, nf, ks, out, groups): return out*out*(nf//groups)*(ni//groups)*ks*ks''', seen.depthwise_once),
    }
    def cases(self):
        return [(8, 16, 3, 4, 1), (1, 8, 5, 14, 1), (16, 16, 3, 7, 16), (12, 6, 1, 5, 3), (6, 4, 2, 3, 2)]
    passed = "the same as PyTorch's counter"

def _layers(module):
    "The layers in order, also those inside of an inner `nn.Sequential`, such as `conv` of lesson 05"
    if not isinstance(module, nn.Sequential): return [module]
    return [layer for inner in module for layer in _layers(inner)]

def _bends(layer):
    "Is `layer` more than a linear map with a constant? nn.Identity and batch norm are not"
    one,other = torch.randn(2, 1, 32, 14, 14, generator=torch.Generator().manual_seed(0))
    trained = layer.training
    with torch.no_grad(): # of copies, for inplace=True
        together = layer.eval()(one + other) + layer(0*one)
        apart = layer(1*one) + layer(1*other)
    layer.train(trained)
    return not torch.allclose(together, apart, atol=1e-3)

class TwoForOne(Exercise):
    id,title,name = '06.2','Two small layers for a large one','small_layers'
    statement = '''Replace a 5 x 5 convolution from 32 to 32 channels, on a 14 x 14 image with same
                   padding, by layers that see the same 5 x 5 inputs with fewer multiplications and at
                   least one ReLU between them. Give an `nn.Sequential`.'''
    setup = 'from torch import nn'
    stub = 'small_layers = ...'
    hints = ('What does a 3 x 3 kernel see if its inputs are themselves outputs of a 3 x 3 kernel?',
             'Two 3 x 3 convolutions see 5 x 5 inputs. How much padding keeps the size?',
             'Without a ReLU between them, two convolutions are one linear map.')
    solution_code = '''
small_layers = nn.Sequential(nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1))'''
    mistakes = {
        'There is no activation function between the layers, so the two are one linear map.': Mistake('''
small_layers = nn.Sequential(nn.Conv2d(32, 32, 3, padding=1), nn.Conv2d(32, 32, 3, padding=1))''',
            seen.no_activation),
        'Without padding the output is 10 x 10. A padding of 1 in each layer keeps the size.': Mistake('''
small_layers = nn.Sequential(nn.Conv2d(32, 32, 3), nn.ReLU(), nn.Conv2d(32, 32, 3))''', seen.shrinking),
        'One 3 x 3 convolution sees 3 x 3 inputs only.': Mistake('''
small_layers = nn.Sequential(nn.Conv2d(32, 32, 3, padding=1), nn.ReLU())''', seen.one_of_two),
        'This is the 5 x 5 convolution itself, which takes as many multiplications as before.': Mistake('''
small_layers = nn.Sequential(nn.Conv2d(32, 32, 5, padding=2), nn.ReLU())''', seen.not_replaced),
        'Three 3 x 3 convolutions see 7 x 7 inputs and take more multiplications than the 5 x 5.': Mistake('''
layers = [l for _ in range(3) for l in (nn.Conv2d(32, 32, 3, padding=1), nn.ReLU())]
small_layers = nn.Sequential(*layers)''', seen.three_small),
        'A 5 x 5 depthwise convolution alone does not mix the channels: output 0 sees channel 0 only.':
            Mistake('''
small_layers = nn.Sequential(nn.Conv2d(32, 32, 5, padding=2, groups=32), nn.ReLU())''', seen.one_kernel),
    }
    def outputs(self, answer):
        if not isinstance(answer, nn.Module): return [answer]
        layers = _layers(answer)
        linear = nn.Sequential(*(layer for layer in layers if isinstance(layer, nn.Conv2d)))
        if not len(linear): raise ValueError('small_layers has no nn.Conv2d')
        image = torch.zeros(1, 32, 14, 14, requires_grad=True)
        output = linear(image)
        output[0, 0, output.shape[2]//2, output.shape[3]//2].backward()
        rows,cols = (int((image.grad[0] != 0).any(0).any(axis).sum()) for axis in (1, 0))
        channels,work = int((image.grad[0] != 0).any(2).any(1).sum()),sum(m.weight.numel() for m in linear)
        kinds = [isinstance(layer, nn.Conv2d) for layer in layers]
        last = len(kinds) - kinds[::-1].index(True)
        between = layers[kinds.index(True):last] # the first convolution and the last
        bends = any(_bends(layer) for layer in between if not isinstance(layer, nn.Conv2d))
        return [list(answer(image).shape), [rows, cols], channels, work < 32*32*25, work, bends]
    def matches(self, got, want): return len(got) == len(want) and got[:4] == want[:4] and got[5]
    labels = ('the shape of the output', 'the rows and columns that an output sees',
              'the channels that an output sees', 'fewer multiplications than the 5 x 5', 'the weights',
              'activation functions between convolutions')
    also_right = ('''
from cnn_notes.models import conv
small_layers = nn.Sequential(conv(32, 32, stride=1), conv(32, 32, stride=1))''', '''
block = nn.Sequential(nn.Conv2d(32, 32, 3, padding=1), nn.BatchNorm2d(32), nn.GELU())
small_layers = nn.Sequential(block, nn.Conv2d(32, 32, 3, padding=1))''')
    passed = 'the same field, less work, and a nonlinearity between the layers'
