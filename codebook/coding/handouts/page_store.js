// The session of a page that has no kit behind it: the rules of `session.py`, with the acts kept in the page.
//
// It is a channel for `mountForm`: `send(message)` does what a message says, and every `onView` callback gets the next
// view. Each act is a line of the log's own grammar. A safety copy of each lies in the browser's localStorage, where
// there is one; `lines()` are what the coder saves as a file and sends back.

const OF_UNIT = ["label", "note", "flag", "skip", "context"];
const ACTS = [...OF_UNIT, "undo", "redo", "go", "filter", "codebook"];
const FILTERS = ["left", "all", "flagged", "skipped", "recode"];
const LEAST_MS = 150;
const IDLE_MS = 600000;

const isText = (value) => typeof value === "string";
const isNumber = (value) => typeof value === "number" && Number.isFinite(value);
const copy = (value) => JSON.parse(JSON.stringify(value));
class Refusal extends Error {}

function checkLabel(label, variable) {
  const codes = [...variable.categories, ...variable.abstain].map((category) => category.name);
  const outside = () => new Refusal(`${variable.name}: that answer is not in the codebook.`);
  if (variable.kind === "multi") {
    if (!Array.isArray(label) || label.some((code) => !codes.includes(code))) throw outside();
    return codes.filter((code) => label.includes(code));
  }
  if (variable.kind === "text" || variable.kind === "number") {
    const form = variable.kind === "text" ? /\S/ : /^-?\d+(\.\d+)?$/; // its bounds were checked by the form
    if (!codes.includes(label) && !(isText(label) && form.test(label))) throw outside();
    return label;
  }
  if (codes.length && !codes.includes(label)) throw outside();
  if (!codes.length && (typeof label !== "object" || Array.isArray(label))) throw outside();
  return label;
}

function findProblem(message) {
  if (!message || typeof message !== "object") return "it is none";
  if (!ACTS.includes(message.act)) return "its act is not known";
  const needed = { label: "label", note: "text", go: "to", filter: "to" }[message.act];
  if (needed && !(needed in message)) return `it has no ${needed}`;
  const text = { note: "text", skip: "reason", label: "variable", filter: "to" }[message.act];
  if (text && text in message && !isText(message[text])) return `its ${text} is no text`;
  if (message.act === "filter" && !FILTERS.includes(message.to)) return "there is no such filter";
  return ["seq", "shown_ms"].some((name) => name in message && !isNumber(message[name])) ? "a number is none" : "";
}

/** The session of one page. */
export class PageStore {
  constructor(plan, safety, clock = () => Date.now()) {
    Object.assign(this, { plan, safety, clock, filter: "left", nRefused: 0, nDrawn: 0, place: null, callbacks: [] });
    this.places = new Map(plan.rows.map((row, place) => [turnOf(row), place]));
    this.key = Math.random().toString(16).slice(2, 10);
    this.readOnly = false;
    this.onChange = () => {};
    this.take(safety.load());
  }

  /** Begin with acts, which a safety copy or a saved file holds. */
  take(acts) {
    this.acts = [];
    this.state = new State();
    this.answered = new Map();
    this.sets = { done: new Set(), left: new Set(), flagged: new Set(), skipped: new Set(), recode: new Set() };
    for (const act of acts) this.remember(act);
    this.plan.rows.forEach((_, place) => this.sort(place));
    const last = this.state.last;
    const place = last ? this.places.get(turnOf(last)) : undefined;
    this.draw(place === undefined ? this.next(-1) : this.after(place, last));
  }

  /** Go on from the acts of a saved file, where they are this page's and hold all that is here. */
  restore(acts) {
    const source = acts.length ? acts[0].source || {} : {};
    if (source.id !== this.plan.key) throw new Refusal("it was not saved by this page.");
    const here = this.acts.map((act) => act.time);
    if (acts.length < here.length || here.some((time, at) => acts[at].time !== time))
      throw new Refusal("this page has answers that are not in it. Save them first.");
    acts.slice(here.length).forEach((act) => this.safety.put(act.n, JSON.stringify(act)));
    this.take(acts);
    this.tell(this.view(0, null, false));
  }

  // -- the channel of the form

  send(message) {
    const problem = findProblem(message);
    const view = problem ? this.refuse(`The message cannot be read: ${problem}.`) : this.answer(message);
    this.tell(view);
    this.onChange();
    return view;
  }

  refuse(text) {
    this.nRefused += 1;
    return this.view(0, { kind: "refused", text }, false);
  }

  answer(message) {
    let view = null;
    try {
      if (!this.wasDone(message)) this.handle(message);
      view = this.view(0, null, message.act === "codebook");
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      view = this.refuse(error.message);
    }
    return { ...view, ack: Math.trunc(message.seq || 0) };
  }

