// What a command writes, as rows of spans: with its colours, with carriage returns as a terminal
// has them, and without anything that could deceive a reader. Knows no document.

/** Rows that are kept, and characters in them: what a page can hold and stay quick. */
export const MOST_ROWS = 5_000;
export const MOST_CHARS = 4_000_000;
/** A longer line goes on in the next row. */
export const ROW_CHARS = 4_096;
/** An escape sequence that has not ended after so much is none. */
const SEQUENCE_CHARS = 2_048;

/** Letters that turn the direction of text, end lines elsewhere or show as nothing: they are named,
 * not obeyed. The same list as `is_deceptive` of the control plane. */
const HIDDEN =
  "\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u2800\\u3164" +
  "\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufffb\\u{1bca0}-\\u{1bca3}\\u{1d159}\\u{1d173}-\\u{1d17a}\\u{e0000}-\\u{e0fff}";
const DECEPTIVE = new RegExp(`[${HIDDEN}]`, "u");
const TEXT = new RegExp(`[^\\u0000-\\u0008\\u000a-\\u001f\\u007f-\\u009f${HIDDEN}]+`, "uy");
/** Scripts whose letters are joined, and emoji: behind them joiners show, and are text. */
const JOINED =
  /[\u0600-\u08ff\u0900-\u109f\u1780-\u18af\u2190-\u27ff\u2900-\u2bff\ua840-\ua8ff\ufb50-\ufdff\ufe70-\ufefe\u{11000}-\u{11fff}\u{1f000}-\u{1faff}]$/u;
