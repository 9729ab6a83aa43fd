// Speed in Chromium, as ratios of runs that take turns: node benches/browser/speed.mjs [STEP.onnx]
//
// Needs web/dist (node bindings/build.mjs --page). With STEP.onnx, a graph of models/sudoku9.safetensors (export.py), ONNX Runtime
// Web runs too: WASM, one thread. Also: two workers against one, and the time to the first answer.
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { open } from "../../tests/browser/browser.mjs";
import { serve } from "../../tests/browser/server.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "recurra-speed-"));
cpSync(join(root, "web", "dist"), folder, { recursive: true });
// The page has one model for each kind of puzzle; this one has more weights to multiply.
const measured = join(root, "models", "sudoku9.safetensors");
const program = join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "release", "recurra");
cpSync(measured, join(folder, "models", "sudoku9.safetensors"));
for (const precision of ["q8", "q4"]) {
  execFileSync(program, ["quantize", measured, "--to", precision, "-o", join(folder, "models", `sudoku9.${precision}.safetensors`)]);
}
const graph = process.argv[2];
if (graph) {
  cpSync(join(root, "bindings", "node_modules", "onnxruntime-web", "dist"), join(folder, "ort"), { recursive: true });
  cpSync(graph, join(folder, "step.onnx"));
}
const server = await serve(folder, { policy: "default-src 'self' 'unsafe-inline' 'unsafe-eval' blob: data:" });
const browser = await open();
const page = await browser.context.newPage();
page.on("pageerror", (error) => console.error(error.message));

const began = Date.now();
await page.goto(`${server.url}#sudoku4=1.....3..2.....4`);
await page.waitForSelector("[data-ready]");
await page.$eval("#pace", (pace) => ((pace.value = 0), pace.dispatchEvent(new Event("input"))));
await page.click("#go");
await page.waitForFunction(() => document.getElementById("verdict").textContent.startsWith("Proven"));
console.log(`first answer ${Date.now() - began} ms after opening`);

const found = await page.evaluate(async (withOrt) => {
  const { Recurra, available } = await import("./recurra/index.js");
  const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];
  const task = { name: "sudoku", size: 9 };
  const contenders = [];
  for (const build of available()) {
    for (const [precision, file] of [["f32", "sudoku9.safetensors"], ["q8", "sudoku9.q8.safetensors"], ["q4", "sudoku9.q4.safetensors"]]) {
      if (build === "scalar" && precision !== "f32") continue;
      const host = new Recurra({ workers: 1, build });
      const model = await host.openModel(new URL(`models/${file}`, location.href), { task });
      contenders.push({ name: `${build} ${precision}`, run: async () => {
        const { steps, seconds } = await model.bench({ milliseconds: 250 });
        return (1000 * seconds) / steps;
      } });
    }
  }
  if (withOrt) {
    const ort = await import("./ort/ort.wasm.min.mjs");
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmPaths = new URL("ort/", location.href).href;
    const session = await ort.InferenceSession.create(new URL("step.onnx", location.href).href, { executionProviders: ["wasm"], graphOptimizationLevel: "all" });
    const tensor = () => new ort.Tensor("float32", Float32Array.from({ length: 81 * 128 }, (_, i) => Math.sin(i)), [81, 128]);
    const x = tensor();
    contenders.push({ name: "onnxruntime-web f32", run: async () => {
      let feeds = { x, z_H: tensor(), z_L: tensor() };
      const from = performance.now();
      let steps = 0;
      while (performance.now() - from < 250) {
        const out = await session.run(feeds);
        feeds = { x, z_H: out.z_H_out, z_L: out.z_L_out };
        steps++;
      }
      return (performance.now() - from) / steps;
    } });
  }
  const times = contenders.map(() => []);
  for (const { run } of contenders) await run();
  for (let round = 0; round < 5; round++) for (const [i, { run }] of contenders.entries()) times[i].push(await run());
  const speeds = Object.fromEntries(contenders.map(({ name }, i) => [name, median(times[i])]));
  const ratios = (a, b) => median(times[contenders.findIndex((c) => c.name === a)].map((t, r) => t / times[contenders.findIndex((c) => c.name === b)][r]));

  // A batch with one worker and with two, in turn.
  const questions = [];
  const maker = new Recurra({ workers: 1 });
  for (let number = 0; number < 24; number++) questions.push((await maker.generate(task, { seed: 3, number, givens: 30 })).question);
  const batch = [];
  const hosts = [1, 2].map((workers) => new Recurra({ workers }));
  const models = await Promise.all(hosts.map((host) => host.openModel(new URL("models/sudoku9.safetensors", location.href))));
  for (let round = 0; round < 4; round++) {
    const pair = [];
    for (const model of models) {
      const from = performance.now();
      for await (const _ of model.solveMany(questions, { stop: "none", max_steps: 8 }));
      pair.push(performance.now() - from);
    }
    if (round) batch.push(pair[0] / pair[1]);
  }
  return { speeds, pool: median(batch),
    simd: ratios("scalar f32", "simd f32"), relaxed: ratios("scalar f32", "relaxed f32"), q8: ratios("simd f32", "simd q8"), relaxedQ8: ratios("relaxed f32", "relaxed q8"),
    ort: withOrt ? ratios("onnxruntime-web f32", "simd f32") : null };
}, Boolean(graph));
for (const [name, time] of Object.entries(found.speeds)) console.log(`${name.padEnd(22)} ${time.toFixed(2)} ms a step`);
const { speeds: _, ...ratios } = found;
console.log(JSON.stringify(Object.fromEntries(Object.entries(ratios).map(([k, v]) => [k, v && Number(v.toFixed(2))]))));
await browser.close();
await server.close();
rmSync(folder, { recursive: true, force: true });
