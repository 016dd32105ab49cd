"The exercises of 10_one_cycle"
from cnn_notes.answers import seen
from cnn_notes.exercises import Exercise, Mistake

class FlatThenDown(Exercise):
    id,title,name = '10.1','Flat, then down','flat_cos'
    statement = '''Write `flat_cos(n, lr, pct)`: the constant rate `lr` for the first share `pct` of `n`
                   steps, and then half a cosine toward 0 at step `n`, as fastai's `fit_flat_cos` does with
                   an infinite `div_final`. It returns a list of `n` rates. (With a warm-up before it, this
                   is WSD.)'''
    setup = 'import math'
    stub = 'def flat_cos(n, lr, pct): ...'
    hints = ('Two phases: for i < pct*n the rate is lr.',
             'In the second phase, which share of it has passed at step i? It begins at pct*n and ends at n.',
             'Half a cosine from 1 to 0 at a share p of the way: (1 + cos(pi*p))/2.')
    solution_code = '''
def flat_cos(n, lr, pct):
    def down(i): return lr*(1 + math.cos(math.pi*(i - pct*n)/(n - pct*n)))/2
    return [lr if i < pct*n else down(i) for i in range(n)]'''
    mistakes = {
        'The cosine is half over when the second phase begins: measure its position from pct*n, not from 0.':
            Mistake('''
def flat_cos(n, lr, pct):
    return [lr if i < pct*n else lr*(1 + math.cos(math.pi*i/n))/2 for i in range(n)]''', seen.decay_position),
        'This goes down in a straight line.': Mistake('''
def flat_cos(n, lr, pct): return [lr if i < pct*n else lr*(n - i)/(n - pct*n) for i in range(n)]'''),
        'This is a quarter of a cosine, which is steep at the end. Half a cosine starts and ends flat.':
            Mistake('''
def flat_cos(n, lr, pct):
    return [lr if i < pct*n else lr*math.cos(math.pi/2*(i - pct*n)/(n - pct*n)) for i in range(n)]''',
        seen.quarter_cosine),
        'The rate is 0 at the last step. It should be 0 at step n, one step after the last.': Mistake('''
def flat_cos(n, lr, pct):
    def down(i): return lr*(1 + math.cos(math.pi*(i - pct*n)/(n - 1 - pct*n)))/2
    return [lr if i < pct*n else down(i) for i in range(n)]''', seen.last_epoch),
        'The phases have changed places: the rate is constant first.': Mistake('''
def flat_cos(n, lr, pct):
    return [lr*(1 + math.cos(math.pi*i/(pct*n)))/2 if i < pct*n else 0. for i in range(n)]'''),
        'This is one rate too many: n steps have n rates.': Mistake('''
def flat_cos(n, lr, pct):
    def down(i): return lr*(1 + math.cos(math.pi*(i - pct*n)/(n - pct*n)))/2
    return [lr if i < pct*n else down(i) for i in range(n + 1)]'''),
        'The second phase has n - pct*n steps, not n. Over n steps, its cosine does not come down to 0.':
            Mistake('''
def flat_cos(n, lr, pct):
    return [lr if i < pct*n else lr*(1 + math.cos(math.pi*(i - pct*n)/n))/2 for i in range(n)]''',
        seen.whole_length),
        'This stops at lr/2. From 1 down to -1, a cosine needs half a turn, which is pi.': Mistake('''
def flat_cos(n, lr, pct):
    def down(i): return lr*(1 + math.cos(math.pi/2*(i - pct*n)/(n - pct*n)))/2
    return [lr if i < pct*n else down(i) for i in range(n)]''', seen.stops_halfway),
        'The cosine is as long as the second phase, but it starts at step 0. It comes down to 0 too early, '
        'and then the rate rises again.': Mistake('''
def flat_cos(n, lr, pct):
    return [lr if i < pct*n else lr*(1 + math.cos(math.pi*i/(n - pct*n)))/2 for i in range(n)]''',
        seen.begun_early),
    }
    also_right = (solution_code.replace('i < pct', 'i <= pct'),)
    def cases(self): return [(100, .1, .75), (40, 1., .5), (7, .3, .2), (10, .01, 0.)]
    passed = "the same as fastai's"

class Translate(Exercise):
    id,title,name = '10.2','Translate a schedule','fastai_div_final'
    statement = '''A colleague trains with `OneCycleLR(opt, max_lr, total_steps=..., div_factor=d,
                   final_div_factor=f)`. Write `fastai_div_final(d, f)`: the `div_final` with which
                   `fit_one_cycle` heads for the same last rate.'''
    stub = 'def fastai_div_final(d, f): ...'
    hints = ('Which rate does PyTorch divide by final_div_factor?', 'PyTorch divides the first rate, '
             'which is max_lr/d.',
             "In fastai, the highest rate is divided by div_final. How often does max_lr contain "
             "PyTorch's last "
             "rate?")
    solution_code = 'def fastai_div_final(d, f): return d*f'
    mistakes = {
        'PyTorch divides the *first* rate by f, and that one is max_lr/d already.':
            Mistake('def fastai_div_final(d, f): return f', seen.final_factor),
        'This divides the factors. Both make the rate smaller.':
            Mistake('def fastai_div_final(d, f): return f/d'),
        'This is the last rate itself, as a share of the highest. fastai wants what to divide by.':
            Mistake('def fastai_div_final(d, f): return 1/(d*f)', seen.share_for_divisor),
        'This is the factor of the first rate. The last one is smaller.':
            Mistake('def fastai_div_final(d, f): return d', seen.first_for_last),
        'Factors that follow each other multiply.': Mistake('def fastai_div_final(d, f): return d + f'),
        'PyTorch divides the first rate by f. This multiplies it.':
            Mistake('def fastai_div_final(d, f): return d/f', seen.multiplied_factor),
        'This takes f for the share of the highest rate that is left. PyTorch divides by f, and what it '
        'divides is the first rate.': Mistake('def fastai_div_final(d, f): return 1/f', seen.factor_as_share),
    }
    def cases(self): return [(25., 1e4), (10., 100.), (4., 1.), (3., 7.)]
    passed = 'both head for the same rate'

