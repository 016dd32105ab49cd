"""What goes wrong and is none of our doing: an interrupt, a killed process, an exception in a hook, a full disk, a file system that cannot be
written to, no home directory, two processes at once, damaged data. Afterwards: no hook left, a learner that gives the right numbers, no partial file.
"""
import errno, gc, gzip, json, os, resource, shutil, signal, subprocess, sys, tempfile, time
from collections import OrderedDict
from contextlib import ExitStack, contextmanager
from pathlib import Path
import matplotlib.pyplot as plt
import pytest, torch, torch.nn as nn
import cnn_notes, cnn_notes.callbacks, cnn_notes.data, cnn_notes.geometry, cnn_notes.live, cnn_notes.show
from cnn_notes.callbacks import ActivationStats
from cnn_notes.counting import count
from cnn_notes.data import ImageTensors, load_mnist, mnist_dls
from cnn_notes.explore import explore_conv
from cnn_notes.geometry import trace
from cnn_notes.receptive import effective_receptive_field, explore_network, gradient_receptive_field, receptive_field
from cnn_notes.schedule import LiveSchedule, StepSchedule, one_cycle
from cnn_notes.spreadsheet import write_workbook
from fastai.callback.core import Callback, event
from fastai.learner import Learner
from fastai.torch_core import set_seed
import fastai.callback.progress # noqa: F401, Learner.no_bar

pytestmark = pytest.mark.full
package = Path(cnn_notes.__file__).parent
class HookError(RuntimeError): "What a reader's own hook raises"
errors = [KeyboardInterrupt, HookError, MemoryError]

# ---- training

n_steps = 12 # two epochs of six batches

def tiny():
    g = torch.Generator().manual_seed(0)
    x,y = torch.rand(48, 16, 16, generator=g),torch.arange(48)%4
    return mnist_dls(bs=8, data=(x, y, x[:16], y[:16]), device='cpu')
def net(): return nn.Sequential(OrderedDict(a=nn.Conv2d(1, 4, 3, 2, 1), relu=nn.ReLU(), b=nn.Conv2d(4, 8, 3, 2, 1), relu2=nn.ReLU(), flat=nn.Flatten(), c=nn.Linear(128, 4)))

def hooks(model): return sum(len(getattr(m, k)) for m in model.modules() for k in vars(m) if k.endswith('_hooks')) + sum('forward' in vars(m) for m in model.modules())

kinds = dict(forward=dict(), act=dict(after_act=True), gradient=dict(is_forward=False))
def make(kind, *cbs):
    set_seed(0)
    dls = tiny(); dls.train.rng.seed(0)
    return Learner(dls, net(), cbs=[ActivationStats(with_hist=True, **kinds[kind]), LiveSchedule(every=None), StepSchedule(lr=one_cycle(n_steps, .1).lrs), *cbs])

def fit(learn):
    with learn.no_bar(), learn.no_logging(): learn.fit(2, .1, reset_opt=True)
    return learn

def numbers(learn):
    "All that a fit leaves: the weights, the callbacks' records, what fastai recorded"
    rec = learn.activation_stats.record
    return [*learn.model.state_dict().values(), *rec._read(), torch.tensor(rec.batches), torch.tensor(learn.live_schedule.batch_losses), torch.tensor(learn.live_schedule.rates),
            torch.tensor([list(o) for o in learn.recorder.values], dtype=torch.double), torch.tensor(learn.recorder.lrs)]

def same(a, b): return len(a) == len(b) and all(p.shape == q.shape and torch.equal(p.nan_to_num(-99), q.nan_to_num(-99)) for p,q in zip(a, b))

@pytest.fixture(scope='module')
def right():
    "The numbers of an undisturbed fit"
    return {k: numbers(fit(make(k))) for k in kinds}

def usable(learn, kind, right):
    "Does a fit from the start give what it would have given on a fresh learner?"
    set_seed(0)
    fresh = make(kind)
    learn.model.load_state_dict(fresh.model.state_dict())
    learn.model.zero_grad() # fastai does that at the end of a step: one that was stopped before leaves its gradients to the next
    learn.dls = fresh.dls
    set_seed(0); make(kind) # the random numbers are where `make` leaves them
    got = numbers(fit(learn))
    return same(got, right[kind]) and hooks(learn.model) == 0

