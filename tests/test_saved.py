"What counts as a stale output of a notebook: other words, other numbers, another picture; and what does not"
import base64, io
import nbformat, pytest
from matplotlib import style
from matplotlib.figure import Figure
from PIL import Image
import pictures, saved

@style.context('default') # other tests may have set the course's
def png(title='one label', label='0.97', x=(0, 1), size=(4, 2.5), dpi=100, fontsize=10):
    fig = Figure(figsize=size, dpi=dpi)
    ax = fig.subplots()
    ax.plot(x, [0, 1])
    ax.set_title(title)
    ax.text(.2, .8, label, fontsize=fontsize)
    f = io.BytesIO()
    fig.savefig(f, format='png')
    return base64.b64encode(f.getvalue()).decode()

def pair(a, b, loose=False): return pictures.unlike(pictures.decode(a), pictures.decode(b), loose)

def test_the_same_picture_passes(): assert pair(png(), png()) is None

def test_a_line_that_moved_by_less_than_a_pixel_passes(): assert pair(png(), png(x=(0, 1.0005))) is None

def test_a_picture_that_moved_by_a_pixel_passes():
    im = Image.open(io.BytesIO(base64.b64decode(png())))
    moved,f = Image.new(im.mode, im.size, 'white'),io.BytesIO()
    moved.paste(im, (1, 1))
    moved.save(f, 'PNG')
    assert pair(png(), base64.b64encode(f.getvalue()).decode()) is None

def test_a_transparent_picture_is_one_on_white():
    clear = base64.b64decode(png())
    f = io.BytesIO()
    Image.open(io.BytesIO(clear)).convert('RGB').save(f, 'PNG')
    assert pair(png(), base64.b64encode(f.getvalue()).decode()) is None

@pytest.mark.parametrize('other', [dict(label='0.98'), dict(label='0.93'), dict(label='0.97\n0.97'),
    dict(title='two labels'), dict(x=(0, .9)), dict(size=(4.2, 2.5))], ids=str)
def test_another_picture_is_found(other): assert pair(png(), png(**other))

def test_a_loose_comparison_looks_at_size_and_layout():
    assert pair(png(), png(label='0.12', x=(1, 0)), loose=True) is None
    assert 'pixels, now' in pair(png(), png(size=(4.3, 2.5)), loose=True)
    black = base64.b64encode(_file(Image.new('L', (400, 250)))).decode()
    assert pair(png(), black, loose=True)
def _file(im):
    f = io.BytesIO()
    im.save(f, 'PNG')
    return f.getvalue()

def notebook(source, *outputs):
    cell = nbformat.v4.new_code_cell(source, outputs=list(outputs))
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell('x = 1'), cell])
def text(t): return nbformat.v4.new_output('stream', name='stdout', text=t)
def picture(p): return nbformat.v4.new_output('display_data', data={'image/png': p})
def found(source, a, b, tmp_path):
    return list(saved.differences(notebook(source, *a), notebook(source, *b), tmp_path, 'page'))

def test_a_stale_picture_is_named_and_saved_side_by_side(tmp_path, monkeypatch):
    monkeypatch.setattr(saved, 'drawn_by_another', False) # whichever Matplotlib this is, it draws both
    (line,) = found('plot()', [picture(png())], [picture(png(title='two labels'))], tmp_path)
    assert line.startswith("page, cell 1: 'plot()'") and str(tmp_path/'page_1_0.png') in line
    with Image.open(tmp_path/'page_1_0.png') as both: assert both.size == (3*400 + 20, 250)
    assert not found('plot()', [picture(png())], [picture(png())], tmp_path)
    assert '1 pictures, now 2' in ''.join(found('plot()', [picture(png())], [picture(png())]*2, tmp_path))

@pytest.mark.parametrize('a, b', [('12 layers', '12 rows'), ('0.5', '0.6'), ('1 2', '1 2 3'), ('0.5', '')])
def test_other_words_and_numbers_are_stale(a, b, tmp_path):
    assert found('f()', [text(a)], [text(b)], tmp_path)

@pytest.mark.parametrize('a, b', [('98.1%', '98.3%'), ('at 0x7f01', 'at 0x7e99'), ('a  3', 'a   3')])
def test_what_another_processor_changes_is_not(a, b, tmp_path):
    assert not found('f()', [text(a)], [text(b)], tmp_path)

def test_a_clock_and_a_declared_network_change_their_numbers(tmp_path):
    for source in ('took = perf_counter() - start', f'f() # {saved.declared}'):
        assert not found(source, [text('3 s')], [text('9 s')], tmp_path) and found(source, [text('3 s')],
            [text('9 min')], tmp_path)

def test_a_training_run_changes_its_numbers_and_not_its_words(tmp_path):
    for source in ('learn.fit(1); print(loss)', 'learn.fit_one_cycle(1)'):
        cells = [nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, outputs=[text(t)])])
            for t in ('loss 0.1', 'loss 0.7', 'error 0.1')]
        assert not list(saved.differences(cells[0], cells[1], tmp_path, 'page')), source
        assert list(saved.differences(cells[0], cells[2], tmp_path, 'page')), source

def test_which_cells_depend_on_training_or_on_a_clock():
    cells = ['net = simple_cnn()', 'plot(net)', 'learn = Learner(dls, net)', 'learn.fit(1)', 'plot(net)',
        'plot(x)', 'def f(): return net', 'plot(f())', 'net = simple_cnn()', 'plot(net)',
             'start = perf_counter()', 'd = perf_counter() - start', 'plot(d)',
             'def fit(m):\n    for _ in range(3): loss(m).backward()', 'plot(y)', 'fit(net)', 'plot(net)',
             'dls.show_batch()', 'ratios = []\nfor f in fs: ratios.append(best_of(f))', 'plot(ratios)',
             'def compared(f): return best_of(f)', 'compared(x)']
    sure = [c for c,u in zip(cells, saved.unsure(cells)) if not u]
    assert [i for i,u in enumerate(saved.unsure(cells)) if u] == [3, 4, 7, 10, 11, 12, 15, 16, 17, 18, 19, 21], sure

def test_pictures_of_every_kind_are_in_the_notebooks():
    "So that neither comparison is empty"
    res = {True: 0, False: 0}
    for p in saved.tool.notebooks():
        cells = [c for c in saved.tool.read(p).cells if c.cell_type == 'code']
        for c,loose in zip(cells, saved.unsure([c.source for c in cells])): res[loose] += len(saved.images(c))
    assert min(res.values()) > 10, res
