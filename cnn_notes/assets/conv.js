// Slide a kernel over an image: point at an output and see its inputs, the products of every channel and their sum; point at an input
// and see the outputs that it reaches. A cross-correlation with zero padding, as PyTorch's F.conv2d; every number is computed here, in double precision.
'use strict';

const single = m => Array.isArray(m) ? m.map(single) : Math.fround(m), exactly = o => o.single ? single(o.values) : o.values; // single precision is written with few digits
const x = exactly(data.image), C = x.length, [H, W] = [x[0].length, x[0][0].length], LIMIT = data.limit;
const banks = data.kernels.map(k => ({ ...k, weights: exactly(k.weights) }));
const copy = w => w.map(m => m.map(r => [...r]));
const state = { ...data.start, bias: banks[data.start.kernel].bias, w: copy(banks[data.start.kernel].weights), channel: 0, from: null, held: false };
// kernel: its number, or 'own' once it is edited; from: the input that is pointed at, if it is not an output

// ---- the arithmetic

const span = (k, d) => d * (k - 1) + 1; // input cells from the first to the last that a kernel of k cells reads
const places = (n, k, s) => Math.floor((n + 2 * s.padding - span(k, s.dilation)) / s.stride) + 1;
const windowOf = (i, k, s) => Array.from({ length: k }, (_, a) => i * s.stride - s.padding + a * s.dilation);
const outside = (r, c) => r < 0 || c < 0 || r >= H || c >= W;
const at = (ch, r, c) => outside(r, c) ? 0 : x[ch][r][c];
const size = s => [s.w[0].length, s.w[0][0].length];

function patchOf(ch, i, j, s = state) {
  const [kh, kw] = size(s), cols = windowOf(j, kw, s);
  return windowOf(i, kh, s).map(r => cols.map(c => ({ x: at(ch, r, c), pad: outside(r, c) })));
}
const dot = (patch, w) => patch.reduce((total, line, a) => line.reduce((t, o, b) => t + o.x * w[a][b], total), 0);
const before = (i, j, s = state) => s.w.reduce((t, w, ch) => t + dot(patchOf(ch, i, j, s), w), 0) + (s.bias || 0);
const after = (v, s = state) => s.relu ? Math.max(v, 0) : v;
// The outputs along one axis whose window reads input r
const readers = (r, k, n, s = state) => Array.from({ length: n }, (_, i) => i).filter(i => windowOf(i, k, s).includes(r));

// What is wrong with these settings, in words, or nothing
function problem(s) {
  const whole = (name, low, high) => Number.isInteger(s[name]) && s[name] >= low && s[name] <= high ? null
    : `${name[0].toUpperCase() + name.slice(1)} is a whole number from ${low} to ${high}.`;
  const wrong = whole('stride', 1, LIMIT.stride) || whole('padding', 0, LIMIT.padding) || whole('dilation', 1, LIMIT.dilation);
  if (wrong) return wrong;
  for (const [n, k, axis] of [[H, size(s)[0], 'rows'], [W, size(s)[1], 'columns']]) {
    const [need, have] = [span(k, s.dilation), n + 2 * s.padding];
    if (need > have) return `The kernel would span ${need} ${axis}; the padded input has ${have}.`;
  }
  return null;
}

// ---- the page

const input = new Grid('Input', { walk: true, onmove: (i, j, how) => move([i, j], how, true) });
const output = new Grid('Output', { walk: true, onmove: (i, j, how) => move([i, j], how, false) });
const heading = text => { const size = el('span', { class: 'size' }); return [el('h2', {}, text, size), size]; };
const [inHead, inSize] = heading('Input'), [outHead, outSize] = heading('Output'), [sumHead, sumSize] = heading('The sum');
const unread = el('p', { class: 'note' }), hold = el('p', { class: 'note' }), says = el('p', { class: 'note says', role: 'status' });
const total = el('p', { class: 'total', 'aria-hidden': 'true' }), told = el('p', { class: 'note told', 'aria-hidden': 'true' });
const live = el('p', { class: 'unseen', 'aria-live': 'polite', id: 'live' });
const choose = el('select', { id: 'kernel', onchange: () => pick(Number(choose.value)) },
  ...banks.map((k, n) => el('option', { value: n }, k.name)), el('option', { value: 'own', hidden: true }, 'edited by hand'));
