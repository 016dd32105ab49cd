"The exercises of 16_mystery_runs: the fault of each run, and what in its plots speaks against the others"
from functools import cached_property
from cnn_notes.checks import described
from cnn_notes.answers import seen
from cnn_notes.exercises import Exercise, Mistake
from cnn_notes.experiments.mystery import faults, leaps, mystery

def first(run, what='std'): return [run.stats.series(i, what)[0].item() for i in range(4)]
def last(run, what='std', i=3): return run.stats.series(i, what)[-1].item()
def lowest_health(run): return min(run.stats.series(i, 'health').min().item() for i in range(4))
def end(run): return sum(run.losses[-20:])/20
def deviations(run): return ', '.join(f'{o:.2g}' for o in first(run))

def against(run):
    "What speaks against each fault, where a run does not show what the fault would make it show"
    other = mystery(11 if run.norm else 0)
    res = {
        'rate too high':
            'Too high a rate shows in a loss that leaps or stays high, or in layers that die. Here the '
            f'highest of the first 20 losses is {max(run.losses[:20]):.2f}, the training loss ends at '
            f'{end(run):.2f}, and no layer dies.',
        'rate too low':
            'Too low a rate leaves the layers as they were. Here the deviation of layer 3 goes from '
            f'{first(run)[3]:.2g} to {last(run):.2g}.',
        'first weights too large':
            'Large weights make large logits, and the first loss would be far above log(10) = 2.30. Here '
            f'it is {run.losses[0]:.2f}.',
        'a ReLU is missing':
            'What comes out of a ReLU is never below zero. Here the pictures of layers 0 to 3 are black '
            'below zero from the first batch to the last.',
        'a layer is dead':
            'A dead layer gives the same for all images, so its health is 0. Here the lowest health of '
            f'layers 0 to 3 is {lowest_health(run):.2f}.',
        'labels shuffled':
            'If the labels say nothing about the images, the loss stays at log(10) = 2.30. Here the '
            f'training loss ends at {end(run):.2f}.',
        'batches in order of the label':
            'While one digit follows another of its kind, that digit is always the right answer: the loss '
            'would fall to 0 and leap at every new digit. Here the training loss does not do that.',
        'batches too small':
            f'Batches hold {run.bs} images, as in run {other.number}, and that is enough there: validation '
            f'ends at {other.valid_losses[-1]:.2f}. In this run it ends at {run.valid_losses[-1]:.2f}.',
        'overfitting':
            'Overfitting needs images that are seen again. Here each image is seen once, so every training '
            'loss is measured on images that are new to the network.'}
    return res | (against_with_norm if run.norm else against_without_norm)(run)

def against_without_norm(run):
    return {
        'first weights too small':
            'The deviation would fall by a factor of ten or more from layer to layer. In the first batch '
            f'it is {deviations(run)}, much as in run 0.',
        'eval() forgotten':
            'Only layers such as dropout and batch norm react to eval(). This network has neither, so it '
            'makes no difference.',
        'norm frozen at its start': 'This network has no norm.'}

def against_with_norm(run):
    return {
        'first weights too small':
            'Batch norm divides by the deviation, so the size of the weights does not reach the next '
            f'layer. In the first batch the deviations are {deviations(run)}; they do not shrink.',
        'eval() forgotten':
            'Validation would go badly where training goes well. Here they end at '
            f'{run.valid_losses[-1]:.2f} and {end(run):.2f}.',
        'norm frozen at its start':
            'A norm that is frozen at its start leaves its input as it is, so the deviations would shrink '
            f'from layer to layer. In the first batch they are {deviations(run)}; they do not.'}

class Run(Exercise):
    "One diagnosis; a subclass says what is special about its run"
    number = 0
    taken_for = {} # {fault: where somebody took a run like this one for it}
    def special(self, run): return {} # {fault: what speaks against it in this run}
    @cached_property
    def mistakes(self):
        run,right = mystery(self.number),self.made(self.solution_code)
        said = against(run) | self.special(run)
        return {said[fault]: Mistake(f'{self.name} = {fault!r}', self.taken_for.get(fault, ''))
                for fault in faults if fault != right}
    @cached_property
    def passed(self): return self.shown(mystery(self.number))
    def outputs(self, answer):
        if not isinstance(answer, str): return [answer]
        return [next((o for o in faults if o.casefold() == answer.strip().casefold()), answer)]
    def complaint(self, got, want):
        return f'{self.name} is {described(got[0])}; give one of `faults`, as it stands there'

