"The exercises of 11_batchnorm"
import torch
from torch import nn
from cnn_notes.answers import seen
from cnn_notes.exercises import Exercise, Mistake

class FoldItAway(Exercise):
    id,title,name = '11.1','Fold it away','fold'
    statement = '''In evaluation, batch norm is one multiplication and one addition per channel. Write
                   `fold(conv, bn)`, which returns an `nn.Conv2d` that does the work of both, where the
                   norm directly follows the convolution. The given convolution may or may not have a bias.'''
    setup = 'import torch\nfrom copy import deepcopy\nfrom torch import nn'
    stub = 'def fold(conv, bn): ...'
    hints = ('Write out what the norm does to one channel in evaluation: which number multiplies, which '
             'is added?',
             'The factor gamma/sqrt(var + eps) scales the filter of its channel, and the bias as well.',
             'Beta and the running mean go into the bias, which is there afterward even if it was not '
             'before.')
    solution_code = '''
def fold(conv, bn):
    scale = bn.weight/(bn.running_var + bn.eps).sqrt()
    bias = torch.zeros(len(scale)) if conv.bias is None else conv.bias
    folded = deepcopy(conv)
    folded.weight = nn.Parameter(conv.weight*scale.view(-1, 1, 1, 1))
    folded.bias = nn.Parameter((bias - bn.running_mean)*scale + bn.bias)
    return folded'''
    mistakes = {
        'This is the convolution alone. The norm is missing.': Mistake('''
def fold(conv, bn): return conv'''),
        'The bias of the convolution must be scaled, too, because the norm comes after it.': Mistake('''
def fold(conv, bn):
    scale = bn.weight/(bn.running_var + bn.eps).sqrt()
    bias = torch.zeros(len(scale)) if conv.bias is None else conv.bias
    folded = deepcopy(conv)
    folded.weight = nn.Parameter(conv.weight*scale.view(-1, 1, 1, 1))
    folded.bias = nn.Parameter(bias - bn.running_mean*scale + bn.bias)
    return folded''', seen.conv_bias),
        'The running mean is missing: the norm subtracts it before it scales.': Mistake('''
def fold(conv, bn):
    scale = bn.weight/(bn.running_var + bn.eps).sqrt()
    bias = torch.zeros(len(scale)) if conv.bias is None else conv.bias
    folded = deepcopy(conv)
    folded.weight = nn.Parameter(conv.weight*scale.view(-1, 1, 1, 1))
    folded.bias = nn.Parameter(bias*scale + bn.bias)
    return folded''', seen.norm_shift),
        'The running mean is subtracted after scaling. The norm subtracts it first.': Mistake('''
def fold(conv, bn):
    scale = bn.weight/(bn.running_var + bn.eps).sqrt()
    bias = torch.zeros(len(scale)) if conv.bias is None else conv.bias
    folded = deepcopy(conv)
    folded.weight = nn.Parameter(conv.weight*scale.view(-1, 1, 1, 1))
    folded.bias = nn.Parameter(bias*scale - bn.running_mean + bn.bias)
    return folded'''),
        'This divides by the variance. The norm divides by its square root, the standard deviation.':
            Mistake('''
def fold(conv, bn):
    scale = bn.weight/(bn.running_var + bn.eps)
    bias = torch.zeros(len(scale)) if conv.bias is None else conv.bias
    folded = deepcopy(conv)
    folded.weight = nn.Parameter(conv.weight*scale.view(-1, 1, 1, 1))
    folded.bias = nn.Parameter((bias - bn.running_mean)*scale + bn.bias)
    return folded''', seen.no_root),
        'Gamma is missing: the norm scales with what it has learned, too.': Mistake('''
def fold(conv, bn):
    scale = 1/(bn.running_var + bn.eps).sqrt()
    bias = torch.zeros(len(scale)) if conv.bias is None else conv.bias
    folded = deepcopy(conv)
    folded.weight = nn.Parameter(conv.weight*scale.view(-1, 1, 1, 1))
    folded.bias = nn.Parameter((bias - bn.running_mean)*scale + bn.bias)
    return folded''', seen.no_gamma),
        'Beta is missing from the bias.': Mistake('''
def fold(conv, bn):
    scale = bn.weight/(bn.running_var + bn.eps).sqrt()
    bias = torch.zeros(len(scale)) if conv.bias is None else conv.bias
    folded = deepcopy(conv)
    folded.weight = nn.Parameter(conv.weight*scale.view(-1, 1, 1, 1))
    folded.bias = nn.Parameter((bias - bn.running_mean)*scale)
    return folded''', seen.norm_shift),
        'The filters are not scaled. A factor for each output channel belongs to the first axis of the '
        'weight.': Mistake('''
def fold(conv, bn):
    scale = bn.weight/(bn.running_var + bn.eps).sqrt()
    bias = torch.zeros(len(scale)) if conv.bias is None else conv.bias
    folded = deepcopy(conv)
    folded.bias = nn.Parameter((bias - bn.running_mean)*scale + bn.bias)
    return folded'''),
        'Without a bias in the convolution, the running mean and beta still need one. Here they are lost.':
            Mistake('''
def fold(conv, bn):
    scale = bn.weight/(bn.running_var + bn.eps).sqrt()
    folded = deepcopy(conv)
    folded.weight = nn.Parameter(conv.weight*scale.view(-1, 1, 1, 1))
    if conv.bias is not None: folded.bias = nn.Parameter((conv.bias - bn.running_mean)*scale + bn.bias)
    return folded''', seen.no_conv_bias),
        'This takes 1e-5 for eps. A norm keeps its own, in bn.eps, and with a small variance it counts.':
            Mistake('''
def fold(conv, bn):
    scale = bn.weight/(bn.running_var + 1e-5).sqrt()
    bias = torch.zeros(len(scale)) if conv.bias is None else conv.bias
    folded = deepcopy(conv)
    folded.weight = nn.Parameter(conv.weight*scale.view(-1, 1, 1, 1))
    folded.bias = nn.Parameter((bias - bn.running_mean)*scale + bn.bias)
    return folded''', seen.epsilon),
    }
    def cases(self):
        "Trained norms with small variances, so that eps counts, after convolutions with and without a bias"
        res,generator = [],torch.Generator().manual_seed(0)
        for bias in (True, False):
            conv,bn = nn.Conv2d(3, 4, 3, stride=2, padding=1, bias=bias),nn.BatchNorm2d(4, eps=.01)
            for tensor in (*conv.parameters(), *bn.parameters(), bn.running_mean):
                tensor.data = torch.randn(tensor.shape, generator=generator)
            bn.running_var = .05 + torch.rand(4, generator=generator)
            res.append((conv, bn.eval()))
        return res
    def outputs(self, answer):
        images = torch.randn(2, 3, 9, 9, generator=torch.Generator().manual_seed(1))
        layers = super().outputs(answer)
        with torch.no_grad(): return [m(images) if isinstance(m, nn.Module) else m for m in layers]
    passed = 'one layer does the work of two'

