"The exercises of 02_stride_padding"
import torch
from cnn_notes.answers import seen
from cnn_notes.exercises import Exercise, Mistake

class Unused(Exercise):
    id,title,name = '02.1','The cells that nobody reads','unused'
    statement = '''Without padding, the last window may end before the row does. `unused(n, ks, stride)`
                   should return the number of cells at the end of a row of `n` cells that no window
                   reaches. At least one window fits.'''
    stub = 'def unused(n, ks, stride): ...'
    hints = ('How many windows fit? The last one starts at that number minus one, times the stride.',
             'The last window ends ks cells after it starts. How many cells are left?',
             'The starts of the windows can move by n - ks cells in all, in steps of the stride.')
    solution_code = 'def unused(n, ks, stride): return (n - ks) % stride'
    mistakes = {
        'This is the remainder of n itself. The starts of the windows can only move by n - ks cells.':
            Mistake('def unused(n, ks, stride): return n % stride', seen.multiple_of_stride),
        'This is one too many: after n - ks cells, the last start is the position itself.':
            Mistake('def unused(n, ks, stride): return (n - ks) % stride + 1'),
        'These are the cells that the windows do not start at, not those that they do not reach.':
            Mistake('def unused(n, ks, stride): return n - ((n - ks)//stride + 1)'),
        'This ignores the stride: it is what is left behind the first window.':
            Mistake('def unused(n, ks, stride): return n - ks', seen.grid_without_stride),
        'This counts windows of stride cells each. A window covers ks cells and may overlap the next.':
            Mistake('def unused(n, ks, stride): return n - ((n - ks)//stride + 1)*stride'),
        'These windows do not overlap: each covers ks cells, but the next one starts stride cells later.':
            Mistake('def unused(n, ks, stride): return n % ks', seen.overlap),
        'A window that ends exactly where the row ends is missing: the last start can be n - ks itself.':
            Mistake('''
def unused(n, ks, stride): return n - max([i + ks for i in range(0, n - ks, stride)], default=0)''',
                seen.last_frame),
        'One window is missing: with k steps from the first start to the last, there are k + 1 windows.':
            Mistake('''
def unused(n, ks, stride):
    windows = (n - ks)//stride
    return n - ((windows - 1)*stride + ks)''', seen.steps_for_windows),
    }
    def cases(self): return [(28, 3, 2), (27, 3, 2), (28, 5, 4), (10, 2, 5), (7, 7, 1), (9, 2, 4), (11, 4, 6)]
    also_right = ('def unused(n, ks, stride): return (n + -ks) % stride',)
    passed = 'the gradient at these cells is zero, too'

class WhichWindow(Exercise):
    id,title,name = '02.2','Which layer was it?','window'
    statement = '''A 32 x 32 image became 8 x 8 in one convolution with a 5 x 5 kernel. Give a `Window`
                   that does that and looks at every pixel at least once.'''
    setup = 'from cnn_notes.geometry import Window'
    stub = 'window = ...'
    hints = ('The output is a quarter as wide as the input. Which stride does that suggest?',
             'Without padding, how many positions are there, and which pixels does the last window leave '
             'out?',
             'Padding moves every window toward the start. Half the kernel can be too much.')
    solution_code = 'window = Window(5, stride=4, padding=1)'
    mistakes = {
        'With a padding of half the kernel, the size is right, but no window reaches row and column 31.':
            Mistake('window = Window(5, stride=4, padding=2)', seen.truncated),
        'A stride of 2 halves the image. It takes a stride of 4 to go from 32 to 8 in one layer.':
            Mistake('window = Window(5, stride=2, padding=2)'),
        'Without padding there are only 7 positions: floor((32 - 5)/4) + 1.':
            Mistake('window = Window(5, stride=4)', seen.forgotten_padding),
        'The kernel should have a size of 5. This one has 4, which would cut the image into blocks.':
            Mistake('window = Window(4, stride=4)', seen.blocks),
        'The rows are right, but the columns shrink from 32 to 4, because the stride differs.':
            Mistake('window = Window(5, stride=(4, 9), padding=1)', seen.uneven_strides),
        'A dilated kernel leaves gaps between its cells, and this one leaves pixels out.':
            Mistake('window = Window(5, stride=4, padding=3, dilation=2)', seen.dilation_for_stride),
    }
    labels = ('the kernel', 'the output of 32 x 32', 'the pixels that no window reads')
    def outputs(self, answer):
        if not hasattr(answer, 'out_size'): return [answer]
        out = answer.out_size((32, 32))
        read = [{p for o in range(n) for p in answer.inputs(o, o)[axis]} for axis,n in enumerate(out)]
        return [list(answer.ks), list(out), [sorted(set(range(32)) - r) for r in read]]
    passed = '32 to 8, and no pixel is left out'

