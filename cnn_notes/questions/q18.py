"A workbook, calculated from its cells alone: precedents, dependents, and PyTorch's values"
import re, tempfile
from pathlib import Path
import torch
import torch.nn as nn
from .common import close, digits, seeded
from . import same

formula = re.compile(r'=MAX\(0,((?:SUMPRODUCT\([^()]*\)\+)+)(\$?[A-Z]+\$?\d+)\)')

class Sheet:
    "What a spreadsheet does: look up what a formula names, which may be formulas in turn"
    def __init__(self, path):
        import openpyxl
        self.book,self.changed = openpyxl.load_workbook(path),{}
        self.sheet = self.book['Network']
    def cells(self, ref):
        found = self.sheet[ref.replace('$', '')]
        return [c for row in found for c in row] if isinstance(found, tuple) else [found]
    def named(self, name): return self.cells(self.book.defined_names[name].attr_text.split('!')[1])
    def value(self, cell, seen=None, known=None):
        "The value of a cell; `seen` gains the coordinates of its precedents"
        seen,known = set() if seen is None else seen,{} if known is None else known
        seen.add(cell.coordinate)
        if cell.coordinate in self.changed: return self.changed[cell.coordinate]
        if not isinstance(cell.value, str): return cell.value or 0. # an empty cell counts as zero
        if cell.coordinate not in known:
            found = formula.fullmatch(cell.value)
            assert found, (
                f'{cell.coordinate} is no sum of products plus a bias, cut off at zero: {cell.value[:80]}')
            total = self.value(*self.cells(found[2]), seen, known)
            for one,other in re.findall(r'SUMPRODUCT\(([^,]+),([^)]+)\)', found[1]):
                pairs = zip(self.cells(one), self.cells(other), strict=True)
                total += sum(self.value(u, seen, known)*self.value(v, seen, known) for u,v in pairs)
            known[cell.coordinate] = max(0., total)
        return known[cell.coordinate]

def precedents(sheet, cell):
    "The coordinates of what a cell depends on"
    seen = set()
    sheet.value(cell, seen)
    return seen

def check():
    from cnn_notes.models import conv
    from cnn_notes.receptive import input_box
    from cnn_notes.spreadsheet import write_workbook
    net = seeded(0, lambda: nn.Sequential(conv(1, 2), conv(2, 3)).eval())
    img = digits()[2][0, 0, 4:20, 4:20]
    with tempfile.TemporaryDirectory() as folder:
        sheet = Sheet(write_workbook(Path(folder)/'digit.xlsx', net, img))
    pixels = [c.coordinate for c in sheet.named('input_0')]
    layers = [sheet.named(f'conv1_output_{f}') for f in range(2)]
    with torch.no_grad(): want = net(img[None, None])[0]
    for channel in range(3):
        values = torch.tensor([sheet.value(c) for c in sheet.named(f'conv2_output_{channel}')])
        assert close(values, want[channel].flatten(), 1e-3), "the workbook's values are not PyTorch's"
    middle = precedents(sheet, sheet.named('conv2_output_1')[5])
    pixel = pixels[7*16 + 7]
    before = [sheet.value(c) for layer in layers for c in layer]
    reached = [precedents(sheet, c) for layer in layers for c in layer]
    depend = [pixel in o for o in reached]
    sheet.changed[pixel] = 30.
    after = [sheet.value(c) for layer in layers for c in layer]
    assert before != after and all(d for a,b,d in zip(before, after, depend) if a != b), (
        'something else changes')
    first = {f'channel_{f}': len(middle & {c.coordinate for c in o}) for f,o in enumerate(layers)}
    box = input_box(nn.Sequential(nn.Conv2d(1, 2, 3), nn.Conv2d(2, 2, 3)), (1, 9, 9), '1', (2, 2))
    seen = max(sum(p in o for o in reached)//2 for p in pixels)
    return dict(first=same(**first), pixels=len(middle & set(pixels)), seen=seen,
                narrow=len(box.rows)*len(box.cols)) # where the first has stride 1
