"""What `help` shows: for every public function and class its parameters, what it returns, and an example that
runs; and for the package a map"""
import doctest, importlib, inspect, json, pydoc, re, sys
from pathlib import Path
import pytest
import cnn_notes
from cnn_notes._help import examples

root = Path(__file__).resolve().parent.parent
modules = sorted(p.stem for p in (root/'cnn_notes').glob('*.py') if not p.stem.startswith('_'))

def public(module):
    "The functions and classes that a module defines and lists"
    m = importlib.import_module(f'cnn_notes.{module}')
    found = [(k, getattr(m, k)) for k in getattr(m, '__all__', [])]
    return {k: o for k,o in found if (inspect.isfunction(inspect.unwrap(o)) or inspect.isclass(o)) and o.__module__ == m.__name__}

def parameters(o):
    f = o.__init__ if inspect.isclass(o) else o
    if not inspect.isfunction(f): return [] # it has no `__init__` of its own
    return [k for k in inspect.signature(f).parameters if k not in ('self', 'cls')]

@pytest.mark.parametrize('module', modules)
def test_help_says_what_a_caller_wants_to_know(module):
    missing = []
    for name,o in public(module).items():
        doc = inspect.getdoc(o) or ''
        if not doc.split('\n')[0].strip(): missing.append(f'{name}: what it does')
        if f'{module}.{name}' not in examples(): missing.append(f'{name}: an example in assets/examples.txt')
        elif '\nExample\n' not in doc: missing.append(f'{name}: its example is not shown')
        own = inspect.isfunction(o) or '__init__' in vars(o)
        missing += [f'{name}: {k}' for k in parameters(o) if own and f'\n    {k}: ' not in doc.replace('*', '')
            and f'    {k}\n' not in doc]
        gives = not inspect.isclass(o) and inspect.signature(o).return_annotation not in (None, inspect.Signature.empty)
        if gives and '\nReturns\n' not in doc: missing.append(f'{name}: what it returns')
        if not inspect.isclass(o): assert 'Rule(' not in str(inspect.signature(o)), name
        assert pydoc.render_doc(o)
    assert not missing, missing

def test_every_example_is_of_something():
    known = {f'{m}.{k}' for m in modules for k in public(m)}
    assert set(examples()) == known

@pytest.mark.full
@pytest.mark.parametrize('module', modules)
def test_examples_run_alone(module, tmp_path, monkeypatch):
    import matplotlib.pyplot as plt
    monkeypatch.setenv('CNN_NOTES_HOME', str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for key,text in examples().items():
        if key.split('.')[0] != module: continue
        test = doctest.DocTestParser().get_doctest(text, {'__name__': '__main__'}, key, 'examples.txt', 0)
        said = []
        res = doctest.DocTestRunner().run(test, out=said.append)
        plt.close('all')
        assert test.examples and not res.failed, ''.join(said)

def test_help_of_five():
    from cnn_notes.kernels import correlate
    from cnn_notes.matmul import conv_matrix
    from cnn_notes.models import Flatten1x1, conv
    from cnn_notes.tracing import trace
    doc = inspect.getdoc(correlate)
    assert '    img: a floating-point tensor with axes (h, w); one image' in doc # shape, and what it is
    assert '(default 1)' in doc and 'pixels from one window to the next' in doc # unit
    assert 'Returns\n    Tensor: ((h + 2*padding - kh)//stride + 1' in doc
    assert 'ValueError: kernel is {kh} x {kw} but padded img is {h} x {w}; give padding' in doc
    assert '>>> from cnn_notes.kernels import correlate' in doc
    assert 'in GB (1e9 bytes)' in inspect.getdoc(conv_matrix)
    assert 'Parameters\n    max_size: ' in inspect.getdoc(Flatten1x1)
    assert '    model: ' in inspect.getdoc(trace) and 'Example' in inspect.getdoc(conv)

def test_signatures_are_short_and_annotations_whole():
    from cnn_notes.checks import PositivePair
    from cnn_notes.kernels import correlate
    assert "(img: Float[Tensor, 'h w'], kernel: Float[Tensor, 'kh kw'], stride: PositivePair = 1" in str(
        inspect.signature(correlate))
    assert correlate.__annotations__['stride'] == PositivePair

def test_the_package_has_a_map():
    doc = cnn_notes.__doc__
    for m in modules:
        if m not in ('explore', 'quiz'): assert re.search(rf'\n    {m}\b', doc), m # the first is an old name
    assert all(len(l) <= 100 for l in doc.split('\n'))

def test_without_its_source_a_function_keeps_its_docstring(monkeypatch):
    import cnn_notes._help as h
    def nothing(o): raise OSError('could not get source code')
    checks = importlib.import_module('cnn_notes.checks')
    before = {name: getattr(checks, name).__doc__ for name in public('checks')}
    monkeypatch.setattr(h.inspect, 'getsource', nothing)
    h.explain('cnn_notes.checks')
    assert {name: getattr(checks, name).__doc__ for name in before} == before

def test_what_was_read_of_a_source_is_kept_until_one_changes(tmp_path, monkeypatch):
    "Beside Python's bytecode; a file that another source has written, or that is damaged, counts for nothing"
    import cnn_notes.kernels, cnn_notes._help as h
    name,read = 'cnn_notes.kernels',h._notes
    monkeypatch.setitem(sys.modules, name, cnn_notes.kernels)
    monkeypatch.setattr(cnn_notes, 'kernels', cnn_notes.kernels)
    monkeypatch.setattr(sys, 'pycache_prefix', str(tmp_path))
    monkeypatch.setattr(sys, 'dont_write_bytecode', False)
    reads = []
    monkeypatch.setattr(h, '_notes', lambda module: reads.append(module) or read(module))
    def said():
        sys.modules.pop(name)
        correlate = importlib.import_module(name).correlate
        return correlate.__doc__,str(inspect.signature(correlate))
    first = said()
    [kept] = tmp_path.rglob('kernels*.help')
    assert said() == first and reads == [name]
    stamp,notes = json.loads(kept.read_text())
    notes['correlate'][0] = 'as it was'
    for text in (json.dumps([stamp + 1, notes]), 'damaged', '3'):
        kept.write_text(text)
        assert said() == first
    assert reads == [name]*4
    kept.write_text(json.dumps([stamp, notes]))
    assert said() == ('as it was', first[1])

def test_a_folder_that_cannot_be_written_is_no_error(tmp_path, monkeypatch):
    import cnn_notes._help as h
    monkeypatch.setattr(sys, 'dont_write_bytecode', False)
    (tmp_path/'file').write_text('')
    h._keep(tmp_path/'file'/'kernels.help', {})
    assert h._kept(tmp_path/'file'/'kernels.help') is None

def test_what_a_signature_shows_can_be_evaluated():
    "Hints that stand in quotation marks, because matplotlib is imported at its first use, are names of it"
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from cnn_notes.show import animate, outline, show_image
    from cnn_notes.views import View
    def hints(f): return inspect.signature(inspect.unwrap(f), eval_str=True)
    assert hints(show_image).return_annotation is Axes and hints(show_image).parameters['ax'].annotation == Axes|None
    assert hints(animate).parameters['fig'].annotation is Figure
    assert hints(View.static).return_annotation == Figure|None and hints(outline).return_annotation
    assert '    ax: plt.Axes|None; where to draw' in inspect.getdoc(show_image)
