"Hand-made features against scikit-image, SciPy and definitions in plain loops"
import math
import numpy as np
import pytest, torch
import torch.nn.functional as F
from hypothesis import given, settings, strategies as st
from torch.testing import assert_close
from cnn_notes.classic import cell_histograms, fit_gabor, gabor_bank, gabor_energy, gabor_kernel, hog, lbp, orientations, sobel, uniform_bin

seeds = st.integers(0, 10_000)
sizes = st.tuples(st.integers(1, 3), st.integers(3, 24), st.integers(3, 24))
quick = settings(max_examples=60, deadline=None)

def images(size, seed, whole=False):
    "A batch, float64: numbers from 0 to 1, or bytes"
    g = torch.Generator().manual_seed(seed)
    n,h,w = size
    return torch.randint(0, 256, (n, 1, h, w), generator=g).double() if whole else torch.rand(n, 1, h, w, generator=g, dtype=torch.float64)

# ---- Sobel

@quick
@given(sizes, seeds)
def test_sobel_is_scikit_images_and_scipys(size, seed):
    filters,ndimage = pytest.importorskip('skimage.filters'),pytest.importorskip('scipy.ndimage')
    x = images(size, seed)
    for im,(dy,dx) in zip(x[:, 0].numpy(), sobel(x).numpy()):
        np.testing.assert_allclose(math.sqrt(2)*np.hypot(dy, dx), filters.sobel(im), atol=1e-12) # theirs: root mean square of twice the slopes
        np.testing.assert_allclose(8*dy, ndimage.sobel(im, 0, mode='nearest'), atol=1e-12)
        np.testing.assert_allclose(8*dx, ndimage.sobel(im, 1, mode='nearest'), atol=1e-12)

@quick
@given(st.floats(-5, 5), st.floats(-5, 5), st.integers(3, 9), st.integers(3, 9))
def test_sobel_gives_the_slope_of_a_ramp(down, right, h, w):
    ramp = (down*torch.arange(h).double()[:, None] + right*torch.arange(w).double())[None, None]
    assert_close(sobel(ramp)[0, :, 1:-1, 1:-1], torch.tensor([down, right], dtype=torch.float64).view(2, 1, 1).expand(2, h-2, w-2), atol=1e-9, rtol=0)

# ---- Gabor

@quick
@given(st.floats(2.5, 8), st.floats(0, math.pi), st.floats(.5, 2), st.floats(-math.pi, math.pi), st.floats(1, 4))
def test_gabor_kernel_is_scikit_images(wavelength, theta, gamma, phase, sigma):
    filters = pytest.importorskip('skimage.filters')
    theirs = filters.gabor_kernel(1/wavelength, theta, sigma_x=sigma, sigma_y=sigma/gamma, offset=phase, n_stds=4).real*2*math.pi*sigma**2/gamma # theirs has a window of sum 1
    h,w = (s//2 for s in theirs.shape)
    r = min(h, w, 7)
    np.testing.assert_allclose(gabor_kernel(2*r+1, wavelength, theta, sigma, gamma, phase), theirs[h-r:h+r+1, w-r:w+r+1], atol=1e-6)

def test_gabor_kernel_has_an_octave_by_default():
    filters = pytest.importorskip('skimage.filters')
    theirs = filters.gabor_kernel(1/5, .7, bandwidth=1).real
    theirs = theirs/theirs.max()
    r = theirs.shape[0]//2
    np.testing.assert_allclose(gabor_kernel(2*r+1, 5, .7), theirs, atol=1e-6)

def test_gabor_kernel_by_its_formula():
    k,(w,t,s,g,p) = gabor_kernel(7, 4., .5, 1.5, .7, .3),(4., .5, 1.5, .7, .3)
    for i in range(7):
        for j in range(7):
            y,x = i-3,j-3
            a,b = x*math.cos(t) + y*math.sin(t),y*math.cos(t) - x*math.sin(t)
            assert abs(k[i, j].item() - math.exp(-(a*a + g*g*b*b)/(2*s*s))*math.cos(2*math.pi*a/w + p)) < 1e-6

@quick
@given(st.integers(1, 7).map(lambda i: 2*i+1), st.lists(st.floats(2.5, 12), min_size=1, max_size=3), st.integers(1, 6), seeds)
def test_bank_and_energy(ks, wavelengths, orientations, seed):
    bank = gabor_bank(ks, wavelengths, orientations)
    assert bank.shape == (2*len(wavelengths)*orientations, 1, ks, ks) and bank.sum((1, 2, 3)).abs().max() < 1e-4
    assert_close(bank.flatten(1).norm(dim=1), torch.ones(len(bank)))
    x = images((2, ks+4, ks+7), seed)
    full = gabor_energy(x, bank)
    inner = F.conv2d(x, bank.double())
    p = ks//2
    assert_close(full[..., p:-p, p:-p], torch.hypot(inner[:, ::2], inner[:, 1::2]))
    assert_close(gabor_energy(x, bank, stride=3), full[..., ::3, ::3])
    assert gabor_energy(torch.full_like(x, 7), bank).max() < 1e-4

@settings(max_examples=6, deadline=None)
@given(st.integers(4, 8), st.floats(0, math.pi-.01), seeds)
def test_a_fit_finds_the_gabor_that_it_was_given(wavelength, theta, seed):
    k = gabor_kernel(9, wavelength, theta, sigma=2., phase=seed)
    fit = fit_gabor(3*k[None])
    assert fit.share[0] > .99, fit
    assert (fit.fitted[0] - 3*k).norm() < .11*(3*k).norm()

# ---- histograms, HOG

@quick
@given(sizes, st.integers(1, 5), st.integers(1, 6), seeds, st.booleans())
def test_cell_histograms_are_pooled_planes(size, cell, n, seed, weighted):
    cell = min(cell, *size[1:])
    g = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, n, size, generator=g)
    weight = torch.rand(size, generator=g) if weighted else None
    planes = F.one_hot(labels, n).permute(0, 3, 1, 2)*(1. if weight is None else weight[:, None])
    assert_close(cell_histograms(labels, n, cell, weight), F.avg_pool2d(planes, cell))

