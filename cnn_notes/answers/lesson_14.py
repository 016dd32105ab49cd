"The exercises of 14_questionnaire"
from cnn_notes.answers import seen
from cnn_notes.exercises import Exercise, Mistake

class WriteACheck(Exercise):
    id,title,name = '14.1','Write a check','check_stack'
    statement = '''Somebody answers: *two 3 x 3 convolutions with stride 1, one after the other, see as
                   many pixels as one kernel of {size} x {size}.* Write `check_stack(size)`, which raises
                   an `AssertionError` that says what was found if `size` is false, and does nothing if it
                   is true. Find the size by what a network does, not by a formula.'''
    setup = 'import torch, torch.nn.functional as F'
    stub = 'def check_stack(size): raise NotImplementedError'
    hints = ('Run two convolutions on an image that requires a gradient, and take one output in the middle.',
             'Which pixels have a gradient that is not zero? With weights of 1, nothing can cancel.',
             'Count the columns that are reached, and write assert found == size, followed by a message.')
    solution_code = '''
def check_stack(size):
    x = torch.ones(1, 1, 15, 15, requires_grad=True)
    k = torch.ones(1, 1, 3, 3) # ones, so that nothing cancels
    F.conv2d(F.conv2d(x, k), k)[0, 0, 5, 5].backward()
    found = (x.grad[0, 0].sum(0) != 0).sum().item()
    assert found == size, f'they see {found} x {found} pixels, not {size} x {size}\''''
    mistakes = {
        'This also lets a size pass that is too small. The answer says "as many," so test for equality.':
            Mistake("""
def check_stack(size): assert size <= 5, f'they see 5 x 5 pixels, not {size} x {size}'"""),
        'This also lets a size pass that is too large. The answer says "as many," so test for equality.':
            Mistake("""
def check_stack(size): assert size >= 5, f'they see 5 x 5 pixels, not {size} x {size}'""",
            seen.weak_assertion),
        'The assertion fails where it should, but it does not say what was found: assert condition, '
        'message.': Mistake('def check_stack(size): assert size == 5', seen.silent_assertion),
        'This adds the kernel sizes. The second kernel shares its center with the first: 3 + 3 - 1.':
            Mistake("""
def check_stack(size): assert size == 3 + 3, f'they see 6 x 6 pixels, not {size} x {size}'""",
            seen.whole_kernel),
        'This multiplies the kernel sizes, which would be right if the windows did not overlap.': Mistake("""
def check_stack(size): assert size == 3*3, f'they see 9 x 9 pixels, not {size} x {size}'"""),
        'This is the field with a stride of 2 in the first layer. The answer speaks of stride 1.': Mistake("""
def check_stack(size): assert size == 7, f'they see 7 x 7 pixels, not {size} x {size}'"""),
        'This is the field of one layer. The second one sees more.': Mistake("""
def check_stack(size): assert size == 3, f'they see 3 x 3 pixels, not {size} x {size}'""", seen.stacked),
        'The condition is the wrong way around: an assertion fails where its condition is false.': Mistake("""
def check_stack(size): assert size != 5, f'they see 5 x 5 pixels, not {size} x {size}'""",
            seen.inverted_condition),
        'This returns whether the size is right. A check raises an AssertionError where it is not.':
            Mistake('''
def check_stack(size): return size == 5''', seen.returned_test),
    }
    sizes = 5, 2, 3, 4, 6, 7, 8, 9, 10
    labels = tuple(f'check_stack({size})' for size in sizes)
    def outputs(self, answer):
        "For each size, what the check does"
        def outcome(size):
            try: answer(size)
            except AssertionError as e: return 'fails with a message' if str(e) else 'fails without a message'
            return 'passes'
        return [outcome(size) for size in self.sizes]
    def complaint(self, got, want):
        which = next(i for i,(a,b) in enumerate(zip(got, want)) if a != b)
        return f'check_stack({self.sizes[which]}) {got[which]}; it should be one that {want[which]}'
    passed = 'it lets the truth pass, and stops what is false'

