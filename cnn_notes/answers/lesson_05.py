"The exercises of 05_simple_cnn"
import torch
from torch import nn
from cnn_notes.answers import seen
from cnn_notes.exercises import Exercise, Mistake

class Flatten(Exercise):
    id,title,name = '05.1','Flatten by hand','flatten'
    statement = '''Write `flatten(x)`, which does what `nn.Flatten()` does, for a tensor of any shape (N,
                   ...), using no function of PyTorch but `reshape`. It should also work for a batch of one
                   and for a batch of none: code that selects some of the images may select none.'''
    setup = 'import math, torch'
    stub = 'def flatten(x): ...'
    hints = ('The first axis stays, whatever its length. All the others become one.',
             'How long is the new axis? As long as the others multiplied.',
             'A -1 in reshape cannot be worked out where there are no values. math.prod(x.shape[1:]) can.')
    solution_code = 'def flatten(x): return x.reshape(len(x), math.prod(x.shape[1:]))'
    mistakes = {
        'This drops every axis of length 1, the batch axis of a single image too, and no other axis.':
            Mistake('def flatten(x): return x.squeeze()', seen.squeezed),
        'This drops the axes of length 1 behind the first, and leaves longer ones as they are.': Mistake('''
def flatten(x): return x.reshape([n for i,n in enumerate(x.shape) if i == 0 or n != 1])'''),
        'The batch axis is gone: all images have become one row.':
            Mistake('def flatten(x): return x.reshape(math.prod(x.shape))', seen.flat_batch),
        'The batch axis is gone: all images have become one row, with an axis of length 1 before it.':
            Mistake('def flatten(x): return x.reshape(1, math.prod(x.shape))', seen.batch_in_a_row),
        'The channels are still an axis of their own. They are flattened too.':
            Mistake('def flatten(x): return x.reshape(*x.shape[:2], math.prod(x.shape[2:]))',
                seen.channels_left),
        'The last axis was kept, and the batch became part of the first. It is the first axis that stays.':
            'def flatten(x): return x.reshape(math.prod(x.shape[:-1]), x.shape[-1])',
        'The shape is right, but the values of different images are mixed: the batch axis was made the last.':
            Mistake('def flatten(x): return x.reshape(math.prod(x.shape[1:]), len(x)).T',
                seen.reshaped_images),
        'The channels come last within each image. nn.Flatten keeps the order of the axes.':
            Mistake('def flatten(x): return x.movedim(1, -1).reshape(len(x), math.prod(x.shape[1:]))',
                seen.flat_order),
    }
    def cases(self):
        shapes = (128, 10, 1, 1),(1, 10, 1, 1),(3, 64, 2, 2),(5, 7),(2, 3, 1, 4),(0, 10, 1, 1)
        return [(torch.arange(torch.Size(shape).numel()).view(shape),) for shape in shapes]
    forbidden = {'flatten': 'The values are right, but flatten is what you were to write with `reshape`.'}
    passed = 'your function gives what nn.Flatten does, for a batch of one and of none too'

