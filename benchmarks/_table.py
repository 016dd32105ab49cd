"""What the benchmarks share: options, ratios with what should hold of them, and what `make bench` collects
from each"""
import argparse, json, sys
from pathlib import Path
from statistics import median

def parser(doc):
    "A parser that takes `--quick` and `--json`"
    p = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--quick', action='store_true',
        help='the smallest sizes: to see that it runs, not to measure')
    p.add_argument('--json', type=Path, help='write the ratios to this file, too')
    return p

def ratio(
    what, # the two sides: 'ours / theirs'
    values, # one for each turn
    most=None, # what should hold: the median is at most this
    least=None, # or at least this
):
    m = median(values)
    holds = None if most is None and least is None else (most is None or m <= most) and (least is None
        or m >= least)
    return dict(what=what, median=m, low=min(values), high=max(values), turns=len(values), most=most,
        least=least, holds=holds)

def number(v): return f'{v:.2f}' if v >= .095 else f'{v:.2g}'
def target(r):
    return 'at most ' + number(r['most']) if r['most'] is not None else 'at least ' + number(r['least']) if r[
        'least'] is not None else ''
def verdict(r): return {True: 'yes', False: 'NO', None: ''}[r['holds']]

def report(args, title, ratios, table):
    "Print the ratios first, then `table`; hand the ratios on"
    width = max(len(r['what']) for r in ratios) + 2
    print(f"\n{title}\n{'ratio (median of the turns)':<{width}}{'median':>8}{'smallest':>10}{'largest':>9}  "
        f"{'should be':<15}holds")
    for r in ratios:
        print(f"{r['what']:<{width}}{number(r['median']):>8}{number(r['low']):>10}{number(r['high']):>9}  "
            f"{target(r):<15}{verdict(r)}")
    print('\n' + '\n'.join(l.rstrip() for l in table) + '\n', flush=True)
    if args.json:
        found = json.loads(args.json.read_text()) if args.json.exists() else []
        args.json.write_text(json.dumps([*found, dict(title=title, ratios=ratios)]))

def progress(text=''):
    "One line on the terminal that the next one replaces; a line each where it is no terminal"
    if sys.stderr.isatty():
        print('\r' + text.ljust(78) + ('' if text else '\r'), end='', file=sys.stderr, flush=True)
    elif text: print(text, file=sys.stderr, flush=True)
