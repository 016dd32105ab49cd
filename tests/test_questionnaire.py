"Every answer holds, every false claim is noticed, and asking works in a notebook, in a terminal and at its end"
import dataclasses, json, random, re, subprocess, sys, time, warnings
from pathlib import Path
import numpy as np
import pytest, torch
import matplotlib
matplotlib.use('Agg')
import matplotlib.pyplot as plt
from cnn_notes import questionnaire as q

root = Path(__file__).resolve().parent.parent
numbers = [*range(1, 41), 'R1', 'R2', 'R3']
mend = [5, 6, 7, 8, 10, 13, 15, 17, 23, 24, 25, 27, 39]
planned = {'00_data', '01_kernels', '02_stride_padding', '03_channels', '04_matmul', '05_simple_cnn', '06_counting', '07_receptive_field', '08_trace_precedents',
           '09_activations', '10_one_cycle', '11_batchnorm', '12_before_deep_learning', '14_questionnaire'}

# a false value for every claim that an answer makes
false = {
    1: dict(ceiling=.4, reached=.9999), 2: dict(kernel=((1, 1, 1), (0, 0, 0), (-1, -1, -1)), greys='light', gray='dark'), 3: dict(products=8, name='convolution'),
    4: dict(bare=1, layer='0.0'), 5: dict(parity='even', stride=2, before=2, after=1, halved=28), 6: dict(bare=(28, 14, 10), padded=(28, 14, 9), odd=3),
    7: dict(flat=26, rows=676), 8: dict(ni=16, nf=8, groups=2, weight=(16, 8, 3, 3), axes=3, single=2), 9: dict(gray=3, color=1, filters=1), 10: dict(example=(9, 4), zeros=16, numbers=16, digit=(9, 784), agree=((3, 2),)),
    11: dict(dense=1, moved=50., accuracy=.9999), 12: dict(relus=5, forgotten=4, params=6723), 13: dict(flattened=(10,), squeezed=(1, 10), four=64),
    14: dict(nchw=(2, 4, 5, 3), nhwc=(2, 3, 4, 5), strides=(60, 1, 15, 3), last=(60, 20, 5, 1)), 15: dict(weights=1168, places=49, products=56_448, real=18_432, usual=18_432),
    16: dict(fields=(5, 7, 9, 11, 13)), 17: dict(fields=(7, 9, 11), usual=(7, 13, 19)), 18: dict(first=25, pixels=81), 19: dict(papers=17, courses=4, pages=3),
    20: dict(axes=4, width=40, height=60, tensor=(40, 60, 3), array=(3, 40, 60)), 21: dict(weights=144, biases=48), 22: dict(method='one_batch', shown=10),
    23: dict(multiplications=(39_200,)*5, activations=(1568,)*5, parameters=(208,)*5), 24: dict(small=25, large=9, filters=16, deeper=9, rank=1568),
    25: dict(keys=('mean', 'std', 'hist'), layers=1, plain=4), 26: dict(name='recorder', short='progress_callback'), 27: dict(titles=('mean', 'std', 'weights'), threshold=.5, share=.04, close=.52),
    28: dict(blocked=(2,), gradient=1), 29: dict(ratio=16, small=937, large=117), 30: dict(lr=.002, smaller=.1, stuck=.5, learned=.1), 31: dict(warmup=.3, div=10, final=10_000, high=.9, low=.8),
    32: dict(low=.05, high=.01, times=20, limit=1), 33: dict(lr=.0001, times=20), 34: dict(high=.9, low=.9, far=10, near=20), 35: dict(name='progress', giver='TrainEvalCallback'),
    36: dict(bins=50, low=-5, high=5), 37: dict(high=.005, low=.1, dead=1.01, alive=.01, guess=1.), 38: dict(parameters=('weight',), buffers=('running_mean', 'running_std'), per_channel=1), 39: dict(mean=2., var=1.),
    40: dict(times=20, still=1), 'R1': dict(ramp=1, numbers=784, share=.01), 'R2': dict(batch=(0,), layer=(2, 3), instance=(1, 2, 3)),
    'R3': dict(original='convolution, activation, normalization', added=0, points=-1)}

@pytest.fixture(scope='module', autouse=True)
def trained_once():
    "A training run from the same weights with the same settings gives the same network: run each once in all these tests"
    real,runs = q._train,{}
    def _train(net, lr, steps, **kwargs):
        start = b''.join(v.numpy().tobytes() for v in net.state_dict().values())
        key = (str(net), start, tuple(lr(i/steps) for i in range(steps)) if callable(lr) else lr, steps, tuple(sorted(kwargs.items())))
        if key not in runs:
            losses = real(net, lr, steps, **kwargs)
            runs[key] = losses,{k: v.clone() for k,v in net.state_dict().items()}
        losses,state = runs[key]
        net.load_state_dict(state)
        return losses
    q._train = _train
    yield
    q._train = real


