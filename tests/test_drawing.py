"A pad to draw on: what Python packs for it, and what a browser draws, frames, computes and shows, against PyTorch"
import math
from functools import cache
import numpy as np
import pytest, torch
import torch.nn as nn
import torch.nn.functional as F
from cnn_notes.data import load_mnist, read_idx, _mnist
from cnn_notes.drawing import draw_digit
from cnn_notes.models import simple_cnn
from test_explore import Elements, contrast, hostile, inside, page

def small(**kwargs):
    torch.manual_seed(0)
    return simple_cnn(**kwargs).eval()
def worn(net):
    "Statistics and biases that are not those of a new network"
    torch.manual_seed(1)
    for m in net.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.running_mean.normal_(); m.running_var.uniform_(.5, 2); m.weight.data.uniform_(.5, 2); m.bias.data.normal_()
    return net.eval()

class Residual(nn.Module):
    def __init__(self, n): super().__init__(); self.a,self.b,self.c = nn.Conv2d(n, n, 3, padding=1),nn.Conv2d(n, n, 1),nn.ReLU(inplace=True)
    def forward(self, x): return self.c(x + self.b(F.leaky_relu(self.a(x), .2)))
class Both(nn.Module):
    def forward(self, x): return torch.cat([F.adaptive_avg_pool2d(x, 2), F.adaptive_max_pool2d(x, 2)], 1)
class Scaled(nn.Module):
    def forward(self, x): return (x - .25)/2 + 1
class View(nn.Module):
    def forward(self, x): return x.float().view(x.shape[0], -1)

def fastai_net():
    from fastai.layers import AdaptiveConcatPool2d, ConvLayer, Flatten, ResBlock
    torch.manual_seed(3)
    return worn(nn.Sequential(ConvLayer(1, 8, stride=2), ResBlock(1, 8, 16, stride=2), AdaptiveConcatPool2d(1), Flatten(), nn.BatchNorm1d(32), nn.Dropout(.2), nn.Linear(32, 10)))

def acts(): return nn.ReLU6(), nn.ELU(.7), nn.CELU(1.3), nn.SELU(), nn.GELU(), nn.GELU('tanh'), nn.SiLU(), nn.Mish(), nn.Sigmoid(), nn.LogSigmoid(), nn.Tanh(), nn.Softplus(2, 3), nn.Softsign(), nn.Hardswish(), nn.Hardsigmoid(), nn.Hardtanh(-.5, .7), nn.PReLU(4), nn.LeakyReLU(.3)
def one_act(act): return lambda: nn.Sequential(nn.Conv2d(1, 4, 5, 3), act, nn.Flatten(), nn.Linear(256, 5))
nets = dict(
    simple_cnn=small, norm=lambda: worn(small(norm=nn.BatchNorm2d)), norm_first=lambda: worn(small(norm=nn.BatchNorm2d, norm_first=True)),
    grouped=lambda: nn.Sequential(nn.Conv2d(1, 4, (5, 3), (2, 1), (2, 0), dilation=(1, 2)), nn.Conv2d(4, 8, 3, 2, 'valid', groups=2), nn.ReLU(), nn.Conv2d(8, 8, 3, padding='same', groups=8, bias=False), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10)),
    pooled=lambda: nn.Sequential(nn.Conv2d(1, 3, 3), nn.MaxPool2d(3, 2, 1, ceil_mode=True), nn.AvgPool2d(3, 2, 1), nn.AvgPool2d(2, 1, 1, count_include_pad=False), nn.AvgPool2d(3, 2, 1, ceil_mode=True), nn.Dropout(.5), nn.AdaptiveAvgPool2d((3, 2)), nn.MaxPool2d(2, 1, dilation=1), nn.Flatten(), nn.Linear(6, 4)),
    residual=lambda: nn.Sequential(nn.Sequential(nn.Conv2d(1, 4, 3, 2), Scaled(), Residual(4)), nn.ZeroPad2d((1, 0, 2, 1)), Both(), View(), nn.Linear(32, 10), nn.LogSoftmax(1)),
    spectral=lambda: nn.Sequential(nn.Conv2d(1, 4, 5, 4), nn.utils.parametrizations.weight_norm(nn.Conv2d(4, 6, 3)), nn.ReLU(), nn.Flatten(), nn.Linear(96, 10, bias=False)),
    fastai=lambda: fastai_net(),
    mlp=lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 10), nn.Softmax(-1)),
    **{f'{type(a).__name__}{k}': one_act(a) for k,a in enumerate(acts())})