class Widths(Exercise):
    id,title,name = '05.2','A network for larger images','widths'
    statement = '''`simple_cnn(widths)` halves an image once for each width, and once more in its last
                   layer. Halving rounds up. Write `widths(size, first, most)`, which returns the list of
                   widths for images of `size` x `size` pixels (3 or more): as many widths as it takes for
                   the last layer to get to one position, with `first` filters in the first layer, twice as
                   many in each layer as in the one before it, and never more than `most`.'''
    stub = 'def widths(size, first, most): ...'
    hints = ('How often must 100 be halved, rounding up, to become 1? The last halving is not in the list.',
             'Halve `size` in a loop until 2 is left, and add a width to the list each time.',
             'Rounding up, half of n is (n + 1)//2. The next width is min(2*width, most).')
    solution_code = '''
def widths(size, first, most):
    res = []
    while size > 2:
        size = (size + 1)//2
        res.append(min(first*2**len(res), most))
    return res'''
    mistakes = {
        'There is one width too many. The last layer of simple_cnn halves too.': Mistake('''
def widths(size, first, most):
    res = []
    while size > 1:
        size = (size + 1)//2
        res.append(min(first*2**len(res), most))
    return res''', seen.layer_too_many),
        'This halves by rounding down. A convolution with stride 2 and this padding rounds up: 7 becomes '
        '4.': Mistake('''
def widths(size, first, most):
    res = []
    while size > 2:
        size = size//2
        res.append(min(first*2**len(res), most))
    return res''', seen.rounded_down),
        'For a power of two, such as 64, there is one width too many. Which sizes become 2?': Mistake('''
def widths(size, first, most):
    return [min(first*2**i, most) for i in range(size.bit_length() - 1)]''', seen.log2_layers),
        'The widths go on doubling beyond `most`.': Mistake('''
def widths(size, first, most):
    res = []
    while size > 2:
        size = (size + 1)//2
        res.append(first*2**len(res))
    return res''', seen.uncapped),
        'The list ends where `most` is reached. The layers after that have `most` filters too.': '''
def widths(size, first, most):
    res = []
    while size > 2 and first*2**len(res) <= most:
        size = (size + 1)//2
        res.append(first*2**len(res))
    return res''',
        'All layers have the same width. It doubles from layer to layer.': Mistake('''
def widths(size, first, most):
    res = []
    while size > 2:
        size = (size + 1)//2
        res.append(first)
    return res''', seen.same_width),
        'The first width is doubled already.': '''
def widths(size, first, most):
    res = []
    while size > 2:
        size = (size + 1)//2
        res.append(min(2*first*2**len(res), most))
    return res''',
        'Each layer has `first` filters more than the one before it. Twice as many were asked for.': '''
def widths(size, first, most):
    res = []
    while size > 2:
        size = (size + 1)//2
        res.append(min(first*(len(res) + 1), most))
    return res''',
        'The widths are in the wrong order: the first layer has the fewest filters.': Mistake('''
def widths(size, first, most):
    res = []
    while size > 2:
        size = (size + 1)//2
        res.append(min(first*2**len(res), most))
    return res[::-1]''', seen.widest_first),
    }
    seconds = 3.
    also_right = (solution_code.replace('min(first*2**len(res), most)', 'min(most, first*2**len(res))'),)
    def cases(self):
        return [(28, 8, 64), (100, 8, 64), (64, 4, 1000), (65, 4, 1000), (3, 5, 8), (33, 6, 20),
                (224, 16, 256)]
    passed = 'simple_cnn(widths(100, 8, 64)) takes images of 100 x 100 down to one position'

