// Static files on a free port, as a plain web server gives them: a strict policy, and no cross-origin isolation.
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";

const TYPES = {
  ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml",
  ".json": "application/json", ".webmanifest": "application/manifest+json", ".wasm": "application/wasm", ".woff2": "font/woff2",
};

/** `alter` may change what is sent: it takes the file's path and bytes. */
export async function serve(folder, { alter = (_, bytes) => bytes, policy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' data:" } = {}) {
  const server = createServer(async (request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url, "http://host").pathname));
    const file = join(folder, path.endsWith("/") ? join(path, "index.html") : path);
    try {
      const bytes = alter(file, await readFile(file));
      response.writeHead(200, {
        "content-type": TYPES[extname(file)] ?? "application/octet-stream",
        "content-length": bytes.length,
        "cache-control": "no-cache",
        "content-security-policy": policy,
      });
      response.end(bytes);
    } catch {
      response.writeHead(404).end("not found");
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    // Also what is under way, so that it looks as if the network were gone.
    close: () => new Promise((resolve) => (server.close(resolve), server.closeAllConnections())),
  };
}
