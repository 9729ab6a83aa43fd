// Keeps the page for when there is no network. FILES and VERSION are filled in when the page is built.
const VERSION = "dev";
const FILES = [];
const CACHE = `recurra-${VERSION}`;

addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(CACHE)
      .then((cache) => cache.addAll(FILES.map((file) => new Request(file, { cache: "no-cache" }))))
      .then(() => skipWaiting()),
  );
});

addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((name) => name.startsWith("recurra-") && name !== CACHE).map((name) => caches.delete(name))))
      .then(() => clients.claim()),
  );
});

addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || new URL(request.url).origin !== location.origin) return;
  event.respondWith(
    caches.open(CACHE).then(async (cache) => {
      const known = await cache.match(request, { ignoreSearch: true });
      if (known) return known;
      const response = await fetch(request);
      // Models are kept when they are first used.
      if (response.ok && new URL(request.url).pathname.includes("/models/")) await cache.put(request, response.clone());
      return response;
    }),
  );
});
