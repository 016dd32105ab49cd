"""A headless Chromium that reaches nothing but files and this machine, for tests that look at a page.

`conftest.py` makes the fixture `browser` of it. Pictures of what a test saw: set CNN_NOTES_SHOTS to a folder.
"""
import os, shutil, tempfile, time
from contextlib import contextmanager
from pathlib import Path
from selenium import webdriver
from selenium.common.exceptions import TimeoutException, WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

flags = ('--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update',
         '--disable-sync', '--disable-dev-shm-usage', '--force-device-scale-factor=1',
         '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1')

class Browser:
    "Chromium, and the few things that tests do with it; `driver` is selenium's"
    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix='cnn_notes_browser_'))
        options = webdriver.ChromeOptions()
        for o in (*flags, f'--user-data-dir={self.folder/"profile"}'): options.add_argument(o)
        options.set_capability('goog:loggingPrefs', {'browser': 'ALL'})
        # Debian's, where it is installed; else selenium looks for one
        chromium,chromedriver = Path('/usr/bin/chromium'),Path('/usr/bin/chromedriver')
        if chromium.exists(): options.binary_location = str(chromium)
        try:
            self.driver = webdriver.Chrome(options=options, service=Service(str(chromedriver))
                if chromedriver.exists() else None)
        except Exception:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    def quit(self):
        self.driver.quit()
        shutil.rmtree(self.folder, ignore_errors=True)

    def open(self, html, width=1000, height=1400, phone=False, calm=False):
        """Show `html` (text, or the path of a file) in a window of that size; phone: a touch screen; calm:
        the reader asked for reduced motion (frames do not hear of it)"""
        self.driver.switch_to.default_content()
        self.resize(width, height, phone)
        self.cdp('Emulation.setEmulatedMedia',
            features=[dict(name='prefers-reduced-motion', value='reduce' if calm else 'no-preference')])
        if not isinstance(html, Path):
            path = self.folder/'page.html'
            path.write_text(html, encoding='utf-8')
            html = path
        self.driver.get(html.resolve().as_uri())
        self.logs()

    def resize(self, width, height=1400, phone=False):
        self.cdp('Emulation.setDeviceMetricsOverride', width=width, height=height, deviceScaleFactor=1,
            mobile=phone)
        self.cdp('Emulation.setTouchEmulationEnabled', enabled=phone)

    def cdp(self, command, **params): return self.driver.execute_cdp_cmd(command, params)
    def js(self, script, *args): return self.driver.execute_script(script, *args)
    def all(self, css): return self.driver.find_elements(By.CSS_SELECTOR, css)
    def one(self, css):
        try: return self.wait(lambda: len(found := self.all(css)) == 1 and found[0], 5) # a busy machine is late
        except TimeoutException: raise AssertionError(f'{len(self.all(css))} elements match {css}') from None
    def into(self, css):
        "Click a field. While the page still fits its cells, a click can land beside it, so until it has the focus"
        def clicked():
            self.one(css).click()
            return self.js('return document.activeElement') == self.one(css)
        return self.wait(clicked)
    def wait(self, condition, seconds=10):
        return WebDriverWait(self.driver, seconds, .05).until(lambda _: condition())

    @contextmanager
    def frame(self, n=0):
        "Work inside the `n`-th frame of the page"
        self.driver.switch_to.default_content()
        self.driver.switch_to.frame(self.all('iframe')[n])
        try: yield self
        finally: self.driver.switch_to.default_content()

    def point(self, css, n=0, at=(.5, .5)):
        "Where, in the window, the element `css` of the `n`-th frame is"
        self.driver.switch_to.default_content()
        with self.frame(n):
            x,y,w,h = self.js("const e = arguments[0]; e.scrollIntoView({ block: 'center', behavior: "
                "'instant' }); const b = e.getBoundingClientRect(); return [b.x, b.y, b.width, b.height]",
                self.one(css))
        outer = self.js("const f = arguments[0], b = f.getBoundingClientRect(); return [b.x + f.clientLeft, "
            "b.y + f.clientTop]", self.all('iframe')[n])
        return outer[0] + x + w*at[0], outer[1] + y + h*at[1]
    def settled(self, css, n=0):
        "Where it is once it stays there: while a page still fits its cells, a touch can land beside it"
        here,before,until = self.point(css, n),None,time.monotonic() + 5
        while here != before and time.monotonic() < until:
            time.sleep(.05)
            here,before = self.point(css, n),here
        return here
    def hover(self, css, n=0):
        x,y = self.settled(css, n)
        self.cdp('Input.dispatchMouseEvent', type='mouseMoved', x=x, y=y)
    def click(self, css, n=0):
        x,y = self.settled(css, n)
        for type in ('mouseMoved', 'mousePressed', 'mouseReleased'):
            self.cdp('Input.dispatchMouseEvent', type=type, x=x, y=y, button='none' if type == 'mouseMoved'
                else 'left', clickCount=1)
    def tap(self, css, n=0):
        x,y = self.settled(css, n)
        self.cdp('Input.dispatchTouchEvent', type='touchStart', touchPoints=[dict(x=x, y=y)])
        self.cdp('Input.dispatchTouchEvent', type='touchEnd', touchPoints=[])
    def press(self, *keys):
        "Keys, to whatever has the focus"
        from selenium.webdriver import ActionChains
        ActionChains(self.driver).send_keys(*keys).perform()

    def logs(self):
        "What the console said since it was last asked: warnings and errors"
        return [f"{o['level']}: {o['message']}" for o in self.driver.get_log('browser')
            if o['level'] in ('WARNING', 'SEVERE')]

    def shot(self, name):
        if folder := os.environ.get('CNN_NOTES_SHOTS'):
            self.driver.save_screenshot(str(Path(folder)/f'{name}.png'))

def start():
    "A browser, or the reason why there is none"
    try: return Browser(),None
    except WebDriverException as e: return None,f'no Chromium with a driver: {(e.msg or "").splitlines()[:1]}'
