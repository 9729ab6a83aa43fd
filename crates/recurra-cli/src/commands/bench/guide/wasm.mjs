// Steps of a model in WebAssembly, with SIMD128 and without, in turn: node wasm.mjs PACKAGE MODEL ROUNDS
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, file, rounds] = process.argv.slice(2);
const { Recurra } = await import(pathToFileURL(resolve(folder, "node.js")).href);
const models = [];
for (const build of ["scalar", "simd"]) {
  const host = new Recurra({ workers: 1, build });
  models.push(await host.openModel(new Uint8Array(readFileSync(file))));
}
const ratios = [];
for (let round = -1; round < Number(rounds); round++) {
  const speeds = [];
  for (const model of models) {
    const { steps, seconds } = await model.bench({ milliseconds: 200 });
    speeds.push(steps / seconds);
  }
  if (round >= 0) ratios.push(speeds[1] / speeds[0]);
}
console.log(JSON.stringify(ratios));
process.exit(0);
