// A form that was not taken says so at its top, in the words of the page.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { inspect, open } from "../fixture/browser.js";
import { signIn } from "../fixture/people.js";
import { ready } from "../fixture/ready.js";

let instance, browser, ada, end;

before(async () => {
  ({ instance, browser, ada, end } = await ready());
});

after(async () => {
  await end?.();
});

/** Sends the page's form as it is, whatever the browser would say of it. */
async function send(page, path) {
  await page.goto(path);
  const form = page.locator("main form.form").last();
  await form.evaluate((form) => {
    form.noValidate = true;
    form.requestSubmit(form.querySelector(".button.primary"));
  });
  await page.locator("#problems").waitFor();
}

test("what is wrong is read first, and leads to the fields", async () => {
  for (const javaScriptEnabled of [true, false]) {
    const page = await open(browser, instance, { javaScriptEnabled, viewport: { width: 1440, height: 500 } });
    await signIn(page);
    if (javaScriptEnabled) {
      await send(page, "/api-keys/automation/new");
    } else {
      await page.goto("/api-keys/automation/new");
      await page.getByLabel("Name", { exact: true }).fill("no server");
      await page.getByRole("button", { name: "Create", exact: true }).click();
    }
    const summary = page.locator("#problems");
    await summary.waitFor();
    const box = await summary.boundingBox();
    assert.ok(box.y >= 0 && box.y < 500, "it is on the screen");
    assert.match(await summary.textContent(), /Servers must have at least one: tick a server, or allow all servers\./);
    assert.doesNotMatch(await summary.textContent(), /all_servers|server_ids/);
    if (javaScriptEnabled) {
      assert.equal(await page.evaluate(() => document.activeElement.id), "problems");
      await page.getByRole("alert").getByRole("link", { name: "Servers" }).click();
      assert.equal(await page.evaluate(() => document.activeElement.id), "server_ids");
      await page.getByRole("alert").getByRole("link", { name: "Name" }).click();
      assert.equal(await page.evaluate(() => document.activeElement.id), "name");
      await inspect(page, "24-automation-key-refused");
    }
    await page.context().close();
  }
});

test("every form has its summary, with links to fields that are there", async () => {
  const { slug } = instance.line.server;
  const paths = [
    "/api-keys/integration/new", "/servers/new", `/servers/${slug}/run`, "/users/new", "/registry-credentials/new",
    "/password", "/organizations",
  ];
  for (const path of paths) {
    await send(ada, path);
    const places = await ada.locator("#problems a").evaluateAll((links) => links.map((link) => link.hash));
    assert.ok(places.length > 0, path);
    for (const place of places) assert.equal(await ada.locator(place).count(), 1, `${path} has ${place}`);
    assert.equal(await ada.evaluate(() => document.activeElement.id), "problems", path);
    assert.doesNotMatch(await ada.locator("#problems").textContent(), /[a-z]_[a-z]|null|undefined/, path);
  }
});
