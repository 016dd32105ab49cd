"Every answer holds, every wrong claim is noticed, and asking works in a notebook and in a terminal"
import functools, hashlib, inspect, json, os, pickle, random, re, resource, subprocess, sys, warnings
from importlib import import_module
from pathlib import Path
import matplotlib
import numpy as np
import pytest
import torch
matplotlib.use('Agg')
import matplotlib.pyplot as plt
import cnn_notes.questions
from cnn_notes import questionnaire as q
from cnn_notes import texts
from cnn_notes.questions import common

root = Path(__file__).resolve().parent.parent
data = root/'cnn_notes'/'questions'
numbers = [*range(1, 41), 'R1', 'R2', 'R3']
by_number = pytest.mark.parametrize('n', numbers)
every = texts._questions()

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
    'R3': dict(added=[0], points=[-1.5, 2.], seeds=[1., 4.])}

def wrongs(value):
    "Values on both sides of a claim: one more and one less of a count, 1.5 and 0.6 times a measurement"
    if isinstance(value, int): return [value - 1, value + 1]
    if isinstance(value, float): return [.6*value, 1.5*value]
    if isinstance(value, str): return [value[:-1], f'no {value}']
    changed = [value[:i] + (o,) + value[i+1:] for i,v in enumerate(value) for o in wrongs(v)]
    return [value[:-1], (*value, value[0]), *changed]

@pytest.fixture(scope='session')
def found_so_far(tmp_path_factory):
    "A folder that all workers of this session share"
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if 'PYTEST_XDIST_WORKER' in os.environ else base)/'found'
    folder.mkdir(exist_ok=True)
    return folder

@pytest.fixture(scope='module', autouse=True)
def found_once(found_so_far):
    """A check with the same settings finds the same, and a training run gives the same network: run each once,
    for all workers"""
    def once(f, key):
        def known_or_new(*args, **kwargs):
            name = hashlib.sha256(repr((f.__name__, key(*args, **kwargs))).encode()).hexdigest()
            path = found_so_far/f'{name}.pickle'
            if not path.exists():
                part = path.with_suffix(f'.{os.getpid()}')
                part.write_bytes(pickle.dumps(f(*args, **kwargs)))
                part.replace(path)
            return pickle.loads(path.read_bytes())
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
        patch.setattr(q, '_found', once(q._found, of_check))
        for n in (11, 30, 32, 33, 40, 'R3'): patch.setattr(import_module(every[n].module), 'train', train)
        yield


# ---- the answers

def test_all_of_them(): assert list(every) == numbers

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
    with q._aside(): found = set(q._found(e, e.claims))
    assert not settings & found and settings | found == set(e.claims)
    text = e.body + ''.join(map(str, e.said))
    for c in (*e.claims, *e.quoted): assert re.search(r'\{' + c + r'\b',
                                                      text), f'{n} claims {c} and does not say it'

@functools.cache
def cells_of(page):
    return json.loads((root/'nbs'/f'{page}.ipynb').read_text(encoding='utf-8'))['cells']

@by_number
def test_quoted_numbers_stand_on_their_page(n):
    for name,(value,page,words) in every[n].quoted.items():
        said = str(cells_of(page)).replace('\\n', ' ')
        assert re.sub(r'[\s|]+', ' ', words) in re.sub(r"[\s|]+|', '", ' ', said), (
            f'{page} does not say {words!r}')
        assert f'{abs(value):g}' in words.replace('.10 ', '.1 '), name

@by_number
def test_words(n):
    e = every[n]
    first = e.answer.split('\n\n')[0]
    for t in (e.text, e.answer, *texts._said(e)):
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

@by_number
def test_no_number_is_typed_that_a_claim_holds(n):
    e = every[n]
    chance = {6: {28}, 13: {10}, 15: {16}}.get(n, set()) # rows of a digit, classes, filters
    known = numerals((*e.claims.values(), *(v for v,*_ in e.quoted.values()))) - chance
    text = '\n'.join([e.body, *(v for o in e.said for v in o.values())])
    prose = re.sub(r'```.*?```|`[^`]+`|\]\([^)]*\)|\{[^}]*\}', ' ', text, flags=re.S)
    typed = {float(o.replace(',', '')) for o in re.findall(r'(?<![\w.])\d+(?:,\d\d\d)*(?:\.\d+)?', prose)}
    assert not {v for v in typed & known if v > 9 or v != int(v)}

@by_number
def test_badges_are_of_four_kinds(n):
    kinds = [re.match('checked here|measured|cited|hypothesis', b) for b in every[n].badges]
    assert kinds and all(kinds), every[n].badges
    for b in every[n].badges:
        if b.startswith('measured'): assert (root/'nbs'/f'{b.rsplit(" in ", 1)[1]}.ipynb').exists(), b
    assert (n in (24, 31, 32, 40)) == any(b.startswith('hypothesis') for b in every[n].badges)

