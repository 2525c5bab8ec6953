// The coding form. It draws views and sends messages through `channel`; what stands at the other end it does not know.
//
//   mountForm(root, {send(message), onView(callback), onState?(callback)}, {full, late}) -> {close}
//
// `full`: it is the whole page; `late`: what a person can do where no answer comes.
//
// `onState` may tell the form that nobody is at the other end: {gone: true, text: "what to do"}.

import {confirm, drawQuestion, isChanged, isChosen, pickCode, startDraft} from './answers.js';
import {drawEnd, drawHead, drawTools} from './bars.js';
import {drawMeaning, listCodes, matches} from './codes.js';
import {make, renew, sayLabel, shorten, words} from './elements.js';
import {pressKey} from './keys.js';
import {marking} from './marking.js';
import {Outbox, SEEN_MS} from './outbox.js';
import {drawFeedback, drawSides} from './sides.js';
import {signs} from './signs.js';
import {drawUnit, waitForImages} from './unit_pane.js';
import {asking} from './asking.js';

class Form {
  constructor(root, channel, options) {
    Object.assign(this, {channel, options, view: null, codebook: null, unit: null, pane: null, active: '', search: null, looked: null, record: null,
      isNoting: false, isHelping: false, hasContext: false, drawnAt: null, keyAt: null, refused: 0, drafts: new Map(), asked: null, noteTimer: 0});
    this.outbox = new Outbox(channel, () => this.drawState());
    this.root = make('div', {kind: `cf-form${options.full ? ' cf-full' : ''}`, role: 'region', 'aria-label': 'Coding form', tabindex: '-1',
      'data-lm-suppress-shortcuts': 'true', 'data-refused': 0});
    this.build(root);
    this.listen(root);
    this.resize(0);
    channel.onView(view => this.take(view));
    channel.onState?.(state => this.takeState(state));
    this.outbox.send({act: 'codebook'}, 'opening', {stays: true});
  }

  build(root) {
    const place = (name, more = {}) => this[name] = make('div', {kind: `cf-${name.toLowerCase()}`, ...more});
    this.root.append(place('lost', {role: 'alert'}), place('head'), make('div', {kind: 'cf-main'},
      place('left', {tabindex: '0', role: 'group', 'aria-label': 'Unit'}),
      make('div', {kind: 'cf-side-by'}, place('finder'), place('questions'), place('noting'), place('meaning', {role: 'complementary', 'aria-label': 'Codebook', tabindex: '0'}))),
    place('asking'), make('div', {kind: 'cf-foot'}, place('tools', {role: 'toolbar', 'aria-label': 'Commands'}),
      make('p', {kind: 'cf-off', text: 'Keys are off: click into the form.'}), place('notice')),
    place('polite', {'aria-live': 'polite'}), place('assertive', {'aria-live': 'assertive'}), place('over'));
    this.polite.classList.add('cf-unseen');
    this.assertive.classList.add('cf-unseen');
    renew(this.left, make('p', {kind: 'cf-soft cf-wait', text: 'Opening …'}));
    root.setAttribute('data-lm-suppress-shortcuts', 'true');
    root.append(this.root);
  }

  listen(root) {
    this.root.addEventListener('keydown', event => {
      this.keyAt = Math.min(performance.now(), event.timeStamp || Infinity);
      if (this.view && pressKey(this, event)) event.preventDefault();
      this.keyAt = null;
      event.stopPropagation();
    });
    for (const name of ['keyup', 'keypress', 'paste', 'copy', 'cut']) this.root.addEventListener(name, event => event.stopPropagation());
    this.root.addEventListener('click', event => {  // a click on plain ground gives the form its keys
      if (!this.root.contains(document.activeElement) && !event.target.closest('button, input, select, textarea')) this.focusUnit();
    });
    this.leaving = new AbortController();
    window.addEventListener('beforeunload', event => {
      if (this.outbox.pending.size || this.hasDraft() || this.noteTimer) event.preventDefault();
    }, {signal: this.leaving.signal});
  }

  close() {
    this.flushNote();
    this.leaving.abort();
    this.pane?.close();
    this.root.remove();
  }

  // --- what comes in

  take(view) {
    const former = this.unit?.token, settled = this.outbox.settle(view.ack ?? 0);
    const wasLost = this.lost.childElementCount > 0;
    this.codebook = view.codebook ?? this.codebook;
    this.view = view;
    this.unit = view.unit;
    if (!this.codebook) return this.outbox.send({act: 'codebook'}, 'opening', {stays: true});
    const isNew = former !== view.unit?.token || !former;
    if (isNew) this.forget();
    if (isTaken(view)) settled.filter(each => each.variable).forEach(each => this.drafts.delete(each.variable));
    this.chooseActive(isNew);
    this.keepFocus(() => this.draw(isNew), isNew);
    if (isNew && settled.some(each => each.variable)) this.focusEntry();
    this.drawState();
    this.tell(view, settled, isNew, wasLost);
    return true;
  }

