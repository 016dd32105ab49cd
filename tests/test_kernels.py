"cnn_notes.kernels against PyTorch and SciPy: sizes, strides, paddings, types, gradients, and what is refused"
import re, subprocess, sys
import numpy as np, pytest, torch
import torch.nn.functional as F
from hypothesis import assume, given, settings, strategies as st
from scipy.signal import convolve2d, correlate2d
from cnn_notes import kernels
from cnn_notes.kernels import apply_kernel, correlate, edge_kernels, top_edge

check  = settings(max_examples=200)
sizes  = st.tuples(st.integers(1, 16), st.integers(1, 16))
ksizes = st.tuples(st.integers(1, 6), st.integers(1, 6))
odd    = st.sampled_from([1, 3, 5, 7])
dtypes = st.sampled_from([torch.float32, torch.float64])
pairs  = lambda lo, hi: st.one_of(st.integers(lo, hi), st.tuples(st.integers(lo, hi), st.integers(lo, hi)))
seeds  = st.integers(0, 2**16)

def seeded(seed): return torch.Generator().manual_seed(seed)
def randn(*shape, seed=0, dtype=torch.float32):
    return torch.randn(shape, generator=seeded(seed), dtype=torch.float64).to(dtype)
def whole(*shape, seed=0): # sums of whole numbers are exact
    return torch.randint(-9, 10, shape, generator=seeded(seed)).float()
def conv2d(img, k, **kwargs): return F.conv2d(img[None, None], k[None, None], **kwargs)[0, 0]
def both(o): return o if isinstance(o, tuple) else (o, o)
def fits(size, ks, padding): return all(n + 2*p >= k for n,k,p in zip(size, ks, both(padding)))

# correlate

@check
@given(sizes, ksizes, pairs(1, 4), pairs(0, 4), dtypes, seeds)
def test_correlate_is_conv2d(size, ks, stride, padding, dtype, seed):
    assume(fits(size, ks, padding))
    img, k = randn(*size, seed=seed, dtype=dtype), randn(*ks, seed=seed+1, dtype=dtype)
    got, want = correlate(img, k, stride, padding), conv2d(img, k, stride=stride, padding=padding)
    assert got.dtype == dtype and got.shape == want.shape
    torch.testing.assert_close(got, want)

@check
@given(sizes, ksizes, pairs(1, 3), pairs(0, 3), seeds)
def test_correlate_is_exact_on_whole_numbers(size, ks, stride, padding, seed):
    assume(fits(size, ks, padding))
    img, k = whole(*size, seed=seed), whole(*ks, seed=seed+1)
    assert torch.equal(correlate(img, k, stride, padding), conv2d(img, k, stride=stride, padding=padding))

@check
@given(sizes, ksizes, seeds)
def test_correlate_is_scipys_and_the_flip_is_convolution(size, ks, seed):
    img, k = whole(*size, seed=seed), whole(*ks, seed=seed+1)
    full = dict(padding=(ks[0]-1, ks[1]-1))
    assert np.array_equal(correlate(img, k, **full), correlate2d(img, k))
    assert np.array_equal(correlate(img, k.flip(0, 1), **full), convolve2d(img, k))
    if fits(size, ks, 0): assert np.array_equal(correlate(img, k), correlate2d(img, k, mode='valid'))

@check
@given(sizes, ksizes, pairs(1, 3), pairs(0, 3), seeds)
def test_gradients_are_conv2ds(size, ks, stride, padding, seed):
    assume(fits(size, ks, padding))
    def grads(f):
        img,k = (randn(*o, seed=seed, dtype=torch.float64).requires_grad_() for o in (size, ks))
        f(img, k, stride=stride, padding=padding).square().sum().backward()
        return img.grad, k.grad
    for got, want in zip(grads(correlate), grads(conv2d)): torch.testing.assert_close(got, want)

@check
@given(sizes, ksizes, pairs(0, 3), seeds)
def test_a_kernel_on_zeros_is_zero(size, ks, padding, seed):
    assume(fits(size, ks, padding))
    assert not correlate(torch.zeros(size), randn(*ks, seed=seed)*1e3, padding=padding).any()

@check
@given(sizes, ksizes, st.integers(1, 3), st.integers(0, 2), st.sampled_from([float('nan'), float('inf')]),
       st.booleans(), st.data())
