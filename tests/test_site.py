"The course as a site: what `make site` writes, and what a browser shows of it, at a desk and on a phone"
import posixpath, re, sys, threading
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urldefrag
import pytest

root = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(root/'tools'))
import notebooks as tool
from importlib.util import module_from_spec, spec_from_file_location

# by its path: the standard library has a `site` too
spec = spec_from_file_location('course_site', root/'tools'/'site.py')
course_site = module_from_spec(spec)
spec.loader.exec_module(course_site)

names = [course_site.name(p) for p in tool.notebooks()] # of a page of the package: package/NAME
new_theme = pytest.mark.skipif(sys.version_info < (3, 11),
    reason='the theme for Python 3.10 is older: it has a font, and more weight')

@pytest.fixture(scope='module')
def site(tmp_path_factory):
    "Folder of the pages, and what Sphinx warned of"
    out = tmp_path_factory.mktemp('site')
    warnings = course_site.build(out)
    return out/'html',warnings

class Elements(HTMLParser):
    "Elements of a page with their attributes, and its text"
    def __init__(self, path):
        super().__init__()
        self.found,self.text = [],[]
        self.feed(path.read_text(encoding='utf-8'))
    def handle_starttag(self, tag, attrs): self.found.append((tag, dict(attrs)))
    def handle_data(self, data): self.text.append(data)
    def all(self, tag): return [a for t,a in self.found if t == tag]

@pytest.fixture(scope='module')
def pages(site): return {n: Elements(site[0]/f'{n}.html') for n in names}

def test_sphinx_has_nothing_to_say(site): assert not site[1]

def at(n, href):
    "The address of what `href` means on the page `n`, from the folder of the site on"
    return posixpath.normpath(posixpath.join(posixpath.dirname(n), unquote(urldefrag(href)[0])
        or f'{posixpath.basename(n)}.html'))

def test_every_notebook_is_a_page_in_the_navigation(pages):
    for n,page in pages.items():
        links = {at(n, a.get('href') or '') for a in page.all('a')}
        assert {f'{o}.html' for o in names if o != n} <= links, n

def test_every_page_opens_in_colab(pages):
    for n,page in pages.items():
        if tool.repository() is None: # until the course has an address, no page offers one
            assert not any('colab' in (a.get('href') or '') for a in page.all('a')), n
        elif n != 'index':
            assert tool.colab_url(root/'nbs'/f'{n}.ipynb') in {a.get('href') for a in page.all('a')}, n

@pytest.fixture(scope='module')
def everything(site):
    "All pages, by address: those of notebooks, and the others"
    return {p.relative_to(site[0]).as_posix().removesuffix('.html'): Elements(p) for p in course_site.written(site[0])}

def test_no_dead_internal_link(site, everything):
    ids = {n: {a['id'] for _,a in page.found if a.get('id')} for n,page in everything.items()}
    assert set(names) | {'first_lesson', 'teaching', 'api/index', 'search'} <= set(ids)
    for n,page in everything.items():
        for a in page.all('a'):
            target,anchor = urldefrag(a.get('href') or '')
            if re.match(r'\w+:', target): continue
            page_of = at(n, target)
            assert (site[0]/page_of).exists(), f'{n}: {target}'
            name = page_of.removesuffix('.html')
            if anchor and name in ids: assert unquote(anchor) in ids[name], f'{n}: {target}#{anchor}'

def test_nothing_from_outside(pages):
    for n,page in pages.items():
        for tag,attr in (('script', 'src'), ('link', 'href'), ('img', 'src'), ('iframe', 'src')):
            for a in page.all(tag):
                if tag == 'link' and a.get('rel') not in ('stylesheet', 'preload', 'icon'): continue
                assert not re.match(r'(https?:)?//', a.get(attr) or ''), f'{n}: {a}'

def test_pictures_say_what_they_show(pages):
    for n,page in pages.items():
        for a in page.all('img'): assert len((a.get('alt') or '').split()) >= 2, f'{n}: {a}'