  takeState({gone, text}) {
    Object.assign(this.outbox, {isGone: Boolean(gone)});
    this.goneText = text;
    this.drawState();
  }

  forget() {  // a new unit: nothing of the one before is taken over
    this.pane?.close();
    Object.assign(this, {drafts: new Map(), pane: null, record: null, search: null, looked: null, hasContext: false, isNoting: false, drawnAt: null, asked: null, mending: null});
  }

  chooseActive(isNew) {
    const names = this.codebook.variables.map(each => each.name), open = names.filter(name => this.answerOf({name}) === undefined);
    const stays = !isNew && names.includes(this.active) && (open.includes(this.active) || !this.advanced);
    if (!stays) this.active = open[0] ?? (isNew ? names[0] : this.active) ?? names[0];
    this.advanced = false;
  }

  tell(view, settled, isNew, wasLost) {
    const done = settled.filter(each => each.says).map(each => each.says).pop(), {message, unit} = view;
    if (message?.kind === 'refused') return this.refuse(message.text);
    if (message?.kind === 'error') return this.refuse(message.text);
    if (message) return this.notice_(message.text);
    const where = isNew && unit ? `Unit ${unit.place} of ${unit.total}.` : isNew ? 'Nothing is left.' : '';
    if (wasLost && !this.outbox.isLost) this.notice_('Everything is saved now.', 'good');
    else if (done) this.notice_(`Saved: ${done}`, 'good', `${done}, saved. ${where}`);
    else if (where && !wasLost) this.announce(where);
    return true;
  }

  // --- what is shown

  draw(isNew) {
    renew(this.head, drawHead(this));
    renew(this.tools, drawTools(this));
    if (isNew) this.drawUnit();
    this.drawAnswers(isNew);
    this.drawNote();
    this.drawAsked();
  }

  drawUnit() {
    if (!this.unit) return renew(this.left, drawEnd(this));
    const shown = this.hasContext ? this.unit : {...this.unit, context: []};
    const {node, pane, images} = drawUnit(shown, this.paneHandlers());
    this.pane?.close();
    this.pane = pane;
    renew(this.left, make('p', {kind: 'cf-place'}, make('span', {text: `Unit ${this.unit.place} of ${this.unit.total}`}), words('span', this.unit.id, 'cf-id'),
      this.unit.again && make('span', {kind: 'cf-badge', text: 'once more'})), this.unit.loss && words('p', this.unit.loss, 'cf-loss'), node);
    this.left.scrollTop = 0;
    this.root.dataset.place = this.unit.place;
    if (this.drawnAt !== null) return true;
    delete this.root.dataset.drawn;
    this.waitUntilSeen(images, this.unit.token);
    return true;
  }

  async waitUntilSeen(images, token) {
    if (images.length) await waitForImages(images);
    requestAnimationFrame(() => setTimeout(() => {
      if (this.unit?.token !== token) return;
      this.drawnAt = performance.now();
      this.root.dataset.drawn = token;
    }));
  }

  drawAnswers(isNew = false) {
    this.keepFocus(() => {
      this.questions.classList.toggle('cf-one', this.codebook.variables.length === 1);
      this.root.classList.toggle('cf-writing', Boolean(this.unit) && this.variable?.kind === 'transcription');
      this.root.classList.toggle('cf-deciding', Boolean(this.view.adjudication));
      if (!this.unit) renew(this.questions);
      else if (this.view.feedback) renew(this.questions, drawFeedback(this, this.view.feedback));
      else renew(this.questions, this.view.adjudication && this.variable && drawSides(this, this.view.adjudication, this.variable),
        this.codebook.variables.map(variable => drawQuestion(this, variable)));
      this.drawMarks();
      this.drawFinder();
      drawMeaning(this.meaning, this.looked, this.codebook, this.variable);
    }, isNew);
  }

  // --- questions and their answers

  get variable() {
    return this.codebook?.variables.find(each => each.name === this.active);
  }

  get isSkipped() {
    return this.view.skipped !== null && this.view.skipped !== undefined && this.view.skipped !== false;
  }

  answerOf({name}) {
    const sent = [...this.outbox.pending.values()].filter(each => each.variable === name && each.token === this.unit?.token).pop();
    return sent ? sent.label ?? undefined : this.view.answers?.[name] ?? undefined;
  }

  draft(variable) {
    if (!this.drafts.has(variable.name)) this.drafts.set(variable.name, startDraft(this.view, variable));
    return this.drafts.get(variable.name);
  }

  hasDraft() {
    return Boolean(this.unit && !this.view.read_only && this.codebook?.variables.some(variable => isChanged(this, variable)));
  }

  setActive(name) {
    this.active = name;
    Object.assign(this, {search: null, looked: null, record: null});
    this.pane?.drop();
    this.drawAnswers();
  }

