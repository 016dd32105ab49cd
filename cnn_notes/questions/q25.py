"fastai's record of a network that is frozen but for its last layer"
from .common import learner, quietly, small_dls
from . import same

def record(hist):
    "The record of two batches, and the first layer's outputs"
    small_dls()
    from fastai.callback.hook import ActivationStats
    learn,outs = learner(n=128, cbs=ActivationStats(with_hist=hist)),[]
    for p in list(learn.model.parameters())[:-2]: p.requires_grad_(False)
    learn.model[0].conv.register_forward_hook(lambda m, i, o: outs.append(o.detach()))
    quietly(learn, lambda: learn.fit(1, .01))
    return learn.activation_stats.stats,outs

def check():
    (stats,outs),(full,_) = record(False),record(True)
    entry,out = stats[0][0],outs[0]
    assert len(stats) == 2 and tuple(full[0][0]) == (*entry, 'hist'), (
        'the histogram is not what with_hist adds')
    assert abs(entry['mean'] - out.mean().item()) < 1e-4 and abs(entry['std'] - out.std().item()) < 1e-4
    return dict(keys=tuple(entry), layers=same(without=len(stats[0]), with_hist=len(full[0])),
                plain=len(entry))
