"""The benchmarks: each runs at its smallest sizes and shows both sides; `make bench` writes one whole page,
or none"""
import json, os, re, subprocess, sys
from html.parser import HTMLParser
from pathlib import Path
import pytest

root = Path(__file__).resolve().parent.parent
names = sorted(p.stem for p in (root/'benchmarks').glob('[a-z]*.py'))
env = {**os.environ, 'PYTHONPATH': str(root), 'OMP_NUM_THREADS': '1'}

def sh(*cmd, ok=True):
    res = subprocess.run([str(o) for o in cmd], cwd=root, env=env, capture_output=True, text=True)
    assert (res.returncode == 0) == ok, f'{cmd}\n{res.stdout[-2000:]}\n{res.stderr[-3000:]}'
    return res

# ---- each of them

sides = dict(activation_stats=['fastai', 'ours', 'none'], data_feeding=['Learner, PNG files',
    'Learner, mnist_dls', 'plain loop, tensors'], import_time=['import torch', 'import cnn_notes.kernels',
    'from fastai.vision.all', 'from cnn_notes.data'],
             growth=['count ms', 'receptive_field ms', 'torchinfo ms', 'multiplied', 'activations'],
             load_mnist=['torchvision ', 'ours, raw ', 'ours '], looking=['count ', 'receptive_field ',
             'torchinfo.summary '], soak=['resident MiB', 'record MiB'],
             waiting=['kernel, torch', '01_kernels', 'import, after torch', 'the questionnaire', 'Run All'],
             views=['view', 'figure', 'explore_conv, 12 x 12, made', 'explore_network, 28 x 28, made'])

def test_all_are_known(): assert names == sorted(sides)

@pytest.mark.nightly
@pytest.mark.parametrize('name', names)
def test_runs_and_shows_both_sides(name, tmp_path):
    found = tmp_path/'found.json'
    more = ['--folder', tmp_path/'png', '--bs', '64', '--workers', '0'] if name == 'data_feeding' else [
        '--folder', tmp_path/'curve'] if name == 'soak' else []
    res = sh(sys.executable, root/'benchmarks'/f'{name}.py', '--quick', '--json', found, *more)
    groups = json.loads(found.read_text())
    ratios,table = re.fullmatch(r'(?s)\n(.+?\n)\n(.+\n)\n', res.stdout).groups()
    assert 'ratio' in ratios.splitlines()[1], 'ratios come first'
    for r in groups[0]['ratios']:
        assert r['low'] <= r['median'] <= r['high'] and r['turns'] >= 1 and '/' in r['what'] and r[
            'what'] in ratios
        assert r['holds'] == (None if r['most'] is None and r['least'] is None
            else (r['most'] is None or r['median'] <= r['most'])
            and (r['least'] is None or r['median'] >= r['least']))
    for o in sides[name]: assert o in table, (o, table)
    # its targets are of batches of 512
    assert any(r['holds'] is not None for r in groups[0]['ratios']) or name == 'data_feeding'
    assert 'turn 1' in res.stderr or 'step ' in res.stderr, 'it says how far it is'

def test_every_benchmark_is_in_the_readme():
    text = (root/'benchmarks'/'README.md').read_text()
    for n in names: assert f'python benchmarks/{n}.py' in text

# ---- the page

good = '''
import sys; sys.path.insert(0, {benchmarks!r})
from _table import parser, ratio, report
args = parser('').parse_args()
ratios = [ratio('{name}: ours / theirs', {values}, {target}), ratio('free', [2, 3, 4])]
report(args, 'Quick <b>' if args.quick else 'Full', ratios, ['ours 1 s', 'theirs 2 s & more'])
'''
def folder(path, **files):
    path.mkdir()
    for name,text in files.items(): (path/f'{name}.py').write_text(text)
    return path
def fake(name, values='[.4, .5, .6]', target='most=.6'):
    return good.format(benchmarks=str(root/'benchmarks'), name=name, values=values, target=target)
def bench(out, folder, *args, ok=True):
    return sh(sys.executable, root/'tools'/'bench.py', '--out', out, '--folder', folder, *args, ok=ok)

class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags,self.text = [],''
        self.feed(text)
    def handle_starttag(self, tag, attrs): self.tags.append((tag, dict(attrs)))
    def handle_data(self, data): self.text += data

