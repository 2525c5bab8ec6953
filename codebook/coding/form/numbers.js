// A number that is typed: one spelling of it, whether it lies in the bounds of its variable, and the field it is typed in.

import {make} from './elements.js';

const NUMBER = /^([+-]?)(\d*)(?:[.,](\d*))?$/;

// {label} in the spelling that is kept, or {problem}; a comma is read as the point
export function readNumber(text, variable) {
  const [, sign, whole = '', part = ''] = NUMBER.exec(String(text ?? '').trim()) ?? [];
  if (sign === undefined || !(whole + part)) return {problem: `${text} is no number.`};
  const decimals = part.replace(/0+$/, ''), digits = whole.replace(/^0+(?=\d)/, '') || '0';
  const plain = decimals ? `${digits}.${decimals}` : digits;
  const label = sign === '-' && /[1-9]/.test(plain) ? `-${plain}` : plain;
  const problem = findBoundProblem(Number(label), decimals.length, variable);
  return problem ? {problem: `${label} ${problem}.`} : {label};
}

function findBoundProblem(value, nDecimals, {minimum, maximum, step, decimals}) {
  if (hasBound(minimum) && value < minimum) return `is less than ${minimum}`;
  if (hasBound(maximum) && value > maximum) return `is more than ${maximum}`;
  if (hasBound(decimals) && nDecimals > decimals) return `has more than ${decimals} decimals`;
  if (!hasBound(step)) return '';
  const steps = (value - (minimum ?? 0)) / step;
  return Math.abs(steps - Math.round(steps)) > 1e-6 ? `is not in steps of ${step} from ${minimum ?? 0}` : '';
}

const hasBound = bound => bound !== null && bound !== undefined;

export function drawNumber(variable, text, onInput) {
  const name = variable.question ?? variable.name;
  const field = make('input', {type: 'text', kind: 'cf-number', inputmode: 'decimal', autocomplete: 'off', 'aria-label': variable.bounds ? `${name} (${variable.bounds})` : name,
    'data-keep': `entry ${variable.name}`, 'data-number': true, on: {input: () => onInput(field.value)}});
  field.value = text;
  return [field, variable.bounds && make('span', {text: variable.bounds})];
}

export function typeNumber(root, key) {  // a digit that is pressed anywhere goes into the field
  const field = root.querySelector('[data-number]');
  if (!field || !/^[\d.,-]$/.test(key)) return false;
  field.focus();
  field.value += key;
  field.dispatchEvent(new Event('input'));
  return true;
}
