"cnn_notes.framing and cnn_notes.pictures: MNIST is recovered from every form a picture can have, and what holds no digit is refused"
import numpy as np, pytest, torch
import torch.nn.functional as F
from PIL import Image
from cnn_notes.data import load_mnist
from cnn_notes.framing import averaging, cut_out, evened, frame_digit, ink_of, placed, resized
from cnn_notes.pictures import gray_of

digits = load_mnist().valid_x[:60]
x = digits.double()/255

def seeded(seed=0): return torch.Generator().manual_seed(seed)
def apart(a, b): return (a.double() - b.double()).abs().mean().item()
def blown_up(im, k): return im.repeat_interleave(k, 0).repeat_interleave(k, 1)
def moved(im, rows, cols): return F.pad(im, (30 + cols, 30 - cols, 30 + rows, 30 - rows))

# ---- MNIST itself

def test_mnist_is_framed_already():
    "Exactly where no row or column at the edge of the box is fainter than a tenth; with such ones, nearly"
    off = torch.tensor([apart(frame_digit(im), im) for im in x])
    assert (off < 1e-7).double().mean() > .6 and off.mean() < .001 and off.max() < .01

def test_where_mnist_puts_the_center_of_mass():
    "At pixel 14, counted from 0, to the nearest whole pixel: 14 to 15 in the distance from the edge, on both axes"
    many = load_mnist().train_x[:5000].double()
    for axis in (1, 2):
        ink = many.sum(3 - axis)
        center = (ink*torch.arange(28)).sum(1)/ink.sum(1)
        assert center.min() >= 13.5 - 1e-9 and center.max() < 14.5

undone = {'enlarged by 2': lambda im: blown_up(im, 2), 'enlarged by 9': lambda im: blown_up(im, 9),
          'moved': lambda im: moved(im, 17, -23), 'inverted': lambda im: 1 - im, 'pale': lambda im: .7 - .2*im,
          'all at once': lambda im: .9 - .5*blown_up(moved(im, -20, 11), 3), 'bytes': lambda im: (255*im).byte(),
          'in other units': lambda im: 1000*im - 300, 'cut out': lambda im: F.pad(cut_out(im), (1, 1, 1, 1))}

@pytest.mark.parametrize('how', undone)
def test_a_distorted_digit_becomes_the_framed_one(how):
    for im in x[:20]: assert (frame_digit(undone[how](im)) - frame_digit(im)).abs().max() < .02

@pytest.mark.parametrize('n', [60, 123, 300])
def test_a_smooth_enlargement_is_undone(n):
    "Not exactly: between the pixels, bilinear interpolation makes up what it does not know"
    off = [apart(frame_digit(F.interpolate(im[None, None], (n, n), mode='bilinear')[0, 0]), im) for im in x]
    assert np.mean(off) < .04 and max(off) < .1

def photo(im, size=500, shade=.25, noise=.03, seed=0):
    "Dark ink on gray paper that is lit from one side"
    big = F.interpolate(im[None, None], (size, size), mode='bicubic', antialias=True)[0, 0].clamp(0, 1)
    light = .7 + shade*torch.linspace(-.5, .5, size)[:, None] + shade*torch.linspace(-.5, .5, size)
    return (light*(1 - .6*big) + noise*torch.randn(size, size, generator=seeded(seed))).clamp(0, 1)

@pytest.mark.parametrize('turned', [False, True])
def test_a_photo_with_shade_and_noise(turned):
    off = []
    for i,im in enumerate(x[:15]):
        dark = photo(im, seed=i)
        off.append(apart(frame_digit(1 - dark if turned else dark), im))
    assert np.mean(off) < .06 and max(off) < .14

def test_a_wider_margin_changes_little():
    "A photo: the strokes become a little thinner or thicker, and stay where they are"
    dark = photo(x[0], noise=0)
    wide = F.pad(dark[None], (90, 90, 90, 90), mode='replicate')[0]
    assert apart(frame_digit(wide), frame_digit(dark)) < .08

# ---- the rules, one by one

@pytest.mark.parametrize('n, m', [(1, 1), (7, 7), (40, 20), (20, 40), (7, 20), (33, 20), (5, 1), (1, 5)])
def test_averaging_keeps_the_mean_and_is_the_mean_of_the_area(n, m):
    a = averaging(n, m)
    assert a.shape == (m, n) and (a >= 0).all()
    torch.testing.assert_close(a.sum(1), torch.ones(m).double())
    torch.testing.assert_close(a.sum(0), torch.full((n,), m/n).double())
    fine = torch.eye(n).double().repeat_interleave(m, 0) # each input cell as m cells: the blocks of n are the output
    torch.testing.assert_close(a, fine.view(m, n, n).mean(1))