def test_directives_are_not_shown(pages):
    for n,page in pages.items():
        text = ''.join(page.text)
        if n not in ('exercises', 'index'): assert not re.search(r'^#\|', text, re.M), n
        assert '#@title' not in text and "find_spec('cnn_notes')" not in text, n
        assert not re.search(r'\{[\'"]?(jupyter|cellView)', text), n

def test_solutions_are_folded(pages):
    for n,page in pages.items():
        nb = tool.read(root/'nbs'/f'{n}.ipynb')
        solutions = sum(tool.folded(c) and not tool.hidden(c) for c in nb.cells)
        folded = [a for a in page.all('details') if 'hide' in (a.get('class') or '')]
        assert len(folded) == solutions and not any('open' in a for a in folded), n

def test_what_has_an_address(pages, site):
    import importlib
    for n,page in pages.items():
        ids = {a['id'] for _,a in page.found if a.get('id')}
        nb = tool.read(root/'nbs'/f'{n}.ipynb')
        assert {o for c in nb.cells for o in course_site.addresses(c)} <= ids, n
    questions = {a['id'] for _,a in pages['14_questionnaire'].found if a.get('id')}
    assert {f'question-{i}' for i in range(1, 41)} <= questions
    for p in tool.notebooks():
        if not (module := tool.exported(p)) or '.' in module: continue
        m = importlib.import_module(f'cnn_notes.{module}')
        own = {k for k in m.__all__ if getattr(getattr(m, k), '__module__', '') == m.__name__
            and callable(getattr(m, k))}
        if not own: continue
        api = Elements(site[0]/'api'/f'{module}.html')
        assert own <= {a['id'] for _,a in api.found if a.get('id')}, module
        assert ''.join(api.text).count('>>> from cnn_notes') >= len(own), module

@new_theme
def test_pages_are_light(site, everything):
    "What a reader's browser asks for, down to the last picture: text is sent compressed"
    found = {name: sum(parts) for name,*parts in course_site.weights(site[0])}
    assert set(found) == {f'{n}.html' for n in everything}
    assert {k: v for k,v in found.items() if v > (1e6 if k == 'index.html' else 500e3)} == {}
    for n,page in everything.items():
        assert all(a.get('loading') == 'lazy' for a in page.all('img')), n
        scripts = ' '.join(a.get('src') or '' for a in page.all('script'))
        assert 'fontawesome' not in scripts and ('searchindex' in scripts) == (n == 'search'), n

def test_pictures_of_few_colors_lose_nothing():
    import io
    from PIL import Image
    from random import Random
    few = Image.new('RGB', (64, 64), '#E07B00')
    few.paste('#5B4A7A', (5, 9, 40, 33))
    assert Image.open(io.BytesIO(course_site.webp(few))).convert('RGB').tobytes() == few.tobytes()
    many = Image.frombytes('RGB', (32, 32), Random(0).randbytes(32*32*3)).resize((128, 128))
    out = io.BytesIO()
    many.save(out, 'WEBP', lossless=True)
    assert len(course_site.webp(many)) < len(out.getvalue())

def test_the_table_of_weights():
    text = course_site.table([('a.html', 1000, 2000, 0), ('b.html', 1000, 2000, 500_000)]).splitlines()
    assert [l.split()[0] for l in text] == ['page', 'b.html', 'a.html']
    assert text[1].split()[1:] == ['1', '2', '500', '503']

def test_readers_draw_before_anything_else(site, everything):
    "On the first page, and on a page with all that needs no installation; the share is that of this build"
    share = f'reads {course_site.network()[1]:.1f}% of'
    for n,views in (('index', 1), ('first_lesson', 3)):
        frames = everything[n].all('iframe')
        assert len(frames) == views, n
        assert 'draw' in (site[0]/frames[0]['src']).read_text(encoding='utf-8')
        assert all(o['sandbox'] == 'allow-scripts' and o['title'] for o in frames)
        assert share in ' '.join(''.join(everything[n].text).split()), n
    assert course_site.network()[1] > 97
    first = [a.get('href') or '' for a in everything['index'].all('a')]
    assert 'first_lesson.html' in first

