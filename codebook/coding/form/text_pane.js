// A text in which words are marked, by mouse and by keyboard. Places are UTF-16 units here; whoever sends them counts anew.

import {make, same} from './elements.js';
import {listWords, stepSign, trim, wholeSigns, wholeWords, wordAt} from './places.js';

const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;  // seen as their number, as in every page of the kit
const spell = sign => sign === '\r' ? '' : `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`;

export class TextPane {
  constructor(text, {members = [], onPick = null, onOpen = null, announce = () => {}, snap = () => false, canPick = () => true}) {
    Object.assign(this, {text, members, onPick, onOpen, announce, snap, canPick});
    this.marks = [];
    this.picked = null;
    this.marking = false;
    this.node = make('div', {kind: 'cf-text', dir: 'auto'});
    this.signs = [...text.matchAll(HIDDEN)].map(hit => hit.index);
    if (onPick || onOpen) this.listen();
    this.draw();
  }

  get words() {
    return this.list ??= listWords(this.text);
  }

  // --- drawing: a span for each stretch with the same marks

  draw() {
    const cuts = new Set([0, this.text.length, ...this.signs.flatMap(at => [at, at + 1])]);
    for (const {start, end} of this.marks) cuts.add(start).add(end);
    for (const {start} of this.members) cuts.add(start);
    if (this.picked) this.picked.forEach(at => cuts.add(at));
    const order = [...cuts].filter(at => at >= 0 && at <= this.text.length).sort((a, b) => a - b);
    const parts = [];
    for (let n = 0; n + 1 < order.length || (n === 0 && order.length === 1); n++) {
      parts.push(...this.drawPart(order[n], order[n + 1] ?? order[n]));
    }
    this.node.replaceChildren(...parts);
  }

  drawPart(start, end) {
    const parts = this.members.filter(member => member.start === start).map(member =>
      make('span', {kind: 'cf-member', dir: 'auto', text: member.name, 'data-apart': true}));
    const covering = this.marks.filter(mark => mark.start < end && mark.end > start);
    const closest = [...covering].sort((a, b) => (a.end - a.start) - (b.end - b.start))[0];
    const isSign = end - start === 1 && this.signs.includes(start);
    const kinds = [closest && `cf-mark cf-c${closest.colour % 8}`, covering.length > 1 && 'cf-over',
      covering.some(mark => mark.isActive) && 'cf-active', isSign && 'cf-sign',
      this.picked && start >= this.picked[0] && end <= this.picked[1] && 'cf-picked'].filter(Boolean);
    const piece = this.text.slice(start, end);
    parts.push(make('span', {kind: kinds.join(' ') || null, 'data-start': start, 'data-end': end,
      text: isSign ? spell(piece) : piece}));
    for (const mark of covering.filter(each => each.end === end)) {
      if (mark.tag) parts.push(make('span', {kind: `cf-tag cf-c${mark.colour % 8}`, dir: 'auto', 'data-apart': true, text: mark.tag}));
    }
    return parts;
  }

  setMarks(marks) {
    if (same(marks, this.marks)) return;  // nothing that a person is selecting is taken away
    this.marks = marks;
    this.draw();
  }

  // --- by mouse

  listen() {
    let isDown = false;
    this.node.addEventListener('pointerdown', () => { isDown = true; });
    this.stop = new AbortController();
    document.addEventListener('pointerup', () => {
      if (isDown) setTimeout(() => this.takeSelection());
      isDown = false;
    }, {signal: this.stop.signal});
    this.node.addEventListener('click', event => this.open(event));
  }

  close() {
    this.stop?.abort();
  }

  open(event) {  // a click on a mark opens what it belongs to
    if (!this.onOpen || !getSelection().isCollapsed) return;
    const part = event.target.closest('[data-start]');
    const at = part ? Number(part.dataset.start) : -1;
    const hits = this.marks.filter(mark => mark.start <= at && mark.end > at);
    if (hits.length) this.onOpen(hits.sort((a, b) => (a.end - a.start) - (b.end - b.start))[0]);
  }

  takeSelection() {
    const selection = getSelection();
    if (!this.onPick || !this.canPick() || !selection.rangeCount || selection.isCollapsed) return;
    const range = selection.getRangeAt(0);
    if (!this.node.contains(range.commonAncestorContainer) && !range.intersectsNode(this.node)) return;
    const ends = [this.unitAt(range.startContainer, range.startOffset), this.unitAt(range.endContainer, range.endOffset)];
    const [start, end] = this.mend(Math.min(...ends), Math.max(...ends));
    selection.removeAllRanges();
    if (end > start) this.pick(start, end);
  }

  mend(start, end) {
    let ends = trim(this.text, ...wholeSigns(this.text, start, end));
    if (this.snap() && ends[1] > ends[0]) ends = wholeWords(this.words, ...ends);
    return ends;
  }

