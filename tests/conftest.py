"""What the tests share: a network that is cut, a headless browser, the same random examples on every run, and
what a test costs.

Tiers: `make quick` runs the tests that are marked neither `full` nor `nightly`, `make test` all but
`nightly`, `make nightly` all. A test that
needs a browser, the wheel, the site or a fresh environment is `full` without saying so, and so is one that
tests/dear.txt knows as dear.
`pytest --cost` ends with the processor seconds of each file, those of the programs that it started included;
`--remember` writes what it
found to tests/dear.txt.
"""
import importlib.util, os, signal, subprocess, sys, tempfile
from collections import Counter
from pathlib import Path
import hypothesis, pytest

offline = Path(__file__).resolve().parent/'offline'

# jsonschema's grammar of international addresses: no notebook needs it, and building it takes seconds
sys.modules.setdefault('rfc3987_syntax', None) # type: ignore[arg-type]

# the same examples on every run and in every order of the files; a test's own `settings` change the rest
hypothesis.settings.register_profile('cnn_notes', derandomize=True, deadline=None, max_examples=60)
hypothesis.settings.load_profile('cnn_notes')

def pytest_addoption(parser):
    parser.addoption('--cost', action='store_true', help='processor seconds of each file and of the ten '
        'dearest tests')
    parser.addoption('--remember', action='store_true', help='enter the dear tests of this run into '
        'tests/dear.txt')

def pytest_configure(config):
    "Cut the network here, and in every Python that a test starts"
    # a shell's background: what is started here would never hear an interrupt
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    fd,log = tempfile.mkstemp(prefix='cnn_notes_network_')
    os.close(fd)
    config.add_cleanup(lambda: os.unlink(log))
    os.environ |= {'CNN_NOTES_NETWORK_LOG': log, 'SE_OFFLINE': 'true', 'HF_HUB_OFFLINE': '1',
        'PIP_NO_INDEX': '1'}
    spec = importlib.util.spec_from_file_location('offline', offline/'sitecustomize.py')
    assert spec and spec.loader
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    start = subprocess.Popen.__init__
    def offline_start(self, *args, env=None, **kwargs):
        env = dict(os.environ if env is None else env) # whatever environment a test gives
        env['PYTHONPATH'] = os.pathsep.join(o for o in (str(offline), env.get('PYTHONPATH')) if o)
        env['CNN_NOTES_NETWORK_LOG'] = log
        start(self, *args, env=env, **kwargs)
    subprocess.Popen.__init__ = offline_start # type: ignore[method-assign]

# fixtures that take seconds
dear = {'chromium', 'source', 'dist', 'wheel', 'installed', 'fresh', 'site', 'lab'}

remembered = offline.parent/'dear.txt'
def known():
    return dict(reversed(l.split(None, 1)) for l in remembered.read_text().splitlines() if l
        and l[0] != '#') if remembered.exists() else {}

def pytest_collection_modifyitems(items):
    found = known()
    for item in items:
        if dear & set(item.fixturenames) or {item.nodeid, item.nodeid.split('[')[0]} & set(found):
            item.add_marker(pytest.mark.full)

@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    before = os.times()
    item.user_properties.append(('spent', lambda: sum(os.times()[:4]) - sum(before[:4])))
    return (yield)

@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    "The report of a test's last phase carries the processor seconds of all three"
    report = yield
    spent = dict(item.user_properties)['spent']
    report.user_properties = [('cost', spent())] if call.when == 'teardown' else []
    return report

costs: Counter = Counter() # of each case

def pytest_runtest_logreport(report):
    for _,seconds in report.user_properties: costs[report.nodeid.split('@')[0]] += seconds

def pytest_sessionfinish(session):
    "A case is dear if it takes 1.5 s, and a test if it takes 3 s and its cases a tenth of a second"
    if not session.config.getoption('--remember') or hasattr(session.config, 'workerinput'): return
    tests: dict = {}
    for name,seconds in costs.items(): tests.setdefault(name.split('[')[0], []).append(seconds)
    found = {n: f'{sum(s):.0f}' for n,s in tests.items() if sum(s) > 3 and sum(s)/len(s) > .1}
    found |= {n: f'{s:.0f}' for n,s in costs.items() if s > 1.5 and n.split('[')[0] not in found}
    kept = {n: s for n,s in known().items() if n not in tests | costs
        and (offline.parent.parent/n.split('::')[0]).exists()}
    lines = [f'{s:>5}  {n}' for n,s in sorted((kept | found).items())]
    about = ('# Tests that `make quick` leaves to `make test`, and their processor seconds; `pytest '
        '--remember` writes this.')
    remembered.write_text('\n'.join([about, *lines]) + '\n')

def pytest_terminal_summary(terminalreporter, config):
    if not config.getoption('--cost'): return
    files: Counter = Counter()
    for name,seconds in costs.items(): files[name.split('::')[0]] += seconds
    for title,found in (('file', files.most_common()), ('test', costs.most_common(10))):
        terminalreporter.section(f'processor seconds of each {title}')
        for name,seconds in found: terminalreporter.line(f'{seconds:8.1f}  {name}')
    terminalreporter.line(f'{sum(files.values()):8.1f}  in all')

@pytest.fixture(autouse=True)
def no_network():
    "A test fails if it, or what it started, called another machine, even if the error was caught on the way"
    log = Path(os.environ['CNN_NOTES_NETWORK_LOG'])
    before = log.stat().st_size
    yield
    tried = log.read_bytes()[before:].decode(errors='replace')
    assert not tried, f'the network was asked for:\n{tried}'

@pytest.fixture(scope='session')
def chromium():
    "One Chromium for all tests of a session"
    pytest.importorskip('selenium', reason='selenium is not installed')
    from browser import start
    browser,why = start()
    if browser is None:
        if os.environ.get('CI'): pytest.fail(why) # where nobody looks at what was skipped
        pytest.skip(why)
    yield browser
    browser.quit()

@pytest.fixture
def browser(chromium):
    """Chromium with an empty page; the test fails if the console reports anything that the test did not read
    with `browser.logs()`"""
    chromium.open('<!doctype html><title>empty</title>')
    yield chromium
    assert chromium.logs() == []
