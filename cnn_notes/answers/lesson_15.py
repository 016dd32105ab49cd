"The exercises of 15_your_digit"
import torch
from functools import cached_property
from cnn_notes.answers import seen
from cnn_notes.exercises import Exercise, Mistake

class Frame(Exercise):
    id,title,name = '15.1','The frame of another data set','frame'
    statement = '''In another data set, images have `size` x `size` pixels, the longer side of the box
                   around the ink has `longest` pixels, and the box itself is in the middle, not the center of
                   mass; if the rows or columns of paper are odd in number, the one left over is below or
                   to the right. Write `frame(ink, size, longest)` for ink from 0 to 1, a float64 tensor
                   (h, w). The other side of the box is in proportion, rounded, and at least 1. You may use
                   `cut_out` and `resized`.'''
    setup = 'import torch, torch.nn.functional as F\nfrom cnn_notes.framing import cut_out, placed, resized'
    stub = 'def frame(ink, size, longest): ...'
    hints = ('Four steps: the box around the ink, its new size, the averages, and the paper around them.',
             'Both sides are multiplied by the same number, `longest` divided by the longer one.',
             'There are size - h rows of paper: (size - h)//2 above, and the rest below. F.pad takes (left, '
             'right, top, bottom).')
    solution_code = '''
def frame(ink, size, longest):
    box = cut_out(ink)
    h,w = (max(1, round(longest*n/max(box.shape))) for n in box.shape)
    top,left = (size - h)//2,(size - w)//2
    return F.pad(resized(box, h, w), (left, size - w - left, top, size - h - top))'''
    mistakes = {
        'The ink is stretched to a square: both sides have become `longest`. The aspect should stay.':
            Mistake('''
def frame(ink, size, longest):
    top = (size - longest)//2
    after = size - longest - top
    return F.pad(resized(cut_out(ink), longest, longest), (top, after, top, after))''', seen.stretched),
        'The whole image was resized, its paper included. Cut out the box around the ink first.': Mistake('''
def frame(ink, size, longest):
    h,w = (max(1, round(longest*n/max(ink.shape))) for n in ink.shape)
    top,left = (size - h)//2,(size - w)//2
    return F.pad(resized(ink, h, w), (left, size - w - left, top, size - h - top))''', seen.no_box),
        'It is the *shorter* side that has become `longest` here, and the longer one is cut.': Mistake('''
def frame(ink, size, longest):
    box = cut_out(ink)
    h,w = (max(1, round(longest*n/min(box.shape))) for n in box.shape)
    top,left = (size - h)//2,(size - w)//2
    return F.pad(resized(box, h, w), (left, size - w - left, top, size - h - top))''', seen.shorter_side),
        'The center of mass is in the middle, as in MNIST. Here the box should be.': Mistake('''
def frame(ink, size, longest):
    box = cut_out(ink)
    h,w = (max(1, round(longest*n/max(box.shape))) for n in box.shape)
    box = resized(box, h, w)
    def first(v):
        center = (v*torch.arange(len(v))).sum()/v.sum()
        return min(max(int((size + 1)/2 - center), 0), size - len(v))
    top,left = first(box.sum(1)),first(box.sum(0))
    return F.pad(box, (left, size - w - left, top, size - h - top))'''),
        'Rows and columns are swapped in the padding: F.pad begins with the last axis, left and right.':
            Mistake('''
def frame(ink, size, longest):
    box = cut_out(ink)
    h,w = (max(1, round(longest*n/max(box.shape))) for n in box.shape)
    top,left = (size - h)//2,(size - w)//2
    return F.pad(resized(box, h, w), (top, size - h - top, left, size - w - left))''', seen.last_axis_first),
        'Where the paper cannot be the same on both sides, the extra row or column is above or on '
        'the left. It '
        'should be below or on the right.': Mistake('''
def frame(ink, size, longest):
    box = cut_out(ink)
    h,w = (max(1, round(longest*n/max(box.shape))) for n in box.shape)
    top,left = (size - h + 1)//2,(size - w + 1)//2
    return F.pad(resized(box, h, w), (left, size - w - left, top, size - h - top))'''),
        'The box is in the upper left corner, and all the paper is below and on the right.': Mistake('''
def frame(ink, size, longest):
    box = cut_out(ink)
    h,w = (max(1, round(longest*n/max(box.shape))) for n in box.shape)
    return F.pad(resized(box, h, w), (0, size - w, 0, size - h))''', seen.corner_padding),
        'This takes single pixels and leaves out those between them. A pixel should be the mean of the area '
        'that it covers.': Mistake('''
def frame(ink, size, longest):
    box = cut_out(ink)
    h,w = (max(1, round(longest*n/max(box.shape))) for n in box.shape)
    top,left = (size - h)//2,(size - w)//2
    box = F.interpolate(box[None, None], (h, w))[0, 0]
    return F.pad(box, (left, size - w - left, top, size - h - top))''', seen.single_pixels),
        'The other side is rounded down. The nearest whole number was asked for.': Mistake('''
def frame(ink, size, longest):
    box = cut_out(ink)
    h,w = (max(1, int(longest*n/max(box.shape))) for n in box.shape)
    top,left = (size - h)//2,(size - w)//2
    return F.pad(resized(box, h, w), (left, size - w - left, top, size - h - top))''',
        seen.side_rounded_down),
    }
    def cases(self):
        generator = torch.Generator().manual_seed(1)
        def ink(height, width, top, left):
            im = torch.zeros(height + top + 3, width + left + 5, dtype=torch.double)
            im[top:top+height, left:left+width] = .2 + .8*torch.rand(height, width,
                generator=generator).double()**2
            return im
        return [(ink(31, 17, 4, 9), 28, 20), (ink(12, 23, 8, 2), 16, 15), (ink(40, 1, 2, 6), 20, 17),
                (ink(9, 9, 0, 4), 33, 26), (ink(2, 50, 7, 1), 20, 16)]
    passed = 'box, aspect, averages, and margins are right for every size tried'