def test_what_is_often_said():
    assert {5, 6, 7, 8, 10, 13, 15, 17, 23, 24, 25, 27, 29, 32, 34, 37, 38, 39,
            40} <= {n for n in numbers if every[n].said}
    for n in numbers:
        for o in every[n].said: assert {'said', 'source', 'against', 'holds'} <= set(o) <= {
            'said', 'source', 'against', 'holds', 'address', 'version'}
    count = sum(len(e.said) for e in every.values())
    text = q.mended().markdown
    assert text.count('*Often said*') == text.count('*Against it:*') == text.count('*What holds:*') == count
    assert repr(q.mended(15)).count('56,448') == 1
    with pytest.raises(ValueError, match='11.*stands.*5, 6, 7'): q.mended(11)
    rows = q.circulating().markdown.split('\n')[2:]
    assert len(rows) == count and all(row.count(' | ') == 3 for row in rows)
    assert '[15](#Question-15)' in q.circulating(15).markdown and '56,448' in q.circulating(15).markdown

@pytest.mark.parametrize('change,words', [(('holds:', 'hold:'), "holds, and may have .*'holds', 'hold'"),
    (('question: 44', 'question: 45'), 'circulating.md: there is no question 45'),
    (('said: ', 'said '), "circulating.md: a field is"), (('---\n', '---\n\n\n\n'), '')])
def test_a_wrong_answer_is_a_block_of_fields(elsewhere, change, words):
    (elsewhere/'q44.md').write_text(text_44)
    (elsewhere/'circulating.md').write_text(circulating_44)
    assert 'others say 1,168' not in repr(q.answer(44)) and '[a sheet](https://a.org/b), 2020' in q.mended(44).markdown
    (elsewhere/'circulating.md').write_text(circulating_44.replace(*change))
    texts._questions.cache_clear()
    if not words: assert len(texts._find(44, '').said) == 2
    else:
        with pytest.raises(ValueError, match=words): q.answer(44)

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

def test_page_has_a_heading_and_an_address_for_each_question():
    cells = cells_of('14_questionnaire')
    sources = [''.join(c['source']) for c in cells]
    index = sources[sources.index('## Index') + 1]
    at = []
    for n,e in every.items():
        title = texts._title(e)
        assert f'[{e.text}](#{title.replace(" ", "-")})' in index, title
        at.append(sources.index(f'## {title}'))
        assert sources[at[-1] + 1] == f'answer({n!r})'
        shown, = cells[at[-1] + 1]['outputs']
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

text_44 = '''---
question: How many weights has a 3 x 3 convolution
    from 8 channels to 16?
badge: checked here
see: 06_counting
weights = 1152
---
It has {weights:,}.
'''
circulating_44 = '''# A list
---
question: 44
said: It has
    1,168.
source: a sheet
address: https://a.org/b
version: 2020
against: A count finds {weights:,}.
holds: It has {weights:,}.

question: 44
said: None.
source: nobody
against: A count finds {weights:,}.
holds: It has {weights:,}.
'''
check_44 = 'import torch.nn as nn\ndef check(): return dict(weights=nn.Conv2d(8, 16, 3).weight.numel())\n'

@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    "A folder in which the engine looks for questions, too"
    monkeypatch.setattr(cnn_notes.questions, '__path__', [*cnn_notes.questions.__path__, str(tmp_path)])
    texts._questions.cache_clear()
    yield tmp_path
    texts._questions.cache_clear()

def test_a_new_question_is_a_file_and_a_check(elsewhere):
    (elsewhere/'q44.md').write_text(text_44)
    (elsewhere/'q44.py').write_text(check_44)
    assert 'from 8 channels to 16?' in repr(q.question(44)) and 'It has 1,152.' in repr(q.answer(44))
    assert q.check(44) and 'found 1152' in q.check(44, weights=1168).message
    with pytest.raises(ValueError,
                       match='the questions are 1 to 44, and the research tasks R1 to R3'): q.answer(45)

@pytest.mark.parametrize('change,words',
                         [(('see:', 'see'), "q44.md: a field is .* and not 'see 06"),
                          (('question:', 'text:'), 'q44.md'),
    (('= 1152', '= many'), 'q44.md'), (('---\n', ''), 'q44.md')])
def test_a_file_that_cannot_be_read_is_named(elsewhere, change, words):
    (elsewhere/'q44.md').write_text(text_44.replace(*change))
    with pytest.raises(ValueError, match=words): q.answer(44)


# ---- asking

@pytest.mark.parametrize('n',
                         [0, 41, -1, 'R4', 'R0', '', 'fifteen', None, True, 15., [15], '15.5', '-', '-1',
                          '1-', '1-99'])
@pytest.mark.parametrize('f', [q.question, q.answer, q.check, q.claims])
def test_unknown_numbers(f, n):
    words = f'{f.__name__}: there is no question .* 1 to 40, and the research tasks R1 to R3'
    with pytest.raises(ValueError, match=words): f(n)

@pytest.mark.parametrize('n',
                         [15, '15', ' 15 ', 'q15', 'Question 15', 'question 15', np.int64(15),
                          torch.tensor(15)])
def test_ways_to_say_fifteen(n): assert q.check(n).number == 15
@pytest.mark.parametrize('n', ['R2', 'r2', 'R 2', 'Research task 2', 'research question 2', 'task 2'])
def test_ways_to_say_r2(n): assert texts._find(n, '').number == 'R2'

