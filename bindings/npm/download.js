// Downloads with progress, a limit and an integrity hash.

const BASE64 = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)));

/** Refuses bytes that do not have this hash, `sha256-…` as in HTML's `integrity`. */
export async function checkIntegrity(bytes, integrity, name) {
  const [, algorithm, expected] = /^(sha256|sha384|sha512)-([A-Za-z0-9+/]+=*)$/.exec(integrity) ?? [];
  if (!algorithm) throw new Error(`integrity: expected sha256-, sha384- or sha512- and base64, found ${integrity}`);
  if (!globalThis.crypto?.subtle) throw new Error("integrity: cannot be checked outside a secure context (https or localhost)");
  const found = BASE64(await crypto.subtle.digest(algorithm.replace("sha", "SHA-"), bytes));
  if (found !== expected) throw new Error(`${name}: expected the hash ${integrity}, found ${algorithm}-${found}`);
}

/**
 * Fetches bytes.
 * @param {string | URL} url
 * @param {{integrity?: string, progress?: (done: number, total: number | null) => void, signal?: AbortSignal, most?: number}} [options]
 */
export async function download(url, { integrity, progress, signal, most = 256 * 2 ** 20 } = {}) {
  const response = await fetch(url, { signal });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
  const length = response.headers.get("content-encoding") ? null : response.headers.get("content-length");
  const total = length === null ? null : Number(length);
  const tooMuch = (found) => new Error(`${url}: expected at most ${most} bytes, found ${found}`);
  if (total > most) throw tooMuch(total);
  const parts = [];
  let done = 0;
  progress?.(0, total);
  for (let reader = response.body.getReader(); ; ) {
    const { value, done: end } = await reader.read();
    if (end) break;
    parts.push(value);
    done += value.length;
    if (done > most) {
      await reader.cancel();
      throw tooMuch("more");
    }
    progress?.(done, total);
  }
  const bytes = new Uint8Array(done);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  if (integrity) await checkIntegrity(bytes, integrity, String(url));
  return bytes;
}
