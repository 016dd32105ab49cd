"The interactive views: what Python makes of them, and what a browser shows"
import base64, json, math, re, threading, time
from hashlib import sha256
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
import matplotlib.pyplot as plt
import pytest, torch
import torch.nn.functional as F
from hypothesis import Phase, given, seed as hypothesis_seed, settings, strategies as st
from cnn_notes.explore import View, explore_conv, named_kernels
from cnn_notes.show import palette
import cnn_notes.show as show

assets = files('cnn_notes')/'assets'
hostile = ['</script><script>top.pwned=self.pwned=1</script>', '<!-- <script>', '"><img src=x onerror="top.pwned=1">', "' onload='x", '${alert(1)} `', '&lt;b&gt; &amp;', ']]>\u2028\u2029\n\x00', '</style></title></iframe>', 'na\u00efve \u05d0 \U0001f600', '__proto__']

def ramp(h=6, w=7): return torch.arange(h*w, dtype=torch.float).view(h, w) % 11 - 3
def digit():
    g = torch.Generator().manual_seed(3)
    return torch.rand(12, 12, generator=g)
def color(h=8, w=9): return torch.rand(3, h, w, generator=torch.Generator().manual_seed(5))
def filters(n=4, **kwargs):
    torch.manual_seed(2)
    return torch.nn.Conv2d(3, n, 3, **kwargs)
def page(*views, style=''): return f'<!doctype html><html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>test</title></head><body style="{style}"><p>before</p>' + '<p>between</p>'.join(v.html() for v in views) + '<p>after</p></body></html>'

class Elements(HTMLParser):
    "The elements of a page, with their attributes and text"
    def __init__(self, html):
        super().__init__()
        self.found = []
        self.feed(html)
    def handle_starttag(self, tag, attrs):
        self.found.append([tag, dict(attrs), ''])
        self.open = True
    def handle_endtag(self, tag): self.open = False
    def handle_data(self, data):
        if self.found and self.open: self.found[-1][2] += data
    def all(self, tag): return [(a, t) for n,a,t in self.found if n == tag]
def inside(view): return Elements(Elements(view.html()).all('iframe')[0][0]['srcdoc'])

# ---- without a browser

def test_html_is_closed_in_itself():
    outer = Elements(explore_conv(digit()).html())
    (frame, _), = outer.all('iframe')
    assert frame['sandbox'] == 'allow-scripts' and frame['title']
    assert not outer.all('script'), 'a script outside the sandbox'
    (img, _), = outer.all('img')
    assert img['src'].startswith('data:image/png;base64,') and 'Output (' in img['alt']
    assert not [a for _,at,_ in outer.found for a in at if a.startswith('on') or a in ('href', 'action')]
    doc = inside(explore_conv(digit()))
    policy, = [a['content'] for a,_ in doc.all('meta') if a.get('http-equiv') == 'Content-Security-Policy']
    assert policy.startswith("default-src 'none';") and 'unsafe' not in policy and '*' not in policy and 'http' not in policy
    hashes = [f"'sha256-{base64.b64encode(sha256(t.encode()).digest()).decode()}'" for _,t in doc.all('style')+doc.all('script')[1:]]
    assert len(hashes) == 2 and all(h in policy for h in hashes)
    assert not doc.all('link') and not doc.all('img') and not any('src' in a for _,a,_ in doc.found)

def test_assets():
    names = {o.name for o in assets.iterdir()}
    assert {'view.js', 'view.css', 'view.html', 'frame.css', 'frame.html', 'conv.js', 'conv.css'} <= names
    for o in assets.iterdir():
        text = o.read_bytes().decode('ascii') # a page in any encoding may hold them
        assert '\r' not in text and 'http:' not in text and 'https:' not in text, o
        if o.name.endswith('.js'): assert '</script' not in text.lower() and '<!--' not in text and not re.search(r'innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|Function\(', text), o
        if o.name.endswith('.css'): assert '</style' not in text.lower() and 'url(' not in text and '@import' not in text, o

@pytest.fixture(scope='module')
def plain(): return [[n for n,_,_ in o.found] for o in (Elements(explore_conv(ramp()).html()), inside(explore_conv(ramp())))]

@pytest.mark.parametrize('text', hostile)
def test_hostile_text_stays_text(text, plain):
    v = explore_conv(ramp(), kernel=text, kernels={text: [[1.]]}, title=text)
    html = v.html()
    doc = Elements(Elements(html).all('iframe')[0][0]['srcdoc'])
    assert html.isascii() and [[n for n,_,_ in o.found] for o in (Elements(html), doc)] == plain
    data = json.loads(doc.all('script')[0][1])
    assert data['title'] == text and data['kernels'][-1]['name'] == text
    assert not set('<>&') & set(doc.all('script')[0][1])

def test_size():
    g = torch.Generator().manual_seed(0)
    big = explore_conv(torch.randn(32, 32, generator=g, dtype=torch.double), kernel=torch.randn(7, 7, generator=g), kernels={f'filter {i}': torch.randn(7, 7, generator=g) for i in range(32)}, padding=8)
    assert len(explore_conv(digit()).html()) < 100_000
    many = explore_conv(torch.randn(8, 32, 32, generator=g), torch.randn(12, 8, 5, 5, generator=g), padding=8) # nearly all that there is room for
    assert len(json.dumps(many.data)) > 110_000
    assert max(len(v.html()) for v in (big, many)) < 250_000

def test_same_every_time(): assert explore_conv(digit()).html() == explore_conv(digit()).html()

def test_save_and_page(tmp_path):
    v = explore_conv(ramp())
    p = v.save(tmp_path/'view.html')
    assert p.read_text() == v.page() and v.page().startswith('<!doctype html>')
    assert set(v._repr_mimebundle_()) == {'text/html', 'text/plain'}
    assert repr(v) == "ConvView(6 x 7 image, 3 x 3 kernel 'top edge', stride 1, padding 0, dilation 1: 4 x 5 output)"

