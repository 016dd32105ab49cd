"The exercises of 08_trace_precedents"
import re
import numpy as np
import torch
from cnn_notes.answers import seen
from cnn_notes.exercises import Exercise, Mistake
from cnn_notes.geometry import Window

class RangeOf(Exercise):
    id,title,name = '08.1','A window is a range','range_of'
    statement = '''Write `range_of(w, i, j, top, left)`, which returns the range of cells that output
                   (i, j) of the `Window` `w` sees, as text such as `'B5:D7'`. Row 0 of the image is in
                   the sheet's row `top`, and its column 0 in the sheet's column `left`, both counted from
                   1. `w.inputs(i, j)` gives the rows and the columns of the image that the output sees,
                   and `get_column_letter(28)` is `'AB'`.'''
    setup = 'from openpyxl.utils import get_column_letter'
    stub = 'def range_of(w, i, j, top, left): ...'
    hints = ('Start with the first cell. In which row and in which column of the sheet is the upper left '
             'pixel of the window?',
             'Row r of the image is in row top + r of the sheet. Columns work the same way, and then become '
             'letters.',
             'A range names its first and its last cell, column before row. The last row that the output '
             'sees is rows[-1].')
    solution_code = '''
def range_of(w, i, j, top, left):
    rows,cols = w.inputs(i, j)
    first,last = get_column_letter(left + cols[0]),get_column_letter(left + cols[-1])
    return f'{first}{top + rows[0]}:{last}{top + rows[-1]}\''''
    mistakes = {
        'A range names its last cell, not the one after it. This one is a row and a column too large.':
            Mistake("""
def range_of(w, i, j, top, left):
    rows,cols = w.inputs(i, j)
    first,last = get_column_letter(left + cols[0]),get_column_letter(left + cols[-1] + 1)
    return f'{first}{top + rows[0]}:{last}{top + rows[-1] + 1}'"""),
        'Rows and columns are swapped: letters count columns, and numbers count rows.': Mistake("""
def range_of(w, i, j, top, left):
    rows,cols = w.inputs(i, j)
    first,last = get_column_letter(top + rows[0]),get_column_letter(top + rows[-1])
    return f'{first}{left + cols[0]}:{last}{left + cols[-1]}'""", seen.row_column),
        'The position of the image on the sheet is missing. This is right only where its corner is A1.':
            Mistake("""
def range_of(w, i, j, top, left):
    rows,cols = w.inputs(i, j)
    first,last = get_column_letter(max(1, 1 + cols[0])),get_column_letter(1 + cols[-1])
    return f'{first}{1 + rows[0]}:{last}{1 + rows[-1]}'""", seen.range_from_a1),
        'Row 0 is in row top itself. This is one row and one column too far.': Mistake("""
def range_of(w, i, j, top, left):
    rows,cols = w.inputs(i, j)
    first,last = get_column_letter(left + cols[0] + 1),get_column_letter(left + cols[-1] + 1)
    return f'{first}{top + rows[0] + 1}:{last}{top + rows[-1] + 1}'""", seen.from_zero),
        'After Z comes AA, and adding to the code of a letter does not know that.': Mistake("""
def range_of(w, i, j, top, left):
    rows,cols = w.inputs(i, j)
    first,last = chr(64 + left + cols[0]),chr(64 + left + cols[-1])
    return f'{first}{top + rows[0]}:{last}{top + rows[-1]}'""", seen.letters),
        'This range does not know of the padding: the window begins that many rows and columns earlier.':
            Mistake("""
def range_of(w, i, j, top, left):
    r,c = top + i*w.stride[0],left + j*w.stride[1]
    return f'{get_column_letter(c)}{r}:{get_column_letter(c + w.ks[1] - 1)}{r + w.ks[0] - 1}'""",
            seen.offset_of_padding),
        'The stride is missing: from one output to the next, the window moves by as many cells as that.':
            Mistake("""
def range_of(w, i, j, top, left):
    r,c = top + i - w.padding[0][0],left + j - w.padding[1][0]
    return f'{get_column_letter(c)}{r}:{get_column_letter(c + w.ks[1] - 1)}{r + w.ks[0] - 1}'""",
            seen.no_stride),
    }
    def cases(self):
        return [(Window(3), 0, 0, 1, 1), (Window(3, stride=2, padding=1), 0, 0, 5, 5),
                (Window((2, 4), stride=(3, 1)), 2, 1, 8, 25), (Window(5, 2, 2), 3, 6, 40, 100)]
    passed = 'these are the ranges that the workbook uses'

