"`conv_matrix`, `im2col` and `col2im` against PyTorch"
import subprocess, sys
import pytest, torch, torch.nn as nn, torch.nn.functional as F
from hypothesis import assume, given, settings, strategies as st
from cnn_notes.matmul import col2im, conv_matrix, im2col

def pairs(low, high): return st.integers(low, high) | st.tuples(*[st.integers(low, high)]*2)
def pair(o): return o if isinstance(o, tuple) else (o, o)
windows = st.fixed_dictionaries(dict(stride=pairs(1, 4), padding=pairs(0, 3), dilation=pairs(1, 3)))
sizes   = st.tuples(st.integers(1, 9), st.integers(1, 9))
kernels = st.tuples(st.integers(1, 4), st.integers(1, 4))
dtypes  = st.sampled_from([torch.float32, torch.float64])
seeds   = st.integers(0, 2**31)

def fits(size, ks, kw):
    dilation,padding = pair(kw['dilation']),pair(kw['padding'])
    return all(d*(k-1)+1 <= n+2*p for n,k,d,p in zip(size, pair(ks), dilation, padding))
def close(a, b):
    assert a.dtype == b.dtype and a.shape == b.shape, (a.dtype, b.dtype, a.shape, b.shape)
    tol = 1e-4 if a.dtype == torch.float32 else 1e-10
    torch.testing.assert_close(a, b, rtol=tol, atol=tol)
def randn(seed, *shape, dtype=torch.float64, **kw):
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(seed), **kw)

layers = st.tuples(windows, sizes, kernels, st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), seeds)

@settings(max_examples=200, deadline=None)
@given(layers, dtypes, st.booleans())
def test_conv_matrix_is_conv2d(layer, dtype, name_channels):
    kw,size,ks,per_f,per_c,groups,seed = layer
    weight = randn(seed, per_f*groups, per_c, *ks, dtype=dtype)
    x = randn(seed+1, 2, per_c*groups, *size, dtype=dtype)
    in_size = x.shape[1:] if name_channels else size
    if not fits(size, ks, kw):
        with pytest.raises(ValueError, match='spans'): conv_matrix(weight, in_size, groups=groups, **kw)
        with pytest.raises(RuntimeError): F.conv2d(x, weight, groups=groups, **kw)
        return
    want = F.conv2d(x, weight, groups=groups, **kw)
    m,s = (conv_matrix(weight, in_size, groups=groups, sparse=o, **kw) for o in (False, True))
    assert m.shape == (want[0].numel(), x[0].numel())
    close(x.flatten(1) @ m.T, want.flatten(1))
    assert s.is_sparse and s.is_coalesced() and torch.equal(s.to_dense(), m)
    close((s @ x.flatten(1).T).T, want.flatten(1))
    # column j is what the layer makes of unit image j
    units = torch.eye(x[0].numel(), dtype=dtype).view(-1, *x.shape[1:])
    assert torch.equal(m, F.conv2d(units, weight, groups=groups, **kw).flatten(1).T)

@settings(max_examples=150, deadline=None)
@given(layers, st.booleans())
def test_gradients_are_conv2ds(layer, sparse):
    kw,size,ks,per_f,per_c,groups,seed = layer
    assume(fits(size, ks, kw))
    weight = randn(seed, per_f*groups, per_c, *ks).requires_grad_()
    x = randn(seed+1, per_c*groups, *size).requires_grad_()
    out = F.conv2d(x, weight, groups=groups, **kw)
    g = randn(seed+2, *out.shape)
    want_w,want_x = torch.autograd.grad(out, (weight, x), g)
    m = conv_matrix(weight, size, groups=groups, sparse=sparse, **kw)
    got_w,got_x = torch.autograd.grad(m @ x.flatten(), (weight, x), g.flatten(), retain_graph=True)
    close(got_w, want_w); close(got_x, want_x)
    close((m.detach().T @ g.flatten()).view_as(x), want_x)
    if sparse: return
    # tied: the sum over a weight's places of the gradient of a free matrix; the zero places take no part
    numbers = torch.arange(1., weight.numel()+1).view(weight.shape)
    which = conv_matrix(numbers, size, groups=groups, **kw).long()
    free = torch.outer(g.flatten(), x.detach().flatten())
    tied = torch.zeros(weight.numel()+1).double().index_add(0, which.flatten(), free.flatten())[1:]
    close(got_w, tied.view_as(weight))

