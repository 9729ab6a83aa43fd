// Puts the page together in web/dist: node bindings/build.mjs --page. Static files, to be served from anywhere.
//
// Models are those of models/ that are named below, in f32 and, by `recurra quantize`, in 8 and 4 bits.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(here);
const out = join(here, "dist");
const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");

/** Which models answer which puzzles: the first that is there for each kind. */
const WANTED = [
  { file: "sudoku", kinds: ["sudoku4", "sudoku6", "sudoku9", "sudoku16"] },
  { file: "sudoku4", kinds: ["sudoku4"] },
  { file: "sudoku6", kinds: ["sudoku6"] },
  { file: "sudoku9", kinds: ["sudoku9"] },
  { file: "maze15", kinds: ["maze"] },
];

rmSync(out, { recursive: true, force: true });
for (const file of ["index.html", "style.css", "icon.svg", "site.webmanifest", "app"]) cpSync(join(here, file), join(out, file), { recursive: true });
const npm = join(root, "bindings", "npm");
for (const file of ["index.js", "api.js", "download.js", "engine.js", "serve.js", "worker.js"]) cpSync(join(npm, file), join(out, "recurra", file));
cpSync(join(npm, "wasm"), join(out, "recurra", "wasm"), { recursive: true, filter: (from) => !from.endsWith(".d.ts") });
const font = join(root, "bindings", "node_modules", "@fontsource-variable", "recursive");
mkdirSync(join(out, "fonts"));
cpSync(join(font, "files", "recursive-latin-casl-normal.woff2"), join(out, "fonts", "recursive.woff2"));
cpSync(join(font, "LICENSE"), join(out, "fonts", "LICENSE"));

const program = join(target, "release", "recurra");
const built = spawnSync("cargo", ["build", "--release", "--locked", "-p", "recurra-cli"], { cwd: root, stdio: "inherit" });
if (built.status !== 0) process.exit(1);
mkdirSync(join(out, "models"));
const manifest = [];
const taken = new Set();
for (const { file, kinds } of WANTED) {
  const source = join(root, "models", `${file}.safetensors`);
  const own = kinds.filter((kind) => !taken.has(kind));
  if (!existsSync(source) || !own.length) continue;
  own.forEach((kind) => taken.add(kind));
  for (const precision of ["f32", "q8", "q4"]) {
    const name = precision === "f32" ? `${file}.safetensors` : `${file}.${precision}.safetensors`;
    const to = join(out, "models", name);
    if (precision === "f32") cpSync(source, to);
    else if (spawnSync(program, ["quantize", source, "--to", precision, "-o", to], { cwd: root, stdio: ["ignore", "ignore", "inherit"] }).status !== 0) process.exit(1);
    const bytes = readFileSync(to);
    const info = JSON.parse(spawnSync(program, ["info", to, "--json"], { encoding: "utf8" }).stdout);
    manifest.push({
      file: name,
      kinds: own,
      precision,
      bytes: bytes.length,
      weights: info.weights,
      task: info.task,
      integrity: `sha256-${createHash("sha256").update(bytes).digest("base64")}`,
    });
  }
}
writeFileSync(join(out, "models", "models.json"), JSON.stringify(manifest, null, 1));

// What works offline without having been used: everything but other builds of the engine and fewer bits.
const files = [];
(function walk(folder) {
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) walk(path);
    else files.push(relative(out, path).replaceAll("\\", "/"));
  }
})(out);
const kept = files.filter((file) => !/\.q[48]\.safetensors$|LICENSE$/.test(file));
const hash = createHash("sha256");
for (const file of kept) hash.update(file).update(readFileSync(join(out, file)));
const version = hash.digest("hex").slice(0, 12);
const worker = readFileSync(join(here, "sw.js"), "utf8")
  .replace('VERSION = "dev"', `VERSION = "${version}"`)
  .replace("FILES = []", `FILES = ${JSON.stringify(["./", ...kept.filter((file) => file !== "index.html")])}`);
writeFileSync(join(out, "sw.js"), worker);

// What a visitor downloads before the first answer.
const smallest = manifest.filter((entry) => entry.precision === "f32").sort((a, b) => a.bytes - b.bytes)[0];
const first = [...files.filter((file) => !/^models\/|wasm\/.*\.wasm$|LICENSE$/.test(file)), "recurra/wasm/recurra_simd.wasm", `models/${smallest.file}`];
const sizes = first.map((file) => readFileSync(join(out, file))).map((bytes) => [bytes.length, gzipSync(bytes, { level: 9 }).length]);
const sum = (i) => sizes.reduce((total, size) => total + size[i], 0);
console.log(`web/dist: ${files.length} files; with its smallest model ${sum(0)} bytes, ${sum(1)} gzipped`);