def test_resized_is_adaptive_pooling_where_blocks_fit():
    im = torch.rand(40, 60, generator=seeded()).double()
    torch.testing.assert_close(resized(im, 20, 20), F.adaptive_avg_pool2d(im[None], 20)[0])

@pytest.mark.parametrize('h, w, want', [(20, 20, (20, 20)), (40, 10, (20, 5)), (10, 40, (5, 20)), (100, 1, (20, 1)), (33, 17, (20, 10)), (40, 25, (20, 13))])
def test_the_longer_side_becomes_20(h, w, want):
    im = torch.zeros(h + 50, w + 50)
    im[20:20+h, 25:25+w] = 1
    got = frame_digit(im) if min(h, w)*20/max(h, w) < 10 else placed(resized(cut_out(im.double()), *want)).float()
    on = got > 0
    assert (on.any(1).sum(), on.any(0).sum()) == want
    torch.testing.assert_close(got[on], torch.ones(int(on.sum())))

def test_ink_below_a_tenth_is_not_in_the_box():
    im = torch.zeros(40, 40).double()
    im[10:30, 18:22],im[2, 2],im[35, 35] = 1.,.09,.11
    assert cut_out(im).shape == (26, 18)

def test_a_lopsided_digit_stays_inside():
    im = torch.zeros(60, 60)
    im[10:50, 10:14],im[48:50, 10:50] = 1,.2
    got = frame_digit(im)
    assert got.shape == (28, 28) and got[:, 8:].sum() > 0 and 0 <= got.min() <= got.max() <= 1
    on = (got > .1).nonzero()
    assert (on.max(0)[0] - on.min(0)[0] == 19).all()

def test_paper_is_the_median_of_the_border():
    im = torch.full((20, 20), .8).double()
    im[5:15, 9:11],im[0, :8] = .2,.4 # a stroke, and another that runs over the edge
    ink = ink_of(im)
    assert ink[0, 19] == 0 and ink[6, 10] == 1 and ink[0, 0] == pytest.approx(2/3)

def test_evened_takes_off_a_slope_and_keeps_a_stroke():
    im = torch.linspace(-.2, .2, 100).expand(100, 100).double().clone()
    im[20:80, 48:53] += .5
    even = evened(im)
    assert even[:, :40].max() < .08 and even[30:70, 48:53].min() > .4

def test_one_result_whatever_the_form_and_no_change_to_the_input():
    want = frame_digit(x[3])
    before = digits[3].clone()
    assert frame_digit(digits[3]).dtype == torch.float32 and torch.equal(digits[3], before)
    gray = Image.fromarray(digits[3].numpy())
    light = Image.fromarray(255 - digits[3].numpy())
    forms = [digits[3].numpy(), x[3].numpy(), x[3].numpy()[::-1][::-1], x[3].float(), digits[3].int(), x[3].tolist(), x[3][None], x[3][..., None], x[3].expand(3, 28, 28),
             gray, light, gray.convert('RGB'), gray.convert('RGBA'), gray.convert('P'), gray.convert('F'), gray.convert('I'), x[3].requires_grad_(),
             np.asarray(gray, dtype='>i2'), x[3].half()]
    for form in forms: assert (frame_digit(form) - want).abs().max() < .01, form

def test_files_are_read_and_put_upright(tmp_path):
    light = Image.fromarray(255 - digits[3].numpy()).resize((280, 280), Image.Resampling.NEAREST)
    for name in ('a.png', 'a.bmp', 'a.tif'):
        light.save(tmp_path/name)
        for path in (tmp_path/name, str(tmp_path/name)): assert (frame_digit(path) - frame_digit(x[3])).abs().max() < .01
    exif = Image.Exif()
    exif[0x0112] = 6 # the camera was turned: rotate by 90 degrees to the right
    light.rotate(90).save(tmp_path/'turned.png', exif=exif)
    assert (frame_digit(tmp_path/'turned.png') - frame_digit(x[3])).abs().max() < .01
    light.save(tmp_path/'a.jpg', quality=90)
    assert apart(frame_digit(tmp_path/'a.jpg'), x[3]) < .02

