// The page around the form: what is saved, what is not yet, and the file that the coder sends back.

const plan = JSON.parse(document.getElementById("plan").textContent);
const safety = new SafetyCopy(plan.key, () => window.localStorage);
const store = new PageStore(plan, safety);
let nSaved = Math.min(Number(safety.get("saved")) || 0, store.acts.length);

const part = (name) => document.getElementById(name);
const count = (n, what) => `${n.toLocaleString("en")} ${what}${n === 1 ? "" : "s"}`;

function show(sentence) {
  const n = store.acts.length - nSaved;
  const standing = n ? `${count(n, "step")} not saved in a file yet.` : "";
  const start = store.acts.length ? "" : "Code, save your answers, and send the file back. Nothing leaves this page by itself.";
  part("standing").textContent = [sentence || start, standing, safety.why].filter(Boolean).join(" ");
  part("standing").classList.toggle("unsaved", n > 0 || safety.why !== "");
  part("save").classList.toggle("wanted", n > 0);
}

function save() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([store.lines()], { type: "application/x-ndjson" }));
  link.download = plan.file;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  nSaved = store.acts.length;
  safety.put("saved", String(nSaved));
  show(`Saved as ${plan.file}. Send this file back.`);
  form.focusUnit();
}

async function goOn(event) {
  const [file] = event.target.files;
  if (!file) return;
  try {
    const acts = (await file.text()).split("\n").filter(Boolean).map((line) => JSON.parse(line));
    store.restore(acts);
    nSaved = store.acts.length;
    safety.put("saved", String(nSaved));
    show(`Going on from ${file.name}.`);
  } catch (error) {
    show(`${file.name} was not taken: ${error instanceof SyntaxError ? "it holds no answers" : error.message}`);
  }
  event.target.value = "";
  form.focusUnit();
}

part("save").addEventListener("click", save);
part("saved-file").addEventListener("change", goOn);
window.addEventListener("beforeunload", (event) => {
  if (store.acts.length > nSaved) event.preventDefault();
});
let nShown = store.acts.length;
store.onChange = () => {
  if (store.acts.length === nShown) return;
  nShown = store.acts.length;
  show("");
};
show(store.acts.length ? "Your answers of last time are here." : "");

// a form may not expect an answer before its `send` returns
const channel = {
  send: (message) => queueMicrotask(() => store.send(message)),
  onView: (callback) => store.onView(callback),
};
const { form } = window.codebookForm.mountForm(part("form"), channel, { full: true });
form.focusUnit();
