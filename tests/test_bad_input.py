"""Bad input to every public function and class: refused at once with a message that helps, or answered rightly.

The table has one row for each function: a call that works, and the kind of each parameter; the bad values of a kind stand once. Each case takes one bad value to one parameter of one row.
What is refused raises ValueError or TypeError (OSError for a path the system refuses, IndexError for a place in a sequence), says whose error it is, what was given and what to do.
Warnings are errors, no case takes longer than ten seconds, and the folder it could write to stays as it was."""
import functools, importlib, inspect, re, resource, signal, warnings
import matplotlib; matplotlib.use('agg')
import matplotlib.pyplot as plt, numpy as np, pytest, torch, torch.nn as nn, torch.nn.functional as F
from contextlib import contextmanager
from hypothesis import given, settings, strategies as st
from math import prod
from pathlib import Path
from typing import Any
from cnn_notes import data # first: it silences a warning of fastai's import
from cnn_notes.experiments.kernels import edges_of_pairs
from cnn_notes import boxes # noqa: F401 (the rows name it)
from cnn_notes import callbacks, checks, classic, counting, engine, geometry, kernels, matmul, models
from cnn_notes import norm, receptive, schedule, show, speed, spreadsheet, texts, views

pytestmark = pytest.mark.filterwarnings('error')
nan,inf = float('nan'),float('inf')

class TooSlow(BaseException): pass # no Exception: nobody's `except Exception` swallows it

@contextmanager
def at_most(seconds, gb=4):
    "`TooSlow` after so many seconds, and no room for more than so many GB beyond what is in use"
    def ring(*_): raise TooSlow(f'still at it after {seconds} s')
    old,limits = signal.signal(signal.SIGALRM, ring),resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path('/proc/self/statm').read_text().split()[0])*resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + gb*10**9, limits[1])); signal.alarm(seconds)
    try: yield
    finally: signal.alarm(0); signal.signal(signal.SIGALRM, old); resource.setrlimit(resource.RLIMIT_AS, limits)

# the bad values of each kind of parameter

class Odd:
    "Of no type that anything wants"
    def __repr__(self): return 'an Odd'

def ones(*shape, **kwargs): return torch.ones(shape, **kwargs)

class Kind(dict):
    "The bad values of one kind of parameter, by name; `whole`: its good values are whole numbers"
    whole = False
    def __or__(self, other): return self.like({**self, **other})
    def like(self, values):
        res = Kind(values)
        res.whole = self.whole
        return res
    def but(self, *names): return self.like({k: v for k,v in self.items() if k not in names})

no_number = dict(none=None, text='three', number_as_text='3', bytes=b'3', odd=Odd(), empty_list=[], dict={}, complex=3j, type=int, two_values=torch.tensor([1, 2]))
no_real = dict(nan=nan, inf=inf, minus_inf=-inf)

def whole(low, high=None, none=False):
    res = Kind(no_number | no_real | dict(fraction=low+.5, true=True, numpys_true=np.True_, below=low-1, far_below=-10**30))
    res.whole = True
    if high is not None: res |= dict(huge=10**12+1, beyond=10**30+1) # odd, as sizes of kernels are
    return res.but('none') if none else res

def pair(low, high=True):
    res = whole(low, high or None) | dict(three=(low+1,)*3, one=(low+1,), no=(), texts=('a', 'b'), half=(low+1, None),
        fractions=(1.5, 2.), trues=(low+1, True), one_below=(low+1, low-1), nans=(nan, nan))
    return res.but('two_values', 'empty_list')

def number(above=None, upto=None, none=False):
    res = no_number | no_real
    if above is not None: res = res | dict(at=above, below=above-1)
    if upto is not None: res = res | dict(over=upto+.5, huge=1e30)
    return {k: v for k,v in res.items() if not (none and k == 'none')}

no_tensor = dict(none=None, number=3, text='image', list=[[1., 2.], [3., 4.]], array=np.ones((4, 4), np.float32), odd=Odd(), dict={}, type=torch.Tensor)

def tensor(*good, ranks=range(7), dtypes=(torch.uint8, torch.int64, torch.bool, torch.complex64), meta=True, sparse=True, empty=True):
    "What is no floating-point tensor of one of the shapes `good`: other types, ranks, numbers, places"
    res,shape = dict(no_tensor),good[0]
    res |= {f'rank{n}': ones(*(3,)*n) for n in ranks if n not in map(len, good)}
    if empty: res |= {f'empty{i}': ones(*shape[:i], 0, *shape[i+1:]) for i in range(len(shape))}
    res |= {str(d).split('.')[1]: ones(*shape).to(d) for d in dtypes}
    if meta: res['meta'] = ones(*shape, device='meta')
    if sparse: res['sparse'] = ones(*shape).to_sparse()
    return res

def poisoned(*shape): return {k: ones(*shape).index_fill_(-1, torch.tensor([0]), v) for k,v in dict(all_nan=nan, all_inf=inf, minus=-inf).items()}

class Fails(nn.Module):
    "A model that raises `error`"
    def __init__(self, error): super().__init__(); self.error,self.c = error,nn.Conv2d(1, 1, 3)
    def forward(self, x): raise self.error
class Two(nn.Module):
    def forward(self, x, y): return x + y
class Grows(nn.Module):
    "Looks at values, so that it must run on real zeros, and wants much room for them"
    def forward(self, x): return x*x.sum().item()
def nets():
    return dict(none=None, text='resnet18', number=3, type=nn.Conv2d, function=len, list=[nn.Conv2d(1, 8, 3)], odd=Odd(), no_forward=nn.Module(), two_inputs=Two(), one_d=nn.Sequential(nn.Conv1d(1, 1, 3)),
        three_d=nn.Conv3d(1, 1, 3), transposed=nn.ConvTranspose2d(1, 1, 3), lazy=nn.LazyConv2d(4, 3), channels=nn.Conv2d(5, 1, 3), large=nn.Conv2d(1, 1, 99),
        **{f'raises_{e.__name__}': Fails(e('ouch')) for e in (KeyError, ZeroDivisionError, OSError, AssertionError, MemoryError, NotImplementedError, RecursionError)})

shapes = dict(none=None, number=28, text='1x28x28', odd=Odd(), type=tuple, empty=(), one=(28,), two=(28, 28), five=(1, 1, 1, 28, 28), zero=(1, 0, 28), negative=(1, -28, 28), fractions=(1., 28., 28.), nans=(1, nan, 28),
    infs=(1, inf, 28), nones=(1, None, 28), texts=('1', '28', '28'), channels=(2, 28, 28), tensor=torch.ones(3, 28, 28), overflow=(1, 10**30, 10**30))

def layer_names(): return dict(unknown='nope', empty='', far=99, far_below=-99, fraction=1.5, odd=Odd(), list=[0], nan=nan, bytes=b'0', hostile='<script>')
places = dict(number=3, text='ab', one=(1,), three=(1, 1, 1), far=(99, 0), below=(-1, 0), fractions=(.5, .5), nones=(None, None), nans=(nan, nan), odd=Odd(), huge=(10**30, 0))
no_call = dict(number=3, text='relu', odd=Odd(), list=[])

# the table

class Row:
    def __init__(self, name, call, good, kinds, prefix=None, errors=(ValueError, TypeError), but=()):
        self.name,self.call,self.good,self.kinds,self.errors,self.but = name,call,good,kinds,errors,but
        last = name.split('.')[1:]
        self.prefix = tuple(prefix.split()) if prefix else tuple(last)
