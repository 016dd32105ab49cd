"Experiments with a record: loaded, stale, repeated, stopped, resumed, compared, damaged; and the records that ship"
import ast, importlib, json, linecache, math, re, subprocess, sys, textwrap
from pathlib import Path
import numpy as np
import pytest
from scipy import stats
import cnn_notes.measured as me
from cnn_notes.measured import Runs, experiment, fingerprint, measured, records, verdict

lr = .1
def step(x): return x*lr
def helped(seed): return dict(a=step(seed) + 1.)

@experiment('Draws have a mean above zero', holds=lambda runs: runs.mean('x') > 0)
def draws(seed):
    rng = np.random.default_rng(seed)
    return dict(x=rng.normal(1, .5), row=rng.normal(0, 1, 3))

@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    "Folders of the test's own, for the package's records and for the reader's"
    monkeypatch.setenv('CNN_NOTES_HOME', str(tmp_path/'home'))
    (tmp_path/'shipped').mkdir()
    monkeypatch.setattr(me, 'shipped_folder', lambda: tmp_path/'shipped')
    return tmp_path

def ship(folders, name, f, seeds):
    me._run(name, f, seeds, folders/'shipped'/f'{name}.json', lambda o: o)

def test_a_record_is_loaded_and_the_function_is_not_called(folders):
    ship(folders, 'draws', draws, range(5))
    def no(seed): raise AssertionError('called')
    runs = measured('draws', no, seeds=range(5))
    assert len(runs) == 5 and runs.stale and runs.own is None # stale, because `no` is another function
    assert not measured('draws', draws).stale
    assert runs['row'].shape == (5, 3) and runs.seeds == [0, 1, 2, 3, 4]

def test_the_line_says_what_where_when_and_how_long(folders):
    ship(folders, 'draws', draws, range(5))
    line = repr(measured('draws', draws))
    record = json.loads((folders/'shipped'/'draws.json').read_text())
    for part in ('Draws have a mean above zero', '5 seeds', record['machine']['processor'], record['date'], 'repeating takes 0 s', 'thread'): assert part in line
    assert '\n' not in line

def test_mean_and_interval_are_students(folders):
    ship(folders, 'draws', draws, range(8))
    runs = measured('draws', draws)
    x = np.array([draws(s)['x'] for s in range(8)])
    low,high = stats.t.interval(.95, 7, x.mean(), stats.sem(x))
    assert runs.mean('x') == pytest.approx(x.mean(), rel=1e-5) and runs.half('x') == pytest.approx((high - low)/2, rel=1e-4)
    ship(folders, 'one', draws, [3])
    assert math.isnan(measured('one', draws).half('x')) and measured('one', draws).std('x') == 0

def test_a_rerun_goes_to_the_readers_folder_and_leaves_the_record(folders):
    ship(folders, 'draws', draws, range(5))
    before = (folders/'shipped'/'draws.json').read_bytes()
    runs = measured('draws', draws, seeds=range(100, 105), rerun=True)
    assert (folders/'shipped'/'draws.json').read_bytes() == before
    assert runs.seeds == [0, 1, 2, 3, 4] and runs.own.seeds == [100, 101, 102, 103, 104]
    assert 'Your own run' in repr(runs) and repr(runs).splitlines()[-1] == verdict(runs, runs.own)
    assert measured('draws', draws).own.seeds == runs.own.seeds # and it is still there next time

def test_a_stopped_rerun_goes_on_where_it_stopped(folders):
    called = []
    def slow(seed):
        if seed == 3 and called.count(3) == 0: called.append(3); raise KeyboardInterrupt
        called.append(seed)
        return dict(x=float(seed))
    with pytest.raises(KeyboardInterrupt): measured('slow', slow, seeds=range(6), rerun=True)
    assert not (me.own_folder()/'slow.json').exists()
    runs = measured('slow', slow, seeds=range(6), rerun=True)
    assert called == [0, 1, 2, 3, 3, 4, 5] and runs['x'].tolist() == [0, 1, 2, 3, 4, 5]
    assert [p.name for p in me.own_folder().iterdir()] == ['slow.json']