def test_readme_opens_with_a_moving_picture():
    from PIL import Image
    text = (root/'README.md').read_text(encoding='utf-8')
    alt,path = re.search(r'!\[([^\]]+)\]\(([^)]+)\)', text.split('##')[0]).groups()
    assert len(alt.split()) > 10 and (root/path).stat().st_size < 500e3
    with Image.open(root/path) as im: assert im.n_frames > 10 and im.width <= 800

def test_edit_links_lead_to_what_made_the_page(everything):
    "They are shown once the course has an address"
    for n in set(everything) - {'search', 'genindex', 'py-modindex'}:
        assert (root/course_site.source_of(n)).is_file(), n
    assert course_site.source_of('api/kernels') == 'nbs/01_kernels.ipynb'
    assert course_site.source_of('package/views') == 'nbs/package/views.ipynb'

def test_icons_are_styles_under_their_new_and_old_names(tmp_path):
    (tmp_path/'_static'/'scripts').mkdir(parents=True)
    script = tmp_path/'_static'/'scripts'/'fontawesome.js'
    script.write_text('x={"pencil":[9,8,["pencil-alt"],"f303","M1 2"],list:[7,6,[],"f03a","M3 4"],moon:[1,1,[],"f1","M0"]}')
    course_site.icons(tmp_path, ['<i class="fas fa-pencil-alt"></i>', '<span class="fa-solid fa-list"></span>'])
    css = (tmp_path/'_static'/'site.css').read_text(encoding='utf-8')
    assert re.findall(r'^\.fa-([\w-]+) { --icon', css, re.M) == ['list', 'pencil-alt'] and "d='M1 2'" in css
    assert '.fas' in css and not script.exists()

@new_theme
def test_no_script_waits_before_the_text_and_no_font_for_icons(site, everything):
    for n,page in everything.items():
        heads = [a for a in page.all('script') if a.get('src', '').startswith(('_static', '../_static'))]
        if n != 'search': assert all('defer' in a for a in heads), n
        assert not [t for t,a in page.found if t == 'link' and a.get('rel') == 'preload' and 'font' in a.get('as', '')]
    for p in (site[0]/'_static').rglob('*.css'):
        text = p.read_text(encoding='utf-8')
        assert '@import' not in text and '--fa:"' not in text, p.name

def test_parts_have_names_and_the_footer_an_author(site, pages):
    for n,page in pages.items():
        assert 'Author name not set' not in ''.join(page.text), n
        assert not any(a.get('aria-label') == 'Toggle hidden content' for a in page.all('summary')), n
        assert not re.search(r'<th\b[^>]*>\s*</th>', (site[0]/f'{n}.html').read_text(encoding='utf-8')), n

def test_formulas_are_pictures_with_words():
    svg = course_site.typeset(r'so $\eta g$ and `$x$`')
    assert 'aria-label="\\eta g"' in svg and '<svg' in svg and '`$x$`' in svg and '<style' not in svg
    assert course_site.typeset('it costs $5 and $6') == 'it costs $5 and $6'

class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args): pass

@pytest.fixture(scope='module')
def served(site):
    """Address of the site on this machine: a browser lets no page fetch from a file, and the search fetches
    the lines it shows"""
    server = ThreadingHTTPServer(('127.0.0.1', 0), partial(Quiet, directory=str(site[0])))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f'http://127.0.0.1:{server.server_port}'
    server.shutdown(); server.server_close()

@pytest.mark.parametrize('width', [1280, 390])
@pytest.mark.parametrize('name', [*names, 'first_lesson'])
def test_in_a_browser(name, width, served, browser):
    browser.resize(width, 900, phone=width < 500)
    browser.driver.get(f'{served}/{name}.html')
    assert browser.js('return document.documentElement.scrollWidth') <= width # nothing sticks out at the side
    browser.js("for (const o of document.images) o.loading = 'eager'") # they wait until a reader is near
    browser.wait(lambda: browser.js("return [...document.images].every(o => o.complete)"))
    pictures = browser.js("return [...document.querySelectorAll('article img')].filter(o => "
        "o.checkVisibility()).map(o => [o.naturalWidth, o.getBoundingClientRect().right])")
    assert all(w > 0 and right <= width for w,right in pictures)
    browser.shot(f"site_{name.replace('/', '_')}_{width}")
    assert browser.logs() == []