class Run1(Run):
    id,title,name,number = '16.1','Run 1','fault_1',1
    taken_for = {'nothing': seen.rises_again, 'rate too low': seen.oscillation,
                 'first weights too large': seen.better_weights, 'a layer is dead': seen.killed_by_rate,
                 'labels shuffled': seen.matching_labels, 'batches too small': seen.larger_batches}
    statement = '''The network has no norm, and batches hold 64 images. What is wrong? Set `fault_1` to one
                   of `faults`.'''
    stub,solution_code = 'fault_1 = ...',"fault_1 = 'rate too high'"
    hints = ('Begin with the loss. Which of its values is the most unusual, and at which step?',
             'Now the health of layers 1 to 3: what is it in the first batch, and in the next that was '
             'recorded?',
             'Something kills three layers within five steps. Which setting decides how far a step goes? '
             'Compare it with that of run 0.')
    def shown(self, run):
        return (f'the loss leaps to {max(run.losses):.1f} in the second step (panel "Loss"), and layers 1 to '
                '3, alive in the first batch, have a health of 0 from batch 5 on. The rate, 0.06 from the '
                'first step, is that of the broken run in 09_activations')
    def special(self, run):
        alive = ', '.join(f'{o:.2f}' for o in first(run, 'health')[1:])
        return {
            'nothing':
                f'The loss ends where it began, at {end(run):.2f}, and from batch 5 on layers 1 to 3 have a '
                'health of 0.',
            'rate too low':
                f'At too low a rate nothing happens quickly. Here the second loss is {run.losses[1]:.1f}, '
                'and by batch 5 three layers are dead.',
            'a layer is dead':
                'Layers 1 to 3 are dead from batch 5 on, but they did not start that way: in the first '
                f'batch their health is {alive}. Something killed them.',
            'labels shuffled':
                'Shuffled labels explain a loss that stays at log(10), but not the leap to '
                f'{run.losses[1]:.1f} in the second step, nor three layers that are dead by batch 5.',
            'batches in order of the label':
                'The loss would leap at every new digit. Here it leaps once, in the second step.',
            'batches too small':
                f'Batches hold {run.bs} images, as in run 0. The noise of small batches does not stop; here '
                f'the loss leaps once, to {max(run.losses):.1f}, and then stays near log(10).'}

class Run2(Run):
    id,title,name,number = '16.2','Run 2','fault_2',2
    taken_for = {'nothing': seen.up_and_down, 'rate too high': seen.order_of_labels,
                 'labels shuffled': seen.handling_of_labels,
                 'norm frozen at its start': seen.unsaved_averages, 'overfitting': seen.all_right_at_once}
    statement = '''The network has batch norm before each ReLU, and batches hold 64 images. What is wrong?
                   Set `fault_2` to one of `faults`.'''
    stub,solution_code = 'fault_2 = ...',"fault_2 = 'batches in order of the label'"
    hints = ('Look at the loss alone, and count the leaps.',
             'Between two leaps the training loss falls nearly to zero. How can it be that easy?',
             'How many steps lie between two leaps, and how many of the 200 steps does each of the ten '
             'digits take?')
    def shown(self, run):
        return (f'the training loss is a saw (panel "Loss"): {leaps(run.losses)} leaps, about 20 steps '
                'apart, where the next digit begins, and before the first of them it falls to '
                f'{min(run.losses):.4f}. Meanwhile the validation loss, over all digits, climbs to '
                f'{max(run.valid_losses):.0f}')
    def special(self, run):
        return {
            'nothing':
                f'Validation ends at {run.valid_losses[-1]:.2f}, which is no better than chance, and the '
                f'training loss leaps {leaps(run.losses)} times.',
            'rate too high':
                'At a constant rate, too high a one shows in the first steps. Here the loss falls to '
                f'{min(run.losses[:20]):.4f} in the first 20 steps, and the leaps that follow come at '
                'regular intervals.',
            'labels shuffled':
                'With shuffled labels the loss does not fall far below log(10) = 2.30. Here it falls to '
                f'{min(run.losses):.4f} before the first leap.',
            'eval() forgotten':
                'Forgetting eval() spoils validation and leaves training alone. Here the training loss '
                f'itself leaps {leaps(run.losses)} times.',
            'batches too small':
                f'Batches hold {run.bs} images, as in run 11, and the noise of small batches has no rhythm. '
                f'Here the loss leaps {leaps(run.losses)} times, about 20 steps apart.'}

