"Every answer holds, every wrong claim is noticed, and asking works in a notebook and in a terminal"
import functools, inspect, itertools, json, os, random, re, resource, subprocess, sys, warnings
from importlib import import_module
from pathlib import Path
import matplotlib
import nbformat
import numpy as np
import pytest
import torch
matplotlib.use('Agg')
import matplotlib.pyplot as plt
import cnn_notes.questions
from cnn_notes import __version__, questionnaire as q
from cnn_notes import engine, texts
from cnn_notes import quiz as quiz_module
from cnn_notes import terminal as terminal_module
from cnn_notes.questions import common

root = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(root/'tools'))
import notebooks as tool
data = root/'cnn_notes'/'questions'
find_afresh = engine._found
every = engine._questions()
numbers = list(every)
plain = [n for n in numbers if isinstance(n, int)]
last = max(plain)

@pytest.fixture(autouse=True)
def nobody(monkeypatch, tmp_path):
    "A reader who was never here"
    monkeypatch.setenv('CNN_NOTES_HOME', str(tmp_path/'home'))

by_number = pytest.mark.parametrize('n', numbers)

# wrong values that the rule below does not make: of the settings of a check, and of what may be near zero
wrong_values = {
    2: dict(kernel=[((1, 1, 1), (0, 0, 0), (-1, -1, -1)), ((-1, -2, -1), (0, 0, 0), (1, 2, 1))]),
    8: dict(ni=[4, 16], nf=[8, 32], groups=[2, 8]), 22: dict(method=['one_batch', 'show']),
    26: dict(name=['recorder', 'stats'],
             short=['progress_callback', 'recorder']), 27: dict(threshold=[.02, .2]),
    30: dict(lr=[.002, .3], smaller=[.001, .1]),
    31: dict(warmup=[.2, .3], div=[10, 50], final=[10_000, 1_000_000], high=[.9, .99], low=[.8, .9]),
    32: dict(low=[.002, .02], high=[.02, .5]), 33: dict(lr=[.01, .3], small=[.05]),
    34: dict(high=[.9, .99], low=[.8, .9]), 35: dict(name=['progress', 'record']), 36: dict(low=[-5, 1],
                                                                                            high=[5, 20]),
    37: dict(high=[.005, 1.], low=[.0001, .1],
             weights=[10, 25]), 38: dict(gamma=[50, 200]), 40: dict(still=[-1, 1]),
    'R3': dict(difference=[-.1, .1], added=[0], points=[-1.5, 2.], seeds=[1., 4.])}

def wrongs(value):
    "Values on both sides of a claim: one more and one less of a count, 1.5 and 0.6 times a measurement"
    if isinstance(value, int): return [value - 1, value + 1]
    if isinstance(value, float): return [.6*value, 1.5*value]
    if isinstance(value, str): return [value[:-1], f'no {value}']
    changed = [value[:i] + (o,) + value[i+1:] for i,v in enumerate(value) for o in wrongs(v)]
    return [value[:-1], (*value, value[0]), *changed]

@pytest.fixture(scope='module', autouse=True)
def found_once():
    "A check with the same settings finds the same, and a training run gives the same network: run each once"
    def once(f, key):
        known = {}
        def known_or_new(*args, **kwargs):
            at = key(*args, **kwargs)
            if at not in known: known[at] = f(*args, **kwargs)
            return known[at]
        return known_or_new
    def of_check(question, claims):
        settings = inspect.signature(import_module(question.module).check).parameters
        return question.module,*(repr(claims[k]) for k in settings)
    def of_run(net, lr, steps, **kwargs):
        rates = tuple(lr(i/steps) for i in range(steps)) if callable(lr) else lr
        start = b''.join(v.numpy().tobytes() for v in net.state_dict().values())
        return str(net),start,rates,steps,tuple(sorted(kwargs.items()))
    def run(net, *args, **kwargs):
        losses = common.train(net, *args, **kwargs)
        return losses,{k: v.clone() for k,v in net.state_dict().items()}
    remembered = once(run, of_run)
    def train(net, *args, **kwargs):
        losses,state = remembered(net, *args, **kwargs)
        net.load_state_dict(state)
        return losses
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, '_found', once(engine._found, of_check))
        for n in (11, 30, 32, 33, 40, 'R3'): patch.setattr(import_module(every[n].module), 'train', train)
        yield


# ---- the answers

def test_all_of_them():
    assert numbers == [*plain, 'R1', 'R2', 'R3'] and plain == sorted(plain) and plain[:40] == [*range(1, 41)]

@by_number
def test_answer_holds(n):
    o = q.check(n)
    assert o, o

@pytest.mark.parametrize('n,claim', [(n, c) for n in numbers for c in every[n].claims])
def test_wrong_claims_are_noticed(n, claim):
    for value in wrong_values.get(n, {}).get(claim) or wrongs(every[n].claims[claim]):
        o = q.check(n, **{claim: value})
        assert not o, f'{n} holds with {claim} = {value!r}'
        assert o.message and 'the check raised' not in o.message, o

@by_number
def test_a_claim_is_a_setting_or_is_found_and_is_said(n):
    e = every[n]
    settings = set(inspect.signature(import_module(e.module).check).parameters)
    with engine._aside(): found = set(engine._found(e, e.claims))
    assert not settings & found and settings | found == set(e.claims)
    text = e.body + ''.join(map(str, e.said + e.asked))
    for c in e.claims: assert re.search(r'\{' + c + r'\b', text), f'{n} claims {c} and does not say it'

@functools.cache
def cells_of(page):
    return json.loads((root/'nbs'/f'{page}.ipynb').read_text(encoding='utf-8'))['cells']