@quick
@given(st.tuples(st.integers(1, 2), st.integers(12, 30), st.integers(12, 30)), st.integers(2, 5), st.integers(1, 2), st.integers(2, 12), seeds)
def test_hog_is_scikit_images(size, cell, block, bins, seed):
    feature = pytest.importorskip('skimage.feature')
    x = images(size, seed)
    for im,ours in zip(x[:, 0].numpy(), hog(x, cell, block, bins)):
        theirs = feature.hog(im, orientations=bins, pixels_per_cell=(cell, cell), cells_per_block=(block, block), block_norm='L2-Hys')
        np.testing.assert_allclose(ours, theirs, atol=1e-5) # scikit-image adds up votes in single precision

@quick
@given(st.tuples(st.integers(1, 2), st.integers(12, 30), st.integers(12, 30)), seeds)
def test_hog_of_bytes_is_scikit_images(size, seed):
    feature = pytest.importorskip('skimage.feature')
    x = images(size, seed, whole=True)
    for im,ours in zip(x[:, 0].numpy(), hog(x)):
        np.testing.assert_allclose(ours, feature.hog(im, orientations=9, pixels_per_cell=(4, 4), cells_per_block=(2, 2)), atol=1e-5)

@quick
@given(sizes, st.integers(1, 12), seeds)
def test_hog_does_not_see_the_negative(size, bins, seed):
    x = images(size, seed, whole=True)
    assert torch.equal(hog(x, 1, 2, bins), hog(255 - x, 1, 2, bins))
    angle,size = orientations(x)
    assert angle.min() >= 0 and angle.max() <= math.pi and size.min() >= 0

# ---- LBP

def by_loop(im):
    h,w = im.shape
    at = lambda i,j: im[i, j] if 0 <= i < h and 0 <= j < w else 0.
    ring = [(0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1)]
    return [[sum((at(i+a, j+b) >= im[i, j]) << k for k,(a,b) in enumerate(ring)) for j in range(w)] for i in range(h)]

@quick
@given(st.tuples(st.just(1), st.integers(1, 7), st.integers(1, 7)), seeds)
def test_lbp_by_its_definition(size, seed):
    x = images(size, seed, whole=True)//64 # many ties
    assert lbp(x)[0].tolist() == by_loop(x[0, 0].numpy())

@quick
@given(sizes, seeds)
def test_lbp_at_the_four_sides_is_scikit_images(size, seed):
    feature = pytest.importorskip('skimage.feature')
    x = images(size, seed, whole=True)
    for im,ours in zip(x[:, 0].numpy().astype(np.uint8), lbp(x)):
        four = feature.local_binary_pattern(im, 4, 1).astype(int) # right, up, left, down
        assert ((ours >> torch.arange(0, 8, 2).view(4, 1, 1)) & 1).numpy().tolist() == [((four >> b) & 1).tolist() for b in range(4)]
        eight = feature.local_binary_pattern(im, 8, 1).astype(int)
        assert ((ours.numpy() ^ eight) & 0b01010101).max() == 0

