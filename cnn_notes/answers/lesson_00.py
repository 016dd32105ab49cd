"The exercises of 00_data"
import struct
import torch
from cnn_notes.answers import seen
from cnn_notes.exercises import Exercise, Mistake

class AverageDigits(Exercise):
    id,title,name = '00.1','The average digit','average_digits'
    statement = '''`average_digits(x, y)` takes images of shape (n, h, w), as bytes, and their labels of
                   shape (n,). It should return the average image of each digit from 0 to 9, as one float
                   tensor of shape (10, h, w).'''
    setup = 'import torch'
    stub = 'def average_digits(x, y): ...'
    hints = ('The comparison `y == 3` says for each image whether it is a 3. What is `x[y == 3]`?',
             'An average over images keeps rows and columns. Which axis does it remove?',
             'Take `.float().mean(0)` of the images of each digit, and `torch.stack` the ten results.')
    solution_code = '''
def average_digits(x, y):
    return torch.stack([x[y == d].float().mean(0) for d in range(10)])'''
    mistakes = {
        'This is one number for each digit: its average ink. Average over the images only, axis 0.':
            Mistake('''
def average_digits(x, y): return torch.stack([x[y == d].float().mean() for d in range(10)])''',
            seen.mean_of_all),
        'This is the sum of the images of each digit. Divide it by how many there are.': Mistake('''
def average_digits(x, y): return torch.stack([x[y == d].float().sum(0) for d in range(10)])''',
            seen.undivided_sum),
        'This divides by the number of all images. Divide by the number of images of that digit.': Mistake('''
def average_digits(x, y): return torch.stack([x[y == d].float().sum(0) for d in range(10)])/len(x)''',
            seen.total_for_class),
        'This is the first image of each digit, not the average.': '''
def average_digits(x, y): return torch.stack([x[y == d][0].float() for d in range(10)])''',
        'These are the average images of the digits 1 to 9, and there is no 0. A range starts at 0.': '''
def average_digits(x, y): return torch.stack([x[y == d].float().mean(0) for d in range(1, 10)])''',
        'The averages are cut to whole numbers. Keep them as floats.': Mistake('''
def average_digits(x, y): return torch.stack([x[y == d].float().mean(0).byte() for d in range(10)])''',
            seen.truncated_average),
        'Ten times the same image: the average of all digits. Pick the images of one digit first.': '''
def average_digits(x, y): return torch.stack([x.float().mean(0) for d in range(10)])''',
        'Rows and columns are swapped in each image.': Mistake('''
def average_digits(x, y): return torch.stack([x[y == d].float().mean(0).T for d in range(10)])''',
            seen.julia_axes),
    }
    def cases(self):
        generator = torch.Generator().manual_seed(0)
        labels = torch.cat([torch.arange(10), torch.randint(0, 10, (21,), generator=generator)])
        return [(torch.randint(0, 256, (31, *size), generator=generator).byte(), labels)
            for size in ((4, 4), (3, 5))]
    passed = 'ten averages; `show_images(average_digits(mnist.train_x, mnist.train_y), ncols=10)` shows them'

class ToNchw(Exercise):
    id,title,name = '00.2','NCHW by hand','to_nchw'
    statement = '''`to_nchw(photos)` takes a list of color photographs, all the same size, as NumPy arrays
                   of bytes with shape (h, w, 3). It should return one float tensor of shape (n, 3, h, w)
                   with values from 0 to 1.'''
    setup = 'import numpy as np, torch'
    stub = 'def to_nchw(photos): ...'
    hints = ('With `np.stack` the list becomes one array (n, h, w, 3), and with `torch.from_numpy` a '
             'tensor.',
             'To move axes, use `permute`. With `reshape` or `view`, the numbers are cut up in a new way and '
             'the colors are mixed.',
             'The axes are to come in the order (0, 3, 1, 2), and a byte goes up to 255.')
    solution_code = '''
def to_nchw(photos): return torch.from_numpy(np.stack(photos)).permute(0, 3, 1, 2)/255'''
    mistakes = {
        'The shape is right and the numbers are mixed up: `reshape` and `view` do not move an axis, but '
        '`permute` does.': Mistake('''
def to_nchw(photos):
    x = torch.from_numpy(np.stack(photos))
    return x.reshape(len(photos), 3, *x.shape[1:3])/255''', seen.reshaped_colors),
        'The channels are still last. PyTorch wants them second.': Mistake('''
def to_nchw(photos): return torch.from_numpy(np.stack(photos))/255''', seen.channels_last),
        'The values go from 0 to 255. Divide by 255.': Mistake('''
def to_nchw(photos): return torch.from_numpy(np.stack(photos)).permute(0, 3, 1, 2).float()''',
            seen.not_scaled),
        'A byte goes up to 255, so this never reaches 1. Divide by 255, not by 256.': Mistake('''
def to_nchw(photos): return torch.from_numpy(np.stack(photos)).permute(0, 3, 1, 2)/256''', seen.by_256),
        'Width and height are swapped: the photographs lie on their side.': Mistake('''
def to_nchw(photos): return torch.from_numpy(np.stack(photos)).permute(0, 3, 2, 1)/255''', seen.lying_images),
        'Red and blue are swapped.': Mistake('''
def to_nchw(photos): return torch.from_numpy(np.stack(photos)).permute(0, 3, 1, 2).flip(1)/255''',
            seen.red_for_blue),
        'The channels come first and the images second: (3, n, h, w).': '''
def to_nchw(photos): return torch.from_numpy(np.stack(photos)).permute(3, 0, 1, 2)/255''',
        'This is the first photograph alone. Stack them all.': '''
def to_nchw(photos): return torch.from_numpy(photos[0]).permute(2, 0, 1)[None]/255''',
        'The division leaves whole numbers, 0 or 1. Divide with `/`.': Mistake('''
def to_nchw(photos): return torch.from_numpy(np.stack(photos)).permute(0, 3, 1, 2)//255''',
            seen.whole_numbers),
    }
    def cases(self):
        import numpy as np
        def photo(i, h, w): return np.random.default_rng(i).integers(0, 256, (h, w, 3), dtype=np.uint8)
        return [([photo(i, *size) for i in range(2)],) for size in ((4, 6), (3, 3))]
    def judge(self, answer):
        if not answer(self._cases[0][0]).is_floating_point(): return 'the numbers are right; make them floats'
    passed = 'one batch, channels second, between 0 and 1'