class ForgetTheStart(Exercise):
    id,title,name = '11.2','Forget the start','batches'
    statement = '''The running average starts at 0 and moves by the share `m`, the momentum, toward
                   each batch's mean. After how many batches does the start value have less than 1% of the
                   weight? Write `batches(m)`.'''
    setup = 'import math'
    stub = 'def batches(m): ...'
    hints = ('Each batch leaves 1 - m of what was there.', 'After n batches, (1 - m)**n of the start is '
             'left.',
             'Take logarithms, and round up: a number of batches is whole.')
    solution_code = 'def batches(m): return math.floor(math.log(.01)/math.log(1 - m)) + 1'
    mistakes = {
        'With momentum m, about 1/m batches count. After them, more than a third of the start is left.':
            Mistake('def batches(m): return round(1/m)', seen.last_terms),
        'Round up, not down: after this many batches, more than 1% is left.':
            Mistake('def batches(m): return math.floor(math.log(.01)/math.log(1 - m))'),
        'This takes m for the share that is kept. In PyTorch, momentum is the share of the new batch.':
            Mistake('def batches(m): return math.floor(math.log(.01)/math.log(m)) + 1', seen.momentum),
        'A number of batches is whole.': Mistake('def batches(m): return math.log(.01)/math.log(1 - m)'),
        'The weight shrinks by a factor in each batch, not by a fixed amount.':
            Mistake('def batches(m): return math.ceil(.99/m)', seen.fixed_amount),
        'This is for a tenth. One percent takes twice as many batches.':
            Mistake('def batches(m): return math.floor(math.log(.1)/math.log(1 - m)) + 1'),
        'This is the N for which m is 2/(N + 1), and some people call that an average over N batches. After '
        'N batches, much more than 1% of the start is left.':
            Mistake('def batches(m): return round(2/m - 1)', seen.name_of_the_average),
        'This asks when the start value has less than 99% of the weight. Compare what is left with 1%.':
            Mistake('''
def batches(m): return math.floor(math.log(.99)/math.log(1 - m)) + 1''', seen.gone_for_left),
    }
    def cases(self): return [(.3,), (.1,), (.01,), (.9,), (.75,)]
    also_right = (solution_code.replace('.01', '1.01'),)
    passed = 'the start is forgotten'

