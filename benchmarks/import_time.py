"""What does an import cost? The package's modules beside what they stand on, each in a fresh process.

    python benchmarks/import_time.py [--repeats 15]

torch      import torch
kernels    import cnn_notes.kernels, which stands on torch alone
fastai     from fastai.vision.all import *
data       from cnn_notes.data import *, which stands on torch; fastai comes with the first loader
both       the first lines of a notebook: data, then fastai's

The five take turns, in processes of their own: seconds from before
the import to after it, without the start of Python, by the clock and of the processor. A ratio is the median
of the ratios within one turn. Last, from `-X importtime`: what `kernels` and `data` bring that the other side
does not, and what it costs by itself.
"""
import json, os, re, subprocess, sys
from statistics import median
from _table import parser, progress, ratio, report

sides = dict(torch='import torch', kernels='import cnn_notes.kernels',
    fastai='from fastai.vision.all import *', data='from cnn_notes.data import *',
             both='from cnn_notes.data import *\nfrom fastai.vision.all import *')
pairs = [('kernels', 'torch', 1.05), ('data', 'torch', 1.05), ('both', 'fastai', 1.1)]

os.environ.pop('PYTHONDONTWRITEBYTECODE', None) # a reader's Python keeps its bytecode

def python(*args):
    return subprocess.run([sys.executable, '-W', 'ignore', *args], capture_output=True, text=True, check=True)
def once(statement):
    "Seconds of an import, by the clock and of the processor"
    return json.loads(python('-c', 'import time\ns = '
        f'time.perf_counter(),time.process_time()\n{statement}\nprint([time.perf_counter()-s[0], '
        'time.process_time()-s[1]])').stdout)

def costs(statement):
    "Milliseconds that each module takes by itself"
    found = re.findall(r'import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)', python('-X', 'importtime', '-c',
        statement).stderr)
    return {name: int(us)/1000 for us,name in found}

if __name__ == '__main__':
    ap = parser(__doc__)
    ap.add_argument('--repeats', type=int, default=15)
    args = ap.parse_args()
    if args.quick: del sides['both'], pairs[2:]
    else:
        for s in sides.values(): once(s) # the files are read once before the clock runs
    turns,n = [],len(sides)
    for i in range(1 if args.quick else args.repeats):
        turn = {}
        for k in list(sides)[i%n:] + list(sides)[:i%n]: # each side is first, second ... once in five turns
            progress(f'{k}, turn {i+1}')
            turn[k] = once(sides[k])
        turns.append(turn)
    progress()
    ratios = [ratio(f'{a} / {b}, {clock}', [t[a][c]/t[b][c] for t in turns], most=most) for a,b,
        most in pairs for c,clock in enumerate(('clock', 'processor'))]
    table = [f"{'':<10}{'seconds':>9}{'processor':>11}"]
    table += [f'{k:<10}{median(t[k][0] for t in turns):>9.2f}{median(t[k][1] for t in turns):>11.2f}   '
        f'{s.replace(chr(10), "; ")}' for k,s in sides.items()]
    for a,b,_ in [] if args.quick else pairs[:2]:
        mine,theirs = costs(sides[a]),costs(sides[b])
        more = {k: ms for k,ms in mine.items() if k not in theirs}
        top = ', '.join(f'{k} {ms:.1f}' for k,ms in sorted(more.items(), key=lambda o: -o[1])[:6])
        table.append(f'{a} imports {len(more)} modules that {b} does not, {sum(more.values()):.1f} ms in '
            f'all: {top}')
    report(args, f'Import, {len(turns)} turns in fresh processes', ratios, table)
