// What stands above and below: progress, pace and time left; the commands with their keys; and the help.

import {count, keycap, make, say, sayMinutes, tool, words} from './elements.js';

const FILTERS = {left: 'to do', all: 'all', flagged: 'flagged', skipped: 'skipped', recode: 'to code again'};

export function drawHead(form) {
  const {view} = form, progress = view.progress ?? {}, {done = 0, total = 0} = progress;
  const share = total ? Math.round(100 * done / total) : 0;
  const bar = make('div', {kind: 'cf-bar', role: 'progressbar', 'aria-label': 'Coded', 'aria-valuemin': 0, 'aria-valuemax': 100, 'aria-valuenow': share,
    'aria-valuetext': `${say(done)} of ${count(total, 'unit')} coded`}, make('i'));
  bar.firstChild.style.inlineSize = `${share}%`;
  return [
    make('div', {kind: 'cf-who'}, words(form.options.full ? 'h1' : 'b', view.study || 'Coding', 'cf-study'), view.round && view.round !== 'main' && words('span', view.round, 'cf-round'),
      view.coder && words('span', view.coder, 'cf-coder')),
    make('div', {kind: 'cf-progress'}, bar, make('p', {kind: 'cf-count'}, make('b', {text: `${say(done)} of ${say(total)}`}), ` coded${sayPace(progress)}`)),
    make('div', {kind: 'cf-see'}, drawFilter(form, progress),
      make('button', {type: 'button', kind: 'cf-tool', 'aria-label': 'Smaller text', 'data-keep': 'smaller', on: {click: () => form.resize(-1)}}, make('span', {text: 'A−'})),
      make('button', {type: 'button', kind: 'cf-tool', 'aria-label': 'Larger text', 'data-keep': 'larger', on: {click: () => form.resize(1)}}, make('span', {text: 'A+'})),
      tool('Keys', '?', () => form.toggleHelp(), {'data-keep': 'help'}))];
}

function sayPace({per_hour: pace, minutes_left: left}) {
  if (!pace) return '';
  return ` · ${say(pace)} an hour${left === null || left === undefined || left <= 0 ? '' : ` · ${left < 1 ? '' : 'about '}${sayMinutes(left)} left`}`;
}

function drawFilter(form, progress) {
  const menu = make('select', {'aria-label': 'Which units', 'data-keep': 'filter', on: {change: () => form.setFilter(menu.value)}},
    Object.entries(FILTERS).map(([name, title]) => {
      const n = name === 'all' ? progress.total : progress[name];
      return make('option', {value: name, text: n === undefined || n === null ? title : `${title} (${say(n)})`});
    }));
  menu.value = form.view.filter ?? 'left';
  return menu;
}

export function drawTools(form) {
  const {view, unit} = form, isOff = on => ({'aria-disabled': on ? null : 'true'});
  const hasContext = (unit?.context ?? []).length > 0;
  return [
    tool('Back', '←', () => form.go('back'), {'data-keep': 'back', 'aria-keyshortcuts': 'ArrowLeft'}),
    tool('On', '→', () => form.go('next'), {'data-keep': 'next', 'aria-keyshortcuts': 'ArrowRight'}),
    tool('Undo', 'U', () => form.undo(), {'data-keep': 'undo', ...isOff(view.can_undo)}),
    tool('Redo', '⇧U', () => form.redo(), {'data-keep': 'redo', 'aria-keyshortcuts': 'Shift+U', ...isOff(view.can_redo)}),
    tool(form.isSkipped ? 'Skipped' : 'Skip', 'S', () => form.skip(), {'data-keep': 'skip', 'aria-pressed': String(form.isSkipped), ...isOff(unit)}),
    tool(view.flag ? '⚑ Flagged' : 'Flag', 'F', () => form.flag(), {'data-keep': 'flag', 'aria-pressed': String(Boolean(view.flag)), ...isOff(unit)}),
    tool(hasNote(view) ? '✎ Note' : 'Note', 'N', () => form.openNote(), {'data-keep': 'note', 'aria-expanded': String(form.isNoting), ...isOff(unit)}),
    hasContext && tool('Context', 'C', () => form.showContext(), {'data-keep': 'context', 'aria-pressed': String(form.hasContext)}),
    tool('Go to', 'G', () => form.askPlace(), {'data-keep': 'goto'}),
    tool('Search codes', '/', () => form.openSearch(), {'data-keep': 'search'})];
}