def test_nan_spoils_the_outputs_that_see_it_and_no_other(size, ks, stride, padding, bad, zero_weights, data):
    assume(fits(size, ks, padding))
    img, k = torch.ones(size), torch.zeros(ks) if zero_weights else torch.ones(ks)
    i, j = (data.draw(st.integers(0, n-1)) for n in size)
    seen = torch.zeros(size); seen[i, j] = 1
    img[i, j] = bad
    sees = conv2d(seen, torch.ones(ks), stride=stride, padding=padding) > 0
    assert torch.equal(~correlate(img, k, stride, padding).isfinite(), sees)

def test_inputs_stay_as_they_are():
    img, k = randn(6, 7), randn(2, 3)
    a, b = img.clone(), k.clone()
    out = correlate(img, k); out.add_(1)
    one = correlate(img, torch.ones(1, 1)); one.add_(1) # a 1 x 1 kernel must not give a view of the image
    assert torch.equal(img, a) and torch.equal(k, b)

@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision(dtype):
    img, k = whole(6, 6).to(dtype), top_edge.to(dtype)
    assert correlate(img, k).dtype == dtype
    assert torch.equal(correlate(img, k).float(), conv2d(img.float(), top_edge))

def test_strided_and_transposed_images():
    img = whole(12, 16)
    for x in (img.T, img[::2, 1::3], img[2:9, 3:14]):
        assert torch.equal(correlate(x, top_edge), conv2d(x.contiguous(), top_edge))

# apply_kernel

