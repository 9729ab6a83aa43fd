// The page in a real browser: node --test tests/browser/
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { axe, open } from "./browser.mjs";
import { serve } from "./server.mjs";

const dist = fileURLToPath(new URL("../../web/dist/", import.meta.url));
let server;
before(async () => (server = await serve(dist)));
after(() => server.close());

/** A page whose every complaint fails the test. */
async function visit(t, { hash = "", at = server, ...options } = {}) {
  const browser = await open({ viewport: { width: 1280, height: 840 }, ...options });
  t.after(() => browser.close());
  const page = await browser.context.newPage();
  const complaints = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => {
    const { protocol, href } = new URL(request.url());
    if (!href.startsWith(at.url) && !["data:", "blob:"].includes(protocol)) complaints.push(`another host: ${href}`);
  });
  await page.goto(at.url + hash);
  await page.waitForSelector("[data-ready]");
  return {
    page,
    complaints,
    clean: () => assert.deepEqual(complaints, []),
  };
}

const idle = (page) => page.waitForFunction(() => document.getElementById("go").textContent === "Think");
const verdict = (page) => page.textContent("#verdict");
const cells = (page) => page.$$eval("#board .cell", (all) => all.map((cell) => cell.getAttribute("aria-label")));
/** No waiting between steps. */
const atOnce = (page) => page.$eval("#pace", (pace) => ((pace.value = 0), pace.dispatchEvent(new Event("input"))));

async function solve(page) {
  await page.click("#go");
  await page.waitForFunction(() => /Proven|Not solved|expected/.test(document.getElementById("verdict").textContent));
  await idle(page);
  return verdict(page);
}

const PUZZLES = {
  sudoku4: "1.....3..2.....4",
  sudoku9: "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79",
};

test("a puzzle of each kind is solved to a proven answer", async (t) => {
  const { page, clean } = await visit(t);
  await atOnce(page);
  const kinds = await page.$$eval("#kinds button", (all) => all.map((button) => button.dataset.id));
  assert.ok(["sudoku4", "sudoku6", "sudoku9", "maze"].every((id) => kinds.includes(id)), kinds.join());
  for (const kind of kinds) {
    await page.click(`#kinds [data-id=${kind}]`);
    await page.waitForFunction((id) => location.hash.startsWith(`#${id}=`), kind);
    assert.match(await solve(page), /^Proven: /, kind);
    assert.ok(await page.$("#board .grid.proven"), kind);
    assert.equal((await cells(page)).filter((label) => /empty|undecided/.test(label)).length, 0, kind);
    assert.ok((await page.$$("#plot path.line")).length > 0, kind);
  }
  clean();
});

test("it needs no cross-origin isolation", async (t) => {
  const { page, clean } = await visit(t);
  assert.equal(await page.evaluate(() => crossOriginIsolated), false);
  assert.equal(await page.evaluate(() => typeof SharedArrayBuffer), "undefined");
  clean();
});

// It takes some steps.
const HARDER = "6..9.......56....787.2.5...7...318.53......9......21.......8..9..6..7.1..3.....7.";

test("thinking can be stopped", async (t) => {
  const { page, clean } = await visit(t, { hash: `#sudoku9=${HARDER}` });
  await page.$eval("#pace", (pace) => ((pace.value = 10), pace.dispatchEvent(new Event("input"))));
  await page.click("#go");
  await page.waitForSelector("#plot path.line");
  await page.click("#go");
  await idle(page);
  assert.equal(await verdict(page), "Stopped.");
  // And it can think again.
  await atOnce(page);
  assert.match(await solve(page), /^Proven/);
  clean();
});

test("a bad puzzle gets a message, and so does what is no puzzle", async (t) => {
  const { page, clean } = await visit(t, { hash: "#sudoku4=................" });
  assert.match(await solve(page), /expected exactly one solution, found more than one/);
  const paste = (text) =>
    page.evaluate((text) => {
      const data = new DataTransfer();
      data.setData("text", text);
      dispatchEvent(new ClipboardEvent("paste", { clipboardData: data }));
    }, text);
  await paste("11......3..2.....4");
  await page.waitForFunction(() => document.getElementById("verdict").textContent.startsWith("Pasted: expected the"));
  await paste(PUZZLES.sudoku9.replace("5", "$$"));
  await page.waitForFunction(() => /Pasted: .*found/.test(document.getElementById("verdict").textContent));
  await paste(PUZZLES.sudoku9);
  await page.waitForFunction(() => location.hash.startsWith("#sudoku9=53"));
  clean();
});