class Run3(Run):
    id,title,name,number = '16.3','Run 3','fault_3',3
    taken_for = {'nothing': seen.no_gradient, 'rate too high': seen.not_the_rate,
                 'batches too small': seen.not_the_batches}
    statement = '''The network has no norm, and batches hold 64 images. What is wrong? Set `fault_3` to one
                   of `faults`.'''
    stub,solution_code = 'fault_3 = ...',"fault_3 = 'a layer is dead'"
    hints = ('The loss does not move. Does anything reach the last layer?',
             'Look at the health of each layer, from layer 0 on. Which is the first with 0?',
             'Compare with run 1. What is the difference in the very first batch, before any step?')
    def shown(self, run):
        return ('the health of layer 2 is 0 in the first batch already (panel "Health"), before any step, '
                'and its histogram is a line at zero. Layers 0 and 1 never move, since no gradient gets '
                'through to them')
    def special(self, run):
        return {
            'nothing': f'The loss stays at log(10): it ends at {end(run):.2f}. Chance is no better.',
            'rate too high':
                f'Too high a rate leaps before it kills. Here no loss is above {max(run.losses):.2f}, and '
                'the health of layer 2 is 0 in the first batch, before any step.',
            'rate too low':
                'Layers 0 and 1 do not move, as at a rate of 0. But the health of layer 2 is 0 in the '
                'first batch, before any step, and no rate does that.',
            'first weights too small':
                'Small weights make small activations, but these still differ from image to image. Here '
                'layer 2 has a health of 0: it gives the same for all images.',
            'labels shuffled':
                'With shuffled labels the loss stays at log(10), too, but the labels are not part of what '
                'the layers compute. Here the health of layer 2 is 0 before the first label has had any '
                'effect.',
            'batches too small':
                f'Small batches make a loss noisy. Here it stays between {min(run.losses):.2f} and '
                f'{max(run.losses):.2f}, with {run.bs} images in a batch, as in run 0, and the health of '
                'layer 2 is 0 before any step.'}

class Run4(Run):
    id,title,name,number = '16.4','Run 4','fault_4',4
    taken_for = {'rate too high': seen.small_batches, 'batches too small': seen.harmless_spikes,
                 'overfitting': seen.normal_swings}
    statement = '''The network has no norm, and batches hold 16 images. What is wrong, if anything? Set
                   `fault_4` to one of `faults`.'''
    stub,solution_code = 'fault_4 = ...',"fault_4 = 'nothing'"
    hints = ('The training loss is noisy. How many images is each of its values made of?',
             'The validation loss is made of 1,000 images at each point. Is it noisy, too?',
             'Go through the checklist with run 0 beside it: start, fall, gap, deviations, health.')
    def shown(self, run):
        return ('each training loss is the mean of 16 images, hence the noise, which does no harm. '
                f'Validation falls to {run.valid_losses[-1]:.2f} beside the training loss (panel "Loss"), '
                'deviations start as in run 0 and become steady, and the lowest health of layers 0 to 3 is '
                f'{lowest_health(run):.2f}')
    def special(self, run):
        healthy,seen_here = mystery(0),run.bs*len(run.losses)
        seen_there = healthy.bs*(healthy.valid_steps[2] + 1)
        return {
            'rate too high':
                'The noise is that of batches of 16. Validation, with 1,000 images, falls to '
                f'{run.valid_losses[-1]:.2f}, no loss leaps in the first steps, and no layer dies: the '
                f'lowest health is {lowest_health(run):.2f}.',
            'rate too low':
                f'The loss falls within 50 steps, and the deviation of layer 3 goes from {first(run)[3]:.2g} '
                f'to {last(run):.2g}. The run ends at {end(run):.2f} after 3,200 images; after as many, in '
                f'step 50, run 0 is at {sum(mystery(0).losses[40:60])/20:.2f}.',
            'batches in order of the label':
                'The leaps would be regular, one for each new digit, with a loss near 0 between them. This '
                'is the noise of batches of 16, and validation falls.',
            'batches too small':
                'The noise is that of batches of 16, and the run does not end worse for it: validation falls '
                f'to {run.valid_losses[-1]:.2f} after {seen_here:,} images (run 0 is at '
                f'{healthy.valid_losses[2]:.2f} after {seen_there:,}), and no layer dies: the lowest '
                f'health is {lowest_health(run):.2f}.'}