rows = []
def row(name, good, /, call=None, prefix=None, errors=(ValueError, TypeError), but=(), **kinds):
    "`good`: the arguments of a call that works, or what makes them of a folder; `kinds`: the bad values of each parameter; `but`: 'parameter-value' that is good here"
    if call is None: call = functools.reduce(getattr, name.split('.')[1:], importlib.import_module('cnn_notes.' + name.split('.')[0]))
    rows.append(Row(name, call, good if callable(good) else lambda folder: dict(good), kinds, prefix, errors, set(but)))

img = torch.arange(30.).view(5, 6)
gray = torch.arange(2*8*8.).view(2, 1, 8, 8).sin()
with torch.random.fork_rng():
    torch.manual_seed(0) # with some weights, no activation of the first layer is on
    net = models.simple_cnn((4, 4))
where = dict(model=net, input_shape=(1, 8, 8))

# kernels
row('kernels.apply_kernel', dict(img=img, row=2, col=2, kernel=kernels.top_edge), img=tensor((5, 6)), kernel=tensor((3, 3)) | dict(even=ones(2, 2), large=ones(7, 7), double=ones(3, 3).double()), row=whole(1, 1), col=whole(1, 1))
row('kernels.correlate', dict(img=img, kernel=kernels.top_edge), img=tensor((5, 6)), kernel=tensor((3, 3)) | dict(large=ones(7, 7), double=ones(3, 3).double()), stride=pair(1, False), padding=pair(0))

# geometry
window = geometry.Window(3, 2, 1)
row('geometry.Window', dict(ks=3, stride=2, padding=1, dilation=1), ks=pair(1, False), stride=pair(1, False), padding=pair(0, False) | dict(sides=((1, 2), (1, -1)), unknown='full'), dilation=pair(1, False))
row('geometry.Window.out_size', dict(in_size=8), call=window.out_size, prefix='Window', in_size=pair(1, False))
row('geometry.Window.inputs', dict(i=1, j=1), call=window.inputs, prefix='Window', i=no_number | no_real | dict(fraction=.5), j=no_number | no_real | dict(fraction=.5))
row('geometry.Window.slices', dict(i=1, j=1), call=window.slices, prefix='Window', i=whole(0), j=whole(0))
row('geometry.Window.what_if', dict(in_size=8), call=window.what_if, prefix='Window', in_size=pair(1, False))
row('geometry.Window.what_if(stride)', dict(stride=2), call=lambda stride: window.what_if(8, stride=stride), prefix='Window', stride=pair(1, False))
row('geometry.trace', where, but=('model-transposed',), model=nets(), input_shape=shapes)
row('geometry.Trace.__getitem__', dict(i=0), call=lambda i: geometry.trace(**where)[i], prefix='trace', errors=(ValueError, TypeError, IndexError), i=layer_names())


# matmul
windows = dict(ks=pair(1, False), stride=pair(1, False), padding=pair(0), dilation=pair(1, False))
row('matmul.im2col', dict(x=ones(2, 3, 8, 8), ks=3), prefix='im2col Window', but=('x-empty0', 'x-empty1'), x=tensor((1, 3, 8, 8), (3, 8, 8), dtypes=(), meta=False), **windows)
row('matmul.conv_matrix', dict(weight=ones(2, 1, 3, 3), in_size=(8, 8)), prefix='conv_matrix Window', weight=tensor((2, 1, 3, 3)),
    in_size=dict(none=None, number=8, text='88', empty=(), one=(8,), four=(1, 1, 8, 8), zero=(0, 8), fractions=(8., 8.), channels=(2, 8, 8), texts=('8', '8'), nans=(nan, nan), huge=(10**6, 10**6), beyond=(10**30, 10**30), small=(2, 2), odd=Odd()),
    stride=windows['stride'], padding=windows['padding'], dilation=windows['dilation'], groups=whole(1, 1) | dict(no_divisor=3), max_gb=number(0))
row('matmul.col2im', dict(cols=ones(2, 27, 36), in_size=(8, 8), ks=3), prefix='col2im Window', but=('cols-empty0', 'cols-empty1'), cols=tensor((2, 27, 36), (27, 36), dtypes=(), meta=False) | dict(cells=ones(26, 36), places=ones(27, 35)), in_size=pair(1), **windows)

# models
act = no_call | dict(layer=nn.ReLU()) # an error of the maker itself passes
row('models.conv', dict(ni=1, nf=4), ni=whole(1, 1), nf=whole(1, 1), ks=whole(1, 1) | dict(even=2), stride=whole(1), padding=whole(0, none=True), act=act, norm=act)
row('models.Flatten1x1', dict(max_size=8), max_size=whole(1))
row('models.Flatten1x1.forward', dict(x=ones(2, 3, 1, 1)), call=models.Flatten1x1(8), prefix='Flatten1x1', x={f'rank{n}': ones(*(1,)*n) for n in (0, 1, 2, 3, 5)} | dict(places=ones(1, 2, 3, 3), empty=ones(1, 2, 0, 0))) # TorchScript takes no more than this
row('models.simple_cnn', dict(widths=(4, 8)), prefix='simple_cnn conv', widths=dict(none=None, number=8, text='48', empty=(), zero=(4, 0), fractions=(4.5, 8), texts=('4', '8'), nones=(None,), huge=(10**9, 10**9), odd=Odd(), many=(1,)*10**5),
    n_in=whole(1, 1), n_out=whole(1, 1), ks=whole(1, 1) | dict(even=2), first_ks=whole(1, 1) | dict(even=4), act=act, norm=act)

# counting
row('counting.count', where, but=('model-transposed',), prefix='count', model=nets(), input_shape=shapes)

# receptive
by_name = dict(model=nets() | dict(no_window=nn.Sequential(nn.Flatten(), nn.Linear(64, 2))), input_shape=shapes, layer=layer_names())
row('boxes.receptive_field', where, but=('model-transposed',), errors=(ValueError, TypeError), **by_name)
huge = dict(gigapixels=(1, 10**6, 10**6))
only_conv = nn.Sequential(nn.Conv2d(1, 2, 3, 2), nn.Conv2d(2, 1, 3, 2)) # takes any size
for name in ('precedents', 'input_box', 'gradient_receptive_field'):
    row(f'boxes.{name}', dict(model=only_conv, input_shape=(1, 28, 28), layer='0', place=(1, 1)), but=('model-transposed',), place=places, **by_name | dict(input_shape=shapes | huge))
no_windows = dict(none=None, number=3, text='33', numbers=[3, 3])
for name in ('receptive_size', 'effective_stride', 'effective_padding'): row(f'receptive.{name}', dict(windows=[geometry.Window(3)]), windows=no_windows)
no_number = dict(none=None, text='3', nan=nan, flag=True, pair=(3, 3))
row('receptive.center', dict(size=3, padding=1), size=no_number, padding=no_number, stride=no_number, position=no_number | dict(fraction=.5))
row('boxes.ReceptiveFields.__getitem__', dict(i=0), call=lambda i: receptive.receptive_field(**where)[i], prefix='receptive_field', errors=(ValueError, TypeError, IndexError), i=layer_names())
row('boxes.effective_receptive_field', dict(model=net, images=gray, layer='0', place=(1, 1)), prefix='effective_receptive_field trace', model=by_name['model'], layer=layer_names(), place=places, images=tensor((1, 1, 8, 8)) | poisoned(1, 1, 8, 8), channels=whole(1))
field = receptive.EffectiveField(ones(4, 4)/16)
row('boxes.EffectiveField.size', dict(mass=.5), call=field.size, prefix='EffectiveField size', mass=number(0, 1))
row('boxes.EffectiveField.overlap', dict(other=ones(4, 4)/16), call=field.overlap, prefix='EffectiveField overlap', other=tensor((4, 4)) | dict(other_size=ones(3, 4)/12))
row('views.explore_network', dict(model=net, image=gray[0]), but=('model-transposed',), prefix='explore_network trace', model=by_name['model'], image=tensor((1, 8, 8), (8, 8), (1, 1, 8, 8)) | poisoned(1, 8, 8) | dict(large=ones(1, 99, 9), batch=ones(2, 1, 8, 8)),
    layers=dict(odd=Odd(), empty=[], unknown=['nope'], far=[99], nones=[None], flat=['3'], many=[f'{k}' for k in range(20)]),
    at=dict(number=3, text='0', odd=Odd(), one=('0',), unknown=('nope', (0, 0)), place=('0', (99, 99)), nones=(None, None)), channels=whole(1))