  whyNot() {  // why a key cannot be taken now
    const at = this.keyAt ?? performance.now();
    if (this.view.read_only) return 'This window only reads: the log of this coder is open elsewhere.';
    if (this.outbox.isLost) return 'Not saved: the answer before is not saved yet.';
    if (!this.unit) return 'Nothing is left to code.';
    if (this.outbox.isAdvancing) return 'Not saved: the next unit was not on the screen yet.';
    if (this.drawnAt === null || at - this.drawnAt < SEEN_MS) return 'Not saved: the unit had only just appeared. Press again.';
    return '';
  }

  send(act, fields, title, more = {}) {
    if (act !== 'note') this.flushNote();
    const seq = this.outbox.send({act, token: this.unit?.token ?? '', shown_ms: this.drawnAt === null ? 0 : Math.max(0, (this.keyAt ?? performance.now()) - this.drawnAt), ...fields}, title, more);
    Object.assign(this.outbox.pending.get(seq) ?? {}, more);
    this.drawState();
    return true;
  }

  sendOf(act, fields, title, more) {  // an act on the unit that is seen
    const why = this.whyNot();
    return why ? this.refuse(why) : this.send(act, fields, title, more);
  }

  label(variable, label, more = {}) {
    const why = this.whyNot();
    if (why) return this.refuse(why);
    const says = shorten(sayLabel(label)), isLast = this.codebook.variables.every(each => each.name === variable.name || this.answerOf(each) !== undefined);
    this.send('label', {variable: variable.name, label, ...more}, `${variable.name}: ${says} (unit ${this.unit.place})`,
      {says, label, variable: variable.name, token: this.unit.token, stays: !isLast});
    this.root.dataset.labels = Number(this.root.dataset.labels ?? 0) + 1;
    if (!isLast) {
      this.advanced = true;
      this.drafts.delete(variable.name);
      this.chooseActive(false);
      this.drawAnswers();
      this.focusEntry();
    }
    return true;
  }

  pickCode(variable, name) {
    const why = this.whyNot();
    return why ? this.refuse(why) : pickCode(this, variable, name);
  }

  confirm() {
    if (!this.unit || !this.variable) return false;
    if (this.pane?.picked && this.variable.kind === 'records') return this.takeMarked();
    const why = this.whyNot();
    return why ? this.refuse(why) : confirm(this, this.variable);
  }

  takeSide(variable, side) {
    this.draft(variable).label = structuredClone(side.label);
    this.drawAnswers();
    this.announce(`${sayLabel(side.label)} taken. Enter confirms.`);
  }

  // --- commands

  move(act, fields, title) {
    if (this.hasDraft()) return this.refuse('This answer is not confirmed. Enter confirms it, Escape drops it.');
    if (this.outbox.isLost) return this.refuse('Not saved: the answer before is not saved yet.');
    return this.outbox.isAdvancing ? this.refuse('Not saved: the next unit was not on the screen yet.') : this.send(act, fields, title);
  }

  go(to) {
    return this.move('go', {to}, `go to ${to}`);
  }

  setFilter(to) {
    return this.move('filter', {to}, `show ${to}`);
  }

  undo() {
    return this.view.can_undo ? this.move('undo', {}, 'undo') : this.refuse('There is nothing to take back.');
  }

  redo() {
    return this.view.can_redo ? this.move('redo', {}, 'redo') : this.refuse('Nothing was taken back.');
  }

  flag() {
    const on = !this.view.flag;
    return this.sendOf('flag', {on}, on ? 'flag' : 'no flag', {says: on ? 'flagged' : 'flag taken off'});
  }

  showContext() {
    if (!(this.unit?.context ?? []).length) return this.refuse('This unit has no context.');
    this.hasContext = !this.hasContext;
    const keep = this.pane;
    this.keepFocus(() => this.drawUnit());
    keep?.close();
    this.drawMarks();
    renew(this.tools, drawTools(this));
    return this.hasContext && !this.view.read_only ? this.send('context', {}, 'context') : true;
  }

  escape() {
    if (this.search !== null) return this.closeSearch();
    if (this.pane?.picked) return this.endMarking();
    if (!this.drafts.size) return false;
    this.drafts.clear();
    this.record = null;
    this.drawAnswers();
    return this.notice_('Dropped what was not confirmed.');
  }

  firstMatch() {
    const {variable} = this;
    return variable && isChosen(variable) ? listCodes(variable).find(each => matches(each, this.search ?? '')) : null;
  }
}

for (const part of [marking, asking, signs]) Object.defineProperties(Form.prototype, Object.getOwnPropertyDescriptors(part));

const isTaken = view => !['refused', 'error'].includes(view.message?.kind);

export function mountForm(root, channel, options = {}) {
  const form = new Form(root, channel, options);
  return {close: () => form.close(), form};
}
