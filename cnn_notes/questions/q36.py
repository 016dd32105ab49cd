"The pixels of `color_dim` against histograms of the layer's outputs"
import torch
from .common import drawn, learner, quietly, small_dls

def check(low, high):
    small_dls()
    from fastai.callback.hook import ActivationStats
    learn,outs = learner(n=320, cbs=ActivationStats(with_hist=True)),[]
    learn.model[2].conv.register_forward_hook(lambda m, i, o: outs.append(o.detach()))
    quietly(learn, lambda: learn.fit(1, .05))
    axes = drawn(lambda: learn.activation_stats.color_dim(2))
    picture, = (torch.tensor(ax.images[0].get_array()) for ax in axes if ax.images)
    bins,batches = picture.shape
    assert batches == 5, 'there is not a column for each batch'
    edges = torch.linspace(low, high, bins+1)
    for column,out in zip(picture.T, outs):
        counts = torch.histogram(out.flatten().float(), edges)[0] # a value on an edge may fall on either side
        assert (column.exp() - 1 - counts).abs().sum() <= 4, (
            f'a column is not the logarithm of the histogram from {low} to {high}')
    assert (outs[0] < 0).any(), 'there were no negative activations to leave out'
    return dict(bins=bins, bar='no' if len(axes) == 1 else 'a')