def test_second_derivatives():
    weight,x = randn(0, 2, 1, 2, 2).requires_grad_(),randn(1, 1, 4, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda w: conv_matrix(w, (4, 3), padding=1, groups=2), weight)
    assert torch.autograd.gradgradcheck(lambda w,x: (conv_matrix(w, (4, 3)) @ x.flatten())**2, (weight, x))
    assert torch.autograd.gradcheck(lambda x: im2col(x, 2, padding=1, stride=2), x)
    assert torch.autograd.gradcheck(lambda c: col2im(c, (4, 3), 2), im2col(x, 2).detach().requires_grad_())

@settings(max_examples=150, deadline=None)
@given(layers, dtypes)
def test_transpose_is_conv_transpose2d(layer, dtype):
    kw,size,ks,per_f,per_c,groups,seed = layer
    assume(fits(size, ks, kw))
    weight = randn(seed, per_f*groups, per_c, *ks, dtype=dtype)
    out = F.conv2d(torch.zeros(1, per_c*groups, *size, dtype=dtype), weight, groups=groups, **kw).shape[2:]
    spans = [d*(k-1)+1 for k,d in zip(ks, pair(kw['dilation']))]
    padding,stride = pair(kw['padding']),pair(kw['stride'])
    missing = tuple((n + 2*p - sp)%s for n,p,sp,s in zip(size, padding, spans, stride))
    assert size == tuple((o-1)*s - 2*p + sp + r for o,s,p,sp,r in zip(out, stride, padding, spans, missing))
    g = randn(seed+1, 1, len(weight), *out, dtype=dtype)
    back = F.conv_transpose2d(g, weight, groups=groups, output_padding=missing, **kw)
    close((conv_matrix(weight, size, groups=groups, **kw).T @ g.flatten()).view(back.shape), back)

@settings(max_examples=200, deadline=None)
@given(windows, sizes, pairs(1, 4), st.integers(1, 3), st.sampled_from([(), (1,), (3,)]), dtypes, seeds)
def test_im2col_and_col2im_are_unfold_and_fold(kw, size, ks, channels, batch, dtype, seed):
    x = randn(seed, *batch, channels, *size, dtype=dtype)
    if not fits(size, ks, kw):
        with pytest.raises(ValueError, match='spans'): im2col(x, ks, **kw)
        with pytest.raises(ValueError, match='spans'): col2im(x.flatten(-2), size, ks, **kw)
        return
    cols = im2col(x, ks, **kw)
    assert torch.equal(cols, F.unfold(x, ks, **kw))
    y = randn(seed+1, *cols.shape, dtype=dtype)
    back = col2im(y, size, ks, **kw)
    close(back, F.fold(y, size, ks, **kw))
    # each the other's transpose: the inner products agree, and so do the gradients
    close((cols*y).sum(), (x*back).sum())
    xt,yt = x.clone().requires_grad_(),y.clone().requires_grad_()
    close(torch.autograd.grad(im2col(xt, ks, **kw), xt, y)[0], back)
    close(torch.autograd.grad(col2im(yt, size, ks, **kw), yt, x)[0], cols)

@settings(max_examples=60, deadline=None)
@given(layers)
def test_im2col_and_a_product_are_conv2d(layer):
    kw,size,ks,per_f,per_c,groups,seed = layer
    assume(fits(size, ks, kw) and groups == 1)
    weight,x = randn(seed, per_f, per_c, *ks),randn(seed+1, 2, per_c, *size)
    want = F.conv2d(x, weight, **kw)
    close((weight.flatten(1) @ im2col(x, ks, **kw)).view_as(want), want)

@settings(max_examples=60, deadline=None)
@given(windows, sizes, kernels)
def test_places_in_the_matrix(kw, size, ks):
    "Every weight is in a row at most once, and in a row without padding exactly once; no places are shared"
    assume(fits(size, ks, kw))
    which = conv_matrix(torch.arange(1., ks[0]*ks[1]+1).view(1, 1, *ks), size, **kw)
    for row in which: assert len(row[row > 0].unique()) == (row > 0).sum()
    if pair(kw['padding']) == (0, 0): assert ((which > 0).sum(1) == ks[0]*ks[1]).all()

