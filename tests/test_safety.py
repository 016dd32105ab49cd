"""Nothing is let in: no code that comes with a reader's data or names is run, no text of theirs becomes
markup, a formula or a request; and no test reaches the network"""
import ast, json, os, re, socket, subprocess, sys, warnings
from html.parser import HTMLParser
from pathlib import Path
import matplotlib.pyplot as plt
import pytest, torch, torch.nn as nn
from cnn_notes.counting import count
from cnn_notes.drawing import draw_digit
from cnn_notes.exercises import Verdict
from cnn_notes.explore import explore_conv
from cnn_notes.geometry import trace
from cnn_notes.models import simple_cnn
from cnn_notes.questionnaire import Outcome, Summary
from cnn_notes.receptive import explore_network, receptive_field
from cnn_notes.show import Gif
from cnn_notes.spreadsheet import write_workbook
from cnn_notes.activations import ActivationRecord
from test_explore import hostile
from test_explore_network import names
from test_hygiene import every_notebook
import test_spreadsheet

root = Path(__file__).resolve().parent.parent
shipped = sorted((root/'cnn_notes').glob('*.py'))
commands = sorted([*(root/'tools').rglob('*.py'), *(root/'benchmarks').glob('*.py'), root/'setup.py'])

# ---- what the code may not do

runs_code = {'eval', 'exec', 'compile', '__import__', 'execfile', 'runpy.run_path', 'runpy.run_module',
    'code.interact', 'importlib.reload'}
unpacks = {'pickle.load', 'pickle.loads', 'pickle.Unpickler', 'cPickle.load', 'dill.load', 'dill.loads',
    'joblib.load', 'shelve.open', 'marshal.load', 'marshal.loads', 'load_learner', 'load_pickle',
           'yaml.load', 'yaml.unsafe_load', 'torch.hub.load', 'torch.package.PackageImporter',
           'pd.read_pickle', 'pandas.read_pickle'}
shells = {'os.system', 'os.popen', 'os.spawnl', 'os.spawnv', 'os.execv', 'os.execl', 'os.execvp', 'pty.spawn',
    'commands.getoutput', 'subprocess.getoutput', 'subprocess.getstatusoutput'}
modules = {'pickle', 'dill', 'joblib', 'shelve', 'marshal', 'socket', 'http', 'urllib', 'requests', 'ftplib',
    'smtplib', 'webbrowser', 'ctypes', 'subprocess', 'pty', 'telnetlib', 'xmlrpc', 'httpx', 'aiohttp'}

def dangers(source, own=True):
    """What in `source` would run or fetch what somebody else supplies; own: imports of the modules that can
    are refused too"""
    for n in ast.walk(ast.parse(source)):
        if own and isinstance(n, (ast.Import, ast.ImportFrom)):
            for o in [a.name for a in n.names] if isinstance(n, ast.Import) else [n.module or '']:
                if o.split('.')[0] in modules: yield f'line {n.lineno}: import {o}'
        if not isinstance(n, ast.Call): continue
        name,kw = ast.unparse(n.func),{k.arg: k.value for k in n.keywords}
        def says(k, v, kw=kw): return isinstance(kw.get(k), ast.Constant) and kw[k].value is v
        last = name.rsplit('.', 1)[-1]
        if name in runs_code | unpacks | shells or name.startswith('builtins.') or last in {'load_learner',
            'load_pickle', 'download_url', 'untar_data', 'urlopen', 'urlretrieve'}:
            yield f'line {n.lineno}: {name}'
        elif name in ('torch.load', 'torch.jit.load') and not says('weights_only', True):
            yield f'line {n.lineno}: {name} without weights_only=True'
        elif name in ('np.load', 'numpy.load', 'np.loadtxt') and 'allow_pickle' in kw and not says(
            'allow_pickle', False):
            yield f'line {n.lineno}: {name} with allow_pickle'
        elif 'shell' in kw and not says('shell', False): yield f'line {n.lineno}: {name} with a shell'
        elif any(k in kw for k in ('pretrained', 'download')) and not any(says(k, False)
            for k in ('pretrained', 'download')):
            yield f'line {n.lineno}: {name} downloads'
        elif 'weights' in kw and 'models.' in name and not says('weights', None):
            yield f'line {n.lineno}: {name} downloads'