# drawing
digit_net = models.simple_cnn((2, 2, 2, 2))
row('drawing.draw_digit', dict(model=digit_net), prefix='draw_digit trace', model=nets(), mean=number(none=True), std=number(0, none=True), start=whole(0, 9, none=True), labels=dict(number=3, text='0123456789', odd=Odd(), few=['1'], dict={}),
    examples=dict(number=3, text='5', odd=Odd(), floats=ones(1, 28, 28), large=ones(1, 32, 32).byte(), one=ones(28, 28).byte(), none_at_all=ones(0, 28, 28).byte(), many=ones(99, 28, 28).byte()))

# spreadsheet
image8 = gray[0, 0]
def book(folder): return dict(path=folder/'book.xlsx', model=net, image=image8, mean=0., std=1.)
row('spreadsheet.write_workbook', book, prefix='write_workbook trace Flatten1x1', errors=(ValueError, TypeError, OSError),
    path=dict(none=None, number=3, odd=Odd(), bytes=b'book.xlsx', empty='', no_suffix='book', other='book.xls', nul='a\0b.xlsx', missing='no/such/folder/book.xlsx', long='x'*5000 + '.xlsx', folder='.'),
    model=nets() | dict(no_conv=nn.Flatten(), batch_norm=nn.Sequential(nn.BatchNorm2d(1, track_running_stats=False)), gelu=nn.Sequential(nn.Conv2d(1, 2, 3), nn.GELU(), nn.Conv2d(2, 2, 3)), wide=nn.Conv2d(1, 10**4, 3)),
    image=dict(none=None, text='digit', odd=Odd(), dict={}, type=int, complex=ones(8, 8).to(torch.complex64), meta=ones(8, 8, device='meta'), sparse=ones(8, 8).to_sparse(), large=ones(500, 500), channels=ones(3, 8, 8), empty=ones(0, 8)) | {f'rank{n}': ones(*(8,)*n) for n in (0, 1, 4, 5)} | poisoned(8, 8),
    mean=dict(text='x', none=None, odd=Odd(), nan=nan, inf=inf, two=(0., 0.), empty=(), complex=1j, nones=(None,)), std=dict(text='x', none=None, odd=Odd(), nan=nan, inf=inf, zero=0, negative=-1., two=(1., 1.), empty=(), complex=1j),
    highlight=dict(number=3, text='abc', true=(0, True, 1), odd=Odd(), two=(0, 0), far=(99, 0, 0), below=(0, -1, 0), fractions=(0, .5, 0), nans=(0, nan, 0), nones=(None,)*3))
def written(folder):
    spreadsheet.write_workbook(folder/'book.xlsx', net, image8, mean=0., std=1.)
    return dict(path=folder/'book.xlsx')
row('spreadsheet.draw_workbook', written, prefix='draw_workbook', errors=(ValueError, TypeError),
    path=dict(none=None, number=3, odd=Odd(), bytes=b'book.xlsx', empty='', no_suffix='book', other='book.xls', missing='no/such/folder/book.xlsx', folder='.'),
    first=whole(0, 0), last=whole(0, 0, none=True))

# explore
row('views.View', dict(name='conv', data={}, title='x', heights=('1px',)*3), name=dict(none=None, number=3, unknown='nope', empty='', outside='../explore', odd=Odd()),
    data=dict(none=None, number=3, text='x', odd=Odd(), nan=dict(a=nan), tensor=dict(a=ones(2)), type=dict), title=dict(none=None, number=3, odd=Odd()), heights=dict(none=None, number=3, two=('1px', '1px'), numbers=(1, 2, 3), text='abc', odd=Odd()))
row('views.explore_window', dict(window=window, in_size=7), window=dict(number=3, odd=Odd(), large=geometry.Window(9), unlike=geometry.Window((3, 5)), sides=geometry.Window(4, padding='same')),
    in_size=whole(1, 1) | dict(large=13), title=dict(none=None, number=3, odd=Odd()))
paths = dict(none=None, number=3, odd=Odd(), empty='', folder='.', nul='a\0b.html', missing='no/such/folder/a.html', long='x'*5000)
row('views.View.save', lambda folder: dict(path=folder/'a.html'), call=lambda path: views.explore_conv(img).save(path), prefix='View', errors=(ValueError, TypeError, OSError), path=paths)
matrices = dict(number=3, none=None, text='nope', odd=Odd(), ragged=[[1, 2], [3]], texts=[['a', 'b']], complex=ones(4, 4).to(torch.complex64), meta=ones(4, 4, device='meta'), sparse=ones(4, 4).to_sparse()) | {f'rank{n}': ones(*(3,)*n) for n in (0, 1, 3, 4)} | dict(empty=ones(0, 3)) | poisoned(4, 4)
row('views.explore_conv', dict(img=img), but=('img-rank3',), bias=dict(text='x', odd=Odd(), nan=nan, inf=inf, two=(1., 2.), table=ones(1, 1), complex=1j), channels=dict(number=3, text='abc', odd=Odd(), numbers=(1,), two=('a', 'b')), img=matrices | dict(large=ones(40, 8)), kernel=matrices | dict(large=ones(8, 8), huge_values=ones(3, 3)*1e20), stride=whole(1, 1) | dict(pair=(1, 1)), padding=whole(0, 1), dilation=whole(1, 1),
    kernels=dict(number=3, text='x', list=[1], odd=Odd(), bad=dict(a=None), ragged=dict(a=[[1, 2], [3]])), at=dict(number=3, text='ab', odd=Odd(), far=(99, 99), one=(1,), fractions=(.5, .5), below=(-1, 0)), digits=whole(0, 1))

# classic
batch = tensor((2, 1, 8, 8)) | dict(color=ones(2, 3, 8, 8))
finite = batch | poisoned(1, 1, 8, 8)
row('classic.sobel', dict(x=gray), but=('x-meta',), x=batch)
row('classic.gabor_kernel', dict(ks=5, wavelength=4), ks=whole(1, 1) | dict(even=4), wavelength=number(0), theta=number(), sigma=number(0, none=True), gamma=number(0), phase=number())
row('classic.gabor_bank', dict(ks=5, wavelengths=(4, 8), orientations=4), prefix='gabor_bank gabor_kernel', ks=whole(1, 1) | dict(even=4, one=1), orientations=whole(1, 1), wavelengths=dict(none=None, number=4, text='48', empty=(), zero=(0,), nans=(nan,), texts=('4',), odd=Odd()))
row('classic.gabor_energy', dict(x=gray, bank=classic.gabor_bank(5)), but=('x-meta',), x=batch, bank=tensor((2, 1, 5, 5), meta=False) | dict(odd_number=ones(3, 1, 5, 5), even=ones(2, 1, 4, 4), oblong=ones(2, 1, 3, 5), color=ones(2, 3, 5, 5)), stride=whole(1))
labels = torch.arange(2*8*8).view(2, 8, 8)%4
row('handmade.cell_histograms', dict(labels=labels, n=4, cell=4), labels=no_tensor | {f'rank{n}': torch.ones((3,)*n, dtype=torch.int64) for n in (0, 1, 2, 4)} | dict(float=labels.float(), bool=labels > 0, below=labels-1, above=labels+1, empty=labels[:0], meta=labels.to('meta'), sparse=labels.to_sparse()),
    n=whole(1, 1) | dict(few=2), cell=whole(1, 1) | dict(large=9), weight={k: v for k,v in tensor((2, 8, 8)).items() if k != 'none'} | dict(other=ones(2, 8, 7)))
