// Walk through a network: point at an activation and see what it is made from, in every layer before it.
// What each place of a layer looks at comes from cnn_notes.receptive; going backwards along it is done here.
'use strict';

const state = { ...data.start, held: false }; // panel: its number, at: row and column
const sizeOf = n => n < 0 ? data.size : data.records[n].size; // rows, columns of a layer; -1: the image

// ---- backwards

// All cells that a place of layer `index` is made from: layer's number -> one byte for each of its cells
function precedents(index, [i, j]) {
  const marks = new Map(), cells = n => { const [h, w] = sizeOf(n); return new Uint8Array(h * w); };
  const looks = (axis, o, n) => axis === null ? [o] : axis === 'all' ? Array(n).keys() : axis[o];
  marks.set(index, cells(index));
  marks.get(index)[i * sizeOf(index)[1] + j] = 1;
  for (let n = index; n >= 0; n--) {
    const own = marks.get(n);
    if (!own) continue;
    const [h, w] = sizeOf(n);
    for (const [source, rows, cols] of data.records[n].feeds) {
      const [H, W] = sizeOf(source), tall = new Uint8Array(H * w); // rows first, then columns
      if (!marks.has(source)) marks.set(source, cells(source));
      const into = marks.get(source);
      for (let r = 0; r < h; r++) for (let c = 0; c < w; c++) if (own[r * w + c]) for (const a of looks(rows, r, H)) tall[a * w + c] = 1;
      for (let a = 0; a < H; a++) for (let c = 0; c < w; c++) if (tall[a * w + c]) for (const b of looks(cols, c, W)) into[a * W + b] = 1;
    }
  }
  return marks;
}

// How many cells are marked, and the rows and columns from the first to the last
function extent(marks, [h, w]) {
  let count = 0, [top, left, bottom, right] = [h, w, -1, -1];
  marks.forEach((v, k) => {
    if (!v) return;
    const [r, c] = [Math.floor(k / w), k % w];
    count++; top = Math.min(top, r); left = Math.min(left, c); bottom = Math.max(bottom, r); right = Math.max(right, c);
  });
  const range = (a, b) => Array.from({ length: b - a + 1 }, (_, k) => a + k);
  return { count, rows: range(top, bottom), cols: range(left, right) };
}

// ---- the page

const panels = data.panels.map((p, k) => {
  const grid = new Grid(p.name, p.index < 0 ? {} : { walk: true, onmove: (i, j, how) => move(k, i, j, how) });
  const size = el('span', { class: 'size' }, `${p.size[0]} ${TIMES} ${p.size[1]}`), part = el('p', { class: 'note part' });
  const choose = p.channels.length > 1 && el('select', { 'aria-label': `channel of ${p.name}`, onchange: () => { p.channel = Number(choose.value); paint(k); point(true, false); } },
    ...p.channels.map((c, n) => el('option', { value: n, selected: n === p.channel }, `channel ${c.number}`)));
  const section = el('section', { class: p.index < 0 ? 'panel image' : 'panel', 'aria-label': p.name, 'data-layer': p.name },
    el('h2', {}, el('span', { class: 'name', title: p.name }, p.name), size), el('div', { class: 'plate' }, grid.el), el('div', { class: 'foot' }, part, choose || ''));
  return Object.assign(p, { grid, part, section });
});
const says = el('p', { class: 'note says' }), hold = el('p', { class: 'note' }), live = el('p', { class: 'unseen', 'aria-live': 'polite', id: 'live' });
root.replaceChildren(el('h1', {}, data.title), el('div', { class: 'top' }, says, hold), el('div', { class: 'net' }, ...panels.map(p => p.section)), live);

function move(k, i, j, how) {
  const same = k === state.panel && i === state.at[0] && j === state.at[1];
  if (how === 'point' && (state.held || same)) return;
  if (how === 'press') state.held = !(state.held && same);
  Object.assign(state, { panel: k, at: [i, j] });
  point(true);
}

// ---- drawing

