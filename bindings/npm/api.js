// What users call. It runs nothing itself: every call goes to a worker.
import { checkIntegrity, download } from "./download.js";

/** One worker with its module. */
class Lane {
  calls = new Map();
  last = 0;
  dead = null;

  constructor(platform, options, module) {
    this.port = platform.worker(options.workerUrl);
    this.port.onmessage = ({ data }) => this.hear(data);
    this.port.onerror = (event) => this.end(new Error(`the worker failed: ${event.message ?? "it could not be loaded"}`));
    const urls = options.wasmUrls && Object.fromEntries(
      Object.entries(options.wasmUrls).map(([build, url]) => [build, String(url)]),
    );
    this.ready = this.call("start", [{ build: options.build, urls, module, maxMemory: options.maxMemory }]);
    this.ready.catch(() => {});
  }

  call(name, args, { tell, signal, transfer } = {}) {
    if (this.dead) return Promise.reject(this.dead);
    if (signal?.aborted) return Promise.reject(signal.reason);
    const id = ++this.last;
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.port.postMessage({ cancel: id });
        finish();
        reject(signal.reason);
      };
      const finish = () => {
        this.calls.delete(id);
        signal?.removeEventListener("abort", abort);
        if (!this.calls.size) this.port.busy?.(false);
      };
      signal?.addEventListener("abort", abort);
      this.calls.set(id, { tell, resolve: (v) => (finish(), resolve(v)), reject: (e) => (finish(), reject(e)) });
      this.port.busy?.(true);
      this.port.postMessage({ id, name, args }, transfer);
    });
  }

  hear({ id, event, result, error, fatal }) {
    const call = this.calls.get(id);
    if (fatal) this.end(new Error(error));
    else if (!call) return;
    else if (event) call.tell?.(event);
    else if (error !== undefined) call.reject(new Error(error));
    else call.resolve(result);
  }

  /** Ends the worker; what it has not answered fails. */
  end(why) {
    if (this.dead) return;
    this.dead = why;
    this.port.terminate();
    for (const call of [...this.calls.values()]) call.reject(why);
  }
}

