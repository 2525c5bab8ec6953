// Marking words of the text: for a record, for other ends of one, or as the words that decided.

import {shorten} from './elements.js';
import {addRecord, listMarkers, listMarks, makeSpan, removeRecord, setBounds} from './records.js';
import {toUnits} from './places.js';

export const marking = {
  paneHandlers() {
    return {announce: text => this.announce(text), snap: () => Boolean(this.isSnapping), canPick: () => this.canMark, onOpen: mark => this.showRecord(mark),
      onPick: ends => this.takePick(ends)};
  },

  get canMark() {
    const {variable} = this;
    return Boolean(this.pane && variable && !this.view.read_only && (variable.evidence || (variable.kind === 'records' && listMarkers(variable).length)));
  },

  drawMarks() {
    const {pane, variable} = this;
    if (!pane) return;
    pane.setMarks(variable?.kind === 'records' ? listMarks(this, variable, pane.text) : []);
    const isOff = !pane.picked;
    this.questions.querySelectorAll('.cf-marker').forEach(each => isOff ? each.setAttribute('aria-disabled', 'true') : each.removeAttribute('aria-disabled'));
  },

  startMarking(at = null) {
    if (!this.canMark) return this.refuse('Nothing is marked in this unit.');
    this.focusUnit();
    if (!this.pane.startMarking(at ?? this.pane.picked)) return this.refuse('There is no word to mark.');
    this.drawMarks();
    this.root.classList.add('cf-marking');
    return this.notice_(this.variable.kind === 'records' ? 'Marking: arrows, Shift widens, then the key of what it is. Esc ends.' : 'Marking: arrows, Shift widens, Enter takes the words. Esc ends.', '',
      `Marking. ${this.pane.text.slice(...this.pane.picked)}`);
  },

  endMarking() {
    this.mending = null;
    this.root.classList.remove('cf-marking');
    this.pane?.drop();
    this.drawMarks();
    return true;
  },

  takePick(ends) {  // words were marked with the mouse
    if (this.mending || this.variable.kind !== 'records') return this.takeMarked();
    this.drawMarks();
    const markers = listMarkers(this.variable);
    if (markers.length === 1) return this.markAs(markers[0]);
    this.focusUnit();
    return this.notice_(`“${shorten(this.pane.text.slice(...ends), 40)}”: press the key of what it is.`);
  },

  takeMarked() {  // Enter, or the mouse where there is nothing to choose
    const {pane, variable} = this, span = makeSpan(pane.text, pane.picked);
    if (this.mending) {
      const where = this.mending;
      this.endMarking();
      setBounds(this, variable, where, span);
      return this.focusUnit();
    }
    if (variable.kind !== 'records') {
      this.endMarking();
      this.draft(variable).evidence = span.quote;
      this.drawAnswers();
      this.announce(`${shorten(span.quote)}: these words decided.`);
      return this.focusUnit();
    }
    const markers = listMarkers(variable);
    return markers.length === 1 ? this.markAs(markers[0]) : this.refuse('Press the key of what the words are.');
  },

  pressMarker(key) {
    if (this.mending || this.variable?.kind !== 'records' || !this.pane?.picked) return false;
    const marker = listMarkers(this.variable).find(each => each.key && each.key.toLowerCase() === key.toLowerCase());
    return marker ? this.markAs(marker) : false;
  },

  markAs(marker) {
    if (!this.pane?.picked) return this.refuse('Mark words first, with the mouse or by M and the arrows.');
    const why = this.whyNot();
    if (why) return this.refuse(why);
    const {pane, variable} = this, ends = pane.picked, isByKeys = pane.marking, span = makeSpan(pane.text, ends);
    this.endMarking();
    addRecord(this, variable, marker.list, span, marker.category?.name ?? null);
    if (this.root.contains(document.activeElement) && document.activeElement.matches('input, select')) return true;
    this.focusUnit();
    return isByKeys ? this.startMarking(ends) : true;
  },

  showRecord({list, n, field}) {
    this.record = {list, n};
    this.drawAnswers();
    const item = this.questions.querySelector('.cf-record.cf-active');
    item?.scrollIntoView({block: 'nearest'});
    if (!item?.contains(document.activeElement)) item?.querySelector('button, select, input')?.focus({preventScroll: true});
    this.pane?.node.querySelector('.cf-active')?.scrollIntoView({block: 'nearest'});
    return field;
  },

  mendBounds(where) {  // E: other ends for the span of a record
    if (!where || this.variable?.kind !== 'records') return this.refuse('Choose a record first.');
    const mark = listMarks(this, this.variable, this.pane.text).find(each => each.list === where.list && each.n === where.n && (!where.field || each.field === where.field));
    const value = mark ?? {start: 0, end: 0};
    this.startMarking(mark ? [value.start, value.end] : null);
    this.mending = where;
    return this.notice_('Other words: mark them anew with the mouse, or Shift and Alt with the arrows; Enter takes them.');
  },

  removeRecord() {
    if (!this.record || this.variable?.kind !== 'records') return false;
    return removeRecord(this, this.variable, this.record);
  },

  showPage(n) {
    this.left.querySelectorAll('.cf-frame')[n]?.scrollIntoView({block: 'nearest'});
  },

  markPlaces(start, end) {  // code points, for whoever has them
    return [toUnits(this.pane.text, start), toUnits(this.pane.text, end)];
  },
};