class LastRate(Exercise):
    id,title,name = '10.3','The last rate of the range test','last_rate'
    statement = '''`lr_find` with `start_lr=a`, `end_lr=b`, `num_it=k` never reaches `b`. Write
                   `last_rate(a, b, k)`: the highest rate that it tries if the loss does not stop it.'''
    stub = 'def last_rate(a, b, k): ...'
    hints = ('The rate is multiplied by the same factor at every step.', 'Step i of k, counted from 0, is '
             'at position i/k.',
             'The last step is k - 1.')
    solution_code = 'def last_rate(a, b, k): return a*(b/a)**((k - 1)/k)'
    mistakes = {
        'The rate b would come at step k, and the last step is k - 1.':
            Mistake('def last_rate(a, b, k): return b', seen.end_of_range),
        'The rates grow by a factor, not by a summand.':
            Mistake('def last_rate(a, b, k): return a + (b - a)*(k - 1)/k'),
        'This is the second rate, after one step.':
            Mistake('def last_rate(a, b, k): return a*(b/a)**(1/k)', seen.stuck_at_second),
        'The positions go from 0 to 1 in k steps, so they are i/k and not i/(k + 1).':
            Mistake('def last_rate(a, b, k): return a*(b/a)**(k/(k + 1))'),
        'The factor is that of b to a, not of b alone.':
            Mistake('def last_rate(a, b, k): return b**((k - 1)/k)'),
        'This is beyond b. Counted from 0, the last of k steps is k - 1, not k + 1.':
            Mistake('def last_rate(a, b, k): return a*(b/a)**((k + 1)/k)', seen.beyond_the_end),
        'The first rate is multiplied in twice. At step 0, the rate is a and not a*a.':
            Mistake('def last_rate(a, b, k): return a*a*(b/a)**((k - 1)/k)', seen.base_rate_twice),
        'These are powers of 10 whose exponents go from a to b. The rates themselves go from a to b.':
            Mistake('def last_rate(a, b, k): return 10**(a + (b - a)*(k - 1)/k)', seen.rates_as_exponents),
    }
    def cases(self): return [(1e-7, 10., 100), (1e-3, 1., 10), (1e-5, .1, 37)]
    passed = 'one factor short of the end'

class EqualSteps(Exercise):
    id,title,name = '10.4','The same steps, another momentum','equal_steps'
    statement = '''Someone wants to train by SGD with the constant momentum `m`, and with the steady steps
                   of a schedule that has the rates `lrs` and the momenta `moms`. Write
                   `equal_steps(lrs, moms, m)`: the list of rates for that.'''
    stub = 'def equal_steps(lrs, moms, m): ...'
    hints = ('Under a constant gradient of 1, how far does a step of SGD go, with rate lr and momentum m?',
             'The steady step is lr/(1 - m). It should be the same in both schedules.',
             'Solve new/(1 - m) == lr/(1 - mom) for new.')
    solution_code = '''
def equal_steps(lrs, moms, m): return [lr*(1 - m)/(1 - mom) for lr,mom in zip(lrs, moms)]'''
    mistakes = {
        'The two factors have changed places: a higher momentum makes longer steps, so it needs lower rates.':
            Mistake('''
def equal_steps(lrs, moms, m): return [lr*(1 - mom)/(1 - m) for lr,mom in zip(lrs, moms)]'''),
        'The length of a step goes with 1/(1 - momentum), not with the momentum.': Mistake('''
def equal_steps(lrs, moms, m): return [lr*mom/m for lr,mom in zip(lrs, moms)]''', seen.by_the_momentum),
        'These are the steady steps. Which rates give them at the momentum m?': Mistake('''
def equal_steps(lrs, moms, m): return [lr/(1 - mom) for lr,mom in zip(lrs, moms)]'''),
        'The momenta of the schedule are missing: its own steps are longer than its rates.': Mistake('''
def equal_steps(lrs, moms, m): return [lr*(1 - m) for lr in lrs]''', seen.base_momentum),
        'With the rates as they were, another momentum changes the steps. Under Adam it would not.':
            Mistake('def equal_steps(lrs, moms, m): return list(lrs)', seen.same_rates),
        'The momentum changes during the schedule, so the first one cannot stand for all.': Mistake('''
def equal_steps(lrs, moms, m): return [lr*(1 - m)/(1 - moms[0]) for lr in lrs]''', seen.first_momentum),
        'The factor is in here twice. The length of a step goes with 1/(1 - momentum), not with its square.':
            Mistake('''
def equal_steps(lrs, moms, m): return [lr*((1 - m)/(1 - mom))**2 for lr,mom in zip(lrs, moms)]''',
        seen.factor_twice),
    }
    def cases(self):
        return [([.1, .2, .1], [.95, .85, .95], .9), ([.01, .03], [.9, .8], .95), ([1., .5], [.85, .9], .5)]
    passed = 'both schedules take the same steady steps'
