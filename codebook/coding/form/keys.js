// Keys by the sign that they write, not by their place: what each does, in a field, while words are marked, and elsewhere.

import {isChosen} from './answers.js';
import {listCodes} from './codes.js';
import {typeNumber} from './numbers.js';
import {zoomAll} from './unit_pane.js';

const isField = node => node.matches?.('textarea, select, input:not([data-codes])');

export function pressKey(form, event) {
  if (event.isComposing) return false;
  if (form.isHelping) return event.key === 'Escape' || event.key === '?' ? form.toggleHelp() || true : false;
  if (isField(event.target)) return pressInField(form, event);
  const withCommand = event.ctrlKey || event.metaKey;
  if (withCommand && event.key.toLowerCase() === 'z') return event.shiftKey ? form.redo() : form.undo();
  if (withCommand && event.key === 'Enter') return form.confirm();
  if (form.pane?.marking) return pressMarking(form, event);
  if (withCommand || event.altKey) return false;
  return pressCode(form, event) || pressCommand(form, event);
}

function pressInField(form, event) {
  const {key, target} = event, withCommand = event.ctrlKey || event.metaKey;
  if (key === 'Escape') return form.leaveField(target);
  if (target.dataset.keep === 'find') return form.pressSearch(event);
  if (target.dataset.asked !== undefined && key === 'Enter') return form.answerAsked();
  if (key === 'Enter' && withCommand) return form.confirm();
  if (target.dataset.number !== undefined && !withCommand && /^[\p{L}?/]$/u.test(key)) return pressCode(form, event) || pressCommand(form, event);
  if (key === 'Enter' && !event.shiftKey && target.matches('input') && !target.closest('.cf-ask')) return form.confirm();
  return false;
}

function pressMarking(form, event) {
  const {key} = event;
  if (key === 'Escape') return form.endMarking();
  if (key === 'Enter' || key === ' ') return form.takeMarked();
  if (form.pane.press(event)) return true;
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  return form.pressMarker(key) || false;
}

function pressCode(form, {key, repeat}) {
  if (form.pane?.picked && form.pressMarker(key)) return true;
  const variable = form.variable;
  if (!variable || !form.unit) return false;
  if (variable.kind === 'number' && typeNumber(form.root, key)) return true;
  if (!isChosen(variable) && variable.kind !== 'number') return false;
  const codes = listCodes(variable), small = key.toLowerCase();
  const code = codes.find(each => each.key && each.key === key) ?? codes.find(each => each.key && key !== 'U' && each.key.toLowerCase() === small);
  if (!code) return false;
  return repeat ? form.refuse('The key was held down: one press is one answer.') : form.pickCode(variable, code.name);
}

const COMMANDS = {
  u: form => form.undo(), s: form => form.skip(), f: form => form.flag(), n: form => form.openNote(), g: form => form.askPlace(),
  c: form => form.showContext(), m: form => form.startMarking(), h: form => form.toggleHelp(), z: form => zoomAll(form.root),
  '/': form => form.openSearch(), '?': form => form.toggleHelp(), e: form => form.mendBounds(form.record),
  Delete: form => form.removeRecord(), Backspace: form => form.removeRecord(), Escape: form => form.escape(),
  ArrowRight: form => form.go('next'), ArrowLeft: form => form.go('back'),
};

function pressCommand(form, event) {
  const {key, target, repeat} = event;
  if (key === 'Enter') return pressEnter(form, event);
  if (key.startsWith('Arrow') && target.matches?.('input[type=range]')) return false;
  if (key === 'U' && event.shiftKey) return form.redo();
  const act = COMMANDS[key] ?? (/^\p{L}$/u.test(key) ? COMMANDS[key.toLowerCase()] : undefined);
  if (act && repeat && !key.startsWith('Arrow')) return true;
  if (act) {
    act(form);
    return true;
  }
  if (!/^[\p{L}\p{N}]$/u.test(key) || !form.unit) return false;
  return form.refuse(form.canMark && form.variable.kind === 'records' ? 'Mark words first, with the mouse or by M and the arrows.' : `No code and no command has the key ${key}.`);
}

function pressEnter(form, {target}) {
  if (form.view.feedback) return form.go('next');
  if (target.matches?.('button:not(.cf-code):not(.cf-confirm), summary')) return false;  // the button itself is pressed
  const code = target.closest?.('.cf-code');
  if (code && form.variable?.kind !== 'multi' && !form.hasDraft()) return form.pickCode(form.variable, code.dataset.code);
  return form.confirm();
}
