// Carries the form's messages to the server of this page and brings back what is shown next. A message goes on being
// sent until it is answered; the server does each one once.
import { mountForm } from "./form.js";

const AGAIN_MS = 1000;
const LATE_MS = 15000;
const GONE = "This address is not valid any more, so nothing is saved. Ask for a new one.";
const LONG = "NOT SAVED: it is too long. Shorten it.";
const here = [...crypto.getRandomValues(new Uint32Array(4))].map((n) => n.toString(36)).join("-");
const waiting = [];
let show = () => {};
let last = null;

function tell(view) {
  last = view;
  show(view);
}

async function ask(name, content) {
  const answer = await fetch(name, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ window: here, ...content }),
    signal: AbortSignal.timeout(LATE_MS),
  });
  if (answer.ok) return answer.json();
  if (answer.status === 413) return { ...last, ack: content.message.seq, message: { kind: "error", text: LONG } };
  if (answer.status === 403 && last) tell({ ...last, message: { kind: "error", text: GONE } });
  throw new Error(answer.statusText);
}

async function insist(name, content) {
  for (;;) {
    try {
      return await ask(name, content);
    } catch {
      await new Promise((go) => setTimeout(go, AGAIN_MS));
    }
  }
}

async function work() {
  while (waiting.length) {
    const view = await insist("act", { message: waiting[0] });
    waiting.shift();
    tell(view);
  }
}

const channel = {
  send(message) {
    waiting.push(message);
    if (waiting.length === 1) work();
  },
  onView(callback) {
    show = callback;
    insist("open", {}).then(tell);
  },
};

// Another window of the same coder may have taken over in the meantime.
document.addEventListener("visibilitychange", async () => {
  if (document.hidden || waiting.length || !last || last.read_only) return;
  try {
    const view = await (await fetch("view", { headers: { "X-Window": here } })).json();
    if (view.read_only && !waiting.length) tell(view);
  } catch {
    // the next message says so
  }
});

addEventListener("beforeunload", (event) => {
  if (waiting.length) event.preventDefault();
});

mountForm(document.getElementById("form"), channel, { page: true });
