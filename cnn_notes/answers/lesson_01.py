"The exercises of 01_kernels"
import torch
from functools import cached_property
from cnn_notes.answers import seen
from cnn_notes.exercises import Exercise, Mistake

def _images(*shapes):
    "Whole numbers, which no rounding disturbs"
    generator = torch.Generator().manual_seed(1)
    return [torch.randint(-4, 9, shape, generator=generator).float() for shape in shapes]

class Line(Exercise):
    id,title,name = '01.1','A line, not an edge','line_kernel'
    statement = '''Write a 3 x 3 kernel that gives a positive response to a horizontal line, one pixel
                   thick, through its center, but a zero or negative response to the same line one row
                   higher or lower. It should give the same response to the upper and the lower border of
                   solid ink, and 0 to any picture whose rows are all alike, such as a patch of one tone or
                   a vertical line.'''
    setup = 'import torch\nfrom cnn_notes.kernels import top_edge, left_edge'
    stub = 'line_kernel = ...'
    hints = ('On a patch of one tone, every weight is multiplied by the same number. What must they add '
             'up to?',
             'If all rows of an image are the same, the three weights of a column are multiplied by the same '
             'number. What must each column add up to?',
             'The middle row should count in favor of a line, and the rows above and below it against one.')
    solution_code = 'line_kernel = torch.tensor([[-1., -1, -1], [2, 2, 2], [-1, -1, -1]])'
    mistakes = {
        'This kernel looks for an edge, dark on one side only. A line has the same tone on both sides.':
            Mistake('line_kernel = top_edge', seen.double_edges),
        'This kernel finds vertical lines. Rows and columns have changed places.':
            Mistake('line_kernel = torch.tensor([[-1., 2, -1], [-1, 2, -1], [-1, 2, -1]])',
                seen.edge_directions),
        'This kernel also responds to a patch of one tone, because its weights do not add up to 0.':
            Mistake('line_kernel = torch.tensor([[0., 0, 0], [1, 1, 1], [0, 0, 0]])', seen.sum_of_weights),
        'This kernel finds a line whose numbers are lower than those around it: every sign is reversed.':
            Mistake('line_kernel = torch.tensor([[1., 1, 1], [-2, -2, -2], [1, 1, 1]])', seen.inverted_sign),
        'This kernel finds dots: its columns do not each add up to 0, so it also sees vertical lines.':
            Mistake('line_kernel = torch.tensor([[-1., -1, -1], [-1, 8, -1], [-1, -1, -1]])'),
        'This kernel compares with the row above only, so it is an edge kernel: it finds the upper border '
        'of ink.': Mistake('line_kernel = torch.tensor([[-1., -1, -1], [1, 1, 1], [0, 0, 0]])'),
        'This kernel sharpens: its weights add up to more than 0, so one tone stays in the result.':
            Mistake('line_kernel = torch.tensor([[-1., -1, -1], [-1, 9, -1], [-1, -1, -1]])',
                seen.nine_for_eight),
    }
    labels = ('the sign of the response to a patch of ones',
              'the sign of the response to a line through the center',
              *(f'the sign of the response to a vertical line in column {i}' for i in range(3)),
              'the sign of the response to the upper border of ink minus that to the lower border',
              'whether a line one row too high has a positive response',
              'whether a line one row too low has a positive response')
    def outputs(self, answer):
        "The signs of seven responses, and whether two more are positive"
        if getattr(answer, 'shape', None) != (3, 3): return [answer]
        flat,rows = torch.ones(3, 3),torch.eye(3)[:, :, None].expand(3, 3, 3)
        patches = [flat, rows[1], *(r.T for r in rows), rows[2] - rows[0], rows[0], rows[2]]
        signs = [float(torch.sign((p*answer).sum().double().round(decimals=5))) for p in patches]
        return signs[:6] + [max(s, 0) for s in signs[6:]]
    passed = 'your kernel finds the line, and ignores one tone and vertical lines'

