// What each role is offered, and that everything else is refused.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { open } from "../fixture/browser.js";
import { addPerson, join, createIntegrationKey, runCommand } from "../fixture/people.js";
import { ready } from "../fixture/ready.js";

/** What a viewer is offered; each role has more than the one before. */
const OFFERED = {
  viewer: [
    "GET /",
    "GET /audit-log",
    "GET /operations",
    "GET /operations/ID",
    "GET /organization",
    "GET /organizations",
    "GET /password",
    "GET /registry-credentials",
    "GET /registry-credentials/ID",
    "GET /servers",
    "GET /servers/SLUG",
    "GET /users",
    "GET /users/ID",
    "POST /audit-log/verify",
    "POST /password",
    "POST /sign-out",
    "POST /switch",
  ],
  developer: [
    "GET /api-keys",
    "GET /api-keys/integration",
    "GET /api-keys/integration/ID",
    "GET /api-keys/integration/ID/replace",
    "GET /api-keys/integration/ID/revoke",
    "GET /api-keys/integration/new",
    "POST /api-keys/integration",
    "POST /api-keys/integration/ID/duplicate",
    "POST /api-keys/integration/ID/replace",
    "POST /api-keys/integration/ID/revoke",
  ],
  manager: [
    "GET /api-keys/address-lists",
    "GET /api-keys/automation",
    "GET /api-keys/automation/ID",
    "GET /api-keys/automation/ID/replace",
    "GET /api-keys/automation/ID/revoke",
    "GET /api-keys/automation/new",
    "GET /registry-credentials/ID/remove",
    "GET /registry-credentials/new",
    "GET /servers/SLUG/decommission",
    "GET /servers/SLUG/edit",
    "GET /servers/SLUG/run",
    "GET /servers/new",
    "POST /api-keys/address-lists",
    "POST /api-keys/automation",
    "POST /api-keys/automation/ID/duplicate",
    "POST /api-keys/automation/ID/replace",
    "POST /api-keys/automation/ID/revoke",
    "POST /operations/ID/cancel",
    "POST /registry-credentials",
    "POST /registry-credentials/ID",
    "POST /registry-credentials/ID/remove",
    "POST /registry-credentials/ID/test",
    "POST /registry-credentials/test",
    "POST /servers",
    "POST /servers/SLUG/decommission",
    "POST /servers/SLUG/edit",
    "POST /servers/SLUG/run",
  ],
  admin: [
    "GET /users/ID/remove",
    "GET /users/new",
    "POST /organization",
    "POST /organizations",
    "POST /users",
    "POST /users/ID",
    "POST /users/ID/remove",
    "POST /users/ID/reset-password",
  ],
};
const ROLES = ["viewer", "developer", "manager"];

let instance, browser, ada, end, running;
const tokens = [];
const people = {};
const offers = {};

before(async () => {
  ({ instance, browser, ada, end } = await ready());
  tokens.push(await createIntegrationKey(ada, "of the admin"));
  await ada.goto("/registry-credentials/new");
  await ada.getByLabel("Name", { exact: true }).fill("Images");
  await ada.getByLabel("User name").fill("ada");
  await ada.getByLabel("Password or token").fill("a secret of the registry");
  await ada.getByRole("button", { name: "Add credential" }).click();
  await ada.getByText("The credential is stored").waitFor();
  await runCommand(ada, instance, "sleep 800");
  running = ada.url();
  for (const role of ROLES) {
    const email = `${role}@example.com`;
    const link = await addPerson(ada, { name: `Their ${role}`, email, role });
    const page = await open(browser, instance);
    await join(page, { email, link, password: `the password of a ${role}` });
    people[role] = page;
    if (role !== "viewer") tokens.push(await createIntegrationKey(page, `of the ${role}`));
  }
});

after(async () => {
  // A command outlives the instance, and its supervisor with it.
  if (running) {
    await ada.goto(running);
    await ada.getByRole("button", { name: "Cancel" }).click();
    await ada.getByText("Cancelled", { exact: true }).first().waitFor();
  }
  await end?.();
});

const nameOf = (path) =>
  path.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "ID").replace(`/servers/${instance.line.server.slug}`, "/servers/SLUG");

/** Everything that a person's pages lead to: each name with one real path. No page has a key. */
async function crawl(page) {
  const found = new Map();
  const due = ["/"];
  const seen = new Set();
  while (due.length > 0) {
    const path = due.pop();
    const name = `GET ${nameOf(path)}`;
    // One page of a kind will do, but for people: one's own offers less than those of others.
    const kind = name === "GET /users/ID" ? path : name;
    if (seen.has(kind)) continue;
    seen.add(kind);
    found.set(name, path);
    const answer = await page.goto(path);
    assert.equal(answer.status(), 200, `${path} is offered`);
    const content = await page.content();
    for (const token of tokens) assert.ok(!content.includes(token), `${path} has a key`);
    const { links, forms } = await page.evaluate(() => ({
      links: [...document.querySelectorAll("a[href^='/']:not([download])")].map((link) => new URL(link.href).pathname),
      forms: [...document.querySelectorAll("form, [formaction]")]
        .filter((form) => (form.form ?? form).method === "post")
        .map((form) => new URL(form.formAction ?? form.action).pathname),
    }));
    for (const form of forms) found.set(`POST ${nameOf(form)}`, form);
    due.push(...links.filter((link) => !link.startsWith("/api/")));
  }
  return found;
}