nan = torch.zeros(4, 4); nan[1, 1] = math.nan
whole = r'whole number from 1 to 16'
@pytest.mark.parametrize('kwargs,message', [
    (dict(img=torch.zeros(9, 8, 8)), r'img is .*shape \(9, 8, 8\).*at most 8 x 32 x 32'), (dict(img=torch.zeros(8)), r'img is .*shape \(8,\)'),
    (dict(img=torch.zeros(0, 4)), r'img is .*shape \(0, 4\)'), (dict(img=torch.zeros(1, 1, 4, 4)), r'img is .*\(1, 1, 4, 4\)'),
    (dict(img=torch.zeros(40, 8)), r'img is .*\(40, 8\).*avg_pool2d'), (dict(img=nan), 'img is .*give finite numbers'), (dict(img=torch.full((4, 4), -math.inf)), 'img is .*finite'),
    (dict(img='image'), "img is 'image'; give .*numbers"), (dict(img=[[1, 2], [3]]), r'img is \[\[1, 2\], \[3\]\]; give'), (dict(img=None), 'img is None'),
    (dict(img=torch.zeros(4, 4, dtype=torch.cfloat)), 'img is a complex64'), (dict(kernel='edge'), "no kernel 'edge'; take one of 'top edge'"),
    (dict(kernel=torch.zeros(9, 9)), r'kernel is .*\(9, 9\).*7 x 7'), (dict(kernel=torch.zeros(2, 3, 3)), "kernel 'given' has 2 channels, but img has 1"),
    (dict(kernel=torch.nn.Conv2d(1, 2, 3, stride=(1, 2))), r'kernel is a Conv2d.*alike in rows and columns'), (dict(kernel=torch.nn.Conv2d(2, 2, 3, groups=2), img=torch.zeros(2, 8, 8)), 'one group'),
    (dict(kernel=torch.nn.Conv2d(1, 2, 3, padding='same')), 'kernel is a Conv2d'), (dict(kernel=torch.nn.Conv2d(1, 2, 3, padding=1, padding_mode='reflect')), 'padded by zeros'),
    (dict(kernels={'k': nan}), r"kernels\['k'\] is .*finite weights"), (dict(kernels={'k': torch.zeros(2, 1, 3, 3)}), r"kernels\['k'\] is .*\(2, 1, 3, 3\).*one filter"), (dict(kernels=[[1]]), 'kernels is .*; give a dict'),
    (dict(stride=0), f'stride is 0; give a {whole}'), (dict(stride=(1, 2)), r'stride is \(1, 2\)'), (dict(stride=1.5), 'stride is 1.5'), (dict(stride=True), 'stride is True'),
    (dict(padding=-1), 'padding is -1'), (dict(padding=9), 'from 0 to 8'), (dict(padding='same'), "padding is 'same'"), (dict(dilation=0), 'dilation is 0'),
    (dict(dilation=6), '13 x 13 cells, the padded image has 12 x 12; take a smaller'), (dict(img=torch.zeros(2, 9)), '3 x 3 cells, the padded image has 2 x 9'),
    (dict(at=(10, 0)), 'at is .10, 0.; give a row and a column of the 10 x 10 output'), (dict(at=3), 'at is 3'), (dict(at=(1, 2, 3)), 'at is'), (dict(digits=9), 'digits is 9'),
    (dict(bias=[1., 2.]), 'bias has 2 numbers'), (dict(bias='x'), "bias is 'x'"), (dict(bias=math.nan), 'bias is'), (dict(channels=('r', 'g')), 'channels has 2 names for the 1 channels'), (dict(channels=3), 'channels is 3'),
    (dict(kernels={str(k): torch.rand(7, 7, dtype=torch.double) for k in range(1000)}), r'takes 1,\d+ KB, and a view has room for 150; give fewer kernels')])
def test_refused(kwargs, message):
    with pytest.raises((ValueError, TypeError), match=message): explore_conv(**{'img': torch.zeros(12, 12), 'kernel': torch.ones(3, 3), **kwargs})

def test_view_needs_a_script():
    with pytest.raises(ValueError, match="name is 'nothing'; give the name of a script"): View('nothing', {}, 'x', ('1px',)*3)

def test_accepts():
    want = explore_conv(ramp()).output
    for o in (ramp()[None], ramp().numpy(), ramp().tolist(), ramp().int(), ramp().requires_grad_(), ramp().double()): torch.testing.assert_close(explore_conv(o).output, want)
    assert explore_conv(torch.ones(4, 4, dtype=torch.uint8)*255, 'identity').output.tolist() == [[255, 255]]*2
    assert explore_conv([[2]], [[3]]).output.tolist() == [[6]]
    assert explore_conv(ramp(), kernels={'given': [[1]]}, kernel=[[2]]).output.tolist() == (2*ramp()).tolist()
    x = ramp(); v = explore_conv(x); x.zero_()
    assert v.img.abs().sum() > 0, "a view keeps what it was given"

