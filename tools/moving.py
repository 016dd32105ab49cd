"""The moving picture that README opens with: a 3 is drawn in `draw_digit`, with real events of a pointer.

    python tools/moving.py          writes nbs/images/digit.webp; needs Chromium and its driver; a minute
"""
import io, sys
from pathlib import Path
from PIL import Image, ImageDraw

root = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(root/'tests'))

size = 740,690 # of the picture: the drawing, the answer, and the maps of three layers
# the stroke, in shares of the pad; then the cells to point at, in shares of a row of maps
three = [(.30, .24), (.36, .19), (.43, .165), (.5, .16), (.57, .175), (.63, .21), (.665, .27), (.66, .33),
         (.63, .39), (.57, .435), (.5, .46), (.57, .475), (.63, .51), (.675, .565), (.685, .63), (.67, .7),
         (.63, .76), (.57, .805), (.5, .825), (.42, .82), (.35, .79), (.3, .74)]
cells = [(0, .075, .5), (0, .32, .3), (0, .45, .62), (1, .1, .4), (1, .3, .6), (2, .23, .3)]

def pointer(x, y):
    "An arrow with its tip there: a screenshot shows none"
    outline = (0, 0),(0, 20),(5, 16),(9, 24),(12, 22),(9, 15),(15, 15)
    return [(x + dx, y + dy) for dx,dy in outline]

class Film:
    "Screenshots of a page, each with the pointer and the milliseconds for which it stays"
    def __init__(self, browser): self.browser,self.frames,self.durations = browser,[],[]
    def event(self, type, x, y, pressed=False):
        self.browser.cdp('Input.dispatchMouseEvent', type=type, x=x, y=y, clickCount=1,
            button='left' if pressed else 'none', buttons=int(pressed))
    def take(self, duration, at):
        self.browser.js('return new Promise(o => requestAnimationFrame(() => requestAnimationFrame(o)))')
        picture = Image.open(io.BytesIO(self.browser.driver.get_screenshot_as_png())).convert('RGB')
        ImageDraw.Draw(picture).polygon(pointer(*at), fill='black', outline='white')
        self.frames.append(picture.crop((0, 0, *size)))
        self.durations.append(duration)
    def save(self, path):
        first,*more = self.frames
        path.parent.mkdir(exist_ok=True)
        first.save(path, save_all=True, append_images=more, duration=self.durations, loop=0, lossless=True,
            quality=100, method=6, minimize_size=True)

def box(browser, css, n=0):
    "Where the `n`-th element of a kind is: left, top, width, height"
    return browser.js("const found = document.querySelectorAll(arguments[0]); const b = found[arguments[1]]."
        "getBoundingClientRect(); return [b.x, b.y, b.width, b.height]", css, n)

def film(browser, view):
    "Draw a 3, and point at six cells"
    path = browser.folder/'view.html'
    path.write_text(view.page(), encoding='ascii')
    browser.open(path, size[0], 1500) # no bar at the side
    # how long it takes here is no part of the picture
    browser.js("document.querySelector('.took').style.visibility = 'hidden'")
    res = Film(browser)
    left,top,width,height = box(browser, '.sheet canvas')
    points = [(left + x*width, top + y*height) for x,y in three]
    res.take(900, points[0])
    for type,at in zip(['mousePressed'] + ['mouseMoved']*len(points), points):
        res.event(type, *at, pressed=True)
        res.take(70, at)
    res.event('mouseReleased', *points[-1])
    res.durations[-1] = 1500
    for row,x,y in cells:
        left,top,width,height = box(browser, '.layers canvas', row)
        at = left + x*width,top + y*height
        res.event('mouseMoved', *at)
        res.take(900, at)
    res.durations[-1] = 2500
    return res

if __name__ == '__main__':
    from browser import Browser # type: ignore[import-not-found]
    from cnn_notes.drawing import draw_digit
    from cnn_notes.experiments.framing import trained
    path,browser = root/'nbs'/'images'/'digit.webp',Browser()
    try: film(browser, draw_digit(trained(0))).save(path)
    finally: browser.quit()
    print(f'{path.relative_to(root)}: {path.stat().st_size/1000:.0f} KB')
