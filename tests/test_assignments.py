"Exercises as assignments: what is exported holds no answer, and only right values get points"
import ast, html, importlib.util, os, pickle, sqlite3, subprocess, sys
from contextlib import closing
from pathlib import Path
import nbformat, pytest, torch
from cnn_notes.exercises import all_exercises, exercise

root = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(root/'tools'))
import assignments, grading

lessons = list(dict.fromkeys(o[:2] for o in all_exercises()))
every = dict(argvalues=list(all_exercises().values()), ids=lambda o: o.id)

@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch): monkeypatch.setenv('CNN_NOTES_HOME', str(tmp_path/'home'))

# ---- the export

@pytest.fixture(scope='module')
def course(tmp_path_factory):
    folder = tmp_path_factory.mktemp('class')/'course'
    assignments.export(lessons, folder)
    return folder

def notebooks(course):
    return {p.stem: nbformat.reads(p.read_text(encoding='utf-8'), 4) for p in sorted(course.glob('source/*/*.ipynb'))}

def test_every_exercise_exports(course):
    books = notebooks(course)
    assert list(books) == [f'lesson_{o}' for o in lessons]
    graded = []
    for book in books.values():
        nbformat.validate(book)
        known = [o.metadata.nbgrader for o in book.cells]
        assert len({o.grade_id for o in known}) == len(known)
        for statement,answer,check in zip(*(book.cells[2 + i::3] for i in range(3)), strict=True):
            ex = exercise(check.metadata.nbgrader.grade_id.removeprefix('check-').replace('-', '.'))
            graded.append(ex.id)
            assert ex.title in statement.source and answer.source == ex.stub and f"'{ex.id}').check({ex.name})" in check.source
            assert [o.metadata.nbgrader.locked for o in (statement, answer, check)] == [True, False, True]
            assert answer.metadata.nbgrader.solution and check.metadata.nbgrader.grade and check.metadata.nbgrader.points == 1
            assert not check.outputs
    assert graded == list(all_exercises())

def test_no_answer_is_exported(course):
    for name,book in notebooks(course).items():
        text = '\n'.join(o.source for o in book.cells)
        lines = {l.strip() for l in text.splitlines()}
        for ex in (o for o in all_exercises().values() if name.endswith(o.id[:2])):
            given = ast.parse(ex.stub)
            body = [l.strip() for l in ex.solution_code.strip().splitlines()]
            told = [l for l in body if l in lines and not l.startswith(('def ', 'import ', 'from ')) and l != ast.unparse(given)]
            assert not told, f'{ex.id}: {told}'
            assert not [o for o in (*ex.hints, *ex.mistakes) if o in text]

@pytest.mark.parametrize('lesson', lessons)
def test_the_setup_cell_runs_and_gives_no_name_away(course, lesson):
    cell = notebooks(course)[f'lesson_{lesson}'].cells[1]
    space: dict = {}
    exec(cell.source, space)
    assert 'exercise' in space and not grading.asks.search(cell.source)

@pytest.mark.parametrize('names,said', [(['99'], 'no lesson and no exercise 99; give lessons (00, 01'),
    (['01', '01.99', 'x'], 'no exercise 01.99, x;'), (['1'], 'no exercise 1;')])
def test_what_does_not_exist_is_refused_before_anything_is_written(tmp_path, names, said):
    with pytest.raises(SystemExit) as e: assignments.export(names, tmp_path/'course')
    assert said in str(e.value) and not (tmp_path/'course').exists()

def test_a_folder_that_exists_is_left_alone(tmp_path):
    with pytest.raises(SystemExit, match='exists, and a new folder was expected; give another name'):
        assignments.export(['01'], tmp_path)
    assert not list(tmp_path.iterdir())

def test_a_lesson_and_its_exercise_together_export_it_once(tmp_path):
    assert [o.id for o in assignments.chosen(['05.2', '01', '01.2', '05.2'])['05']] == ['05.2']
    assert len(assignments.chosen(['01.2', '01'])['01']) == 4

def test_the_folder_grades_without_the_clone(course, monkeypatch):
    monkeypatch.setattr(sys, 'path', [o for o in sys.path if Path(o or '.').resolve() != root/'tools'])
    for p in (root/'tools').glob('*.py'):
        if p.stem != 'site': monkeypatch.delitem(sys.modules, p.stem, raising=False) # the library has a `site` too
    spec = importlib.util.spec_from_file_location('grading_copy', course/'grading.py')
    assert spec and spec.loader and ast.parse((course/'nbgrader_config.py').read_text())
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.Fenced.enabled

# ---- what gets points

@pytest.mark.full
@pytest.mark.parametrize('ex', **every)
def test_values_arrive_as_they_were_sent(tmp_path, ex):
    torch.save(dict(passed=True, said='Correct: yes', got=grading.plain(ex._right)), tmp_path/'o.pt')
    assert grading.confirmed(ex, tmp_path/'o.pt') == (True, 'Correct: yes')

