"""Keep the notebooks, the package and the README in step.

    python tools/notebooks.py dress     badges, folded solutions, alternative texts, no leftovers of bars,
                                        the questionnaire's index and headings
    python tools/notebooks.py run [NAME ...]
                                        run all cells in a fresh kernel, save the outputs and the seconds
    python tools/notebooks.py time [NAME ...]
                                        run all cells, keep nothing but the seconds (tools/run_all.json)
    python tools/notebooks.py export    the package from the notebooks
    python tools/notebooks.py readme          make README.md from nbs/index.ipynb, and CONTRIBUTING.md's map
    python tools/notebooks.py check           say what is out of step, and exit 1 if anything is
    python tools/notebooks.py repository OWNER/NAME
                                        the address of the repository on GitHub, everywhere; `none`: nowhere
"""
import base64, filecmp, io, json, math, os, re, shutil, subprocess, sys, tempfile, textwrap, time
from pathlib import Path
import nbformat
from nbclient import NotebookClient
from nbconvert import MarkdownExporter
from PIL import Image

root = Path(__file__).resolve().parent.parent
badge_pat = re.compile(r'^\[!\[Open in Colab\].*\)$|^BADGE$|^<!-- badge -->', re.M)

def notebooks(): return sorted((root/'nbs').glob('*.ipynb')) + sorted((root/'nbs'/'package').glob('*.ipynb'))
def lessons(): return [p for p in notebooks() if p.parent.name == 'nbs' and p.stem != 'index']
def read(path): return nbformat.read(path, as_version=4)
def write(nb, path):
    "As nbdev writes it; whoever interrupts finds the old one or the new one, never a part"
    part = path.with_name(f'.{path.name}.part')
    try:
        part.write_text(json.dumps(nb, sort_keys=True, indent=1, ensure_ascii=False) + '\n', encoding='utf-8')
        os.replace(part, path)
    finally: part.unlink(missing_ok=True)
def directive(cell, name):
    m = re.search(rf'^#\|\s*{name}:\s*(.+)$', cell.source, re.M)
    return m and m[1].strip()

# ---- where the repository is: stated in pyproject.toml, and copied from there

def repository(folder=root):
    "OWNER/NAME of the repository on GitHub; None as long as pyproject.toml does not name one"
    text = (folder/'pyproject.toml').read_text(encoding='utf-8')
    found = re.search(r'^Repository = "https://github\.com/([^/"]+/[^/"]+)"$', text, re.M)
    return found and found[1]
def tag():
    "The tag that readers install: that of this version, so that a page and its package are of one age"
    text = (root/'cnn_notes'/'__init__.py').read_text(encoding='utf-8')
    return 'v' + re.search(r'^__version__ = "(.+)"', text, re.M)[1]
def in_repository(path):
    "Address of a file on GitHub"
    return f'https://github.com/{repository()}/blob/{tag()}/{path}'
def pip_source(): return f'git+https://github.com/{repository()}@{tag()}'
def colab_url(path):
    where = f'{repository()}/blob/{tag()}/{path.relative_to(root).as_posix()}'
    return f'https://colab.research.google.com/github/{where}'

def install_lines():
    """The start of each setup cell: where the package is missing, it comes from the repository and never by
    its bare name, which others could register; if it does not come, one sentence stops the page"""
    start = ["from importlib.util import find_spec", "if find_spec('cnn_notes') is None:"]
    stop = '    class Missing(ImportError): _render_traceback_ = lambda self: [str(self)]'
    how = 'see "Start" in README.md.'
    if not repository():
        return '\n'.join([*start, stop, f"    raise Missing('cnn_notes is not installed here; {how}')"])
    return '\n'.join([*start, f"    get_ipython().run_line_magic('pip', 'install -q {pip_source()}')", stop,
        "    if find_spec('cnn_notes') is None:",
        f"        raise Missing('cnn_notes could not be installed: pip says why above; {how}')"])

