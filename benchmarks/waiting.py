"""How long does a reader wait: for the first picture of each page, for an import, for the questionnaire's
checks, for Run All of the course?

    python benchmarks/waiting.py [--turns 3] [--pages 01 05]

First picture: from the start of a Jupyter kernel to the end of the first cell that shows a picture or a view
(which cell that is, the page's saved outputs say), over the start of a kernel and `import torch` in the
same turn. A page may take 5 s on two idle cores; where kernel and torch take 2 s, that is 2.5. The ratio is
of processor seconds, of the kernel and all it starts, which the machine's other work changes little; the
table has the seconds by the clock, too.

Import: in a fresh process, `import torch`, then a module; the ratio is both over the first, so the two sides
of a turn are of the same process. Only modules that leave fastai out have a target, and the ratio that is
printed is that of the slowest of them; the table has all.

Checks and Run All: over the seconds that they may take, 60 and 900. The first is measured in processor
seconds; those of Run All are the saved ones (tools/run_all.json), which `make outputs` measures.

What else a reader may wait for has benchmarks of its own: `activation_stats.py`, `looking.py`, `views.py`.
"""
import json, os, re, subprocess, sys, time
from pathlib import Path
from statistics import median
import nbformat
from jupyter_client.manager import start_new_kernel
from _table import parser, progress, ratio, report

root = Path(__file__).resolve().parent.parent
os.environ.pop('PYTHONDONTWRITEBYTECODE', None) # a reader's Python keeps its bytecode
limit = dict(picture=2.5, module=1.05, checks=60, course=900)

# ---- the first picture

def shows(output):
    "Is an output a picture or a view?"
    data = output.get('data', {})
    drawn = re.search('<(svg|script|img|iframe|canvas)|class="cnn-view', data.get('text/html', ''))
    return bool(drawn) or any(k.startswith('image/') for k in data)

def cells_until_picture(path):
    "The code cells of a page, up to the first one that shows a picture or a view"
    res = []
    for cell in nbformat.read(path, 4).cells:
        if cell.cell_type != 'code': continue
        res.append(cell.source)
        if any(map(shows, cell.outputs)): return res
    return []

def run(cells):
    "Start a kernel and run some cells: seconds by the clock, and of the processor"
    start = time.perf_counter()
    manager,client = start_new_kernel(kernel_name='python3', cwd=str(root/'nbs'),
        stderr=subprocess.DEVNULL)
    try:
        for cell in cells:
            reply = client.execute_interactive(cell, timeout=300, store_history=False,
                output_hook=lambda message: None)['content']
            if reply['status'] != 'ok': sys.exit(f"{cell}\n{reply['ename']}: {reply['evalue']}")
        clock = time.perf_counter() - start
        reply = client.execute_interactive('', timeout=60,
            user_expressions={'spent': 'sum(__import__("os").times()[:4])'})['content']
        return clock,float(reply['user_expressions']['spent']['data']['text/plain'])
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)

def first_pictures(args):
    "Ratios, and lines of the table"
    paths = [p for p in sorted((root/'nbs').glob('[0-9]*.ipynb'))
        if not args.pages or p.stem[:2] in args.pages]
    pages = {'kernel, torch': ['import torch']} | {p.stem: cells for p in paths
        if (cells := cells_until_picture(p))}
    found: dict = {name: [] for name in pages}
    for i in range(args.turns):
        for name,cells in pages.items():
            progress(f'first picture: {name}, turn {i+1}')
            found[name].append(run(cells))
    base = found['kernel, torch']
    ratios = [ratio(f'{name}: to the first picture / kernel and torch',
        [a[1]/b[1] for a,b in zip(runs, base)], most=limit['picture'])
        for name,runs in found.items() if runs is not base]
    table = [f"{'from kernel start':<34}{'seconds':>9}{'processor':>11}{'cells':>7}"]
    table += [f'{name:<34}{median(o[0] for o in runs):>9.1f}{median(o[1] for o in runs):>11.1f}'
        f'{len(pages[name]):>7}' for name,runs in found.items()]
    return ratios,table

# ---- imports

timed = '''
import json, sys, time
start = time.process_time(); import torch
middle = time.process_time(); import cnn_notes.{name}
print(json.dumps([middle - start, time.process_time() - middle, 'fastai' in sys.modules]))
'''
def imported(name):
    out = subprocess.run([sys.executable, '-W', 'ignore', '-c', timed.format(name=name)], check=True,
        capture_output=True, text=True).stdout
    return json.loads(out)

def imports(args):
    names = [p.stem for p in sorted((root/'cnn_notes').glob('[a-z]*.py'))]
    if args.quick: names = ['kernels', 'geometry']
    found: dict = {n: [] for n in names}
    for n in names if not args.quick else (): imported(n) # its files are read once before the clock runs
    for i in range(args.turns):
        for n in names:
            progress(f'import cnn_notes.{n}, turn {i+1}')
            found[n].append(imported(n))
    def times(n): return [(a+b)/a for a,b,_ in found[n]]
    light = [n for n in names if not found[n][0][2]]
    slowest = max(light, key=lambda n: median(times(n)))
    ratios = [ratio('torch, then the slowest module / torch', times(slowest), most=limit['module'])]
    table = ['', f"{'import, after torch':<34}{'ms':>9}{'ratio':>11}"]
    table += [f"{n + ('' if n in light else ' (fastai)'):<34}{median(o[1] for o in found[n])*1e3:>9.0f}"
        f'{median(times(n)):>11.3f}' for n in sorted(names, key=lambda n: -median(times(n)))]
    return ratios,table

# ---- checks, and the whole course

checking = '''
import json, time
from cnn_notes.questionnaire import check_all
res = check_all({numbers}, show=lambda o: None)
print(json.dumps([time.process_time(), bool(res), res.headline]))
'''
def checks(args):
    progress('the questionnaire, turn 1')
    code = checking.format(numbers=[5, 6] if args.quick else None)
    out = subprocess.run([sys.executable, '-W', 'ignore', '-c', code], check=True, capture_output=True,
        text=True).stdout.splitlines()[-1]
    spent,holds,headline = json.loads(out)
    if not holds: sys.exit(f'the questionnaire: {headline}')
    return ([ratio("the questionnaire's checks / 60 s", [spent/limit['checks']], most=1)],
        ['', f'the questionnaire: {headline}, {spent:.1f} s of the processor, imports included'])

def course():
    "Of the numbered pages, as `make outputs` saved them"
    seconds = json.loads((root/'tools'/'run_all.json').read_text())
    pages = {k: v for k,v in seconds.items() if k[:2].isdigit()}
    total = sum(pages.values())
    top = ', '.join(f'{k} {v}' for k,v in sorted(pages.items(), key=lambda o: -o[1])[:4])
    return ([ratio('Run All of all pages / 15 min', [total/limit['course']], most=1)],
        [f'Run All, as saved: {len(pages)} pages, {total} s; the longest: {top}'])

if __name__ == '__main__':
    ap = parser(__doc__)
    ap.add_argument('--turns', type=int, default=3)
    ap.add_argument('--pages', nargs='*', help='numbers of pages, such as 01; none: all')
    args = ap.parse_args()
    if args.quick: args.turns,args.pages = 1,['01']
    parts = [first_pictures(args), imports(args), checks(args), course()]
    progress()
    report(args, f'Waiting, {args.turns} turns', [r for a,_ in parts for r in a],
        [line for _,b in parts for line in b])
