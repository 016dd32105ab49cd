// Slide a kernel over an image: point at an output and see its inputs, its products and their sum.
// A cross-correlation with zero padding, as PyTorch's F.conv2d; every number is computed here, in double precision.
'use strict';

const x = data.image, [H, W] = [x.length, x[0].length], LIMIT = data.limit;
const copy = m => m.map(r => [...r]);
const state = { ...data.start, w: copy(data.kernels[data.start.kernel].weights), held: false }; // kernel: its number, or 'own' once it is edited

// ---- the arithmetic

const span = (k, d) => d * (k - 1) + 1; // input cells from the first to the last that a kernel of k cells reads
const places = (n, k, s) => Math.floor((n + 2 * s.padding - span(k, s.dilation)) / s.stride) + 1;
const windowOf = (i, k, s) => Array.from({ length: k }, (_, a) => i * s.stride - s.padding + a * s.dilation);
const at = (r, c) => r >= 0 && c >= 0 && r < H && c < W ? x[r][c] : 0;

function terms(i, j, s = state) {
  const rows = windowOf(i, s.w.length, s), cols = windowOf(j, s.w[0].length, s);
  return rows.map((r, a) => cols.map((c, b) => ({ x: at(r, c), w: s.w[a][b], pad: r < 0 || c < 0 || r >= H || c >= W })));
}
const sum = t => t.flat().reduce((total, o) => total + o.x * o.w, 0);

// What is wrong with these settings, in words, or nothing
function problem(s) {
  const whole = (name, low, high) => Number.isInteger(s[name]) && s[name] >= low && s[name] <= high ? null
    : `${name[0].toUpperCase() + name.slice(1)} is a whole number from ${low} to ${high}.`;
  const wrong = whole('stride', 1, LIMIT.stride) || whole('padding', 0, LIMIT.padding) || whole('dilation', 1, LIMIT.dilation);
  if (wrong) return wrong;
  for (const [n, k, axis] of [[H, s.w.length, 'rows'], [W, s.w[0].length, 'columns']]) {
    const [need, have] = [span(k, s.dilation), n + 2 * s.padding];
    if (need > have) return `The kernel would span ${need} ${axis}; the padded input has ${have}.`;
  }
  return null;
}

// ---- the page

const input = new Grid('Input');
const output = new Grid('Output', { walk: true, onmove: move });
const weights = el('div', { class: 'grid', role: 'grid', 'aria-label': 'Kernel weights, editable' });
const heading = (text, id) => { const size = el('span', { class: 'size' }); return [el('h2', { id }, text, size), size]; };
const [inHead, inSize] = heading('Input'), [outHead, outSize] = heading('Output'), [kHead, kSize] = heading('Kernel'), [sumHead, sumSize] = heading('The sum');
const unread = el('p', { class: 'note unread-note' }), hold = el('p', { class: 'note' }), says = el('p', { class: 'note says', role: 'status' });
const lines = el('div', { class: 'terms', 'aria-hidden': 'true' }), total = el('p', { class: 'total', 'aria-hidden': 'true' });
const live = el('p', { class: 'unseen', 'aria-live': 'polite', id: 'live' });
const choose = el('select', { id: 'kernel', onchange: () => pick(Number(choose.value)) },
  ...data.kernels.map((k, n) => el('option', { value: n }, k.name)), el('option', { value: 'own', hidden: true }, 'edited by hand'));

root.replaceChildren(
  el('h1', {}, data.title),
  el('div', { class: 'conv' },
    el('section', { class: 'knobs', 'aria-label': 'Settings' },
      el('div', { class: 'choice' }, el('label', { for: 'kernel' }, 'kernel'), choose),
      el('div', { class: 'weights' }, kHead, el('div', { class: 'plate' }, weights)),
      el('div', { class: 'steps' }, ...['stride', 'padding', 'dilation'].map(name =>
        stepper(name, state[name], name === 'padding' ? 0 : 1, LIMIT[name], v => change({ [name]: v }))))),
    says,
    el('section', { class: 'in', 'aria-label': 'Input' }, inHead, el('div', { class: 'plate' }, input.el, unread)),
    el('section', { class: 'out', 'aria-label': 'Output' }, outHead, el('div', { class: 'plate' }, output.el, hold)),
    el('section', { class: 'sum', 'aria-label': 'The sum' }, sumHead, el('div', { class: 'added' }, lines, total), live)));

// ---- what the reader does

