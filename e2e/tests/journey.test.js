// One organization from its first minute on, as its people see it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { inspect, launch, open } from "../fixture/browser.js";
import { Instance } from "../fixture/instance.js";
import { ADA, addPerson, join, createIntegrationKey, setUp, signIn } from "../fixture/people.js";

let instance, browser, ada;

before(async () => {
  instance = await Instance.start();
  browser = await launch();
  ada = await open(browser, instance);
  await ada.goto(instance.line.setup_url);
  await inspect(ada, "01-set-up");
  await setUp(ada, instance);
  await inspect(ada, "02-sign-in");
  await signIn(ada);
});

after(async () => {
  await browser?.close();
  await instance?.stop();
});

test("an integration key is shown once, works, and is refused once it is revoked", async () => {
  const key = await createIntegrationKey(ada, "Claude Code MCP");
  assert.match(key, /^rk_t_[0-9A-Za-z]{49}$/);
  await inspect(ada, "10-integration-key-created");
  await ada.getByRole("button", { name: "Copy the key" }).click();
  await ada.getByText("Copied").waitFor();
  assert.match(await ada.locator("#snippet-text-0").textContent(), new RegExp(`curl.*${key}`));
  assert.equal((await instance.ask("/api/servers", { key })).status, 200);

  await ada.getByRole("link", { name: "I have stored it" }).click();
  const place = new URL(ada.url()).pathname;
  for (const path of [place, "/api-keys/integration", "/", "/audit-log", `${place}/revoke`]) {
    await ada.goto(path);
    assert.ok(!(await ada.content()).includes(key), `${path} has the key`);
  }
  await inspect(ada, "11-revoke");
  await ada.getByRole("button", { name: "Revoke Integration Key" }).click();
  await ada.getByText("The key is revoked").waitFor();
  await inspect(ada, "12-key-revoked");
  const refused = await instance.ask("/api/servers", { key });
  assert.deepEqual([refused.status, refused.body.code], [401, "key_revoked"]);
  assert.deepEqual(await instance.places(key), []);
});

test("an automation key is made with the keyboard alone, and runs a command", async () => {
  await ada.goto("/api-keys/automation");
  await focus("Create Automation Key");
  await ada.keyboard.press("Enter");
  await ada.waitForURL("**/new");
  await focus("name");
  await ada.keyboard.type("github-prod-deploy");
  await focus("server_ids");
  await ada.keyboard.press("Space");
  await focus("Advanced settings");
  await ada.keyboard.press("Enter");
  await focus("ip_allowlist");
  await ada.keyboard.type("home");
  await ada.getByText("Line 1 (home) is neither an address nor a network.").waitFor();
  for (let letter = 0; letter < 4; letter += 1) await ada.keyboard.press("Backspace");
  await ada.keyboard.type("127.0.0.1\n10.0.0.0/8");
  await inspect(ada, "20-new-automation-key");
  await focus("Create");
  await ada.keyboard.press("Enter");
  const key = await ada.locator("#token").textContent();
  assert.match(key, /^rca_[0-9A-Za-z]{49}$/);
  await ada.locator("label.pick", { hasText: "GitHub Actions" }).click();
  await inspect(ada, "21-automation-key-created");

  const exec = { server_id: instance.line.server.id, command: "echo made by hand" };
  const ran = await instance.ask("/api/automation/v1/exec", { key, method: "POST", body: exec });
  assert.deepEqual([ran.status, ran.body.stdout], [200, "made by hand\n"]);
  const beyond = await instance.ask("/api/automation/v1/reboot", { key, method: "POST", body: exec });
  assert.equal(beyond.body.code, "operation_not_allowed");

  await ada.getByRole("link", { name: "I have stored it" }).click();
  await ada.getByText("operation.refused").or(ada.getByText("operation.start")).first().waitFor();
  await inspect(ada, "22-automation-key");
  assert.deepEqual(await instance.places(key), []);
});

/** Presses Tab until what has that name, or that text, is in focus. */
async function focus(name) {
  for (let step = 0; step < 80; step += 1) {
    await ada.keyboard.press("Tab");
    const [field, text] = await ada.evaluate(() => {
      const { name, textContent } = document.activeElement;
      return [name, textContent.trim()];
    });
    if (field === name || text === name) return;
  }
  assert.fail(`${name} cannot be reached with the Tab key`);
}