@pytest.mark.parametrize('bad', ["eval(x)", "exec(x)", "compile(x, '', 'exec')", "__import__(x)",
    "import pickle", "from pickle import loads", "import urllib.request", "pickle.load(f)", "torch.load(f)",
    "torch.load(f, weights_only=False)", "torch.load(f, weights_only=x)", "np.load(f, allow_pickle=True)",
    "os.system(x)", "subprocess.run(x, shell=True)", "subprocess.run(x, shell=y)", "learn.load_learner(f)",
    "fastai.learner.load_learner(f)", "untar_data(URLs.MNIST)", "torch.hub.load('a', 'b')",
    "models.resnet18(weights='DEFAULT')", "MNIST(p, download=True)", "builtins.eval(x)",
    "def f():\n    class A:\n        x = eval(y)"])
def test_what_is_looked_for_is_found(bad): assert list(dangers(bad))
@pytest.mark.parametrize('good', ["model.eval()", "re.compile(x)", "torch.load(f, weights_only=True)",
    "np.load(f)", "subprocess_like(x, shell=False)", "torch.compile(model)", "models.resnet18(weights=None)"])
def test_and_nothing_else(good): assert not list(dangers(good))

# an exercise runs its own solution, which ships with the package
own_code = {'exercises': ['import ctypes', 'exec', 'compile']} # ctypes: to stop an answer in another thread
@pytest.mark.parametrize('path', shipped, ids=lambda p: p.stem)
def test_the_package_runs_nothing_of_anybodys(path):
    found = [o.split(': ')[1] for o in dangers(path.read_text(encoding='utf-8'))]
    assert found == own_code.get(path.stem, [])

# the commands start programs of ours, and one runs lines from a table of its own
known = {'looking.py': ['exec', 'exec']}
@pytest.mark.parametrize('path', commands, ids=lambda p: p.name)
def test_the_commands_take_nothing_from_a_reader(path):
    assert [o.split(': ')[1] for o in dangers(path.read_text(encoding='utf-8'), own=False)] == known.get(
        path.name, [])

# 08 evaluates formulas that it wrote itself a few cells before, and says so
pages = {'08_trace_precedents': ['eval'], 'exercises': own_code['exercises'][1:]}
@every_notebook
def test_the_notebooks(path):
    nb = json.loads(path.read_text(encoding='utf-8'))
    found = []
    for c in nb['cells']:
        if c['cell_type'] != 'code': continue
        source = re.sub(r'^(\s*)[%!].*$', r'\1pass', ''.join(c['source']), flags=re.M)
        if not source.startswith('%%'): found += [o.split(': ')[1] for o in dangers(source, own=False)]
    assert found == pages.get(path.stem, [])

# ---- text in HTML

class Tags(HTMLParser):
    "The elements and attributes of a fragment, and its text"
    def __init__(self, html):
        super().__init__()
        self.tags,self.text = [],''
        self.feed(html); self.close()
    def handle_starttag(self, tag, attrs): self.tags.append((tag, sorted(k for k,_ in attrs)))
    def handle_endtag(self, tag): self.tags.append(('/'+tag, []))
    def handle_comment(self, data): self.tags.append(('comment', []))
    def handle_decl(self, decl): self.tags.append(('decl', []))
    def handle_data(self, data): self.text += data

def named(name):
    res = nn.Sequential(); res.add_module(name, nn.Conv2d(1, 2, 3)); res.add_module('act', nn.ReLU())
    return res
def failed(message): return Verdict(False, message)

shows = {'Counts': lambda t: count(named(t), (1, 8, 8)),
    'ReceptiveFields': lambda t: receptive_field(named(t), (1, 8, 8)),
         'Verdict': failed, 'Summary': lambda t: Summary([Outcome(1, False, t, .1)])}
# views: test_explore.py and test_explore_network.py; a GIF is shown as an image; a Text is written by us, and
# no name gets in
elsewhere = {'View', 'Gif', 'Text'}