row('classic.orientations', dict(x=gray), x=finite)
row('classic.hog', dict(x=gray), prefix='hog cell_histograms', x=finite | dict(small=ones(1, 1, 2, 9)), cell=whole(1, 1), block=whole(1, 1), bins=whole(1, 1))
row('classic.lbp', dict(x=gray), x=finite)
row('handmade.fit_gabor', dict(kernels=classic.gabor_bank(5, (4,), 1)[:1], starts=1, steps=1), kernels=tensor((1, 1, 5, 5), (1, 5, 5)) | poisoned(1, 5, 5) | dict(zero=torch.zeros(1, 5, 5), small=ones(1, 2, 2), oblong=ones(1, 3, 5), color=ones(1, 3, 5, 5), large=ones(1, 1, 1).expand(1, 10**4+1, 10**4+1)),
    starts=whole(1, 1), steps=whole(1, 1), seed=whole(0) | dict(beyond=10**30))

# norm
row('norm.BatchNorm2d', dict(nf=3), nf=whole(1, 1), but=('eps-at',), eps=number(0), momentum=number(none=True) | dict(over=1.5, below=-.1))
row('norm.BatchNorm2d.forward', dict(x=ones(2, 3, 4, 4)), call=norm.BatchNorm2d(3), prefix='BatchNorm2d', x=tensor((2, 3, 4, 4), meta=False) | dict(channels=ones(2, 4, 4, 4), one=ones(1, 3, 1, 1)))
stats_of = tensor((2, 3, 4, 4), meta=False)
row('norm.standardize', dict(x=ones(2, 3, 4, 4), axes=(0, 2, 3)), but=('eps-at',), errors=(ValueError, TypeError, IndexError, RuntimeError), # PyTorch's own for axes that are not there, or twice
    x={k: v for k,v in tensor((2, 3, 4, 4), ranks=(0, 1, 2, 3), meta=False).items()} , axes=dict(none=None, number=2, text='023', empty=(), far=(9,), fractions=(.5,), nones=(None,), twice=(2, 2), twice_over=(2, -2), odd=Odd()), eps=number(0))
for name in ('batch_norm', 'layer_norm', 'instance_norm'): row(f'norm.{name}', dict(x=ones(2, 3, 4, 4)), prefix=f'{name} standardize', x=stats_of)
row('norm.group_norm', dict(x=ones(2, 4, 4, 4), groups=2), prefix='group_norm standardize', x=tensor((2, 4, 4, 4), meta=False), groups=whole(1, 1) | dict(no_divisor=3))

# schedule
row('schedule.one_cycle', dict(n_steps=20, lr_max=.1), n_steps=whole(1, 1) | dict(one=1), lr_max=number(0), div=number(0, none=True), div_final=number(0, none=True), pct_start=number(0, none=True) | dict(one=1, over=2.),
    moms=dict(none=None, number=.9, text='abc', two=(.9, .9), over=(1, 1, 1), below=(-.1, .9, .9), nans=(nan,)*3, texts=('1',)*3, odd=Odd(), dict={}), anneal=dict(none=None, unknown='sqrt', number=3, list=[], odd=Odd()), style=dict(none=None, unknown='keras', list=[], odd=Odd()), three_phase=dict(fastai=True))
row('live.plot_one_cycle', dict(sched=schedule.one_cycle(20, .1)), sched=dict(none=None, number=3, list=[1, 2], text='x', odd=Odd()), axs=dict(number=3, one=[None], text='ab', odd=Odd(), numbers=[1, 2]))
row('live.StepSchedule', dict(lr=[.1, .2]), lr=dict(none=None, number=.1, text='abc', empty=[], nans=[nan], negative=[-1.], texts=['1'], nones=[None], odd=Odd(), dict=dict(a=1)), mom=dict(other_size=[.9]*3))
row('live.LiveSchedule', dict(every=1), every=number(none=True) | dict(below=-1), max_share=number(0, 1), figsize=dict(none=None, number=3, one=(3,), three=(1, 2, 3), zero=(0, 3), nans=(nan, 3), texts=('8', '3'), huge=(10**6, 10**6), odd=Odd()))

# show
pictures = dict(none=None, text='digit', odd=Odd(), dict={}, complex=ones(4, 4).to(torch.complex64), meta=ones(4, 4, device='meta'), ragged=[[1, 2], [3]], texts=np.array([['a']]), two_channels=ones(2, 4, 4), empty=ones(0, 4), empty_cols=ones(4, 0), number=3) | {f'rank{n}': ones(*(3,)*n) for n in (0, 1, 4, 5)}
sizes = dict(number=3, text='ab', one=(3,), zero=(0, 3), nans=(nan, 3), odd=Odd())
limits = {k: v for k,v in no_number.items() if k != 'none'} | dict(nan=nan, inf=inf)
row('show.show_image', dict(im=img), im=pictures, ax=dict(number=3, text='ax', odd=Odd()), figsize=sizes, kind=dict(none=None, unknown='padding', list=[], odd=Odd()), values=dict(number=3, unknown='zz', odd=Odd()), vmin=limits, vmax=limits | dict(below_vmin=-10**6))
row('show.show_images', dict(ims=[img, img]), prefix='show_images show_image', ims=dict(none=None, number=3, odd=Odd(), empty=[], nones=[None], texts='abc', one_bad=[img, ones(3)]), titles=dict(number=3, one=['a'], three=['a']*3, odd=Odd()), ncols=whole(1), size=number(0) | dict(huge=10**6))
row('show.outline', lambda folder: dict(ax=show.show_image(img), rows=1, cols=1), ax=dict(none=None, number=3, odd=Odd()), rows=no_number | no_real | dict(fraction=.5, step=range(0, 4, 2), empty=range(0), far=slice(0, 3, 2)), cols=no_number | no_real | dict(empty=range(0)), lw=number(0), color=dict(unknown='blurple', number=3, odd=Odd()))
row('show.draw_windows', dict(windows=dict(a=window), in_size=7, at=[(1, 1)]), windows=dict(none=None, number=3, empty={}, odd=Odd(), list=[window], numbers=dict(a=3)),
    in_size=pair(1, False).but('pair'), at=dict(number=3, text='ab', odd=Odd(), two=[(0, 0)]*2, one=[(1,)], fractions=[(.5, 0)], nones=[None]), ax=dict(number=3, text='ax', odd=Odd()))
row('show.animate', lambda folder: dict(fig=plt.figure(figsize=(1, 1)), draw=lambda i: None, frames=2), fig=dict(none=None, number=3, odd=Odd()), draw=no_call | dict(none=None), frames=whole(1, 1), fps=number(0), dpi=whole(1, 1) )

# exercises
row('exercises.Mistakes', dict(number='01'), number=dict(none=None, number=3, bare=len, odd=Odd(), unknown='99'))
row('exercises.exercise', dict(id='01.1'), id=dict(none=None, number=3, bare=len, odd=Odd(), unknown='01.99'))

# measured
no_texts = dict(none=None, number=3, bytes=b'claim', list=[], odd=Odd())
row('measured.experiment', dict(claim='a claim'), claim=no_texts, holds=no_call, unit=no_texts)
row('measured.measured', dict(name='edges_of_pairs', f=edges_of_pairs), name=no_texts, f=no_call | dict(none=None), seeds=dict(none=None, number=3, odd=Odd()))

