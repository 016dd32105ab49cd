"The exercises of 04_matmul"
import torch
import torch.nn.functional as F
from cnn_notes.answers import seen
from cnn_notes.exercises import Exercise, Mistake

def _random(*shapes, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator) for shape in shapes]

class MatrixShape(Exercise):
    id,title,name = '04.1','The shape of the matrix','matrix_shape'
    statement = '''`matrix_shape(ni, nf, n, ks, stride, padding)` should return the shape of the
                   matrix, (rows, columns), for square images of `n` x `n` with `ni` channels and `nf`
                   filters of `ks` x `ks`.'''
    stub = 'def matrix_shape(ni, nf, n, ks, stride, padding): ...'
    hints = ('A matrix has a row for each number that comes out and a column for each number that goes in.',
             'How many positions does each filter have? Lesson 02 has the formula.',
             'Rows: filters times positions. Columns: channels times pixels, without the padding.')
    solution_code = '''
def matrix_shape(ni, nf, n, ks, stride, padding):
    out = (n + 2*padding - ks)//stride + 1
    return nf*out*out,ni*n*n'''
    mistakes = {
        'The kernel size is the number of weights in a row that are not zero, not the number of rows.':
            Mistake('''
def matrix_shape(ni, nf, n, ks, stride, padding): return ks*ks,n*n'''),
        'This is the transpose: a matrix has a row for each number that comes out.': Mistake('''
def matrix_shape(ni, nf, n, ks, stride, padding):
    out = (n + 2*padding - ks)//stride + 1
    return ni*n*n,nf*out*out''', seen.transposed_matrix),
        'Channels and filters are missing: this is the matrix of one kernel on one channel.': Mistake('''
def matrix_shape(ni, nf, n, ks, stride, padding):
    out = (n + 2*padding - ks)//stride + 1
    return out*out,n*n''', seen.width_for_volume),
        'The padding is not part of the image: its zeros need no columns.': Mistake('''
def matrix_shape(ni, nf, n, ks, stride, padding):
    out = (n + 2*padding - ks)//stride + 1
    return nf*out*out,ni*(n + 2*padding)**2'''),
        'Padding is added on both sides, so it counts twice in the number of positions.': Mistake('''
def matrix_shape(ni, nf, n, ks, stride, padding):
    out = (n + padding - ks)//stride + 1
    return nf*out*out,ni*n*n''', seen.padding_once),
        'The stride is not used: with a larger stride there are fewer positions.': Mistake('''
def matrix_shape(ni, nf, n, ks, stride, padding):
    out = n + 2*padding - ks + 1
    return nf*out*out,ni*n*n''', seen.no_stride),
        'The stride divides the whole difference. Without brackets, it divides the padding only.': Mistake('''
def matrix_shape(ni, nf, n, ks, stride, padding):
    out = n - ks + 2*padding//stride + 1
    return nf*out*out,ni*n*n''', seen.brackets),
        'The first position is missing: the number of steps plus one is the number of positions.': Mistake('''
def matrix_shape(ni, nf, n, ks, stride, padding):
    out = (n + 2*padding - ks)//stride
    return nf*out*out,ni*n*n''', seen.plus_one),
        'There is one row for each position of the window, not for each output: the filters are missing.':
            Mistake('''
def matrix_shape(ni, nf, n, ks, stride, padding):
    out = (n + 2*padding - ks)//stride + 1
    return out*out,ni*n*n'''),
    }
    def cases(self):
        return [(1, 1, 3, 2, 1, 0), (1, 1, 28, 3, 1, 0), (3, 4, 9, 3, 1, 1), (2, 5, 8, 3, 2, 1),
                (2, 3, 11, 5, 3, 2)]
    also_right = ('''
import torch
from cnn_notes.matmul import conv_matrix
def matrix_shape(ni, nf, n, ks, stride, padding):
    return conv_matrix(torch.ones(nf, ni, ks, ks), (ni, n, n), stride, padding).shape''',)
    passed = 'outputs x inputs, with all channels counted'