def test_a_stopped_rerun_of_another_version_begins_anew(folders):
    def stops(seed):
        if seed: raise KeyboardInterrupt
        return dict(x=1.)
    with pytest.raises(KeyboardInterrupt): measured('n', stops, seeds=range(2), rerun=True)
    runs = measured('n', lambda seed: dict(x=2.), seeds=range(2), rerun=True)
    assert runs['x'].tolist() == [2, 2]

@pytest.mark.parametrize('shift, said', [(0, 'agree within'), (.6, 'differ (x), but the conclusion holds'), (-3, 'contradicted')])
def test_the_three_verdicts(folders, shift, said):
    ship(folders, 'draws', draws, range(20))
    shipped = measured('draws', draws)
    record = json.loads(json.dumps(shipped.record))
    for i,r in enumerate(record['results']): r['x'] = draws(2000 + i)['x'] + shift; r['row'] = draws(2000 + i)['row'].tolist()
    assert said in verdict(shipped, Runs(record))

def test_what_a_repetition_cannot_say(folders):
    ship(folders, 'draws', draws, range(20))
    shipped = measured('draws', draws)
    alone = Runs({**shipped.record, 'seeds': [7], 'results': shipped.record['results'][:1]})
    assert verdict(shipped, alone).startswith('One run alone')
    older = Runs({**shipped.record, 'results': [dict(x=o['x']) for o in shipped.record['results']]})
    assert 'no row; repeat' in verdict(shipped, older) # it was made before the experiment recorded rows

def test_intervals_have_the_error_rate_they_claim(folders):
    "Of 200 pairs of honest repetitions, at most about one in twenty is said to differ (Welch's test has 5%; ours allows a little less)"
    rng,apart = np.random.default_rng(0),0
    for _ in range(200):
        a,b = (Runs(dict(seeds=list(range(10)), results=[dict(x=v) for v in rng.normal(0, 1, 10)], claim='c')) for _ in range(2))
        apart += not me._agree(a, b, 'x')
    assert apart <= 20

rate = {'first': .1}
def first(rows): return rows[0]
def last(rows): return rows[-1]
class Net:
    scale = 2
    def __call__(self, rows): return first(rows)*self.scale
def nets(seed): return dict(a=Net()([seed]))
def inner(seed):
    def first(rows): return rows
    return dict(a=first(seed))
def by_rate(seed): return dict(a=seed*rate['first'])

def coded(source):
    "What the fingerprint is made of, for a source"
    tree = me._trimmed(ast.parse(textwrap.dedent(source)))
    return me._numbered(tree, me._words([tree]))

base = """
    def f(seed, n=3, *, lr=.1):
        x = draw(seed, shape=(n, 2))
        def loss(w, scale=n): return ((x @ w - x.mean())**2).sum()*scale
        total = 0
        for k,row in enumerate(x):
            total += k*row
            if row.max() > lr: break
        return dict(loss=loss(x[0]), sums=[o + k for o in total], text=f'{total:.3f} of {k}')
"""