def test_views_are_alive(site, browser):
    browser.open(site[0]/'explore.html', width=1280)
    total = "return document.querySelector('#sum').textContent"
    with browser.frame(): first = browser.js(total)
    def moves():
        "Pointing at another output changes the sum; the page may still be laying itself out at the first try"
        browser.hover('.out [data-at="1,2"]')
        with browser.frame(): return browser.js(total) != first
    browser.wait(moves)

def test_a_digit_is_read_on_the_first_lesson(served, browser):
    "A pointer draws a stroke from top to bottom; and the other two views answer"
    browser.resize(1280, 1000)
    browser.driver.get(f'{served}/first_lesson.html')
    def text(css): return browser.js('return document.querySelector(arguments[0])?.textContent', css)
    def verdict():
        with browser.frame(): return text('.verdict')
    browser.wait(lambda: verdict() == 'draw a digit')
    def answered():
        "Draw until the pad has heard it: while the page lays itself out, a stroke can miss it"
        for type,y in (('mousePressed', .15), ('mouseMoved', .5), ('mouseMoved', .85), ('mouseReleased', .85)):
            x,y = browser.point('.slate', at=(.5, y))
            browser.cdp('Input.dispatchMouseEvent', type=type, x=x, y=y, button='left', buttons=1, clickCount=1)
        return verdict() in list('0123456789')
    browser.wait(answered)
    for n,css in ((1, '.out [data-at="1,2"]'), (2, '.out [data-at="2,2"]')):
        browser.js('document.querySelectorAll("iframe")[arguments[0]].scrollIntoView()', n) # it loads now
        browser.point(css, n)
        with browser.frame(n): before = text('main')
        def moved():
            browser.hover(css, n) # noqa: B023
            with browser.frame(n): return text('main') != before # noqa: B023
        browser.wait(moved)

def test_search_finds(served, browser):
    browser.driver.get(f'{served}/search.html?q=dilation')
    browser.wait(lambda: browser.js("return [...document.querySelectorAll('#search-results a')].some(o => "
        "o.href.includes('02_stride_padding'))"), 20)

def test_search_shows_no_menu_words_and_code_can_be_copied(served, browser):
    browser.driver.get(f'{served}/search.html?q=dilation')
    excerpts = "return [...document.querySelectorAll('#search-results p.context')].map(o => o.textContent)"
    browser.wait(lambda: browser.js(excerpts), 20)
    assert not any('Contents' in o or 'Toggle' in o or 'Copy' in o for o in browser.js(excerpts))
    browser.driver.get(f'{served}/01_kernels.html')
    browser.js("document.querySelector('button.copy').click()")
    browser.wait(lambda: browser.js("return document.querySelector('button.copy').textContent") == 'Copied')

@new_theme
def test_readable_without_javascript(site, browser):
    browser.cdp('Emulation.setScriptExecutionDisabled', value=True)
    try:
        browser.driver.get((site[0]/'explore.html').as_uri())
        boxes = browser.cdp('DOM.getDocument', depth=-1) # scripts are off: ask the inspector
        shot = browser.cdp('Page.captureScreenshot')
        assert shot['data']
        def nodes(o):
            yield o
            for c in o.get('children', []): yield from nodes(c)
        found = list(nodes(boxes['root']))
        article = next(o for o in found if o['nodeName'] == 'ARTICLE')
        def size(o): return browser.cdp('DOM.getBoxModel', nodeId=o['nodeId'])['model']
        assert size(article)['height'] > 1500
        still = [o for o in nodes(article) if o['nodeName'] == 'IMG']
        assert still and any(size(o)['width'] > 100 for o in still) # the view's still picture is there
    finally: browser.cdp('Emulation.setScriptExecutionDisabled', value=False)
