"""The course as a site: the notebooks with their saved outputs, as pages that need no kernel and no network.

    python tools/site.py            into _site/html; open _site/html/index.html
    python tools/site.py FOLDER     into FOLDER/html

Sphinx and MyST-NB make the pages, in the look of sphinx-book-theme. Here the notebooks are made ready for
them: what is hidden
goes, directives go, solutions fold, alternative texts go where MyST-NB looks for them, badges become plain
links. No cell is run. A network is trained for the pages on which a reader draws.
"""
import gzip, html, inspect, io, itertools, os, re, shutil, subprocess, sys
from functools import cache
from hashlib import sha256
from pathlib import Path
from string import Template
from urllib.parse import unquote
import nbformat
from PIL import Image
sys.path.insert(0, str(Path(__file__).resolve().parent))
from notebooks import directive, exported, folded, hidden, in_repository, notebooks, read, repository, root

def name(path): return path.relative_to(root/'nbs').with_suffix('').as_posix()
def part(path):
    return 'Package' if path.parent.name == 'package' else 'The course' if re.match(r'\d\d_',
        path.stem) else 'Tools of the course'
parts = 'The course','Tools of the course','Package'
badge_link = re.compile(r'\[!\[Open in Colab\]\([^)]*\)\]\(([^)]*)\)')

def slug(heading):
    "The anchor that MyST gives a heading, from the one that Jupyter gives it"
    return re.sub(r'[^\w\- ]', '', heading.replace('-', ' ').lower()).strip().replace(' ', '-')

def title(path): return read(path).cells[0].source.split('\n')[0].removeprefix('# ')

def page_links(text, folder):
    """`text` with its links to sections of notebooks, seen from `folder`, as links to their pages; the label
    alone, if there is no such page"""
    def link(m):
        label,stem,heading = m.groups()
        if not (folder/f'{stem}.ipynb').exists(): return label
        return f"[{label}]({stem}.html{'#' + slug(heading) if heading else ''})"
    # to another section of the page itself
    text = re.sub(r'\]\(#([^)]+)\)', lambda m: f'](#{slug(m[1])})', text)
    return re.sub(r'\[([^\]]+)\]\(([\w./]+)\.ipynb(?:#([^)]+))?\)', link, text)

# ---- formulas as pictures: no script, no fonts, no network

_numbers = itertools.count()

def formula(tex, display=False):
    "TeX as an SVG that takes the color of the text, with the TeX as its alternative text"
    from matplotlib import rc_context
    from matplotlib.mathtext import math_to_image
    out,text = io.StringIO(),' '.join(tex.split())
    with rc_context({'svg.fonttype': 'path', 'svg.hashsalt': 'formula', 'mathtext.fontset': 'cm'}):
        shown = re.sub(r'\\[bB]ig+[lr]?(?=\W)', '', text) # matplotlib knows no large parentheses of this kind
        shown = re.sub(r'\\sqrt (\w)', r'\\sqrt{\1}', shown)
        try: math_to_image(f'${shown}$', out, dpi=72, format='svg')
        except ValueError: return f'<code>{html.escape(text)}</code>' # TeX that matplotlib does not know
    svg = out.getvalue()
    svg = re.sub(r'<metadata>.*?</metadata>|<!--.*?-->', '', svg[svg.index('<svg'):], flags=re.S)
    svg = re.sub(r'(<g id="patch_1">.*?</g>)', '', svg, flags=re.S) # its background
    svg = re.sub(r'<style.*?</style>| id="(?:figure|text)_\d+"', '', svg, flags=re.S).replace('\n', ' ')
    number = next(_numbers) # a glyph's name is used once on a page
    svg = re.sub(r'(id="|href="#)([\w-]+)"', lambda m: f'{m[1]}f{number}-{m[2]}"', svg)
    svg = re.sub(r'(width|height)="([\d.]+)pt"', lambda m: f'{m[1]}="{float(m[2])/9:.2f}em"', svg, count=2)
    kind = 'formula display' if display else 'formula'
    return f'<span class="{kind}" role="img" aria-label="{html.escape(text)}">{svg}</span>'

def typeset(text):
    "Markdown with its formulas as pictures; code stays as it is"
    parts = re.split(r'(```.*?```|`[^`\n]*`)', text, flags=re.S)
    for i in range(0, len(parts), 2):
        parts[i] = re.sub(r'\$\$(.+?)\$\$', lambda m: formula(m[1], display=True), parts[i], flags=re.S)
        parts[i] = re.sub(r'(?<![\\\w$])\$([^$]+?)\$(?!\d)', lambda m: formula(m[1]), parts[i])
    return ''.join(parts)

