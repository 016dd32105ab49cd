"A network to point at: what Python makes of it, and what a browser shows, held against `precedents`"
import json, math, random, re
from selenium.common.exceptions import TimeoutException
from pathlib import Path
import pytest, torch
import torch.nn as nn
from cnn_notes.models import simple_cnn
from cnn_notes.boxes import _box
from cnn_notes.receptive import explore_network, precedents
from test_explore import Elements, contrast, hostile, inside, page
from test_receptive import Join, network

pytestmark = pytest.mark.filterwarnings('ignore:Using padding=.same.')
names = [t.replace('top.pwned', "top['pwned']").replace('self.pwned', "self['pwned']") for t in hostile] # a module's name has no dot

def pixels(h=12, w=12, c=1):
    torch.manual_seed(1)
    return torch.rand(c, h, w)
def small():
    torch.manual_seed(0)
    return simple_cnn()
def branches():
    "A dilated branch beside a rectangular one, a residual connection, pooling, and one value for the whole image"
    torch.manual_seed(0)
    def conv(*args, **kwargs): return nn.Conv2d(2, 2, *args, **kwargs)
    return nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), Join('cat', conv(3, padding=2, dilation=2), conv((1, 5), padding=(0, 2))), nn.Conv2d(4, 2, 1),
                         Join('add', nn.Identity(), conv(3, padding=1)), nn.MaxPool2d(2), conv((2, 3), stride=(2, 1)), nn.AdaptiveAvgPool2d(1))
def view(net=None, x=None, **kwargs): return explore_network(net or small(), pixels(28, 28) if x is None else x, **kwargs)
def named(*names):
    net = nn.Sequential()
    for t in names: net.add_module(t, nn.Conv2d(1, 1, 3))
    return net

# ---- without a browser

def test_html_is_closed_in_itself():
    outer = Elements(view().html())
    (frame, _), = outer.all('iframe')
    assert frame['sandbox'] == 'allow-scripts' and frame['title'] and not outer.all('script')
    (img, _), = outer.all('img')
    assert img['src'].startswith('data:image/png;base64,') and 'is made from' in img['alt']
    assert not [a for _,at,_ in outer.found for a in at if a.startswith('on') or a in ('href', 'action')]
    doc = inside(view())
    policy, = [a['content'] for a,_ in doc.all('meta') if a.get('http-equiv') == 'Content-Security-Policy']
    assert policy.startswith("default-src 'none';") and 'unsafe' not in policy and '*' not in policy and 'http' not in policy
    assert not doc.all('link') and not doc.all('img') and not any('src' in a for _,a,_ in doc.found)

@pytest.mark.parametrize('text', names)
def test_hostile_text_stays_text(text):
    def elements(v): return [[n for n,_,_ in o.found] for o in (Elements(v.html()), inside(v))]
    v = view(named(text, 'b'), title=text)
    data = json.loads(inside(v).all('script')[0][1])
    assert v.html().isascii() and elements(v) == elements(view(named('a', 'b'), title='t'))
    assert data['title'] == text and [p['name'] for p in data['panels']] == ['image', text, 'b']
    assert not set('<>&') & set(inside(v).all('script')[0][1])

def test_same_every_time(): assert view().html() == view().html()
def test_size(): assert len(view().html()) < 150_000

def test_lit_is_precedents():
    for net,x in ((small(), pixels(28, 28)), (branches(), pixels())):
        for p in view(net, x).panels[1:]:
            at = (p['size'][0]-1, 0)
            v,want = view(net, x, at=(p['name'], at)),precedents(net, x.shape, p['name'], at)
            got = v.marked()
            assert all(torch.equal(m, want.get(k, torch.zeros_like(m))) for k,m in got.items()) and list(got) == ['input', *(p['name'] for p in v.panels[1:])]
            last = v.panels[-1]['name']
            if p['name'] != last: assert got['input'].any() and not got[last].any() # what comes later has no part

def test_layers_named_like_the_image():
    net = named('image', 'input')
    v = view(net, pixels(), at=('input', (0, 0)))
    assert [m.sum() for m in v._lit()] == [25, 9, 1]