# questionnaire
numbers = dict(none=None, zero=0, beyond=41, fraction=1.5, nan=nan, text='what', empty='', task='R4', odd=Odd(), list=[1], true=True, huge=10**30, negative=-1, bytes=b'1')
for name in ('question', 'answer', 'mended', 'circulating'): row(f'texts.{name}', dict(n=39 if name in ('mended', 'circulating') else 1), call=lambda n, f=getattr(texts, name): f(n), n=numbers)
several = {k: [v] for k,v in numbers.items()} | dict(number=1.5, odd_one=Odd(), nan_one=nan, text='what', bytes_one=b'1')
row('engine.check', dict(n=3), n=numbers)
row('engine.check(**claims)', dict(n=3), call=lambda n, **kw: engine.check(n, **kw), prefix='check', no_such_claim=dict(number=3, odd=Odd()))
row('engine.claims', dict(n=3), n=numbers)
row('engine.check_all', dict(numbers=[3], show=lambda o: None), numbers=several, show=no_call)
row('quiz.cards', lambda folder: dict(path=folder/'a.apkg', numbers=[3]), numbers=several, path=dict(none=None, number=3, odd=Odd(), empty=''))
row('quiz.quiz', dict(numbers=[3], ask=lambda _: 'q', show=lambda o: None), numbers=several, ask=no_call | dict(none=None), show=no_call)

# data
def idx_file(folder):
    (folder/'a').write_bytes(b'\0\0\x08\x01\0\0\0\x02ab')
    return dict(path=folder/'a')
files = dict(none=None, number=3, odd=Odd(), empty='', folder='.', missing='no-such-file', nul='a\0b', long='x'*5000)
row('data.read_idx', idx_file, prefix='read_idx', errors=(ValueError, TypeError, OSError), path=files)
row('data.load_mnist', dict(path=None), prefix='load_mnist', errors=(ValueError, TypeError, OSError), path={k: v for k,v in files.items() if k != 'none'}, name=dict(number=3, odd=Odd(), unknown='emnist-letters'), transpose=dict(none=None, number=1, text='yes', odd=Odd()))
digits = torch.arange(12*4*4).view(12, 4, 4).to(torch.uint8),torch.arange(12)%3
def parts(**kwargs): return [kwargs.get(k, v) for k,v in zip(('tx', 'ty', 'vx', 'vy'), (*digits, *digits))]
def of(part, values): return {f'{part}_{k}': parts(**{part: v}) for k,v in values.items()}
bad_x = dict(none=None, text='x', odd=Odd(), dict={}, rank0=ones(), rank1=ones(12), rank2=ones(12, 4), rank5=ones(12, 1, 1, 4, 4), empty=ones(0, 4, 4), bool=ones(12, 4, 4) > 0, complex=ones(12, 4, 4).to(torch.complex64), nan=ones(12, 4, 4)*nan, inf=ones(12, 4, 4)*inf, meta=ones(12, 4, 4, device='meta'), sparse=ones(12, 4, 4).to_sparse(), other=ones(12, 5, 5), more=ones(13, 4, 4))
bad_y = dict(none=None, text='y', odd=Odd(), float=ones(12), bool=ones(12) > 0, short=digits[1][:-1], rank2=digits[1][:, None], rank0=torch.tensor(3), meta=digits[1].to('meta'), complex=ones(12).to(torch.complex64), texts=['a']*12)
row('data.mnist_dls', dict(bs=4, data=parts()), bs=whole(1, 1), val_bs=whole(1, none=True), digits=dict(empty=[], unknown=[7], text='3', texts=['3'], number=99, fraction=.5, odd=Odd(), nans=[nan]),
    data=dict(number=3, odd=Odd(), three=parts()[:3], empty=[], dict={}, unlabeled=parts(vy=digits[1]+5)) | of('tx', bad_x) | of('ty', bad_y) | of('vx', bad_x) | of('vy', bad_y), device=dict(unknown='abacus', missing='cuda:99', odd=Odd(), list=[]), path=dict(none=None, number=3, odd=Odd(), bytes=b'.', nul='a\0b'))
row('data.mnist_dls(data=folder)', dict(data=None), call=lambda data: data is None or __import__('cnn_notes.data').data.mnist_dls(4, data=data), prefix='mnist_dls load_mnist', errors=(ValueError, TypeError, OSError), data=dict(missing='no-such-folder', empty=''))
tens = dict(x=digits[0][:, None], y=digits[1], vocab=[0, 1, 2], mean=ones(1), std=ones(1))
row('data.ImageTensors', tens, x=no_tensor | {f'rank{n}': ones(*(12,)*n) for n in (0, 1, 2, 3, 5)}, y={k: v for k,v in bad_y.items() if k not in ('none', 'meta', 'bool')}, vocab=dict(none=None, number=3, odd=Odd(), empty=[], few=[0]), mean=no_tensor | dict(channels=ones(2), rank2=ones(1, 1, 2)), std=no_tensor | dict(channels=ones(2)))
row('data.ImageTensors.batch', dict(idx=[0, 1]), call=data.ImageTensors(**tens).batch, prefix='ImageTensors batch', errors=(ValueError, TypeError, IndexError), idx=dict(none=None, text='x', odd=Odd(), slice=slice(2), fractions=[.5], nans=[nan], far=[99], below=[-99], nones=[None]))

# callbacks, activations
hist_ranges = dict(none=None, number=3, text='ab', one=(1,), three=(0, 1, 2), reversed=(1, 0), same=(1, 1), nans=(nan, 1), infs=(0, inf), odd=Odd())
row('callbacks.ActivationStats', {}, every=whole(1, none=True), sample=whole(1, none=True), bins=whole(1, 1), hist_range=hist_ranges, modules=dict(text='conv', module=nn.ReLU(), number=3, odd=Odd()), after_act=dict(text='relu', number=3, odd=Odd(), function=len, module=nn.ReLU(), types=(nn.ReLU, 3)))
callbacks._describe(ones(1, 1), 40, 0, 10) # compiled once, and not in the time of a case
@pytest.fixture(autouse=True, scope='session')
def traced_once():
    "The first trace imports what PyTorch needs for the meta device, and not in the time of a case"
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        geometry.trace(nn.Conv2d(1, 1, 3), (1, 8, 8))

@functools.cache
def recorded():
    from fastai.learner import Learner
    learn = Learner(data.mnist_dls(4, data=parts()), models.simple_cnn((4,), n_out=3), cbs=(cb := callbacks.ActivationStats(with_hist=True)))
    with learn.no_bar(), learn.no_logging(): learn.fit(1)
    return cb
layer_of = {k: v for k,v in layer_names().items()}
for cls in ('callbacks.ActivationStats', 'activations.ActivationRecord'):
    def of_record(method, cls=cls): return lambda **kwargs: getattr(recorded() if cls == 'callbacks.ActivationStats' else recorded().record, method)(**kwargs)
    for m in ('layer_stats', 'hist', 'plot_layer_stats'): row(f'{cls}.{m}', dict(idx=0), call=of_record(m), prefix='ActivationStats', idx=layer_of)
    row(f'{cls}.color_dim', dict(idx=0), call=of_record('color_dim'), prefix='ActivationStats color_dim', idx=layer_of, figsize=sizes, ax=dict(number=3, odd=Odd()), vmax=number(none=True) | dict(below=-1), colorbar=dict(none=None, number=3, odd=Odd()))
row('activations.ActivationRecord.series', dict(idx=0), call=lambda **kw: recorded().record.series(**kw), prefix='ActivationStats', idx=layer_of, what=dict(none=None, unknown='median', number=3, odd=Odd(), list=[]))

