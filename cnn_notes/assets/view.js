// What every view shares: its data, elements, numbers, colors, a grid of cells that can be walked through, and a stepper.
// It runs in a sandboxed frame, under a policy that lets nothing in or out. Text goes in as text, never as HTML.
'use strict';

const data = JSON.parse(document.getElementById('data').textContent);
const root = document.getElementById('view');

// The colors by day and by night; what is drawn with them is drawn again when the page changes
const night = matchMedia('(prefers-color-scheme: dark)');
let colors;
function dress() {
  colors = night.matches ? data.night : data.palette;
  for (const [name, color] of Object.entries(colors)) document.documentElement.style.setProperty('--' + name, color);
}
dress();

function el(tag, props = {}, ...children) {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(props)) {
    if (k.startsWith('on')) e.addEventListener(k.slice(2), v);
    else if (v !== false && v != null) e.setAttribute(k, v === true ? '' : v);
  }
  e.append(...children);
  return e;
}

// ---- numbers

const MINUS = '\u2212', TIMES = '\u00d7';

// A way to write the numbers of one matrix: whole numbers as they are, others rounded, very large or small ones as powers of ten
function formatter(values, digits) {
  const big = values.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  const whole = values.every(Number.isInteger);
  const power = big >= 1e6 || (big > 0 && !whole && big < 0.5 * 10 ** -digits);
  const plain = v => v === 0 ? '0' : power ? v.toExponential(1) : v.toFixed(whole ? 0 : digits); // a bare 0 is a zero, 0.00 is near it
  const write = v => plain(v).replace(/^-(?=[0.]*$)/, '').replace(/-/g, MINUS);
  write.exact = v => Number(plain(v)) === v;
  return write;
}
// One number on its own, with no more digits after the point than it needs; never 0 for what is not 0
function shortest(v, digits) {
  const r = Number(v.toFixed(digits));
  return String(r === 0 ? Number(v.toPrecision(1)) + 0 : r).replace(/-/g, MINUS);
}

// Ways to write a number where there is little room: as it is, without the 0 before the point, and with fewer digits
const briefer = (text, brief) => [text, text.replace(/^(\u2212?)0\./, '$1.'), brief];

// ---- colors, as cnn_notes.show has them: paper is zero

const rgb = hex => [1, 3, 5].map(i => parseInt(hex.slice(i, i + 2), 16));
function mix(stops, t) {
  const p = Math.min(Math.max(t, 0), 1) * (stops.length - 1), i = Math.min(Math.floor(p), stops.length - 2);
  const [a, b] = [rgb(stops[i]), rgb(stops[i + 1])];
  return a.map((v, k) => Math.round(v + (b[k] - v) * (p - i)));
}
// WCAG 2.2, contrast ratio
function contrast(a, b) {
  const light = c => c.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((s, v, k) => s + v * [0.2126, 0.7152, 0.0722][k], 0.05);
  const [p, q] = [light(a), light(b)];
  return Math.max(p, q) / Math.min(p, q);
}
// kind: 'input', 'kernel', 'output', or 'light' (an input whose large numbers are bright); gives value -> {fill, ink}
function shades(kind, values) {
  const light = kind === 'light'; if (light) kind = 'input';
  let hi = Math.max(...values), lo = Math.min(...values, 0);
  const signed = lo < 0 || kind === 'kernel';
  const stops = signed ? [colors.negative, colors.paper, colors[kind]] : [colors.paper, colors[kind], colors['deep_' + kind]];
  if (signed) { hi = Math.max(Math.abs(lo), Math.abs(hi)) || 1; lo = -hi; }
  const day = contrast(rgb(colors.paper), [0, 0, 0]) > contrast(rgb(colors.paper), [255, 255, 255]);
  if (light && day && !signed) stops.reverse();
  return v => {
    const c = mix(stops, (v - lo) / ((hi - lo) || 1));
    return { fill: `rgb(${c.join(',')})`, ink: contrast(c, [255, 255, 255]) > contrast(c, rgb(data.palette.ink)) ? '#FFFFFF' : data.palette.ink };
  };
}

// ---- a matrix of cells