def test_values_are_the_activations():
    net,x = small().eval(),pixels(28, 28)
    v = view(net, x)
    assert [p['name'] for p in v.panels] == ['image', '0.act', '1.act', '2.act', '3.act', '4.conv']
    for k in range(4):
        got = torch.tensor([c['values'] for c in v.panels[k+1]['channels']])
        torch.testing.assert_close(got, net[:k+1](x[None])[0, :16], rtol=1e-3, atol=1e-4)
    assert net.train() and view(net, x).html() == v.html() and net.training, 'shown in evaluation mode, handed back in its own'

def test_which_layers():
    deep = nn.Sequential(*[nn.Conv2d(1, 1, 3, padding=1) for _ in range(9)], nn.MaxPool2d(2), *[nn.Conv2d(1, 1, 3, padding=1) for _ in range(5)])
    assert [p['name'] for p in view(deep).panels] == ['image', '8', '14'] # of too many, the last of each size
    assert [p['name'] for p in view(deep, layers=['3', '9']).panels] == ['image', '3', '9']
    assert [p['name'] for p in view(layers='1').panels] == ['image', '1.act'] # a module's last layer
    v = view(branches(), pixels())
    assert (v.panels[v.start['panel']]['name'], v.start['at']) == ('5', (1, 2)), 'the last that has more than one activation'

def test_accepts():
    net = small()
    want = view(net, pixels(28, 28)).html()
    for x in (pixels(28, 28)[0], pixels(28, 28)[None], pixels(28, 28).requires_grad_()): assert view(net, x).html() == want
    color = explore_network(nn.Conv2d(3, 2, 3), pixels(8, 8, 3))
    assert len(color.panels[0]['channels']) == 1 and len(color.panels[1]['channels']) == 2
    assert len(view(channels=2).panels[1]['channels']) == 2

def test_dead_activations_are_shown():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 1, 3))
    nn.init.constant_(net[0].bias, -9.)
    v = view(net, pixels(), at=('2', (0, 0)))
    assert {k: m.sum().item() for k,m in v.marked().items()} == {'input': 25, '1': 9, '2': 1} and v.html()

class Two(nn.Module):
    def forward(self, x, y): return x + y
def broken():
    net = small()
    nn.init.constant_(net[0].conv.weight, math.nan)
    return net

@pytest.mark.parametrize('net, kwargs, message', [
    (None, dict(image=pixels(80, 28)), r'\(1, 80, 28\).*up to 64 x 64'), (None, dict(image=pixels(28, 28)*math.nan), 'image is .*finite numbers'), (None, dict(image=torch.zeros(28, 28, dtype=torch.uint8)), r'uint8.*floating-point.* image\.float\(\)/255 makes one'),
    (None, dict(image=torch.zeros(2, 1, 28, 28)), r'\(2, 1, 28, 28\)'), (None, dict(image='digit'), "image is 'digit'"), (None, dict(layers=['2.cnv']), "no layer is named '2.cnv'; the nearest are .*'2.conv'"),
    (None, dict(layers=[]), 'layers is .*has 0 names; give from 1 to 11'), (None, dict(layers=['5']), 'flattened|nearest|named'), (None, dict(at=('0.conv', (0, 0))), "'0.conv', which is not shown; it shows '0.act'"),
    (None, dict(at=('2.act', (4, 0))), r"place is \(4, 0\); layer '2.act' has 4 x 4 places"), (None, dict(at=3), r"at is 3; give a layer's name"), (None, dict(at='2.act'), "at is '2.act'"), (None, dict(channels=0), 'channels is 0'),
    (broken, {}, "layer '0.act' has values that are NaN"), (lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 2)), {}, 'no convolution'), (Two, {}, 'needs 2 inputs'), (lambda: nn.LazyConv2d(2, 3), {}, 'lazy'),
    (lambda: nn.Sequential(nn.Conv2d(1, 1, 3), nn.Conv2d(1, 1, 27)), {}, 'does not run on an input of shape'), (lambda: nn.Sequential(nn.Conv2d(1, 1, 3), nn.Upsample(scale_factor=3)), {}, "layer '1' is 78; the view shows up to 64"),
    (lambda: nn.Sequential(*[nn.Conv2d(1, 1, 1) for _ in range(13)]), dict(layers=[str(k) for k in range(12)]), '12 names; give from 1 to 11')])
def test_refused(net, kwargs, message):
    with pytest.raises((ValueError, TypeError), match=message): explore_network(**{'model': (net or small)(), 'image': pixels(28, 28), **kwargs})

