// The output of an operation as it comes: followed, paused, searched.
import { events, Refused } from "./live/events.js";
import { Output } from "./live/lines.js";
import { Screen } from "./live/screen.js";
import { Search } from "./live/search.js";

/** Time for making rows, of the 16 ms that a picture has. */
const BUDGET = 6;
/** What waits for its turn; no more is read until there is room. */
const MOST_READY = 512 * 1024;
/** What waits while the person has paused it. */
const MOST_PAUSED = 8 * 1024 * 1024;
/** How often a flood is shown, in milliseconds: nobody reads more. */
const FLOOD = 100;
const FLOOD_CHARS = 64 * 1024;
const SEARCH_AGAIN = 300;
const WRAP = "reoclo-wrap";

const byId = (id) => document.getElementById(id);
const place = byId("output");
const note = byId("output-note");
const waits = byId("output-waits");
const wasRunning = "running" in place.dataset;

const output = new Output();
const screen = new Screen(place, output);
const search = new Search(screen, output);

/** What came and is not shown yet. */
const ready = { parts: [], chars: 0, lines: 0 };
let isPaused = false;
let hasEnded = false;
let isScheduled = false;
let hasRoom = () => {};
let shownAt = 0;
/** Bytes that came faster than they were taken, or that nobody has kept. */
let leftOut = 0;

async function read() {
  const url = `/api/operations/${place.dataset.live}/events`;
  for await (const { name, data } of events(url, tellConnection)) {
    if (name === "output") take(data.stream, data.text, false);
    else if (name === "gap") {
      leftOut += data.bytes;
      take(data.stream, `${data.bytes.toLocaleString()} bytes are left out here`, true);
    }
    else if (name === "status") tellState(data.queued ? "Queued" : "Running");
    else if (name === "error") return tell(data.detail);
    else if (name === "end") return ended();
    if (ready.chars > (isPaused ? MOST_PAUSED : MOST_READY)) {
      tellWaiting();
      await new Promise((resolve) => (hasRoom = resolve));
    }
  }
}

function take(stream, text, isGap) {
  let lines = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) lines += 1;
  ready.parts.push({ stream, text, isGap, lines });
  ready.chars += text.length;
  ready.lines += lines;
  if (isPaused) tellWaiting();
  else schedule();
}

/** Pictures are not made of a page that nobody sees. */
function schedule() {
  if (isScheduled) return;
  isScheduled = true;
  if (document.hidden) setTimeout(work, 250);
  else requestAnimationFrame(work);
}

function work() {
  isScheduled = false;
  if (isPaused) return;
  const until = performance.now() + BUDGET;
  let count = 0;
  while (count < ready.parts.length && performance.now() < until) {
    const { stream, text, isGap, lines } = ready.parts[count];
    if (isGap) output.gap(stream, text);
    else output.write(stream, text);
    ready.chars -= text.length;
    ready.lines -= lines;
    count += 1;
  }
  ready.parts.splice(0, count);
  const now = performance.now();
  if (ready.chars < FLOOD_CHARS || now - shownAt > FLOOD) {
    show();
    shownAt = performance.now();
  }
  if (ready.chars <= MOST_READY) hasRoom();
  if (ready.parts.length > 0) schedule();
}

function show() {
  if (!screen.flush()) return;
  byId("output-cut").hidden = output.dropped === 0;
  const gaps = leftOut > 0 ? ` and ${sizeOf(leftOut)} between them` : "";
  if (output.dropped > 0) byId("output-dropped").textContent = `${output.dropped.toLocaleString()} earlier lines${gaps}`;
  searchAgain();
}

// What is told, and to whom.

function tell(text) {
  if (note.textContent !== text) note.textContent = text;
}

function tellConnection(isOpen) {
  tell(isOpen ? "" : "Reoclo does not answer. Trying again: the command runs on.");
}

/** What is being cancelled, or has ended, is not told by this. */
function tellState(text) {
  const badge = byId("state");
  if (["Queued", "Running"].includes(badge.textContent)) badge.textContent = text;
}

