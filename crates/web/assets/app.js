// What makes the pages quicker to use. Every page works without it.
document.documentElement.classList.add("scripted");

const UNITS = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];
/** Months are vague, so that days are counted while they can be pictured. */
const MONTHS_FROM = 10_368_000;
const phrases = new Intl.RelativeTimeFormat("en", { numeric: "always" });

/** The words of `crates/web/src/moment.rs`, so that nothing jumps when they are renewed. */
function relative(seconds) {
  const size = Math.abs(seconds);
  if (size < 60) return seconds > 0 ? "in less than a minute" : "just now";
  const [unit, length] = UNITS.find(([unit, length]) => size >= (unit === "month" ? MONTHS_FROM : length));
  const count = seconds > 0 ? Math.round(size / length) : -Math.floor(size / length);
  return phrases.format(count, unit);
}

function renewTimes() {
  for (const time of document.querySelectorAll("time[data-relative]")) {
    const at = Date.parse(time.dateTime);
    time.textContent = relative((at - Date.now()) / 1000);
    time.title = new Date(at).toLocaleString(undefined, { dateStyle: "full", timeStyle: "long" });
  }
}
renewTimes();
setInterval(renewTimes, 30_000);

/** How long a token still works, to the second. */
function countDown() {
  for (const time of document.querySelectorAll("time[data-countdown]")) {
    const left = Math.ceil((Date.parse(time.dateTime) - Date.now()) / 1000);
    const [minutes, seconds] = [Math.floor(left / 60), left % 60];
    time.textContent = left > 0 ? `in ${minutes} min ${seconds} s` : "now: get a new one on the server's page";
  }
}
if (document.querySelector("time[data-countdown]")) {
  countDown();
  setInterval(countDown, 1_000);
}

// What was wrong with a form is read first, wherever the form had been scrolled to.
document.getElementById("problems")?.focus();

/** Says something to everybody, also to those who listen. */
function say(text) {
  const place = document.getElementById("toast");
  if (!place) return;
  place.textContent = text;
  setTimeout(() => {
    if (place.textContent === text) place.textContent = "";
  }, 2_500);
}

async function copy(button) {
  const text = document.getElementById(button.dataset.copy)?.textContent ?? "";
  try {
    await navigator.clipboard.writeText(text.trim());
  } catch {
    // Plain http without a secure context has no clipboard: select, and let the browser copy.
    const range = document.createRange();
    range.selectNodeContents(document.getElementById(button.dataset.copy));
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    if (!document.execCommand("copy")) return say("Selected: press Ctrl+C to copy");
  }
  say("Copied");
}

/** Light, dark, or as the system has it. */
function turnTheme() {
  const root = document.documentElement;
  const isDark = root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = isDark ? "light" : "dark";
  document.cookie = `reoclo_theme=${root.dataset.theme}; Path=/; Max-Age=31536000; SameSite=Lax`;
  say(`The ${root.dataset.theme} theme is on`);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-copy], [data-theme-turn], [data-tick], [data-pick], [data-in-place]");
  if (!button) return;
  if (button.dataset.copy) copy(button);
  else if (button.dataset.inPlace) sendInPlace(event, button);
  else if (button.dataset.tick) tick(button);
  else if (button.dataset.pick) pick(button);
  else turnTheme();
});

/** Sends the form to where the button says, and shows one part of the page that comes back. */
async function sendInPlace(event, button) {
  event.preventDefault();
  const id = button.dataset.inPlace;
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  const body = new URLSearchParams(new FormData(button.form));
  const answer = await fetch(button.formAction, { method: "POST", body }).catch(() => null);
  const page = new DOMParser().parseFromString((await answer?.text()) ?? "", "text/html");
  button.disabled = false;
  button.removeAttribute("aria-busy");
  const part = page.getElementById(id);
  if (part) document.getElementById(id).replaceChildren(...part.childNodes);
  else button.form.requestSubmit(button);
}

/** Ticks every box of a part of the form that may be ticked, or those of one action. */
function tick(button) {
  const which = button.dataset.tick;
  for (const box of document.querySelectorAll(".matrix input:not(:disabled)")) {
    box.checked = which === "all" || (which === "read" && box.value.endsWith(":read"));
  }
}

/** Ticks what is shown of a long list, or none of it. */
function pick(button) {
  const list = document.getElementById(button.dataset.picks);
  for (const box of list.querySelectorAll("label:not([hidden]) input")) box.checked = button.dataset.pick === "all";
  countPicks(list);
}

