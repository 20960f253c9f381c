// Finding text in the rows. Marks what it finds without touching the rows, so that their colours
// stay; the browser's own search is left alone.

/** Matches beyond so many are counted and not marked. */
const MOST_MARKED = 2_000;
const marks = globalThis.Highlight && globalThis.CSS?.highlights;

export class Search {
  text = "";
  matches = [];
  at = -1;

  constructor(screen, output) {
    this.screen = screen;
    this.output = output;
  }

  /** Looks for another text, and goes to what is nearest to the end of what is shown. */
  begin(text) {
    this.text = text.toLowerCase();
    this.at = -1;
    this.renew();
  }

  /** Looks again, since there are other rows; stays where it was. */
  renew() {
    const here = this.matches[this.at];
    this.matches = this.text ? this.find() : [];
    const isHere = (match) => match.row === here.row && match.from === here.from;
    this.at = here ? this.matches.findIndex(isHere) : -1;
    this.mark();
  }

  find() {
    const found = [];
    for (const row of this.output.rows) {
      const { show } = this.screen.place.dataset;
      if (!row.node || (show && row.stream !== show)) continue;
      const text = row.spans.map((span) => span.text).join("").toLowerCase();
      for (let at = text.indexOf(this.text); at >= 0; at = text.indexOf(this.text, at + this.text.length)) {
        found.push({ row, from: at, to: at + this.text.length });
      }
    }
    return found;
  }

  /** Goes on by so many matches, around the ends. */
  step(by) {
    const { length } = this.matches;
    if (length === 0) return;
    if (this.at < 0) this.at = by > 0 ? this.firstShown() : length - 1;
    else this.at = (this.at + by + length) % length;
    this.screen.follow(false);
    this.mark();
    const { row, from, to } = this.matches[this.at];
    row.node.scrollIntoView({ block: "nearest" });
    // A long row can be wider, or higher, than what is shown of it.
    const place = this.screen.place.getBoundingClientRect();
    const match = rangeOf(row, from, to)?.getBoundingClientRect();
    if (!match) return;
    if (match.top < place.top || match.bottom > place.bottom) this.screen.place.scrollTop += match.top - place.top - place.height / 2;
    if (match.left < place.left || match.right > place.right) this.screen.place.scrollLeft += match.left - place.left - place.width / 2;
  }

  /** The first match that can be seen, or the first of all. */
  firstShown() {
    const top = this.screen.place.getBoundingClientRect().top;
    const found = this.matches.findIndex(({ row }) => row.node.getBoundingClientRect().top >= top);
    return Math.max(0, found);
  }

  mark() {
    if (!marks) return;
    const first = Math.max(0, Math.min(this.at - MOST_MARKED / 2, this.matches.length - MOST_MARKED));
    const near = this.matches.slice(first, first + MOST_MARKED);
    const ranges = near.map(({ row, from, to }) => rangeOf(row, from, to)).filter(Boolean);
    marks.set("found", new Highlight(...ranges));
    const here = this.matches[this.at];
    const range = here && rangeOf(here.row, here.from, here.to);
    const chosen = new Highlight(...(range ? [range] : []));
    chosen.priority = 1;
    marks.set("found-here", chosen);
  }
}

/** That part of a row's text, however many spans it is in. */
function rangeOf(row, from, to) {
  if (!row.node) return null;
  const range = document.createRange();
  const walker = document.createTreeWalker(row.node, NodeFilter.SHOW_TEXT);
  let at = 0;
  let hasBegun = false;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const end = at + node.data.length;
    if (!hasBegun && from < end) {
      range.setStart(node, from - at);
      hasBegun = true;
    }
    if (hasBegun && to <= end) {
      range.setEnd(node, to - at);
      return range;
    }
    at = end;
  }
  return null;
}