function move(i, j, how) {
  const same = i === state.at[0] && j === state.at[1];
  if (how === 'point' && (state.held || same)) return;
  if (how === 'press') state.held = !(state.held && same);
  state.at = [i, j];
  point();
}
// Try settings; keep the old ones, and say why, where the new ones make no sense
function change(part) {
  const next = { ...state, ...part }, wrong = problem(next);
  if (wrong) { explain(wrong + ' Nothing was changed.', true); return false; }
  Object.assign(state, part);
  draw();
  return true;
}
function pick(n) {
  if (!change({ w: copy(data.kernels[n].weights), kernel: n })) choose.value = state.kernel;
}
// While a number is being typed it may be half a number: that is refused only when the field is left
function edit(a, b, f, left) {
  const text = f.value.trim().replace(MINUS, '-').replace(',', '.'), v = Number(text), good = text !== '' && Math.abs(v) <= LIMIT.weight;
  if (good && v !== state.w[a][b] && !(left && f.value === f.dataset.shown)) {
    const w = copy(state.w);
    w[a][b] = v;
    change({ w, kernel: 'own' });
  }
  if (!left) return;
  if (!good) explain(`A weight is a number between ${MINUS}${LIMIT.weight} and ${LIMIT.weight}. It stays ${shortest(state.w[a][b], data.digits)}.`, true);
  f.value = f.dataset.shown = shortest(state.w[a][b], data.digits);
}

// ---- drawing

let write = {};
function layout() {
  const wide = document.documentElement.clientWidth, body = wide - 32, style = document.documentElement.style;
  const side = Math.min(data.side, wide >= 720 ? (body - 206 - 40) / 2 : wide >= 480 ? (body - 20) / 2 : body);
  style.setProperty('--plate', side * data.ratio);
  style.setProperty('--tall', data.tall);
  style.setProperty('--broad', data.broad);
  return (rows, cols) => Math.min(40, Math.floor(Math.min((side - 1) / cols, (side * data.ratio - 1) / rows)));
}
// Kernels have cells to put a finger on; data.weight says how many pixels each has, for every larger side
const weightCell = () => data.weight[Math.max(state.w.length, state.w[0].length) - 1];

// aloud: whether the selected output is read out; not when the page does it, at the start or for a new width
function draw(aloud = true) {
  const s = state, [kh, kw] = [s.w.length, s.w[0].length], [oh, ow] = [places(H, kh, s), places(W, kw, s)], [PH, PW] = [H + 2 * s.padding, W + 2 * s.padding];
  const pitch = layout(), cell = weightCell();
  const read = (n, k, o) => { const set = new Set(); for (let i = 0; i < o; i++) windowOf(i, k, s).forEach(r => set.add(r)); return set; };
  const [readRows, readCols] = [read(H, kh, oh), read(W, kw, ow)];
  const y = Array.from({ length: oh }, (_, i) => Array.from({ length: ow }, (_, j) => sum(terms(i, j))));
  const flat = { input: x.flat(), kernel: s.w.flat(), output: y.flat() };
  write = { input: formatter(flat.input, data.digits), output: formatter(flat.output, data.digits), kernel: v => shortest(v, data.digits) };
  const briefly = formatter(flat.output, Math.min(1, data.digits)); // for output cells with little room
  const color = { input: shades('input', flat.input), kernel: shades('kernel', flat.kernel), output: shades('output', flat.output) };

  let missed = 0;
  input.draw(PH, PW, pitch(PH, PW), (a, b) => {
    const [r, c] = [a - s.padding, b - s.padding], pad = r < 0 || c < 0 || r >= H || c >= W, skip = !readRows.has(r) || !readCols.has(c), v = at(r, c);
    if (skip && !pad) missed++;
    const where = pad ? 'padding: 0' : `row ${r}, column ${c}: ${write.input(v)}`;
    return { texts: [pad ? '0' : write.input(v)], value: v, name: where + (skip ? ', read by no window' : ''), classes: [pad && 'pad', skip && 'unread'].filter(Boolean),
      ...(pad ? {} : color.input(v)) };
  });
  // the output at the input's scale, so that it looks as much smaller as it is; but not too small to point at
  output.draw(oh, ow, Math.max(pitch(Math.max(oh, PH), Math.max(ow, PW)), Math.min(30, pitch(oh, ow))), (i, j) => {
    const v = y[i][j], text = write.output(v);
    return { texts: [text, briefly(v)], value: v, name: `row ${i}, column ${j}: ${text}`, ...color.output(v) };
  });

  weights.style.gridTemplateColumns = `repeat(${kw}, ${cell - 1}px)`;
  weights.style.gridAutoRows = `${cell - 1}px`;
  weights.style.fontSize = Math.min(14, (cell - 3) / (0.6 * Math.max(...flat.kernel.map(v => write.kernel(v).length)))) + 'px';
  const same = weights.children.length === kh && weights.firstChild.children.length === kw;
  if (!same) weights.replaceChildren(...s.w.map((line, a) => el('div', { class: 'row', role: 'row' }, ...line.map((_, b) => field(a, b)))));
  s.w.forEach((line, a) => line.forEach((v, b) => {
    const e = weights.children[a].children[b], f = e.firstChild, { fill, ink } = color.kernel(v);
    e.dataset.value = v; e.style.backgroundColor = fill; e.style.color = ink;
    if (document.activeElement !== f || !same) f.value = f.dataset.shown = write.kernel(v);
  }));

  choose.value = s.kernel;
  inSize.textContent = `${H} ${TIMES} ${W}` + (s.padding ? `, padding ${s.padding}` : '');
  kSize.textContent = `${kh} ${TIMES} ${kw}`;
  outSize.textContent = `${oh} ${TIMES} ${ow}`;
  input.el.setAttribute('aria-label', `Input, ${H} rows by ${W} columns` + (s.padding ? `, and ${s.padding} of padding on each side` : ''));
  output.el.setAttribute('aria-label', `Output, ${oh} rows by ${ow} columns`);
  unread.textContent = missed ? `Hatched: read by no window (${missed} of ${H * W})` : '';
  const rule = (n, k, o, [input, padding, window, stride]) => {
    const e = span(k, s.dilation), all = (n + 2 * s.padding - e) / s.stride + 1;
    return `(${input}${n} + 2 ${TIMES} ${padding}${s.padding} ${MINUS} ${window}${e}) / ${stride}${s.stride} + 1 = ` + (all === o ? o : `${shortest(all, 2)}, rounded down to ${o}`);
  };
  explain(H === W && kh === kw ? `Output size: ${rule(H, kh, oh, ['input ', 'padding ', 'window ', 'stride '])}`
    : `Output size: rows ${rule(H, kh, oh, ['', '', '', ''])}; columns ${rule(W, kw, ow, ['', '', '', ''])}`);
  s.at = [Math.min(s.at[0], oh - 1), Math.min(s.at[1], ow - 1)];
  point(aloud);
}

