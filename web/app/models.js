// Which models there are, and the engine that runs them.
import { Recurra } from "../recurra/index.js";

export const engine = new Recurra({ maxMemory: 512 * 2 ** 20 });
const opened = new Map();
let manifest;

/** The models of this page: `models.json`, made when the page is built. */
export async function models() {
  manifest ??= fetch(new URL("../models/models.json", import.meta.url)).then((response) => {
    if (!response.ok) throw new Error(`the list of models: ${response.status} ${response.statusText}`);
    return response.json();
  });
  return manifest;
}

/** The model for a kind of puzzle in this precision, or in the nearest that there is. */
export async function entryFor(kind, precision) {
  const able = (await models()).filter((entry) => entry.kinds.includes(kind.id));
  return able.find((entry) => entry.precision === precision) ?? able[0];
}

/** Opens the model for a kind of puzzle; `progress` sees the download. */
export async function modelFor(kind, precision, progress) {
  const own = opened.get(`own ${kind.id}`);
  if (own) return own;
  const entry = await entryFor(kind, precision);
  if (!entry) throw new Error(`there is no model for a ${kind.words} on this page`);
  const key = `${kind.id} ${entry.file}`;
  if (!opened.has(key)) {
    const url = new URL(`../models/${entry.file}`, import.meta.url);
    // Outside https and localhost hashes cannot be computed.
    const integrity = globalThis.isSecureContext ? entry.integrity : undefined;
    const model = engine.openModel(url, { integrity, progress, task: kind.task });
    opened.set(key, model);
    model.catch(() => opened.delete(key));
  }
  return opened.get(key);
}

/** From now on this model answers puzzles of the kind; none: the page's own again. */
export function useOwn(kind, model) {
  opened.get(`own ${kind.id}`)?.dispose();
  if (model) opened.set(`own ${kind.id}`, model);
  else opened.delete(`own ${kind.id}`);
}

export const isOwn = (kind) => opened.has(`own ${kind.id}`);