@pytest.mark.parametrize('dtype', [torch.uint8, torch.int64, torch.bool, torch.float16, torch.bfloat16,
                                   torch.complex64])
def test_im2col_takes_any_dtype(dtype):
    x = torch.arange(20).view(1, 4, 5).to(dtype)
    cols = im2col(x, 2)
    want = torch.stack([x[0, i:i+3, j:j+4].flatten() for i in (0, 1) for j in (0, 1)])
    assert cols.dtype == dtype and torch.equal(cols, want)

@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_conv_matrix_keeps_the_dtype(dtype):
    weight = randn(0, 2, 1, 2, 2).to(dtype)
    assert conv_matrix(weight, (3, 3)).dtype == conv_matrix(weight, (3, 3), sparse=True).dtype == dtype
    assert torch.equal(conv_matrix(weight, (3, 3)), conv_matrix(weight.float(), (3, 3)).to(dtype))

def test_a_layers_own_attributes_fit():
    conv = nn.Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2)
    x = torch.randn(2, 4, 7, 8)
    out = conv(x)
    m = conv_matrix(conv.weight, x.shape[1:], conv.stride, conv.padding, conv.dilation, conv.groups)
    close(x.flatten(1) @ m.T + conv.bias.repeat_interleave(out[0, 0].numel()), out.flatten(1))
    assert m.requires_grad and not m.is_leaf

def test_col2im_is_contiguous_and_leaves_its_input_alone():
    cols = torch.randn(2, 9, 16)
    before = cols.clone()
    out = col2im(cols, (4, 4), 3, padding=1)
    assert out.is_contiguous() and torch.equal(cols, before)

def test_an_empty_batch():
    assert im2col(torch.zeros(0, 2, 4, 4), 3).shape == (0, 18, 4)
    assert col2im(torch.zeros(0, 18, 4), (4, 4), 3).shape == (0, 2, 4, 4)

def test_nan_stays_where_it_is_seen_in_the_sparse_matrix():
    x = torch.zeros(25); x[12] = float('nan')
    assert conv_matrix(torch.ones(1, 1, 3, 3), (5, 5), padding=1, sparse=True).mv(x).isnan().sum() == 9
    assert conv_matrix(torch.ones(1, 1, 3, 3), (5, 5), padding=1).mv(x).isnan().sum() == 25

w = torch.zeros(8, 3, 3, 3)
vgg = torch.zeros(64, 3, 3, 3)

def refused(error, said, f, *args, **kwargs):
    "The error names the function, says what was given, and what to do"
    pattern = rf'^({f.__name__}|Window\.out_size): .*{said}.*; (give|add) .+'
    with pytest.raises(error, match=pattern): f(*args, **kwargs)