const relu = el('input', { type: 'checkbox', id: 'relu', onchange: () => change({ relu: relu.checked }) });
const filters = data.bank > 1 && chips('filter', banks.slice(0, data.bank).map(k => k.name), pick);
const channels = C > 1 && chips('channel', data.channels, n => { state.channel = n; draw(); });
const shares = data.channels.map((name, ch) => new Share(C > 1 ? name : 'input and kernel', el('div', { class: 'grid', role: 'grid', 'aria-label': C > 1 ? `Kernel weights of ${name}, editable` : 'Kernel weights, editable' }), meant));
const scroller = el('div', { class: 'shares', tabindex: C > 3 ? 0 : null }, ...shares.map(s => s.el));
const conv = el('div', { class: 'conv' },
  el('section', { class: 'knobs', 'aria-label': 'Settings' },
    el('div', { class: 'choice' }, el('label', { for: 'kernel' }, C > 1 || filters ? 'filter' : 'kernel'), choose),
    ...['stride', 'padding', 'dilation'].map(name => stepper(name, state[name], name === 'padding' ? 0 : 1, LIMIT[name], v => change({ [name]: v }))),
    el('label', { class: 'relu check', for: 'relu' }, relu, 'ReLU')),
  says,
  el('section', { class: 'map in', 'aria-label': 'Input' }, inHead, channels ? channels.el : '', el('div', { class: 'plate' }, input.el), unread),
  el('section', { class: 'map out', 'aria-label': 'Output' }, outHead, filters ? filters.el : '', el('div', { class: 'plate' }, output.el), hold),
  el('section', { class: 'sum', 'aria-label': 'The sum' }, sumHead, scroller, total, told, live));
root.replaceChildren(el('h1', {}, data.title), conv);
if (C === 1) shares[0].title.hidden = true;

// ---- what the reader does

function move(cell, how, inside) {
  const now = inside ? state.from : state.from ? null : state.at, same = now && cell[0] === now[0] && cell[1] === now[1];
  if (how === 'point' && (state.held || same)) return;
  if (how === 'press') state.held = !(state.held && same);
  if (inside) state.from = cell;
  else Object.assign(state, { at: cell, from: null });
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
  if (!change({ w: copy(banks[n].weights), bias: banks[n].bias, kernel: n })) choose.value = state.kernel;
}
// While a number is being typed it may be half a number: that is refused only when the field is left
function edit(ch, a, b, f, left) {
  const text = f.value.trim().replace(MINUS, '-').replace(',', '.'), v = Number(text), good = text !== '' && Math.abs(v) <= LIMIT.weight;
  if (good && v !== state.w[ch][a][b] && !(left && f.value === f.dataset.shown)) {
    const w = copy(state.w);
    w[ch][a][b] = v;
    change({ w, kernel: 'own' });
  }
  if (!left) return;
  if (!good) explain(`A weight is a number between ${MINUS}${LIMIT.weight} and ${LIMIT.weight}. It stays ${shortest(state.w[ch][a][b], data.digits)}.`, true);
  f.value = f.dataset.shown = shortest(state.w[ch][a][b], data.digits);
}

// ---- drawing

let write = {}, color = {};
// The largest cells for which there is room on the plate; where a finger needs 12 pixels they are at least that, and the plate scrolls
function fit(grid, rows, cols) {
  const plate = grid.el.parentElement, few = document.documentElement.clientWidth < 480 || matchMedia('(pointer: coarse)').matches ? 12 : 7;
  return Math.max(few, Math.floor(Math.min(40, (plate.offsetWidth - 4) / cols, (plate.offsetHeight - 4) / rows)));
}
// Returns the pitch of the products
function layout() {
  const wide = document.documentElement.clientWidth, which = wide >= 720 ? 0 : wide >= 480 ? 1 : 2, style = document.documentElement.style;
  const [kh, kw] = size(state), across = kw > 3 ? 1 : data.across[which], folded = which === 2 && data.folded;
  conv.classList.toggle('stack', which === 2 && data.stack);
  conv.classList.toggle('single', C === 1);
  style.setProperty('--plate', data.plate[which]);
  style.setProperty('--shares', data.shares[which]);
  style.setProperty('--across', across);
  const width = (scroller.clientWidth - parseFloat(getComputedStyle(scroller).columnGap) * (across - 1)) / across;
  return sharePitch(width, kw, folded, Math.min(data.cell[which], C === 1 ? (scroller.clientHeight - 12) / kh / (folded ? 2 : 1) : 99));
}

