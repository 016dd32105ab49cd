"No cell is kept from Run All, and a progress bar leaves nothing in the saved outputs"
import re, sys
from pathlib import Path
import nbformat
from nbclient import NotebookClient

root = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(root/'tools'))
import notebooks as tool
from test_hygiene import every_notebook

@every_notebook
def test_no_cell_is_marked_slow(path):
    "What takes longer than half a minute is an experiment with a record; Run All runs all the others"
    assert not [c for c in tool.read(path).cells if re.search(r'^#\|\s*slow\b', c.source, re.M)]

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