class MatrixOf(Exercise):
    id,title,name = '04.2','The matrix of anything linear','matrix_of'
    statement = '''`matrix_of(f, in_shape)` should return the matrix of *any* linear function of an
                   image, such as average pooling: `f` takes a batch (N, C, H, W), and `in_shape` is (C,
                   H, W). We try it on `F.avg_pool2d`, on a convolution, and on `torch.flip`.'''
    setup = 'import torch, torch.nn.functional as F'
    stub = 'def matrix_of(f, in_shape): ...'
    hints = ('What does a matrix make of a vector that is 1 in one position and 0 elsewhere?',
             'Send all of these unit images through f in one batch: torch.eye makes them.',
             'The result for unit image j is column j, but a batch has its images in rows.')
    solution_code = '''
def matrix_of(f, in_shape):
    c,h,w = in_shape
    return f(torch.eye(c*h*w).view(-1, c, h, w)).flatten(1).T'''
    mistakes = {
        'This is the transpose: the result for unit image j is a column, not a row.': Mistake('''
def matrix_of(f, in_shape):
    c,h,w = in_shape
    return f(torch.eye(c*h*w).view(-1, c, h, w)).flatten(1)''', seen.columns_for_rows),
        'These are the results for one image of ones. That gives the sum of all columns.': Mistake('''
def matrix_of(f, in_shape): return f(torch.ones(1, *in_shape)).flatten(1).T''', seen.image_of_ones),
        'The results are not flattened: a matrix has two axes, so each result becomes a column.': Mistake('''
def matrix_of(f, in_shape):
    c,h,w = in_shape
    return f(torch.eye(c*h*w).view(-1, c, h, w)) # (inputs, C', H', W')''', seen.not_flattened),
        'The channels are missing: there is a unit image for every pixel of every channel.': Mistake('''
def matrix_of(f, in_shape):
    c,h,w = in_shape
    return f(torch.eye(h*w).view(-1, 1, h, w).expand(-1, c, h, w)).flatten(1).T'''),
        'Height and width have changed places in the unit images.': Mistake('''
def matrix_of(f, in_shape):
    c,h,w = in_shape
    return f(torch.eye(c*h*w).view(-1, c, w, h).transpose(2, 3)).flatten(1).T''', seen.height_for_width),
        'The shape is right, but the numbers are not: reshape keeps them in their order and swaps no axes.':
            Mistake('''
def matrix_of(f, in_shape):
    c,h,w = in_shape
    return f(torch.eye(c*h*w).view(-1, c, h, w)).reshape(-1, c*h*w)''', seen.reshaped_rows),
    }
    def cases(self):
        weight = torch.arange(36.).view(2, 2, 3, 3)
        def pool(x): return F.avg_pool2d(x, 2)
        def convolution(x): return F.conv2d(x, weight)
        def flip(x): return x.flip(-1)
        return [(f, (2, 6, 4)) for f in (pool, convolution, flip)]
    also_right = (solution_code.replace('c*h*w', 'h*c*w'), solution_code.replace('c*h*w', 'c*w*h'))
    passed = 'column j is what the function makes of unit image j'