// aloud: whether the selected output is read out; not when the page does it, at the start or for a new width
function draw(aloud = true) {
  const s = state, [kh, kw] = size(s), [oh, ow] = [places(H, kh, s), places(W, kw, s)], [PH, PW] = [H + 2 * s.padding, W + 2 * s.padding];
  s.pitch = layout();
  const read = (n, k, o) => { const set = new Set(); for (let i = 0; i < o; i++) windowOf(i, k, s).forEach(r => set.add(r)); return set; };
  const [readRows, readCols] = [read(H, kh, oh), read(W, kw, ow)];
  const values = t => Array.from({ length: oh }, (_, i) => Array.from({ length: ow }, (_, j) => after(before(i, j, t), t)));
  const y = values(s), all = { input: x.flat(2), kernel: s.w.flat(2), output: y.flat() };
  const brief = formatter(all.output, Math.min(1, data.digits)); // where there is little room
  write = { input: formatter(all.input, data.digits), output: formatter(all.output, data.digits), kernel: v => shortest(v, data.digits), brief };
  color = { input: shades(data.light ? 'light' : 'input', all.input), kernel: shades('kernel', all.kernel), output: shades('output', all.output) };
  s.at = [Math.min(s.at[0], oh - 1), Math.min(s.at[1], ow - 1)];
  if (s.from) s.from = [Math.min(s.from[0], PH - 1), Math.min(s.from[1], PW - 1)];

  let missed = 0;
  input.at = s.from || input.at || [s.padding, s.padding];
  input.draw(PH, PW, fit(input, PH, PW), (a, b) => {
    const [r, c] = [a - s.padding, b - s.padding], pad = outside(r, c), skip = !readRows.has(r) || !readCols.has(c), v = at(s.channel, r, c);
    if (skip && !pad) missed++;
    const where = pad ? 'padding: 0' : `row ${r}, column ${c}: ${write.input(v)}`;
    return { texts: pad ? ['0', '0'] : briefer(write.input(v)).slice(0, 2), value: v, name: where + (skip ? ', read by no window' : ''), classes: [pad && 'pad', skip && 'unread'].filter(Boolean),
      ...(pad ? {} : color.input(v)) };
  });
  // the output at the input's scale, so that it looks as much smaller as it is; but not too small to point at
  output.at = s.at;
  output.draw(oh, ow, Math.max(fit(output, Math.max(oh, PH), Math.max(ow, PW)), Math.min(30, fit(output, oh, ow))), (i, j) => {
    const v = y[i][j], text = write.output(v);
    return { texts: briefer(text, brief(v)), value: v, name: `row ${i}, column ${j}: ${text}`, ...color.output(v) };
  });
  s.w.forEach((w, ch) => drawWeights(ch, w));
  if (filters) {
    filters.choose(s.kernel);
    for (let n = 0; n < data.bank; n++) {
      const own = { ...s, w: banks[n].weights, bias: banks[n].bias };
      if (problem(own)) continue;
      const [a, b] = [places(H, size(own)[0], own), places(W, size(own)[1], own)], m = Array.from({ length: a }, (_, i) => Array.from({ length: b }, (_, j) => after(before(i, j, own), own)));
      filters.paint(n, m, shades('output', m.flat()));
    }
  }
  choose.value = s.kernel;
  relu.checked = s.relu;
  inSize.textContent = `${C > 1 ? C + ' ' + TIMES + ' ' : ''}${H} ${TIMES} ${W}` + (s.padding ? `, padding ${s.padding}` : '');
  outSize.textContent = `${oh} ${TIMES} ${ow}`;
  input.el.setAttribute('aria-label', `Input, ${C > 1 ? data.channels[s.channel] + ', ' : ''}${H} rows by ${W} columns` + (s.padding ? `, and ${s.padding} of padding on each side` : ''));
  output.el.setAttribute('aria-label', `Output, ${oh} rows by ${ow} columns`);
  s.missed = missed ? `Hatched: read by no window (${missed} of ${H * W})` : '';
  const rule = (n, k, o, [input, padding, window, stride]) => {
    const e = span(k, s.dilation), all = (n + 2 * s.padding - e) / s.stride + 1;
    return `(${input}${n} + 2 ${TIMES} ${padding}${s.padding} ${MINUS} ${window}${e}) / ${stride}${s.stride} + 1 = ` + (all === o ? o : `${shortest(all, 2)}, rounded down to ${o}`);
  };
  explain(H === W && kh === kw ? `Output size: ${rule(H, kh, oh, ['input ', 'padding ', 'window ', 'stride '])}`
    : `Output size: rows ${rule(H, kh, oh, ['', '', '', ''])}; columns ${rule(W, kw, ow, ['', '', '', ''])}`);
  point(aloud);
}