class Fails(Callback):
    "Raises in one event of the fifth training step"
    def __init__(self, name, error, order): self.at,self.error,self.order = name,error,order
    def __call__(self, name):
        if name == self.at and (name not in per_batch or self.training and self.train_iter == 5 or not self.training and self.iter == 1): raise self.error()
per_batch = {'before_batch','after_pred','after_loss','before_backward','after_backward','before_step','after_step','after_batch'}
events = [o for o in vars(event) if o.startswith(('before_', 'after_')) and 'cancel' not in o and o != 'after_create']

def test_the_events_are_fastais(): assert len(events) > 15 and per_batch <= set(events)

@pytest.mark.parametrize('name', events)
@pytest.mark.parametrize('order', [-90, 90], ids=['first', 'last'])
def test_an_interrupted_fit(name, order, right):
    "Whatever event it happens in, before or after our callbacks had their turn"
    for kind in kinds:
        for error in errors[:1 if kind != 'forward' else None]:
            stop = Fails(name, error, order)
            learn = make(kind, stop)
            if name == 'before_fit' and order < 0: learn.activation_stats.fits.clear()
            with pytest.raises(error): fit(learn)
            learn.remove_cb(stop)
            if (name, order) in (('before_batch', 90), ('after_pred', -90)): # another callback was stopped while ours waited for the model: whatever comes next takes the hooks away
                with learn.no_bar(), learn.no_logging(): learn.validate()
            assert hooks(learn.model) == 0
            assert usable(learn, kind, right)

@contextmanager
def failing(owner, name, error, after=20):
    "For a while `owner.name` raises, from its `after`-th call on"
    real,calls = getattr(owner, name),[0]
    def f(*args, **kwargs):
        calls[0] += 1
        if calls[0] > after: raise error()
        return real(*args, **kwargs)
    setattr(owner, name, f)
    try: yield
    finally: setattr(owner, name, real)
    assert calls[0] > after, f'{name} was not called so often'

@pytest.mark.parametrize('kind', kinds)
@pytest.mark.parametrize('error', errors)
def test_an_exception_inside_our_hook(kind, error, right):
    learn = make(kind)
    with failing(cnn_notes.callbacks, '_describe', error), pytest.raises(error): fit(learn)
    assert hooks(learn.model) == 0 and 0 < len(learn.activation_stats.record) < n_steps
    learn.activation_stats.plot(); plt.close('all') # what was recorded before can be looked at
    assert usable(learn, kind, right)

@pytest.mark.parametrize('kind', kinds)
@pytest.mark.parametrize('where', ['forward', 'backward'])
def test_an_exception_inside_a_readers_hook(kind, where, right):
    learn,calls = make(kind),[0]
    def hook(*args):
        calls[0] += 1
        if calls[0] == 5: raise HookError
    handle = learn.model.b.register_forward_hook(hook) if where == 'forward' else learn.model.b.register_full_backward_hook(hook)
    with pytest.raises(HookError): fit(learn)
    handle.remove()
    assert hooks(learn.model) == 0 and usable(learn, kind, right)

@pytest.mark.parametrize('error', errors)
@pytest.mark.parametrize('what', ['a batch', 'the optimizer', 'the loss', 'validation'])
def test_an_exception_at_work(what, error, right):
    learn = make('forward')
    learn.create_opt()
    owner,name,after = {'a batch': (ImageTensors, 'batch', 4), 'the optimizer': (learn.opt, 'step', 4), 'the loss': (learn, 'loss_func', 4), 'validation': (ImageTensors, 'batch', 7)}[what]
    keep = learn.opt_func
    if what == 'the optimizer':
        def opt_func(*args, **kwargs): # `fit` makes a new one
            opt = keep(*args, **kwargs); stack.enter_context(failing(opt, 'step', error, 4)); return opt
        learn.opt_func = opt_func
        with ExitStack() as stack, pytest.raises(error): fit(learn)
    else:
        with failing(owner, name, error, after), pytest.raises(error): fit(learn)
    learn.opt_func = keep
    assert hooks(learn.model) == 0 and usable(learn, 'forward', right)

def test_an_interrupt_while_the_live_figure_is_drawn(monkeypatch, right):
    learn = make('forward')
    live = learn.live_schedule
    live.every,live.max_share = 0,1
    monkeypatch.setattr(cnn_notes.live, '_in_notebook', lambda: True)
    with failing(LiveSchedule, 'plot', KeyboardInterrupt, 0), pytest.raises(KeyboardInterrupt): fit(learn)
    assert hooks(learn.model) == 0
    live.every = None
    assert usable(learn, 'forward', right)