def test_still_picture():
    v = view(branches(), pixels(), title='Branches')
    fig = v.static()
    titles = [ax.get_title() or ax.get_title(loc='left') for ax in fig.axes[:len(v.panels)]]
    assert [t.split(':')[0] for t in titles] == [p['name'] for p in v.panels]
    lit = v._lit()
    for t,m in zip(titles, lit): assert t.endswith(f': {m.sum()} of {m.numel()}')
    assert v.alt().startswith('Branches. Activation (1, 2) of 5 is made from ') and f'{lit[0].sum()} of 144 cells of image' in v.alt()
    assert repr(v) == 'NetworkView: Branches'
    assert view(named('$a_{$'), title='$x^{$').html(), 'no formula'

# ---- in a browser

def cell(k, i, j): return f'.panel:nth-child({k+1}) [data-at="{i},{j}"]'

def look(browser):
    "Of each panel: is it the one that is meant, which cells are lit, which are outlined as one box, what is said below"
    return browser.js("""return panels.map(p => { const s = p.section, at = c => c.dataset.at.split(',').map(Number), box = s.querySelector('.mark i'), q = p.grid.pitch;
        const shift = (s.querySelector('.mark').style.transform.match(/-?[\\d.]+/g) || []).map(Number);
        return { name: s.dataset.layer, meant: s.classList.contains('meant'), lit: [...s.querySelectorAll('.cell:not(.off)')].map(at), here: s.querySelector('.here') && at(s.querySelector('.here')), said: s.querySelector('.part').textContent,
          box: box && [Math.round(shift[1] / q), Math.round(shift[0] / q), Math.round((parseFloat(box.style.height) - 2) / q), Math.round((parseFloat(box.style.width) - 2) / q)] }; })""")

def check(browser, net, shape, layer, place):
    "All panels show what `precedents` says, in cells, boxes and words"
    want = precedents(net, tuple(shape)[-3:], layer, place)
    for k,o in enumerate(look(browser)):
        cells = want.get(o['name'] if k else 'input')
        if o['name'] == layer:
            assert o['meant'] and tuple(o['here']) == place and o['box'] is None and o['said'] == f'activation ({place[0]}, {place[1]})'
            continue
        assert not o['meant']
        if cells is None or not cells.any(): assert not o['lit'] and o['box'] is None and o['said'] in ('comes later', 'no part in it'), o
        else:
            b = _box(cells)
            assert o['lit'] == cells.nonzero().tolist(), (layer, place, o['name'])
            assert o['box'] == [b.rows[0], b.cols[0], len(b.rows), len(b.cols)]
            assert o['said'] == f"{len(b.rows)} \u00d7 {len(b.cols)}: {cells.sum()} of {cells.numel()} {'cells' if k else 'pixels'}"
    said = browser.one('.says').text
    assert said.startswith(f'Activation ({place[0]}, {place[1]}) of ') and layer in said

def held(browser): return 'Held' in browser.one('.top').get_attribute('textContent')
def meant(browser): return browser.js("return [panels[state.panel].name, state.at.join()]")