# what an older or another form of these lines looks like
install_pat = re.compile(r"from importlib\.util import find_spec\n"
    r"if find_spec\('cnn_notes'\) is None:.*(?:\n    .*)*")

def set_repository(name):
    "Write OWNER/NAME, or that there is none yet, into all that carries it"
    if name != 'none' and not re.fullmatch(r'[A-Za-z0-9](-?[A-Za-z0-9])*/[\w.-]+', name):
        sys.exit(f'{name!r} is no OWNER/NAME of GitHub, such as ada/cnn_notes')
    line = '' if name == 'none' else f'"https://github.com/{name}"'
    for file,key in (('pyproject.toml', 'Repository = '), ('CITATION.cff', 'repository-code: ')):
        text = (root/file).read_text(encoding='utf-8')
        said = f'{key}{line}' if line else f'# {key}"https://github.com/OWNER/NAME"'
        text = re.sub(rf'^(# )?{key}.*$', said, text, flags=re.M)
        (root/file).write_text(text, encoding='utf-8')
    for p in notebooks(): write(dress(read(p), p), p)
    export(root)
    subprocess.run('nbdev-clean', cwd=root, check=True, capture_output=True)
    readme(root)

def start():
    "How to get the course, for index and README: from its repository, once that has an address"
    if not (name := repository()): return """<!-- start -->
This copy of the course does not name a repository to install from, so use the folder that holds it, and
open a terminal there. (Whoever publishes the course writes `python tools/notebooks.py repository OWNER/NAME`
once; badges, setup cells, this page, and the site then carry that address.)"""
    return f"""<!-- start -->
```
git clone --branch {tag()} https://github.com/{name}
cd {name.split('/')[1]}
```

For the package alone, without the pages: `pip install {pip_source()}`.
The course is on no index such as PyPI; a package of its name there would be somebody else's."""

def site_url(page=''):
    "Where GitHub Pages publishes the site, or a page of it"
    owner,name = repository().split('/')
    folder = '' if name.lower() == f'{owner.lower()}.github.io' else f'{name}/'
    return f'https://{owner.lower()}.github.io/{folder}{page}'

def lesson():
    "For index and README: where a reader can draw, without an installation if the site has an address"
    where = ('on [15_your_digit](15_your_digit.ipynb). The website that `make site` builds opens'
        '\nwith a drawing view and a first lesson, for readers who have installed nothing.')
    if repository(): where = (f"in [a first lesson]({site_url('first_lesson.html')}):\n"
        'it runs in your browser, and nothing has to be installed.')
    return f'<!-- lesson -->\nDraw a digit of your own {where}'

times = root/'tools'/'run_all.json' # seconds of Run All, by page
def run_all(path):
    "How long Run All takes, in words; None if nobody has timed the page"
    seconds = json.loads(times.read_text()).get(path.stem)
    if seconds is None: return None
    return f'{max(5, 5*math.ceil(seconds/5))} seconds' if seconds <= 90 else f'{seconds/60:.1f} minutes'
def opening(path):
    "The second cell of a page: its badge, and what pressing Run All costs"
    return (badge(path) or '<!-- badge -->') + (
        f'\n\nRun All takes about {t} on two cores.' if (t := run_all(path)) else '')
def badge(path):
    if not repository(): return ''
    return f'[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({colab_url(path)})'

path_of_the_course = {
    'What a convolution is': '00 01 02 03 04', 'A network, what it costs, and what it sees': '05 06 07 08',
    'Training, seen from the inside': '09 10 11 16', 'Before deep learning, and speed': '12 13',
    'Your own digit': '15', 'To look things up, and to play': '14 explore'}