class Dependents(Exercise):
    id,title,name = '08.2','Trace dependents','dependents'
    statement = '''Go the other way around. `windows` are the `Window`s of the layers, from first to last,
                   and `sizes` says how many rows each layer gives. Write `dependents(r, windows, sizes)`,
                   which returns the set of the rows of the last layer's output that depend on row `r` of
                   the image.'''
    stub = 'def dependents(r, windows, sizes): ...'
    hints = ('Take one layer first. An output row o depends on r if r is among the rows that o sees.',
             'The rows that output row o sees are w.inputs(o, 0)[0]. Try every o from 0 to n - 1.',
             'Keep a set of rows, at first only r. Each layer turns it into the set of those rows that see '
             'at least one of them.')
    solution_code = '''
def dependents(r, windows, sizes):
    rows = {r}
    for w,n in zip(windows, sizes): rows = {o for o in range(n) if rows & set(w.inputs(o, 0)[0])}
    return rows'''
    mistakes = {
        'These are the dependents in the first layer. Go on from there to the last one.': Mistake('''
def dependents(r, windows, sizes):
    return {o for o in range(sizes[0]) if r in windows[0].inputs(o, 0)[0]}''', seen.direct_dependents),
        'These are precedents: the rows that output row r sees. Dependents lie in the other direction.':
            Mistake('''
def dependents(r, windows, sizes):
    rows = {r}
    for w in reversed(windows): rows = {k for o in rows for k in w.inputs(o, 0)[0]}
    return rows''', seen.other_direction),
        'The layers are taken from last to first. Row r is a row of the image, so begin with the first.':
            Mistake('''
def dependents(r, windows, sizes):
    rows = {r}
    for w,n in zip(windows[::-1], sizes[::-1]):
        rows = {o for o in range(n) if rows & set(w.inputs(o, 0)[0])}
    return rows''', seen.doubled_field),
        'This divides by the strides, which finds one row only. Windows overlap, so several may see row r.':
            Mistake('''
def dependents(r, windows, sizes):
    for w in windows: r = r//w.stride[0]
    return {r}''', seen.one_of_several),
        'Some of these rows do not exist: a layer gives no more rows than its size.': Mistake('''
def dependents(r, windows, sizes):
    rows = {r}
    for w in windows: rows = {o for o in range(max(rows) + 3) if rows & set(w.inputs(o, 0)[0])}
    return rows''', seen.beyond_the_output),
        'This asks whether an output sees all of the rows found so far. Seeing one of them is enough.':
            Mistake('''
def dependents(r, windows, sizes):
    rows = {r}
    for w,n in zip(windows, sizes): rows = {o for o in range(n) if rows <= set(w.inputs(o, 0)[0])}
    return rows'''),
        'This looks at the first and the last row of each window only. The rows between them count, too.':
            Mistake('''
def dependents(r, windows, sizes):
    rows = {r}
    for w,n in zip(windows, sizes):
        reads = [w.inputs(o, 0)[0] for o in range(n)]
        rows = {o for o in range(n) if rows & {reads[o][0], reads[o][-1]}}
    return rows''', seen.ends_of_a_range),
    }
    def cases(self):
        nets = (([Window(3, 2, 1), Window(3, 2, 1)], 28), ([Window(3)], 9),
                ([Window(5, 2, 2), Window(3, 1, 1), Window(2, 2)], 20),
                ([Window(3, dilation=2), Window(1, stride=2)], 14))
        res = []
        for windows,size in nets:
            sizes = []
            for w in windows: sizes.append(w.out_size((sizes or [size])[-1]))
            res += [(r, windows, sizes) for r in range(size)]
        return res
    passed = 'these are the rows that the gradient finds'

