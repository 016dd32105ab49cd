"The exercises of 12_before_deep_learning"
import math
import torch
from cnn_notes.answers import seen
from cnn_notes.exercises import Exercise, Mistake

def _wave(degrees, wavelength, phase, size=28):
    "A plane wave (1, 1, size, size) that runs in the direction of `degrees`: 0 to the right, 90 down"
    rows,cols = torch.meshgrid(torch.arange(float(size)), torch.arange(float(size)), indexing='ij')
    angle = math.radians(degrees)
    return torch.cos(2*math.pi*(cols*math.cos(angle) + rows*math.sin(angle))/wavelength + phase)[None, None]

class Direction(Exercise):
    id,title,name = '12.1','Which way does it run?','direction'
    statement = '''Write `direction(x)`: for one image (1, 1, H, W) of a plane wave with a
                   wavelength of 4 to 8 pixels, it returns the direction in which the wave runs, in degrees
                   from 0 up to 180 (0 to the right, 90 down), correct to within 10 degrees. Use a Gabor
                   bank.'''
    setup = 'import math, torch\nfrom cnn_notes.classic import gabor_bank, gabor_energy'
    tolerant = True # other banks are right, too
    stub = 'def direction(x): ...'
    hints = ('The energy forgets where exactly the stripes are. Which filter of the bank has the most of it?',
             'Have a direction at least every 15 degrees, and add up the energies of two wavelengths.',
             'Average over the positions, view the result as (wavelengths, directions), and take argmax.')
    solution_code = '''
def direction(x):
    energy = gabor_energy(x, gabor_bank(15, wavelengths=(5, 7), orientations=18)).mean((2, 3))
    return energy.view(2, 18).sum(0).argmax().item()*10'''
    mistakes = {
        'This is the direction along the stripes. The wave runs across them.': Mistake('''
def direction(x):
    energy = gabor_energy(x, gabor_bank(15, wavelengths=(5, 7), orientations=18)).mean((2, 3))
    degrees = energy.view(2, 18).sum(0).argmax().item()*10
    return (degrees + 90) % 180''', seen.stripes),
        'The angles are mirrored: rows are counted downward, so 90 degrees is down.': Mistake('''
def direction(x):
    energy = gabor_energy(x, gabor_bank(15, wavelengths=(5, 7), orientations=18)).mean((2, 3))
    degrees = energy.view(2, 18).sum(0).argmax().item()*10
    return -degrees % 180''', seen.upside_down_angles),
        'This is in radians. Degrees are asked for.': Mistake('''
def direction(x):
    energy = gabor_energy(x, gabor_bank(15, wavelengths=(5, 7), orientations=18)).mean((2, 3))
    degrees = energy.view(2, 18).sum(0).argmax().item()*10
    return math.radians(degrees)''', seen.radians),
        'This is the position in the bank, not the angle.': Mistake('''
def direction(x):
    energy = gabor_energy(x, gabor_bank(15, wavelengths=(5, 7), orientations=18)).mean((2, 3))
    degrees = energy.view(2, 18).sum(0).argmax().item()*10
    return degrees//10''', seen.index_for_angle),
        'This is the opposite of each angle, which leaves the range from 0 to 180.': Mistake('''
def direction(x):
    energy = gabor_energy(x, gabor_bank(15, wavelengths=(5, 7), orientations=18)).mean((2, 3))
    degrees = energy.view(2, 18).sum(0).argmax().item()*10
    return degrees + 180''', seen.negative_angle),
    }
    labels = ('the direction of a wave',)*28
    def cases(self):
        return [(_wave(d, w, p),) for d in self.degrees for w in (4.5, 7) for p in (0., 1.6)]
    degrees = (3, 20, 65, 93, 112, 155, 177)
    def matches(self, got, want):
        def near(given, degrees):
            if not isinstance(given, (int, float)): return False
            return 0 <= given <= 180 and abs((given - degrees + 90) % 180 - 90) <= 10
        return all(map(near, got, (d for d in self.degrees for _ in range(4))))
    passed = 'right for waves of all directions, lengths, and phases'

