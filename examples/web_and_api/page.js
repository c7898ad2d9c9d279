// The cookie goes out by itself; the CSRF token is sent by hand with whatever changes something.
const signIn = document.querySelector("#sign-in");
const note = document.querySelector("#note");
const list = document.querySelector("ul");
const outcome = document.querySelector("[role=status]");

const csrf = () => document.cookie.match(/(?:^|; )csrf_token=([^;]*)/)?.[1] ?? "";

const post = (path, body, more = {}) =>
  fetch(path, { method: "POST", body, headers: { "X-CSRF-Token": csrf(), ...more } });

const told = async (answer) => {
  if (answer.ok) return "";
  const { detail } = await answer.json();
  return Array.isArray(detail) ? detail.map(({ msg }) => msg).join(". ") : detail;
};

const show = async () => {
  const answer = await fetch("/notes");
  signIn.hidden = answer.ok;
  note.hidden = !answer.ok;
  const notes = answer.ok ? await answer.json() : [];
  list.replaceChildren(...notes.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
};

signIn.addEventListener("submit", async (event) => {
  event.preventDefault();
  outcome.textContent = await told(await post("/login", new URLSearchParams(new FormData(signIn))));
  signIn.reset();
  await show();
});

note.addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = JSON.stringify(Object.fromEntries(new FormData(note)));
  outcome.textContent = await told(await post("/notes", body, { "Content-Type": "application/json" }));
  note.reset();
  await show();
});

document.querySelector("#sign-out").addEventListener("click", async () => {
  outcome.textContent = await told(await post("/logout"));
  await show();
});

show();