def test_a_signal_as_the_stop_button_sends_it(right):
    learn = make('forward')
    class Press(Callback):
        def after_pred(self):
            if self.training and self.train_iter == 5: signal.raise_signal(signal.SIGINT)
    press = Press()
    learn.add_cb(press)
    with pytest.raises(KeyboardInterrupt): fit(learn)
    learn.remove_cb(press)
    assert hooks(learn.model) == 0 and usable(learn, 'forward', right)

# ---- looking inside a model

image = torch.linspace(0, 1, 64).view(8, 8)

class Stops(nn.Module):
    "A layer that raises once it has been told to"
    error = None
    def forward(self, x):
        if self.error: raise self.error()
        return x

def with_stop(): return nn.Sequential(OrderedDict(a=nn.Conv2d(1, 4, 3), stop=Stops(), bn=nn.BatchNorm2d(4), relu=nn.ReLU(), b=nn.Conv2d(4, 2, 3)))

@pytest.mark.parametrize('error', [KeyboardInterrupt, HookError, MemoryError])
@pytest.mark.parametrize('look', [
    lambda m,p: trace(m, (1, 8, 8)), lambda m,p: count(m, (1, 8, 8)), lambda m,p: receptive_field(m, (1, 8, 8)), lambda m,p: gradient_receptive_field(m, (1, 8, 8)),
    lambda m,p: effective_receptive_field(m, image[None, None]), lambda m,p: explore_network(m, image[None]), lambda m,p: write_workbook(p/'n.xlsx', m, image)],
    ids=['trace', 'count', 'receptive_field', 'gradient_receptive_field', 'effective_receptive_field', 'explore_network', 'write_workbook'])
def test_a_model_that_is_interrupted_is_handed_back(look, error, tmp_path):
    model = with_stop(); model.a.weight.requires_grad_(False); model.bn.eval()
    def state(): return [(k, v.clone()) for k,v in model.state_dict().items()],[m.training for m in model.modules()],[(p.requires_grad, p.grad, p.device.type) for p in model.parameters()],hooks(model),torch.is_grad_enabled(),torch.get_rng_state().tolist()
    before = state()
    model.stop.error = error
    with pytest.raises((error, ValueError, RuntimeError) if error is not KeyboardInterrupt else error): look(model, tmp_path)
    after = state()
    assert [k for k,_ in before[0]] == [k for k,_ in after[0]] and all(torch.equal(a, b) for (_,a),(_,b) in zip(before[0], after[0])) and before[1:] == after[1:]
    assert not os.listdir(tmp_path)
    model.stop.error = None
    look(model, tmp_path)

# ---- loading

@pytest.mark.parametrize('error', [KeyboardInterrupt, MemoryError])
def test_interrupted_loading(error):
    with failing(gzip, 'decompress', error, 2), pytest.raises(error): load_mnist()
    assert len(load_mnist().train_x) == 60_000

@pytest.fixture
def copy(tmp_path):
    "A copy of the installed package in an empty folder, and a way to run Python with it"
    folder = tmp_path/'site'
    shutil.copytree(package, folder/'cnn_notes', ignore=shutil.ignore_patterns('__pycache__'))
    return folder

