"""Nobody waits in silence: a cell that trains again and again shows how far it is, and a bar leaves nothing
in the saved outputs"""
import ast, re, sys
from pathlib import Path
import nbformat
from nbclient import NotebookClient

root = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(root/'tools'))
import notebooks as tool
from test_hygiene import every_notebook

trains = {'fit', 'fit_one_cycle', 'fine_tune', 'lr_find', 'backward'} # methods, of a Learner and of a loss
loops = ast.For, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp
shows = {'progress_bar', 'master_bar'}

def called(node):
    return {f.id if isinstance(f, ast.Name) else f.attr for o in ast.walk(node) if isinstance(o, ast.Call)
        for f in [o.func] if isinstance(f, (ast.Name, ast.Attribute))}
def methods(node): return {o.attr for o in ast.walk(node) if isinstance(o, ast.Attribute)}

def source(text):
    return '\n'.join('pass' if l.lstrip().startswith(('%', '!')) else l for l in text.splitlines())

def training(cells):
    "Names of the functions that train, themselves or through one another"
    bodies = {o.name: o for c in cells for o in ast.walk(ast.parse(source(c))) if isinstance(o,
        ast.FunctionDef)}
    found,more = set(),{n for n,o in bodies.items() if methods(o) & trains}
    while more - found:
        found |= more
        more = {n for n,o in bodies.items() if called(o) & found}
    return found

def silent(cell, names):
    """The loops of a cell, outside of its functions, that train without showing how far they are: their
    first lines"""
    def again(node):
        "The parts of a loop that run again and again"
        if isinstance(node, (ast.For, ast.While)): return node.body
        return [o for o in ast.iter_child_nodes(node) if not isinstance(o, ast.comprehension)]
    def does(node): return bool(called(node) & names or methods(node) & trains)
    def look(node):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Lambda)): return
        if isinstance(node, loops) and any(map(does, again(node))):
            over = [node.iter] if isinstance(node, ast.For) else [g.iter for g in getattr(node, 'generators',
                [])]
            if any(called(o) & shows for o in over): return
            if any(isinstance(o, ast.Call) and getattr(o.func, 'id', None) in names
                and any(called(a) & shows for a in o.args) for b in again(node) for o in ast.walk(b)):
                return # the training itself is handed a bar
            inner = [o for b in again(node) for o in ast.walk(b) if isinstance(o, loops)
                and any(map(does, again(o)))]
            # of loops in loops, the innermost may show it
            if not inner: found.append(cell.splitlines()[node.lineno-1]); return
        for o in ast.iter_child_nodes(node): look(o)
    found = []
    look(ast.parse(source(cell)))
    return found

def code(path): return [c.source for c in tool.read(path).cells if c.cell_type == 'code']
def slow(text): return bool(re.search(r'^#\|\s*slow\b', text, re.M))

@every_notebook
def test_no_cell_is_slow(path):
    "What takes longer than half a minute is an experiment with a record"
    assert not [c for c in code(path) if slow(c)]

def test_the_rule_finds_what_it_should():
    fit = ('def fit(s):\n    learn = Learner(dls, net)\n    (learn.fit if s else '
        'learn.fit_one_cycle)(1)\ndef score(s): return fit(s)')
    names = training([fit])
    assert names == {'fit', 'score'}
    for bad in ('for s in range(5): score(s)', '[fit(s) for s in range(5)]',
        'x = {k: [fit(s) for s in range(5)] for k in kinds}', 'a, b = (score(o) for o in (1, 2))',
        'while True: learn.fit_one_cycle(1)',
                'for s in range(5):\n    for p in progress_bar(range(3)): print(p)\n    fit(s)',
                'for s in range(5): fit(s); print(progress_bar(s))'): assert silent(bad, names), bad
    for good in ('fit(1)', 'for s in progress_bar(range(5), leave=False): score(s)',
        'for s in range(5): fit(progress_bar(batches()))', 'x = {k: [fit(s) for s in progress_bar(range(5))] '
        'for k in kinds}', 'x = {k: [fit(s) for s in range(5)] for k in progress_bar(kinds)}',
                 '[o.max() for o in runs]', 'def more():\n    return [fit(s) for s in range(5)]',
                 '[l.mean() for l in map(str, range(3))]'): assert not silent(good, names), good

def test_a_bar_leaves_nothing(tmp_path):
    cells = ['from fastprogress import progress_bar', "for i in progress_bar(range(3), leave=False): "
        "pass\n'end'", "{i: i for i in progress_bar(range(2), leave=False, comment='two')}",
        'for i in progress_bar(range(2), leave=False): print(i)',
             "from cnn_notes.data import mnist_dls\nimport torch\nfrom fastai.callback.progress import "
             "*\nfrom fastai.learner import Learner\nx, y = torch.zeros(4, 1, 2, 2), torch.tensor([0, "
             "1]*2)\nlearn = Learner(mnist_dls(2, data=(x, y, x, y)), "
             "torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2)))\nwith learn.no_logging(): "
             "learn.fit(2)\n'fitted'"]
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in cells])
    NotebookClient(nb, kernel_name='python3', timeout=120,
        resources={'metadata': {'path': str(tmp_path)}}).execute()
    # fastprogress leaves something, and so does fastai's bar of a fit without its table; if not, `dress`
    # need not look for it
    for i in (1, 4): assert any(map(tool.left_by_a_bar, nb.cells[i].outputs))
    tool.dress(nb, root/'nbs'/'x.ipynb')
    assert [[o.get('data', {}).get('text/plain') for o in c.outputs] for c in (*nb.cells[:3],
        nb.cells[4])] == [[], ["'end'"], ['{0: 0, 1: 1}'], ["'fitted'"]]
    assert ''.join(o.text for o in nb.cells[3].outputs) == '0\n1\n'

@every_notebook
def test_saved_outputs_hold_no_leftovers(path):
    nb = tool.read(path)
    assert not [c.id for c in nb.cells if c.cell_type == 'code' for o in c.outputs if tool.left_by_a_bar(o)]