def made(name):
    torch.manual_seed(3)
    return nets[name]().eval()

@cache
def test_images(): return read_idx(_mnist/'t10k-images-idx3-ubyte.gz')
test_images.__test__ = False

# ---- without a browser

def test_html_is_closed_in_itself():
    v = draw_digit(small())
    outer = Elements(v.html())
    (frame, _), = outer.all('iframe')
    assert frame['sandbox'] == 'allow-scripts' and frame['title'] and not outer.all('script')
    (img, _), = outer.all('img')
    assert img['src'].startswith('data:image/png;base64,') and 'probabilities' in img['alt']
    doc = inside(v)
    policy, = [a['content'] for a,_ in doc.all('meta') if a.get('http-equiv') == 'Content-Security-Policy']
    assert policy.startswith("default-src 'none';") and 'unsafe' not in policy and '*' not in policy and 'http' not in policy
    assert not doc.all('link') and not doc.all('img') and not any('src' in a for _,a,_ in doc.found)

@pytest.mark.parametrize('norm', [None, nn.BatchNorm2d])
def test_size(norm): assert len(draw_digit(small(norm=norm)).html()) < 250_000

def test_same_every_time():
    net = small()
    assert draw_digit(net).html() == draw_digit(net).html()

def test_the_model_is_left_as_it_was():
    net = worn(small(norm=nn.BatchNorm2d)).train()
    before = {k: v.clone() for k,v in net.state_dict().items()}
    draw_digit(net)
    assert net.training and all(torch.equal(v, before[k]) for k,v in net.state_dict().items())

def test_stages():
    v = draw_digit(worn(small(norm=nn.BatchNorm2d)))
    names = [v.steps[o[-1]]['name'] for o in v.stages]
    assert names == ['0.norm', '1.norm', '2.norm', '3.norm', '4.conv'], 'a convolution with what follows it'
    v = draw_digit(made('residual'))
    kinds = [[v.steps[k]['kind'] for k in o] for o in v.stages]
    assert kinds == [['conv', 'scale', 'scale', 'scale'], ['conv', 'act'], ['conv'], ['add', 'act'], ['pad'], ['avg'], ['max'], ['concat'], ['linear']]

class Attention(nn.Module):
    def forward(self, x): return x*x.sigmoid()
class Sorted(nn.Module):
    def forward(self, x): return x.sort(1)[0]
def ending(*layers): return nn.Sequential(nn.Conv2d(1, 4, 5, 4), *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 10))

@pytest.mark.parametrize('net, message', [
    (lambda: ending(nn.GroupNorm(2, 4)), r"layer '1' \(GroupNorm\) runs group_norm, which the view does not know"),
    (lambda: ending(nn.BatchNorm2d(4, track_running_stats=False)), r"layer '1' \(BatchNorm2d\).*statistics of the batch"),
    (lambda: ending(nn.Sequential(nn.Identity(), Sorted())), r"layer '1\.1\.sort' \(Sorted\) runs sort"),
    (lambda: ending(Attention()), r"layer '1\.mul' \(Attention\) runs mul in a way"),
    (lambda: ending(nn.ReflectionPad2d(1)), r"pads in mode 'reflect'"),
    (lambda: nn.Sequential(nn.Conv2d(1, 4, 5, 4)), 'gives 4 x 6 x 6 numbers; the view needs a logit'),
    (lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 200), nn.Linear(200, 10)), 'has 159,010 weights; the view has room'),
    (lambda: nn.Conv2d(3, 4, 3), 'does not run on an input of shape'), (lambda: nn.Identity(), 'weights|logit')])
