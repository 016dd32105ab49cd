"cnn_notes.data against torchvision, fastai's own file pipeline and plain PyTorch"
import gzip, hashlib, json, os, pickle, shutil, socket, struct, subprocess, sys
from itertools import product
from pathlib import Path
import matplotlib
matplotlib.use('Agg')
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings, strategies as st
from PIL import Image
from torch import nn

import cnn_notes.data as D
from cnn_notes.data import ImageTensors, Mnist, TensorDL, load_mnist, mnist_dls, read_idx
from fastai.callback.all import CSVLogger, EarlyStoppingCallback, GradientClip, MixUp, SaveModelCallback
from fastai.callback.progress import ProgressCallback
from fastai.data.all import CategoryBlock, DataBlock, DataLoaders, GrandparentSplitter, Normalize, Transform, get_image_files, parent_label, set_seed
from fastai.interpret import ClassificationInterpretation
from fastai.learner import Learner, load_learner
from fastai.metrics import accuracy
from fastai.torch_core import TensorCategory, TensorImage, TensorImageBW
from fastai.vision.augment import Flip, aug_transforms
from fastai.vision.data import ImageBlock, PILImageBW
import fastai.vision.learner # noqa: F401, registers plot_top_losses for images

root = Path(D.__file__).resolve().parent.parent
names = dict(train_x='train-images-idx3-ubyte', train_y='train-labels-idx1-ubyte', valid_x='t10k-images-idx3-ubyte', valid_y='t10k-labels-idx1-ubyte')
# of the unpacked files, as torchvision and many others publish them
md5s = dict(train_x='6bbc9ace898e44ae57da46a324031adb', train_y='a25bea736e30d166cdddb491f175f624', valid_x='2646ac647ad5339dbf082846283269ea', valid_y='27ae3e4e09519cfbb04c329615203637')


@pytest.fixture(scope='session')
def mnist(): return load_mnist()

@pytest.fixture(scope='session')
def small(mnist): return Mnist(mnist.train_x[:640], mnist.train_y[:640], mnist.valid_x[:200], mnist.valid_y[:200])

@pytest.fixture(autouse=True)
def no_figures_left():
    yield
    plt.close('all')

def net(ni=784, nf=10): return nn.Sequential(nn.Flatten(), nn.Linear(ni, nf))
def learner(dls, path='.', model=None, **kwargs):
    learn = Learner(dls, model or net(), metrics=accuracy, path=path, **kwargs)
    learn.remove_cb(ProgressCallback)
    learn.logger = lambda *args: None
    return learn

@pytest.fixture
def learn(small, tmp_path):
    set_seed(0)
    res = learner(mnist_dls(bs=64, data=small), tmp_path)
    res.fit(1, lr=1e-3)
    return res

def write_idx(path, t, magic=8):
    raw = bytes((0, 0, magic, t.ndim)) + struct.pack(f'>{t.ndim}I', *t.shape) + t.numpy().tobytes()
    path.write_bytes(gzip.compress(raw) if path.suffix == '.gz' else raw)

def tiny(): return dict(train_x=torch.arange(6*4, dtype=torch.uint8).view(6, 2, 2), train_y=torch.arange(6, dtype=torch.uint8),
                        valid_x=torch.arange(3*4, dtype=torch.uint8).view(3, 2, 2), valid_y=torch.arange(3, dtype=torch.uint8))
def write_folder(folder, tensors, ext=''):
    folder.mkdir(parents=True, exist_ok=True)
    for k,t in tensors.items(): write_idx(folder/f'{names[k]}{ext}', t)

def ids(n, dtype=torch.float32): # images that say which they are
    x = torch.zeros(n, 1, 2, 2, dtype=dtype)
    x[:,0,0,0] = torch.arange(n)
    return x
def id_dls(n=50, bs=10, **kwargs): return mnist_dls(bs=bs, data=(ids(n), torch.arange(n)%2, ids(n), torch.arange(n)%2), **kwargs)
def seen(dl): return [dl.dataset.denormalize(xb)[:,0,0,0].round().long() for xb,_ in dl]


# ---- the files

def test_load_mnist_equals_torchvision(mnist, tmp_path):
    from torchvision.datasets import MNIST
    raw = tmp_path/'MNIST'/'raw'
    raw.mkdir(parents=True)
    for k,name in names.items():
        content = gzip.decompress((D._mnist/f'{name}.gz').read_bytes())
        assert hashlib.md5(content).hexdigest() == md5s[k], name
        (raw/name).write_bytes(content)
    for train,x,y in ((True, mnist.train_x, mnist.train_y), (False, mnist.valid_x, mnist.valid_y)):
        ref = MNIST(tmp_path, train=train, download=False)
        assert torch.equal(ref.data, x) and torch.equal(ref.targets, y.long())
    for a,b in zip(load_mnist(tmp_path), mnist): assert torch.equal(a, b)

def test_load_mnist_shapes(mnist):
    assert mnist._fields == ('train_x', 'train_y', 'valid_x', 'valid_y')
    assert [tuple(o.shape) for o in mnist] == [(60_000, 28, 28), (60_000,), (10_000, 28, 28), (10_000,)]
    assert {o.dtype for o in mnist} == {torch.uint8}
    assert torch.bincount(mnist.train_y).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert torch.bincount(mnist.valid_y).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert (mnist.train_x.min(), mnist.train_x.max()) == (0, 255)

def test_each_load_is_the_callers_own(mnist):
    again = load_mnist()
    again.valid_y[0] = 99
    assert mnist.valid_y[0] == 7 and load_mnist().valid_y[0] == 7

@pytest.mark.parametrize('layout,ext', list(product(('.', 'raw', 'MNIST/raw'), ('', '.gz'))))
def test_own_folder(tmp_path, layout, ext):
    write_folder(tmp_path/layout, tiny(), ext)
    for path in (tmp_path, str(tmp_path)):
        for k,t in load_mnist(path)._asdict().items(): assert torch.equal(t, tiny()[k]), k
    dls = mnist_dls(bs=2, data=tmp_path)
    assert (len(dls.train_ds), len(dls.valid_ds), list(dls.vocab)) == (6, 3, list('012345'))

@settings(max_examples=25, deadline=None)
@given(shape=st.lists(st.integers(1, 5), min_size=1, max_size=4), packed=st.booleans())
def test_read_idx_reads_what_was_written(tmp_path_factory, shape, packed):
    t = torch.randint(0, 256, shape, dtype=torch.uint8)
    p = tmp_path_factory.getbasetemp()/('x.gz' if packed else 'x')
    write_idx(p, t)
    assert torch.equal(read_idx(p), t)

def test_missing_file(tmp_path):
    for folder in (tmp_path, tmp_path/'nowhere'):
        with pytest.raises(FileNotFoundError, match='train-images-idx3-ubyte') as e: load_mnist(folder)
        assert str(folder) in str(e.value) and 'MNIST/raw' in str(e.value)
    write_folder(tmp_path, tiny())
    (tmp_path/names['valid_y']).unlink()
    with pytest.raises(FileNotFoundError, match='t10k-labels-idx1-ubyte'): load_mnist(tmp_path)

