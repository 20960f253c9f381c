// The output of operations, as people read it while it comes.
import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { inspect, open } from "../fixture/browser.js";
import { runCommand } from "../fixture/people.js";
import { ready } from "../fixture/ready.js";

let instance, browser, page, end;

before(async () => {
  ({ instance, browser, ada: page, end } = await ready());
});

after(async () => {
  await end?.();
});

/** A command that writes `text` each time that `more` is called, and ends with `end`. */
async function writer(text) {
  const gate = join(tmpdir(), `reoclo-e2e-gate-${process.pid}-${Math.random().toString(36).slice(2)}`);
  const command = `n=0; until [ -e ${gate}.end ]; do if [ -e ${gate} ]; then rm ${gate}; n=$((n+1)); ${text}; fi; sleep 0.02; done; rm ${gate}.end`;
  return {
    command,
    more: () => writeFile(gate, ""),
    end: () => writeFile(`${gate}.end`, ""),
    stop: () => Promise.all([rm(gate, { force: true }), writeFile(`${gate}.end`, "")]),
  };
}

const output = () => page.locator("#output");
const isAtEnd = () => output().evaluate((place) => place.scrollHeight - place.scrollTop - place.clientHeight < 8);

test("the end is followed until the person scrolls up, and again when they wish", async () => {
  const many = await writer("seq 1 200; echo round $n");
  try {
    await runCommand(page, instance, many.command);
    await many.more();
    await output().getByText("round 1").waitFor();
    assert.ok(await isAtEnd());
    await output().hover();
    await page.mouse.wheel(0, -400);
    const resume = page.getByRole("button", { name: "Jump to the end" });
    await resume.waitFor();
    const before = await output().evaluate((place) => place.scrollTop);
    await many.more();
    await output().getByText("round 2").waitFor({ state: "attached" });
    assert.equal(await output().evaluate((place) => place.scrollTop), before);
    await resume.focus();
    await page.keyboard.press("Enter");
    assert.ok(await isAtEnd());
    assert.ok(await resume.isHidden());
    assert.equal(await page.evaluate(() => document.activeElement.id), "output");
    await many.more();
    await output().getByText("round 3").waitFor();
    assert.ok(await isAtEnd());
  } finally {
    await many.stop();
  }
  await page.getByText("Succeeded", { exact: true }).waitFor();
});

