// What is typed: the search for codes, notes that save themselves, the reason of a skip, and where to go.

import {keycap, make, renew} from './elements.js';

const NOTE_MS = 900;

export const asking = {
  // --- the search for codes

  openSearch() {
    if (!this.variable) return false;
    this.search ??= '';
    this.drawAnswers();
    this.finder.querySelector('input')?.focus();
    return true;
  },

  closeSearch() {
    this.search = null;
    this.drawAnswers();
    return this.focusUnit();
  },

  drawFinder() {
    if (this.search === null) return renew(this.finder);
    if (this.finder.childElementCount) return true;
    const field = make('input', {type: 'search', placeholder: 'words of a code, its definition or examples', 'aria-label': 'Search the codes', 'data-keep': 'find', dir: 'auto',
      on: {input: () => {
        this.search = field.value;
        this.looked = this.firstMatch() ?? null;
        this.drawAnswers();
      }}});
    return renew(this.finder, make('label', {kind: 'cf-find'}, keycap('/'), field));
  },

  pressSearch({key}) {
    if (key === 'ArrowDown') return Boolean(this.questions.querySelector('.cf-code')?.focus()) || true;
    if (key !== 'Enter') return false;
    const code = this.firstMatch(), {variable} = this;
    if (!code) return this.refuse('No code holds these words.');
    this.closeSearch();
    return this.pickCode(variable, code.name);
  },

  // --- notes

  openNote() {
    if (!this.unit) return false;
    this.isNoting = !this.isNoting;
    if (!this.isNoting) this.flushNote();
    this.drawNote();
    this.noting.querySelector('textarea')?.focus();
    return true;
  },

  drawNote() {
    const isOpen = this.unit && (this.isNoting || Object.values(this.view.notes ?? {}).some(Boolean));
    if (!isOpen) return renew(this.noting);
    const names = ['', ...this.codebook.variables.map(each => each.name)];
    if (this.noting.dataset.token === this.unit.token && this.noting.contains(document.activeElement)) return true;
    this.noting.dataset.token = this.unit.token;
    this.noteOf = this.noteOf && names.includes(this.noteOf) ? this.noteOf : '';
    const field = make('textarea', {rows: 2, dir: 'auto', 'data-keep': 'noting', 'aria-label': 'Note', readonly: Boolean(this.view.read_only),
      on: {input: () => this.keepNote(field), blur: () => this.flushNote()}});
    const menu = make('select', {'aria-label': 'What the note is on', 'data-keep': 'noteof', on: {change: () => {
      this.flushNote();
      this.noteOf = menu.value;
      field.value = this.view.notes?.[this.noteOf] ?? '';
    }}}, names.map(name => make('option', {value: name, text: name ? `on ${name}` : 'on the unit'})));
    menu.value = this.noteOf;
    field.value = this.view.notes?.[this.noteOf] ?? '';
    return renew(this.noting, make('div', {kind: 'cf-notehead'}, make('h3', {text: 'Note'}), menu), field);
  },

  keepNote(field) {
    clearTimeout(this.noteTimer);
    this.unsavedNote = {field, token: this.unit.token, variable: this.noteOf};
    this.noteTimer = setTimeout(() => this.flushNote(), NOTE_MS);
  },

  flushNote() {
    clearTimeout(this.noteTimer);
    const note = this.unsavedNote;
    Object.assign(this, {noteTimer: 0, unsavedNote: null});
    if (!note || this.view.read_only || note.token !== this.unit?.token) return;
    const text = note.field.value;
    if (text === (this.view.notes?.[note.variable] ?? '')) return;
    (this.view.notes ??= {})[note.variable] = text;
    this.send('note', {text, variable: note.variable}, `note: ${text}`, {says: 'note'});
  },

  leaveField(target) {
    if (this.noting.contains(target)) this.isNoting = false;
    if (target.dataset.keep === 'find') return this.closeSearch();
    if (this.asked) return this.dropAsked();
    this.flushNote();
    return this.focusUnit();
  },

  // --- a question of one line

  ask(title, act) {
    this.asked = {title, act};
    this.drawAsked();
    this.asking.querySelector('input').focus();
    return true;
  },

  drawAsked() {
    if (!this.asked) return renew(this.asking);
    if (this.asking.childElementCount) return true;
    const field = make('input', {type: 'text', dir: 'auto', 'data-asked': true, 'aria-label': this.asked.title});
    const button = (text, key, run) => make('button', {type: 'button', kind: 'cf-tool', on: {click: run}}, make('span', {text}), keycap(key));
    return renew(this.asking, make('div', {kind: 'cf-ask'}, make('label', {}, make('span', {text: this.asked.title}), field),
      button('Do it', 'Enter', () => this.answerAsked()), button('Leave it', 'Esc', () => this.dropAsked())));
  },

  dropAsked() {
    this.asked = null;
    this.drawAsked();
    return this.focusUnit();
  },

  answerAsked() {
    const {act} = this.asked, text = this.asking.querySelector('input').value.trim();
    this.dropAsked();
    return act(text);
  },

  skip() {
    if (this.isSkipped) return this.sendOf('skip', {on: false, reason: ''}, 'take the skip back', {says: 'no longer skipped', stays: true});
    const why = this.whyNot();
    if (why) return this.refuse(why);
    return this.ask('Why is it skipped? Enter alone skips without a reason.', reason => this.sendOf('skip', {on: true, reason}, 'skip', {says: 'skipped'}));
  },

  askPlace() {
    return this.ask('Number or id of a unit', text => text ? this.go(/^\d+$/.test(text) ? Number(text) : text) : true);
  },
};
