"""What `pip install cnn_notes` gives: the wheel's contents, its metadata, and that it works alone, without
files of the repository and without a network"""
import hashlib, json, os, re, subprocess, sys, tarfile, zipfile
from configparser import ConfigParser
from email import message_from_bytes
from pathlib import Path
import pytest
from packaging.requirements import Requirement
import cnn_notes

root = Path(__file__).resolve().parent.parent
modules = sorted(p.stem for p in (root/'cnn_notes').glob('*.py') if not p.stem.startswith('_'))
with_fastai = {'speed', 'data', 'callbacks', 'live', 'schedule'} # the only ones that may import fastai

def sh(*cmd, cwd=None, **env):
    env = {**{k: v for k,v in os.environ.items() if k != 'PYTHONPATH'}, **env}
    res = subprocess.run([str(o) for o in cmd], cwd=cwd, env=env, capture_output=True, text=True)
    assert res.returncode == 0, f"{' '.join(map(str, cmd))[:300]}\n{res.stdout[-3000:]}\n{res.stderr[-3000:]}"
    return res.stdout

def tracked():
    "What git has, or would have after `git add`: no build leftovers"
    names = sh('git', '-c', 'safe.directory=*', 'ls-files', '-z', '--cached', '--others',
        '--exclude-standard', cwd=root).split('\0')
    return sorted(o for o in set(names) if o and (root/o).is_file())

@pytest.fixture(scope='session')
def source(tmp_path_factory):
    "A clean copy of the repository"
    res = tmp_path_factory.mktemp('source')
    for name in tracked():
        (res/name).parent.mkdir(parents=True, exist_ok=True)
        (res/name).write_bytes((root/name).read_bytes())
    return res

@pytest.fixture(scope='session')
def dist(source, tmp_path_factory):
    "As `make wheel` does it: an sdist, and a wheel made from that"
    out = tmp_path_factory.mktemp('dist')
    sh(sys.executable, '-m', 'build', '--no-isolation', '--outdir', out, source, cwd=out)
    (wheel,),(sdist,) = out.glob('*.whl'),out.glob('*.tar.gz')
    return wheel,sdist

@pytest.fixture(scope='session')
def wheel(dist): return zipfile.ZipFile(dist[0])
@pytest.fixture(scope='session')
def metadata(wheel):
    (name,) = (o for o in wheel.namelist() if o.endswith('.dist-info/METADATA'))
    return message_from_bytes(wheel.read(name))
@pytest.fixture(scope='session')
def settings():
    cfg = ConfigParser(delimiters=['='])
    cfg.read(root/'settings.ini', encoding='utf-8')
    return cfg['DEFAULT']

@pytest.fixture(scope='session')
def installed(dist, tmp_path_factory):
    "The wheel, unpacked by pip into an empty folder"
    target = tmp_path_factory.mktemp('installed')
    sh(sys.executable, '-m', 'pip', 'install', '-q', '--no-deps', '--no-index', '--disable-pip-version-check',
        '--target', target, dist[0], cwd=target)
    return target

def elsewhere(code, installed, folder):
    """Run `code` in an empty `folder`, with nothing but the installed package to import and with no way to
    open a socket"""
    no_net = ("import socket\nclass No(socket.socket):\n    def __init__(self, *args, **kwargs): raise "
        "RuntimeError('a socket was opened')\nsocket.socket = No\n")
    return sh(sys.executable, '-c', no_net + code, cwd=folder, PYTHONPATH=str(installed), MPLBACKEND='agg',
        OMP_NUM_THREADS=os.environ.get('OMP_NUM_THREADS', '2'))


# ---- contents

def test_wheel_holds_the_package_and_nothing_else(wheel):
    names = [o for o in wheel.namelist() if '.dist-info/' not in o]
    want = [o for o in tracked() if o.startswith('cnn_notes/')]
    assert sorted(names) == want # all modules, the data, the assets
    assert {'cnn_notes/__init__.py', 'cnn_notes/py.typed', 'cnn_notes/mnist/NOTICE'} <= set(names)
    assert len([o for o in names if o.startswith('cnn_notes/mnist/') and o.endswith('.gz')]) == 4
    assert {Path(o).suffix for o in names} <= {'.py', '.gz', '', '.typed', '.js', '.css', '.html', '.json',
        '.md', '.toml', '.txt'}, 'something that is neither code, data nor an asset'
    for o in names: assert wheel.read(o) == (root/o).read_bytes(), o

def test_wheel_carries_the_licences(wheel):
    licences = {o.split('/licenses/')[1]: wheel.read(o).decode() for o in wheel.namelist()
        if '/licenses/' in o}
    assert licences == {o: (root/o).read_text(encoding='utf-8') for o in ('LICENSE',
        'cnn_notes/mnist/NOTICE')}
    notice = licences['cnn_notes/mnist/NOTICE']
    for o in ('LeCun', 'Cortes', 'Burges', 'CC BY-SA 3.0', 'https://creativecommons.org/licenses/by-sa/3.0/',
        'gzipped', '1998'):
        assert o in notice