test("the output of a running command is followed through a restart of the control plane", async () => {
  await ada.goto(`/servers/${instance.line.server.slug}/run`);
  const command = "for n in 1 2 3 4 5 6 7 8; do printf '\\033[32mline %s\\033[0m\\n' $n; sleep 0.7; done";
  await ada.getByLabel("Command").fill(command);
  await inspect(ada, "30-run");
  await ada.getByRole("button", { name: "Run" }).click();
  await ada.waitForURL("**/operations/*");
  await ada.locator("#output").getByText("line 2").waitFor();
  await instance.restart();
  await ada.getByText("Succeeded", { exact: true }).waitFor({ timeout: 30_000 });
  await ada.locator("#output .c2").getByText("line 8").waitFor();
  const lines = (await ada.locator("#output").textContent()).match(/line \d/g);
  assert.deepEqual(lines, [1, 2, 3, 4, 5, 6, 7, 8].map((n) => `line ${n}`));
  // The browser says that the connection broke, which is what this was about.
  ada.wrong.length = 0;
  await inspect(ada, "31-operation");
});

test("a running command is cancelled", async () => {
  await ada.goto(`/servers/${instance.line.server.slug}/run`);
  await ada.getByLabel("Command").fill("sleep 300");
  await ada.getByRole("button", { name: "Run" }).click();
  await ada.getByRole("button", { name: "Cancel" }).click();
  await ada.getByText("Cancelled", { exact: true }).waitFor();
});

test("markup in output and names stays text", async () => {
  const evil = "<img src=x onerror=document.title='owned'>";
  await ada.goto(`/servers/${instance.line.server.slug}/run`);
  await ada.getByLabel("Command").fill(`echo "${evil}"`);
  await ada.getByRole("button", { name: "Run" }).click();
  await ada.locator("#output").getByText(evil).waitFor();
  await createIntegrationKey(ada, evil);
  await ada.goto("/api-keys/integration");
  await ada.getByRole("link", { name: evil, exact: true }).waitFor();
  assert.notEqual(await ada.title(), "owned");
});

test("what takes long is seen to be on its way, and is asked for once", async () => {
  await ada.goto("/users/new");
  await ada.getByLabel("E-mail").fill("slow@example.com");
  await ada.getByLabel("Name").fill("Slow");
  let asked = 0;
  // An answer without a page leaves this one as it is while it waits for one.
  await ada.route("**/users", (route) => {
    asked += 1;
    return route.fulfill({ status: 204 });
  });
  const add = ada.getByRole("button", { name: "Invite" });
  await add.click();
  await ada.locator("html.going").waitFor();
  assert.ok(await add.isDisabled());
  assert.equal(await add.getAttribute("aria-busy"), "true");
  await add.dispatchEvent("click");
  assert.equal(asked, 1);
  await ada.unroute("**/users");
  await ada.goto("/");
  assert.equal(await ada.locator("html.going").count(), 0);
  await ada.locator("aside summary").last().click();
  await ada.getByRole("button", { name: "Light or dark" }).waitFor();
  await ada.getByRole("heading", { name: "Recent activity" }).click();
  await ada.getByRole("button", { name: "Light or dark" }).waitFor({ state: "hidden" });
});

test("a server is added, and its page turns green when the runner connects", async () => {
  await ada.goto("/servers/new");
  await ada.getByLabel("Name").fill("Web 2");
  await inspect(ada, "40-new-server");
  await ada.getByRole("button", { name: "Add server" }).click();
  await ada.getByText("Waiting for the runner").waitFor();
  await inspect(ada, "41-server-added");
  const [, token] = (await ada.locator("#command").textContent()).split("--token ");
  const runner = await instance.runner(token.trim());
  try {
    await ada.getByText("The runner is connected").waitFor();
    assert.equal((await instance.places(token.trim())).length, 0);
  } finally {
    await runner.stop();
  }
  await ada.getByRole("link", { name: "Go to the server" }).click();
  await ada.getByRole("heading", { name: "Web 2" }).waitFor();
});

