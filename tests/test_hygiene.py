"""What a notebook page must be, whatever it teaches: sound, clean, linked, with its badge, its alternative
texts and its ending"""
import ast, re, sys
from pathlib import Path
import nbformat
import pytest

root = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(root/'tools'))
import notebooks as tool
from cnn_notes.engine import _questions
from cnn_notes.exercises import all_exercises
from letters import long_lived

paths = tool.notebooks()
numbered = [p for p in paths if re.match(r'\d\d_', p.name)]
# a lesson is `01_kernels`, a page of the package `package/tracing`
names = {p: p.relative_to(root/'nbs').with_suffix('').as_posix() for p in paths}
# the questionnaire is the answers: it ends otherwise
answers = [p for p in numbered if 'questionnaire' in p.stem]
every_notebook = pytest.mark.parametrize('path', paths, ids=names.get)
every_lesson = pytest.mark.parametrize('path', [p for p in numbered if p not in answers], ids=names.get)

machine_path = re.compile(r'(?<![\w+/=.~-])/(root|home|tmp|work|usr|opt|Users|mnt)/\w')
forbidden = {
    'a gap that was left': re.compile(r'PLACEHOLDER|TODO|FIXME|XXX|lorem ipsum', re.I),
    'an exclamation mark': re.compile(r'!'),
    'a word that tells the reader it is easy': re.compile(r'\b(simply|obviously|just)\b', re.I),
    'British spelling': re.compile(r'\b\w*(colour|behaviour|neighbour|favour)\w*|\bcentr(e|es|ed)\b|'
                                   r'\b\w+(alis|imis|gnis)(e|ed|es|ing|ation)\b', re.I),
}

def read(path): return nbformat.read(path, as_version=4)
def code(nb): return [c for c in nb.cells if c.cell_type == 'code']
def markdown(nb): return [c for c in nb.cells if c.cell_type == 'markdown']
def outputs(nb): return [(c,o) for c in code(nb) for o in c.outputs]
def texts(o):
    return [o.text] if o.output_type == 'stream' else [t for kind,t in o.get('data', {}).items()
        if kind.startswith('text/') or kind == 'image/svg+xml']
def where(nb, c): return f'cell {nb.cells.index(c)}: {c.source[:60]!r}'

def prose(text):
    "Markdown without code, formulas, pictures' and links' targets, comments and tags"
    for pat,by in ((r'```.*?```', ' '), (r'(`+).+?\1', ' '), (r'<!--.*?-->', ' '),
        (r'\$\$.*?\$\$|\$[^$\n]+\$', ' '), (r'!\[([^\]]*)\]\([^)]*\)', r'\1'), (r'\]\([^)]*\)', ']'),
        (r'https?://\S+', ' '), (r'<[^>\n]+>', ' ')):
        text = re.sub(pat, by, text, flags=re.S)
    return text

def test_prose_leaves_only_prose():
    text = prose('So `a!` is ![five!](x.png) and [n](a!b.ipynb)\n```\nassert x != y\n```\n$n!$ <!-- just --> '
        '<b>fine</b>. ``b`!``')
    assert text.count('!') == 1 and 'five!' in text and 'fine' in text and 'just' not in text
    assert forbidden['a word that tells the reader it is easy'].search('It is Just so') and not forbidden[
        'a word that tells the reader it is easy'].search('adjust, justify')


# ---- sound and clean

@pytest.mark.parametrize('path', numbered, ids=names.get)
def test_no_line_of_code_makes_jupyterlab_scroll(path):
    lines = [(where(nb, c), o) for nb in [read(path)] for c in code(nb) for o in c.source.splitlines()]
    wide = [o for o in lines if len(o[1]) > 110 and not o[1].startswith('#| ')] # alternative texts are one line
    assert not wide, wide

def test_the_lessons_are_numbered_without_a_gap():
    assert [int(p.stem[:2]) for p in numbered] == list(range(len(numbered)))

# the site's addresses
def test_no_two_pages_have_one_name(): assert len({p.stem for p in paths}) == len(paths)

@every_notebook
def test_valid_and_small(path):
    nbformat.validate(read(path))
    assert path.stat().st_size < 1e6, f'{path.stat().st_size:,} bytes'