class Centers(Exercise):
    id,title,name = '01.2','A grid of positions','centers'
    statement = '''`centers(h, w, ks, stride)` should return, as a list of lists, the (row, col) of every
                   position at which a ks x ks kernel (ks odd) is centered when it slides over an h x w
                   image with this stride, so that `[[apply_kernel(img, i, j, kernel) for i, j in line] for
                   line in centers(28, 28, 3, 2)]` is the output.'''
    stub = 'def centers(h, w, ks, stride): ...'
    hints = ('Where is the center of the first window, if the kernel reaches ks//2 pixels to each side?',
             'The last center is at most h-1-ks//2, so the range stops at h-ks//2.',
             'A list of lists needs nested brackets: [[... for j in ...] for i in ...].')
    solution_code = '''
def centers(h, w, ks, stride):
    return [[(i, j) for j in range(ks//2, w-ks//2, stride)] for i in range(ks//2, h-ks//2, stride)]'''
    mistakes = {
        'Two `for` clauses in one pair of brackets make a flat list. A grid needs nested brackets.':
            Mistake('''
def centers(h, w, ks, stride):
    return [(i, j) for i in range(ks//2, h-ks//2, stride) for j in range(ks//2, w-ks//2, stride)]''',
        seen.flat_comprehension),
        'Row and column are swapped within each pair.': Mistake('''
def centers(h, w, ks, stride):
    return [[(j, i) for j in range(ks//2, w-ks//2, stride)] for i in range(ks//2, h-ks//2, stride)]''',
            seen.row_column),
        'The grid is transposed: the inner list should run along a row.': Mistake('''
def centers(h, w, ks, stride):
    return [[(i, j) for i in range(ks//2, h-ks//2, stride)] for j in range(ks//2, w-ks//2, stride)]''',
            seen.grid_axes),
        'These are the positions of the upper left corner of the window, not of its center.': Mistake('''
def centers(h, w, ks, stride):
    return [[(i, j) for j in range(0, w-ks+1, stride)] for i in range(0, h-ks+1, stride)]''',
            seen.corner_or_center),
        'The last position is missing: a range ends before its second number.': Mistake('''
def centers(h, w, ks, stride):
    return [[(i, j) for j in range(ks//2, w-1-ks//2, stride)] for i in range(ks//2, h-1-ks//2, stride)]''',
            seen.plus_one),
        'These windows hang over the edge: without padding, the center cannot be at pixel 0.': Mistake('''
def centers(h, w, ks, stride):
    return [[(i, j) for j in range(0, w, stride)] for i in range(0, h, stride)]''', seen.over_the_edge),
        'The stride is not used.': Mistake('''
def centers(h, w, ks, stride):
    return [[(i, j) for j in range(ks//2, w-ks//2)] for i in range(ks//2, h-ks//2)]''', seen.no_stride),
        'Height and width are swapped.': Mistake('''
def centers(h, w, ks, stride):
    return [[(i, j) for j in range(ks//2, h-ks//2, stride)] for i in range(ks//2, w-ks//2, stride)]''',
            seen.height_for_width),
    }
    def cases(self):
        return [(5, 5, 3, 1), (5, 7, 3, 1), (28, 28, 3, 2), (9, 8, 5, 3), (7, 9, 1, 2),
                (8, 9, 5, 1), (12, 11, 7, 1)]
    passed = 'your positions are those of F.conv2d'

class FullConvolve(Exercise):
    id,title,name = '01.3','Convolution with nothing lost','full_convolve'
    statement = '''SciPy's `convolve2d(img, kernel)` in its default mode, *full*, keeps every position at
                   which the kernel and the image overlap at all. Write `full_convolve(img, kernel)` with
                   `correlate`: for an image (H, W) and a kernel (kh, kw) of any size, it returns all (H +
                   kh - 1) x (W + kw - 1) sums.'''
    setup = 'import torch, torch.nn.functional as F\nfrom cnn_notes.kernels import correlate'
    stub = 'def full_convolve(img, kernel): ...'
    hints = ('Convolution is cross-correlation with the kernel rotated by 180 degrees.',
             'The first window touches one pixel of the image. How many rows of zeros does that take?',
             'Flip both axes; on each side, pad with one row and one column fewer than the kernel has.')
    solution_code = '''
def full_convolve(img, kernel):
    kh,kw = kernel.shape
    return correlate(img, kernel.flip(0, 1), padding=(kh-1, kw-1))'''
    mistakes = {
        'This is cross-correlation: the kernel is not rotated.': Mistake('''
def full_convolve(img, kernel):
    kh,kw = kernel.shape
    return correlate(img, kernel, padding=(kh-1, kw-1))''', seen.flip),
        'The kernel is flipped from top to bottom only. Rotating it by 180 degrees flips both axes.':
            Mistake('''
def full_convolve(img, kernel):
    kh,kw = kernel.shape
    return correlate(img, kernel.flip(0), padding=(kh-1, kw-1))''', seen.upside_down),
        'The kernel is flipped from left to right only. Rotating it by 180 degrees flips both axes.':
            Mistake('''
def full_convolve(img, kernel):
    kh,kw = kernel.shape
    return correlate(img, kernel.flip(1), padding=(kh-1, kw-1))'''),
        'The kernel is transposed, not rotated by 180 degrees.': Mistake('''
def full_convolve(img, kernel):
    kh,kw = kernel.shape
    return F.conv2d(F.pad(img, (kw-1, kw-1, kh-1, kh-1))[None, None], kernel.T[None, None])[0, 0]''',
            seen.transposed_kernel),
        'This is the convolution without padding, which SciPy calls "valid"; the edges are missing.':
            Mistake('''
def full_convolve(img, kernel): return correlate(img, kernel.flip(0, 1))'''),
        'This pads with half of the kernel. "Full" pads with one row less than the kernel has.': Mistake('''
def full_convolve(img, kernel):
    kh,kw = kernel.shape
    return correlate(img, kernel.flip(0, 1), padding=(kh//2, kw//2))''', seen.full_for_same),
        'Rows and columns are swapped in the padding. Try a kernel that is not square.': Mistake('''
def full_convolve(img, kernel):
    kh,kw = kernel.shape
    return correlate(img, kernel.flip(0, 1), padding=(kw-1, kh-1))''', seen.pad_order),
        'The padding is one row and one column too wide.': Mistake('''
def full_convolve(img, kernel): return correlate(img, kernel.flip(0, 1), padding=tuple(kernel.shape))'''),
    }
    def cases(self): return list(zip(_images(*[(6, 7)]*4), _images((3, 3), (2, 2), (3, 5), (1, 4))))
    also_right = (solution_code.replace('flip(0, 1)', 'flip(1, 0)'),)
    passed = "equal to SciPy's for square, rectangular, and even kernels"

