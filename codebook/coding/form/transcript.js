// A transcription, corrected beside its pages: a text a page, and the words that cannot be read with confidence.

import {keycap, make, words} from './elements.js';

export function drawTranscript(form, variable) {
  const draft = form.draft(variable);
  return make('div', {kind: 'cf-transcript'},
    make('p', {kind: 'cf-hint'}, 'Write what is printed, errors too. Part paragraphs by an empty line. ', keycap('Ctrl+Enter'), ' confirms.'),
    draft.label.pages.map((page, n) => drawPage(form, draft, page, n)));
}

export function startPages(unit, variable) {
  const numbers = (unit?.blocks ?? []).filter(block => block.type !== 'text').map((block, n) => block.number ?? n + 1);
  return (numbers.length ? numbers : [1]).map(page => ({page, text: '', unsure: [], ...(variable.tables ? {tables: []} : {})}));
}

function drawPage(form, draft, page, n) {
  const field = make('textarea', {kind: 'cf-lines', dir: 'auto', spellcheck: 'false', rows: 12, 'aria-label': `Text of page ${page.page}`, 'data-keep': `page ${n}`,
    on: {input: () => {
      page.text = field.value;
      draft.isNew = false;
    }, focus: () => form.showPage(n)}});
  field.value = page.text;
  const chips = make('span', {kind: 'cf-chips'});
  const mark = make('button', {type: 'button', kind: 'cf-tool', on: {click: () => {
    const word = field.value.slice(field.selectionStart, field.selectionEnd).trim();
    if (!word) return form.refuse('Select the word in the text first, then press Unsure.');
    if (!page.unsure.includes(word)) page.unsure.push(word);
    draft.isNew = false;
    drawChips(chips, page, field, draft);
  }}}, make('span', {text: 'Unsure of the selected word'}));
  drawChips(chips, page, field, draft);
  return make('div', {kind: 'cf-page'}, make('label', {kind: 'cf-field'}, make('span', {text: `Page ${page.page}`}), field), make('div', {kind: 'cf-acts'}, mark, chips));
}

function drawChips(chips, page, field, draft) {
  chips.replaceChildren(...page.unsure.map((word, n) => make('button', {type: 'button', kind: 'cf-chip', 'aria-label': `${word} is sure again`, on: {click: () => {
    page.unsure.splice(n, 1);
    draft.isNew = false;
    drawChips(chips, page, field, draft);
    field.focus();
  }}}, words('bdi', word), make('span', {text: ' ×', 'aria-hidden': 'true'}))));
}
