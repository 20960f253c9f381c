// Choosing servers where there are many, and what else a key's form holds.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { inspect, open } from "../fixture/browser.js";
import { signIn } from "../fixture/people.js";
import { ready } from "../fixture/ready.js";

let instance, browser, ada, end;

before(async () => {
  ({ instance, browser, ada, end } = await ready());
  await ada.goto("/servers/new");
  await ada.evaluate(async () => {
    const csrf = document.querySelector("[name=csrf_token]").value;
    for (let number = 1; number <= 40; number += 1) {
      const body = new URLSearchParams({ csrf_token: csrf, name: `Worker ${number}`, slug: `worker-${number}` });
      const answer = await fetch("/servers", { method: "POST", body });
      if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`);
    }
  });
});

after(async () => {
  await end?.();
});

test("many servers stand in a bounded list, found by name or slug, and ticked together", async () => {
  await ada.goto("/api-keys/automation/new");
  const list = ada.locator("#server-list");
  assert.ok((await list.boundingBox()).height <= 400);
  assert.equal(await list.getByRole("checkbox").count(), 41);
  await ada.getByLabel("Search servers").fill("worker-3");
  assert.equal(await list.getByRole("checkbox").count(), 11);
  await ada.getByRole("button", { name: "Select all shown" }).click();
  await ada.getByText("11 of 41 selected, 11 shown").waitFor();
  await ada.getByLabel("Search servers").fill("Worker 40");
  await ada.getByRole("button", { name: "Select all shown" }).click();
  await ada.getByLabel("Search servers").fill("");
  await ada.getByText("12 of 41 selected").waitFor();
  await inspect(ada, "25-server-picker");
  await ada.getByLabel("Search servers").fill("worker-3");
  await ada.getByLabel("Search servers").press("Enter");
  assert.equal(new URL(ada.url()).pathname, "/api-keys/automation/new");
  await ada.getByLabel("Name", { exact: true }).fill("twelve");
  await ada.getByRole("button", { name: "Create", exact: true }).click();
  await ada.locator("#token").waitFor();
  await ada.getByRole("link", { name: "I have stored it" }).click();
  const servers = await ada.locator("dt", { hasText: /^On$/ }).locator("+ dd").textContent();
  assert.equal(servers.split(",").length, 12);
});

test("without a script the whole list is there, in its bounds", async () => {
  const page = await open(browser, instance, { javaScriptEnabled: false });
  await signIn(page);
  await page.goto("/api-keys/automation/new");
  assert.ok((await page.locator("#server-list").boundingBox()).height <= 400);
  assert.equal(await page.locator("#server-list input").count(), 41);
  assert.ok(!(await page.locator("#server-search").isVisible()));
  await page.getByLabel("Name", { exact: true }).fill("one");
  await page.locator("#server-list input").last().check();
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await page.locator("#token").waitFor();
  await page.context().close();
});

test("loading the page of a new key again makes no second one", async () => {
  await ada.goto("/api-keys/integration/new");
  await ada.getByLabel("Label", { exact: true }).fill("made once");
  await ada.getByRole("button", { name: "Create", exact: true }).click();
  const token = await ada.locator("#token").textContent();
  await ada.reload();
  await ada.getByText("This form has made its key already").waitFor();
  assert.ok(!(await ada.content()).includes(token));
  await inspect(ada, "13-integration-key-made-before");
  await ada.getByRole("link", { name: "Open the key" }).click();
  await ada.getByRole("heading", { name: "made once" }).waitFor();
  await ada.goto("/api-keys/integration?search=made+once");
  assert.equal(await ada.getByRole("link", { name: "made once", exact: true }).count(), 1);
});

test("a page that is not there keeps the navigation", async () => {
  const answer = await ada.goto("/no/such/page");
  assert.equal(answer.status(), 404);
  await inspect(ada, "91-missing-page");
  await ada.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Servers" }).first().click();
  await ada.waitForURL("**/servers");
});
