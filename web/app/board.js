// The grid on the screen: draws a puzzle and what the network makes of it, and takes the keyboard and the pointer.

const SIGN = 0.03;

export class Board {
  #kind;
  #cells = [];
  #here = 0;
  #grid;
  #painting = null;

  /** @param {HTMLElement} host @param {{edit: (cell: number, symbol: string, more: boolean) => void}} on */
  constructor(host, on) {
    this.host = host;
    this.on = on;
    this.tool = "#";
    addEventListener("pointerup", () => (this.#painting = null));
    host.addEventListener("keydown", (event) => this.#key(event));
    host.addEventListener("pointerdown", (event) => this.#down(event));
    host.addEventListener("pointerover", (event) => this.#over(event));
    host.addEventListener("focusin", (event) => this.#focus(event.target));
  }

  /** Builds the cells of a kind. */
  build(kind) {
    this.#kind = kind;
    this.#here = 0;
    const { size } = kind;
    const grid = document.createElement("div");
    grid.className = kind.isMaze ? "grid maze" : "grid";
    grid.setAttribute("role", "grid");
    grid.setAttribute("aria-label", kind.words);
    grid.style.setProperty("--n", size);
    grid.style.gridTemplate = `repeat(${size}, minmax(0, 1fr)) / repeat(${size}, minmax(0, 1fr))`;
    this.#cells = [];
    for (let r = 0; r < size; r++) {
      const row = document.createElement("div");
      row.className = "row";
      row.setAttribute("role", "row");
      for (let c = 0; c < size; c++) {
        const cell = document.createElement("div");
        cell.className = "cell";
        cell.setAttribute("role", "gridcell");
        cell.tabIndex = r + c === 0 ? 0 : -1;
        cell.dataset.i = r * size + c;
        if (kind.box) {
          if ((c + 1) % kind.box.cols === 0 && c + 1 < size) cell.classList.add("right");
          if ((r + 1) % kind.box.rows === 0 && r + 1 < size) cell.classList.add("below");
        }
        row.append(cell);
        this.#cells.push(cell);
      }
      grid.append(row);
    }
    this.#grid = grid;
    this.host.replaceChildren(grid);
  }

  get here() {
    return this.#here;
  }

  /** Draws a puzzle, and over it a step: `{cells, certainty, candidates}`. */
  draw(cells, { step, bad = new Set(), proven = false } = {}) {
    const kind = this.#kind;
    this.#grid.classList.toggle("proven", proven);
    const vocabulary = step?.candidates ? step.candidates.length / cells.length : 0;
    cells.forEach((symbol, i) => {
      const cell = this.#cells[i];
      const where = `row ${Math.floor(i / kind.size) + 1}, column ${(i % kind.size) + 1}`;
      const said = step ? step.cells[i] : undefined;
      const sure = step ? step.certainty[i] : 0;
      cell.classList.toggle("clash", bad.has(i));
      if (kind.isMaze) {
        cell.classList.toggle("wall", symbol === "#");
        cell.classList.toggle("end", symbol === "S" || symbol === "G");
        const names = { "#": "wall", " ": "free", S: "start", G: "goal" };
        const way = symbol === " " && said === "o";
        cell.setAttribute("aria-label", `${where}, ${way ? `way, ${percent(sure)} sure` : names[symbol]}`);
        if (symbol === "S" || symbol === "G") cell.replaceChildren(span("", symbol));
        else if (symbol === " " && step) {
          // The probability of the way, whatever is likeliest.
          const p = vocabulary ? step.candidates[i * vocabulary + 5] : way ? sure : 0;
          const trail = keep(cell, "trail");
          trail.style.setProperty("--sure", p < SIGN ? 0 : p);
        } else cell.replaceChildren();
        return;
      }
      if (symbol !== kind.blank) {
        cell.setAttribute("aria-label", `${where}, given ${symbol}${bad.has(i) ? ", clashes" : ""}`);
        cell.replaceChildren(symbol);
      } else if (!step) {
        cell.setAttribute("aria-label", `${where}, empty`);
        cell.replaceChildren();
      } else if (proven || sure >= 0.6 || !vocabulary) {
        // What is proven stands there, however unsure the network was.
        const digit = said && kind.symbols.includes(said) ? said : "";
        cell.setAttribute("aria-label", `${where}, the network says ${digit || "nothing"}, ${percent(sure)} sure`);
        const shown = keep(cell, "said");
        shown.textContent = digit;
        shown.style.setProperty("--sure", sure);
      } else {
        const odds = kind.symbols.map((s) => [s, step.candidates[i * vocabulary + kind.token(s)]]);
        const likely = odds.filter(([, p]) => p >= 0.1).map(([s]) => s);
        cell.setAttribute("aria-label", `${where}, undecided between ${likely.join(" and ") || "many"}`);
        const maybe = keep(cell, "maybe");
        const k = Math.ceil(Math.sqrt(kind.size));
        maybe.style.setProperty("--k", k);
        if (maybe.childElementCount !== odds.length) maybe.replaceChildren(...odds.map(([s]) => span("", s)));
        odds.forEach(([, p], at) => maybe.children[at].style.setProperty("--p", p < SIGN ? 0 : Math.min(1, 0.15 + p)));
      }
    });
  }

  focus(i = this.#here) {
    this.#cells[i]?.focus();
  }

  #focus(target) {
    const cell = target.closest?.(".cell");
    if (!cell) return;
    this.#cells[this.#here].tabIndex = -1;
    this.#here = Number(cell.dataset.i);
    cell.tabIndex = 0;
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { size, symbols, blank, isMaze } = this.#kind;
    const [row, col] = [Math.floor(this.#here / size), this.#here % size];
    const to = {
      ArrowLeft: [row, col - 1], ArrowRight: [row, col + 1], ArrowUp: [row - 1, col], ArrowDown: [row + 1, col],
      Home: [row, 0], End: [row, size - 1], PageUp: [0, col], PageDown: [size - 1, col],
    }[event.key];
    const symbol = event.key.toUpperCase();
    if (to) {
      const [r, c] = to.map((at) => Math.min(size - 1, Math.max(0, at)));
      this.focus(r * size + c);
    } else if (["Backspace", "Delete", "0", "."].includes(event.key) || (!isMaze && event.key === " ")) {
      this.on.edit(this.#here, blank, false);
    } else if (isMaze && (event.key === " " || event.key === "Enter")) {
      this.on.edit(this.#here, "toggle", false);
    } else if (symbols.includes(symbol)) {
      this.on.edit(this.#here, symbol, false);
    } else return;
    event.preventDefault();
  }

  #down(event) {
    const cell = event.target.closest(".cell");
    if (!cell || event.button > 0) return;
    cell.focus();
    if (!this.#kind.isMaze) return;
    event.preventDefault();
    cell.focus();
    // A finger is captured by where it came down, and others would not see it pass.
    if (cell.hasPointerCapture?.(event.pointerId)) cell.releasePointerCapture(event.pointerId);
    this.#painting = this.on.edit(Number(cell.dataset.i), this.tool, false);
  }

  #over(event) {
    if (this.#painting === null || !event.buttons) return;
    const cell = event.target.closest(".cell");
    if (cell) this.on.edit(Number(cell.dataset.i), this.#painting, true);
  }
}

const percent = (share) => `${Math.round(100 * share)} %`;

function span(name, text) {
  const made = document.createElement("span");
  made.className = name;
  made.textContent = text;
  return made;
}

/** The cell's child of this class, which stays from step to step so that it can fade. */
function keep(cell, name) {
  const child = cell.firstElementChild;
  if (child?.className === name && cell.childNodes.length === 1) return child;
  const made = span(name, "");
  cell.replaceChildren(made);
  return made;
}
