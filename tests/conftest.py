"""What the tests share: a network that is cut, a headless browser, the same random examples on every run, and what a test costs.

Tiers: `make quick` runs the tests that are marked neither `full` nor `nightly`, `make test` all but `nightly`, `make nightly` all.
`pytest --cost` ends with the processor seconds of each file, those of the programs that it started included.
"""
import importlib.util, os, signal, subprocess, tempfile
from collections import Counter
from pathlib import Path
import hypothesis, pytest

offline = Path(__file__).resolve().parent/'offline'

# the same examples on every run and in every order of the files; a test's own `settings` change the rest
hypothesis.settings.register_profile('cnn_notes', derandomize=True, deadline=None, max_examples=60)
hypothesis.settings.load_profile('cnn_notes')

def pytest_addoption(parser):
    parser.addoption('--cost', action='store_true', help='processor seconds of each file and of the ten dearest tests')

def pytest_configure(config):
    "Cut the network here, and in every Python that a test starts"
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN: # a shell's background: what is started here would never hear an interrupt
        signal.signal(signal.SIGINT, signal.default_int_handler)
    fd,log = tempfile.mkstemp(prefix='cnn_notes_network_')
    os.close(fd)
    config.add_cleanup(lambda: os.unlink(log))
    os.environ |= {'CNN_NOTES_NETWORK_LOG': log, 'SE_OFFLINE': 'true', 'HF_HUB_OFFLINE': '1', 'PIP_NO_INDEX': '1'}
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

def pytest_terminal_summary(terminalreporter, config):
    if not config.getoption('--cost'): return
    files,tests = Counter(),Counter()
    for report in (o for group in terminalreporter.stats.values() for o in group if hasattr(o, 'user_properties')):
        for _,seconds in report.user_properties:
            files[report.nodeid.split('::')[0]] += seconds
            tests[report.nodeid] += seconds
    for title,costs in (('file', files), ('test', tests)):
        terminalreporter.section(f'processor seconds of each {title}')
        for name,seconds in costs.most_common(None if title == 'file' else 10): terminalreporter.line(f'{seconds:8.1f}  {name}')
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
    "Chromium with an empty page; the test fails if the console reports anything that the test did not read with `browser.logs()`"
    chromium.open('<!doctype html><title>empty</title>')
    yield chromium
    assert chromium.logs() == []