def test_refused(net, message):
    with pytest.raises(ValueError, match=message): draw_digit(net())

@pytest.mark.parametrize('kwargs, error, message', [
    (dict(model='net'), TypeError, 'model'), (dict(std=0), ValueError, 'std is 0'), (dict(labels=['a']), ValueError, 'labels has 1 names for 10 classes'),
    (dict(start=10), ValueError, 'start is 10'), (dict(examples=torch.zeros(2, 28, 28)), TypeError, 'uint8'), (dict(examples=torch.zeros(2, 20, 28, dtype=torch.uint8)), ValueError, '28, 28')])
def test_bad_arguments(kwargs, error, message):
    with pytest.raises(error, match=message): draw_digit(**{'model': small(), **kwargs})

@pytest.mark.full
def test_learner():
    "Statistics and names come with the learner's data"
    from cnn_notes.data import mnist_dls
    class Learner: pass
    learn = Learner()
    d = load_mnist()
    learn.dls,learn.model = mnist_dls(bs=64, digits=(3, 7), data=d),small(n_out=2)
    v = draw_digit(learn)
    kept = d.train_x[(d.train_y == 3) | (d.train_y == 7)].double()/255
    assert v.labels == ['3', '7'] and v.norm == pytest.approx((kept.mean().item(), kept.std().item()), rel=1e-4)
    assert draw_digit(learn, mean=0., std=1.).norm == (0., 1.)

@pytest.mark.full
def test_learner_of_images():
    "fastai's own pipeline: pixels from 0 to 1, then `Normalize`"
    from fastai.vision.all import CategoryBlock, DataBlock, ImageBlock, Normalize, PILImageBW, RandomSplitter
    d,stats = load_mnist(),Normalize.from_stats([.125], [.25], cuda=False)
    block = DataBlock((ImageBlock(PILImageBW), CategoryBlock(vocab=list('0123456789'))), get_x=lambda k: PILImageBW.create(d.train_x[k].numpy()),
                      get_y=lambda k: str(int(d.train_y[k])), batch_tfms=stats, splitter=RandomSplitter(seed=0))
    learn = type('Learner', (), dict(dls=block.dataloaders(range(32), bs=8, num_workers=0), model=small()))
    v = draw_digit(learn)
    assert v.norm == (.125, .25) and v.labels == list('0123456789')

def test_still_picture():
    v = draw_digit(small(), title='$x^{$', start=3)
    assert v.static().axes and v.html() and repr(v) == 'DigitView: $x^{$'
    assert 'An example of MNIST' in v.alt()

# ---- in a browser

def frame(x):
    "MNIST's framing, written again: (h, w) ink from 0 to 255, in NumPy"
    on = x > x.max()/10
    (r, c) = (np.flatnonzero(on.any(k)) for k in (1, 0))
    box = x[r[0]:r[-1]+1, c[0]:c[-1]+1]
    h,w = (max(1, math.floor(20*n/max(box.shape) + .5)) for n in box.shape)
    for axis,n in ((0, h), (1, w)): # exact averages: repeat each cell n times, then average groups of as many as there were
        m = box.shape[axis]
        box = np.repeat(box, n, axis)
        box = box.reshape(*box.shape[:axis], n, m, *box.shape[axis+1:]).mean(axis+1)
    res = np.zeros((28, 28))
    top,left = (min(max(math.floor(14.5 - (box.sum(1-k)*np.arange(n)).sum()/box.sum()), 0), 28-n) for k,n in ((0, h), (1, w)))
    res[top:top+h, left:left+w] = box
    return res