class TestFingerprint:
    def test_reacts_to_code_and_not_to_words(self):
        base = "def f(seed):\n    'One.'\n    # why\n    x = seed*2   # twice\n    return dict(x=x)\n"
        same = "@experiment('other')\ndef f(seed):\n    \"\"\"Two\n    lines.\"\"\"\n    x = (seed * 2)\n    return dict(x = x)\n"
        assert coded(base) == coded(same) != coded(base.replace('*2', '*3'))
        assert coded(base) != coded('@cached\n' + base)
    @pytest.mark.parametrize('old, new', [
        (r'x', 'img'), (r'n', 'size'), (r'k', 'index'), (r'w', 'weight'), (r'o', 'part'), (r'seed', 'draw_number'),
        (r'total', 'k2'), (r'row', 'n_rows'), (r'lr', 'rate'), (r'scale', 'factor')])
    def test_a_variable_may_have_another_name(self, old, new):
        other = re.sub(rf'\b{old}\b', new, base)
        assert other != base and coded(other) == coded(base)
    @pytest.mark.parametrize('one, other', [
        ('lambda a, b: a - b', 'lambda row, col: row - col'), ('[o for o in x if o]', '[k for k in x if k]'),
        ("[f'{o} x {len(x)}' for o in x]", "[f'{size} x {len(x)}' for size in x]"), ("[f'o x {o}' for o in f(**x)]", "[f'o x {k}' for k in f(**x)]"),
        ("f(lambda o: o, 'o')", "f(lambda k: k, 'o')"), ('[[o*k for o in k] for k in x]', '[[b*a for b in a] for a in x]'), ('{k: v for k,v in x}', '{a: b for a,b in x}'),
        ('(m := x) and m', '(largest := x) and largest'), ('[m := o for o in x] and m', '[b := a for a in x] and b')])
    def test_so_may_one_in_a_scope_of_its_own(self, one, other):
        assert coded(f'def f(x): return {one}') == coded(f'def f(x): return {other}')
    @pytest.mark.parametrize('one, other', [
        ('try: g()\nexcept E as e: print(e)', 'try: g()\nexcept E as error: print(error)'),
        ('with g() as a: a.run()', 'with g() as run: run.run()'), ('import numpy as np\nnp.sum(x)', 'import numpy as xp\nxp.sum(x)'),
        ('n = 0\ndef g():\n    nonlocal n\n    n += 1', 'total = 0\ndef g():\n    nonlocal total\n    total += 1'),
        ('n = 1\ndef g():\n    global n\n    return n', 'm = 1\ndef g():\n    global n\n    return n'),
        ('match x:\n    case [a, *b]: print(a, b)', 'match x:\n    case [one, *rest]: print(one, rest)'),
        ('n = 1\nclass A:\n    def g(self, k): return n + k', 'm = 1\nclass A:\n    def g(me, o): return m + o')])
    def test_so_may_one_of_a_statement(self, one, other):
        assert coded('def f(x):\n' + textwrap.indent(one, '    ')) == coded('def f(x):\n' + textwrap.indent(other, '    '))
    @pytest.mark.parametrize('old, new', [
        ('.1', '.2'), ('n=3', 'n=4'), ('(n, 2)', '(2, n)'), ('x @ w', 'w @ x'), ('k*row', 'k+row'), ('**2', '**2.'), ('x.mean()', 'x.std()'),
        ('draw(', 'drawn('), ('shape=', 'size='), ('> lr', '>= lr'), ('break', 'continue'), ('loss=loss', 'cost=loss'), ('x[0]', 'x[1]'),
        ('scale=n', 'scale=lr'), ('*, lr', 'lr'), ('o + k', 'o + n'), ('k,row', 'row,k'), ('.3f', '.4f'), (' of ', ' in '), ('{k}', '{n}'),
        ('total += k', 'total -= k'), ('def loss', 'def cost'), ('total = 0', 'total = False'), ('for o in total]', 'for o in total if o]'),
        ('- x.mean', '- y.mean'), ('n=3', 'n'), ('total = 0', 'global total\n        total = 0')])
    def test_a_change_of_what_it_does_is_seen(self, old, new):
        assert base.count(old) and coded(base.replace(old, new, 1)) != coded(base)
    @pytest.mark.parametrize('one, other', [
        ('def f(x):\n    a,b = x\n    return a - b', 'def f(x):\n    b,a = x\n    return a - b'),
        ('def f(x): return [x for y in x]', 'def f(x): return [y for y in x]'), ('def f(x): return lr', 'def f(lr): return lr'),
        ('def g(a, b): return a - b\ndef f(x): return g(a=x, b=1)', 'def g(b, a): return b - a\ndef f(x): return g(a=x, b=1)'),
        ("def g(a, b): return a - b\ndef f(x): return g(**dict(zip('a b'.split(), x)))",
         "def g(b, a): return b - a\ndef f(x): return g(**dict(zip('a b'.split(), x)))"),
        ('def f(x):\n    a = 1\n    return locals()', 'def f(x):\n    b = 1\n    return locals()'),
        ('class A(B):\n    order = 1', 'class A(B):\n    toward = 1'), ('class A(B):\n    order = 1', 'class A(C):\n    order = 1'),
        ('def f(n):\n    class A:\n        n = 2\n        def g(self): return n', 'def f(m):\n    class A:\n        n = 2\n        def g(self): return n'),
        ('def f(a, b):\n    def g():\n        nonlocal a\n        a = 1', 'def f(a, b):\n    def g():\n        nonlocal b\n        b = 1'),
        ('def f(): import a.b as a', 'def f(): import a.b'), ('def f(x): return x.a', 'def f(a): return a.x'), ('def f(): a; b', 'def f(): b; a')])
    def test_so_is_what_only_looks_like_a_name(self, one, other): assert coded(one) != coded(other)
    def test_no_change_of_a_shipped_experiment_is_missed(self):
        "Each constant, operator, comparison, attribute, keyword, and called function, changed alone"
        swaps = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Lt: ast.LtE, ast.Gt: ast.GtE}
        def changes(node):
            if isinstance(node, ast.Constant): yield 'value',(node.value, 1)
            if isinstance(node, ast.Attribute): yield 'attr',node.attr + '_'
            if isinstance(node, ast.keyword) and node.arg: yield 'arg',node.arg + '_'
            if isinstance(node, ast.BinOp) and type(node.op) in swaps: yield 'op',swaps[type(node.op)]()
            if isinstance(node, ast.Compare) and type(node.ops[0]) in swaps: yield 'ops',[swaps[type(node.ops[0])](), *node.ops[1:]]
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name): yield 'func',ast.Name('another', ast.Load())
            if isinstance(node, ast.Call) and len(node.args) == 2 and ast.dump(node.args[0]) != ast.dump(node.args[1]): yield 'args',node.args[::-1]
        seen = 0
        tree = me._trimmed(ast.parse((real.parent/'experiments'/'first_kernel.py').read_text()))
        for part in (o for o in tree.body if isinstance(o, (ast.FunctionDef, ast.ClassDef))):
            alone = ast.Module([part], [])
            before = me._numbered(alone, ())
            for node in ast.walk(part):
                for key,value in changes(node):
                    old,seen = getattr(node, key),seen + 1
                    setattr(node, key, value)
                    assert me._numbered(alone, ()) != before, (part.name, ast.unparse(node))
                    setattr(node, key, old)
            assert me._numbered(alone, ()) == before
        assert seen > 300
    def test_reacts_to_what_the_function_uses(self, monkeypatch):
        before = fingerprint(helped)
        monkeypatch.setitem(globals(), 'lr', .2)
        assert fingerprint(helped) != before
    @pytest.mark.parametrize('name, value', [('first', last), ('rate', {'first': .2}), ('rate', {'last': .1})])
    def test_and_to_what_that_uses(self, name, value, monkeypatch):
        func = by_rate if name == 'rate' else nets
        before = fingerprint(func)
        monkeypatch.setitem(globals(), name, value)
        assert fingerprint(func) != before
    def test_but_not_to_another_function_by_the_name_of_its_own(self, monkeypatch):
        before = fingerprint(inner)
        monkeypatch.setitem(globals(), 'first', last)
        assert fingerprint(inner) == before
    def test_a_class_counts_as_a_whole(self, tmp_path, monkeypatch):
        "Its constants and bases, too, of a module and of a page's cell"
        code = 'class Net(dict):\n    scale = 2\n    def f(self, x): return x*self.scale\ndef nets(seed): return Net().f(seed)\n'
        found = []
        for i,text in enumerate((code, code.replace('x', 'img'), code.replace('= 2', '= 3'), code.replace('dict', 'list'))):
            name = f'<cell {i}>'
            linecache.cache[name] = len(text), None, text.splitlines(True), name
            space = dict(__name__='__main__')
            exec(compile(text, name, 'exec'), space)
            found.append(fingerprint(space['nets']))
        assert found[0] == found[1] and len(set(found)) == 3
    def test_a_class_of_fields_counts_too(self, tmp_path, monkeypatch):
        monkeypatch.syspath_prepend(str(tmp_path))
        code = ('from dataclasses import dataclass\nfrom typing import NamedTuple\n@dataclass\nclass One:\n    rate:float = .1\n'
                'class Two(NamedTuple):\n    rate:float = .2\ndef nets(seed): return One().rate + Two().rate\n')
        found = []
        for i,text in enumerate((code, code.replace('= .1', '= .3'), code.replace('= .2', '= .3'))):
            (tmp_path/f'fields_{i}.py').write_text(text)
            found.append(fingerprint(importlib.import_module(f'fields_{i}').nets))
        assert len(set(found)) == 3
    def test_is_the_same_twice(self): assert fingerprint(draws) == fingerprint(draws)