@quick
@given(sizes, seeds)
def test_lbp_sees_order_only(size, seed):
    x = images(size, seed, whole=True) + 1
    assert torch.equal(lbp(x), lbp(x**3)) and torch.equal(lbp(x), lbp(x.sqrt()))

def test_uniform_bins():
    ring = [[c >> i & 1 for i in range(8)] for c in range(256)]
    uniform = [sum(r[i] != r[i-1] for i in range(8)) <= 2 for r in ring]
    assert [b < 58 for b in uniform_bin.tolist()] == uniform and sorted(uniform_bin[torch.tensor(uniform)].tolist()) == list(range(58))

def test_uniform_bins_are_scikit_images_up_to_their_order():
    feature = pytest.importorskip('skimage.feature')
    im = np.random.RandomState(0).randint(0, 256, (60, 60), np.uint8)
    code,theirs = (feature.local_binary_pattern(im, 8, 1, method=m).astype(int).ravel() for m in ('default', 'nri_uniform'))
    pairs = set(zip(uniform_bin[torch.tensor(code)].tolist(), theirs.tolist()))
    assert len(pairs) == len({a for a,_ in pairs}) == len({b for _,b in pairs}) == 59

# ---- what is refused, and what is kept

x = torch.rand(2, 1, 12, 12)
@pytest.mark.parametrize('f', [sobel, hog, lbp, orientations, lambda x: gabor_energy(x, gabor_bank())], ids=['sobel', 'hog', 'lbp', 'orientations', 'gabor_energy'])
def test_what_is_no_batch_is_refused(f):
    for bad,error,msg in ((x.numpy(), TypeError, 'a float32 array'), (x[0], ValueError, r'\(1, 12, 12\)'),
                          (x.expand(-1, 3, -1, -1), ValueError, r'\(2, 3, 12, 12\)'), (x[:0], ValueError, r'\(0, 1, 12, 12\)'),
                          (x[..., :0], ValueError, r'\(2, 1, 12, 0\)'), ((255*x).byte(), TypeError, 'a uint8 tensor')):
        with pytest.raises(error, match=f'^[a-z_]+: x is .*{msg}.*; give '): f(bad)

@pytest.mark.parametrize('f', [hog, lbp, orientations], ids=['hog', 'lbp', 'orientations'])
def test_nan_is_refused_where_it_would_hide(f):
    for v in (float('nan'), float('inf')):
        bad = x.clone(); bad[1, 0, 5, 5] = v
        with pytest.raises(ValueError, match=f'^{f.__name__}: x is .*; give .* without NaN and infinity'): f(bad)

labels = torch.zeros(1, 4, 4).long()
@pytest.mark.parametrize('f, args, kwargs, error, said', [
    (gabor_kernel, (4, 3.), {}, ValueError, 'ks is 4'),
    (gabor_kernel, (5, 0), {}, ValueError, 'wavelength is 0'),
    (gabor_kernel, (5, 'a'), {}, TypeError, "wavelength is 'a'"),
    (gabor_kernel, (5, 4), dict(sigma=-1), ValueError, 'sigma is -1'),
    (gabor_kernel, (5, 4), dict(theta=float('nan')), ValueError, 'theta is nan'),
    (gabor_kernel, (2.5, 4), {}, TypeError, 'ks is 2.5'),
    (gabor_bank, (1,), {}, ValueError, 'ks is 1'),
    (gabor_bank, (), dict(wavelengths=()), ValueError, r'wavelengths is \(\)'),
    (gabor_bank, (), dict(wavelengths=4), TypeError, 'wavelengths is 4'),
    (gabor_bank, (), dict(orientations=0), ValueError, 'orientations is 0'),
    (gabor_energy, (x, gabor_bank()[:3]), {}, ValueError, 'bank has 3'),
    (gabor_energy, (x, torch.ones(2, 1, 3, 5)), {}, ValueError, r'bank is .*\(2, 1, 3, 5\)'),
    (gabor_energy, (x, [1]), {}, TypeError, r'bank is \[1\]'),
    (gabor_energy, (x, gabor_bank()), dict(stride=0), ValueError, 'stride is 0'),
    (hog, (x,), dict(cell=7), ValueError, 'x is 12 x 12, a block 14'),
    (hog, (x,), dict(bins=0), ValueError, 'bins is 0'),
    (cell_histograms, (labels.float(), 2, 2), {}, TypeError, 'labels is a float32'),
    (cell_histograms, (labels + 2, 2, 2), {}, ValueError, 'labels has 2 to 2'),
    (cell_histograms, (labels - 1, 2, 2), {}, ValueError, 'labels has -1 to -1'),
    (cell_histograms, (labels, 2, 5), {}, ValueError, 'cell is 5'),
    (cell_histograms, (labels[0], 2, 2), {}, ValueError, r'labels is .*\(4, 4\)'),
    (cell_histograms, (labels, 2, 2, torch.ones(1, 4, 5)), {}, ValueError, 'weight has w 5, but labels has w 4'),
    (cell_histograms, (labels, 2, 2, labels), {}, TypeError, 'weight is .*int64'),
    (fit_gabor, (torch.rand(2, 3),), {}, ValueError, r'kernels is .*\(2, 3\)'),
    (fit_gabor, (torch.zeros(2, 5, 5),), {}, ValueError, 'kernels is .*all zero'),
    (fit_gabor, (torch.ones(2, 5, 5).long(),), {}, TypeError, 'kernels is .*int64'),
    (fit_gabor, (torch.full((1, 5, 5), float('nan')),), {}, ValueError, 'kernels is .*NaN'),
    (fit_gabor, (torch.rand(1, 5, 5),), dict(starts=0), ValueError, 'starts is 0')])