@pytest.mark.parametrize('net, x', [(small(), pixels(28, 28)), (branches(), pixels())], ids=['simple_cnn', 'branches'])
def test_pointing_lights_what_it_is_made_from(browser, net, x):
    v = view(net, x)
    browser.open(page(v))
    with browser.frame(): check(browser, net, x.shape, v.panels[v.start['panel']]['name'], tuple(v.start['at']))
    for k,p in list(enumerate(v.panels))[1:]:
        for i,j in {(0, 0), (p['size'][0]-1, 0), tuple(n//2 for n in p['size'])}:
            browser.hover(cell(k, i, j))
            with browser.frame():
                browser.wait(lambda: meant(browser) == [p['name'], f'{i},{j}'])
                check(browser, net, x.shape, p['name'], (i, j))
    browser.shot(f'network_{len(v.panels)}')

@pytest.mark.parametrize('seed', range(3))
def test_random_networks(browser, seed):
    "Six networks on one page, each pointed at in six places"
    r,drawn = random.Random(seed),[]
    while len(drawn) < 6:
        net,x = network(r.randint(0, 10**6)).eval(),pixels(r.randint(6, 16), r.randint(6, 16))
        try: drawn.append((net, x, view(net, x)))
        except ValueError: continue # too small an image for this network
    for _,_,v in drawn: v.static = lambda: None
    browser.open(page(*(v for _,_,v in drawn)))
    for n,(net, x, v) in enumerate(drawn):
        with browser.frame(n):
            for _ in range(6):
                k = r.randrange(1, len(v.panels)); p = v.panels[k]
                place = tuple(r.randrange(m) for m in p['size'])
                browser.js("arguments[0].dispatchEvent(new PointerEvent('pointermove', { bubbles: true, pointerType: 'mouse' }))", browser.one(cell(k, *place)))
                check(browser, net, x.shape, p['name'], place)

def test_click_holds(browser):
    net = small()
    browser.open(page(view(net)))
    def click(k, i, j):
        browser.click(cell(k, i, j))
        with browser.frame(): browser.wait(lambda: meant(browser)[1] == f'{i},{j}')
    def hover_in_vain():
        with browser.frame(): before = meant(browser)
        browser.hover(cell(3, 0, 0))
        with browser.frame():
            browser.driver.execute_async_script('setTimeout(arguments[0], 100)')
            assert meant(browser) == before and held(browser)
    click(2, 3, 4); hover_in_vain()
    with browser.frame(): check(browser, net, (1, 28, 28), '1.act', (3, 4))
    click(1, 5, 1); hover_in_vain() # another layer
    with browser.frame(): check(browser, net, (1, 28, 28), '0.act', (5, 1))
    click(1, 5, 1) # lets go
    browser.hover(cell(3, 0, 0))
    with browser.frame(): browser.wait(lambda: meant(browser) == ['2.act', '0,0'])

def test_keyboard(browser):
    from selenium.webdriver import Keys
    net = small()
    browser.open(page(view(net, at=('2.act', (0, 0)))))
    with browser.frame():
        browser.js("document.querySelector('.meant .here').focus()")
        for key,want in ((Keys.ARROW_RIGHT, (0, 1)), (Keys.ARROW_DOWN, (1, 1)), (Keys.ARROW_LEFT, (1, 0)), (Keys.ARROW_LEFT, (1, 0)), (Keys.ARROW_UP, (0, 0)), (Keys.END, (0, 3)), (Keys.ARROW_DOWN, (1, 3)), (Keys.HOME, (1, 0))):
            browser.press(key)
            check(browser, net, (1, 28, 28), '2.act', want)
            assert browser.js('return document.activeElement.dataset.at') == '{},{}'.format(*want)
        browser.one('.meant .here').send_keys(Keys.CONTROL, Keys.END)
        check(browser, net, (1, 28, 28), '2.act', (3, 3))

def test_every_layer_is_reached_by_tab(browser):
    from selenium.webdriver import Keys
    v = view()
    browser.open(page(v))
    with browser.frame():
        browser.js("document.querySelector('.panel:nth-child(2) .here').focus()")
        seen = []
        for _ in range(30):
            here = browser.js("const e = document.activeElement, p = e.closest('.panel'), s = getComputedStyle(e); return p && [p.dataset.layer, e.tagName, s.outlineStyle, parseFloat(s.outlineWidth)]")
            if not here: break
            assert here[2] == 'solid' and here[3] >= 2, here
            seen.append((here[0], here[1] == 'SELECT'))
            if here[0] == v.panels[-1]['name'] and here[1] == 'SELECT': break
            browser.press(Keys.TAB)
        assert seen == [(p['name'], s) for p in v.panels[1:] for s in (False, True)]
        browser.js("document.querySelector('.panel:nth-child(3) .here').focus()")
        before = browser.js("return document.activeElement.dataset.at")
        browser.press(Keys.ENTER)
        assert meant(browser) == ['1.act', before] and held(browser)

def test_channels(browser):
    "Another channel has other values, and the same cells before it"
    net = small()
    v = view(net, at=('1.act', (3, 3)))
    browser.open(page(v))
    with browser.frame():
        for n in (0, 5):
            browser.js("const s = document.querySelector('[aria-label=\"channel of 1.act\"]'); s.value = arguments[0]; s.dispatchEvent(new Event('change'))", str(n))
            got = browser.js("return [...document.querySelectorAll('.panel:nth-child(3) .cell')].map(c => Number(c.dataset.value))")
            assert got == [a for row in v.panels[2]['channels'][n]['values'] for a in row]
            check(browser, net, (1, 28, 28), '1.act', (3, 3))

def test_read_out(browser):
    browser.open(page(view(at=('2.act', (1, 2)))))
    browser.resize(800)
    with browser.frame():
        browser.driver.execute_async_script('setTimeout(arguments[0], 500)')
        assert browser.one('#live').get_attribute('textContent') == '', 'nothing before the reader does something'
        from selenium.webdriver import Keys
        browser.js("document.querySelector('.meant .here').focus()")
        browser.press(Keys.ARROW_DOWN)
        want = precedents(small(), (1, 28, 28), '2.act', (2, 2))
        browser.wait(lambda: browser.one('#live').get_attribute('textContent'))
        said = browser.one('#live').get_attribute('textContent')
        assert said.startswith('2.act, row 2, column 2, is ') and said.endswith(f"made from {want['input'].sum()} of 784 pixels of image, {want['0.act'].sum()} of 196 cells of 0.act, {want['1.act'].sum()} of 49 cells of 1.act")

def overflow(browser): return browser.js("const e = document.documentElement; return [e.scrollWidth - innerWidth, e.scrollHeight - innerHeight, innerHeight - Math.max(...[...document.querySelectorAll('#view *')].filter(e => !e.closest('.unseen')).map(e => e.getBoundingClientRect().bottom))]")
def wide(): return nn.Sequential(nn.Conv2d(1, 1, 3), nn.Conv2d(1, 1, (3, 1), stride=(3, 1)))

@pytest.mark.parametrize('width', [289, 320, 344, 360, 412, 481, 482, 600, 721, 722, 860, 1200])
def test_frame_fits_its_content(browser, width):
    "Nothing is cut off, nothing scrolls, and not much is left empty"
    views = [view(), view(branches(), pixels()), view(wide(), pixels(6, 30)), view(wide(), pixels(30, 6)), view(nn.Sequential(*[nn.Conv2d(1, 1, 3, padding=1) for _ in range(11)]), pixels(16, 16), title='A title that is long enough to need more than one line on a narrow screen')]
    for v in views: v.static = lambda: None
    browser.open(page(*views, style='margin:0'), width=width)
    for n,v in enumerate(views):
        with browser.frame(n):
            w,h,spare = overflow(browser)
            assert w <= 0 and h <= 0 and 4 <= spare < 80, (n, w, h, spare)
            assert browser.js("return [...document.querySelectorAll('.top, h1')].every(e => e.scrollHeight <= e.clientHeight + 1)"), (n, 'words are cut off')
            clipped = browser.js("return [...document.querySelectorAll('.panel')].filter(s => { const b = s.getBoundingClientRect(), a = s.querySelector('.plate'), g = (getComputedStyle(a).overflow === 'auto' ? a : s.querySelector('.grid')).getBoundingClientRect(), f = s.querySelector('.foot').getBoundingClientRect(); return g.right > b.right + 1 || g.bottom > f.top + 1 || f.bottom > b.bottom + 1; }).map(s => s.dataset.layer)")
            assert not clipped, (n, clipped)

@pytest.mark.parametrize('width', [274, 320, 344, 390]) # some of them in a page with margins
def test_cells_have_room_for_a_finger_on_a_phone(browser, width):
    large = view(wide(), pixels(30, 30)) # layers that scroll in their boxes
    browser.open(page(view(small()), large, style='margin:0'), width=width, height=844, phone=True)
    with browser.frame(1):
        assert browser.js("return Math.min(...[...document.querySelectorAll('[role=grid] .cell')].map(e => e.getBoundingClientRect().width))") >= 12
    with browser.frame():
        cells,names = browser.js("const of = css => [...document.querySelectorAll(css)]; return [Math.min(...of('[role=grid] .cell').map(e => e.getBoundingClientRect().width)), of('h2 .name').filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.textContent)]")
        assert cells >= 12 and not names

@pytest.mark.parametrize('width', [289, 390, 482, 490, 722, 730])
def test_layouts_agree_where_a_scroll_bar_lies_between_them(browser, width):
    "The script and the style sheet choose by the same width, with the scroll bar"
    nets = [nn.Sequential(*[nn.Conv2d(1, 1, 3, padding=1) for _ in range(10)]), wide()]
    views = [view(nets[0], pixels(28, 28)), view(nets[1], pixels(6, 60)), view(nets[1], pixels(60, 6))]
    for v in views: v.static = lambda: None
    for before in (width - 15, width):
        browser.open(page(*views, style='margin:0'), width=before)
        browser.resize(width, 1400)
        for n in range(len(views)):
            with browser.frame(n): browser.wait(lambda: max(overflow(browser)[:2]) <= 0)

def test_a_low_wide_layer_is_seen_whole_on_a_phone(browser):
    browser.open(page(view(nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.ReLU()), pixels(6, 60)), style='margin:0'), width=320, height=844, phone=True)
    with browser.frame():
        assert browser.js("return [...document.querySelectorAll('.panel:not(.image) .plate')].every(e => e.scrollHeight <= e.clientHeight + 1)")

@pytest.mark.parametrize('width', [320, 700, 1000])
def test_cells_have_room_for_a_finger_wherever_there_are_fingers(browser, width):
    browser.open(page(view(wide(), pixels(60, 60))), width=1000)
    document = browser.js("return document.querySelector('iframe').srcdoc") # a frame does not hear of an emulated finger
    for phone in (True, False):
        browser.open(document, width=width, height=844, phone=phone)
        least = browser.js("return Math.min(...[...document.querySelectorAll('[role=grid] .cell')].map(e => e.getBoundingClientRect().width))")
        assert (least >= 12) == (phone or width < 480)

def test_another_channel_leaves_a_layer_where_it_was_scrolled_to(browser):
    net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Conv2d(3, 2, 3))
    browser.open(page(view(net, pixels(40, 40)), style='margin:0'), width=390, height=844, phone=True)
    with browser.frame():
        assert browser.js("""
            const panel = document.querySelector('[data-layer="0"]'), plate = panel.querySelector('.plate'), choose = panel.querySelector('select');
            plate.scrollTo(150, 150); choose.value = 1; choose.dispatchEvent(new Event('change'));
            return [plate.scrollLeft, plate.scrollTop]""") == [150, 150]