@pytest.mark.full
def test_page(tmp_path):
    f = folder(tmp_path/'b', one=fake('one'), two=fake('two', '[5, 7, 6]', 'least=6.5'),
        _not='raise SystemExit(1)')
    res = bench(tmp_path/'out', f, '--quick')
    assert sorted(p.name for p in (tmp_path/'out').iterdir()) == ['index.html', 'report.md', 'report.png']
    md,html = ((tmp_path/'out'/n).read_text() for n in ('report.md', 'index.html'))
    page = Page(html)
    assert (tmp_path/'out'/'report.png').read_bytes().startswith(b'\x89PNG')
    for text in (md, page.text):
        assert ('1 of 2 targets hold' in text and 'quick run' in text and 'one: ours / theirs' in text
            and 'at most 0.60' in text and 'at least 6.50' in text and 'NO' in text and '0.40 to 0.60' in text
            and 'theirs 2 s & more' in text)
        for o in ('cores', 'threads', 'Python', 'torch', 'fastai'): assert o in text
        assert text.index('ours / theirs') < text.index('cores') < text.index('ours 1 s'), 'ratios first'
        assert str(root) not in text
    assert [t for t,_ in page.tags].count('b') == 0 and 'Quick <b>' in page.text
    assert all(a['src'].startswith('data:') for t,a in page.tags if t == 'img') and not any(t in ('script',
        'link') for t,_ in page.tags)
    assert '[2 of 2]' in res.stderr and 'index.html' in res.stdout

@pytest.mark.full
def test_a_failing_benchmark_fails_and_leaves_no_half_page(tmp_path):
    f = folder(tmp_path/'b', one=fake('one'), two="import sys; sys.exit('no luck')")
    res = bench(tmp_path/'out', f, ok=False)
    assert 'two.py failed (status 1); no page was written' in res.stderr and 'no luck' in res.stderr
    assert not (tmp_path/'out').exists()
    bench(tmp_path/'out', f, 'one')
    before = {p.name: p.read_bytes() for p in (tmp_path/'out').iterdir()}
    bench(tmp_path/'out', f, ok=False)
    assert {p.name: p.read_bytes()
        for p in (tmp_path/'out').iterdir()} == before, 'the page of the run that went well stays whole'
    (f/'two.py').write_text('pass')
    assert 'it wrote no ratios' in bench(tmp_path/'out', f, ok=False).stderr
    assert "no benchmark is named nine; there are one, two" in bench(tmp_path/'out', f, 'nine',
        ok=False).stderr

@pytest.mark.full
def test_each_run_adds_to_the_history(tmp_path):
    out,f = tmp_path/'out',folder(tmp_path/'b', one=fake('one', '[.4, .5, .6]'))
    bench(out, f)
    (out/'history.jsonl').write_text('no line\n' + (out/'history.jsonl').read_text())
    (f/'one.py').write_text(fake('one', '[.7, .8, .9]'))
    bench(out, f)
    found = [json.loads(o) for o in (out/'history.jsonl').read_text().splitlines()]
    assert [(o['what'], o['median'], o['holds']) for o in found] == [('one: ours / theirs', .5, True),
        ('free', 3, None), ('one: ours / theirs', .8, False), ('free', 3, None)], 'a broken line goes'
    assert all(o['benchmark'] == 'one' and o['time'] and o['cores'] and 'busy' in o for o in found)
    before = (out/'history.jsonl').read_bytes()
    bench(out, f, '--quick')
    assert (out/'history.jsonl').read_bytes() == before, 'a quick run measures nothing'
    page = (out/'index.html').read_text()
    assert page.count('<svg') == 2 and page.count('<circle') == 4
    assert page.count('stroke-dasharray') == 1, 'a target where there is one'
    assert re.search(r'one: ours / theirs .*0\.50\*?, 0\.80\*? \|', (out/'report.md').read_text())

def test_make_bench_calls_it():
    out = sh('make', '-n', 'bench', 'VENV=/nowhere', 'BENCH=--quick looking').stdout
    assert 'python tools/bench.py --quick looking' in out
    assert '_bench/' in (root/'.gitignore').read_text().split() # the page is not committed
