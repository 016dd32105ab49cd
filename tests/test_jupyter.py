"""The Jupyter door: JupyterLab on a clone, in a headless browser, as a reader uses it: open a notebook, run
all cells, look, point"""
import json, os, subprocess, sys, time, urllib.request
import nbformat
import pytest
from test_package import source # noqa: F401, a fixture

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
    port = free_port()
    url = f'http://127.0.0.1:{port}'
    with open(home/'log', 'w') as log:
        p = subprocess.Popen([sys.executable, '-m', 'jupyterlab', '--no-browser', '--allow-root',
            '--ip=127.0.0.1', f'--port={port}', '--IdentityProvider.token=',
            f'--notebook-dir={source/"nbs"}'],
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

@pytest.mark.nightly
def test_open_run_look_and_point(lab, source, chromium): # noqa: F811
    nb = nbformat.read(source/'nbs'/'explore.ipynb', as_version=4)
    n_code = sum(c.cell_type == 'code' for c in nb.cells)
    kinds = [set(o.get('data', {})) for c in nb.cells if c.cell_type == 'code' for o in c.outputs]
    n_pictures,n_views = sum('image/png' in k for k in kinds),sum(
        '<iframe' in ''.join(o['data'].get('text/html', '')) for c in nb.cells if c.cell_type == 'code'
        for o in c.outputs if 'data' in o)
    assert n_views >= 1
    b = chromium
    b.resize(1400, 1000)
    b.driver.get(f'{lab}/lab/tree/explore.ipynb?reset')
    prompts = ("return [...document.querySelectorAll('.jp-CodeCell .jp-InputArea-prompt')].map(o => "
        "o.textContent.trim())")
    b.wait(lambda: len(b.js(prompts)) == n_code, 90)
    b.wait(lambda: 'Idle' in (b.js("const o = document.querySelector('.jp-Notebook-ExecutionIndicator'); "
        "return o ? o.dataset.status : ''") or '').capitalize(), 60) # the kernel is there
    def menu(selector, text): return next(o for o in b.all(selector) if o.text.startswith(text))
    menu('.lm-MenuBar-item', 'Run').click()
    b.wait(lambda: any(o.text.startswith('Run All Cells') for o in b.all('.lm-Menu-item')))
    menu('.lm-Menu-item', 'Run All Cells').click()
    b.wait(lambda: all(o.strip('[]:').isdigit() for o in b.js(prompts)), 180)
    assert not b.all('.jp-OutputArea [data-mime-type="application/vnd.jupyter.stderr"], .jp-OutputArea '
        '[data-mime-type="application/vnd.jupyter.error"]')
    b.wait(lambda: len(b.all('.jp-OutputArea .cnn-view iframe')) == n_views, 30)
    pictures = ("return [...document.querySelectorAll('.jp-OutputArea .jp-RenderedImage img')].map(o => "
        "o.naturalWidth)")
    b.wait(lambda: len(b.js(pictures)) == n_pictures and all(b.js(pictures)))
    b.shot('jupyterlab')
    sums = "return document.querySelector('#sum').textContent"
    with b.frame():
        b.wait(lambda: b.js("return document.querySelectorAll('.out .cell').length") > 1); first = b.js(sums)
    b.hover('.out [data-at="1,2"]') # another output: its inputs light up and its sum is worked out
    with b.frame(): b.wait(lambda: b.js(sums) != first)
