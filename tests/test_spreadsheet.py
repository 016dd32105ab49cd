"The workbook against PyTorch, calculated by LibreOffice and by the `formulas` package, neither of which knows of the other"
import io, math, os, re, shutil, subprocess, sys, zipfile
import formulas, numpy as np, pytest, torch
import torch.nn as nn, torch.nn.functional as F
from collections import OrderedDict
from contextlib import redirect_stderr
from openpyxl import load_workbook
from openpyxl.utils import range_boundaries
from xml.etree import ElementTree
from xml.sax.saxutils import escape
from cnn_notes.geometry import trace
from cnn_notes.models import simple_cnn
from cnn_notes.show import palette
from cnn_notes.spreadsheet import write_workbook

pytestmark = pytest.mark.filterwarnings('ignore:Using padding=.same.')

# -- LibreOffice, remote-controlled by a macro that reads commands from a file

macro = r'''
Sub Main
  n = FreeFile()
  Open Environ("CNN_OUT") For Output As #n
  On Error Goto failed
  Dim hidden(0) As New com.sun.star.beans.PropertyValue
  hidden(0).Name = "Hidden"
  hidden(0).Value = True
  m = FreeFile()
  Open Environ("CNN_IN") For Input As #m
  Do While Not Eof(m)
    Line Input #m, text
    c = Split(text, "|")
    res = ""
    Select Case c(0)
    Case "open"
      doc = StarDesktop.loadComponentFromURL(c(1), "_blank", 0, hidden())
      doc.calculateAll()
    Case "close"
      doc.close(True)
    Case "set"
      Named(doc, c(1)).getCellByPosition(CLng(c(3)), CLng(c(2))).setValue(Val(c(4)))
    Case "values"
      rows = Named(doc, c(1)).getDataArray()
      For i = 0 To UBound(rows)
        For j = 0 To UBound(rows(i))
          If TypeName(rows(i)(j)) = "String" Then res = res & rows(i)(j) Else res = res & Trim(Str(rows(i)(j)))
          res = res & ","
        Next j
        res = res & ";"
      Next i
    Case "precedents"
      res = Named(doc, c(1)).getCellByPosition(CLng(c(3)), CLng(c(2))).queryPrecedents(c(4) = "all").RangeAddressesAsString
    Case "string"
      cell = doc.Sheets.getByName(c(1)).getCellRangeByName(c(2))
      res = CStr(cell.Type) & "," & cell.String
    Case "errors"
      For i = 0 To doc.Sheets.Count - 1
        found = doc.Sheets.getByIndex(i).queryFormulaCells(4)
        res = res & found.RangeAddressesAsString
      Next i
    Case "saved"
      Dim f(0) As New com.sun.star.beans.PropertyValue
      f(0).Name = "FilterName"
      f(0).Value = "Calc MS Excel 2007 XML"
      doc.storeToURL(c(1), f())
    End Select
    Print #n, res
  Loop
  Print #n, "end"
  Close #n
  Exit Sub
failed:
  Print #n, "error: " & Error$ & " in line " & Erl & " at " & text
  Close #n
End Sub

Function Named(doc, what)
  If doc.NamedRanges.hasByName(what) Then
    Named = doc.NamedRanges.getByName(what).getReferredCells()
  Else
    Named = doc.Sheets.getByName("Network").getCellRangeByName(what)
  End If
End Function
'''
head = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE {0} PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "{1}.dtd">\n'
library = head.format('library:library', 'library') + '<library:library xmlns:library="http://openoffice.org/2000/library" library:name="Standard" library:readonly="false" library:passwordprotected="false">{}</library:library>'
libraries = head.format('library:libraries', 'libraries') + '''<library:libraries xmlns:library="http://openoffice.org/2000/library" xmlns:xlink="http://www.w3.org/1999/xlink">
<library:library library:name="Standard" xlink:href="$(USER)/basic/Standard/{}.xlb/" xlink:type="simple" library:link="false"/></library:libraries>'''

@pytest.fixture(scope='session')
def libreoffice(tmp_path_factory):
    "Run commands in LibreOffice; returns what each of them printed"
    soffice = shutil.which('soffice') or shutil.which('libreoffice')
    if soffice is None: pytest.fail("LibreOffice is not installed, and it is what opens the workbook here: apt-get install -y --no-install-recommends libreoffice-calc-nogui")
    d = tmp_path_factory.mktemp('libreoffice')
    basic = d/'profile'/'user'/'basic'/'Standard'
    office = [soffice, f"-env:UserInstallation={(d/'profile').as_uri()}", '--headless', '--norestore']
    subprocess.run([*office, '--terminate_after_init'], capture_output=True, timeout=300) # makes the profile
    basic.mkdir(parents=True, exist_ok=True)
    (basic/'Module1.xba').write_text(head.format('script:module', 'module') + f'<script:module xmlns:script="http://openoffice.org/2000/script" script:name="Module1" script:language="StarBasic">{escape(macro)}</script:module>')
    (basic/'script.xlb').write_text(library.format('<library:element library:name="Module1"/>'))
    (basic/'dialog.xlb').write_text(library.format(''))
    for name in ('script', 'dialog'): (basic.parent/f'{name}.xlc').write_text(libraries.format(name))
    def run(*commands):
        inp,out = d/'in.txt',d/'out.txt'
        inp.write_text('\n'.join(commands) + '\n')
        out.unlink(missing_ok=True)
        env = dict(os.environ, CNN_IN=str(inp), CNN_OUT=str(out), LC_ALL='C.UTF-8')
        res = subprocess.run([*office, 'macro:///Standard.Module1.Main'], env=env, capture_output=True, text=True, timeout=300)
        assert out.exists(), f'LibreOffice wrote nothing: {res.stdout} {res.stderr}'
        *lines,last = out.read_text().splitlines()
        assert last == 'end', last
        return lines
    return run

def table(line, dtype=float): return np.array([[dtype(o) for o in row.split(',')[:-1]] for row in line.split(';')[:-1]])
def uri(path): return path.as_uri()

# -- networks: (model, what comes after conv1's and conv2's stage, image)

class Functional(nn.Module):
    "Functions in the place of modules, an activation in place, and something after that nobody writes"
    def __init__(self):
        super().__init__()
        self.a,self.b,self.fc = nn.Conv2d(1, 2, 3),nn.Conv2d(2, 2, 3),nn.Linear(2, 2)
    def __getitem__(self, s): return lambda x: self.one(x) if s.stop == 1 else self.two(x)
    def one(self, x): return F.relu(self.a(x))
    def two(self, x): return self.b(F.max_pool2d(self.one(x), 2)).relu_()
    def forward(self, x): return self.fc(self.two(x).mean((2, 3))).sigmoid()