class Run5(Run):
    id,title,name,number = '16.5','Run 5','fault_5',5
    taken_for = {'nothing': seen.a_few_more_days, 'rate too low': seen.rate_first}
    statement = '''The network has batch norm before each ReLU, and batches hold 64 images. What is wrong?
                   Set `fault_5` to one of `faults`.'''
    stub,solution_code = 'fault_5 = ...',"fault_5 = 'labels shuffled'"
    hints = ('The loss of run 3 did not fall either. What is different in the layers?',
             'Do the weights move? Look at the mean of layer 3 and at the width of the logits.',
             'The network works, the weights move, and nothing helps. What else does a loss depend on?')
    def shown(self, run):
        low,high = min(run.losses),max(run.losses)
        return (f'the loss stays between {low:.2f} and {high:.2f}, around log(10), while all layers tell '
                f'images apart (lowest health {lowest_health(run):.2f}) and move (panel "Mean"). The network '
                'learns what there is to learn, which is to answer 10% for each digit: the logits become '
                'narrow')
    def special(self, run):
        start,finish = first(run, 'mean')[3],last(run, 'mean')
        return {
            'nothing':
                f'No training loss is below {min(run.losses):.2f}, and validation ends at '
                f'{run.valid_losses[-1]:.2f}: chance.',
            'rate too high':
                f'Too high a rate makes the loss leap. Here it stays between {min(run.losses):.2f} and '
                f'{max(run.losses):.2f}, and no layer dies.',
            'rate too low':
                'At too low a rate the layers stay as they were. Here the mean of layer 3 goes from '
                f'{start:.2f} to {finish:.2f}: the weights move, and it does not help.',
            'batches in order of the label':
                'The loss would fall to 0 as long as one digit follows another of its kind. Here it never '
                f'falls below {min(run.losses):.2f}.',
            'batches too small':
                f'Batches hold {run.bs} images, as in run 11. Smaller ones would make the loss noisier; here '
                f'it does not fall, but stays between {min(run.losses):.2f} and {max(run.losses):.2f}.'}

