// The whole dashboard in a browser that runs no script.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, open } from "../fixture/browser.js";
import { Instance } from "../fixture/instance.js";
import { ADA, addPerson, arrive, join, runCommand, setUp, signIn } from "../fixture/people.js";

let instance, browser, ada;
const person = () => open(browser, instance, { javaScriptEnabled: false });

before(async () => {
  instance = await Instance.start();
  browser = await launch();
  ada = await person();
});

after(async () => {
  await browser?.close();
  await instance?.stop();
});

const press = (name, page = ada) => page.getByRole("button", { name, exact: true }).click();
const follow = (name, page = ada) => page.getByRole("link", { name, exact: true }).first().click();
const says = (text, page = ada) => page.getByText(text).first().waitFor();
const path = (page = ada) => new URL(page.url()).pathname;

/** Nothing that is offered needs a script. */
async function hasNoDeadButtons(page) {
  const dead = await page.locator("button[type=button]:visible").allTextContents();
  assert.deepEqual(dead, [], page.url());
}

test("an account is set up, and what is wrong in its form is said", async () => {
  await ada.goto(instance.line.setup_url);
  await ada.getByLabel("Name").fill("   ");
  await ada.getByLabel("E-mail").fill(ADA.email);
  await ada.getByLabel("Password").fill(ADA.password);
  await press("Create the admin account");
  await ada.locator(".problem").first().waitFor();
  assert.equal(await ada.getByLabel("E-mail").inputValue(), ADA.email);
  await setUp(ada, instance);
  await ada.getByLabel("E-mail").fill(ADA.email);
  await ada.getByLabel("Password").fill("not the password");
  await press("Sign in");
  await ada.getByRole("alert").waitFor();
  await signIn(ada);
  assert.equal(path(), "/");
});

test("integration keys are created, duplicated, replaced and revoked", async () => {
  await ada.goto("/api-keys/integration/new");
  await ada.getByLabel("Label").fill("By hand");
  await ada.getByRole("radio", { name: /^Custom/ }).check();
  await press("Create");
  await ada.locator(".problem").first().waitFor();
  await ada.getByRole("checkbox", { name: "Servers: read" }).check();
  await press("Create");
  const created = await ada.locator("#token").textContent();
  await hasNoDeadButtons(ada);
  assert.equal((await instance.ask("/api/servers", { key: created })).status, 200);
  assert.equal((await instance.ask("/api/audit-logs", { key: created })).body.missing, "audit_logs:read");
  await ada.locator("label.pick", { hasText: "Claude Code" }).click();
  await ada.locator("#snippet-text-1").waitFor();

  await follow("I have stored it");
  const place = path();
  await press("Duplicate");
  const duplicate = await ada.locator("#token").textContent();
  assert.equal((await instance.ask("/api/servers", { key: duplicate })).status, 200);
  await ada.goto(place);
  await follow("Revoke and replace");
  await press("Revoke and replace");
  const replaced = await ada.locator("#token").textContent();
  assert.equal((await instance.ask("/api/servers", { key: created })).body.code, "key_revoked");
  assert.equal((await instance.ask("/api/servers", { key: replaced })).status, 200);
  await follow("I have stored it");
  await follow("Revoke");
  await press("Revoke Integration Key");
  await says("The key is revoked");
  assert.equal((await instance.ask("/api/servers", { key: replaced })).body.code, "key_revoked");
});

test("registry credentials are added, changed and removed", async () => {
  await ada.goto("/registry-credentials");
  await follow("Add a credential");
  await ada.getByLabel("Name", { exact: true }).fill("Images");
  await ada.getByLabel("Registry").selectOption("ghcr");
  await ada.getByLabel("User name").fill("ada");
  await ada.getByLabel("Password or token").fill("a secret of the registry");
  await press("Add credential");
  await says("The credential is stored");
  await follow("Images");
  await ada.getByLabel("User name").fill("grace");
  await press("Save");
  // A stored secret never goes to another account by itself.
  await ada.locator(".problem").first().waitFor();
  await ada.getByLabel("User name").fill("ada");
  await ada.getByLabel("Description (optional)").fill("For the pipelines");
  await press("Save");
  await says("The change is saved.");
  assert.ok(!(await ada.content()).includes("a secret of the registry"));
  await ada.goto("/registry-credentials");
});