@check
@given(sizes, st.tuples(odd, odd), dtypes, seeds, st.data())
def test_apply_kernel_is_conv2d_at_its_place(size, ks, dtype, seed, data):
    assume(fits(size, ks, 0))
    img, k = randn(*size, seed=seed, dtype=dtype), randn(*ks, seed=seed+1, dtype=dtype)
    row, col = (data.draw(st.integers(o//2, n-1-o//2)) for n,o in zip(size, ks))
    got = apply_kernel(img, row, col, k)
    assert got.shape == () and got.dtype == dtype
    torch.testing.assert_close(got, conv2d(img, k)[row - ks[0]//2, col - ks[1]//2])

@check
@given(sizes, st.tuples(odd, odd), st.integers(-20, 20), st.integers(-20, 20))
def test_apply_kernel_stays_within_the_image(size, ks, row, col):
    inside = all(o//2 <= i < n - o//2 for i,n,o in zip((row, col), size, ks))
    if inside: assert apply_kernel(torch.ones(size), row, col, torch.ones(ks)) == ks[0]*ks[1]
    else:
        with pytest.raises(ValueError, match='^apply_kernel: .* leaves img'):
            apply_kernel(torch.ones(size), row, col, torch.ones(ks))

def test_places_may_be_tensors():
    img = whole(5, 5)
    assert apply_kernel(img, torch.tensor(2), np.int64(2), top_edge) == apply_kernel(img, 2, 2, top_edge)

# the kernels

def test_edge_kernels():
    assert list(edge_kernels) == ['top', 'diag2', 'right', 'diag3', 'bottom', 'diag4', 'left', 'diag1']
    for name,k in edge_kernels.items():
        assert k is getattr(kernels, f'{name}_edge')
        assert k.shape == (3, 3) and k.dtype == torch.float32 and k.is_contiguous() and not k.requires_grad
        assert k.sum() == 0 and torch.equal(k.flip(0, 1), -k)
    ks = list(edge_kernels.values())
    for a,b in zip(ks, ks[4:]): assert torch.equal(a, -b) # opposite in the circle, opposite in sign
    assert len({tuple(k.flatten().tolist()) for k in ks}) == len({k.data_ptr() for k in ks}) == 8

@pytest.mark.parametrize('name, ink', [ # where the ink is, in a 3 x 3 window at an edge of that name
    ('top', [[0, 0, 0], [0, 0, 0], [1, 1, 1]]), ('left', [[0, 0, 1], [0, 0, 1], [0, 0, 1]]),
    ('bottom', [[1, 1, 1], [0, 0, 0], [0, 0, 0]]), ('right', [[1, 0, 0], [1, 0, 0], [1, 0, 0]]),
    ('diag1', [[0, 0, 0], [0, 0, 1], [0, 1, 1]]), ('diag2', [[0, 0, 0], [1, 0, 0], [1, 1, 0]]),
    ('diag3', [[1, 1, 0], [1, 0, 0], [0, 0, 0]]), ('diag4', [[0, 1, 1], [0, 0, 1], [0, 0, 0]])])
def test_each_kernel_answers_most_to_its_own_edge(name, ink):
    response = {n: apply_kernel(torch.tensor(ink).float(), 1, 1, k).item() for n,k in edge_kernels.items()}
    assert max(response, key=response.get) == name and sorted(response.values())[-2] < response[name] == 3

# what is refused

img = torch.ones(5, 6)

def refused(error, f, param, said, **kwargs):
    "The error says whose it is, which parameter, what was given, and what to do"
    pattern = f'^{f.__name__}: {param} (is|has) .*{said}.*; (give|move) .+'
    with pytest.raises(error, match=pattern): f(**kwargs)

@pytest.mark.parametrize('param, value, error, said', [
    ('img',    img.byte(),              TypeError,  'uint8 tensor'),
    ('kernel', top_edge.long(),         TypeError,  'int64 tensor'),
    ('img',    img > 0,                 TypeError,  'bool'),
    ('img',    img.to(torch.complex64), TypeError,  'complex64'),
    ('kernel', top_edge.double(),       ValueError, 'float64.* img has .*float32'),
    ('kernel', top_edge.to('meta'),     ValueError, 'meta.* img has .*cpu'),
    ('img',    img.numpy(),             TypeError,  'float32 array'),
    ('kernel', [[1., 2.]],              TypeError,  r'\[\[1.0, 2.0\]\]'),
    ('img',    img[0],                  ValueError, r'shape \(6,\)'),
    ('img',    img[None, None],         ValueError, r'shape \(1, 1, 5, 6\)'),
    ('kernel', top_edge[None],          ValueError, r'shape \(1, 3, 3\)'),
    ('kernel', torch.ones(3, 0),        ValueError, r'shape \(3, 0\)'),
])
def test_refused_by_both(param, value, error, said):
    kwargs = dict(img=img, kernel=top_edge) | {param: value}
    refused(error, correlate, '(img|kernel)', said, **kwargs)
    refused(error, apply_kernel, '(img|kernel)', said, row=2, col=2, **kwargs)

@pytest.mark.parametrize('param, value, error', [
    ('stride', 0, ValueError), ('stride', (1, -2), ValueError), ('stride', 1., TypeError),
    ('stride', True, TypeError), ('stride', (1, 2, 3), TypeError), ('stride', (1,), TypeError),
    ('padding', -1, ValueError),
    ('padding', None, TypeError), ('padding', 'same', TypeError), ('padding', (True, 0), TypeError)])
def test_correlate_refuses(param, value, error):
    refused(error, correlate, param, re.escape(repr(value)), img=img, kernel=top_edge, **{param: value})

@pytest.mark.parametrize('ks, padding, said', [((6, 1), 0, '6 x 1 .*5 x 6'), ((3, 9), 1, '3 x 9 .*7 x 8')])
def test_correlate_refuses_a_kernel_larger_than_the_padded_image(ks, padding, said):
    refused(ValueError, correlate, 'kernel', said, img=img, kernel=torch.ones(ks), padding=padding)

@pytest.mark.parametrize('param, value, error', [
    ('row', 1.5, TypeError), ('row', True, TypeError), ('col', None, TypeError)])
def test_apply_kernel_refuses(param, value, error):
    args = dict(img=img, row=2, col=2, kernel=top_edge) | {param: value}
    refused(error, apply_kernel, param, repr(value), **args)

def test_an_even_kernel_has_no_center():
    refused(ValueError, apply_kernel, 'kernel', r'\(2, 3\)', img=img, row=2, col=2, kernel=torch.ones(2, 3))

@pytest.mark.parametrize('row, col, ks', [(0, 2, 3), (2, -1, 3), (4, 2, 3), (2, 5, 3), (2, 2, 7)])
def test_a_window_that_leaves_the_image(row, col, ks):
    with pytest.raises(ValueError, match=rf'^apply_kernel: .*\({row}, {col}\).* leaves img; .+'):
        apply_kernel(img, row, col, torch.ones(ks, ks))

# the package

def test_import_costs_what_torch_costs():
    code = ("import sys, torch, numpy, cnn_notes.kernels; "
            "print([m for m in ('fastai', 'matplotlib', 'IPython', 'cnn_notes.data') if m in sys.modules])")
    res = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert res.stdout.strip() == '[]', res.stdout
    assert not res.stderr