// A grid that can be pointed at, tapped and walked through with the arrow keys (roles: 'grid'), or only read ('table').
// Only one cell is in the tab order at a time. onmove(i, j, how) is called with how = 'point', 'press' or 'key'.
class Grid {
  constructor(label, { walk = false, onmove = () => {} } = {}) {
    this.walk = walk; this.onmove = onmove; this.label = label;
    this.el = el('div', { class: 'grid', role: walk ? 'grid' : 'table', 'aria-label': label, 'aria-readonly': walk ? 'true' : null });
    this.cells = [];
    this.mark = el('div', { class: 'mark', 'aria-hidden': 'true' });
    if (!walk) return;
    this.el.addEventListener('pointermove', e => e.pointerType !== 'touch' && this.to(e.target, 'point'));
    this.el.addEventListener('click', e => this.to(e.target, 'press'));
    this.el.addEventListener('keydown', e => this.key(e));
  }
  // cell(i, j) -> {texts, value, name, fill, ink, classes}: of the texts the first for which there is room in all cells
  draw(rows, cols, pitch, cell) {
    const focused = this.el.contains(document.activeElement);
    Object.assign(this, { rows, cols, pitch });
    this.el.style.gridTemplateColumns = `repeat(${cols}, ${pitch}px)`;
    this.el.style.gridAutoRows = `${pitch}px`;
    const info = Array.from({ length: rows }, (_, i) => Array.from({ length: cols }, (_, j) => cell(i, j)));
    const sizes = info[0][0].texts.map((_, t) => Math.min(13, (pitch - 2) / (Math.max(1, ...info.flat().map(c => c.texts[t].length)) * 0.62)));
    const legible = sizes.findIndex(s => s >= 8);
    this.el.style.fontSize = (sizes[legible] || 9) + 'px';
    this.cells = info.map((line, i) => line.map((c, j) => {
      // where numbers do not fit, a sign still tells below zero from above
      const text = legible >= 0 ? c.texts[legible] : pitch >= 9 && c.texts[0].startsWith(MINUS) ? MINUS : '';
      const e = el('div', { class: ['cell', ...(c.classes || [])].join(' '), role: this.walk ? 'gridcell' : 'cell', tabindex: this.walk ? -1 : null,
        'aria-label': c.name, 'data-at': `${i},${j}`, 'data-value': c.value }, text);
      if (c.fill) { e.style.backgroundColor = c.fill; e.style.color = c.ink; }
      return e;
    }));
    this.el.replaceChildren(this.mark, ...this.cells.map(line => el('div', { class: 'row', role: 'row' }, ...line)));
    this.mark.replaceChildren();
    if (this.walk) this.here(...(this.at || [0, 0]), focused);
  }
  here(i, j, focus = false) {
    const [r, c] = this.at = [Math.min(i, this.rows - 1), Math.min(j, this.cols - 1)];
    for (const e of this.el.querySelectorAll('.here')) { e.classList.remove('here'); e.tabIndex = -1; e.removeAttribute('aria-selected'); }
    const e = this.cells[r][c];
    e.classList.add('here'); e.tabIndex = 0; e.setAttribute('aria-selected', 'true');
    if (focus) e.focus({ preventScroll: true });
  }
  to(target, how) {
    const e = target.closest('.cell');
    if (e && this.el.contains(e)) this.onmove(...e.dataset.at.split(',').map(Number), how);
  }
  key(e) {
    let [i, j] = this.at;
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[e.key];
    if (e.altKey || e.metaKey || (e.ctrlKey && step)) return;
    if (step) [i, j] = [i + step[0], j + step[1]];
    else if (e.key === 'Home') [i, j] = [e.ctrlKey ? 0 : i, 0];
    else if (e.key === 'End') [i, j] = [e.ctrlKey ? this.rows - 1 : i, this.cols - 1];
    else if (e.key === 'Enter' || e.key === ' ') { e.preventDefault(); return this.onmove(i, j, 'press'); }
    else return;
    e.preventDefault();
    [i, j] = [Math.min(Math.max(i, 0), this.rows - 1), Math.min(Math.max(j, 0), this.cols - 1)];
    this.onmove(i, j, 'key');
    this.cells[i][j].focus();
  }
  // Bring a cell into sight where the grid is larger than its plate
  reveal(i, j) {
    const plate = this.el.parentElement, p = this.pitch, middle = (n, size) => n * p - (size - p) / 2;
    if (plate.scrollWidth > plate.clientWidth + 2 || plate.scrollHeight > plate.clientHeight + 2) plate.scrollTo(middle(j, plate.clientWidth), middle(i, plate.clientHeight));
  }
  // Outline the cells rows[...] x cols[...]: one block where they touch, each for itself (and a dashed line around) where they do not
  outline(rows, cols) {
    const p = this.pitch, block = (top, left, h, w, cls) => {
      const e = el('i', { class: cls || 'block' });
      Object.assign(e.style, { top: top * p - 1.5 + 'px', left: left * p - 1.5 + 'px', height: h * p + 2 + 'px', width: w * p + 2 + 'px' });
      return e;
    };
    const [h, w] = [rows, cols].map(o => o[o.length - 1] - o[0] + 1), apart = h > rows.length || w > cols.length;
    const parts = apart ? [block(0, 0, h, w, 'span'), ...rows.flatMap(r => cols.map(c => block(r - rows[0], c - cols[0], 1, 1)))] : [block(0, 0, h, w)];
    this.mark.replaceChildren(...parts);
    this.mark.style.transform = `translate(${cols[0] * p}px, ${rows[0] * p}px)`;
  }
}

