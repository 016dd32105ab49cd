"""On a device that is not there (tests/simulated.py): every public function that takes tensors or a model,
training with the callbacks,
and the quick cells of every page. What would fail on a GPU or on Apple's MPS fails here, where neither is at
hand."""
import copy, re, tempfile
from pathlib import Path
import nbformat, pytest, torch
import torch.nn as nn
import torch.nn.functional as F
from nbclient import NotebookClient
from torch.utils._pytree import tree_map
import test_bad_input as table
from simulated import simulated
from test_hygiene import every_notebook, where

here = Path(__file__).resolve().parent
devices = ['cuda', 'mps']

# ---- the device is what it says

@pytest.fixture
def cuda():
    with simulated('cuda') as register: yield register

def test_where_tensors_are(cuda):
    x = torch.rand(2, 1, 8, 8)
    far = x.to('cuda')
    assert x.device.type == 'cpu' and not torch.zeros(2).is_cuda
    for t in (far, far + 1, far[0], far.view(-1), far.mean(), torch.zeros_like(far), far.new_zeros(3),
        F.unfold(far, 3), copy.deepcopy(far), torch.arange(3, device='cuda'), torch.rand(3).to(far),
              torch.einsum('nchw,nchw->n', far, far), torch.stack([far, far]),
              F.interpolate(far, scale_factor=2), far.double(), far + torch.tensor(2.),
              far[torch.tensor([0])], x.cuda()): assert t.device == torch.device('cuda', 0) and t.is_cuda
    for t in (x, far.cpu(), far.to('cpu'), x + 1, far.to(x), torch.zeros(2, device='cpu')):
        assert t.device == torch.device('cpu')
    assert far.to('meta').is_meta and torch.zeros(2, device='meta').is_meta
    assert torch.equal(far.cpu(), x) and far.sum().item() == x.sum().item()

@pytest.mark.parametrize('mix', [lambda x, far: x + far, lambda x, far: F.conv2d(far, x), lambda x,
    far: torch.stack([x, far]), lambda x, far: x[far.long()], lambda x, far: nn.Conv2d(1, 1, 3)(far),
    lambda x, far: nn.Conv2d(1, 1, 3).to('cuda')(x), lambda x, far: F.mse_loss(far, x), lambda x,
    far: far.add_(x), lambda x, far: torch.where(far > 0, far, x), lambda x, far: far.to('meta') + far])
def test_devices_do_not_mix(mix, cuda):
    x = torch.ones(1, 1, 4, 4)
    with pytest.raises(RuntimeError, match='Expected all tensors to be on the same device, but found at '
        'least two devices'):
        mix(x, x.to('cuda'))

def test_what_may_go_between_devices(cuda):
    x,far = torch.ones(4),torch.zeros(4, device='cuda')
    far.copy_(x); assert far.is_cuda and far.sum() == 4
    x.copy_(far*3); assert not x.is_cuda and x.sum() == 12
    far[0] = torch.tensor(7.); assert far.is_cuda and far.max() == 7
    assert far.tolist() == [7, 1, 1, 1]
    with pytest.raises(TypeError, match="can't convert cuda:0 device type tensor to numpy"): far.numpy()
    with pytest.raises(RuntimeError, match='device type for generator'):
        torch.rand(2, device='cuda', generator=torch.Generator())

def test_a_model_moves_and_trains(cuda):
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3))
    kept = list(model.parameters())
    model.to('cuda')
    assert all(p is q and p.is_cuda for p,q in zip(model.parameters(), kept)) and model[
        1].running_mean.is_cuda
    seen,opt = [],torch.optim.Adam(model.parameters())
    model[0].register_forward_hook(lambda m, i, o: seen.append(o.device.type))
    model[3].register_full_backward_hook(lambda m, i, o: seen.append(o[0].device.type))
    for _ in range(2):
        F.cross_entropy(model(torch.rand(2, 1, 8, 8, device='cuda')),
            torch.tensor([0, 1], device='cuda')).backward()
        opt.step()
    assert set(seen) == {'cuda'} and model[0].weight.grad.is_cuda
    assert not model.cpu()[0].weight.is_cuda and model(torch.rand(2, 1, 8, 8)).shape == (2, 3)

@pytest.mark.parametrize('double', [lambda: torch.rand(2).to('mps').double(),
    lambda: torch.rand(2).double().to('mps'), lambda: torch.zeros(2, device='mps', dtype=torch.float64),
    lambda: torch.rand(2).to('mps').to(torch.float64),
    lambda: nn.Linear(1, 1).to('mps').double(), lambda: nn.Linear(1, 1).double().to('mps'),
    lambda: torch.rand(2).to('mps').sum(dtype=torch.float64)])
def test_no_double_where_there_is_none(double):
    with simulated('mps'):
        with pytest.raises(TypeError, match="doesn't support float64"): double()
        assert torch.rand(2).to('mps').cpu().double().dtype == torch.float64

