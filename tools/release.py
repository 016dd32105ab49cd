"""Is this commit a release? Says what disagrees, and exits 1 if anything does; RELEASE.md has the steps.

    python tools/release.py             version, change log, citation and tag; the distributions; the README
    python tools/release.py --facts     only the first: nothing is built
"""
import argparse, re, subprocess, sys, tarfile, tempfile, zipfile
from pathlib import Path

root = Path(__file__).resolve().parent.parent

def text(name, folder=root): return (folder/name).read_text(encoding='utf-8')
def git(*args, folder=root):
    return subprocess.run(['git', *args], cwd=folder, capture_output=True, text=True).stdout.split()

def facts(folder=root):
    "Where the version is stated, and what is stated there"
    def first(pattern, name):
        return m[1] if (m := re.search(pattern, text(name, folder), re.M)) else 'nothing'
    return {'cnn_notes/__init__.py': first(r'^__version__ = "(.+)"', 'cnn_notes/__init__.py'),
            'CHANGELOG.md': first(r'^## (\S+)', 'CHANGELOG.md'), 'CITATION.cff': first(r'^version: (\S+)',
            'CITATION.cff')}

def disagreements(folder=root):
    "Version, change log, citation, tag and work tree"
    said = facts(folder)
    version = said['cnn_notes/__init__.py']
    for name,v in said.items():
        if v != version: yield f'{name} says {v}, and the package is version {version}'
    if not re.search(rf'^## {re.escape(version)} \(\d{{4}}-\d\d-\d\d\)$', text('CHANGELOG.md', folder), re.M):
        yield f'CHANGELOG.md has no heading `## {version} (YYYY-MM-DD)`'
    if here := [t for t in git('tag', '--points-at', 'HEAD', folder=folder) if t.startswith('v')
        and t != f'v{version}']:
        yield f'the commit carries the tag {here[0]}, and the package is version {version}'
    elsewhere = git('rev-list', '-n1', f'v{version}', '--', folder=folder) if f'v{version}' in git('tag',
        folder=folder) else []
    if elsewhere and elsewhere != git('rev-parse', 'HEAD', folder=folder):
        yield f'the tag v{version} is on another commit; raise the version'
    if changed := git('status', '--porcelain', folder=folder):
        yield f'{len(changed)//2} files are not committed'

def address(folder=root):
    "Readers install from the repository, at this version's tag: pages, badges and README have to say so"
    if not re.search(r'^Repository = "', text('pyproject.toml', folder), re.M):
        yield 'pyproject.toml names no repository; run `python tools/notebooks.py repository OWNER/NAME`'
    version = facts(folder)['cnn_notes/__init__.py']
    for o in sorted({m[1] for m in re.finditer(r'@v([\w.]+)', text('README.md', folder))} - {version}):
        yield f'README.md installs version {o}, and the package is version {version}; run `make readme`'

def distributions(folder=root):
    "Build both, and compare the wheel with the repository"
    with tempfile.TemporaryDirectory() as d:
        build = [sys.executable, '-m', 'build', '--no-isolation', '--outdir', d, str(folder)]
        res = subprocess.run(build, capture_output=True, text=True)
        if res.returncode: yield f'the build failed\n{res.stdout[-1000:]}{res.stderr[-2000:]}'; return
        (wheel,),(sdist,) = Path(d).glob('*.whl'),Path(d).glob('*.tar.gz')
        with zipfile.ZipFile(wheel) as z: names = {o for o in z.namelist() if '.dist-info/' not in o}
        want = set(git('ls-files', 'cnn_notes', folder=folder))
        for o in sorted(want - names): yield f'{o} is not in the wheel'
        for o in sorted(names - want): yield f'{o} is in the wheel, and git does not know it'
        with tarfile.open(sdist) as t: inside = {o.name.split('/', 1)[-1] for o in t}
        for o in ('settings.ini', 'setup.py', 'pyproject.toml', 'LICENSE'):
            if o not in inside: yield f'{o} is not in the sdist'
        print(f'{wheel.name}: {len(names)} files, {wheel.stat().st_size/1e6:.1f} MB')

def readme(folder=root):
    "It renders, and what it shows and links to is there"
    from markdown_it import MarkdownIt
    html = MarkdownIt('commonmark').enable('table').render(text('README.md', folder))
    for tag in ('<h1>', '<table>', '<pre>', '<img '):
        if tag not in html: yield f'README.md renders without any {tag}'
    for target in re.findall(r'(?:href|src)="([^"#]+)', html):
        if not re.match(r'\w+:', target) and not (folder/target).exists():
            yield f'README.md leads to {target}, which is not there'

if __name__ == '__main__':
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('--facts', action='store_true')
    checks = [disagreements] if ap.parse_args().facts else [disagreements, address, distributions, readme]
    problems = [p for check in checks for p in check()]
    print('\n'.join(problems) or f"ready: tag this commit v{facts()['cnn_notes/__init__.py']}")
    sys.exit(bool(problems))