@by_number
def test_words(n):
    e = every[n]
    first = e.answer.split('\n\n')[0]
    more = [e.fill(o) for pair in e.points + e.asked for o in pair]
    for t in (e.text, e.answer, *texts._said(e), *more):
        prose = re.sub(r'```.*?```|`[^`]+`|\]\([^)]*\)', ' ', t, flags=re.S)
        assert not re.search(r'\b(simply|obviously|just)\b|!', prose, re.I), prose
        assert not re.search(r'\b\w*(colour|behaviour|neighbour|favour)\w*|\bcentre', prose, re.I), prose
        assert not re.search(r'[{}]', prose) and t.isascii(), t
    assert e.text.endswith(('?', '.'))
    assert n == 19 or 25 <= len(e.answer.split()) <= 360, len(e.answer.split())
    assert first.rstrip().endswith(('.', ':')) and not re.search(r'[.?] [A-Z]', first), (
        'it does not begin with one sentence')

def numerals(value):
    "The numbers in a claim"
    if isinstance(value, tuple): return {o for v in value for o in numerals(v)}
    return set() if isinstance(value, str) else {float(value)}

def typed(text):
    "The numbers that a text has outside of braces, code, and links"
    prose = re.sub(r'```.*?```|`[^`]+`|\]\([^)]*\)|\{[^}]*\}|\b1cycle\b', ' ',
                   re.sub(r'\[question\s+\d+\]\([^)]*\)', ' ', text), flags=re.S)
    return {float(o.replace(',', '')) for o in re.findall(r'(?<![\w.])\d+(?:,\d\d\d)*(?:\.\d+)?', prose)}

def all_of(e):
    parts = [v for o in e.said for k,v in o.items() if k in ('said', 'against', 'holds')]
    return '\n'.join([e.body, *parts, *(o for pair in e.points + e.asked for o in pair)])

by_number_but_19 = pytest.mark.parametrize('n', [n for n in numbers if n != 19]) # years of what it lists

@by_number_but_19
def test_no_number_is_typed_that_is_not_a_setting(n):
    e = every[n]
    assert not (found := typed(all_of(e)) - typed(' '.join(e.given))), f'name it in `given`, or claim it: {found}'

@by_number_but_19
def test_settings_are_named_for_a_reason(n):
    e = every[n]
    assert not (idle := typed(' '.join(e.given)) - typed(all_of(e))), f'given and not said: {idle}'

@by_number
def test_no_number_is_typed_that_a_claim_holds(n):
    e = every[n]
    chance = {6: {28}, 5: {28}, 13: {10}, 15: {16}, 33: {16}}.get(n, set()) # rows, classes, filters, a batch
    known = numerals((*e.claims.values(),)) - chance
    assert not {v for v in typed(all_of(e)) & known if v > 9 or v != int(v)}

@pytest.mark.parametrize('words', ['It takes 37 steps.', 'It is .5 of it, or 2.5 times.', 'So 1,168 are left', '**9**'])
def test_a_typed_number_is_found(words): assert typed(words) and not typed(f'`{words}` and {{claim:.2f}}')

@by_number
def test_badges_are_of_four_kinds(n):
    kinds = [re.match('checked here|measured|cited|hypothesis', b) for b in every[n].badges]
    assert kinds and all(kinds), every[n].badges
    code = (data/f'{every[n].module.rsplit(".", 1)[1]}.py').read_text(encoding='utf-8')
    used = set(re.findall(r"record\('(\w+)'\)", code))
    named = {name for m in every[n].marks if m.startswith('measured: ') for name in m[10:].split(', ')}
    assert used == named, 'a badge names the records that the check reads'
    for b in every[n].badges:
        if b.startswith('measured'): assert re.search(r'\*\w+\* \(\d+ seeds?; .+; \d{4}-\d\d-\d\d\)', b), b
    assert (n in (24, 31, 32, 37, 38, 40)) == any(b.startswith('hypothesis') for b in every[n].badges)

def test_what_is_often_said():
    assert {5, 6, 7, 8, 10, 13, 15, 17, 23, 24, 25, 27, 29, 32, 34, 37, 38, 39,
            40} <= {n for n in numbers if every[n].said}
    count = sum(len(e.said) for e in every.values())
    assert count >= 25
    text = q.mended().markdown
    assert text.count('*Said elsewhere*') == text.count('*Against it:*') == text.count('*What holds:*') == count
    assert repr(q.mended(15)).count('56,448') == 1
    with pytest.raises(ValueError, match='11.*stands.*5, 6, 7'): q.mended(11)
    rows = q.circulating().markdown.split('\n')
    assert len(rows) == count and all(row.startswith('- **[') and '*What holds:*' in row for row in rows)
    assert not any('| ' in row for row in rows) # the site shows a table in an output as text
    assert '[15](#Question-15)' in q.circulating(15).markdown and '56,448' in q.circulating(15).markdown

@pytest.mark.parametrize('change,words', [(('holds:', 'hold:'), 'one of said, .*, version, and not hold$'),
    (('source: nobody', 'source = 3'), "no source in 'said: None"), (('source: nobody', 'source = 3 +'), ''),
    (('source: nobody\nagainst', 'address'), 'there is no source and no against in .said: None'),
    (('nothing.\n\n---\n', 'nothing.\n'), 'said is there twice in .said: It has'), # two in one block
    (('version: 2020', 'address: 2020'), 'address is there twice'), (('said: ', 'said '), 'a field is'),
    (('nothing.\n\n---\n', 'nothing.\n\n\n---\n\n'), None)])
