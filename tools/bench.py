"""Run the benchmarks and write one page of what they found: _bench/index.html, with the same as text
(report.md) and as a picture (report.png).

    python tools/bench.py                        all of them (about an hour on two quiet cores)
    python tools/bench.py looking views          some of them
    python tools/bench.py --quick                the smallest sizes: to see that they run, not to measure
    python tools/bench.py --out FOLDER           the page goes there

A benchmark that fails ends the run: nothing is written then, and a page of an earlier run stays as it is.

Each run that measures adds a line for each ratio to history.jsonl in the same folder, and the page draws
what earlier runs found beside the target. Git does not keep the history: a ratio is compared with those of
the same machine, and a file that changes with every run would stand in the way of every merge.
"""
import argparse, base64, html, io, json, math, os, platform, subprocess, sys, tempfile, time
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

root = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(root/'benchmarks'))
from _table import number, target, verdict

def cores(): return len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1
def is_busy(load): return load > cores()/2 # others were at work when the run began

def machine(load):
    "What the seconds belong to: pairs of a name and a text"
    import torch
    return [('cores', f'{cores()} ({platform.machine()}, {platform.system()})'),
        ('threads', f"{torch.get_num_threads()} of PyTorch (OMP_NUM_THREADS "
        f"{os.environ.get('OMP_NUM_THREADS', 'not set')})"),
            ('Python', platform.python_version()),
            *((n, version(n)) for n in ('torch', 'torchvision', 'fastai', 'matplotlib', 'torchinfo')),
            ('load', f'{load:.1f} processes wanted to run before the start'
            + (': others were at work, and all results are marked so' if is_busy(load) else ''))]

def run(path, quick):
    "(what it printed, the ratios it found); what it says on the way goes to the terminal"
    with tempfile.TemporaryDirectory() as d:
        found = Path(d)/'ratios.json'
        res = subprocess.run([sys.executable, str(path), '--json', str(found),
            *(['--quick'] if quick else [])], stdout=subprocess.PIPE, text=True)
        print(res.stdout, end='', flush=True)
        if res.returncode or not found.exists():
            why = f'status {res.returncode}' if res.returncode else 'it wrote no ratios'
            sys.exit(f'{path.name} failed ({why}); no page was written')
        return res.stdout.strip('\n'),json.loads(found.read_text())

# ---- what earlier runs found

def commit():
    try:
        return subprocess.run(['git', 'rev-parse', '--short', 'HEAD'], cwd=root, capture_output=True,
            text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError): return ''

def earlier(path):
    "The lines of a history; a line that cannot be read is left out"
    def read(line):
        try: return json.loads(line)
        except ValueError: return None
    found = map(read, path.read_text().splitlines() if path.exists() else [])
    return [o for o in found if isinstance(o, dict) and {'benchmark', 'what', 'median', 'busy'} <= {*o}]

def lines(sections, load):
    "What a run adds to the history: a line for each ratio"
    import torch
    about = dict(time=datetime.now(timezone.utc).isoformat(timespec='seconds'), commit=commit(),
        cores=cores(), threads=torch.get_num_threads(), load=round(load, 1), busy=is_busy(load))
    return [dict(benchmark=name, **r, **about) for name,_,groups in sections for g in groups
        for r in g['ratios']]

def past(history, name, r):
    "What was found for one ratio, in the order of the runs"
    return [o for o in history if o['benchmark'] == name and o['what'] == r['what']]

def medians(found):
    "The last five, one after the other; with a star: others were at work"
    return ', '.join(number(o['median']) + '*'*o['busy'] for o in found[-5:])

