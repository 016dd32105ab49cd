"""The course as a site: the notebooks with their saved outputs, as pages that need no kernel and no network.

    python tools/site.py            into _site/html; open _site/html/index.html
    python tools/site.py FOLDER     into FOLDER/html

Sphinx and MyST-NB make the pages, in the look of sphinx-book-theme. Here the notebooks are made ready for
them: what is hidden
goes, directives go, solutions fold, alternative texts go where MyST-NB looks for them, badges become plain
links. Nothing is run.
"""
import re, shutil, subprocess, sys
from pathlib import Path
import nbformat
sys.path.insert(0, str(Path(__file__).resolve().parent))
from notebooks import directive, folded, hidden, notebooks, read, root

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

def page(path):
    "The notebook as MyST-NB wants it"
    nb = read(path)
    cells = []
    for c in nb.cells:
        if c.cell_type == 'code':
            if hidden(c) or directive(c, 'default_exp'): continue
            said = [v['alt'] for o in c.outputs for v in o.get('metadata', {}).values() if isinstance(v, dict)
                and v.get('alt')] # an animation brings its own
            alt,tags = directive(c, 'fig-alt') or next(iter(said), None),[]
            if folded(c): tags.append('hide-input')
            if directive(c, 'echo') == 'false': tags.append('remove-input')
            c.source = re.sub(r'^#(\||@title).*\n?', '', c.source, flags=re.M).strip()
            if not c.source and not c.outputs: continue
            c.metadata = {'tags': tags, **({'mystnb': {'image': {'alt': alt}}} if alt else {})}
            for o in c.outputs:
                o.pop('metadata', None) if o.output_type == 'stream' else o.update(metadata={})
        else:
            c.source = badge_link.sub(r'[Open in Colab](\1)', c.source)
            c.source = re.sub(r'(\]\((?:[\w./]+\.ipynb)?#)([^)]+)\)', lambda m: f'{m[1]}{slug(m[2])})',
                c.source)
        for o in c.get('outputs', []): # MyST leaves the links of an output as they are
            if text := o.get('data', {}).get('text/markdown'):
                o.data['text/markdown'] = page_links(text, path.parent)
        cells.append(c)
    if path.stem == 'index':
        for caption in parts:
            listed = [p for p in notebooks() if p.stem != 'index' and part(p) == caption]
            entries = [f'{p.stem[:2]} {title(p)} <{p.stem}>' if caption == 'The course' else name(p)
                for p in listed]
            if entries:
                cells.append(nbformat.v4.new_markdown_cell('\n'.join(['```{toctree}', ':hidden:',
                    f':caption: {caption}', '', *entries, '```'])))
    nb.cells = cells
    nb.metadata['language_info'] = {'name': 'python', 'pygments_lexer': 'ipython3'}
    return nb

def build(out):
    "Pages into `out`/html; returns what Sphinx warned of"
    src,html = out/'source',out/'html'
    for d in (src, html): shutil.rmtree(d, ignore_errors=True)
    src.mkdir(parents=True)
    for f in (root/'tools'/'site').iterdir(): shutil.copy(f, src)
    for p in notebooks():
        path = src/p.relative_to(root/'nbs')
        path.parent.mkdir(exist_ok=True)
        nbformat.write(page(p), path)
    res = subprocess.run([sys.executable, '-m', 'sphinx', '-q', '-b', 'html', '-d', out/'doctrees', src,
        html], capture_output=True, text=True)
    if res.returncode: sys.exit(res.stdout + res.stderr)
    return res.stderr.strip()

if __name__ == '__main__':
    out = Path(sys.argv[1] if len(sys.argv) > 1 else root/'_site').resolve()
    print('making the pages', flush=True)
    if warnings := build(out): print(warnings, file=sys.stderr)
    print(f'open {out/"html"/"index.html"}')