/** Leaves those in a long list whose text has every word that is searched for. */
function search(field) {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  const list = document.getElementById(field.dataset.picks);
  for (const line of list.querySelectorAll("label")) {
    const text = line.textContent.toLowerCase();
    line.hidden = !words.every((word) => text.includes(word));
  }
  countPicks(list);
}

/** Says how many are ticked, of which some may not be shown. */
function countPicks(list) {
  const [all, ticked] = [list.querySelectorAll("label"), list.querySelectorAll("input:checked")];
  const shown = list.querySelectorAll("label:not([hidden])");
  const found = shown.length === all.length ? "" : `, ${shown.length} shown`;
  document.getElementById(`${list.id}-count`).textContent = `${ticked.length} of ${all.length} selected${found}`;
}
document.querySelectorAll(".picker").forEach((list) => {
  list.addEventListener("change", () => countPicks(list));
  countPicks(list);
});
document.addEventListener("input", (event) => {
  if (event.target.matches?.("input[data-picks]")) search(event.target);
});
// What is searched for is no form that is sent.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches?.("input[data-picks]")) event.preventDefault();
});

/** Turns green when the server's runner has connected. */
async function awaitServer(place) {
  const answer = await fetch(`/api/servers/${place.dataset.awaitServer}`).catch(() => null);
  if (answer?.ok && (await answer.json()).status === "active") {
    const badge = place.querySelector(".badge");
    badge.className = "badge good";
    badge.textContent = "The runner is connected";
  } else if (!answer || answer.ok) {
    setTimeout(awaitServer, 2_000, place);
  }
}
document.querySelectorAll("[data-await-server]").forEach(awaitServer);

/** Says which lines are neither an address nor a network, while they are typed. */
function checkNetworks(area) {
  const wrong = area.value
    .split("\n")
    .map((line, index) => [line.trim(), index + 1])
    .filter(([line]) => line && !isNetwork(line))
    .map(([line, number]) => `Line ${number} (${line}) is neither an address nor a network.`);
  document.getElementById(area.dataset.networks).textContent = wrong.slice(0, 3).join(" ");
}

/** As the server has it, but for host bits, which only the server looks at. */
function isNetwork(text) {
  const [address, length, more] = text.split("/");
  if (more !== undefined) return false;
  const isVersion4 = /^(\d{1,3}\.){3}\d{1,3}$/.test(address);
  const isVersion6 = address.includes(":") && URL.canParse(`http://[${address}]/`);
  if (isVersion4 ? address.split(".").some((part) => Number(part) > 255) : !isVersion6) return false;
  return length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= (isVersion4 ? 32 : 128));
}
document.addEventListener("input", (event) => {
  if (event.target.matches?.("[data-networks]")) checkNetworks(event.target);
});

/** Puts the last line of a file into a field: of an export, only its end is read. */
async function takeLastLine(input) {
  const [file] = input.files;
  if (!file) return;
  const lines = (await file.slice(-16_384).text()).trim().split("\n");
  document.getElementById(input.dataset.lastLine).value = lines.at(-1);
  say("The last line is taken over");
}
document.addEventListener("change", (event) => {
  if (event.target.matches?.("[data-last-line]")) takeLastLine(event.target);
});

// One click is one request, and what takes long is seen to.
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || event.target.method !== "post") return;
  setTimeout(() => {
    for (const button of event.target.querySelectorAll("button[type=submit]")) {
      button.disabled = true;
      button.setAttribute("aria-busy", "true");
    }
  });
});

// Where a page is slow to come, the person sees that it is on its way.
let going = 0;
function go() {
  clearTimeout(going);
  const root = document.documentElement;
  going = setTimeout(() => {
    root.classList.add("going");
    // An answer that became a file leaves the page where it is.
    setTimeout(() => root.classList.remove("going"), 10_000);
  }, 300);
}
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  const isPlain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
  const staysHere = !link || link.hasAttribute("download") || link.target || link.hash || link.origin !== location.origin;
  if (!event.defaultPrevented && isPlain && !staysHere) go();
});
document.addEventListener("submit", (event) => {
  if (!event.defaultPrevented) go();
});
addEventListener("pageshow", () => {
  clearTimeout(going);
  document.documentElement.classList.remove("going");
  for (const button of document.querySelectorAll("button[aria-busy]")) {
    button.disabled = false;
    button.removeAttribute("aria-busy");
  }
});

// Selects that filter a list do so when they change.
document.addEventListener("change", (event) => {
  if (event.target.matches?.("form[data-filters] select")) event.target.form.requestSubmit();
});

// Menus close as menus do.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open], details.top-menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = event.target.closest?.("details.menu[open], details.top-menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