// ---- a number with a button on each side

// onchange(value) returns true if it took the value; otherwise the old one comes back
function stepper(name, value, min, max, onchange) {
  const id = 'step-' + name;
  const input = el('input', { id, type: 'number', min, max, step: 1, value, inputmode: 'numeric' });
  let last = value;
  const take = v => { if (onchange(v)) last = v; input.value = last; };
  const bump = by => () => take(last + by);
  input.addEventListener('change', () => take(input.value === '' ? NaN : Number(input.value)));
  return el("div", { class: "step" }, el("label", { for: id }, name), " ",
    el('div', { class: 'stepper' }, el('button', { type: 'button', 'aria-label': 'less ' + name, onclick: bump(-1) }, MINUS), input,
      el('button', { type: 'button', 'aria-label': 'more ' + name, onclick: bump(1) }, '+')));
}

// ---- how an output comes about

// One channel's share: a patch of the input, a kernel, their products, and the sum of these. `kernel` is a Grid, or an element whose
// rows of cells somebody else draws. onmeant(a, b, on): the reader points at row a, column b of the three
class Share {
  constructor(name, kernel, onmeant = () => {}) {
    Object.assign(this, { name, kernel, onmeant });
    this.patch = new Grid(`patch of ${name}`);
    this.products = new Grid(`products of ${name}`);
    this.part = el('b', { class: 'part' });
    const box = (grid, cls) => el('div', { class: cls }, grid.el || grid), op = text => el('span', { class: 'op', 'aria-hidden': 'true' }, text);
    this.title = el('h3', {}, el('span', { class: 'name' }, name), this.part);
    this.el = el('section', { class: 'share', 'aria-label': name }, this.title,
      el('div', { class: 'line' }, box(this.patch, 'patch in'), op(TIMES), box(kernel, 'weights'), op('='), box(this.products, 'products')));
    const point = on => e => { const c = e.target.closest('.cell'); if (c) this.mean(...this.where(c), on); };
    for (const [type, on] of [['pointerover', true], ['focusin', true], ['pointerout', false], ['focusout', false]]) this.el.addEventListener(type, point(on));
  }
  weight(a, b) { return this.kernel.cells ? this.kernel.cells[a][b] : this.kernel.children[a].children[b]; }
  where(cell) { const row = cell.parentElement, grid = row.parentElement; return [[...grid.querySelectorAll('.row')].indexOf(row), [...row.children].indexOf(cell)]; }
  mean(a, b, on) {
    for (const e of [this.patch.cells[a]?.[b], this.weight(a, b), this.products.cells[a]?.[b]]) if (e) e.classList.toggle('meant', on);
    this.onmeant(this, a, b, on);
  }
  // x: values and whether they are padding, w: weights, both by row; write and color: of input, kernel and product
  draw(x, w, pitch, write, color) {
    const value = (kind, v) => ({ texts: briefer(write[kind](v), write.brief(v)), value: v, ...color[kind](v) });
    const [rows, cols] = [w.length, w[0].length];
    this.data = { x, w };
    this.patch.draw(rows, cols, pitch, (a, b) => x[a][b].pad ? { texts: ['0', '0', '0'], value: 0, name: 'padding: 0', classes: ['pad'] } : { ...value('input', x[a][b].x), name: write.input(x[a][b].x) });
    if (this.kernel.draw) this.kernel.draw(rows, cols, pitch, (a, b) => ({ ...value('kernel', w[a][b]), name: `weight: ${write.kernel(w[a][b])}` }));
    this.products.draw(rows, cols, pitch, (a, b) => { const v = x[a][b].x * w[a][b]; return { ...value('product', v), name: write.product(v) }; });
    this.sum = x.flat().reduce((s, o, k) => s + o.x * w.flat()[k], 0);
    this.part.textContent = write.output(this.sum);
    this.part.dataset.value = this.sum;
  }
  // One product in words
  product(a, b, write) {
    const { x, w } = this.data, v = x[a][b].x;
    return `${x[a][b].pad ? '0 (padding)' : write.input(v)} ${TIMES} ${write.kernel(w[a][b])} = ${write.product(v * w[a][b])}`;
  }
}

