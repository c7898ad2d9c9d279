// What changes something is sent with the CSRF token, which no page of another origin can read.
const outcome = document.querySelector("[role=status]");

const csrf = () => document.cookie.match(/(?:^|; )csrf_token=([^;]*)/)?.[1] ?? "";

const send = async (method, path, body) => {
  const headers = { "X-CSRF-Token": csrf(), "Content-Type": "application/json" };
  const answer = await fetch(path, { method, headers, body });
  const said = await answer.json();
  if (answer.ok) return said;
  outcome.textContent = said.detail;
};

// A sign-in that failed comes back with a word for why.
outcome.textContent = new URLSearchParams(location.search).get("error") ?? "";

document.addEventListener("click", async ({ target: { dataset, id } }) => {
  if (dataset.link) {
    const answer = await send("POST", `/oauth/${dataset.link}/link`, "{}");
    if (answer) location = answer.url;
  } else if (dataset.unlink) {
    if (await send("DELETE", `/oauth/identities/${dataset.unlink}`)) location.reload();
  } else if (id === "sign-out") {
    if (await send("POST", "/logout")) location = "/";
  }
});