@every_notebook
def test_outputs_are_fit_for_a_page(path):
    nb = read(path)
    for c,o in outputs(nb):
        assert o.output_type != 'error', where(nb, c)
        assert o.get('name') != 'stderr', f'{where(nb, c)}: {o.text[:300]}'
        for t in texts(o):
            assert not (m := machine_path.search(t)), f'{where(nb, c)}: {t[max(0, m.start()-60):m.end()+60]}'
        for t in texts(o): assert 'Warning: ' not in t, f'{where(nb, c)}: {t[:300]}'

@every_notebook
def test_sources_name_no_machine(path):
    nb = read(path)
    for c in nb.cells: assert not (m := machine_path.search(c.source)), f'{where(nb, c)}: {m[0]}'

@every_notebook
def test_metadata_are_clean(path):
    nb = read(path)
    assert nb.metadata == {'kernelspec': dict(name='python3', display_name='python3', language='python')}
    for c in nb.cells:
        folded = {'jupyter': {'source_hidden': True}, 'cellView': 'form'}
        assert c.metadata == (folded if tool.folded(c) else {}), where(nb, c)
        assert not c.get('attachments'), where(nb, c)
    for c in code(nb): assert c.execution_count is None, where(nb, c)
    for c,o in outputs(nb):
        assert o.get('execution_count') is None, where(nb, c)
        assert set(o.get('metadata', {})) <= {'image/png', 'image/gif'}, where(nb, c)

# ---- pictures

@every_notebook
def test_pictures_have_alternative_texts(path):
    nb = read(path)
    for c in code(nb):
        kinds = {k for o in c.outputs for k in o.get('data', {}) if k.startswith('image/')}
        alt = tool.directive(c, 'fig-alt')
        if 'image/png' in kinds:
            assert alt, f'{where(nb, c)}: a picture, and no `#| fig-alt:`'
            assert len(alt.split()) >= 5, f'{where(nb, c)}: {alt!r} does not say what the picture shows'
        if alt:
            assert kinds, f'{where(nb, c)}: `#| fig-alt:`, and no picture saved'
        for o in c.outputs:
            for k in kinds & set(o.get('data', {})):
                assert o.metadata.get(k,
                    {}).get('alt'), f'{where(nb, c)}: {k} without its text; run `make export`'

# fastai's pictures are shown as they are; a view and a live picture bring their titles
shows_titles = re.compile(r"title|draw_workbook\(|fig\.text|show_batch|show_results|plot_sched|LiveSchedule\(|\.static\(\)")

@every_notebook
def test_pictures_have_titles(path):
    nb,helpers = read(path),{} # functions of the notebook that make a title
    for c in code(nb):
        for m in re.finditer(r'^def (\w+)\(.*?(?=^\S|\Z)', c.source, re.M | re.S):
            if shows_titles.search(m[0]) or any(re.search(rf'\b{h}\(', m[0]) for h in helpers):
                helpers[m[1]] = True
        if any('image/png' in o.get('data', {}) for o in c.outputs):
            assert shows_titles.search(c.source.split('\n', 1)[-1]) or any(re.search(rf'\b{h}\(', c.source)
                for h in helpers), f'{where(nb, c)}: a picture without a title'

# ---- top, links, ending

@every_notebook
def test_starts_with_title_and_promise(path):
    first = read(path).cells[0]
    assert first.cell_type == 'markdown' and re.fullmatch(r'# [^\n]+\n\n> [^\n]+',
        first.source.strip()), first.source

@every_notebook
def test_badge_and_install_cell(path):
    nb = read(path)
    if path.stem != 'index': # its table holds everybody's badge
        badges = [c.source for c in markdown(nb) if tool.badge_pat.match(c.source)]
        assert badges == [tool.opening(path)] and nb.cells[1].source == badges[0]
    assert not any('BADGE' in c.source for c in markdown(nb))
    install = tool.install_lines()
    first = next(c.source for c in code(nb) if 'cnn_notes' in c.source)
    assert first == f'#| hide\n{install}' or first.startswith(
        f'#@title Setup\n{install}\n'), 'something of cnn_notes is wanted before it is installed'
    assert sum("find_spec('cnn_notes')" in c.source for c in code(nb)) == 1
    for c in nb.cells: # a bare name is anybody's to register
        assert not re.search(r'pip\W+install [^\n]*\bcnn_notes\b(?<!/cnn_notes)', c.source), where(nb, c)

