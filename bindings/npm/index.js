// For browsers and Deno.
import { api } from "./api.js";

export const { Recurra, openModel, openTrainer, generate, read, check } = api({
  worker: (url) => new Worker(url ?? new URL("./worker.js", import.meta.url), { type: "module" }),
  cores: () => navigator.hardwareConcurrency ?? 1,
});
export { available } from "./engine.js";
export { download } from "./download.js";
