"""count and receptive_field beside torchinfo.summary, on ResNet-50 at 224 x 224: seconds and memory, in one run.

    python benchmarks/looking.py [--repeats 5]

Each is run in processes of its own, alternating. Seconds are the median of the repeats, without imports; memory is what the
peak resident size grew by during the call.
"""
import argparse, json, resource, statistics, subprocess, sys, time

calls = {
    'count': ('from cnn_notes.counting import count', 'count(model, (3, 224, 224))'),
    'receptive_field': ('from cnn_notes.receptive import receptive_field', 'receptive_field(model, (3, 224, 224))'),
    'torchinfo.summary': ('import torchinfo', 'torchinfo.summary(model, input_size=(1, 3, 224, 224), verbose=0)'),
}

def once(name):
    "Time and peak memory of one call, in this process"
    import torch, torchvision
    imports,call = calls[name]
    scope = dict(model=torchvision.models.resnet50(weights=None).eval())
    exec(imports, scope) # from the table above, not from a reader
    before,start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,time.perf_counter()
    exec(call, scope)
    return time.perf_counter()-start,(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss-before)/1024

if __name__ == '__main__':
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('--repeats', type=int, default=5)
    ap.add_argument('--once', choices=calls, help=argparse.SUPPRESS)
    args = ap.parse_args()
    if args.once: print(json.dumps(once(args.once))); sys.exit()
    runs = {n: [] for n in calls}
    for i in range(args.repeats):
        for n in calls:
            print(f'\r{n}, {i+1} of {args.repeats}'.ljust(40), end='', file=sys.stderr, flush=True)
            out = subprocess.run([sys.executable, '-W', 'ignore', __file__, '--once', n], capture_output=True, text=True, check=True).stdout
            runs[n].append(json.loads(out))
    print('\r'.ljust(41) + '\r', end='', file=sys.stderr)
    med = {n: [statistics.median(o[k] for o in r) for k in (0, 1)] for n,r in runs.items()}
    ref = med['torchinfo.summary']
    print(f"{'ResNet-50, 3 x 224 x 224':<26}{'ratio':>8}{'seconds':>10}{'MB more':>10}")
    for n,(s,mb) in med.items(): print(f'{n:<26}{s/ref[0]:>8.2f}{s:>10.3f}{mb:>10.0f}')
