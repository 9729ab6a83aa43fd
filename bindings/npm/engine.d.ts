/** The module itself, without workers: calls block. What it offers stands in `wasm/recurra.d.ts`. */
export function load(options?: {
  build?: "relaxed" | "simd" | "scalar";
  urls?: Partial<Record<"relaxed" | "simd" | "scalar", string | URL>>;
  module?: WebAssembly.Module;
  maxMemory?: number;
  compile?: (url: string | URL) => Promise<WebAssembly.Module>;
}): Promise<{ build: string; module: WebAssembly.Module; wasm: typeof import("./wasm/recurra.js") }>;
export function available(): ("relaxed" | "simd" | "scalar")[];
export function because(error: unknown): Error & { fatal?: boolean };