@pytest.mark.parametrize('given,want',
                         [('1-3', [1, 2, 3]), (['38-r1', 5], [38, 39, 40, 'R1', 5]),
                          ('r1 - R3', ['R1', 'R2', 'R3']),
                                        ((7, '7-7'), [7, 7]), (range(2, 4), [2, 3])])
def test_ranges(given, want): assert [e.number for e in texts._pick(given, '')] == want
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
    assert texts._plain('a **b `*c*`** *d* `**e**`', 80, live=True) == 'a \033[1mb `*c*`\033[0m d `**e**`'

def test_addresses_that_can_be_opened():
    for e in every.values():
        markdown = q.answer(e.number).markdown
        said = texts._plain(markdown, 60, live=True)
        opened = re.findall(r'\033\]8;;([^\033]+)\033\\', said)
        want = re.findall(r'\]\(([^)]+)\)', markdown)
        assert len(opened) == len(want) == said.count('\033]8;;\033\\'), e.number
        for got,target in zip(opened, want):
            assert got == target or got.endswith(target) and got.startswith(texts._home), (got, target)
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
    def _found(e, claims):
        run = import_module(e.module).check
        return run(**{k: claims[k] for k in inspect.signature(run).parameters})
    monkeypatch.setattr(q, '_found', _found)

def test_a_check_does_not_depend_on_what_was_before(afresh):
    for seed in (1, 2, 3):
        torch.manual_seed(seed)
        for n in (3, 24, 29): assert q.check(n)

def test_a_check_runs_where_gradients_are_off(afresh):
    for off in (torch.no_grad, torch.inference_mode):
        with off():
            for n in (10, 16, 28): assert q.check(n), q.check(n)

def test_a_check_that_breaks_is_reported(monkeypatch):
    real = q._found
    def broken(e, claims):
        if e.number == 4: raise KeyError('gone')
        return real(e, claims)
    monkeypatch.setattr(q, '_found', broken)
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

def test_quiz():
    shown = []
    said = play('49 places', 'n', '', 'y', '', 'no')
    again = q.quiz([15, 17, 'R1'], ask=said, show=lambda t: shown.append(repr(t)))
    assert again == [15, 'R1']
    assert len(shown) == 7 and '18,432' not in shown[0] and '18,432' in shown[1]
    assert shown[-1] == '1 of 3. To look at again: 15, R1.'

@pytest.mark.parametrize('lines,again',
                         [(['q'], []), (['', 'q'], []), (['', 'n', 'Q'], [1]), ([EOFError()], []),
                                         (['', KeyboardInterrupt()], []), (['', 'n', '', EOFError()], [1])])
def test_quiz_ends_politely(lines, again):
    shown = []
    assert q.quiz(ask=play(*lines), show=lambda t: shown.append(repr(t))) == again
    assert shown[-1] == ('0 of 1. To look at again: 1.' if again else 'Until next time.')

def test_quiz_refuses_unknown_numbers():
    with pytest.raises(ValueError, match='quiz: there is no question 41'): q.quiz([1, 41], ask=play(),
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
    (['41'], "there is no question '41'"), (['5-1'], 'runs backward'), (['--mended', '11'], 'stands'),
    (['--json', 'x'], "there is no question 'x'"), (['--list', '--check'], 'not allowed with')])
def test_an_error_is_said_once(args, words):
    res = terminal(*args)
    assert res.returncode == 2 and res.stderr.count(words) == 1 and not res.stdout
    assert 'Traceback' not in res.stderr
    assert re.search(r'^python -m cnn_notes.questionnaire: error: (?!\w+: |: )', res.stderr, re.M), res.stderr

def test_lists():
    out = terminal('--list', COLUMNS='400').stdout.split('\n')
    assert len(out) == len(every) + 1 and out[4] == '  5  What is padding? [checked here]'
    assert '[hypothesis' in terminal('--list', '40').stdout
    out = terminal('--mended', '14-16').stderr
    assert 'the usual answer to 14 stands' in out
    out = terminal('--mended').stdout
    assert out.count('Often said') == sum(len(e.said) for e in every.values())

def test_json():
    found = json.loads(terminal('--json', '15', 'r1').stdout)
    assert [o['number'] for o in found] == [15, 'R1'] and found[0]['claims']['products'] == 18_432
    assert found[0]['answer'] == every[15].answer and '56,448' in found[0]['often_said'][0]['said']
    assert found[0]['see'] == [texts._home + '06_counting.ipynb#One-layer,-counted-three-times']
    assert len(json.loads(terminal('--json').stdout)) == len(every)
    outcome, = json.loads(terminal('--json', '--check', '5').stdout)
    assert outcome['ok'] and outcome['number'] == 5 and not outcome['message']

def test_addresses_are_those_of_the_repository():
    said = re.search(r'^Repository = "(.+)"', (root/'pyproject.toml').read_text(encoding='utf-8'), re.M)[1]
    assert texts._home == f'{said}/blob/main/nbs/'

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