def curve(found, r, width=120, height=26):
    "A small drawing, as SVG: the medians of all runs, hollow where others were at work, and the target"
    bound = r['most'] if r['most'] is not None else r['least']
    values = [max(o['median'], 1e-3) for o in found]
    ends = [math.log(max(v, 1e-3)) for v in values + ([] if bound is None else [bound])]
    low,high = min(ends) - .1,max(ends) + .1
    def y(v): return round(height - 4 - (math.log(max(v, 1e-3)) - low)/(high - low)*(height - 8), 1)
    xs = [round(6 + i*(width - 12)/max(len(values) - 1, 1), 1) for i in range(len(values))]
    aim = '' if bound is None else (f'<line x1="0" x2="{width}" y1="{y(bound)}" y2="{y(bound)}" '
        'stroke="#E07B00" stroke-dasharray="4 3"/>')
    path = ' '.join(f'{x},{y(v)}' for x,v in zip(xs, values))
    dots = ''.join(f'<circle cx="{x}" cy="{y(v)}" r="2.5" stroke="#2B2F36" fill="'
        f'{"#fff" if o["busy"] else "#2B2F36"}"/>' for x,v,o in zip(xs, values, found))
    said = html.escape(f"medians of {len(values)} runs, the last: {medians(found)}")
    return (f'<svg width="{width}" height="{height}" role="img" aria-label="{said}">{aim}'
        f'<polyline points="{path}" fill="none" stroke="#9AA0A8"/>{dots}</svg>')

def span(r): return f"{number(r['low'])} to {number(r['high'])}"

def text(facts, sections, quick, history):
    "The page as Markdown"
    held = [r['holds'] for _,_,groups in sections for g in groups for r in g['ratios']
        if r['holds'] is not None]
    res = ['# Benchmarks', '', f'{sum(held)} of {len(held)} targets hold.'
        + (' A quick run: it shows that the benchmarks run, and measures nothing.' if quick else ''), '',
           '| ratio | median | range | should be | holds | runs (*: others were at work) |',
           '| --- | ---: | ---: | --- | --- | --- |']
    for name,_,groups in sections:
        for g in groups:
            res.append(f"| **{g['title']}** | | | | | |")
            res += [f"| {r['what']} | {number(r['median'])} | {span(r)} | {target(r)} | {verdict(r)} | "
                f"{medians(past(history, name, r))} |" for r in g['ratios']]
    res += ['', '![All ratios against what they should be](report.png)', '', '## The machine', '',
        *(f'- {k}: {v}' for k,v in facts), '', '## What each of them printed']
    for name,printed,_ in sections:
        res += ['', f'### `python benchmarks/{name}.py`', '', '```', printed, '```']
    return '\n'.join(res) + '\n'

def picture(sections):
    "All ratios, with their range, and what they should be"
    from matplotlib.figure import Figure
    from cnn_notes.show import palette
    rs = [r for _,_,groups in sections for g in groups for r in g['ratios']]
    fig = Figure(figsize=(9, .27*len(rs) + 1.4), layout='constrained')
    ax = fig.subplots()
    low = min(min(r['low'], r['most'] or 1) for r in rs)
    for i,r in enumerate(rs):
        color = palette['ink' if r['holds'] is None else 'output' if r['holds'] else 'accent']
        ax.plot([max(r['low'], low/2, 1e-3), max(r['high'], 1e-3)], [i, i], '-', color=color, lw=1.5)
        ax.plot(max(r['median'], 1e-3), i, {True: 'o', False: 'X', None: 'D'}[r['holds']], color=color, ms=6)
        if (t := r['most'] if r['most'] is not None else r['least']) is not None:
            ax.plot(t, i, '<' if r['most'] is not None else '>', color=palette['kernel'], ms=7, mfc='none')
    ax.axvline(1, color=palette['ink'], lw=.8, ls=':')
    ax.set(xscale='log', yticks=range(len(rs)), xlabel='ratio of the two sides (dotted: equal)',
        ylim=(len(rs)-.4, -.6))
    ax.set_yticklabels([r['what'] for r in rs], fontsize=8)
    fig.suptitle('Ratios, with their range: a dot holds, a cross does not, a diamond has no target; arrows '
        'stand at the targets', fontsize=10, x=.01, ha='left')
    f = io.BytesIO()
    fig.savefig(f, format='png', dpi=110)
    return f.getvalue()

