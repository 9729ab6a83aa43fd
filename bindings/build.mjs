#!/usr/bin/env node
// Builds the npm package and the page: node bindings/build.mjs [--page]
//
// Needs Rust with the target wasm32-unknown-unknown (RECURRA_WASM_TOOLCHAIN names another toolchain than the default one) and, for
// the page, `npm ci` in this folder. Writes bindings/npm/wasm and, with --page, web/dist.
//
// Modules are left as the compiler makes them: what wasm-opt -O2 gives is larger when compressed, and slower by up to a tenth.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(here);
const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
const out = join(here, "npm", "wasm");
const wasm = "wasm32-unknown-unknown";
const toolchain = process.env.RECURRA_WASM_TOOLCHAIN;
const page = process.argv.includes("--page");

const running = new Set();

async function run(command, args, env = {}) {
  const child = spawn(command, args, { cwd: root, stdio: "inherit", env: { ...process.env, ...env } });
  running.add(child);
  const [status] = await once(child, "close").catch((error) => [error.message]);
  running.delete(child);
  if (status !== 0) {
    console.error(`${command} ${args.join(" ")}: ${status}`);
    // What runs beside it would only compile on.
    for (const other of running) other.kill();
    process.exit(1);
  }
}

await run("cargo", ["build", "--locked", "-p", "recurra-bindgen"]);
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

// What a browser has decides which of these it loads (bindings/npm/engine.js).
const builds = {
  scalar: "",
  simd: "-C target-feature=+simd128",
  relaxed: "-C target-feature=+simd128,+relaxed-simd",
};
// A folder for each, or the next build would begin anew.
const folderOf = (name) => join(target, `wasm-${name}`);
const args = ["build", "-p", "recurra-wasm", "--lib", "--profile", "wasm", "--locked", "--target", wasm];
// Side by side, as the compiler optimises a module on one core.
const compile = ([name, flags]) =>
  run("cargo", [...(toolchain ? [`+${toolchain}`] : []), ...args], { RUSTFLAGS: flags, CARGO_TARGET_DIR: folderOf(name) });
await Promise.all(Object.entries(builds).map(compile));
let glue;
for (const name of Object.keys(builds)) {
  const folder = folderOf(name);
  const made = join(folder, "bindgen");
  rmSync(made, { recursive: true, force: true });
  await run(join(target, "debug", "recurra-bindgen"), [join(folder, wasm, "wasm", "recurra_wasm.wasm"), "recurra", made]);
  const text = readFileSync(join(made, "recurra.js"), "utf8");
  if (glue !== undefined && glue !== text) {
    console.error(`the JavaScript of the build ${name} differs from that of the others`);
    process.exit(1);
  }
  glue = text;
  const module = join(out, `recurra_${name}.wasm`);
  renameSync(join(made, "recurra_bg.wasm"), module);
  cpSync(join(made, "recurra.js"), join(out, "recurra.js"));
  cpSync(join(made, "recurra.d.ts"), join(out, "recurra.d.ts"));
  const bytes = readFileSync(module);
  console.log(`${name}: ${statSync(module).size} bytes, ${gzipSync(bytes, { level: 9 }).length} gzipped`);
}
if (page) await import("../web/build.mjs");