test("what comes while it is paused waits, is counted, and is all there afterwards", async () => {
  const few = await writer("echo line $n; echo beside $n >&2");
  try {
    await runCommand(page, instance, few.command);
    await few.more();
    await output().getByText("line 1", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Pause" }).click();
    await few.more();
    await page.getByText("Paused: 2 lines (1 KiB) wait.").waitFor();
    assert.equal(await output().getByText("line 2").count(), 0);
    await few.end();
    // It has ended, which shows, and what it wrote waits on.
    await page.getByText("Succeeded", { exact: true }).waitFor();
    assert.equal(await output().getByText("line 2").count(), 0);
    await inspect(page, "33-output-paused");
    await page.getByRole("button", { name: "Resume" }).click();
    await output().getByText("line 2").waitFor();
    assert.deepEqual((await output().locator(".row.stdout").allTextContents()), ["line 1", "line 2"]);
    assert.deepEqual((await output().locator(".row.stderr").allTextContents()), ["beside 1", "beside 2"]);
    assert.ok(await page.locator("#pause").isHidden());
  } finally {
    await few.stop();
  }
});

test("nothing is lost of what comes while it is paused for longer than the page has room", async () => {
  const much = await writer("seq 1 1250000; echo all");
  try {
    await runCommand(page, instance, much.command);
    await page.getByRole("button", { name: "Pause" }).click();
    await much.more();
    await page.getByText("What follows stays with Reoclo until you resume.").waitFor();
    assert.equal(await output().locator(".row").count(), 0);
    await page.getByRole("button", { name: "Resume" }).click();
    await output().getByText("all", { exact: true }).waitFor();
    // Every line was read: those that are shown, and those that had to go.
    const rows = await output().locator(".row").count();
    const gone = await page.locator("#output-dropped").textContent();
    assert.match(gone, /^[0-9,]+ earlier lines$/);
    assert.equal(Number(gone.replace(/\D/g, "")) + rows, 1_250_001);
  } finally {
    await much.stop();
  }
});

test("a cancel is told until it has happened, and by whom; what was run is run again by a filled form", async () => {
  const endless = await writer("echo line $n");
  try {
    await runCommand(page, instance, endless.command);
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByText("Cancelled", { exact: true }).waitFor();
    await page.getByText("Asked to end by").waitFor();
    await page.getByText("The operation is asked to end.").waitFor({ state: "detached" });
    await page.reload();
    assert.equal(await page.getByText("The operation is asked to end.").count(), 0);
    // Nothing stands below the output, so nothing takes room there.
    await page.goto(page.url().split("?")[0]);
    await page.waitForFunction(() => document.getElementById("output-note").textContent === "");
    const foot = await page.locator(".output-foot").evaluate((place) => place.getBoundingClientRect().height);
    assert.ok(foot <= 1, `an empty strip of ${foot} px`);
    await page.getByRole("link", { name: "Run again" }).click();
    assert.equal(await page.locator("#command").inputValue(), endless.command);
    await page.getByRole("button", { name: "Run", exact: true }).waitFor();
  } finally {
    await endless.stop();
  }
});

test("output is searched with the keyboard, and keeps its colours", async () => {
  const coloured = "for n in $(seq 1 120); do printf 'row %s \\033[31mnee\\033[32mdle\\033[0m\\n' $n; done; echo no hay >&2";
  await runCommand(page, instance, coloured);
  await page.getByText("Succeeded", { exact: true }).waitFor();
  await output().getByText("row 120").waitFor();
  await output().focus();
  await page.keyboard.press("/");
  await page.keyboard.type("NEEDLE");
  const found = page.locator("#found");
  await page.waitForFunction(() => document.getElementById("found").textContent === "120");
  await page.keyboard.press("Shift+Enter");
  assert.equal(await found.textContent(), "120 of 120");
  await page.keyboard.press("Enter");
  assert.equal(await found.textContent(), "1 of 120");
  assert.ok(await isShown("row 1 "));
  const marked = await page.evaluate(() => [CSS.highlights.get("found").size, [...CSS.highlights.get("found-here")].map(String)]);
  assert.deepEqual(marked, [120, ["needle"]]);
  const first = output().locator(".row").first();
  assert.deepEqual(await first.locator("span").allTextContents(), ["nee", "dle"]);
  await inspect(page, "34-output-searched");
  await page.keyboard.press("Escape");
  assert.equal(await page.evaluate(() => document.activeElement.id), "output");
  assert.equal(await page.evaluate(() => CSS.highlights.get("found").size), 0);

  await page.getByLabel("Streams").selectOption("stderr");
  assert.deepEqual(await output().locator(".row:visible").allTextContents(), ["no hay"]);
  await page.getByRole("searchbox", { name: "Search the output" }).fill("needle");
  await page.getByText("None", { exact: true }).waitFor();
});

/** Whether a row with that text is within what is shown of the output. */
const isShown = (text) =>
  page.evaluate((text) => {
    const place = document.getElementById("output").getBoundingClientRect();
    const row = [...document.querySelectorAll("#output .row")].find((row) => row.textContent.startsWith(text));
    const { top, bottom } = row.getBoundingClientRect();
    return top >= place.top - 1 && bottom <= place.bottom + 1;
  }, text);

test("the keys of the browser stay the browser's", async () => {
  const taken = await page.evaluate(() => {
    const press = (place, key, more = {}) => !place.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }));
    const place = document.getElementById("output");
    return [press(document.body, "/"), press(place, "f", { ctrlKey: true }), press(place, "/", { ctrlKey: true }), press(place, "/")];
  });
  assert.deepEqual(taken, [false, false, false, true]);
});

test("long lines are wrapped or not, and the browser remembers it", async () => {
  await runCommand(page, instance, "head -c 600 /dev/zero | tr '\\0' w; echo");
  await page.getByText("Succeeded", { exact: true }).waitFor();
  await output().locator(".row").waitFor();
  const isWide = () => output().evaluate((place) => place.scrollWidth > place.clientWidth);
  assert.equal(await isWide(), false);
  await page.getByLabel("Wrap").uncheck();
  assert.equal(await isWide(), true);
  await page.reload();
  await output().locator(".row").waitFor();
  assert.equal(await isWide(), true);
  await page.getByLabel("Wrap").check();
  assert.equal(await isWide(), false);
});