def test_what_is_outlined_in_a_layer_that_scrolls_is_in_sight(browser):
    browser.open(page(view(wide(), pixels(40, 40)), style='margin:0'), width=390, height=844, phone=True)
    with browser.frame():
        def outside(): return max(browser.js("const [a, b] = ['.plate', '.mark i'].map(c => document.querySelector('[data-layer=\"0\"] ' + c).getBoundingClientRect()); return [a.left - b.left, b.right - a.right, a.top - b.top, b.bottom - a.bottom]"))
        for place in ('0,0', '11,35', '6,20'):
            browser.js(f"document.querySelector('[data-layer=\"1\"] [data-at=\"{place}\"]').click()")
            browser.wait(lambda: outside() <= 2) # the outline glides

@pytest.mark.parametrize('width', [320, 360])
def test_phone(browser, width):
    net = small()
    browser.open(page(view(net), style='margin:0'), width=width, height=740, phone=True)
    assert browser.js('return document.documentElement.scrollWidth') == width
    for k,i,j in ((2, 3, 3), (3, 1, 2)):
        for last in (False, False, True): # on a busy machine the two ends of a tap can be too far apart for one
            browser.tap(cell(k, i, j))
            try:
                with browser.frame(): browser.wait(lambda: meant(browser)[1] == f'{i},{j}')
                break
            except TimeoutException:
                if last: raise
        with browser.frame():
            check(browser, net, (1, 28, 28), f'{k-1}.act', (i, j))
    browser.shot(f'network_phone_{width}')

