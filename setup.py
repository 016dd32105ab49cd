"Hands settings.ini to setuptools; pyproject.toml names what comes from here."
import re
from configparser import ConfigParser
from pathlib import Path
from setuptools import find_packages, setup

here = Path(__file__).parent
cfg = ConfigParser(delimiters=['='])
cfg.read(here/'settings.ini', encoding='utf-8')
cfg = cfg['DEFAULT']

def lines(key): return [o.strip() for o in cfg[key].splitlines() if o.strip()]

def page():
    "README.md for an index of packages: links and pictures with full addresses, or without any"
    text = (here/'README.md').read_text(encoding='utf-8')
    project = (here/'pyproject.toml').read_text(encoding='utf-8')
    package = (here/'cnn_notes'/'__init__.py').read_text(encoding='utf-8')
    version = re.search(r'^__version__ = "(.+)"', package, re.M)[1]
    found = re.search(r'^Repository = "https://github\.com/(.+)"', project, re.M)
    pattern = r'(!?)\[([^\]]*)\]\((?!\w+:|#)([^)]+)\)'
    if not found: return re.sub(pattern, lambda m: '' if m[1] else m[2], text)
    raw = f'https://raw.githubusercontent.com/{found[1]}/v{version}'
    blob = f'https://github.com/{found[1]}/blob/v{version}'
    return re.sub(pattern, lambda m: f'{m[1]}[{m[2]}]({raw if m[1] else blob}/{m[3]})', text)

setup(
    long_description = page(),
    long_description_content_type = 'text/markdown',
    description      = cfg['description'],
    author           = cfg['author'],
    license          = cfg['license'],
    keywords         = [o.strip() for o in cfg['keywords'].split(',')],
    python_requires  = f">={cfg['min_python']}",
    install_requires = lines('requirements'),
    extras_require   = {'dev': lines('dev_requirements')},
    packages         = find_packages(include=['cnn_notes', 'cnn_notes.*']),
    package_data     = {'cnn_notes': ['py.typed',
    *(f'{o}/*' for o in ('mnist', 'assets', 'measurements', 'questions'))]},
    zip_safe         = False,
)
