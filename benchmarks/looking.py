"""count and receptive_field beside torchinfo.summary, on ResNet-50 at 224 x 224: seconds and memory, in one
run.

    python benchmarks/looking.py [--repeats 5]

Each is run in processes of its own, alternating. Seconds are the median of the repeats, without imports;
memory is what the
peak resident size grew by during the call.
"""
import json, resource, statistics, subprocess, sys, time
from _table import parser, progress, ratio, report

calls = {
    'count': ('from cnn_notes.counting import count', 'count(model, (3, 224, 224))'),
    'receptive_field': ('from cnn_notes.receptive import receptive_field',
    'receptive_field(model, (3, 224, 224))'),
    'torchinfo.summary': ('import torchinfo', 'torchinfo.summary(model, input_size=(1, 3, 224, 224), '
    'verbose=0)'),
}

def once(name):
    "Time and peak memory of one call, in this process"
    import torchvision
    imports,call = calls[name]
    scope = dict(model=torchvision.models.resnet50(weights=None).eval())
    exec(imports, scope) # from the table above, not from a reader
    before,start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,time.perf_counter()
    exec(call, scope)
    return time.perf_counter()-start,(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss-before)/1024

if __name__ == '__main__':
    ap = parser(__doc__)
    ap.add_argument('--repeats', type=int, default=5)
    ap.add_argument('--once', choices=calls, help='one call in this process')
    args = ap.parse_args()
    if args.once: print(json.dumps(once(args.once))); sys.exit()
    runs = {n: [] for n in calls}
    for i in range(1 if args.quick else args.repeats):
        for n in calls:
            progress(f'{n}, turn {i+1}')
            out = subprocess.run([sys.executable, '-W', 'ignore', __file__, '--once', n], capture_output=True,
                text=True, check=True).stdout
            runs[n].append(json.loads(out))
    progress()
    med = {n: [statistics.median(o[k] for o in r) for k in (0, 1)] for n,r in runs.items()}
    theirs = runs['torchinfo.summary']
    ratios = [ratio(f'{n} / torchinfo.summary, {what}', [a[k]/b[k] for a,b in zip(runs[n], theirs)], most=1)
        for n in list(calls)[:2] for k,what in enumerate(('seconds', 'memory'))]
    table = [f"{'':<20}{'seconds':>10}{'MB more':>10}"] + [f'{n:<20}{s:>10.3f}{mb:>10.0f}' for n,
        (s,mb) in med.items()]
    report(args, f'Looking at ResNet-50, 3 x 224 x 224, {len(theirs)} turns in fresh processes', ratios,
        table)
