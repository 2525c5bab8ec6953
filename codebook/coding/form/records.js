// Records of a unit: spans and what is said of them, in a list beside the text in which they are marked.

import {keycap, make, same, shorten, words} from './elements.js';
import {toPoints, toUnits} from './places.js';

const quoteField = list => list.fields.find(field => field.kind === 'quote');
const choiceField = list => list.fields.find(field => field.kind === 'choice');
const textOf = value => value && typeof value === 'object' ? value.quote : value ?? '';

// what can be pressed for words that are marked: a list, or a category of its first choice
export function listMarkers(variable) {
  const lists = (variable.lists ?? []).filter(quoteField);
  if (lists.length === 1 && choiceField(lists[0])) {
    return choiceField(lists[0]).categories.map((category, n) => ({list: lists[0], category, key: category.key || keyOf(n), name: category.name, colour: n}));
  }
  return lists.map((list, n) => ({list, key: keyOf(n), name: list.name, colour: n}));
}

const keyOf = n => '123456789'[n] ?? '';
const colourOf = (variable, list, record) => {
  const lists = variable.lists ?? [], choice = choiceField(list);
  return choice && lists.length === 1 ? Math.max(0, choice.categories.findIndex(each => each.name === record[choice.name])) : lists.indexOf(list);
};

export function listMarks(form, variable, text) {  // the spans of all records, in UTF-16 units
  const {label} = form.draft(variable), marks = [];
  for (const list of variable.lists ?? []) {
    (label?.[list.name] ?? []).forEach((record, n) => {
      for (const field of list.fields) {
        const value = record[field.name];
        if (field.kind !== 'quote' || !value) continue;
        const place = typeof value === 'object' ? value : findQuote(text, value);
        if (!place) continue;
        const choice = choiceField(list);
        marks.push({start: toUnits(text, place.start), end: toUnits(text, place.end), list: list.name, n, field: field.name,
          colour: colourOf(variable, list, record), tag: (choice && record[choice.name]) || ((variable.lists ?? []).length > 1 ? list.name : ''),
          isActive: form.record?.list === list.name && form.record?.n === n});
      }
    });
  }
  return marks;
}

function findQuote(text, quote) {
  const at = text.indexOf(quote);
  return at < 0 ? null : {start: toPoints(text, at), end: toPoints(text, at + quote.length)};
}

export const makeSpan = (text, [start, end]) => ({quote: text.slice(start, end), start: toPoints(text, start), end: toPoints(text, end)});

function emptyRecord(list) {
  return Object.fromEntries(list.fields.map(field => [field.name, field.kind === 'number' ? null : field.kind === 'quote' ? null : '']));
}

export function addRecord(form, variable, list, span = null, category = null) {
  const draft = form.draft(variable), records = draft.label[list.name] ??= [];
  if (list.most && records.length >= list.most) return form.refuse(`${list.name} takes ${list.most} at most.`);
  const record = emptyRecord(list), field = quoteField(list), choice = choiceField(list);
  if (field && span) record[field.name] = span;
  if (choice && category) record[choice.name] = category;
  if (span && records.some(each => same({...each}, {...record}))) return form.refuse('These words are marked so already.');
  records.push(record);
  if (span) sort(records, field.name);
  draft.isNew = false;
  form.record = {list: list.name, n: records.indexOf(record)};
  form.announce(`${span ? shorten(span.quote) : 'record'}: ${category ?? list.name}, added. ${records.length} in ${list.name}.`);
  form.drawAnswers();
  const next = form.root.querySelector('.cf-record.cf-active :is(input, select, textarea):placeholder-shown, .cf-record.cf-active select.cf-unset');
  next?.focus();
  return true;
}

const sort = (records, name) => records.sort((a, b) => (a[name]?.start ?? Infinity) - (b[name]?.start ?? Infinity) || (a[name]?.end ?? 0) - (b[name]?.end ?? 0));

export function removeRecord(form, variable, {list, n}) {
  const draft = form.draft(variable);
  const [record] = draft.label[list].splice(n, 1);
  draft.isNew = false;
  form.record = null;
  form.announce(`Removed: ${Object.values(record).map(textOf).join(' ')}.`);
  form.drawAnswers();
  form.focusUnit();
}

export function setBounds(form, variable, {list, n, field}, span) {  // other ends of a span; all else of the record stays
  const records = form.draft(variable).label[list], record = records[n];
  const name = field ?? quoteField(variable.lists.find(each => each.name === list)).name;
  record[name] = span;
  form.draft(variable).isNew = false;
  sort(records, name);
  form.record = {list, n: records.indexOf(record)};
  form.announce(`${shorten(span.quote)}: the span is mended.`);
  form.drawAnswers();
}

// --- drawing