def test_hostile_names_in_the_page(browser):
    net = named(*names)
    v = view(net, title=' '.join(names))
    browser.open(page(v))
    assert browser.js('return self.pwned') is None
    with browser.frame():
        assert browser.js('return self.pwned') is None and not browser.all('#view img, #view script')
        assert browser.js("return [...document.querySelectorAll('h2 .name')].map(o => o.textContent)") == ['image', *names]
        assert browser.js("return document.querySelector('h1').textContent") == ' '.join(names)
    browser.hover(cell(4, 2, 2))
    with browser.frame():
        browser.wait(lambda: meant(browser) == [names[3], '2,2'])
        want = precedents(net, (1, 28, 28), names[3], (2, 2))
        assert [len(o['lit']) for o in look(browser)[:4]] == [m.sum() for m in list(want.values())[:4]] == [81, 49, 25, 9]

def test_two_views_on_a_page(browser):
    net = small()
    a,b = view(net, at=('2.act', (1, 1))),view(branches(), pixels())
    browser.open(page(a, b))
    browser.hover(cell(1, 3, 3), n=1)
    with browser.frame(1): browser.wait(lambda: meant(browser) == ['0', '3,3'])
    with browser.frame(0): check(browser, net, (1, 28, 28), '2.act', (1, 1))