/** Not read out: it changes with every line. */
function tellWaiting() {
  const isFull = ready.chars > MOST_PAUSED;
  const more = isFull ? " What follows stays with Reoclo until you resume." : "";
  waits.textContent = isPaused ? `Paused: ${ready.lines.toLocaleString()} lines (${sizeOf(ready.chars)}) wait.${more}` : "";
}

const sizeOf = (bytes) => (bytes < 1024 * 1024 ? `${Math.ceil(bytes / 1024)} KiB` : `${(bytes / 1024 / 1024).toFixed(1)} MiB`);

/** What is told of the end is the server's to say: exit code, duration and why. */
async function ended() {
  hasEnded = true;
  offerPause();
  if (!wasRunning) return;
  const answer = await fetch(location.pathname).catch(() => null);
  if (!answer?.ok) return location.reload();
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const id of ["state", "operation-actions", "operation-facts"]) byId(id)?.replaceWith(page.getElementById(id));
  // What was asked for has happened.
  byId("notice")?.remove();
  // Of what wrote nothing, the server says so.
  if (output.rows.length === 0 && ready.parts.length === 0) place.replaceChildren(...page.getElementById("output").childNodes);
  tell(`The operation has ended: ${byId("state").textContent}.`);
}

// What the person does.

byId("pause").addEventListener("click", (event) => {
  isPaused = !isPaused;
  event.target.textContent = isPaused ? "Resume" : "Pause";
  tellWaiting();
  offerPause();
  // There is room for more while it is paused, and need of more when it is not.
  hasRoom();
  if (!isPaused) schedule();
});

/** What has ended needs no pause. */
function offerPause() {
  byId("pause").hidden = hasEnded && !isPaused;
}

const resume = byId("follow");
screen.onFollow = (isFollowing) => {
  // A button that goes away leaves its focus with what it was for.
  if (isFollowing && document.activeElement === resume) place.focus({ preventScroll: true });
  resume.hidden = isFollowing;
};
resume.addEventListener("click", () => screen.follow(true));

const wrap = byId("wrap");
function turnWrap() {
  place.classList.toggle("wrap", wrap.checked);
  if (screen.isFollowing) screen.toEnd();
}
try {
  wrap.checked = localStorage.getItem(WRAP) !== "off";
} catch {
  // A browser that keeps nothing wraps each time.
}
turnWrap();
wrap.addEventListener("change", () => {
  turnWrap();
  try {
    localStorage.setItem(WRAP, wrap.checked ? "on" : "off");
  } catch {
    // As above.
  }
});

byId("show").addEventListener("change", (event) => {
  place.dataset.show = event.target.value;
  search.renew();
  tellFound();
  if (screen.isFollowing) screen.toEnd();
});

const field = byId("find");
const found = byId("found");
let searching = 0;

function searchAgain() {
  if (!search.text || searching) return;
  searching = setTimeout(() => {
    searching = 0;
    search.renew();
    tellFound();
  }, SEARCH_AGAIN);
}

function tellFound() {
  const { length } = search.matches;
  const isAt = search.at >= 0 ? `${(search.at + 1).toLocaleString()} of ` : "";
  found.textContent = search.text ? (length ? isAt + length.toLocaleString() : "None") : "";
  for (const id of ["previous", "next"]) byId(id).disabled = length === 0;
}

function step(by) {
  search.step(by);
  tellFound();
}

field.addEventListener("input", () => {
  search.begin(field.value);
  tellFound();
});
byId("next").addEventListener("click", () => step(1));
byId("previous").addEventListener("click", () => step(-1));
field.addEventListener("keydown", (event) => {
  if (event.key === "Enter") {
    event.preventDefault();
    step(event.shiftKey ? -1 : 1);
  } else if (event.key === "Escape") {
    field.value = "";
    search.begin("");
    tellFound();
    place.focus({ preventScroll: true });
  }
});

// As pagers have them, and only while the output has the focus: every other key is the browser's.
place.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const action = { "/": () => field.select(), n: () => step(1), N: () => step(-1), G: () => screen.follow(true) }[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});

byId("output-tools").hidden = false;
tellFound();
read().catch((error) => tell(error instanceof Refused ? error.message : "The output cannot be followed now: reload the page."));
