"""What does it cost to show a view of `cnn_notes.explore`, and to answer a reader who points at it? Beside
matplotlib's picture of the same.

    python benchmarks/views.py [--repeats 9]

view    the interactive page: Python makes it once (`View.page`), a browser draws it, and from then on every
answer is computed in the browser
figure  matplotlib's picture of one state of it (`View.static`, the one that stands behind each view), written
as PNG: what a widget that asks
        the kernel for a new picture would make again at every change

In a headless Chromium: milliseconds from the start of loading the page to the frame after it was drawn; and,
for each thing that a reader can do,
milliseconds of work in the page until its layout is settled again (script, style and layout, without waiting
for the screen's next frame).
The sides take turns; a ratio is the median of the ratios within one turn. Without a Chromium only Python's
side is measured.
"""
import io, sys, time
from pathlib import Path
from statistics import median
import torch
from _table import parser, progress, ratio, report
from cnn_notes.explore import explore_conv
from cnn_notes.models import simple_cnn
from cnn_notes.receptive import explore_network

sys.path.insert(0, str(Path(__file__).resolve().parent.parent/'tests'))

def views():
    "name: a function that makes the view"
    torch.manual_seed(0)
    small,large = torch.rand(12, 12),torch.rand(32, 32)
    digit,photo,net = torch.rand(1, 28, 28),torch.rand(1, 64, 64),simple_cnn().eval()
    return {'explore_conv, 12 x 12': lambda: explore_conv(small),
        'explore_conv, 32 x 32': lambda: explore_conv(large, torch.ones(7, 7)/49, padding=3),
        'explore_network, 28 x 28': lambda: explore_network(net, digit),
        'explore_network, 64 x 64': lambda: explore_network(net[:4], photo)}

# what a reader does, by the view's name: the milliseconds of each
timed = '''
const took = f => {
  const s = performance.now();
  f(); document.documentElement.getBoundingClientRect();
  return performance.now() - s;
};
const all = css => [...document.querySelectorAll(css)];
const some = (a, n) => a.filter((_, k) => k % Math.max(1, Math.floor(a.length / n)) === 0);
const point = e => e.dispatchEvent(new PointerEvent('pointermove', { bubbles: true, pointerType: 'mouse' }));
const choose = (e, v) => { e.value = v; e.dispatchEvent(new Event('change', { bubbles: true })); };
'''
acts = {
    'conv': {'point at an output': "return some(all('.out .cell'), 40).map(e => took(() => point(e)))",
             'another kernel': "const e = document.querySelector('#kernel'); return [1, 2, 3, 4, 0].map(v => "
             "took(() => choose(e, v)))",
             'another stride': "const e = document.querySelector('#step-stride'); return [2, 3, 1].map(v => "
             "took(() => choose(e, v)))"},
    'network': {'point at an activation': "return some(all('[role=gridcell]'), 60).map(e => took(() => "
    "point(e)))"}}
watch = ("addEventListener('load', () => requestAnimationFrame(() => setTimeout(() => { window.drawnAfter = "
    "performance.now(); })));")

def seconds(f):
    start = time.perf_counter()
    res = f()
    return time.perf_counter()-start,res

def figure(view):
    f = io.BytesIO()
    view.static().savefig(f, format='png', dpi=80)
    return f.getvalue()

def in_browser(browser, view):
    "{what: milliseconds}"
    browser.open(view.page(), height=1000)
    res = {'drawn': browser.wait(lambda: browser.js('return window.drawnAfter'))}
    return res | {k: median(browser.js(timed + script)) for k,script in acts[view.name].items()}

if __name__ == '__main__':
    ap = parser(__doc__)
    ap.add_argument('--repeats', type=int, default=9)
    args = ap.parse_args()
    from browser import start
    browser,why = start()
    made,turns = views(),[]
    if args.quick: made = {k: v for k,v in made.items() if '64' not in k and '32' not in k}
    try:
        if browser: browser.cdp('Page.addScriptToEvaluateOnNewDocument', source=watch)
        for make in [] if args.quick else made.values(): # matplotlib finds its fonts, Chromium its cache
            figure(make())
            if browser: in_browser(browser, make())
        for i in range(1 if args.quick else args.repeats):
            turn = {}
            for name,make in made.items():
                progress(f'{name}, turn {i+1}')
                built,v = seconds(make)
                page,text = seconds(v.page)
                fig,png = seconds(lambda v=v: figure(v))
                turn[name] = dict(make=1000*(built + page), figure=1000*fig, page_bytes=len(text),
                    png_bytes=len(png), browser=in_browser(browser, v) if browser else {})
            turns.append(turn)
    finally:
        if browser: browser.quit()
    progress()
    ratios,table = [],[f"{'':<40}{'view':>10}{'figure':>10}"]
    for name in made:
        ts = [t[name] for t in turns]
        def line(what, view, figure='', unit=' ms', name=name):
            table.append(f'{name + ", " + what:<52}'[:52] + f'{view:>10}{figure:>10}{unit}')
        ratios.append(ratio(f'{name}: made, view / figure', [t['make']/t['figure'] for t in ts], most=1))
        line('made in Python', f"{median(t['make'] for t in ts):.1f}",
            f"{median(t['figure'] for t in ts):.1f}")
        line('size', f"{ts[0]['page_bytes']/1000:.0f}", f"{ts[0]['png_bytes']/1000:.0f}", ' kB')
        for k in ts[0]['browser']:
            took = [t['browser'][k] for t in ts]
            line('from load to drawn' if k == 'drawn' else k, f'{median(took):.1f}')
            if k != 'drawn':
                ratios.append(ratio(f'{name}: {k} / figure again', [b/t['figure'] for b,t in zip(took, ts)],
                    most=.5))
    table[0] = f"{'':<52}{'view':>10}{'figure':>10}"
    if browser is None: table.append(f'not measured: what the browser does ({why})')
    report(args, f'Interactive views, {len(turns)} turns', ratios, table)