  onView(callback) {
    this.callbacks.push(callback);
    callback(this.view(0, null, true));
  }

  tell(view) {
    this.callbacks.forEach((callback) => callback(view));
  }

  wasDone(message) {
    return Boolean(message.client) && (message.seq || 0) <= (this.answered.get(message.client) || 0);
  }

  handle(message) {
    const kind = message.act;
    if (OF_UNIT.includes(kind) && message.token !== this.token)
      throw new Refusal("Not saved: this was meant for another unit than the one that is shown.");
    if (OF_UNIT.includes(kind) && (message.shown_ms || 0) < LEAST_MS)
      throw new Refusal("Not saved: the unit had only just appeared. Press again.");
    if (kind === "go") this.draw(this.find(message.to));
    else if (kind === "filter") this.chooseFilter(message.to);
    else if (kind !== "codebook") this.write(kind, message);
  }

  chooseFilter(name) {
    this.filter = name;
    this.draw(this.place !== null && this.placesOf(name).has(this.place) ? this.place : this.next(-1));
  }

  // -- acts

  write(kind, message) {
    const act = kind === "undo" || kind === "redo" ? this.takeBack(kind) : this.make(kind, message);
    for (const name of ["client", "seq"]) if (message[name]) act[name] = message[name];
    const { opening } = this.plan;
    if (!this.acts.length) this.append({ act: "open", ...opening, source: { ...opening.source, copy: this.key } });
    const turn = this.append(act);
    const place = turn === null ? undefined : this.places.get(turn);
    if (place === undefined) return;
    this.sort(place);
    const following = kind === "undo" || kind === "redo" ? place : this.after(place, act);
    if (following !== this.place) this.draw(following);
  }

  append(act) {
    const n = this.acts.length + 1;
    if (this.safety.get(n) !== null) this.readOnly = true;
    if (this.readOnly) throw new Refusal("Read only: this page is open in another window. Reload to go on here.");
    const line = { n, time: new Date(this.clock()).toISOString(), coder: this.plan.coder, ...act };
    this.safety.put(n, JSON.stringify(line));
    return this.remember(line);
  }

  remember(act) {
    this.acts.push(act);
    if (act.client) this.answered.set(act.client, act.seq || 0);
    return this.state.apply(act);
  }

  takeBack(kind) {
    const stack = kind === "undo" ? this.state.done : this.state.undone;
    if (!stack.length) throw new Refusal(`Not done: ${kind === "undo" ? "there is nothing to undo" : "there is nothing to redo"}.`);
    const { n, unit, round, draw, variable } = stack[stack.length - 1][0];
    return { act: kind, of: n, unit, round, draw, ...(variable === undefined ? {} : { variable }) };
  }

  make(kind, message) {
    if (this.place === null) throw new Refusal("Not done: all units are coded.");
    const row = this.plan.rows[this.place];
    const { seen } = this.plan.units[row.unit];
    const act = { act: kind, unit: row.unit, round: row.round, draw: row.draw };
    if (kind === "label") return { ...act, ...this.makeLabel(message, row), seen };
    if (kind === "note") return { ...act, variable: message.variable || "", text: message.text, seen };
    const flagged = Boolean(this.state.actsOf(turnOf(row), "flag")[""]);
    if (kind === "flag") return { ...act, on: "on" in message ? Boolean(message.on) : !flagged, seen };
    if (kind !== "skip") return { ...act, seen };
    if (this.sets.done.has(this.place)) throw new Refusal("Not skipped: the unit is coded. Remove its codes first.");
    return { ...act, reason: message.reason || "", on: "on" in message ? Boolean(message.on) : true, seen };
  }

  makeLabel(message, row) {
    const { variables } = this.plan.codebook;
    const variable = message.variable ? variables.find((each) => each.name === message.variable) : variables[0];
    if (!variable) throw new Refusal("Not saved: the codebook has no such variable.");
    const ms = Math.round(message.shown_ms || 0);
    const before = this.state.actsOf(turnOf(row), "label")[variable.name];
    const more = {};
    for (const name of ["evidence", "confidence", "reason"])
      if (message[name] !== undefined && message[name] !== null) more[name] = message[name];
    return {
      variable: variable.name,
      label: message.label === null ? null : checkLabel(message.label, variable),
      before: before ? before.label : null,
      shown: new Date(this.clock() - ms).toISOString(),
      ms,
      codebook: this.plan.digests[variable.name],
      ...more,
    };
  }

  // -- moving

  get token() {
    return `${this.key}-${this.nDrawn}`;
  }

  draw(place) {
    this.place = place;
    this.nDrawn += 1;
  }

