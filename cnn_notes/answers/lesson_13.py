"The exercises of 13_speed"
from cnn_notes.answers import seen
from cnn_notes.exercises import Exercise, Mistake

class Amdahl(Exercise):
    id,title,name = '13.1','The most that a faster convolution brings','amdahl'
    statement = '''Write `amdahl(share, k)`: how many times as fast is the whole if a `share` of its
                   time gets `k` times as fast and the rest stays as it is?'''
    stub = 'def amdahl(share, k): ...'
    hints = ('Take the old time as 1. Which part of it stays?', 'The other part shrinks to share/k.',
             'The speed is the old time over the new one.')
    solution_code = 'def amdahl(share, k): return 1/(1 - share + share/k)'
    mistakes = {
        'Speeds do not add up like this. Add up the times, and divide at the end.':
            Mistake('def amdahl(share, k): return share*k + 1 - share', seen.mean_of_rates),
        'This is the new time, as a share of the old one. The speed is its inverse.':
            Mistake('def amdahl(share, k): return 1 - share + share/k', seen.time_for_speed),
        'This forgets the part that stays as it is.':
            Mistake('def amdahl(share, k): return k/share if share else 1.'),
        'The parts have changed places: the share is what gets faster.':
            Mistake('def amdahl(share, k): return 1/(share + (1 - share)/k)', seen.other_part),
        'This would be right if everything got faster.': Mistake('def amdahl(share, k): return k',
            seen.part_for_all),
        'This is the limit for a part that takes no time at all.':
            Mistake('def amdahl(share, k): return 1/(1 - share + 1e-12)'),
        'This adds the share of the time that is saved to a speed of 1. If half of the time is saved, the '
        'speed is 2, not 1.5.':
            Mistake('def amdahl(share, k): return 1 + share - share/k', seen.saved_as_faster),
        'This is the share of the time that is saved. The speed is the old time over the new one.':
            Mistake('def amdahl(share, k): return share - share/k', seen.change_for_speed),
        'This takes share/k for the time that is saved. It is the time that the part still takes.':
            Mistake('def amdahl(share, k): return 1/(1 - share/k)', seen.left_for_saved),
    }
    def cases(self): return [(.5, 2), (.8, 4), (0., 9), (.25, 3), (.7, float('inf'))]
    passed = 'the new time is what stays and what shrinks'

class CropSaves(Exercise):
    id,title,name = '13.2','What the crop saves','conv_products'
    statement = '''Write `conv_products(size)`: the multiplications of the two convolutions of
                   `fast_cnn()` for a middle of `size` x `size` pixels, with the kernel counted in full at
                   every position. The first has 16 filters of 4 x 4 at stride 2 on one channel, and the
                   second has 32 filters of 3 x 3 at stride 2; neither has padding.'''
    stub = 'def conv_products(size): ...'
    hints = ('Without padding, n pixels become (n - ks)//stride + 1 positions.',
             'The second convolution works on what the first one gives.',
             'Products per position: 4*4*1*16 for the first, 3*3*16*32 for the second.')
    solution_code = '''
def conv_products(size):
    first = (size - 4)//2 + 1
    second = (first - 3)//2 + 1
    return first**2*4*4*16 + second**2*3*3*16*32'''
    mistakes = {
        'The first position is missing: the number of steps plus one is the number of positions.': Mistake('''
def conv_products(size):
    first = (size - 4)//2
    second = (first - 3)//2
    return first**2*4*4*16 + second**2*3*3*16*32''', seen.plus_one),
        'Both convolutions are given the same number of positions, but the second one halves again.':
            Mistake('''
def conv_products(size):
    first = (size - 4)//2 + 1
    return first**2*(4*4*16 + 3*3*16*32)'''),
        'A filter of the second convolution reads all 16 channels.': Mistake('''
def conv_products(size):
    first = (size - 4)//2 + 1
    second = (first - 3)//2 + 1
    return first**2*4*4*16 + second**2*3*3*32''', seen.no_channels),
        'This counts as if the layers were padded: without padding, fewer positions are left.': Mistake('''
def conv_products(size):
    first,second = -(-size//2),-(-size//4)
    return first**2*4*4*16 + second**2*3*3*16*32''', seen.as_if_padded),
        'The positions form a square: rows times columns.': Mistake('''
def conv_products(size):
    first = (size - 4)//2 + 1
    second = (first - 3)//2 + 1
    return first*4*4*16 + second*3*3*16*32'''),
        'The stride is not used.': Mistake('''
def conv_products(size):
    first = size - 4 + 1
    second = first - 3 + 1
    return first**2*4*4*16 + second**2*3*3*16*32''', seen.no_stride),
        'This counts a kernel once for every pixel that goes into a layer. Count it once for every pixel '
        'that comes out.': Mistake('''
def conv_products(size):
    first = (size - 4)//2 + 1
    return size**2*4*4*16 + first**2*3*3*16*32''', seen.pixels_going_in),
        'The stride is used twice: the numbers of positions are already those at stride 2.': Mistake('''
def conv_products(size):
    first = (size - 4)//2 + 1
    second = (first - 3)//2 + 1
    return (first//2)**2*4*4*16 + (second//2)**2*3*3*16*32''', seen.stride_twice),
        'This multiplies by the number of filters twice. One of them should be the number of channels that a '
        'filter reads.': Mistake('''
def conv_products(size):
    first = (size - 4)//2 + 1
    second = (first - 3)//2 + 1
    return first**2*4*4*16*16 + second**2*3*3*32*32''', seen.outputs_for_inputs),
    }
    def cases(self): return [(28,), (20,), (18,), (16,), (17,), (19,)]
    passed = 'positions times kernel times channels, twice'
