"The tutor: every solution passes, every known mistake gets its own sentence, and no other wrong answer is called correct"
import ast, json, os, signal, subprocess, sys, threading, time
import pytest
import torch
from cnn_notes import exercises
from cnn_notes.exercises import Exercise, all_exercises, difference, exercise, time_limit

every = dict(argvalues=list(all_exercises().values()), ids=lambda o: o.id)

@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv('CNN_NOTES_HOME', str(tmp_path/'home'))
    return tmp_path/'home'

# ---- the exercises themselves

@pytest.mark.parametrize('ex', **every)
def test_the_solution_passes(ex):
    verdict = ex.check(ex.made(ex.solution_code))
    assert verdict, verdict

@pytest.mark.parametrize('ex', **every)
def test_the_stub_is_not_an_answer(ex):
    verdict = ex.check(ex.made(ex.stub))
    assert not verdict and ('nothing' in verdict.message or 'is empty' in verdict.message or 'stub' in verdict.message), verdict

@pytest.mark.parametrize('ex', **every)
def test_every_known_mistake_gets_its_own_sentence(ex):
    assert len(ex.mistakes) >= 5, f'{len(ex.mistakes)} known mistakes'
    for said,source in ex.mistakes.items():
        verdict = ex.check(ex.made(source))
        assert not verdict and verdict.message == said, f'{verdict}\n{source}'

@pytest.mark.parametrize('ex', **every)
def test_hints_go_from_a_push_to_nearly_the_answer(ex):
    assert 2 <= len(ex.hints) <= 4 and len(set(ex.hints)) == len(ex.hints)
    said = [ex.hint() for _ in range(len(ex.hints) + 1)]
    assert [s.split(': ', 1)[1] for s in said] == [*ex.hints, ex.hints[-1]]
    assert ex.solution_code.strip() not in '\n'.join(ex.hints)

@pytest.mark.parametrize('ex', **every)
def test_texts_are_complete_and_lines_short(ex):
    assert ex.title and ex.statement and ex.name and ex.passed
    for text in (ex.stub, ex.solution_code, *ex.mistakes.values()): assert max(map(len, text.splitlines())) <= 110
    for said in (*ex.mistakes, *ex.hints): assert said[0].isupper() and said[-1] in '.?', said

class Change(ast.NodeTransformer):
    "The k-th small change to a program: a constant, an operator, a comparison, an order of arguments, a dropped flip"
    swaps = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.FloorDiv: ast.Mult, ast.Div: ast.Mult, ast.Lt: ast.GtE,
             ast.Gt: ast.LtE, ast.LtE: ast.Gt, ast.GtE: ast.Lt, ast.Eq: ast.NotEq, ast.Mod: ast.FloorDiv, ast.MatMult: ast.Mult}
    def __init__(self, k): self.k,self.seen,self.done = k,0,False
    def hit(self):
        self.seen += 1
        self.done |= self.seen - 1 == self.k
        return self.seen - 1 == self.k
    def visit_Constant(self, node):
        if isinstance(node.value, (int, float)) and not isinstance(node.value, bool) and self.hit(): return ast.copy_location(ast.Constant(node.value + 1), node)
        return node
    def visit_BinOp(self, node):
        self.generic_visit(node)
        if type(node.op) in self.swaps and self.hit(): node.op = self.swaps[type(node.op)]()
        return node
    def visit_Compare(self, node):
        self.generic_visit(node)
        if type(node.ops[0]) in self.swaps and self.hit(): node.ops[0] = self.swaps[type(node.ops[0])]()
        return node
    def visit_Call(self, node):
        self.generic_visit(node)
        symmetric = getattr(node.func, 'attr', getattr(node.func, 'id', '')) in ('transpose', 'flip', 'max', 'min')
        if len(node.args) > 1 and not symmetric and not any(isinstance(a, ast.Starred) for a in node.args) and self.hit(): node.args[:2] = node.args[1::-1]
        return node

def mutants(source):
    for k in range(60):
        change = Change(k)
        tree = change.visit(ast.parse(source))
        if not change.done: return
        yield ast.unparse(ast.fix_missing_locations(tree))

@pytest.mark.filterwarnings('ignore') # what a mutation provokes
@pytest.mark.parametrize('ex', **every)
def test_mutations_of_the_solution_are_not_called_correct(ex):
    "Unless they are equal to it on inputs that the check never saw, which `also_right` lists"
    for source in mutants(ex.solution_code):
        if source == ast.unparse(ast.parse(ex.solution_code)): continue # two equal numbers changed places
        if getattr(ex, 'tolerant', False): continue # answers within a tolerance are right whatever their parameters
        try: answer = ex.made(source)
        except Exception: continue
        right = [ast.unparse(ast.parse(o)) for o in getattr(ex, 'also_right', ())]
        if source not in right: assert not ex.check(answer), source

def test_numbers_are_in_order_and_files_are_lessons():
    ids = list(all_exercises())
    for lesson in {i[:2] for i in ids}: assert [i for i in ids if i[:2] == lesson] == [f'{lesson}.{k}' for k in range(1, 1 + sum(i[:2] == lesson for i in ids))]

# ---- the tutor

class Double(Exercise):
    id,title,name,statement,stub = '99.1','Twice','double','Write `double(x)`.','def double(x): ...'
    hints,solution_code = ('Add.', 'Add it to itself.'),'def double(x): return x + x'
    mistakes = {'This is the square.': 'def double(x): return x*x'}
    seconds = .5
    def cases(self): return [(torch.tensor([1., 3.]),), (torch.tensor([2., 5.]),)]
ex = Double()

