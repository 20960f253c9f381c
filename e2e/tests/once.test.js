// Pages that show something once: loading them again, or going back and forth, does nothing more.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { inspect } from "../fixture/browser.js";
import { addPerson, join } from "../fixture/people.js";
import { ready } from "../fixture/ready.js";

let instance, browser, ada, end;

before(async () => {
  ({ instance, browser, ada, end } = await ready());
});

after(async () => {
  await end?.();
});

/** Loads a page anew that showed `secret` once. */
async function loadAgain(said, secret) {
  await ada.reload();
  await ada.getByText(said).waitFor();
  assert.ok(!(await ada.content()).includes(secret));
}

test("loading the page of a new server again adds no second one", async () => {
  await ada.goto("/servers/new");
  await ada.getByLabel("Name").fill("Added once");
  await ada.getByRole("button", { name: "Add server" }).click();
  const command = await ada.locator("#command").textContent();
  await loadAgain("This form has added its server already", command);
  await inspect(ada, "18-form-taken-before");
  await ada.getByRole("link", { name: "Open the server" }).click();
  await ada.getByRole("heading", { name: "Added once" }).waitFor();
  await ada.goto("/servers");
  assert.equal(await ada.getByRole("link", { name: "Added once", exact: true }).count(), 1);
});

test("going back and forth over the page of a new server adds no second one", async () => {
  const page = await ada.context().newPage();
  await page.goto("/servers/new");
  await page.getByLabel("Name").fill("Back and forth");
  await page.getByRole("button", { name: "Add server" }).click();
  await page.locator("#command").waitFor();
  await page.goBack();
  // Chromium may show a page of its own that asks whether the form is to be sent again.
  await page.goForward().catch(() => {});
  await page.close();
  await ada.goto("/servers");
  assert.equal(await ada.getByRole("link", { name: "Back and forth", exact: true }).count(), 1);
});

test("loading the page of a new install command again makes no second one", async () => {
  await ada.goto("/servers/added-once");
  await ada.getByRole("button", { name: "New install command" }).click();
  const command = await ada.locator("#command").textContent();
  await loadAgain("This form has made its command already", command);
  // The instance made one for its own machine when it started.
  await ada.goto("/audit-log?action=enrolment.create");
  const made = ada.getByRole("row").filter({ hasText: "ada@example.com" });
  assert.equal(await made.count(), 1);
  // The page of the server has a new form.
  await ada.goto("/servers/added-once");
  await ada.getByRole("button", { name: "New install command" }).click();
  assert.notEqual(await ada.locator("#command").textContent(), command);
});

test("loading the page of an invitation or its new link again makes no second one", async () => {
  const grace = { name: "Grace Hopper", email: "grace@example.com", role: "viewer" };
  const first = await addPerson(ada, grace);
  await loadAgain("This form has invited its person already", first);
  await ada.goto("/users");
  await ada.getByRole("button", { name: "New link for Grace Hopper" }).click();
  const link = await ada.locator("#link").textContent();
  await loadAgain("This form has made its link already", link);
  // It is the one that was shown, and works.
  const context = await browser.newContext({ baseURL: instance.url });
  await join(await context.newPage(), { ...grace, link, password: "stapled correct giraffe 9" });
  await context.close();
});

test("loading the page of a new password again gives no second one", async () => {
  await ada.goto("/users");
  await ada.getByRole("link", { name: "Grace Hopper" }).click();
  await ada.getByRole("button", { name: "Give a new password" }).click();
  const password = await ada.locator("#password").textContent();
  await loadAgain("This form has given its password already", password);
  await ada.goto("/audit-log?action=user.password_reset");
  assert.equal(await ada.getByText("user.password_reset", { exact: true }).count(), 1);
});
