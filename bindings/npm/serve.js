// What a worker does: it takes calls from its port, and looks at its messages between two steps.
import { because, load } from "./engine.js";

/** Milliseconds of work between two looks at the messages. */
const SLICE = 8;

/** Lets messages in. A timer would wait for milliseconds; Node takes a thousand messages of one port before it looks at another. */
const pause = (() => {
  if (globalThis.setImmediate) return () => new Promise((resolve) => setImmediate(resolve));
  const { port1, port2 } = new MessageChannel();
  let wake = () => {};
  port1.onmessage = () => wake();
  return () =>
    new Promise((resolve) => {
      wake = resolve;
      port2.postMessage(0);
    });
})();

/** Turns that wait for their slice, so that calls which run side by side share the worker. */
let turn = Promise.resolve();
const slice = (work) => {
  const done = turn.then(async () => {
    await pause();
    const until = performance.now() + SLICE;
    let more = true;
    while (more && performance.now() < until) more = work();
    return more;
  });
  turn = done.catch(() => {});
  return done;
};

/** Serves calls that come through `port` (`postMessage`, `onmessage`). */
export function serve(port, compile) {
  let wasm;
  let next = 1;
  const held = new Map();
  const cancelled = new Set();
  const hold = (thing) => {
    held.set(next, thing);
    return next++;
  };
  const get = (handle) => {
    const thing = held.get(handle);
    if (!thing) throw new Error("it was disposed of");
    return thing;
  };

  const calls = {
    async start(_, options) {
      const loaded = await load({ ...options, compile });
      wasm = loaded.wasm;
      return { build: loaded.build, module: loaded.module };
    },
    open(_, bytes, task) {
      const model = new wasm.Model(bytes, task ? JSON.stringify(task) : "");
      return { handle: hold(model), info: JSON.parse(model.info()) };
    },
    close(_, handle) {
      held.get(handle)?.free();
      held.delete(handle);
    },
    async solve(call, handle, question, options, watch) {
      const thinking = get(handle).think(question, options ? JSON.stringify(options) : "");
      let answer;
      try {
        await slice(() => {
          if (cancelled.has(call.id)) return false;
          return step();
        }).then(async (more) => {
          while (more && !cancelled.has(call.id)) more = await slice(() => !cancelled.has(call.id) && step());
        });
      } finally {
        thinking.free();
      }
      return answer;

      function step() {
        const text = thinking.step(watch > 0);
        if (!text) return true;
        for (const event of JSON.parse(text)) {
          if (event.event === "answer") {
            const { event: _, ...rest } = event;
            answer = rest;
          } else {
            if (event.event === "step" && watch > 1) event.candidates = thinking.candidates();
            call.tell(event);
          }
        }
        return !answer;
      }
    },
    bytes: (_, handle) => get(handle).toBytes(),
    read: (_, task, text) => JSON.parse(wasm.read(JSON.stringify(task), text)),
    generate: (_, task, seed, number, givens) =>
      JSON.parse(wasm.generate(JSON.stringify(task), seed, number, givens ?? 0)),
    check: (_, task, question, answer) => JSON.parse(wasm.check(JSON.stringify(task), question, answer)),
    memory: () => ({
      module: wasm.memoryBytes(),
      live: wasm.liveBytes(),
      most: wasm.mostBytes(),
      allocations: wasm.allocations(),
    }),
    /** Improvement steps a second, for about so many milliseconds. */
    async bench(call, handle, question, milliseconds) {
      const engine = new wasm.Engine(get(handle));
      try {
        engine.start(Uint16Array.from(question));
        engine.steps(2);
        let steps = 0;
        let spent = 0;
        let more = true;
        while (more && !cancelled.has(call.id)) {
          more = await slice(() => {
            const from = performance.now();
            engine.steps(1);
            spent += performance.now() - from;
            steps++;
            return spent < milliseconds;
          });
        }
        return { steps, seconds: spent / 1000 };
      } finally {
        engine.free();
      }
    },
    train(_, plan) {
      const trainer = new wasm.Trainer(JSON.stringify(plan));
      return { handle: hold(trainer), info: JSON.parse(trainer.info()) };
    },
    /** Trains for so many seconds or steps, and measures now and then. */
    async learn(call, handle, { seconds, steps, measure_every = 1, measure = 128, until = 2 }) {
      const trainer = get(handle);
      // The first look, at random weights, is not training.
      let began = performance.now();
      const elapsed = () => (performance.now() - began) / 1000;
      let done = 0;
      let measured = 0;
      let best = null;
      const progress = () => Math.min(1, steps ? done / steps : elapsed() / seconds);
      const look = () => {
        const seconds = done && elapsed();
        const found = JSON.parse(trainer.measure(measure));
        if (!done) began = performance.now();
        measured = elapsed();
        best = Math.max(best ?? 0, found.exact ?? 0);
        call.tell({ event: "measured", seconds, step: done, ...found });
        return found.exact;
      };
      let exact = look();
      let more = true;
      while (more && !cancelled.has(call.id)) {
        more = await slice(() => {
          const report = JSON.parse(trainer.step(progress()));
          done++;
          call.tell({ event: "trained", seconds: elapsed(), ...report });
          return progress() < 1 && elapsed() - measured < measure_every;
        });
        if (!more && !cancelled.has(call.id)) {
          exact = look();
          more = progress() < 1 && exact < until;
        }
      }
      return { seconds: elapsed(), steps: done, exact, best, cancelled: cancelled.has(call.id) };
    },
    model: (_, handle) => get(handle).model().toBytes(),
  };

  port.onmessage = async ({ data }) => {
    if (data.cancel) {
      cancelled.add(data.cancel);
      return;
    }
    const { id, name, args } = data;
    const call = { id, tell: (event) => port.postMessage({ id, event }) };
    try {
      const result = await calls[name](call, ...args);
      port.postMessage({ id, result, cancelled: cancelled.has(id) });
    } catch (thrown) {
      const error = because(thrown);
      port.postMessage({ id, error: String(error?.message ?? error), fatal: error?.fatal ?? false });
    } finally {
      cancelled.delete(id);
    }
  };
}
