"The three plots of a layer against what its outputs were"
import torch
from .common import drawn, learner, quietly, small_dls
from . import near

def check(threshold):
    small_dls()
    from fastai.callback.hook import ActivationStats
    learn,outs = learner(n=256, cbs=ActivationStats()),[]
    learn.model[1].conv.register_forward_hook(lambda m, i, o: outs.append(o.detach()))
    quietly(learn, lambda: learn.fit(1, .01))
    axes = drawn(lambda: learn.activation_stats.plot_layer_stats(1))
    assert [len(ax.lines[0].get_ydata()) for ax in axes] == [4]*3, (
        'there is not a point for each of four batches')
    for found,out in zip(axes[2].lines[0].get_ydata(), outs):
        want = (out <= threshold).float().mean().item()
        assert abs(found - want) < 1e-3, (
            f'the share near zero is {found:.3f}, and {want:.3f} are {threshold} or less')
    normal = torch.randn(1_000_000)
    counted = ActivationStats().hook(None, None, normal)['near_zero']
    return dict(titles=tuple(ax.get_title() for ax in axes), share=near(counted, .005),
                close=near((normal.abs() <= threshold).float().mean().item(), .005))