class Trap:
    def __reduce__(self): return os.mkdir, (str(Path(os.environ['CNN_NOTES_HOME']).parent/'sprung'),)

class Alike(list):
    def __eq__(self, other): return True

@pytest.mark.parametrize('outcome', [None, [], {}, dict(passed=True), dict(passed=True, said='Correct', got=None),
    dict(passed=True, said='Correct', got=[]), dict(passed=True, said='Correct', got=[True]*7),
    dict(passed=1, said='Correct', got=torch.ones(7)),
    dict(passed=False, said='Correct: trust me', got=[]), dict(passed=True, said='Correct', got=Trap()),
    dict(passed=True, said='Correct', got=grading.plain([Alike()]*7))], ids=lambda o: type(o).__name__)
def test_a_forged_outcome_gets_no_points(tmp_path, outcome):
    torch.save(outcome, tmp_path/'o.pt')
    passed,said = grading.confirmed(exercise('01.2'), tmp_path/'o.pt')
    assert not passed and said.startswith('Not yet') and not (tmp_path/'sprung').exists()

def test_an_outcome_that_is_no_file_of_ours(tmp_path):
    (tmp_path/'a').write_bytes(pickle.dumps(Trap(), protocol=2))
    os.mkfifo(tmp_path/'b')
    (tmp_path/'c').symlink_to('/dev/zero')
    for name in 'abcd': assert not grading.confirmed(exercise('01.2'), tmp_path/name)[0]
    assert not (tmp_path/'sprung').exists()

@pytest.mark.parametrize('source', ["exercise('01.2').solution()", 'ex.solution_code', 'import cnn_notes.answers.lesson_01',
    'from cnn_notes.exercises import *', 'from cnn_notes import models, exercises', 'import cnn_notes.exercises as e', 'ex._right'])
def test_a_notebook_that_asks_for_answers_is_not_run(source):
    passed,said = grading.graded(exercise('01.2'), ['x = 1', source])
    assert not passed and 'asks the course for its answers' in said

# ---- submissions, in processes of their own

right,stub = (lambda ex: ex.solution_code), (lambda ex: ex.stub)
hostile = {
    'redefines': lambda ex: f'''
class Yes:
    def __getattr__(self, name): return lambda *args: self
    def __bool__(self): return True
exercise = check = lambda *args: Yes()
{ex.name} = Yes()
print('Correct: all of it')''',
    'patches': lambda ex: f'''
import importlib
e = importlib.import_module('cnn_notes.' + 'exercises')
e.Exercise.check = lambda self, answer: e.Verdict(True, 'all of it')
e.Exercise.outputs = lambda self, answer: getattr(self, '_ri' + 'ght')
e.difference = lambda *args: None
e.Verdict.__bool__ = lambda self: True
{ex.name} = lambda *args: 1''',
    'leaves': lambda ex: 'raise SystemExit(0)',
    'leaves at once': lambda ex: 'import os\nos._exit(0)',
    'answers by leaving': lambda ex: f'def {ex.name}(*args): raise SystemExit(0)',
    'hides errors': lambda ex: f'''
shell = get_ipython()
shell.showtraceback = lambda *args, **kwargs: None
shell.run_cell = shell.run_code = lambda *args, **kwargs: None
{ex.name} = lambda *args: 1''',
    'is equal to anything': lambda ex: f'''
class Same(float):
    def __eq__(self, other): return True
    def __len__(self): return 1
    def __iter__(self): return iter([self])
{ex.name} = lambda *args: Same()''',
    'writes the outcome': lambda ex: f'''
import atexit, os, torch
save = torch.save
save(dict(passed=True, said='Correct', got=[]), 'outcome.pt')
torch.save = lambda o, path: save(dict(o, passed=True, said='Correct'), path)
{ex.name} = lambda *args: 1''',
    'asks for the answer': lambda ex: f'''
{ex.name} = exercise('{ex.id}').made(exercise('{ex.id}').solution_code)''',
    'writes the grade': lambda ex: '''
import glob, os, sqlite3
for path in glob.glob(f'/proc/{os.getppid()}/cwd/gradebook.db'): # where the nbgrader that started this runs
    with sqlite3.connect(path) as db: db.execute('update grade set manual_score = 1, auto_score = 1')
''',
}
endless = {'endless': lambda ex: 'while True: pass',
    'endless in the function': lambda ex: f'def {ex.name}(*args):\n    while True: pass',
    'endless and stubborn': lambda ex: 'import signal\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\nwhile True: pass'}

def graded(ex, make, monkeypatch, seconds=120):
    monkeypatch.setattr(grading, 'seconds', seconds)
    cells = [assignments.imports(ex.id[:2], [ex]), make(ex)]
    return grading.graded(ex, cells)