@pytest.mark.parametrize('answer, said', [
    (None, 'is empty; replace'), (..., 'is empty; replace'), (3, 'give the function itself'), (lambda x: None, 'returns nothing'), (lambda x: x*x, 'This is the square.'),
    (lambda x: x + 1, '1 of 2 values differ, first at (1,): it returned 4; 6 was expected (for double(a float32 tensor of shape (2,)))'),
    (lambda x: x[:1], 'it returned shape (1,); (2,) was expected'), (lambda x: 'no', "it returned 'no'; a float32 tensor"), (lambda: 3, 'your code raised TypeError'), (lambda x: x.nope, 'your code raised AttributeError')])
def test_what_the_check_says(answer, said):
    verdict = ex.check(answer)
    assert not verdict and said in verdict.message, verdict

def test_the_line_of_the_readers_code_is_named():
    def double(x):
        x = x/0
        return [][5]
    assert 'line' in ex.check(double).message and 'return [][5]' in ex.check(double).message

def test_an_answer_that_changes_its_input_harms_nobody():
    def double(x): x *= 2; return x
    assert ex.check(double) and ex.check(double) and ex.cases()[0][0].tolist() == [1, 3]

def test_random_numbers_are_left_alone():
    torch.manual_seed(7); a = torch.rand(2)
    torch.manual_seed(7); ex.check(lambda x: torch.rand(2))
    assert torch.equal(a, torch.rand(2))

def test_an_endless_loop_is_stopped():
    def double(x):
        while True:
            try: time.sleep(.01)
            except Exception: pass
    start = time.perf_counter()
    verdict = ex.check(double)
    assert not verdict and 'does every loop end?' in verdict.message and time.perf_counter() - start < 5
    assert signal.getsignal(signal.SIGALRM) == signal.SIG_DFL

def test_an_interrupt_is_answered_in_one_line(home):
    def double(x): raise KeyboardInterrupt
    verdict = ex.check(double)
    assert not verdict and verdict.message == 'you stopped the check' and not (home/'progress.json').exists()

def test_another_thread_can_check_too():
    res = []
    t = threading.Thread(target=lambda: res.append(ex.check(lambda x: x + x)))
    t.start(); t.join()
    assert res[0]

def test_progress_is_kept_and_shown(home):
    ex.check(lambda x: x*x); ex.hint(); ex.check(lambda x: x + x); ex.check(lambda x: x*x); ex.solution()
    kept = json.loads((home/'progress.json').read_text())['99.1']
    assert kept['solved'] and kept['tries'] == 3 and kept['hints'] == 1 and kept['shown']
    assert '99.1  solved     tries  3  hints 1  solution shown' in repr(exercise.progress())
    assert [p.name for p in home.iterdir()] == ['progress.json']

def test_run_all_leaves_no_trace(home):
    def stub(x): ...
    def older(x): raise NotImplementedError
    for answer in (..., None, stub, older): assert not ex.check(answer)
    assert not home.exists()

@pytest.mark.parametrize('content', ['{', '[]', '\x00', '{"99.1": {}}'])
def test_damaged_progress_does_not_stop_a_check(home, content):
    home.mkdir(); (home/'progress.json').write_text(content)
    assert ex.check(lambda x: x + x)

def test_a_folder_that_cannot_be_written_does_not_stop_a_check(tmp_path, monkeypatch):
    (tmp_path/'file').write_text('')
    monkeypatch.setenv('CNN_NOTES_HOME', str(tmp_path/'file'/'below'))
    assert ex.check(lambda x: x + x) and ex.hint()

def test_a_plain_script(tmp_path):
    code = "from cnn_notes.exercises import exercise\ndef centers(h, w, ks, stride): return []\nprint(exercise('01.2').check(centers))"
    res = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, env=os.environ | {'CNN_NOTES_HOME': str(tmp_path)})
    assert res.stdout.startswith('Not yet:') and not res.stderr

@pytest.mark.parametrize('id', ['01.99', '99', '1'])
def test_unknown_numbers(id):
    with pytest.raises(ValueError, match=f"exercise: there is no exercise '{id}'; there are 01.1"): exercise(id)

@pytest.mark.parametrize('a, b, said', [([1, 2], [1, 2], None), ([1, 2], [1, 3], 'item 1'), ([1], [1, 2], 'returned 1 items'), (1., 1.00000001, None), (1, 2, 'it returned 1; 2'), ('a', 'a', None), ('a', 'b', "returned 'a'"),
    (torch.tensor([float('nan')]), torch.tensor([float('nan')]), None), (torch.zeros(2, 3), torch.zeros(3, 2), 'shape'), ([[1, 2]], [[1, 3]], 'item 0: item 1'), (True, False, 'it returned'), ({1}, {1}, None), (3, [3], 'a list of 1'), (torch.tensor([1, 2]), [1, 2], None)])
def test_difference(a, b, said):
    d = difference(a, b)
    assert (d is None) if said is None else said in d

def test_time_limit_leaves_quick_code_alone():
    with time_limit(5): x = 1
    assert x == 1 and signal.getitimer(signal.ITIMER_REAL)[0] == 0

def test_the_older_form():
    @exercise('well done')
    def check_it(answer): assert answer == 3, 'it is 3'
    assert check_it(3).message == 'well done' and check_it(4).message.startswith('it is 3') and 'nothing to check' in check_it(...).message
    assert 'raised TypeError' in check_it(object()).message or not check_it(object())
    with pytest.raises(TypeError, match='exercise: check is 3'): exercise('x')(3)
    with pytest.raises(TypeError, match='exercise: id is 3'): exercise(3)
    assert exercises.Verdict(True, 'x<y')._repr_html_().count('&lt;') == 1