test("every page is sound, in light and dark, on a desk and in a hand", async () => {
  const { slug } = instance.line.server;
  const pages = {
    "03-home": "/",
    "13-integration-keys": "/api-keys/integration",
    "14-new-integration-key": "/api-keys/integration/new",
    "15-nothing-found": "/api-keys/integration?search=zzz",
    "23-automation-keys": "/api-keys/automation",
    "32-operations": "/operations",
    "42-servers": "/servers",
    "43-server": `/servers/${slug}`,
    "44-rename": `/servers/${slug}/edit`,
    "45-decommission": `/servers/${slug}/decommission`,
    "50-users": "/users",
    "51-new-user": "/users/new",
    "60-registry-credentials": "/registry-credentials",
    "61-new-registry-credential": "/registry-credentials/new",
    "70-audit-log": "/audit-log",
    "71-audit-log-filtered": "/audit-log?outcome=refused&from=2020-01-01",
    "80-organization": "/organization",
    "81-organizations": "/organizations",
    "82-password": "/password",
    "90-not-found": "/nothing-here",
    "99-style-guide": "/styleguide",
  };
  for (const [name, path] of Object.entries(pages)) {
    await ada.goto(path);
    await inspect(ada, name);
  }
  await ada.goto("/api-keys/integration/new");
  await ada.getByRole("radio", { name: /^Custom/ }).check();
  await ada.getByRole("button", { name: "Tick all reads" }).click();
  await inspect(ada, "16-custom-matrix");
  await ada.getByRole("button", { name: "Create", exact: true }).click();
  await ada.goto("/users");
  await ada.getByRole("link", { name: ADA.name }).click();
  await inspect(ada, "52-user");
});

test("a viewer, a developer and a manager see and can do exactly their part", async () => {
  const places = {
    viewer: ["Home", "Servers", "Operations", "Registry Credentials", "Users", "Audit Log", "Settings"],
    developer: ["Home", "Servers", "Operations", "API Keys", "Registry Credentials", "Users", "Audit Log", "Settings"],
    manager: ["Home", "Servers", "Operations", "API Keys", "Registry Credentials", "Users", "Audit Log", "Settings"],
  };
  const refused = {
    viewer: ["/api-keys/integration", "/api-keys/automation", "/servers/new", "/users/new"],
    developer: ["/api-keys/automation", "/api-keys/automation/new", "/servers/new", "/users/new"],
    manager: ["/users/new"],
  };
  for (const role of Object.keys(places)) {
    const email = `${role}@example.com`;
    const link = await addPerson(ada, { name: `Their ${role}`, email, role });
    if (role === "viewer") await inspect(ada, "53-user-added");
    const page = await open(browser, instance);
    await join(page, { email, link, password: `the password of a ${role}` });
    const names = await page.locator("aside nav a").allTextContents();
    assert.deepEqual(names.map((name) => name.trim()), places[role], role);
    for (const path of refused[role]) {
      const answer = await page.goto(path);
      assert.equal(answer.status(), 403, `${role} ${path}`);
      await page.getByText("This is not yours to do").waitFor();
    }
    await inspect(page, `91-refused-to-a-${role}`);
    if (role !== "viewer") {
      const key = await createIntegrationKey(page, `of the ${role}`);
      assert.equal((await instance.ask("/api/servers", { key })).status, 200);
      // A Full Access key has what the role of its creator has.
      const body = { name: "by a key", registry_type: "ghcr", encrypted_credential: "a secret" };
      const added = await instance.ask("/api/registry-credentials", { key, method: "POST", body });
      assert.equal(added.status, role === "manager" ? 201 : 403);
    }
    await page.context().close();
  }
});

test("without JavaScript a key is made, seen and revoked", async () => {
  const page = await open(browser, instance, { javaScriptEnabled: false });
  await page.goto("/api-keys/integration/new");
  await page.waitForURL("**/sign-in?next=*");
  await signIn(page);
  assert.equal(new URL(page.url()).pathname, "/api-keys/integration/new");
  await page.getByLabel("Label").fill("By hand");
  await page.getByRole("radio", { name: /^Custom/ }).check();
  await page.getByRole("checkbox", { name: "Servers: read" }).check();
  await page.getByRole("button", { name: "Create", exact: true }).click();
  const key = await page.locator("#token").textContent();
  assert.equal((await instance.ask("/api/servers", { key })).status, 200);
  assert.equal((await instance.ask("/api/audit-logs", { key })).body.missing, "audit_logs:read");
  await page.getByRole("link", { name: "I have stored it" }).click();
  await page.getByRole("link", { name: "Revoke", exact: true }).click();
  await page.getByRole("button", { name: "Revoke Integration Key" }).click();
  await page.getByText("The key is revoked").waitFor();
  assert.equal((await instance.ask("/api/servers", { key })).status, 401);
  await page.context().close();
});

test("signing out everywhere ends every session", async () => {
  const other = await open(browser, instance);
  await other.goto("/sign-in");
  await signIn(other);
  await ada.goto("/");
  await ada.locator("aside").getByText(ADA.name).click();
  await ada.getByRole("button", { name: "Sign out everywhere" }).click();
  await ada.getByText("You are signed out everywhere.").waitFor();
  await other.goto("/servers");
  await other.waitForURL("**/sign-in?next=%2Fservers");
});