@every_notebook
def test_links_between_notebooks(path):
    nb = read(path)
    for c in markdown(nb):
        for target in re.findall(r'\]\(([^)\s]+\.ipynb)(?:#[^)]*)?\)', c.source):
            if target.startswith('http'): continue
            assert (path.parent/target).resolve() in names, f'{where(nb, c)}: no notebook {target}'
            assert (path.parent/target).resolve() != path, f'{where(nb, c)}: leads to itself'

@every_notebook
def test_a_heading_begins_its_cell(path):
    nb = read(path)
    for c in markdown(nb)[1:]:
        for line in re.sub(r'```.*?```', '', c.source, flags=re.S).strip().split('\n')[1:]:
            assert not line.startswith('## '), where(nb, c)
            assert not line.startswith('# '), f'{where(nb, c)}: a second title'

def section(nb, title):
    "The cells from `## title` on"
    headings = [i for i,c in enumerate(nb.cells) if c.cell_type == 'markdown' and c.source.startswith('## ')]
    at = [i for i in headings if nb.cells[i].source.split('\n')[0] == f'## {title}']
    assert len(at) == 1, f'{len(at)} headings `## {title}`'
    return nb.cells[at[0]:next((i for i in headings if i > at[0]), None)]

@every_lesson
def test_exercises(path):
    cells = section(read(path), 'Exercises')
    number = re.compile(r"exercise\('(\d\d\.\d+)'\)")
    # the reader's cell: a stub and a check
    if tutored := [c for c in cells if c.cell_type == 'code' and number.search(c.source)]:
        numbers = [number.search(c.source)[1] for c in tutored]
        text = ' '.join(' '.join(c.source for c in cells if c.cell_type == 'markdown').split())
        assert numbers == [i for i in all_exercises() if i[:2] == path.stem[:2]]
        for c in tutored:
            ex = all_exercises()[number.search(c.source)[1]]
            stop = '' if ex.title[-1] == '?' else '.'
            asked = f"**{ex.id[3:]}. {ex.title}{stop}** {' '.join(ex.statement.split())}"
            assert asked in text, f'{ex.id}: the page asks something else'
            stub = f'{ex.stub}\n\nex = exercise({ex.id!r})\nex.check({ex.name})'
            assert c.source == stub, f'{where(read(path), c)}: not the stub'
            assert 'Not yet' in c.outputs[0].data['text/plain']
        return
    solutions = [c for c in cells if c.cell_type == 'code' and '#@title Solution' in c.source]
    assert 2 <= len(solutions) <= 4, f'{len(solutions)} solutions'
    for c in solutions:
        assert c.source.startswith('#| code-fold: true\n#@title Solution\n') or re.match(
            r'(#\|[^\n]*\n)*#\| code-fold: true\n(#\|[^\n]*\n)*#@title Solution\n', c.source), c.source[:80]
    verdicts = [o.data['text/plain'] for c in cells if c.cell_type == 'code' for o in c.outputs
        if 'text/plain' in o.get('data', {})]
    assert sum(v.startswith('Not yet') for v in verdicts) >= len(solutions) and sum(v.startswith('Correct')
        for v in verdicts) >= len(solutions), verdicts

@every_lesson
def test_questions_answered_here(path):
    nb = read(path)
    cells = section(nb, 'Questions answered here')
    last = [c for c in nb.cells if not c.source.startswith('#| default_exp')][-1]
    assert last in cells and last.cell_type == 'markdown', 'not the last section'
    items = [l for c in cells if c.cell_type == 'markdown' for l in c.source.split('\n')
        if l.startswith('- ')]
    assert items
    for l in items:
        assert re.match(r'- \[([Qq]uestion \d+|([Rr]esearch )?(task '
            r')?R?[123])\]\(14_questionnaire\.ipynb(#[^)]*)?\)\W+\w', l), l
    numbers = re.findall(r'\[[Qq]uestion (\d+)\]', '\n'.join(items))
    assert len(set(numbers)) == len(numbers) and all(int(n) in _questions() for n in numbers), numbers

def test_every_question_is_answered_somewhere():
    said = '\n'.join(c.source for p in numbered for c in markdown(read(p)))
    numbers = {int(n) for n in re.findall(r'\[[Qq]uestion (\d+)\]', said)}
    assert {*range(1, 41)} <= numbers | {19} <= {*_questions()} # 19, the reading list, is the questionnaire's own
    assert {int(n) for n in re.findall(r'\[[Rr]esearch task (\d)\]', said)} == {1, 2, 3}

