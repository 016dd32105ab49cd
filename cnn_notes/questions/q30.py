"Three seeds of Adam: a high rate at once, the same rate after a warm-up, and a smaller rate"
from cnn_notes.models import simple_cnn
from .common import seeded, train
from . import near

def check(lr, smaller):
    def warmup(p): return lr*min(1, .01 + p/.5)
    def end(rate, seed):
        return train(seeded(seed, simple_cnn), rate, 100, seed=seed, adam=True)[-20:].mean().item()
    stuck,learned,low = (sum(end(rate, seed) for seed in range(3))/3 for rate in (lr, warmup, smaller))
    return dict(stuck=near(stuck, .05), learned=near(learned, .45), low=near(low, .05))