def contents():
    "The path: for each part of the course a table of its pages, what they are for, and what Run All costs"
    rows = ['<!-- notebooks -->']
    known = bool(repository())
    head = ['', '| page | you will be able to | Run All |' + ' open |'*known,
        '| --- | --- | --- |' + ' --- |'*known]
    for part,stems in path_of_the_course.items():
        rows += [f'**{part}**', *head]
        for p in [p for p in lessons() if re.split('_', p.stem)[0] in stems.split()]:
            title,sub = re.match(r'# (.+)\n\n> (.+)', read(p).cells[0].source).groups()
            row = f"| [{p.stem}]({p.name}): {title} | {sub} | {run_all(p) or ''} |"
            rows.append(row + f' {badge(p)} |'*known)
        rows.append('')
    return '\n'.join(rows).strip()

def left_by_a_bar(output):
    "Is it what a progress bar that does not stay leaves: its style, or an empty place?"
    page = output.get('data', {}).get('text/html')
    return page is not None and (''.join(page).strip() in ('', '<div></div>')
        or 'progress::-webkit-progress-bar' in page)

def answered(nb):
    "The questionnaire's index, and a heading and a cell for each question that has a file"
    from cnn_notes.engine import _questions
    from cnn_notes.texts import _title
    index = next(i for i,c in enumerate(nb.cells) if c.source.startswith('## Index\n'))
    lines,at = [],index
    for q in _questions().values():
        heading,number = f'## {_title(q)}',str(q.number).lstrip('R')
        if number != str(q.number) and number == '1': lines += ['', 'Research tasks:', '']
        lines.append(f"{number}. [{q.text}](#{_title(q).replace(' ', '-')})")
        new = [nbformat.v4.new_markdown_cell(heading), nbformat.v4.new_code_cell(f'answer({q.number!r})')]
        places = [i for i,c in enumerate(nb.cells) if c.source.split('\n')[0] == heading]
        if not places: # it comes behind all cells of the question before it
            places = [i for i,c in enumerate(nb.cells) if i > at and c.source.startswith('## ')]
            nb.cells[places[0]:places[0]] = new
        at = places[0]
    nb.cells[index].source = '\n'.join(['## Index', '', *lines])

def kernel():
    "What a notebook says about itself, on every machine"
    return {'kernelspec': dict(name='python3', display_name='python3', language='python')}

def as_kept(model, **_):
    "For `make lab`: before JupyterLab saves a notebook, leave out what it adds about this machine's Python"
    if model['type'] != 'notebook': return
    metadata = model['content']['metadata']
    if metadata.get('kernelspec', {}).get('name') == 'python3': model['content']['metadata'] = kernel()

def dress(nb, path):
    """Badge from pyproject.toml; solutions folded; the alternative text of a figure into its output; no
    leftovers of progress bars; the questionnaire's index and headings"""
    nb.metadata = kernel()
    if path.stem == '14_questionnaire': answered(nb)
    for c in nb.cells:
        if c.source.startswith('<!-- notebooks -->'): c.source = contents()
        elif c.source.startswith('<!-- start -->'): c.source = start()
        elif c.source.startswith('<!-- lesson -->'): c.source = lesson()
        elif c.cell_type == 'markdown' and badge_pat.match(c.source): c.source = opening(path)
        if c.cell_type != 'code': continue
        c.source = install_pat.sub(lambda m: install_lines(), c.source, count=1)
        c.outputs = [o for o in c.outputs if not left_by_a_bar(o)]
        if folded(c): c.metadata = {'jupyter': {'source_hidden': True}, 'cellView': 'form'}
        alt = directive(c, 'fig-alt')
        for o in c.outputs:
            if 'image/png' in o.get('data', {}): o.metadata = {'image/png': {'alt': alt}} if alt else {}
    return nb

def pack(nb):
    """The same pixels in fewer bytes: pictures without the transparency that none of them uses, and
    compressed as far as it goes"""
    for c in nb.cells:
        for o in c.get('outputs', []):
            if 'image/png' not in o.get('data', {}): continue
            raw,small = base64.b64decode(o.data['image/png']),io.BytesIO()
            im = Image.open(io.BytesIO(raw))
            if im.mode == 'RGBA' and im.getextrema()[3] == (255, 255): im = im.convert('RGB')
            im.save(small, 'PNG', optimize=True)
            if len(small.getvalue()) < len(raw):
                o.data['image/png'] = base64.b64encode(small.getvalue()).decode()
    return nb

