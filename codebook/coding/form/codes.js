// The codes of a question as buttons, each with its key; and the panel that says what the code in focus means.

import {directionOf, keycap, make, renew, words} from './elements.js';

export const NONE = '\u0000none';  // "none of these", which is no code of the codebook
const NONE_CATEGORY = {name: NONE, key: '0', title: 'none of these', definition: 'No code applies: the empty set, which is an answer.'};

export function listCodes(variable) {
  const abstain = (variable.abstain ?? []).map(each => ({...each, isAbstain: true}));
  return [...(variable.categories ?? []), ...(variable.kind === 'multi' ? [NONE_CATEGORY] : []), ...abstain];
}

export function matches(category, text) {
  const wanted = text.trim().toLocaleLowerCase();
  const examples = (category.examples ?? []).map(each => each.text ?? '');
  const held = [category.name, category.title, category.definition, ...asList(category.include), ...asList(category.exclude), ...examples];
  return !wanted || held.some(each => String(each ?? '').toLocaleLowerCase().includes(wanted));
}

// chosen: a set of names; suggested: likewise; options: search, isLocked, onPick, onLook
export function drawCodes(variable, chosen, suggested, options) {
  const codes = listCodes(variable).filter(each => matches(each, options.search ?? ''));
  const isSet = variable.kind === 'multi';
  const box = make('div', {kind: `cf-codes${codes.length > 5 ? ' cf-many' : ''}`, role: isSet ? 'group' : 'radiogroup',
    'aria-label': variable.question ?? variable.name});
  codes.forEach((category, n) => box.append(drawCode(category, {
    isSet, isChosen: chosen.has(category.name), isSuggested: suggested.has(category.name), isFirst: n === 0, ...options})));
  if (!codes.length) box.append(words('p', 'No code holds these words.', 'cf-soft'));
  box.addEventListener('keydown', event => walk(event, box));
  return box;
}

function drawCode(category, {isSet, isChosen, isSuggested, isFirst, isLocked, onPick, onLook}) {
  const name = category.name === NONE ? category.title : category.name;
  const kinds = ['cf-code', category.isAbstain || category.name === NONE ? 'cf-apart' : '', isSuggested ? 'cf-suggested' : ''];
  const spare = isChosen || isFirst;
  return make('button', {type: 'button', kind: kinds.filter(Boolean).join(' '), role: isSet ? 'checkbox' : 'radio',
    'aria-checked': String(isChosen), 'aria-keyshortcuts': category.key || null, 'aria-disabled': isLocked ? 'true' : null,
    tabindex: isSet || spare ? '0' : '-1', 'data-code': category.name, 'data-keep': `code ${category.name}`,
    on: {click: event => onPick(category.name, event), focus: () => onLook(category), mouseenter: () => onLook(category)}},
    keycap(category.key) ?? make('span', {kind: 'cf-key cf-nokey'}), make('span', {kind: 'cf-words'}, words('span', name, 'cf-name'),
      isSuggested && make('span', {kind: 'cf-badge', text: 'suggested'}),
      category.definition && words('span', category.definition, 'cf-mean')),
    make('span', {kind: 'cf-tick', text: isChosen ? '✓' : '', 'aria-hidden': 'true'}));
}

function walk(event, box) {  // up and down among the codes
  const step = {ArrowDown: 1, ArrowUp: -1}[event.key], codes = [...box.querySelectorAll('.cf-code')];
  const at = codes.indexOf(document.activeElement);
  if (!step || at < 0 || event.altKey || event.ctrlKey) return;
  event.preventDefault();
  codes[(at + step + codes.length) % codes.length].focus();
}

// --- what a code means

export function drawMeaning(place, category, codebook, variable) {
  place.dir = directionOf(category ? category.definition || category.name : codebook.instructions || codebook.unit);
  if (!category) return drawGeneral(place, codebook, variable);
  const examples = (category.examples ?? []).map(each => typeof each === 'string' ? {text: each} : each);
  renew(place, make('h2', {}, keycap(category.key), words('span', category.name === NONE ? category.title : category.name)),
    words('p', category.definition || 'The codebook gives no definition.', category.definition ? '' : 'cf-soft'),
    drawList('Also belongs here', category.include, 'cf-include'), drawList('Does not belong here', category.exclude, 'cf-exclude'),
    examples.length > 0 && make('h3', {text: examples.length > 1 ? 'Examples' : 'Example'}), examples.map(drawExample));
}

function drawGeneral(place, codebook, variable) {
  const isPlain = !codebook.instructions && !codebook.unit;
  renew(place, make('h2', {text: 'Codebook'}), codebook.unit && make('p', {}, 'The unit is ', words('span', codebook.unit), '.'),
    codebook.instructions && words('p', codebook.instructions, 'cf-lines'),
    (variable?.lists ?? []).map(drawRecordList), isPlain && words('p', 'Point at a code to read what it means.', 'cf-soft'));
}

function drawRecordList(list) {
  return make('div', {}, words('h3', list.name), list.definition && words('p', list.definition),
    make('dl', {kind: 'cf-fields'}, list.fields.map(field => [words('dt', field.name), words('dd', field.definition || field.kind),
      (field.categories ?? []).map(each => make('dd', {kind: 'cf-choice'}, keycap(each.key), words('b', each.name), ' ', words('span', each.definition ?? '')))])));
}

function drawList(title, sentences, kind) {
  const items = asList(sentences);
  return items.length > 0 && [make('h3', {text: title}), make('ul', {kind}, items.map(each => words('li', each)))];
}

const isPicture = source => /^data:image\//.test(source) || !/^([a-z][a-z0-9+.-]*:|\/\/)/i.test(source);

function drawExample({text, image, source, why}) {
  const shown = source ?? '';
  return make('blockquote', {kind: 'cf-example'}, text && words('p', text),
    shown && isPicture(shown) ? make('img', {src: shown, alt: 'Example'}) : image && words('p', image, 'cf-soft'),
    why && words('p', why, 'cf-soft'));
}

const asList = value => value === null || value === undefined || value === '' ? [] : Array.isArray(value) ? value : [value];
