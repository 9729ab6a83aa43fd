// A puzzle in the address: #sudoku9=53..7…, so that a link opens it. Nothing of it is sent to a server.

export function toHash(kind, puzzle) {
  return `#${kind.id}=${encodeURIComponent(puzzle.replaceAll(" ", "_")).replaceAll("%23", "w")}`;
}

export function fromHash(hash, kinds) {
  const [, id, text] = /^#([a-z0-9]+)=(.+)$/.exec(hash) ?? [];
  const kind = kinds.find((kind) => kind.id === id);
  if (!kind) return null;
  let puzzle;
  try {
    puzzle = decodeURIComponent(text);
  } catch {
    return null;
  }
  if (kind.isMaze) puzzle = puzzle.replaceAll("w", "#").replaceAll("_", " ");
  const known = [...puzzle].every((symbol) => symbol === kind.blank || kind.symbols.includes(symbol));
  return known && puzzle.length === kind.size ** 2 ? { kind, puzzle } : null;
}