@pytest.mark.parametrize('seeds', [[], 'ab', [1.5], [True]])
def test_seeds_are_whole_numbers_or_nothing_is_run(folders, seeds):
    ran = []
    def noted(seed): ran.append(seed); return dict(x=1.)
    with pytest.raises(ValueError, match='seeds is .*give one whole number or more'): measured('noted', noted, seeds, rerun=True)
    assert not ran

def test_seeds_of_numpy_are_whole_numbers(folders):
    assert len(measured('draws', draws, np.arange(2), rerun=True)) == 2

@pytest.mark.parametrize('content, why', [('{"format"', 'damaged'), ('[]', 'not a record'), ('{"name": "x"}', 'not a record'), ('\x00\x01', 'damaged')])
def test_damaged_and_foreign_records_are_refused(folders, content, why):
    (folders/'shipped'/'bad.json').write_text(content)
    with pytest.raises(ValueError, match=f'measured: bad.json .*{why}.*delete it'): measured('bad', draws)

@pytest.mark.parametrize('change, why', [(dict(format=99), 'format 99'), (dict(results=[]), 'one result for each seed'),
    (dict(results=[1, 2, 3]), 'is damaged'), (dict(machine=None), 'is damaged'), (dict(seconds='5'), 'is damaged'), (dict(seeds='012'), 'is damaged')])
