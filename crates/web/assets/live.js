// The output of an operation as it comes, with its colours. Comes back by itself when the control
// plane was away, from where it had got to.
const place = document.querySelector("[data-live]");
const id = place.dataset.live;
const note = document.getElementById("output-note");
const badge = document.getElementById("state");
const follow = document.getElementById("follow");
const MOST_PARTS = 4_000;
const wasRunning = badge.textContent === "Running" || badge.textContent === "Queued" || badge.textContent === "Being cancelled";

const pens = { stdout: pen("stdout"), stderr: pen("stderr") };
const paper = document.createElement("pre");

/** What a stream's escape sequences have set so far. */
function pen(stream) {
  return { stream, classes: new Set(), rest: "" };
}

/** Text with colours, as spans of text alone: nothing of it is ever markup. */
function write(pen, text) {
  const parts = (pen.rest + text).split(/(\u001b\[[0-9;]*m|\u001b\[[0-9;?]*[A-Za-ln-z]|\u001b\][^\u0007\u001b]*\u0007)/);
  const last = parts.at(-1);
  const open = last.lastIndexOf("\u001b");
  pen.rest = open >= 0 && last.length - open < 32 ? last.slice(open) : "";
  if (pen.rest) parts[parts.length - 1] = last.slice(0, open);
  for (const part of parts) {
    if (part.startsWith("\u001b[") && part.endsWith("m")) paint(pen, part.slice(2, -1));
    else if (part && !part.startsWith("\u001b")) append(pen, part);
  }
}

function append(pen, text) {
  const span = document.createElement("span");
  span.className = [pen.stream, ...pen.classes].join(" ");
  // Every control character but a line's end and a tab.
  span.textContent = text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "");
  paper.append(span);
  while (paper.childElementCount > MOST_PARTS) {
    paper.firstElementChild.remove();
    note.textContent = "The beginning is left out here: download the whole log.";
  }
}

/** Bold, and the eight colours in both strengths; what else there is is left out. */
function paint(pen, codes) {
  for (const code of codes.split(";").map(Number)) {
    if (code === 0) pen.classes.clear();
    else if (code === 1) pen.classes.add("bold");
    else if (code === 22) pen.classes.delete("bold");
    else if (code === 39 || (code >= 30 && code <= 37) || (code >= 90 && code <= 97)) {
      for (const name of pen.classes) if (name.startsWith("c")) pen.classes.delete(name);
      if (code !== 39) pen.classes.add(`c${code % 10}`);
    }
  }
}

function scroll() {
  if (follow.checked) place.scrollTop = place.scrollHeight;
}

const events = new EventSource(`/api/operations/${id}/events`);
events.addEventListener("open", () => {
  if (!paper.isConnected) place.replaceChildren(paper);
  note.textContent = "";
});
events.addEventListener("output", (event) => {
  const { stream, text } = JSON.parse(event.data);
  write(pens[stream], text);
  scroll();
});
events.addEventListener("gap", (event) => {
  const { stream, bytes } = JSON.parse(event.data);
  append(pens[stream], `\n… ${bytes} bytes are left out …\n`);
});
events.addEventListener("status", (event) => {
  if (wasRunning) badge.textContent = JSON.parse(event.data).queued ? "Queued" : "Running";
});
events.addEventListener("end", () => {
  events.close();
  // What is told of the end is the server's to say: exit code, duration and why.
  if (wasRunning) location.reload();
  else if (!paper.textContent) place.replaceChildren(Object.assign(document.createElement("p"), { className: "soft", textContent: "It wrote nothing." }));
});
events.addEventListener("error", (event) => {
  if (event.data) {
    events.close();
    note.textContent = JSON.parse(event.data).detail;
  } else if (events.readyState === EventSource.CLOSED) {
    note.textContent = "The output cannot be followed now: reload the page.";
  } else {
    note.textContent = "Reoclo does not answer. Trying again: the command runs on.";
  }
});

document.getElementById("wrap").addEventListener("change", (event) => {
  place.classList.toggle("wrap", event.target.checked);
});
place.addEventListener("scroll", () => {
  const isAtEnd = place.scrollHeight - place.scrollTop - place.clientHeight < 24;
  if (!isAtEnd && paper.isConnected) follow.checked = false;
});
follow.addEventListener("change", scroll);
