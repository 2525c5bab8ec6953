// Takes the token out of the address, shows it to the server once, and goes on to the coder's page.
const words = document.getElementById("words");
const token = location.hash.slice(1);
history.replaceState(null, "", location.pathname);

async function enter() {
  const options = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ token }) };
  try {
    const answer = await fetch("enter", options);
    if (answer.ok) location.replace((await answer.json()).page);
    else words.textContent = words.dataset.refused;
  } catch {
    words.textContent = words.dataset.unreached;
    setTimeout(enter, 1000);
  }
}

if (token) enter();
else words.textContent = words.dataset.refused;