class Turnless(Exercise):
    id,title,name = '12.2','Turned by a quarter','turnless'
    statement = '''If an image turns by 90 degrees, the bits of its LBP codes move around their ring.
                   Write `turnless(code)`, which takes a tensor of codes and returns the *smallest* value
                   of each among the eight that turning its ring of bits can make: 36 different numbers
                   for the 256 codes. Their histogram over the whole
                   image does not notice the turn.'''
    setup = 'import torch'
    stub = 'def turnless(code): ...'
    hints = ('Turning the ring by one: shift all bits to the left, and bring the one that falls out back in.',
             'For i steps: (code << i | code >> 8-i) & 255.',
             'Stack all eight, and take the minimum over the stack.')
    solution_code = '''
def turnless(code):
    return torch.stack([(code << i | code >> 8-i) & 255 for i in range(8)]).min(0).values'''
    mistakes = {
        'This counts the ones, which forgets more than the turn: 00000101 and 00000011 have two each.':
            Mistake('''
def turnless(code): return sum(code >> i & 1 for i in range(8))'''),
        'These codes have more than eight bits: what leaves at one end must come in at the other.':
            Mistake('''
def turnless(code): return torch.stack([code << i for i in range(8)]).max(0).values''', seen.wide_rotation),
        'These are the codes as they were.': Mistake('def turnless(code): return code'),
        'This takes the largest of the eight.': Mistake('''
def turnless(code): return torch.stack([(code << i | code >> 8-i) & 255 for i in range(8)]).max(0).values'''),
        'The bits that fall out are lost, so most codes become 0.': Mistake('''
def turnless(code): return torch.stack([(code << i) & 255 for i in range(8)]).min(0).values''',
            seen.shift_for_rotation),
        'Bits that leave by i places at one end come back 8 - i places further down, not 7 - i.': Mistake('''
def turnless(code):
    return torch.stack([(code << i | code >> 7-i) & 255 for i in range(8)]).min(0).values''',
            seen.turn_short_by_one),
        'This tries only four of the eight turns.': Mistake('''
def turnless(code):
    return torch.stack([(code << i | code >> 8-i) & 255 for i in range(0, 8, 2)]).min(0).values''',
            seen.some_symmetries),
        'This turns by one step only.': Mistake('''
def turnless(code): return torch.minimum(code, (code << 1 | code >> 7) & 255)'''),
        'The top bit of an int8 is its sign, and a shift to the right brings in copies of it. The bits that '
        'come in have to be 0.': Mistake('''
def turnless(code):
    code = code.to(torch.int8)
    turned = (code << i | code >> 8-i for i in range(1, 8))
    return torch.stack([code, *turned]).min(0).values''', seen.signed_rotation),
        'This treats a pattern and its mirror image as the same, which leaves 30 numbers. A mirror image is '
        'not a turn.': Mistake('''
def turnless(code):
    mirrored = sum((code >> i & 1) << 7-i for i in range(8))
    turns = [(c << i | c >> 8-i) & 255 for c in (code, mirrored) for i in range(8)]
    return torch.stack(turns).min(0).values''', seen.mirror_for_turn),
    }
    def cases(self): return [(torch.arange(256),), (torch.arange(256).view(1, 16, 16),)]
    also_right = (solution_code.replace('range(8)', 'range(9)'),)
    passed = '36 numbers, and a turned image has the same histogram'

class SplitVote(Exercise):
    id,title,name = '12.3','A vote that is split','split_vote'
    statement = '''In `hog` a direction of 19.9 degrees votes for the first bin and one of 20.1 for the
                   second, so a tiny turn of an edge moves its whole vote. Dalal and Triggs split it:
                   write `split_vote(angle, bins)` for one angle, from 0 to pi (in radians), which returns
                   a list of `bins` shares that add up to 1. An angle in the middle of a bin gives all to
                   that bin; between two middles, each gets a part in proportion to how close it is. Mind
                   the ends: 0 and pi are the same direction.'''
    setup = 'import math'
    stub = 'def split_vote(angle, bins): ...'
    hints = ('The middle of bin b is at (b + 1/2)*pi/bins. Measure the angle in bins, from the first middle.',
             'The bin below gets the more, the closer the angle is to its middle.',
             'Near 0 and pi, the neighbors are the first bin and the last; % bins finds them.')
    solution_code = '''
def split_vote(angle, bins):
    place = angle*bins/math.pi - .5
    lower = math.floor(place)
    shares = [0.]*bins
    shares[lower % bins] += 1 - (place - lower)
    shares[(lower + 1) % bins] += place - lower
    return shares'''
    mistakes = {
        'All of the vote goes to one bin. Between two middles, both get a part.': Mistake('''
def split_vote(angle, bins):
    return [float(b == min(bins - 1, int(angle*bins/math.pi))) for b in range(bins)]''', seen.whole_vote),
        'The middles are half a bin off: an angle in the middle of a bin gives all to that bin.': Mistake('''
def split_vote(angle, bins):
    place = angle*bins/math.pi
    lower,shares = math.floor(place),[0.]*bins
    shares[lower % bins] += 1 - (place - lower)
    shares[(lower + 1) % bins] += place - lower
    return shares''', seen.half_a_bin),
        'The parts have changed places: the closer middle gets the larger one.': Mistake('''
def split_vote(angle, bins):
    place = angle*bins/math.pi - .5
    lower,shares = math.floor(place),[0.]*bins
    shares[lower % bins] += place - lower
    shares[(lower + 1) % bins] += 1 - (place - lower)
    return shares'''),
        'Near 0 and pi, a part of the vote belongs to the bin at the other end. Here it stays.': Mistake('''
def split_vote(angle, bins):
    place = min(max(angle*bins/math.pi - .5, 0), bins - 1)
    lower,shares = min(int(place), bins - 2),[0.]*bins
    shares[lower],shares[lower + 1] = 1 - (place - lower),place - lower
    return shares''', seen.clamped_bin),
        'The part for the bin at the other end is lost, so the shares near 0 and pi do not add up to 1.':
            Mistake('''
def split_vote(angle, bins):
    place = angle*bins/math.pi - .5
    return [max(0., 1 - abs(place - b)) for b in range(bins)]''', seen.last_bin),
        'The bins cover a full turn here. Directions of edges go from 0 to pi.': Mistake('''
def split_vote(angle, bins):
    place = angle*bins/(2*math.pi) - .5
    lower,shares = math.floor(place),[0.]*bins
    shares[lower % bins] += 1 - (place - lower)
    shares[(lower + 1) % bins] += place - lower
    return shares''', seen.half_turn),
    }
    def cases(self):
        middles = [((b + .5)*math.pi/bins, bins) for bins in (9, 4) for b in range(bins)]
        return middles + [(a, 9) for a in (.3, 1.1, 2.05, .01, 3.13, 0., math.pi)]
    passed = 'it is continuous, all the way around'
