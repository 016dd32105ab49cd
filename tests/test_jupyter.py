"""The Jupyter door: JupyterLab on a clone, in a headless browser, as a reader uses it: open a page, run all
cells, point, save, write into the cells of exercises"""
import importlib, json, os, re, subprocess, sys, time, urllib.request
from pathlib import Path
import nbformat
import pytest
from cnn_notes.exercises import exercise
from test_package import source # noqa: F401, a fixture

root = Path(__file__).resolve().parent.parent

def free_port():
    import socket
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]

@pytest.fixture(scope='module')
def lab(source, tmp_path_factory): # noqa: F811
    "Address of a JupyterLab that serves `nbs/` of a clone, with settings of its own"
    home = tmp_path_factory.mktemp('lab')
    settings = home/'settings'/'@jupyterlab'/'notebook-extension'
    settings.mkdir(parents=True)
    # else cells out of sight are not in the page
    (settings/'tracker.jupyterlab-settings').write_text(json.dumps({'windowingMode': 'none'}))
    news = home/'settings'/'@jupyterlab'/'apputils-extension'
    news.mkdir()
    (news/'notification.jupyterlab-settings').write_text(json.dumps({'fetchNews': 'false',
        'checkForUpdates': False}))
    env = {k: v for k,v in os.environ.items() if not k.startswith('JUPYTER')}
    env |= {'HOME': str(home), 'PYTHONPATH': str(source), 'JUPYTERLAB_SETTINGS_DIR': str(home/'settings'),
        'JUPYTERLAB_WORKSPACES_DIR': str(home/'workspaces')}
    subprocess.run(['jupyter', 'trust', *(source/'nbs').glob('*.ipynb')], env=env, check=True,
        capture_output=True)
    flags = re.search('jupyter lab index.ipynb(.*)', (source/'Makefile').read_text())[1].split()
    port = free_port()
    url = f'http://127.0.0.1:{port}'
    with open(home/'log', 'w') as log:
        p = subprocess.Popen([sys.executable, '-m', 'jupyterlab', '--no-browser', '--allow-root',
            '--ip=127.0.0.1', f'--port={port}', '--IdentityProvider.token=',
            '--expose-app-in-browser', *flags, f'--notebook-dir={source/"nbs"}'],
                             env=env, cwd=source, stdout=log, stderr=subprocess.STDOUT)
        try:
            for _ in range(240):
                try: urllib.request.urlopen(f'{url}/api', timeout=5); break
                except OSError: time.sleep(.25)
                assert p.poll() is None, (home/'log').read_text()[-2000:]
            else: pytest.fail(f"JupyterLab does not answer\n{(home/'log').read_text()[-2000:]}")
            yield url
        finally:
            p.terminate()
            p.wait(30)

model = 'const open = jupyterapp.shell.currentWidget, cells = open.content.widgets;'
states = (f"{model} return cells.filter(c => c.model.type === 'code').map(c => [c.model.executionState, "
    "c.model.executionCount])")
outputs = f'{model} return cells[arguments[0]].model.outputs.toJSON()'

def menu(b, name, item):
    def found(selector, text): return [o for o in b.all(selector) if o.text.startswith(text)]
    b.wait(lambda: found('.lm-MenuBar-item', name))[0].click()
    b.wait(lambda: found('.lm-Menu-item', item))[0].click()

def opened(b, lab, path, n):
    "A notebook of `n` cells in JupyterLab, with a kernel that waits"
    b.driver.switch_to.default_content()
    b.resize(1400, 1000)
    b.driver.get(f'{lab}/lab/tree/{path}?reset')
    b.wait(lambda: b.js('return typeof jupyterapp !== "undefined" && '
        'jupyterapp.shell.currentWidget?.content?.widgets?.length') == n, 120)
    b.wait(lambda: b.js(f'{model} return open.sessionContext.session?.kernel?.status') == 'idle', 120)

def run_all(b, seconds=900):
    menu(b, 'Run', 'Run All Cells')
    b.wait(lambda: all(state == 'idle' and count for state,count in b.js(states)), seconds)

def save(b):
    menu(b, 'File', 'Save Notebook')
    b.wait(lambda: not b.js(f'{model} return open.context.model.dirty'))

def shut_down(b):
    b.js('return jupyterapp.serviceManager.sessions.shutdownAll()')
    b.logs()

def answered(b, cell, code):
    "What a cell says after the reader wrote `code` into it and ran it"
    from selenium.webdriver import ActionChains, Keys
    def chord(key):
        ActionChains(b.driver).key_down(Keys.CONTROL).send_keys(key).key_up(Keys.CONTROL).perform()
    b.js("arguments[0].scrollIntoView({ block: 'center' })", editor := b.all('.jp-Notebook .jp-Cell')[cell])
    editor.find_element('css selector', '.cm-content').click()
    chord('a')
    b.cdp('Input.insertText', text=code)
    assert b.js(f'{model} return cells[arguments[0]].model.sharedModel.source', cell) == code
    before = b.js(f'{model} return cells[arguments[0]].model.executionCount', cell)
    chord(Keys.ENTER)
    b.wait(lambda: b.js(f'{model} const c = cells[arguments[0]].model; return c.executionState === "idle" && '
        'c.executionCount !== arguments[1]', cell, before), 120)
    return '\n'.join(o.get('evalue') or o.get('text') or o['data']['text/plain'] for o in b.js(outputs, cell))