  find(to) {
    const n = this.plan.rows.length;
    if (to === "next" || to === "back") {
      const here = this.place !== null ? this.place : to === "next" ? -1 : n;
      return Math.min(Math.max(here + (to === "next" ? 1 : -1), 0), n - 1);
    }
    if (Number.isInteger(to) && to >= 1 && to <= n) return to - 1;
    const place = this.plan.rows.findIndex((row) => row.unit === String(to));
    if (place < 0) throw new Refusal(`There is no unit ${to} among yours. Give an id, or a place from 1 to ${n}.`);
    return place;
  }

  after(place, act) {
    const finished = (act.act === "label" || act.act === "skip") && !this.sets.left.has(place);
    return finished ? this.next(place) : place;
  }

  next(place) {
    const places = this.placesOf(this.filter);
    const n = this.plan.rows.length;
    for (let step = 1; step <= n; step += 1) if (places.has((place + step) % n)) return (place + step) % n;
    return null;
  }

  placesOf(name) {
    return name === "all" ? new Set(this.plan.rows.keys()) : this.sets[name];
  }

  sort(place) {
    const turn = turnOf(this.plan.rows[place]);
    const labels = this.state.actsOf(turn, "label");
    const done = this.plan.codebook.variables.every((each) => each.name in labels);
    const skipped = !done && Boolean(this.state.actsOf(turn, "skip")[""]);
    const flagged = Boolean(this.state.actsOf(turn, "flag")[""]);
    const holds = { done, skipped, left: !done && !skipped, flagged, recode: this.oldDefinitions(turn).length > 0 };
    for (const [name, value] of Object.entries(holds)) this.sets[name][value ? "add" : "delete"](place);
  }

  oldDefinitions(turn) {
    const labels = Object.entries(this.state.actsOf(turn, "label"));
    return labels.filter(([name, act]) => act.codebook !== this.plan.digests[name]).map(([name]) => name);
  }

  // -- what is shown

  view(ack, message, codebook) {
    const { coder, study, round } = this.plan;
    const book = codebook ? copy(this.plan.codebook) : null;
    const can = { can_undo: this.state.done.length > 0, can_redo: this.state.undone.length > 0 };
    const standing = { progress: this.progress(), filter: this.filter, ...can, message, refused: this.nRefused };
    return { ack, coder, study, round, read_only: this.readOnly, codebook: book, ...this.viewUnit(), ...standing };
  }

  viewUnit() {
    const nothing = { suggestion: null, feedback: null, adjudication: null, arm: "none" };
    const empty = { answers: {}, notes: {}, evidence: {}, confidence: {}, flag: false, skipped: null, recode: [] };
    if (this.place === null) return { unit: null, ...empty, ...nothing };
    const row = this.plan.rows[this.place];
    const turn = turnOf(row);
    const { seen, ...unit } = this.plan.units[row.unit];
    const about = { token: this.token, place: this.place + 1, total: this.plan.rows.length, again: row.draw > 0 };
    const labels = Object.entries(this.state.actsOf(turn, "label"));
    const notes = Object.entries(this.state.actsOf(turn, "note"));
    const pick = (name) => Object.fromEntries(labels.filter(([, act]) => name in act).map(([of, act]) => [of, act[name]]));
    const skip = this.sets.skipped.has(this.place) ? this.state.actsOf(turn, "skip")[""].reason || "" : null;
    return {
      unit: { ...unit, id: row.unit, ...about },
      answers: pick("label"),
      evidence: pick("evidence"),
      confidence: pick("confidence"),
      notes: Object.fromEntries(notes.map(([name, act]) => [name, act.text])),
      flag: Boolean(this.state.actsOf(turn, "flag")[""]),
      skipped: skip,
      recode: this.oldDefinitions(turn),
      ...nothing,
    };
  }

  progress() {
    const counts = Object.fromEntries(Object.entries(this.sets).map(([name, places]) => [name, places.size]));
    const longest = new Map();
    for (const act of this.acts) {
      const key = `${act.unit} ${act.shown || ""}`;
      if (act.ms && act.ms <= IDLE_MS) longest.set(key, Math.max(longest.get(key) || 0, act.ms));
    }
    const minutes = [...longest.values()].reduce((sum, ms) => sum + ms, 0) / 60000;
    const pace = minutes && counts.done ? (60 * counts.done) / minutes : null;
    const round = (value, digits) => (value === null ? null : Number(value.toFixed(digits)));
    const left = pace === null ? null : (60 * counts.left) / pace;
    const times = { minutes: round(minutes, 2), per_hour: round(pace, 1), minutes_left: round(left, 1) };
    return { ...counts, total: this.plan.rows.length, ...times };
  }

  /** The acts as the file that the coder sends back. */
  lines() {
    return this.acts.map((act) => `${JSON.stringify(act)}\n`).join("");
  }
}
