"""With a seed, a training run gives the same numbers again: in this process, and in another one with the
same number of threads"""
import json, os, subprocess, sys
from pathlib import Path
import pytest, torch

pytestmark = pytest.mark.full
package = Path(__file__).resolve().parent.parent
source = """
import hashlib, torch
from cnn_notes.callbacks import ActivationStats
from cnn_notes.data import load_mnist, mnist_dls
from cnn_notes.models import simple_cnn
from cnn_notes.schedule import LiveSchedule
from fastai.learner import Learner
from fastai.torch_core import set_seed
import fastai.callback.progress, fastai.callback.schedule

def numbers(seed=0):
    "Digests of what training leaves: weights, the loss of each batch, the activations' record, the last losses"
    mnist = [o[:256] for o in load_mnist()]
    set_seed(seed)
    dls,model = mnist_dls(bs=32, data=mnist, device='cpu'),simple_cnn(norm=torch.nn.BatchNorm2d)
    learn = Learner(dls, model, cbs=[ActivationStats(with_hist=True), LiveSchedule(every=None)])
    with learn.no_bar(), learn.no_logging(): learn.fit_one_cycle(2, .01)
    def digest(ts): return hashlib.sha256(b''.join(t.contiguous().numpy().tobytes() for t in ts)).hexdigest()
    losses = torch.tensor(learn.live_schedule.batch_losses)
    assert len(losses) == 16 and losses.isfinite().all()
    record,final = learn.activation_stats.record._read(),torch.tensor(learn.recorder.values[-1])
    return [digest(learn.model.state_dict().values()), digest([losses]), digest(record), digest([final])]
"""
scope = {}
exec(source, scope) # the text above, which the other process gets too
numbers = scope['numbers']

def elsewhere(threads):
    code = f"{source}\nimport json\ntorch.set_num_threads({threads})\nprint(json.dumps(numbers()))"
    res = subprocess.run([sys.executable, '-c', code], env={**os.environ, 'PYTHONPATH': str(package),
        'PYTHONHASHSEED': 'random'}, cwd='/', capture_output=True, text=True)
    assert res.returncode == 0, res.stderr[-2000:]
    return json.loads(res.stdout)

@pytest.fixture(scope='module')
def first(): return numbers()

def test_the_same_numbers_again(first): assert numbers() == first

def test_the_same_numbers_in_another_process(first): assert elsewhere(torch.get_num_threads()) == first

def test_another_seed_gives_other_numbers(first): assert not set(numbers(1)) & set(first)
