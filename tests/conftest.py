"What the tests share: a headless browser"
import os
import pytest

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
