"""MNIST into memory: `load_mnist` beside torchvision's `MNIST`, on the same digits.

    python benchmarks/load_mnist.py [--repeats 9]

torchvision  `MNIST(root, train=True)` and `MNIST(root, train=False)`, from the four raw files (which this
writes, decompressed, into a temporary folder)
ours, raw    `load_mnist(root)`, from the same files
ours         `load_mnist()`, from the package: 11 MB of gzip, unpacked and compared with the digest they were
published with
images       the training images as PIL images, one by one, as a `DataLoader` takes them from torchvision's
`MNIST`: what comes after its loading (`load_mnist` has no such step)

Each in a fresh process (imports are not counted): the first call, and the fastest of six more, as 50 MB of
new memory cost now little, now more than the reading; the sides take turns. That all sides give the same
digits is checked.
"""
import gzip, json, subprocess, sys, tempfile
from importlib.resources import files
from pathlib import Path
from statistics import median
from _table import parser, progress, ratio, report

child = '''
import hashlib, json, sys, time
side,root,n = sys.argv[1:]
import torch
def digest(ts):
    pixels = b''.join(t.contiguous().numpy().astype('u1').tobytes() for t in ts)
    return hashlib.sha256(pixels).hexdigest()
if side in ('torchvision', 'images'):
    from torchvision.datasets import MNIST
    def load():
        a,b = MNIST(root, train=True),MNIST(root, train=False)
        return a.data,a.targets,b.data,b.targets
else:
    from cnn_notes.data import load_mnist
    def load(): return load_mnist(root if side == 'ours, raw' else None)
if side == 'images':
    ds = MNIST(root, train=True)
    def load():
        for i in range(min(int(n), len(ds))): ds[i]
seconds = []
for _ in range(2 if side == 'images' else 7):
    start = time.perf_counter(); res = load(); seconds.append(time.perf_counter()-start)
print(json.dumps([seconds[0], min(seconds[1:]), res and digest(res)]))
'''
sides = ['torchvision', 'ours, raw', 'ours', 'images']

def write_raw(root):
    "The four files of the package, decompressed, where torchvision looks for them"
    raw = root/'MNIST'/'raw'
    raw.mkdir(parents=True)
    for p in Path(str(files('cnn_notes')/'mnist')).glob('*.gz'):
        (raw/p.stem).write_bytes(gzip.decompress(p.read_bytes()))
    return sum(p.stat().st_size for p in raw.iterdir())

if __name__ == '__main__':
    ap = parser(__doc__)
    ap.add_argument('--repeats', type=int, default=9)
    args = ap.parse_args()
    turns = []
    with tempfile.TemporaryDirectory() as d:
        size = write_raw(Path(d))
        for i in range(1 if args.quick else args.repeats):
            turn = {}
            for k in sides[i%4:] + sides[:i%4]:
                progress(f'{k}, turn {i+1}')
                turn[k] = json.loads(subprocess.run([sys.executable, '-W', 'ignore', '-c', child, k, d,
                    '600' if args.quick else '60000'], capture_output=True, text=True, check=True).stdout)
            turns.append(turn)
    progress()
    if len({t[k][2] for t in turns for k in sides[:3]}) != 1:
        sys.exit('load_mnist: the sides do not give the same digits')
    def over(a, b, c): return [t[a][c]/t[b][c] for t in turns]
    ratios = [ratio('ours, raw / torchvision, first call', over('ours, raw', 'torchvision', 0), most=1.1),
        ratio('ours, raw / torchvision, again', over('ours, raw', 'torchvision', 1), most=1.1),
              ratio('ours / torchvision, first call', over('ours', 'torchvision', 0)),
              ratio('ours / (torchvision + images), first',
              [t['ours'][0]/(t['torchvision'][0] + t['images'][0]) for t in turns], most=1)]
    table = [f"{'':<14}{'first':>9}{'again':>9}   seconds"] + [f'{k:<14}'
        + ''.join(f'{median(t[k][c] for t in turns):>9.3f}' for c in (0, 1)) for k in sides]
    table.append(f'the same 70,000 digits from all; {size/1e6:.0f} MB of raw files')
    report(args, f'Loading MNIST, {len(turns)} turns in fresh processes', ratios, table)
