// Which inputs each output of a convolution sees, without numbers: change a setting, and see what changes with it.
'use strict';

const LIMIT = { size: [1, 12], kernel: [1, 7], stride: [1, 5], padding: [0, 4], dilation: [1, 3] };
const state = { ...data.start, at: null };
const span = s => s.dilation * (s.kernel - 1) + 1;
const room = s => s.size + 2 * s.padding - span(s);
const outputs = s => room(s) < 0 ? 0 : Math.floor(room(s) / s.stride) + 1;
const seen = (o, s) => Array.from({ length: s.kernel }, (_, a) => o * s.stride - s.padding + a * s.dilation);
const allSeen = s => new Set(Array.from({ length: outputs(s) }, (_, o) => seen(o, s)).flat());
const square = n => n ? `${n} ${TIMES} ${n}` : 'none';
const soft = kind => `color-mix(in srgb, var(--${kind}) 42%, var(--paper))`;

const input = new Grid('Input', { walk: true, onmove: () => {} });
const output = new Grid('Output', { walk: true, onmove: (i, j) => { state.at = [i, j]; point(); } });
const inSize = el('span', { class: 'size' }), outSize = el('span', { class: 'size' });
const formula = el('p', { class: 'formula', role: 'status' }), unread = el('p', { class: 'note' });
const live = el('p', { class: 'unseen', 'aria-live': 'polite' });
const ask = el('tbody', {});
root.replaceChildren(el('h1', {}, data.title), el('div', { class: 'window' },
  el('section', { class: 'knobs', 'aria-label': 'Settings' }, ...Object.entries(LIMIT).map(([name, [low, high]]) =>
    stepper(name, state[name], low, high, v => change(name, v)))),
  formula,
  el('div', { class: 'maps' },
    el('section', { class: 'in', 'aria-label': 'Input' }, el('h2', {}, 'Input', inSize), input.el, unread),
    el('section', { class: 'out', 'aria-label': 'Output' }, el('h2', {}, 'Output', outSize), output.el),
    el('section', { class: 'ask', 'aria-label': 'What would change' }, el('h2', {}, 'What if it were one more'),
      el('table', {}, el('thead', {}, el('tr', {}, ...['setting', 'output', 'unread rows'].map(t => el('th', { scope: 'col' }, t)))), ask))),
  live));

function change(name, v) {
  const [low, high] = LIMIT[name];
  if (!Number.isInteger(v) || v < low || v > high || !outputs({ ...state, [name]: v })) {
    formula.textContent = Number.isInteger(v) && v >= low && v <= high
      ? `With ${name} ${v}, the kernel does not fit into the padded input.` : `${name} goes from ${low} to ${high} here.`;
    return false;
  }
  state[name] = v;
  draw();
  return true;
}

function lost(s) { // rows of the input that no output sees
  const found = allSeen(s);
  return Array.from({ length: s.size }, (_, r) => r).filter(r => !found.has(r));
}

function draw() {
  const { size: n, padding: p } = state, out = outputs(state), all = n + 2 * p;
  const width = root.clientWidth, wide = width >= 640;
  const beside = Math.floor((width - 18) / (all + out)); // on a phone: one below the other where the cells get too small
  const pitch = Math.max(8, Math.min(24, wide ? Math.floor((width - 250) / (all + out)) : beside >= 12 ? beside : Math.floor((width - 8) / Math.max(all, out))));
  const gone = new Set(lost(state));
  input.draw(all, all, pitch, (i, j) => {
    const [r, c] = [i - p, j - p], outside = r < 0 || c < 0 || r >= n || c >= n, unread = gone.has(r) || gone.has(c);
    return { texts: [''], name: outside ? 'padding' : `input ${r}, ${c}${unread ? ', not read' : ''}`, ink: colors.ink,
      fill: outside ? colors.padding : soft('input'), classes: outside ? ['pad'] : unread ? ['unread'] : [] };
  });
  output.draw(out, out, pitch, (i, j) => ({ texts: [''], name: `output ${i}, ${j}`, fill: soft('output'), ink: colors.ink }));
  inSize.textContent = square(n) + (p ? `, with padding ${square(all)}` : '');
  outSize.textContent = square(out);
  const s = state.stride, exact = room(state) % s === 0;
  formula.textContent = `(${n} + 2${TIMES}${p} ${MINUS} ${span(state)}) / ${s} + 1 = ${room(state)} / ${s} + 1` +
    `${exact ? ' =' : ', rounded down:'} ${out}` +
    (state.dilation > 1 ? `. The kernel spans ${state.dilation}${TIMES}(${state.kernel} ${MINUS} 1) + 1 = ${span(state)} cells.` : '');
  unread.textContent = gone.size ? `Hatched: no output sees these rows and columns: ${[...gone].join(', ')}.` : 'Every input is seen by some output.';
  ask.replaceChildren(...Object.keys(LIMIT).map(name => {
    const other = { ...state, [name]: state[name] + 1 }, size = outputs(other);
    return el('tr', {}, el('th', { scope: 'row' }, `${name} ${other[name]}`), el('td', {}, size ? square(size) : 'does not fit'),
      el('td', {}, size ? String(lost(other).length) : ''));
  }));
  state.at = state.at ? state.at.map(o => Math.min(o, out - 1)) : [Math.min(1, out - 1), Math.min(1, out - 1)];
  point();
}

function point() {
  const [i, j] = state.at, p = state.padding, [rows, cols] = [seen(i, state), seen(j, state)];
  output.here(i, j);
  input.outline(rows.map(r => r + p), cols.map(c => c + p));
  live.textContent = `Output ${i}, ${j} sees rows ${rows.join(', ')} and columns ${cols.join(', ')}.`;
}

keepDrawn(draw);