class ConvPool(Exercise):
    id,title,name = '05.3','Halve by pooling','conv_pool'
    statement = '''A stride of 2 skips every second position. The older way is to compute every position
                   and to keep the largest of each 2 x 2 outputs. Write `conv_pool(ni, nf)`, which
                   makes a 3 x 3 convolution with stride 1, a ReLU, and a max-pooling, so that the output has
                   the same shape as that of `conv(ni, nf)`, for images of every size.'''
    setup = 'import torch\nfrom torch import nn\nfrom cnn_notes.models import conv'
    stub = 'def conv_pool(ni, nf): ...'
    hints = ('The convolution should keep the size of the image, and the pooling halve it.',
             'The function conv makes the convolution and its ReLU. Which stride does it need here?',
             'Half of 7 rounds up to 4 with conv. By default, nn.MaxPool2d drops a window that is not full; '
             'see its ceil_mode.')
    solution_code = '''
def conv_pool(ni, nf):
    return nn.Sequential(conv(ni, nf, stride=1), nn.MaxPool2d(2, ceil_mode=True))'''
    mistakes = {
        'The last row and column of an odd size are lost: pooling drops a window that is not full, unless '
        'it is told otherwise.': Mistake('''
def conv_pool(ni, nf): return nn.Sequential(conv(ni, nf, stride=1), nn.MaxPool2d(2))''', seen.odd_pooling),
        'The convolution has no padding, so it cuts a border off before the pooling.': Mistake('''
def conv_pool(ni, nf):
    return nn.Sequential(conv(ni, nf, stride=1, padding=0), nn.MaxPool2d(2, ceil_mode=True))''',
        seen.shrinking),
        'The convolution has stride 2 already, so the size is halved twice.': Mistake('''
def conv_pool(ni, nf): return nn.Sequential(conv(ni, nf), nn.MaxPool2d(2, ceil_mode=True))''',
            seen.halved_twice),
        'This takes the mean of each 2 x 2 outputs, not the largest.': Mistake('''
def conv_pool(ni, nf): return nn.Sequential(conv(ni, nf, stride=1), nn.AvgPool2d(2, ceil_mode=True))''',
            seen.mean_for_max),
        'There is no ReLU: some outputs are negative.': Mistake('''
def conv_pool(ni, nf):
    return nn.Sequential(conv(ni, nf, stride=1, act=None), nn.MaxPool2d(2, ceil_mode=True))''', seen.no_relu),
        'Nothing halves the size here. The pooling is missing.': Mistake('''
def conv_pool(ni, nf): return conv(ni, nf, stride=1)''', seen.no_pooling),
        'The windows of the pooling overlap by one: its stride is 1.': Mistake('''
def conv_pool(ni, nf):
    return nn.Sequential(conv(ni, nf, stride=1), nn.MaxPool2d(2, stride=1, ceil_mode=True))''',
        seen.pooling_stride),
        'This is the convolution with stride 2 that the pooling should replace.': Mistake('''
def conv_pool(ni, nf): return conv(ni, nf)''', seen.stride_for_pooling),
        'The pooling comes first. The convolution then sees a quarter of the positions.': '''
def conv_pool(ni, nf): return nn.Sequential(nn.MaxPool2d(2, ceil_mode=True), conv(ni, nf, stride=1))''',
    }
    sizes = (8, 8),(7, 7),(9, 6),(4, 4),(3, 5),(28, 28)
    labels = tuple(f'for images of {h} x {w}' for h,w in sizes)
    def outputs(self, answer):
        "What the layer gives for images of several sizes, with known weights in its convolution"
        model,generator = answer(2, 3),torch.Generator().manual_seed(0)
        if not isinstance(model, nn.Module): return [model]
        with torch.no_grad():
            for p in model.parameters(): p.copy_(torch.randn(p.shape, generator=generator))
            return [model(torch.randn(2, 2, *size, generator=generator)) for size in self.sizes]
    passed = 'the same shapes as conv, for odd sizes too'

