// What a person sees and hears of the form itself: saved or not, refusals, the focus, the size of the text, the help.

import {drawHelp} from './bars.js';
import {drawMeaning} from './codes.js';
import {make, renew, words} from './elements.js';

const SIZES = [14, 15, 16, 18, 20, 22, 25, 28, 32], SIZE_NAME = 'codebook-form-size';

export const signs = {
  drawState() {  // saved, saving, or NOT SAVED
    const {isLost, titles, isGone, pending} = this.outbox;
    this.root.classList.toggle('cf-isnot', isLost);
    this.root.setAttribute('aria-busy', String(pending.size > 0));
    this.root.dataset.pending = pending.size;
    if (!isLost) return this.lost.childElementCount && renew(this.lost);
    const late = `No answer has come for two seconds. Keys are locked until it comes. ${this.options.late ?? ''}`;
    const why = isGone ? this.goneText || 'The connection is gone.' : late;
    const unsaved = titles.filter(title => title !== 'opening');
    this.notice.querySelector('.cf-good')?.remove();  // "Saved" is of the act before
    const key = JSON.stringify([why, unsaved]);
    if (this.lostKey === key && this.lost.childElementCount) return true;
    this.lostKey = key;
    return renew(this.lost, make('b', {text: unsaved.length || !isGone ? 'NOT SAVED' : 'Not connected'}), words('span', ` ${why}`),
      unsaved.length > 0 && make('ul', {}, unsaved.map(title => words('li', title))));
  },

  keepFocus(redraw, isNew = false) {
    const at = document.activeElement, isInside = this.root.contains(at), keep = at?.dataset?.keep;
    const ends = at?.selectionStart === undefined || at?.type === 'range' ? null : [at.selectionStart, at.selectionEnd];
    redraw();
    if (!isInside || this.root.contains(document.activeElement)) return;
    const again = keep && !(isNew && keep.startsWith('code ')) && [...this.root.querySelectorAll('[data-keep]')].find(each => each.dataset.keep === keep);
    if (!again) return this.focusUnit();
    again.focus({preventScroll: true});
    if (ends && ends[0] !== null) again.setSelectionRange?.(...ends);
  },

  focusUnit() {
    this.left.focus({preventScroll: true});
    return true;
  },

  focusEntry() {  // after an answer: what is typed now are words of the next one, not commands
    const at = document.activeElement, field = this.questions.querySelector('textarea[data-keep^="entry "]');
    if (field && !this.view.read_only && (this.left.contains(at) || this.questions.contains(at))) field.focus({preventScroll: true});
  },

  look(category) {
    if (this.looked === category) return;
    this.looked = category;
    drawMeaning(this.meaning, category, this.codebook, this.variable);
  },

  resize(step) {
    let at = SIZES.indexOf(Number(recall(SIZE_NAME)));
    at = Math.max(0, Math.min(SIZES.length - 1, (at < 0 ? 4 : at) + step));
    this.root.style.setProperty('--cf-size', `${SIZES[at]}px`);
    if (step) remember(SIZE_NAME, SIZES[at]);
  },

  toggleHelp() {
    this.isHelping = !this.isHelping;
    renew(this.over, this.isHelping && drawHelp(this));
    if (this.isHelping) this.over.firstChild.focus();
    else this.focusUnit();
    return true;
  },

  announce(text) {
    this.polite.textContent = text;
  },

  notice_(text, kind = '', aloud = text) {
    renew(this.notice, words('p', text, kind ? `cf-${kind}` : ''), this.sayRefused());
    this.announce(aloud);
    return true;
  },

  sayRefused() {
    return this.refused > 0 && make('span', {kind: 'cf-soft', text: `refused so far: ${this.refused}`});
  },

  refuse(text) {  // nothing is swallowed in silence
    this.refused += 1;
    this.root.dataset.refused = this.refused;
    this.root.classList.remove('cf-refusing');
    void this.root.offsetWidth;
    this.root.classList.add('cf-refusing');
    renew(this.notice, words('p', text, 'cf-bad'), this.sayRefused());
    this.assertive.textContent = text;
    return true;
  },
};

const recall = name => {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
};

const remember = (name, value) => {
  try {
    localStorage.setItem(name, String(value));
  } catch { /* a browser that keeps nothing */ }
};
