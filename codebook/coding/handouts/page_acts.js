// What a coder has said, act by act, and the copy of it in the browser: the same as `coder_state.py` and `coding_log.py`.

const UNDOABLE = ["label", "note", "flag", "skip"];

/** What holds after some acts; the same as `CoderState`. */
export class State {
  constructor() {
    this.turns = new Map();
    this.done = [];
    this.undone = [];
    this.last = null;
  }

  apply(act) {
    if (UNDOABLE.includes(act.act)) {
      this.done.push([act, this.put(act, act)]);
      this.undone = [];
      this.last = act;
    } else if (act.act === "undo") {
      const pair = this.done.pop();
      this.undone.push(pair);
      this.put(pair[0], pair[1]);
      this.last = pair[0];
    } else if (act.act === "redo") {
      const pair = this.undone.pop();
      this.done.push([pair[0], this.put(pair[0], pair[0])]);
      this.last = pair[0];
    } else return null;
    return turnOf(this.last);
  }

  put(where, act) {
    const turn = turnOf(where);
    if (!this.turns.has(turn)) this.turns.set(turn, new Map());
    const slots = this.turns.get(turn);
    const slot = JSON.stringify([where.variable || "", where.act]);
    const before = slots.get(slot) || null;
    slots.delete(slot);
    if (act && saysSomething(act)) slots.set(slot, act);
    return before;
  }

  actsOf(turn, kind) {
    const acts = [...(this.turns.get(turn) || new Map()).values()].filter((act) => act.act === kind);
    return Object.fromEntries(acts.map((act) => [act.variable || "", act]));
  }
}

const turnOf = (act) => JSON.stringify([act.unit, act.round || "main", act.draw || 0]);

function saysSomething(act) {
  if (act.act === "label") return act.label !== null;
  return act.act === "note" ? Boolean(act.text) : act.on !== false;
}

/** The safety copy in the browser: one entry an act; `why` says why there is none. */
export class SafetyCopy {
  constructor(key, storage) {
    this.name = (n) => `codebook.${key}.${n}`;
    this.why = "";
    try {
      this.storage = storage();
      this.storage.setItem(this.name("test"), "");
      this.storage.removeItem(this.name("test"));
    } catch (error) {
      this.storage = null;
      this.why = "This browser keeps no safety copy of your answers. Save them before you close the page.";
    }
  }

  load() {
    const acts = [];
    for (let n = 1, line; (line = this.get(n)) !== null; n += 1) acts.push(JSON.parse(line));
    return acts;
  }

  get(name) {
    return this.storage ? this.storage.getItem(this.name(name)) : null;
  }

  put(name, text) {
    if (!this.storage) return;
    try {
      this.storage.setItem(this.name(name), text);
    } catch (error) {
      this.why = "The browser has no room for a safety copy any more. Save your answers now.";
    }
  }
}
