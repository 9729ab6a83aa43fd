// A worker of Node.
import { readFile } from "node:fs/promises";
import { parentPort } from "node:worker_threads";
import { serve } from "./serve.js";

const port = { postMessage: (message) => parentPort.postMessage(message) };
serve(port, async (url) => WebAssembly.compile(await readFile(new URL(url))));
parentPort.on("message", (data) => port.onmessage({ data }));