def test_a_wrong_answer_is_a_block_of_fields(elsewhere, change, words):
    (elsewhere/'q101.md').write_text(text_new + wrong_new)
    assert 'others say 1,168' not in repr(q.answer(101)) and '[a sheet](https://a.org/b), 2020' in q.mended(101).markdown
    changed = wrong_new.replace(*change)
    assert changed != wrong_new
    (elsewhere/'q101.md').write_text(text_new + changed)
    engine._questions.cache_clear()
    if words is None: assert [o['said'] for o in engine._find(101, '').said] == ['It has 1,168.', 'None.']
    else:
        with pytest.raises(ValueError, match=f'q101.md: .*{words}'): q.answer(101)

def test_the_list_of_wrong_answers_follows_the_files(elsewhere):
    before = q.circulating().markdown.split('\n')
    (elsewhere/'q101.md').write_text(text_new + wrong_new)
    engine._questions.cache_clear()
    after = q.circulating().markdown.split('\n')
    new = [row for row in after if row.startswith('- **[101](#Question-101)** ')]
    assert len(new) == 2 and [row for row in after if row not in new] == before
    assert 'It has 1,168. ([a sheet](https://a.org/b), 2020.) *What holds:* It has 1,152, and' in new[0]
    assert q.mended().markdown.count('*Said elsewhere*') == len(after) and q.mended(101).markdown in q.mended().markdown

@functools.cache
def headings(page):
    cells = cells_of(page)
    lines = '\n'.join(''.join(c['source']) for c in cells if c['cell_type'] == 'markdown').split('\n')
    return [line.lstrip('# ') for line in lines if re.match('#+ ', line)]

@by_number
def test_links_lead_to_headings(n):
    e = every[n]
    assert e.see
    for o in e.see:
        page,_,heading = o.partition('#')
        assert not heading or heading in headings(page), o
        assert f'{page}.ipynb' in e.links and (not heading or re.search(r'\.ipynb#\S+\)', e.links))
    for target in re.findall(r'\]\(([^)]+)\)', e.body + str(e.said)):
        page,_,heading = target.partition('#')
        if '://' in target: continue
        anchors = [h.replace(' ', '-') for h in headings(page.removesuffix('.ipynb') or '14_questionnaire')]
        assert not heading or heading in anchors, target

@by_number
def test_files_are_readable(n):
    for end in ('md', 'py'):
        path = data/f'{every[n].module.rsplit(".", 1)[1]}.{end}'
        assert max(map(len, path.read_text(encoding='utf-8').split('\n'))) <= 110, path.name
    body = (data/f'{path.stem}.md').read_text(encoding='utf-8').split('---\n', 2)[2]
    assert not re.search(r'\S\n---', body), 'dashes below a line of text make it a heading; leave a line empty'

def test_page_has_a_heading_and_an_address_for_each_question():
    cells = cells_of('14_questionnaire')
    sources = [''.join(c['source']) for c in cells]
    index = next(o for o in sources if o.startswith('## Index\n'))
    at = []
    for n,e in every.items():
        title = texts._title(e)
        assert f'[{e.text}](#{title.replace(" ", "-")})' in index, title
        at.append(sources.index(f'## {title}'))
        assert sources[at[-1] + 1] == f'answer({n!r})'
        outputs = cells[at[-1] + 1]['outputs']
        assert outputs, f'the page does not show the answer to {n} yet; run it'
        shown, = outputs
        shown = ''.join(shown['data']['text/markdown'])
        assert shown == q.answer(n).markdown, f'the page shows another answer to {n}; run it'
    assert at == sorted(at) and index.count('](#') == len(every)

def test_links_from_the_pages_lead_to_the_question_they_name():
    found = 0
    for path in [*(root/'nbs').glob('*.ipynb'), *(root/'nbs'/'package').glob('*.ipynb')]:
        cells = json.loads(path.read_text(encoding='utf-8'))['cells']
        text = '\n\n'.join(''.join(c['source']) for c in cells if c['cell_type'] == 'markdown')
        for label,anchor in re.findall(r'\[([^\]\[]*)\]\([./]*14_questionnaire\.ipynb(?:#([^)]*))?\)', text):
            m = re.search(r'(question)s?\s+(\d+)|(research task) R?(\d)', label, re.I)
            if not m: continue
            want = f'Question-{m[2]}' if m[1] else f'Research-task-{m[4]}'
            assert anchor == want, f'{path.name}: [{label}] leads to #{anchor}'
            assert want.replace('-', ' ') in headings('14_questionnaire')
            found += 1
    assert found >= 43


# ---- a new question

text_new = '''---
question: How many weights has a 3 x 3 convolution
    from 8 channels to 16?
badge: checked here
see: 06_counting
weights = 1152
---
It has {weights:,}.
'''
wrong_new = '''
---
said: It has
    1,168.
source: a sheet
address: https://a.org/b
version: 2020
against: A count finds {weights:,}.
holds: It has {weights:,}, and not nothing.

---
said: None.
source: nobody
against: A count finds {weights:,}.
holds: It has {weights:,}.
'''
check_new = 'import torch.nn as nn\ndef check(): return dict(weights=nn.Conv2d(8, 16, 3).weight.numel())\n'

@pytest.fixture
def elsewhere(tmp_path_factory, monkeypatch):
    "A folder in which the engine looks for questions, too"
    tmp_path = tmp_path_factory.mktemp('questions')
    monkeypatch.setattr(cnn_notes.questions, '__path__', [*cnn_notes.questions.__path__, str(tmp_path)])
    engine._questions.cache_clear()
    yield tmp_path
    engine._questions.cache_clear()

def test_a_new_question_is_a_file_and_a_check(elsewhere):
    (elsewhere/'q101.md').write_text(text_new)
    (elsewhere/'q101.py').write_text(check_new)
    assert 'from 8 channels to 16?' in repr(q.question(101)) and 'It has 1,152.' in repr(q.answer(101))
    assert q.check(101) and 'found 1152' in q.check(101, weights=1168).message
    with pytest.raises(ValueError,
                       match='the questions are 1 to 101, and the research tasks R1 to R3'): q.answer(102)