class Step(Exercise):
    id,title,name = '05.4','One step, by hand','step'
    statement = '''Write `step(model, xb, yb, lr)`, one step of gradient descent without an optimizer.
                   It should compute the cross-entropy of the batch, change every parameter by
                   -`lr` times its gradient, leave no gradient behind for the next step, and return the
                   loss before the change as a number.'''
    setup = 'import torch, torch.nn.functional as F'
    stub = 'def step(model, xb, yb, lr): ...'
    hints = ('F.cross_entropy takes the outputs of the model and the labels. `backward` fills in p.grad for '
             'each parameter p.',
             'Change the parameters in place, inside `with torch.no_grad():`, because the change is no part '
             'of the computation to differentiate.',
             'The line p -= lr*p.grad changes p itself. Afterwards, set p.grad = None.')
    solution_code = '''
def step(model, xb, yb, lr):
    loss = F.cross_entropy(model(xb), yb)
    loss.backward()
    with torch.no_grad():
        for p in model.parameters():
            p -= lr*p.grad
            p.grad = None
    return loss.item()'''
    mistakes = {said: Mistake(f'def step(model, xb, yb, lr):{body}', body.source) for said,body in {
        'The gradients of the steps add up: each step has to leave p.grad empty.': Mistake('''
    loss = F.cross_entropy(model(xb), yb)
    loss.backward()
    with torch.no_grad():
        for p in model.parameters(): p -= lr*p.grad
    return loss.item()''', seen.no_zero_grad),
        'This climbs: it adds the gradient, so the loss grows.': Mistake('''
    loss = F.cross_entropy(model(xb), yb)
    loss.backward()
    with torch.no_grad():
        for p in model.parameters():
            p += lr*p.grad
            p.grad = None
    return loss.item()''', seen.ascent),
        'The learning rate is not used.': Mistake('''
    loss = F.cross_entropy(model(xb), yb)
    loss.backward()
    with torch.no_grad():
        for p in model.parameters():
            p -= p.grad
            p.grad = None
    return loss.item()''', seen.no_rate),
        'No parameter has changed: p = p - lr*p.grad makes a new tensor and gives it the name p.': Mistake('''
    loss = F.cross_entropy(model(xb), yb)
    loss.backward()
    with torch.no_grad():
        for p in model.parameters():
            p = p - lr*p.grad
            p.grad = None
    return loss.item()''', seen.new_tensor),
        'No parameter has changed: the gradients were set to zero before they were used.': Mistake('''
    loss = F.cross_entropy(model(xb), yb)
    loss.backward()
    model.zero_grad(set_to_none=False)
    with torch.no_grad():
        for p in model.parameters(): p -= lr*p.grad
    return loss.item()''', seen.zeroed_too_early),
        'The softmax is applied twice: F.cross_entropy takes the outputs as they are.': Mistake('''
    loss = F.cross_entropy(model(xb).softmax(1), yb)
    loss.backward()
    with torch.no_grad():
        for p in model.parameters():
            p -= lr*p.grad
            p.grad = None
    return loss.item()''', seen.two_softmaxes),
        'The loss is summed over the batch, so a larger batch takes larger steps. Take the mean.': Mistake('''
    loss = F.cross_entropy(model(xb), yb, reduction='sum')
    loss.backward()
    with torch.no_grad():
        for p in model.parameters():
            p -= lr*p.grad
            p.grad = None
    return loss.item()''', seen.summed_loss),
        'The biases have not changed. They are parameters too.': Mistake('''
    loss = F.cross_entropy(model(xb), yb)
    loss.backward()
    with torch.no_grad():
        for p in model.parameters():
            if p.ndim > 1: p -= lr*p.grad
            p.grad = None
    return loss.item()''', seen.fixed_bias),
        'The loss is still a tensor, with all that it was computed from. Make it a number with .item().':
            Mistake('''
    loss = F.cross_entropy(model(xb), yb)
    loss.backward()
    with torch.no_grad():
        for p in model.parameters():
            p -= lr*p.grad
            p.grad = None
    return loss''', seen.loss_with_graph),
        'This is the loss after the change. The loss before it was asked for.': Mistake('''
    F.cross_entropy(model(xb), yb).backward()
    with torch.no_grad():
        for p in model.parameters():
            p -= lr*p.grad
            p.grad = None
        return F.cross_entropy(model(xb), yb).item()''', seen.loss_after_step),
    }.items()}
    labels = ('the loss of the first step', 'the loss of the second step', 'the loss of the third step',
              'whether the losses are numbers', 'a gradient left behind',
              *(f'parameter {i} after three steps' for i in range(6)))
    def outputs(self, answer):
        "Three losses, the gradients that are left, and the parameters, after steps on three batches"
        from cnn_notes.models import simple_cnn
        model,generator = simple_cnn((3, 4), n_out=5),torch.Generator().manual_seed(0)
        start = [p.detach().clone() for p in model.parameters()]
        batches = [(torch.randn(size, 1, 8, 8, generator=generator),
            torch.randint(5, (size,), generator=generator))
                   for size in (6, 9, 4)]
        losses = [answer(model, xb, yb, lr) for (xb,yb),lr in zip(batches, (.3, .5, .2))]
        after = [p.detach() for p in model.parameters()]
        if losses == [None]*3 and all(map(torch.equal, start, after)): return [None]
        left = sum(p.grad.abs().sum().item() for p in model.parameters() if p.grad is not None)
        numbers = not any(isinstance(loss, torch.Tensor) for loss in losses)
        return [*losses, numbers, left, *after]
    passed = 'three steps give the losses and the weights of torch.optim.SGD'
