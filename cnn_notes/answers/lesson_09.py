"The exercises of 09_activations"
import torch
from cnn_notes.answers import seen
from cnn_notes.exercises import Exercise, Mistake

class DeadChannels(Exercise):
    id,title,name = '09.1','Dead channels','dead'
    statement = '''A channel is dead for a batch if its ReLU passes nothing on, at any position of any
                   image. `dead(x)` gets a layer's output *before* the ReLU, shape (N, C, H, W), and should
                   return the share of dead channels.'''
    setup = 'import torch'
    stub = 'def dead(x): ...'
    hints = ('One positive value, in one image, at one position, is enough to be alive.',
             'Look at the largest value of each channel, over images, rows, and columns.',
             'The method amax takes several axes at once: (0, 2, 3).')
    solution_code = 'def dead(x): return (x.amax((0, 2, 3)) <= 0).float().mean()'
    mistakes = {
        'This is the share of values that are off. A channel is dead only if all of its values are.':
            Mistake('def dead(x): return (x <= 0).float().mean()'),
        'This looks at each image separately. A channel that is off for one image may be on for another.':
            Mistake('def dead(x): return (x.amax((2, 3)) <= 0).float().mean()', seen.off_for_one),
        'This asks whether the mean is positive. A channel with a negative mean may still pass something '
        'on.': Mistake('def dead(x): return (x.mean((0, 2, 3)) <= 0).float().mean()'),
        'These are the channels that are always on. Dead ones have no positive value at all.':
            Mistake('def dead(x): return (x.amin((0, 2, 3)) > 0).float().mean()'),
        'This is the share of channels that are alive.':
            Mistake('def dead(x): return (x.amax((0, 2, 3)) > 0).float().mean()'),
        'This is the share of dead images: the axes of images and channels have changed places.':
            Mistake('def dead(x): return (x.amax((1, 2, 3)) <= 0).float().mean()'),
        'This is the number of dead channels. Divide it by the number of channels.':
            Mistake('def dead(x): return (x.amax((0, 2, 3)) <= 0).sum()'),
        'The absolute value makes every value count as on. A ReLU passes on positive values only.':
            Mistake('def dead(x): return (x.abs().amax((0, 2, 3)) <= 0).float().mean()', seen.dormant),
        'This looks at the first image only. A channel that is off for it may be on for another.':
            Mistake('def dead(x): return (x[0].amax((1, 2)) <= 0).float().mean()', seen.first_sample),
        'This counts the values that are off and divides by the number of channels. A channel is dead only '
        'if all of its values are off.': Mistake('def dead(x): return (x <= 0).sum()/x.shape[1]',
            seen.values_per_channel),
        'This looks at each position by itself. A channel is alive if it is on at any of its positions.':
            Mistake('def dead(x): return (x.amax(0) <= 0).float().mean()',
            seen.position_for_channel),
    }
    def cases(self):
        res,generator = [],torch.Generator().manual_seed(0)
        for images,channels,dead in ((16, 8, 3), (4, 5, 0), (2, 6, 6), (3, 7, 2)):
            outputs = torch.randn(images, channels, 6, 6, generator=generator) - 1
            outputs[:, :dead] = -outputs[:, :dead].abs()
            if channels > dead: outputs[:, -1],outputs[0, -1, 0, 0] = -1.,2. # barely alive
            if channels > dead + 1: outputs[0, -2] = -outputs[0, -2].abs() # off for one image
            if channels > dead + 2: outputs[1, -3] = -outputs[1, -3].abs() # off for another
            if dead: outputs[0, 0, 0, 0] = 0. # dead: a ReLU passes nothing on for 0
            res.append((outputs,))
        return [*res, (torch.full((2, 3, 2, 2), .5),)]
    passed = 'the network would say the same'