class WhichOutputPadding(Exercise):
    id,title,name = '04.3','Which output padding?','output_padding_for'
    statement = '''`output_padding_for(n, ks, stride, padding, dilation)` should return the
                   `output_padding` with which `F.conv_transpose2d` restores the size `n` x `n` when it is
                   applied to the output of `F.conv2d` with the same settings.'''
    stub = 'def output_padding_for(n, ks, stride, padding, dilation): ...'
    hints = ('The size formula of a convolution divides by the stride and drops something. What?',
             'Two images of different sizes can become outputs of one size. The way back must know which '
             'it was.',
             'It is the remainder of the division in the size formula, dilation included.')
    solution_code = '''
def output_padding_for(n, ks, stride, padding, dilation):
    return (n + 2*padding - dilation*(ks - 1) - 1) % stride'''
    mistakes = {
        'This is the largest value that is allowed. It is right for some sizes only.': Mistake('''
def output_padding_for(n, ks, stride, padding, dilation): return stride - 1''', seen.way_back),
        'The dilation is missing: the kernel spans dilation*(ks - 1) + 1 cells.': Mistake('''
def output_padding_for(n, ks, stride, padding, dilation): return (n + 2*padding - ks) % stride''',
            seen.no_dilation),
        'Padding is added on both sides, so it counts twice.': Mistake('''
def output_padding_for(n, ks, stride, padding, dilation):
    return (n + padding - dilation*(ks - 1) - 1) % stride''', seen.padding_once),
        'This is off by one: the kernel spans dilation*(ks - 1) + 1 cells, not dilation*(ks - 1).':
            Mistake('''
def output_padding_for(n, ks, stride, padding, dilation):
    return (n + 2*padding - dilation*(ks - 1)) % stride'''),
        'This is the remainder of n alone. Kernel and padding move it.': Mistake('''
def output_padding_for(n, ks, stride, padding, dilation): return n % stride'''),
        'Without output padding, the way back leads to the smallest image that gives the same output.':
            Mistake('''
def output_padding_for(n, ks, stride, padding, dilation): return 0''', seen.no_output_padding),
        'The kernel spans dilation*(ks - 1) + 1 cells. This counts a gap behind its last cell, too.':
            Mistake('''
def output_padding_for(n, ks, stride, padding, dilation):
    return (n + 2*padding - dilation*ks) % stride''', seen.dilated_size),
        'This looks at the stride only. Two sizes of image with the same stride can need different values.':
            Mistake('''
def output_padding_for(n, ks, stride, padding, dilation): return stride % 2''', seen.parity_of_stride),
    }
    def cases(self):
        return [(28, 3, 2, 1, 1), (27, 3, 2, 1, 1), (28, 3, 1, 1, 1), (30, 5, 3, 2, 1), (31, 3, 4, 0, 2),
                (29, 3, 5, 1, 3)]
    also_right = (solution_code.replace('2*padding', '2*padding + 0'),)
    passed = 'the remainder of the division'

