"""Exercises as assignments for nbgrader; TEACHING.md shows each step.

    python tools/assignments.py 01 05.2 --out COURSE

COURSE holds a notebook for each lesson, without answers, and nbgrader_config.py, which names grading.py.
"""
import argparse, inspect, shutil, sys
from pathlib import Path
import nbformat
from nbformat import v4
from cnn_notes.exercises import all_exercises
import grading
from notebooks import exported, kernel, root

def page_of(lesson): return next((root/'nbs').glob(f'{lesson}_*.ipynb')) # in a clone

config = '''"The exercises of cnn_notes as a course of nbgrader; python tools/assignments.py wrote this file"
import sys
from pathlib import Path
sys.path.insert(0, str(Path(__file__).resolve().parent))
from grading import Fenced, Known
from nbgrader.converters import Autograde, GenerateAssignment
from nbgrader.preprocessors import ClearSolutions, DeduplicateIds, Execute

c = get_config()
c.CourseDirectory.root = str(Path(__file__).resolve().parent)
c.CourseDirectory.course_id = 'cnn_notes'
# the source holds no solution that would have to be cleared
c.GenerateAssignment.preprocessors = [
    o for o in GenerateAssignment.preprocessors.default_args[0] if o is not ClearSolutions]
c.Autograde.sanitize_preprocessors = [
    Known if o is DeduplicateIds else o for o in Autograde.sanitize_preprocessors.default_args[0]]
c.Autograde.autograde_preprocessors = [
    Fenced if o is Execute else o for o in Autograde.autograde_preprocessors.default_args[0]]
'''

about = '''# Exercises of {page}

Write each answer in place of the dots, then run the cell below it. `exercise('{id}').hint()` gives one hint
at a time. Grading runs the notebook from the top, with ten seconds for each cell. A notebook that asks the
course for a solution gets no points.'''

def chosen(names):
    "{'01': its exercises}, for numbers of lessons and of exercises"
    every = all_exercises()
    lessons = list(dict.fromkeys(o[:2] for o in every))
    wrong = [o for o in names if o not in every and o not in lessons]
    if wrong: sys.exit(f"assignments: there is no lesson and no exercise {', '.join(wrong)}; give lessons "
        f"({', '.join(lessons)}) or exercises ({', '.join(every)})")
    picked = [ex for id_,ex in every.items() if id_ in names or id_[:2] in names]
    return {o: found for o in lessons if (found := [ex for ex in picked if ex.id[:2] == o])}

def cell(make, name, source):
    return make(source.strip(), id=name, metadata=dict(nbgrader=grading.known(name)))

def imports(lesson, exercises):
    "What the exercises need, and the names of the lesson's own module"
    module = exported(page_of(lesson))
    lines = [f'from cnn_notes.{module} import *'] if module else []
    if lesson == '16': lines.append('from cnn_notes.experiments.mystery import faults, mystery')
    lines += [line for ex in exercises for line in ex.setup.splitlines()]
    return '\n'.join([*dict.fromkeys(lines), 'from cnn_notes.exercises import exercise'])

def parts(ex):
    "Statement, answer, and check of one exercise"
    key = ex.id.replace('.', '-')
    statement = f'## {ex.id} {ex.title}\n\n{inspect.cleandoc(ex.statement)}'
    check = f"verdict = exercise('{ex.id}').check({ex.name})\nassert verdict, verdict\nverdict"
    return [cell(v4.new_markdown_cell, f'statement-{key}', statement),
            cell(v4.new_code_cell, f'answer-{key}', ex.stub),
            cell(v4.new_code_cell, f'check-{key}', check)]

def assignment(lesson, exercises):
    "The notebook of one lesson"
    page = page_of(lesson).stem
    cells = [cell(v4.new_markdown_cell, 'about', about.format(page=page, id=exercises[0].id)),
             cell(v4.new_code_cell, 'setup', imports(lesson, exercises)),
             *(o for ex in exercises for o in parts(ex))]
    return v4.new_notebook(cells=cells, metadata=kernel())

def export(names, folder):
    "A course of nbgrader in a new folder"
    lessons = chosen(names)
    if folder.exists(): sys.exit(f'assignments: {folder} exists, and a new folder was expected; give another '
        'name after --out, or move this one away')
    books = {f'lesson_{lesson}': assignment(lesson, found) for lesson,found in lessons.items()}
    try:
        for name,book in books.items():
            (folder/'source'/name).mkdir(parents=True)
            nbformat.write(book, folder/'source'/name/f'{name}.ipynb')
        (folder/'nbgrader_config.py').write_text(config, encoding='utf-8')
        shutil.copy(grading.__file__, folder/'grading.py')
    except OSError as error:
        sys.exit(f'assignments: {folder} cannot be written ({error.strerror}); give another one')

if __name__ == '__main__':
    parser = argparse.ArgumentParser(description='Exercises as assignments for nbgrader; see TEACHING.md')
    parser.add_argument('names', nargs='+', metavar='NUMBER', help='of a lesson (01) or an exercise (05.2)')
    parser.add_argument('--out', type=Path, required=True, metavar='FOLDER', help='a new folder')
    args = parser.parse_args()
    export(args.names, args.out)
    print(args.out, *sorted(o.name for o in (args.out/'source').iterdir()))
