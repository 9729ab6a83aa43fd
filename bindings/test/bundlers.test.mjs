// The package under Vite, under webpack and with a plain script tag, in a browser; and its types.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { open } from "../../tests/browser/browser.mjs";
import { serve } from "../../tests/browser/server.mjs";

const bindings = fileURLToPath(new URL("../", import.meta.url));
const model = fileURLToPath(new URL("../../models/sudoku4.safetensors", import.meta.url));
const MAIN = `
import { Recurra } from "recurra";
const recurra = new Recurra({ workers: 1 });
const model = await recurra.openModel(new URL("/sudoku4.safetensors", location.href));
const answer = await model.solve("1.....3..2.....4");
document.title = answer.answer + " " + answer.verified;
`;

function call(folder, program, args) {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: folder, encoding: "utf8" });
  assert.equal(status, 0, stdout + stderr);
  return stdout;
}

/** What would be published. */
const packed = mkdtempSync(join(tmpdir(), "recurra-packed-"));
after(() => rmSync(packed, { recursive: true, force: true }));
const [{ filename }] = JSON.parse(call(packed, "npm", ["pack", "--json", join(bindings, "npm")]));

/** A project with the package as npm installs it. */
function project(t, files) {
  const folder = mkdtempSync(join(tmpdir(), "recurra-bundler-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "a-user", private: true, type: "module" }));
  call(folder, "npm", ["install", "--offline", "--no-audit", "--no-fund", join(packed, filename)]);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

const run = (folder, tool, args) => call(folder, process.execPath, [join(bindings, "node_modules", tool), ...args]);

/** Serves the folder and waits for the answer in the title. */
async function answers(t, folder) {
  cpSync(model, join(folder, "sudoku4.safetensors"));
  const server = await serve(folder);
  const browser = await open();
  t.after(async () => (await browser.close(), server.close()));
  const page = await browser.context.newPage();
  const complaints = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  await page.goto(server.url);
  await page.waitForFunction(() => document.title.includes("true"), null, { timeout: 20_000 }).catch(() => {});
  assert.deepEqual(complaints.filter((text) => !text.includes("favicon")), []);
  assert.equal(await page.title(), "1342243142133124 true");
}

const HTML = (script) => `<!doctype html><title>waiting</title><link rel="icon" href="data:,">${script}`;

test("Vite", async (t) => {
  const folder = project(t, {
    "index.html": HTML('<script type="module" src="/main.js"></script>'),
    "main.js": MAIN,
    "vite.config.js": "export default { build: { target: 'esnext' }, worker: { format: 'es' } };",
  });
  run(folder, "vite/bin/vite.js", ["build"]);
  await answers(t, join(folder, "dist"));
});

test("webpack", async (t) => {
  const folder = project(t, {
    "main.js": MAIN,
    "webpack.config.js": "export default { mode: 'production', entry: './main.js', output: { publicPath: '/' }, experiments: { topLevelAwait: true } };",
  });
  symlinkSync(join(bindings, "node_modules", "webpack"), join(folder, "node_modules", "webpack"));
  run(folder, "webpack-cli/bin/cli.js", ["--config", "webpack.config.js"]);
  writeFileSync(join(folder, "dist", "index.html"), HTML('<script type="module" src="/main.js"></script>'));
  await answers(t, join(folder, "dist"));
});

test("a plain script tag", async (t) => {
  const folder = project(t, {
    "index.html": HTML('<script src="/recurra/classic.js"></script><script src="/main.js"></script>'),
    "main.js": `(async () => {
      const { openModel } = await recurra;
      const answer = await (await openModel("/sudoku4.safetensors")).solve("1.....3..2.....4");
      document.title = answer.answer + " " + answer.verified;
    })();`,
  });
  cpSync(join(folder, "node_modules", "recurra"), join(folder, "recurra"), { recursive: true });
  await answers(t, folder);
});

test("types", (t) => {
  const folder = project(t, {
    "main.ts": `import { Recurra, type Answer } from "recurra";
      const recurra = new Recurra({ maxMemory: 1e8 });
      const model = await recurra.openModel("m.safetensors", { task: { name: "sudoku", size: 9 } });
      const answer: Answer = await model.solve("…", { restarts: 3, spread: true });
      for await (const event of model.steps("…")) if (event.event === "step") event.certainty.at(0);
      // @ts-expect-error: no such option.
      await model.solve("…", { restart: 3 });
      console.log(answer.verified);
    `,
    "tsconfig.json": JSON.stringify({ compilerOptions: { strict: true, noEmit: true, module: "nodenext", target: "esnext", lib: ["esnext", "dom"], types: [] }, files: ["main.ts"] }),
  });
  run(folder, "typescript/bin/tsc", []);
});
