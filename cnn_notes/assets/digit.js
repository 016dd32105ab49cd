// Draw a digit and watch a network read it: the drawing is framed, normalized and sent through every step of the network here, in double
// precision with the network's own float32 weights; pointing at an activation shows the sum that makes it.
'use strict';

// ---- what Python packed

const unpacked = text => Uint8Array.from(atob(text), c => c.charCodeAt(0));
const weights = (() => { // five characters are the bits of one float32, in base 85
  const digits = Object.fromEntries([...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%,()*+-;.=/?@^_`{|}~'].map((c, k) => [c, k])), bits = new Uint32Array(data.weights.length / 5);
  for (let k = 0, n = 0; k < bits.length; k++) { let v = 0; for (const end = n + 5; n < end; n++) v = v * 85 + digits[data.weights[n]]; bits[k] = v; }
  return new Float32Array(bits.buffer);
})();
const steps = data.steps, IMAGE = { shape: [1, 28, 28] };
const shapeOf = n => (n < 0 ? IMAGE : steps[n]).shape, count = ([c, h, w]) => c * h * w;
const examples = (() => { // a run of zeros is a 0 and its length
  const pixels = [], packed = unpacked(data.examples);
  for (let k = 0; k < packed.length; k++) if (packed[k]) pixels.push(packed[k]); else for (let n = packed[++k]; n; n--) pixels.push(0);
  return Array.from({ length: Math.ceil(pixels.length / 784) }, (_, n) => Float64Array.from({ length: 784 }, (_, k) => pixels[784 * n + k] || 0));
})();

// ---- the network

const sigmoid = v => v < 0 ? Math.exp(v) / (1 + Math.exp(v)) : 1 / (1 + Math.exp(-v)), clip = (v, low, high) => Math.min(Math.max(v, low), high);
// erf: its power series, and beyond 3 the continued fraction of erfc
function erf(x) {
  const a = Math.abs(x);
  let s = a, t = a;
  if (a < 3) { for (let n = 1; Math.abs(t) > 1e-17 * s; n++) { t *= -a * a / n; s += t / (2 * n + 1); } s *= 2 / Math.sqrt(Math.PI); }
  else { for (t = a, s = 60; s; s--) t = a + s / 2 / t; s = 1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / t; }
  return x < 0 ? -s : s;
}
const softplus = (v, beta = 1, threshold = 20) => v * beta > threshold ? v : Math.log1p(Math.exp(v * beta)) / beta;
const ACTIVATIONS = {
  relu: v => Math.max(v, 0), relu6: v => clip(v, 0, 6), hardtanh: (v, o) => clip(v, o.min_val, o.max_val), leaky_relu: (v, o) => v < 0 ? v * o.negative_slope : v,
  elu: (v, o) => v < 0 ? o.alpha * Math.expm1(v) : v, celu: (v, o) => v < 0 ? o.alpha * Math.expm1(v / o.alpha) : v,
  selu: v => 1.0507009873554805 * (v < 0 ? 1.6732632423543772 * Math.expm1(v) : v), prelu: (v, o, c) => v < 0 ? v * weights[o.w + c % o.n] : v,
  gelu: (v, o) => o.approximate === 'tanh' ? v / 2 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3))) : v / 2 * (1 + erf(v / Math.SQRT2)),
  silu: v => v * sigmoid(v), mish: v => v * Math.tanh(softplus(v)), sigmoid, logsigmoid: v => Math.min(v, 0) - Math.log1p(Math.exp(-Math.abs(v))), tanh: Math.tanh,
  softplus: (v, o) => softplus(v, o.beta, o.threshold), softsign: v => v / (1 + Math.abs(v)), hardswish: v => v * clip(v + 3, 0, 6) / 6, hardsigmoid: v => clip(v + 3, 0, 6) / 6,
};
// The cells that position (i, j) of a step reads: rows and columns of its input, those outside it too
function cells(o, i, j) {
  const from = shapeOf(o.inputs[0]), to = o.shape;
  const axis = (p, k) => o.bins ? Array.from({ length: Math.ceil((p + 1) * from[k + 1] / to[k + 1]) - Math.floor(p * from[k + 1] / to[k + 1]) }, (_, a) => Math.floor(p * from[k + 1] / to[k + 1]) + a)
    : Array.from({ length: o.ks[k] }, (_, a) => p * o.stride[k] - o.pad[k] + a * (o.dilation ? o.dilation[k] : 1));
  return [axis(i, 0), axis(j, 1)];
}
const STEPS = {
  conv(o, [x], y) {
    const [C, H, W] = shapeOf(o.inputs[0]), [N, h, w] = o.shape, [kh, kw] = o.ks, per = C / o.groups, each = N / o.groups, [sr, sc] = o.stride, [dr, dc] = o.dilation, [top, left] = o.pad;
    for (let n = 0, p = 0; n < N; n++) for (let i = 0; i < h; i++) for (let j = 0; j < w; j++, p++) {
      let s = 0, first = Math.floor(n / each) * per;
      for (let c = 0; c < per; c++) for (let a = 0; a < kh; a++) {
        const r = i * sr - top + a * dr;
        if (r < 0 || r >= H) continue;
        const line = ((first + c) * H + r) * W, k = o.w + ((n * per + c) * kh + a) * kw;
        for (let b = 0; b < kw; b++) { const q = j * sc - left + b * dc; if (q >= 0 && q < W) s += x[line + q] * weights[k + b]; }
      }
      y[p] = o.b == null ? s : s + weights[o.b + n];
    }
  },
  linear(o, [x], y) { for (let n = 0; n < y.length; n++) { let s = 0; for (let k = 0; k < x.length; k++) s += x[k] * weights[o.w + n * x.length + k]; y[n] = o.b == null ? s : s + weights[o.b + n]; } },
  max(o, [x], y) { pooled(o, x, y, (values) => Math.max(...values)); },
  avg(o, [x], y) { pooled(o, x, y, (values, i, j) => values.reduce((s, v) => s + v, 0) / divisor(o, values, i, j)); },
  norm(o, [x], y) { channels(o, (k, c) => { y[k] = (x[k] - weights[o.mean + c]) / weights[o.std + c] * weights[o.w + c] + weights[o.b + c]; }); },
  act(o, [x], y) { const f = ACTIVATIONS[o.f]; channels(o, (k, c) => { y[k] = f(x[k], o, c); }); },
  scale(o, [x], y) { for (let k = 0; k < y.length; k++) y[k] = x[k] * o.by + o.plus; },
  add(o, [x, z], y) { for (let k = 0; k < y.length; k++) y[k] = o.signs[0] * x[k] + o.signs[1] * z[k]; },
  concat(o, xs, y) { let k = 0; for (const x of xs) { y.set(x, k); k += x.length; } },
  pad(o, [x], y) {
    const [, H, W] = shapeOf(o.inputs[0]), [C, h, w] = o.shape;
    for (let c = 0, k = 0; c < C; c++) for (let i = 0; i < h; i++) for (let j = 0; j < w; j++, k++) { const [r, q] = [i - o.pad[0], j - o.pad[1]]; y[k] = r < 0 || q < 0 || r >= H || q >= W ? o.value : x[(c * H + r) * W + q]; }
  },
};
function channels(o, f) { const [C, h, w] = o.shape, n = h * w; for (let c = 0, k = 0; c < C; c++) for (let a = 0; a < n; a++, k++) f(k, c); }
function pooled(o, x, y, f) {
  const [, H, W] = shapeOf(o.inputs[0]), [C, h, w] = o.shape;
  for (let i = 0; i < h; i++) for (let j = 0; j < w; j++) {
    const [rows, cols] = cells(o, i, j).map((line, k) => line.filter(a => a >= 0 && a < [H, W][k]));
    for (let c = 0; c < C; c++) y[(c * h + i) * w + j] = f(rows.flatMap(r => cols.map(q => x[(c * H + r) * W + q])), i, j);
  }
}
// By what an average divides: the cells with the padding, or without it, or a number of its own
function divisor(o, values, i, j) {
  if (o.divisor) return o.divisor;
  if (!o.pads) return values.length;
  const [, H, W] = shapeOf(o.inputs[0]), side = (p, k, n) => { const start = p * o.stride[k] - o.pad[k]; return Math.min(start + o.ks[k], n + o.pads[k] - o.pad[k]) - start; };
  return side(i, 0, H) * side(j, 1, W);
}
// What every step makes of an image of 28 x 28 numbers
function run(image) {
  const found = [];
  steps.forEach((o, n) => { found[n] = new Float64Array(count(o.shape)); STEPS[o.kind](o, o.inputs.map(k => k < 0 ? image : found[k]), found[n]); });
  return found;
}
function softmax(z) { const top = Math.max(...z), e = Array.from(z, v => Math.exp(v - top)), s = e.reduce((a, b) => a + b); return e.map(v => v / s); }

// ---- framing, as MNIST was framed and as cnn_notes.framing does it: all values from 0 to 255

// Exact area averaging of n cells to m: for each of the m, which cells it covers, and how much of it each of them is
function covers(n, m) {
  return Array.from({ length: m }, (_, o) => {
    const [a, b] = [o * n / m, (o + 1) * n / m], parts = [];
    for (let k = Math.floor(a); k < Math.min(Math.ceil(b), n); k++) { const share = (Math.min(b, k + 1) - Math.max(a, k)) * m / n; if (share > 1e-12) parts.push([k, share]); }
    return parts;
  });
}
function resized(x, [h, w], [m, n]) {
  const tall = covers(h, m), wide = covers(w, n), half = new Float64Array(m * w), y = new Float64Array(m * n);
  tall.forEach((parts, i) => { for (const [r, share] of parts) for (let c = 0; c < w; c++) half[i * w + c] += share * x[r * w + c]; });
  for (let i = 0; i < m; i++) wide.forEach((parts, j) => { for (const [c, share] of parts) y[i * n + j] += share * half[i * w + c]; });
  return y;
}
// Rows and columns of the smallest box with all ink above a tenth of the darkest; null: there is none
function inkBox(x, [h, w]) {
  const least = x.reduce((m, v) => Math.max(m, v), 0) / 10;
  let [top, left, bottom, right] = [h, w, -1, -1];
  if (least > 0) for (let r = 0; r < h; r++) for (let c = 0; c < w; c++) if (x[r * w + c] > least) { top = Math.min(top, r); bottom = r; left = Math.min(left, c); right = Math.max(right, c); }
  return bottom < 0 ? null : { top, left, size: [bottom - top + 1, right - left + 1] };
}
function cut(x, [, w], { top, left, size: [m, n] }) { const y = new Float64Array(m * n); for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) y[i * n + j] = x[(top + i) * w + left + j]; return y; }
// How far each cell is from the paper, whose tone is the median of the border; the darkest has 255
function inkOf(x, [h, w]) {
  const row = r => [...x.slice(r * w, (r + 1) * w)], column = c => Array.from({ length: h }, (_, r) => x[r * w + c]);
  const border = [...row(0), ...row(h - 1), ...column(0), ...column(w - 1)].sort((a, b) => a - b), paper = border[(border.length - 1) >> 1];
  const [low, high] = x.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, -Infinity]), dark = high - paper >= paper - low, most = dark ? high - paper : paper - low;
  return x.map(v => 255 * clip((dark ? v - paper : paper - v) / (most || 1), 0, 1));
}
function framed(picture, size) {
  const x = inkOf(picture, size), box = inkBox(x, size), y = new Float64Array(784);
  if (!box) return y;
  const longer = Math.max(...box.size), [m, n] = box.size.map(k => Math.max(1, Math.round(20 * k / longer))), small = resized(cut(x, size, box), box.size, [m, n]);
  let [all, down, right] = [0, 0, 0];
  small.forEach((v, k) => { all += v; down += v * Math.floor(k / n); right += v * (k % n); });
  const [top, left] = [[down, m], [right, n]].map(([sum, size]) => clip(Math.floor(14.5 - sum / all), 0, 28 - size));
  for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) y[(top + i) * 28 + left + j] = small[i * n + j];
  return y;
}

// ---- the drawing: strokes on a pad of 140 x 140 cells

const PAD = 140, PEN = 6, sheet = [PAD, PAD];
function ink(picture, [x0, y0], [x1, y1]) {
  const [dx, dy] = [x1 - x0, y1 - y0], length = dx * dx + dy * dy, low = v => Math.max(0, Math.floor(v - PEN - 1)), high = v => Math.min(PAD - 1, Math.ceil(v + PEN + 1));
  for (let r = low(Math.min(y0, y1)); r <= high(Math.max(y0, y1)); r++) for (let c = low(Math.min(x0, x1)); c <= high(Math.max(x0, x1)); c++) {
    const [x, y] = [c + 0.5 - x0, r + 0.5 - y0], t = length ? clip((x * dx + y * dy) / length, 0, 1) : 0;
    const v = 255 * clip(PEN + 0.5 - Math.hypot(x - t * dx, y - t * dy), 0, 1);
    if (v > picture[r * PAD + c]) picture[r * PAD + c] = v;
  }
}
function stroke(picture, points) { points.forEach((p, k) => ink(picture, points[Math.max(k - 1, 0)], p)); }
// acts: what the reader did since the pad was empty: {points} or {example}
function drawn(acts) {
  const picture = new Float64Array(PAD * PAD);
  for (const o of acts.slice(Math.max(acts.findLastIndex(o => o.clear || o.example != null), 0))) {
    if (o.example != null) picture.forEach((_, k) => { picture[k] = examples[o.example][Math.floor(k / PAD / 5) * 28 + Math.floor(k % PAD / 5)]; });
    if (o.points) stroke(picture, o.points);
  }
  return picture;
}

// What can go wrong with a picture before the network sees it
const thinner = x => { // a cell keeps the least ink around it
  const y = new Float64Array(x.length), near = [];
  for (let a = -3; a <= 3; a++) for (let b = -3; b <= 3; b++) if (a * a + b * b <= 10) near.push([a, b]);
  for (let r = 0; r < PAD; r++) for (let c = 0; c < PAD; c++) { let v = x[r * PAD + c]; if (v) for (const [a, b] of near) { const [i, j] = [r + a, c + b]; v = Math.min(v, i < 0 || j < 0 || i >= PAD || j >= PAD ? 0 : x[i * PAD + j]); } y[r * PAD + c] = v; }
  return y;
};
function placed(x, size, [top, left]) { const y = new Float64Array(PAD * PAD); x.forEach((v, k) => { const [r, c] = [top + Math.floor(k / size[1]), left + k % size[1]]; if (r >= 0 && c >= 0 && r < PAD && c < PAD) y[r * PAD + c] = v; }); return y; }
const smaller = x => placed(resized(x, sheet, [70, 70]), [70, 70], [35, 35]);
const shifted = x => { // towards the side with more room, and never over the edge
  const box = inkBox(x, sheet);
  if (!box) return x;
  const by = [box.top, box.left].map((start, k) => { const end = PAD - start - box.size[k]; return end >= start ? Math.min(30, end) : -Math.min(30, start); });
  return placed(x, sheet, by);
};
const inverted = x => x.map(v => 255 - v);
const noise = (() => { let seed = 7; const next = () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648; // the same each time
  return Float64Array.from({ length: 784 }, () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())); })();

// From the picture on the pad to what the network gets
function prepared(picture, on) {
  let x = picture;
  for (const [name, change] of [['thinner', thinner], ['smaller', smaller], ['shifted', shifted], ['inverted', inverted]]) if (on[name]) x = change(x);
  let y = on.framing ? framed(x, sheet) : resized(x, sheet, [28, 28]);
  if (on.noise) y = y.map((v, k) => clip(v + 64 * noise[k], 0, 255));
  return { pixels: y, image: y.map(v => on.normalization ? (v / 255 - data.mean) / data.std : v / 255) };
}

// ---- the page

const stages = data.stages.map(ids => ({ ids, last: ids.at(-1), head: steps[ids[0]], name: steps[ids.at(-1)].name, shape: steps[ids.at(-1)].shape }));
const SWITCHES = { framing: true, normalization: true, inverted: false, shifted: false, smaller: false, thinner: false, noise: false };
const state = { acts: [], on: { ...SWITCHES }, stage: 0, channel: 0, at: stages[0].shape.slice(1).map(n => n >> 1), held: false, pen: [70, 70], line: null, keys: false };
const empty = () => state.empty, percent = p => (p < 0.9995 && p > 0.0005 ? (100 * p).toFixed(1) : Math.round(100 * p)) + '%';
const button = (text, props = {}) => el('button', { type: 'button', ...props }, text);
const pad = el('canvas', { class: 'slate', width: 3 * PAD, height: 3 * PAD, tabindex: 0, role: 'application', 'aria-label': 'Pad to draw on. Arrow keys move the pen, the space bar puts it down and lifts it, Backspace undoes, Delete clears.' });
const prompt = el('p', { class: 'prompt', 'aria-hidden': 'true' }, 'Draw a digit', el('span', {}, 'mouse, finger, or arrow keys and space'));
const seen = el('canvas', { class: 'seen', width: 280, height: 280, role: 'img', 'aria-label': 'what the network gets, 28 by 28 pixels' });
const frameWord = el('span'), verdict = el('b', { class: 'verdict' }), took = el('p', { class: 'note took' }), live = el('p', { class: 'unseen', 'aria-live': 'polite', id: 'live' });
const bars = data.labels.map((name, k) => {
  const fill = el('i'), share = el('span', { class: 'share-of' });
  return { fill, share, el: button('', { class: 'bar', onclick: () => look({ stage: stages.length - 1, channel: k, at: [0, 0] }) }) };
});
bars.forEach((b, k) => b.el.append(el('span', { class: 'label' }, data.labels[k]), el('span', { class: 'track' }, b.fill), b.share));
const samples = examples.map((_, n) => { const c = el('canvas', { 'aria-hidden': 'true' }); return Object.assign(button(c, { 'aria-label': `example ${n + 1} of MNIST`, onclick: () => act({ example: n }) }), { canvas: c }); });
const checks = Object.keys(SWITCHES).map(name => { const box = el('input', { type: 'checkbox', checked: SWITCHES[name], onchange: () => { state.on[name] = box.checked; refresh(); } }); return el('label', { class: 'check' }, box, name); });
const map = new Grid('map', { walk: true, onmove: (i, j, how) => walk(i, j, how) });
const strips = stages.map((s, k) => {
  const [C, h, w] = s.shape, canvas = el('canvas', { tabindex: 0, role: 'slider', 'aria-label': `maps of ${s.name}`, 'aria-valuemin': 0, 'aria-valuemax': C - 1 });
  canvas.addEventListener('pointermove', e => e.pointerType !== 'touch' && !state.held && aim(k, e, false));
  canvas.addEventListener('click', e => aim(k, e, true));
  canvas.addEventListener('keydown', e => {
    const by = { ArrowRight: 1, ArrowDown: s.columns, ArrowLeft: -1, ArrowUp: -s.columns }[e.key];
    if (!by || e.altKey || e.ctrlKey || e.metaKey) return;
    e.preventDefault();
    look({ stage: k, channel: clip((state.stage === k ? state.channel : 0) + by, 0, C - 1) });
  });
  s.canvas = canvas;
  return el('section', { class: h * w > 1 ? 'strip' : 'strip vector', 'data-layer': s.name }, el('h3', {}, el('span', { class: 'name', title: s.name }, s.name), el('span', { class: 'size' }, h * w > 1 ? `${C} maps of ${h} ${TIMES} ${w}` : `${C} numbers`)), el('div', { class: 'maps' }, canvas));
});
const pool = new Grid('inputs'), pooling = el('div', { class: 'line pool in', hidden: true }, pool.el), shares = [];
const scroller = el('div', { class: 'shares', tabindex: 0, role: 'group', 'aria-label': 'inputs, weights and products' }, pooling);
const name = el('span'), which = el('span', { class: 'size' }), hint = el('p', { class: 'note hint' });
const total = el('p', { class: 'total' }), soft = el('p', { class: 'note soft' }), told = el('p', { class: 'note told', 'aria-hidden': 'true' });
const undo = button('undo', { onclick: () => back() }), clear = button('clear', { onclick: () => act({ clear: true }) });
root.replaceChildren(el('h1', {}, data.title), el('div', { class: 'digit' },
  el('section', { class: 'draw', 'aria-label': 'Drawing' }, el('div', { class: 'head' }, el('h2', { class: 'in' }, 'Your digit'), undo, clear), el('div', { class: 'sheet' }, pad, prompt)),
  el('div', { class: 'prep' }, el('section', { class: 'framed', 'aria-label': 'What the network gets' }, el('div', { class: 'head' }, el('h2', { class: 'in' }, frameWord, el('span', { class: 'size' }, `28 ${TIMES} 28`))), seen),
    el('div', { class: 'switches', role: 'group', 'aria-label': 'What can go wrong' }, ...checks)),
  el('section', { class: 'answer', 'aria-label': 'Probabilities' }, el('div', { class: 'head' }, el('h2', { class: 'out' }, el('span', { class: 'word' }, 'Answer'), verdict)), el('div', { class: 'bars' }, ...bars.map(b => b.el))),
  el('div', { class: 'examples', role: 'group', 'aria-label': 'Examples from MNIST' }, ...samples),
  took,
  el('div', { class: 'layers' }, ...strips),
  el('section', { class: 'how', 'aria-label': 'One activation' }, el('h2', { class: 'out' }, name, which), hint, el('div', { class: 'plate' }, map.el), scroller,
    el('div', { class: 'result' }, total, soft, told)), live));

// ---- what the reader does

function act(o) { state.acts.push(o); state.line = null; state.picture = drawn(state.acts); refresh(true); }
function back() { state.acts.pop(); state.line = null; state.picture = drawn(state.acts); refresh(true); }
const spot = e => { const b = pad.getBoundingClientRect(); return [(e.clientX - b.x) / b.width * PAD, (e.clientY - b.y) / b.height * PAD]; };
function start(point) { state.line = [point]; state.acts.push({ points: state.line }); ink(state.picture, point, point); }
function draw(point) { ink(state.picture, state.line.at(-1), point); state.line.push(point); }
pad.addEventListener('pointerdown', e => { if (e.button) return; pad.setPointerCapture(e.pointerId); state.keys = false; start(spot(e)); soon(); });
pad.addEventListener('pointermove', e => { if (!state.line || state.keys) return; for (const o of e.getCoalescedEvents?.() || []) draw(spot(o)); draw(spot(e)); soon(); });
for (const type of ['pointerup', 'pointercancel']) pad.addEventListener(type, () => { if (state.line && !state.keys) { state.line = null; refresh(true); } });
pad.addEventListener('keydown', e => {
  const step = { ArrowUp: [0, -5], ArrowDown: [0, 5], ArrowLeft: [-5, 0], ArrowRight: [5, 0] }[e.key], command = e.ctrlKey || e.metaKey;
  if (step && !command && !e.altKey) {
    state.pen = state.pen.map((v, k) => clip(v + step[k] / (e.shiftKey ? 5 : 1), PEN, PAD - PEN));
    if (state.line && state.keys) draw(state.pen);
  } else if (e.key === ' ' || e.key === 'Enter') {
    if (state.line && state.keys) { state.line = null; say('pen up. '); }
    else { state.keys = true; start(state.pen); say('pen down. '); }
  } else if (e.key === 'Backspace' || (command && e.key === 'z')) back();
  else if (e.key === 'Delete') act({ clear: true });
  else if (e.key === 'Escape') state.line = null;
  else return;
  e.preventDefault();
  refresh(true);
});
for (const type of ['focus', 'blur']) pad.addEventListener(type, () => { if (type === 'blur' && state.keys) state.line = null; paintPad(); });

// A press holds what it chooses, until it is pressed again
function choose(o, press) {
  const to = { channel: state.channel, ...o }, same = to.stage === state.stage && to.channel === state.channel && to.at.join() === state.at.join();
  if (press) to.held = !(state.held && same);
  if (press || !same) look(to);
}
// Look at an activation; a map without a position keeps the last one where it can
function look(o) {
  Object.assign(state, o);
  const [C, h, w] = stages[state.stage].shape;
  state.channel = Math.min(state.channel, C - 1);
  state.at = [Math.min(state.at[0], h - 1), Math.min(state.at[1], w - 1)];
  paintMaps(); detail(); aloud();
}
function walk(i, j, how) { // in the map in detail; of single numbers it shows all
  const [C, h, w] = stages[state.stage].shape, vector = h * w === 1, to = vector ? { channel: Math.min(i * map.cols + j, C - 1), at: [0, 0] } : { at: [i, j] };
  if (how === 'point' && state.held) return;
  choose({ stage: state.stage, ...to }, how === 'press');
}
function aim(k, e, press) { // at the small maps
  const s = stages[k], [C, h, w] = s.shape, b = s.canvas.getBoundingClientRect(), [x, y] = [e.clientX - b.x, e.clientY - b.y], wide = w * s.scale + 2, tall = h * s.scale + 2;
  const [col, row] = [Math.floor(x / wide), Math.floor(y / tall)], c = row * s.columns + col;
  if (col < 0 || col >= s.columns || c >= C || c < 0) return;
  const at = [Math.min(h - 1, Math.floor((y - row * tall) / s.scale)), Math.min(w - 1, Math.floor((x - col * wide) / s.scale))];
  choose({ stage: k, channel: c, at }, press);
}

// ---- drawing

let waiting = false, later;
function soon() { if (!waiting) { waiting = true; requestAnimationFrame(() => { waiting = false; refresh(); }); } }
function compute() {
  state.empty = !inkBox(state.picture, sheet);
  const from = performance.now();
  Object.assign(state, prepared(state.picture, state.on));
  state.found = run(state.image);
  state.p = softmax(state.found.at(-1));
  state.times = [performance.now() - from, ...(state.times || [])].slice(0, 15);
  state.took = [...state.times].sort((a, b) => a - b)[state.times.length >> 1]; // the median of the last passes
}
function refresh(done = false) { // done: a stroke ended, so that it is read out
  compute(); paintPad(); paintSeen(); paintMaps(); paintBars();
  clearTimeout(later);
  if (state.line && !state.keys) later = setTimeout(detail, 120); else detail();
  if (done) aloud();
}

let tables = {};
const scratch = el('canvas');
// 256 colors from a kind's lowest to its highest
function table(kind, signed) {
  return tables[kind + signed] ||= (() => { const color = shades(kind, signed ? [-1, 1] : [0, 1]); return Uint32Array.from({ length: 256 }, (_, k) => { const [r, g, b] = color(signed ? k / 127.5 - 1 : k / 255).fill.match(/\d+/g).map(Number); return (255 << 24 | b << 16 | g << 8 | r) >>> 0; }); })();
}
function blit(g, values, first, [h, w], [x, y, width, height], kind, signed, high) {
  const colors = table(kind, signed), image = new ImageData(w, h), cells = new Uint32Array(image.data.buffer), [by, plus] = signed ? [127.5 / (high || 1), 128] : [255 / (high || 1), 0.5];
  for (let k = 0; k < h * w; k++) cells[k] = colors[clip(Math.floor(values[first + k] * by + plus), 0, 255)];
  if (scratch.width !== w || scratch.height !== h) Object.assign(scratch, { width: w, height: h });
  scratch.getContext('2d').putImageData(image, 0, 0);
  g.drawImage(scratch, x, y, width, height);
}
function frame(g, x, y, w, h, color, thick) { g.strokeStyle = color; g.lineWidth = thick; g.strokeRect(x + thick / 2, y + thick / 2, w - thick, h - thick); }

function paintPad() {
  const g = pad.getContext('2d'), nothing = empty();
  blit(g, state.picture, 0, sheet, [0, 0, 3 * PAD, 3 * PAD], 'input', false, 255);
  const plain = !['shifted', 'smaller', 'thinner', 'inverted'].some(k => state.on[k]), box = plain && state.on.framing && inkBox(state.picture, sheet);
  if (box) { g.setLineDash([6, 5]); frame(g, 3 * box.left - 3, 3 * box.top - 3, 3 * box.size[1] + 6, 3 * box.size[0] + 6, colors.accent, 2); g.setLineDash([]); }
  if (document.activeElement === pad && pad.matches(':focus-visible')) {
    g.beginPath(); g.arc(3 * state.pen[0], 3 * state.pen[1], 3 * PEN, 0, 7); g.strokeStyle = colors.accent; g.lineWidth = 4; g.stroke();
    if (state.line) { g.fillStyle = colors.accent; g.fill(); }
  }
  prompt.hidden = !nothing;
  undo.disabled = !state.acts.length; clear.disabled = nothing;
}
function paintSeen() {
  const g = seen.getContext('2d'), nothing = empty();
  g.imageSmoothingEnabled = false;
  blit(g, nothing ? new Float64Array(784) : state.pixels, 0, [28, 28], [0, 0, 280, 280], 'input', false, 255);
  g.fillStyle = colors.muted; g.globalAlpha = 0.35;
  for (const at of [[0, 144, 280, 1], [144, 0, 1, 280]]) g.fillRect(...at); // the center, where framing puts the center of mass
  g.globalAlpha = 1;
  frameWord.textContent = state.on.framing ? 'Framed' : 'Not framed';
  took.textContent = nothing ? 'Everything is computed here, in your browser.' : `${state.on.framing ? 'Framing and ' : ''}${stages.length} layers took ${state.took.toFixed(1)} ms here.` + (state.on.normalization ? '' : ' Pixels from 0 to 1, not normalized.') + undone();
}
function undone() {
  const all = ['inverted', 'shifted', 'smaller'].filter(k => state.on[k]);
  return all.length ? ` Framing ${state.on.framing ? 'undoes' : 'would undo'}: ${all.join(', ')}.` : '';
}
const sourcesOf = s => s.head.inputs;
// Which box of each of its inputs the activation that is looked at reads
function reads(s) {
  const o = s.head, [i, j] = state.at, inside = (line, n) => line.filter(a => a >= 0 && a < n);
  const [, H, W] = shapeOf(o.inputs[0]);
  if (o.kind === 'linear') return [[0, H], [0, W]];
  if (o.ks || o.bins) return cells(o, i, j).map((line, k) => { const a = inside(line, [H, W][k]); return a.length ? [a[0], a.at(-1) - a[0] + 1] : [0, 0]; });
  return [[i - (o.kind === 'pad' ? o.pad[0] : 0), 1], [j - (o.kind === 'pad' ? o.pad[1] : 0), 1]];
}
function readsChannel(o, c) { // does it read channel c of its input?
  const n = state.channel, C = shapeOf(o.inputs[0])[0];
  return o.kind === 'conv' ? Math.floor(c / (C / o.groups)) === Math.floor(n / (o.shape[0] / o.groups)) : o.kind === 'linear' || c === n;
}
function layoutMaps() {
  for (const s of stages) {
    const [C, h, w] = s.shape, box = s.canvas.parentElement, [width, height] = [box.clientWidth, box.clientHeight], large = Math.min(height, h * w > 1 ? 64 : 28) - 2;
    let scale = 0, columns = 1; // the largest maps that fit, in one row or in several
    for (let rows = 1; rows <= C; rows++) {
      const across = Math.ceil(C / rows), k = Math.floor(Math.min((width / across - 2) / w, (height / rows - 2) / h, large / w, large / h));
      if (k > scale) [scale, columns] = [k, across];
    }
    if (Math.min(h, w) * scale < 12) { scale = Math.ceil(12 / Math.min(h, w)); columns = clip(Math.floor(width / (w * scale + 2)), 1, C); }
    Object.assign(s, { scale, columns });
    const rows = Math.ceil(C / columns);
    Object.assign(s.canvas, { width: columns * (w * scale + 2), height: rows * (h * scale + 2) });
  }
}
const place = (s, c) => { const [, h, w] = s.shape; return [c % s.columns * (w * s.scale + 2), Math.floor(c / s.columns) * (h * s.scale + 2)]; };
function paintMaps() {
  const nothing = empty(), mine = stages[state.stage], sources = sourcesOf(mine), [[r, tall], [q, wide]] = reads(mine);
  stages.forEach((s, k) => {
    const [C, h, w] = s.shape, g = s.canvas.getContext('2d'), x = state.found[s.last], source = sources.includes(s.last);
    let high = 0, signed = false;
    for (const v of x) { high = Math.max(high, Math.abs(v)); signed ||= v < 0; }
    g.imageSmoothingEnabled = false;
    g.clearRect(0, 0, s.canvas.width, s.canvas.height);
    for (let c = 0; c < C; c++) {
      const [left, top] = place(s, c), [width, height] = [w * s.scale, h * s.scale];
      if (nothing) { g.fillStyle = colors.padding; g.globalAlpha = 0.5; g.fillRect(left, top, width, height); g.globalAlpha = 1; continue; }
      blit(g, x, c * h * w, [h, w], [left, top, width, height], 'output', signed, high);
      frame(g, left, top, width, height, colors.line, 1);
      if (source && readsChannel(mine.head, c)) frame(g, left + q * s.scale - 1, top + r * s.scale - 1, wide * s.scale + 2, tall * s.scale + 2, colors.accent, 2);
      if (k === state.stage && c === state.channel) {
        frame(g, left - 1, top - 1, width + 2, height + 2, colors.ink, 2);
        if (h * w > 1) frame(g, left + state.at[1] * s.scale - 1, top + state.at[0] * s.scale - 1, s.scale + 2, s.scale + 2, colors.accent, 2);
      }
    }
    const here = k === state.stage ? state.channel : 0;
    s.canvas.setAttribute('aria-valuenow', here);
    s.canvas.setAttribute('aria-valuetext', `map ${here} of ${C}`);
    strips[k].classList.toggle('meant', k === state.stage);
  });
  paintSeen();
  if (!nothing && sources.includes(-1)) frame(seen.getContext('2d'), 10 * q - 2, 10 * r - 2, 10 * wide + 4, 10 * tall + 4, colors.accent, 3);
}
function paintBars() {
  const nothing = empty(), best = state.p.indexOf(Math.max(...state.p));
  bars.forEach((b, k) => {
    b.fill.style.width = nothing ? '0' : 100 * state.p[k] + '%';
    b.share.textContent = nothing ? '' : percent(state.p[k]);
    b.el.dataset.value = nothing ? '' : state.p[k];
    b.el.classList.toggle('best', !nothing && k === best);
    b.el.setAttribute('aria-label', nothing ? data.labels[k] : `${data.labels[k]}: ${percent(state.p[k])}`);
    b.el.disabled = nothing;
  });
  verdict.textContent = nothing ? 'draw a digit' : data.labels[best];
  verdict.classList.toggle('none', nothing);
}

// ---- one activation

const LABELS = { relu: 'ReLU', relu6: 'ReLU6', leaky_relu: 'leaky ReLU', elu: 'ELU', celu: 'CELU', selu: 'SELU', gelu: 'GELU', silu: 'SiLU', mish: 'Mish', prelu: 'PReLU' };
// The parts of the sum behind an activation: name, inputs and weights by row
function parts(s) {
  const o = s.head, from = o.inputs[0], x = from < 0 ? state.image : state.found[from], [C, H, W] = shapeOf(from), n = state.channel, called = from < 0 ? 'image' : 'map ', res = [];
  if (o.kind === 'conv') {
    const per = C / o.groups, first = Math.floor(n / (o.shape[0] / o.groups)) * per, [rows, cols] = cells(o, ...state.at), [kh, kw] = o.ks;
    for (let c = 0; c < per; c++) res.push({ name: from < 0 ? called : called + (first + c), x: rows.map(r => cols.map(q => { const pad = r < 0 || q < 0 || r >= H || q >= W; return { x: pad ? 0 : x[((first + c) * H + r) * W + q], pad }; })),
      w: rows.map((_, a) => cols.map((_, b) => weights[o.w + ((n * per + c) * kh + a) * kw + b])) });
    return res;
  }
  const value = k => ({ x: x[k], pad: false }), weight = k => weights[o.w + n * x.length + k], span = (a, b) => Array.from({ length: b - a }, (_, k) => a + k);
  const add = (name, ids) => res.push({ name, x: ids.map(line => line.map(value)), w: ids.map(line => line.map(weight)) });
  if (H * W === 1) for (let k = 0; k < C; k += 8) { const ids = span(k, Math.min(k + 8, C)); add(`inputs ${k} to ${ids.at(-1)}`, ids.length === 8 ? [ids.slice(0, 4), ids.slice(4)] : [ids]); }
  else for (let c = 0; c < C; c++) for (let r = 0; r < H; r += 7) for (let q = 0; q < W; q += 7) add((from < 0 ? called : called + c) + (H > 7 || W > 7 ? `, from (${r}, ${q})` : ''), span(r, Math.min(r + 7, H)).map(a => span(q, Math.min(q + 7, W)).map(b => (c * H + a) * W + b)));
  return res;
}
const dot = part => part.x.reduce((s, line, a) => line.reduce((t, o, b) => t + o.x * part.w[a][b], s), 0);

let drawing = 0;
function detail() {
  const s = stages[state.stage], [C, h, w] = s.shape, vector = h * w === 1, nothing = empty(), x = state.found[s.last], flat = vector ? [...x] : [...x.slice(state.channel * h * w, (state.channel + 1) * h * w)];
  const columns = vector ? Math.min(C, C <= 10 ? 5 : 8) : w, rows = vector ? Math.ceil(C / columns) : h, [i, j] = state.at;
  name.textContent = s.name;
  which.textContent = vector ? `number ${state.channel}` : `map ${state.channel}, activation (${i}, ${j})`;
  hint.textContent = nothing ? 'Draw a digit, or take one of the examples: then every number behind the answer can be pointed at.' : state.held ? 'Held. Choose it again to let go.' : 'Point at any map or cell, tap it, or use the arrow keys: here is the sum that makes it.';
  const plate = map.el.parentElement, narrow = document.documentElement.clientWidth < 480 || matchMedia('(pointer: coarse)').matches;
  const pitch = Math.max(narrow ? 12 : 8, Math.floor(Math.min(44, (plate.clientWidth - 6) / columns, (plate.clientHeight - 6) / rows)));
  const write = formatter([...x], 2), color = shades('output', [...x]);
  map.el.setAttribute('aria-label', vector ? `${s.name}: ${C} numbers` : `map ${state.channel} of ${s.name}, ${h} rows by ${w} columns`);
  map.at = vector ? [Math.floor(state.channel / columns), state.channel % columns] : state.at;
  map.draw(rows, columns, pitch, (a, b) => {
    const k = a * columns + b, v = flat[k];
    if (nothing || v === undefined) return { texts: ['', '', ''], name: 'empty', classes: ['pad'] };
    return { texts: briefer(write(v), ''), value: v, name: (vector ? `number ${k}: ` : `row ${a}, column ${b}: `) + write(v), ...color(v) };
  });
  map.reveal(...map.at);
  explain(s, write, nothing);
}
function explain(s, write, nothing) {
  const o = s.head, sums = o.kind === 'conv' || o.kind === 'linear', list = sums && !nothing ? parts(s) : [], k = (state.channel * s.shape[1] + state.at[0]) * s.shape[2] + state.at[1];
  const token = ++drawing, all = list.flatMap(p => p.x.flat().map(v => v.x)), every = list.flatMap(p => p.w.flat()), products = all.map((v, n) => v * every[n]);
  const before = nothing ? 0 : state.found[s.ids[0]][k], writer = formatter([before, ...list.map(dot)], 2);
  const say = { input: formatter(all, 2), kernel: v => shortest(v, 2), product: formatter(products, 2), output: writer, brief: v => shortest(v, 1) };
  const color = { input: shades('input', all), kernel: shades('kernel', every), product: shades('output', products) };
  const room = scroller.clientWidth - 6, wide = list.length ? Math.max(...list.map(p => p.w[0].length)) : 1, across = clip(Math.floor((room + 16) / (96 * wide + 80)), 1, list.length || 1), width = (room - 16 * (across - 1)) / across;
  const pitch = sharePitch(width, wide, (width - 64) / wide / 3 < 22, 36);
  scroller.style.setProperty('--across', across);
  const drawSome = n => {
    if (token !== drawing) return;
    for (const end = Math.min(n + 8, list.length); n < end; n++) {
      const share = shares[n] ||= (() => { const made = new Share('', new Grid('weights'), (share, a, b, on) => { told.textContent = on ? share.product(a, b, share.say) : ''; }); scroller.append(made.el); return made; })();
      share.el.hidden = false;
      share.say = say;
      share.el.setAttribute('aria-label', list[n].name);
      share.title.firstChild.textContent = list[n].name;
      share.draw(list[n].x, list[n].w, pitch, say, color);
    }
    if (n < list.length) setTimeout(drawSome, 16, n);
  };
  drawSome(0);
  for (const share of shares.slice(list.length)) share.el.hidden = true;
  explainPool(s, nothing, write);
  told.textContent = '';
  if (nothing) { total.replaceChildren(); soft.textContent = ''; return; }

  const lead = [], after = [], value = (n, at = k) => n < 0 ? state.image[at] : state.found[n][at];
  if (sums) {
    const texts = list.map(p => writer(dot(p)));
    lead.push(...(texts.length <= 4 ? texts : [`${products.length} products in ${texts.length} ${o.kind === 'conv' ? 'maps' : 'parts'}: ${writer(before - (o.b == null ? 0 : weights[o.b + state.channel]))}`]));
    if (o.b != null) after.push(['+ bias', shortest(weights[o.b + state.channel], 3)]);
  } else if (o.kind === 'max') lead.push('the largest');
  else if (o.kind === 'avg') lead.push('the mean');
  else if (o.kind === 'add') lead.push(o.signs.map((sign, n) => (sign < 0 ? MINUS : n ? '+ ' : '') + write(value(o.inputs[n]))).join(' '));
  else if (o.kind === 'scale') lead.push(`${write(value(o.inputs[0]))} ${TIMES} ${shortest(o.by, 4)} + ${shortest(o.plus, 4)}`);
  else if (o.kind === 'act' || o.kind === 'norm') after.push(...chain(o, value(o.inputs[0]), write).map(t => [t, '']));
  else lead.push('handed on');
  let v = before;
  for (const n of s.ids.slice(1)) { after.push(...chain(steps[n], v, write).map(t => [`\u2248 ${t}`, ''])); v = state.found[n][k]; }
  total.replaceChildren(...totalLine(lead, after, el('b', { id: 'sum', 'data-value': v }, write(v)), after.length && !sums ? '' : s.ids.length > 1 ? '' : '\u2248'));
  soft.textContent = '';
  if (state.stage < stages.length - 1) return;
  const z = [...state.found.at(-1)], top = Math.max(...z), e = z.map(v => Math.exp(v - top)), far = top > 12 || top < -6, base = far ? top : 0, terms = z.map(v => `e^${shortest(v - base, 1)}`);
  const powers = z.map(v => Math.exp(v - base)), w = formatter(powers, 3), sum = powers.reduce((a, b) => a + b);
  soft.textContent = `Softmax${far ? ` (after subtracting the largest, ${shortest(top, 1)}, from each)` : ''}: ${terms[state.channel]} / (${terms.length <= 10 ? terms.join(' + ') : `the sum of ${terms.length} such powers`}) = ${w(powers[state.channel])} / ${w(sum)} = ${percent(state.p[state.channel])}`;
}
// What a step makes of one value, in words
function chain(o, v, write) {
  if (o.kind === 'scale') return [`${write(v)} ${TIMES} ${shortest(o.by, 4)} + ${shortest(o.plus, 4)} =`];
  if (o.kind === 'act') return [`${write(v)}, ${LABELS[o.f] || o.f}:`];
  const [m, sd, w, b] = ['mean', 'std', 'w', 'b'].map(k => shortest(weights[o[k] + state.channel], 3));
  return [`${write(v)}, norm: (${write(v)} ${MINUS} ${m}) / ${sd} ${TIMES} ${w} + ${b} =`];
}
function explainPool(s, nothing, write) {
  const o = s.head;
  pooling.hidden = nothing || !(o.kind === 'max' || o.kind === 'avg');
  if (pooling.hidden) return;
  const from = o.inputs[0], x = from < 0 ? state.image : state.found[from], [, H, W] = shapeOf(from), [rows, cols] = cells(o, ...state.at);
  const all = rows.flatMap(r => cols.map(q => r < 0 || q < 0 || r >= H || q >= W ? null : x[(state.channel * H + r) * W + q])), real = all.filter(v => v !== null), color = shades('input', real), most = Math.max(...real);
  const say = formatter(real, 2), pitch = Math.max(12, Math.min(44, Math.floor((scroller.clientWidth - 12) / cols.length)));
  pool.draw(rows.length, cols.length, pitch, (a, b) => {
    const v = all[a * cols.length + b];
    return v === null ? { texts: ['', '', ''], name: 'padding', classes: ['pad'] } : { texts: briefer(say(v), ''), value: v, name: say(v), classes: o.kind === 'max' && v === most ? ['meant'] : [], ...color(v) };
  });
}

// ---- aloud

let speak, first = '';
function say(text) { first = text; }
function aloud() {
  clearTimeout(speak);
  speak = setTimeout(() => {
    const order = [...state.p.keys()].sort((a, b) => state.p[b] - state.p[a]), pen = state.keys && document.activeElement === pad;
    const answer = empty() ? 'The pad is empty: draw a digit.' : `The network reads ${data.labels[order[0]]}, ${percent(state.p[order[0]])}, then ${data.labels[order[1]]}, ${percent(state.p[order[1]])}.`;
    const where = pen ? `Pen ${state.line ? 'down' : 'up'} at row ${Math.round(state.pen[1] / 5)}, column ${Math.round(state.pen[0] / 5)}. ` : '';
    const focus = document.activeElement, looking = focus && focus !== document.body && focus !== pad && (map.el.contains(focus) || focus.closest('.strip, .bars')) && !empty();
    live.textContent = (looking ? `${name.textContent}, ${which.textContent}: ${total.textContent}. ${soft.textContent}` : first + where + answer).replace(/\u2212/g, 'minus ');
    first = '';
  }, 300);
}

function redraw() {
  tables = {};
  for (const [k, v] of Object.entries(data.layout)) document.documentElement.style.setProperty('--' + k, v + 'px');
  samples.forEach((b, n) => picture(b.canvas, Array.from({ length: 28 }, (_, r) => [...examples[n].slice(28 * r, 28 * r + 28)]), shades('input', [0, 255])));
  layoutMaps();
  refresh();
}
state.acts = data.start == null ? [] : [{ example: data.start }];
state.picture = drawn(state.acts);
keepDrawn(redraw, [map.el.parentElement, ...stages.map(s => s.canvas.parentElement)]);