def run(code, folder=None, check=True, before=(), timeout=300, **env):
    "Run `code` in a process of its own, with the package in `folder`"
    keep = {k: os.environ[k] for k in ('PATH', 'LANG', 'TMPDIR', 'HOME') if k in os.environ}
    env = {**keep, 'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(folder or package.parent), 'PYTHONDONTWRITEBYTECODE': '1', **env}
    cwd = env.pop('CWD', '/') # not here, where the package would be found first
    res = subprocess.run([*before, sys.executable, '-c', code], cwd=cwd, env={k: v for k,v in env.items() if v is not None}, capture_output=True, text=True, timeout=timeout)
    if check: assert res.returncode == 0, res.stderr[-3000:]
    return res

def test_damaged_data_files(copy):
    "In a process of its own: the message names the file and says what to do, and nothing else is printed"
    code = f"""
import json, sys, warnings
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from cnn_notes.data import load_mnist, _mnist
p = _mnist/'t10k-labels-idx1-ubyte.gz'
whole,res = p.read_bytes(),{{}}
damages = dict(truncated=whole[:len(whole)//2], empty=b'', altered=whole[:100] + bytes([whole[100] ^ 1]) + whole[101:], longer=whole + b'x', missing=None, folder=None)
for k,data in damages.items():
    p.unlink()
    if data is not None: p.write_bytes(data)
    if k == 'folder': p.mkdir()
    try: load_mnist(); res[k] = 'loaded'
    except Exception as e: res[k] = f'{{type(e).__name__}}: {{e}}'
    if data is None and k != 'folder': p.write_bytes(b'')
print(json.dumps([str(p), res]))
"""
    res = run(code, copy)
    path,said = json.loads(res.stdout)
    assert path.startswith(str(copy)) and len(said) == 6 and not res.stderr
    for k,o in said.items():
        assert o.startswith(('ValueError: load_mnist: ', 'FileNotFoundError: load_mnist: ')) and 't10k-labels-idx1-ubyte.gz' in o and 'reinstall the package' in o, (k, o)

# ---- where it runs

work = """
import os, sys, torch
import cnn_notes.data as data
from cnn_notes.callbacks import ActivationStats
from cnn_notes.explore import explore_conv
from cnn_notes.models import simple_cnn
from cnn_notes.schedule import LiveSchedule
from cnn_notes.show import show_image
from fastai.vision.all import Learner, set_seed
set_seed(0)
m = data.load_mnist()
learn = Learner(data.mnist_dls(bs=8, device='cpu', data=[o[:32] for o in m]), simple_cnn(), cbs=[ActivationStats(with_hist=True), LiveSchedule()])
learn.dls.train.rng.seed(0)
with learn.no_bar(), learn.no_logging(): learn.fit(1, .01)
learn.activation_stats.plot(); show_image(m.train_x[0])
assert '<iframe' in explore_conv(m.train_x[0]/255)._repr_mimebundle_()['text/html']
print(len(m.train_x), learn.live_schedule.batch_losses)
"""
@pytest.fixture(scope='module')
def expected(): return run(work).stdout

def files(folder): return {p.relative_to(folder).as_posix(): (p.stat().st_mtime_ns, p.stat().st_size) for p in folder.rglob('*') if p.is_file()}

refused = """
import errno, os, sys
root = {root!r}
def hook(event, args):
    write = event == 'open' and isinstance(args[0], (str, bytes, os.PathLike)) and (args[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    if write or event in ('os.mkdir', 'os.remove', 'os.rename', 'os.rmdir', 'os.link', 'os.symlink', 'os.truncate', 'os.chmod', 'os.utime', 'shutil.copyfile'):
        for o in args[:2]:
            if isinstance(o, (str, bytes, os.PathLike)) and os.path.abspath(os.fsdecode(o)).startswith(root): raise OSError(errno.EROFS, os.strerror(errno.EROFS), os.fsdecode(o))
sys.addaudithook(hook)
"""
probe = "try: open({path!r}, 'w'); raise SystemExit('it can be written to')\nexcept OSError: pass\n"

@pytest.mark.parametrize('how', ['mounted', 'refused'])
def test_a_read_only_file_system(how, copy, expected):
    "Package, home and working directory cannot be written to: a mount in a namespace of the process's own, and, where that is not allowed, an audit hook that refuses"
    for o in ('home', 'work'): (copy/o).mkdir()
    where,code = dict(HOME=str(copy/'home'), CWD=str(copy/'work'), PYTHONDONTWRITEBYTECODE=None),probe.format(path=str(copy/'cnn_notes'/'x')) + work
    before = files(copy)
    if how == 'mounted':
        prefix = ['unshare', '-rm', 'sh', '-c', 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && cd "$0/work" && exec "$@"', str(copy)]
        if not shutil.which('unshare') or subprocess.run([*prefix, 'true'], cwd=copy, capture_output=True).returncode: pytest.skip('no mount namespace for this user')
        res = run(code, copy, before=prefix, **where)
    else: res = run(refused.format(root=str(copy)) + code, copy, **where)
    assert res.stdout == expected and 'Traceback' not in res.stderr and files(copy) == before

@pytest.mark.parametrize('home', [None, '', '/dev/null/home'])
def test_no_home_directory(home, copy, expected, tmp_path):
    res = run(work, copy, HOME=home, CWD=tmp_path)
    assert res.stdout == expected and 'Traceback' not in res.stderr
    assert {p.name for p in tmp_path.iterdir()} == {'site'}

def test_two_processes_at_once(copy, expected, tmp_path):
    "Both begin with an empty home, and make what matplotlib and fastai keep there at the same time"
    (tmp_path/'home').mkdir()
    go = tmp_path/'go'
    wait = f"import os, time\nprint('ready', flush=True)\nwhile not os.path.exists({str(go)!r}): time.sleep(.001)\n"
    env = {**{k: os.environ[k] for k in ('PATH', 'LANG', 'TMPDIR') if k in os.environ}, 'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(copy), 'HOME': str(tmp_path/'home')}
    both = [subprocess.Popen([sys.executable, '-c', wait + work], env=env, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for p in both: assert p.stdout.readline() == 'ready\n'
    go.touch()
    for p in both:
        out,err = p.communicate(timeout=300)
        assert p.returncode == 0 and out == expected, err[-2000:]

# ---- a killed process

@contextmanager
def started(code, folder=None, **env):
    p = subprocess.Popen([sys.executable, '-c', code], env={**os.environ, 'PYTHONPATH': str(folder or package.parent), 'OMP_NUM_THREADS': '1', **env}, cwd=env.get('CWD'), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try: yield p
    finally:
        p.kill(); p.communicate()

@pytest.mark.nightly
@pytest.mark.parametrize('what', ['loading', 'training'])
def test_a_killed_process_leaves_nothing(what, copy, expected, tmp_path):
    (tmp_path/'empty').mkdir()
    code = {'loading': "from cnn_notes.data import load_mnist\nprint('ready', flush=True)\nwhile True: load_mnist()",
            'training': work.replace('learn.fit(1, .01)', "print('ready', flush=True); learn.fit(10**6, .01)")}[what]
    before = files(copy)
    with started(code, copy, CWD=str(tmp_path/'empty'), PYTHONDONTWRITEBYTECODE='1') as p:
        assert p.stdout.readline() == 'ready\n', p.stderr.read()[-2000:]
        time.sleep(.7)
        assert p.poll() is None
        p.send_signal(signal.SIGKILL)
        assert p.wait(30) == -signal.SIGKILL
    assert files(copy) == before and not os.listdir(tmp_path/'empty')
    assert run(work, copy, CWD=str(tmp_path/'empty')).stdout == expected

# ---- files: whole or not at all

def two(): torch.manual_seed(0); return nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 2, 3))
writers = dict(workbook=('n.xlsx', lambda p,x=image: write_workbook(p, two(), x)), conv=('v.html', lambda p,x=image: explore_conv(x).save(p)), network=('v.html', lambda p,x=image: explore_network(two(), x[None]).save(p)))

@pytest.fixture(params=writers)
def writer(request): return writers[request.param]

class Torn:
    "A file that takes 100 characters and then fails"
    def __init__(self, f, error): self.f,self.error = f,error
    def __enter__(self): return self
    def __exit__(self, *args): self.f.close()
    def __getattr__(self, k): return getattr(self.f, k)
    def write(self, data): self.f.write(data[:100]); self.f.flush(); raise self.error

full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
@pytest.mark.parametrize('error', [KeyboardInterrupt(), full, MemoryError()], ids=['interrupt', 'full disk', 'no memory'])
@pytest.mark.parametrize('old', [False, True], ids=['new', 'replaced'])
@pytest.mark.parametrize('where', ['write', 'replace', 'before'])
def test_writing_that_fails(writer, error, old, where, tmp_path, monkeypatch):
    "Nothing new in the folder, and what was there before is whole"
    name,write = writer
    path = tmp_path/name
    if old: write(path)
    before = path.read_bytes() if old else None
    with monkeypatch.context() as m:
        def fail(*args, **kwargs): raise error
        if where == 'replace': m.setattr(os, 'replace', fail)
        elif where == 'before': m.setattr('openpyxl.Workbook.save' if name.endswith('xlsx') else 'cnn_notes.explore.View.page', fail)
        else:
            import builtins, io, pathlib
            def torn(real): return lambda file, mode='r', *args, **kwargs: Torn(real(file, mode, *args, **kwargs), error) if set(mode) & set('wxa') and str(file).endswith('.part') else real(file, mode, *args, **kwargs)
            m.setattr(builtins, 'open', torn(builtins.open)); m.setattr(io, 'open', torn(io.open)) # pathlib's
            if hasattr(pathlib, '_NormalAccessor'): m.setattr(pathlib._NormalAccessor, 'open', staticmethod(torn(io.open))) # Python 3.10's
        with pytest.raises(type(error)) as e: write(path, image.flip(0))
        if isinstance(error, OSError) and where != 'before': assert name in str(e.value) and 'No space left' in str(e.value) and 'give a' in str(e.value)
    assert os.listdir(tmp_path) == [name]*old and (not old or path.read_bytes() == before)
    write(path) # and once there is room, it is written

@pytest.mark.filterwarnings('ignore::pytest.PytestUnraisableExceptionWarning') # openpyxl's archive is not closed where it fails
def test_a_disk_that_is_full(writer, tmp_path):
    "The operating system's own refusal, in the middle of the file: a limit on the size of files, which Linux checks as it checks for room"
    name,write = writer
    path = tmp_path/name
    write(path)
    before = path.read_bytes()
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, old[1]))
    try:
        with pytest.raises(OSError, match=f'{name}|where the sheets are put together') as e: write(path, image.flip(0))
    finally: resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert os.strerror(errno.EFBIG) in str(e.value) and type(e.value.__cause__) is OSError
    del e; gc.collect()
    assert os.listdir(tmp_path) == [name] and path.read_bytes() == before

@pytest.mark.nightly
@pytest.mark.parametrize('kind', writers)
@pytest.mark.parametrize('moment', ['half written', 'written, not yet in place'])
def test_killed_while_writing(kind, moment, tmp_path):
    "A file of the name is there whole or not at all; what a killed process could not take away is hidden and of another name, and is in nobody's way"
    name,write = writers[kind]
    path = tmp_path/name
    write(path)
    before = path.read_bytes()
    code = f"""
import builtins, io, os, signal, torch
from torch import nn
def die(*args, **kwargs): os.kill(os.getpid(), signal.SIGKILL)
class Dies:
    def __init__(self, f): self.f = f
    def __enter__(self): return self
    def __exit__(self, *args): pass
    def write(self, data): self.f.write(data[:100]); self.f.flush(); die()
def dies(real): return lambda file, mode='r', *args, **kwargs: (Dies if str(file).endswith('.part') else lambda f: f)(real(file, mode, *args, **kwargs))
if {moment!r} == 'half written': io.open = dies(io.open); builtins.open = dies(builtins.open)
else: os.replace = die
path,image,two = {str(path)!r},torch.rand(8, 8),nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 2, 3))
if {kind!r} == 'workbook': from cnn_notes.spreadsheet import write_workbook; write_workbook(path, two, image)
elif {kind!r} == 'conv': from cnn_notes.explore import explore_conv; explore_conv(image).save(path)
else: from cnn_notes.receptive import explore_network; explore_network(two, image[None]).save(path)
"""
    assert run(code, check=False).returncode == -signal.SIGKILL
    left = [o for o in os.listdir(tmp_path) if o != name]
    assert path.read_bytes() == before and len(left) == 1 and left[0].startswith('.') and left[0].endswith('.part')
    write(path, image.flip(0))
    assert path.read_bytes() != before

def test_two_write_the_same_file(writer, tmp_path):
    "Each writes to a file of its own, and the last one wins"
    name,write = writer
    path,parts,real = tmp_path/name,[],os.replace
    def replace(a, b):
        parts.append(a)
        if len(parts) == 1: write(path, image.flip(0)) # the other one comes in between
        real(a, b)
    os.replace = replace
    try: write(path)
    finally: os.replace = real
    assert len({str(o) for o in parts}) == 2 and os.listdir(tmp_path) == [name]
    first = path.read_bytes(); write(path)
    if not name.endswith('xlsx'): assert path.read_bytes() == first # a workbook holds the time it was made

@pytest.mark.parametrize('error', [KeyboardInterrupt, full])
def test_an_interrupted_animation_leaves_no_figure_and_no_folder(error, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path))
    plt.close('all')
    def draw(i):
        if i == 2: raise error
    with pytest.raises(KeyboardInterrupt if error is KeyboardInterrupt else OSError): cnn_notes.show.animate(plt.figure(), draw, 4)
    assert plt.get_fignums() == [] and not os.listdir(tmp_path)
    assert cnn_notes.show.animate(plt.figure(), lambda i: None, 2).data[:3] == b'GIF' and not os.listdir(tmp_path)
