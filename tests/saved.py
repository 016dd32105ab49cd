"""Are the outputs that a notebook saved still what its cells give? Their words, their numbers and their
pictures."""
import ast, re
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
import pictures
from test_hygiene import root, tool, where

number = re.compile(r'(?<![\w.])[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?')
clock = re.compile(r'perf_counter|seconds|_ratio|ratios|best_of|\btimes?\b|elapsed')
declared = 'another processor trains another network' # a comment in a cell
trains = {'fit', 'fit_one_cycle', 'fine_tune', 'lr_find', 'backward'} # methods, of a Learner and of a loss

def called(node):
    return {f.id if isinstance(f, ast.Name) else f.attr for o in ast.walk(node) if isinstance(o, ast.Call)
        for f in [o.func] if isinstance(f, (ast.Name, ast.Attribute))}
def methods(node): return {o.attr for o in ast.walk(node) if isinstance(o, ast.Attribute)}

def source(text):
    return '\n'.join('pass' if l.lstrip().startswith(('%', '!')) else l for l in text.splitlines())

def training(cells, calls=frozenset()):
    "Names of the functions that train, or call one of `calls`, themselves or through one another"
    bodies = {o.name: o for c in cells for o in ast.walk(ast.parse(source(c))) if isinstance(o,
        ast.FunctionDef)}
    found,more = set(),{n for n,o in bodies.items() if methods(o) & trains or called(o) & calls}
    while more - found:
        found |= more
        more = {n for n,o in bodies.items() if called(o) & found}
    return found

def said(c):
    "What a cell shows as text, printed or shown"
    res = [(o.get('name'), ''.join(o.text if o.output_type == 'stream' else o.get('data',
        {}).get('text/plain', '')))
           for o in c.outputs if not tool.left_by_a_bar(o)]
    parts = []
    for name,group in groupby(res, key=lambda o: o[0]): # what was printed comes in one piece or in several
        texts = [t for _,t in group]
        parts += [''.join(texts)] if name else texts
    return [re.sub(r'0x[0-9a-f]+', '0x', t) for t in parts]

def value(text): return float(text.replace(',', '').rstrip('.'))
def worded(texts): return [re.sub(r' +', ' ', number.sub('#', t)) for t in texts]

def stale_text(a, b, loose=False):
    """Does the cell `b`, run now, say something else than `a`, saved?

    Words and shapes must be the same. So must numbers, to a twentieth. `loose`: the cell depends on a training
    run or on a clock, so that another processor gives other numbers, and only the words are compared."""
    old,new = said(a),said(b)
    # a comparison with a package that the wheel does not bring
    if any('not installed here' in o for o in new): return False
    if worded(old) != worded(new): return True
    if loose or clock.search(a.source) or declared in a.source: return False
    pairs = [(value(x), value(y)) for x,y in zip(number.findall(' '.join(old)),
        number.findall(' '.join(new)))]
    return any(abs(x - y) > .05*max(abs(x), abs(y)) + .05 for x,y in pairs)

# ---- which pictures depend on a training run or on a clock

clocks = {'perf_counter', 'process_time', 'monotonic', 'timeit', 'best_of', 'profile'}
# functions of the package
packaged = training([p.read_text(encoding='utf-8') for p in sorted((root/'cnn_notes').glob('[a-z]*.py'))])

def stored(node):
    "Names that get a value, or an item of theirs does, or that a value is appended to"
    items = [o.value if isinstance(o, ast.Subscript) else o for o in ast.walk(node) if isinstance(getattr(o, 'ctx', None), ast.Store)]
    calls = [o.func for o in ast.walk(node) if isinstance(o, ast.Call) and isinstance(o.func, ast.Attribute)]
    return {o.id for o in [*items, *(f.value for f in calls if f.attr == 'append')] if isinstance(o, ast.Name)}
def loaded(node):
    return {o.id for o in ast.walk(node) if isinstance(o, ast.Name) and isinstance(o.ctx, ast.Load)}
defs = ast.FunctionDef, ast.ClassDef

def makes_a_model(node):
    "Does the statement call something with a capital letter, or with a model's name?"
    return any(o[:1].isupper() or re.search(r'net|model|cnn|learn|opt', o) for o in called(node))

def handed(names, models): return (names & models.keys()).union(*(models[o] for o in names & models.keys()))

def unsure(sources):
    """For each cell of a notebook: does what it shows depend on a training run or on a clock, directly or
    through a name?"""
    names,tainted,models,res = training(sources, clocks) | packaged | clocks,set(),{},[]
    for text in sources:
        found = declared in text or '.show_batch(' in text # a batch is shuffled
        for s in ast.parse(source(text)).body:
            if isinstance(s, defs): # running it is another matter, unless it uses what was trained before
                if loaded(s) & tainted: tainted.add(s.name)
                continue
            runs = bool(called(s) & names or methods(s) & trains)
            # a learner, and the model it was handed
            if makes_a_model(s): models |= {o: handed(loaded(s), models) for o in stored(s)}
            if runs or loaded(s) & tainted:
                found = True
                # training changes the model that it is handed
                tainted |= stored(s) | (handed(loaded(s), models) if runs else set())
            elif isinstance(s, ast.Assign): tainted -= stored(s)
        res.append(found)
    return res

def images(c):
    return [pictures.decode(o.data['image/png']) for o in c.outputs if 'image/png' in o.get('data', {})]

def stale_pictures(a, b, loose, path):
    """What differs between the pictures of the cell `a`, saved, and `b`, run now; both are written side by
    side to `path`, numbered"""
    old,new = images(a),images(b)
    if len(old) != len(new): yield f'{len(old)} pictures, now {len(new)}'
    for i,(x,y) in enumerate(zip(old, new)):
        if why := pictures.unlike(x, y, loose):
            both = pictures.side_by_side(x, y, path.with_name(f'{path.name}_{i}.png'))
            yield f'{why}; side by side: {both}'

# another matplotlib than the one that drew the saved pictures puts letters a few pixels elsewhere
pinned = re.search(r'^matplotlib==([^\s;]+)', (root/'constraints.txt').read_text(encoding='utf-8'), re.M)[1]
drawn_by_another = version('matplotlib') != pinned

def differences(saved, fresh, folder=Path('_bench/stale'), stem='notebook'):
    "Where the saved outputs of a notebook are not what a run gives now"
    cells = [(a, b) for a,b in zip(saved.cells, fresh.cells) if a.cell_type == 'code']
    for (a,b),loose in zip(cells, unsure([a.source for a,_ in cells])):
        at = f'{stem}, {where(fresh, b)}'
        if stale_text(a, b, loose): yield f'{at}\n  saved {said(a)}\n  now   {said(b)}'
        for why in stale_pictures(a, b, loose or drawn_by_another, folder/f'{stem}_{fresh.cells.index(b)}'):
            yield f'{at}\n  {why}'
