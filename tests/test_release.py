"""The check before a release: it finds a version that is stated in two ways, a tag in the wrong place, a
file left out"""
import subprocess, sys
from pathlib import Path
import pytest

root = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(root/'tools'))
import release

@pytest.fixture
def repo(tmp_path):
    "A repository that is ready for the release of 1.2.3"
    files = {'cnn_notes/__init__.py': '__version__ = "1.2.3"\n', 'CHANGELOG.md': '# Changes\n\n## 1.2.3 '
        '(2026-01-31)\n',
             'CITATION.cff': 'cff-version: 1.2.0\nversion: 1.2.3\n', 'README.md': '# A\n'}
    for name,text in files.items():
        (tmp_path/name).parent.mkdir(exist_ok=True)
        (tmp_path/name).write_text(text)
    commit(tmp_path)
    return tmp_path

def git(repo, *args):
    who = ['-c', 'user.name=a', '-c', 'user.email=a@example.org', '-c', 'core.hooksPath=/dev/null']
    subprocess.run(['git', *who, *args], cwd=repo, check=True, capture_output=True)
def commit(repo):
    git(repo, 'init')
    git(repo, 'add', '-A')
    git(repo, 'commit', '-m', 'x')

def test_a_release_that_is_ready(repo):
    assert not list(release.disagreements(repo))
    git(repo, 'tag', 'v1.2.3')
    assert not list(release.disagreements(repo))

@pytest.mark.parametrize('name, old, new, said', [
    ('CITATION.cff', 'version: 1.2.3', 'version: 1.2.2', 'CITATION.cff says 1.2.2'),
    ('CHANGELOG.md', '## 1.2.3 (2026-01-31)', '## Unreleased', 'CHANGELOG.md says Unreleased'),
    ('CHANGELOG.md', '(2026-01-31)', '', 'no heading'),
    ('cnn_notes/__init__.py', '1.2.3', '1.3.0', 'the package is version 1.3.0')])
def test_a_fact_stated_in_two_ways(name, old, new, said, repo):
    (repo/name).write_text((repo/name).read_text().replace(old, new))
    commit(repo)
    assert said in '\n'.join(release.disagreements(repo))

def test_a_tag_in_the_wrong_place(repo):
    git(repo, 'tag', 'v1.2.3')
    (repo/'a').write_text('later')
    commit(repo)
    assert 'v1.2.3 is on another commit' in '\n'.join(release.disagreements(repo))
    git(repo, 'tag', 'v9')
    assert 'carries the tag v9' in '\n'.join(release.disagreements(repo))

def test_work_that_is_not_committed(repo):
    (repo/'README.md').write_text('# B\n')
    assert list(release.disagreements(repo)) == ['1 files are not committed']

def test_a_readme_that_leads_nowhere(repo):
    problems = list(release.readme(repo))
    assert len(problems) == 3 # no table, no code, no picture
    (repo/'README.md').write_text('# A\n\n|a|\n|-|\n|b|\n\n    code\n\n![p](p.png) [x](https://example.org) '
        '[y](CHANGELOG.md#a)\n')
    assert list(release.readme(repo)) == ['README.md leads to p.png, which is not there']

def test_the_readme_of_this_repository(): assert not list(release.readme())

def test_versions_agree_here():
    "Between releases too, but for the change log, which may begin with what is not released yet"
    said = release.facts()
    assert said['CITATION.cff'] == said['cnn_notes/__init__.py'] and said['CHANGELOG.md'] in (
        said['CITATION.cff'], 'Unreleased')

def test_the_address_that_readers_install_from(repo):
    (repo/'pyproject.toml').write_text('[project.urls]\n# Repository = "https://github.com/OWNER/NAME"\n')
    assert 'names no repository' in next(release.address(repo))
    (repo/'pyproject.toml').write_text('[project.urls]\nRepository = "https://github.com/ada/course"\n')
    (repo/'README.md').write_text('pip install git+https://github.com/ada/course@v1.2.2')
    (said,) = release.address(repo)
    assert 'installs version 1.2.2' in said
    (repo/'README.md').write_text('pip install git+https://github.com/ada/course@v1.2.3')
    assert not list(release.address(repo))
