// The kinds of puzzles: what a cell may hold and how a text becomes cells. A puzzle is its task's one line.

const SYMBOLS = "123456789ABCDEFG";

function sudoku(size) {
  const [rows, cols] = { 4: [2, 2], 6: [2, 3], 9: [3, 3], 16: [4, 4] }[size];
  return {
    id: `sudoku${size}`,
    name: `${size}×${size}`,
    words: `Sudoku of ${size}×${size}`,
    task: { name: "sudoku", size },
    size,
    blank: ".",
    symbols: [...SYMBOLS.slice(0, size)],
    box: { rows, cols },
    // Tokens: 0 outside, 1 blank, then the digits.
    token: (symbol) => SYMBOLS.indexOf(symbol) + 2,
    // Enough to be easy to follow, and few enough to be worth a thought.
    givens: { 4: 6, 6: 14, 9: 26, 16: 140 }[size],
    empty: ".".repeat(size * size),
  };
}

function maze(size) {
  const empty = [..." ".repeat(size * size)];
  empty[0] = "S";
  empty[size * size - 1] = "G";
  return {
    id: "maze",
    name: "Maze",
    words: `maze of ${size}×${size}`,
    task: { name: "maze", rows: size, cols: size, min_path: 30 },
    size,
    blank: " ",
    symbols: ["#", " ", "S", "G"],
    empty: empty.join(""),
    isMaze: true,
  };
}

export const KINDS = [sudoku(4), sudoku(6), sudoku(9), sudoku(16), maze(15)];

/** The kind of a puzzle in one line or drawn over lines, by its cells; none where no kind has so many. */
export function kindOf(text, kinds) {
  if (/[SG#]/.test(text) && /[#]/.test(text)) return kinds.find((kind) => kind.isMaze);
  const cells = text.replace(/[\s|+\-]/g, "").length;
  return kinds.find((kind) => !kind.isMaze && kind.size ** 2 === cells);
}

/** Cells of a Sudoku that clash with another. */
export function clashes(kind, cells) {
  const bad = new Set();
  if (kind.isMaze) return bad;
  const { size, box } = kind;
  const groups = new Map();
  cells.forEach((symbol, i) => {
    if (symbol === kind.blank) return;
    const [row, col] = [Math.floor(i / size), i % size];
    const inBox = Math.floor(row / box.rows) * (size / box.cols) + Math.floor(col / box.cols);
    for (const group of [`r${row}`, `c${col}`, `b${inBox}`]) {
      const key = group + symbol;
      if (groups.has(key)) bad.add(i).add(groups.get(key));
      else groups.set(key, i);
    }
  });
  return bad;
}
