// What a round shows beside a unit: the feedback of a training, the sides of an adjudication.

import {make, sayLabel, words} from './elements.js';

// {right: bool, answers: [{variable, label, gold, right, why}], text}
export function drawFeedback(form, feedback) {
  const answers = feedback.answers ?? [feedback];
  const isRight = feedback.right ?? answers.every(each => each.right);
  return make('div', {kind: `cf-feedback ${isRight ? 'cf-right' : 'cf-wrong'}`, role: 'status'},
    make('h2', {text: isRight ? '✓ As the key has it' : '✗ Not as the key has it'}),
    answers.filter(each => 'gold' in each || 'label' in each).map(each => make('dl', {},
      each.variable && answers.length > 1 && [make('dt', {text: 'Question'}), words('dd', each.variable)],
      make('dt', {text: 'Your answer'}), words('dd', sayLabel(each.label)),
      make('dt', {text: 'The key'}), words('dd', sayLabel(each.gold)),
      each.why && [make('dt', {text: 'Why'}), words('dd', each.why, 'cf-why')])),
    feedback.text && words('p', feedback.text, 'cf-lines'),
    make('button', {type: 'button', kind: 'cf-confirm', 'data-keep': 'on', on: {click: () => form.go('next')}}, make('span', {text: 'Go on'}),
      make('kbd', {kind: 'cf-key', text: 'Enter', 'aria-hidden': 'true'})));
}

// {sides: [{variable, label, why, note}], needs_reason}: their order is by chance, and no side has a name
export function drawSides(form, adjudication, variable) {
  const sides = (adjudication.sides ?? []).filter(side => !side.variable || side.variable === variable.name);
  return make('div', {}, adjudication.later && make('p', {kind: 'cf-old', text: 'A label came after the decision. The decision stays until you change it.'}),
    make('div', {kind: 'cf-sides', role: 'group', 'aria-label': 'What was said before'}, sides.map((side, n) => drawSide(form, variable, side, n))));
}

function drawSide(form, variable, side, n) {
  const letter = String.fromCharCode(65 + n);
  return make('article', {kind: 'cf-side'}, make('h3', {}, make('span', {kind: 'cf-letter', text: letter}), words('b', sayLabel(side.label))),
    side.why && words('p', side.why), side.note && make('p', {kind: 'cf-soft'}, 'Note: ', words('span', side.note)),
    side.label !== null && side.label !== undefined && make('button', {type: 'button', kind: 'cf-tool', 'data-keep': `side ${n}`, 'aria-label': `Take side ${letter}: ${sayLabel(side.label)}`,
      on: {click: () => form.takeSide(variable, side)}}, make('span', {text: `Take ${letter}`})));
}