style = '''
body { font: 16px/1.5 system-ui, sans-serif; color: #2B2F36;
       max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; font-size: .9rem }
td, th { padding: .2rem .7rem; border-bottom: 1px solid #E4E6EA; text-align: left }
td.n { text-align: right; font-variant-numeric: tabular-nums }
th.g { padding-top: 1rem }
.NO { color: #C2185B; font-weight: 700 }
.yes { color: #12857A }
img { max-width: 100% }
pre { background: #F5F6F8; padding: .8rem; overflow-x: auto; font-size: .8rem }
'''

def page(facts, sections, png, md, history):
    "The page as HTML, closed in itself"
    def e(o): return html.escape(str(o))
    rows = ''
    for name,_,groups in sections:
        for g in groups:
            rows += f'<tr><th class="g" colspan="6">{e(g["title"])}</th></tr>'
            rows += ''.join(f'<tr><td>{e(r["what"])}</td><td class="n">{number(r["median"])}</td><td '
                f'class="n">{span(r)}</td><td>{target(r)}</td><td class="{verdict(r)}">{verdict(r)}</td>'
                f'<td>{curve(found, r) if (found := past(history, name, r)) else ""}</td></tr>'
                for r in g['ratios'])
    printed = ''.join(f'<h3><code>python benchmarks/{e(n)}.py</code></h3><pre>{e(p)}</pre>' for n,p,
        _ in sections)
    return ('<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
        'content="width=device-width, initial-scale=1"><title>Benchmarks of '
        f'cnn_notes</title><style>{style}</style></head><body>'
        f'<h1>Benchmarks</h1><p>{e(md.splitlines()[2])}</p><table><tr><th>ratio</th><th>median</th>'
        f'<th>range</th><th>should be</th><th>holds</th><th>runs (hollow: others were at work; dashed: the '
        f'target)</th></tr>{rows}</table>'
            '<p><img alt="All ratios with their range, against what they should be" '
            f'src="data:image/png;base64,{base64.b64encode(png).decode()}"></p>'
            f'<h2>The machine</h2><ul>{"".join(f"<li>{e(k)}: {e(v)}</li>" for k,v in facts)}</ul><h2>What '
            f'each of them printed</h2>{printed}</body></html>\n')

def write(out, files):
    "All of them, or none: they are written beside `out` first"
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out) as d:
        for name,content in files.items():
            (Path(d)/name).write_bytes(content if isinstance(content, bytes) else content.encode())
        for name in files: os.replace(Path(d)/name, out/name)

if __name__ == '__main__':
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('names', nargs='*', help='benchmarks to run; none: all')
    ap.add_argument('--quick', action='store_true')
    ap.add_argument('--out', type=Path, default=root/'_bench')
    ap.add_argument('--folder', type=Path, default=root/'benchmarks', help='where the benchmarks are')
    args = ap.parse_args()
    paths = {p.stem: p for p in sorted(args.folder.glob('[a-z]*.py'))}
    if unknown := set(args.names) - set(paths):
        sys.exit(f"no benchmark is named {', '.join(sorted(unknown))}; there are {', '.join(paths)}")
    names = args.names or list(paths)
    load,sections = os.getloadavg()[0],[]
    for i,name in enumerate(names):
        print(f'[{i+1} of {len(names)}] benchmarks/{name}.py', file=sys.stderr, flush=True)
        start = time.perf_counter()
        sections.append((name, *run(paths[name], args.quick)))
        print(f'    {time.perf_counter()-start:.0f} s', file=sys.stderr, flush=True)
    facts = machine(load)
    history = earlier(args.out/'history.jsonl')
    if not args.quick: history += lines(sections, load) # a quick run measures nothing
    md,png = text(facts, sections, args.quick, history),picture(sections)
    files = {'index.html': page(facts, sections, png, md, history), 'report.md': md, 'report.png': png}
    if not args.quick: files['history.jsonl'] = ''.join(json.dumps(o) + '\n' for o in history)
    write(args.out, files)
    print(f"{md.splitlines()[2]} The page: {args.out/'index.html'}")