class InkPositive(Exercise):
    id,title,name = '15.2','Robust to inverted ink','ink_positive'
    statement = '''Some readers write with chalk. Write `ink_positive(x)`, which takes a batch (n, 28, 28)
                   from 0 to 1, in which any image may be inverted (1 minus the image), and returns the
                   batch with 0 for paper and 1 for ink in every image. A network that reads what it
                   returns gives the same answer to a digit and to its negative.'''
    setup = 'import torch'
    stub = 'def ink_positive(x): ...'
    hints = ('A digit has more paper than ink. Which number stands for paper in an inverted digit?',
             'Each image must be decided on its own: one number for each, such as its median.',
             'Image by image, torch.where(inverted[:, None, None], 1 - x, x) takes the one or the other.')
    solution_code = '''
def ink_positive(x):
    inverted = x.flatten(1).median(1)[0] > .5
    return torch.where(inverted[:, None, None], 1 - x, x)'''
    mistakes = {
        'Every image was inverted, those that were right already, too.':
            Mistake('def ink_positive(x): return 1 - x', seen.inverted_all),
        'The whole batch was decided at once. Each image needs a decision of its own.': Mistake('''
def ink_positive(x): return 1 - x if x.mean() > .5 else x''', seen.batch_statistics),
        'The wrong way round: now every image has 1 for paper.': Mistake('''
def ink_positive(x):
    inverted = x.flatten(1).median(1)[0] > .5
    return torch.where(inverted[:, None, None], x, 1 - x)''', seen.paper_is_one),
        'A digit and its negative are alike now, but so are ink and paper: both are far from gray.':
            Mistake('''
def ink_positive(x): return 2*(x - .5).abs()'''),
        'This keeps the smaller of each pixel and its negative, so ink and paper both become 0, and only the '
        'gray edges are left.': Mistake('def ink_positive(x): return torch.minimum(x, 1 - x)'),
        'An inverted image is 1 minus the image. The negative number goes from -1 to 0.': Mistake('''
def ink_positive(x):
    inverted = x.flatten(1).median(1)[0] > .5
    return torch.where(inverted[:, None, None], -x, x)''', seen.negative_range),
        'The negative of a byte is 255 minus it, but these values go from 0 to 1.': Mistake('''
def ink_positive(x):
    inverted = x.flatten(1).median(1)[0] > .5
    return torch.where(inverted[:, None, None], 255 - x, x)'''),
        'The pixel in the middle is often paper (in a 0) and often ink (in a 1), so it does not tell.':
            Mistake('''
def ink_positive(x): return torch.where(x[:, 14:15, 14:15] > .5, 1 - x, x)'''),
        'The batch was clamped or thresholded: the gray edges are gone.': Mistake('''
def ink_positive(x):
    inverted = x.flatten(1).median(1)[0] > .5
    return torch.where(inverted[:, None, None], 1 - x, x).round()''', seen.gray_edges),
    }
    @cached_property
    def _digits(self):
        from cnn_notes.data import load_mnist
        return load_mnist().valid_x[:40].float()/255
    def cases(self):
        digits,generator = self._digits,torch.Generator().manual_seed(1)
        flip = (torch.rand(40, generator=generator) < .5)[:, None, None]
        return [(torch.where(flip, 1 - digits, digits),), (digits[:1],), (1 - digits[1:2],),
            (1 - digits[3:9],), (digits[10:20],)]
    labels = 'some of 40 inverted','one digit','one negative','six negatives','ten digits'
    passed = 'a digit and its negative are the same to the network now'