def test_dressing_the_page_enters_a_new_question(elsewhere):
    (elsewhere/'q101.md').write_text(text_new)
    page = nbformat.read(root/'nbs'/'14_questionnaire.ipynb', as_version=4)
    before = [c.source for c in page.cells]
    tool.answered(page)
    after = [c.source for c in page.cells]
    at = after.index('## Question 101')
    assert after[at:at+3] == ['## Question 101', 'answer(101)', '## Research task 1'] and after[at-1] == f'answer({last})'
    line = '101. [How many weights has a 3 x 3 convolution from 8 channels to 16?](#Question-101)\n'
    assert [o.replace(line, '') for o in after[:at] + after[at+2:]] == before and line in '\n'.join(after)
    tool.answered(page)
    assert [c.source for c in page.cells] == after

@pytest.mark.parametrize('change,words',
                         [(('see:', 'see'), "q101.md: a field is .* and not 'see 06"),
                          (('question:', 'text:'), 'q101.md: .* and not text'), (('= 1152', '= 1152\nweights = 3'), 'weights is there twice'), (('see:', 'sea:'), 'q101.md: .* and not sea'),
                          (('badge: checked here\n', 'badge: checked here\nquestion: What?\n'), 'q101.md'),
    (('= 1152', '= many'), 'q101.md'), (('---\n', ''), 'q101.md')])
def test_a_file_that_cannot_be_read_is_named(elsewhere, change, words):
    (elsewhere/'q101.md').write_text(text_new.replace(*change))
    with pytest.raises(ValueError, match=words): q.answer(101)


# ---- asking

@pytest.mark.parametrize('n',
                         [0, last + 1, -1, 'R4', 'R0', '', 'fifteen', None, True, 15., [15], '15.5', '-', '-1',
                          '1-', '1-99'])
@pytest.mark.parametrize('f', [q.question, q.answer, q.check, q.claims])
def test_unknown_numbers(f, n):
    words = f'{f.__name__}: there is no question .* 1 to {last}, and the research tasks R1 to R3'
    with pytest.raises(ValueError, match=words): f(n)

@pytest.mark.parametrize('n',
                         [15, '15', ' 15 ', 'q15', 'Question 15', 'question 15', np.int64(15),
                          torch.tensor(15)])
def test_ways_to_say_fifteen(n): assert q.check(n).number == 15
@pytest.mark.parametrize('n', ['R2', 'r2', 'R 2', 'Research task 2', 'research question 2', 'task 2'])
def test_ways_to_say_r2(n): assert engine._find(n, '').number == 'R2'

@pytest.mark.parametrize('given,want',
                         [('1-3', [1, 2, 3]), (['38-r1', 5], [*(n for n in plain if n >= 38), 'R1', 5]),
                          ('r1 - R3', ['R1', 'R2', 'R3']),
                                        ((7, '7-7'), [7, 7]), (range(2, 4), [2, 3])])
def test_ranges(given, want): assert [e.number for e in engine._pick(given, '')] == want
def test_a_range_that_runs_backward():
    with pytest.raises(ValueError, match="answer: '5-1' runs backward; give '1-5'"): q.answer('5-1')

def test_claims():
    assert q.claims('q39') == dict(mean=.2, var=1.1)
    q.claims(39)['mean'] = 3
    assert q.claims(39)['mean'] == .2

def test_unknown_claim():
    with pytest.raises(ValueError, match='nothing about pixels; its claims are weights, places'):
        q.check(15, pixels=3)

def test_texts_in_notebook_and_terminal(monkeypatch):
    a = q.answer(15, 'R2')
    assert a._repr_markdown_() == a.markdown
    assert '06_counting.ipynb#One-layer,-counted-three-times' in a.markdown
    assert '18,432' in a.markdown and '18,432' in repr(a) and 'Research task 2' in repr(a)
    assert every[15].text in q.question(15).markdown and '18,432' not in q.question(15).markdown
    for columns in (40, 92, 200):
        monkeypatch.setenv('COLUMNS', str(columns))
        lines = [line for n in numbers for line in repr(q.answer(n)).split('\n')]
        assert not any('**' in line or '](' in line for line in lines if '`' not in line)
        wide = [line for line in lines if len(line) > columns and ' ' in line.strip() and 'http' not in line]
        assert not [o for o in wide if not o.startswith('    ')] and max(map(len, lines)) > .9*columns

def test_bold_where_the_text_has_it():
    assert terminal_module._plain('a **b `*c*`** *d* `**e**`', 80, live=True) == 'a \033[1mb `*c*`\033[0m d `**e**`'

def test_addresses_that_can_be_opened():
    for e in every.values():
        markdown = q.answer(e.number).markdown
        said = terminal_module._plain(markdown, 60, live=True)
        opened = re.findall(r'\033\]8;;([^\033]+)\033\\', said)
        want = re.findall(r'\]\(([^)]+)\)', markdown)
        assert len(opened) == len(want) == said.count('\033]8;;\033\\'), e.number
        for got,target in zip(opened, want):
            assert got == target or got.endswith(target) and got.startswith('file:///'), (got, target)
        shown = re.sub(r'\033\]8;;[^\033]*\033\\|\033\[\d?m', '', said)
        assert '\033' not in shown and max(map(len, shown.split('\n'))) <= 60 or '    ' in shown or '/' in shown

def test_a_check_leaves_no_trace():
    torch.manual_seed(5); np.random.seed(5); random.seed(5)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    plt.figure()
    def state():
        return (torch.get_rng_state().tolist(), np.random.get_state()[1].tolist(), random.getstate(),
                plt.get_fignums(), list(warnings.filters), torch.is_grad_enabled(), torch.get_num_threads())
    before = state()
    try:
        for n in (5, 22, 27, 28, 35): assert q.check(n)
        assert state() == before
    finally:
        plt.close('all')
        torch.set_num_threads(threads)