class SameEven(Exercise):
    id,title,name = '02.3','Same size, even kernel','same_even'
    statement = '''Write `same_even(x, k)`: the convolution of a batch of images `x` (N, 1, H, W) with an
                   even kernel `k` (1, 1, ks, ks). Its output should have the size of the input and equal
                   the result of PyTorch's `padding='same'`, without using that option.'''
    setup = 'import torch, torch.nn.functional as F'
    stub = 'def same_even(x, k): ...'
    hints = ('How many rows does a kernel of size ks take away? That many have to be added in all.',
             'An odd number of rows cannot be divided equally. `F.pad` takes four numbers: left, right, top, '
             'and bottom.',
             'The larger half goes to the right and to the bottom.')
    solution_code = '''
def same_even(x, k):
    before,after = (k.shape[-1] - 1)//2,k.shape[-1]//2
    return F.conv2d(F.pad(x, (before, after, before, after)), k)'''
    mistakes = {
        'The larger half is on the left and at the top. PyTorch puts it on the right and at the bottom.':
            Mistake('''
def same_even(x, k):
    before,after = k.shape[-1]//2,(k.shape[-1] - 1)//2
    return F.conv2d(F.pad(x, (before, after, before, after)), k)''', seen.same_side),
        'Padding by half the kernel on every side makes the output one row and one column larger.':
            Mistake('''
def same_even(x, k): return F.conv2d(x, k, padding=k.shape[-1]//2)''', seen.same_too_large),
        'This makes the output one row and one column smaller, because ks - 1 is an odd number.': Mistake('''
def same_even(x, k): return F.conv2d(x, k, padding=(k.shape[-1] - 1)//2)''', seen.same_too_small),
        'Without padding the output is smaller than the input.': Mistake('''
def same_even(x, k): return F.conv2d(x, k)''', seen.shrinking),
        'All of the padding is on the right and at the bottom. It should be divided as equally as possible.':
            Mistake('''
def same_even(x, k):
    all_of_it = k.shape[-1] - 1
    return F.conv2d(F.pad(x, (0, all_of_it, 0, all_of_it)), k)'''),
        'The size is right, but the border is a copy of the nearest pixels. PyTorch pads with zeros here.':
            Mistake('''
def same_even(x, k):
    before,after = (k.shape[-1] - 1)//2,k.shape[-1]//2
    return F.conv2d(F.pad(x, (before, after, before, after), mode='replicate'), k)''', seen.copied_border),
        'The kernel is flipped. PyTorch computes the cross-correlation.': Mistake('''
def same_even(x, k):
    before,after = (k.shape[-1] - 1)//2,k.shape[-1]//2
    return F.conv2d(F.pad(x, (before, after, before, after)), k.flip(2, 3))''', seen.flip),
    }
    forbidden = {'conv2d same': "The numbers are right, but padding='same' is what you were to replace."}
    def cases(self):
        generator = torch.Generator().manual_seed(0)
        def random(*shape): return torch.randn(shape, generator=generator)
        return [(random(2, 1, 9, 8), random(1, 1, ks, ks)) for ks in (2, 4, 6)]
    also_right = (solution_code.replace('(k.shape[-1]', '(k.shape[-2]'), # kernels are square
                  solution_code.replace(',k.shape[-1]', ',k.shape[-2]'),
                  solution_code.replace('- 1)//2', '- 2)//2')) # and even
    passed = "equal to PyTorch's padding='same'"