def test_everything_that_shows_itself_as_html_is_tested():
    def markup(f):
        return isinstance(f, ast.FunctionDef) and re.match(r"_repr_(?!_|png)|_ipython_display_", f.name)
    trees = [ast.parse(p.read_text(encoding='utf-8')) for p in shipped]
    classes = [n for t in trees for n in ast.walk(t) if isinstance(n, ast.ClassDef)]
    having = {n.name for n in classes if any(map(markup, n.body))}
    patched = [p.stem for p in shipped if re.search(r'^def _repr_', p.read_text(encoding='utf-8'), re.M)]
    assert having == set(shows) | elsewhere and not patched

@pytest.mark.parametrize('text', hostile)
@pytest.mark.parametrize('what', shows)
def test_hostile_text_stays_text(what, text):
    text = text.replace('.', '_').replace('\x00', '') # a module's name has no dot, and HTML no NUL
    plain,bad = (Tags(shows[what](t)._repr_html_()) for t in ('plain', text))
    assert bad.tags == plain.tags and text.strip() in bad.text

def test_hostile_alternative_text_of_an_animation():
    data,meta = Gif(b'GIF89a', hostile[2])._repr_mimebundle_()
    # no HTML of ours: who shows it escapes it
    assert set(data) == {'image/gif', 'text/plain'} and meta == {'image/gif': {'alt': hostile[2]}}

@pytest.mark.parametrize('name', [*names, '$\\frac{', '$\\frac{$', '$\\nope$ $', '$x$', '%s %d {0}', 'a\nb',
    '\\', '_^{}'])
def test_hostile_names_in_pictures(name):
    "matplotlib reads what stands between dollar signs as a formula; a layer's name is none"
    rec = ActivationRecord([name, 'other'], 4, (0, 1))
    row = (torch.zeros(4), torch.tensor([1, 0, 0, 1, 1, 1, 1]), 4)
    for i in range(3): rec._add(i, [row, row])
    with warnings.catch_warnings():
        warnings.filterwarnings('ignore', 'Glyph .* missing from', UserWarning) # a box: no font has it
        warnings.filterwarnings('ignore', 'constrained_layout not applied', UserWarning) # a name of 50 letters
        for fig in (rec.plot(), rec.plot_layer_stats(0), rec.color_dim(0).figure): fig.canvas.draw()
        plt.close('all')
        explore_network(named(name), torch.rand(1, 8, 8)).static().canvas.draw()
    plt.close('all')
    for o in (trace(named(name), (1, 8, 8)), count(named(name), (1, 8, 8)),
        receptive_field(named(name), (1, 8, 8))):
        repr(o)

# ---- text in a workbook: names of layers and models in test_spreadsheet.py, and there every cell

def test_the_hostile_names_of_the_workbook_begin_as_formulas_do():
    assert {o[0] for o in test_spreadsheet.hostile} >= set('=+-@\t{<')

@pytest.mark.parametrize('start', ['=', '+', '-', '@', '\t=', '\r=', '|', '%', "'=", '\uff1d', ' =', '=1+',
    '=HYPERLINK("http://x")&"'])
def test_no_name_becomes_a_formula(start, tmp_path):
    from openpyxl import load_workbook
    name = f'{start}1+1'
    model = named(name)
    model.__class__ = type(re.sub(r'[\t\r]', ' ', name), (nn.Sequential,), {})
    book = load_workbook(write_workbook(tmp_path/'n.xlsx', model, torch.rand(6, 6)))
    ours = re.compile(r'=(MAX\(0,SUMPRODUCT|IF\(|SUMPRODUCT|INDEX\(\$|CHOOSE\(pick_|[A-Z]+\d+\+[A-Z]+\d+$|"the highlighted)')
    seen = 0
    for c in (c for sheet in book for row in sheet for c in row):
        if c.data_type == 'f': assert ours.match(c.value), (c.coordinate, c.value)
        elif isinstance(c.value, str): assert c.data_type == 's' and c.quotePrefix; seen += '1+1' in c.value
    assert seen, 'the name is nowhere'

# ---- the views, on a page with a strict policy of its own

policy = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
def strict(*views):
    return ('<!doctype html><html><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" '
        f'content="{policy}"><title>strict</title></head><body><p id="secret">the notebook</p>'
        + ''.join(v.html() for v in views) + '</body></html>')