class GroupsByIm2col(Exercise):
    id,title,name = '04.4','Groups, by im2col','grouped_conv'
    statement = '''`grouped_conv(x, weight, groups)` should equal `F.conv2d(x, weight, groups=groups)` for
                   a batch `x`. Build it from `im2col` and matrix products, with no call to a convolution.'''
    setup = 'import torch, torch.nn.functional as F\nfrom cnn_notes.matmul import im2col'
    stub = 'def grouped_conv(x, weight, groups): ...'
    hints = ('Without groups it is weight.flatten(1) @ im2col(x, ks), with the positions as rows and '
             'columns at the end.',
             'The cells of a channel are together in im2col, so the columns of a group are next to each '
             'other.',
             'Split the columns and the filters into groups with unflatten; @ then multiplies group by '
             'group.')
    solution_code = '''
def grouped_conv(x, weight, groups):
    h,w = (n - ks + 1 for n,ks in zip(x.shape[2:], weight.shape[2:]))
    columns = im2col(x, weight.shape[2:]).unflatten(1, (groups, -1))
    filters = weight.flatten(1).unflatten(0, (groups, -1))
    return (filters @ columns).flatten(1, 2).unflatten(-1, (h, w))'''
    mistakes = {
        'The positions are still in one row. They should be rows and columns again.': Mistake('''
def grouped_conv(x, weight, groups):
    columns = im2col(x, weight.shape[2:]).unflatten(1, (groups, -1))
    return (weight.flatten(1).unflatten(0, (groups, -1)) @ columns).flatten(1, 2)'''),
        'The channels are dealt out to the groups one by one. The channels of a group are next to each '
        'other.': Mistake('''
def grouped_conv(x, weight, groups):
    order = torch.arange(x.shape[1]).view(-1, groups).T.flatten()
    return F.conv2d(x[:, order], weight, groups=groups)''', seen.interleaved_groups),
        'The groups are still an axis of their own. The filters of all groups should be one axis.':
            Mistake('''
def grouped_conv(x, weight, groups):
    h,w = (n - ks + 1 for n,ks in zip(x.shape[2:], weight.shape[2:]))
    columns = im2col(x, weight.shape[2:]).unflatten(1, (groups, -1))
    return (weight.flatten(1).unflatten(0, (groups, -1)) @ columns).unflatten(-1, (h, w))'''),
        'The filters of the groups are interleaved. They should follow each other, group by group.':
            Mistake('''
def grouped_conv(x, weight, groups):
    y = F.conv2d(x, weight, groups=groups)
    return y.unflatten(1, (groups, -1)).transpose(1, 2).flatten(1, 2)''', seen.group_order),
        'The kernels are flipped. PyTorch computes the cross-correlation.': Mistake('''
def grouped_conv(x, weight, groups): return F.conv2d(x, weight.flip(2, 3), groups=groups)''', seen.flip),
        'Only the first group is there.': Mistake('''
def grouped_conv(x, weight, groups):
    return F.conv2d(x[:, :weight.shape[1]], weight[:len(weight)//groups])'''),
        'Images and filters are mixed up: the product has the filters first, and reshape does not move axes.':
            Mistake('''
def grouped_conv(x, weight, groups):
    h,w = (n - ks + 1 for n,ks in zip(x.shape[2:], weight.shape[2:]))
    columns = torch.cat(list(im2col(x, weight.shape[2:])), 1).unflatten(0, (groups, -1))
    filters = weight.flatten(1).unflatten(0, (groups, -1))
    return (filters @ columns).reshape(len(x), len(weight), h, w)''', seen.mixed_images),
        'The weights of a filter are in another order than the rows of im2col, where all cells of one '
        'channel come before those of the next channel.': Mistake('''
def grouped_conv(x, weight, groups):
    h,w = (n - ks + 1 for n,ks in zip(x.shape[2:], weight.shape[2:]))
    columns = im2col(x, weight.shape[2:]).unflatten(1, (groups, -1))
    filters = weight.flatten(2).transpose(1, 2).flatten(1).unflatten(0, (groups, -1))
    return (filters @ columns).flatten(1, 2).unflatten(-1, (h, w))''', seen.order_of_columns),
    }
    forbidden = dict.fromkeys(('conv1d', 'conv2d', 'conv3d', 'conv_transpose2d'),
                              'The numbers are right, but a convolution made them. Use im2col and products.')
    def cases(self):
        sizes = (3, 4, 1),(4, 6, 2),(6, 6, 3)
        return [(*_random((2, ni, 8, 6), (nf, ni//groups, 3, 2)), groups) for ni,nf,groups in sizes]
    passed = 'a product for each group'

class BackwardPass(Exercise):
    id,title,name = '04.5','The backward pass of a convolution','conv_backward'
    statement = '''Write `conv_backward(x, weight, grad)`: for `y = F.conv2d(x, weight)` with stride 1 and
                   without padding, it takes the gradient `grad` of the loss with respect to `y` and
                   returns the gradients with respect to `x` and `weight`. Write both as convolutions, and
                   do not call `backward`. The check moves single numbers of `x` and `weight` a little and
                   watches the loss.'''
    setup = 'import torch, torch.nn.functional as F'
    stub = 'def conv_backward(x, weight, grad): ...'
    hints = ('Each weight meets the pixels of a whole shifted image. Which image does its gradient add '
             'up, and with what?',
             'For the weight: cross-correlate x with grad as the kernel; images of the batch are added '
             'up, so they have '
             'to be where F.conv2d expects its channels.',
             'For x: the transpose of the convolution, F.conv_transpose2d, or F.conv2d of the padded grad '
             'with the '
             'flipped kernels, where inputs and outputs change places.')
    solution_code = '''
def conv_backward(x, weight, grad):
    to_x = F.conv_transpose2d(grad, weight)
    to_weight = F.conv2d(x.transpose(0, 1), grad.transpose(0, 1)).transpose(0, 1)
    return to_x,to_weight'''
    mistakes = {
        'The gradient of x is right. The one of the weight has its first two axes the wrong way around.':
            Mistake('''
def conv_backward(x, weight, grad):
    return F.conv_transpose2d(grad, weight),F.conv2d(x.transpose(0, 1), grad.transpose(0, 1))''',
        seen.filter_axes),
        'The kernels are not turned: on the way back, a pixel meets the last weight first.': Mistake('''
def conv_backward(x, weight, grad):
    pad = weight.shape[3] - 1,weight.shape[3] - 1,weight.shape[2] - 1,weight.shape[2] - 1
    to_x = F.conv2d(F.pad(grad, pad), weight.transpose(0, 1))
    return to_x,F.conv2d(x.transpose(0, 1), grad.transpose(0, 1)).transpose(0, 1)''', seen.backward_flip),
        'The gradients have changed places: first the one of x, then the one of the weight.': Mistake('''
def conv_backward(x, weight, grad):
    to_weight = F.conv2d(x.transpose(0, 1), grad.transpose(0, 1)).transpose(0, 1)
    return to_weight,F.conv_transpose2d(grad, weight)'''),
        'The gradient of the weight is the mean over the batch. The loss adds the images up, so it is the '
        'sum.': Mistake('''
def conv_backward(x, weight, grad):
    to_weight = F.conv2d(x.transpose(0, 1), grad.transpose(0, 1)).transpose(0, 1)
    return F.conv_transpose2d(grad, weight),to_weight/len(x)''', seen.mean_gradient),
        'The gradient of the weight is turned by half a circle.': Mistake('''
def conv_backward(x, weight, grad):
    to_weight = F.conv2d(x.transpose(0, 1), grad.transpose(0, 1)).transpose(0, 1)
    return F.conv_transpose2d(grad, weight),to_weight.flip(2, 3)''', seen.weight_gradient),
        'The gradient of x is smaller than x: pixels at the edge have a gradient, too, so grad must be '
        'padded.': Mistake('''
def conv_backward(x, weight, grad):
    to_x = F.conv2d(grad, weight.transpose(0, 1).flip(2, 3))
    return to_x,F.conv2d(x.transpose(0, 1), grad.transpose(0, 1)).transpose(0, 1)'''),
        'Here the height of the kernel sets the padding of both axes. The width needs a padding of its own.':
            Mistake('''
def conv_backward(x, weight, grad):
    to_x = F.conv2d(grad, weight.transpose(0, 1).flip(2, 3), padding=weight.shape[2] - 1)
    return to_x,F.conv2d(x.transpose(0, 1), grad.transpose(0, 1)).transpose(0, 1)''', seen.height_pads_width),
    }
    def cases(self):
        return [tuple(_random((2, 3, 6, 7), (4, 3, 3, 2), (2, 4, 4, 6))),
                tuple(_random((1, 1, 5, 5), (2, 1, 2, 2), (1, 2, 4, 4)))]
    forbidden = dict.fromkeys(('backward', 'grad', 'convolution_backward'),
                              'The numbers are right, but PyTorch differentiated. Write the convolutions.')
    def judge(self, answer):
        "Move single numbers a little, in double precision, and watch the loss"
        if said := super().judge(answer): return said
        image,weight,grad = (t.double() for t in self._cases[0])
        def loss(x, weight): return (F.conv2d(x, weight)*grad).sum()
        for which,(tensor,found) in enumerate(zip((image, weight), answer(image, weight, grad))):
            moved = tensor.clone()
            moved.view(-1)[7] += 1e-6
            change = (loss(*((moved, weight), (image, moved))[which]) - loss(image, weight))/1e-6
            if abs(change - found.reshape(-1)[7]) > 1e-4:
                return f'number 7 of the {("image", "weight")[which]} changes the loss by {change:.4f}'
    passed = 'equal to what moving single numbers does to the loss'
