// Loads the module that suits this engine. Nothing here knows workers: it can be used as it is, where blocking does no harm.
import * as glue from "./wasm/recurra.js";

/** The builds, the fastest first. Bundlers see these addresses and take the files along. */
export const BUILDS = {
  relaxed: () => new URL("./wasm/recurra_relaxed.wasm", import.meta.url),
  simd: () => new URL("./wasm/recurra_simd.wasm", import.meta.url),
  scalar: () => new URL("./wasm/recurra_scalar.wasm", import.meta.url),
};

// The smallest modules with an instruction of each kind: i8x16.splat, and i32x4.relaxed_dot_i8x16_i7x16_add.
const HEAD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10];
const SIMD = [...HEAD, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11];
const RELAXED = [...HEAD, 19, 1, 17, 0, 65, 0, 253, 15, 65, 0, 253, 15, 65, 0, 253, 15, 253, 147, 2, 11];
const has = (bytes) => WebAssembly.validate(new Uint8Array(bytes));

/** Which builds this engine can load, the fastest first. */
export function available() {
  const builds = ["scalar"];
  if (has(SIMD)) builds.unshift("simd");
  if (has(RELAXED)) builds.unshift("relaxed");
  return builds;
}

async function fetched(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
  const typed = response.headers.get("content-type")?.startsWith("application/wasm");
  if (typed && WebAssembly.compileStreaming) return WebAssembly.compileStreaming(response);
  return WebAssembly.compile(await response.arrayBuffer());
}

/**
 * Loads a module: the build that is asked for, or the fastest that this engine has and that knows the known answers.
 * @param {{build?: string, urls?: Record<string, string | URL>, module?: WebAssembly.Module, maxMemory?: number,
 *   compile?: (url: URL | string) => Promise<WebAssembly.Module>}} [options]
 */
export async function load(options = {}) {
  const able = available();
  if (options.build && !able.includes(options.build)) {
    throw new Error(`build: expected one of ${able.join(", ")}, which this engine has; found ${options.build}`);
  }
  const compile = options.compile ?? fetched;
  let last;
  for (const build of options.build ? [options.build] : able) {
    try {
      const module = options.module ?? (await compile(options.urls?.[build] ?? BUILDS[build]()));
      glue.initSync({ module });
      if (!glue.probe()) throw new Error(`the build ${build} computes wrong on this engine`);
      if (options.maxMemory) glue.limitMemory(options.maxMemory);
      return { build, module, wasm: glue };
    } catch (error) {
      last = error;
    }
  }
  throw last;
}

/** What ended a module, in words: a trap has none. */
export function because(error) {
  if (!(error instanceof WebAssembly.RuntimeError)) return error;
  const refused = glue.refusedBytes();
  const megabytes = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MB`;
  const text = refused
    ? `out of memory: ${megabytes(refused)} more were asked for, ${megabytes(glue.liveBytes())} are in use, and there are no more (maxMemory)`
    : `the engine failed: ${glue.panicMessage() || error.message}`;
  return Object.assign(new Error(text, { cause: error }), { fatal: true });
}
