// Rows of output, as `lines.js` makes them of text.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

const SOURCE = new URL("../../crates/web/assets/live/lines.js", import.meta.url);
const { Output, MOST_CHARS, MOST_ROWS, ROW_CHARS } = await import(
  `data:text/javascript,${encodeURIComponent(await readFile(SOURCE, "utf8"))}`
);

function written(...parts) {
  const output = new Output();
  for (const part of parts) output.write("stdout", part);
  return output;
}

const textOf = (row) => row.spans.map((span) => span.text).join("");
const texts = (...parts) => written(...parts).rows.map(textOf);
const looksOf = (text) => written(text).rows[0].spans.map(({ text, look }) => [text, `${look.ink} ${look.ground} ${look.marks}`.trim()]);

const CORPUS = new URL("../../crates/testkit/corpus/terminal.json", import.meta.url);
const corpus = JSON.parse(await readFile(CORPUS, "utf8"));

test("rows are those of the page without a script, wherever the text is cut", () => {
  assert.ok(corpus.length > 30);
  for (const { written: text, rows } of corpus) {
    assert.deepEqual(texts(text), rows, JSON.stringify(text));
    for (let at = 1; at < Math.min(text.length, 80); at += 1) {
      const isHalf = text.charCodeAt(at - 1) >= 0xd800 && text.charCodeAt(at - 1) < 0xdc00;
      if (!isHalf) assert.deepEqual(texts(text.slice(0, at), text.slice(at)), rows, `${JSON.stringify(text)} cut at ${at}`);
    }
  }
});

test("lines end as terminals have it", () => {
  assert.deepEqual(texts("a\nb\r\nc"), ["a", "b", "c"]);
  assert.deepEqual(texts("\n\nx\n"), ["", "", "x"]);
});

test("a carriage return writes over the line", () => {
  assert.deepEqual(texts("10%\r50%\r100%\ndone"), ["100%", "done"]);
  assert.deepEqual(texts("abcdef\rxy"), ["xycdef"]);
  assert.deepEqual(texts("abcdef\r\u001b[Kxy"), ["xy"]);
  assert.deepEqual(texts("abc\b\bX"), ["aXc"]);
  assert.deepEqual(texts("abcdef\u001b[3GX\u001b[2K"), [""]);
});

test("colours stay apart and others are brought to the nearest", () => {
  assert.deepEqual(looksOf("a\u001b[31mb\u001b[1;32mc\u001b[0md"), [["a", ""], ["b", "c1"], ["c", "c2  bold"], ["d", ""]]);
  assert.deepEqual(looksOf("\u001b[38;5;1mred\u001b[39;48;2;0;200;0mgreen"), [["red", "c1"], ["green", "b2"]]);
  assert.deepEqual(looksOf("\u001b[1m\u001b[31mone\u001b[0m"), [["one", "c1  bold"]]);
});

test("what would deceive a reader is named, and other control characters vanish", () => {
  assert.deepEqual(texts("a\u202eb\u2069"), ["a<U+202E>b<U+2069>"]);
  assert.deepEqual(texts("a\u0007\u0000\u009bb\u001b]0;title\u0007c\u001b]8;;http://x\u001b\\d"), ["abcd"]);
  assert.deepEqual(texts("\u001b]0;never ended\nnext"), ["", "next"]);
});

test("the streams do not run into each other", () => {
  const output = new Output();
  output.write("stdout", "one ");
  output.write("stderr", "wrong\n");
  output.write("stdout", "two\n");
  output.gap("stderr", "9 bytes are left out here");
  const rows = output.rows.map((row) => [row.stream, textOf(row)]);
  assert.deepEqual(rows, [["stdout", "one two"], ["stderr", "wrong"], ["stderr", "9 bytes are left out here"]]);
});

test("however text is cut, the rows are the same", () => {
  const sample = "a\u001b[31mred\u001b[0m\r\nbar 1%\rbar \u001b[1m99%\u001b[K\n\u001b]0;title\u001b\\x\u001b[38;2;1;2;3my\u202e\n🙂end";
  const whole = JSON.stringify(written(sample).rows.map((row) => [textOf(row), row.spans.map((span) => span.look)]));
  for (let first = 1; first < sample.length; first += 1) {
    for (let second = first; second < sample.length; second += 3) {
      const rows = written(sample.slice(0, first), sample.slice(first, second), sample.slice(second)).rows;
      const seen = JSON.stringify(rows.map((row) => [textOf(row), row.spans.map((span) => span.look)]));
      assert.equal(seen, whole, `cut at ${first} and ${second}`);
    }
  }
});

test("memory is bounded, whatever is written", () => {
  const output = new Output();
  for (let n = 0; n < 200; n += 1) {
    output.write("stdout", `${"line of output\n".repeat(1_000)}`);
    output.trim();
  }
  assert.equal(output.rows.length, MOST_ROWS);
  assert.equal(output.dropped, 200_000 - MOST_ROWS);
  assert.equal(output.chars, output.rows.reduce((sum, row) => sum + row.length, 0));

  const endless = new Output();
  for (let n = 0; n < 200; n += 1) {
    endless.write("stdout", "x".repeat(64 * 1_024));
    endless.trim();
  }
  assert.ok(endless.chars <= MOST_CHARS);
  assert.ok(endless.rows.every((row) => row.length <= ROW_CHARS));
  assert.ok(endless.rows.at(-1).goesOn);

  const bar = new Output();
  for (let n = 0; n < 20_000; n += 1) bar.write("stdout", `\r${n} of 20000 \u001b[32m####\u001b[0m`);
  assert.equal(bar.rows.length, 1);
  assert.ok(bar.rows[0].spans.length < 10);
});

test("a row that had to go is not written to any more", () => {
  const output = new Output();
  output.write("stderr", "begun ");
  output.write("stdout", "x\n".repeat(MOST_ROWS + 10));
  output.trim();
  output.write("stderr", "ended\n");
  assert.equal(textOf(output.rows.at(-1)), "ended");
});