# ---- what a reader can do without an installation

@cache
def network():
    "The network of lesson 15, and the share of the test digits that it reads right, in percent"
    from cnn_notes.data import load_mnist
    from cnn_notes.experiments.framing import normalized, share_right, trained
    mnist,model = load_mnist(),trained(0)
    return model,share_right(model, normalized(mnist.valid_x.float()/255), mnist.valid_y.long())

def accuracy():
    return ('The network was trained for one epoch when this page was built, and reads '
        f"{network()[1]:.1f}% of MNIST's 10,000 test digits right.")

def live(view): return f'```{{raw}} html\n{view.html()}\n```'

def digit_view():
    from cnn_notes.drawing import draw_digit
    return draw_digit(network()[0], title='Your digit, read by a network')

def first_lesson():
    "The page with three live views, as Markdown"
    from cnn_notes.data import load_mnist
    from cnn_notes.geometry import Window
    from cnn_notes.kernels import top_edge
    from cnn_notes.views import explore_conv, explore_window
    mnist = load_mnist()
    digit = mnist.train_x[mnist.train_y == 3][12].float()
    views = dict(digit=digit_view(), window=explore_window(Window(3, stride=2, padding=1), 7),
        kernel=explore_conv(digit, 'top_edge', kernels=dict(top_edge=top_edge), digits=0))
    text = (root/'tools'/'site'/'first_lesson.md').read_text(encoding='utf-8')
    return Template(text).substitute({k: live(v) for k,v in views.items()}, accuracy=accuracy())

def opening():
    "The start of the first page, as Markdown: where README has a moving picture, a reader draws"
    return '\n\n'.join([
        'Draw a digit, with the mouse, a finger, or the arrow keys, and watch a network read it. '
        + accuracy(),
        f':::{{container}} opening\n{live(digit_view())}\n:::',
        '[A first lesson](first_lesson.md) goes on from here. It runs in your browser, and nothing has to be '
        'installed.'])

# ---- addresses: of exercises and of claims

def addresses(cell):
    "What in a cell has an address of its own: an exercise by its number, a claim by the name of its record"
    if cell.cell_type != 'code': return []
    found = re.findall(r"exercise\('(\d\d)\.(\d+)'\)", cell.source)
    claims = re.findall(r"\bmeasured\(\s*'(\w+)'", cell.source)
    return [f'exercise-{a}-{b}' for a,b in found] + [f"claim-{o.replace('_', '-')}" for o in claims]

def shown(c, folder):
    "One cell, ready for MyST-NB; None: it is not shown"
    if c.cell_type == 'code':
        if hidden(c) or directive(c, 'default_exp'): return None
        said = [v['alt'] for o in c.outputs for v in o.get('metadata', {}).values() if isinstance(v, dict)
            and v.get('alt')] # an animation brings its own
        alt,tags = directive(c, 'fig-alt') or next(iter(said), None),[]
        if folded(c): tags.append('hide-input')
        if directive(c, 'echo') == 'false': tags.append('remove-input')
        c.source = re.sub(r'^#(\||@title).*\n?', '', c.source, flags=re.M).strip()
        if not c.source and not c.outputs: return None
        c.metadata = {'tags': tags, **({'mystnb': {'image': {'alt': alt}}} if alt else {})}
        for o in c.outputs:
            o.pop('metadata', None) if o.output_type == 'stream' else o.update(metadata={})
    elif '](images/' in c.source: return None # README's moving picture; here a reader draws
    elif c.source.startswith('<!-- lesson -->'): c.source = opening()
    else:
        c.source = typeset(badge_link.sub(r'[Open in Colab](\1)', c.source))
        c.source = re.sub(r'(\]\((?:[\w./]+\.ipynb)?#)([^)]+)\)', lambda m: f'{m[1]}{slug(m[2])})',
            c.source)
    for o in c.get('outputs', []): # MyST leaves the links of an output as they are
        if text := o.get('data', {}).get('text/markdown'):
            o.data['text/markdown'] = page_links(text, folder)
    return c