def strokes(n):
    "Curves that a program draws: lists of points on the pad"
    rng = np.random.default_rng(5)
    for _ in range(n):
        t = np.linspace(0, 1, 24)[:, None]
        a,b,c,d = rng.uniform(15, 125, (4, 2))
        yield ((1-t)**3*a + 3*t*(1-t)**2*b + 3*t*t*(1-t)*c + t**3*d).tolist()

def logits(browser, images):
    "What the script makes of images: (n, 28, 28) uint8"
    return torch.tensor(browser.js("return arguments[0].map(x => [...run(Float64Array.from(x, v => (v / 255 - data.mean) / data.std)).at(-1)])", images.flatten(1).tolist()))
def expected(net, images):
    with torch.no_grad(): return net((images.float()[:, None]/255 - .1307)/.3081).flatten(1)

def same(got, want): return (got - want).abs().max().item() < 1e-4

@pytest.mark.parametrize('name', nets)
def test_logits(browser, name):
    net,images = made(name),test_images()[100:110]
    browser.open(draw_digit(net).page())
    got,want = logits(browser, images),expected(net, images)
    assert same(got.softmax(1), want if name == 'mlp' else want.softmax(1))
    if name != 'mlp' and name != 'residual': assert same(got, want)

def test_logits_of_a_thousand_digits_and_200_strokes(browser):
    net = worn(small(norm=nn.BatchNorm2d))
    browser.open(draw_digit(net).page())
    assert same(logits(browser, test_images()[:1000]), expected(net, test_images()[:1000]))
    for points in strokes(200):
        image,out,picture = browser.js('const p = drawn([{points: arguments[0]}]), o = prepared(p, SWITCHES); return [[...o.image], [...run(o.image).at(-1)], [...p]]', points)
        want = (frame(np.array(picture).reshape(140, 140))/255 - .1307)/.3081
        np.testing.assert_allclose(image, want.flatten(), atol=1e-9)
        with torch.no_grad(): assert same(torch.tensor(out), net(torch.tensor(want).float()[None, None])[0])

def test_framing_is_that_of_the_package(browser):
    frame_digit = pytest.importorskip('cnn_notes.framing').frame_digit
    browser.open(draw_digit(small()).page())
    for points in strokes(20):
        got,picture = browser.js('const p = drawn([{points: arguments[0]}]); return [[...framed(p, sheet)], [...p]]', points)
        want = frame_digit(torch.tensor(picture).view(140, 140))
        torch.testing.assert_close(torch.tensor(got).view(28, 28)/255, want, atol=1e-6, rtol=0)

# what the reader does, with real events

two = [(.5 - .2*math.cos(k*math.pi/10), .35 - .15*math.sin(k*math.pi/10)) for k in range(11)] + [(.66, .45), (.42, .72), (.3, .82), (.72, .82)]

def spots(browser, points):
    "Parts of the pad as positions in the window"
    (x0, y0),(x1, y1) = (browser.point('.slate', at=o) for o in ((0, 0), (1, 1)))
    return [(x0 + (x1-x0)*a, y0 + (y1-y0)*b) for a,b in points]
def drag(browser, points):
    for k,(x,y) in enumerate(at := spots(browser, points)):
        browser.cdp('Input.dispatchMouseEvent', type='mouseMoved' if k else 'mousePressed', x=x, y=y, button='left', buttons=1, clickCount=1)
    browser.cdp('Input.dispatchMouseEvent', type='mouseReleased', x=at[-1][0], y=at[-1][1], button='left', clickCount=1)
def swipe(browser, points):
    for k,(x,y) in enumerate(spots(browser, points)):
        browser.cdp('Input.dispatchTouchEvent', type='touchMove' if k else 'touchStart', touchPoints=[dict(x=x, y=y)])
    browser.cdp('Input.dispatchTouchEvent', type='touchEnd', touchPoints=[])