class ReadAColumn(Exercise):
    id,title,name = '09.2','Read a column','counted'
    statement = '''`counted(h, lo, hi, a, b)` gets what the callback's `hist(layer)` returns (the values
                   that the picture shows: a row for each bin, a column for each batch), the range `lo` to
                   `hi` of the histograms, and two edges of bins `a < b`. It should return, for each batch,
                   how many activations lay between `a` and `b`, as a tensor of whole numbers.'''
    setup = 'import torch'
    stub = 'def counted(h, lo, hi, a, b): ...'
    hints = ('A column is a batch and a row is a bin. How wide is a bin, and which rows lie between a and b?',
             'The numbers in h are log(1 + count), because colors would not show small counts otherwise.',
             'Undo the logarithm first (expm1), then add up, and round at the end.')
    solution_code = '''
def counted(h, lo, hi, a, b):
    width = (hi - lo)/len(h)
    first,last = round((a - lo)/width),round((b - lo)/width)
    return h[first:last].expm1().sum(0).round().long()'''
    mistakes = {
        'The logarithm of a sum is not the sum of the logarithms: undo it before you add up.':
            Mistake('''def counted(h, lo, hi, a, b):
    width = (hi-lo)/len(h)
    return h[round((a - lo)/width):round((b - lo)/width)].sum(0).expm1().round().long()''',
        seen.mean_of_logs),
        'These are sums of log(1 + count), as the picture shows them, not counts.':
            Mistake('''def counted(h, lo, hi, a, b):
    width = (hi-lo)/len(h)
    return h[round((a - lo)/width):round((b - lo)/width)].sum(0).round().long()''', seen.logs_as_counts),
        'The bins start at lo, so a and b have to be measured from there.':
            Mistake('''def counted(h, lo, hi, a, b):
    width = (hi-lo)/len(h)
    return h[round(a/width):round(b/width)].expm1().sum(0).round().long()''', seen.low_edge),
        'This sums over the batches. A column is a batch.': Mistake('''def counted(h, lo, hi, a, b):
    width = (hi-lo)/len(h)
    return h[round((a - lo)/width):round((b - lo)/width)].expm1().sum(1).round().long()''',
        seen.other_axis),
        'The logarithm is of 1 + count: exp gives one too many for every bin.':
            Mistake('''def counted(h, lo, hi, a, b):
    width = (hi-lo)/len(h)
    return h[round((a - lo)/width):round((b - lo)/width)].exp().sum(0).round().long()''',
        seen.exp_for_expm1),
        'One bin too many: b is the edge where the last bin ends.': Mistake('''def counted(h, lo, hi, a, b):
    width = (hi-lo)/len(h)
    return h[round((a - lo)/width):round((b - lo)/width) + 1].expm1().sum(0).round().long()''',
        seen.edge_as_bin),
        'One bin is missing: the end of a slice is left out anyway, so nothing has to be subtracted.':
            Mistake('''def counted(h, lo, hi, a, b):
    width = (hi-lo)/len(h)
    return h[round((a - lo)/width):round((b - lo)/width) - 1].expm1().sum(0).round().long()''',
        seen.missing_bin),
    }
    def cases(self):
        generator,res = torch.Generator().manual_seed(1),[]
        for bins,lo,hi,first,last in ((40, 0, 10, 2, 3), (24, -10, 14, -3, 5), (8, -2, 2, -2, 1)):
            batches = [torch.randn(5000, generator=generator)*3 for _ in range(40)]
            counts = torch.stack([x.histc(bins, lo, hi) for x in batches], 1).log1p()
            res.append((counts, lo, hi, first, last))
        return res
    passed = 'counted, not colored'

def _network(seed=0):
    from cnn_notes.models import simple_cnn
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model,xb = simple_cnn(),torch.randn(64, 1, 28, 28)
    model[1].conv.bias.data.fill_(-100)
    model[3].conv.bias.data.fill_(7)
    return model,xb

class _OfNetwork(Exercise):
    "What an answer does to a network, read layer by layer"
    def cases(self): return [_network()]
    def outputs(self, answer):
        (model,xb),before = _network(),_network()[0]
        answer(model, xb)
        same = all(torch.equal(a, b) for a,b in zip(model.parameters(), before.parameters()))
        return [None] if same else [*self.read(model, xb), *self.kept(model, before)]
    def statistics(self, model, images):
        "Of each convolution's output: the largest mean of a channel, and the standard deviation of all "
        "values"
        with torch.no_grad():
            for block in model[:-1]:
                output = block.conv(images)
                yield output.mean((0, 2, 3)).abs().max().item(),output.std().item()
                images = block(images)

