"""The Colab door: each notebook, copied alone into an empty folder, with the built wheel and what it
requires, and no network.

The environment is a fresh one: `python -m venv`, with links to the files of the distributions that the
wheel's metadata asks for (found
by following requirements) and of ipykernel, which Jupyter and Colab bring. Nothing else that happens to be
installed can be imported.
"""
import importlib.metadata as md, json, os, re, shutil, subprocess, sys, sysconfig, zipfile
from copy import deepcopy
from email import message_from_bytes
from importlib.util import cache_from_source
from pathlib import Path
import nbformat
import pytest
from nbclient import NotebookClient
from packaging.requirements import Requirement
from test_hygiene import every_notebook, machine_path, texts, where
from test_package import dist, source # noqa: F401, fixtures
import saved as outputs

root = Path(__file__).resolve().parent.parent

def closure(reqs):
    "Distributions that `reqs` need, those included"
    todo,res = [(Requirement(o), ()) for o in reqs],{}
    while todo:
        req,extras = todo.pop()
        if req.marker and not any(req.marker.evaluate({'extra': e}) for e in ('', *extras)): continue
        key = (re.sub(r'[-_.]+', '-', req.name).lower(), tuple(sorted(req.extras)))
        if key in res: continue
        try: res[key] = d = md.distribution(req.name)
        # pip would have refused; what is missing shows when it is imported
        except md.PackageNotFoundError: continue
        todo += [(Requirement(o), key[1]) for o in d.requires or ()]
    return {k[0]: d for k,d in res.items()}

no_network = """
import socket
def _check(address):
    here = '127.0.0.1', '::1', 'localhost'
    if not isinstance(address, tuple) or address[0] in here: return
    raise RuntimeError(f'the network is cut: {address}')
class _Local(socket.socket):
    def connect(self, address): _check(address); return super().connect(address)
    def connect_ex(self, address): _check(address); return super().connect_ex(address)
socket.socket = _Local
_real = socket.getaddrinfo
def getaddrinfo(host, *args, **kwargs): _check((host,)); return _real(host, *args, **kwargs)
socket.getaddrinfo = getaddrinfo
"""

@pytest.fixture(scope='session')
def fresh(dist, tmp_path_factory): # noqa: F811
    "Python of an environment that has the wheel, what it requires, and a Jupyter kernel"
    folder = tmp_path_factory.mktemp('fresh')
    subprocess.run([sys.executable, '-m', 'venv', '--without-pip', folder/'env'], check=True)
    python = folder/'env'/'bin'/'python'
    site = Path(subprocess.run([python, '-c', "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True, text=True, check=True).stdout.strip())
    with zipfile.ZipFile(dist[0]) as z:
        z.extractall(site)
        (name,) = (o for o in z.namelist() if o.endswith('.dist-info/METADATA'))
        requires = message_from_bytes(z.read(name)).get_all('Requires-Dist')
    here,made = Path(sysconfig.get_path('purelib')),set()
    for d in closure([o for o in requires if 'extra' not in o] + ['ipykernel']).values():
        for f in d.files or ():
            src = Path(os.path.normpath(d.locate_file(f)))
            # scripts
            if not src.is_relative_to(here) or '__pycache__' in src.parts or not src.exists(): continue
            dst = site/src.relative_to(here)
            if dst.parent not in made: dst.parent.mkdir(parents=True, exist_ok=True); made.add(dst.parent)
            if not dst.exists(): os.symlink(src, dst)
            # and what Python made of it, or each kernel would compile PyTorch and fastai anew, for ten seconds
            if src.suffix == '.py' and (compiled := Path(cache_from_source(str(src)))).exists():
                cache = Path(cache_from_source(str(dst)))
                cache.parent.mkdir(exist_ok=True)
                if not cache.exists(): os.symlink(compiled, cache)
    subprocess.run([python, '-m', 'compileall', '-q', site/'cnn_notes'], check=True) # as pip does
    (site/'sitecustomize.py').write_text(no_network)
    spec = folder/'jupyter'/'kernels'/'fresh'
    spec.mkdir(parents=True)
    (spec/'kernel.json').write_text(json.dumps(dict(argv=[str(python), '-m', 'ipykernel_launcher', '-f',
        '{connection_file}'], display_name='fresh', language='python')))
    return python,site,folder/'jupyter'

def clean_env(home, jupyter):
    keep = ('PATH', 'LANG', 'LC_ALL', 'OMP_NUM_THREADS', 'TMPDIR', 'ATEN_CPU_CAPABILITY',
        'ONEDNN_MAX_CPU_ISA') # the last two stand in for another processor
    return {**{k: os.environ[k] for k in keep if k in os.environ}, 'HOME': str(home),
        'JUPYTER_PATH': str(jupyter), 'PYTHONDONTWRITEBYTECODE': '1'}

def files(folder):
    return {p.relative_to(folder).as_posix(): p.stat().st_mtime_ns for p in folder.rglob('*') if p.is_file()
        or p.is_symlink()}

def test_the_fresh_environment_is_what_it_says(fresh, tmp_path):
    python,site,jupyter = fresh
    dev = [o for o in ('hypothesis', 'torchinfo', 'fvcore', 'skimage', 'pytest', 'nbdev', 'selenium',
        'formulas')]
    code = f"""
import importlib.util as u, json, socket, sys, cnn_notes, torch, fastai, matplotlib, numba, openpyxl
try: socket.create_connection(('192.0.2.1', 80), .1); net = 'open'
except RuntimeError: net = 'cut'
print(json.dumps([cnn_notes.__file__, net, [o for o in {dev} if u.find_spec(o)]]))"""
    res = subprocess.run([python, '-c', code], cwd=tmp_path, env=clean_env(tmp_path, jupyter),
        capture_output=True, text=True)
    assert res.returncode == 0, res.stderr
    assert json.loads(res.stdout) == [str(site/'cnn_notes'/'__init__.py'), 'cut', []]

@every_notebook
def test_notebook_alone(path, fresh, tmp_path, monkeypatch):
    _,site,jupyter = fresh
    home,work = tmp_path/'home',tmp_path/'empty'
    home.mkdir(); work.mkdir()
    shutil.copy(path, work)
    nb = nbformat.read(work/path.name, as_version=4)
    nb.cells = [c for c in nb.cells if not (c.cell_type == 'code'
        and re.search(r'^#\|\s*eval:\s*false', c.source, re.M))]
    saved = deepcopy(nb)
    env,before = clean_env(home, jupyter),files(site/'cnn_notes')
    monkeypatch.setenv('JUPYTER_PATH', str(jupyter))
    NotebookClient(nb, kernel_name='fresh', timeout=600, resources={'metadata': {'path': str(work)}}).execute(
        env=env)
    for c in nb.cells:
        if c.cell_type != 'code': continue
        for o in c.outputs:
            assert o.get('name') != 'stderr', f'{where(nb, c)}: {o.text[:300]}'
            for t in texts(o):
                assert not (m := machine_path.search(
                    t)), f'{where(nb, c)}: {t[max(0, m.start()-60):m.end()+60]}'
    if folder := os.environ.get('CNN_NOTES_RERUN'): nbformat.write(nb, Path(folder)/path.name) # to look at
    stale = list(outputs.differences(saved, nb, root/'_bench'/'stale', path.stem))
    assert not stale, '\n'.join(stale)
    assert files(site/'cnn_notes') == before # the installed package is as it was
    # a cache, and what IPython and Jupyter keep for themselves
    others = {o for o in files(home) if o.split('/')[0] not in ('.cache', '.ipython', '.jupyter', '.local')}
    assert not others, others