# speed
row('speed.Crop', dict(size=4), size=whole(1), jitter=whole(0))
row('speed.Crop.forward', dict(x=ones(2, 1, 8, 8)), call=speed.Crop(4, 1), prefix='Crop', x=no_tensor | {f'rank{n}': ones(*(8,)*n) for n in (0, 1, 2, 3, 5)} | dict(small=ones(2, 1, 5, 8), empty=ones(2, 1, 8, 0)))
many_widths = dict(none=None, number=8, text='48', bytes=b'48', empty=(), one=(4,), zero=(4, 0), fractions=(4.5, 8), texts=('4', '8'), nones=(None, None), nans=(nan, 8), huge=(10**9, 10**9), odd=Odd(), many=(1,)*10**5)
row('speed.fast_cnn', dict(widths=(4, 8), hidden=16), prefix='fast_cnn conv Window', widths=many_widths, hidden=whole(1, 1, none=True), size=whole(1, 1) | dict(small=7), jitter=whole(0), n_in=whole(1, 1), n_out=whole(1, 1))
row('speed.Recipe', {}, widths={k: v for k,v in many_widths.items() if k not in ('huge', 'many')}, hidden=whole(1, none=True), size=whole(1), jitter=whole(0), epochs=whole(1), bs=whole(2), lr=number(0), smooth=number(upto=1) | dict(below=-.1), moms=dict(none=None, number=.9, text='abc', two=(.9, .9), over=(1, 1, 1), below=(-.1, .9, .9), nans=(nan,)*3, texts=('1',)*3, odd=Odd(), dict={}))
@functools.cache
def small_digits(): return data.mnist_dls(4, data=[o.repeat(1, 5, 5) if o.ndim == 3 else o for o in parts()])
def train(**kwargs): return speed.train_fast(**dict(dls=small_digits(), widths=(4, 4), hidden=8) | kwargs)
row('speed.train_fast', dict(seed=1, epochs=1, hidden=8, size=20, jitter=0), call=train, prefix='train_fast Recipe fast_cnn conv Crop Window', target=no_number | no_real | dict(unknown=.98, one=1, true=True), dls={k: v for k,v in no_number.items() if k != 'none'} | dict(pair=[1, 2]), model={k: v for k,v in no_number.items() if k != 'none'},
    seed=whole(0, none=True) | dict(beyond=2**32, true=True), cbs=dict(none=None, number=3, text='ab', one=[1], type=[speed.Clock, 3], odd=Odd()), epochs=whole(1), lr=number(0), smooth=number(upto=1), widths=many_widths, hidden=whole(1, 1, none=True), size=whole(1, 1) | dict(large=21), jitter=whole(0) | dict(large=1),
    bs=dict(number=64), epoch=dict(number=3))

# the cases

cases = [pytest.param(r, p, k, id=f'{r.name}-{p}-{k}') for r in rows for p,kind in r.kinds.items() for k in kind if f'{p}-{k}' not in r.but]

def words(v, deep=True):
    "How a message may speak of a value: as it is written, or by its type, shape, type of numbers, place"
    res = {repr(v)[:30], str(v)[:30], type(v).__name__} if not isinstance(v, torch.Tensor) else {'NaN', 'empty', 'all zero', type(v).__name__}
    if isinstance(v, int): res |= {f'{v:,}'}
    if isinstance(v, type): res |= {v.__name__}
    if isinstance(v, (str, list, tuple, dict)) and not v: res |= {'no ', 'empty'}
    if isinstance(v, torch.Tensor):
        res |= {str(tuple(v.shape)), str(v.dtype), str(v.dtype).split('.')[1], v.device.type if v.device.type != 'cpu' else 'float', str(v.layout), f'{v.ndim} axes', f'{v.numel()} '} | {s.join(map(str, v.shape[-2:])) for s in ('x', ' x ')} | {f'{n} ' for n in v.shape}
    elif isinstance(v, np.ndarray): res |= {str(v.shape)}
    elif deep and isinstance(v, (list, tuple)): res |= {f'{len(v)}'}.union(*(words(o, False) for o in v))
    elif isinstance(v, nn.Module): res |= {type(m).__name__ for m in v.modules()} | {'conv_transpose'}
    elif deep and isinstance(v, dict): res |= set(map(repr, v)).union(*(words(o, False) for o in v.values()))
    return {o for o in res if o}

def snapshot(folder): return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in sorted(folder.rglob('*'))}

too_large = RuntimeError,MemoryError,OverflowError # PyTorch's and Python's own

@pytest.mark.parametrize('row, param, name', cases)
def test_bad_value_is_refused(row, param, name, tmp_path, monkeypatch):
    value = row.kinds[param][name]
    monkeypatch.chdir(tmp_path) # where relative paths lead
    (tmp_path/'book.xlsx').write_bytes(b'an older one'); (tmp_path/'a.html').write_bytes(b'an older one')
    args = row.good(tmp_path) | {param: value}
    before,figs = snapshot(tmp_path),plt.get_fignums()
    try:
        with at_most(10), pytest.raises(row.errors + too_large*(name in ('huge', 'beyond'))) as e: row.call(**args)
        text = str(e.value)
        assert snapshot(tmp_path) == before, 'it left something behind'
        assert plt.get_fignums() == figs, 'a figure is left open'
        if isinstance(e.value, (ValueError, TypeError)) and name not in ('huge', 'beyond'):
            assert re.match(rf"({'|'.join(map(re.escape, row.prefix))})\b", text), f'whose error is it? {type(e.value).__name__}: {text}'
            assert re.search(r';|give|use | but |can be|does not run on an input of shape', text), f'what to do? {text}'
            assert any(o in text for o in (*args, *words(value), *(f'{k}_{o}' for k in ('train', 'valid') for o in 'xy' if row.name == 'data.mnist_dls'))), f'what was given? {text}'
            assert len(text) < 1000, 'too long to read'
    finally: plt.close('all')

@pytest.mark.parametrize('row', rows, ids=lambda r: r.name)
def test_the_call_that_each_case_spoils_works(row, tmp_path):
    with at_most(10): row.call(**row.good(tmp_path))
    plt.close('all')

whole_numbers = [pytest.param(r, p, f, id=f'{r.name}-{p}-{name}') for r in rows for p,kind in r.kinds.items()
                 if isinstance(kind, Kind) and kind.whole for name,f in dict(numpy=np.int64, array=np.array, tensor=torch.tensor).items()]

@pytest.mark.parametrize('row, param, make', whole_numbers)
def test_every_form_of_a_whole_number_is_taken(row, param, make, tmp_path):
    args = row.good(tmp_path)
    value = args[param] if param in args else inspect.signature(row.call).parameters[param].default
    if not isinstance(value, (int, tuple)): value = 1
    value = tuple(map(make, value)) if isinstance(value, tuple) else make(value)
    try:
        with at_most(10): row.call(**args | {param: value})
    finally: plt.close('all')

def test_the_number_of_cases(capsys):
    with capsys.disabled(): print(f' {len(cases)} bad values to {sum(len(r.kinds) for r in rows)} parameters of {len(rows)} functions ', end='')
    assert len(cases) >= 3000

# nothing public is left out

