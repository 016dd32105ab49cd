"`ActivationRecord` alone: without fastai, a network, or Matplotlib, against NumPy; what the callback puts into it is in test_callbacks.py and test_records.py"
import json, os, pickle, subprocess, sys, typing
from pathlib import Path
import matplotlib
matplotlib.use('Agg')
import matplotlib.pyplot as plt
import nbformat, numpy as np, pytest, torch
from cnn_notes import activations, callbacks
from cnn_notes.activations import ActivationRecord, Health

root = Path(__file__).resolve().parent.parent

def fresh(code):
    "What a new process says last"
    env = {**os.environ, 'PYTHONPATH': str(root), 'MPLBACKEND': 'agg'}
    res = subprocess.run([sys.executable, '-W', 'ignore', '-c', code], cwd=root/'nbs', capture_output=True, text=True, env=env)
    assert res.returncode == 0, res.stderr[-3000:]
    return json.loads(res.stdout.splitlines()[-1])

def row(values, bins, low, high):
    "What a batch of values (images, positions) says, by NumPy"
    differ = [np.mean(o[1:] != o[:-1]) for o in (values, values.clip(0))]
    counts = [(values <= .05).sum(), (values < -.05).sum(), np.isnan(values).sum(), *np.histogram(values, bins, (low, high))[0]]
    return torch.tensor([values.mean(), values.std(ddof=1), *differ], dtype=torch.float32),torch.tensor(counts),values.size

@pytest.fixture
def given():
    "40 batches of two layers; the second sinks below zero"
    values = np.random.default_rng(0).normal(size=(40, 2, 8, 30)).round(1)
    values[:, 1] -= np.arange(40)[:, None, None]/4
    return values

@pytest.fixture
def record(given):
    res = ActivationRecord(['a', 'b'], 8, (-4, 4))
    res.before_relu.add(1)
    for i,batch in enumerate(given): res._add(5*i, [row(o, 8, -4, 4) for o in batch])
    return res

def test_series_and_histograms(record, given):
    for i,name in enumerate('ab'):
        layer = given[:, i].reshape(40, -1)
        wanted = dict(mean=layer.mean(1), std=layer.std(1, ddof=1), near_zero=(layer <= .05).mean(1), near_zero_abs=(abs(layer) <= .05).mean(1), nan=np.zeros(40), calls=np.ones(40))
        for what,values in wanted.items(): assert record.series(name, what).tolist() == pytest.approx(values.tolist(), abs=1e-6), what
        assert record.hist(i).exp().sub(1).round().T.tolist() == [np.histogram(o, 8, (-4, 4))[0].tolist() for o in layer]
        shown = given[:, i].clip(0) if name == 'b' else given[:, i]
        assert record.series(i, 'health').tolist() == pytest.approx((shown[:, 1:] != shown[:, :-1]).mean((1, 2)).tolist())
    assert record.batches == list(range(0, 200, 5)) and len(record.stats) == 40

def test_health_is_of_the_last_tenth(record):
    first,second = record.health()
    assert isinstance(first, Health) and (first.verdict, second.verdict, second.health) == ('healthy', 'collapsing', 0)
    assert second.passing == 1 - record.series('b', 'near_zero')[-4:].median()

def test_a_copy_by_pickle_says_the_same(record):
    again = pickle.loads(pickle.dumps(record))
    assert repr(again) == repr(record) and str(again.stats) == str(record.stats) and again.health() == record.health()

def test_pictures(record):
    assert len(record.plot('title').axes) == 4*2 + 1 and len(record.plot_layer_stats('a').axes) == 3
    ax = record.color_dim('b')
    assert ax.images[0].get_array().shape == (8, 40) and [float(o) for o in ax.images[0].get_extent()] == [-.5, 39.5, -4, 4]
    plt.close('all')

def test_callbacks_offers_what_it_had():
    "The same classes, also through a star"
    space = {}
    exec('from cnn_notes.callbacks import *', space)
    assert {k for k in space if k[0] != '_'} == {'ActivationRecord', 'ActivationStats', 'Health'}
    for name in ('ActivationRecord', 'Health'): assert space[name] is getattr(callbacks, name) is getattr(activations, name)
    assert callbacks._Nothing is activations._Nothing # older pickles of `stats` look for it there

def test_type_hints_can_be_read(): assert 'ax' in typing.get_type_hints(callbacks.ActivationStats.color_dim)

heavy = "import json, sys; print(json.dumps([o for o in {names} if o in sys.modules]))"

def test_numbers_need_neither_fastai_nor_pictures():
    said = fresh('''
import torch
from cnn_notes.activations import ActivationRecord
record = ActivationRecord(['a'], 4, (0, 1))
for i in range(3): record._add(i, [(torch.ones(4), torch.ones(7, dtype=torch.int64), 8)])
assert record.series('a').tolist() == [1, 1, 1] and record.hist(0).shape == (4, 3)
assert record.health()[0].verdict == 'healthy' and len(record.stats) == 3
''' + heavy.format(names=['fastai', 'torchvision', 'numba', 'matplotlib', 'scipy', 'pandas', 'IPython']))
    assert said == []

@pytest.mark.full
def test_the_first_picture_of_the_mystery_runs_needs_no_fastai():
    "What the page runs up to its first picture, and the picture drawn"
    cells = [c for c in nbformat.read(root/'nbs'/'16_mystery_runs.ipynb', 4).cells if c.cell_type == 'code']
    first = next(i for i,c in enumerate(cells) if any('image/png' in o.get('data', {}) for o in c.outputs))
    code = '\n'.join(c.source for c in cells[:first + 1])
    assert 'mystery(' in code and fresh(f'''{code}
assert plt.get_fignums()
plt.gcf().canvas.draw()
''' + heavy.format(names=['fastai', 'torchvision', 'numba', 'scipy'])) == []