def seq(*layers): return nn.Sequential(*layers)
C,R,B = nn.Conv2d,nn.ReLU,nn.BatchNorm2d
nets = dict(
    stride     = (lambda: seq(C(1, 2, 3, 2, 1), R(), C(2, 3, 3, 2, 1), R()), 2, 4, (1, 9, 11)),
    linear     = (lambda: seq(C(1, 2, 3), C(2, 2, 3)), 1, 2, (1, 7, 6)),
    color      = (lambda: seq(C(3, 2, 3, padding=1), R(), C(2, 2, 3, 2)), 2, 3, (3, 6, 6)),
    no_bias    = (lambda: seq(C(1, 2, 3, bias=False), R(), C(2, 2, 3, bias=False), R()), 2, 4, (1, 7, 7)),
    rectangles = (lambda: seq(C(1, 2, (2, 3), (1, 2), (0, 1)), R(), C(2, 2, (3, 1), (2, 1), (1, 0)), R()), 2, 4, (1, 8, 9)),
    dilation   = (lambda: seq(C(1, 2, 3, dilation=2, padding=2), R(), C(2, 2, (3, 2), dilation=(1, 3), padding=(1, 0))), 2, 3, (1, 8, 9)),
    groups     = (lambda: seq(C(2, 4, 3, groups=2), R(), C(4, 6, 2, groups=2), R()), 2, 4, (2, 6, 6)),
    depthwise  = (lambda: seq(C(3, 4, 1), R(), C(4, 4, 3, padding=1, groups=4)), 2, 3, (3, 5, 5)),
    same       = (lambda: seq(C(1, 2, 4, padding='same'), R(), C(2, 2, 2, padding='same')), 2, 3, (1, 6, 5)),
    norm_last  = (lambda: seq(C(1, 2, 3, bias=False), R(), B(2), C(2, 2, 3), R(), B(2)), 3, 6, (1, 7, 7)),
    norm_first = (lambda: seq(C(1, 2, 3), B(2, eps=.01), R(inplace=True), C(2, 3, 3), B(3, affine=False), R()), 3, 6, (1, 7, 7)),
    max_pool   = (lambda: seq(C(1, 2, 3, padding=1), R(), nn.MaxPool2d(2), C(2, 2, 3, padding=1), R(), nn.MaxPool2d(2)), 2, 5, (1, 8, 8)),
    avg_pool   = (lambda: seq(C(1, 2, 3), nn.AvgPool2d(3, 1), R(), nn.Dropout(.5), C(2, 2, 2), R()), 1, 6, (1, 8, 8)),
    one        = (lambda: seq(C(1, 3, 3, padding=1), R(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(27, 2)), 2, None, (1, 6, 6)),
    one_place  = (lambda: seq(C(1, 2, 5), R(), C(2, 2, 1)), 2, 3, (1, 5, 5)),
    functional = (Functional, 1, 2, (1, 9, 9)),
    double     = (lambda: seq(C(1, 2, 3), R(), C(2, 2, 3)).double(), 2, 3, (1, 6, 6)),
    spectral   = (lambda: seq(nn.utils.parametrizations.weight_norm(C(1, 2, 3)), R(), C(2, 2, 3)), 2, 3, (1, 6, 6)))
scaled = ('stride', 'color', 'groups') # with mean and std

def build(name):
    "The model with parameters at random, what its stages give, the image, and what else `write_workbook` is given"
    f,k1,k2,shape = nets[name]
    torch.manual_seed(sorted(nets).index(name))
    model = f()
    for n,t in model.state_dict().items():
        if t.is_floating_point(): nn.init.uniform_(t, .2, 1.5) if 'running' in n else nn.init.uniform_(t, -.8, 1)
    model.eval()
    image = torch.rand(shape, dtype=next(model.parameters()).dtype)
    if name in scaled:
        image = (255*image).byte()
        mean,std = 100*torch.rand(shape[0])+50,100*torch.rand(shape[0])+20
        kw,see = dict(mean=mean, std=std),lambda im: (im.float()-mean[:, None, None])/std[:, None, None]
    else: kw,see = {},lambda im: im
    def stages(im):
        with torch.no_grad(): return {'conv1': model[:k1](see(im)[None])[0]} | ({'conv2': model[:k2](see(im)[None])[0]} if k2 else {})
    return model,stages,image,kw

def last(name): return 'conv1' if nets[name][2] is None else 'conv2'
def write(name, path, **more):
    model,stages,image,kw = build(name)
    write_workbook(path, model, image, **kw, **more)
    return model,stages,image

def close(got, want): assert np.allclose(got, np.asarray(want.double()), rtol=1e-5, atol=1e-5), f'{got}\n{want}'

# -- the activations

@pytest.fixture(scope='session')
def by_libreoffice(libreoffice, tmp_path_factory):
    "Each network's activations as LibreOffice calculates them, and its formulas that end in an error"
    d,commands,res = tmp_path_factory.mktemp('nets'),[],{}
    for name in nets:
        _,stages,image = write(name, d/f'{name}.xlsx')
        commands += [f'open|{uri(d/name)}.xlsx', 'errors'] + [f'values|{s}_output_{c}' for s,x in stages(image).items() for c in range(len(x))] + ['close']
    lines = iter(libreoffice(*commands))
    for name in nets:
        _,stages,image,_ = build(name)
        next(lines)
        res[name] = next(lines),{s: np.stack([table(next(lines)) for _ in x]) for s,x in stages(image).items()}
        next(lines)
    return res

@pytest.mark.parametrize('name', nets)
def test_libreoffice_calculates_what_pytorch_does(by_libreoffice, name):
    errors,got = by_libreoffice[name]
    _,stages,image,_ = build(name)
    assert errors == ''
    for s,want in stages(image).items():
        assert want.abs().max() > .1
        close(got[s], want)

def by_formulas(path):
    "All named parts of a workbook as the `formulas` package calculates them"
    with redirect_stderr(io.StringIO()): sol = formulas.ExcelModel().loads(str(path)).finish().calculate()
    return {k.split('!')[1].lower(): v.value for k,v in sol.items() if k.startswith(f"'[{path.name}]'!")}

@pytest.mark.parametrize('name', ['stride', 'linear', 'no_bias', 'rectangles', 'same', 'norm_last', 'norm_first', 'avg_pool', 'one', 'functional'])
def test_formulas_package_calculates_what_pytorch_does(name, tmp_path):
    _,stages,image = write(name, tmp_path/'n.xlsx')
    got = by_formulas(tmp_path/'n.xlsx')
    for s,x in stages(image).items():
        for c,want in enumerate(x): close(got[f'{s}_output_{c}'].astype(float), want)

@pytest.mark.parametrize('name', nets)
def test_stored_values_are_those_of_the_formulas(name, tmp_path):
    "What a program shows that does not calculate"
    _,stages,image = write(name, tmp_path/'n.xlsx')
    book,stored = load_workbook(tmp_path/'n.xlsx'),load_workbook(tmp_path/'n.xlsx', data_only=True)['Network']
    for s,x in stages(image).items():
        for c,want in enumerate(x):
            cells = book.defined_names[f'{s}_output_{c}'].attr_text.split('!')[1]
            one = lambda ws: np.array([[o.value for o in row] for row in ws[cells]]) if ':' in cells else np.array([[ws[cells].value]])
            close(one(stored).astype(float), want)
            assert all(o.startswith('=') for o in one(book['Network']).flat), 'every activation is a formula'
    assert all(stored[c.coordinate].value is not None or 'IF(' in c.value for row in book['Network'] for c in row if c.data_type == 'f')

# -- what changes when something is changed

@pytest.mark.parametrize('name', ['stride', 'norm_first'])
def test_everything_follows_a_change(libreoffice, tmp_path, name):
    model,stages,image = write(name, tmp_path/'n.xlsx')
    before = stages(image)
    image = image.clone()
    pixels = 'pixels_0' if name in scaled else 'input_0'
    image[0, 3, 2] = 200 if name in scaled else .9
    lines = libreoffice(f"open|{uri(tmp_path/'n.xlsx')}", f'set|{pixels}|3|2|{image[0, 3, 2].item()}', *[f'values|conv2_output_{c}' for c in range(3)],
                        'set|conv1_filter_1|0|2|0.75', 'set|conv2_bias_2|0|0|-0.5', *([] if name in scaled else ['set|conv1_gamma_0|0|0|1.25', 'set|conv2_var_1|0|0|4']),
                        *[f'values|conv2_output_{c}' for c in range(3)], 'close')
    got = [np.stack([table(o) for o in lines[k:k+3]]) for k in (2, len(lines)-4)]
    close(got[0], stages(image)['conv2'])
    with torch.no_grad():
        convs = [m for m in model if isinstance(m, nn.Conv2d)]
        convs[0].weight[1, 0, 0, 2],convs[1].bias[2] = .75,-.5
        if name not in scaled: model[1].weight[0],model[4].running_var[1] = 1.25,4
    close(got[1], stages(image)['conv2'])
    assert not torch.allclose(before['conv2'], stages(image)['conv2'])

def test_mean_and_std_can_be_changed_by_the_formulas_package_too(tmp_path):
    model,stages,image = write('stride', tmp_path/'n.xlsx')
    book = load_workbook(tmp_path/'n.xlsx')
    cell = lambda name: book['Network'][book.defined_names[name].attr_text.split('!')[1]]
    cell('input_mean_0').value,cell('input_std_0').value,cell('pixels_0')[0][0].value = 10,50,123
    book.save(tmp_path/'changed.xlsx')
    image[0, 0, 0] = 123
    with torch.no_grad(): want = model((image.float()-10)/50)
    got = by_formulas(tmp_path/'changed.xlsx')
    for c,x in enumerate(want): close(got[f'conv2_output_{c}'].astype(float), x)

# -- precedents: LibreOffice's own search for them against windows and gradients

def cells(addresses, box):
    "The offsets of all the cells in 'Network.A1:B2,...' that lie in the range `box`"
    left,top,right,bottom = range_boundaries(box)
    res = set()
    for o in filter(None, addresses.replace('Network.', '').replace('$', '').split(',')):
        c0,r0,c1,r1 = range_boundaries(o)
        res |= {(r-top, c-left) for r in range(r0, r1+1) for c in range(c0, c1+1) if left <= c <= right and top <= r <= bottom}
    return res

def reached(model, shape, pick, convs=2):
    "Gradients of an output with respect to the image and to conv1, with weights that are all positive and without ReLU"
    x = y = torch.ones(1, *shape, requires_grad=True)
    outs = []
    for l in trace(model, shape):
        m = l.module
        if l.kind == 'conv': outs.append(y := F.conv2d(y, torch.ones_like(m.weight, dtype=torch.float32), None, m.stride, m.padding, m.dilation, m.groups))
        elif l.kind == 'max_pool': y = F.avg_pool2d(y, m.kernel_size, m.stride)
        if len(outs) == convs: break
    return {k: g[0] != 0 for k,g in zip(('image', 'conv1'), torch.autograd.grad(y[(0, *pick)], (x, outs[0])))}

def names_of(path): return {k: v.attr_text.split('!')[1].replace('$', '') for k,v in load_workbook(path).defined_names.items()}

def test_trace_precedents(libreoffice, tmp_path):
    torch.manual_seed(0)
    digit_net = simple_cnn(first_ks=3)
    cases,commands = {'chapter13': (digit_net, torch.rand(1, 28, 28))} | {k: build(k)[::2] for k in ('dilation', 'rectangles', 'groups')},[]
    for name,(model,x) in cases.items():
        path = write_workbook(tmp_path/f'{name}.xlsx', model, x.float(), **(dict(mean=0, std=1) if name == 'groups' else {}))
        nf,h,w = [l for l in trace(model, x.shape) if l.kind == 'conv'][1].out_shape[1:]
        cases[name] = model,x,names_of(path),((0, 0, 0), (nf-1, h//2, w//2), (nf//2, h-1, 0))
        commands += [f'open|{uri(path)}'] + [f'precedents|conv2_output_{f}|{i}|{j}|{how}' for f,i,j in cases[name][3] for how in ('one', 'all')] + ['close']
    lines = iter(libreoffice(*commands))
    for name,(model,x,names,places) in cases.items():
        next(lines)
        sizes = []
        for pick in places:
            one,every,want = next(lines),next(lines),reached(model, x.shape, pick)
            for addresses,seen,part in ((one, want['conv1'], 'conv1_output'), (every, want['conv1'], 'conv1_output'), (every, want['image'], 'input')):
                for c,g in enumerate(seen): assert cells(addresses, names[f'{part}_{c}']) == set(map(tuple, g.nonzero().tolist())), (name, pick, part, c)
            if 'pixels_0' in names: assert cells(every, names['pixels_0']) == cells(every, names['input_0'])
            assert len(cells(one, names[f'conv2_filter_{pick[0]}'])) == [l for l in trace(model, x.shape) if l.kind == 'conv'][1].module.weight[0].numel()
            assert cells(one, names[f'conv2_bias_{pick[0]}']) == {(0, 0)}
            sizes.append((int(want['conv1'][-1].sum()), int(want['image'][-1].sum())))
        if name == 'chapter13': assert sizes[:2] == [(4, 16), (9, 49)]
        next(lines)

def lanes(sheet, box):
    "Where the marks beside the rows, those above the columns, and the switch of a channel stand: the numbers 0, 1, ... are next to them"
    left,top,right,bottom = range_boundaries(box)
    letter = lambda c: sheet.cell(1, c).column_letter
    def is_zero(r, c, r1, c1): return sheet.cell(r, c).value == 0 and sheet.cell(r, c).data_type == 'n' and str(sheet.cell(r1, c1).value).startswith('=IF(')
    c = max(c for c in range(2, left) if is_zero(top, c, top, c-1))
    r = max(r for r in range(2, top) if is_zero(r, left, r-1, left))
    return f'{letter(c-1)}{top}:{letter(c-1)}{bottom}',f'{letter(left)}{r-1}:{letter(right)}{r-1}',f'{letter(c)}{r}'

def test_the_highlight_follows_its_cells(libreoffice, tmp_path):
    "Marks along rows and columns, and which channels take part, against the gradient"
    cases,commands = {},[]
    for name in ('stride', 'dilation', 'max_pool', 'groups', 'one', 'same'):
        model,stages,x = write(name, tmp_path/f'{name}.xlsx')
        names,sheet,shapes = names_of(tmp_path/f'{name}.xlsx'),load_workbook(tmp_path/f'{name}.xlsx')['Network'],{k: v.shape for k,v in stages(x).items()}
        pick = tuple(n-1 for n in shapes[last(name)][:2]) + (shapes[last(name)][2]//2,)
        parts = [('image', c, f'{k}_{c}') for k in ('pixels', 'input') for c in range(len(x)) if f'{k}_{c}' in names]
        if last(name) == 'conv2': parts += [('conv1', c, f'conv1_output_{c}') for c in range(shapes['conv1'][0])]
        commands += [f"open|{uri(tmp_path/name)}.xlsx"] + [f'set|pick_{k}|0|0|{v}' for k,v in zip(('filter', 'row', 'column'), pick)]
        commands += [f'values|{o}' for _,_,p in parts for o in lanes(sheet, names[p])] + ['close']
        cases[name] = parts,reached(model, x.shape, pick, int(last(name)[-1]))
    lines = iter(libreoffice(*commands))
    for name,(parts,want) in cases.items():
        for _ in range(4): next(lines)
        for k,c,part in parts:
            rows,cols,on = (np.char.not_equal(table(next(lines), str), '').flatten() for _ in range(3))
            g = want[k][c].numpy()
            assert on.item() == g.any(), (name, part)
            if g.any(): assert (np.outer(rows, cols) == g).all(), (name, part)
        next(lines)

# -- the file

def net(): torch.manual_seed(0); return seq(C(1, 2, 3, 2, 1), R(), C(2, 2, 3, 2, 1), R())
image = torch.rand(8, 8, generator=torch.Generator().manual_seed(0))

def test_weights_come_back_bit_for_bit(tmp_path):
    model,_,_ = write('stride', tmp_path/'n.xlsx')
    book = load_workbook(tmp_path/'n.xlsx')
    for k,conv in ((1, model[0]), (2, model[2])):
        for f,w in enumerate(conv.weight):
            cells = [c.value for row in book['Network'][book.defined_names[f'conv{k}_filter_{f}'].attr_text.split('!')[1]] for c in row if isinstance(c.value, float)]
            assert sorted(torch.tensor(cells).tolist()) == sorted(w.flatten().tolist())
            assert torch.tensor(book['Network'][book.defined_names[f'conv{k}_bias_{f}'].attr_text.split('!')[1]].value) == conv.bias[f]

def test_size_of_chapter_13s_network(tmp_path):
    path = write_workbook(tmp_path/'n.xlsx', simple_cnn(), torch.rand(28, 28))
    assert path.stat().st_size < 300_000
    formulas_ = [c.value for row in load_workbook(path)['Network'] for c in row if c.data_type == 'f']
    assert sum('SUMPRODUCT' in o and o.startswith('=MAX(0,') for o in formulas_) == 8*14*14 + 16*7*7

def test_colors_are_the_courses(tmp_path):
    write('stride', tmp_path/'n.xlsx')
    book = load_workbook(tmp_path/'n.xlsx')
    sheet = book['Network']
    def one(name): return (lambda c: c[0][0] if isinstance(c, tuple) else c)(sheet[book.defined_names[name].attr_text.split('!')[1]])
    def tint(color): return [255 - (255-int(color[k:k+2], 16))*.14 for k in (1, 3, 5)]
    for name,color in (('pixels_0', 'input'), ('input_0', 'input'), ('conv1_filter_0', 'kernel'), ('conv2_bias_1', 'kernel'), ('conv2_output_0', 'output')):
        got = one(name).fill.fgColor.rgb[-6:]
        assert np.allclose([int(got[k:k+2], 16) for k in (0, 2, 4)], tint(palette[color]), atol=1), name
    border = sheet.cell(one('input_0').row-1, one('input_0').column-1)
    assert border.value == 0 and border.fill.fgColor.rgb[-6:] == palette['padding'][1:].upper()
    assert one('pick_row').font.color.rgb[-6:] == palette['accent'][1:].upper()
    rules = [(str(cf.sqref), r) for cf in sheet.conditional_formatting for r in cf.rules]
    assert any(r.type == 'colorScale' for _,r in rules)
    assert any(r.type == 'expression' and r.dxf.border and r.dxf.border.left.color.rgb[-6:] == palette['accent'][1:].upper() for _,r in rules)

def test_first_sheet_explains(tmp_path):
    write_workbook(tmp_path/'n.xlsx', simple_cnn(first_ks=3), torch.rand(28, 28))
    book = load_workbook(tmp_path/'n.xlsx')
    text = ' '.join(str(c.value) for row in book.worksheets[0] for c in row if c.value is not None)
    assert book.sheetnames == ['Read me', 'Network'] and book.active.title == 'Read me'
    for words in ('Formulas > Formula Auditing > Trace Precedents', 'Tools > Detective > Trace Precedents', '3 x 3 of conv1, then 7 x 7 of input', 'Enable Editing'): assert words in text
    target = re.search(r'the highlighted one, ([A-Z]+\d+)\.', text)[1]
    assert book['Network'][target].value.startswith('=MAX(0,SUMPRODUCT')
    pick = [book['Network'][book.defined_names[f'pick_{k}'].attr_text.split('!')[1]].value for k in ('filter', 'row', 'column')]
    assert book['Network'][book.defined_names[f'conv2_output_{pick[0]}'].attr_text.split('!')[1]][pick[1]][pick[2]].coordinate == target

def test_the_default_highlight_sees_no_padding_where_it_can(tmp_path):
    def pick(path): return [(b := load_workbook(path))['Network'][b.defined_names[f'pick_{k}'].attr_text.split('!')[1]].value for k in ('filter', 'row', 'column')]
    x = torch.zeros(12, 12); x[0, 0] = 100; x[6, 6] = 20
    ones = seq(C(1, 1, 3, padding=1), C(1, 1, 3, padding=1))
    for p in ones.parameters(): nn.init.ones_(p) if p.ndim > 1 else nn.init.zeros_(p)
    assert pick(write_workbook(tmp_path/'a.xlsx', ones, x)) == [0, 6, 6]
    assert pick(write_workbook(tmp_path/'a.xlsx', ones, x[:3, :3])) == [0, 0, 0] # all see padding
    assert pick(write_workbook(tmp_path/'a.xlsx', ones, x, highlight=(0, 2, 1))) == [0, 2, 1]

hostile = '=HYPERLINK("http://x.invalid","y")', '+1+1', '-2+3', '@SUM(1)', '=cmd|"/C calc"!A0', '\t=1+1', "='Read me'!A1", '<b>&"', 'a\x00b\x1bc', '\ud800', 'x'*5000, '{=1}', '_x003D_1'

def test_names_stay_text(libreoffice, tmp_path):
    commands = []
    for k,name in enumerate(hostile):
        path,key = tmp_path/f'{k}.xlsx',name.replace('.', '_')
        model = seq(OrderedDict([(key, C(1, 2, 3)), ('relu', R())]))
        model.__class__ = type(re.sub('[\x00\ud800]', '', name) or 'X', (nn.Sequential,), {})
        book = load_workbook(write_workbook(path, model, image))
        for c in (c for sheet in book for row in sheet for c in row):
            if c.data_type == 'f': assert re.match(r'=(MAX\(0,SUMPRODUCT|IF\(|"the highlighted|INDEX\(\$|CHOOSE\(pick_filter\+1,|SUMPRODUCT\([A-Z]|[A-Z]+\d+\+[A-Z])', c.value), c.value
            elif isinstance(c.value, str): assert c.data_type == 's' and c.quotePrefix and len(c.value) < 1000
        commands += [f'open|{uri(path)}', f"string|Network|{next(c for c in book['Network'][1] if c.value).coordinate}", 'close']
        with pytest.raises(ValueError) as e: write_workbook(path, seq(OrderedDict([(key, nn.GELU()), ('c', C(1, 1, 1))])), image)
        assert len(str(e.value)) < 400 and str(e.value).isprintable()
    for line in libreoffice(*commands)[1::3]: assert line.startswith('2,'), line # a cell of text

def test_nothing_but_sheets_inside(tmp_path):
    path = write_workbook(tmp_path/'n.xlsx', net(), image)
    with zipfile.ZipFile(path) as z:
        assert z.testzip() is None and not [n for n in z.namelist() if re.search('vba|external|embed|drawing|media', n, re.I)]
        for n in z.namelist():
            text = z.read(n).decode()
            ElementTree.fromstring(text)
            assert 'TargetMode="External"' not in text
        order = [e.tag.split('}')[1] for e in ElementTree.fromstring(z.read('xl/worksheets/sheet2.xml'))]
        want = 'sheetPr dimension sheetViews sheetFormatPr cols sheetData mergeCells conditionalFormatting dataValidations hyperlinks printOptions pageMargins pageSetup ignoredErrors'.split()
        assert [want.index(o) for o in order] == sorted(want.index(o) for o in order) and order[-1] == 'ignoredErrors'

def test_libreoffice_saves_it_again(libreoffice, tmp_path):
    "A round trip: what is saved is read by openpyxl with the same values"
    model,stages,x = write('stride', tmp_path/'n.xlsx')
    libreoffice(f"open|{uri(tmp_path/'n.xlsx')}", f"saved|{uri(tmp_path/'again.xlsx')}", 'close')
    book = load_workbook(tmp_path/'again.xlsx', data_only=True)
    for c,want in enumerate(stages(x)['conv2']):
        close(np.array([[o.value for o in row] for row in book['Network'][book.defined_names[f'conv2_output_{c}'].attr_text.split('!')[1]]]), want)

def test_the_model_is_left_alone(tmp_path):
    model = seq(C(1, 2, 3), B(2), R(), C(2, 2, 3), B(2)).train()
    before = {k: v.clone() for k,v in model.state_dict().items()}
    x = image.clone()
    write_workbook(tmp_path/'n.xlsx', model, x)
    assert all(m.training for m in model.modules()) and torch.equal(x, image)
    assert all(torch.equal(v, before[k]) for k,v in model.state_dict().items())

def test_kinds_of_image(tmp_path):
    def stored(*args, **kw): return [c.value for row in load_workbook(write_workbook(tmp_path/'n.xlsx', net(), *args, **kw), data_only=True)['Network'] for c in row]
    want = stored(image)
    assert stored(image[None]) == stored(image.numpy()) == stored(image.requires_grad_()) == want
    image.requires_grad_(False)
    byte = (image*255).byte()
    doubles = stored(image.double())
    assert stored(image.double().numpy().astype('>f8')) == stored(np.rot90(np.rot90(image.double()).copy(), -1)) == stored(image.double().tolist()) == doubles
    assert stored(byte, mean=33., std=78.) == stored(byte.numpy(), mean=[33.], std=[78.]) == stored(byte.float(), mean=torch.tensor(33.), std=torch.tensor([78.])) == stored(byte.int(), mean=33, std=78)

# -- all or nothing

def test_a_failure_leaves_what_was_there(tmp_path, monkeypatch):
    path = write_workbook(tmp_path/'n.xlsx', net(), image)
    before = path.read_bytes()
    for error in (KeyboardInterrupt, OSError(28, 'No space left on device'), PermissionError(13, 'Permission denied')):
        def fail(*args): raise error
        monkeypatch.setattr('cnn_notes.spreadsheet.os.replace', fail)
        with pytest.raises(error if isinstance(error, type) else type(error)) as e: write_workbook(path, net(), torch.zeros(8, 8))
        if not isinstance(error, type): assert 'n.xlsx' in str(e.value) and error.strerror in str(e.value) and 'close the workbook' in str(e.value)
        assert os.listdir(tmp_path) == ['n.xlsx'] and path.read_bytes() == before
    monkeypatch.undo()
    half = open
    class Torn:
        def __init__(self, *args): self.f = half(*args)
        def __enter__(self): return self
        def __exit__(self, *args): self.f.close()
        def write(self, data): self.f.write(data[:100]); raise KeyboardInterrupt
    monkeypatch.setattr('cnn_notes.spreadsheet.open', Torn, raising=False)
    with pytest.raises(KeyboardInterrupt): write_workbook(path, net(), image)
    assert os.listdir(tmp_path) == ['n.xlsx'] and path.read_bytes() == before

def test_where_it_cannot_be_written(tmp_path):
    (tmp_path/'file').write_text('')
    (tmp_path/'folder.xlsx').mkdir()
    for path in (tmp_path/'no'/'n.xlsx', tmp_path/'file'/'n.xlsx', tmp_path/'folder.xlsx'):
        with pytest.raises(OSError, match='write_workbook: cannot write'): write_workbook(path, net(), image)
    assert sorted(os.listdir(tmp_path)) == ['file', 'folder.xlsx']

def test_links_and_permissions_stay(tmp_path):
    (tmp_path/'real').mkdir()
    link = tmp_path/'n.xlsx'
    link.symlink_to(tmp_path/'real'/'m.xlsx')
    assert write_workbook(str(link), net(), image) == link and link.is_symlink() and load_workbook(tmp_path/'real'/'m.xlsx')
    umask = os.umask(0o022)
    os.umask(umask)
    assert (tmp_path/'real'/'m.xlsx').stat().st_mode & 0o777 == 0o666 & ~umask

# -- what is refused

class Branch(nn.Module):
    def __init__(self): super().__init__(); self.a,self.b = C(1, 2, 3),C(1, 2, 3)
    def forward(self, x): return self.a(x) + self.b(x)
class Bare(nn.Module):
    def __init__(self): super().__init__(); self.w = nn.Parameter(torch.rand(2, 1, 3, 3))
    def forward(self, x): return F.conv2d(x, self.w)
class Standardized(nn.Conv2d):
    def forward(self, x): return self._conv_forward(x, self.weight - self.weight.mean(), self.bias)
class Other(nn.Module):
    def __init__(self, f): super().__init__(); self.c,self.d,self.f = C(1, 2, 3),C(2, 2, 3),f
    def forward(self, x): return self.d(self.f(self.c(x)))
def broken(value):
    model = net()
    with torch.no_grad(): model[2].weight[0, 0, 0, 0] = value
    return model

@pytest.mark.parametrize('model, said', [
    (seq(nn.Flatten(), nn.Linear(64, 2)), 'Sequential has no convolution'),
    (seq(C(1, 2, 3), nn.GELU(), C(2, 2, 3)), r"layer '1' is an activation function \(GELU\) other than ReLU"),
    (seq(C(1, 2, 3), C(2, 2, 3), nn.Tanh()), r"layer '2' is an activation function \(Tanh\)"),
    (seq(C(1, 2, 3), nn.GroupNorm(1, 2), C(2, 2, 3)), r'GroupNorm\) other than nn.BatchNorm2d'),
    (seq(C(1, 2, 3), B(2, track_running_stats=False)), 'track_running_stats=True'),
    (seq(C(1, 2, 3), B(2), B(2)), "layer '2' is a second normalization"),
    (seq(B(1), C(1, 2, 3)), "layer '0' comes before the first convolution"),
    (seq(nn.ZeroPad2d(1), C(1, 2, 3)), r"layer '0' \(pad\) has no formula"),
    (seq(C(1, 2, 3, padding=1, padding_mode='reflect')), r'\(pad\) has no formula'),
    (seq(C(1, 2, 3), nn.MaxPool2d(3, 2, 1), C(2, 2, 1)), "layer '1' pools with more than a size and a stride"),
    (seq(C(1, 2, 3), nn.AvgPool2d(2, divisor_override=3), C(2, 2, 1)), "layer '1' pools with more"),
    (seq(C(1, 2, 3), nn.AdaptiveAvgPool2d(4), C(2, 2, 1)), r"layer '1' \(adaptive_pool\) has no formula"),
    (seq(C(1, 2, 3), nn.Upsample(scale_factor=2), C(2, 2, 1)), r"layer '1' \(upsample\) has no formula"),
    (Branch(), "layer 'b' is fed by the image, not by the layer before it alone"),
    (Bare(), 'is a convolution in a Bare, so where its weights are is not known'),
    (seq(Standardized(1, 2, 3)), 'is a convolution in a Standardized'),
    (Other(lambda x: F.leaky_relu(x)), "layer 'leaky_relu' is an activation function"),
    (Other(lambda x: F.dropout(x)), "layer 'dropout' is a dropout that may stay active"),
    (Other(lambda x: x*2), r"layer 'mul' \(mul\) has no formula"),
    (Other(lambda x: F.avg_pool2d(x, 2)), "'avg_pool2d' pools with more"),
    (broken(math.nan), "the weight of '2' holds NaN"), (broken(math.inf), "the weight of '2' holds NaN or infinity"),
    (net().to('meta'), "the weight of '0' has a shape but no values"),
    (seq(C(1, 400, 1), C(400, 1, 8)), r"layer '1' would read 400 kernels of 64 weights in 1\d,\d{3} characters, and Excel takes 8,192"),
    (seq(C(1, 80, 1), C(80, 1, 3, dilation=2)), "layer '1' would read 80 kernels of 9 weights"),
    (seq(C(1, 200, 1), C(200, 10, 8)), "up to layer '1' the sheet has 141,\\d{3} cells, and 100,000 can be written"),
    (nn.Conv2d(1, 2, 9), 'does not run on an input of shape'),
    (nn.Conv2d(3, 2, 3), 'does not run on an input of shape'),
    (seq(nn.Conv1d(8, 8, 3)), 'conv1d|does not run')], ids=str)
def test_models_that_have_no_formulas(tmp_path, model, said):
    with pytest.raises(ValueError, match=said): write_workbook(tmp_path/'n.xlsx', model, image)
    assert os.listdir(tmp_path) == []

@pytest.mark.parametrize('x, kw, said', [
    (torch.rand(2, 1, 8, 8), {}, r'image is .*\(2, 1, 8, 8\)'), (torch.rand(8), {}, r'image is .*\(8,\)'), (torch.rand(0, 8), {}, r'image is .*\(0, 8\)'),
    ((image*255).byte(), {}, 'image is torch.uint8'), (image.int(), {}, 'image is torch.int32'),
    (image*math.nan, {}, 'image holds NaN'), (image, dict(mean=1), 'mean is given without std'), (image, dict(std=1), 'std is given without mean'),
    (image, dict(mean=1, std=0), r'std is \[0'), (image, dict(mean=[1, 2], std=1), 'mean has 2 numbers'), (image, dict(mean=math.nan, std=1), 'mean is nan'),
    (image, dict(highlight=(2, 0, 0)), r'highlight is \(2, 0, 0\); conv2 has'), (image, dict(highlight=(0, -1, 0)), 'highlight'), (image, dict(highlight=(0, 0)), 'highlight'),
    (torch.rand(600, 600), {}, r'cells, and 100,000 can be written')], ids=str)
def test_images_and_options_that_are_refused(tmp_path, x, kw, said):
    with pytest.raises(ValueError, match=said): write_workbook(tmp_path/'n.xlsx', net(), x, **kw)
    assert os.listdir(tmp_path) == []

@pytest.mark.parametrize('path', ['n.xls', 'n', 'n.xlsm', 'n.csv', ''])
def test_names_that_are_no_workbooks(path):
    with pytest.raises((TypeError, ValueError), match='write_workbook: path.*ends in `?.xlsx'): write_workbook(path, net(), image)

def test_not_a_module(tmp_path):
    with pytest.raises(TypeError, match='write_workbook: model is the function'): write_workbook(tmp_path/'n.xlsx', lambda x: x, image)
    with pytest.raises(TypeError, match='image is None'): write_workbook(tmp_path/'n.xlsx', net(), None)

def test_it_costs_no_fastai():
    code = "import sys, cnn_notes.spreadsheet; sys.exit('fastai' in sys.modules)"
    assert subprocess.run([sys.executable, '-c', code], timeout=120).returncode == 0

# -- Excel's limits, in the file itself

def limits_kept(path):
    "What Excel refuses to open, looked for in the file's own XML: rows, columns, lengths, arguments, nesting, names of sheets, styles"
    main = '{http://schemas.openxmlformats.org/spreadsheetml/2006/main}'
    with zipfile.ZipFile(path) as z: parts = {n: z.read(n) for n in z.namelist()}
    n_formulas = 0
    for name in (n for n in parts if 'worksheets/' in n):
        root = ElementTree.fromstring(parts[name])
        for c in root.iter(f'{main}c'):
            _,_,column,row = range_boundaries(c.get('r'))
            assert column <= 16_384 and row <= 1_048_576
        texts = [f.text for f in root.iter(f'{main}f')] + [f.text for f in root.iter(f'{main}formula')]
        n_formulas += len(texts)
        for text in texts:
            assert len(text) <= 8_191 # and the sign =
            counts,deepest = [],0
            for o in re.sub('"[^"]*"', '', text): # brackets, outside of texts
                if o == '(': counts.append(1); deepest = max(deepest, len(counts))
                elif o == ')': assert counts.pop() <= 255
                elif o == ',' and counts: counts[-1] += 1
            assert deepest <= 64
    assert all(len(t.text or '') <= 32_767 for n,xml in parts.items() if n.endswith('.xml') for t in ElementTree.fromstring(xml).iter(f'{main}t'))
    sheets = [s.get('name') for s in ElementTree.fromstring(parts['xl/workbook.xml']).iter(f'{main}sheet')]
    assert all(0 < len(o) <= 31 and not set(o) & set(r'[]:*?/\\') for o in sheets)
    assert len(ElementTree.fromstring(parts['xl/styles.xml']).find(f'{main}cellXfs')) <= 65_490
    return n_formulas

@pytest.mark.parametrize('model, shape', [
    (lambda: seq(C(2, 600, 3, groups=2)), (2, 3, 3)), # 300 filters read a channel
    (lambda: seq(C(2, 4, 1, groups=2), nn.MaxPool2d(1), C(4, 1200, 1, groups=4)), (2, 1, 1)),
    (lambda: seq(C(1, 200, 1), C(200, 1, 1)), (1, 2, 2)), # a formula of 200 products
    (lambda: seq(C(1, 300, 1), C(300, 1, 1, groups=1)), (1, 1, 1)),
    (lambda: seq(C(1, 1, (1, 3))), (1, 1, 8000)), # a wide image
    (lambda: seq(C(1, 1, (3, 1))), (1, 8000, 1)), # a high one
    (lambda: seq(C(1, 900, 3)), (1, 3, 3)), # as many filters as would be too wide side by side
    (lambda: seq(C(1, 1, 1), *[R()]*70), (1, 2, 2))]) # ReLU of ReLU of ReLU
def test_excels_limits_are_kept(tmp_path, model, shape):
    path = write_workbook(tmp_path/'n.xlsx', model(), torch.rand(shape))
    assert limits_kept(path) > 0 and load_workbook(path)

@pytest.mark.parametrize('model, shape, said', [
    (lambda: seq(C(1, 1, (1, 3))), (1, 1, 16_500), r"layer '0' the sheet needs 33,\d{3} columns, and Excel has 16,384; give a smaller image"),
    (lambda: seq(C(1, 1, (1, 3))), (1, 1, 8200), r'the sheet needs 16,4\d\d columns, and Excel has 16,384'),
    (lambda: seq(C(1, 900, 1), C(900, 1, 1)), (1, 1, 1), r"layer '1' would read 900 kernels of 1 weights in 1\d,\d{3} characters, and Excel takes 8,192"),
    (lambda: seq(C(1, 16, 3), R(), C(16, 512, 3)), (1, 28, 28), r"up to layer '2' the sheet has \d+,\d{3},\d{3} windows to read, and 200,000 can be written; give a smaller image, or a model with fewer filters")])
def test_what_exceeds_them_is_refused_before_anything_is_written(tmp_path, model, shape, said):
    path = tmp_path/'n.xlsx'
    path.write_bytes(b'what was there')
    with pytest.raises(ValueError, match=said): write_workbook(path, model(), torch.rand(shape))
    assert os.listdir(tmp_path) == ['n.xlsx'] and path.read_bytes() == b'what was there'

def test_two_convolutions_on_32_by_32_are_written(tmp_path):
    path = write_workbook(tmp_path/'n.xlsx', seq(C(3, 8, 3, padding=1), R(), C(8, 16, 3, 2, 1)), torch.rand(3, 32, 32))
    assert limits_kept(path) > 8*32*32 + 16*16*16 and path.stat().st_size < 3_000_000

@pytest.mark.parametrize('groups, chosen', [((1, 2, 4), 5), ((2, 1, 2), 0), ((2, 4, 4), 7)])
def test_switches_know_the_filters_that_read_a_channel(libreoffice, tmp_path, groups, chosen):
    "Which channels an output depends on, through groups and pooling: the gradient decides"
    a,_,b = groups
    model = seq(C(4, 8, 1, groups=a), nn.MaxPool2d(1), C(8, 8, 1, groups=b))
    path = write_workbook(tmp_path/'n.xlsx', model, torch.rand(4, 1, 1))
    sheet,names = load_workbook(path)['Network'],names_of(path)
    def switch(box): # two above and one beside the first number: the corner of the marks
        left,top,_,_ = range_boundaries(box)
        return sheet.cell(top-1, left-1).coordinate
    parts = [(k, c) for k,n in (('input', 4), ('conv1_output', 8), ('conv2_output', 8)) for c in range(n)]
    lines = libreoffice(f'open|{uri(path)}', f'set|pick_filter|0|0|{chosen}', *[f"string|Network|{switch(names[f'{k}_{c}'])}" for k,c in parts], 'close')
    got = {part: line.split(',', 1)[1] != '' for part,line in zip(parts, lines[2:])}
    x = torch.ones(1, 4, 1, 1, requires_grad=True)
    y = F.conv2d(x, torch.ones_like(model[0].weight), groups=a)
    grads = torch.autograd.grad(F.conv2d(y, torch.ones_like(model[2].weight), groups=b)[0, chosen, 0, 0], (x, y))
    want = {('input', c): bool(g) for c,g in enumerate(grads[0].flatten())} | {('conv1_output', c): bool(g) for c,g in enumerate(grads[1].flatten())}
    assert got == want | {('conv2_output', c): c == chosen for c in range(8)}

# -- what is shown

def test_nothing_shows_minus_zero(tmp_path):
    "The text of each cell as LibreOffice shows it"
    soffice = shutil.which('soffice') or pytest.fail('LibreOffice is not installed')
    conv = C(1, 2, 3, padding=1)
    with torch.no_grad(): conv.weight.fill_(-1e-4); conv.weight[1] = 300; conv.bias[:] = torch.tensor([-.001, -2000.4])
    x = torch.full((1, 4, 4), .3); x[0, 0, 0] = -.0; x[0, 1, 1] = -.0049
    write_workbook(tmp_path/'n.xlsx', seq(conv, C(2, 1, 1, bias=False)), x)
    book = load_workbook(tmp_path/'n.xlsx')
    book.move_sheet('Network', -1) # only the first sheet is converted
    del book['Read me']
    book.save(tmp_path/'one.xlsx')
    subprocess.run([soffice, f"-env:UserInstallation={(tmp_path/'profile').as_uri()}", '--headless', '--convert-to', 'html', '--outdir', str(tmp_path), str(tmp_path/'one.xlsx')], capture_output=True, timeout=300)
    shown = re.findall(r'>\s*(-?\d+\.?\d*)\s*<', (tmp_path/'one.html').read_text())
    assert len(shown) > 60 and any(o.startswith('-') for o in shown)
    assert not [o for o in shown if o.startswith('-') and float(o) == 0]

def test_padding_is_counted_in_one_way(libreoffice, tmp_path):
    "What the sheet says that an output sees is what the gradient reaches, and padding is named, not counted"
    torch.manual_seed(0)
    model = simple_cnn(first_ks=3)
    path = write_workbook(tmp_path/'n.xlsx', model, torch.rand(28, 28), mean=0, std=1, highlight=(0, 0, 0))
    cells = [c.coordinate for c in load_workbook(path)['Network'][3] if 'the highlighted output' in str(c.value)]
    stored = [load_workbook(path, data_only=True)['Network'][o].value for o in cells]
    picks = ((0, 0), (3, 3), (0, 6))
    commands = [f'open|{uri(path)}']
    for i,j in picks: commands += [f'set|pick_row|0|0|{i}', f'set|pick_column|0|0|{j}', *[f'string|Network|{o}' for o in cells]]
    lines = iter(libreoffice(*commands, 'close')[1:])
    for k,(i,j) in enumerate(picks):
        next(lines); next(lines)
        said = [next(lines).split(',', 1)[1] for _ in cells]
        want = reached(model, (1, 28, 28), (0, i, j))
        for text,part in zip(said, ('image', 'conv1')):
            g = want[part][0]
            rows,cols = int(g.any(1).sum()),int(g.any(0).sum())
            assert text.startswith(f'the highlighted output sees {rows} x {cols} of each channel'), text
            assert text.endswith('and padding') == ((i, j) != (3, 3)), text
        if k == 0: assert said == stored
    readme = ' '.join(str(c.value) for row in load_workbook(path)['Read me'] for c in row if c.value)
    assert '2 x 2 of conv1, then 4 x 4 of input, then 4 x 4 of pixels' in readme

# -- the panel that adds up the highlighted activation, and the picture

@pytest.mark.parametrize('name', ['stride', 'dilation', 'norm_first', 'rectangles', 'one', 'same'])
def test_the_highlighted_activation_is_added_up(libreoffice, tmp_path, name):
    "Channel by channel, for several outputs, as PyTorch does"
    model,stages,x = write(name, tmp_path/'n.xlsx')
    out,names = stages(x)[last(name)],names_of(tmp_path/'n.xlsx')
    convs = [m for m in model if isinstance(m, nn.Conv2d)]
    picks = [(0, 0, 0), tuple(n-1 for n in out.shape), (0, out.shape[1]//2, out.shape[2]//2)]
    channels = [k for k in names if re.fullmatch(r'added_\d+', k)]
    if name == 'one': return # ends with a pooling
    assert len(channels) == convs[-1].in_channels
    commands = [f"open|{uri(tmp_path/'n.xlsx')}"]
    for pick in picks:
        commands += [f'set|pick_{k}|0|0|{v}' for k,v in zip(('filter', 'row', 'column'), pick)]
        commands += [f'values|{k}' for k in (*channels, 'added_sum', *(['added_after'] if 'added_after' in names else []))]
    lines = iter(libreoffice(*commands, 'close')[1:])
    stored = {k: load_workbook(tmp_path/'n.xlsx', data_only=True)['Network'][names[k]].value for k in (*channels, 'added_sum')}
    assert stored['added_sum'] == pytest.approx(sum(stored[k] for k in channels) + (convs[-1].bias[default_pick(tmp_path/'n.xlsx')[0]].item()
        if convs[-1].bias is not None else 0), abs=1e-4)
    for pick in picks:
        for _ in range(3): next(lines)
        parts = [table(next(lines)).item() for _ in channels]
        bias = convs[-1].bias[pick[0]].item() if convs[-1].bias is not None else 0
        total = table(next(lines)).item()
        assert total == pytest.approx(sum(parts) + bias, abs=1e-6)
        if 'added_after' in names: total = table(next(lines)).item()
        assert total == pytest.approx(out[pick].item(), abs=1e-4)

def default_pick(path):
    book = load_workbook(path)
    return [book['Network'][book.defined_names[f'pick_{k}'].attr_text.split('!')[1]].value for k in ('filter', 'row', 'column')]

def test_a_small_network_fits_a_laptops_screen(tmp_path):
    "1366 x 768: widths and heights in pixels at the zoom of the sheet, and numbers that can be read"
    path = write_workbook(tmp_path/'n.xlsx', seq(C(1, 2, 3, 2, 1), R(), C(2, 2, 3, 2, 1), R()), torch.rand(14, 14))
    sheet = load_workbook(path)['Network']
    zoom = sheet.sheet_view.zoomScale/100
    bottom,right = (max(o) for o in zip(*((c.row, c.column) for row in sheet for c in row if c.value is not None)))
    width = sum(8*sheet.column_dimensions[sheet.cell(1, k).column_letter].width for k in range(1, right+1))*zoom
    height = sum(4/3*sheet.row_dimensions[k].height for k in range(1, bottom+1))*zoom
    assert width < 1366-40 and height < 768-250 and zoom >= .8
    assert sheet[names_of(path)['pick_row']].row == 1 and sheet[names_of(path)['pick_column']].column <= 18 # above the image

def test_a_picture_of_the_workbook(tmp_path):
    from cnn_notes.spreadsheet import draw_workbook
    write('norm_first', tmp_path/'n.xlsx')
    ax = draw_workbook(tmp_path/'n.xlsx')
    texts = [t.get_text() for t in ax.texts]
    assert 'filter 0' in texts and 'gamma' in texts and ax.figure.get_size_inches()[0] == pytest.approx(13.66)
    sheet = load_workbook(tmp_path/'n.xlsx', data_only=True)['Network']
    assert len(texts) == sum(c.value not in (None, '') for row in sheet for c in row)
    seen = [len(o) for o in re.findall(r'\d+ x \d+', ' '.join(texts))]
    assert seen and any(len(c.get_paths()) > 9 for c in ax.collections) # what the highlight outlines

def test_the_picture_has_the_colors_of_the_rules(tmp_path):
    "The title of the chosen filter in the accent, and the marks of the others pale, as a spreadsheet shows them"
    from cnn_notes.spreadsheet import draw_workbook
    model = seq(C(1, 2, 3), R(), C(2, 2, 3), R())
    for chosen in (0, 1):
        ax = draw_workbook(write_workbook(tmp_path/'n.xlsx', model, torch.rand(9, 9), highlight=(chosen, 1, 2)), first=2)
        colors = {k: {t.get_color() for t in ax.texts if t.get_text() == k} for k in ('filter 0', 'filter 1')}
        assert colors[f'filter {chosen}'] == {'#AD0F39'} != colors[f'filter {1-chosen}']
        for mark in '▶▼':
            high,low = sorted((t for t in ax.texts if t.get_text() == mark), key=lambda t: t.get_position()[1])
            assert (high.get_color() == '#C9CED6', low.get_color() == '#C9CED6') == (chosen == 1, chosen == 0)

def test_a_picture_of_a_part_of_the_workbook(tmp_path):
    "The parts have the scale of the whole, hold what the whole holds, and no cell is in two of them"
    from cnn_notes.spreadsheet import draw_workbook
    write('norm_first', tmp_path/'n.xlsx')
    def drawn(*stages):
        ax = draw_workbook(tmp_path/'n.xlsx', *stages)
        return ax.figure.get_size_inches(),sorted((t.get_position(), t.get_text(), t.get_fontsize()) for t in ax.texts)
    sheet = load_workbook(tmp_path/'n.xlsx')['Network']
    n = sum(c.value is not None for c in sheet[2])
    size,whole = drawn()
    parts = [drawn(k, k) for k in range(n)]
    assert n > 2 and sum(s[0] for s,_ in parts) == pytest.approx(size[0]) and all(s[1] == size[1] for s,_ in parts)
    assert sorted(t for _,texts in parts for t in texts) == whole and all(texts for _,texts in parts)
    assert drawn(0, n-1)[1] == whole and drawn(1)[1] == sorted(t for _,texts in parts[1:] for t in texts)
    for stages in ((n,), (0, n), (2, 1)):
        with pytest.raises(ValueError, match=f'draw_workbook: first is {stages[0]} and last .*from 0 to {n-1}'): drawn(*stages)

# -- a trace in place of a model, and what users of such tools bring

def test_a_trace_is_as_good_as_a_model(tmp_path):
    calls = []
    model = net()
    whole = trace(model, (1, 8, 8))
    model[0].register_forward_pre_hook(lambda *_: calls.append(1))
    a,b = write_workbook(tmp_path/'a.xlsx', whole, image),tmp_path/'b.xlsx'
    assert not calls # the model did not run again
    write_workbook(b, model, image)
    def contents(path): return [(c.coordinate, c.value) for sheet in load_workbook(path) for row in sheet for c in row]
    assert contents(a) == contents(b)
    with pytest.raises(ValueError, match='write_workbook: .*8, 8'): write_workbook(a, whole, torch.rand(9, 9))

@pytest.mark.parametrize('model, shape', [
    (lambda: seq(C(1, 1, 1, bias=False)), (1, 1, 1)), (lambda: seq(C(1, 2, 2), R(), C(2, 1, 4, padding=3)), (1, 5, 4)),
    (lambda: seq(C(1, 2, 3, padding=(0, 2)), C(2, 1, (2, 1), padding='same')), (1, 5, 5)), (lambda: seq(C(2, 4, 3, groups=2, dilation=(1, 2), padding=(2, 1)), R()), (2, 6, 6)),
    (lambda: seq(C(1, 2, 3, stride=5), B(2), R()), (1, 9, 9))])
@pytest.mark.parametrize('dtype', [torch.float32, torch.float16, torch.bfloat16, torch.float64])
def test_shapes_and_types(tmp_path, model, shape, dtype):
    torch.manual_seed(0)
    model = model().to(dtype).eval()
    x = torch.rand(shape).to(dtype)
    path = write_workbook(tmp_path/'n.xlsx', model, x)
    book,stored = load_workbook(path),load_workbook(path, data_only=True)['Network']
    with torch.no_grad(): want = model.double()(x.double()[None])[0]
    name = max(k for k in book.defined_names if re.match(r'conv\d_output_0', k))[:-1]
    for c,o in enumerate(want):
        cells = stored[book.defined_names[f'{name}{c}'].attr_text.split('!')[1]]
        got = np.array([[v.value for v in row] for row in cells]) if isinstance(cells, tuple) else np.array([[cells.value]])
        close(got.astype(float), o)

def test_numbers_that_no_cell_holds(tmp_path):
    def scaled(k, v=1.):
        model = seq(C(1, 1, 1), B(1), C(1, 1, 1)).double()
        with torch.no_grad(): model[0].weight.fill_(k); model[2].weight.fill_(k)
        model[1].running_var.fill_(v)
        return model
    x = torch.rand(1, 2, 2, dtype=torch.float64)+1
    assert limits_kept(write_workbook(tmp_path/'a.xlsx', scaled(1e100), x))
    for model in (scaled(1e200), scaled(1., -1.)):
        with pytest.raises(ValueError, match="layer '[02]' gives a number beyond 1e308, or none at all"): write_workbook(tmp_path/'b.xlsx', model, x)
    assert os.listdir(tmp_path) == ['a.xlsx']

def test_home_and_capitals(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    assert write_workbook('~/N.XLSX', net(), image) == tmp_path/'N.XLSX' and load_workbook(tmp_path/'N.XLSX')

def test_writing_a_workbook_reads_the_weight_of_spectral_norm_without_changing_it(tmp_path):
    "In training, spectral norm takes another step whenever its weight is read"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Conv2d(1, 2, 3)), nn.ReLU()).train()
    before = {k: v.clone() for k,v in model.state_dict().items()}
    write_workbook(tmp_path/'a.xlsx', model, torch.rand(6, 6))
    assert all(torch.equal(v, before[k]) for k,v in model.state_dict().items())
    assert all(m.training for m in model.modules())
