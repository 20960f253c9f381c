// Server-sent events, read no faster than they are taken: what `EventSource` would heap up stays
// with the server. Goes on by itself where it had got to when the connection breaks.

const FIRST_WAIT = 500;
const LONGEST_WAIT = 5_000;
/** The server says something every 15 s, so that a connection that is silent for longer is dead. */
const SILENCE = 45_000;

/** The caller may not read this, or not any more; the message says why. */
export class Refused extends Error {}

/** Yields `{ name, data }`; `told` hears whether there is a connection. */
export async function* events(url, told) {
  let last = "";
  for (let wait = FIRST_WAIT; ; wait = Math.min(2 * wait, LONGEST_WAIT)) {
    try {
      for await (const event of connection(url, last)) {
        if (!event.name) told(true);
        wait = FIRST_WAIT;
        last = event.id || last;
        if (event.name) yield event;
      }
    } catch (error) {
      if (error instanceof Refused) throw error;
    }
    told(false);
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

async function* connection(url, last) {
  const ending = new AbortController();
  try {
    const headers = { Accept: "text/event-stream", ...(last && { "Last-Event-ID": last }) };
    const answer = await fetch(url, { headers, cache: "no-store", signal: ending.signal });
    await refuse(answer);
    yield {};
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { done, value } = await soon(reader.read());
      if (done) return;
      const parts = (text + value).split("\n\n");
      text = parts.pop();
      for (const part of parts) {
        const event = parsed(part);
        if (event.name) yield event;
      }
    }
  } finally {
    // Also when nobody takes any more.
    ending.abort();
  }
}

/** What comes back by itself is waited for; the rest is the person's to solve. */
async function refuse(answer) {
  if (answer.ok) return;
  if (answer.status === 401) throw new Refused("Your session has ended: sign in again to read on.");
  if (answer.status < 500 && answer.status !== 429) {
    const body = await answer.json().catch(() => ({}));
    throw new Refused(body.detail ?? "The output cannot be followed now: reload the page.");
  }
  throw new Error(`status ${answer.status}`);
}

function soon(read) {
  let timer;
  const silence = new Promise((_, reject) => {
    timer = setTimeout(reject, SILENCE, new Error("nothing came for too long"));
  });
  return Promise.race([read, silence]).finally(() => clearTimeout(timer));
}

function parsed(text) {
  const event = { name: "", id: "", data: null };
  for (const line of text.split("\n")) {
    if (line.startsWith("id: ")) event.id = line.slice(4);
    else if (line.startsWith("event: ")) event.name = line.slice(7);
    else if (line.startsWith("data: ")) event.data = JSON.parse(line.slice(6));
  }
  return event;
}