modules = sorted(p.stem for p in (Path(kernels.__file__).parent).glob('*.py') if not p.stem.startswith('_'))
not_tried = { # why a public name, or a method, has no row
    'made here': ("a record that the package makes and hands out; its fields are what it was made with", """
        exercises.Mistake geometry.Layer geometry.Trace tracing.LayerList tracing.LayerList.find counting.LayerCount counting.Counts counting.Counts.to_frame boxes.ReceptiveField boxes.ReceptiveFields boxes.ReceptiveFields.to_frame boxes.Extent boxes.Extent.at boxes.Extent.covers boxes.Box boxes.EffectiveField
        boxes.EffectiveField.gaussian views.NetworkView views.ConvView views.WindowView drawing.DigitView activations.Health activations.ActivationRecord live.OneCycle handmade.GaborFit data.Mnist exercises.Verdict engine.Question engine.Outcome
        engine.Summary terminal.Text show.Gif engine.Question.fill tracing.Call tracing.Call.sources tracing.Layer tracing.Source tracing.Trace exercises.Progress
        exercises.Shown exercises.TookTooLong measured.Runs measured.Runs.half measured.Runs.mean measured.Runs.std"""),
    'records': ("works on records of measurements, whose files it checks as tests/test_measured.py shows",
        "measured.fingerprint measured.experiment_of measured.table measured.verdict"),
    'exercises': ("what a reader answers may be anything: the verdict says what is wrong with it, as tests/test_exercises.py shows", """exercises.Exercise
        exercises.Exercise.cases exercises.Exercise.check exercises.Exercise.complaint exercises.Exercise.judge exercises.Exercise.made exercises.Exercise.matches
        exercises.Exercise.outputs exercises.difference exercises.time_limit"""),
    'pictures': ("takes a picture in any form: what is refused, and in which words, is in tests/test_framing.py", '''
        framing.averaging framing.cut_out framing.evened framing.frame_digit framing.ink_of framing.placed framing.resized
        pictures.Picture pictures.gray_of'''),
    'inherited': ("made in views.View, where it has a row", "views.ConvView.save views.NetworkView.save views.WindowView.save"),
    'given records': ("works on records of a trace, which the package makes and checks before", '''
        products.prepares_weights products.products products.real_extents products.real_products products.unknown_products
        fields.Look fields.Seen fields.Seen.axes fields.Seen.changed fields.Unknown fields.nowhere fields.results fields.wiring fields.wirings'''),
    'no arguments': ("takes nothing", """quiz.boxes show.use_style views.NetworkView.marked views.NetworkView.static views.NetworkView.alt views.View.static views.View.alt views.View.page views.View.html views.ConvView.windows views.ConvView.sum
        views.ConvView.static views.ConvView.alt activations.ActivationRecord.health callbacks.ActivationStats.health live.LiveSchedule.plot data.ImageTensors.new_empty
        views.ConvView.html views.ConvView.page views.WindowView.static views.WindowView.alt views.WindowView.html views.WindowView.page views.NetworkView.html views.NetworkView.page drawing.DigitView.static drawing.DigitView.alt exercises.Exercise.hint exercises.Exercise.solution exercises.all_exercises
        measured.Runs.keys measured.Runs.said measured.own_folder measured.records measured.shipped_folder"""),
    'titles': ("its one argument is a title, which Matplotlib draws as it is", "activations.ActivationRecord.plot callbacks.ActivationStats.plot"),
    'fastai': ("fastai calls it, with what fastai makes", """data.ImageTensors.decode data.ImageTensors.to data.ImageTensors.set_split_idx data.ImageTensors.new
        data.ImageTensors.denormalize data.ImageTensors.normalize
        callbacks.ActivationStats.before_fit callbacks.ActivationStats.before_batch callbacks.ActivationStats.after_pred callbacks.ActivationStats.after_batch callbacks.ActivationStats.after_fit callbacks.ActivationStats.after_backward
        callbacks.ActivationStats.after_cancel_backward live.FitCallback live.FitCallback.before_fit live.FitCallback.before_train live.FitCallback.after_train live.FitCallback.after_fit
        live.StepSchedule.before_fit live.LiveSchedule.before_fit live.LiveSchedule.before_train live.LiveSchedule.after_train live.LiveSchedule.after_loss live.LiveSchedule.after_batch live.LiveSchedule.after_fit
        speed.Clock speed.Clock.before_fit speed.Clock.before_train speed.Clock.after_train speed.DeviceLoss speed.DeviceLoss.accumulate speed.LeanLearner"""),
    'PyTorch': ("PyTorch calls it, to print a module", "norm.BatchNorm2d.extra_repr models.Flatten1x1.extra_repr speed.Crop.extra_repr"),
    'command': ("arguments of a command: argparse refuses them, as tests/test_questionnaire.py shows", "questionnaire.main measured.main"),
    'messages': ("writes a message for functions whose checks it follows", "geometry.unknown_layer tracing.unknown_layer tracing.as_trace tracing.find_layer tracing.Trace.find"),
    'rules': ("what the signatures are made of; tests/test_checks.py tries them", ' '.join(f'checks.{name}' for name in checks.__all__)),
    'any call': ("whatever the call that it is given raises is its answer", "show.error_of"),
    'moved': ("has a row under another name, or was made in explore before", """tracing.trace receptive.Box receptive.EffectiveField receptive.Extent receptive.NetworkView receptive.ReceptiveField receptive.ReceptiveFields
        receptive.effective_receptive_field receptive.explore_network receptive.gradient_receptive_field receptive.input_box receptive.precedents receptive.receptive_field explore.View explore.ConvView explore.explore_conv explore.named_kernels
        schedule.LiveSchedule schedule.OneCycle schedule.StepSchedule schedule.plot_one_cycle classic.GaborFit callbacks.ActivationRecord callbacks.Health
        classic.cell_histograms classic.fit_gabor questionnaire.Question questionnaire.Text questionnaire.Outcome questionnaire.Summary
        texts.Question texts.Text texts.claims questionnaire.check questionnaire.check_all
        questionnaire.answer questionnaire.boxes questionnaire.cards questionnaire.circulating questionnaire.claims questionnaire.mended questionnaire.question questionnaire.quiz"""),
    'data': ("a constant", """kernels.top_edge kernels.left_edge kernels.diag1_edge kernels.diag2_edge kernels.bottom_edge kernels.right_edge kernels.diag3_edge kernels.diag4_edge kernels.edge_kernels classic.sobel_kernels classic.uniform_bin show.palette
        views.named_kernels speed.recipes""")}

def own(cls):
    "What a class has, and those among its bases that stand in the same module"
    return {k: f for c in reversed(cls.__mro__) if c.__module__ == cls.__module__ for k,f in vars(c).items()}

def public():
    "Every public name, and the public methods of the classes among them"
    for m in modules:
        mod = importlib.import_module(f'cnn_notes.{m}')
        for name in mod.__all__:
            o = getattr(mod, name)
            yield f'{m}.{name}'
            if inspect.isclass(o) and o.__module__ == mod.__name__:
                yield from (f'{m}.{name}.{k}' for k,f in own(o).items() if (not k.startswith('_') or k == 'forward') and inspect.isfunction(inspect.unwrap(f) if callable(f) else f))

def test_nothing_public_is_left_out():
    names,tried = set(public()),{r.name.split('(')[0] for r in rows}
    excused = {o for _,text in not_tried.values() for o in text.split()}
    assert not (missing := names - tried - excused), f'no row for {sorted(missing)}'
    assert not (gone := excused - names), f'not there: {sorted(gone)}'
    assert not (both := excused & tried), f'tried and excused: {sorted(both)}'