@pytest.fixture
def afresh(monkeypatch):
    "Checks run again, whatever was found before"
    monkeypatch.setattr(engine, '_found', find_afresh)

def test_a_check_does_not_depend_on_what_was_before(afresh):
    for seed in (1, 2, 3):
        torch.manual_seed(seed)
        for n in (3, 24, 29): assert q.check(n)

def test_a_check_runs_where_gradients_are_off(afresh):
    for off in (torch.no_grad, torch.inference_mode):
        with off():
            for n in (10, 16, 28): assert q.check(n), q.check(n)

def test_a_check_that_breaks_is_reported(monkeypatch):
    real = engine._found
    def broken(e, claims):
        if e.number == 4: raise KeyError('gone')
        return real(e, claims)
    monkeypatch.setattr(engine, '_found', broken)
    o = q.check(4)
    assert not o and "KeyError: 'gone'" in o.message
    s = q.check_all([4, 6], show=lambda o: None)
    assert not s and s.failed == [s[0]] and '1 of 2 answers hold' in repr(s)
    assert 'gone' in repr(s) and 'gone' in s._repr_html_()
    assert q.main(['--check', '4', '6']) == 1

def test_check_all_shows_progress(capsys):
    s = q.check_all([5, 'r2'])
    out = capsys.readouterr().out
    assert s and [o.number for o in s] == [5, 'R2']
    assert re.fullmatch(r'  5 holds \([\d.]+ s\)\n R2 holds \([\d.]+ s\)\n', out)
    seen = []
    assert q.check_all(6, show=seen.append) and seen[0].number == 6
    with pytest.raises(ValueError, match='check_all: there is no question 99'): q.check_all([5, 99])

def play(*lines):
    it = iter(lines)
    def ask(prompt):
        o = next(it)
        if isinstance(o, BaseException): raise o
        return o
    return ask

def asked(numbers, *lines, **kwargs):
    "What the quiz returns, and what it shows"
    shown = []
    return q.quiz(numbers, ask=play(*lines), show=lambda t: shown.append(repr(t)), **kwargs),shown

def test_quiz():
    again,shown = asked([15, 17, 'R1'], '49 places', 'n', '', 'y', '', 'no')
    assert again == [15, 'R1']
    assert len(shown) == 7 and '18,432' not in shown[0] and '18,432' in shown[1]
    assert shown[-1] == '1 of 3. To look at again: 15, R1.'
    assert shown[1].startswith('You wrote: 49 places') and 'You wrote' not in shown[3]
    assert every[15].text not in shown[1] and '- 2 16 x 1,152 = 18,432.' in shown[1]

@pytest.mark.parametrize('said,want', [('y', {1, 2, 3}), ('ALL', {1, 2, 3}), ('n', set()), ('1', {1}), ('3, 1', {1, 3}),
    ('1 2 3', {1, 2, 3}), ('', None), ('4', None), ('ja', None), ('1 x', None), ('-1', None), ('0', set())])
def test_points_to_tick(said, want): assert quiz_module._ticked(said, 3) == want

def test_a_typing_error_is_asked_again():
    prompts = []
    said = iter(['', 'ja', '99', '1 2', ''])
    def ask(prompt):
        prompts.append(prompt)
        return next(said)
    assert q.quiz([15], ask=ask, show=lambda t: None) == []
    assert len(prompts) == 4 and prompts[2] == 'Numbers from 1 to 2, y, n, or q: '

def test_some_of_the_points_are_not_all(): assert asked([15], '', '1')[0] == [15]

def test_misses_come_back(monkeypatch):
    import datetime
    class day(datetime.date):
        now = 0
        @classmethod
        def today(cls): return datetime.date(2026, 1, 1) + datetime.timedelta(days=cls.now)
    monkeypatch.setattr(quiz_module, 'date', day)
    def next_ones(k):
        order = quiz_module._to_ask(quiz_module._remembered(), day.today())
        return order[:k]
    assert next_ones(3) == [1, 2, 3]
    asked('2-4', 'two', 'y', 'three', 'n', '', '1')
    assert next_ones(3) == [3, 4, 1] and 2 not in next_ones(99) # the misses, then new ones
    state = json.loads(quiz_module._file().read_text())
    assert state['boxes']['3'] == dict(box=0, due='2026-01-01', wrote='three')
    boxes = repr(q.boxes())
    assert 'Box 1 (2): 3, 4; due from 2026-01-01' in boxes and 'Box 2 (1): 2; due from 2026-01-02' in boxes
    assert f'Not asked yet: {len(every) - 3}' in boxes
    day.now = 1
    assert next_ones(3) == [3, 4, 2]
    for wait in (3, 7, 21, 60, 60): # had every time: later and later
        asked(2, '', 'y')
        day.now += wait - 1
        assert 2 not in next_ones(99)
        day.now += 1
        assert 2 in next_ones(99)
    asked(2, '', 'n')
    assert 2 in next_ones(3)

def test_a_quiz_goes_on_where_it_stopped():
    assert asked('5-9', '', 'y', '', 'n', 'q')[0] == [6]
    again,shown = asked(None, '', 'y', 'q')
    assert shown[0] == 'Going on where you stopped: 3 of 5.' and 'Question 7' in shown[1]
    again,shown = asked(None, 'q')
    assert shown[0] == 'Going on where you stopped: 4 of 5.' and 'Question 8' in shown[1]
    again,shown = asked(None, 'q', resume=False)
    assert 'Question 6' in shown[0] # the miss
    assert 'Question 20' in asked(20, 'q')[1][0]