def navigation():
    "What the first page leads to, as cells"
    for caption in parts:
        listed = [p for p in notebooks() if p.stem != 'index' and part(p) == caption]
        entries = [f'{p.stem[:2]} {title(p)} <{p.stem}>' if caption == 'The course' else name(p)
            for p in listed]
        if caption == 'The course': entries.insert(0, 'A first lesson <first_lesson>')
        if entries:
            yield nbformat.v4.new_markdown_cell('\n'.join(['```{toctree}', ':hidden:',
                f':caption: {caption}', '', *entries, '```']))
    yield nbformat.v4.new_markdown_cell('```{toctree}\n:hidden:\n:caption: Reference\n\n'
        'The package, function by function <api/index>\nteaching\n```')

def page(path):
    "The notebook as MyST-NB wants it"
    nb = read(path)
    cells,known = [],set()
    for c in nb.cells:
        if new := [o for o in addresses(c) if o not in known]:
            known.update(new)
            cells.append(nbformat.v4.new_markdown_cell(''.join(f'<span id="{o}"></span>' for o in new)))
        if ready := shown(c, path.parent): cells.append(ready)
    nb.cells = [*cells, *navigation()] if path.stem == 'index' else cells
    nb.metadata['language_info'] = {'name': 'python', 'pygments_lexer': 'ipython3'}
    return nb

# ---- the reference: a page for each module, from what `help` shows

def reference(folder):
    "Pages of all public functions and classes into `folder`"
    import importlib
    folder.mkdir()
    pages = {exported(p): p for p in notebooks() if exported(p) and '.' not in exported(p)}
    listed,rows = [],[]
    for module,p in sorted(pages.items()):
        m = importlib.import_module(f'cnn_notes.{module}')
        own = {k: o for k in getattr(m, '__all__', []) if callable(o := getattr(m, k))
            and getattr(o, '__module__', '') == m.__name__}
        if not own: continue
        listed.append(module)
        what = inspect.getdoc(m).split('\n')[0]
        rows.append(f"- [{module}]({module}.md): {what}")
        source = f"[source]({in_repository(f'cnn_notes/{module}.py')}) and " if repository() else ''
        text = [f'# cnn_notes.{module}', what, f'See {source}[the page that exports it](../{name(p)}.ipynb).']
        for k,o in own.items(): text += entry(k, o, module)
        (folder/f'{module}.md').write_text('\n\n'.join(text) + '\n', encoding='utf-8')
    toc = '```{toctree}\n:hidden:\n\n' + '\n'.join(listed) + '\n```'
    text = ['# The package, function by function', 'What `help` shows, with an address for each function.',
        '\n'.join(rows), toc]
    (folder/'index.md').write_text('\n\n'.join(text) + '\n', encoding='utf-8')

def entry(name, o, module):
    "One function or class: its address is its name"
    def block(f, label):
        try: sig = shape(inspect.signature(f))
        except (TypeError, ValueError): sig = '(...)'
        doc = inspect.getdoc(f) or ''
        return f'```text\n{label}{sig}\n```' + f'\n\n```text\n{doc}\n```'
    line = link_to_source(o, module)
    res = [f'<span id="{name}"></span>', f'## {name}', *([line] if line else []), block(o, name)]
    if inspect.isclass(o):
        for k,f in vars(o).items():
            if inspect.isfunction(f) and not k.startswith('_') and f.__module__ == o.__module__:
                res += [f'<span id="{name}.{k}"></span>', f'### {name}.{k}', block(f, f'{name}.{k}')]
    return res

def shape(sig):
    "A signature: on one line where it fits, else a line for each parameter"
    text = str(sig).replace('jaxtyping.', '')
    if len(text) < 70 or not sig.parameters: return text
    parameters = ''.join(f'    {p},\n' for p in sig.parameters.values())
    gives = str(sig.replace(parameters=[])).removeprefix('()')
    return f'(\n{parameters}){gives}'.replace('jaxtyping.', '')

def link_to_source(o, module):
    try: line = inspect.getsourcelines(inspect.unwrap(o))[1]
    except (OSError, TypeError): return None
    return f"[source]({in_repository(f'cnn_notes/{module}.py')}#L{line})" if repository() else None

# ---- lighter pages

def webp(picture):
    "Without loss; a picture of thousands of colors, such as a photograph, with a loss too small to see"
    def saved(**settings):
        picture.save(out := io.BytesIO(), 'WEBP', method=4, **settings)
        return out.getvalue()
    exact = saved(lossless=True, quality=80)
    if picture.convert('RGB').getcolors(3000) is not None: return exact
    return min(exact, saved(quality=90), key=len)

