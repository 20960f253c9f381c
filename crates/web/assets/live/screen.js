// The rows in the document. Text alone: nothing of it is ever markup.

/** Rows that the browser lays out together, or not at all while they are out of sight. */
const BLOCK_ROWS = 100;

export class Screen {
  isFollowing = true;

  constructor(place, output) {
    this.place = place;
    this.output = output;
    this.paper = document.createElement("div");
    this.paper.className = "paper";
    this.seenTop = 0;
    this.seenHeight = 0;
    place.addEventListener("scroll", () => this.scrolled());
  }

  /** Told whether the end is being followed. */
  onFollow = () => {};

  /** Shows what was written since the last time. */
  flush() {
    const { output } = this;
    this.remove(output.trim());
    if (output.changed.size === 0) return false;
    if (!this.paper.isConnected) this.place.replaceChildren(this.paper);
    for (const row of output.changed) if (!row.isGone) this.show(row);
    output.changed.clear();
    if (this.isFollowing) this.toEnd();
    return true;
  }

  show(row) {
    if (row.node) row.node.replaceChildren();
    else {
      row.node = document.createElement("div");
      const kinds = [row.stream, row.isGap && "gap", row.goesOn && "goes-on"].filter(Boolean);
      row.node.className = `row ${kinds.join(" ")}`;
      this.block().append(row.node);
    }
    for (const { text, look } of row.spans) {
      const names = `${look.ink} ${look.ground} ${look.marks}`.trim();
      if (!names) row.node.append(text);
      else row.node.append(Object.assign(document.createElement("span"), { className: names, textContent: text }));
    }
    // An empty row is as high as any other, and is copied as an empty line.
    if (row.length === 0) row.node.append("\n");
  }

  block() {
    const last = this.paper.lastElementChild;
    if (last && last.childElementCount < BLOCK_ROWS) return last;
    const block = document.createElement("div");
    block.className = "block";
    this.paper.append(block);
    return block;
  }

  /** The oldest rows, and so whole blocks first. */
  remove(rows) {
    for (const row of rows) {
      if (!row.node) continue;
      const block = row.node.parentElement;
      const isLast = block && block.lastElementChild === row.node;
      if (isLast) block.remove();
      row.node = null;
    }
    // Of the block that is left, what is gone.
    const first = this.paper.firstElementChild;
    const kept = this.output.rows.find((row) => row.node)?.node;
    while (first && kept?.parentElement === first && first.firstElementChild !== kept) first.firstElementChild.remove();
  }

  /** Who scrolls up wants to read; who comes to the end wants to follow. */
  scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.place;
    const isAtEnd = scrollHeight - scrollTop - clientHeight < 8;
    const wentUp = scrollTop < this.seenTop - 1 && scrollHeight >= this.seenHeight;
    this.seenTop = scrollTop;
    this.seenHeight = scrollHeight;
    if (isAtEnd) this.follow(true);
    else if (wentUp && this.paper.isConnected) this.follow(false);
  }

  follow(isFollowing) {
    if (this.isFollowing !== isFollowing) {
      this.isFollowing = isFollowing;
      this.onFollow(isFollowing);
    }
    if (isFollowing) this.toEnd();
  }

  toEnd() {
    this.place.scrollTop = this.place.scrollHeight;
    this.seenTop = this.place.scrollTop;
    this.seenHeight = this.place.scrollHeight;
  }
}