def test_nothing_is_due():
    asked(None, *['', 'y']*len(every))
    again,shown = asked(None)
    assert again == [] and shown[0].startswith('Nothing is due today')
    assert 'Question 1.' in asked('1-40', 'q')[1][0]

def test_any_order():
    orders = set()
    for seed in range(3):
        random.seed(seed)
        orders.add(asked('1-20', 'q', shuffle=True)[1][0])
    assert len(orders) > 1

@pytest.mark.parametrize('content', ['', '{', '[]', '{"boxes": 3, "left": "x"}', '{"boxes": {"5": 1, "6": {"box": 99,'
    ' "due": "2026-01-01"}, "7": {"box": 1, "due": "soon"}, "99": {}}, "left": [99, null], "of": 2}'])
def test_a_damaged_memory_is_forgotten(content):
    quiz_module._file().parent.mkdir(parents=True)
    quiz_module._file().write_text(content)
    assert quiz_module._remembered() == dict(boxes={}, left=[], of=0)
    assert asked(None, '', 'y', 'q')[1][0].startswith('Question 1.')

def test_a_damaged_box_costs_only_itself():
    quiz_module._file().parent.mkdir(parents=True)
    good,bad = dict(box=1, due='2026-01-01'),[dict(box=99, due='2026-01-01'), dict(box=-1, due='2026-01-01'), None, dict(box=1, due=3)]
    boxes = {'1': good} | {str(n): o for n,o in enumerate(bad, 2)}
    quiz_module._file().write_text(json.dumps(dict(boxes=boxes, left=[2, 3], of=5)))
    assert quiz_module._remembered() == dict(boxes={'1': good}, left=[2, 3], of=5)

def test_a_folder_that_cannot_be_written(monkeypatch, tmp_path):
    (tmp_path/'file').write_text('')
    monkeypatch.setenv('CNN_NOTES_HOME', str(tmp_path/'file'/'below'))
    assert asked([15], '', 'n') [0] == [15]


# ---- cards

def test_every_question_has_its_points():
    for n,e in every.items():
        assert 1 <= len(e.points) <= 6, n
        for front,back in e.points + e.asked:
            assert front.endswith(('?', 'has both.')) and back.endswith('.'), (n, front, back)
            assert len(e.fill(back).split()) <= 55, back
    fronts = [front for e in every.values() for front,_ in e.points + e.asked]
    assert len(set(fronts)) == len(fronts) > 100

def test_cards(tmp_path):
    pytest.importorskip('genanki')
    import sqlite3, zipfile
    def notes(*args):
        path = tmp_path/f'{len(list(tmp_path.iterdir()))}.apkg'
        count = q.cards(path, *args)
        zipfile.ZipFile(path).extract('collection.anki2', folder := tmp_path/f'{path.stem}.d')
        base = sqlite3.connect(folder/'collection.anki2')
        rows = base.execute('select guid, flds from notes').fetchall()
        base.close()
        assert len(rows) == count == len({guid for guid,_ in rows})
        return dict(rows)
    assert len(notes()) == sum(len(e.points + e.asked) for e in every.values())
    own = notes('15')
    assert sorted(own.values())[0].split('\x1f')[1:] == ['16 x 1,152 = 18,432.', 'cnn_notes, question 15']
    assert notes(15) == own, 'the same card has the same name'
    assert any('<code>ks//2</code>' in o for o in notes(5).values())

def test_cards_without_genanki(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, 'genanki', None)
    with pytest.raises(ImportError, match='cards: genanki.*pip install genanki'): q.cards(tmp_path/'a.apkg')
    with pytest.raises(SystemExit): q.main(['--anki', str(tmp_path/'a.apkg')])
    assert capsys.readouterr().err.count('pip install genanki') == 1 and not list(tmp_path.glob('*.apkg'))

def test_html(): assert quiz_module._html('a <b> **c** `*d*` *e*') == 'a &lt;b&gt; <b>c</b> <code>*d*</code> <i>e</i>'


@pytest.mark.parametrize('lines,again',
                         [(['q'], []), (['', 'q'], []), (['', 'n', 'Q'], [1]), ([EOFError()], []),
                                         (['', KeyboardInterrupt()], []), (['', 'n', '', EOFError()], [1])])
def test_quiz_ends_politely(lines, again):
    shown = []
    assert q.quiz(ask=play(*lines), show=lambda t: shown.append(repr(t))) == again
    assert shown[-1] == ('0 of 1. To look at again: 1.' if again else 'Until next time.')

def test_quiz_refuses_unknown_numbers():
    with pytest.raises(ValueError, match='quiz: there is no question 99'): q.quiz([1, 99], ask=play(),
                                                                                  show=print)

def test_quiz_says_how_far_it_is():
    prompts = []
    q.quiz('2-4', ask=lambda p: prompts.append(p) or ('q' if '(2 of 3)' in p else 'y'), show=lambda t: None)
    assert [p.split(')')[0] for p in prompts if p.startswith('(')] == ['(1 of 3', '(2 of 3']


# ---- from a terminal

def terminal(*args, stdin='', **env):
    return subprocess.run([sys.executable, '-m', 'cnn_notes.questionnaire', *args], cwd=root, input=stdin,
                          capture_output=True,
                          text=True, timeout=300, env=os.environ | env)

def test_terminal():
    res = terminal('15', 'r2', COLUMNS='60')
    assert res.returncode == 0 and '18,432' in res.stdout and 'Research task 2' in res.stdout
    assert not res.stderr and '\033' not in res.stdout
    assert all(len(line) <= 60 for line in res.stdout.split('\n') if 'http' not in line)
    res = terminal('--check', '5', '15')
    assert res.returncode == 0 and '2 of 2 answers hold' in res.stdout and not res.stderr

