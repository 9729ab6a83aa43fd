// Runs a Rust test program compiled to WebAssembly: node run.mjs PROGRAM.wasm
//
// Such a program has no console and takes no arguments: it runs all of its tests. One that fails ends it with a trap,
// whose stack names the test.
import { readFile } from "node:fs/promises";

const { instance } = await WebAssembly.instantiate(await readFile(process.argv[2]));
const status = instance.exports.main(0, 0);
if (status !== 0) throw new Error(`status ${status}`);
console.log("all tests passed");
