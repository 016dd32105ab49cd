"The exercises of 07_receptive_field"
from torch import nn
from cnn_notes.answers import seen
from cnn_notes.exercises import Exercise, Mistake

class Field(Exercise):
    id,title,name = '07.1','The rule, for any number of layers','field'
    statement = '''`field(ks, n)` should return the side of the receptive field, in pixels, after `n`
                   convolutions with stride 2 and kernels of `ks` x `ks`.'''
    stub = 'def field(ks, n): ...'
    hints = ('One layer sees ks pixels. Neighboring outputs of that layer are 2 pixels apart.',
             'Layer i adds ks - 1 cells of its own input, each of them 2**i pixels from the next.',
             'The sum 1 + 2 + 4 + ... + 2**(n-1) is 2**n - 1.')
    solution_code = 'def field(ks, n): return 1 + (ks - 1)*(2**n - 1)'
    mistakes = {
        'This adds 4 pixels for every layer, which is right for ks = 3 and n = 2 only.':
            Mistake('def field(ks, n): return ks + 4*(n - 1)'),
        'This is the field without strides, where each layer adds ks - 1 pixels.':
            Mistake('def field(ks, n): return 1 + (ks - 1)*n'),
        'This multiplies the kernel sizes. Overlapping windows see fewer different pixels.':
            Mistake('def field(ks, n): return ks**n'),
        'The first layer is counted with a step of 2, too, but it steps over pixels themselves: its step is'
        ' 1.': Mistake('def field(ks, n): return 1 + (ks - 1)*(2**(n + 1) - 2)'),
        'One pixel is missing: a single output sees at least one.':
            Mistake('def field(ks, n): return (ks - 1)*(2**n - 1)', seen.effective_history),
        'This doubles the whole field in each layer. The steps double, not the field.':
            Mistake('def field(ks, n): return ks*2**(n - 1)', seen.doubled_field),
        'Each layer adds ks - 1 cells of its input: the first of the ks cells is already there.':
            Mistake('def field(ks, n): return 1 + ks*(2**n - 1)', seen.whole_kernel),
        'This is the field of one layer. An output of the next one sees several outputs of the first.':
            Mistake('def field(ks, n): return ks', seen.field_of_one_layer),
        'This is the field of n + 1 layers: the steps of n layers are 1, 2, and so on, up to 2**(n - 1).':
            Mistake('def field(ks, n): return 1 + (ks - 1)*(2**(n + 1) - 1)', seen.field_of_one_more),
    }
    def cases(self): return [(ks, n) for ks in (1, 2, 3, 5) for n in (1, 2, 3, 4)]
    passed = 'the same as the formula and the gradient'

class FarWithLittle(Exercise):
    id,title,name = '07.2','Far with little','far'
    statement = '''Give an `nn.Sequential` of three convolutions with 3 x 3 kernels and stride 1 whose
                   last layer sees 15 x 15 pixels.'''
    setup = 'from torch import nn'
    stub = 'far = ...'
    hints = ('Which setting of a convolution makes its kernel span more cells without more weights?',
             'A kernel of 3 with dilation d adds 2*d pixels to the field.',
             'The field is 1 + 2*(d1 + d2 + d3).')
    solution_code = 'far = nn.Sequential(*(nn.Conv2d(1, 1, 3, dilation=d) for d in (1, 2, 4)))'
    mistakes = {
        'Three plain layers see 7 x 7 pixels.':
            Mistake('far = nn.Sequential(*(nn.Conv2d(1, 1, 3) for _ in range(3)))',
                seen.dilation_not_passed),
        'These layers use strides. The task asks for stride 1.':
            Mistake('far = nn.Sequential(*(nn.Conv2d(1, 1, 3, stride=2) for _ in range(3)))',
                seen.stride_for_dilation),
        'One kernel of 15 x 15 has the field, but not the three small kernels.':
            Mistake('far = nn.Sequential(nn.Conv2d(1, 1, 15))'),
        'The dilations add up to 6 here, which gives 13 x 13.':
            Mistake('far = nn.Sequential(*(nn.Conv2d(1, 1, 3, dilation=d) for d in (1, 2, 3)))',
                seen.dilations_too_small),
        'Padding does not change what a layer sees.':
            Mistake('far = nn.Sequential(*(nn.Conv2d(1, 1, 3, padding=5) for _ in range(3)))',
                seen.padding_for_field),
        'The kernels are 7 x 7 here, which takes more than five times the weights.':
            Mistake('far = nn.Sequential(nn.Conv2d(1, 1, 7), nn.Conv2d(1, 1, 7), nn.Conv2d(1, 1, 3))',
                seen.large_for_dilated),
        'The dilations add up to 4 here, which gives 9 x 9. A dilation of 1 leaves no gaps: it is the step '
        'from one cell of the kernel to the next.': Mistake('''
far = nn.Sequential(*(nn.Conv2d(1, 1, 3, dilation=d) for d in (1, 1, 2)))''', seen.zeros_between),
    }
    also_right = (solution_code.replace('1, 2, 4', '2, 1, 4'),) # the order does not matter
    labels = ('the layers', 'the kernel sizes', 'the strides', 'the field', 'the padding')
    def outputs(self, answer):
        from cnn_notes.receptive import receptive_field
        if not isinstance(answer, nn.Sequential): return [answer]
        convs = [m for m in answer if isinstance(m, nn.Conv2d)]
        size = receptive_field(answer, (convs[0].in_channels, 64, 64))[-1].size if convs else ()
        pads = [m.padding for m in convs]
        return [len(answer), [m.kernel_size for m in convs], [m.stride for m in convs], list(size), pads]
    def matches(self, got, want):
        return len(got) == len(want) and got[:4] == want[:4] # any padding will do
    passed = 'three small kernels that see far'

class SharedPixels(Exercise):
    id,title,name = '07.3','What neighbors share','shared'
    statement = '''`shared(size, stride)` should return how many rows of the image two activations both see
                   if one lies right below the other, each sees `size` rows, and the box of the lower one
                   begins `stride` rows below that of the upper one. Zero is possible.'''
    stub = 'def shared(size, stride): ...'
    hints = ('Draw two boxes of that size, one of them `stride` rows below the other.',
             'The second box begins `stride` rows later. How much of the first is left from there on?',
             'A number of rows cannot be negative.')
    solution_code = 'def shared(size, stride): return max(size - stride, 0)'
    mistakes = {
        'If the boxes do not touch, they share nothing, and not a negative number of rows.':
            Mistake('def shared(size, stride): return size - stride', seen.negative_overlap),
        'The stride is what the boxes do not share.':
            Mistake('def shared(size, stride): return min(size, stride)', seen.step_for_overlap),
        'This is one row too few: rows count from their first to their last, both included.':
            Mistake('def shared(size, stride): return max(size - stride - 1, 0)', seen.both_included),
        'This is one row too many.': Mistake('def shared(size, stride): return max(size - stride + 1, 0)',
            seen.one_too_many),
        'This is what both see together.': Mistake('def shared(size, stride): return size + stride',
            seen.union_for_overlap),
    }
    def cases(self): return [(3, 1), (3, 2), (2, 5), (13, 4), (6, 2), (7, 7), (1, 1)]
    passed = 'counted, row by row'
