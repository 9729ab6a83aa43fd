// Runs a Rust test program compiled to WebAssembly: node run.mjs PROGRAM.wasm
//
// Such a program has no console and takes no arguments: it runs all of its tests. One that fails ends it with a trap,
// whose stack names the test.
import { readFile } from "node:fs/promises";

const module = await WebAssembly.compile(await readFile(process.argv[2]));
// No test asks the browser for its clock, but a module wants everything that it names.
const imports = {};
for (const { module: from, name } of WebAssembly.Module.imports(module)) {
  (imports[from] ??= {})[name] = () => {
    throw new Error(`${from}.${name} is not there`);
  };
}
const instance = await WebAssembly.instantiate(module, imports);
const status = instance.exports.main(0, 0);
if (status !== 0) throw new Error(`status ${status}`);
console.log("all tests passed");