export function api(platform) {
  /** Workers that come when they are needed, each with a module of its own. */
  class Recurra {
    #lanes = [];
    #module;
    #disposed = false;
    #options;

    /** @param {object} [options] */
    constructor(options = {}) {
      this.#options = options;
      this.workers = Math.max(1, options.workers ?? Math.min(platform.cores(), 8));
    }

    /** The least busy worker; a new one while all are busy and there may be more. */
    async lane(index) {
      if (this.#disposed) throw new Error("it was disposed of");
      this.#lanes = this.#lanes.filter((lane) => !lane.dead);
      let lane = index === undefined ? undefined : this.#lanes[index];
      if (!lane) {
        const idle = [...this.#lanes].sort((a, b) => a.calls.size - b.calls.size)[0];
        const full = this.#lanes.length >= this.workers;
        lane = idle && (full || idle.calls.size === 0) && index === undefined ? idle : undefined;
      }
      if (!lane) {
        lane = new Lane(platform, this.#options, this.#module);
        this.#lanes.push(lane);
      }
      const { build, module } = await lane.ready;
      this.build = build;
      this.#module ??= module;
      return lane;
    }

    async #call(name, ...args) {
      return (await this.lane()).call(name, args);
    }

    /** Opens a model. */
    async openModel(source, options = {}) {
      const bytes = await bytesOf(source, options);
      const model = new Model(this, bytes, options.task);
      await model.open();
      return model;
    }

    async openTrainer(plan) {
      const lane = await this.lane();
      const { handle, info } = await lane.call("train", [plan]);
      return new Trainer(this, lane, handle, info);
    }

    generate = (task, { seed = 0, number = 0, givens } = {}) => this.#call("generate", task, seed, number, givens);
    read = (task, text) => this.#call("read", task, text);
    check = (task, question, answer) => this.#call("check", task, question, answer);
    memory = () => Promise.all(this.#lanes.filter((lane) => !lane.dead).map((lane) => lane.call("memory", [])));

    /** Ends all workers. What they have not answered fails. */
    dispose() {
      this.#disposed = true;
      for (const lane of this.#lanes) lane.end(new Error("it was disposed of"));
      this.#lanes = [];
    }

    [Symbol.dispose ?? Symbol("dispose")]() {
      this.dispose();
    }
  }

  async function bytesOf(source, options) {
    if (source instanceof ArrayBuffer || ArrayBuffer.isView(source)) {
      const bytes = source instanceof ArrayBuffer ? new Uint8Array(source) : new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
      if (options.integrity) await checkIntegrity(bytes, options.integrity, "the model");
      return bytes;
    }
    if (platform.readFile && (source instanceof URL ? source.protocol === "file:" : !/^[a-z+]+:\/\//i.test(source))) {
      const bytes = await platform.readFile(source);
      if (options.integrity) await checkIntegrity(bytes, options.integrity, String(source));
      return bytes;
    }
    return download(source, options);
  }

  class Model {
    #host;
    #bytes;
    #task;
    #handles = new Map();
    #disposed = false;

    constructor(host, bytes, task) {
      this.#host = host;
      this.#bytes = bytes;
      this.#task = task;
    }

    /** The worker and the model's handle there. */
    async #at(index) {
      if (this.#disposed) throw new Error("it was disposed of");
      const lane = await this.#host.lane(index);
      let opened = this.#handles.get(lane);
      if (!opened) {
        opened = lane.call("open", [this.#bytes, this.#task]);
        this.#handles.set(lane, opened);
        opened.catch(() => this.#handles.delete(lane));
      }
      return { lane, ...(await opened) };
    }

    async open() {
      ({ info: this.info } = await this.#at());
    }

    /** The bytes of its file. */
    get bytes() {
      return this.#bytes;
    }

    /** Answers a question. */
    async solve(question, options = {}) {
      const { signal, spread, ...rest } = options;
      if (spread && this.#host.workers > 1 && rest.restarts > 0) return this.#spread(question, rest, signal);
      return this.#solve(question, rest, signal);
    }

    async #solve(question, options, signal, index, tell, watch = 0) {
      const { lane, handle } = await this.#at(index);
      return lane.call("solve", [handle, question, options, watch], { signal, tell });
    }

    /** Restarts side by side, on all workers: the first verified answer ends the others. */
    async #spread(question, options, signal) {
      const first = await this.#solve(question, { ...options, restarts: 0 }, signal);
      if (first.verified !== false) return first;
      const stop = new AbortController();
      const both = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
      const share = Math.ceil(options.restarts / this.#host.workers);
      const seed = options.seed ?? 0;
      const found = [];
      let winner;
      await Promise.all(
        Array.from({ length: this.#host.workers }, async (_, i) => {
          try {
            const answer = await this.#solve(question, { ...options, restarts: share, seed: seed + i }, both, i);
            found.push(answer);
            if (answer.verified && !winner) {
              winner = answer;
              stop.abort();
            }
          } catch (error) {
            if (!winner) throw error;
          }
        }),
      );
      const answer = winner ?? found.reduce((a, b) => (b.halt > a.halt ? b : a));
      const sum = (field) => found.reduce((total, a) => total + a[field], 0);
      return { ...answer, steps: first.steps + sum("steps"), restarts: sum("restarts") };
    }

    /** What happens while it thinks, step by step; the answer comes last. */
    async *steps(question, options = {}) {
      const { signal, candidates, ...rest } = options;
      const stop = new AbortController();
      const both = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
      const events = [];
      let wake = () => {};
      let over = false;
      const tell = (event) => (events.push(event), wake());
      const end = this.#solve(question, rest, both, undefined, tell, candidates ? 2 : 1).finally(() => {
        over = true;
        wake();
      });
      end.catch(() => {});
      try {
        for (;;) {
          while (events.length) yield events.shift();
          if (over) break;
          await new Promise((resolve) => (wake = resolve));
        }
        yield { event: "answer", ...(await end) };
      } finally {
        // Who stops listening gives the question up.
        stop.abort();
      }
    }

    /** Answers many questions on all workers, in their order. A bad one gives `{question, error}`, and the others go on. */
    async *solveMany(questions, options = {}) {
      const { signal, ...rest } = options;
      const source = questions[Symbol.asyncIterator]?.() ?? questions[Symbol.iterator]();
      const most = 2 * this.#host.workers;
      const waiting = [];
      let next = 0;
      let more = true;
      const fill = async () => {
        while (more && waiting.length < most) {
          const { value, done } = await source.next();
          if (done) more = false;
          else {
            const index = next++ % this.#host.workers;
            const answer = this.#solve(value, rest, signal, index).catch((error) => {
              if (signal?.aborted) throw error;
              return { question: value, error: error.message };
            });
            answer.catch(() => {});
            waiting.push(answer);
          }
        }
      };
      for (;;) {
        await fill();
        if (!waiting.length) return;
        yield await waiting.shift();
      }
    }

    /** Improvement steps a second on this machine. */
    async bench({ milliseconds = 300, signal } = {}) {
      const { lane, handle } = await this.#at();
      const { task } = this.info;
      const { question } = await lane.call("generate", [task, 1, 1, 0]);
      const { tokens } = await lane.call("read", [task, question]);
      return lane.call("bench", [handle, tokens, milliseconds], { signal });
    }

    /** Gives its memory back. */
    dispose() {
      if (this.#disposed) return;
      this.#disposed = true;
      for (const [lane, opened] of this.#handles) {
        opened.then(({ handle }) => lane.dead || lane.call("close", [handle])).catch(() => {});
      }
    }

    [Symbol.dispose ?? Symbol("dispose")]() {
      this.dispose();
    }
  }

  class Trainer {
    #host;
    #lane;
    #handle;

    constructor(host, lane, handle, info) {
      this.#host = host;
      this.#lane = lane;
      this.#handle = handle;
      this.info = info;
    }

    /** Trains, and tells what happens. Ends early when `signal` is aborted: then too the model is as good as it got. */
    async train(options, { signal, tell } = {}) {
      const lane = this.#lane;
      const stop = new Promise((resolve) => signal?.addEventListener("abort", resolve, { once: true }));
      const run = lane.call("learn", [this.#handle, options], { tell, signal: undefined });
      const id = lane.last;
      stop.then(() => lane.dead || lane.port.postMessage({ cancel: id }));
      return run;
    }

    /** The model as it is, opened. */
    async model() {
      const bytes = await this.#lane.call("model", [this.#handle]);
      return this.#host.openModel(bytes);
    }

    dispose() {
      if (!this.#lane.dead) this.#lane.call("close", [this.#handle]).catch(() => {});
    }
  }

  let shared;
  const host = () => (shared ??= new Recurra());
  return {
    Recurra,
    openModel: (source, options) => host().openModel(source, options),
    openTrainer: (plan) => host().openTrainer(plan),
    generate: (task, options) => host().generate(task, options),
    read: (task, text) => host().read(task, text),
    check: (task, question, answer) => host().check(task, question, answer),
  };
}