class Run6(Run):
    id,title,name,number = '16.6','Run 6','fault_6',6
    taken_for = {'nothing': seen.fine_on_our_side, 'labels shuffled': seen.not_the_indices,
                 'batches in order of the label': seen.ordered_validation,
                 'batches too small': seen.size_of_test_batches, 'overfitting': seen.eval_forgotten}
    statement = '''The network has batch norm before each ReLU, and batches hold 64 images. What is wrong?
                   Set `fault_6` to one of `faults`.'''
    stub,solution_code = 'fault_6 = ...',"fault_6 = 'eval() forgotten'"
    hints = ('Training looks like that of run 11. What does not?',
             'How large is the gap at the first validation, after 20 steps? No image has been seen twice.',
             'The same weights do well in training and badly in validation. Validation images stand in '
             'the order of their labels. For which layer does it matter who else is in the batch?')
    def shown(self, run):
        return ('training is as good as in run 11, and validation is bad from the first time on: it ends '
                f'at {run.valid_losses[-1]:.2f}, with training at {end(run):.2f} (panel "Loss"). In training '
                'mode, the norm uses the batch, and a validation batch here holds one or two kinds of '
                'digit. The next experiment is to validate on training images in the order of their labels: '
                'if that is bad, too, it is the mode, or the preparation, and not the images')
    def special(self, run):
        return {
            'nothing':
                f'Validation ends at {run.valid_losses[-1]:.2f}, training at {end(run):.2f}. In run 11 they '
                f'end at {mystery(11).valid_losses[-1]:.2f} and {end(mystery(11)):.2f}.',
            'overfitting':
                'There is a gap, but no image is seen twice, so there is nothing that the network could '
                'know by heart. And the gap does not open slowly: validation never falls below '
                f'{min(run.valid_losses):.2f}.',
            'batches in order of the label':
                'The training loss would leap at every new digit. Here it falls smoothly, and only '
                'validation is bad.',
            'batches too small':
                f'Run 11 has batches of the same sizes, {run.bs} images in training and 50 in validation. '
                'Training is as good there as here, but validation ends at '
                f'{mystery(11).valid_losses[-1]:.2f} there and at {run.valid_losses[-1]:.2f} here.'}

class Run7(Run):
    id,title,name,number = '16.7','Run 7','fault_7',7
    taken_for = {'rate too high': seen.rates_tried, 'rate too low': seen.slow_start,
                 'a layer is dead': seen.relu_blamed, 'batches in order of the label': seen.not_the_order}
    statement = '''The network has no norm, and batches hold 64 images. What is wrong? Set `fault_7` to one
                   of `faults`.'''
    stub,solution_code = 'fault_7 = ...',"fault_7 = 'first weights too small'"
    hints = ('It recovers. What happens in the first 30 steps, and what does not?',
             'Look at the first batch in the panel "Deviation," with its logarithmic axis, and at that of '
             'run 0.',
             'By which factor does the deviation fall from one layer to the next? In run 0 it is two or '
             'three.')
    def shown(self, run):
        return ('in the first batch the deviation falls by a factor of more than ten from layer to layer, '
                f'{deviations(run)} (panel "Deviation"); in run 0 it is {deviations(mystery(0))}. The loss '
                'stays at log(10) until the weights have grown')
    def special(self, run):
        return {
            'nothing':
                'It recovers, but it loses time: at the second validation the loss is '
                f'{run.valid_losses[1]:.2f}, where that of run 0 is {mystery(0).valid_losses[1]:.2f}. '
                'Something is different from the first batch on.',
            'rate too low':
                f'The rate is that of run 0, and it moves the deviation of layer 3 from {first(run)[3]:.2g} '
                f'to {last(run):.2g}. What is unusual is where it starts.',
            'a layer is dead':
                'Nearly all values are at most 0.05, but small is not dead: images still differ, and the '
                f'lowest health is {lowest_health(run):.2f}. A dead layer does not recover.',
            'batches too small':
                f'Batches hold {run.bs} images, as in run 0. What is unusual shows in the first of them, '
                f'before any step: the deviation of layer 3 is {first(run)[3]:.2g}, and in run 0 it is '
                f'{first(mystery(0))[3]:.2g}.'}

class Run8(Run):
    id,title,name,number = '16.8','Run 8','fault_8',8
    taken_for = {'nothing': seen.unnoticed_relu, 'rate too low': seen.rate_to_blame}
    statement = '''The network has batch norm before each ReLU, and batches hold 64 images. What is wrong, if
                   anything? Set `fault_8` to one of `faults`.'''
    stub,solution_code = 'fault_8 = ...',"fault_8 = 'a ReLU is missing'"
    hints = ('The loss is fine. Go on to the layers.',
             'One of layers 0 to 3 has another mean, another deviation, and another health than in run '
             '11. Which?',
             'Look at its picture, and at zero. What cuts the pictures of the other three?')
    def shown(self, run):
        return ('the picture of layer 1 goes on below zero, where those of layers 0, 2, and 3 are black. '
                f'Its mean is {abs(first(run, "mean")[1]):.2f} and its deviation {first(run)[1]:.2f}, as a '
                'norm leaves them and a ReLU would not. No loss shows it: validation ends at '
                f'{run.valid_losses[-1]:.2f}, in run 11 at {mystery(11).valid_losses[-1]:.2f}')
    def special(self, run):
        return {
            'nothing':
                f'The loss is as good as in run 11: {run.valid_losses[-1]:.2f} in validation. But one of '
                'layers 0 to 3 does not look like the other three, nor like itself in run 11.'}