class TheWayBack(Exercise):
    id,title,name = '11.3','The way back','norm_backward'
    statement = '''In training, the mean and the variance are functions of the batch, so the gradient flows
                   through them, too. Write `norm_backward(x, grad, eps)`: for
                   `y = standardize(x, (0, 2, 3), eps)`, it takes the gradient `grad` of the loss with
                   respect to `y` and returns the gradient with respect to `x`. Write it as a formula, and do
                   not call `backward`. The check also moves one number of `x` a little and
                   watches the loss `(y*grad).sum()`.'''
    setup = 'import torch'
    stub = 'def norm_backward(x, grad, eps): ...'
    hints = ('The same number added to a whole channel changes nothing, and so does stretching a channel '
             '(with eps at 0). So the gradient has no part along either of the two changes. Which parts must '
             'you take out of `grad`?',
             'With x_hat for the normalized values, take out of `grad` its mean, and x_hat times the mean of '
             'grad*x_hat, each channel by itself.',
             'What remains is divided by the standard deviation, because y moves by 1/std where x moves by '
             '1. Both means are over (0, 2, 3), with keepdim=True.')
    solution_code = '''
def norm_backward(x, grad, eps):
    axes = dict(dim=(0, 2, 3), keepdim=True)
    std = (x.var(**axes, correction=0) + eps).sqrt()
    x_hat = (x - x.mean(**axes))/std
    return (grad - grad.mean(**axes) - x_hat*(grad*x_hat).mean(**axes))/std'''
    mistakes = {
        'This takes the mean and the variance for constants, as they are in evaluation. In training, every '
        'number of x moves them.': Mistake('''
def norm_backward(x, grad, eps):
    return grad/(x.var((0, 2, 3), keepdim=True, correction=0) + eps).sqrt()''', seen.constant_statistics),
        'The way through the variance is missing: x_hat times the mean of grad*x_hat.': Mistake('''
def norm_backward(x, grad, eps):
    axes = dict(dim=(0, 2, 3), keepdim=True)
    return (grad - grad.mean(**axes))/(x.var(**axes, correction=0) + eps).sqrt()''', seen.detached_variance),
        'The way through the mean is missing: the mean of grad.': Mistake('''
def norm_backward(x, grad, eps):
    axes = dict(dim=(0, 2, 3), keepdim=True)
    std = (x.var(**axes, correction=0) + eps).sqrt()
    x_hat = (x - x.mean(**axes))/std
    return (grad - x_hat*(grad*x_hat).mean(**axes))/std''', seen.constant_mean),
        'Here are sums where means belong: each number has only a small share in the mean of its channel.':
            Mistake('''
def norm_backward(x, grad, eps):
    axes = dict(dim=(0, 2, 3), keepdim=True)
    std = (x.var(**axes, correction=0) + eps).sqrt()
    x_hat = (x - x.mean(**axes))/std
    return (grad - grad.sum(**axes) - x_hat*(grad*x_hat).sum(**axes))/std'''),
        'This divides by the variance. The norm divides by its square root, so the gradient does, too.':
            Mistake('''
def norm_backward(x, grad, eps):
    axes = dict(dim=(0, 2, 3), keepdim=True)
    var = x.var(**axes, correction=0) + eps
    x_hat = (x - x.mean(**axes))/var.sqrt()
    return (grad - grad.mean(**axes) - x_hat*(grad*x_hat).mean(**axes))/var'''),
        'This is without eps. It stands beside the variance under the root, on the way back as well.':
            Mistake('''
def norm_backward(x, grad, eps):
    axes = dict(dim=(0, 2, 3), keepdim=True)
    std = x.var(**axes, correction=0).sqrt()
    x_hat = (x - x.mean(**axes))/std
    return (grad - grad.mean(**axes) - x_hat*(grad*x_hat).mean(**axes))/std''', seen.no_eps_back),
        'The norm uses the biased variance in training. `var` and `std` divide by one less unless told '
        'correction=0.': Mistake('''
def norm_backward(x, grad, eps):
    axes = dict(dim=(0, 2, 3), keepdim=True)
    std = (x.var(**axes) + eps).sqrt()
    x_hat = (x - x.mean(**axes))/std
    return (grad - grad.mean(**axes) - x_hat*(grad*x_hat).mean(**axes))/std''', seen.biased_variance),
        'The means are over the images only. A channel shares its statistics over rows and columns as well.':
            Mistake('''
def norm_backward(x, grad, eps):
    std = (x.var(0, keepdim=True, correction=0) + eps).sqrt()
    x_hat = (x - x.mean(0, keepdim=True))/std
    return (grad - grad.mean(0, keepdim=True) - x_hat*(grad*x_hat).mean(0, keepdim=True))/std''',
        seen.per_neuron),
        'These are the statistics of layer norm: of all channels of one image.': Mistake('''
def norm_backward(x, grad, eps):
    axes = dict(dim=(1, 2, 3), keepdim=True)
    std = (x.var(**axes, correction=0) + eps).sqrt()
    x_hat = (x - x.mean(**axes))/std
    return (grad - grad.mean(**axes) - x_hat*(grad*x_hat).mean(**axes))/std'''),
        'The second part is along the normalized values, not along x itself.': Mistake('''
def norm_backward(x, grad, eps):
    axes = dict(dim=(0, 2, 3), keepdim=True)
    std = (x.var(**axes, correction=0) + eps).sqrt()
    return (grad - grad.mean(**axes) - x*(grad*x).mean(**axes))/std'''),
    }
    def cases(self):
        "Channels of different means and spreads, one of them so small that eps counts"
        generator,res = torch.Generator().manual_seed(0),[]
        for shape,eps in (((4, 3, 2, 3), .1), ((2, 2, 3, 1), 1e-3)):
            images,grad = (torch.randn(shape, generator=generator) for _ in range(2))
            channel = torch.arange(shape[1]).view(-1, 1, 1)
            res.append((images*.3*3.**channel + channel - 2, grad + .5, eps))
        return res
    forbidden = dict.fromkeys(('backward', 'grad', 'vjp'),
                              'The numbers are right, but PyTorch differentiated. Write the formula.')
    def judge(self, answer):
        "Move single numbers a little, in double precision, and watch the loss"
        if said := super().judge(answer): return said
        images,grad,eps = (t.double() if isinstance(t, torch.Tensor) else t for t in self._cases[0])
        def loss(images):
            axes = dict(dim=(0, 2, 3), keepdim=True)
            var = images.var(**axes, correction=0)
            return ((images - images.mean(**axes))/(var + eps).sqrt()*grad).sum()
        moved = images.clone()
        moved.view(-1)[7] += 1e-6
        change,found = (loss(moved) - loss(images))/1e-6,answer(images, grad, eps).reshape(-1)[7]
        if abs(change - found) > 1e-4: return f'number 7 of x changes the loss by {change:.4f}'
    passed = 'equal to what moving single numbers does to the loss'