# what a copy of the repository does without, where only its pages and sources are looked at
not_copied = shutil.ignore_patterns('.*', 'mnist', 'tests', 'benchmarks', '__pycache__', '*.egg-info',
    'build', 'dist', '_bench', '_site')

def run(names, keep=True):
    "Run pages as Run All does, and remember how long each took; keep: with their outputs"
    paths = [p for p in notebooks() if not names or p.stem in names]
    if missing := set(names) - {p.stem for p in paths}:
        sys.exit(f"no notebook named {', '.join(sorted(missing))}; there are "
            f"{', '.join(p.stem for p in notebooks())}")
    for p in paths:
        start = time.perf_counter()
        print(p.name, end=' ', flush=True)
        nb = read(p)
        NotebookClient(nb, kernel_name='python3', timeout=None,
            resources={'metadata': {'path': str(p.parent)}}).execute()
        remember(p, seconds := time.perf_counter() - start)
        if keep: write(dress(pack(nb), p), p)
        print(f'{seconds:.0f} s', flush=True)

def remember(path, seconds):
    "Keep how long Run All of a page took"
    known = json.loads(times.read_text()) | {path.stem: round(seconds)}
    times.write_text(json.dumps(known, indent=1, sort_keys=True) + '\n')

def setup(cell):
    """Is it the folded cell that installs and imports? Its first line is the label that JupyterLab and Colab
    show"""
    return cell.source.startswith('#@title Setup\n')

def folded(cell): return cell.cell_type == 'code' and (setup(cell) or directive(cell, 'code-fold') == 'true')

def hidden(cell): return setup(cell) or bool(re.match(r'#\|\s*hide\b', cell.source))

def readme(folder):
    "README.md and its pictures, from nbs/index.ipynb, into `folder`"
    nb = read(root/'nbs'/'index.ipynb')
    nb.cells = [c for c in nb.cells if not (c.cell_type == 'code'
        and (hidden(c) or directive(c, 'default_exp')))]
    alts = [directive(c, 'fig-alt') for c in nb.cells if c.cell_type == 'code'
        and any('image/png' in o.get('data', {}) for o in c.outputs)]
    nb.metadata.language_info = {'name': 'python'}
    for c in nb.cells:
        c.source = 'no echo' if directive(c, 'echo') == 'false' else '\n'.join(l
            for l in c.source.splitlines() if not l.startswith('#|'))
    body,res = MarkdownExporter().from_notebook_node(nb, resources={'output_files_dir': 'README_files',
        'unique_key': 'README'})
    body = re.sub(r'```python\s*no echo\s*```', '', body)
    alts = iter(alts)
    body = re.sub(r'!\[png\]\(', lambda m: f"![{next(alts) or 'figure'}](", body)
    body = re.sub(r'\]\(((?:package/)?\w+\.ipynb|images/)', r'](nbs/\1', body)
    (folder/'README.md').write_text(re.sub(r'\n{3,}', '\n\n', body).strip() + '\n', encoding='utf-8')
    for name,data in res['outputs'].items():
        f = folder/name
        f.parent.mkdir(exist_ok=True)
        f.write_bytes(data)

def exported(path):
    "The module that a page exports, or None"
    found = re.search(r'^#\|\s*default_exp:?\s+(\S+)', '\n'.join(c.source for c in read(path).cells), re.M)
    return found and found[1]

def map_of_pages():
    "A table of pages, the module that each exports, and its tests; then the tests of the whole"
    rows,files = ['| page | module | tests |', '| --- | --- | --- |'],sorted((root/'tests').glob('test_*.py'))
    own = [(exported(p) or p.stem[3:], p) for p in notebooks()]
    for name,p in own:
        page,test = p.relative_to(root).as_posix(),root/'tests'/f'test_{name}.py'
        module = f'`cnn_notes.{name}`' if exported(p) else ''
        rows.append(f"| [{page}]({page}) | {module} | {f'`{test.name}`' if test in files else ''} |")
    others = ', '.join(f'`{t.name}`' for t in files if t.stem.removeprefix('test_') not in dict(own))
    return '\n'.join([*rows, '',
        f'Of several modules, of all pages, or of the package as a whole: {others}.'])

