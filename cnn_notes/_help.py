"""What `help(f)` and Shift-Tab show of the package's functions and classes.

A function says beside each parameter what it is (`x:Float[Tensor, 'n c h w'], # a batch`), and a comment
says what it returns. Python forgets comments, so that `explain`, which the last line of each module calls,
writes them into the docstring, with the errors that the function raises and an example from
`assets/examples.txt`. To read the sources takes longer than all the rest of an import, so what was read is
kept beside Python's bytecode, and is good for as long as no source has changed.
"""
import ast, contextlib, inspect, io, json, os, re, sys, tokenize, zlib
from functools import cache
from importlib.util import cache_from_source
from pathlib import Path
from types import FunctionType

_here = Path(__file__).parent

@cache
def examples():
    "The examples in `assets/examples.txt`, by module and name"
    from importlib.resources import files # late, because it is seldom needed
    text = (files('cnn_notes')/'assets'/'examples.txt').read_text(encoding='utf-8')
    parts = re.split(r'^## (\S+)\n', text, flags=re.M)[1:]
    def whole(key, text):
        module,name = key.split('.')
        return f'>>> from cnn_notes.{module} import {name}\n{text.strip()}'
    return {k: whole(k, v) for k,v in zip(parts[::2], parts[1::2])}

def _comments(lines, node):
    "The comment of each line of a function's head, or of a class's fields and the heads of its methods"
    if isinstance(node, ast.ClassDef):
        entries = [o for o in node.body if isinstance(o, (ast.FunctionDef, ast.AnnAssign))]
        return {line: said for o in entries for line,said in _comments(lines, o).items()}
    end = node.end_lineno if isinstance(node, ast.AnnAssign) else node.body[0].end_lineno
    text = '\n'.join(lines[node.lineno-1:end]) + '\n'
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    found = {}
    with contextlib.suppress(tokenize.TokenError): # cut inside a statement, behind the head
        for token in tokens:
            if token.type != tokenize.COMMENT: continue
            found[node.lineno - 1 + token.start[0]] = token.string.lstrip('# ').strip()
    return found

def _plain(node):
    "An annotation as text, without the rules that `checked` reads from it"
    if isinstance(node, ast.Subscript) and ast.unparse(node.value) == 'Annotated':
        return _plain(node.slice.elts[0])
    if isinstance(node, ast.BinOp): return f'{_plain(node.left)}|{_plain(node.right)}'
    if isinstance(node, ast.Constant) and isinstance(node.value, str): return node.value # read later
    return ast.unparse(node)

def _part(part):
    "A part of an f-string as its author wrote it"
    return str(part.value) if isinstance(part, ast.Constant) else f'{{{ast.unparse(part.value)}}}'

class Said:
    "What the source of one function says of it"
    def __init__(self, node, comments):
        self.node,given = node,node.args
        every = [*given.posonlyargs, *given.args, given.vararg, *given.kwonlyargs, given.kwarg]
        args = [o for o in every if o]
        defaults = dict(zip([o.arg for o in [*given.posonlyargs, *given.args]][::-1], given.defaults[::-1]))
        defaults |= {o.arg: d for o,d in zip(given.kwonlyargs, given.kw_defaults) if d}
        self.args = [o for o in args if o.arg not in ('self', 'cls')]
        self.annotations = {o.arg: _plain(o.annotation) for o in args if o.annotation}
        ends = {o.arg: (defaults.get(o.arg) or o).end_lineno for o in args}
        last = {line: name for name,line in ends.items()} # one comment for each line, of its last parameter
        self.comments = {name: comments[line] for line,name in last.items() if line in comments}
        self.defaults = {k: ast.unparse(v) for k,v in defaults.items()}
        self.stars = {o.arg: s for o,s in ((given.vararg, '*'), (given.kwarg, '**')) if o}
        self.returns,first = node.returns and _plain(node.returns),node.body[0].lineno
        end = node.returns.end_lineno if node.returns else None
        self.result = comments.get(end, '') if end and (end < first or end not in ends.values()) else ''

    def lines(self, wanted):
        "The parameters, one on each line; `wanted(name)` is what a rule says of one"
        for param in self.args:
            kind = wanted(param.arg) or self.annotations.get(param.arg, '')
            words = [w for w in (kind, self.comments.get(param.arg)) if w]
            default = f' (default {self.defaults[param.arg]})' if param.arg in self.defaults else ''
            yield f"    {self.stars.get(param.arg, '')}{param.arg}: {'; '.join(words)}{default}".rstrip(': ')
    def errors(self, name):
        "What its own lines raise, with their messages"
        for step in ast.walk(self.node):
            if not isinstance(step, ast.Raise) or not isinstance(step.exc, ast.Call) or not step.exc.args:
                continue
            text = step.exc.args[0]
            parts = text.values if isinstance(text, ast.JoinedStr) else [text]
            if not all(isinstance(p, (ast.Constant, ast.FormattedValue)) for p in parts): continue
            said = ''.join(map(_part, parts))
            yield f"    {ast.unparse(step.exc.func)}: {said.removeprefix(f'{name}: ')}"