_cell = re.compile(r'(\$?)([A-Z]+)(\$?)(\d+)')

def _column(letters):
    number = 0
    for c in letters: number = 26*number + ord(c) - 64
    return number

def _moved(text, down, right):
    "A formula after it has been copied to another cell: what has no dollar sign moves (columns up to Z)"
    def move(match):
        fixed_column,letters,fixed_row,row = match.groups()
        column = letters if fixed_column else chr(64 + _column(letters) + right)
        return f'{fixed_column}{column}{fixed_row}{row if fixed_row else int(row) + down}'
    return _cell.sub(move, text)

def _value(text, cells):
    "What a formula of sums, products, SUMPRODUCT, and MAX gives on a sheet of numbers"
    def part(match):
        ends = [(int(row) - 1, _column(letters) - 1) for _,letters,_,row in _cell.findall(match[0])]
        (top,left),(bottom,right) = ends[0],ends[-1]
        return f'cells[{top}:{bottom + 1},{left}:{right + 1}]' if len(ends) > 1 else f'cells[{top},{left}]'
    code = re.sub(rf'{_cell.pattern}(:{_cell.pattern})?', part, text.removeprefix('='))
    def product(*ranges): return float(np.prod(ranges, 0).sum())
    return float(eval(code, {'__builtins__': {}}, dict(cells=cells, SUMPRODUCT=product, MAX=max, SUM=np.sum)))

