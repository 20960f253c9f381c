// Every page at every width: nothing runs out of its place, and no id is there twice.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { WIDTHS, fitsEveryWidth, hasEachIdOnce } from "../fixture/layout.js";
import { addPerson, createIntegrationKey, runCommand } from "../fixture/people.js";
import { ready } from "../fixture/ready.js";

let instance, browser, ada, key, operation, places, end;

before(async () => {
  ({ instance, browser, ada, end } = await ready());
  key = await createIntegrationKey(ada, "Continuous integration of the storefront, production");
  await holds("a new integration key");
  await createIntegrationKey(ada, "readonly-dashboards-and-reports-of-the-operations-team", "Read Only");
  const add = (path, body) => instance.ask(path, { key, method: "POST", body });
  for (const name of ["Web 3 (Frankfurt, behind the load balancer)", "database-primary-eu-central-1a"]) {
    assert.equal((await add("/api/servers", { name })).status, 201);
  }
  const credential = { name: "builds", registry_type: "private", registry_url: "registry.internal.example.com:5000" };
  await add("/api/registry-credentials", { ...credential, username: "ci", password: "a secret" });
  await ada.goto("/api-keys/automation/new");
  await ada.getByLabel("Name", { exact: true }).fill("github-prod-deploy");
  for (const box of await ada.locator("[name=server_ids]").all()) await box.check();
  for (const box of await ada.locator("[name=operations]").all()) await box.check();
  await ada.getByRole("radio", { name: /^Allow all credentials/ }).check();
  await holds("the form of an automation key, filled in");
  await ada.getByRole("button", { name: "Create", exact: true }).click();
  await ada.locator("#token").waitFor();
  await holds("a new automation key");
  await addPerson(ada, { name: "Vic the viewer", email: "vic.the.viewer@example.com", role: "viewer" });
  await holds("a new person");
  await runCommand(ada, instance, "docker compose --file /opt/deploy/compose.yaml up --detach; exit 7");
  await ada.getByText("Ended with an error", { exact: true }).waitFor();
  operation = new URL(ada.url()).pathname;
  await instance.ask("/api/audit-logs/nothing", { key });
  await ada.goto("/api-keys/integration");
  const ofKey = await ada.locator(".table .title").first().getAttribute("href");
  await ada.goto("/users");
  const ofUser = await ada.locator(".table .title").first().getAttribute("href");
  const { slug } = instance.line.server;
  places = [
    "/", "/servers", "/servers/new", `/servers/${slug}`, `/servers/${slug}/edit`, `/servers/${slug}/run`,
    `/servers/${slug}/decommission`, "/operations", operation, "/operations?state=failed",
    "/api-keys/integration", "/api-keys/integration/new", ofKey, `${ofKey}/revoke`, `${ofKey}/replace`,
    "/api-keys/automation", "/api-keys/automation/new", "/registry-credentials", "/registry-credentials/new",
    "/users", "/users/new", ofUser, "/audit-log", "/organization", "/organizations", "/password", "/nothing-here",
    "/servers/nothing-here", "/styleguide",
  ];
});

after(async () => {
  await end?.();
});

async function holds(what) {
  await hasEachIdOnce(ada, what);
  await fitsEveryWidth(ada, what);
}

test("every page fits every width and has each id once", async () => {
  for (const place of places) {
    await ada.goto(place);
    await holds(place);
  }
});

test("what is unfolded fits too", async () => {
  for (const place of ["/", "/audit-log", "/api-keys/automation/new", "/audit-log?action=operation.start"]) {
    await ada.goto(place);
    // What is in the menus stands over the page, and closes when something else is opened.
    for (const fold of await ada.locator("main details > summary").all()) {
      if (!(await fold.isVisible())) continue;
      await fold.click();
      await fitsEveryWidth(ada, `${place}, unfolded`);
      if (place.startsWith("/audit-log")) await fold.click();
    }
  }
});

test("what a row of the audit log unfolds is as wide as the row, and no word in it is cut", async () => {
  for (const place of ["/audit-log?action=operation.start", "/audit-log?action=server.create", "/"]) {
    await ada.goto(place);
    await ada.locator("tbody summary").first().click();
    for (const width of WIDTHS) {
      await ada.setViewportSize({ width, height: 900 });
      const found = await ada.locator("tr.more").first().evaluate((row) => {
        const room = row.closest(".card").clientWidth;
        const facts = row.querySelector("dl").getBoundingClientRect().width;
        const cut = [];
        const texts = document.createTreeWalker(row, NodeFilter.SHOW_TEXT);
        for (let text = texts.nextNode(); text; text = texts.nextNode()) {
          for (const word of text.data.matchAll(/[^\s]+/g)) {
            const range = document.createRange();
            range.setStart(text, word.index);
            range.setEnd(text, word.index + word[0].length);
            const lines = new Set([...range.getClientRects()].map((box) => Math.round(box.top)));
            if (lines.size > 1 && !/[-/]/.test(word[0].slice(1, -1))) cut.push(word[0]);
            if (lines.size > 1 && /^[0-9a-f]{8}-/.test(word[0])) cut.push(word[0]);
          }
        }
        return { share: facts / room, cut };
      });
      assert.ok(found.share > 0.85, `${place} at ${width} px: ${found.share} of the row`);
      assert.deepEqual(found.cut, [], `${place} at ${width} px`);
    }
  }
});

test("where a key stands and what ends it are on the screen", async () => {
  for (const place of ["/api-keys/integration", "/api-keys/automation"]) {
    await ada.goto(place);
    for (const width of [1440, 1200, 1024, 961, 390]) {
      await ada.setViewportSize({ width, height: 900 });
      const row = ada.locator("tbody tr").first();
      for (const part of [row.locator(".badge").first(), row.getByRole("link", { name: /^Revoke/ })]) {
        const { x, width: wide } = await part.boundingBox();
        assert.ok(x >= 0 && x + wide <= width, `${place} at ${width} px`);
      }
    }
  }
  await ada.setViewportSize({ width: 1440, height: 900 });
});

test("another theme leaves the filters as they are, and says so", async () => {
  await ada.goto("/api-keys/integration?status=active");
  await ada.locator("aside summary").last().click();
  await ada.getByRole("button", { name: "Light or dark" }).click();
  await ada.locator(".toast", { hasText: /theme is on/ }).waitFor();
  assert.equal(await ada.getByLabel("Status").inputValue(), "active");
  assert.ok((await ada.getByLabel("Status").locator("option").count()) > 1);
});
