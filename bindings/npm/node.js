// For Node.
import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { api } from "./api.js";

/** A worker of Node as a browser's. */
function worker(url) {
  // Node's own flags are those of the program: `--input-type`, for one, stops a worker that is a file.
  const own = new Worker(url ?? new URL("./worker-node.js", import.meta.url), { execArgv: [] });
  const port = {
    postMessage: (message, transfer) => own.postMessage(message, transfer),
    terminate: () => own.terminate(),
    // A program may end while workers have nothing to do.
    busy: (busy) => (busy ? own.ref() : own.unref()),
  };
  own.on("message", (data) => port.onmessage?.({ data }));
  own.on("error", (error) => port.onerror?.({ message: error.message }));
  return port;
}

export const { Recurra, openModel, openTrainer, generate, read, check } = api({
  worker,
  cores: availableParallelism,
  readFile: async (url) => new Uint8Array(await readFile(url)),
});
export { available } from "./engine.js";
export { download } from "./download.js";