test("a model file that was changed is refused", async (t) => {
  // On the server, so that the page's worker for offline use gets it, too.
  const alter = (file, bytes) => {
    if (/sudoku[^/]*\.safetensors$/.test(file)) bytes[bytes.length - 1] ^= 1;
    return bytes;
  };
  const changed = await serve(dist, { alter });
  t.after(() => changed.close());
  const { page, clean } = await visit(t, { at: changed });
  await page.click("#go");
  await page.waitForFunction(() => /expected the hash sha256-/.test(document.getElementById("verdict").textContent));
  clean();
});

test("digits are typed, undone and shared", async (t) => {
  const { page, clean } = await visit(t, { hash: "#sudoku4=................" });
  await page.click("#board .cell >> nth=5");
  await page.keyboard.press("3");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("4");
  assert.match(await page.evaluate(() => location.hash), /=\.\.\.\.\.34\./);
  await page.keyboard.press("Control+z");
  assert.match(await page.evaluate(() => location.hash), /=\.\.\.\.\.3\.\./);
  await page.keyboard.press("Control+Shift+z");
  await page.keyboard.press("Backspace");
  assert.match((await cells(page))[5], /row 2, column 2, given 3/);
  await page.click("#pad button >> nth=2");
  assert.match((await cells(page))[6], /given 3, clashes/);
  await page.click("#undo");
  assert.equal(await page.isEnabled("#redo"), true);
  clean();
});

test("a maze is drawn, and its start and goal are moved", async (t) => {
  const { page, clean } = await visit(t, { hash: "#maze=S" + "_".repeat(223) + "G" });
  await atOnce(page);
  const cell = (i) => page.locator("#board .cell").nth(i);
  await cell(20).dispatchEvent("pointerdown", { button: 0 });
  await cell(21).click();
  assert.match((await cells(page))[21], /wall/);
  await page.click("#pad button:has-text('Goal')");
  await cell(100).click();
  assert.match((await cells(page))[100], /goal/);
  assert.match((await cells(page))[224], /free/);
  assert.match(await solve(page), /^(Proven|Not solved)/);
  clean();
});

test("it learns from random weights, and what it has learnt is used", async (t) => {
  const { page, clean } = await visit(t);
  await page.click("#learn");
  await page.waitForFunction(() => document.getElementById("learn").textContent !== "Stop", null, { timeout: 120_000 });
  const said = await page.textContent("#learnt");
  assert.ok(Number.parseFloat(said) >= 99, said);
  await page.click("#use");
  await page.waitForFunction(() => document.getElementById("about").textContent.startsWith("The model that you have taught"));
  await atOnce(page);
  assert.match(await solve(page), /^Proven/);
  clean();
});

test("it works offline", async (t) => {
  const own = await serve(dist);
  const browser = await open({ viewport: { width: 1280, height: 840 } });
  t.after(() => browser.close());
  const page = await browser.context.newPage();
  await page.goto(own.url);
  await page.waitForSelector("[data-ready]");
  await page.waitForFunction(() => document.getElementById("offline").textContent.includes("offline"));
  await own.close();
  await page.goto(`${own.url}#sudoku4=${PUZZLES.sudoku4}`);
  await page.reload();
  await page.waitForSelector("[data-ready]");
  await atOnce(page);
  assert.match(await solve(page), /^Proven/);
});

test("speed is measured", async (t) => {
  const { page, clean } = await visit(t);
  await page.click("#measure");
  await page.waitForFunction(() => document.getElementById("measure").disabled === false, null, { timeout: 120_000 });
  const rows = await page.$$eval("#speeds tr", (all) => all.map((row) => row.innerText));
  assert.ok(rows.length >= 4 && rows.every((row) => /\d+ \/s/.test(row)), rows.join("\n"));
  clean();
});

for (const colorScheme of ["light", "dark"]) {
  for (const [name, viewport] of [["desktop", { width: 1360, height: 850 }], ["phone", { width: 390, height: 844 }]]) {
    test(`axe finds nothing: ${name}, ${colorScheme}`, async (t) => {
      const { page, clean } = await visit(t, { viewport, colorScheme, bypassCSP: true, reducedMotion: "reduce" });
      await atOnce(page);
      for (const kind of ["sudoku9", "maze"]) {
        await page.click(`#kinds [data-id=${kind}]`);
        await page.waitForFunction((id) => location.hash.startsWith(`#${id}=`), kind);
        await solve(page);
        await page.$eval("details", (details) => (details.open = true));
        await page.evaluate(axe);
        const found = await page.evaluate(() => axe.run());
        assert.deepEqual(found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 120)).join(" | ")}`), []);
      }
      // Nothing is wider than the window.
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
      clean();
    });
  }
}
