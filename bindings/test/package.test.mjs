// The package as a program of Node uses it.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Recurra, download } from "../npm/node.js";

const path = (name) => fileURLToPath(new URL(`../../models/${name}.safetensors`, import.meta.url));
const SIZE4 = { name: "sudoku", size: 4 };
const recurra = new Recurra({ workers: 2 });
after(() => recurra.dispose());

test("a question is answered, checked and told step by step", async () => {
  const model = await recurra.openModel(path("sudoku4"));
  assert.deepEqual(model.info.task, SIZE4);
  const answer = await model.solve("1.....3..2.....4");
  assert.equal(answer.answer, "1342243142133124");
  assert.equal(answer.verified, true);
  const events = [];
  for await (const event of model.steps("1.....3..2.....4", { candidates: true })) events.push(event);
  assert.deepEqual(events.map((event) => event.event), ["attempt", "step", "answer"]);
  const sum = events[1].candidates.slice(0, 6).reduce((a, b) => a + b);
  assert.ok(Math.abs(sum - 1) < 1e-5);
  assert.deepEqual(await recurra.check(SIZE4, "1.....3..2.....4", answer.answer), { verified: true, objection: null });
  const wrong = await recurra.check(SIZE4, "1.....3..2.....4", "1342243142133142");
  assert.equal(wrong.verified, false);
  assert.match(wrong.objection, /twice|given/);
  model.dispose();
  await assert.rejects(model.solve("1.....3..2.....4"), /disposed/);
});

test("a program that Node reads from standard input uses it, too", () => {
  const program = `
    import { openModel } from ${JSON.stringify(new URL("../npm/node.js", import.meta.url).href)};
    const model = await openModel(${JSON.stringify(path("sudoku4"))});
    console.log((await model.solve("1.....3..2.....4")).answer);
    process.exit();`;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-"], { input: program, encoding: "utf8" });
  assert.equal(stdout.trim(), "1342243142133124", stderr);
});

test("many questions are answered in order, and bad ones told", async () => {
  const model = await recurra.openModel(path("sudoku4"));
  const questions = ["nonsense"];
  for (let number = 0; number < 30; number++) questions.push((await recurra.generate(SIZE4, { seed: 4, number })).question);
  const answers = [];
  for await (const answer of model.solveMany(questions)) answers.push(answer);
  assert.match(answers[0].error, /expected/);
  assert.deepEqual(answers.slice(1).map((answer) => answer.question), questions.slice(1));
  assert.ok(answers.slice(1).every((answer) => answer.verified));
  assert.equal((await recurra.memory()).length, 2);
});

test("restarts are spread over the workers", async () => {
  const model = await recurra.openModel(path("maze15"), { task: { name: "maze", rows: 15, cols: 15, min_path: 20 } });
  let proven = 0;
  for (let number = 0; number < 20; number++) {
    const { question } = await recurra.generate(model.info.task, { seed: 6, number });
    const answer = await model.solve(question, { restarts: 16, spread: true });
    assert.equal((await recurra.check(model.info.task, question, answer.answer)).verified, answer.verified);
    proven += answer.verified;
  }
  assert.ok(proven >= 19, `${proven}`);
});

test("a question is given up", async () => {
  const model = await recurra.openModel(path("sudoku9"));
  const { question } = await recurra.generate(model.info.task, { seed: 1, number: 1 });
  const endless = { stop: "none", max_steps: 1_000_000 };
  const controller = new AbortController();
  const solving = model.solve(question, { ...endless, signal: controller.signal });
  setImmediate(() => controller.abort());
  await assert.rejects(solving, { name: "AbortError" });
  await assert.rejects(model.solve(question, { signal: AbortSignal.abort() }), { name: "AbortError" });
  // Who stops listening gives it up too, and the worker is free again.
  for await (const event of model.steps(question, endless)) if (event.step === 3) break;
  assert.ok((await model.solve(question, { max_steps: 1 })).steps === 1);
});

test("models of other tasks, bad files and bad options get a message", async () => {
  await assert.rejects(recurra.openModel(new Uint8Array(64)), /not a model file/);
  await assert.rejects(recurra.openModel(path("sudoku4"), { task: { name: "sudoku", size: 9 } }), /task: expected sudoku 4x4/);
  await assert.rejects(recurra.openModel(path("sudoku4"), { integrity: "sha256-AAAA" }), /expected the hash/);
  const model = await recurra.openModel(path("sudoku4"));
  await assert.rejects(model.solve("1.....3..2.....4", { stop: "never" }), /stop: /);
  await assert.rejects(model.solve("1.....3..2.....4", { steps: 3 }), /options: unknown field `steps`/);
  await assert.rejects(model.solve("................"), /exactly one solution/);
});

test("memory has a limit, and beyond it a message", async () => {
  const small = new Recurra({ workers: 1, maxMemory: 2_000_000 });
  await assert.rejects(small.openModel(path("sudoku9")), /out of memory: .* MB more were asked for/);
  // Another worker takes its place.
  assert.equal((await (await small.openModel(path("maze15"))).solve((await small.generate({ name: "maze", rows: 15, cols: 15 }, { seed: 1 })).question, { restarts: 8 })).verified, true);
  small.dispose();
});

test("downloads tell their progress, and are held against their hash", async (t) => {
  const bytes = readFileSync(path("maze15"));
  const server = createServer((_, response) => response.writeHead(200, { "content-length": bytes.length }).end(bytes));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const url = `http://127.0.0.1:${server.address().port}/model`;
  const integrity = `sha256-${createHash("sha256").update(bytes).digest("base64")}`;
  const seen = [];
  const model = await recurra.openModel(url, { integrity, progress: (done, total) => seen.push([done, total]) });
  assert.equal(model.info.task.name, "maze");
  assert.deepEqual(seen.at(-1), [bytes.length, bytes.length]);
  await assert.rejects(download(url, { integrity: integrity.replace(/.{5}=$/, "AAAA=") }), /expected the hash/);
  await assert.rejects(download(url, { most: 100 }), /expected at most 100 bytes/);
});

test("a model learns, and is used", async () => {
  const trainer = await recurra.openTrainer({ task: SIZE4, mixer: "constraints", hidden: 16, pool: 500, tests: 100 });
  const measured = [];
  const tell = (event) => event.event === "measured" && measured.push(event.exact);
  const end = await trainer.train({ steps: 150, measure: 100, measure_every: 1e9 }, { tell });
  assert.ok(measured[0] < 0.2 && end.exact > 0.9, `${measured}`);
  assert.equal(end.steps, 150);
  const model = await trainer.model();
  const { question } = await recurra.generate(SIZE4, { seed: 8 });
  assert.equal((await model.solve(question, { restarts: 8 })).verified, true);
  trainer.dispose();
});
