// For browsers and Deno.
import { api } from "./api.js";

export const { Recurra, openModel, openTrainer, generate, read, check } = api({
  // Bundlers know the second form as it stands.
  worker: (url) =>
    url ? new Worker(url, { type: "module" }) : new Worker(new URL("./worker.js", import.meta.url), { type: "module" }),
  cores: () => navigator.hardwareConcurrency ?? 1,
});
export { available } from "./engine.js";
export { download } from "./download.js";
