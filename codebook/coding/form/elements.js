// Elements made by hand: every text goes in by textContent, so that no text, label or name is ever read as HTML.

export function make(tag, options = {}, ...children) {
  const node = document.createElement(tag);
  const {text, on = {}, ...attributes} = options;
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    node.setAttribute(name === 'kind' ? 'class' : name, value === true ? '' : String(value));
  }
  for (const [name, act] of Object.entries(on)) node.addEventListener(name, act);
  if (text !== undefined && text !== null) node.textContent = String(text);
  fill(node, children);
  return node;
}

export function fill(node, children) {
  for (const child of children.flat(3)) {
    if (child !== null && child !== undefined && child !== false) node.append(child);
  }
  return node;
}

export const renew = (node, ...children) => {
  node.replaceChildren();
  return fill(node, children);
};

export function words(tag, text, kind = '') {  // a stranger's text, in the direction of its own writing
  return make(tag, {kind: kind || null, dir: 'auto', text});
}

export function directionOf(text) {  // by the first letter: what surrounds a text follows it
  const letter = /\p{L}/u.exec(text ?? '')?.[0] ?? '';
  return /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/.test(letter) ? 'rtl' : 'ltr';
}

export function keycap(key) {
  return key ? make('kbd', {kind: 'cf-key', text: key, 'aria-hidden': 'true'}) : null;
}

export function tool(name, key, act, more = {}) {  // a small button with its key on it
  return make('button', {type: 'button', kind: 'cf-tool', 'aria-keyshortcuts': key || null, on: {click: act}, ...more},
    keycap(key), make('span', {text: name}));
}

export const count = (n, one, many = `${one}s`) => `${say(n)} ${n === 1 ? one : many}`;
export const say = n => Math.round(n).toLocaleString('en');
export const shorten = (text, most = 60) => {
  const signs = [...String(text)];
  return signs.length > most ? `${signs.slice(0, most - 1).join('')}…` : String(text);
};

export function sayMinutes(minutes) {
  if (minutes < 1) return 'under a minute';
  if (minutes < 90) return count(Math.round(minutes), 'minute');
  return `${(minutes / 60).toFixed(1)} hours`;
}

export function sayLabel(label) {  // a label of any kind, in a line
  if (label === null || label === undefined) return '–';
  if (Array.isArray(label)) return label.length ? label.map(sayLabel).join(', ') : 'none of these';
  if (typeof label !== 'object') return String(label);
  if (label.pages) return label.pages.map(page => page.text).join(' ¶ ');
  const lists = Object.values(label);
  if (lists.every(Array.isArray)) return lists.flat().map(sayRecord).join('; ') || 'none';
  return sayRecord(label);
}

const PLACES = /(^|_)(start|end)$/;
const sayRecord = record => typeof record !== 'object' ? String(record)
  : Object.entries(record).filter(([name]) => !PLACES.test(name)).map(([, value]) => value).join(' · ');

export const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