export function drawRecords(form, variable) {
  const {label, isNew} = form.draft(variable), lists = variable.lists ?? [];
  const canMark = lists.some(quoteField);
  const total = lists.reduce((sum, list) => sum + (label?.[list.name]?.length ?? 0), 0);
  return make('div', {kind: 'cf-records'},
    canMark && make('div', {kind: 'cf-hint'}, 'Mark words with the mouse, or by ', keycap('M'), ' and the arrows; then press a key. ', drawSnap(form)),
    form.view.suggestion?.[variable.name] && isNew === false && form.view.answers?.[variable.name] === undefined && make('p', {kind: 'cf-badge cf-line', text: 'This is a suggestion: correct it.'}),
    canMark && drawMarkers(form, variable),
    lists.map(list => drawListOf(form, variable, list, label?.[list.name] ?? [], lists.length > 1)),
    total === 0 && make('p', {kind: 'cf-soft', text: 'Nothing yet. To confirm an empty list is an answer, too: there is none.'}));
}

function drawSnap(form) {  // what the mouse marks grows to whole words
  return make('button', {type: 'button', kind: 'cf-tool', 'data-keep': 'snap', 'aria-pressed': String(Boolean(form.isSnapping)), on: {click: event => {
    form.isSnapping = !form.isSnapping;
    event.currentTarget.setAttribute('aria-pressed', String(form.isSnapping));
  }}}, make('span', {text: 'Whole words'}));
}

function drawMarkers(form, variable) {
  const isPicked = Boolean(form.pane?.picked);
  return make('div', {kind: 'cf-markers', role: 'group', 'aria-label': 'What the marked words are'}, listMarkers(variable).map(marker =>
    make('button', {type: 'button', kind: `cf-marker cf-c${marker.colour % 8}`, 'aria-keyshortcuts': marker.key || null, 'aria-disabled': isPicked ? null : 'true',
      on: {click: () => form.markAs(marker), focus: () => form.look(marker.category ?? null), mouseenter: () => form.look(marker.category ?? null)}},
    keycap(marker.key), words('span', marker.name))));
}

function drawListOf(form, variable, list, records, isNamed) {
  return make('div', {kind: 'cf-list'}, isNamed && words('h3', list.name),
    make('ol', {}, records.map((record, n) => drawRecord(form, variable, list, record, n))),
    !quoteField(list) && make('button', {type: 'button', kind: 'cf-tool', text: `Add to ${list.name}`, on: {click: () => addRecord(form, variable, list)}}));
}

function drawRecord(form, variable, list, record, n) {
  const isActive = form.record?.list === list.name && form.record?.n === n, where = {list: list.name, n};
  const open = () => {
    if (form.record?.list === list.name && form.record.n === n) return;
    form.record = where;
    form.drawMarks();
    form.root.querySelectorAll('.cf-record').forEach(each => each.classList.toggle('cf-active', each === item));
  };
  const item = make('li', {kind: `cf-record cf-c${colourOf(variable, list, record) % 8}${isActive ? ' cf-active' : ''}`, on: {focusin: open, click: open}},
    list.fields.map(field => drawField(form, variable, list, field, record, n)),
    make('div', {kind: 'cf-acts'},
      quoteField(list) && make('button', {type: 'button', kind: 'cf-tool', 'data-keep': `bounds ${list.name} ${n}`, 'aria-label': `Other words for ${textOf(record[quoteField(list).name])}`,
        on: {click: () => form.mendBounds(where)}}, make('span', {text: 'Other words'})),
      make('button', {type: 'button', kind: 'cf-tool', 'data-keep': `remove ${list.name} ${n}`, 'aria-label': `Remove record ${n + 1} of ${list.name}`,
        on: {click: event => { event.stopPropagation(); removeRecord(form, variable, where); }}}, make('span', {text: 'Remove'}))));
  return item;
}

function drawField(form, variable, list, field, record, n) {
  const value = record[field.name], keep = `field ${list.name} ${n} ${field.name}`;
  const set = next => {
    record[field.name] = next;
    form.draft(variable).isNew = false;
  };
  if (field.kind === 'quote') {
    const quote = textOf(value);
    return make('button', {type: 'button', kind: `cf-quote${quote ? '' : ' cf-unset'}`, dir: 'auto', 'data-keep': keep, title: field.definition || field.name,
      on: {click: () => quote ? form.showRecord({list: list.name, n, field: field.name}) : form.mendBounds({list: list.name, n, field: field.name})}},
    make('bdi', {text: quote ? shorten(quote, 120) : `mark ${field.name}`}));
  }
  if (field.kind === 'choice') {
    const menu = make('select', {kind: value ? null : 'cf-unset', 'data-keep': keep, on: {change: () => {
      set(menu.value);
      form.drawAnswers();
    }}}, make('option', {value: '', text: '–'}), field.categories.map(each => make('option', {value: each.name, dir: 'auto', text: each.name})));
    menu.value = value ?? '';
    return make('label', {kind: 'cf-field'}, words('span', field.name), menu);
  }
  const entry = make('input', {type: 'text', dir: 'auto', placeholder: field.definition || field.kind, inputmode: field.kind === 'number' ? 'decimal' : null, 'data-keep': keep,
    on: {input: () => set(field.kind === 'number' && entry.value.trim() !== '' && Number.isFinite(Number(entry.value)) ? Number(entry.value) : entry.value)}});
  entry.value = value ?? '';
  return make('label', {kind: 'cf-field'}, words('span', field.name), entry);
}