def _checked(f): return isinstance(f, FunctionType) and hasattr(f, '__wrapped__')
def _shown(example): return 'Example\n' + '\n'.join(f'    {l}'.rstrip() for l in example.split('\n'))

def _written(func, said, name, example):
    "The whole docstring"
    def wanted(key):
        try: return _rule(inspect.unwrap(func), key)
        except Exception: return None # an annotation whose names are known later
    res = [inspect.cleandoc(func.__doc__ or '')] if func.__doc__ else []
    if lines := list(said.lines(wanted)): res.append('\n'.join(['Parameters', *lines]))
    if said.returns not in (None, 'None') or said.result:
        res.append('Returns\n    ' + ': '.join(o for o in (said.returns, said.result) if o))
    errors = list(dict.fromkeys(said.errors(name)))
    if _checked(func) and said.args: errors.append('    TypeError or ValueError: a parameter is not as above')
    if errors: res.append('\n'.join(['Raises', *errors]))
    if example: res.append(_shown(example))
    return '\n\n'.join(res)

def _rule(func, key):
    if not {'checked', 'torch', 'as_trace'} & func.__globals__.keys(): return None # no need for PyTorch
    from .checks import rule_of
    hint = inspect.signature(func).parameters[key].annotation
    if isinstance(hint, str) or hint is inspect.Parameter.empty: return None
    return getattr(rule_of(hint), 'wanted', None)

class _Hint:
    "An annotation that prints as its author wrote it"
    def __init__(self, text): self.text = text
    def __repr__(self): return self.text

def _hidden(func, annotations):
    "The parameters whose annotations hold what only `checked` reads, and what their author wrote"
    params = inspect.signature(func).parameters.values()
    return {param.name: annotations[param.name] for param in params
        if param.name in annotations and 'Rule(' in inspect.formatannotation(param.annotation)}

def _function(func, said, name, key):
    "What to write into a function: its docstring, and the annotations that its signature shows"
    if not isinstance(func, FunctionType) and not hasattr(func, '__wrapped__'):
        return [None, {}] # a property has no room
    hints = _hidden(func, said.annotations) if _checked(func) else {}
    return [_written(func, said, name, examples().get(key)), hints]

def _fields(node, comments):
    "The fields of a dataclass or a named tuple, as parameters"
    for entry in node.body:
        if isinstance(entry, ast.AnnAssign) and isinstance(entry.target, ast.Name):
            words = [_plain(entry.annotation), comments.get(entry.end_lineno, '')]
            default = f' (default {ast.unparse(entry.value)})' if entry.value else ''
            yield f"    {entry.target.id}: {'; '.join(w for w in words if w)}{default}"

def _class(cls, node, comments, key):
    "What to write into a class and its methods"
    methods = {o.name: Said(o, comments) for o in node.body if isinstance(o, ast.FunctionDef)}
    notes = {f'{cls.__name__}.{name}': _function(cls.__dict__.get(name), said, f'{cls.__name__}.{name}',
        f'{key}.{name}') for name,said in methods.items() if not name.startswith('_') or name == '__init__'}
    fields = {o.target.id: _plain(o.annotation) for o in node.body if isinstance(o, ast.AnnAssign)}
    init = cls.__dict__.get('__init__')
    if '__init__' not in methods and fields and hasattr(init, '__wrapped__'): # a dataclass makes its own
        notes[f'{cls.__name__}.__init__'] = [None, _hidden(init, fields)]
    res = [inspect.cleandoc(cls.__doc__ or '')]
    def wanted(k): return _rule(inspect.unwrap(init), k)
    if lines := list(_fields(node, comments)): res.append('\n'.join(['Fields', *lines]))
    elif '__init__' in methods and (lines := list(methods['__init__'].lines(wanted))):
        res.append('\n'.join(['Parameters', *lines]))
    if example := examples().get(key): res.append(_shown(example))
    return notes | {cls.__name__: ['\n\n'.join(o for o in res if o), {}]}