def shown(browser):
    "The probabilities on the page, None where there are none, and the verdict"
    return browser.js("return [[...document.querySelectorAll('.bar')].map(b => b.dataset.value === '' ? null : Number(b.dataset.value)), document.querySelector('.verdict').textContent]")
def fed(browser): return torch.tensor(browser.js('return [...state.image]'), dtype=torch.double).view(28, 28)
def flip(browser, name): browser.js("const box = [...document.querySelectorAll('.switches label')].find(l => l.textContent === arguments[0]).querySelector('input'); box.click()", name)

def check_answer(browser, net):
    p,said = shown(browser)
    with torch.no_grad(): want = net(fed(browser).float()[None, None])[0].softmax(0)
    torch.testing.assert_close(torch.tensor(p), want, atol=1e-4, rtol=0)
    assert said == str(want.argmax().item())

@pytest.mark.parametrize('way', [drag, swipe])
def test_draw(browser, way):
    net = worn(small(norm=nn.BatchNorm2d))
    browser.open(page(draw_digit(net), style='margin:0'), width=390 if way is swipe else 1000, height=844, phone=way is swipe)
    with browser.frame(): assert shown(browser) == [[None]*10, 'draw a digit']
    way(browser, two)
    with browser.frame():
        browser.wait(lambda: shown(browser)[0][0] is not None)
        check_answer(browser, net)
        x = fed(browser)*.3081 + .1307
        rows,cols = (x.amax(k) > .1 for k in (1, 0))
        assert 19 <= rows.sum() <= 20 and x.max() == pytest.approx(1, abs=1e-6) and cols.sum() < 20
        mass = x/x.sum()
        for k in (0, 1): assert (mass.sum(1-k)*torch.arange(28)).sum().item() == pytest.approx(14, abs=.5)
        browser.wait(lambda: 'The network reads' in browser.one('#live').get_attribute('textContent'))
        first,drawn = shown(browser),fed(browser)
    way(browser, [(.2, .2), (.8, .2)])
    with browser.frame():
        assert shown(browser) != first
        browser.js("document.querySelectorAll('.draw button')[0].click()") # undo
        assert torch.equal(fed(browser), drawn) and shown(browser) == first
        browser.js("document.querySelectorAll('.draw button')[1].click()") # clear
        assert shown(browser) == [[None]*10, 'draw a digit']
        browser.js("document.querySelectorAll('.draw button')[0].click()")
        assert shown(browser) == first

def test_draw_with_the_keyboard(browser):
    from selenium.webdriver import Keys
    net = small()
    browser.open(draw_digit(net).page())
    browser.js("document.querySelector('.slate').focus()")
    browser.press(Keys.ARROW_UP)
    assert shown(browser)[1] == 'draw a digit', 'the pen is up'
    browser.press(' ', *[Keys.ARROW_DOWN]*8, ' ', *[Keys.ARROW_RIGHT]*3)
    check_answer(browser, net)
    browser.wait(lambda: 'Pen up at row 21, column 17.' in browser.one('#live').get_attribute('textContent'))
    x = browser.js('return [...state.pixels]')
    assert sum(v > 25 for v in x) > 40
    line = fed(browser)
    browser.press(' ', Keys.ARROW_UP, ' ')
    assert not torch.equal(fed(browser), line)
    browser.press(Keys.BACKSPACE)
    assert torch.equal(fed(browser), line)
    browser.press(Keys.DELETE)
    assert shown(browser) == [[None]*10, 'draw a digit']
    browser.shot('digit_keyboard')