def test_records_of_another_form_are_refused(folders, change, why):
    ship(folders, 'draws', draws, range(3))
    path = folders/'shipped'/'draws.json'
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ValueError, match=why): measured('draws', draws)

@pytest.mark.parametrize('result', [dict(x='text'), dict(x=object()), dict(x=[{}, 'a'])])
def test_results_that_are_no_numbers_are_refused(result):
    with pytest.raises(TypeError, match='measured: a result is'): measured('odd', lambda seed: result, rerun=True)

def test_a_number_that_is_missing_stays_missing(folders):
    ship(folders, 'some', lambda seed: dict(steps=None if seed else 3., loss=math.nan), range(2))
    runs = measured('some', draws)
    assert runs['steps'][0] == 3 and np.isnan(runs['steps'][1]) and np.isnan(runs['loss']).all() and math.isnan(runs.mean('steps'))

def test_repeating_all_says_what_is_left_and_what_is_contradicted(folders, capsys, monkeypatch):
    ship(folders, 'draws', draws, range(5))
    ship(folders, 'other', draws, range(5))
    assert me.main(['--rerun', 'all']) is False
    out,err = capsys.readouterr()
    assert out.splitlines() == [f'{name}: The numbers agree within their intervals' for name in ('draws', 'other')]
    assert [l.split(':')[-1].strip() for l in err.splitlines() if ' left for all' in l] == ['draws', 'other']
    monkeypatch.setattr(draws, 'holds', lambda runs: False)
    assert me.main(['--rerun', 'other']) is True
    assert 'other: The conclusion is contradicted' in capsys.readouterr().out

def test_bad_arguments():
    for args in ((3, draws), ('a', 3), ('a', draws, 3)):
        with pytest.raises(TypeError, match='^measured: '): measured(*args)
    for name in ('../a', 'a/b', '', 'a.json'):
        with pytest.raises(ValueError, match='^measured: name is '): measured(name, draws)

# ---- what ships, and the command line

real = Path(me.__file__).parent/'measurements'

def test_shipped_records_are_small_and_current(monkeypatch):
    monkeypatch.setattr(me, 'shipped_folder', lambda: real)
    assert sum(p.stat().st_size for p in real.glob('*')) < 1e6
    for runs in records():
        assert not runs.stale, f'{runs.name}: its function has changed; python -m cnn_notes.measured --rerun {runs.name}'
        assert runs.holds is None or runs.holds(runs), f'{runs.name}: its own record contradicts its claim'

def command(*args): return subprocess.run([sys.executable, '-m', 'cnn_notes.measured', *args], capture_output=True, text=True)

def test_the_command_lists_and_answers():
    listed = command()
    assert listed.returncode == 0, listed.stderr
    assert command('--stale').stdout.strip() == 'no record is stale'
    found = json.loads(command('--json').stdout)
    assert {r['name'] for r in found} == {p.stem for p in real.glob('*.json')}
    wrong = command('--rerun', 'nothing')
    assert wrong.returncode == 1 and 'there is no record' in wrong.stderr and 'Traceback' not in wrong.stderr
