// Carries the form's messages to the server of this page, and brings back what is shown next. A message is sent until
// it is answered; the server does each one once.
import { mountForm } from "./form.js";

const AGAIN_MS = 1000;
const LATE_MS = 15000;
const GONE = "This address is not valid any more. Ask for a new one; what is listed here is not saved.";
const AWAY = "The server does not answer. Leave this page open: it goes on by itself when the server is back.";
const LONG = "NOT SAVED: it is too long for the server. Shorten it.";
const here = [...crypto.getRandomValues(new Uint32Array(4))].map((n) => n.toString(36)).join("-");
const waiting = [];
let show = () => {};
let tellState = () => {};
let last = null;
let isAway = false;

function take(view) {
  last = view;
  show(view);
}

function tell(gone, text = "") {
  isAway = gone;
  tellState({ gone, text });
}

async function ask(name, content) {
  const body = JSON.stringify({ window: here, ...content });
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(name, { method: "POST", headers, body, signal: AbortSignal.timeout(LATE_MS) });
  if (answer.status === 413) return { ...last, ack: content.message.seq, message: { kind: "error", text: LONG } };
  if (!answer.ok) throw new Error(answer.status === 403 ? GONE : AWAY);
  return answer.json();
}

async function insist(name, content) {
  for (;;) {
    try {
      const view = await ask(name, content);
      if (isAway) tell(false);
      return view;
    } catch (error) {
      tell(true, error.message === GONE ? GONE : AWAY);
      await new Promise((go) => setTimeout(go, AGAIN_MS));
    }
  }
}

const opened = insist("open", {});

async function work() {
  take(await opened);
  for (;;) {
    while (waiting.length) {
      const view = await insist("act", { message: waiting[0] });
      waiting.shift();
      take(view);
    }
    await new Promise((go) => (wake = go));
  }
}

let wake = () => {};

const channel = {
  send(message) {
    waiting.push(message);
    wake();
  },
  onView(callback) {
    show = callback;
  },
  onState(callback) {
    tellState = callback;
  },
};

// Another window of the same coder may have taken over in the meantime.
document.addEventListener("visibilitychange", async () => {
  if (document.hidden || waiting.length || !last || last.read_only) return;
  try {
    const view = await (await fetch("view", { headers: { "X-Window": here } })).json();
    if (view.read_only && !waiting.length) take(view);
  } catch {
    // the next message says so
  }
});

const { form } = mountForm(document.getElementById("form"), channel, { full: true });
work();
opened.then(() => form.focusUnit());
