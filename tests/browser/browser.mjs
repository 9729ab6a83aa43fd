// The browser of the tests: Chromium as the system has it.
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const require = createRequire(new URL("../../bindings/package.json", import.meta.url));
export const { chromium } = require("playwright-core");
export const axe = require("axe-core").source;

export async function open(options = {}) {
  const data = mkdtempSync(join(tmpdir(), "recurra-browser-"));
  const context = await chromium.launchPersistentContext(data, {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync"],
    ...options,
  });
  return {
    context,
    close: async () => {
      await context.close();
      rmSync(data, { recursive: true, force: true });
    },
  };
}