views = dict(conv=lambda: explore_conv(torch.rand(8, 8, generator=torch.Generator().manual_seed(0))),
    network=lambda: explore_network(named('first'),
    torch.rand(1, 8, 8, generator=torch.Generator().manual_seed(0))),
    digit=lambda: draw_digit(simple_cnn((2, 2, 2, 2)), start=3))

@pytest.mark.parametrize('kind', views)
def test_a_view_works_where_the_page_allows_nothing(kind, browser):
    """default-src 'none', with inline scripts, inline styles and data: images: nothing is refused, nothing
    is fetched, and the view answers"""
    browser.open(strict(views[kind]()), width=1000)
    with browser.frame():
        assert browser.js("return performance.getEntriesByType('resource').length") == 0
        before = browser.js("return document.querySelector('#view').innerText")
        cell = browser.js("const all = [...document.querySelectorAll('#view [role=gridcell], #view td')]; "
            "const c = all[all.length-1]; c.id = 'last-cell'; return all.length")
        assert cell > 0 and len(before) > 20
    browser.hover('#last-cell')
    with browser.frame():
        browser.wait(lambda: browser.js("return document.querySelector('#view').innerText") != before)
        for what in ('parent.document.body.textContent', "top.document.getElementById('secret')",
            'frameElement.id', 'localStorage.x', 'sessionStorage.x', 'document.cookie', 'indexedDB.open("x")',
            'parent.location.href'):
            assert browser.js(f"try {{ return String({what}) }} catch (e) {{ return e.name }}") in (
                'SecurityError', 'null', 'TypeError'), what
        assert browser.js('return self.origin') == 'null'
    assert browser.js("return document.getElementById('secret').textContent") == 'the notebook'

def test_the_strict_page_refuses_what_is_not_allowed(browser):
    "So that the test above can fail"
    browser.open(strict(views['conv']()).replace('<p id="secret">',
        '<img src="http://127.0.0.1:9/x.png"><p id="secret">'))
    browser.driver.refresh()
    assert any('Content Security Policy' in o for o in browser.logs())

# ---- the network of the tests themselves

def test_the_network_is_cut_here():
    for f in (lambda: socket.create_connection(('192.0.2.1', 80), .1), lambda: socket.getaddrinfo('192.0.2.1',
        80), lambda: udp.sendto(b'x', ('192.0.2.1', 53)), lambda: udp.connect(('192.0.2.1', 53))):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, pytest.raises(RuntimeError,
            match='the network is cut'):
            f()
    with socket.socket() as s: # this machine may be called
        s.bind(('127.0.0.1', 0)); s.listen()
        socket.create_connection(s.getsockname()).close()

@pytest.mark.parametrize('env', [None, {'PYTHONPATH': '/nowhere', 'PATH': os.environ['PATH']}, {}])
def test_and_in_what_is_started(env):
    res = subprocess.run([sys.executable, '-c',
        "import socket; socket.create_connection(('192.0.2.1', 80), .1)"], env=env, capture_output=True,
        text=True)
    assert res.returncode == 1 and 'NetworkCut: the network is cut: ' in res.stderr

def test_a_call_that_was_caught_is_seen(tmp_path):
    "In pytest's own process and in a child: the test fails though nothing was raised"
    (tmp_path/'offline').symlink_to(Path(__file__).parent/'offline')
    (tmp_path/'conftest.py').write_text((Path(__file__).parent/'conftest.py').read_text(
        encoding='utf-8').replace("Path(__file__).resolve().parent/'offline'",
        f"Path({str(tmp_path/'offline')!r})"))
    call = "import socket\ntry: socket.create_connection(('198.51.100.1', 80), .1)\nexcept Exception: pass"
    (tmp_path/'test_it.py').write_text(f"import subprocess, sys\ncode = {call!r}\ndef test_here(): "
        "exec(code)\ndef test_child(): subprocess.run([sys.executable, '-c', code], check=True)\ndef "
        "test_quiet(): pass\n")
    res = subprocess.run([sys.executable, '-m', 'pytest', '-q', '-p', 'no:cacheprovider', '-c', '/dev/null',
        '--rootdir', str(tmp_path), str(tmp_path)], capture_output=True, text=True,
        env={**os.environ, 'CNN_NOTES_NETWORK_LOG': ''})
    assert '3 passed, 2 errors' in res.stdout and '198.51.100.1' in res.stdout, res.stdout[-2000:]