def test_every_parameter_is_tried():
    "Of each function that has a row; titles and alternative texts are drawn as they are, a flag takes anything that is true or false, and `split_idx` is fastai's"
    free = set('self title alt label suptitle split_idx'.split())
    missing = []
    for r in {r.name.split('(')[0]: r for r in rows}.values():
        module,*path = r.name.split('.')
        module = importlib.import_module(f'cnn_notes.{module}')
        f = functools.reduce(getattr, [p.split('(')[0] for p in path], module)
        tried = {p for o in rows if o.name.split('(')[0] == r.name.split('(')[0] for p in o.kinds}
        for k,p in inspect.signature(f).parameters.items():
            if k in free or p.annotation in (bool, bool|None, Any) or p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL) or path[-1].startswith('__'): continue
            if k not in tried: missing.append(f'{r.name}({k})')
    assert not missing, missing

# shapes of every rank and size: PyTorch's answer or a refusal

check = settings(max_examples=300)
anyshape = st.lists(st.integers(0, 5), max_size=6).map(tuple)
settings_of = st.one_of(st.integers(-1, 4), st.lists(st.integers(-1, 4), max_size=3).map(tuple))
dtype = st.sampled_from([torch.float32, torch.float64, torch.float16, torch.int64, torch.uint8, torch.bool, torch.complex64])

def filled(shape, dtype): return torch.arange(float(max(torch.Size(shape).numel(), 1)))[:torch.Size(shape).numel()].view(shape).to(dtype)

def answer_or_refusal(f, expected, *args):
    "What `f` gives, which is `expected()`; or, where it refuses, a ValueError or a TypeError in its name, and nothing else"
    try: got = f(*args)
    except (ValueError, TypeError) as e: assert str(e).startswith((f'{f.__name__}: ', 'Window.out_size: ')), e; return False
    torch.testing.assert_close(got, expected(), equal_nan=True)
    return True

def both(o): return o if isinstance(o, tuple) else (o, o)

@check
@given(anyshape, anyshape, settings_of, settings_of, dtype, dtype)
def test_correlate_is_conv2d_or_refuses(size, ks, stride, padding, d1, d2):
    a,b = filled(size, d1),filled(ks, d2)
    answer_or_refusal(kernels.correlate, lambda: F.conv2d(a[None, None], b[None, None], stride=both(stride), padding=both(padding))[0, 0], a, b, stride, padding)

@check
@given(st.tuples(*[st.integers(0, 5)]*2), st.tuples(*[st.integers(0, 4)]*2), settings_of, settings_of, st.sampled_from([torch.float32, torch.float64]))
def test_correlate_takes_what_conv2d_takes(size, ks, stride, padding, d):
    a,b = filled(size, d),filled(ks, d)
    def expected(): return F.conv2d(a[None, None], b[None, None], stride=both(stride), padding=both(padding))[0, 0]
    if not answer_or_refusal(kernels.correlate, expected, a, b, stride, padding) and 0 not in (*size, *ks) and len(both(stride)) == len(both(padding)) == 2:
        with pytest.raises(RuntimeError): expected()

@check
@given(anyshape, settings_of, settings_of, settings_of, settings_of, dtype)
def test_im2col_is_unfold_or_refuses(size, ks, stride, padding, dilation, d):
    if len(size) > 2 and not size[-3]: return # PyTorch wants a channel
    x = filled(size, d)
    answer_or_refusal(matmul.im2col, lambda: F.unfold(x.double(), both(ks), both(dilation), both(padding), both(stride)).to(d), x, ks, stride, padding, dilation)

@check
@given(anyshape, settings_of, settings_of, settings_of, settings_of, settings_of, dtype)
def test_col2im_is_fold_or_refuses(size, in_size, ks, stride, padding, dilation, d):
    if len(size) > 1 and not size[-2]: return # PyTorch wants a channel
    x = filled(size, d)
    answer_or_refusal(matmul.col2im, lambda: F.fold(x.double(), both(in_size), both(ks), both(dilation), both(padding), both(stride)).to(d), x, in_size, ks, stride, padding, dilation)

@check
@given(anyshape, anyshape, settings_of, settings_of, settings_of, st.integers(-1, 3), dtype)
def test_conv_matrix_is_conv2d_or_refuses(weight, size, stride, padding, dilation, groups, d):
    w = filled(weight, d)
    def product(*args): return matmul.conv_matrix(*args)@image.flatten()
    product.__name__ = 'conv_matrix'
    n = w.shape[1]*groups if w.ndim == 4 and groups > 0 else 1
    image = filled((n, *size[-2:]) if len(size) >= 2 else (1, 1, 1), d)
    answer_or_refusal(product, lambda: F.conv2d(image[None], w, None, both(stride), both(padding), both(dilation), groups).flatten(), w, size, stride, padding, dilation, groups)

@check
@given(anyshape, dtype, st.sampled_from(['sobel', 'lbp', 'orientations', 'hog']))
def test_features_are_finite_or_refused(size, d, name):
    x = filled(size, d)
    try: out = getattr(classic, name)(*((x, 1, 1) if name == 'hog' else (x,)))
    except (ValueError, TypeError) as e: assert str(e).startswith(f'{name}: '), e; return
    assert x.ndim == 4 and all(o.isfinite().all() and len(o) == len(x) for o in (out if isinstance(out, tuple) else (out,)))

@check
@given(anyshape, dtype, st.sampled_from(['batch_norm', 'layer_norm', 'instance_norm', 'group_norm']), st.integers(-1, 4))
def test_norms_are_pytorchs_or_refuse(size, d, name, groups):
    x = filled(size, d)
    expected = dict(batch_norm=lambda: F.batch_norm(x, None, None, training=True), layer_norm=lambda: F.layer_norm(x, x.shape[1:]), instance_norm=lambda: F.instance_norm(x), group_norm=lambda: F.group_norm(x, groups))[name]
    try: got = getattr(norm, name)(*((x, groups) if name == 'group_norm' else (x,)))
    except (ValueError, TypeError) as e: assert re.match(f'{name}: |standardize: ', str(e)), e; return
    torch.testing.assert_close(got, expected(), **(dict(rtol=1e-2, atol=1e-2) if d == torch.float16 else dict(rtol=1e-4, atol=1e-4)))

@check
@given(anyshape, st.sampled_from([net, only_conv, nn.Sequential(nn.AvgPool2d(2), nn.Flatten())]), st.sampled_from(['trace', 'count', 'receptive_field', 'input_box']))
def test_any_input_shape_is_followed_or_refused(size, model, name):
    f = dict(trace=geometry.trace, count=counting.count, receptive_field=receptive.receptive_field, input_box=receptive.input_box)[name]
    try: res = f(model, size)
    except ValueError as e: assert re.match(f'{name}: |trace: |Flatten1x1: ', str(e)), e; return
    with torch.no_grad(): out = model(torch.zeros((1,)*(4-len(size)) + size))
    if name in ('trace', 'count'): assert prod(res[-1].out_shape[-(out.ndim-1):]) == out[0].numel()

@check
@given(st.integers(1, 40), st.integers(1, 5), st.integers(1, 4), st.integers(0, 6), st.integers(1, 3))
def test_products_with_a_pixel_are_counted_as_conv2d_meets_them(n, ks, stride, padding, dilation):
    if n + 2*padding < dilation*(ks-1) + 1: return
    m = nn.Conv2d(1, 1, ks, stride, padding, dilation, bias=False)
    real = F.conv2d(torch.ones(1, 1, n, n+2), torch.ones(1, 1, ks, ks), None, stride, padding, dilation).sum().item()
    assert counting.count(m, (1, n, n+2))[0].real == real

def test_what_is_huge_is_counted_by_formula():
    size = (1, 10**9, 10**9)
    with at_most(10):
        assert counting.count(only_conv, size)[0].multiplications > 10**18
        assert receptive.receptive_field(only_conv, size)[-1].size == (7, 7)
        assert geometry.Window(3, 2, 1).out_size(10**30) == 10**30//2
        assert len(geometry.Window(10**9).inputs(0, 0)[0]) == 10**9