def test_what_fits_nothing_is_refused(f, args, kwargs, error, said):
    with pytest.raises(error, match=f'^{f.__name__}: .*{said}') as e: f(*args, **kwargs)
    assert '; give ' in str(e.value) or '; make ' in str(e.value)

def test_labels_of_any_whole_type():
    many = torch.arange(16).view(1, 4, 4)
    for dtype in (torch.uint8, torch.int16, torch.int32): assert torch.equal(cell_histograms(many.to(dtype), 16, 2), cell_histograms(many, 16, 2))

def test_images_of_two_rows_have_no_slope_down():
    angle,size = orientations(torch.rand(1, 1, 2, 5))
    assert not angle.any() and size[0, :, 1:-1].any()

@pytest.mark.parametrize('f', [sobel, hog, lambda x: gabor_energy(x, gabor_bank())], ids=['sobel', 'hog', 'gabor_energy'])
def test_type_is_kept_and_the_input_too(f):
    for dtype in (torch.float32, torch.float64):
        before = x.to(dtype)
        given = before.clone()
        assert f(given).dtype == dtype and torch.equal(given, before)
    assert torch.equal(f(x)[1:], f(x[1:])) or torch.allclose(f(x)[1:], f(x[1:]), atol=1e-6) # an image's features are its own
    assert f(x.transpose(2, 3)).shape[0] == 2 # strides do not matter

def test_a_fit_repeats_and_random_kernels_are_fitted_badly():
    g = torch.Generator().manual_seed(0)
    k = torch.randn(8, 7, 7, generator=g)
    a,b = fit_gabor(k),fit_gabor(k[:, None])
    assert torch.equal(a.share, b.share) and a.fitted.shape == k.shape
    assert_close(a.share, 1 - (k - a.fitted).square().sum((1, 2))/k.square().sum((1, 2)), atol=1e-4, rtol=0)
    assert a.share.min() > 0 and a.share.mean() < .8

# ---- what the lesson's experiments are made of

from cnn_notes.experiments.classic import (alike, as_smooth_as, box_features, feature_sets, in_batches, matches,
    network, one_way, patches_at, random_boxes, scales, shifted, shuffled, sift, sift_descriptor, small_patches,
    visual_words, word_counts)

def test_boxes_are_sums_over_neighbors():
    x,boxes = images((2, 28, 28), 0, whole=True),random_boxes(50)
    got = box_features(x, boxes)
    for k,pair in enumerate(boxes.tolist()):
        (t0,l0,h,w),(t1,l1,*same) = pair
        assert same == [h, w] and (t1, l1) in ((t0 + h, l0), (t0, l0 + w)) and t1 + h <= 28 and l1 + w <= 28
        first,second = (x[:, 0, t:t+h, l:l+w].sum((1, 2)) for t,l in ((t0, l0), (t1, l1)))
        assert torch.equal(got[:, k], second - first)

def test_a_box_feature_is_linear_in_the_pixels():
    x,y,boxes = images((2, 28, 28), 0),images((2, 28, 28), 1),random_boxes(20)
    assert_close(box_features(2*x + y, boxes), 2*box_features(x, boxes) + box_features(y, boxes))