class OneFormula(Exercise):
    id,title,name = '08.3','One activation, one formula','formula'
    statement = '''Write `formula(kernels, ranges, bias)`, which returns the formula of one activation as
                   text: convolution over several channels, bias, and ReLU. `kernels` and `ranges` are
                   lists with one range for each input channel, such as `'H1:J3'` and `'A1:C3'`, and
                   `bias` is a cell, such as `'L1'`. When the formula is copied to another cell, the
                   ranges of the inputs have to move with it, and the kernels and the bias have to stay.
                   A dollar sign in front of a letter or a number keeps it: `$H$1:$J$3`.'''
    setup = 'import re'
    stub = 'def formula(kernels, ranges, bias): ...'
    hints = ('What does a spreadsheet need at the beginning of a cell to take it for a formula?',
             'One SUMPRODUCT for each channel. Their sum gets the bias, once, and then ReLU: MAX(0, ...).',
             "A dollar sign goes in front of each letter and number: "
             "re.sub(r'([A-Z]+|[0-9]+)', r'$\\1', ref) puts it there.")
    solution_code = r'''
def formula(kernels, ranges, bias):
    def fixed(ref): return re.sub(r'([A-Z]+|[0-9]+)', r'$\1', ref)
    sums = [f'SUMPRODUCT({fixed(k)},{r})' for k,r in zip(kernels, ranges)]
    return f"=MAX(0,{'+'.join(sums)}+{fixed(bias)})"'''
    mistakes = {
        'The sign = is missing, so a spreadsheet takes this for a text.': Mistake(r'''
def formula(kernels, ranges, bias):
    def fixed(ref): return re.sub(r'([A-Z]+|[0-9]+)', r'$\1', ref)
    sums = [f'SUMPRODUCT({fixed(k)},{r})' for k,r in zip(kernels, ranges)]
    return f"MAX(0,{'+'.join(sums)}+{fixed(bias)})"''', seen.missing_equals),
        'There are no dollar signs: when the formula is copied, the kernels and the bias move, too.':
            Mistake('''
def formula(kernels, ranges, bias):
    sums = [f'SUMPRODUCT({k},{r})' for k,r in zip(kernels, ranges)]
    return f"=MAX(0,{'+'.join(sums)}+{bias})"''', seen.dollar),
        'Everything has dollar signs, so every copy of the formula reads the same inputs.': Mistake(r'''
def formula(kernels, ranges, bias):
    def fixed(ref): return re.sub(r'([A-Z]+|[0-9]+)', r'$\1', ref)
    sums = [f'SUMPRODUCT({fixed(k)},{fixed(r)})' for k,r in zip(kernels, ranges)]
    return f"=MAX(0,{'+'.join(sums)}+{fixed(bias)})"'''),
        'The bias is added once for each channel. A filter has one bias.': Mistake(r'''
def formula(kernels, ranges, bias):
    def fixed(ref): return re.sub(r'([A-Z]+|[0-9]+)', r'$\1', ref)
    sums = [f'SUMPRODUCT({fixed(k)},{r})+{fixed(bias)}' for k,r in zip(kernels, ranges)]
    return f"=MAX(0,{'+'.join(sums)})"'''),
        'ReLU is taken of each channel. It comes after the sum over the channels and the bias.': Mistake(r'''
def formula(kernels, ranges, bias):
    def fixed(ref): return re.sub(r'([A-Z]+|[0-9]+)', r'$\1', ref)
    sums = [f'MAX(0,SUMPRODUCT({fixed(k)},{r}))' for k,r in zip(kernels, ranges)]
    return f"={'+'.join(sums)}+{fixed(bias)}"'''),
        'The bias is added after ReLU, so an activation can be negative.': Mistake(r'''
def formula(kernels, ranges, bias):
    def fixed(ref): return re.sub(r'([A-Z]+|[0-9]+)', r'$\1', ref)
    sums = [f'SUMPRODUCT({fixed(k)},{r})' for k,r in zip(kernels, ranges)]
    return f"=MAX(0,{'+'.join(sums)})+{fixed(bias)}"''', seen.bias_after_relu),
        'One SUMPRODUCT of all ranges multiplies the channels with each other. Their sums are added.':
            Mistake(r'''
def formula(kernels, ranges, bias):
    def fixed(ref): return re.sub(r'([A-Z]+|[0-9]+)', r'$\1', ref)
    both = [o for k,r in zip(kernels, ranges) for o in (fixed(k), r)]
    return f"=MAX(0,SUMPRODUCT({','.join(both)})+{fixed(bias)})"'''),
        'ReLU is missing: this is the convolution with its bias.': Mistake(r'''
def formula(kernels, ranges, bias):
    def fixed(ref): return re.sub(r'([A-Z]+|[0-9]+)', r'$\1', ref)
    sums = [f'SUMPRODUCT({fixed(k)},{r})' for k,r in zip(kernels, ranges)]
    return f"={'+'.join(sums)}+{fixed(bias)}"''', seen.conv_without_relu),
        'The bias is missing.': Mistake(r'''
def formula(kernels, ranges, bias):
    def fixed(ref): return re.sub(r'([A-Z]+|[0-9]+)', r'$\1', ref)
    sums = [f'SUMPRODUCT({fixed(k)},{r})' for k,r in zip(kernels, ranges)]
    return f"=MAX(0,{'+'.join(sums)})"''', seen.no_bias),
    }
    labels = ('whether it is a formula',
              *('its value', 'its value, copied one row down and two columns right')*6)
    def outputs(self, answer):
        "Its beginning, and its values on several sheets, here and after it is copied"
        kernels,ranges = ['H1:J3', 'H5:J7', 'H9:J11'],['A1:C3', 'A5:C7', 'A9:C11']
        res = []
        for count in (1, 2, 3):
            text = answer(kernels[:count], ranges[:count], 'L1')
            if not isinstance(text, str): return [text]
            res = res or [text[:1] == '=']
            for seed in (1, 6): res += self._values(text, seed)
        return res
    def _values(self, text, seed):
        generator = torch.Generator().manual_seed(seed)
        cells = torch.randint(-3, 5, (20, 20), generator=generator).double().numpy()
        cells[0, 11] = -1 - 3*(seed == 1) # the bias
        try: return [_value(o, cells) for o in (text, _moved(text, 1, 2))]
        except Exception: return [f'{text}, which no spreadsheet can read']*2
    passed = 'one sum of products for each channel, one bias, and a formula that can be copied'