class Rescue(_OfNetwork):
    id,title,name = '09.3','A start that is not dead','rescue'
    statement = '''Choose the biases. `rescue(model, xb)` gets an untrained `simple_cnn` whose layers
                   may be dead, and a batch of images. It should change nothing but the biases of the
                   convolutions, in place, so that the output of every convolution has mean 0 for this
                   batch, channel by channel. Work from the first layer to the last: what a layer sees
                   depends on those before it.'''
    setup = 'import torch'
    stub = 'def rescue(model, xb): ...'
    hints = ('What happens to the mean of a channel if you subtract that mean from its bias?',
             'Go through model[:-1] block by block; block.conv(x) is what you center, and block(x) is the '
             'next x.',
             'Compute the next x after the bias has changed, not before.')
    solution_code = '''
@torch.no_grad()
def rescue(model, xb):
    x = xb
    for block in model[:-1]:
        block.conv.bias -= block.conv(x).mean((0, 2, 3))
        x = block(x)'''
    mistakes = {
        'All means are taken before any bias has changed. A layer sees what the mended layers before it '
        'give.': Mistake('''
@torch.no_grad()
def rescue(model, xb):
    means,x = [],xb
    for block in model[:-1]:
        means.append(block.conv(x).mean((0, 2, 3)))
        x = block(x)
    for block,mean in zip(model[:-1], means): block.conv.bias -= mean''', seen.stale_inputs),
        'The next layer gets the output of the convolution. Between them is the ReLU.': Mistake('''
@torch.no_grad()
def rescue(model, xb):
    x = xb
    for block in model[:-1]:
        block.conv.bias -= block.conv(x).mean((0, 2, 3))
        x = block.conv(x)''', seen.relu_not_run),
        'The mean is added to the bias. It has to be subtracted.': Mistake('''
@torch.no_grad()
def rescue(model, xb):
    x = xb
    for block in model[:-1]:
        block.conv.bias += block.conv(x).mean((0, 2, 3))
        x = block(x)''', seen.added_mean),
        'This subtracts one mean of the whole layer. Each channel has its own.': Mistake('''
@torch.no_grad()
def rescue(model, xb):
    x = xb
    for block in model[:-1]:
        block.conv.bias -= block.conv(x).mean()
        x = block(x)''', seen.mean_through_channels),
        'Biases of zero are a start, but the outputs of a layer still have other means.': Mistake('''
@torch.no_grad()
def rescue(model, xb):
    for block in model[:-1]: block.conv.bias.zero_()'''),
        'This centers what comes out of the ReLU. The task asks for the output of the convolution.':
            Mistake('''
@torch.no_grad()
def rescue(model, xb):
    x = xb
    for block in model[:-1]:
        block.conv.bias -= block(x).mean((0, 2, 3))
        x = block(x)''', seen.inplace_relu),
    }
    labels = (*(f'the largest mean of a channel in layer {i}' for i in range(5)), 'weights that changed')
    def read(self, model, xb): return [round(m, 3) for m,_ in self.statistics(model, xb)]
    def kept(self, model, before):
        return [sum(not torch.equal(a.conv.weight, b.conv.weight) for a,b in zip(model[:-1], before[:-1]))]
    def matches(self, got, want): return all(abs(o) < 2e-3 for o in got)
    passed = 'every layer is alive'