def test_switches(browser):
    net = small()
    browser.open(draw_digit(net, start=3).page())
    plain,original = fed(browser),_first(3)
    assert (plain*.3081 + .1307 - original).abs().mean() < .02, 'a digit of MNIST is nearly what it was'
    flip(browser, 'framing')
    torch.testing.assert_close(fed(browser)*.3081 + .1307, original, atol=1e-9, rtol=0) # five by five cells for each pixel
    flip(browser, 'framing')
    for name in ('inverted', 'shifted', 'smaller'):
        flip(browser, name)
        assert (fed(browser) - plain).abs().mean()*.3081 < .02, f'framing undoes {name}'
        flip(browser, 'framing')
        changed = fed(browser)*.3081 + .1307
        check_answer(browser, net)
        assert (changed - original).abs().mean() > .05, name
        if name == 'inverted': torch.testing.assert_close(changed, 1 - original, atol=1e-9, rtol=0)
        if name == 'shifted': torch.testing.assert_close(changed.sum(), original.sum(), atol=1e-6, rtol=0)
        if name == 'smaller': torch.testing.assert_close(changed.sum(), original.sum()/4, atol=1e-6, rtol=0)
        flip(browser, 'framing')
        flip(browser, name)
    assert torch.equal(fed(browser), plain)
    flip(browser, 'thinner')
    assert (fed(browser)*.3081 + .1307).sum() < .8*(plain*.3081 + .1307).sum()
    flip(browser, 'thinner')
    flip(browser, 'normalization')
    torch.testing.assert_close(fed(browser), plain*.3081 + .1307, atol=1e-9, rtol=0)
    flip(browser, 'noise')
    assert .05 < (fed(browser) - plain*.3081 - .1307).abs().mean() < .3 and 0 <= fed(browser).min() <= fed(browser).max() <= 1
    check_answer(browser, net)

def _first(label):
    labels = read_idx(_mnist/'t10k-labels-idx1-ubyte.gz').tolist()
    return test_images()[labels.index(label)].double()/255

def told(browser):
    "What the arithmetic shows: for each channel the inputs, weights, products and their sum; and the result"
    browser.wait(lambda: browser.js("return drawing && shares.filter(s => !s.el.hidden).length"))
    return browser.js("""const cells = g => [...g.querySelectorAll('.cell')].map(c => Number(c.dataset.value));
        return [shares.filter(s => !s.el.hidden).map(s => [cells(s.patch.el), cells(s.kernel.el), cells(s.products.el), Number(s.part.dataset.value)]), Number(document.querySelector('#sum').dataset.value)]""")

def test_arithmetic_of_a_convolution(browser):
    net = worn(small(norm=nn.BatchNorm2d, norm_first=True))
    browser.open(draw_digit(net, start=7).page())
    browser.js('look({stage: 1, channel: 5, at: [0, 3]})')
    browser.wait(lambda: len(told(browser)[0]) == 8)
    shares,result = told(browser)
    x = fed(browser).float()[None, None]
    with torch.no_grad():
        maps = F.pad(net[0](x), (1,)*4)[0, :, 0:3, 6:9]
        weight = net[1].conv.weight[5]
        want = net[:2](x)[0, 5, 0, 3].item()
    for c,(patch, kernel, products, part) in enumerate(shares):
        assert patch == pytest.approx(maps[c].flatten().tolist(), abs=1e-4) and kernel == pytest.approx(weight[c].flatten().tolist(), abs=1e-6)
        assert products == pytest.approx([a*b for a,b in zip(patch, kernel)]) and part == pytest.approx(sum(products), abs=1e-9)
    assert result == pytest.approx(want, abs=1e-4)
    text = browser.one('.total').text
    assert '72 products in 8 maps' in text and 'norm' in text and 'ReLU' in text

def test_arithmetic_of_the_logits_and_of_softmax(browser):
    net = small()
    browser.open(draw_digit(net, start=7).page())
    browser.js("document.querySelectorAll('.bar')[4].click()")
    browser.wait(lambda: len(told(browser)[0]) == 64)
    shares,logit = told(browser)
    with torch.no_grad(): want = net(fed(browser).float()[None, None])[0]
    assert logit == pytest.approx(want[4].item(), abs=1e-4)
    assert sum(s[3] for s in shares) + net[4].conv.bias[4].item() == pytest.approx(logit, abs=1e-6)
    said = browser.one('.soft').text
    assert said.startswith('Softmax') and said.count('e^') == 11 and said.endswith(f'= {100*want.softmax(0)[4]:.1f}%')