def contributing():
    "CONTRIBUTING.md with the map as it is now"
    text,mark = (root/'CONTRIBUTING.md').read_text(encoding='utf-8'),'<!-- map -->'
    before,_,after = text.partition(mark)[0],mark,text.partition('<!-- end of map -->')[2]
    return f'{before}{mark}\n\n{map_of_pages()}\n\n<!-- end of map -->{after}'

# the end of each module; before `python -m` runs it, its own end is never reached
helped = """
# %% what `help` shows: parameters, results, errors, an example
from ._help import explain
explain(__name__)
"""

def export(folder):
    "What `nbdev-export` writes, with the lists of names wrapped like the rest of the package"
    subprocess.run('nbdev-export', cwd=folder, check=True, capture_output=True)
    for p in sorted((folder/'cnn_notes').rglob('*.py')):
        text = p.read_text(encoding='utf-8')
        if not (m := re.search(r'^__all__ = \[(.*?)\]$', text, re.M | re.S)): continue
        names = textwrap.fill(' '.join(m[1].split()), 108, initial_indent='__all__ = [',
            subsequent_indent=' '*11)
        text = text.replace(m[0], names + ']')
        if p.parent.name == 'cnn_notes': text += helped
        p.write_text(text, encoding='utf-8')

def check():
    "What is out of step, as lines of text"
    res = []
    with tempfile.TemporaryDirectory() as d:
        d = Path(d)/'copy'
        shutil.copytree(root, d, ignore=not_copied)
        for p in notebooks():
            if json.dumps(read(p), sort_keys=True) != json.dumps(dress(read(p), p), sort_keys=True):
                res.append(f'{p.relative_to(root)}: badge, folding, alternative text or leftovers of a '
                    'progress bar; run `make export`')
        export(d)
        subprocess.run('nbdev-clean', cwd=d, check=True, capture_output=True)
        for f in sorted((d/'cnn_notes').rglob('*.py')):
            mine = root/f.relative_to(d)
            if not mine.exists() or not filecmp.cmp(f, mine, shallow=False):
                res.append(f'{f.relative_to(d)}: not what the notebooks export; run `make export`')
        for p in notebooks():
            if not filecmp.cmp(p, d/p.relative_to(root), shallow=False):
                res.append(f'{p.relative_to(root)}: not clean; run `make export`')
        (d/'readme').mkdir()
        readme(d/'readme')
        for f in (d/'readme').rglob('*'):
            mine = root/f.relative_to(d/'readme')
            if f.is_file() and (not mine.exists() or not filecmp.cmp(f, mine, shallow=False)):
                res.append(f'{mine.name}: not what nbs/index.ipynb gives; run `make readme`')
    if contributing() != (root/'CONTRIBUTING.md').read_text(encoding='utf-8'):
        res.append('CONTRIBUTING.md: its map is not that of the pages; run `make readme`')
    return res

if __name__ == '__main__':
    cmd,*args = sys.argv[1:] or ['help']
    if cmd == 'dress':
        for p in notebooks(): write(dress(read(p), p), p)
    elif cmd == 'run': run(args)
    elif cmd == 'time': run(args, keep=False)
    elif cmd == 'export': export(root)
    elif cmd == 'readme':
        readme(root)
        (root/'CONTRIBUTING.md').write_text(contributing(), encoding='utf-8')
    elif cmd == 'check':
        problems = check()
        print('\n'.join(problems) or 'in step: package, notebooks, README')
        sys.exit(bool(problems))
    elif cmd == 'repository' and len(args) == 1: set_repository(args[0])
    else: sys.exit(__doc__)