# ---- the answers

def test_all_of_them(): assert set(q._questions) == set(numbers) == set(false)

@pytest.mark.parametrize('n', numbers)
def test_answer_holds(n):
    o = q.check(n)
    assert o, o

@pytest.mark.parametrize('n,claim', [(n, c) for n in numbers for c in false[n]])
def test_false_claim_is_noticed(n, claim):
    value = false[n][claim]
    assert value != q._find(n, '').claims[claim]
    o = q.check(n, **{claim: value})
    assert not o, f'{n} holds with {claim} = {value!r}'
    assert o.message and 'the check raised' not in o.message, o

@pytest.mark.parametrize('n', numbers)
def test_every_claim_has_a_false_one_and_is_said(n):
    e = q._find(n, '')
    assert set(false[n]) == set(e.claims) and e.claims
    for c in e.claims: assert re.search(r'\{' + c + r'\b', e.reply + ''.join(filter(None, (e.usual, e.against, e.holds)))), f'{n} claims {c} and does not say it'

@pytest.mark.parametrize('n', numbers)
def test_words(n):
    e = q._find(n, '')
    texts = [e.text, e.answer, *([q.mended(n).markdown] if e.usual else [])]
    for t in texts:
        prose = re.sub(r'```.*?```|`[^`]+`|\]\([^)]*\)', ' ', t, flags=re.S)
        assert not re.search(r'\b(simply|obviously|just)\b|!|\b\w*(colour|behaviour|neighbour|favour)\w*|\bcentre', prose, re.I), prose
        assert not re.search(r'[{}]', prose), prose
    assert e.text.strip().endswith(('?', '.')) and (n == 19 or 25 <= len(e.answer.split()) <= 190), len(e.answer.split())

def test_the_rows_to_mend():
    assert [n for n in numbers if q._find(n, '').usual] == mend
    for n in numbers:
        e = q._find(n, '')
        assert bool(e.usual) == bool(e.against) == bool(e.holds)
    text = q.mended().markdown
    assert text.count('*Usually said:*') == text.count('*The number:*') == text.count('*What holds:*') == len(mend)
    assert repr(q.mended(15)).count('56,448') == 1
    with pytest.raises(ValueError, match='11.*stands.*5, 6, 7'): q.mended(11)

@pytest.mark.parametrize('n', numbers)
def test_links_lead_to_headings(n):
    e = q._find(n, '')
    assert e.see
    for o in e.see:
        nb,_,heading = o.partition('#')
        assert nb in planned
        path = root/'nbs'/f'{nb}.ipynb'
        if not path.exists(): continue # still to come
        cells = json.loads(path.read_text(encoding='utf-8'))['cells']
        headings = [l.lstrip('# ') for c in cells if c['cell_type'] == 'markdown' for l in ''.join(c['source']).split('\n') if re.match('#+ ', l)]
        assert not heading or heading in headings, o
        assert f'{nb}.ipynb' in e.links and (not heading or re.search(r'\.ipynb#\S+\)', e.links))

def test_reading_list_is_in_the_answer():
    text = q.answer(19).markdown
    for items in q._reading.values():
        for title,url,line in items: assert f'- [{title}]({url}): {line}' in text


# ---- asking

@pytest.mark.parametrize('n', [0, 41, -1, 'R4', 'R0', '', 'fifteen', None, True, 15., [15], '15.5'])
@pytest.mark.parametrize('f', [q.question, q.answer, q.check, q.claims])
def test_unknown_numbers(f, n):
    with pytest.raises(ValueError, match='the questions are 1 to 40, and the research tasks'): f(n)

@pytest.mark.parametrize('n', [15, '15', ' 15 ', 'q15', 'Question 15', 'question 15'])
def test_ways_to_say_fifteen(n): assert q.check(n).number == 15
@pytest.mark.parametrize('n', ['R2', 'r2', 'R 2', 'Research task 2', 'research question 2', 'task 2'])
def test_ways_to_say_r2(n): assert q._find(n, '').number == 'R2'

def test_claims(): assert q.claims('q6') == dict(bare=(26, 13, 9), padded=(28, 14, 10), odd=4)

def test_unknown_claim():
    with pytest.raises(ValueError, match='nothing about pixels; its claims are weights, places'): q.check(15, pixels=3)

def test_texts_in_notebook_and_terminal():
    a = q.answer(15, 'R2')
    assert a._repr_markdown_() == a.markdown and '18,432' in a.markdown and '06_counting.ipynb#One-layer,-counted-three-times' in a.markdown
    assert '18,432' in repr(a) and 'Research task 2' in repr(a)
    for n in numbers:
        plain = repr(q.answer(n))
        assert '**' not in plain and '](' not in plain
        assert all(len(l) <= 92 for l in plain.split('\n') if 'http' not in l and not l.startswith('    ')), n
    assert q._find(15, '').text in q.question(15).markdown and '18,432' not in q.question(15).markdown