@every_notebook
def test_tone(path):
    nb = read(path)
    for c in markdown(nb):
        for what,pat in forbidden.items():
            text = prose(c.source)
            around = (m := pat.search(text)) and text[max(0, m.start()-40):m.end()+20]
            assert not m, f'{where(nb, c)}: {what}: ...{around}...'
    for c in code(nb):
        if alt := tool.directive(c, 'fig-alt'):
            for what,pat in forbidden.items(): assert not pat.search(alt), f'{where(nb, c)}: {what}: {alt}'

@pytest.mark.parametrize('where', ['replace', 'write_text'])
def test_a_notebook_is_written_whole_or_not_at_all(where, tmp_path, monkeypatch):
    path,nb = tmp_path/'a.ipynb',nbformat.v4.new_notebook()
    tool.write(nb, path)
    before = path.read_bytes()
    def stop(self, *args, **kwargs):
        if where == 'write_text': self.write_bytes(b'{"cells": [')
        raise KeyboardInterrupt
    monkeypatch.setattr(tool.os if where == 'replace' else Path, where, stop)
    nb.cells.append(nbformat.v4.new_code_cell('1'))
    with pytest.raises(KeyboardInterrupt): tool.write(nb, path)
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ['a.ipynb']

# ---- names

# what a formula or PyTorch calls so, where the formula stands
formulas = {'fields.pixel_shuffle': 'C H W r', 'fields.pixel_unshuffle': 'C H W r', 'fields._columns': 'k d p s',
    'fields._mean_pool': 'd p s', 'fields._ordered': 'k', 'norm._careful.careful': 'x',
    'norm.BatchNorm2d._of_batch': 'x'}
folders = 'cnn_notes', 'cnn_notes/answers', 'cnn_notes/experiments', 'cnn_notes/questions'
modules = [p for folder in folders for p in sorted((root/folder).glob('*.py'))]

@pytest.mark.parametrize('path', modules, ids=lambda p: p.stem)
def test_what_lives_longer_than_a_line_has_a_name(path):
    found = [(f'{path.stem}.{where}', letter, line) for where,letter,line in long_lived(path.read_text())]
    found = [o for o in found if o[1] not in formulas.get(o[0], '').split()]
    assert not found, 'give a name that says what it holds: ' + ', '.join(f'{o} in {w}, line {l}' for w,o,l in found)

@pytest.mark.parametrize('source, letters', [
    ('def f(n):\n    return n', ''), ('def _f(n):\n    return n', 'n'), ('def _f(n): return n + n', ''),
    ("def _f(img:Float[Tensor, 'h w']):\n    h,w = img.shape\n    return h*w", ''),
    ('def f():\n    for o in a: print(o)\n    for o in b: print(o)', ''),
    ('def f():\n    for o in a:\n        print(o)', 'o'), ('def f():\n    n = 0\n    n += 1', 'n'),
    ('def f():\n    return [x + 1\n            for x in a]', 'x'), ('def f():\n    _ = 1\n    return _', ''),
    ('def f():\n    try: g()\n    except E as e:\n        raise e', 'e'),
    ('def f():\n    if (n := g()) and h(n): return 1\n    return n', 'n'), ('import torch as t\nt\nu = 1\nu', ''),
    ('class A:\n    def f(self, n):\n        def g(k):\n            return k\n        return n', 'k'),
    ('class _A:\n    def f(self, n):\n        return n', 'n'), ('def f():\n    n = 1\n    def g(): return n', 'n')])
def test_long_lives_are_found(source, letters): assert ''.join(o[1] for o in long_lived(source)) == letters

@pytest.mark.parametrize('path', modules, ids=lambda p: p.stem)
def test_no_patch_takes_a_name_of_its_module(path):
    "The oldest fastcore leaves None in the module where a method was patched in"
    kinds = ast.FunctionDef,ast.ClassDef
    nodes = [o for o in ast.parse(path.read_text()).body if isinstance(o, kinds)]
    patched = {o.name for o in nodes if any('patch' in ast.unparse(d) for d in o.decorator_list)}
    own = {o.name for o in nodes if not any('patch' in ast.unparse(d) for d in o.decorator_list)}
    assert not patched & own