test("each stream is downloaded as it was written", async () => {
  await runCommand(page, instance, "printf 'out\\377\\n'; printf 'err\\033[31m\\n' >&2");
  await page.getByText("Succeeded", { exact: true }).waitFor();
  for (const [name, bytes] of [["stdout", "out\xff\n"], ["stderr", "err\x1b[31m\n"]]) {
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: `Download ${name}` }).click(),
    ]);
    assert.match(download.suggestedFilename(), new RegExp(`^[0-9a-f-]{36}-${name}\\.log$`));
    const chunks = [];
    for await (const chunk of await download.createReadStream()) chunks.push(chunk);
    assert.equal(Buffer.concat(chunks).toString("latin1"), bytes);
  }
});

test("progress bars, other bytes and turned text are shown as what they are", async () => {
  const command = [
    "printf 'begin\\n 10%%\\r 50%%\\r100%%\\n'",
    "printf 'bad \\377\\376 bytes\\n'",
    "printf 'turned \\342\\200\\256gpj.exe\\n'",
    "printf '\\033]0;owned\\007\\033[38;5;1mred\\033[0m <b>bold</b>\\n'",
  ].join("; ");
  await runCommand(page, instance, command);
  await page.getByText("Succeeded", { exact: true }).waitFor();
  await output().getByText("<b>bold</b>").waitFor();
  const rows = ["begin", "100%", "bad \ufffd\ufffd bytes", "turned <U+202E>gpj.exe", "red <b>bold</b>"];
  assert.deepEqual(await output().locator(".row").allTextContents(), rows);
  assert.equal(await output().locator(".c1").textContent(), "red");
  assert.notEqual(await page.title(), "owned");
  // The same without a script, from what is stored.
  const plain = await open(browser, instance, { javaScriptEnabled: false, storageState: await page.context().storageState() });
  await plain.goto(page.url());
  assert.equal(await plain.locator("#output pre").textContent(), `${rows.join("\n")}\n`);
  await plain.context().close();
});

test("a hundred megabytes leave the page quick and small", async () => {
  await page.goto("/");
  await page.addInitScript(() => {
    globalThis.frames = [];
    let last = performance.now();
    const frame = (now) => {
      globalThis.frames.push(now - last);
      last = now;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
  await runCommand(page, instance, "seq 1 12000000; echo the very end");
  await page.evaluate(() => (globalThis.frames = []));
  await page.getByText("Succeeded", { exact: true }).waitFor({ timeout: 120_000 });
  await output().getByText("the very end").waitFor({ timeout: 60_000 });
  const { frames, rows, nodes } = await page.evaluate(() => ({
    frames: globalThis.frames.sort((one, other) => one - other),
    rows: document.querySelectorAll("#output .row").length,
    nodes: document.querySelectorAll("#output *").length,
  }));
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  // Not the longest: a test may share its processor with others, and a page is not what stalls then.
  const slow = frames[Math.floor(frames.length * 0.95)];
  console.log(`${frames.length} frames, 95 % of them under ${Math.round(slow)} ms, the longest ${Math.round(frames.at(-1))} ms, ${rows} rows, ${nodes} nodes, heap ${Math.round(usedSize / 1e6)} MB`);
  assert.ok(slow < 500, `one frame in 20 took ${slow} ms`);
  assert.ok(rows <= 5_000 && nodes < 6_000, `${rows} rows, ${nodes} nodes`);
  assert.ok(usedSize < 64e6, `${usedSize} bytes`);
  await page.getByText(/^[0-9,]+ earlier lines .*are not shown/).waitFor();
  await inspect(page, "35-output-huge");
});

test("without JavaScript what is stored of a running command is shown, and refreshed by hand", async () => {
  const few = await writer("echo stored $n");
  const plain = await open(browser, instance, { javaScriptEnabled: false, storageState: await page.context().storageState() });
  try {
    await runCommand(plain, instance, few.command);
    await plain.getByText("It has written nothing yet.").waitFor();
    await few.more();
    // Another page says when it was written.
    await page.goto(plain.url());
    await output().getByText("stored 1").waitFor();
    await plain.getByRole("link", { name: "Refresh" }).click();
    await plain.locator("#output").getByText("stored 1").waitFor();
    assert.ok(await plain.locator("#output-tools").isHidden());
    await few.end();
    await page.getByText("Succeeded", { exact: true }).waitFor();
    await plain.getByRole("link", { name: "Refresh" }).click();
    await plain.getByText("Succeeded", { exact: true }).waitFor();
    assert.equal(await plain.getByRole("link", { name: "Refresh" }).count(), 0);
  } finally {
    await few.stop();
    await plain.context().close();
  }
});