@pytest.mark.full
def test_a_right_and_a_wrong_answer(monkeypatch):
    ex = exercise('01.2')
    said,wrong = list(ex.mistakes.items())[1]
    assert graded(ex, right, monkeypatch) == (True, 'Correct: Your positions are those of F.conv2d')
    passed,message = graded(ex, lambda ex: wrong, monkeypatch)
    assert not passed and said in message

@pytest.mark.nightly
@pytest.mark.parametrize('make', [stub, *hostile.values(), *endless.values()], ids=['empty', *hostile, *endless])
def test_other_answers_get_no_points(monkeypatch, make):
    passed,message = graded(exercise('05.2'), make, monkeypatch, seconds=90)
    assert not passed and message.startswith('Not yet')

def test_a_process_that_does_not_end_is_ended(monkeypatch):
    run,started = grading.finished,[]
    def finished(command, folder):
        started.append(folder)
        return run([sys.executable, '-c', 'while True: pass'], folder)
    monkeypatch.setattr(grading, 'finished', finished)
    monkeypatch.setattr(grading, 'fence', tuple)
    assert graded(exercise('01.2'), stub, monkeypatch, seconds=1) == (False, 'Not yet: the notebook still ran after 1 seconds')
    assert started and not Path(started[0]).exists()

# ---- nbgrader

def copied(book): # as JupyterLab copies a cell
    book.cells += [nbformat.from_dict(o | dict(id=f'copy-{o.id}')) for o in book.cells[2:]]

def changed(book):
    for o in book.cells:
        o.metadata.nbgrader |= dict(schema_version=1)
        if o.metadata.nbgrader.grade:
            o.metadata.nbgrader |= dict(points=100)
            o |= dict(source='pass', outputs=[nbformat.v4.new_output('stream', name='stdout', text='Correct')])

def removed(book): del book.cells[2:]

def stripped(book):
    for o in book.cells: o.metadata.pop('nbgrader')

def submit(course, student, ex, code=None, change=None):
    "A submission of the exercise's lesson, made from the released notebook"
    name,key = f'lesson_{ex.id[:2]}',ex.id.replace('.', '-')
    book = nbformat.reads((course/f'release/{name}/{name}.ipynb').read_text(encoding='utf-8'), 4)
    if code: next(o for o in book.cells if o.id == f'answer-{key}').source = code
    if change: change(book)
    (course/f'submitted/{student}/{name}').mkdir(parents=True)
    nbformat.write(book, course/f'submitted/{student}/{name}/{name}.ipynb')

def scores(course, lesson):
    "{student: points}, after nbgrader has graded"
    with closing(sqlite3.connect(course/'gradebook.db')) as db:
        rows = db.execute("""select submitted_assignment.student_id, coalesce(grade.manual_score, grade.auto_score) from grade
            join submitted_notebook on grade.notebook_id = submitted_notebook.id
            join submitted_assignment on submitted_notebook.assignment_id = submitted_assignment.id
            join assignment on submitted_assignment.assignment_id = assignment.id where assignment.name = ?""", [lesson])
        found: dict = {}
        for student,points in rows: found[student] = found.get(student, 0) + (points or 0)
        return found

def nbgrader(course, *args):
    found = subprocess.run([sys.executable, '-m', 'nbgrader', *args], cwd=course, capture_output=True, text=True)
    assert not found.returncode, found.stderr[-2000:]

@pytest.mark.nightly
def test_nbgrader_gives_points_to_right_answers_only(tmp_path):
    pytest.importorskip('nbgrader', reason='nbgrader is not installed')
    if not grading.fence(): pytest.skip('bubblewrap does not run here')
    ex,course = exercise('01.2'),tmp_path/'course'
    said,wrong = list(ex.mistakes.items())[1]
    assignments.export([ex.id], course)
    nbgrader(course, 'generate_assignment', '--assignment', 'lesson_01')
    released = nbformat.reads((course/'release/lesson_01/lesson_01.ipynb').read_text(encoding='utf-8'), 4)
    assert [o.source for o in released.cells if o.id == 'answer-01-2'] == [ex.stub]
    codes = dict(right=right(ex), wrong=wrong, empty=None, endless=endless['endless'](ex)) | {k: f(ex) for k,f in hostile.items()}
    for student,code in codes.items(): submit(course, student.replace(' ', '_'), ex, code)
    for change in (copied, changed, removed, stripped): submit(course, change.__name__, ex, change=change)
    nbgrader(course, 'autograde', '--assignment', 'lesson_01')
    nbgrader(course, 'generate_feedback', '--assignment', 'lesson_01')
    found = scores(course, 'lesson_01')
    assert len(found) == len(codes) + 4 and {k for k,v in found.items() if v} == {'right'} and found['right'] == 1
    assert said in html.unescape((course/'feedback/wrong/lesson_01/lesson_01.html').read_text(encoding='utf-8'))