def test_notice_gives_the_digest_of_what_is_shipped(wheel):
    import gzip
    notice = wheel.read('cnn_notes/mnist/NOTICE').decode()
    for o in wheel.namelist():
        if o.endswith('.gz'):
            assert f'{hashlib.md5(gzip.decompress(wheel.read(o))).hexdigest()}  {Path(o).stem}' in notice

def test_wheel_is_pure_and_small(dist, wheel):
    assert dist[0].name.endswith('-py3-none-any.whl') and dist[0].stat().st_size < 13e6

def test_sdist_is_enough_to_build_from(dist):
    with tarfile.open(dist[1]) as t: names = {o.name.split('/', 1)[1] for o in t if o.isfile()}
    assert {'settings.ini', 'setup.py', 'pyproject.toml', 'LICENSE', 'constraints.txt'} <= names
    assert {o for o in tracked() if o.startswith('cnn_notes/')} <= names
    assert not any(o.startswith(('tests/', 'nbs/', 'benchmarks/', 'tools/', '.')) for o in names)

def test_wheel_straight_from_the_repository_is_the_same(source, wheel, tmp_path):
    sh(sys.executable, '-m', 'build', '--wheel', '--no-isolation', '--outdir', tmp_path, source, cwd=tmp_path)
    (other,) = tmp_path.glob('*.whl')
    with zipfile.ZipFile(other) as z:
        assert {o.filename: o.CRC for o in z.infolist()} == {o.filename: o.CRC for o in wheel.infolist()}


# ---- metadata

def lines(text): return [o.strip() for o in text.splitlines() if o.strip()]
def norm(req): return str(Requirement(req.split(';')[0].strip()))

def test_metadata_is_settings_ini(metadata, settings):
    assert (metadata['Name'], metadata['Version']) == ('cnn_notes', cnn_notes.__version__)
    assert metadata['Summary'] == settings['description'] and metadata['Author'] == settings['author']
    assert (metadata['License-Expression'] or metadata['License']) == settings['license']
    assert [o.strip() for o in metadata['Keywords'].split(',')] == [o.strip()
        for o in settings['keywords'].split(',')]
    assert metadata['Requires-Python'] == f">={settings['min_python']}"
    reqs = metadata.get_all('Requires-Dist')
    assert [norm(o) for o in reqs if 'extra' not in o] == [norm(o) for o in lines(settings['requirements'])]
    assert [norm(o) for o in reqs if 'extra' in o] == [norm(o) for o in lines(settings['dev_requirements'])]
    assert metadata.get_all('Provides-Extra') == ['dev']

def targets(text): return re.findall(r'\]\(([^)\s]+)\)', text)

def test_readme_is_the_long_description(metadata):
    "An index shows it without the files beside it, so that all addresses are whole; the words are the same"
    assert metadata['Description-Content-Type'] == 'text/markdown'
    page,text = metadata.get_payload(),(root/'README.md').read_text(encoding='utf-8')
    assert all('://' in o for o in targets(page))
    def words(s): return re.sub(r'!\[[^\]]*\]\([^)]*\)|\]\([^)]*\)|[\[\]\s]', '', s)
    assert words(page) == words(text)

def test_an_index_is_sent_to_the_repository(source, tmp_path):
    "`setup.py` with a repository: relative addresses lead to the files of this version"
    import shutil
    for o in ('setup.py', 'settings.ini', 'pyproject.toml', 'README.md'): shutil.copy(source/o, tmp_path)
    (tmp_path/'cnn_notes').mkdir()
    shutil.copy(source/'cnn_notes'/'__init__.py', tmp_path/'cnn_notes')
    project = (tmp_path/'pyproject.toml').read_text(encoding='utf-8')
    line = '[project.urls]\nRepository = "https://github.com/ada/course"\n'
    (tmp_path/'pyproject.toml').write_text(re.sub(r'\[project\.urls\]\n(# )?Repository.*\n', line, project))
    said = sh(sys.executable, 'setup.py', '-q', '--long-description', cwd=tmp_path)
    base = f'ada/course/blob/v{cnn_notes.__version__}'
    assert f'(https://github.com/{base}/nbs/01_kernels.ipynb)' in said
    assert f'(https://raw.githubusercontent.com/{base.replace("blob/", "")}/nbs/images/' in said
    assert all('://' in o for o in targets(said))

def test_constraints_meet_the_requirements(settings):
    "The versions in constraints.txt are ones that settings.ini allows, and every requirement has one"
    pins = {o.name: o for o in map(Requirement, (l for l in lines((root/'constraints.txt').read_text())
        if not l.startswith('#')))}
    for o in map(Requirement, lines(settings['requirements']) + lines(settings['dev_requirements'])):
        assert o.name in pins, f'{o.name} has no version in constraints.txt'
        (pin,) = pins[o.name].specifier
        assert pin.operator == '==' and pin.version in o.specifier, f'{o} does not allow {pin}'

