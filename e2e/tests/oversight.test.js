// What an organization's people look after: its log, its networks, its registries, its servers.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { inspect, open } from "../fixture/browser.js";
import { signIn } from "../fixture/people.js";
import { ready } from "../fixture/ready.js";

let instance, browser, ada, registry, end;

before(async () => {
  // The registry of this test is on this machine.
  process.env.REOCLO_ALLOW_OUTBOUND = "127.0.0.1/32";
  registry = await startRegistry();
  ({ instance, browser, ada, end } = await ready());
});

after(async () => {
  await end?.();
  registry?.server.close();
});

/** A registry that lets one person in. */
async function startRegistry() {
  const right = `Basic ${Buffer.from("ada:right").toString("base64")}`;
  const server = createServer((request, answer) => {
    const isIn = request.headers.authorization === right;
    answer.writeHead(isIn ? 200 : 401, isIn ? {} : { "WWW-Authenticate": 'Basic realm="test"' });
    answer.end("{}");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, url: `http://127.0.0.1:${server.address().port}` };
}

/** The same person without any script. */
async function unscripted() {
  const page = await open(browser, instance, { javaScriptEnabled: false });
  await signIn(page);
  return page;
}

test("the home page shows how the operations of the last days ended", async () => {
  await ada.goto("/");
  await ada.getByText("None in the last 14 days").waitFor();
  await inspect(ada, "04-home-without-operations");
  for (const command of ["true", "exit 3", "sleep 60"]) {
    await ada.goto(`/servers/${instance.line.server.slug}/run`);
    await ada.getByLabel("Command").fill(command);
    await ada.getByLabel("Stop it after, in seconds").fill(command.startsWith("sleep") ? "1" : "60");
    await ada.getByRole("button", { name: "Run" }).click();
    const ended = { true: "Succeeded", "exit 3": "Ended with an error", "sleep 60": "Timed out" };
    await ada.getByText(ended[command], { exact: true }).first().waitFor();
  }
  await ada.goto("/");
  await ada.getByRole("img", { name: "1 succeeded, 1 failed, 1 timed out" }).waitFor();
  await ada.getByText("As a table").click();
  const today = new Date().toISOString().slice(0, 10);
  const row = await ada.getByRole("row", { name: today }).getByRole("cell").allTextContents();
  assert.deepEqual(row, [today, "1", "1", "1"]);
  await inspect(ada, "05-home-with-operations");
});

test("the audit log is exported, verified, and held against the export", async () => {
  await ada.goto("/audit-log");
  const [download] = await Promise.all([
    ada.waitForEvent("download"),
    ada.getByRole("link", { name: "Export" }).click(),
  ]);
  assert.match(download.suggestedFilename(), /^audit-log-\d+\.jsonl$/);
  const file = await download.path();
  const lines = (await readFile(file, "utf8")).trim().split("\n").map((line) => JSON.parse(line));
  const checkpoint = lines.at(-1);
  assert.equal(checkpoint.seq, lines.length - 1);
  assert.ok(lines.every((line) => line.chain === instance.line.organization.id));

  await ada.getByRole("button", { name: "Verify chain" }).click();
  await ada.getByText("The log is intact").waitFor();
  await inspect(ada, "72-audit-log-intact");
  await ada.getByLabel("Or take it from the file of an export").setInputFiles(file);
  await ada.getByText("The last line is taken over").waitFor();
  assert.deepEqual(JSON.parse(await ada.getByLabel("Checkpoint (optional)").inputValue()), checkpoint);
  await ada.getByRole("button", { name: "Verify chain" }).click();
  await ada.getByText("It goes on from your checkpoint.").waitFor();

  const forged = JSON.stringify({ ...checkpoint, seq: 1 });
  await ada.getByLabel("Checkpoint (optional)").fill(forged);
  await ada.getByRole("button", { name: "Verify chain" }).click();
  await ada.getByText("This checkpoint was changed.").waitFor();
  await inspect(ada, "73-audit-log-does-not-hold");
  await ada.getByLabel("Checkpoint (optional)").fill("none");
  await ada.getByRole("button", { name: "Verify chain" }).click();
  await ada.getByText("This is no checkpoint").waitFor();
  await inspect(ada, "74-no-checkpoint");

  const page = await unscripted();
  await page.goto("/audit-log");
  await page.getByRole("button", { name: "Verify chain" }).click();
  await page.getByText("The log is intact").waitFor();
  await page.getByLabel("Checkpoint (optional)").fill(JSON.stringify(checkpoint));
  await page.getByRole("button", { name: "Verify chain" }).click();
  await page.getByText("It goes on from your checkpoint.").waitFor();
  await page.context().close();
});

test("private networks are trusted, and others are told line by line", async () => {
  await ada.goto("/organization");
  const field = ada.getByLabel("Trusted networks");
  await field.fill("10.0.0.0/8\nhome");
  await ada.getByText("Line 2 (home) is neither an address nor a network.").waitFor();
  await field.fill("10.0.0.0/8\n169.254.169.254\n1.1.1.1");
  await ada.getByRole("button", { name: "Save" }).click();
  await ada.getByText("Entry 2 is not a private network").waitFor();
  await ada.getByText("Entry 3 is on the public network").waitFor();
  await inspect(ada, "83-networks-refused");
  await field.fill("10.0.0.0/8\n192.168.7.20");
  await ada.getByRole("button", { name: "Save" }).click();
  await ada.getByText("The settings are saved.").waitFor();
  await ada.getByText("10.0.0.0/8, 192.168.7.20").waitFor();
  await inspect(ada, "84-trusted-networks");
});

test("a connection to a registry is tried, in place and without any script", async () => {
  const fill = async (page, secret) => {
    await page.getByLabel("Name", { exact: true }).fill("builds");
    await page.getByLabel("Registry", { exact: true }).selectOption("private");
    await page.getByLabel("Address").fill(registry.url);
    await page.getByLabel("User name").fill("ada");
    await page.getByLabel("Password or token").fill(secret);
  };
  await ada.goto("/registry-credentials/new");
  await fill(ada, "wrong");
  await ada.getByRole("button", { name: "Test connection" }).click();
  await ada.getByText("The registry refused the user name or the password.").waitFor();
  await inspect(ada, "62-connection-refused");
  await ada.getByLabel("Password or token").fill("right");
  await ada.getByRole("button", { name: "Test connection" }).click();
  await ada.getByText("The connection works.").waitFor();
  // Nothing was sent away from, so what was typed is still there.
  assert.equal(await ada.getByLabel("Password or token").inputValue(), "right");
  await ada.getByRole("button", { name: "Add credential" }).click();
  await ada.getByRole("link", { name: "builds", exact: true }).click();
  await ada.getByRole("button", { name: "Test connection" }).click();
  await ada.getByText("The connection works.").waitFor();
  assert.match(await ada.locator("#connection").textContent(), /\d+ ms/);
  await inspect(ada, "63-connection-works");

  const page = await unscripted();
  await page.goto(new URL(ada.url()).pathname);
  await page.getByRole("button", { name: "Test connection" }).click();
  await page.getByText("The connection works.").waitFor();
  await page.getByLabel("Address").fill("registry.example.com");
  await page.getByRole("button", { name: "Test connection" }).click();
  await page.getByText("a kept password is not sent to a new address").waitFor();
  await page.goto("/registry-credentials/new");
  await fill(page, "right");
  await page.getByRole("button", { name: "Test connection" }).click();
  await page.getByText("The connection works.").waitFor();
  assert.equal(await page.getByLabel("Address").inputValue(), registry.url);
  await page.context().close();
});

test("a server that waits gets a new command, and the one before is dead", async () => {
  await ada.goto("/servers/new");
  await ada.getByLabel("Name").fill("Web 3");
  await ada.getByRole("button", { name: "Add server" }).click();
  const token = async (page) => (await page.locator("#command").textContent()).split("--token ")[1].trim();
  const first = await token(ada);

  const page = await unscripted();
  await page.goto("/servers/web-3");
  await page.getByRole("button", { name: "New install command" }).click();
  await page.getByText("in 1 hour").waitFor();
  const second = await token(page);
  await page.context().close();

  await ada.goto("/servers/web-3");
  await inspect(ada, "46-server-that-waits");
  await ada.getByRole("button", { name: "New install command" }).click();
  await ada.getByText(/^in (59|60) min \d+ s$/).waitFor();
  await inspect(ada, "47-new-install-command");
  const third = await token(ada);
  assert.equal(new Set([first, second, third]).size, 3);
  for (const dead of [first, second]) assert.notEqual(await enrols(dead), 0);
  const runner = await instance.runner(third);
  try {
    await ada.getByText("The runner is connected").waitFor();
  } finally {
    await runner.stop();
  }
  await ada.goto("/servers/web-3");
  assert.equal(await ada.getByRole("button", { name: "New install command" }).count(), 0);
});

/** How the runner ends that is given a token. */
async function enrols(token) {
  const home = await mkdtemp(join(tmpdir(), "reoclo-e2e-enrol-"));
  const args = ["runner", "enrol", "--url", instance.url, "--token-file", "-", "--data-dir", home];
  const child = spawn(process.env.REOCLO_BINARY, args, { stdio: ["pipe", "ignore", "ignore"] });
  child.stdin.end(token);
  const code = await new Promise((resolve) => child.once("exit", resolve));
  await rm(home, { recursive: true, force: true });
  return code;
}