class ParseIdx(Exercise):
    id,title,name = '00.3','Read the file yourself','parse_idx'
    statement = '''`parse_idx(raw)` takes the contents of an IDX file whose values are bytes, as a `bytes`
                   object: two zero bytes, an 8, the number of axes, the size of each axis as a four-byte
                   number with its most significant byte first, and the values. It should return the values
                   as a tensor of that shape, for any number of axes.'''
    setup = 'import math, struct, numpy as np, torch'
    stub = 'def parse_idx(raw): ...'
    hints = ('The number of axes is `raw[3]`, an int. Where do the values begin?',
             "The size of the first axis is `int.from_bytes(raw[4:8], 'big')`.",
             'The values begin after 4 + 4*axes bytes. `torch.tensor(list(...))` takes bytes, and '
             '`.view(shape)` gives them their shape.')
    solution_code = '''
def parse_idx(raw):
    start = 4 + 4*raw[3]
    shape = [int.from_bytes(raw[i:i+4], 'big') for i in range(4, start, 4)]
    return torch.tensor(list(raw[start:]), dtype=torch.uint8).view(shape)'''
    mistakes = {
        'The values are right, in one long row. Give them the shape from the header with `view`.':
            Mistake('''
def parse_idx(raw): return torch.tensor(list(raw[4 + 4*raw[3]:]))''', seen.no_reshape),
        'The axes are in reverse order.': Mistake('''
def parse_idx(raw):
    start = 4 + 4*raw[3]
    shape = [int.from_bytes(raw[i:i+4], 'big') for i in range(4, start, 4)]
    return torch.tensor(list(raw[start:])).view(shape[::-1])''', seen.julia_axes),
        'The header is among the values. They begin after 4 + 4*axes bytes.': Mistake('''
def parse_idx(raw): return torch.tensor(list(raw))''', seen.header_as_pixels),
        'This is the header: the sizes of the axes. The values follow after it.': '''
def parse_idx(raw):
    return torch.tensor([int.from_bytes(raw[i:i+4], 'big') for i in range(4, 4 + 4*raw[3], 4)])''',
        'The values are divided by 255. Return the bytes as the file holds them.': Mistake('''
def parse_idx(raw):
    start = 4 + 4*raw[3]
    shape = [int.from_bytes(raw[i:i+4], 'big') for i in range(4, start, 4)]
    return torch.tensor(list(raw[start:])).view(shape)/255''', seen.scaled_in_the_reader),
        'The bytes are read as signed numbers: above 127 they come out negative.': Mistake('''
def parse_idx(raw):
    start = 4 + 4*raw[3]
    shape = [int.from_bytes(raw[i:i+4], 'big') for i in range(4, start, 4)]
    return torch.tensor(list(raw[start:]), dtype=torch.uint8).view(torch.int8).view(shape)''',
        seen.signed_bytes),
        'The shape is right, but the values are in the wrong places: in the file, the index of the last axis '
        'changes fastest.': Mistake('''
def parse_idx(raw):
    start = 4 + 4*raw[3]
    shape = [int.from_bytes(raw[i:i+4], 'big') for i in range(4, start, 4)]
    return torch.tensor(list(raw[start:])).view(shape[::-1]).permute(*range(len(shape))[::-1])''',
            seen.first_axis_fastest),
    }
    def cases(self):
        generator = torch.Generator().manual_seed(0)
        def file(*shape):
            values = torch.randint(0, 256, shape, generator=generator).flatten().tolist()
            return (bytes((0, 0, 8, len(shape))) + struct.pack(f'>{len(shape)}I', *shape) + bytes(values),)
        return [file(2, 3, 5), file(7), file(4, 3), file(300, 2, 1), file(2, 1, 3, 2)]
    also_right = ('''
def parse_idx(raw):
    shape = struct.unpack_from(f'>{raw[3]}I', raw, 4)
    return torch.from_numpy(np.frombuffer(raw, np.uint8, offset=4+4*raw[3]).copy()).reshape(shape)''',
                  solution_code.replace(', dtype=torch.uint8', ''),
                  solution_code.replace(", 'big')", ')')) # the default since Python 3.11
    passed = "your reader takes the course's four files; compare it with `read_idx`"

