"The last hidden layer in two bad runs and two good ones"
import torch
from cnn_notes.models import simple_cnn
from .common import digits, seeded, train
from . import near

def run(lr, seed):
    "Mean activation of the first two steps and the last, growth of the weights, share off, and loss"
    net,means,sizes = seeded(seed, simple_cnn),[],[]
    weight = net[3].conv.weight
    def look(module, inputs, out):
        means.append(out.mean().item())
        sizes.append(weight.detach().abs().mean().item())
    handle = net[3].register_forward_hook(look)
    losses = train(net, lr, 60, seed=seed, adam=True)
    handle.remove()
    assert lr < .05 or sizes[0] < lr, 'the weights do not begin smaller than the first update'
    with torch.no_grad(): off = (net[:4](digits()[0][:1000]) <= .05).float().mean().item()
    assert lr < .05 or means[1] == max(means), 'the largest activations are not those of the second step'
    return means[0],means[1],means[-1],sizes[-1]/sizes[0],off,losses[-10:].mean().item()

def check(high, low):
    bad,good = ([sum(o)/3 for o in zip(*(run(lr, seed) for seed in range(3)))] for lr in (high, low))
    start,peak,last,weights,dead,guess = bad
    assert last == 0, f'at the end of the bad run the mean activation is {last:.3g}'
    assert good[-1] < 1, 'the good run has not learned'
    return dict(start=near(start, .005), peak=near(peak, 1.5), weights=near(weights, 2), dead=near(dead, .01),
                guess=near(guess, .05), alive=near(good[4], .08))