def test_afterwards_nothing_is_left():
    with simulated('cuda'): assert torch.cuda.is_available() and torch.zeros(1, device='cuda').is_cuda
    assert torch.cuda.is_available() == (torch.cuda.device_count() > 0) and torch.zeros(
        1).device.type == 'cpu'

# ---- public functions: those of the table of bad values, whose completeness is tested there, with good
# values

def moved(o, device):
    "Tensors and models among arguments, on `device`; models are copied first"
    if isinstance(o, nn.Module): return copy.deepcopy(o).to(device)
    return o.to(device) if isinstance(o, torch.Tensor) else o
def call_on(row, device):
    "The function of a row; a method, with what it belongs to on `device`"
    if isinstance(row.call, nn.Module): return moved(row.call, device)
    owner = getattr(row.call, '__self__', None)
    if isinstance(owner, nn.Module): return getattr(moved(owner, device), row.call.__name__)
    if owner is None or not any(isinstance(o, torch.Tensor) for o in getattr(owner, '__dict__', {}).values()):
        return row.call
    there = copy.copy(owner)
    for k,v in vars(owner).items(): object.__setattr__(there, k, moved(v, device))
    return getattr(there, row.call.__name__)
def takes_tensors(args):
    found = []
    tree_map(lambda o: found.append(isinstance(o, (torch.Tensor, nn.Module))), args)
    return any(found)

with tempfile.TemporaryDirectory() as folder: # some rows are made of files
    with_tensors = [r for r in table.rows if takes_tensors(r.good(Path(folder)))]

@pytest.mark.parametrize('device', devices)
@pytest.mark.parametrize('row', with_tensors, ids=lambda r: r.name)
def test_public_functions(row, device, tmp_path):
    args = row.good(tmp_path)
    torch.manual_seed(0)
    expected = row.call(**tree_map(lambda o: copy.deepcopy(o) if isinstance(o, nn.Module) else o, args))
    with simulated(device):
        torch.manual_seed(0)
        got = call_on(row, device)(**tree_map(lambda o: moved(o, device), args))
        if isinstance(expected, torch.Tensor):
            assert got.device.type in (device, 'cpu')
            torch.testing.assert_close(got.detach().cpu(), expected.detach(), check_dtype=False,
                equal_nan=True)
        elif not isinstance(got, (nn.Module, str)): assert type(got) is type(expected)

def test_many_functions_are_tried(): assert len(with_tensors) > 30

# ---- training

@pytest.mark.parametrize('device', devices)
def test_training_with_the_callbacks(device):
    from cnn_notes.callbacks import ActivationStats
    from cnn_notes.data import mnist_dls
    from cnn_notes.models import simple_cnn
    from cnn_notes.schedule import LiveSchedule
    from fastai.learner import Learner
    import fastai.callback.progress, fastai.callback.schedule # noqa: F401
    x,y = torch.rand(64, 16, 16),torch.arange(64)%10
    with simulated(device):
        learn = Learner(mnist_dls(bs=16, data=(x, y, x[:32], y[:32]), device=device),
            simple_cnn((4, 8, 8, 8)), cbs=[ActivationStats(with_hist=True), LiveSchedule(every=None)])
        with learn.no_bar(), learn.no_logging(): learn.fit_one_cycle(1, .01)
        assert next(learn.model.parameters()).device.type == device and learn.dls.one_batch()[
            0].device.type == device
        record = learn.activation_stats.record
        assert len(record) == 4 and all(torch.as_tensor(o).isfinite().all() for o in record._read()[:2])
        learn.activation_stats.plot()
        learn.validate()

# ---- pages

@pytest.mark.nightly
@pytest.mark.parametrize('device', devices)
@every_notebook
def test_pages(path, device, tmp_path, monkeypatch):
    "A page, in a kernel that has the device, where fastai and the page find it"
    nb = nbformat.read(path, as_version=4)
    nb.cells = [c for c in nb.cells if not (c.cell_type == 'code'
        and re.search(r'^#\|\s*eval:\s*false', c.source, re.M))]
    for k,v in dict(CNN_NOTES_DEVICE=device, PYTHONPATH=f'{here.parent}:{here}').items():
        monkeypatch.setenv(k, v)
    client = NotebookClient(nb, kernel_name='python3', timeout=1200, allow_errors=True,
        resources={'metadata': {'path': str(tmp_path)}})
    client.create_kernel_manager()
    client.km.extra_arguments = ["--IPKernelApp.exec_lines=import simulated; simulated.enter()"]
    client.execute()
    assert f'{device}' in client.nb.metadata.get('device', device)
    stopped = [f'{where(nb, c)}: {o.ename}: {o.evalue[:300]}' for c in nb.cells if c.cell_type == 'code'
        for o in c.outputs if o.output_type == 'error']
    assert not stopped, '\n'.join(stopped)