test("automation keys are created, duplicated, replaced and revoked", async () => {
  await ada.goto("/api-keys/automation/new");
  await ada.getByLabel("Name").fill("pipeline");
  await ada.locator("[name=server_ids]").first().check();
  await ada.getByRole("checkbox", { name: /^exec/ }).setChecked(true);
  await ada.getByRole("checkbox", { name: /^registry_login/ }).setChecked(true);
  await ada.getByRole("checkbox", { name: /^Images/ }).check();
  await ada.getByText("Advanced settings").click();
  await ada.getByLabel("IP allowlist").fill("home");
  await press("Create");
  await says("Entry 1");
  await ada.getByLabel("IP allowlist").fill("127.0.0.1");
  await ada.getByLabel("Rate limit").fill("50");
  await press("Create");
  const created = await ada.locator("#token").textContent();
  await hasNoDeadButtons(ada);
  const body = { server_id: instance.line.server.id, command: "echo from a pipeline" };
  const exec = (key) => instance.ask("/api/automation/v1/exec", { key, method: "POST", body });
  assert.equal((await exec(created)).body.stdout, "from a pipeline\n");

  await follow("I have stored it");
  const place = path();
  await press("Duplicate");
  const duplicate = await ada.locator("#token").textContent();
  assert.equal((await exec(duplicate)).status, 200);
  await ada.goto(place);
  await follow("Revoke and replace");
  await press("Revoke and replace");
  const replaced = await ada.locator("#token").textContent();
  assert.equal((await exec(created)).body.code, "key_revoked");
  await follow("I have stored it");
  await follow("Revoke");
  await press("Revoke Automation Key");
  assert.equal((await exec(replaced)).body.code, "key_revoked");
  await ada.goto("/registry-credentials");
  await ada.getByRole("link", { name: "Remove Images" }).click();
  await press("Remove");
  await says("The credential is removed.");
});

test("lists are searched and filtered", async () => {
  await ada.goto("/api-keys/automation");
  await ada.getByLabel("Status").selectOption("revoked");
  await press("Filter");
  assert.deepEqual(await ada.locator("tbody .title").allTextContents(), ["pipeline"].concat("pipeline"));
  await ada.getByRole("searchbox").fill("zzz");
  await press("Filter");
  await says("No key fits");
  await follow("Clear");
  await ada.goto("/audit-log");
  await ada.getByLabel("Action").fill("key.create");
  await ada.getByLabel("Outcome").selectOption("success");
  await press("Filter");
  const actions = await ada.locator("tbody summary").allTextContents();
  assert.ok(actions.length > 3 && actions.every((action) => action === "key.create"), actions.join());
  await ada.locator("tbody summary").first().click();
  await ada.locator("tbody details[open]").waitFor();
  await ada.locator("tbody tr.more dl").first().waitFor();
  await ada.goto("/users");
  await ada.getByRole("searchbox").fill("nobody");
  await press("Search");
  await says("Nobody fits");
});

test("a server is added, renamed and decommissioned", async () => {
  await ada.goto("/servers");
  await follow("Add a server");
  await ada.getByLabel("Name").fill("Web 2");
  await press("Add server");
  const [, token] = (await ada.locator("#command").textContent()).split("--token ");
  await hasNoDeadButtons(ada);
  const runner = await instance.runner(token.trim());
  try {
    await follow("Go to the server");
    while ((await ada.getByText("Active", { exact: true }).count()) === 0) await ada.reload();
    await follow("Rename");
    await ada.getByLabel("Name").fill("Web 3");
    await press("Save");
    await says("The server is renamed.");
    await follow("Decommission");
    await press("Decommission");
    await says("The server is decommissioned");
  } finally {
    await runner.stop();
  }
});

test("a command is run and cancelled, and the lists tell it", async () => {
  await runCommand(ada, instance, "printf '\\033[32mgreen\\033[0m\\n'; echo beside >&2");
  await hasNoDeadButtons(ada);
  while ((await ada.locator("#state").textContent()) !== "Succeeded") await ada.reload();
  assert.deepEqual(await ada.locator("#output pre").allTextContents(), ["green\n", "beside\n"]);
  await runCommand(ada, instance, "echo begun; sleep 300");
  await press("Cancel");
  await says("The operation is asked to end.");
  while ((await ada.locator("#state").textContent()) !== "Cancelled") await ada.reload();
  await ada.goto("/operations");
  await ada.getByLabel("State").selectOption("failed");
  await press("Filter");
  assert.equal(await ada.locator("tbody tr").count(), 1);
  await says("Cancelled");
});