@pytest.mark.parametrize('tone', [0, 255])
def test_ink_on_a_transparent_page(tone):
    im = torch.full((28, 28, 4), tone, dtype=torch.uint8)
    im[..., 3] = digits[3]
    for form in (im, im.numpy(), Image.fromarray(im.numpy())): assert (frame_digit(form) - frame_digit(x[3])).abs().max() < .01

def test_colors_have_their_brightness():
    red = torch.ones(3, 28, 28).double()
    red[1:] -= x[3]
    assert (frame_digit(red) - frame_digit(x[3])).abs().max() < .01
    assert gray_of(np.full((2, 2, 3), 7, np.uint8)).allclose(torch.full((2, 2), 7.).double())

# ---- what holds no digit

def noise(density, n=64, seed=0): return (torch.rand(n, n, generator=seeded(seed)) < density).float()
def spoiled(value):
    im = x[3].clone()
    im[0, 0] = value
    return im
no_digits = {
    'has one tone': [torch.zeros(28, 28), torch.ones(28, 28), torch.full((9, 40), .5), torch.zeros(1, 1), 1 - .02*torch.rand(50, 50, generator=seeded()),
                     torch.linspace(.6, 1, 300).expand(300, 300), Image.new('RGB', (20, 20), 'white'), Image.new('RGBA', (20, 20), (0, 0, 0, 0))],
    'has ink in 3 x 5 pixels only': [F.pad(torch.ones(3, 5), (20, 20, 20, 20))],
    'has ink everywhere': [torch.rand(28, 28, generator=seeded()), torch.rand(200, 300, generator=seeded()), torch.randn(64, 64, generator=seeded()),
                           (255*torch.rand(64, 64, generator=seeded())).byte(), noise(.4), noise(.5), noise(.6), noise(.5, 28), noise(.3, 300),
                           (torch.arange(64)%2.).expand(64, 64), (torch.arange(64)[:, None] + torch.arange(64))%2.],
    'has only specks of ink': [noise(.02), noise(.1), noise(.9), noise(.2, 28), noise(.05, 300)],
    'give a tensor without NaN and infinity': [spoiled(float('nan')), spoiled(float('inf')), np.full((28, 28), np.nan)],
    'give a picture': [None, 3, torch.zeros(28), torch.zeros(0, 5), torch.zeros(2, 5, 28, 28), torch.zeros(28, 28, 2), torch.zeros(5, 28, 28),
                       torch.zeros(28, 28, dtype=torch.complex64), torch.zeros(28, 28, device='meta'), torch.zeros(28, 28).to_sparse(),
                       np.full((28, 28), 'a'), [[1, 2], [3]], object(), dict(a=1), b'abc']}

@pytest.mark.parametrize('said, im', [(said, im) for said,ims in no_digits.items() for im in ims], ids=lambda o: o if isinstance(o, str) else '')
def test_what_holds_no_digit_is_refused(said, im):
    with pytest.raises((ValueError, TypeError)) as e: frame_digit(im)
    assert str(e.value).startswith('frame_digit: image ') and said in str(e.value) and 'give ' in str(e.value), e.value

def test_files_that_are_none(tmp_path):
    (tmp_path/'a.png').write_text('no picture')
    with pytest.raises(TypeError, match='frame_digit: image is .*a.png.*give a picture'): frame_digit(tmp_path/'a.png')
    with pytest.raises(FileNotFoundError, match='nowhere.png'): frame_digit(tmp_path/'nowhere.png')

def test_no_digit_of_mnist_is_refused():
    for im in load_mnist().train_x[:1000]: frame_digit(im)

# ---- the distortions of the experiments

def test_framing_undoes_what_it_claims_to_undo():
    from cnn_notes.experiments.framing import distortions, undone
    few = x[:20].float()
    off = {name: np.mean([apart(frame_digit(a), frame_digit(b)) for a,b in zip(f(few), few)]) for name,f in distortions().items()}
    assert off['as it is'] == 0 and off['inverted'] < 1e-6 and off['pale'] < 1e-6 and off['shifted'] < .01
    assert max(off[name] for name in undone) < .06 < min(off[name] for name in ('rotated', 'noise'))

