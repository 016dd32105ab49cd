"""Is a picture that a notebook saved still the one that its cell draws?

A pixel of one may lie anywhere between the darkest and the lightest of the other's nine around it: that
leaves room for a picture that
moved by a pixel and for softened edges, and none for another digit in a label. A picture of a trained
network, or of what a clock said,
is compared in its size and its layout alone.
"""
import base64, io
from pathlib import Path
import numpy as np
from PIL import Image, ImageFilter

# a difference is the mean over cell x cell pixels, in 255ths; where it is above `most`, the pictures differ
cell,most = 8,2.
coarse,far = 32,45. # the same for a loose comparison
room,loose_room = 4,.05 # pixels by which a side may differ; in a loose comparison, its share

def decode(text):
    "A picture as it stands in a notebook, as a gray image on white"
    im = Image.open(io.BytesIO(base64.b64decode(text))).convert('RGBA')
    return Image.alpha_composite(Image.new('RGBA', im.size, 'white'), im).convert('L')

def averaged(a, n):
    "Means over n x n pixels; what is left over at the right and below is padded with zeros"
    h,w = (-(-o//n)*n for o in a.shape)
    out = np.zeros((h, w))
    out[:a.shape[0], :a.shape[1]] = a
    return out.reshape(h//n, n, w//n, n).mean((1, 3))

def outside(a, b):
    "How far the pixels of `a` lie outside of what is around the same position in `b`"
    low,high = (np.asarray(b.filter(o(3)), float) for o in (ImageFilter.MinFilter, ImageFilter.MaxFilter))
    a = np.asarray(a, float)
    return np.maximum(np.maximum(low - a, a - high), 0)

def unlike(a, b, loose=False):
    "What differs between two gray images, in words, or None"
    allowed = [max(loose_room*o, room) if loose else room for o in a.size]
    if any(abs(p - q) > o for p,q,o in zip(a.size, b.size, allowed)):
        return f'{a.size[0]} x {a.size[1]} pixels, now {b.size[0]} x {b.size[1]}'
    if loose:
        b = b.resize(a.size)
        worst,limit = np.abs(averaged(np.asarray(a, float), coarse) - averaged(np.asarray(b, float),
            coarse)).mean(),far
    else:
        size = tuple(map(min, a.size, b.size))
        a,b = (o.crop((0, 0, *size)) for o in (a, b))
        worst,limit = averaged(np.maximum(outside(a, b), outside(b, a)), cell).max(),most
    return f'they differ by {worst:.1f} of 255, and {limit:.0f} are allowed' if worst > limit else None

def side_by_side(a, b, path):
    "Both images and what differs, in one file"
    w,h = max(a.size[0], b.size[0]),max(a.size[1], b.size[1])
    size = tuple(map(min, a.size, b.size))
    cut = [o.crop((0, 0, *size)) for o in (a, b)]
    both = Image.new('L', (3*w + 20, h), 128)
    changed = Image.fromarray((255 - np.clip(np.maximum(outside(*cut), outside(*cut[::-1])), 0, 255)).astype(
        'uint8'))
    for i,o in enumerate((a, b, changed)): both.paste(o, (i*(w + 10), 0))
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    both.save(path)
    return path
