// Posts the token of the link that led here, when the button is pressed.
const token = new URLSearchParams(location.search).get("token");
history.replaceState(null, "", location.pathname); // out of the address bar and the history
const form = document.querySelector("form");
const outcome = document.querySelector("[role=status]");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (!token) {
    outcome.textContent = "Open the link in the message again.";
    return;
  }
  const answer = await fetch(form.dataset.action, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token, ...Object.fromEntries(new FormData(form)) }),
  });
  const { detail, redirect_to } = await answer.json();
  outcome.textContent = Array.isArray(detail) ? detail.map(({ msg }) => msg).join(". ") : detail;
  if (answer.ok) {
    form.hidden = true;
    if (redirect_to) location.assign(redirect_to); // a path on this origin: the server checked it twice
  }
});
