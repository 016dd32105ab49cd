"The palette and the pictures: what color says, and what says it without color"
from itertools import combinations
import matplotlib.pyplot as plt
import numpy as np
import pytest, torch
from matplotlib.collections import LineCollection
from matplotlib.colors import rgb_to_hsv, to_rgb
from skimage.color import deltaE_ciede2000, rgb2lab
from cnn_notes.geometry import Window
from cnn_notes.show import animate, draw_windows, error_of, palette, show_image
from cnn_notes.views import _night

roles = 'input', 'kernel', 'output', 'padding', 'accent'
# Machado, Oliveira, and Fernandes 2009, severity 1; for linear RGB
eyes = dict(usual=np.eye(3),
    protanopia=[[.152286, 1.052583, -.204868], [.114503, .786281, .099216], [-.003882, -.048116, 1.051998]],
    deuteranopia=[[.367322, .860646, -.227968], [.280085, .672501, .047413], [-.01182, .04294, .968881]])

@pytest.fixture(autouse=True)
def no_figures_left():
    yield
    plt.close('all')

def seen_by(eye, color):
    "In CIELAB, as skimage has it"
    c = np.array(to_rgb(color))
    c = np.where(c <= .04045, c/12.92, ((c + .055)/1.055)**2.4)@np.array(eyes[eye]).T
    c = c.clip(0, 1)
    return rgb2lab(np.where(c <= .0031308, 12.92*c, 1.055*c**(1/2.4) - .055)[None, None])[0, 0]

@pytest.mark.parametrize('eye', eyes)
@pytest.mark.parametrize('pair', list(combinations(roles, 2)), ids='-'.join)
@pytest.mark.parametrize('colors', [palette, _night], ids=['day', 'night'])
def test_roles_can_be_told_apart(pair, eye, colors):
    assert deltaE_ciede2000(*(seen_by(eye, colors[role]) for role in pair)) >= 25

def test_the_simulation_is_known_to_confuse_red_and_green():
    for eye in ('protanopia', 'deuteranopia'):
        red,green = seen_by(eye, '#A06000'),seen_by(eye, '#608000')
        assert deltaE_ciede2000(red, green) < 15 < deltaE_ciede2000(seen_by('usual', '#A06000'), seen_by('usual', '#608000'))

@pytest.mark.parametrize('kind', ['input', 'output'])
def test_without_a_negative_number_every_value_has_the_hue_of_its_role(kind):
    im = show_image(torch.arange(256.).view(16, 16), kind=kind).images[0]
    shades = np.array([im.cmap(v)[:3] for v in np.linspace(.02, 1, 99)])
    wanted = rgb_to_hsv(to_rgb(palette[kind]))[0]
    assert np.abs(rgb_to_hsv(shades)[:, 0] - wanted).max() < .02
    assert (np.diff(shades.sum(1)) < 0).all(), 'more is darker'

def strokes(ax): return [o for o in ax.collections if isinstance(o, LineCollection)]

@pytest.mark.parametrize('kind', ['input', 'kernel', 'output'])
def test_a_negative_number_has_a_minus_sign(kind):
    x = torch.tensor([[-2., 0, 1], [-.05, -.5, float('nan')]])
    lines, = strokes(show_image(x, kind=kind))
    at = {tuple(np.mean(o, 0).round(6)[::-1]) for o in lines.get_segments()}
    assert at == {(0, 0), (1, 1)} # -.05 rounds to zero
    colors = np.array(lines.get_colors())[:, :3]
    cells = np.array([show_image(x, kind=kind).images[0].cmap(v)[:3] for v in (0., .375)])
    assert (np.abs((colors - cells)@(.299, .587, .114)) > .3).all(), 'too faint on its cell'

@pytest.mark.parametrize('x, how', [([[0., 1], [2, 3]], {}), ([[-1., 1]], dict(values='d')), ([[float('nan')]*2], {})])
def test_no_minus_sign_where_none_is_negative_or_the_numbers_are_written(x, how):
    assert not strokes(show_image(torch.tensor(x), **how))

def test_many_small_cells_share_their_minus_signs():
    lines, = strokes(show_image(-torch.ones(300, 300), kind='output'))
    assert 100 < len(lines.get_segments()) < 10_000

def test_light_is_bright():
    im = show_image(torch.tensor([[0., 1], [2, 4]]), kind='light').images[0]
    assert im.cmap(0.)[:3] == (0, 0, 0) and im.cmap(1.)[:3] == (1, 1, 1) and im.get_clim() == (0, 4)

def test_what_is_refused_leaves_no_figure():
    for bad,said in ((dict(im=torch.zeros(2, 3, 4, 4)), r'\(2, 3, 4, 4\)'), (dict(im=torch.zeros(3, 3), kind='weight'), "'kernel'"),
                     (dict(im=torch.zeros(3, 3), vmin=2, vmax=1), 'vmin is 2')):
        with pytest.raises((TypeError, ValueError), match=said): show_image(**bad)
    assert not plt.get_fignums()

def test_shades_without_a_finite_number_and_around_zero():
    assert show_image(torch.full((2, 2), float('nan'))).images[0].get_clim() == (0, 1)
    im = show_image(torch.zeros(2, 2), kind='output', vmin=-3, vmax=3).images[0]
    assert np.allclose(im.cmap(.5)[:3], 1, atol=.01)

def test_error_of_wants_an_error():
    with pytest.raises(AssertionError, match='raised no error'): error_of(int, '7')

def test_a_gif_is_one():
    assert animate(plt.figure(), lambda t: None, 2).data[:4] == b'GIF8'
    with pytest.raises(ValueError, match='from 1 to 1,000'): animate(plt.figure(), lambda t: None, 0)

def test_all_cells_of_a_drawing_have_one_size():
    windows = {'a': Window(3), 'b': Window(3, 2, 1), 'c': Window((1, 3), (1, 2), ((0, 2), (1, 0)))}
    ax = draw_windows(windows, (5, 6), [(0, 0), (1, 1), (2, 0)])
    cells = [o for o in ax.patches if o.get_fill()]
    assert {(o.get_width(), o.get_height()) for o in cells} == {(1, 1)} and ax.get_aspect() == 1
    inputs = 30 + 7*8 + 7*7
    assert len(cells) == inputs + sum(o.out_size((5, 6))[0]*o.out_size((5, 6))[1] for o in windows.values())
    boxes = [(o.get_width(), o.get_height()) for o in ax.patches if not o.get_fill()]
    assert boxes == [(3, 3), (1, 1), (3, 3), (1, 1), (3, 1), (1, 1)]
    assert {'5 x 6 to 3 x 4', '5 x 6 to 3 x 3', '5 x 6 to 7 x 3'} == {o.get_text() for o in ax.texts[1::2]}

def test_as_many_outputs_to_point_at_as_windows():
    with pytest.raises(ValueError, match='at has 2 outputs; give 1'): draw_windows({'a': Window(3)}, 7, [(0, 0)]*2)