def test_distortions_are_what_their_names_say():
    from cnn_notes.experiments.framing import shifted_by, sized, thinned, turned
    one = torch.zeros(1, 28, 28)
    one[0, 10, 12] = 1
    assert shifted_by(one, 3, -5)[0, 13, 7] == 1 and shifted_by(one, 0, 20).sum() == 0 and shifted_by(one, -2, 0)[0, 8, 12] == 1
    torch.testing.assert_close(turned(one, 90)[0], one[0].rot90(), atol=1e-4, rtol=0)
    bar = torch.zeros(1, 28, 28)
    bar[0, :, 10:16] = 1
    assert [round(thinned(bar, k)[0, 14].sum().item(), 3) for k in (2, 0, -2)] == [5, 6, 7]
    assert sized(bar, 28).equal(bar) and sized(bar, 14)[0, 14].sum() == pytest.approx(3) and sized(bar, 40)[0, 14].sum() == pytest.approx(60/7, abs=.1)

def test_nists_steps():
    "Strokes grow and shrink as in SciPy, and a slanted stroke is set upright"
    from cnn_notes.experiments.framing import as_nist, finer, thicker, upright
    from scipy.ndimage import binary_dilation, binary_erosion
    ink = torch.rand(4, 32, 32, generator=seeded()) < torch.tensor([.05, .3, .7, .95]).view(4, 1, 1)
    for ours,theirs in ((thicker, binary_dilation), (finer, binary_erosion)):
        assert np.array_equal(ours(ink.float()).numpy(), np.stack([theirs(im) for im in ink.numpy()]))
    slanted = torch.zeros(32, 32)
    for row in range(32): slanted[row, 22 - row//3 - 3:22 - row//3] = 1
    columns = upright(slanted).any(0).nonzero()
    assert upright(slanted).sum() == slanted.sum() and columns.max() - columns.min() <= 3
    assert torch.equal(upright(upright(slanted)), upright(slanted))
    eights = torch.stack([as_nist(im.float()) for im in x])
    assert not eights[:, [0, 7], :].flatten(1).sum(1).eq(0).any() # from the first row to the last
    assert 200 <= (16*eights.sum((1, 2))).min() and (16*eights.sum((1, 2))).max() <= 450

def test_the_digits_from_turkey_fill_14_forms():
    "Each form has the same 130 digits in the same order, of which a few are missing"
    from difflib import SequenceMatcher
    from cnn_notes.experiments.framing import from_turkey
    images,labels,ends = from_turkey()
    assert images.shape == (1797, 8, 8) and images.max() == 1 and len(ends) == 14 and ends[-1] == 1797
    forms = [''.join(map(str, labels[start:end].tolist())) for start,end in zip([0, *ends], ends)]
    for form in forms: assert 120 < len(form) <= 130 and SequenceMatcher(None, form, forms[0]).ratio() > .96

def test_augmentation_keeps_paper_paper():
    from cnn_notes.experiments.framing import normalized, paper, varied
    torch.manual_seed(0)
    blank = normalized(torch.zeros(5, 28, 28))
    torch.testing.assert_close(varied(blank), blank)
    top = varied(blank, True).amax((1, 2, 3))
    assert {round(o, 3) for o in top.tolist()} == {round(paper, 3), round(paper + 1/.3081, 3)}
    got = varied(normalized(x[:5].float()))
    assert got.min() >= paper - 1e-5 and got.max() <= paper + 1/.3081 + 1e-5 and not got.equal(normalized(x[:5].float()))

@pytest.mark.parametrize('name', ['ink_of', 'cut_out', 'placed', 'evened', 'resized'])
def test_a_step_says_what_it_takes(name):
    from cnn_notes import framing
    step = (lambda o: framing.resized(o, 8, 8)) if name == 'resized' else getattr(framing, name)
    for bad in (None, 'x', True, [], torch.zeros(0, 5), torch.zeros(5), torch.zeros(5, 5).long()):
        with pytest.raises((TypeError, ValueError), match=f'^{name}: '): step(bad)
    if name == 'resized': return
    with pytest.raises(ValueError, match=f'^{name}: '): step(torch.full((5, 5), float('nan')))

def test_a_box_has_ink_and_fits():
    from cnn_notes.framing import averaging, placed
    for box in (torch.zeros(5, 5), torch.ones(29, 3)):
        with pytest.raises(ValueError, match='^placed: box is .* give ink'): placed(box)
    for n in (0, True, 2.5):
        with pytest.raises((TypeError, ValueError), match='^averaging: n'): averaging(n, 3)
