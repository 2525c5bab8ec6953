// What is asked of a unit: one section a question, with its codes, what goes with an answer, and the button that confirms.

import {drawCodes, NONE} from './codes.js';
import {directionOf, keycap, make, same, sayLabel, shorten, words} from './elements.js';
import {drawNumber, readNumber} from './numbers.js';
import {drawRecords} from './records.js';
import {drawTranscript, startPages} from './transcript.js';

const CHOSEN = ['single', 'multi', 'rating'];
export const isChosen = variable => CHOSEN.includes(variable.kind) || (variable.categories ?? []).length > 0;

export const needsConfirm = (form, variable) =>
  !isChosen(variable) || variable.kind === 'multi' || variable.evidence || variable.confidence || Boolean(form.view.adjudication);

export function startDraft(view, variable) {  // what a person has not confirmed yet begins as what was answered before
  const {name, kind} = variable, answer = view.answers?.[name];
  const offered = ['records', 'transcription'].includes(kind) ? view.suggestion?.[name] : undefined;
  const label = answer ?? offered ?? startLabel(view, variable);
  return {label: structuredClone(label), evidence: view.evidence?.[name] ?? '', confidence: view.confidence?.[name] ?? null,
    reason: '', isNew: answer === undefined && offered === undefined};
}

function startLabel(view, variable) {
  if (variable.kind === 'records') return Object.fromEntries((variable.lists ?? []).map(list => [list.name, []]));
  return variable.kind === 'transcription' ? {pages: startPages(view.unit, variable)} : null;
}

export function drawQuestion(form, variable) {
  const isActive = form.active === variable.name, answer = form.answerOf(variable);
  const isLone = form.codebook.variables.length === 1;
  const section = make('section', {kind: `cf-question${isActive ? ' cf-open' : ''}`, dir: directionOf(variable.question), 'data-variable': variable.name});
  section.append(isLone ? make('h2', {kind: 'cf-asked'}, words('span', variable.question ?? variable.name))
    : make('h2', {kind: 'cf-asked'}, make('button', {type: 'button', 'aria-expanded': String(isActive), 'data-keep': `ask ${variable.name}`,
      on: {click: () => form.setActive(variable.name)}}, words('span', variable.question ?? variable.name),
    answer !== undefined && words('span', shorten(sayLabel(answer)), 'cf-answer'))));
  if ((form.view.recode ?? []).includes?.(variable.name)) section.append(make('p', {kind: 'cf-old', text: 'Coded by an earlier definition: read it again, and confirm or change the code.'}));
  if (!isActive) return section;
  if (variable.kind === 'records') section.append(drawRecords(form, variable));
  else if (variable.kind === 'transcription') section.append(drawTranscript(form, variable));
  else if (isChosen(variable)) section.append(drawChoice(form, variable, answer));
  else section.append(drawEntry(form, variable));
  if (needsConfirm(form, variable)) section.append(drawConfirm(form, variable));
  return section;
}

// --- codes that are chosen

function drawChoice(form, variable, answer) {
  const chosen = chosenNames(form, variable, answer), offered = form.view.suggestion?.[variable.name];
  const codes = drawCodes(variable, chosen, namesOf(offered), {
    search: form.search ?? '', isLocked: form.view.read_only,
    onPick: (name, event) => form.pickCode(variable, name, event), onLook: category => form.look(category)});
  const draft = form.draft(variable);
  return make('div', {}, codes,
    (variable.evidence || variable.confidence) && draft.label !== null && drawDetails(form, variable, draft));
}

function chosenNames(form, variable, answer) {
  const label = form.drafts.has(variable.name) ? form.draft(variable).label : answer;
  return Array.isArray(label) && !label.length ? new Set([NONE]) : namesOf(label);
}

const namesOf = label => new Set(Array.isArray(label) ? label.length ? label : [NONE] : label === null || label === undefined ? [] : [label]);

function drawDetails(form, variable, draft) {  // the words that decided, and how sure a person is
  const parts = [];
  if (variable.evidence) {
    const field = make('textarea', {rows: 2, dir: 'auto', 'data-keep': 'evidence', on: {input: () => { draft.evidence = field.value; }}});
    field.value = draft.evidence;
    parts.push(make('label', {kind: 'cf-field'}, make('span', {text: 'The words that decided'}), field),
      make('p', {kind: 'cf-hint'}, 'Mark them in the text with the mouse, or by ', keycap('M'), ' and the arrows.'));
  }
  if (variable.confidence) parts.push(drawConfidence(variable, draft));
  return make('div', {kind: 'cf-details'}, parts);
}

function drawConfidence(variable, draft) {
  const shown = make('output', {text: draft.confidence === null ? 'not said yet' : draft.confidence.toFixed(2)});
  const range = make('input', {type: 'range', min: 0, max: 1, step: 0.05, 'data-keep': 'confidence', 'data-codes': true, on: {input: () => {
    draft.confidence = Number(range.value);
    shown.textContent = draft.confidence.toFixed(2);
  }}});
  range.value = String(draft.confidence ?? 0.5);
  return make('label', {kind: 'cf-field'}, make('span', {text: 'How sure are you, from 0 to 1? '}, shown), range);
}

export function pickCode(form, variable, name) {  // a key or a click on a code
  if (variable.kind === 'multi' && name === NONE) return form.label(variable, []);
  if (variable.kind === 'multi') return toggle(form, variable, name);
  if (!needsConfirm(form, variable)) return form.label(variable, name);
  form.draft(variable).label = name;
  form.announce(`${name} chosen. Enter confirms.`);
  form.drawAnswers();
  if (variable.confidence) form.root.querySelector('input[type=range]')?.focus();
  return true;
}