// The sums of the channels, what comes after them, and the result: <id="sum">
function totalLine(parts, steps, result, sign) {
  const words = parts.map((t, k) => el('span', { class: 'addend' }, (k ? '+ ' : '') + t));
  const after = steps.flatMap(([word, text]) => [el('span', { class: 'word' }, word), ...(text === '' ? [] : [el('span', {}, text)])]);
  return [...words, ...after, ...(sign ? [el('span', {}, sign)] : []), result];
}

// The pitch at which three grids of `cols` columns stand in `width`: side by side, or, folded, with the products on a line of their own.
// `_share` in cnn_notes.views works out the height in the same way
function sharePitch(width, cols, folded, most) {
  return Math.max(12, Math.floor(Math.min(most, folded ? (width - 50) / (2 * cols) : (width - 64) / (3 * cols))));
}

// A row of buttons with a small picture each
function chips(label, names, onpick) {
  const made = names.map((name, n) => { const c = el('canvas', { 'aria-hidden': 'true' }); return Object.assign(el('button', { type: 'button', title: name, 'aria-label': `${label} ${name}`, onclick: () => onpick(n) }, c, el('span', {}, name.replace(/^(filter|channel) /, ''))), { canvas: c }); });
  const box = el('div', { class: 'chips', role: 'group', 'aria-label': label }, ...made);
  return { el: box, choose: n => made.forEach((b, k) => b.setAttribute('aria-pressed', String(k === n))),
    paint: (n, values, color, boxed) => picture(made[n].canvas, values, color, boxed) };
}
function picture(canvas, values, color, boxed) {
  const [h, w] = [values.length, values[0].length], k = Math.max(1, Math.floor(88 / Math.max(h, w)));
  Object.assign(canvas, { width: w * k, height: h * k });
  const g = canvas.getContext('2d');
  values.forEach((line, r) => line.forEach((v, c) => { g.fillStyle = color(v).fill; g.fillRect(c * k, r * k, k, k); }));
  if (!boxed) return;
  g.strokeStyle = colors.accent; g.lineWidth = 4;
  g.strokeRect(boxed[1] * k, boxed[0] * k, boxed[3] * k, boxed[2] * k);
}

// Call `draw` now, and again when the room for what it draws or the colors change
function keepDrawn(draw, plates = []) {
  const room = () => [document.documentElement.clientWidth, root.clientWidth, ...plates.flatMap(e => [e.offsetWidth, e.offsetHeight])].join();
  let drawn;
  // again where what was drawn has made or taken away a scroll bar: a frame out of sight is not told
  const fit = () => {
    for (let k = 0; k < 3 && room() !== drawn; k++) { drawn = room(); draw(); document.getAnimations().forEach(a => a.finish()); } // nothing glides from where it no longer is
  };
  fit();
  addEventListener('resize', fit);
  const watch = new ResizeObserver(() => requestAnimationFrame(fit));
  for (const e of [document.documentElement, root, ...plates]) watch.observe(e); // a frame that is not laid out yet has a width, and nothing in it has
  night.addEventListener('change', () => { dress(); draw(); });
}