// The weights of one channel, as fields to type into
function drawWeights(ch, w) {
  const grid = shares[ch].kernel, [kh, kw] = size(state), cell = state.pitch;
  const sizes = [0, 1].map(k => (cell - 2) / (0.62 * Math.max(...state.w.flat(2).map(v => briefer(write.kernel(v))[k].length)))), brief = Number(sizes[0] < 8);
  const text = v => briefer(write.kernel(v))[brief];
  grid.style.gridTemplateColumns = `repeat(${kw}, ${cell}px)`;
  grid.style.gridAutoRows = `${cell}px`;
  grid.style.fontSize = Math.min(13, sizes[brief]) + 'px';
  const same = grid.children.length === kh && grid.firstChild.children.length === kw;
  if (!same) grid.replaceChildren(...w.map((line, a) => el('div', { class: 'row', role: 'row' }, ...line.map((_, b) => field(ch, a, b)))));
  w.forEach((line, a) => line.forEach((v, b) => {
    const e = grid.children[a].children[b], f = e.firstChild, { fill, ink } = color.kernel(v);
    e.dataset.value = v; e.style.backgroundColor = fill; e.style.color = ink;
    if (document.activeElement !== f || !same) f.value = f.dataset.shown = text(v);
  }));
}

// The selected output: its window, the products of every channel, their sum. Or the selected input, and the outputs that it reaches
let speak;
function point(aloud = true) {
  const s = state, [i, j] = s.at, [kh, kw] = size(s), patches = s.w.map((_, ch) => patchOf(ch, i, j)), n = C * kh * kw;
  const [pre, v] = [before(i, j), after(before(i, j))];
  const products = patches.flatMap((p, ch) => p.flatMap((line, a) => line.map((o, b) => o.x * s.w[ch][a][b])));
  write.product = formatter(products, data.digits);
  color.product = shades('output', products);
  shares.forEach((share, ch) => share.draw(patches[ch], s.w[ch], s.pitch, write, color));

  const bias = s.bias != null, exactNumbers = [pre, v, ...(C > 1 ? shares.map(o => o.sum) : [])].every(write.output.exact) && products.every(write.product.exact) && (!bias || write.output.exact(s.bias));
  const exact = exactNumbers && patches.flat(2).every(o => o.pad || write.input.exact(o.x)) && s.w.flat(2).every(o => Number(o.toFixed(data.digits)) === o);
  const result = el('b', { id: 'sum', 'data-value': v }, write.output(v)), sign = exact ? '=' : '\u2248';
  const steps = [...(bias ? [[`+ bias`, write.kernel(s.bias)]] : []), ...(s.relu ? [[`${sign} ${write.output(pre)}, ReLU:`, '']] : [])];
  const alone = C === 1 && !bias && !s.relu;
  total.replaceChildren(...totalLine(alone ? [] : shares.map(o => write.output(o.sum)), steps, result, s.relu ? '' : sign));
  sumSize.textContent = `output (${i}, ${j}), ${n} product${n > 1 ? 's' : ''}` + (exact ? '' : ', rounded');
  told.textContent = '';

  output.here(i, j);
  const boxes = [[i, kh], [j, kw]].map(([o, k]) => windowOf(o, k, s).map(r => r + s.padding));
  if (channels) { channels.choose(s.channel); x.forEach((m, ch) => channels.paint(ch, m, color.input, [boxes[0][0] - s.padding, boxes[1][0] - s.padding, span(kh, s.dilation), span(kw, s.dilation)])); }
  const reached = s.from && [[s.from[0], kh, output.rows], [s.from[1], kw, output.cols]].map(([r, k, n]) => readers(r - s.padding, k, n));
  input.el.classList.toggle('chosen', Boolean(s.from));
  output.el.classList.toggle('chosen', !s.from);
  input.mark.replaceChildren(); output.mark.replaceChildren();
  input.here(...(s.from || input.at));
  if (!s.from) { input.outline(...boxes); input.reveal((boxes[0][0] + boxes[0].at(-1)) / 2, (boxes[1][0] + boxes[1].at(-1)) / 2); }
  else if (reached[0].length && reached[1].length) { output.outline(...reached); output.reveal(reached[0][0], reached[1][0]); }
  const many = s.from && reached[0].length * reached[1].length;
  const reach = s.from && `input (${s.from[0] - s.padding}, ${s.from[1] - s.padding}) reaches ${many} output${many === 1 ? '' : 's'}`;
  unread.textContent = reach ? reach[0].toUpperCase() + reach.slice(1) + '.' : s.missed || 'Point here: which outputs does it reach?';
  hold.textContent = s.held ? 'Held. Choose it again to let go.' : 'Point, tap or use the arrow keys.';
  clearTimeout(speak);
  if (!aloud) return;
  const terms = patches.flatMap((p, ch) => p.flatMap((line, a) => line.map((o, b) => `${o.pad ? '0' : write.input(o.x)} times ${write.kernel(s.w[ch][a][b])}`)));
  const parts = n <= 16 ? terms.join(', plus ') + ', ' : `the sum of ${n} products ` + (C > 1 ? `in ${C} channels, ${shares.map(o => write.output(o.sum)).join(', plus ')}, ` : '');
  const rest = (bias ? `plus bias ${write.kernel(s.bias)}, ` : '') + (s.relu ? `through ReLU ` : '');
  const words = reach ? `${reach}: rows ${reached[0].join(', ')}, columns ${reached[1].join(', ')}` : `Output row ${i}, column ${j}: ${parts}${rest}${exact ? 'equals' : 'is about'} ${write.output(v)}`;
  speak = setTimeout(() => { live.textContent = words.replace(/\u2212/g, 'minus '); }, 250);
}

