"What the recorder holds after `fit` and `fit_one_cycle`, and who keeps the values in between"
from .common import drawn, learner, quietly

def check(name):
    learn = learner(n=128)
    quietly(learn, lambda: learn.fit(1, .01))
    rec = getattr(learn, name, None)
    assert type(rec).__name__ == 'Recorder', f'learn.{name} is no Recorder'
    assert len(rec.lrs) == len(rec.losses) == 2 and not hasattr(rec, 'hps'), (
        'a plain fit leaves no rates, or leaves schedules')
    from fastai.callback.core import Callback
    class Witness(Callback):
        "Who keeps values, while training"
        def after_epoch(self):
            self.keepers = {type(c).__name__: c.hps for c in self.learn.cbs if 'hps' in vars(c)}
    witness = Witness()
    quietly(learn, lambda: learn.fit_one_cycle(1, .01, cbs=witness))
    (giver,values), = witness.keepers.items()
    assert rec.hps is values and set(values) == {'lr', 'mom'}, (
        'what the recorder has at the end is something else')
    assert any(ax.lines for ax in drawn(rec.plot_sched)), 'plot_sched draws nothing'
    return dict(giver=giver)
