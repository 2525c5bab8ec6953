// What was sent and is not acknowledged yet. No answer within two seconds: NOT SAVED, and keys are locked until it comes.

export const PATIENCE_MS = 2000;
export const SEEN_MS = 150;  // a key within so short a time of a unit's drawing was meant for another one
const ADVANCING = new Set(['label', 'skip', 'undo', 'redo', 'go', 'filter']);  // acts after which another unit may be shown

export class Outbox {
  constructor(channel, onChange) {
    Object.assign(this, {channel, onChange, pending: new Map(), seq: 0, client: newName(), isGone: false});
  }

  send(message, title, {stays = false} = {}) {
    const seq = ++this.seq, full = {seq, client: this.client, ...message};
    this.pending.set(seq, {title, at: performance.now(), advances: ADVANCING.has(message.act) && !stays});
    setTimeout(() => this.onChange(), PATIENCE_MS + 10);
    try {
      this.channel.send(full);
    } catch (error) {
      console.warn('the form could not send', error);
    }
    return seq;
  }

  settle(ack) {  // what a view acknowledges, and everything before it
    const settled = [...this.pending].filter(([seq]) => seq <= ack);
    settled.forEach(([seq]) => this.pending.delete(seq));
    return settled.map(([, each]) => each);
  }

  get late() {
    const now = performance.now();
    return [...this.pending.values()].filter(each => now - each.at > PATIENCE_MS);
  }

  get isLost() {
    return this.isGone || this.late.length > 0;
  }

  get isAdvancing() {
    return [...this.pending.values()].some(each => each.advances);
  }

  get titles() {
    return [...this.pending.values()].map(each => each.title);
  }
}

function newName() {
  const numbers = crypto.getRandomValues(new Uint32Array(2));
  return [...numbers].map(number => number.toString(36)).join('');
}