@pytest.mark.parametrize('error, said, args, kw', [
    (TypeError,  r'weight is \[\[1.0\]\]', ([[1.]], (3, 3)), {}),
    (ValueError, r'weight is a .* of shape \(3, 3\)', (w[0, 0], (3, 3)), {}),
    (ValueError, r'weight is a .* of shape \(0, 3, 3, 3\)', (w[:0], (28, 28)), {}),
    (ValueError, r'weight is a .* of shape \(8, 3, 3, 0\)', (w[..., :0], (28, 28)), {}),
    (ValueError, r'weight is a .* on meta', (w.to('meta'), (28, 28)), {}),
    (TypeError,  'weight is an int64 tensor', (w.long(), (28, 28)), {}),
    (TypeError,  'weight is a complex64 tensor', (w.to(torch.complex64), (28, 28)), {}),
    (TypeError,  'in_size is 28', (w, 28), {}),
    (ValueError, r'in_size is \(1, 3, 28, 28\)', (w, (1, 3, 28, 28)), {}),
    (ValueError, r'in_size is \(0, 28\)', (w, (0, 28)), {}),
    (TypeError,  r'in_size is \(28.0, 28\)', (w, (28., 28)), {}),
    (ValueError, 'groups is 3', (w, (28, 28)), dict(groups=3)),
    (ValueError, 'groups is 0', (w, (28, 28)), dict(groups=0)),
    (TypeError,  'groups is 2.0', (w, (28, 28)), dict(groups=2.)),
    (ValueError, 'stride is 0', (w, (28, 28)), dict(stride=0)),
    (ValueError, r'stride is \(1, -1\)', (w, (28, 28)), dict(stride=(1, -1))),
    (ValueError, 'padding is -1', (w, (28, 28)), dict(padding=-1)),
    (TypeError,  "padding is 'same'", (w, (28, 28)), dict(padding='same')),
    (ValueError, 'dilation is 0', (w, (28, 28)), dict(dilation=0)),
    (TypeError,  'dilation is True', (w, (28, 28)), dict(dilation=True)),
    (TypeError,  r'stride is \(1, 1, 1\)', (w, (28, 28)), dict(stride=(1, 1, 1))),
    (ValueError, r'in_size is \(28, 2\).*spans \(3, 3\)', (w, (28, 2)), {}),
    (ValueError, r'in_size is \(4, 28\).*spans \(7, 7\)', (w, (4, 28)), dict(dilation=3, padding=1)),
    (ValueError, r'\(3211264, 150528\) numbers take 1,933.5 GB', (vgg, (224, 224)), dict(padding=1)),
    (ValueError, 'take 1.7 GB', (vgg, (224, 224)), dict(padding=1, sparse=True, max_gb=1)),
])
def test_conv_matrix_refuses(error, said, args, kw): refused(error, said, conv_matrix, *args, **kw)

def test_channels_that_do_not_fit():
    for size,kw in (((1, 28, 28), {}), ((3, 28, 28), dict(groups=2))):
        said = rf'^conv_matrix: weight has \d input channels but in_size has {size[0]}$'
        with pytest.raises(ValueError, match=said): conv_matrix(w, size, **kw)

image,columns = torch.zeros(1, 4, 4),torch.zeros(4, 9)
@pytest.mark.parametrize('error, said, f, args', [
    (TypeError,  r'x is \[1\]', im2col, ([1], 1)),
    (ValueError, r'x is a .* of shape \(4, 4\)', im2col, (image[0], 2)),
    (ValueError, r'in_size is \(0, 4\)', im2col, (image[:, :0], 2)),
    (ValueError, 'ks is 0', im2col, (image, 0)),
    (TypeError,  'ks is 2.5', im2col, (image, 2.5)),
    (ValueError, r'in_size is \(4, 4\).*spans \(5, 5\)', im2col, (image, 5)),
    (TypeError,  r'cols is \[1\]', col2im, ([1], 4, 2)),
    (ValueError, r'in_size is \(0, 4\)', col2im, (columns, (0, 4), 2)),
    (ValueError, r'cols has shape \(4, 8\); give \(..., c\*4, 9\)', col2im, (columns[:, :8], (4, 4), 2)),
    (ValueError, r'cols has shape \(5, 9\)', col2im, (torch.zeros(5, 9), (4, 4), 2)),
    (ValueError, r'cols is a .* of shape \(9,\)', col2im, (columns[0], (4, 4), 2)),
    (ValueError, r'cols is a .* of shape \(1, 1, 4, 9\)', col2im, (columns[None, None], (4, 4), 2)),
])
def test_im2col_and_col2im_refuse(error, said, f, args):
    with pytest.raises(error, match=rf'^({f.__name__}|Window\.out_size): {said}.*'): f(*args)

def test_images_without_channels():
    cols = im2col(torch.zeros(2, 0, 4, 4), 3)
    assert cols.shape == (2, 0, 4) and col2im(cols, 4, 3).shape == (2, 0, 4, 4)

def test_too_large_is_refused_before_it_is_built():
    for sparse in (False, True):
        with pytest.raises(ValueError, match='max_gb'):
            conv_matrix(torch.zeros(1, 1, 1, 1), (10**6, 10**6), sparse=sparse)
    assert conv_matrix(torch.zeros(2, 1, 3, 3), (30, 30), max_gb=.1).shape == (2*28*28, 900)

def test_imports_little():
    code = ("import sys, cnn_notes.matmul; "
            "print([m for m in ('fastai', 'matplotlib', 'IPython', 'cnn_notes.data') if m in sys.modules])")
    res = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert res.stdout.strip() == '[]', res.stdout