def cut(raw): return raw[:-5]
def cut_header(raw): return raw[:7]
def longer(raw): return raw + b'x'
def other_type(raw): return raw[:2] + b'\x0d' + raw[3:]
def png(raw): return b'\x89PNG\r\n' + raw
def nothing(raw): return b''
@pytest.mark.parametrize('damage,says', [(cut, 'promises 6x2x2 = 24 values and holds 19'), (cut_header, 'ends within its header, after 7 bytes'), (longer, 'holds 25'),
                                         (other_type, 'starts with 00 00 0d 03'), (png, '89 50 4e 47'), (nothing, 'starts with nothing')])
def test_damaged_idx(tmp_path, damage, says):
    write_folder(tmp_path, tiny())
    p = tmp_path/names['train_x']
    p.write_bytes(damage(p.read_bytes()))
    with pytest.raises(ValueError, match=says) as e: load_mnist(tmp_path)
    assert str(p) in str(e.value)

@pytest.mark.parametrize('damage', [cut, nothing, png, lambda raw: raw[:40] + bytes((raw[40]^255,)) + raw[41:]])
def test_damaged_gzip(tmp_path, damage):
    write_folder(tmp_path, {k: torch.randint(0, 256, (6, 8, 8), dtype=torch.uint8) if k == 'train_x' else t for k,t in tiny().items()}, '.gz')
    p = tmp_path/f"{names['train_x']}.gz"
    p.write_bytes(damage(p.read_bytes()))
    with pytest.raises(ValueError, match='read_idx') as e: load_mnist(tmp_path)
    assert str(p) in str(e.value)

def test_files_that_do_not_belong_together(tmp_path):
    write_folder(tmp_path, {**tiny(), 'train_y': torch.arange(5, dtype=torch.uint8)})
    with pytest.raises(ValueError, match='6 train images but 5 labels'): load_mnist(tmp_path)
    write_folder(tmp_path, {**tiny(), 'train_x': torch.zeros(6, 4, dtype=torch.uint8)})
    with pytest.raises(ValueError, match=r'\(6, 4\)') as e: load_mnist(tmp_path)
    assert names['train_x'] in str(e.value)

def test_damaged_installation(tmp_path, monkeypatch):
    for k,name in names.items(): # small stand-ins: `_sha256` knows only the real ones
        shutil.copy(D._mnist/f"{name}.gz", tmp_path)
    monkeypatch.setattr(D, '_mnist', tmp_path)
    load_mnist()
    p = tmp_path/f"{names['valid_y']}.gz"
    good = p.read_bytes()
    labels = gzip.decompress(good)
    p.write_bytes(gzip.compress(labels[:8] + bytes(((labels[8]+1)%10,)) + labels[9:])) # a sound file with one label changed
    with pytest.raises(ValueError, match='reinstall') as e: load_mnist()
    assert str(p) in str(e.value)
    p.unlink()
    with pytest.raises(FileNotFoundError, match='reinstall') as e: load_mnist()
    assert names['valid_y'] in str(e.value)


# ---- what the batches are

def test_batches(mnist):
    dls = mnist_dls(bs=64)
    xb,yb = dls.one_batch()
    assert isinstance(dls, DataLoaders) and isinstance(dls.train, TensorDL)
    assert (tuple(xb.shape), xb.dtype, tuple(yb.shape), yb.dtype) == ((64, 1, 28, 28), torch.float32, (64,), torch.int64)
    assert type(xb) is torch.Tensor and type(yb) is torch.Tensor # a subclass would slow every layer down
    assert (len(dls.train), len(dls.valid), dls.c, list(dls.vocab)) == (937, 157, 10, list('0123456789'))
    assert dls.n_inp == 1 and dls.bs == 64
    assert torch.equal(dls.train_ds.x[:,0], mnist.train_x) and torch.equal(dls.valid_ds.y, mnist.valid_y.long())

def test_normalization(mnist):
    dls = mnist_dls(bs=10_000)
    whole = torch.cat([xb for xb,_ in dls.train]).double()
    assert abs(whole.mean()) < 1e-5 and abs(whole.std()-1) < 1e-5
    f = mnist.train_x.double()/255
    valid = torch.cat([xb for xb,_ in dls.valid])
    torch.testing.assert_close(valid[:,0].double(), (mnist.valid_x.double()/255-f.mean())/f.std(), atol=1e-4, rtol=0) # with training's statistics