@pytest.mark.parametrize('name', ['pooled', 'residual', 'mlp', 'grouped'])
def test_every_activation_can_be_looked_at(browser, name):
    net = made(name)
    browser.open(draw_digit(net, start=2).page())
    n,seen = browser.js('return stages.length'),0
    for k in range(n):
        for channel in (0, 99):
            browser.js("look({stage: arguments[0], channel: arguments[1], at: [99, 99]})", k, channel)
            want,linear,made_of = browser.js("const s = stages[state.stage], [, h, w] = s.shape; return [state.found[s.last][(state.channel * h + state.at[0]) * w + state.at[1]], ['conv', 'linear'].includes(s.head.kind), state.found[s.ids[0]][(state.channel * h + state.at[0]) * w + state.at[1]]]")
            assert browser.js("return Number(document.querySelector('#sum').dataset.value)") == want
            if linear:
                bias = browser.js("const o = stages[state.stage].head; return o.b == null ? 0 : weights[o.b + state.channel]")
                assert browser.js('return parts(stages[state.stage]).reduce((s, p) => s + dot(p), 0)') + bias == pytest.approx(made_of, abs=1e-9)
                seen += 1
    assert seen

def test_pointing(browser):
    net = small()
    browser.open(page(draw_digit(net, start=5), style='margin:0'))
    def looked():
        with browser.frame(): return browser.js('return [state.stage, state.channel, state.held]')
    browser.hover('.strip:nth-child(2) canvas')
    browser.wait(lambda: looked()[0] == 1)
    browser.click('.strip:nth-child(3) canvas')
    browser.wait(lambda: looked()[::2] == [2, True])
    browser.hover('.strip:nth-child(1) canvas')
    assert looked()[::2] == [2, True], 'held'
    with browser.frame():
        from selenium.webdriver import Keys
        browser.js("document.querySelector('.strip canvas').focus()")
        browser.press(Keys.ARROW_RIGHT)
        assert browser.js('return [state.stage, state.channel]') == [0, 1]
        browser.js("document.querySelector('.how .here').focus()")
        before = browser.js('return state.at')
        browser.press(Keys.ARROW_DOWN)
        assert browser.js('return state.at') == [before[0]+1, before[1]]
        browser.wait(lambda: f'map 1, activation ({before[0]+1}, {before[1]})' in browser.one('#live').get_attribute('textContent'))

# ---- the page

@pytest.mark.parametrize('width', [274, 320, 344, 360, 390, 481, 482, 600, 721, 722, 900, 1280])
def test_frame_fits_its_content(browser, width):
    for v in (draw_digit(small(), start=2), draw_digit(made('residual'), start=2)):
        v.static = lambda: None
        browser.open(page(v, style='margin:0'), width=width)
        with browser.frame():
            w,h,spare = browser.js("const e = document.documentElement; return [e.scrollWidth - innerWidth, e.scrollHeight - innerHeight, innerHeight - root.getBoundingClientRect().bottom]")
            assert w <= 0 and h <= 0 and 4 <= spare < 60, (w, h, spare)