class OneNumber(Exercise):
    id,title,name = '01.4','One number','one_number'
    statement = '''Take images of the digits 0 and 1, each as an original and as a negative. Write
                   `one_number(img)`, which turns one (28, 28) image with values from 0 to 1 into a single
                   number, so that one threshold on it tells the two digits apart in at least 95% of all
                   images. (The mean of the pixels cannot do that.)'''
    setup = 'import torch, torch.nn.functional as F\nfrom cnn_notes.kernels import *'
    stub = 'def one_number(img): ...'
    hints = ('What does a 0 have more of than a 1, whichever side the ink is on?',
             'Add up the responses to an edge kernel. Why is this sum close to zero?',
             'Take the positive part of each response before you add them up, or positive and negative '
             'responses cancel.')
    solution_code = 'def one_number(img): return correlate(img, left_edge).clamp(min=0).sum()'
    mistakes = {
        'This is the amount of ink. A 1 has less of it than a 0, but its negative has more than a negative '
        '0, so no one threshold is right for both forms.': Mistake('def one_number(img): return img.mean()'),
        'The responses cancel when they are added up: every stroke has a left edge and a right edge. Take '
        'the positive part first.': Mistake('def one_number(img): return correlate(img, left_edge).sum()',
            seen.cancelled),
        'The middle pixel separates the originals, but for negatives the two digits are swapped.':
            Mistake('def one_number(img): return img[14, 14]'),
        'The number of dark pixels is the amount of ink again, and a negative has much more of it.':
            Mistake('def one_number(img): return (img > .5).sum()', seen.background_for_signal),
        'Every image has a pixel that is (nearly) 1, so the maximum says nothing.':
            Mistake('def one_number(img): return img.max()'),
        'The largest response says how sharp the sharpest edge is, and nearly every digit has a sharp one. '
        'Add the responses up instead.':
            Mistake('def one_number(img): return correlate(img, left_edge).max()', seen.largest_response),
        'The variance is the same for both forms, but it depends on how much ink there is, and a thick 1 '
        'has more than a thin 0.': Mistake('def one_number(img): return img.var()'),
        'The padding adds an edge of its own: it is 0, and in a negative the paper next to it is 1.':
            Mistake('''
def one_number(img): return correlate(img, left_edge, padding=1).clamp(min=0).sum()''',
                seen.edge_of_the_padding),
        'This is the width of the ink. In a negative the paper counts as ink, so every digit is as wide as '
        'the image.': Mistake('def one_number(img): return (img.amax(0) > .5).sum()', seen.paper_assumed),
    }
    labels = ('the share of 600 images that the best threshold gets right',)
    @cached_property
    def _digits(self):
        from cnn_notes.data import load_mnist
        mnist = load_mnist()
        picked = (mnist.valid_y < 2).nonzero()[:300, 0]
        images = mnist.valid_x[picked].float()/255
        return torch.cat([images, 1 - images]),torch.cat([mnist.valid_y[picked] == 0]*2)
    def _numbers(self, answer):
        "Rounded, so that rounding errors in a sum that should be zero carry no information"
        return torch.tensor([float(answer(im)) for im in self._digits[0]]).round(decimals=3)
    def outputs(self, answer):
        first = answer(self._digits[0][0])
        return [first if first is None else self._numbers(answer)]
    def matches(self, got, want): return self._share(got[0]) >= .95
    def complaint(self, got, want):
        if not got[0].isfinite().all(): return 'some of the numbers are NaN or infinite'
        share = self._share(got[0])
        return f'the best threshold on your number gets {share:.1%} of 600 images right; 95% is needed'
    def _share(self, values):
        "The accuracy of the best rule `values > cut` or `values <= cut`"
        is_zero,cuts = self._digits[1],torch.cat([values.min()[None] - 1, values.unique()])
        hits = ((values > cuts[:, None]) == is_zero).double().mean(1)
        return max(hits.max(), 1 - hits.min()).item()
    passed = 'one threshold on your number serves both forms'