/** Asks as the page would, with everything that lets a form of it through. */
const ask = (page, method, path) =>
  page.evaluate(
    async ([method, path]) => {
      const csrf = document.querySelector("[name=csrf_token]").value;
      const body = method === "POST" ? new URLSearchParams({ csrf_token: csrf }) : undefined;
      // What a form leads to is not followed: that it leads anywhere is what is asked.
      return (await fetch(path, { method, body, redirect: method === "POST" ? "manual" : "follow" })).status;
    },
    [method, path],
  );

test("every role is offered exactly its part, and no page has a key", async () => {
  const expected = new Set();
  for (const role of [...ROLES, "admin"]) {
    for (const name of OFFERED[role]) expected.add(name);
    offers[role] = await crawl(people[role] ?? ada);
    assert.deepEqual([...offers[role].keys()].sort(), [...expected].sort(), role);
  }
});

test("what a role is not offered is refused to it", async () => {
  for (const role of ROLES) {
    const page = people[role];
    await page.goto("/");
    let refused = 0;
    for (const [name, path] of offers.admin) {
      const [method] = name.split(" ");
      const isForeignKey = role === "developer" && /integration\/[0-9a-f]{8}/.test(path);
      if (offers[role].has(name) && !isForeignKey) continue;
      // Another person's key is nobody's business: it is not there.
      const wanted = isForeignKey ? 404 : 403;
      assert.equal(await ask(page, method, path), wanted, `${role}: ${method} ${path}`);
      refused += 1;
    }
    assert.ok(refused >= OFFERED.admin.length, `${role}: ${refused}`);
  }
  // None of it did anything.
  for (const key of tokens) assert.equal((await instance.ask("/api/servers", { key })).status, 200);
});

test("the curl of a new key works as it is pasted, until the key is revoked", async () => {
  for (const [path, fill, works] of [
    ["/api-keys/integration/new", "Label", /"slug":/],
    ["/api-keys/automation/new", "Name", /^pasted$/m],
  ]) {
    await ada.goto(path);
    await ada.getByLabel(fill, { exact: true }).fill("pasted");
    if (path.includes("automation")) {
      await ada.locator("[name=server_ids]").first().check();
      await ada.getByRole("checkbox", { name: /^exec/ }).check();
    }
    await ada.getByRole("button", { name: "Create", exact: true }).click();
    const token = await ada.locator("#token").textContent();
    const shown = await ada.locator("#snippet-text-0").textContent();
    const pasted = shown.replace("docker compose up -d", "echo pasted");
    const run = () => promisify(execFile)("sh", ["-c", pasted]).catch((failed) => failed);
    assert.match((await run()).stdout, works);
    await ada.getByRole("link", { name: "I have stored it" }).click();
    await ada.getByRole("link", { name: "Revoke", exact: true }).click();
    await ada.getByRole("button", { name: /^Revoke/ }).click();
    await ada.getByText("The key is revoked").waitFor();
    const { code, stdout, stderr } = await run();
    assert.match(stdout + stderr, /this key was revoked/);
    // A pipeline must not go on.
    if (path.includes("automation")) assert.equal(code, 1);
    assert.deepEqual(await instance.places(token), []);
  }
  for (const token of tokens) assert.deepEqual(await instance.places(token), []);
});

test("a demoted person's pages and keys shrink with the next request", async () => {
  const [, , ofManager] = tokens;
  const body = { name: "by a key", registry_type: "ghcr", encrypted_credential: "a secret" };
  const add = () => instance.ask("/api/registry-credentials", { key: ofManager, method: "POST", body });
  assert.equal((await add()).status, 201);
  await ada.goto("/users");
  await ada.getByRole("link", { name: "Their manager" }).click();
  await ada.getByRole("radio", { name: /^Viewer/ }).check();
  await ada.getByRole("button", { name: "Save" }).click();
  await ada.getByText("The change is saved.").waitFor();
  assert.equal((await add()).status, 403);
  assert.equal((await people.manager.goto("/api-keys/automation")).status(), 403);
  await people.manager.goto("/");
  const names = await people.manager.locator("aside nav a").allTextContents();
  assert.ok(!names.map((name) => name.trim()).includes("API Keys"));
});
