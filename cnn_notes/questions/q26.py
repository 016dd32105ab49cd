"Attributes of a learner after training"
from .common import learner, quietly, small_dls

def check(name, short):
    small_dls()
    from fastai.callback.hook import ActivationStats
    cb = ActivationStats()
    learn = learner(n=64, cbs=cb)
    quietly(learn, lambda: learn.fit(1, .01))
    assert getattr(learn, name, None) is cb, f'learn.{name} is not the callback'
    assert type(learn.recorder).__name__ == 'Recorder' and cb in learn.cbs and learn.recorder in learn.cbs
    kind = type(getattr(learn, short, None)).__name__
    assert kind == 'ProgressCallback', f'learn.{short} is a {kind}'
    return {}