// The selected output: its window, its products, their sum
let speak;
function point(aloud = true) {
  const s = state, [i, j] = s.at, t = terms(i, j), v = sum(t), [kh, kw] = [t.length, t[0].length], n = kh * kw;
  output.here(i, j);
  input.outline(...[[i, kh], [j, kw]].map(([o, k]) => windowOf(o, k, s).map(r => r + s.padding)));
  const exact = write.output.exact(v) && t.flat().every(o => (o.pad || write.input.exact(o.x)) && Number(o.w.toFixed(data.digits)) === o.w);
  const [num, wgt] = [o => o.pad ? '0' : write.input(o.x), o => write.kernel(o.w)];
  lines.style.gridTemplateColumns = `repeat(${kw}, auto)`;
  lines.replaceChildren(...t.flat().map((o, k) => el('span', { class: 'term', onpointerenter: () => meant(k, true), onpointerleave: () => meant(k, false) }, k ? '+ ' : '',
    el('b', { class: o.pad ? 'x pad' : 'x' }, num(o)), ` ${TIMES} `, el('b', { class: 'w' }, wgt(o)))));
  total.replaceChildren(exact ? '= ' : '\u2248 ', el('b', { id: 'sum', 'data-value': v }, write.output(v)));
  sumSize.textContent = `output (${i}, ${j}), ${n} product${n > 1 ? 's' : ''}` + (exact ? '' : ', rounded');
  hold.textContent = s.held ? 'Held. Choose it again to let go.' : 'Point, tap or use the arrow keys.';
  clearTimeout(speak);
  if (!aloud) return;
  const words = n <= 16 ? t.flat().map(o => `${num(o)} times ${wgt(o)}`).join(', plus ') + ', ' : `the sum of ${n} products `;
  speak = setTimeout(() => { live.textContent = `Output row ${i}, column ${j}: ${words}${exact ? 'equals' : 'is about'} ${write.output(v)}`.replace(/\u2212/g, 'minus '); }, 250);
}

// Point at a product: its input and its weight
function meant(k, on) {
  const [i, j] = state.at, kw = state.w[0].length, [a, b] = [Math.floor(k / kw), k % kw];
  const r = windowOf(i, state.w.length, state)[a] + state.padding, c = windowOf(j, kw, state)[b] + state.padding;
  for (const e of [input.cells[r][c], weights.children[a].children[b]]) e.classList.toggle('meant', on);
}

function explain(text, refused = false) {
  says.replaceChildren(refused ? el('span', { class: 'refused' }, text) : text);
}

// A weight that can be edited; the arrow keys walk from one to the next unless they are needed inside the text
function field(a, b) {
  const f = el('input', { type: 'text', inputmode: 'text', autocomplete: 'off', spellcheck: 'false', 'aria-label': `weight, row ${a}, column ${b}`, tabindex: a || b ? -1 : 0,
    oninput: () => edit(a, b, f, false), onchange: () => edit(a, b, f, true),
    onfocus: () => { for (const o of weights.querySelectorAll('input')) o.tabIndex = o === f ? 0 : -1; f.select(); },
    onkeydown: e => {
      const all = f.selectionStart === 0 && f.selectionEnd === f.value.length;
      const to = { ArrowUp: [a - 1, b], ArrowDown: [a + 1, b], Enter: [a + 1, b],
        ArrowLeft: (all || f.selectionEnd === 0) && [a, b - 1], ArrowRight: (all || f.selectionStart === f.value.length) && [a, b + 1] }[e.key];
      const next = to && weights.children[to[0]]?.children[to[1]]?.firstChild;
      if (next) { e.preventDefault(); next.focus(); }
    } });
  return el('div', { class: 'cell', role: 'gridcell' }, f);
}

draw(false);
let drawnAt = document.documentElement.clientWidth;
addEventListener('resize', () => { const w = document.documentElement.clientWidth; if (w !== drawnAt) { drawnAt = w; draw(false); } });