@pytest.mark.parametrize('args,words', [
    (['99'], "there is no question '99'"), (['5-1'], 'runs backward'), (['--mended', '11'], 'stands'),
    (['--json', 'x'], "there is no question 'x'"), (['--list', '--check'], '--check and --list were given'), (['--nope'], 'unrecognized arguments: --nope; --help says'),
    (['--anki'], 'expected one argument; --help says'), (['--anki', 'a', '--anki', 'b'], "'a', 'b'; give it the name of one"),
    (['--anki', ''], "''; give it the name of one file"), (['--json', '--mended', '11'], 'stands')])
def test_an_error_is_said_once(args, words):
    res = terminal(*args)
    assert res.returncode == 2 and res.stderr.count(words) == 1 and not res.stdout
    assert res.stderr.count('\n') == 1 and res.stderr.endswith('\n')
    assert 'Traceback' not in res.stderr
    assert re.search(r'^python -m cnn_notes.questionnaire: error: (?!\w+: |: )', res.stderr, re.M), res.stderr

def test_lists():
    out = terminal('--list', COLUMNS='400').stdout.split('\n')
    assert len(out) == len(every) + 1 and out[4] == '  5  What is padding? [checked here]'
    assert '[hypothesis' in terminal('--list', '40').stdout
    out = terminal('--mended', '10-12').stderr
    assert 'the usual answer to 11 stands' in out
    out = terminal('--mended').stdout
    assert out.count('Said elsewhere') == sum(len(e.said) for e in every.values())

def test_json():
    found = json.loads(terminal('--json', '15', 'r1').stdout)
    assert [o['number'] for o in found] == [15, 'R1'] and found[0]['claims']['products'] == 18_432
    assert found[0]['answer'] == every[15].answer and '56,448' in found[0]['often_said'][0]['said']
    assert found[0]['see'] == ['nbs/06_counting.ipynb#One-layer,-counted-three-times']
    assert found[0]['points'][1]['answer'] == '16 x 1,152 = 18,432.'
    assert len(json.loads(terminal('--json').stdout)) == len(every)
    outcome, = json.loads(terminal('--json', '--check', '5').stdout)
    assert outcome['ok'] and outcome['number'] == 5 and not outcome['message']

options = {'numbers': ['5'], '--anki': ['--anki', 'a.apkg']} | {o: [o] for o in
    '--check --list --mended --quiz --boxes --shuffle --restart --json'.split()}
together = {'numbers --check': ('check_all', [5]), '--check --json': ('check_all', None), # what is called, and with what
    'numbers --anki': ('cards', 'a.apkg', [5]), 'numbers --quiz': ('quiz', [5], False, True),
    'numbers --shuffle': ('quiz', [5], True, True), 'numbers --restart': ('quiz', [5], False, False),
    '--quiz --shuffle': ('quiz', None, True, True), '--quiz --restart': ('quiz', None, False, False),
    '--shuffle --restart': ('quiz', None, True, False),
    'numbers --list': r'  5  What is padding\?.*\n', 'numbers --mended': r'5\. What is padding\?\n\n- Said elsewhere.*', # or printed
    'numbers --json': r'\[.*"number": 5,.*"answer": "Padding is .*\]\n', '--list --json': r'\[.*"number": 1,.*"badges": .*\]\n',
    '--mended --json': r'\[.*"number": 2,.*"often_said": .*\]\n'}
pairs = [frozenset(o) for o in itertools.combinations(options, 2)]
fitting = {frozenset(k.split()): v for k,v in together.items()}

@pytest.fixture
def command(monkeypatch, capsys):
    "Runs the command in this process: what it returns, prints, and complains of; and the calls that take long"
    calls = []
    def check_all(numbers, show): return calls.append(('check_all', numbers)) or q.Summary([q.Outcome(5, True, '', .1)])
    def cards(*args): return calls.append(('cards', *args)) or 2
    def quiz(numbers, shuffle, resume): calls.append(('quiz', numbers, shuffle, resume))
    for f in (check_all, cards, quiz): monkeypatch.setattr(q, f.__name__, f)
    def run(*args):
        try: code = q.main([*args])
        except SystemExit as e: code = e.code
        return code,*capsys.readouterr(),calls
    return run

@pytest.mark.parametrize('pair', pairs, ids=lambda o: ' '.join(sorted(o)))
def test_two_options_work_together_or_are_refused(pair, command):
    for names in itertools.permutations(pair):
        code,out,err,calls = command(*(o for name in names for o in options[name]))
        if pair not in fitting:
            line = re.fullmatch(r'python -m cnn_notes.questionnaire: error: (\S+) and (\S+) were given; '
                                r'\1 goes with ([^;]+); leave one of the two out\n', err)
            assert code == 2 and not out and not calls and {line[1], line[2]} == set(pair)
            fit = {(set(o) - {line[1]}).pop() for o in fitting if line[1] in o}
            assert set(line[3].split(', ')) == (fit or {'nothing else'})
        else:
            want = fitting[pair]
            assert code == 0 and not err and calls[-1:] == ([want] if isinstance(want, tuple) else [])
            assert isinstance(want, tuple) or re.fullmatch(want, out, re.S), out

def test_three_options_and_numbers_among_them(command):
    assert command('5', '--quiz', '--restart', '6-7', '--shuffle')[3] == [('quiz', [5, 6, 7], True, False)]
    assert [o['number'] for o in json.loads(command('--mended', '5-6', '--json', '8')[1])] == [5, 6, 8]
    records = json.loads(command('--list', '--json')[1])
    assert len(records) == len(every) and set(records[0]) == {'number', 'question', 'badges'}
    assert records[0]['badges'] == list(every[1].badges)
    records = json.loads(command('--mended', '--json')[1])
    assert [len(o['often_said']) for o in records] == [len(e.said) for e in every.values() if e.said]
    code,_,err,_ = command('5', '--list', '--json', '--quiz')
    assert code == 2 and '--list and --quiz were given' in err