// Point at a product, its input or its weight: all three, and the input in the map
function meant(share, a, b, on) {
  const ch = shares.indexOf(share), [i, j] = state.at, [kh, kw] = size(state);
  const r = windowOf(i, kh, state)[a] + state.padding, c = windowOf(j, kw, state)[b] + state.padding;
  if (ch === state.channel) input.cells[r]?.[c]?.classList.toggle('meant', on);
  told.textContent = on ? share.product(a, b, write) : '';
}

function explain(text, refused = false) {
  says.replaceChildren(refused ? el('span', { class: 'refused' }, text) : text);
}

// A weight that can be edited; the arrow keys walk from one to the next unless they are needed inside the text
function field(ch, a, b) {
  const grid = shares[ch].kernel;
  const f = el('input', { type: 'text', inputmode: 'text', autocomplete: 'off', spellcheck: 'false', 'aria-label': (C > 1 ? `${data.channels[ch]}, ` : '') + `weight, row ${a}, column ${b}`, tabindex: a || b ? -1 : 0,
    oninput: () => edit(ch, a, b, f, false), onchange: () => edit(ch, a, b, f, true),
    onfocus: () => { for (const o of grid.querySelectorAll('input')) o.tabIndex = o === f ? 0 : -1; f.select(); },
    onkeydown: e => {
      const all = f.selectionStart === 0 && f.selectionEnd === f.value.length;
      const to = { ArrowUp: [a - 1, b], ArrowDown: [a + 1, b], Enter: [a + 1, b],
        ArrowLeft: (all || f.selectionEnd === 0) && [a, b - 1], ArrowRight: (all || f.selectionStart === f.value.length) && [a, b + 1] }[e.key];
      const next = to && grid.children[to[0]]?.children[to[1]]?.firstChild;
      if (next) { e.preventDefault(); next.focus(); }
    } });
  return el('div', { class: 'cell', role: 'gridcell' }, f);
}

layout();
keepDrawn(() => draw(false), [...document.querySelectorAll('.plate')]);