class FirstToBreak(Exercise):
    id,title,name = '15.3','The layer that breaks','first_to_break'
    statement = '''The maps of a layer are equivariant to a shift of the image if the shifted image has the
                   same maps, moved. Write `first_to_break(strides, shift)`, which takes the strides of a
                   network's convolutions and a shift in pixels (1 or more), and returns the number,
                   counted from 0, of the first layer whose maps are not the same ones, moved; or the
                   number of layers if there is none. (Leave the border out of account.)'''
    stub = 'def first_to_break(strides, shift): ...'
    hints = ('With stride 2, an output is computed at every second position. Which shifts lead from one such '
             'position to another?',
             'If a layer with stride 2 passes a shift of 6 pixels, its map has moved by 3 positions.',
             'Go through the strides. If the shift is no multiple of the stride, this is the layer. '
             'If it is, '
             'divide the shift by the stride, and go on.')
    solution_code = '''
def first_to_break(strides, shift):
    for i,stride in enumerate(strides):
        if shift % stride != 0: return i
        shift = shift//stride
    return len(strides)'''
    mistakes = {
        'After a layer with stride 2, the map has moved by half as much as the image. The shift '
        'must be divided.':
            Mistake('''
def first_to_break(strides, shift):
    for i,stride in enumerate(strides):
        if shift % stride != 0: return i
    return len(strides)''', seen.overall_stride),
        'This is the first layer whose stride is not 1. It breaks only those shifts that are no '
        'multiple of its '
        'stride.': Mistake('''
def first_to_break(strides, shift):
    for i,stride in enumerate(strides):
        if stride > 1: return i
    return len(strides)'''),
        'The layers are counted from 1 here, and from 0 in the question.': Mistake('''
def first_to_break(strides, shift):
    for i,stride in enumerate(strides):
        if shift % stride != 0: return i + 1
        shift = shift//stride
    return len(strides) + 1''', seen.zero_indexed),
        'This is the last layer that still keeps the shift. The one after it is the first to break.':
            Mistake('''
def first_to_break(strides, shift):
    for i,stride in enumerate(strides):
        if shift % stride != 0: return i - 1
        shift = shift//stride
    return len(strides) - 1''', seen.last_good),
        'Only the last layer is looked at. The first one to break is asked for.': Mistake('''
def first_to_break(strides, shift):
    total = 1
    for stride in strides: total = total*stride
    return len(strides) if shift % total == 0 else len(strides) - 1'''),
        'Strides multiply from layer to layer. They were added up here.': Mistake('''
def first_to_break(strides, shift):
    total = 0
    for i,stride in enumerate(strides):
        total = total + stride
        if shift % total != 0: return i
    return len(strides)'''),
        'A shift that is smaller than the stride breaks a layer, but so does one that is larger and '
        'no multiple '
        'of it, such as 3 pixels and stride 2.': Mistake('''
def first_to_break(strides, shift):
    for i,stride in enumerate(strides):
        if shift < stride: return i
        shift = shift//stride
    return len(strides)'''),
        'Every layer is taken to have stride 2 here. Each has a stride of its own.': Mistake('''
def first_to_break(strides, shift):
    for i in range(len(strides)):
        if shift % 2 != 0: return i
        shift = shift//2
    return len(strides)''', seen.stride_of_two),
        'The condition is the wrong way around: a remainder of 0 means that the layer keeps the shift.':
            Mistake('''
def first_to_break(strides, shift):
    for i,stride in enumerate(strides):
        if shift % stride == 0: return i
        shift = shift//stride
    return len(strides)''', seen.no_remainder),
        'This test of bits is right for powers of two only. A stride can be 3.': Mistake('''
def first_to_break(strides, shift):
    for i,stride in enumerate(strides):
        if shift & (stride - 1): return i
        shift = shift//stride
    return len(strides)''', seen.powers_of_two),
    }
    def cases(self):
        return [((2, 2, 2, 2, 2), 1), ((2, 2, 2, 2, 2), 2), ((2, 2, 2, 2, 2), 12), ((1, 2, 1, 2), 3),
            ((1, 1), 5),
                ((1, 2, 1, 2), 6), ((2, 2), 8), ((3, 2), 6), ((3, 2), 4), ((2, 3, 2), 18), ((4,), 6),
                    ((2, 4), 12),
                ((1, 3, 3), 9), ((), 3)]
    passed = 'the layer is right for every network and shift tried'