def test_nothing_is_loaded(browser):
    "The frame asks for nothing; and its policy would refuse it"
    browser.open(page(view()))
    with browser.frame():
        assert browser.js("return performance.getEntriesByType('resource').length") == 0
        assert browser.js("return self.origin") == 'null'
        blocked = browser.driver.execute_async_script("""const done = arguments[0], seen = []; document.addEventListener('securitypolicyviolation', e => seen.push(e.effectiveDirective));
            for (const [tag, p] of [['img', 'src'], ['script', 'src'], ['iframe', 'src']]) try { document.body.append(Object.assign(document.createElement(tag), { [p]: 'http://127.0.0.1:9/x' })) } catch { }
            fetch('http://127.0.0.1:9/x').catch(() => 0); setTimeout(() => done(seen), 500);""")
        assert {'img-src', 'connect-src', 'frame-src'} <= set(blocked), blocked
    browser.logs() # the refusals

def test_roles_and_names(browser):
    "What a screen reader is told: Chromium's own accessibility tree"
    browser.open(view(branches(), pixels(), title='Branches').page())
    nodes = [(n['role']['value'], n.get('name', {}).get('value', '')) for n in browser.cdp('Accessibility.getFullAXTree')['nodes'] if not n.get('ignored')]
    v = view(branches(), pixels())
    assert ('heading', 'Branches') in nodes and ('table', 'image') in nodes
    assert [n for r,n in nodes if r == 'grid'] == [p['name'] for p in v.panels[1:]]
    assert [n for r,n in nodes if r == 'combobox'] == [f"channel of {p['name']}" for p in v.panels[1:] if len(p['channels']) > 1]
    assert [r for r,_ in nodes].count('gridcell') == sum(math.prod(p['size']) for p in v.panels[1:])
    assert not [n for n in nodes if n[0] in ('button', 'gridcell', 'cell', 'combobox', 'grid') and not n[1]]

def test_text_can_be_read(browser):
    browser.open(page(view()))
    with browser.frame():
        text = browser.js("return [...document.querySelectorAll('h1, h2, .note, option')].map(e => [e.className + e.tagName, ...[getComputedStyle(e).color, 'rgb(255, 255, 255)'].map(o => o.match(/\\d+/g).slice(0, 3).map(Number))])")
        assert min((round(contrast(a, b), 2), n) for n,a,b in text) > (4.5, '')

def test_still_picture_where_scripts_are_off(browser):
    html = page(view())
    def shown(): return browser.js("const o = document.querySelector('.cnn-still'); return o ? getComputedStyle(o).display : null")
    browser.open(html)
    assert shown() == 'none'
    browser.open(re.sub(r'<style>.*?</style><iframe.*?</iframe>', '', html, flags=re.S)) # as JupyterLab shows a notebook that is not trusted
    assert shown() == 'block' and browser.js("return document.querySelector('.cnn-still img').naturalWidth") > 400
    browser.cdp('Emulation.setScriptExecutionDisabled', value=True)
    try:
        browser.open(html)
        box = browser.cdp('DOM.getDocument', depth=-1)
        found = browser.cdp('DOM.querySelector', nodeId=box['root']['nodeId'], selector='.cnn-still img')
        assert browser.cdp('DOM.getBoxModel', nodeId=found['nodeId'])['model']['width'] > 400
    finally: browser.cdp('Emulation.setScriptExecutionDisabled', value=False)

def test_exported_page(browser, tmp_path):
    "The notebook as nbconvert writes it: its view is there and works, with no kernel"
    HTMLExporter = pytest.importorskip('nbconvert').HTMLExporter
    path = tmp_path/'receptive.html'
    path.write_text(HTMLExporter().from_filename(str(Path(__file__).parent.parent/'nbs'/'07_receptive_field.ipynb'))[0], encoding='utf-8')
    browser.open(path)
    def pointed():
        browser.hover(cell(2, 2, 3))
        with browser.frame(): return meant(browser) == ['1.act', '2,3']
    browser.wait(pointed) # a page this long may still move under the mouse
    with browser.frame(): check(browser, small(), (1, 28, 28), '1.act', (2, 3))
    assert not [o for o in browser.logs() if 'ERR_NAME_NOT_RESOLVED' not in o] # nbconvert's page asks for MathJax, and the notebook for its badge