class EightOfTen(Exercise):
    id,title,name = '14.2','Who is right?','sign_test'
    statement = '''A study group trained two networks with ten seeds each and says: *ours was better in
                   eight of ten, so it is better.* If the two were equally good, each seed would be the
                   toss of a fair coin. Write `sign_test(wins, n)`, which returns the probability, a
                   number from 0 to 1, that `n` tosses come out at least as one-sided as `wins` of `n`, in
                   either direction.'''
    setup = 'import math'
    stub = 'def sign_test(wins, n): ...'
    hints = ('How many of the 2**n sequences of tosses have exactly k heads? math.comb knows.',
             'Eight, nine, and ten heads are at least as one-sided as eight. So are eight, nine, and ten '
             'tails.',
             'Add up the larger side from max(wins, n - wins) to n, and double it. What happens at 5 of 10?')
    solution_code = '''
def sign_test(wins, n):
    most = max(wins, n - wins)
    one_side = sum(math.comb(n, k) for k in range(most, n + 1))/2**n
    return min(1., 2*one_side)'''
    mistakes = {
        'This counts one direction only. Eight losses of ten would have been as remarkable as eight wins.':
            Mistake('''
def sign_test(wins, n):
    most = max(wins, n - wins)
    return sum(math.comb(n, k) for k in range(most, n + 1))/2**n''', seen.two_sides),
        'This is the probability of at least so many wins. Few wins are one-sided, too.': Mistake('''
def sign_test(wins, n): return sum(math.comb(n, k) for k in range(wins, n + 1))/2**n''', seen.one_tail),
        'This is the probability of exactly this result. All results that are at least as one-sided count.':
            Mistake('''
def sign_test(wins, n): return math.comb(n, wins)/2**n'''),
        'The result itself is left out: at least as one-sided includes it.': Mistake('''
def sign_test(wins, n):
    most = max(wins, n - wins)
    return min(1., 2*sum(math.comb(n, k) for k in range(most + 1, n + 1))/2**n)''', seen.without_the_result),
        'Doubling counts a tie twice, and a probability is not larger than 1.': Mistake('''
def sign_test(wins, n):
    most = max(wins, n - wins)
    return 2*sum(math.comb(n, k) for k in range(most, n + 1))/2**n''', seen.doubled_tie),
        'This uses the normal distribution, which is a rough approximation for so few tosses.': Mistake('''
def sign_test(wins, n): return math.erfc(abs(wins - n/2)/(n/4)**.5/2**.5)''', seen.normal_tail),
        'This is the share of losses. It says nothing about chance: 8 of 10 and 80 of 100 are the same to '
        'it.': Mistake('def sign_test(wins, n): return 1 - wins/n'),
    }
    def cases(self): return [(8, 10), (2, 10), (5, 10), (10, 10), (0, 7), (6, 11), (17, 20)]
    passed = 'equal to the sign test; for 8 of 10 it is 0.11, too much to rest a claim on'

class MendARule(Exercise):
    id,title,name = '14.3','Mend a rule','filters'
    statement = '''*Double the filters whenever the image shrinks* was made for stride 2. Mend it for a
                   stride of `s`: write `filters(first, s, n)`, which returns a list with the number of
                   filters of `n` layers, one after the other. The first has `first` filters; all have
                   stride `s` and kernels of one size; the number of filters grows by the
                   same factor from layer to layer; and from the second layer on, all need the
                   same number of multiplications.'''
    stub = 'def filters(first, s, n): ...'
    hints = ('By which factor does the number of positions fall from one layer to the next?',
             'Multiplications per layer: positions times kernel cells times channels in times filters out.',
             'If the filters grow by g, so do the channels of the next layer: g*g has to make up for s*s.')
    solution_code = 'def filters(first, s, n): return [first*s**i for i in range(n)]'
    mistakes = {
        'This doubles the filters whatever the stride is. At stride 3, a ninth of the positions is left.':
            Mistake('def filters(first, s, n): return [first*2**i for i in range(n)]'),
        'The filters grow as fast as the positions fall. But the channels of the next layer grow, too, so '
        'this is too much.': Mistake('def filters(first, s, n): return [first*s**(2*i) for i in range(n)]'),
        'The filters stay the same, so each layer needs fewer multiplications than the one before it.':
            Mistake('def filters(first, s, n): return [first]*n', seen.same_filters),
        'The filters grow by a summand. To keep up with the stride they have to grow by a factor.':
            Mistake('def filters(first, s, n): return [first + i*s for i in range(n)]', seen.linear_filters),
        'These are multiples of the first number: the factor has to be applied again at each layer.':
            Mistake('def filters(first, s, n): return [first, *(first*s*i for i in range(1, n))]',
                seen.multiples_of_first),
        'The first layer already has more filters than asked for.':
            Mistake('def filters(first, s, n): return [first*s**(i + 1) for i in range(n)]',
                seen.factor_at_first),
        'This is one layer too many.':
            Mistake('def filters(first, s, n): return [first*s**i for i in range(n + 1)]'),
        'This is one layer too few. After the first, n - 1 are left.': Mistake('''
def filters(first, s, n): return [first, *(first*s**i for i in range(1, n - 1))]''', seen.range_from_one),
        'The filters become fewer from layer to layer. To make up for the positions that are lost, they have '
        'to become more.': Mistake('def filters(first, s, n): return [first//s**i for i in range(n)]',
            seen.widest_first),
    }
    def cases(self): return [(8, 2, 4), (4, 3, 3), (5, 4, 4), (6, 1, 3), (7, 3, 1)]
    passed = 'from the second layer on, every layer needs the same number of multiplications'