export const hasNote = view => Object.values(view.notes ?? {}).some(Boolean);

const HELP = [
  ['Coding', [['1 2 3 …', 'the code with this key; in a set it is put in or taken out'], ['0', 'in a set: none of these'], ['Enter', 'confirm a set, records, or what goes with a code'],
    ['↑ ↓', 'from code to code; what it means is shown'], ['Space', 'choose the code in focus'], ['/', 'search the codes by words'], ['Tab', 'to the next part of the form']]],
  ['Units', [['→ ←', 'to the next unit and the one before'], ['G', 'go to a number or an id'], ['S', 'skip with a reason; again: take it back'], ['F', 'flag'],
    ['N', 'note; it is saved while you type'], ['C', 'what stands around the unit; it is recorded that you looked'], ['Z', 'images in full size']]],
  ['Taking back', [['U, Ctrl+Z', 'undo, without end'], ['Shift+U, Ctrl+Shift+Z', 'redo'], ['Esc', 'leave a field; close what is open; drop what is not confirmed']]],
  ['Marking words', [['M', 'begin; also: with the mouse'], ['← →', 'word by word'], ['Shift+← →', 'more or fewer words'], ['Alt+← →', 'the end, sign by sign; with Shift the beginning'],
    ['↑ ↓', 'line by line'], ['1 2 3 …', 'what the words are'], ['Enter', 'take them'], ['E', 'other words for the record in focus'], ['Del', 'remove the record in focus']]]];

export function drawHelp(form) {
  const close = make('button', {type: 'button', kind: 'cf-tool', on: {click: () => form.toggleHelp()}}, make('span', {text: 'Close'}), keycap('Esc'));
  return make('div', {kind: 'cf-help', role: 'dialog', 'aria-label': 'Keys', tabindex: '-1'}, make('div', {kind: 'cf-helphead'}, make('h2', {text: 'Keys'}), close),
    make('div', {kind: 'cf-helpgroups'}, HELP.map(([title, keys]) => make('section', {}, make('h3', {text: title}),
      make('dl', {}, keys.map(([key, what]) => [make('dt', {}, key.split(', ').map(each => make('kbd', {kind: 'cf-key', text: each}))), make('dd', {text: what})]))))),
    make('p', {kind: 'cf-soft', text: 'A key counts for the unit that you have seen: one that is pressed before the next unit has been on the screen for 0.15 seconds is refused, and the form says so. Keys work while the form has the focus.'}));
}

export function drawEnd(form) {  // nothing is left
  const progress = form.view.progress ?? {}, filter = form.view.filter ?? 'left';
  const isDone = filter === 'left' && progress.total > 0;
  const others = Object.entries(FILTERS).filter(([name]) => name !== filter && name !== 'left' && (name === 'all' ? progress.total : progress[name]) > 0);
  return make('div', {kind: 'cf-end'}, make('p', {kind: 'cf-headline', text: isDone ? 'Nothing is left to code.' : `No unit is ${FILTERS[filter] ?? filter}.`}),
    make('p', {text: `${say(progress.done ?? 0)} of ${count(progress.total ?? 0, 'unit')} coded. Everything is saved.`}),
    make('div', {kind: 'cf-acts'}, filter !== 'left' && button('Back to what is to do', () => form.setFilter('left')),
      others.map(([name, title]) => button(`Look at ${title} (${say(name === 'all' ? progress.total : progress[name])})`, () => form.setFilter(name)))));
}

const button = (text, act) => make('button', {type: 'button', kind: 'cf-tool', on: {click: act}}, make('span', {text}));