@pytest.mark.parametrize('width', [390, 360, 344, 320, 274]) # a phone of 390, 360 or 320 pixels; of 390 or 320 with the margins of an exported page
def test_phone(browser, width):
    "The drawing and the answer on one screen; nothing cut off, nor too small for a finger"
    browser.open(page(draw_digit(small(), start=2), style='margin:0'), width=width, height=664, phone=True)
    with browser.frame():
        low = browser.js("return Math.max(...[...document.querySelectorAll('.slate, .bar, .verdict')].map(e => e.getBoundingClientRect().bottom))")
        assert low < 400
        sizes = browser.js("return [...document.querySelectorAll('button, .check, input, .how .plate .cell')].map(e => { const b = e.getBoundingClientRect(); return [e.className + e.tagName, Math.min(b.width, b.height)]; })")
        assert all(n >= (12 if 'cell' in c else 18 if c == 'INPUT' else 24) for c,n in sizes), sorted(sizes, key=lambda o: o[1])[:3]
        assert browser.js("return stages.every(s => Math.min(...s.shape.slice(1)) * s.scale >= 12)")
        cut = browser.js("return [...document.querySelectorAll('h1, h2, .verdict, .word, .bars, .bar, .examples, .switches, .took, .layers, .maps, .hint')].filter(e => e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1 || e.getBoundingClientRect().right > innerWidth).map(e => e.className + e.tagName)")
        assert not cut

def test_roles_and_names(browser):
    browser.open(draw_digit(small(), title='Draw', start=2).page())
    nodes = [(n['role']['value'], n.get('name', {}).get('value', '')) for n in browser.cdp('Accessibility.getFullAXTree')['nodes'] if not n.get('ignored')]
    names = {r: [n for role,n in nodes if role == r] for r in ('heading', 'application', 'button', 'checkbox', 'slider', 'grid')}
    assert 'Draw' in names['heading'] and 'Arrow keys move the pen' in names['application'][0]
    assert {'undo', 'clear', 'example 1 of MNIST'} <= set(names['button']) and any(n.startswith('7: ') for n in names['button'])
    assert names['checkbox'] == ['framing', 'normalization', 'inverted', 'shifted', 'smaller', 'thinner', 'noise']
    assert names['slider'] == [f'maps of {o}' for o in ('0.act', '1.act', '2.act', '3.act', '4.conv')] and len(names['grid']) == 1
    assert not [n for n in nodes if n[0] in ('button', 'gridcell', 'cell', 'checkbox', 'slider', 'grid') and not n[1]]

@pytest.mark.parametrize('scheme', ['light', 'dark'])
def test_text_can_be_read(browser, scheme):
    browser.open(draw_digit(small(), start=2).page())
    browser.cdp('Emulation.setEmulatedMedia', features=[dict(name='prefers-color-scheme', value=scheme)])
    text,paper = browser.js("const rgb = t => t.match(/\\d+/g).slice(0, 3).map(Number); return [[...document.querySelectorAll('h1, h2, h3, .note, .bar, .size, .check, .total')].map(e => [e.className + e.tagName, rgb(getComputedStyle(e).color)]), rgb(getComputedStyle(document.documentElement).backgroundColor)]")
    assert min((round(contrast(a, paper), 2), n) for n,a in text) > (4.5, '')
    browser.shot(f'digit_{scheme}')

def test_nothing_is_loaded(browser):
    browser.open(page(draw_digit(small(), start=2)))
    with browser.frame():
        assert browser.js("return performance.getEntriesByType('resource').length") == 0 and browser.js('return self.origin') == 'null'

def test_hostile_names(browser):
    net = nn.Sequential()
    for t,m in zip(hostile, (nn.Conv2d(1, 2, 5, 5), nn.Conv2d(2, 2, 3), nn.Flatten(), nn.Linear(18, 3))): net.add_module(t.replace('.', ' '), m)
    browser.open(page(draw_digit(net, title=hostile[0], labels=hostile[:3], start=1)))
    assert browser.js('return self.pwned') is None
    with browser.frame():
        assert browser.js('return self.pwned') is None and not browser.all('#view img, #view script')
        assert browser.js("return document.querySelector('h1').textContent") == hostile[0]
        assert browser.js("return [...document.querySelectorAll('.bar .label')].map(e => e.textContent)") == hostile[:3]
