"The exercises of 03_channels"
import torch
from cnn_notes.answers import seen
from cnn_notes.exercises import Exercise, Mistake

def _random(*shapes, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator) for shape in shapes]

class TwoLayersInOne(Exercise):
    id,title,name = '03.1','Two layers in one','fold'
    statement = '''First a 1 x 1 filter turns a color image into a gray one (`mix`, a tensor of three
                   numbers), and then a kernel slides over the gray image (`kernel`, of shape (3, 3)). There
                   is no activation function between them, so one filter can do the work of both. Write
                   `fold(mix, kernel)`, which returns the weight of that filter, as `F.conv2d` takes it.'''
    setup = 'import torch, torch.nn.functional as F'
    stub = 'def fold(mix, kernel): ...'
    hints = ('What shape does the weight of one filter on three channels have?',
             'Write out one output: which numbers is the red pixel below the center multiplied by?',
             'Each channel gets the kernel, times the share that this channel has in the gray.')
    solution_code = 'def fold(mix, kernel): return (mix.view(3, 1, 1)*kernel)[None]'
    mistakes = {
        'The axis of the filters is missing: a weight has four axes, and the first one counts the filters.':
            Mistake('def fold(mix, kernel): return mix.view(3, 1, 1)*kernel', seen.three_axes),
        'Every channel gets the whole kernel. Its share in the gray is missing.':
            Mistake('def fold(mix, kernel): return kernel.expand(1, 3, 3, 3)', seen.one_kernel),
        'The shares multiply the columns of the kernel. They belong to the channels.':
            Mistake('def fold(mix, kernel): return (mix*kernel).expand(1, 3, 3, 3)'),
        'The shares multiply the rows of the kernel. They belong to the channels.':
            Mistake('def fold(mix, kernel): return (mix[:, None]*kernel).expand(1, 3, 3, 3)'),
        'These are three filters on one channel. One filter on three channels has shape (1, 3, 3, 3).':
            Mistake('def fold(mix, kernel): return (mix.view(3, 1, 1)*kernel)[:, None]',
                seen.axes_of_a_weight),
        'Each channel has one number nine times. A share multiplies every weight of the kernel.': Mistake('''
def fold(mix, kernel): return (mix*kernel[0, 0]).view(1, 3, 1, 1).expand(1, 3, 3, 3)''',
            seen.one_number_nine_times),
        'The shares are added to the kernel. Two convolutions in a row multiply.':
            Mistake('def fold(mix, kernel): return (mix.view(3, 1, 1) + kernel)[None]'),
        'The kernel is flipped. Chained layers of PyTorch do not flip anything.':
            Mistake('def fold(mix, kernel): return (mix.view(3, 1, 1)*kernel.flip(0, 1))[None]', seen.flip),
    }
    def cases(self): return [tuple(_random((3,), (3, 3), seed=s)) for s in range(2)]
    passed = 'one filter of shape (1, 3, 3, 3) does the work of the two layers'

class GroupsAreZeros(Exercise):
    id,title,name = '03.2','Groups as zeros','densify'
    statement = '''A grouped convolution is a plain one in which most of the kernels are zero. Write
                   `densify(w, groups)`, which takes the weight of a grouped call, (C_out, C_in / groups,
                   kH, kW), and returns the weight (C_out, C_in, kH, kW) with which a call without groups
                   gives the same result.'''
    setup = 'import torch, torch.nn.functional as F'
    stub = 'def densify(w, groups): ...'
    hints = ('Start with zeros of the right shape. How many input channels are there in all?',
             'The filters of a group are next to each other. How many are there in each group?',
             'The filters of group g read the channels from g*(C_in/groups) on.')
    solution_code = '''
def densify(w, groups):
    dense = w.new_zeros(w.shape[0], w.shape[1]*groups, *w.shape[2:])
    for g,part in enumerate(w.chunk(groups)):
        rows = slice(g*len(part), (g + 1)*len(part))
        dense[rows, g*w.shape[1]:(g + 1)*w.shape[1]] = part
    return dense'''
    mistakes = {
        'This is the grouped weight as it was. Its second axis has C_in / groups channels, and C_in are '
        'needed.': Mistake('def densify(w, groups): return w', seen.grouped_weight),
        'Each filter reads every group with the same kernels. Outside of its own group they should be zero.':
            Mistake('def densify(w, groups): return w.repeat(1, groups, 1, 1)', seen.groups_like_one),
        'All filters read the first group of channels.': Mistake('''
def densify(w, groups):
    return torch.cat([w, w.new_zeros(w.shape[0], w.shape[1]*(groups - 1), *w.shape[2:])], 1)'''),
        'The filters are dealt out to the groups one by one. The filters of a group are next to each other.':
            Mistake('''
def densify(w, groups):
    dense = w.new_zeros(w.shape[0], w.shape[1]*groups, *w.shape[2:])
    for i,f in enumerate(w): dense[i, i%groups*w.shape[1]:(i%groups + 1)*w.shape[1]] = f
    return dense''', seen.group_order),
        'The channels of a group are dealt out one by one. The channels of a group are next to each other.':
            Mistake('''
def densify(w, groups):
    dense = w.new_zeros(w.shape[0], w.shape[1]*groups, *w.shape[2:])
    for g,part in enumerate(w.chunk(groups)): dense[g*len(part):(g + 1)*len(part), g::groups] = part
    return dense''', seen.interleaved_groups),
        'All groups share the filters of the first one. Each group has filters of its own.': Mistake('''
def densify(w, groups):
    dense = w.new_zeros(w.shape[0], w.shape[1]*groups, *w.shape[2:])
    n,c = len(w)//groups,w.shape[1]
    for g in range(groups): dense[g*n:(g + 1)*n, g*c:(g + 1)*c] = w[:n]
    return dense''', seen.shared_filters),
    }
    def cases(self):
        shapes = {(4, 4, 3, 2): 1, (6, 1, 3, 2): 6, (4, 3, 3, 2): 2, (8, 1, 3, 2): 4, (9, 2, 1, 2): 3}
        return [(_random(shape)[0], groups) for shape,groups in shapes.items()]
    passed = 'the same outputs without groups, and zeros where no kernel is'