@st.composite
def cases(draw, limit=9):
    h,w = draw(st.integers(1, limit)),draw(st.integers(1, limit))
    p,s = draw(st.integers(0, 3)),draw(st.integers(1, 4))
    kh,kw = draw(st.integers(1, min(7, h+2*p))),draw(st.integers(1, min(7, w+2*p)))
    most = min([3] + [(n+2*p-1)//(k-1) for n,k in ((h, kh), (w, kw)) if k > 1])
    d = draw(st.integers(1, most))
    g = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    return torch.randn(h, w, generator=g), torch.randn(kh, kw, generator=g), s, p, d

@settings(max_examples=60, deadline=None)
@given(cases())
def test_windows_and_output(case):
    x,k,s,p,d = case
    v = explore_conv(x, k, s, p, d)
    want = F.conv2d(x[None, None].double(), k[None, None].double(), stride=s, padding=p, dilation=d)[0, 0]
    assert torch.equal(v.output, want)
    rows,cols = v.windows()
    X = F.pad(x.double(), (p,)*4)
    got = torch.stack([torch.stack([(X[[a+p for a in r]][:, [b+p for b in c]]*k.double()).sum() for c in cols]) for r in rows])
    torch.testing.assert_close(got, want, rtol=0, atol=1e-12)
    i,j = v.at
    assert v.output[i, j].abs() == v.output.abs().max()

def test_sum_in_words():
    v = explore_conv([[.5, 2], [1, 0]], [[-1, 1], [.25, 3]], at=(0, 0))
    assert v.sum() == 'output (0, 0) = 0.50 x -1 + 2.00 x 1 + 1.00 x 0.25 + 0 x 3 = 1.75'
    assert explore_conv([[1e-5]], [[1/3]]).sum() == 'output (0, 0) = 1.0e-05 x 0.33 ~ 3.3e-06'
    assert explore_conv([[100]], [[.0004]]).sum() == 'output (0, 0) = 100 x 0.0004 = 0.04', 'a weight that is not 0 is not written as 0'
    assert '~' in explore_conv(digit()).sum() and 'the sum of 25 products' in explore_conv(digit(), 'blur of 5 x 5').sum()
    assert explore_conv([[-1.]], [[2.]], bias=.5, relu=True).sum() == 'output (0, 0) = -1 x 2 + bias 0.5 = -1.50, and 0 after ReLU'
    v = explore_conv(color(), filters(), at=(1, 2), channels=('red', 'green', 'blue'))
    want = [(color()[c, 1:4, 2:5].double()*filters().weight[0, c].double()).sum() for c in range(3)]
    assert v.sum().startswith('output (1, 2) = ' + ' + '.join(f'{w:.2f} ({n})' for w,n in zip(want, ('red', 'green', 'blue'))) + f' + bias {filters().bias[0]:.2g} ~ ')
    for o in (v, explore_conv(digit())): assert o.sum().encode('cp1252') and o.sum().isascii(), 'any console can print it'

def test_static():
    before = plt.get_fignums()
    v = explore_conv(ramp(5, 5), stride=3, padding=1, at=(0, 1))
    fig = v.static()
    assert plt.get_fignums() == before, 'pyplot would show the figure a second time'
    assert [ax.get_title('left') for ax in fig.axes] == ['input 5 x 5, padding 1', 'kernel 3 x 3', 'output 2 x 2']
    accent = [p for p in fig.axes[0].patches if p.get_edgecolor()[:3] == pytest.approx(tuple(int(palette['accent'][i:i+2], 16)/255 for i in (1, 3, 5)))]
    assert [(p.get_xy(), p.get_width(), p.get_height()) for p in accent] == [((2.5, -.5), 3, 3)]
    assert [(p.get_xy(), p.get_width(), p.get_height()) for p in fig.axes[0].patches if p.get_hatch()] == [((-.5, 5.5), 7, 1), ((5.5, -.5), 1, 7)]
    said = v.sum().replace(' x ', ' \u00d7 ').replace('-', '\u2212')
    assert said in fig.texts[0].get_text().replace('\u00a0', ' ').replace('\n', ' ')
    assert '5 x 5' in v.alt() and said in v.alt()

# ---- in a browser

def shown(browser, part='out'):
    "The numbers of one grid, as the page holds them, in double precision"
    rows = browser.js(f"return [...document.querySelectorAll('.{part} .grid .row')].map(r => [...r.querySelectorAll('.cell')].map(c => c.dataset.value))")
    return torch.tensor([[float(v) for v in r] for r in rows], dtype=torch.double)

def check_output(browser, x, k, stride=1, padding=0, dilation=1):
    "Every output on the page is `F.conv2d`'s, but for the order of summation: 1e-12 of the largest possible sum"
    x,k = (torch.as_tensor(o, dtype=torch.double)[None, None] for o in (x, k))
    want = F.conv2d(x, k, stride=stride, padding=padding, dilation=dilation)[0, 0]
    got = shown(browser)
    assert got.shape == want.shape
    torch.testing.assert_close(got, want, rtol=0, atol=1e-12*float(k.abs().sum()*x.abs().max() + 1))
    single = F.conv2d(x.float(), k.float(), stride=stride, padding=padding, dilation=dilation)[0, 0]
    torch.testing.assert_close(got.float(), single, rtol=0, atol=1e-5*float(k.abs().sum()*x.abs().max() + 1))
    return want

def number(text): return float(text.replace('\u2212', '-'))
def cell(i, j): return f'.out [data-at="{i},{j}"]'
def selected(browser): return tuple(map(int, browser.one('.out .here').get_attribute('data-at').split(',')))
def point_at(browser, i, j, n=0, how='hover'):
    "Hover over (or tap) an output until the page has noticed: a page that is still loading moves away"
    def there():
        getattr(browser, how)(cell(i, j), n)
        with browser.frame(n): return selected(browser) == (i, j)
    browser.wait(there)
def terms(browser):
    "The patch and the kernel as the page writes them, in pairs"
    return [(number(x), number(w)) for x,w in browser.js("const t = q => [...document.querySelectorAll(q)]; return t('.patch .cell').map((c, k) => [c.textContent, t('.weights input')[k].value])")]
def outlined(browser):
    "The (row, column) of the input, padding included, that the accent's outlines cover"
    return {tuple(o) for o in browser.js('''const m = [...document.querySelectorAll('.in .mark i.block')].map(e => e.getBoundingClientRect());
        return [...document.querySelectorAll('.in .cell')].filter(c => { const b = c.getBoundingClientRect(), x = b.x + b.width/2, y = b.y + b.height/2;
          return m.some(o => o.left < x && x < o.right && o.top < y && y < o.bottom); }).map(c => c.dataset.at.split(',').map(Number))''')}
def set_number(browser, name, value):
    from selenium.webdriver import Keys
    e = browser.one(f'#step-{name}')
    e.click(); e.send_keys(Keys.CONTROL, 'a'); e.send_keys(str(value), Keys.ENTER)
def choose(browser, name):
    from selenium.webdriver.support.ui import Select
    Select(browser.one('#kernel')).select_by_visible_text(name)
def overflow(browser): return browser.js('const e = document.documentElement; return [e.scrollWidth - innerWidth, e.scrollHeight - innerHeight]')

def test_pointer(browser):
    x = digit()
    v = explore_conv(x, 'top edge')
    browser.open(page(v))
    point_at(browser, 3, 4)
    with browser.frame():
        want = check_output(browser, x, named_kernels['top edge'])
        assert selected(browser) == (3, 4)
        browser.wait(lambda: outlined(browser) == {(r, c) for r in (3, 4, 5) for c in (4, 5, 6)}) # it glides there
        got = terms(browser)
        assert len(got) == 9
        for (a, w),p,k in zip(got, x[3:6, 4:7].flatten(), torch.tensor(named_kernels['top edge']).flatten()): assert abs(a - p) <= .005 + 1e-9 and w == k
        assert float(browser.one('#sum').get_attribute('data-value')) == pytest.approx(want[3, 4].item(), abs=1e-12)
        assert abs(number(browser.one('#sum').text) - want[3, 4]) <= .005 + 1e-9 and browser.one('.total').text.startswith('\u2248')
        assert 'output (3, 4)' in browser.one('.sum h2').text
        browser.wait(lambda: 'Output row 3, column 4' in browser.one('#live').get_attribute('textContent'))
        said = browser.one('#live').get_attribute('textContent')
        assert said.count(' times ') == 9 and said.endswith(f"is about {want[3, 4]:.2f}".replace('-', 'minus '))
        browser.shot('explore_pointer')

def test_pointing_at_a_product(browser):
    browser.open(page(explore_conv(digit(), padding=1, dilation=2, at=(0, 3))))
    with browser.frame():
        assert not browser.all('.meant')
    def meant(): return browser.js("return [...document.querySelectorAll('.meant')].map(c => [c.closest('.plate, .patch, .weights, .products').className, c.dataset.at || c.firstChild.getAttribute('aria-label')].join(': '))")
    def hover(css, want):
        browser.hover(css)
        with browser.frame(): browser.wait(lambda: meant() == want)
    want = ['plate: 2,7', 'patch in: 1,2', 'weights: weight, row 1, column 2', 'products: 1,2']
    for part in ('patch', 'products', 'weights'):
        hover(f'.{part} .row:nth-of-type({3 - (part == "weights")}) .cell:nth-child(3)', want) # the outline is a sibling of the rows
        with browser.frame(): assert browser.one('.told').text == f"{digit()[1, 6]:.2f} \u00d7 0 = 0"
        hover('h1', [])

def test_nothing_is_read_out_before_the_reader_does_something(browser):
    browser.open(page(explore_conv(digit())))
    browser.resize(800)
    with browser.frame():
        browser.driver.execute_async_script('setTimeout(arguments[0], 500)')
        assert browser.one('#live').get_attribute('textContent') == ''
        browser.one('[aria-label="more stride"]').click()
        browser.wait(lambda: browser.one('#live').get_attribute('textContent'))

def test_cells_too_small_for_numbers(browser):
    "Where no number fits, a sign does; and an output is never too small to point at"
    x = torch.linspace(-1, 1, 32*32).view(32, 32)
    browser.open(page(explore_conv(x, 'identity', stride=4, padding=8)))
    with browser.frame():
        check_output(browser, x, named_kernels['identity'], stride=4, padding=8)
        assert browser.js("return document.querySelector('.out .cell').getBoundingClientRect().width") >= 24
    browser.open(page(explore_conv(x, 'identity')))
    with browser.frame():
        assert {(c.text, c.get_attribute('data-value')[0] == '-') for c in browser.all('.out .cell')[::37]} == {('\u2212', True), ('', False)}

def test_click_holds(browser):
    browser.open(page(explore_conv(digit())))
    def click(i, j):
        browser.click(cell(i, j))
        with browser.frame(): browser.wait(lambda: selected(browser) == (i, j))
    def hover_in_vain(i, j):
        browser.hover(cell(7, 7))
        with browser.frame():
            browser.driver.execute_async_script('setTimeout(arguments[0], 100)')
            assert selected(browser) == (i, j) and browser.one('.out .note').text.startswith('Held')
    click(2, 2); hover_in_vain(2, 2)
    click(5, 1); hover_in_vain(5, 1)
    click(5, 1) # lets go
    point_at(browser, 7, 7)

def test_sum_is_exact_or_says_so(browser):
    browser.open(page(explore_conv(ramp(), 'sharpen')))
    point_at(browser, 0, 0)
    with browser.frame():
        want = check_output(browser, ramp(), named_kernels['sharpen'])
        assert browser.one('.total').text.split() == ['=', f'{want[0, 0]:.0f}'.replace('-', '\u2212')]
        assert sum(a*w for a,w in terms(browser)) == want[0, 0]

@pytest.mark.parametrize('kwargs', [dict(), dict(kernel='blur of 5 x 5', padding=2, stride=2), dict(kernel=[[.125, -2], [3, .3333]], dilation=3, padding=1)])
def test_page_says_what_python_says(browser, kwargs):
    v = explore_conv(digit(), **kwargs)
    browser.open(page(v))
    with browser.frame():
        assert selected(browser) == v.at
        torch.testing.assert_close(shown(browser), v.output, rtol=0, atol=1e-12)
        equals,total = browser.one('.total').text.split()
        equals,total = equals.replace('\u2248', '~'),total.replace('\u2212', '-')
        assert v.sum().endswith(f' products {equals} {total}' if v.kernel.numel() > 9 else f' {equals} {total}')
        pairs = browser.js("const t = q => [...document.querySelectorAll(q)]; return t('.patch .cell').map((c, k) => `${c.textContent} x ${t('.weights input')[k].value}`)")
        if v.kernel.numel() <= 9: assert v.sum() == f'output {v.at} = ' + ' + '.join(pairs).replace('\u2212', '-') + f' {equals} {total}'

def test_keyboard(browser):
    from selenium.webdriver import Keys
    browser.open(page(explore_conv(digit(), padding=1, at=(0, 0))))
    with browser.frame():
        browser.one(cell(0, 0)).send_keys('')
        browser.js('document.querySelector(".out .here").focus()')
        for key,want in ((Keys.ARROW_RIGHT, (0, 1)), (Keys.ARROW_DOWN, (1, 1)), (Keys.ARROW_LEFT, (1, 0)), (Keys.ARROW_LEFT, (1, 0)), (Keys.ARROW_UP, (0, 0)), (Keys.END, (0, 11)), (Keys.ARROW_DOWN, (1, 11)), (Keys.HOME, (1, 0))):
            browser.press(key)
            assert selected(browser) == want
            assert browser.js('return document.activeElement.dataset.at') == '{},{}'.format(*want)
            assert len(browser.all('.out .cell[tabindex="0"]')) == 1, 'one cell is in the tab order'
        browser.wait(lambda: outlined(browser) == {(r, c) for r in (1, 2, 3) for c in (0, 1, 2)})
        assert [a for a,_ in terms(browser)][::3] == [0, 0, 0], 'the left column of the window is padding'
        browser.js('document.activeElement.blur()')

def test_reached_by_tab(browser):
    from selenium.webdriver import Keys
    browser.open(page(explore_conv(digit())))
    with browser.frame():
        browser.one('#kernel').send_keys('')
        browser.js('document.querySelector("#kernel").focus()')
        seen = []
        for _ in range(20):
            seen.append(browser.js('const e = document.activeElement; return e.id || e.getAttribute("aria-label")'))
            ring = browser.js('const s = getComputedStyle(document.activeElement.matches(".cell input") ? document.activeElement.parentElement : document.activeElement); return s.outlineStyle + " " + s.outlineWidth')
            assert ring.startswith('solid') and float(ring.split()[1][:-2]) >= 2, (seen, ring)
            if seen[-1].startswith('weight'): break
            browser.press(Keys.TAB)
    v = explore_conv(digit())
    assert seen == ['kernel', 'less stride', 'step-stride', 'more stride', 'less padding', 'step-padding', 'more padding', 'less dilation', 'step-dilation', 'more dilation', 'relu',
                    f'row 0, column 0: {digit()[0, 0]:.2f}', f'row {v.at[0]}, column {v.at[1]}: {v.output[v.at]:.2f}'.replace('-', '\u2212'), 'weight, row 0, column 0']

def test_controls(browser):
    x = digit()
    browser.open(page(explore_conv(x)))
    with browser.frame():
        now = dict(stride=1, padding=0, dilation=1)
        for name,press,value in (('padding', 'more', 1), ('padding', 'more', 2), ('stride', 'more', 2), ('dilation', 'more', 2), ('dilation', 'less', 1), ('stride', 'more', 3), ('padding', 'less', 1)):
            browser.one(f'[aria-label="{press} {name}"]').click()
            now[name] = value
            assert browser.one(f'#step-{name}').get_attribute('value') == str(value)
            check_output(browser, x, named_kernels['top edge'], **now)
        for name,value in (('stride', 1), ('dilation', 4), ('padding', 6), ('stride', 5)):
            set_number(browser, name, value)
            now[name] = value
            check_output(browser, x, named_kernels['top edge'], **now)
        set_number(browser, 'dilation', 1)
        now['dilation'] = 1
        for name,k in named_kernels.items():
            choose(browser, name)
            check_output(browser, x, k, **now)
            torch.testing.assert_close(shown(browser, 'weights'), torch.tensor(k, dtype=torch.double))
        browser.shot('explore_controls')

def test_weights_can_be_edited(browser):
    from selenium.webdriver import Keys
    x = ramp()
    browser.open(page(explore_conv(x)))
    with browser.frame():
        k = torch.tensor(named_kernels['top edge'], dtype=torch.double)
        def field(a, b): return browser.one(f'[aria-label="weight, row {a}, column {b}"]')
        def click(a, b): browser.into(f'[aria-label="weight, row {a}, column {b}"]')
        click(0, 0); browser.press('2.5', Keys.TAB) # a click selects the whole number
        k[0, 0] = 2.5
        check_output(browser, x, k)
        assert browser.one('#kernel').get_attribute('value') == 'own'
        click(0, 0); browser.press(Keys.ARROW_RIGHT, '-0,125', Keys.ARROW_DOWN, '7', Keys.ARROW_LEFT, Keys.ARROW_LEFT, Keys.TAB)
        k[0, 1],k[1, 1] = -.125,7
        check_output(browser, x, k)
        for wrong in ('x', '', '1e99', '--1', 'Infinity'):
            click(2, 2); browser.press(Keys.BACKSPACE, wrong, Keys.TAB)
            check_output(browser, x, k)
            assert field(2, 2).get_attribute('value') == '1' and 'A weight is a number' in browser.one('.says .refused').text, wrong
        choose(browser, 'blur')
        check_output(browser, x, named_kernels['blur'])
        field(1, 1).click(); browser.press(Keys.TAB)
        check_output(browser, x, named_kernels['blur']) # looking at 0.11 does not make it 0.11

def test_refusals_explain_and_change_nothing(browser):
    x = ramp(5, 5)
    browser.open(page(explore_conv(x, 'left edge')))
    with browser.frame():
        def still(*words):
            check_output(browser, x, named_kernels['left edge'])
            text = browser.one('.says .refused').text
            assert all(w in text for w in words), text
            assert [browser.one(f'#step-{n}').get_attribute('value') for n in ('stride', 'padding', 'dilation')] == ['1', '0', '1'] and browser.one('#kernel').get_attribute('value') == '1'
        set_number(browser, 'dilation', 3); still('span 7 rows', 'has 5', 'Nothing was changed')
        for name,low,high in (('stride', 1, 16), ('padding', 0, 8), ('dilation', 1, 16)):
            for bad in (low-1, high+1, '1.5', '', 'e'): set_number(browser, name, bad); still(f'whole number from {low} to {high}')
        browser.one('[aria-label="less stride"]').click(); still('whole number')
        set_number(browser, 'padding', 1); set_number(browser, 'dilation', 3)
        check_output(browser, x, named_kernels['left edge'], padding=1, dilation=3)
        assert not browser.all('.refused')
        choose(browser, 'blur of 5 x 5')
        check_output(browser, x, named_kernels['left edge'], padding=1, dilation=3)
        assert 'span 13 rows' in browser.one('.refused').text and browser.one('#kernel').get_attribute('value') == '1'

def test_unread_inputs_are_hatched(browser):
    browser.open(page(explore_conv(ramp(6, 7), stride=2, at=(1, 1))))
    with browser.frame():
        def unread(): return {tuple(o) for o in browser.js("return [...document.querySelectorAll('.in .unread')].map(c => c.dataset.at.split(',').map(Number))")}
        assert unread() == {(5, c) for c in range(7)} and '7 of 42' in browser.one('.in .note').text
        assert 'rows (6 + 2 \u00d7 0 \u2212 3) / 2 + 1 = 2.5, rounded down to 2; columns (7 + 2 \u00d7 0 \u2212 3) / 2 + 1 = 3' in browser.one('.says').text
        browser.one('[aria-label="more dilation"]').click()
        assert unread() == {(r, c) for r in range(6) for c in range(7)} - {(r, c) for r in (0, 2, 4) for c in (0, 2, 4, 6)}
        browser.wait(lambda: outlined(browser) == {(r, c) for r in (0, 2, 4) for c in (2, 4, 6)})
        assert len(browser.all('.in .mark i.span')) == 1
        set_number(browser, 'dilation', 1); set_number(browser, 'stride', 1)
        assert unread() == set() and browser.one('.in .note').text.startswith('Point here')

@pytest.mark.parametrize('seed', range(4))
def test_random_views(browser, seed):
    "Ten views on one page, each with its own random image, kernel and settings"
    drawn = []
    @settings(max_examples=30, deadline=None, database=None, derandomize=False, phases=[Phase.generate])
    @hypothesis_seed(seed)
    @given(cases())
    def draw(case): drawn.append(case)
    draw()
    drawn = drawn[-10:]
    views = [explore_conv(x, k, s, p, d) for x,k,s,p,d in drawn]
    for v in views: v.static = lambda: None
    browser.open(page(*views))
    for n,(x,k,s,p,d) in enumerate(drawn):
        with browser.frame(n): check_output(browser, x, k, s, p, d)

def test_two_views_on_a_page(browser):
    a,b = digit(),ramp()
    browser.open(page(explore_conv(a), explore_conv(b, 'left edge', stride=2)))
    with browser.frame(1):
        browser.one('[aria-label="more padding"]').click()
        check_output(browser, b, named_kernels['left edge'], stride=2, padding=1)
    point_at(browser, 1, 1, n=1)
    with browser.frame(0):
        check_output(browser, a, named_kernels['top edge'])
        assert selected(browser) == explore_conv(a).at
    browser.shot('explore_two')

@pytest.mark.parametrize('width', [320, 360, 412])
def test_phone(browser, width):
    x = digit()
    browser.open(page(explore_conv(x), explore_conv(x[:, :5], torch.ones(7, 5)), style='margin:0'), width=width, height=740, phone=True)
    assert browser.js('return document.documentElement.scrollWidth') == width
    point_at(browser, 6, 3, how='tap')
    with browser.frame():
        assert overflow(browser)[0] <= 0
        want = check_output(browser, x, named_kernels['top edge'])
        assert float(browser.one('#sum').get_attribute('data-value')) == pytest.approx(want[6, 3].item(), abs=1e-12)
    browser.tap('[aria-label="more padding"]')
    with browser.frame():
        browser.wait(lambda: browser.one('#step-padding').get_attribute('value') == '1')
        check_output(browser, x, named_kernels['top edge'], padding=1)
    with browser.frame(1): assert overflow(browser)[0] <= 0
    browser.shot(f'explore_phone_{width}')
    browser.open(explore_conv(x[:, :5], torch.ones(7, 5)).page(), width=width, height=740, phone=True) # the frame's own page: only there the driver's touch screen is known
    assert browser.js("return Math.min(...[...document.querySelectorAll('button, select, .stepper input')].map(e => e.getBoundingClientRect().height))") >= 38
    assert browser.js("return getComputedStyle(document.querySelector('#kernel')).fontSize") == '16px', 'smaller makes a phone zoom in'
    assert overflow(browser)[0] <= 0

@pytest.mark.parametrize('width', [320, 400, 481, 482, 600, 721, 722, 860, 1300])
def test_frame_fits_its_content(browser, width):
    "Whatever the kernel: nothing is cut off, nothing scrolls, and not much is left empty"
    g = torch.Generator().manual_seed(0)
    views = [explore_conv(digit()), explore_conv(torch.randn(28, 28, generator=g), torch.randn(7, 7, generator=g)), explore_conv(ramp(3, 20)), explore_conv(ramp(20, 3))]
    for v in views: v.static = lambda: None
    browser.open(page(*views, style='margin:0'), width=width)
    for n in range(len(views)):
        with browser.frame(n):
            fits = browser.js("""const k = document.querySelector('#kernel'), e = document.documentElement;
                return [...k.options].filter(o => !o.hidden).map(o => { k.value = o.value; k.dispatchEvent(new Event('change'));
                  const low = Math.max(...[...document.querySelectorAll('#view *')].filter(e => !e.closest('.unseen')).map(e => e.getBoundingClientRect().bottom));
                  return [e.scrollWidth - innerWidth, e.scrollHeight - innerHeight, innerHeight - low, o.textContent]; })""")
        assert len(fits) >= len(named_kernels) and all(w <= 0 and h <= 0 and 8 <= spare < 250 for w,h,spare,_ in fits), (n, fits)

def test_nothing_gets_in_or_out(browser):
    "The frame cannot load anything, nor reach the page; the page around it can do the first, so that the test can fail"
    hits = []
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            hits.append(self.path)
            self.send_response(200); self.send_header('Access-Control-Allow-Origin', '*'); self.end_headers(); self.wfile.write(b'self.loaded = 1')
        do_POST = do_GET
        def log_message(self, *args): pass
    server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f'http://127.0.0.1:{server.server_port}'
        loads = """const url = arguments[0], done = arguments[arguments.length - 1], blocked = [];
            document.addEventListener('securitypolicyviolation', e => blocked.push(e.effectiveDirective));
            const add = (tag, props) => document.body.append(Object.assign(document.createElement(tag), props));
            for (const f of [() => add('img', { src: url + '/img' }), () => add('script', { src: url + '/script' }), () => add('link', { rel: 'stylesheet', href: url + '/css' }), () => import(url + '/import').catch(() => 0), () => add('iframe', { src: url + '/frame' }),
              () => add('video', { src: url + '/video' }), () => fetch(url + '/fetch').catch(() => 0), () => { const x = new XMLHttpRequest(); x.open('GET', url + '/xhr'); x.send(); },
              () => new WebSocket(url.replace('http', 'ws') + '/ws'), () => new EventSource(url + '/events'), () => navigator.sendBeacon(url + '/beacon'), () => new FontFace('f', `url(${url}/font)`).load().catch(() => 0),
              () => new Worker(URL.createObjectURL(new Blob(['fetch("' + url + '/worker")'])))]) { try { f(); } catch (e) { } }
            setTimeout(() => done(blocked), 1500);"""
        browser.open(page(explore_conv(ramp())))
        with browser.frame():
            blocked = browser.driver.execute_async_script(loads, url)
            assert {'img-src', 'script-src-elem', 'style-src-elem', 'frame-src', 'media-src', 'connect-src', 'font-src'} <= set(blocked), blocked
            reach = lambda code: browser.js(f"try {{ {code}; return 'reached' }} catch (e) {{ return e.name }}")
            assert reach('top.document.title') == reach('parent.document.body') == reach('localStorage.x') == reach('document.cookie') == 'SecurityError'
            assert reach("document.body.innerHTML = '<b>x</b>'") == 'TypeError', 'trusted types'
            browser.js("setTimeout(() => { try { Function('self.evaluated = 1')(); } catch (e) { self.refused = e.name; } })") # later: what a driver runs itself is let through
            assert browser.wait(lambda: browser.js('return self.evaluated || self.refused')) == 'EvalError'
            assert browser.js("const s = document.createElement('script'); s.append('self.injected = 1'); try { document.body.append(s) } catch { } return self.injected") is None
            assert browser.js('return self.origin') == 'null'
        assert hits == []
        assert browser.js("try { return document.querySelector('iframe').contentDocument === null } catch (e) { return true }")
        browser.driver.execute_async_script(loads, url)
        for _ in range(50):
            missing = {'/img', '/script', '/import', '/css', '/frame', '/video', '/fetch', '/xhr', '/ws', '/events', '/beacon', '/font', '/worker'} - set(hits)
            if not missing: break
            time.sleep(.1)
        assert not missing
        assert browser.logs(), 'what was blocked is reported'
    finally: server.shutdown(); server.server_close()

def test_hostile_names_in_the_page(browser):
    v = explore_conv(ramp(), kernel=hostile[0], kernels={t: [[i+1.]] for i,t in enumerate(hostile)}, title=' '.join(hostile))
    browser.open(page(v))
    assert browser.js('return self.pwned') is None
    with browser.frame():
        check_output(browser, ramp(), [[1.]])
        assert browser.js('return self.pwned') is None and not browser.all('#view img, #view script')
        assert browser.js("return [...document.querySelectorAll('#kernel option')].map(o => o.textContent)")[-1-len(hostile):-1] == hostile
        assert browser.js("return document.querySelector('h1').textContent") == ' '.join(hostile)
        for i in range(len(hostile)):
            browser.js("const s = document.querySelector('#kernel'); s.value = arguments[0]; s.dispatchEvent(new Event('change'))", str(len(named_kernels)+i))
            check_output(browser, ramp(), [[i+1.]])

def test_roles_and_names(browser):
    "What a screen reader is told: Chromium's own accessibility tree"
    browser.open(explore_conv(ramp(), padding=1, title='Edges').page())
    nodes = [(n['role']['value'], n.get('name', {}).get('value', '')) for n in browser.cdp('Accessibility.getFullAXTree')['nodes'] if not n.get('ignored')]
    roles = [r for r,_ in nodes]
    assert ('heading', 'Edges') in nodes and ('combobox', 'kernel') in nodes
    assert {('spinbutton', n) for n in ('stride', 'padding', 'dilation')} <= set(nodes)
    assert {('button', f'{m} {n}') for m in ('more', 'less') for n in ('stride', 'padding', 'dilation')} <= set(nodes)
    assert ('grid', 'Output, 6 rows by 7 columns') in nodes and ('grid', 'Kernel weights, editable') in nodes
    assert ('grid', 'Input, 6 rows by 7 columns, and 1 of padding on each side') in nodes
    assert {('table', f'{o} of input and kernel') for o in ('patch', 'products')} <= set(nodes) and ('checkbox', 'ReLU') in nodes
    assert roles.count('gridcell') == 6*7 + 9 + 8*9 and roles.count('row') == 6 + 3 + 8 + 2*3 and roles.count('cell') == 2*9
    assert ('gridcell', 'padding: 0') in nodes and ('gridcell', 'row 0, column 1: \u22122') in nodes
    assert 'status' in roles
    assert not [n for n in nodes if n[0] in ('textbox', 'button', 'spinbutton', 'gridcell', 'cell', 'combobox') and not n[1]]

def test_motion(browser):
    for calm,want in ((False, '0.11s'), (True, '0s')):
        browser.open(explore_conv(ramp()).page(), calm=calm)
        assert browser.js("return getComputedStyle(document.querySelector('.in .mark')).transitionDuration") == want

def luminance(rgb):
    c = [v/12.92 if v <= .04045 else ((v+.055)/1.055)**2.4 for v in (o/255 for o in rgb)]
    return .2126*c[0] + .7152*c[1] + .0722*c[2]
def contrast(a, b):
    a,b = sorted((luminance(a), luminance(b)))
    return (b+.05)/(a+.05)

def test_colors(browser):
    "The colors of the course's figures, and text that can be read on them"
    x = torch.linspace(-2, 5, 36).view(6, 6)
    v = explore_conv(x, 'outline')
    for v in (v, explore_conv(x.clamp(min=0), 'blur')):
        browser.open(page(v))
        with browser.frame():
            for part,t,kind in (('map.in', v.img, 'input'), ('weights', v.kernel, 'kernel'), ('map.out', v.output, 'output')):
                ax = show.show_image(t, kind=kind)
                im = ax.images[0]
                want = (torch.tensor(im.cmap(im.norm(t.float().numpy())))[..., :3]*255).round()
                plt.close(ax.figure)
                style = browser.js(f"return [...document.querySelectorAll('.{part} .grid .cell')].map(c => {{ const s = getComputedStyle(c); return [s.backgroundColor, s.color].map(o => o.match(/\\d+/g).slice(0, 3).map(Number)) }})")
                got = torch.tensor([o[0] for o in style]).view(want.shape)
                assert (got-want).abs().max() <= 3, (part, (got-want).abs().max())
                assert min(contrast(*o) for o in style) > 3.6 # no ink does better on a middling color
            text = browser.js("""return [...document.querySelectorAll('h1, h2, .note, label, .total b, .op, option, button')].map(e => { const s = getComputedStyle(e), n = o => { const m = o.match(/[\\d.]+/g).map(Number);
                return (o.startsWith('color(') ? m.slice(-3).map(v => v*255) : m).slice(0, 3); }; return [e.className + e.tagName, n(s.color), s.backgroundColor.includes(', 0)') ? [255, 255, 255] : n(s.backgroundColor)]; })""")
            assert min((round(contrast(a, b), 2), n) for n,a,b in text) > (4.5, ''), sorted((round(contrast(a, b), 2), n) for n,a,b in text)[:3]

def test_still_picture_where_scripts_are_off(browser):
    html = page(explore_conv(ramp()))
    def shown(): return browser.js("const o = document.querySelector('.cnn-still'); return o ? getComputedStyle(o).display : null")
    browser.open(html)
    assert shown() == 'none'
    browser.open(re.sub(r'<style>.*?</style><iframe.*?</iframe>', '', html, flags=re.S)) # as JupyterLab shows a notebook that is not trusted
    assert shown() == 'block' and browser.js("const i = document.querySelector('.cnn-still img'); return i.naturalWidth") > 400
    browser.cdp('Emulation.setScriptExecutionDisabled', value=True)
    try:
        browser.open(html)
        browser.shot('explore_no_script')
        box = browser.cdp('DOM.getDocument', depth=-1)
        found = browser.cdp('DOM.querySelector', nodeId=box['root']['nodeId'], selector='.cnn-still img')
        assert browser.cdp('DOM.getBoxModel', nodeId=found['nodeId'])['model']['width'] > 400
    finally: browser.cdp('Emulation.setScriptExecutionDisabled', value=False)

def test_exported_page(browser, tmp_path):
    "The notebook as nbconvert writes it: its view is there and works, with no kernel"
    HTMLExporter = pytest.importorskip('nbconvert').HTMLExporter
    path = tmp_path/'explore.html'
    path.write_text(HTMLExporter().from_filename(str(Path(__file__).parent.parent/'nbs'/'explore.ipynb'))[0], encoding='utf-8')
    browser.open(path)
    point_at(browser, 1, 1)
    with browser.frame():
        from cnn_notes.data import load_mnist
        check_output(browser, load_mnist().train_x[0][6:18, 8:20]/255, named_kernels['top edge'])
    assert not [o for o in browser.logs() if 'ERR_NAME_NOT_RESOLVED' not in o] # nbconvert's page asks for MathJax, and the notebook for its badge

def background(browser): return browser.js('return getComputedStyle(document.documentElement).backgroundColor')

@pytest.mark.parametrize('page_is_dark', ['<body style="color-scheme:dark">', '<body data-jp-theme-light="false">', '<html theme="dark">', '<html data-theme="dark">', '<body class="vscode-dark">'])
def test_dark_where_the_page_is(browser, page_is_dark):
    "JupyterLab, Colab, the site and VS Code say it in the page; the frame hears of it by CSS alone"
    tag = page_is_dark[1:5]
    for system in ('light', 'dark'):
        for html,want in ((page_is_dark, 'rgb(20, 23, 28)'), (page_is_dark.replace('dark', 'light').replace('"false"', '"true"'), 'rgb(255, 255, 255)')):
            browser.cdp('Emulation.setEmulatedMedia', features=[dict(name='prefers-color-scheme', value=system)])
            browser.open(re.sub(f'<{tag}[^>]*>', html, page(explore_conv(ramp())), count=1))
            browser.cdp('Emulation.setEmulatedMedia', features=[dict(name='prefers-color-scheme', value=system)])
            with browser.frame(): browser.wait(lambda: background(browser) == want)

def test_dark_where_the_system_is(browser):
    browser.open(page(explore_conv(ramp(), at=(0, 0))))
    try:
        for system,want in (('dark', 'rgb(20, 23, 28)'), ('light', 'rgb(255, 255, 255)'), ('dark', 'rgb(20, 23, 28)')):
            browser.cdp('Emulation.setEmulatedMedia', features=[dict(name='prefers-color-scheme', value=system)])
            with browser.frame():
                browser.wait(lambda: background(browser) == want)
                zero = "return getComputedStyle([...document.querySelectorAll('.map.in .cell')].find(c => c.dataset.value === '0')).backgroundColor"
                browser.wait(lambda: browser.js(zero) == want) # zero is the paper's color, also of what was drawn before
                check_output(browser, ramp(), named_kernels['top edge'])
        assert readable(browser) > 4.5
        browser.shot('explore_dark')
    finally: browser.cdp('Emulation.setEmulatedMedia', features=[])

def readable(browser):
    "The least contrast of any text or number, of which cells of a middling color may have 3.6"
    with browser.frame():
        pairs = browser.js("""const n = o => { const m = o.match(/[\\d.]+/g).map(Number); return (o.startsWith('color(') ? m.slice(-3).map(v => v*255) : m).slice(0, 3); };
            return [...document.querySelectorAll('h1, h2, .note, label, .total b, .op, option, button, .cell')].map(e => { const s = getComputedStyle(e);
              return [e.matches('.cell'), n(s.color), n(s.backgroundColor.includes(', 0)') ? getComputedStyle(document.documentElement).backgroundColor : s.backgroundColor)]; })""")
        assert min(contrast(a, b) for cell,a,b in pairs if cell) > 3.4
        return min(contrast(a, b) for cell,a,b in pairs if not cell)

# ---- several channels, several filters

def conv_of(layer, x): return F.conv2d(x[None].double(), layer.weight.detach().double(), None if layer.bias is None else layer.bias.detach().double(), layer.stride, layer.padding, layer.dilation)[0]
def one_output(browser):
    "What the page says about the selected output: (patches, kernels, products, the channels' sums, the result), as the page holds them"
    return browser.js("""const grids = q => [...document.querySelectorAll('.share')].map(s => [...s.querySelectorAll(q)].map(c => Number(c.dataset.value)));
        return [grids('.patch .cell'), grids('.weights .cell'), grids('.products .cell'), [...document.querySelectorAll('.part')].map(e => Number(e.dataset.value)), Number(document.querySelector('#sum').dataset.value)]""")

@pytest.mark.parametrize('light', [False, True])
def test_large_numbers_are_bright_where_light_is_drawn_and_dark_where_ink_is(browser, light):
    "In the view by day, and in the still picture"
    v = explore_conv(torch.arange(25.).view(5, 5), light=light)
    browser.open(page(v))
    with browser.frame():
        browser.wait(lambda: browser.js("return document.querySelectorAll('.map.in .grid .cell').length") == 25)
        shown = browser.js("""return [...document.querySelectorAll('.map.in .grid .cell')].map(
            c => getComputedStyle(c).backgroundColor.match(/\\d+/g).slice(0, 3).reduce((a, b) => a + Number(b), 0))""")
    drawn = v.static().axes[0].images[0]
    drawn = drawn.cmap(drawn.norm(drawn.get_array()))[..., :3].sum(-1).flatten()
    for brightness in (shown, drawn): assert (brightness[24] > brightness[0]) == light
    assert (shown == sorted(shown)) == light

@pytest.mark.parametrize('settings', [dict(), dict(padding=1, stride=2), dict(dilation=2, padding=2)])
def test_channels_add_up(browser, settings):
    "All products of all channels, their sums, the bias and ReLU, for every filter, held against PyTorch"
    layer,x = filters(3, **settings),color()
    v = explore_conv(x, layer, relu=True, channels=('red', 'green', 'blue'))
    want = conv_of(layer, x)
    browser.open(page(v))
    X = F.pad(x.double(), (layer.padding[0],)*4)
    for f in range(3):
        browser.click(f'.map.out .chips button:nth-child({f+1})')
        with browser.frame():
            browser.wait(lambda: browser.one('#kernel').get_attribute('value') == str(f))
            torch.testing.assert_close(shown(browser, 'map.out'), want[f].relu(), rtol=0, atol=1e-12)
        for i,j in ((0, 0), (want.shape[1]-1, 1)):
            point_at(browser, i, j)
            with browser.frame():
                patches,kernels,products,parts,result = (torch.tensor(o, dtype=torch.double) for o in one_output(browser))
                rows,cols = v.window.slices(i, j)
                torch.testing.assert_close(patches.view(3, 3, 3), X[:, rows, cols], rtol=0, atol=0)
                torch.testing.assert_close(kernels.view(3, 3, 3), layer.weight[f].detach().double(), rtol=0, atol=0)
                torch.testing.assert_close(products, patches*kernels, rtol=0, atol=0)
                torch.testing.assert_close(parts, products.sum(1), rtol=0, atol=1e-12)
                torch.testing.assert_close((parts.sum() + layer.bias[f].detach().double()).relu(), result, rtol=0, atol=1e-12)
                text = browser.one('.total').text
                assert '+ bias' in text and 'ReLU' in text and [o.text for o in browser.all('.share .name')] == ['red', 'green', 'blue']
    browser.shot('explore_channels')

def test_channel_and_relu_are_chosen(browser):
    layer,x = filters(2, bias=False),color()
    browser.open(page(explore_conv(x, layer)))
    want = conv_of(layer, x)
    with browser.frame():
        for c in (2, 0, 1):
            browser.js(f"document.querySelector('.map.in .chips button:nth-child({c+1})').click()")
            torch.testing.assert_close(shown(browser, 'map.in'), x[c].double(), rtol=0, atol=0)
            assert [b.get_attribute('aria-pressed') for b in browser.all('.map.in .chips button')] == [str(k == c).lower() for k in range(3)]
        assert want.min() < 0
        for on in (True, False):
            browser.one('#relu').click()
            torch.testing.assert_close(shown(browser, 'map.out'), want[0].relu() if on else want[0], rtol=0, atol=1e-12)
            assert ('ReLU' in browser.one('.total').text) == on and 'bias' not in browser.one('.total').text

def test_a_weight_of_one_channel_is_edited(browser):
    from selenium.webdriver import Keys
    layer,x = filters(1, bias=False),color()
    browser.open(page(explore_conv(x, layer)))
    with browser.frame():
        browser.into('[aria-label="channel 1, weight, row 2, column 0"]'); browser.press('3', Keys.TAB)
        layer.weight.data[0, 1, 2, 0] = 3
        torch.testing.assert_close(shown(browser, 'map.out'), conv_of(layer, x)[0], rtol=0, atol=1e-12)

@pytest.mark.parametrize('settings', [dict(), dict(stride=2, padding=1), dict(dilation=2, padding=2), dict(stride=3)])
def test_an_input_shows_the_outputs_it_reaches(browser, settings):
    "Held against the gradient: an input reaches the outputs that have a gradient there"
    x = ramp(7, 8)
    browser.open(page(explore_conv(x, torch.ones(3, 3), **settings)))
    p = settings.get('padding', 0)
    probe = x.clone().requires_grad_()
    y = F.conv2d(probe[None, None], torch.ones(1, 1, 3, 3), **settings)[0, 0]
    for r,c in ((0, 0), (3, 4), (6, 7), (2, 1)):
        reached = {(i, j) for i in range(y.shape[0]) for j in range(y.shape[1]) if torch.autograd.grad(y[i, j], probe, retain_graph=True)[0][r, c]}
        css = f'.map.in [data-at="{r+p},{c+p}"]'
        browser.hover(css)
        with browser.frame():
            browser.wait(lambda: browser.one('.map.in .here').get_attribute('data-at') == f'{r+p},{c+p}' and browser.all('.map.in .chosen'))
            browser.driver.execute_async_script('setTimeout(arguments[0], 150)') # the outline glides
            got = {tuple(o) for o in browser.js("""const m = [...document.querySelectorAll('.map.out .mark i.block')].map(e => e.getBoundingClientRect());
                return [...document.querySelectorAll('.map.out .cell')].filter(c => { const b = c.getBoundingClientRect(), x = b.x + b.width/2, y = b.y + b.height/2;
                  return m.some(o => o.left < x && x < o.right && o.top < y && y < o.bottom); }).map(c => c.dataset.at.split(',').map(Number))""")}
            assert got == reached, (r, c)
            n = len(reached)
            assert browser.one('.map.in .note').text == f"Input ({r}, {c}) reaches {n} output{'s'*(n != 1)}."
            browser.wait(lambda: f'input ({r}, {c}) reaches {n}' in browser.one('#live').get_attribute('textContent'))
    point_at(browser, 1, 1)
    with browser.frame(): assert not browser.all('.map.in .chosen') and outlined(browser) and not browser.all('.map.out .mark i')

def test_inputs_by_keyboard_and_tap(browser):
    from selenium.webdriver import Keys
    browser.open(page(explore_conv(digit())))
    with browser.frame():
        browser.js("document.querySelector('.map.in .here').focus()")
        for key,want in ((Keys.ARROW_RIGHT, '0,1'), (Keys.ARROW_DOWN, '1,1'), (Keys.END, '1,11')):
            browser.press(key)
            assert browser.js('return document.activeElement.dataset.at') == want and browser.one('.map.in .note').text.startswith(f"Input ({want.replace(',', ', ')}) reaches")
        browser.press(Keys.ENTER)
        assert browser.one('.map.out .note').text.startswith('Held')
    browser.open(page(explore_conv(digit()), style='margin:0'), width=390, height=740, phone=True)
    browser.tap('.map.in [data-at="5,5"]')
    with browser.frame(): browser.wait(lambda: browser.one('.map.in .note').text == 'Input (5, 5) reaches 9 outputs.')

@pytest.mark.parametrize('view', [lambda: explore_conv(digit()), lambda: explore_conv(color(12, 12), filters(padding=1), channels=('red', 'green', 'blue')), lambda: explore_conv(torch.rand(28, 28, generator=torch.Generator().manual_seed(0)))], ids=['gray', 'color', 'digit'])
def test_phone_shows_cause_and_effect(browser, view):
    "On 390 x 740 pixels the patch, the kernel and the output are on one screen, and what is to be touched has 12 pixels"
    browser.open(page(view(), style='margin:0'), width=390, height=740, phone=True)
    with browser.frame():
        boxes = browser.js("return ['.map.out .plate', '.patch', '.weights', '.products', '.total'].flatMap(q => [...document.querySelectorAll(q)]).map(e => { const b = e.getBoundingClientRect(); return [b.top, b.bottom, b.left, b.right]; })")
        assert max(o[1] for o in boxes) - min(o[0] for o in boxes) <= 740 and all(0 <= o[2] and o[3] <= 390 for o in boxes)
        assert browser.js("return Math.min(...[...document.querySelectorAll('.map .cell, .weights .cell')].flatMap(c => { const b = c.getBoundingClientRect(); return [b.width, b.height]; }))") >= 12
        assert overflow(browser)[0] <= 0

@pytest.mark.parametrize('width', [320, 390, 481, 482, 600, 721, 722, 860, 1300])
def test_frame_fits_several_channels(browser, width):
    g = torch.Generator().manual_seed(0)
    views = [explore_conv(color(12, 12), filters(padding=1), relu=True, channels=('red', 'green', 'blue')), explore_conv(torch.rand(8, 6, 9, generator=g), torch.randn(8, 8, 5, 5, generator=g), padding=2, bias=1.5)]
    for v in views: v.static = lambda: None
    browser.open(page(*views, style='margin:0'), width=width)
    for n in range(2):
        with browser.frame(n):
            low = browser.js("return Math.max(...[...document.querySelectorAll('#view *')].filter(e => !e.closest('.unseen, .shares *, .plate *')).map(e => e.getBoundingClientRect().bottom))")
            assert max(overflow(browser)) <= 0 and 8 <= browser.js('return innerHeight') - low < 100, (n, overflow(browser), low)

def test_numbers_of_single_precision_come_back(browser):
    "They are written with few digits, and the page computes with exactly the same numbers"
    x,w = torch.randn(2, 5, 5)*10.**torch.randint(-6, 6, (2, 5, 5)),torch.randn(1, 2, 3, 3)
    v = explore_conv(x, w)
    browser.open(page(v))
    with browser.frame():
        torch.testing.assert_close(shown(browser, 'map.in'), x[0].double(), rtol=0, atol=0)
        torch.testing.assert_close(torch.tensor(one_output(browser)[1], dtype=torch.double).view(2, 3, 3), w[0].double(), rtol=0, atol=0)
    sizes = [len(json.dumps(explore_conv(o).data['image'])) for o in (color(), color().double())]
    assert sizes[0] < .7*sizes[1]

def test_channels_in_python():
    layer,x = filters(padding=1, stride=2),color()
    v = explore_conv(x, layer)
    torch.testing.assert_close(v.output, conv_of(layer, x)[0], rtol=0, atol=1e-12)
    assert (v.stride, v.padding, v.dilation) == (2, 1, 1) and v.channels == ['channel 0', 'channel 1', 'channel 2']
    assert repr(v) == "ConvView(3 x 8 x 9 image, 3 x 3 x 3 kernel 'filter 0', stride 2, padding 1, dilation 1: 4 x 5 output)"
    torch.testing.assert_close(explore_conv(x, 'blur').output, F.conv2d(x[None].double(), torch.full((1, 3, 3, 3), 1/9, dtype=torch.double))[0, 0]) # one slice for all channels
    torch.testing.assert_close(explore_conv(x, layer.weight, bias=layer.bias, padding=1, stride=2).output, v.output)
    Image = pytest.importorskip('PIL.Image')
    pixels = (x*255).byte()
    picture = Image.fromarray(pixels.permute(1, 2, 0).numpy())
    torch.testing.assert_close(explore_conv(picture, layer).output, conv_of(layer, pixels.float())[0], rtol=0, atol=1e-9)
    fig = v.static()
    assert [ax.get_title('left') for ax in fig.axes] == ['channel 0, padding 1', 'kernel', 'channel 1, padding 1', 'kernel', 'channel 2, padding 1', 'kernel', 'output 4 x 5']

def test_a_window_to_start_with():
    from cnn_notes.geometry import Window
    from cnn_notes.views import explore_window
    assert explore_window().html() == explore_window(Window(3), 7).html()
