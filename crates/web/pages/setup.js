// Sends the set-up form as JSON. The token leaves the address bar at once, so that it is neither
// bookmarked nor shared by accident.
const token = new URLSearchParams(location.search).get("token") ?? "";
history.replaceState(null, "", location.pathname);

const form = document.getElementById("setup");
const FIELDS = ["name", "email", "password", "token"];

function show(problems) {
  for (const field of FIELDS) {
    document.getElementById(`${field}-problem`).textContent = problems[field] ?? "";
    document.getElementById(field)?.setAttribute("aria-invalid", String(field in problems));
  }
  document.getElementById(FIELDS.find((field) => field in problems))?.focus();
}

async function send() {
  const { name, email, password } = Object.fromEntries(new FormData(form));
  const answer = await fetch(form.action, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token, name, email, password }),
  });
  if (answer.ok) {
    form.hidden = true;
    document.getElementById("done").hidden = false;
    return;
  }
  const { detail, fields } = await answer.json();
  const problems = Object.entries(fields ?? { token: detail });
  show(Object.fromEntries(problems.map(([field, problem]) => [field, `This ${problem}.`])));
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    await send();
  } catch {
    show({ token: "Reoclo did not answer. Check that it is running, and try again." });
  } finally {
    button.disabled = false;
  }
});
