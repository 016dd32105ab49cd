"Hands settings.ini to setuptools; pyproject.toml names what comes from here."
from configparser import ConfigParser
from pathlib import Path
from setuptools import find_packages, setup

here = Path(__file__).parent
cfg = ConfigParser(delimiters=['='])
cfg.read(here/'settings.ini', encoding='utf-8')
cfg = cfg['DEFAULT']

def lines(key): return [o.strip() for o in cfg[key].splitlines() if o.strip()]

setup(
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
