// What the visitor's machine does: builds of the engine and precisions of one model, in turn.
import { Recurra, available } from "../recurra/index.js";
import { models } from "./models.js";

const $ = (id) => document.getElementById(id);
const NAMES = { scalar: "plain", simd: "SIMD", relaxed: "relaxed SIMD" };
const ROUNDS = 3;

/** The contenders: every build in f32, the page's own build in fewer bits. */
async function contenders() {
  const builds = available().reverse();
  const entries = (await models()).filter((entry) => entry.kinds.includes("sudoku9"));
  const of = (precision) => entries.find((entry) => entry.precision === precision);
  const list = builds.map((build) => ({ build, entry: of("f32"), name: `${NAMES[build]}, f32` }));
  for (const precision of ["q8", "q4"]) {
    const build = builds.at(-1);
    if (of(precision)) list.push({ build, entry: of(precision), name: `${NAMES[build]}, ${precision}` });
  }
  return list.filter(({ entry }) => entry);
}

export function speed() {
  const body = $("speeds").tBodies[0];
  const draw = (list) => {
    const most = Math.max(...list.map((one) => one.rate ?? 0), 1e-9);
    body.replaceChildren(
      ...list.map((one, i) => {
        const row = document.createElement("tr");
        if (i === 0) row.className = "base";
        const head = document.createElement("th");
        head.scope = "row";
        head.textContent = one.name;
        const bar = document.createElement("td");
        bar.className = "bar";
        const line = document.createElement("i");
        line.style.setProperty("--share", one.rate ? one.rate / most : 0);
        bar.append(line);
        const value = document.createElement("td");
        value.className = "value";
        const ratio = one.rate && list[0].rate && i > 0 ? ` · ${(one.rate / list[0].rate).toFixed(1)}×` : "";
        value.textContent = one.rate ? `${one.rate.toFixed(one.rate < 10 ? 1 : 0)} /s${ratio}` : "–";
        row.append(head, bar, value);
        return row;
      }),
    );
  };
  contenders().then(draw, () => {});
  $("measure").addEventListener("click", async () => {
    $("measure").disabled = true;
    const hosts = new Map();
    try {
      const list = await contenders();
      draw(list);
      for (const one of list) {
        if (!hosts.has(one.build)) hosts.set(one.build, new Recurra({ workers: 1, build: one.build }));
        one.model = await hosts.get(one.build).openModel(new URL(`../models/${one.entry.file}`, import.meta.url), {
          task: { name: "sudoku", size: 9 },
        });
      }
      // In turn, so that what else the machine does falls on all alike.
      for (let round = 0; round < ROUNDS; round++) {
        for (const one of list) {
          $("measured").textContent = `Round ${round + 1} of ${ROUNDS}: ${one.name}`;
          const { steps, seconds } = await one.model.bench({ milliseconds: 250 });
          (one.rates ??= []).push(steps / seconds);
          one.rate = one.rates.toSorted((a, b) => a - b)[Math.floor(one.rates.length / 2)];
          draw(list);
        }
      }
      const { info } = list[0].model;
      $("measured").textContent = `9×9 Sudoku, ${info.weights.toLocaleString("en")} weights, ${(info.flops_per_step / 1e6).toFixed(0)} million operations a step.`;
    } catch (error) {
      $("measured").textContent = error.message;
    } finally {
      for (const host of hosts.values()) host.dispose();
      $("measure").disabled = false;
    }
  });
}
