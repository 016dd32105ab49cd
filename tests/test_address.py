"""The address of the repository: stated in one place, written everywhere by one command; and what a reader
sees who has not installed the package"""
import re, shutil, subprocess, sys
from pathlib import Path
import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

root = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(root/'tools'))
import notebooks as tool

def carriers(folder):
    "What a reader or an index sees, as text by file"
    names = [*folder.glob('nbs/**/*.ipynb'), *folder.glob('cnn_notes/*.py'),
        *(folder/o for o in ('README.md', 'pyproject.toml', 'CITATION.cff'))]
    return {p.relative_to(folder).as_posix(): p.read_text(encoding='utf-8') for p in names}

@pytest.fixture(scope='module')
def copy(tmp_path_factory):
    folder = tmp_path_factory.mktemp('copy')/'course'
    shutil.copytree(root, folder, ignore=tool.not_copied)
    return folder

def command(folder, name):
    return subprocess.run([sys.executable, 'tools/notebooks.py', 'repository', name], cwd=folder,
        capture_output=True, text=True)

@pytest.mark.full
def test_one_command_changes_all_of_it_and_back(copy):
    started = carriers(copy)
    for name in ('ada-l/course.two', 'grace/cnn_notes', 'none'):
        res = command(copy, name)
        assert res.returncode == 0, res.stderr
        found = {k: set(re.findall(r'(?:github\.com/|colab\S*/github/)([\w.-]+/[\w.-]+?)(?:@|/|"|\)|\s|$)', v))
            for k,v in carriers(copy).items()}
        ours = {o for v in found.values() for o in v} - {'fastai/fastbook', 'OWNER/NAME'}
        others = {o for o in ours if o.split('/')[1] not in ('course.two', 'cnn_notes')}
        assert ours - others == (set() if name == 'none' else {name}), name
        for k,v in carriers(copy).items():
            if not k.startswith('nbs') or k.endswith('index.ipynb'): continue
            assert (f'blob/{tool.tag()}/{k}' in v) == (name != 'none'), k
            assert (f'pip\', \'install -q git+https://github.com/{name}@{tool.tag()}\'' in v) == (name != 'none'), k
        owner,_,repo = name.partition('/')
        where = f'https://{owner.lower()}.github.io/{repo}/first_lesson.html'
        assert (where in (copy/'README.md').read_text(encoding='utf-8')) == (name != 'none')
        assert (f'git clone --branch {tool.tag()}' in (copy/'README.md').read_text(encoding='utf-8')) == (
            name != 'none')
    if tool.repository() is None: # none is where we were
        now = carriers(copy)
        assert [k for k,v in started.items() if now[k] != v] == []

def test_the_site_has_the_address_that_github_gives_it(monkeypatch):
    monkeypatch.setattr(tool, 'repository', lambda: 'Ada/course')
    assert tool.site_url('a.html') == 'https://ada.github.io/course/a.html'
    monkeypatch.setattr(tool, 'repository', lambda: 'Ada/ada.github.io')
    assert tool.site_url('a.html') == 'https://ada.github.io/a.html'

@pytest.mark.parametrize('name', ['README.md', 'TEACHING.md', 'CONTRIBUTING.md', 'RELEASE.md'])
def test_what_a_page_leads_to_is_there(name):
    "On GitHub and, with whole addresses of the same files, on an index of packages"
    text = re.sub(r'```.*?```|`[^`\n]*`', '', (root/name).read_text(encoding='utf-8'), flags=re.S)
    def anchor(heading): return re.sub(r'[^\w\- ]', '', heading.lower()).replace(' ', '-')
    anchors = {anchor(o) for o in re.findall(r'^#+ (.+)$', text, re.M)}
    for target in re.findall(r'\]\(([^)\s]+)\)', text):
        path,_,at = target.partition('#')
        if '://' in path: continue
        assert not path or (root/path).exists(), target
        if at and path.endswith('.ipynb'): # Jupyter's anchors, which GitHub has too
            cells = '\n'.join(c.source for c in tool.read(root/path).cells if c.cell_type == 'markdown')
            assert at in {o.replace(' ', '-') for o in re.findall(r'^#+ (.+)$', cells, re.M)}, target
        elif at: assert at in anchors, target

@pytest.mark.parametrize('name', ['ada', 'a b/c', '-ada/course', 'ada/course/more', 'https://github.com/ada/b'])
def test_what_is_no_address_is_refused(name, monkeypatch):
    monkeypatch.setattr(Path, 'write_text', lambda *args, **kwargs: pytest.fail('something was written'))
    with pytest.raises(SystemExit, match='no OWNER/NAME'): tool.set_repository(name)

def failing(cell, folder):
    "The outputs of a notebook of `cell` and another, where cnn_notes is missing and pip gets nowhere"
    hide = ("import importlib.util as u\n"
        "_real = u.find_spec\nu.find_spec = lambda name, *args: None if name == 'cnn_notes' else _real(name, *args)\n"
        "get_ipython().run_line_magic = lambda kind, line: print('pip:', line)")
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(o) for o in (hide, cell, "print('went on')")])
    with pytest.raises(CellExecutionError): NotebookClient(nb, kernel_name='python3', resources={'metadata': {
        'path': str(folder)}}).execute()
    return [o for c in nb.cells for o in c.outputs]

@pytest.mark.full
@pytest.mark.parametrize('name', [None, 'ada/course'])
def test_without_the_package_one_sentence_stops_the_page(name, tmp_path, monkeypatch):
    monkeypatch.setattr(tool, 'repository', lambda: name)
    cell = '#@title Setup\n' + tool.install_lines() + '\nimport cnn_notes\nprint(1)'
    assert all(len(l) <= 110 for l in cell.splitlines())
    *before,error = failing(cell, tmp_path)
    said = [o.text for o in before]
    assert said == ([] if name is None else [f'pip: install -q git+https://github.com/ada/course@{tool.tag()}\n'])
    assert error.output_type == 'error' and len(error.traceback) == 1
    assert re.fullmatch(r'cnn_notes [^.]+see "Start" in README\.md\.', error.traceback[0])
