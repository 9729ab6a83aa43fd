// "Teach it": a model learns in a worker of its own, from random weights.
import { Recurra } from "../recurra/index.js";
import { choice } from "./choice.js";
import { plot } from "./plot.js";
import { KINDS } from "./kinds.js";
import { useOwn } from "./models.js";

const $ = (id) => document.getElementById(id);
/** Seconds that a lesson takes at most, on a slow device; seconds that the curve has room for; and when it is learnt. */
const LESSONS = {
  sudoku4: { name: "4×4", seconds: 60, room: 10, until: 0.995 },
  sudoku6: { name: "6×6", seconds: 90, room: 15, until: 0.995 },
};

export function teach({ show }) {
  let lesson = "sudoku4";
  let running = null;
  let trainer = null;
  let host = null;
  const kind = () => KINDS.find((kind) => kind.id === lesson);
  let points = [];

  const draw = (seconds = 0) => {
    const most = Math.max(LESSONS[lesson].room, seconds);
    plot($("curve"), {
      lines: [points],
      x: [0, most],
      y: [0, 1],
      rules: [{ y: 1, text: "all of them" }, { y: 0, text: "none" }],
      label: points.length
        ? `Held-out puzzles right: ${points.map(([s, p]) => `${Math.round(100 * p)} % after ${s.toFixed(0)} s`).join(", ")}`
        : "Held-out puzzles right, nothing measured yet",
    });
  };
  const reset = () => {
    points = [];
    $("score").textContent = "0";
    $("score-note").textContent = `of unseen ${kind().name} puzzles right at the first attempt`;
    $("learnt").textContent = "";
    for (const id of ["use", "keep"]) $(id).hidden = true;
    draw();
  };
  const setLesson = choice(
    $("lessons"),
    Object.entries(LESSONS).map(([id, { name }]) => ({ id, name })),
    lesson,
    (id) => {
      if (running) return setLesson(lesson);
      lesson = id;
      reset();
    },
  );

  $("learn").addEventListener("click", async () => {
    if (running) return running.abort();
    running = new AbortController();
    reset();
    $("learn").textContent = "Stop";
    $("learnt").textContent = "Making puzzles …";
    let shown = 0;
    try {
      host?.dispose();
      host = new Recurra({ workers: 1, maxMemory: 512 * 2 ** 20 });
      const seed = crypto.getRandomValues(new Uint32Array(1))[0];
      trainer = await host.openTrainer({ task: kind().task, mixer: "constraints", hidden: 16, seed, pool: 2000, tests: 256 });
      const { seconds, until } = LESSONS[lesson];
      const options = { seconds, until, measure: 200, measure_every: 0.5 };
      const batch = trainer.info.batch;
      const end = await trainer.train(options, {
        signal: running.signal,
        tell: (event) => {
          if (event.event === "measured") {
            points.push([event.seconds, event.exact]);
            $("score").textContent = String(Math.floor(100 * event.exact));
            draw(event.seconds);
          } else if (performance.now() - shown > 250) {
            shown = performance.now();
            $("learnt").textContent = `${event.seconds.toFixed(0)} s, ${(event.step * batch).toLocaleString("en")} puzzles practised`;
          }
        },
      });
      const practised = (end.steps * batch).toLocaleString("en");
      $("learnt").textContent = `${(100 * end.exact).toFixed(1)} % after ${end.seconds.toFixed(1)} s and ${practised} puzzles. ${trainer.info.weights.toLocaleString("en")} weights.`;
      for (const id of ["use", "keep"]) $(id).hidden = end.steps === 0;
    } catch (error) {
      $("learnt").textContent = error.message;
      $("learnt").classList.add("bad");
    } finally {
      running = null;
      $("learn").textContent = points.length ? "Teach another" : "Teach it";
    }
  });
  $("use").addEventListener("click", async () => {
    useOwn(kind(), await trainer.model());
    show(kind());
  });
  $("keep").addEventListener("click", async () => {
    const model = await trainer.model();
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([model.bytes]));
    link.download = `${kind().id}.safetensors`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    model.dispose();
  });
  addEventListener("resize", () => draw(points.at(-1)?.[0]));
  reset();
}
