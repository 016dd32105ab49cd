"What 03_channels says about channels, against PyTorch, for shapes at large"
import pytest, torch
import torch.nn as nn, torch.nn.functional as F
from hypothesis import given, settings, strategies as st

channels = st.integers(1, 5)
sizes    = st.tuples(st.integers(4, 9), st.integers(4, 9))
kernels  = st.tuples(st.integers(1, 4), st.integers(1, 4))
strides  = st.tuples(st.integers(1, 3), st.integers(1, 3))
paddings = st.tuples(st.integers(0, 2), st.integers(0, 2))
how      = st.fixed_dictionaries(dict(stride=strides, padding=paddings, dilation=st.just(1)))
batches  = st.integers(1, 3)
seeds    = st.integers(0, 2**32-1)

def rand(seed, *shapes):
    g = torch.Generator().manual_seed(seed)
    return [torch.randn(s, generator=g, dtype=torch.float64) for s in shapes]
def close(a, b): torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)

@settings(max_examples=100, deadline=None)
@given(batches, channels, channels, sizes, kernels, how, seeds)
def test_color_is_a_sum_over_planes(n, ni, nf, size, ks, how, seed):
    x, w, b = rand(seed, (n, ni, *size), (nf, ni, *ks), (nf,))
    planes = [torch.cat([F.conv2d(x[:, c:c+1], w[o:o+1, c:c+1], **how) for o in range(nf)], 1) for c in range(ni)]
    close(sum(planes) + b.view(-1, 1, 1), F.conv2d(x, w, b, **how))

@settings(max_examples=60, deadline=None)
@given(batches, channels, channels, sizes, kernels, seeds)
def test_one_output_is_one_sum_of_products(n, ni, nf, size, ks, seed):
    x, w, b = rand(seed, (n, ni, *size), (nf, ni, *ks), (nf,))
    out = F.conv2d(x, w, b)
    r, c = out.shape[2]-1, out.shape[3]//2
    close(out[-1, -1, r, c], (x[-1, :, r:r+ks[0], c:c+ks[1]]*w[-1]).sum() + b[-1])

@settings(max_examples=100, deadline=None)
@given(batches, st.integers(1, 4), st.integers(1, 3), st.integers(1, 3), sizes, kernels, how, seeds)
def test_groups_are_separate_convolutions(n, groups, ni, nf, size, ks, how, seed):
    x, w, b = rand(seed, (n, groups*ni, *size), (groups*nf, ni, *ks), (groups*nf,))
    alone = [F.conv2d(*o, **how) for o in zip(x.chunk(groups, 1), w.chunk(groups), b.chunk(groups))]
    close(F.conv2d(x, w, b, groups=groups, **how), torch.cat(alone, 1))

@settings(max_examples=60, deadline=None)
@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 3), sizes, kernels, seeds)
def test_groups_are_blocks_on_the_diagonal(groups, ni, nf, size, ks, seed):
    x, w = rand(seed, (2, groups*ni, *size), (groups*nf, ni, *ks))
    dense = w.new_zeros(groups*nf, groups*ni, *ks)
    for g in range(groups): dense[g*nf:(g+1)*nf, g*ni:(g+1)*ni] = w[g*nf:(g+1)*nf]
    close(F.conv2d(x, w, groups=groups), F.conv2d(x, dense))

@settings(max_examples=60, deadline=None)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4), kernels, st.booleans())
def test_how_many_weights(groups, ni, nf, ks, bias):
    conv = nn.Conv2d(groups*ni, groups*nf, ks, groups=groups, bias=bias)
    assert conv.weight.shape == (groups*nf, ni, *ks)
    assert sum(p.numel() for p in conv.parameters()) == groups*nf*ni*ks[0]*ks[1] + bias*groups*nf

@settings(max_examples=60, deadline=None)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4), st.integers(1, 9), sizes)
def test_a_wrong_number_of_channels_is_refused(groups, ni, nf, given_channels, size):
    x, w = torch.zeros(1, given_channels, *size), torch.zeros(groups*nf, ni, 1, 1)
    if given_channels == groups*ni: assert F.conv2d(x, w, groups=groups).shape == (1, groups*nf, *size)
    else:
        with pytest.raises(RuntimeError, match=f'to have {groups*ni} channels, but got {given_channels} '): F.conv2d(x, w, groups=groups)

@settings(max_examples=60, deadline=None)
@given(batches, channels, channels, sizes, seeds)
def test_1x1_is_linear_over_channels(n, ni, nf, size, seed):
    x, w, b = rand(seed, (n, ni, *size), (nf, ni), (nf,))
    close(F.conv2d(x, w[:, :, None, None], b), F.linear(x.permute(0, 2, 3, 1), w, b).permute(0, 3, 1, 2))

@settings(max_examples=100, deadline=None)
@given(batches, channels, channels, sizes, kernels, how, st.booleans(), st.booleans(), seeds)
def test_channels_last_changes_no_value(n, ni, nf, size, ks, how, x_last, w_last, seed):
    x, w, b = rand(seed, (n, ni, *size), (nf, ni, *ks), (nf,))
    def fmt(t, last): return t.to(memory_format=torch.channels_last) if last else t
    xl, wl = fmt(x, x_last), fmt(w, w_last)
    assert torch.equal(x, xl) and torch.equal(w, wl)
    close(F.conv2d(xl, wl, b, **how), F.conv2d(x, w, b, **how))

@settings(max_examples=60, deadline=None)
@given(batches, channels, sizes)
def test_channels_last_is_nhwc_in_memory(n, ni, size):
    x = torch.arange(n*ni*size[0]*size[1]).view(n, ni, *size)
    last = x.contiguous(memory_format=torch.channels_last)
    assert last.shape == x.shape and last.permute(0, 2, 3, 1).is_contiguous()
    assert torch.as_strided(last, (x.numel(),), (1,)).tolist() == x.permute(0, 2, 3, 1).flatten().tolist()
    assert last.is_contiguous() == (ni == 1) # a single channel leaves nothing to reorder

@settings(max_examples=60, deadline=None)
@given(channels, channels, sizes, kernels, how, seeds)
def test_unbatched_is_a_batch_of_one(ni, nf, size, ks, how, seed):
    x, w, b = rand(seed, (ni, *size), (nf, ni, *ks), (nf,))
    out = F.conv2d(x, w, b, **how)
    assert out.ndim == 3
    close(out, F.conv2d(x[None], w, b, **how)[0])

@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-2, 2), min_size=3, max_size=3), seeds)
def test_a_filter_answers_to_the_dot_product_of_the_color_change(mix, seed):
    a, b = rand(seed, 3, 3)
    im = torch.cat([o.view(3, 1, 1).expand(3, 4, 4) for o in (a, b)], 2)
    mix, edge = torch.tensor(mix, dtype=torch.float64), torch.tensor([[-1., 0, 1]]*3, dtype=torch.float64)
    out = F.conv2d(im, (mix.view(3, 1, 1)*edge)[None])
    close(out[0, :, 3], (3*(b-a) @ mix).expand(2))
    close(out[0, :, 0], torch.zeros(2, dtype=torch.float64))
