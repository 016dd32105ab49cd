"""Which names of a single letter live longer than a line? Names that are given and used in one line, as in most
comprehensions, are read at a glance; of any other the reader has to remember what it stands for."""
import ast
from collections import defaultdict

comprehensions = ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp
functions = ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda

class Scope:
    "Where names are bound: a function, a lambda, a comprehension, or (binding none that others see) a class"
    def __init__(self, node, parent, path):
        self.node,self.parent,self.path = node,parent,path
        self.stored,self.loaded,self.elsewhere = defaultdict(set),defaultdict(set),set() # name: lines
    def binds(self, name):
        return not isinstance(self.node, ast.ClassDef) and name in self.stored and name not in self.elsewhere
    def params(self):
        "The names of its parameters"
        if not isinstance(self.node, functions): return set()
        given = self.node.args
        rest = [o for o in (given.vararg, given.kwarg) if o]
        return {o.arg for o in (*given.posonlyargs, *given.args, *given.kwonlyargs, *rest)}

class Reader(ast.NodeVisitor):
    "All scopes of a module, with the lines where their names are given and used"
    def __init__(self, source):
        self.scope,self.scopes,self.path,loads = None,[],(),[]
        self.loads = loads
        self.visit(ast.parse(source))
        for scope,name,line in loads:
            while scope and not scope.binds(name): scope = scope.parent
            if scope: scope.loaded[name].add(line)
    def store(self, name, line, scope=None):
        scope = scope or self.scope
        if scope: scope.stored[name].add(line)
    def load(self, name, line):
        if self.scope: self.loads.append((self.scope, name, line))
    def within(self, node, parts, name=None):
        before = self.scope,self.path
        self.path += (name,) if name else ()
        self.scope = Scope(node, before[0], self.path)
        self.scopes.append(self.scope)
        for part in parts: self.visit(part)
        self.scope,self.path = before
    def visit_FunctionDef(self, node):
        args,name = node.args,getattr(node, 'name', None)
        for part in (*args.defaults, *filter(None, args.kw_defaults), *getattr(node, 'decorator_list', ())):
            self.visit(part)
        if name: self.store(name, node.lineno)
        every = *args.posonlyargs,*args.args,*args.kwonlyargs,*filter(None, (args.vararg, args.kwarg))
        self.within(node, [*every, *(node.body if name else [node.body])], name)
    visit_AsyncFunctionDef = visit_Lambda = visit_FunctionDef
    def visit_ClassDef(self, node):
        self.store(node.name, node.lineno)
        for part in (*node.bases, *node.decorator_list): self.visit(part)
        self.within(node, node.body, node.name)
    def visit_ListComp(self, node):
        first,*rest = node.generators
        self.visit(first.iter) # read outside
        parts = [first.target, *first.ifs] + [o for g in rest for o in (g.iter, g.target, *g.ifs)]
        self.within(node, [*parts, *([node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt])])
    visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_ListComp
    def visit_arg(self, node): self.store(node.arg, node.lineno)
    def visit_Name(self, node):
        (self.load if isinstance(node.ctx, ast.Load) else self.store)(node.id, node.lineno)
    def visit_AugAssign(self, node):
        if isinstance(node.target, ast.Name): self.load(node.target.id, node.lineno)
        else: self.visit(node.target)
        self.visit(node.value)
    def visit_NamedExpr(self, node):
        self.visit(node.value)
        scope = self.scope
        while scope and isinstance(scope.node, comprehensions): scope = scope.parent
        self.store(node.target.id, node.lineno, scope)
    def visit_ExceptHandler(self, node):
        if node.name: self.store(node.name, node.lineno)
        self.generic_visit(node)
    def visit_Global(self, node): self.scope.elsewhere |= set(node.names)
    visit_Nonlocal = visit_Global

def axes(node):
    "The letters that a signature defines as axes, as in `img:Float[Tensor, 'h w']`"
    if not isinstance(node, functions): return set()
    texts = [o.value for o in ast.walk(node.args) if isinstance(o, ast.Constant) and isinstance(o.value, str)]
    return {letter for t in texts for letter in t.split()}

def is_public(scope):
    "May others call it, with arguments by name?"
    inner = scope.parent and isinstance(scope.parent.node, (*functions, *comprehensions))
    ours = [o for o in scope.path if o.startswith('_') and not o.endswith('__')]
    return isinstance(scope.node, functions) and not inner and not ours and bool(scope.path)

def long_lived(source):
    "(function, letter, line) of what lives longer than a line and is no axis and no parameter of a public function"
    for scope in Reader(source).scopes:
        for name,lines in scope.loaded.items():
            if len(name) > 1 or name == '_' or not lines - scope.stored[name]: continue
            if name in axes(scope.node) or name in scope.params() and is_public(scope): continue
            yield '.'.join(scope.path),name,min(scope.stored[name])