def written(folder):
    "The pages, without the frames in them"
    return sorted(p for p in folder.rglob('*.html') if '_static' not in p.relative_to(folder).parts)

def apart(text, page, folder):
    "A page whose views come after its text, each from a file of its own"
    def moved(m):
        data = html.unescape(m[1]).encode()
        path = folder/'_static'/'views'/f'{sha256(data).hexdigest()[:16]}.html'
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        return f'src="{Path(os.path.relpath(path, page.parent)).as_posix()}"'
    return re.sub(r'\bsrcdoc="([^"]*)"', moved, text)

of_search = re.compile(r'<script [^>]*(?:searchtools|searchindex|language_data)\.js[^>]*></script>')

def lighten(folder):
    "Pictures as WebP where that is smaller; they load when the reader comes near"
    smaller = {}
    for p in sorted((folder/'_images').glob('*.png')):
        data = webp(Image.open(p))
        if len(data) < p.stat().st_size:
            p.with_suffix('.webp').write_bytes(data)
            p.unlink()
            smaller[p.name] = p.with_suffix('.webp').name
    pages = {p: p.read_text(encoding='utf-8') for p in written(folder)}
    icons(folder, pages.values())
    for p,text in pages.items():
        text = apart(text, p, folder)
        text = re.sub(r'(_images/)([\w.-]+\.png)', lambda m: m[1] + smaller.get(m[2], m[2]), text)
        text = re.sub(r'<(img|iframe) (?![^>]*loading=)', r'<\1 loading="lazy" ', text)
        text = re.sub(r'<script [^>]*fontawesome\.js[^>]*></script>', '', text)
        if p.stem != 'search': text = later(of_search.sub('', text))
        text = re.sub(r'(/edit/main/)[^"]*',
            lambda m: m[1] + source_of(p.relative_to(folder).with_suffix('').as_posix()), text) # noqa: B023
        p.write_text(named(text), encoding='utf-8')
    for p in folder.rglob('*.map'): p.unlink() # for those who write the theme
    for p in (folder/'_static').rglob('*.css'): p.write_text(styles(p), encoding='utf-8')

def later(text):
    "A page whose text is shown before its scripts have come; they run in their order"
    head,end,body = text.partition('</head>')
    head = re.sub(r'<script (?=src=)', '<script defer ', head)
    head = head.replace('<script>DOCUMENTATION_OPTIONS', '<script type="module">DOCUMENTATION_OPTIONS')
    return head + end + body

def source_of(page):
    "The file of the repository that somebody changes to change a page; the page's name is its address"
    special = {'first_lesson': 'tools/site/first_lesson.md', 'teaching': 'TEACHING.md',
        'api/index': 'tools/site.py'}
    if page in special: return special[page]
    if page.startswith('api/'):
        page = next(name(p) for p in notebooks() if exported(p) == page.removeprefix('api/'))
    return f'nbs/{page}.ipynb'

def styles(path):
    "A style sheet in one request, without the theme's thousands of icons"
    text = re.sub(r'\.fa-[\w-]+(?:,\.fa-[\w-]+)*\{--fa:"[^"]*"\}', '', path.read_text(encoding='utf-8'))
    return re.sub(r'@import (?:url\()?"?([\w./-]+\.css)"?\)?;', lambda m: styles(path.parent/m[1]), text)

def icons(folder, pages):
    "The few icons that the pages show, as styles; the theme brings a script with all there are, of 1.6 MB"
    script = folder/'_static'/'scripts'/'fontawesome.js'
    if not script.exists(): return # older themes bring a font
    found,used = script.read_text(encoding='utf-8'),{'xmark'} # one that the theme's own script adds
    for text in pages: used |= set(re.findall(r'\bfa-([a-z][a-z-]+)', text))
    kinds = ':is(.fa-solid, .fa-brands, .fa-regular, .fas, .fab, .far)' # the new names, and the old
    rules = [f'{kinds} {{ display: inline-block; width: 1em; height: 1em; background: currentColor; '
        'mask: var(--icon) center/contain no-repeat; vertical-align: -.125em; }',
        f'{kinds}::before {{ content: none !important; }}', # no font either
        '.fa-lg { font-size: 1.25em; }', '.fa-fw { width: 1.25em; }']
    older = {'pencil-alt': 'pencil'}
    for o in sorted(used):
        now = older.get(o, o)
        if not (m := re.search(rf'[{{,]"?{now}"?:\[(\d+),(\d+),\[[^\]]*\],"\w+","([^"]+)"', found)): continue
        svg = (f"%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {m[1]} {m[2]}'%3E"
            f"%3Cpath d='{m[3]}'/%3E%3C/svg%3E")
        rules.append(f'.fa-{o} {{ --icon: url("data:image/svg+xml,{svg}"); }}')
    with open(folder/'_static'/'site.css', 'a', encoding='utf-8') as f: f.write('\n'.join(rules) + '\n')
    script.unlink()

