"""How nbgrader grades the exercises; `python tools/assignments.py` copies this file into the course it makes.

`Fenced` does the work of nbgrader's Execute. For each exercise, a submission runs in a process of its own and
sends values back. nbgrader's process compares them, so a submission that changes its own check gains nothing.
"""
import json, os, re, shutil, signal, subprocess, sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
import nbformat, numpy as np, torch
from nbconvert.preprocessors import Preprocessor
from nbformat import v4
import cnn_notes
from cnn_notes.exercises import TookTooLong, Verdict, all_exercises, exercise, time_limit

def known(name):
    "What nbgrader knows of a cell, by its name"
    kind = name.partition('-')[0]
    res = dict(grade=kind == 'check', solution=kind == 'answer', locked=kind != 'answer', task=False)
    return res | dict(schema_version=3, grade_id=name) | (dict(points=1) if kind == 'check' else {})

# ---- in nbgrader's process

seconds = 120 # for all cells of a submission and one check
asks = re.compile(r'solution_code|\.solution\b|\b_right\b|\b_by_source\b|cnn_notes\.answers|'
    r'cnn_notes import [^\n]*(answers|exercises)|cnn_notes\.exercises(?! import exercise(\n|$))')

class Known(Preprocessor):
    "One copy of each cell, with its own metadata; nbgrader ends a whole class's grading at others"
    enabled = True
    def preprocess(self, nb, resources):
        seen = set()
        for o in reversed(nb.cells):
            old = o.metadata.pop('nbgrader', None)
            name = str(old.get('grade_id')) if isinstance(old, dict) else ''
            if name in seen: continue
            seen.add(name)
            if name.partition('-')[0] in ('about', 'setup', 'statement', 'answer', 'check'):
                o.metadata['nbgrader'] = nbformat.from_dict(known(name))
            elif name and old.get('schema_version') == 3: o.metadata['nbgrader'] = old # the teacher's own
        return nb, resources

class Fenced(Preprocessor):
    "Grades each check of a submission, whose cells run elsewhere"
    enabled = True
    def preprocess(self, nb, resources):
        before,asked = [],asks.search('\n'.join(o.source for o in nb.cells if o.cell_type == 'code'))
        if not fence(): self.log.warning('bubblewrap (bwrap) does not run here, so submissions run with all '
            'rights of this account')
        for o in nb.cells:
            name = o.metadata.get('nbgrader', {}).get('grade_id', '')
            if o.cell_type != 'code': continue
            o.outputs,id_ = [],name.removeprefix('check-').replace('-', '.')
            if not name.startswith('check-'): before.append(o.source)
            elif id_ in all_exercises(): o.outputs = [shown(*graded(exercise(id_), before, asked))]
        return nb, resources

def shown(passed, said):
    "The output from which nbgrader tells the points"
    if passed: return v4.new_output('stream', name='stdout', text=said)
    return v4.new_output('error', ename='NotYet', evalue=said, traceback=[said])

def graded(ex, cells, asked=None):
    "Did the cells' answer pass, and what is the student told? asked: where the notebook asks for answers"
    if found := asked or asks.search('\n'.join(cells)):
        return False, f'Not yet: this notebook asks the course for its answers ({found[0].strip()})'
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        shutil.copy(__file__, f'{folder}/run.py')
        Path(folder, 'cells.json').write_text(json.dumps(cells), encoding='utf-8')
        inside = fence() and (*fence(), '--bind', folder, folder, '--chdir', folder)
        if not finished([*inside, sys.executable, 'run.py', ex.id], folder):
            return False, f'Not yet: the notebook still ran after {seconds} seconds'
        return confirmed(ex, Path(folder, 'outcome.pt'))

def confirmed(ex, path):
    "The outcome that arrived; `Correct` only if its values match the right ones here, too"
    if path.is_symlink() or not path.is_file(): return False, 'Not yet: the notebook ended its own process'
    try:
        outcome = torch.load(path, weights_only=True) # data, and no code of theirs
        if not outcome['passed']: return False, outcome['said'].replace('Correct', 'Not yet', 1)
        if ex.matches(outcome['got'], ex._right): return True, str(outcome['said'])
    except Exception: pass # not what `answer` writes
    return False, 'Not yet: the values that arrived are not those of a right answer'

def finished(command, folder):
    "Run a command, and end all it started; False if it did not end in time"
    env = os.environ | dict.fromkeys(('CNN_NOTES_HOME', 'IPYTHONDIR', 'MPLCONFIGDIR', 'TMPDIR'), folder)
    quiet = dict.fromkeys(('stdin', 'stdout', 'stderr'), subprocess.DEVNULL)
    with subprocess.Popen(command, cwd=folder, env=env, start_new_session=True, **quiet) as run:
        try: return run.wait(seconds) is not None
        except subprocess.TimeoutExpired: return False
        finally:
            try: os.killpg(run.pid, signal.SIGKILL)
            except ProcessLookupError: pass # nothing is left

@cache
def fence():
    "Read-only files, no network, no other processes, and nothing in the course's folder; () if bwrap cannot"
    course = str(Path(__file__).resolve().parent)
    res = tuple('bwrap --unshare-all --die-with-parent --ro-bind / / --dev /dev --proc /proc --tmpfs'.split())
    run = [*res, course, sys.executable, '-c', 'import cnn_notes.exercises']
    works = shutil.which('bwrap') and not subprocess.run(run).returncode
    return (*res, course) if works else ()

# ---- in the submission's process

def plain(o):
    "Values as data: tensors, numbers, words, and lists of them"
    if isinstance(o, torch.Tensor): return o.detach().cpu().as_subclass(torch.Tensor).clone()
    if isinstance(o, np.ndarray) and o.dtype.kind in 'biuf': return torch.as_tensor(o.copy())
    if isinstance(o, np.generic): return o.item()
    if isinstance(o, (tuple, set)): return (set if isinstance(o, set) else tuple)(map(plain, o))
    if isinstance(o, (list, range)): return list(map(plain, o))
    return o if o is None or type(o) in (bool, int, float, str) else str(o)

def answer(id_):
    "Run a notebook's cells, then check what they define, and write the outcome as data"
    from IPython.core.interactiveshell import InteractiveShell
    ex,got,told = exercise(id_),[],''
    assert ex._right and ex._mistaken # computed before a cell can change how
    outputs = ex.outputs
    ex.outputs = lambda theirs: got.append(outputs(theirs)) or got[-1]
    forget('exercises', 'answers')
    shell = InteractiveShell.instance()
    for source in json.loads(Path('cells.json').read_text(encoding='utf-8')):
        with time_limit(10): ran = shell.run_cell(source)
        if error := ran.error_before_exec or ran.error_in_exec:
            said = 'it ran too long' if isinstance(error, TookTooLong) else error
            told = f'; a cell raised {type(error).__name__}: {said}'
    if ex.name in shell.user_ns: verdict = ex.check(shell.user_ns[ex.name])
    else: verdict = Verdict(False, f'{ex.name} is not defined{told}')
    torch.save(dict(passed=verdict.ok, said=str(verdict), got=plain(got and got[-1])), 'outcome.pt')

def forget(*names):
    "A notebook that imports these modules gets a copy of its own, and changes that one"
    for o in [o for o in sys.modules if o.startswith(tuple(f'cnn_notes.{name}' for name in names))]:
        del sys.modules[o]
    for name in names: vars(cnn_notes).pop(name, None)

if __name__ == '__main__': answer(*sys.argv[1:])