def _notes(module):
    "What to write into a module's functions and classes: (docstring, annotations to show) by name"
    space,lines = vars(sys.modules[module]),inspect.getsource(sys.modules[module]).splitlines()
    nodes = [o for o in ast.parse('\n'.join(lines)).body if isinstance(o, (ast.ClassDef, ast.FunctionDef))]
    notes,short = {},module.removeprefix('cnn_notes.')
    for node in nodes:
        if not node.name.startswith('_') and not _is_overload(node): notes |= _node(node, lines, space, short)
    written = {o.name for o in nodes if isinstance(o, ast.ClassDef)}
    for name in space['__all__']: # named tuples in one line
        if name not in written and hasattr(cls := space.get(name), '_fields') and cls.__module__ == module:
            notes[name] = [f"{cls.__doc__}\n\n{_shown(examples().get(f'{short}.{name}', ''))}", {}]
    return notes

def _node(node, lines, space, short):
    "What to write into one class or function, and its methods"
    name,key,comments = node.name,f'{short}.{node.name}',_comments(lines, node)
    if isinstance(node, ast.ClassDef):
        return _class(space[name], node, comments, key) if name in space['__all__'] else {}
    if cls := _patched(node, space):
        name = f'{cls.__name__}.{name}'
        func,key = cls.__dict__.get(node.name),f'{short}.{name}'
    elif name in space['__all__']: func = space[name]
    else: return {}
    return {name: _function(func, Said(node, comments), name, key)}

def _is_overload(node): return any(ast.unparse(o) == 'overload' for o in node.decorator_list)
def _patched(node, space):
    "The class that a function was added to with `@patch`, if it is one of this module's"
    if not any(ast.unparse(o).startswith('patch') for o in node.decorator_list): return None
    if not node.args.args: return None
    hint = node.args.args[0].annotation
    cls = space.get(ast.unparse(hint)) if hint is not None else None
    return cls if isinstance(cls, type) and cls.__module__ == space['__name__'] else None

# ---- kept from one import to the next, as Python keeps its bytecode

def _stamp():
    "A number that changes with any of the package's sources and with the examples"
    files = [*_here.glob('*.py'), _here/'assets'/'examples.txt']
    facts = sorted((file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files)
    return zlib.crc32(repr(facts).encode())

def _kept(path):
    "What an earlier import found, if it still holds"
    try:
        stamp,notes = json.loads(path.read_text(encoding='utf-8'))
        return notes if stamp == _stamp() else None
    except (OSError, TypeError, ValueError): return None

def _keep(path, notes):
    if sys.dont_write_bytecode: return
    with contextlib.suppress(OSError): # a folder that is not ours to write
        path.parent.mkdir(exist_ok=True)
        part = path.with_suffix(f'.{os.getpid()}')
        part.write_text(json.dumps([_stamp(), notes]), encoding='utf-8')
        part.replace(path)

def explain(module):
    "Complete the docstrings of a module's public functions and classes; `module`: its name"
    path = Path(cache_from_source(str(_here/f"{module.rpartition('.')[2]}.py"))).with_suffix('.help')
    notes = _kept(path)
    if notes is None:
        try: notes = _notes(module)
        except OSError: return # without its source there is nothing to read
        _keep(path, notes)
    for name,(doc,hints) in notes.items(): _write(vars(sys.modules[module]), name, doc, hints)

def _write(space, name, doc, hints):
    "Write a docstring, and the signature without what only `checked` reads; the annotations stay"
    cls,_,method = name.rpartition('.')
    told = vars(space[cls])[method] if cls else space[name]
    with contextlib.suppress(AttributeError): # a class of another language
        if doc is not None: told.__doc__ = doc
    if not hints: return
    sig = inspect.signature(told)
    params = [param.replace(annotation=_Hint(hints[param.name])) if param.name in hints else param
        for param in sig.parameters.values()]
    told.__signature__ = sig.replace(parameters=params)