class Run9(Run):
    id,title,name,number = '16.9','Run 9','fault_9',9
    taken_for = {'rate too high': seen.rate_goes_up, 'eval() forgotten': seen.lagging_averages,
                 'overfitting': seen.closing_gap}
    statement = '''The network has batch norm before each ReLU, and batches hold 64 images. What is wrong, if
                   anything? Set `fault_9` to one of `faults`.'''
    stub,solution_code = 'fault_9 = ...',"fault_9 = 'nothing'"
    hints = ('There are two alarming things in the panel "Loss." Do they last?',
             'Compare the last validation with that of run 11, and the gap at the end with the gap at the '
             'start.',
             'Does any layer die? Is anything below zero that should not be? Do the deviations start as '
             'in run 11?')
    def shown(self, run):
        return ('both alarms pass. The training loss rises on the way to the highest rate and falls again; '
                f'validation begins at {run.valid_losses[0]:.1f} and ends at {run.valid_losses[-1]:.2f}, as '
                f'in run 11. The lowest health of layers 0 to 3 is {lowest_health(run):.2f}. With a norm, a '
                'rate of 0.1 is not too high here')
    def special(self, run):
        return {
            'rate too high':
                'The rate is high, and the loss rises on the way up. But it falls again, validation ends '
                f'at {run.valid_losses[-1]:.2f} (run 11: {mystery(11).valid_losses[-1]:.2f}), and no layer '
                f'dies: the lowest health is {lowest_health(run):.2f}.',
            'batches in order of the label':
                'The loss would leap at every new digit, to the end of the run. Here it rises once, on the '
                'way to the highest rate, and then falls.',
            'eval() forgotten':
                'There is a gap at first, but it closes: the last losses are '
                f'{run.valid_losses[-1]:.2f} in validation and {end(run):.2f} in training. A gap that closes '
                'can come from running averages that lag while the weights move fast; a wrong mode is wrong '
                'to the end.'}

class Run10(Run):
    id,title,name,number = '16.10','Run 10','fault_10',10
    taken_for = {'nothing': seen.frozen_from_the_start, 'rate too high': seen.lowered_rate,
                 'first weights too large': seen.other_first_weights}
    statement = '''The network has batch norm before each ReLU, and batches hold 64 images. What is wrong, if
                   anything? Set `fault_10` to one of `faults`.'''
    stub,solution_code = 'fault_10 = ...',"fault_10 = 'norm frozen at its start'"
    hints = ('The loss is fine. Read again what the network is made of, and look at the first batch.',
             'Which run shows the same deviations in the first batch, run 0 or run 11?',
             'Batch norm gives every channel mean 0 and variance 1 over the batch. Does it, here?')
    def shown(self, run):
        return (f'in the first batch the deviations are {deviations(run)} (panel "Deviation"), as without a '
                f'norm. A norm that uses its batch makes them {deviations(mystery(11))}, as in run 11. '
                'This one uses its running averages, which are still 0 and 1, and so leaves its input as '
                'it is')
    def special(self, run):
        return {
            'nothing':
                f'The loss is fine: {run.valid_losses[-1]:.2f} in validation, as in run 0. But this network '
                'has a norm before each ReLU; do the deviations of the first batch look like that?',
            'first weights too small':
                'A norm that works makes up for the size of the weights. So whatever the weights are, the '
                f'deviations of the first batch, {deviations(run)}, could not shrink.',
            'batches too small':
                f'Batches hold {run.bs} images, as in run 11. There the deviations of the first batch are '
                f'{deviations(mystery(11))}, and here {deviations(run)}, so the size of the batch is not '
                'what makes the difference.'}
