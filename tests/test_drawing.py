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
from test_explore import Elements, inside

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
    def forward(self, x): return x.view(x.shape[0], -1)

def acts(): return nn.ReLU6(), nn.ELU(.7), nn.CELU(1.3), nn.SELU(), nn.GELU(), nn.GELU('tanh'), nn.SiLU(), nn.Mish(), nn.Sigmoid(), nn.LogSigmoid(), nn.Tanh(), nn.Softplus(2, 3), nn.Softsign(), nn.Hardswish(), nn.Hardsigmoid(), nn.Hardtanh(-.5, .7), nn.PReLU(4), nn.LeakyReLU(.3)
def one_act(act): return lambda: nn.Sequential(nn.Conv2d(1, 4, 5, 3), act, nn.Flatten(), nn.Linear(256, 5))
nets = dict(
    simple_cnn=small, norm=lambda: worn(small(norm=nn.BatchNorm2d)), norm_first=lambda: worn(small(norm=nn.BatchNorm2d, norm_first=True)),
    grouped=lambda: nn.Sequential(nn.Conv2d(1, 4, (5, 3), (2, 1), (2, 0), dilation=(1, 2)), nn.Conv2d(4, 8, 3, 2, 'valid', groups=2), nn.ReLU(), nn.Conv2d(8, 8, 3, padding='same', groups=8, bias=False), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10)),
    pooled=lambda: nn.Sequential(nn.Conv2d(1, 3, 3), nn.MaxPool2d(3, 2, 1, ceil_mode=True), nn.AvgPool2d(3, 2, 1), nn.AvgPool2d(2, 1, 1, count_include_pad=False), nn.AvgPool2d(3, 2, 1, ceil_mode=True), nn.Dropout(.5), nn.AdaptiveAvgPool2d((3, 2)), nn.MaxPool2d(2, 1, dilation=1), nn.Flatten(), nn.Linear(6, 4)),
    residual=lambda: nn.Sequential(nn.Sequential(nn.Conv2d(1, 4, 3, 2), Scaled(), Residual(4)), nn.ZeroPad2d((1, 0, 2, 1)), Both(), View(), nn.Linear(32, 10), nn.LogSoftmax(1)),
    spectral=lambda: nn.Sequential(nn.Conv2d(1, 4, 5, 4), nn.utils.parametrizations.weight_norm(nn.Conv2d(4, 6, 3)), nn.ReLU(), nn.Flatten(), nn.Linear(96, 10, bias=False)),
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
        torch.testing.assert_close(torch.tensor(got).view(28, 28)/255, want.double(), atol=1e-6, rtol=0)