def test_a_check_leaves_no_trace():
    torch.manual_seed(5); np.random.seed(5); random.seed(5)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    plt.figure()
    before = torch.get_rng_state(),np.random.get_state()[1].copy(),random.getstate(),plt.get_fignums(),list(warnings.filters),torch.is_grad_enabled(),torch.get_num_threads()
    for n in (5, 22, 27, 28, 35): assert q.check(n)
    after = torch.get_rng_state(),np.random.get_state()[1].copy(),random.getstate(),plt.get_fignums(),list(warnings.filters),torch.is_grad_enabled(),torch.get_num_threads()
    plt.close('all')
    torch.set_num_threads(threads)
    assert torch.equal(before[0], after[0]) and (before[1] == after[1]).all() and before[2:] == after[2:]

def test_a_check_does_not_depend_on_what_was_before():
    for seed in (1, 2, 3):
        torch.manual_seed(seed)
        for n in (3, 24, 29): assert q.check(n)

def test_a_check_runs_where_gradients_are_off():
    for off in (torch.no_grad, torch.inference_mode):
        with off():
            for n in (10, 16, 28): assert q.check(n), q.check(n)

def test_a_check_that_breaks_is_reported(monkeypatch):
    def broken(x=1): raise KeyError('gone')
    monkeypatch.setitem(q._questions, 4, dataclasses.replace(q._questions[4], run=broken))
    o = q.check(4)
    assert not o and "KeyError: 'gone'" in o.message
    s = q.check_all([4, 6], show=lambda o: None)
    assert not s and s.failed == [s[0]] and '1 of 2 answers hold' in repr(s) and 'gone' in repr(s) and 'gone' in s._repr_html_()
    assert q.main(['--check', '4', '6']) == 1

def test_check_all_shows_progress(capsys):
    s = q.check_all([5, 'r2'])
    out = capsys.readouterr().out
    assert s and [o.number for o in s] == [5, 'R2'] and re.fullmatch(r'  5 holds \([\d.]+ s\)\n R2 holds \([\d.]+ s\)\n', out)
    seen = []
    assert q.check_all(6, show=seen.append) and seen[0].number == 6
    with pytest.raises(ValueError, match='check_all: there is no question 99'): q.check_all([5, 99])

def test_order(): assert [e.number for e in q._ordered(None, '')] == numbers

def play(*lines):
    it = iter(lines)
    def ask(prompt):
        o = next(it)
        if isinstance(o, BaseException): raise o
        return o
    return ask

def test_quiz():
    shown = []
    again = q.quiz([15, 17, 'R1'], ask=play('49 places', 'n', '', 'y', '', 'no'), show=lambda t: shown.append(repr(t)))
    assert again == [15, 'R1']
    assert len(shown) == 7 and '18,432' not in shown[0] and '18,432' in shown[1] and shown[-1] == '1 of 3. To look at again: 15, R1.'

@pytest.mark.parametrize('lines,again', [(['q'], []), (['', 'q'], []), (['', 'n', 'Q'], [1]), ([EOFError()], []), (['', KeyboardInterrupt()], []), (['', 'n', '', EOFError()], [1])])
def test_quiz_ends_politely(lines, again):
    shown = []
    assert q.quiz(ask=play(*lines), show=lambda t: shown.append(repr(t))) == again
    assert shown[-1] == ('0 of 1. To look at again: 1.' if again else 'Until next time.')

def test_quiz_refuses_unknown_numbers():
    with pytest.raises(ValueError, match='quiz: there is no question 41'): q.quiz([1, 41], ask=play(), show=print)


# ---- from a terminal

def terminal(*args, stdin=''):
    return subprocess.run([sys.executable, '-m', 'cnn_notes.questionnaire', *args], cwd=root, input=stdin, capture_output=True, text=True, timeout=300)

def test_terminal():
    res = terminal('15', 'r2')
    assert res.returncode == 0 and '18,432' in res.stdout and 'Research task 2' in res.stdout and not res.stderr
    res = terminal('41')
    assert res.returncode == 2 and "there is no question '41'" in res.stderr and 'Traceback' not in res.stderr
    res = terminal('--check', '5', '15')
    assert res.returncode == 0 and '2 of 2 answers hold' in res.stdout and not res.stderr

def test_terminal_quiz():
    res = terminal(stdin='a transformation\ny\nq\n')
    assert res.returncode == 0 and 'What is a feature?' in res.stdout and '1 of 1.' in res.stdout and not res.stderr
    res = terminal()
    assert res.returncode == 0 and 'Until next time.' in res.stdout and not res.stderr

@pytest.mark.parametrize('f', [lambda: q.main(['--help']), lambda: q.main(['0'])])
def test_parser_ends(f, capsys):
    with pytest.raises(SystemExit): f()
    assert 'questionnaire' in ''.join(capsys.readouterr())
