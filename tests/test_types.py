"What a type checker sees of the package"
import ast, importlib, inspect, os, subprocess, sys, textwrap
from pathlib import Path
import pytest
from cnn_notes import geometry

root = Path(__file__).resolve().parent.parent
modules = sorted(p.stem for p in (root/'cnn_notes').glob('*.py') if not p.stem.startswith('_'))

def own(module):
    m = importlib.import_module(f'cnn_notes.{module}')
    return [o for o in (getattr(m, n) for n in m.__all__) if getattr(o, '__module__', None) == m.__name__]

def signatures(o):
    "Functions a caller calls: the function itself, or a class's `__init__` and public methods"
    if inspect.isfunction(o): return [(o.__name__, o, True)]
    if not inspect.isclass(o): return []
    members = [(f'{o.__name__}.{k}', f) for k,f in vars(o).items() if inspect.isfunction(f) and f.__module__
        == o.__module__ and (not k.startswith('_') or k == '__init__')]
    return [(name, f, not name.endswith('__init__')) for name,f in members]

@pytest.mark.parametrize('module', modules)
def test_public_functions_say_what_they_take_and_give(module):
    missing = []
    for o in own(module):
        if inspect.isfunction(o):
            for name,f,gives in signatures(o):
                sig = inspect.signature(f)
                missing += [f'{name}({p.name})' for p in sig.parameters.values() if p.annotation is p.empty
                    and p.name != 'self' and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
                if gives and sig.return_annotation is sig.empty: missing.append(f'{name} -> ?')
    assert not missing, missing

use = '''
from cnn_notes.counting import count
from cnn_notes.geometry import Window
from cnn_notes.kernels import correlate
from cnn_notes.models import conv, simple_cnn
reveal_type(Window(3, 2))
reveal_type(count(simple_cnn(), (1, 28, 28)))
reveal_type(Window(3).span)
reveal_type(Window(3).out_size(28))
conv('1', 8)
simple_cnn(width=(8, 16))
conv(1, 8, ks=5).forward
'''

@pytest.mark.full
def test_a_type_checker_reads_the_installed_package(tmp_path):
    (tmp_path/'use.py').write_text(use)
    (tmp_path/'mypy.ini').write_text("""[mypy]
follow_imports = silent
[mypy-torch.*,fastai.*,fastcore.*,matplotlib.*,numba.*,numpy.*,pandas.*,PIL.*]
follow_imports = skip
ignore_missing_imports = True
""")
    res = subprocess.run([sys.executable, '-m', 'mypy', '--cache-dir', str(tmp_path/'cache'), 'use.py'],
        cwd=tmp_path, capture_output=True, text=True, env={**os.environ, 'MYPYPATH': str(root)})
    out = res.stdout
    assert ('Revealed type is "cnn_notes.geometry.Window"' in out
        and 'Revealed type is "cnn_notes.counting.Counts"' in out), out + res.stderr
    assert out.count('Revealed type is "int | tuple[Any, ...]"') == 1 and out.count(
        'Revealed type is "tuple[Any, ...]"') == 1, out
    assert ('Argument 1 to "conv" has incompatible type "str"' in out
        and 'Unexpected keyword argument "width"' in out), out
    assert out.count(': error:') == 2, out

@pytest.mark.parametrize('cls', [geometry.Window])
def test_what_is_promised_to_type_checkers_is_there(cls):
    """The signatures of the hidden base class are those of the methods that notebooks add one at a time, and
    none is missing"""
    promise = ast.parse(textwrap.dedent(inspect.getsource(cls.__base__))).body[0]
    promised = {f.name: f for f in ast.walk(promise) if isinstance(f, ast.FunctionDef)}
    own = {k: v.fget if isinstance(v, property) else v for k,v in vars(cls).items() if not k.startswith('_')}
    added = {k: f for k,f in own.items() if inspect.isfunction(f)
        and inspect.getsource(f).startswith('@patch')}
    assert promised.keys() == added.keys()
    for k,f in added.items():
        sig = inspect.signature(f)
        want = [(p.name, p.default) for p in sig.parameters.values()]
        args = promised[k].args
        got = [a.arg for a in (*args.args, *filter(None, [args.vararg, args.kwarg]))]
        assert got == [n for n,_ in want], k
        assert isinstance(vars(cls)[k], property) == bool(promised[k].decorator_list), k