def test_the_descriptor_has_length_one_and_does_not_see_contrast():
    x = images((5, 16, 16), 0).float()
    d = sift_descriptor(x)
    assert d.shape == (5, 128) and (d.norm(dim=1) - 1).abs().max() < 1e-3
    assert_close(sift_descriptor(7*x + 3), d, atol=1e-3, rtol=0)
    assert (sift_descriptor(1 - x) - d).norm(dim=1).min() > .3 # it sees the sign

def photograph():
    from sklearn.datasets import load_sample_image
    return F.avg_pool2d(torch.tensor(load_sample_image('china.jpg')).permute(2, 0, 1).float(), 2).mean(0)[30:190, 45:285]

def test_keypoints_are_found_again_in_a_turned_picture():
    img = photograph()
    (row,col,scale,here),(row2,col2,_,there) = sift(img),sift(img.rot90().contiguous())
    assert len(row) > 50 and scale.min() > 0 and scale.max() < len(scales) - 1
    a,b = matches(here, there) # (r, c) of the picture is (w-1-c, r) of the turned one
    error = torch.hypot((img.shape[1] - 1 - col[a] - row2[b]).float(), (row[a] - col2[b]).float())
    assert len(a) > 25 and (error < 2).double().mean() > .8

def test_patches_are_pixels_where_nothing_is_turned_or_scaled():
    img = torch.arange(60.).view(1, 60).expand(40, 60) # a ramp: blurring leaves its middle as it is
    at = torch.tensor([20]),torch.tensor([30]),torch.tensor([0]),torch.tensor([0.])
    patch = patches_at(img.contiguous(), *at)[0, 0]
    assert_close(patch[8], 30 + (torch.arange(16) - 7.5)*scales[0]*12/16, atol=1e-2, rtol=0)

def test_words_are_counted():
    x = images((20, 28, 28), 0, whole=True).float()
    words = visual_words(x, n=10)
    whole,parts = word_counts(x, words),word_counts(x, words, 2)
    assert words.shape == (10, 49) and whole.shape == (20, 10) and parts.shape == (20, 40)
    assert_close(whole.sum(1), torch.ones(20))
    assert_close(parts.view(20, 10, 4).mean(2), whole)
    nearest = [((p[:, None] - words).norm(dim=2)).argmin(1) for p in small_patches(x)]
    assert_close(whole, torch.stack([o.bincount(minlength=10)/64 for o in nearest]))

def test_images_are_moved_each_by_itself():
    dot = F.pad(torch.ones(500, 1, 1, 1), (4, 4, 4, 4))
    at = shifted(dot).flatten(1).argmax(1)
    assert torch.equal(shifted(dot).sum((1, 2, 3)), torch.ones(500))
    assert at.unique().tolist() == [9*i + j for i in range(2, 7) for j in range(2, 7)]

def test_a_network_sees_moved_digits_in_training_only():
    x,y = images((64, 28, 28), 0).float(),torch.arange(64) % 10
    net = network(x, y, 2, 32, 0, moved=2)
    assert torch.equal(net(x), net(x)) and not torch.equal(net.train()(x), net(x))

def test_every_feature_set_gives_one_row_per_image():
    x = images((30, 28, 28), 0, whole=True)[:, 0].byte()
    for name,f in feature_sets(x).items():
        rows = in_batches(f, x)
        assert rows.shape[0] == 30 and rows.ndim == 2 and rows.isfinite().all(), name

def test_rivals_of_a_kernel():
    g = torch.Generator().manual_seed(0)
    smooth = F.avg_pool2d(torch.randn(8, 1, 9, 9, generator=g), 3, 1)[:, 0]
    assert abs(alike(as_smooth_as(smooth)) - alike(smooth)) < .03
    assert sorted(shuffled(smooth)[0].flatten().tolist()) == sorted(smooth[0].flatten().tolist())
    ramp = torch.arange(7.).expand(4, 7, 7)
    assert one_way(ramp) > .999 and one_way(torch.randn(200, 7, 7, generator=g)) < .6

def test_the_energy_hardly_depends_on_the_position():
    x = torch.arange(25.).expand(25, 25)
    waves = torch.stack([torch.sin(2*math.pi*(x + s)/8) for s in range(8)])[:, None].double()
    energy = gabor_energy(waves, gabor_bank(25, (8,), 1))[:, 0, 12, 12]
    assert (energy.max() - energy.min())/energy.max() < .05