class Shadow(Exercise):
    id,title,name = '03.3','A filter that a shadow does not fool','shadow_free'
    statement = '''Suppose that a shadow multiplies all three channels by the same number. Then the red-green
                   filter above responds to the left and right borders of the shadow, wherever red and green
                   differ there. Write `shadow_free(im, w)` for a photograph `im` (3, H, W) and a red-green
                   filter `w` (1, 3, 3, 3). It returns a response, without padding, that still shows edges
                   from red to green but stays the same when any part of the picture is darkened in this way.
                   You may change the pixels before you call `F.conv2d`; all of them are above zero.'''
    setup = 'import torch, torch.nn.functional as F'
    stub = 'def shadow_free(im, w): ...'
    hints = ('The weights of the filter add up to 0 over the channels at every position. What does it '
             'ignore?',
             'It ignores a number that is added to all three channels. A shadow multiplies them.',
             'Which function turns a product into a sum?')
    solution_code = 'def shadow_free(im, w): return F.conv2d(im.log(), w)'
    mistakes = {
        'This is the filter as it is, and it sees the shadow: a difference of darker numbers is smaller.':
            Mistake('def shadow_free(im, w): return F.conv2d(im, w)', seen.plain_colors),
        'This divides by the brightest pixel of the picture. The shadow covers a part of it only.':
            Mistake('def shadow_free(im, w): return F.conv2d(im/im.max(), w)', seen.normalized_shadow),
        'This divides by the mean of the picture. A shadow covers a part of it, and darkens only that part.':
            Mistake('def shadow_free(im, w): return F.conv2d(im/im.mean(), w)'),
        'The output has the size of the input. Padding is not asked for, and zeros at the border are an '
        'edge.': Mistake('def shadow_free(im, w): return F.conv2d(im.log(), w, padding=1)',
            seen.border_for_edge),
        'The logarithm comes too late: it has to be taken of the pixels, before the filter.':
            Mistake('def shadow_free(im, w): return F.conv2d(im, w).abs().log()'),
        'This does not see the shadow, but it does not see the edge from red to green either.':
            Mistake('''
def shadow_free(im, w): return F.conv2d(im.mean(0, keepdim=True).expand(3, -1, -1), w)''', seen.gray_edge),
        'The added 1 spoils it: a shadow multiplies the pixel, but it does not multiply the pixel plus 1.':
            Mistake('def shadow_free(im, w): return F.conv2d(im.log1p(), w)', seen.log_of_one_more),
    }
    labels = ('the shape', 'the change that a shadow makes', 'the response to an edge from red to green')
    def cases(self):
        generator = torch.Generator().manual_seed(0)
        im,weight = .2 + .8*torch.rand(3, 8, 12, generator=generator),torch.zeros(1, 3, 3, 3)
        weight[0, 0, :, 0],weight[0, 1, :, 0] = 1/3,-1/3 # red and green change places from left to right
        weight[0, 0, :, 2],weight[0, 1, :, 2] = -1/3,1/3
        edge = torch.tensor([.8, .3, .2]).view(3, 1, 1).repeat(1, 8, 12)
        edge[:, :, 6:] = torch.tensor([.3, .8, .2]).view(3, 1, 1)
        dark = im.clone()
        dark[:, :, 6:] *= .5
        return [(im, weight), (dark, weight), (edge, weight)]
    def matches(self, got, want):
        (plain,dark,edge),shape = got,want[0].shape
        if any(getattr(o, 'shape', None) != shape for o in got): return False
        return bool((plain - dark).abs().max() < 1e-3 and edge.max() > .5)
    def complaint(self, got, want):
        if getattr(got[0], 'shape', None) != want[0].shape: return super().complaint(got, want)
        if (change := (got[0] - got[1]).abs().max()) >= 1e-3:
            return f'half of the picture was darkened by half, and the response changed by up to {change:.2f}'
        return f'the edge from red to green gives {got[2].max():.2f}, and more than 0.5 is asked for'
    passed = 'a shadow leaves no trace, and edges from red to green are still seen'