  unitAt(node, offset) {  // the place of the text that a place of the page stands for
    if (!this.node.contains(node)) {
      return this.node.compareDocumentPosition(node) & Node.DOCUMENT_POSITION_FOLLOWING ? this.text.length : 0;
    }
    if (node.nodeType === Node.TEXT_NODE) {
      const part = node.parentElement;
      if (part.dataset.apart !== undefined) return this.endBefore(part);
      const start = Number(part.dataset.start), end = Number(part.dataset.end);
      return part.classList.contains('cf-sign') ? (offset ? end : start) : Math.min(start + offset, end);
    }
    if (node !== this.node) return node.dataset?.start !== undefined ? Number(offset ? node.dataset.end : node.dataset.start) : this.endBefore(node);
    const next = this.node.childNodes[offset];
    return next ? (next.dataset.start !== undefined ? Number(next.dataset.start) : this.endBefore(next)) : this.text.length;
  }

  endBefore(part) {
    let before = part.previousSibling;
    while (before && before.dataset.end === undefined) before = before.previousSibling;
    return before ? Number(before.dataset.end) : 0;
  }

  pick(start, end) {
    this.picked = [start, end];
    this.draw();
    this.onPick([start, end]);
  }

  drop() {
    this.picked = null;
    this.marking = false;
    this.draw();
  }

  // --- by keyboard: arrows go by word, with Shift they widen, with Alt by sign

  startMarking(at = null) {
    if (!this.words.length) return false;
    this.marking = true;
    this.moveTo(...(at ?? this.words[0]));
    return true;
  }

  moveTo(start, end) {
    this.picked = [start, end];
    this.draw();
    this.node.querySelector('.cf-picked')?.scrollIntoView({block: 'nearest'});
    this.announce(this.text.slice(start, end));
  }

  press(event) {  // true where the key was one of marking
    const {key, shiftKey, altKey} = event;
    const rtl = getComputedStyle(this.node).direction === 'rtl';
    const step = {ArrowRight: rtl ? -1 : 1, ArrowLeft: rtl ? 1 : -1}[key];
    if (step && altKey) this.moveSign(step, shiftKey);
    else if (step) this.moveWord(step, shiftKey);
    else if (key === 'ArrowDown' || key === 'ArrowUp') this.moveLine(key === 'ArrowDown' ? 1 : -1, shiftKey);
    else if (key === 'Home') this.moveTo(...(shiftKey ? [0, this.picked[1]] : this.words[0]));
    else if (key === 'End') this.moveTo(...(shiftKey ? [this.picked[0], this.text.trimEnd().length] : this.words[this.words.length - 1]));
    else return false;
    return true;
  }

  moveSign(step, isStart) {
    const [start, end] = this.picked;
    const moved = stepSign(this.text, isStart ? start : end, step);
    if (isStart ? moved < end : moved > start) this.moveTo(...(isStart ? [moved, end] : [start, moved]));
  }

  moveWord(step, widen) {
    const [start, end] = this.picked, last = this.words.length - 1;
    const first = wordAt(this.words, start), final = wordAt(this.words, end - 1);
    if (!widen) return this.moveTo(...this.words[Math.max(0, Math.min(last, (step > 0 ? final : first) + step))]);
    if (step > 0) return this.moveTo(start, this.words[Math.min(last, final + 1)][1]);
    const back = this.words[final - 1];
    if (back && back[1] > start) this.moveTo(start, back[1]);
    else this.moveTo(this.words[Math.max(0, first - 1)][0], end);
  }

  moveLine(step, widen) {
    const [start, end] = this.picked, here = wordAt(this.words, step > 0 ? end - 1 : start);
    const from = this.box(here), middle = (from.left + from.right) / 2;
    let best = -1, line = null;
    for (let n = here + step; n >= 0 && n < this.words.length; n += step) {
      const box = this.box(n);
      if (step * (box.top - from.top) < from.height / 2) continue;
      line ??= box.top;
      if (Math.abs(box.top - line) > from.height / 2) break;
      if (best < 0 || distance(box, middle) < distance(this.box(best), middle)) best = n;
    }
    if (best < 0) return;
    const [left, right] = this.words[best];
    this.moveTo(...(!widen ? [left, right] : step > 0 ? [start, right] : [left, end]));
  }

  box(n) {  // where a word stands on the screen
    const [start] = this.words[n];
    const part = [...this.node.children].find(each => Number(each.dataset.start) <= start && Number(each.dataset.end) > start);
    const range = document.createRange();
    if (!part?.firstChild) return {top: 0, left: 0, right: 0, height: 1};
    const at = Math.min(start - Number(part.dataset.start), part.firstChild.length);
    range.setStart(part.firstChild, at);
    range.setEnd(part.firstChild, Math.min(at + 1, part.firstChild.length));
    return range.getBoundingClientRect();
  }
}

const distance = (box, middle) => Math.abs((box.left + box.right) / 2 - middle);