class Batches(Exercise):
    id,title,name = '00.4','Batches by hand','batches'
    statement = '''`batches(n, bs)` should return a list of tensors: the positions of the images that go
                   into each batch of one epoch, so that `x[b]` is a batch for every `b` in the list. Every
                   batch has exactly `bs` positions from 0 to n-1, no position occurs twice, an incomplete
                   last batch is left out, and the order is different each time.'''
    setup = 'import random, torch'
    stub = 'def batches(n, bs): ...'
    hints = ('A call of `torch.randperm(n)` gives the numbers from 0 to n-1 in random order.',
             'The method `split(bs)` cuts a tensor into pieces of bs; the last one may be shorter.',
             'There are n//bs whole batches.')
    solution_code = 'def batches(n, bs): return list(torch.randperm(n).split(bs)[:n//bs])'
    mistakes = {
        'The images come in the order in which they are stored. Shuffle them.':
            Mistake('def batches(n, bs): return list(torch.arange(n).split(bs)[:n//bs])', seen.not_shuffled),
        'The last batch has fewer than bs images. Leave it out.':
            Mistake('def batches(n, bs): return list(torch.randperm(n).split(bs))', seen.short_batch),
        'Each batch is drawn anew, so an image can come twice and others never. Shuffle once, then cut.':
            Mistake('def batches(n, bs): return [torch.randint(0, n, (bs,)) for _ in range(n//bs)]',
                seen.drawn_anew),
        'Each batch is a random choice by itself, so images come in several batches. Shuffle once, then cut.':
            Mistake('def batches(n, bs): return [torch.randperm(n)[:bs] for _ in range(n//bs)]',
                seen.drawn_alone),
        'Only the order of the batches is random: the same images are together in every epoch.': Mistake('''
def batches(n, bs):
    whole = torch.arange(n).split(bs)[:n//bs]
    return [whole[i] for i in torch.randperm(n//bs)]''', seen.frozen_batches),
        'The order is the same in every epoch, because the seed is set in each call.': Mistake('''
def batches(n, bs):
    g = torch.Generator().manual_seed(0)
    return list(torch.randperm(n, generator=g).split(bs)[:n//bs])''', seen.same_order),
        'There are bs batches of n//bs images. It should be the other way around.':
            Mistake('def batches(n, bs): return list(torch.randperm(n)[:n//bs*bs].split(n//bs))',
                seen.pieces_not_size),
        'The last whole batch is missing.':
            Mistake('def batches(n, bs): return list(torch.randperm(n).split(bs)[:n//bs-1])',
                seen.last_batch),
    }
    labels = ('the sizes of the batches of 50 images, 8 in each',
              'the sizes of the batches of 60 images, 5 in each',
              'whether there are 60 different positions', 'whether all positions are from 0 to n-1',
              'whether the images of a batch are together by chance',
              'whether an image has other neighbors in the next epoch',
              'whether the next epoch has another order', 'whether no position comes twice in a batch')
    def outputs(self, answer):
        first = answer(50, 8)
        if first is None or first is ...: return [first]
        once,again = ([torch.as_tensor(o).tolist() for o in answer(60, 5)] for _ in range(2))
        flat,stored = sum(once, []),torch.arange(60).view(12, 5).tolist()
        def together(x): return {frozenset(o) for o in x}
        return [[len(o) for o in first], [len(o) for o in once], len(set(flat)) == 60,
                set(flat) <= set(range(60)), together(once) != together(stored),
                together(once) != together(again),
                once != again, all(len(set(o)) == len(o) for o in once)]
    also_right = ('def batches(n, bs): return torch.randperm(n).split(bs)[:n//bs]',)
    passed = 'every image once, in random order, in whole batches'