/** What has a second look besides, behind a selector of it. */
const TWO_LOOKS = /[0-9#*\u00a9\u00ae]$/;
/** CSI, the sequences with a text (OSC, DCS and their like), and the short ones (ECMA-48). */
const SEQUENCE =
  /\u001b(?:\[([0-?]*)[ -/]*([@-~])|[\]PX^_][^\u0007\u001b\n]*(?:\u0007|\u001b\\|(?=[\n\u001b]))|[ -/]*[0-OQ-WYZ\\`-~])/y;

const PLAIN = Object.freeze({ ink: "", ground: "", marks: "" });

/** Both streams of an operation, as rows in the order in which they began. */
export class Output {
  rows = [];
  /** Rows that were changed since somebody emptied this. */
  changed = new Set();
  /** How many rows had to go. */
  dropped = 0;
  chars = 0;
  pens = { stdout: new Pen(this, "stdout"), stderr: new Pen(this, "stderr") };

  write(stream, text) {
    this.pens[stream].write(text);
  }

  /** A row that says that something is missing. */
  gap(stream, text) {
    const row = this.begin(stream);
    row.isGap = true;
    this.put(row, 0, text, PLAIN);
    this.pens[stream].row = null;
  }

  begin(stream, goesOn = false) {
    const row = { stream, goesOn, spans: [], length: 0, isGap: false, isGone: false, node: null };
    this.rows.push(row);
    return row;
  }

  /** Writes over what stands at that place of a row. */
  put(row, at, text, look) {
    const before = row.length;
    const last = row.spans.at(-1);
    if (at === before && last?.look === look) last.text += text;
    else if (at === before) row.spans.push({ text, look });
    else row.spans = joined([...cut(row.spans, 0, at), { text, look }, ...cut(row.spans, at + text.length, before)]);
    row.length = Math.max(before, at + text.length);
    this.touch(row, before);
  }

  /** Leaves that part of a row. */
  keep(row, from, to) {
    const before = row.length;
    const spaces = from > 0 ? [{ text: " ".repeat(Math.min(from, before)), look: PLAIN }] : [];
    row.spans = [...spaces, ...cut(row.spans, from, to)];
    row.length = row.spans.reduce((sum, span) => sum + span.text.length, 0);
    this.touch(row, before);
  }

  touch(row, before) {
    this.chars += row.length - before;
    this.changed.add(row);
  }

  /** Lets the oldest rows go that are too many; gives them. */
  trim() {
    let count = Math.max(0, this.rows.length - MOST_ROWS);
    let chars = this.chars;
    for (let at = 0; at < count; at += 1) chars -= this.rows[at].length;
    for (; chars > MOST_CHARS; count += 1) chars -= this.rows[count].length;
    const gone = this.rows.splice(0, count);
    for (const row of gone) row.isGone = true;
    this.chars = chars;
    this.dropped += count;
    return gone;
  }
}

/** Where a stream writes, and with which colours. */
class Pen {
  row = null;
  at = 0;
  look = PLAIN;
  /** The beginning of an escape sequence whose end has not come. */
  rest = "";
  /** The last text, by which is known whether a joiner joins. */
  before = "";

  constructor(output, stream) {
    this.output = output;
    this.stream = stream;
  }

  write(fresh) {
    const text = this.rest + fresh;
    this.rest = "";
    for (let at = 0; at < text.length; ) {
      const plain = match(TEXT, text, at);
      if (plain) {
        this.put(plain[0]);
        this.before = plain[0].slice(-2);
        at += plain[0].length;
      } else if (text[at] === "\u001b") {
        const sequence = match(SEQUENCE, text, at);
        if (!sequence && text.length - at < SEQUENCE_CHARS && isOpen(text, at)) {
          this.rest = text.slice(at);
          return;
        }
        if (sequence?.[2]) this.obey(sequence[2], sequence[1]);
        at += sequence?.[0].length ?? 1;
      } else {
        const letter = String.fromCodePoint(text.codePointAt(at));
        this.control(letter);
        at += letter.length;
      }
    }
  }

  control(letter) {
    if (letter === "\n") {
      this.open();
      this.row = null;
    } else if (letter === "\r") this.at = 0;
    else if (letter === "\b") this.at = Math.max(0, this.at - 1);
    else if (joins(this.before, letter)) this.put(letter);
    else if (DECEPTIVE.test(letter)) {
      const code = letter.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
      const look = this.look;
      this.look = styled({ ...look, marks: `${look.marks} odd` });
      this.put(`<U+${code}>`);
      this.before = ">";
      this.look = look;
    }
  }

  open() {
    if (!this.row || this.row.isGone) {
      this.row = this.output.begin(this.stream);
      this.at = 0;
      this.output.changed.add(this.row);
    }
  }

  put(text) {
    this.open();
    for (let rest = text; rest; ) {
      if (this.at >= ROW_CHARS) {
        this.row = this.output.begin(this.stream, true);
        this.at = 0;
      }
      const part = whole(rest, ROW_CHARS - this.at);
      this.output.put(this.row, Math.min(this.at, this.row.length), part, this.look);
      this.at += part.length;
      rest = rest.slice(part.length);
    }
  }

  /** Colours, and what progress bars are made with. The rest would need a screen. */
  obey(letter, parameters) {
    // Those of a private use mean something else.
    if (/[<-?]/.test(parameters)) return;
    const codes = parameters.split(/[;:]/).map(Number);
    if (letter === "m") this.look = painted(this.look, codes);
    else if (letter === "G") this.at = Math.min(Math.max(1, codes[0]) - 1, this.row?.length ?? 0);
    else if (letter === "D") this.at = Math.max(0, this.at - Math.max(1, codes[0]));
    else if (letter === "K" && this.row && !this.row.isGone) {
      if (codes[0] === 0) this.output.keep(this.row, 0, this.at);
      else if (codes[0] === 1) this.output.keep(this.row, this.at, this.row.length);
      else this.output.keep(this.row, 0, 0);
      this.at = Math.min(this.at, this.row.length);
    }
  }
}

/** Whether a joiner or a selector of a look shows behind that text. */
function joins(before, letter) {
  if (letter === "\u200c" || letter === "\u200d") return JOINED.test(before);
  return letter >= "\ufe00" && letter <= "\ufe0f" && (JOINED.test(before) || TWO_LOOKS.test(before));
}

function match(pattern, text, at) {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

/** Whether what begins there may be a sequence once more has come. */
function isOpen(text, at) {
  return /^\u001b(?:\[[0-?]*[ -/]*|[\]PX^_][^\u0007\u001b\n]*|[ -/]*)$/.test(text.slice(at));
}

/** The beginning of a text, without half a character at its end. */
function whole(text, most) {
  if (text.length <= most) return text;
  const last = text.charCodeAt(most - 1);
  const isHalf = last >= 0xd800 && last < 0xdc00;
  return text.slice(0, isHalf && most > 1 ? most - 1 : most);
}

function cut(spans, from, to) {
  const found = [];
  let at = 0;
  for (const { text, look } of spans) {
    const part = text.slice(Math.max(0, from - at), Math.max(0, to - at));
    if (part) found.push({ text: part, look });
    at += text.length;
  }
  return found;
}

/** Neighbours of the same look as one. */
function joined(spans) {
  return spans.reduce((all, span) => {
    if (all.at(-1)?.look === span.look) all.at(-1).text += span.text;
    else all.push(span);
    return all;
  }, []);
}

const MARKS = { 1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "inverse", 9: "struck" };
const ENDS = { 22: ["bold", "dim"], 23: ["italic"], 24: ["underline"], 27: ["inverse"], 29: ["struck"] };

/** What is set once a sequence of codes was obeyed (ECMA-48, SGR). */
function painted(look, codes) {
  let { ink, ground } = look;
  let marks = look.marks.split(" ").filter(Boolean);
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at];
    if (code === 0) [ink, ground, marks] = ["", "", []];
    else if (MARKS[code]) marks = [...new Set([...marks, MARKS[code]])];
    else if (ENDS[code]) marks = marks.filter((mark) => !ENDS[code].includes(mark));
    else if (code === 39) ink = "";
    else if (code === 49) ground = "";
    else if (code === 38 || code === 48) {
      const colour = nearest(codes, at + 1);
      if (code === 38) ink = `c${colour}`;
      else ground = `b${colour}`;
      at += codes[at + 1] === 2 ? 4 : 2;
    } else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) ink = `c${code % 10}`;
    else if ((code >= 40 && code <= 47) || (code >= 100 && code <= 107)) ground = `b${code % 10}`;
  }
  return styled({ ink, ground, marks: marks.join(" ") });
}

/** The one of the eight colours that is nearest to one of 256, or of all of them. */
function nearest(codes, at) {
  if (codes[at] === 2) return ofRgb(codes.slice(at + 1, at + 4));
  const index = codes[at + 1] || 0;
  if (index < 16) return index % 8;
  if (index >= 232) return index < 244 ? 0 : 7;
  const cube = index - 16;
  return ofRgb([Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6].map((part) => part * 51));
}

function ofRgb([red = 0, green = 0, blue = 0]) {
  const most = Math.max(red, green, blue);
  if (most < 64) return 0;
  const isIn = (part) => (part > most / 2 ? 1 : 0);
  return isIn(red) + 2 * isIn(green) + 4 * isIn(blue);
}

const looks = new Map([["||", PLAIN]]);

/** Equal looks are the same object, so that neighbours become one span. */
function styled(look) {
  const name = `${look.ink}|${look.ground}|${look.marks}`;
  if (!looks.has(name)) looks.set(name, Object.freeze(look));
  return looks.get(name);
}