# what a reader can point at, or click, in a view of each kind
by_frame = {'.strip': ('click', '.examples button:nth-child(3)'),
    '.panel': ('hover', '.panel:nth-child(3) [data-at="2,3"]'), '.out': ('hover', '.out [data-at="1,2"]')}

def alive(b, n):
    "Does the `n`-th view on the page change where the reader points?"
    b.wait(lambda: len(b.all('iframe')) > n, 30)
    b.js("document.querySelectorAll('iframe')[arguments[0]].scrollIntoView({ block: 'center' })", n)
    def text(): return b.js("return document.querySelector('main')?.textContent")
    with b.frame(n):
        b.wait(lambda: any(b.all(css) for css in by_frame), 30)
        how,css = next(by_frame[o] for o in by_frame if b.all(o))
        before = text()
    def moved():
        getattr(b, how)(css, n)
        with b.frame(n): return text() != before
    b.wait(moved, 30)
    return True

def shown(nb): return [o for c in nb.cells for o in c.get('outputs', [])]
def views(nb): return sum('<iframe' in ''.join(o.get('data', {}).get('text/html', '')) for o in shown(nb))
def pictures(nb): return sum('image/png' in o.get('data', {}) for o in shown(nb))
def rest(nb):
    "All but outputs and the numbers of their runs"
    cells = [{k: v for k,v in c.items() if k not in ('outputs', 'execution_count')} for c in nb.cells]
    return cells,nb.metadata

def test_what_is_saved_tells_nothing_about_this_machine(monkeypatch):
    "`make lab` names a function that leaves of a notebook's metadata what is kept"
    monkeypatch.syspath_prepend(root)
    module,_,name = re.search(r'pre_save_hook=(\S+)', (root/'Makefile').read_text())[1].rpartition('.')
    as_kept = getattr(importlib.import_module(module), name)
    metadata = nbformat.read(root/'nbs'/'index.ipynb', as_version=4).metadata
    ran = dict(metadata, language_info=dict(name='python', version='3.99'))
    ran['kernelspec'] = dict(name='python3', display_name='Python 3 (ipykernel)', language='python')
    model = dict(type='notebook', content=dict(metadata=ran, cells=[]))
    as_kept(model=model, path='index.ipynb', contents_manager=None)
    assert model == dict(type='notebook', content=dict(metadata=metadata, cells=[]))
    other = dict(type='file', content='text')
    as_kept(model=other, path='notes.txt', contents_manager=None)
    assert other == dict(type='file', content='text')

pages = sorted(p.stem for p in (root/'nbs').glob('*.ipynb'))

@pytest.mark.nightly
@pytest.mark.parametrize('page', pages)
def test_run_all(lab, source, chromium, page): # noqa: F811
    """Saved views are alive, and those that come; nothing fails; what is saved differs in outputs alone, with
    solutions folded; the exercises answer; the console is silent"""
    path,b = source/'nbs'/f'{page}.ipynb',chromium
    kept = nbformat.read(path, as_version=4)
    opened(b, lab, path.name, len(kept.cells))
    try:
        assert all(alive(b, n) for n in range(views(kept)))
        start = time.monotonic()
        run_all(b)
        print(f'{page}: {time.monotonic() - start:.0f} s')
        save(b)
        ran = nbformat.read(path, as_version=4)
        assert rest(ran) == rest(kept)
        assert not [o for o in shown(ran) if o.output_type == 'error' or o.get('name') == 'stderr']
        folded = f"{model} return cells.filter(c => c.model.type === 'code').map(c => c.inputHidden)"
        assert b.js(folded) == [bool(c.metadata) for c in kept.cells if c.cell_type == 'code']
        assert views(ran) == views(kept) == len(b.all('.jp-OutputArea .cnn-view iframe'))
        assert all(alive(b, n) for n in range(views(kept)))
        widths = "return [...document.querySelectorAll('.jp-RenderedImage img')].map(o => o.naturalWidth)"
        b.wait(lambda: len(b.js(widths)) == pictures(ran) and all(b.js(widths)))
        b.shot(f'jupyterlab_{page}')
        check_exercises(b, kept)
        assert b.logs() == []
    finally: shut_down(b)

def check_exercises(b, nb):
    "Every solution is right as the reader gets it; the first exercise answers a mistake and gives its hints"
    cells = [(n, c.source) for n,c in enumerate(nb.cells) if '\nex = exercise(' in c.source]
    for n,code in cells:
        ex = exercise(re.search(r"exercise\('([\d.]+)'\)", code)[1])
        call = f"\n\nex = exercise('{ex.id}')\nex.check({ex.name})"
        assert code == ex.stub + call
        if n == cells[0][0]:
            said,wrong = next(iter(ex.mistakes.items()))
            assert said in answered(b, n, wrong.strip() + call)
            for k,hint in enumerate(ex.hints[:2]):
                assert answered(b, n, 'ex.hint()') == f'Hint {k+1} of {len(ex.hints)}: {hint}'
            assert answered(b, n, 'ex.solution()') == ex.solution_code.strip()
        assert answered(b, n, ex.solution_code.strip() + call).startswith('Correct'), ex.id