function toggle(form, variable, name) {
  const draft = form.draft(variable), before = Array.isArray(draft.label) ? draft.label : [];
  const alone = (variable.abstain ?? []).map(each => each.name);
  const isOff = before.includes(name);
  const rest = alone.includes(name) ? [] : before.filter(each => each !== name && !alone.includes(each));
  const order = [...variable.categories.map(each => each.name), ...alone];
  draft.label = (isOff ? before.filter(each => each !== name) : [...rest, name]).sort((a, b) => order.indexOf(a) - order.indexOf(b));
  draft.isNew = draft.label.length === 0 && form.answerOf(variable) === undefined;
  form.announce(`${name} ${isOff ? 'off' : 'on'}. Chosen: ${draft.label.join(', ') || 'nothing'}.`);
  form.drawAnswers();
  return true;
}

// --- a text or a number

function drawEntry(form, variable) {
  const draft = form.draft(variable), isText = variable.kind !== 'number', text = isAbstention(variable, draft.label) ? '' : draft.label ?? '';
  const take = value => Object.assign(draft, {label: value, isNew: false});
  const codes = (variable.abstain ?? []).length > 0 && drawCodes(variable, namesOf(draft.label), namesOf(form.view.suggestion?.[variable.name]), {
    isLocked: form.view.read_only, onPick: (name, event) => form.pickCode(variable, name, event), onLook: category => form.look(category)});
  return make('div', {}, make('div', {kind: 'cf-field'}, isText ? drawText(variable, text, take) : drawNumber(variable, text, take)), codes,
    (variable.evidence || variable.confidence) && drawDetails(form, variable, draft));
}

function drawText(variable, text, onInput) {
  const field = make('textarea', {dir: 'auto', rows: 3, 'aria-label': variable.question ?? variable.name, 'data-keep': `entry ${variable.name}`,
    on: {input: () => onInput(field.value)}});
  field.value = text;
  return field;
}

// --- confirming

function drawConfirm(form, variable) {
  const draft = form.draft(variable), parts = [];
  if (form.view.adjudication) {
    const field = make('textarea', {rows: 2, dir: 'auto', 'data-keep': 'reason', on: {input: () => { draft.reason = field.value; }}});
    field.value = draft.reason;
    parts.push(make('label', {kind: 'cf-field'}, make('span', {text: 'Why this label?'}), field));
  }
  const keys = isChosen(variable) || ['records', 'number'].includes(variable.kind) ? 'Enter' : 'Ctrl+Enter';
  parts.push(make('button', {type: 'button', kind: 'cf-confirm', 'data-keep': 'confirm', 'aria-disabled': form.view.read_only ? 'true' : null,
    on: {click: () => confirm(form, variable)}}, make('span', {text: 'Confirm'}), keycap(keys)));
  return make('div', {kind: 'cf-confirming'}, parts);
}

export function confirm(form, variable) {
  if (!needsConfirm(form, variable)) return form.refuse('Press the key of a code.');
  const draft = form.draft(variable), problem = findProblem(form, variable, draft);
  if (problem) return form.refuse(problem);
  const more = {};
  if (draft.evidence) more.evidence = draft.evidence;
  if (draft.confidence !== null) more.confidence = draft.confidence;
  if (draft.reason) more.reason = draft.reason;
  const isNumber = variable.kind === 'number' && !isAbstention(variable, draft.label);
  const label = isNumber ? readNumber(draft.label, variable).label : draft.label;
  return form.label(variable, label, more);
}

function findProblem(form, variable, {label, evidence, confidence, isNew, reason}) {
  const isEmpty = label === null || label === undefined || (variable.kind !== 'multi' && (label.length === 0 || !String(label).trim()));
  if (variable.kind === 'multi' && (isEmpty || (isNew && label.length === 0))) return 'Nothing is chosen. Press 0 if none of the codes applies.';
  if (isEmpty) return isChosen(variable) ? 'No code is chosen yet.' : 'There is no answer yet.';
  const number = variable.kind === 'number' && !isAbstention(variable, label) ? readNumber(label, variable) : {};
  if (number.problem) return number.problem;
  if (variable.kind === 'records') return findRecordProblem(variable, label);
  if (variable.evidence && !evidence && !isAbstention(variable, label)) return 'Mark or write the words that decided.';
  if (variable.confidence && confidence === null) return 'Say how sure you are.';
  if (form.view.adjudication?.needs_reason && !reason.trim()) return 'Say why, then confirm.';
  return '';
}

const isAbstention = (variable, label) => (variable.abstain ?? []).some(each => each.name === label);

function findRecordProblem(variable, label) {
  for (const list of variable.lists ?? []) {
    for (const [n, record] of (label[list.name] ?? []).entries()) {
      for (const field of list.fields) {
        const value = record[field.name];
        if (field.kind === 'choice' && !value) return `${list.name}, record ${n + 1}: choose its ${field.name}.`;
        if (field.kind === 'number' && (value === '' || value === null || !Number.isFinite(Number(value)))) return `${list.name}, record ${n + 1}: ${field.name} is no number.`;
        if (field.kind === 'quote' && !value) return `${list.name}, record ${n + 1}: mark the words of ${field.name}.`;
      }
    }
  }
  return '';
}

export const isChanged = (form, variable) => {
  if (!form.drafts.has(variable.name) || !needsConfirm(form, variable)) return false;
  const {reason, ...draft} = form.draft(variable), {reason: before, ...first} = startDraft(form.view, variable);
  return Boolean(reason) || !same({...draft, isNew: 0}, {...first, isNew: 0});
};