def test_the_oldest_versions_are_the_floors(settings):
    """constraints-oldest.txt, which `make oldest` tests, has for every requirement the oldest version that
    settings.ini allows"""
    pins = {o.name: o for o in map(Requirement, (l for l in lines((root/'constraints-oldest.txt').read_text())
        if not l.startswith('#')))}
    for o in map(Requirement, lines(settings['requirements'])):
        (floor,),(pin,) = o.specifier,pins[o.name].specifier
        assert pin.operator == '==' and floor.operator == '>=' and (pin.version + '.').startswith(
            floor.version + '.'), f'{o}, {pin}'

# ---- at work, alone

def test_every_module_imports_from_the_wheel(installed, tmp_path):
    out = elsewhere(f"import importlib\nfor m in {modules}: "
        "print(importlib.import_module('cnn_notes.'+m).__file__)", installed, tmp_path)
    assert [Path(o).parent.parent for o in lines(out)] == [installed]*len(modules)

def test_the_wheel_trains_without_repository_and_network(installed, tmp_path):
    out = elsewhere("""
import json
from cnn_notes.data import load_mnist, mnist_dls
from fastai.vision.all import Learner, accuracy, nn, set_seed
set_seed(0)
m = load_mnist()
dls = mnist_dls(bs=64, data=(m.train_x[:3200], m.train_y[:3200], m.valid_x[:500], m.valid_y[:500]))
learn = Learner(dls, nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), metrics=accuracy)
with learn.no_bar(), learn.no_logging(): learn.fit_one_cycle(1, 1e-2)
acc = learn.final_record[-1]
with learn.no_bar(): label = str(learn.predict(m.valid_x[0])[0])
print(json.dumps([len(m.train_x), acc, label]))
""", installed, tmp_path)
    n,acc,label = json.loads(lines(out)[-1])
    assert n == 60_000 and acc > .7 and label in list('0123456789')
    assert not list(tmp_path.iterdir()) # and leaves nothing behind


# ---- what an import costs

@pytest.fixture(scope='session')
def brings_fastai():
    "The modules after whose import fastai was there, of those that should not bring it"
    code = f"""
import sys, importlib, json
res = []
for m in {[m for m in modules if m not in with_fastai]}:
    had = 'fastai' in sys.modules
    importlib.import_module('cnn_notes.' + m)
    if 'fastai' in sys.modules and not had: res.append(m)
print(json.dumps(res))"""
    return json.loads(sh(sys.executable, '-c', code, cwd=root, PYTHONPATH=str(root)))

@pytest.mark.full
@pytest.mark.parametrize('module', [m for m in modules if m not in with_fastai])
def test_import_does_not_bring_fastai(module, brings_fastai): assert module not in brings_fastai

@pytest.mark.full
def test_show_alone_does_not_bring_fastai():
    assert sh(sys.executable, '-c', "import sys, cnn_notes.show; print(any(m.split('.')[0] == 'fastai' for m "
        "in sys.modules))", cwd=root, PYTHONPATH=str(root)).strip() == 'False'

def test_what_takes_long_is_imported_at_its_first_use():
    code = f"""
import sys, importlib
for m in {[m for m in modules if m not in with_fastai]}: importlib.import_module('cnn_notes.' + m)
print([m for m in ('matplotlib', 'pandas', 'openpyxl', 'scipy', 'IPython', 'torchvision') if m in sys.modules])"""
    assert sh(sys.executable, '-c', code, cwd=root, PYTHONPATH=str(root)).strip() == '[]'

def test_the_package_itself_costs_nothing():
    assert sh(sys.executable, '-c', "import sys, cnn_notes; print('torch' in sys.modules)", cwd=root,
        PYTHONPATH=str(root)).strip() == 'False'


# ---- the README

run_blocks = r'''
import ast, json, re, sys
text = sys.stdin.read()
shown = []
for block in re.findall(r'```python\n(.*?)```', text, re.S):
    scope,tree = {'__name__': '__main__'},ast.parse(block) # each block alone
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, 'README', 'exec'), scope)
    value = last and eval(compile(ast.Expression(last.value), 'README', 'eval'), scope)
    shown.append(None if last is None else repr(value))
print(json.dumps(shown))
'''

def test_the_readme_runs_as_printed(installed, tmp_path):
    text = (root/'README.md').read_text(encoding='utf-8')
    printed = [(b, [l[4:] for l in out.split('\n') if l.strip()]) for b,
        out in re.findall(r'```python\n((?s:.*?))```\n+((?:    .*\n)*)', text)]
    (tmp_path/'README.md').write_text(text, encoding='utf-8')
    shown = json.loads(lines(elsewhere("import sys\nsys.stdin = open('README.md', "
        f"encoding='utf-8')\n{run_blocks}", installed, tmp_path))[-1])
    assert len(shown) == len(printed) >= 2
    for got,(block,want) in zip(shown, printed):
        if got is None: assert not want, block
        elif '%' in got:
            assert abs(float(re.search(r'[\d.]+', got)[0]) - float(re.search(r'[\d.]+', want[0])[0])) < .5, (
                got, want) # a training run: to half a point
        else: assert got.split('\n') == want, block