test("people are invited, join, get a new password, change roles and are removed", async () => {
  const grace = { name: "Grace Hopper", email: "grace@example.com", role: "viewer" };
  const link = await addPerson(ada, grace);
  await hasNoDeadButtons(ada);
  const page = await person();
  await join(page, { ...grace, link, password: "a password of her own" });
  await page.goto("/servers/new");
  await says("This is not yours to do", page);

  await ada.goto("/users");
  await follow(grace.name);
  await ada.getByRole("radio", { name: /^Developer/ }).check();
  await press("Save");
  await says("The change is saved.");
  await page.goto("/api-keys/integration/new");
  assert.equal(path(page), "/api-keys/integration/new");

  await ada.goto("/users");
  await follow(grace.name);
  await press("Give a new password");
  const again = await ada.locator("#password").textContent();
  await page.goto("/servers");
  await page.waitForURL("**/sign-in?*");
  await arrive(page, { ...grace, temporary: again, password: "another one of her own" });

  await ada.goto("/users");
  await follow(grace.name);
  await follow("Remove");
  await press("Remove");
  await says("Grace Hopper is removed");
  await page.goto("/servers");
  assert.ok(["/sign-in", "/organizations"].includes(path(page)) || (await page.getByText("This is not yours to do").count()) === 1, page.url());
  await page.context().close();
});

test("settings are saved, and organizations are created and switched", async () => {
  await ada.goto("/organization");
  await ada.getByLabel("Longest life of a new key, in days").fill("30");
  await press("Save");
  await says("The settings are saved.");
  await ada.goto("/api-keys/integration/new");
  assert.ok(await ada.getByRole("radio", { name: "1 year" }).isDisabled());

  await ada.goto("/organizations");
  await ada.getByLabel("Name").fill("Second");
  await press("Create organization");
  await says("The organization is created");
  await ada.getByRole("button", { name: "Switch to Second" }).click();
  await ada.getByRole("heading", { name: "Second" }).waitFor();
  await ada.goto("/servers");
  await says("No servers yet");
  await ada.locator("aside summary").first().click();
  await ada.locator("aside .menu-panel button").first().click();
  await ada.goto("/servers");
  await ada.getByRole("link", { name: instance.line.server.slug }).or(ada.locator("tbody .title")).first().waitFor();
});

test("every page is read without a script, and offers nothing that needs one", async () => {
  const seen = new Set();
  const due = ["/"];
  while (due.length > 0) {
    const next = due.pop();
    const kind = next.replace(/\/[0-9a-f]{8}-[0-9a-f-]{27}/, "/ID").split("?")[0];
    if (seen.has(kind) || kind.startsWith("/api/") || kind.startsWith("/assets/")) continue;
    seen.add(kind);
    const answer = await ada.goto(next);
    assert.equal(answer.status(), 200, next);
    await hasNoDeadButtons(ada);
    const links = await ada.locator("a[href^='/']:not([download])").evaluateAll((all) => all.map((link) => link.getAttribute("href")));
    due.push(...links);
  }
  assert.ok(seen.size >= 25, [...seen].join(" "));
});

test("the password is changed, and signing out everywhere ends every session", async () => {
  const other = await person();
  await other.goto("/sign-in");
  await signIn(other);
  await ada.goto("/password");
  await ada.getByLabel("Current password").fill(ADA.password);
  await ada.getByLabel("New password").fill("a better one than that");
  await press("Change the password");
  await says("Your password is changed.");
  await other.goto("/servers");
  await other.waitForURL("**/sign-in?next=%2Fservers");
  await signIn(other, { ...ADA, password: "a better one than that" });
  await ada.goto("/");
  await ada.locator("aside summary").last().click();
  await press("Sign out everywhere");
  await says("You are signed out everywhere.");
  await other.goto("/servers");
  await other.waitForURL("**/sign-in?next=%2Fservers");
  await other.context().close();
});