def test_normalization_per_channel():
    x = torch.rand(40, 3, 5, 4)*torch.tensor([1., 10., 100.]).view(3, 1, 1) + torch.tensor([0., -5., 50.]).view(3, 1, 1)
    y = torch.arange(40)%4
    xb,_ = mnist_dls(bs=40, data=(x, y, x, y)).one_batch()
    torch.testing.assert_close(xb.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(xb.std((0, 2, 3), correction=0), torch.ones(3), atol=1e-5, rtol=0)

def test_same_batches_as_fastais_file_pipeline(small, tmp_path):
    "PNG files, PILImageBW, IntToFloatTensor and Normalize give the same numbers"
    data = Mnist(*(o[:60] for o in small))
    for split,x,y in (('train', data.train_x, data.train_y), ('valid', data.valid_x, data.valid_y)):
        for i,(im,label) in enumerate(zip(x, y.tolist())):
            p = tmp_path/split/str(label)/f'{i:03}.png'
            p.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(im.numpy()).save(p)
    ours = mnist_dls(bs=60, data=data)
    stats = [(o/255).tolist() for o in (ours.train_ds.mean, ours.train_ds.std)]
    block = DataBlock((ImageBlock(cls=PILImageBW), CategoryBlock), get_items=lambda p: sorted(get_image_files(p), key=lambda f: f.stem), splitter=GrandparentSplitter(), get_y=parent_label,
                      batch_tfms=Normalize(*(torch.tensor(o).view(1, -1, 1, 1) for o in stats)))
    theirs = block.dataloaders(tmp_path, bs=60, num_workers=0)
    assert list(theirs.vocab) == list(ours.vocab)
    for i in (0, 1):
        (x1,y1),(x2,y2) = (dls[i].new(shuffle=False).one_batch() for dls in (ours, theirs))
        torch.testing.assert_close(x1, x2.as_subclass(torch.Tensor), atol=1e-5, rtol=1e-5)
        assert torch.equal(y1, y2.as_subclass(torch.Tensor))

def test_digits(mnist):
    for digits in ((3, 7), [7, 3], {3, 7}, (3, 7, 3), np.array([3, 7]), torch.tensor([7, 3]), range(3, 8, 4), [3., 7.], (np.int64(7), torch.tensor(3))):
        dls = mnist_dls(bs=64, data=mnist, digits=digits)
        assert (list(dls.vocab), dls.c, len(dls.train_ds), len(dls.valid_ds)) == (['3', '7'], 2, 6131+6265, 1010+1028)
    m = (mnist.valid_y == 3) | (mnist.valid_y == 7)
    assert torch.equal(dls.valid_ds.x[:,0], mnist.valid_x[m]) and torch.equal(dls.valid_ds.y, (mnist.valid_y[m] == 7).long())
    xb,yb = dls.one_batch()
    assert set(yb.tolist()) == {0, 1}
    only = mnist_dls(bs=8, data=mnist, digits=4)
    assert (list(only.vocab), len(only.train_ds)) == (['4'], 5842)

@pytest.mark.parametrize('dtype', [torch.uint8, torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize('shape', [(6, 5), (1, 6, 5), (3, 6, 5)])
@pytest.mark.parametrize('numpy', [False, True])
def test_own_tensors(dtype, shape, numpy):
    x = (torch.rand(30, *shape)*200).to(dtype)
    y = torch.arange(30)%3*10 - 10 # labels need not be 0, 1, 2
    ref = x.float().view(30, -1, 6, 5)
    before = x.clone()
    dls = mnist_dls(bs=7, data=(x.numpy(), y.numpy(), x.numpy(), y.numpy()) if numpy else (x, y, x, y))
    xb,yb = next(iter(dls.valid))
    assert (tuple(xb.shape), xb.dtype, yb.dtype) == ((7, shape[0] if len(shape) == 3 else 1, 6, 5), torch.float32, torch.int64)
    mean,std = ref.mean((0, 2, 3)),ref.std((0, 2, 3), correction=0)
    torch.testing.assert_close(xb, (ref[:7]-mean.view(-1, 1, 1))/std.view(-1, 1, 1), atol=2e-4, rtol=1e-4)
    assert list(dls.vocab) == ['-10', '0', '10'] and yb.tolist() == [0, 1, 2, 0, 1, 2, 0]
    torch.testing.assert_close(dls.valid.decode((xb, yb))[0].as_subclass(torch.Tensor), ref[:7]/(255 if dtype == torch.uint8 else 1), atol=2e-3, rtol=1e-4)
    for _ in dls.train: pass
    learner(dls, model=net(ref[0].numel(), 3)).fit(1)
    assert torch.equal(x, before) # the caller's data stay as they were

def test_constant_channel():
    x = torch.zeros(10, 2, 3, 3); x[:,0] = torch.rand(10, 3, 3)
    xb,_ = mnist_dls(bs=10, data=(x, torch.arange(10)%2, x, torch.arange(10)%2)).one_batch()
    assert xb.isfinite().all() and (xb[:,1] == 0).all()

def test_decode_inverts_normalization(small):
    dls = mnist_dls(bs=64, data=small)
    b = dls.valid.one_batch()
    x,y = dls.valid.decode(b)
    assert isinstance(x, TensorImageBW) and isinstance(y, TensorCategory)
    torch.testing.assert_close(x.as_subclass(torch.Tensor)[:,0], small.valid_x[:64]/255, atol=1e-6, rtol=0)
    im,label = dls.valid.decode_batch(b, max_n=3)[0]
    assert str(label) == str(small.valid_y[0].item())
    own = mnist_dls(bs=4, data=(torch.rand(8, 3, 4, 4), torch.arange(8)%2)*2)
    x,_ = own.train.decode(own.one_batch())
    assert isinstance(x, TensorImage) and not isinstance(x, TensorImageBW)

def test_items_of_the_data_set(small):
    ds = mnist_dls(bs=64, data=small).valid_ds
    before = ds.x.clone()
    assert [y.item() for _,y in ds] == small.valid_y.tolist()
    assert torch.equal(ds[3][0], ds.batch([3])[0][0]) and torch.equal(ds[-1][1], ds.y[-1])
    assert torch.equal(ds.batch(torch.arange(200) < 5)[1], ds.y[:5])
    with pytest.raises(IndexError): ds[200]
    own = id_dls().train_ds
    with pytest.raises((TypeError, RuntimeError)): own[0:5]
    with pytest.raises((TypeError, RuntimeError)): own.batch(slice(0, 5))
    assert torch.equal(own.x, ids(50)) and torch.equal(ds.x, before) # a view would have been normalized in place


# ---- order, size, repetition

@settings(max_examples=60, deadline=None)
@given(n=st.integers(1, 40), bs=st.integers(1, 45), shuffle=st.booleans(), drop_last=st.booleans())
def test_batches_as_pytorch_cuts_them(n, bs, shuffle, drop_last):
    y = torch.arange(n)%3
    ds = ImageTensors(ids(n), y, range(3), torch.zeros(1), torch.ones(1))
    dl = TensorDL(ds, bs=bs, shuffle=shuffle, drop_last=drop_last)
    ref = torch.utils.data.DataLoader(torch.arange(n), batch_size=bs, drop_last=drop_last)
    got = seen(dl)
    assert [len(o) for o in got] == [len(o) for o in ref] and len(dl) == len(ref)
    whole = torch.cat(got) if got else torch.tensor([], dtype=torch.long)
    assert len(whole.unique()) == len(whole)
    if not shuffle: assert torch.equal(whole, torch.arange(len(whole)))
    for xb,yb in dl: assert torch.equal(xb[:,0,0,0].long()%3, yb) # images keep their labels

def test_every_training_image_once_and_in_another_order_each_epoch():
    dls = id_dls(50, bs=10)
    epochs = [torch.cat(seen(dls.train)) for _ in range(3)]
    for e in epochs: assert torch.equal(e.sort().values, torch.arange(50))
    assert not torch.equal(epochs[0], epochs[1]) and not torch.equal(epochs[1], epochs[2])
    assert all(torch.equal(torch.cat(seen(dls.valid)), torch.arange(50)) for _ in range(2))

def test_training_drops_the_incomplete_batch_and_validation_keeps_it():
    dls = id_dls(50, bs=16)
    assert [len(o) for o in seen(dls.train)] == [16]*3 and len(dls.train) == 3
    assert [len(o) for o in seen(dls.valid)] == [16, 16, 16, 2] and len(dls.valid) == 4
    left_out = [set(range(50)) - set(torch.cat(seen(dls.train)).tolist()) for _ in range(5)]
    assert len(set(map(tuple, left_out))) > 1 # not always the same two

def test_val_bs():
    dls = id_dls(50, bs=16, val_bs=50)
    assert (dls.train.bs, dls.valid.bs, len(dls.valid)) == (16, 50, 1)
    assert id_dls(50, bs=16).valid.bs == 16

def test_set_seed_repeats_everything(small):
    def run():
        set_seed(42)
        dls = mnist_dls(bs=64, data=small)
        learn = learner(dls)
        learn.fit(2)
        return torch.cat([p.flatten() for p in learn.model.parameters()]), torch.cat([y for _,y in dls.train])
    (p1,y1),(p2,y2) = run(),run()
    assert torch.equal(p1, p2) and torch.equal(y1, y2)
    set_seed(43)
    assert not torch.equal(torch.cat([y for _,y in mnist_dls(bs=64, data=small).train]), y1)

def test_new(small):
    dls = mnist_dls(bs=64, data=small)
    dl = dls.train.new(bs=10, shuffle=False, drop_last=False)
    assert isinstance(dl, TensorDL) and (dl.bs, len(dl)) == (10, 64) and torch.equal(next(iter(dl))[1], small.train_y[:10].long())
    assert dls.new(bs=7).bs == 7 # DataLoaders passes on to `train`
    assert [len(y) for _,y in dls.valid.new(n=50, bs=32)] == [32, 18]
    assert len(dls.train.new(num_workers=4).one_batch()[1]) == 64 # accepted, and needless
    assert [y for _,y in dls.valid.new(get_idxs=lambda: [5, 3, 3])][0].tolist() == small.valid_y[[5, 3, 3]].tolist()
    empty = dls.new_empty()
    assert len(empty.train_ds) == len(empty.valid_ds) == 0 and list(empty.vocab) == list(dls.vocab)
    assert [b for b in empty.valid] == []

def test_devices(small):
    for device in ('cpu', torch.device('cpu')): assert mnist_dls(bs=64, data=small, device=device).one_batch()[0].device.type == 'cpu'
    dls = mnist_dls(bs=64, data=small)
    for moved in (dls.cpu(), dls.to('cpu'), dls.to(torch.device('cpu'))):
        assert moved is dls and dls.device == torch.device('cpu') and dls.one_batch()[0].device.type == 'cpu'

@pytest.mark.skipif(not torch.cuda.is_available(), reason='no GPU')
def test_cuda(small):
    dls = mnist_dls(bs=64, data=small, device='cuda')
    xb,yb = dls.one_batch()
    assert xb.is_cuda and yb.is_cuda
    learn = learner(dls); learn.fit(1); learn.predict(small.valid_x[0])
    assert not dls.cpu().one_batch()[0].is_cuda

def test_pickle(small):
    dls = mnist_dls(bs=64, data=small)
    again = pickle.loads(pickle.dumps(dls))
    assert torch.equal(torch.cat([y for _,y in again.train]), torch.cat([y for _,y in dls.train])) # the random state too
    assert torch.equal(again.valid.one_batch()[0], dls.valid.one_batch()[0]) and list(again.vocab) == list(dls.vocab)
    assert again.train.shuffle and again.train.drop_last and len(again.one_batch()[1]) == 64


# ---- with a Learner

def test_fit_one_cycle_learns(mnist, tmp_path):
    set_seed(0)
    data = Mnist(mnist.train_x[:6000], mnist.train_y[:6000], mnist.valid_x[:2000], mnist.valid_y[:2000])
    learn = learner(mnist_dls(bs=64, data=data), tmp_path)
    learn.fit_one_cycle(1, 1e-2)
    assert learn.final_record[-1] > .85
    assert len(learn.recorder.lrs) == 93

def test_validate_equals_plain_pytorch(learn, small):
    loss,acc = learn.validate()
    f = small.train_x.float()
    x = ((small.valid_x.float() - f.mean())/f.std(correction=0)).unsqueeze(1)
    with torch.no_grad(): out = learn.model.eval()(x)
    y = small.valid_y.long()
    torch.testing.assert_close(torch.tensor(loss), F.cross_entropy(out, y), atol=1e-4, rtol=1e-4)
    assert abs(acc - (out.argmax(1) == y).float().mean()) < 1e-6
    assert abs(learn.validate(dl=learn.dls.test_dl(list(zip(small.valid_x, small.valid_y.long())), with_labels=True))[1] - acc) < 1e-6

@pytest.mark.parametrize('ds_idx,split', [(0, 'train'), (1, 'valid')])
def test_get_preds_keeps_the_order(learn, small, ds_idx, split):
    x,y = getattr(small, f'{split}_x'),getattr(small, f'{split}_y').long()
    preds,targs = learn.get_preds(ds_idx=ds_idx)
    assert torch.equal(targs, y) and len(preds) == len(y)
    torch.testing.assert_close(preds.sum(1), torch.ones(len(y)))
    f = small.train_x.float()
    with torch.no_grad(): out = learn.model.eval()(((x.float() - f.mean())/f.std(correction=0)).unsqueeze(1))
    torch.testing.assert_close(preds, out.softmax(1), atol=1e-4, rtol=1e-3)

def test_get_preds_of_a_shuffled_loader(learn, small):
    inp,preds,targs,dec,losses = learn.get_preds(dl=learn.dls.valid.new(shuffle=True), with_input=True, with_decoded=True, with_loss=True)
    assert torch.equal(targs, small.valid_y.long()) and torch.equal(dec, preds.argmax(1))
    torch.testing.assert_close(losses, F.nll_loss(preds.log(), targs, reduction='none'), atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(inp, torch.cat([x for x,_ in learn.dls.valid]))

def test_lr_find(learn):
    before = [p.clone() for p in learn.model.parameters()]
    res = learn.lr_find(num_it=15, show_plot=True)
    assert 1e-8 < res.valley < 10
    assert all(torch.equal(a, b) for a,b in zip(before, learn.model.parameters()))

def titles(): return [ax.get_title() for ax in plt.gcf().axes if ax.images]
def pictures(): return [np.asarray(ax.images[0].get_array()) for ax in plt.gcf().axes if ax.images]

def test_show_batch(small):
    dls = mnist_dls(bs=64, data=small)
    dls.valid.show_batch()
    assert titles() == [str(o) for o in small.valid_y[:9].tolist()]
    for im,ref in zip(pictures(), small.valid_x): np.testing.assert_allclose(im.squeeze(), ref.numpy()/255, atol=1e-5)
    plt.close('all')
    dls.show_batch(max_n=4, nrows=1)
    assert len(titles()) == 4
    plt.close('all')
    dls.show_batch(unique=True)
    assert len(titles()) == 9 and all((im == pictures()[0]).all() for im in pictures())
    assert len(torch.cat([y for _,y in dls.train]).unique()) == 10 # and is itself again

def test_show_batch_in_color():
    x = torch.rand(8, 3, 4, 4)
    mnist_dls(bs=4, data=(x, torch.arange(8)%2, x, torch.arange(8)%2)).valid.show_batch()
    assert titles() == ['0', '1', '0', '1']
    for im,ref in zip(pictures(), x): np.testing.assert_allclose(im, ref.permute(1, 2, 0), atol=1e-5)

def test_show_results(learn, small):
    dec = learn.get_preds(with_decoded=True)[2]
    learn.show_results(shuffle=False)
    assert titles() == [f'{t}\n{p}' for t,p in zip(small.valid_y[:9].tolist(), dec[:9].tolist())]

def test_test_dl_and_predict(learn, small, tmp_path):
    ims = small.valid_x[:12]
    files = [tmp_path/f'{i}.png' for i in range(12)]
    for f,im in zip(files, ims): Image.fromarray(im.numpy()).save(f)
    ref,_ = learn.get_preds()
    kinds = dict(tensor=ims, list_of_tensors=list(ims), with_channel=ims.unsqueeze(1), array=ims.numpy(), channel_last=list(ims.unsqueeze(-1).numpy()), files=files, names=[str(f) for f in files],
                 pil=[Image.open(f) for f in files], color=[Image.open(f).convert('RGB') for f in files], fastai=[PILImageBW.create(f) for f in files], typed=[TensorImageBW(o[None]) for o in ims])
    for kind,items in kinds.items():
        dl = learn.dls.test_dl(items, bs=5)
        assert [len(b) for b in dl] == [1]*3 and len(dl.dataset) == len(dl.items) == 12, kind
        preds,targs = learn.get_preds(dl=dl)
        assert targs is None, kind
        torch.testing.assert_close(preds, ref[:12], atol=1e-5, rtol=1e-4, msg=kind)
        label,idx,probs = learn.predict(items[0])
        assert str(label) == learn.dls.vocab[ref[0].argmax()] and idx == ref[0].argmax(), kind
        torch.testing.assert_close(probs, ref[0], atol=1e-5, rtol=1e-4)
    inp,*_ = learn.predict(ims[0], with_input=True)
    torch.testing.assert_close(inp.as_subclass(torch.Tensor).squeeze(), ims[0]/255, atol=1e-5, rtol=0)
    learn.dls.test_dl(ims).show_batch()
    assert len(titles()) == 9

@pytest.mark.parametrize('item', [torch.zeros(28, 27, dtype=torch.uint8), torch.zeros(3, 28, 28, dtype=torch.uint8), torch.rand(28, 28), torch.full((28, 28), 300)])
def test_an_image_the_model_was_not_made_for(learn, item):
    with pytest.raises(ValueError, match='this model was given') as e: learn.predict(item)
    assert str(tuple(item.shape[-2:]))[1:-1] in str(e.value) and '(1, 28, 28)' in str(e.value)

def test_export(learn, small, tmp_path):
    learn.export()
    f = tmp_path/'export.pkl'
    weights = sum(p.numel()*p.element_size() for p in learn.model.parameters())
    assert f.stat().st_size < weights + 40_000 # the 640 training images alone are 500,000 bytes
    assert len(learn.dls.train_ds) == 640 # and the Learner goes on with its data
    png = tmp_path/'digit.png'
    Image.fromarray(small.valid_x[0].numpy()).save(png)
    label,_,probs = learn.predict(png)
    with pytest.warns(UserWarning, match='insecure'): again = load_learner(f)
    again.remove_cb(ProgressCallback)
    assert str(again.predict(small.valid_x[0])[0]) == str(label) and list(again.dls.vocab) == list(learn.dls.vocab)
    code = f"import json, warnings; warnings.simplefilter('ignore'); from fastai.learner import load_learner\n" \
           f"label,_,probs = load_learner({str(f)!r}).predict({str(png)!r}); print(json.dumps([str(label), probs.tolist()]))"
    out = subprocess.run([sys.executable, '-c', code], cwd=tmp_path, env={**os.environ, 'PYTHONPATH': str(root)}, capture_output=True, text=True)
    assert out.returncode == 0, out.stderr
    l2,p2 = json.loads(out.stdout.splitlines()[-1])
    assert l2 == str(label)
    np.testing.assert_allclose(p2, probs, atol=1e-6)

def test_interpretation(learn, small):
    interp = ClassificationInterpretation.from_learner(learn)
    preds,y = learn.get_preds()
    guess = preds.argmax(1)
    cm = torch.zeros(10, 10, dtype=torch.long)
    for t,g in zip(y, guess): cm[t,g] += 1
    assert (interp.confusion_matrix() == cm.numpy()).all()
    off = cm - cm.diag().diag()
    a,b,n = interp.most_confused()[0]
    assert n == off.max() and off[int(a), int(b)] == n
    losses,idx = interp.top_losses(6)
    torch.testing.assert_close(losses, F.nll_loss(preds.log(), y, reduction='none').topk(6).values, atol=1e-4, rtol=1e-3)
    interp.plot_top_losses(6)
    assert [[p.strip() for p in o.split('/')[:2]] for o in titles()] == [[str(guess[i].item()), str(y[i].item())] for i in idx]
    for im,i in zip(pictures(), idx): np.testing.assert_allclose(im.squeeze(), small.valid_x[i].numpy()/255, atol=1e-5)
    plt.close('all')
    interp.plot_confusion_matrix()
    interp.show_results([3, 1])
    interp.print_classification_report()
    own = ClassificationInterpretation.from_learner(learn, dl=learn.dls.test_dl(list(zip(small.train_x[:20], small.train_y[:20].long())), with_labels=True))
    assert own.confusion_matrix().sum() == 20

def test_callbacks(learn, tmp_path):
    learn.fit(2, cbs=[SaveModelCallback(fname='best'), CSVLogger(fname='log.csv'), EarlyStoppingCallback(patience=5), GradientClip(.1)])
    assert (tmp_path/'models'/'best.pth').exists()
    assert len((tmp_path/'log.csv').read_text().splitlines()) == 3

def test_mixup(learn):
    learn.fit(1, cbs=MixUp(.4))
    assert torch.tensor(learn.final_record).isfinite().all()

def test_summary_and_freeze(learn):
    assert '784' in str(learn.summary())
    learn.freeze(); learn.unfreeze()

# ---- transforms that a reader adds

def test_added_transforms_change_training_images_only(small):
    plain,dls = mnist_dls(bs=64, data=small),mnist_dls(bs=64, data=small)
    dls.add_tfms([Flip(p=1.)], 'after_batch')
    (x,y),(fx,fy) = (o.train.new(shuffle=False).one_batch() for o in (plain, dls))
    torch.testing.assert_close(fx, x.flip(-1), atol=1e-3, rtol=1e-3)
    assert torch.equal(y, fy) and type(fx) is torch.Tensor
    torch.testing.assert_close(dls.valid.one_batch()[0], plain.valid.one_batch()[0], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(dls.test_dl(small.valid_x[:9]).one_batch()[0], plain.valid.one_batch()[0][:9], atol=1e-5, rtol=1e-5)

def test_added_transforms_see_what_fastai_gives_them(small):
    dls,got = mnist_dls(bs=64, data=small),[]
    class Invert(Transform):
        def encodes(self, x:TensorImage): got.append(x); return 1-x
        def decodes(self, x:TensorImage): return 1-x
    dls.add_tfms([Invert()], 'after_batch')
    b = dls.valid.one_batch()
    assert isinstance(got[0], TensorImageBW) and 0 <= got[0].min() and got[0].max() <= 1+1e-6
    ds = dls.valid_ds
    torch.testing.assert_close(b[0][:,0], (255-small.valid_x[:64].float()-ds.mean)/ds.std, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(dls.valid.decode(b)[0].as_subclass(torch.Tensor)[:,0], small.valid_x[:64]/255, atol=1e-5, rtol=0)

def test_augmentation_trains_and_tta(small, tmp_path):
    dls = mnist_dls(bs=64, data=small)
    dls.add_tfms(aug_transforms(do_flip=False, max_rotate=10, max_lighting=.2), 'after_batch')
    learn = learner(dls, tmp_path)
    learn.fit(1)
    ref,_ = learn.get_preds()
    preds,targs = learn.tta(n=2)
    assert torch.equal(targs, small.valid_y.long()) and preds.shape == ref.shape and not torch.allclose(preds, ref)
    assert torch.equal(learn.get_preds()[0], ref) # validation is still without them

@pytest.mark.parametrize('event', ['after_item', 'before_batch'])
def test_a_transform_that_would_never_run_is_refused(small, event):
    dls = mnist_dls(bs=64, data=small)
    dls.add_tfms([Transform(lambda o: o)], event)
    with pytest.raises(ValueError, match="event='after_batch'"): dls.one_batch()


# ---- whatever people have

x20,y20 = (torch.rand(20, 6, 5)*255).byte().numpy(),np.arange(20)%2
given = {
    'turned':               lambda: (np.rot90(x20, axes=(1, 2)), y20[::-1]),
    'every other':          lambda: (x20[::2], y20[::2]),
    'columns first':        lambda: (np.asfortranarray(x20), y20),
    'big-endian floats':    lambda: (x20.astype('>f4'), y20.astype('>i8')),
    'big-endian and turned': lambda: (x20.astype('>u2')[:, ::-1], y20.astype('>i2')),
    'int64':                lambda: (x20.astype(np.int64), y20.astype(np.uint8)),
    'uint16':               lambda: (x20.astype(np.uint16), y20.astype(np.uint32)),
    'beyond a byte':        lambda: (x20.astype(np.int32)*20 - 100, y20),
    'long doubles':         lambda: (x20.astype(np.longdouble), y20),
    'booleans':             lambda: (x20 > 100, y20),
    'read-only':            lambda: (np.frombuffer(x20.tobytes(), np.uint8).reshape(x20.shape), y20),
    'a list of arrays':     lambda: (list(x20), list(y20)),
    'nested lists':         lambda: (x20.tolist(), y20.tolist()),
    'a list of tensors':    lambda: (list(torch.from_numpy(x20)), torch.from_numpy(y20)),
    'PIL images':           lambda: ([Image.fromarray(o) for o in x20], y20),
    'a turned tensor':      lambda: (torch.from_numpy(x20).mT, torch.from_numpy(y20)),
}
@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize('kind', given)
def test_what_people_have_is_taken(kind):
    x,y = given[kind]()
    ref = torch.stack([o.float() if torch.is_tensor(o) else torch.tensor(np.array(o, np.float32)) for o in x])
    dls = mnist_dls(4, data=(x, y, x, y), val_bs=len(x))
    xb,yb = dls.valid.one_batch()
    torch.testing.assert_close(xb[:,0], (ref - ref.mean())/ref.std(correction=0), atol=1e-4, rtol=1e-4)
    assert yb.tolist() == [int(o) for o in y]
    for _ in dls.train: pass
    one = dls.test_dl([np.array(x[0]) if isinstance(x[0], list) else x[0]]).one_batch()[0] # the same kind of thing can be predicted
    torch.testing.assert_close(one[0], xb[0], atol=1e-4, rtol=1e-4)

def test_pil_images_in_color_and_of_many_kinds():
    color = [Image.fromarray(o) for o in (np.random.default_rng(0).random((6, 5, 4, 3))*255).astype(np.uint8)]
    for ims in (color, [o.convert('RGBA') for o in color], [o.convert('P') for o in color], [*color[:3], *(o.convert('L') for o in color[3:])]):
        dls = mnist_dls(2, data=(ims, [0, 1]*3, ims, [0, 1]*3))
        want = np.stack([np.asarray(o.convert('RGB')) for o in ims]).transpose(0, 3, 1, 2)
        assert (dls.valid_ds.x.numpy() == want).all()
    deep = [Image.fromarray(np.full((5, 4), v, np.uint16)) for v in (0, 1000, 40_000, 65_535)]
    assert mnist_dls(2, data=(deep, [0, 1]*2, deep, [0, 1]*2)).valid_ds.x[:,0,0,0].tolist() == [0, 1000, 40_000, 65_535]
    ones = [Image.fromarray(np.eye(4, dtype=bool)).convert('1')]*4
    assert mnist_dls(2, data=(ones, [0, 1]*2, ones, [0, 1]*2)).valid_ds.x[0,0].tolist() == (255*np.eye(4)).tolist()

def test_bytes_stay_bytes_and_both_sets_have_one_type():
    small,large = x20.astype(np.int64),x20.astype(np.int64)*2
    for a,b,kind in ((x20, small, torch.uint8), (small, small, torch.uint8), (small, large, torch.float32), (x20, large, torch.float32), (x20 > 9, x20 > 9, torch.float32)):
        dls = mnist_dls(4, data=(a, y20, b, y20))
        assert dls.train_ds.x.dtype == dls.valid_ds.x.dtype == kind
        assert (dls.valid_ds.x[:,0].numpy() == b).all()

# ---- files under the names that their sources give them

def emnist(folder, which, tensors, ext='', style=str):
    "A set as EMNIST names it; `style` changes the names"
    folder.mkdir(parents=True, exist_ok=True)
    for part,(a,b) in dict(train_x=('train', 'images-idx3'), train_y=('train', 'labels-idx1'), valid_x=('test', 'images-idx3'), valid_y=('test', 'labels-idx1')).items():
        write_idx(folder/(style(f'{which}-{a}-{b}-ubyte') + ext), tensors[part])

@pytest.mark.parametrize('ext', ['', '.gz'])
@pytest.mark.parametrize('layout', ['.', 'raw', 'EMNIST/raw'])
def test_emnist(tmp_path, layout, ext):
    for k,which in enumerate(('emnist-digits', 'emnist-letters', 'emnist-mnist')): emnist(tmp_path/layout, which, {p: t+k for p,t in tiny().items()}, ext)
    with pytest.raises(ValueError, match='several files') as e: load_mnist(tmp_path)
    assert 'emnist-digits-train-images-idx3-ubyte' in str(e.value) and 'emnist-letters-test-labels-idx1-ubyte' in str(e.value) and "'emnist-letters'" in str(e.value)
    for k,which in enumerate(('emnist-digits', 'EMNIST-Letters', 'emnist-mnist')):
        got = load_mnist(tmp_path, name=which)
        for part,t in tiny().items(): assert torch.equal(getattr(got, part), t+k)
    up = load_mnist(tmp_path, name='emnist-digits', transpose=True)
    assert torch.equal(up.train_x, tiny()['train_x'].mT) and torch.equal(up.valid_y, tiny()['valid_y'])
    with pytest.raises(FileNotFoundError, match="'emnist-balanced'"): load_mnist(tmp_path, name='emnist-balanced')

def test_emnist_alone_equals_torchvision(tmp_path):
    from torchvision.datasets import EMNIST
    x = torch.randint(0, 256, (6, 28, 28), dtype=torch.uint8)
    emnist(tmp_path/'EMNIST'/'raw', 'emnist-digits', dict(train_x=x, train_y=torch.arange(6, dtype=torch.uint8), valid_x=x[:3], valid_y=torch.arange(3, dtype=torch.uint8)))
    got = load_mnist(tmp_path)
    for train,x,y in ((True, got.train_x, got.train_y), (False, got.valid_x, got.valid_y)):
        ref = EMNIST(tmp_path, split='digits', train=train, download=False)
        assert torch.equal(ref.data, x) and torch.equal(ref.targets, y.long())

@pytest.mark.parametrize('folder', ['FashionMNIST/raw', 'KMNIST/raw', 'FashionMNIST', '.'])
def test_relatives_in_torchvisions_folders(tmp_path, folder):
    write_folder(tmp_path/folder, tiny())
    for part,t in tiny().items(): assert torch.equal(getattr(load_mnist(tmp_path/folder), part), t) # the folder itself
    if folder != 'FashionMNIST': # the root above it
        for part,t in tiny().items(): assert torch.equal(getattr(load_mnist(str(tmp_path)), part), t)

def test_a_root_with_several_relatives(tmp_path):
    write_folder(tmp_path/'FashionMNIST'/'raw', tiny())
    write_folder(tmp_path/'KMNIST'/'raw', tiny())
    with pytest.raises(ValueError, match='several files') as e: load_mnist(tmp_path)
    assert str(tmp_path/'FashionMNIST'/'raw') in str(e.value) and str(tmp_path/'KMNIST'/'raw') in str(e.value)
    write_folder(tmp_path/'MNIST'/'raw', {k: t+1 for k,t in tiny().items()}) # MNIST's own goes before them
    assert torch.equal(load_mnist(tmp_path).train_x, tiny()['train_x']+1)

@pytest.mark.parametrize('style', [lambda n: n.replace('-idx', '.idx'), str.upper, str.title, lambda n: n.replace('-', '_')])
@pytest.mark.parametrize('ext', ['', '.gz', '.GZ'])
def test_other_spellings(tmp_path, style, ext):
    for k,t in tiny().items():
        write_idx(tmp_path/'x.gz' if ext else tmp_path/'x', t)
        (tmp_path/('x.gz' if ext else 'x')).rename(tmp_path/(style(names[k]) + ext))
    for part,t in tiny().items(): assert torch.equal(getattr(load_mnist(tmp_path), part), t)

def test_two_spellings_of_one_file(tmp_path):
    write_folder(tmp_path, tiny())
    write_folder(tmp_path, {'train_x': tiny()['train_x']+1}, '.gz') # a packed twin, as torchvision leaves one
    assert torch.equal(load_mnist(tmp_path).train_x, tiny()['train_x'])
    write_idx(tmp_path/'train-images.idx3-ubyte', tiny()['train_x']+1)
    with pytest.raises(ValueError, match='several files') as e: load_mnist(tmp_path)
    assert 'train-images-idx3-ubyte' in str(e.value) and 'train-images.idx3-ubyte' in str(e.value)

def test_folders_that_look_like_files(tmp_path):
    write_folder(tmp_path, {k: t for k,t in tiny().items()}, '.gz')
    for k in names.values(): (tmp_path/k).mkdir()
    assert torch.equal(load_mnist(tmp_path).valid_x, tiny()['valid_x'])

def test_qmnist(tmp_path):
    "Labels of 32-bit numbers in eight columns, as its readme has them"
    for split,n in (('train', 6), ('test', 3)):
        write_idx(tmp_path/f'qmnist-{split}-images-idx3-ubyte', tiny()['train_x'][:n])
        y = np.arange(n*8, dtype='>i4').reshape(n, 8); y[:, 0] = np.arange(n)
        (tmp_path/f'qmnist-{split}-labels-idx2-int.gz').write_bytes(gzip.compress(bytes((0, 0, 12, 2)) + struct.pack('>2I', n, 8) + y.tobytes()))
    (tmp_path/'qmnist-test50k-labels-idx2-int').write_bytes(b'') # another set, with no images beside it
    got = load_mnist(tmp_path)
    assert got.train_y.tolist() == [0, 1, 2, 3, 4, 5] and got.valid_y.tolist() == [0, 1, 2] and got.train_y.dtype == torch.uint8
    full = read_idx(tmp_path/'qmnist-test-labels-idx2-int.gz')
    assert full.dtype == torch.int32 and full.tolist() == y.tolist()

def test_home(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    write_folder(tmp_path/'data', tiny())
    for path in ('~/data', Path('~/data')): assert torch.equal(load_mnist(path).train_x, tiny()['train_x'])
    assert len(mnist_dls(2, data='~/data', path='~/models').train_ds) == 6 and mnist_dls(2, data='~/data', path='~/models').path == tmp_path/'models'
    assert torch.equal(read_idx('~/data/t10k-labels-idx1-ubyte'), tiny()['valid_y'])

# ---- what it costs

def test_fastai_comes_with_the_first_loader():
    code = "import sys\ndef heavy(): return [m for m in ('fastai', 'numba', 'IPython', 'pandas', 'matplotlib') if m in sys.modules]\n" \
           "from cnn_notes.data import *\nx = load_mnist(); read_idx; a = heavy()\nmnist_dls(64, data=x); print(a, 'fastai' in heavy(), type(mnist_dls(64, data=x).train).__name__)\n" \
           "from fastai.vision.all import *\nfrom cnn_notes.data import TensorDL; print(isinstance(mnist_dls(64, data=x).valid, TensorDL))"
    out = subprocess.run([sys.executable, '-W', 'default::FutureWarning', '-c', code], env={**os.environ, 'PYTHONPATH': str(root)}, capture_output=True, text=True)
    assert (out.returncode, out.stdout, out.stderr) == (0, '[] True TensorDL\nTrue\n', ''), out

@pytest.mark.parametrize('whole', [True, False])
def test_a_pickle_is_as_large_as_its_images(mnist, tmp_path, whole):
    data = tuple(o[:512] for o in mnist)
    learn = Learner(mnist_dls(64, data=data), net(), path=tmp_path)
    images = 2*512*784
    written = pickle.dumps(learn if whole else learn.dls)
    assert images < len(written) < images + 100_000
    assert learn.dls.train_ds.x.data_ptr() == mnist.train_x.data_ptr() # in memory it is still no copy
    (tmp_path/'dls.pkl').write_bytes(written)
    code = "import pickle, warnings; warnings.simplefilter('ignore'); o = pickle.load(open('dls.pkl', 'rb')); dls = getattr(o, 'dls', o); print(len(dls.train_ds), int(dls.valid.one_batch()[1].sum()), type(dls.train))"
    out = subprocess.run([sys.executable, '-c', code], cwd=tmp_path, env={**os.environ, 'PYTHONPATH': str(root)}, capture_output=True, text=True)
    assert out.returncode == 0, out.stderr
    assert out.stdout == f"512 {int(mnist.valid_y[:64].long().sum())} <class 'cnn_notes.data.TensorDL'>\n"

def test_everything_follows_the_images_of_new(small):
    "No second device is at hand: `meta` stands for one, where nothing may mix either"
    ds = mnist_dls(bs=64, data=small).valid_ds
    there = ds.new(ds.x.to('meta'))
    assert {o.device.type for o in (there.x, there.mean, there.std, *there.batch([0, 1]), there.normalize(there.x[:2].float()), there.denormalize(there.x[:2].float()))} == {'meta'}
    assert ds.batch([0])[0].device.type == 'cpu' and ds.mean.device.type == 'cpu'

@pytest.mark.skipif(torch.__version__.startswith('2.4.'), reason='PyTorch 2.4: as_subclass fails on the simulated device, and fastai calls it')
@pytest.mark.parametrize('device', ['cuda', 'mps'])
def test_on_a_device_that_is_not_there(small, device, tmp_path):
    "Everything that a loader does, and images that come from elsewhere: see simulated.py"
    from simulated import simulated
    with simulated(device):
        for images in (small, tuple(o.to(device) for o in small), (small.train_x.double()/255, small.train_y, small.valid_x.double()/255, small.valid_y)):
            dls = mnist_dls(bs=64, data=images, device=device)
            x = small.valid_x[:20] if images[0].dtype == torch.uint8 else small.valid_x[:20]/255
            for dl in (dls.train, dls.valid, dls.train.new(shuffle=False, num_workers=2), dls.test_dl(x), dls.test_dl([(a, 1) for a in x], with_labels=True)):
                assert {o.device.type for o in dl.one_batch()} == {device}
        ds = mnist_dls(bs=64, data=small, device=device).valid_ds.to(device)
        for other in (ds.new(small.valid_x[:5, None], small.valid_y[:5].long()), ds.new(small.valid_x[:5, None].to(device), small.valid_y[:5].long())):
            b = other.batch([0, 1])
            assert {o.device for o in (*b, other.normalize(other.denormalize(b[0])))} == {other.x.device}
            torch.testing.assert_close(b[0].cpu(), ds.batch([0, 1])[0].cpu())
        dls = mnist_dls(bs=64, data=small, device=device)
        learn = learner(dls, tmp_path)
        learn.fit(1)
        preds = learn.get_preds()[0]
        assert str(learn.predict(small.valid_x[0])[0]) == dls.vocab[preds[0].argmax().item()]
        learn.show_results(); dls.show_batch(); dls.valid.show_batch()
        empty = dls.new_empty()
        assert [len(o) for o in (empty.train_ds, empty.valid_ds)] == [0, 0]
        for want in ('cpu', device, 'cpu'):
            there = dls.cpu() if want == 'cpu' else dls.to(want)
            assert {o.device.type for o in there.one_batch()} == {want} and there.train_ds.mean.device.type == want

# ---- what is refused

x10,y10 = torch.rand(10, 6, 6),torch.arange(10)%2
def data(**kwargs): return dict(data=list({**dict(tx=x10, ty=y10, vx=x10, vy=y10), **kwargs}.values()), bs=kwargs.pop('bs', 2))
bad = {
    'unknown digit':        (lambda: dict(**data(), digits=(0, 12)),     ValueError, ['digits', '[12]', '[0, 1]']),
    'a digit in words':     (lambda: dict(**data(), digits=['one']),     ValueError, ['digits', "['one']", '[0, 1]']),
    'no digits':            (lambda: dict(**data(), digits=()),          ValueError, ['digits is ()', 'None for all']),
    'one digit unknown':    (lambda: dict(**data(), digits=5),           ValueError, ['[5]', '[0, 1]']),
    'digit not in valid':   (lambda: dict(**data(vy=torch.zeros(10, dtype=torch.long)), digits=(1,)), ValueError, ['no validation image', '[1]']),
    'rank 2':               (lambda: data(tx=x10[0]),                    ValueError, ['train_x', '(6, 6)', '(N, [C,] H, W)']),
    'rank 5':               (lambda: data(vx=x10[:,None,None]),          ValueError, ['valid_x', '(10, 1, 1, 6, 6)', '(N, [C,] H, W)']),
    'fewer labels':         (lambda: data(ty=y10[:-1]),                  ValueError, ['train_y', '9', 'train_x', '10']),
    'labels of rank 2':     (lambda: data(vy=y10[:,None]),               ValueError, ['valid_y', '(10, 1)', '(N,)']),
    'float labels':         (lambda: data(ty=y10.float()),               TypeError,  ['train_y', 'float32', 'whole numbers']),
    'bool labels':          (lambda: data(ty=y10.bool()),                TypeError,  ['train_y', 'bool', 'whole numbers']),
    'bs 0':                 (lambda: dict(data(), bs=0),                 ValueError, ['bs is 0', '1 or more']),
    'bs negative':          (lambda: dict(data(), bs=-3),                ValueError, ['bs is -3', '1 or more']),
    'bs a fraction':        (lambda: dict(data(), bs=2.5),               TypeError,  ['bs is 2.5', 'whole number']),
    'val_bs 0':             (lambda: dict(data(), val_bs=0),             ValueError, ['val_bs is 0', '1 or more']),
    'bs above n':           (lambda: dict(data(), bs=11),                ValueError, ['bs is 11', '10 training images']),
    'NaN':                  (lambda: data(tx=x10.clone().index_fill_(0, torch.tensor(3), float('nan'))), ValueError, ['train_x', 'NaN']),
    'infinity in valid':    (lambda: data(vx=x10/0),                     ValueError, ['valid_x', 'infinity']),
    'whole-number images':  (lambda: data(tx=x10.long()),                ValueError, ['train_x', 'torch.int64', 'valid_x', 'torch.float32', 'alike']),
    'complex images':       (lambda: data(tx=x10.to(torch.complex64)),   TypeError,  ['train_x', 'complex64', 'real numbers']),
    'text':                 (lambda: data(tx=[['a']]*10),                TypeError,  ['train_x', "['a']", '(N, [C,] H, W)']),
    'images of two sizes':  (lambda: data(tx=[np.zeros((5, 6)), np.zeros((6, 6))]*5), TypeError, ['train_x', '(N, [C,] H, W)']),
    'bs True':              (lambda: dict(data(), bs=True),              TypeError,  ['bs is True', 'whole number']),
    'digits True':          (lambda: dict(**data(), digits=True),        ValueError, ['[True]', '[0, 1]']),
    'no such device':       (lambda: dict(**data(), device='gpu'),       ValueError, ["device is 'gpu'", "'cuda'"]),
    'no images':            (lambda: data(tx=x10[:0], ty=y10[:0]),       ValueError, ['train_x', 'at least one', '(0, 1, 6, 6)']),
    'no pixels':            (lambda: data(vx=x10[:,:0]),                 ValueError, ['valid_x', 'at least one', '(10, 1, 0, 6)']),
    'sizes differ':         (lambda: data(vx=torch.rand(10, 5, 6)),      ValueError, ['valid_x', '5', 'train_x', '6', 'equal']),
    'channels differ':      (lambda: data(vx=torch.rand(10, 3, 6, 6)),   ValueError, ['valid_x', '3', 'train_x', '1', 'equal']),
    'types differ':         (lambda: data(vx=(x10*9).byte()),            ValueError, ['torch.float32', 'torch.uint8', 'alike']),
    'label not in train':   (lambda: data(vy=y10+1),                     ValueError, ['valid_y', '[2]', 'train_y']),
    'three parts':          (lambda: dict(data=(x10, y10, x10)),         ValueError, ['3 parts', '(train_x, train_y, valid_x, valid_y)']),
    'no such folder':       (lambda: dict(data='no/such/folder'),        FileNotFoundError, ['no/such/folder', 'IDX']),
}
@pytest.mark.parametrize('case', bad)
def test_refused(case):
    kwargs,exc,says = bad[case]
    with pytest.raises(exc) as e: mnist_dls(**kwargs())
    missing = [o for o in says if o not in str(e.value)]
    assert not missing, f'{missing} not in: {e.value}'
    assert str(e.value).startswith(('mnist_dls: ', 'load_mnist: '))


# ---- no network, no noise

def test_no_socket_and_no_words():
    code = "import socket\nclass No(socket.socket):\n    def __init__(self, *args, **kwargs): raise RuntimeError('a socket was opened')\nsocket.socket = No\n" \
           "from cnn_notes.data import mnist_dls\nmnist_dls(bs=64).one_batch()"
    out = subprocess.run([sys.executable, '-c', code], env={**os.environ, 'PYTHONPATH': str(root)}, capture_output=True, text=True)
    assert (out.returncode, out.stdout, out.stderr) == (0, '', '')

def test_loading_opens_no_socket(monkeypatch):
    def no(*args, **kwargs): raise RuntimeError('a socket was opened')
    monkeypatch.setattr(socket, 'socket', no)
    mnist_dls(bs=64).show_batch()