def named(text):
    "A page whose parts have the names that assistive technology reads, where the theme leaves them out"
    text = re.sub(r'(<button class="btn search-button-field[^>]*?) aria-label="Search"', r'\1', text)
    text = text.replace('<summary aria-label="Toggle hidden content">', '<summary>')
    text = re.sub(r'<summary>(?=\s*<span[^>]*toctree-toggle)', '<summary aria-label="Its pages">', text)
    text = re.sub(r'<th\b([^>]*)>\s*</th>', r'<td\1></td>', text) # the corner of a table heads nothing
    return re.sub(r'<(?:dialog|div)[^>]*class="bd-sidebar-primary[^>]*', lambda m: m[0] + (
        '' if 'role=' in m[0] else ' role="navigation" aria-label="Course"'), text, count=1)

def weights(folder):
    """What each page asks for, in bytes: itself, scripts and styles, both compressed as servers send them,
    and its pictures and views, which load when the reader comes near"""
    @cache
    def sent(p):
        text = p.suffix in ('.html', '.js', '.css', '.svg')
        return len(gzip.compress(p.read_bytes())) if text else p.stat().st_size
    for p in written(folder):
        text = p.read_text(encoding='utf-8')
        def asked(pattern):
            files = {(p.parent/unquote(m)).resolve() for m in re.findall(pattern, text)} # noqa: B023
            return sum(sent(o) for o in files if o.is_file())
        code = asked(r'<script [^>]*\bsrc="([^"?]+)') + asked(r'<link [^>]*\bhref="([^"?]+\.css)')
        seen = asked(r'<(?:img|iframe) [^>]*\bsrc="(?!data:)([^"]+)')
        yield p.relative_to(folder).as_posix(), sent(p), code, seen

def table(rows):
    "Weights as text, the heaviest page first"
    rows = sorted(rows, key=lambda o: -sum(o[1:]))
    lines = [f"{'page':44}{'page':>8}{'scripts':>9}{'pictures':>10}{'all, KB':>9}"] # pictures: views, too
    return '\n'.join(lines + [f'{name:44}{html/1e3:8.0f}{code/1e3:9.0f}{pictures/1e3:10.0f}'
        f'{(html + code + pictures)/1e3:9.0f}' for name,html,code,pictures in rows])

def build(out):
    "Pages into `out`/html; returns what Sphinx warned of"
    src,site = out/'source',out/'html'
    for d in (src, site): shutil.rmtree(d, ignore_errors=True)
    src.mkdir(parents=True)
    for f in (root/'tools'/'site').iterdir(): shutil.copy(f, src)
    (src/'first_lesson.md').write_text(first_lesson(), encoding='utf-8')
    for p in notebooks():
        path = src/p.relative_to(root/'nbs')
        path.parent.mkdir(exist_ok=True)
        nbformat.write(page(p), path)
    teaching = (root/'TEACHING.md').read_text(encoding='utf-8').replace('(nbs/', '(')
    (src/'teaching.md').write_text(teaching, encoding='utf-8')
    reference(src/'api')
    env = {**os.environ, 'CNN_NOTES_REPOSITORY': repository() or ''}
    res = subprocess.run([sys.executable, '-m', 'sphinx', '-q', '-b', 'html', '-d', out/'doctrees', src,
        site], capture_output=True, text=True, env=env)
    if res.returncode: sys.exit(res.stdout + res.stderr)
    lighten(site)
    return res.stderr.strip()

if __name__ == '__main__':
    out = Path(sys.argv[1] if len(sys.argv) > 1 else root/'_site').resolve()
    print('making the pages', flush=True)
    if warnings := build(out): print(warnings, file=sys.stderr)
    print(table(weights(out/'html')))
    print(f'open {out/"html"/"index.html"}')