def test_the_table_of_options_names_options():
    names = {k if k == 'numbers' else f'--{k}' for k in vars(q._parser().parse_args([]))}
    assert names == set(options) # a new option wants a decision
    assert {o for k,v in q._together.items() for o in (k, *v.split())} <= names

def test_addresses_follow_where_the_package_comes_from(monkeypatch, tmp_path):
    from importlib import metadata
    from email.message import Message
    target,where = '06_counting.ipynb#Filters',f"/blob/v{__version__}/nbs/06_counting.ipynb#Filters"
    def come_from(*urls):
        m = Message()
        for url in urls: m['Project-URL'] = url
        monkeypatch.setattr(metadata, 'metadata', lambda name: m)
        terminal_module._home.cache_clear()
    try:
        come_from('Repository, https://github.com/ada/notes')
        assert terminal_module._address(target) == terminal_module._address(target, live=True) == 'https://github.com/ada/notes' + where
        come_from()
        assert terminal_module._address(target) == f'nbs/{target}' and terminal_module._address('#A') == 'nbs/14_questionnaire.ipynb#A'
        assert terminal_module._address(target, live=True) == (root/'nbs').as_uri() + f'/{target}'
        monkeypatch.setattr(terminal_module, '_clone', lambda: tmp_path/'nowhere') # installed, and published nowhere
        assert terminal_module._address(target) == '' and terminal_module._address('https://a.org') == 'https://a.org'
        for live in (True, False): assert terminal_module._plain(f'a [b]({target}) c', 80, live=live) == 'a b c'
    finally: terminal_module._home.cache_clear()

def pseudo_terminal(*args, lines=24, **env):
    "What a program writes to a terminal of 70 columns"
    import fcntl, pty, struct, termios
    mine,theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack('HHHH', lines, 70, 0, 0))
    clean = {k: v for k,v in os.environ.items() if k not in ('COLUMNS', 'LINES', 'NO_COLOR', 'PAGER')}
    with subprocess.Popen([sys.executable, '-m', 'cnn_notes.questionnaire', *args], cwd=root, stdin=theirs,
            stdout=theirs, stderr=theirs, env=clean | {'TERM': 'xterm'} | env):
        os.close(theirs)
        res = b''
        try:
            while part := os.read(mine, 4096): res += part
        except OSError: pass # the other side is closed
    os.close(mine)
    return res.decode().replace('\r', '')

def test_bold_and_links_where_somebody_looks():
    said = pseudo_terminal('4')
    assert '\033[1mQuestion 4.' in said and '\033]8;;file:///' in said
    assert max(len(re.sub(r'\033\]8;;[^\033]*\033\\|\033\[\d?m', '', l)) for l in said.split('\n')) <= 70
    assert '\033' not in pseudo_terminal('4', NO_COLOR='1') and '\033' not in pseudo_terminal('4', TERM='dumb')

def test_a_long_answer_goes_through_the_pager():
    pager = f'{sys.executable} -c "import sys; print(\'PAGED\', len(sys.stdin.read().split(chr(10))))"'
    said = pseudo_terminal('19', PAGER=pager)
    assert re.fullmatch(r'PAGED \d\d+', said.strip()), said
    assert 'PAGED' not in pseudo_terminal('22', PAGER=pager)

def test_terminal_quiz():
    res = terminal(stdin='a transformation\ny\nq\n')
    assert res.returncode == 0 and not res.stderr
    assert 'What is a feature?' in res.stdout and '1 of 1.' in res.stdout
    res = terminal('--quiz', '17', stdin='19\ny\n')
    assert 'Question 17' in res.stdout and '(1 of 1)' in res.stdout and '1 of 1.' in res.stdout
    res = terminal()
    assert res.returncode == 0 and 'Until next time.' in res.stdout and not res.stderr

def test_a_reader_who_has_seen_enough():
    with subprocess.Popen([sys.executable, '-m', 'cnn_notes.questionnaire', '1-40'], cwd=root,
                          stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as p:
        assert p.stdout.readline().startswith('Question 1.')
        p.stdout.close()
        assert 'Traceback' not in p.stderr.read()

def test_a_text_is_printed_without_torch():
    code = ("import sys\nfrom cnn_notes import questionnaire as q\n"
            "q.main(['1-40', 'R1-R3']); q.main(['--list']); q.main(['--mended'])\n"
            "print(*{'torch', 'fastai', 'numpy', 'matplotlib'} & set(sys.modules), file=sys.stderr)")
    res = subprocess.run([sys.executable, '-c', code], cwd=root, capture_output=True, text=True, timeout=60)
    assert res.returncode == 0 and not res.stderr.strip(), res.stderr

def test_help_is_quick():
    def seconds():
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        res = terminal('--help')
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert 'Without arguments: the quiz' in ' '.join(res.stdout.split())
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert min(seconds() for _ in range(3)) < .5

@pytest.mark.parametrize('f', [lambda: q.main(['--help']), lambda: q.main(['0'])])
def test_parser_ends(f, capsys):
    with pytest.raises(SystemExit): f()
    assert 'questionnaire' in ''.join(capsys.readouterr())

def test_a_closed_output_is_no_error():
    "`python -m cnn_notes.questionnaire 5 >&-`"
    command = f'"{sys.executable}" -m cnn_notes.questionnaire 5 >&-'
    done = subprocess.run(['/bin/sh', '-c', command], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, '')
    quiz = subprocess.run(['/bin/sh', '-c', command.replace(' 5 ', ' --quiz 5 ')], capture_output=True, text=True)
    assert (quiz.returncode, quiz.stderr) == (0, '')