function layout() {
  const wide = document.documentElement.clientWidth, which = innerWidth >= 720 ? 0 : innerWidth >= 480 ? 1 : 2, columns = data.columns[which];
  const side = Math.min(data.side, (wide - (which === 2 ? 18 : 30) - data.gap * (columns - 1)) / columns);
  const style = document.documentElement.style;
  style.setProperty('--columns', columns);
  style.setProperty('--gap', data.gap + 'px');
  style.setProperty('--head', data.head[which] + 'px');
  style.setProperty('--top', data.top[which] + 'px');
  panels.forEach((p, k) => { // two on a phone share the width as their cells need it
    const pair = which === 2 && data.needs[k >> 1], needs = pair && pair.length && Math.max(...pair) > side ? pair : null, most = needs ? Math.max(...needs) : side;
    p.side = needs && needs[k & 1] < most ? 2 * side - most : most;
    p.tall = most * data.ratio[which];
    p.section.style.setProperty('--side', p.side + 'px');
    p.section.style.setProperty('--plate', p.tall + 'px');
  });
}
const coarse = matchMedia('(max-width: 479px), (pointer: coarse)');
const least = p => p !== panels[0] && coarse.matches ? 12 : 2; // room for a finger: a large layer scrolls
const pitchOf = p => Math.max(least(p), Math.floor(Math.min(64, (p.side - 1) / p.size[1], (p.tall - 1) / p.size[0])));

function paint(k) {
  const p = panels[k], values = p.channels[p.channel].values, flat = values.flat(), write = formatter(flat, 2), color = shades(k ? 'output' : 'input', flat);
  p.write = write;
  p.grid.at = k === state.panel ? state.at : p.grid.at;
  p.grid.draw(...p.size, pitchOf(p), (i, j) => {
    const v = values[i][j];
    return { texts: k ? [write(v)] : [write(v), ''], value: v, name: `row ${i}, column ${j}: ${write(v)}`, ...color(v) };
  });
}

let speak;
function point(aloud = false, reveal = true) { // aloud: the reader did something, so it is read out
  const p = panels[state.panel], [i, j] = state.at, marks = precedents(p.index, state.at), parts = [];
  p.grid.here(i, j);
  panels.forEach((q, k) => {
    const mine = k === state.panel, m = !mine && marks.get(q.index), e = m && extent(m, q.size);
    q.section.classList.toggle('meant', mine);
    q.section.classList.toggle('lit', Boolean(e && e.count));
    q.grid.mark.replaceChildren();
    if (e && e.count) {
      q.grid.outline(e.rows, e.cols);
      if (reveal) q.grid.reveal(...[e.rows, e.cols].map(o => o[o.length >> 1]));
      if (e.count < e.rows.length * e.cols.length) q.grid.mark.firstChild.className = 'span'; // not all cells of the box
    }
    q.grid.cells.forEach((line, r) => line.forEach((c, s) => c.classList.toggle('off', !mine && !(m && m[r * q.size[1] + s]))));
    const unit = k ? 'cells' : 'pixels', all = q.size[0] * q.size[1];
    q.part.textContent = mine ? `activation (${i}, ${j})` : e && e.count ? `${e.rows.length} ${TIMES} ${e.cols.length}: ${e.count} of ${all} ${unit}` : q.index > p.index ? 'comes later' : 'no part in it';
    if (e && e.count) parts.push(`${e.count} of ${all} ${unit} of ${q.name}`);
  });
  const value = p.write(p.channels[p.channel].values[i][j]);
  says.replaceChildren('Activation ', el('b', {}, `(${i}, ${j})`), ' of ', el('b', {}, p.name), ` is ${value}. Outlined, with full colors: what it is made from.`);
  hold.replaceChildren(...(state.held ? [el('span', { class: 'hover' }, 'Held. Click it again, or another.'), el('span', { class: 'tap' }, 'Tap another cell.')]
    : [el('span', { class: 'hover' }, 'Point at a cell of any layer, or use the arrow keys.'), el('span', { class: 'tap' }, 'Tap a cell of any layer.')]));
  clearTimeout(speak);
  if (aloud) speak = setTimeout(() => { live.textContent = `${p.name}, row ${i}, column ${j}, is ${value} and is made from ${parts.join(', ')}`.replace(/\u2212/g, 'minus '); }, 250);
}

function draw() { layout(); panels.forEach((_, k) => paint(k)); point(); panels[state.panel].grid.reveal(...state.at); }
keepDrawn(draw);