class Lsuv(_OfNetwork):
    id,title,name = '09.4','LSUV','lsuv'
    statement = '''Mishkin and Matas ("All you need is a good init," 2016) choose the size of the
                   weights by measuring. Write `lsuv(model, xb)`: layer by layer, from the first to the
                   last, multiply all weights of a convolution by one number and set its biases, so that
                   its output has standard deviation 1 over all of its values, and every channel has mean
                   0. (The paper starts from orthogonal weights and leaves the mean alone.)'''
    setup = 'import torch'
    stub = 'def lsuv(model, xb): ...'
    hints = ('Center first: subtract the mean of each channel from its bias, as in the exercise before.',
             'Then divide weights and biases by the standard deviation, which scales the whole output.',
             'Only then compute what the next layer sees.')
    solution_code = '''
@torch.no_grad()
def lsuv(model, xb):
    x = xb
    for block in model[:-1]:
        block.conv.bias -= block.conv(x).mean((0, 2, 3))
        std = block.conv(x).std()
        block.conv.weight /= std
        block.conv.bias /= std
        x = block(x)'''
    mistakes = {
        'The biases are not scaled with the weights, so the means move away from 0 again.': Mistake('''
@torch.no_grad()
def lsuv(model, xb):
    x = xb
    for block in model[:-1]:
        block.conv.bias -= block.conv(x).mean((0, 2, 3))
        block.conv.weight /= block.conv(x).std()
        x = block(x)''', seen.bias_before_weight),
        'The means are right, but the standard deviations still shrink from layer to layer.': Mistake('''
@torch.no_grad()
def lsuv(model, xb):
    x = xb
    for block in model[:-1]:
        block.conv.bias -= block.conv(x).mean((0, 2, 3))
        x = block(x)'''),
        'The next layer gets the output of the convolution. Between them is the ReLU.': Mistake('''
@torch.no_grad()
def lsuv(model, xb):
    x = xb
    for block in model[:-1]:
        block.conv.bias -= block.conv(x).mean((0, 2, 3))
        std = block.conv(x).std()
        block.conv.weight /= std
        block.conv.bias /= std
        x = block.conv(x)''', seen.relu_missing),
        'This divides by the variance. Dividing by the standard deviation makes the deviation 1.': Mistake('''
@torch.no_grad()
def lsuv(model, xb):
    x = xb
    for block in model[:-1]:
        block.conv.bias -= block.conv(x).mean((0, 2, 3))
        var = block.conv(x).var()
        block.conv.weight /= var
        block.conv.bias /= var
        x = block(x)''', seen.variance_for_std),
        'The standard deviations are right, but the channels have other means than 0.': Mistake('''
@torch.no_grad()
def lsuv(model, xb):
    x = xb
    for block in model[:-1]:
        std = block.conv(x).std()
        block.conv.weight /= std
        block.conv.bias /= std
        x = block(x)''', seen.mean_not_subtracted),
        'Kaiming initialization assumes what the inputs are like. LSUV measures them.': Mistake('''
@torch.no_grad()
def lsuv(model, xb):
    torch.manual_seed(0)
    for block in model[:-1]:
        torch.nn.init.kaiming_normal_(block.conv.weight)
        block.conv.bias.zero_()'''),
        'This measures what comes out of the ReLU. The task asks for the output of the convolution.':
            Mistake('''
@torch.no_grad()
def lsuv(model, xb):
    x = xb
    for block in model[:-1]:
        block.conv.bias -= block(x).mean((0, 2, 3))
        std = block(x).std()
        block.conv.weight /= std
        block.conv.bias /= std
        x = block(x)''', seen.inplace_relu),
        'This measures all layers before it changes any of them. Change a layer first, then run it to see '
        'what the next one gets.': Mistake('''
@torch.no_grad()
def lsuv(model, xb):
    found,x = [],xb
    for block in model[:-1]:
        output = block.conv(x)
        found.append((output.mean((0, 2, 3)), output.std()))
        x = block(x)
    for block,(mean,std) in zip(model[:-1], found):
        block.conv.bias -= mean
        block.conv.weight /= std
        block.conv.bias /= std''', seen.stale_inputs),
    }
    labels = tuple(f'{what} in layer {i}' for i in range(5) for what in ('the largest mean', 'the deviation'))
    def read(self, model, xb): return [round(o, 3) for both in self.statistics(model, xb) for o in both]
    def kept(self, model, before): return []
    def matches(self, got, want): return all(abs(o - (i%2)) < 3e-3 for i,o in enumerate(got))
    passed = 'every layer starts with mean 0 and standard deviation 1'
