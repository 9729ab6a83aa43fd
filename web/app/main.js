// The first screen, and what holds the page together.
import { Board } from "./board.js";
import { choice } from "./choice.js";
import { History } from "./history.js";
import { KINDS, clashes, kindOf } from "./kinds.js";
import { engine, entryFor, isOwn, modelFor, models, useOwn } from "./models.js";
import { plot } from "./plot.js";
import { fromHash, toHash } from "./share.js";
import { speed } from "./speed.js";
import { teach } from "./teach.js";

const $ = (id) => document.getElementById(id);
const still = matchMedia("(prefers-reduced-motion: reduce)");

/** Puzzles to begin with, so that the first click shows something. */
const FIRST = {
  sudoku4: "1.....3..2.....4",
  sudoku9: ".1.....832.3.8.......1.2.....47.........634....8....1....9..6...2..16..83....4..5",
};

let kinds = [];
let kind;
let history;
let precision = "f32";
let thought = null; // { steps, answer, at }
let running = null;
let number = Math.floor(Math.random() * 1e9);

const board = new Board($("board"), { edit });

function toast(text) {
  $("toast").textContent = text;
  $("toast").classList.add("shown");
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => $("toast").classList.remove("shown"), 2500);
}

/** Says how it stands; a seal for what is proven. */
function verdict(parts, { seal = false, bad = false } = {}) {
  const host = $("verdict");
  host.classList.toggle("bad", bad);
  const nodes = [];
  if (seal) {
    const sign = document.createElement("span");
    sign.className = "seal";
    sign.innerHTML = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="m5 13 4.5 4.5L19 7"/></svg>';
    nodes.push(sign);
  }
  const words = document.createElement("span");
  words.append(...[parts].flat());
  host.replaceChildren(...nodes, words);
}

function strong(text) {
  const node = document.createElement("strong");
  node.textContent = text;
  return node;
}

function drawBoard() {
  const cells = [...history.state];
  const step = thought?.steps[thought.at];
  const last = thought && thought.at === thought.steps.length - 1;
  board.draw(cells, {
    step: step && { cells: [...step.answer], certainty: step.certainty, candidates: step.candidates },
    bad: clashes(kind, cells),
    proven: Boolean(last && thought.answer?.verified),
  });
  $("undo").disabled = !history.canUndo;
  $("redo").disabled = !history.canRedo;
}

function drawMind() {
  $("mind").hidden = !thought?.steps.length;
  if ($("mind").hidden) return;
  const { steps, at } = thought;
  const lines = [];
  steps.forEach((step, i) => {
    if (i === 0 || step.attempt !== steps[i - 1].attempt) lines.push([]);
    lines.at(-1).push([i + 1, step.halt]);
  });
  const halts = steps.map((step) => step.halt);
  const [low, high] = [Math.min(-2, ...halts), Math.max(2, ...halts)];
  plot($("plot"), {
    lines,
    x: [1, Math.max(4, steps.length)],
    y: [low, high],
    rules: [{ y: 0, text: "more likely than not" }],
    mark: [at + 1, steps[at].halt],
    label: `Halting logit by step: ${halts.slice(0, 64).map((halt) => halt.toFixed(1)).join(", ")}`,
  });
  $("halt-now").textContent = `halting logit ${steps[at].halt.toFixed(1)}`;
  $("scrub").max = steps.length;
  $("scrub").value = at + 1;
  const attempts = steps.at(-1).attempt > 0 ? `, attempt ${steps[at].attempt + 1}` : "";
  $("step-name").textContent = `Step ${steps[at].step}${attempts}`;
}

function forget() {
  running?.abort();
  thought = null;
  $("mind").hidden = true;
}

function changed() {
  drawBoard();
  window.history.replaceState(null, "", toHash(kind, history.state));
}

/** Puts a symbol into a cell; in a maze, what was put, for who goes on drawing. */
function edit(cell, symbol, joined) {
  const cells = [...history.state];
  if (symbol === "toggle") symbol = cells[cell] === "#" ? " " : "#";
  if (kind.isMaze) {
    if (symbol === "#" && !joined && cells[cell] === "#") symbol = " ";
    // There is one start and one goal.
    if ("SG".includes(cells[cell])) return null;
    if ("SG".includes(symbol)) cells[cells.indexOf(symbol)] = " ";
  }
  cells[cell] = symbol;
  forget();
  history.put(cells.join(""), joined);
  verdict("");
  changed();
  return "SG".includes(symbol) ? null : symbol;
}

function load(puzzle, joined) {
  forget();
  history.put(puzzle, joined);
  verdict("");
  changed();
}

function drawPad() {
  const names = { "#": "Wall", " ": "Free", S: "Start", G: "Goal" };
  const buttons = kind.symbols.map((symbol) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = kind.isMaze ? names[symbol] : symbol;
    if (kind.isMaze) button.setAttribute("aria-pressed", String(symbol === board.tool));
    button.addEventListener("click", () => {
      if (!kind.isMaze) {
        edit(board.here, symbol, false);
        return;
      }
      board.tool = symbol;
      for (const other of $("pad").children) other.setAttribute("aria-pressed", String(other === button));
    });
    return button;
  });
  if (!kind.isMaze) {
    const erase = document.createElement("button");
    erase.type = "button";
    erase.textContent = "⌫";
    erase.setAttribute("aria-label", "Empty the cell");
    erase.addEventListener("click", () => edit(board.here, kind.blank, false));
    buttons.push(erase);
  }
  const pad = $("pad");
  pad.replaceChildren(...buttons);
  pad.toggleAttribute("data-words", Boolean(kind.isMaze));
  pad.style.setProperty("--keys", buttons.length > 12 ? Math.ceil(buttons.length / 2) : buttons.length);
}

let setKind = () => {};

async function show(next, puzzle) {
  forget();
  kind = next;
  setKind(kind.id);
  board.tool = "#";
  board.build(kind);
  drawPad();
  history = new History(puzzle ?? FIRST[kind.id] ?? kind.empty);
  verdict("");
  drawBoard();
  await about();
  if (!puzzle && !FIRST[kind.id]) await fresh(true);
  else changed();
}

async function about() {
  const own = isOwn(kind);
  const entry = await entryFor(kind, precision);
  const words = own ? "The model that you have taught" : `A network of ${entry.weights.toLocaleString("en")} weights, ${Math.round(entry.bytes / 1024)} KB`;
  $("about").textContent = `${words}. It looks at the whole puzzle, improves its answer, and looks again.`;
}

async function fresh(quiet = false) {
  const of = kind;
  $("new").disabled = true;
  try {
    const made = await engine.generate(of.task, { seed: number++, number: 0, givens: of.givens });
    if (kind === of) load(made.question, quiet);
  } catch (error) {
    verdict(error.message, { bad: true });
  } finally {
    $("new").disabled = false;
  }
}

const pace = () => (still.matches ? 0 : Number($("pace").value) * 100);
const wait = (milliseconds, signal) =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });

async function think() {
  if (running) return running.abort();
  const mine = (running = new AbortController());
  const { signal } = mine;
  thought = { steps: [], answer: null, at: 0 };
  const mind = thought;
  $("go").textContent = "Stop";
  try {
    verdict("Fetching the model …");
    const model = await modelFor(kind, precision, (done, total) => {
      if (total) verdict(`Fetching the model: ${Math.round((100 * done) / total)} %`);
    });
    if (signal.aborted) throw signal.reason;
    verdict("Thinking …");
    const options = { max_steps: Number($("max-steps").value), restarts: Number($("restarts").value), candidates: true, signal };
    for await (const event of model.steps(history.state, options)) {
      if (event.event === "answer") {
        mind.answer = event;
      } else if (event.event === "step") {
        const follow = mind.at >= mind.steps.length - 1;
        mind.steps.push(event);
        if (follow) {
          mind.at = mind.steps.length - 1;
          drawBoard();
          drawMind();
        }
        // After the first attempt the eye has seen how it goes.
        await wait(event.attempt === 0 ? pace() : pace() / 4, signal);
        if (signal.aborted) break;
      }
    }
    if (signal.aborted) throw signal.reason;
    settle(mind);
  } catch (error) {
    if (thought !== mind) return;
    if (signal.aborted) verdict("Stopped.");
    else {
      thought = null;
      verdict(error.message, { bad: true });
    }
    drawBoard();
    drawMind();
  } finally {
    if (running === mine) {
      running = null;
      $("go").textContent = "Think";
    }
  }
}

/** The end: what the answer is worth. */
function settle(mind) {
  const { answer } = mind;
  // The best attempt is not always the last.
  const found = mind.steps.findLastIndex((step) => step.answer === answer.answer);
  mind.at = found < 0 ? mind.steps.length - 1 : found;
  drawBoard();
  drawMind();
  const steps = `${answer.steps} ${answer.steps === 1 ? "step" : "steps"}`;
  const restarts = answer.restarts ? `, ${answer.restarts} ${answer.restarts === 1 ? "restart" : "restarts"}` : "";
  const time = answer.seconds < 1 ? `${Math.max(1, Math.round(1000 * answer.seconds))} ms` : `${answer.seconds.toFixed(1)} s`;
  if (answer.verified) {
    const what = kind.isMaze ? "the way is valid, and none is shorter" : "it keeps every rule, and no other answer can";
    verdict([strong("Proven"), `: ${what}. ${steps}${restarts}, ${time}.`], { seal: true });
  } else if (answer.verified === false) {
    verdict([strong("Not solved"), `: the best of ${steps}${restarts} breaks a rule. More restarts may help.`]);
  } else verdict([strong("Answered"), `, unchecked. ${steps}, ${time}.`]);
}

function slider(id, text) {
  const input = $(id);
  const say = () => ($(`${id}-out`).textContent = text(Number(input.value)));
  input.addEventListener("input", say);
  say();
}

async function begin() {
  slider("max-steps", String);
  slider("restarts", String);
  slider("pace", (value) => (value ? `${(value / 10).toFixed(1)} s a step` : "at once"));
  const list = await models();
  kinds = KINDS.filter((kind) => list.some((entry) => entry.kinds.includes(kind.id)));
  const pick = (id) => show(kinds.find((kind) => kind.id === id));
  setKind = choice($("kinds"), kinds, "", pick);
  const has = ["f32", "q8", "q4"].filter((p) => list.some((entry) => entry.precision === p));
  choice($("precision"), has.map((id) => ({ id, name: id })), precision, (id) => {
    precision = id;
    useOwn(kind, null);
    about();
  });
  $("go").addEventListener("click", think);
  $("new").addEventListener("click", () => fresh());
  $("clear").addEventListener("click", () => load(kind.empty));
  const move = (what) => () => {
    forget();
    history[what]();
    verdict("");
    changed();
  };
  $("undo").addEventListener("click", move("undo"));
  $("redo").addEventListener("click", move("redo"));
  $("scrub").addEventListener("input", () => {
    thought.at = Number($("scrub").value) - 1;
    drawBoard();
    drawMind();
  });
  $("share").addEventListener("click", async () => {
    const link = new URL(toHash(kind, history.state), location.href).href;
    try {
      await navigator.clipboard.writeText(link);
      toast("The link is copied.");
    } catch {
      toast("The link is in the address bar.");
    }
  });
  addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.target.matches("input")) return;
    const key = event.key.toLowerCase();
    if (key === "z") $(event.shiftKey ? "redo" : "undo").click();
    else if (key === "y") $("redo").click();
    else return;
    event.preventDefault();
  });
  addEventListener("paste", async (event) => {
    const text = event.clipboardData.getData("text").trim();
    if (!text) return;
    event.preventDefault();
    const found = kindOf(text, kinds);
    if (!found) return verdict(`Pasted: expected the ${kinds.filter((k) => k.size && !k.isMaze).map((k) => k.size ** 2).join(", ")} cells of a puzzle, found ${text.replace(/\s/g, "").length}.`, { bad: true });
    try {
      const { question } = await engine.read(found.task, text);
      if (found !== kind) await show(found, question);
      else load(question);
    } catch (error) {
      verdict(`Pasted: ${error.message}`, { bad: true });
    }
  });
  addEventListener("hashchange", () => {
    const there = fromHash(location.hash, kinds);
    if (there && (there.kind !== kind || there.puzzle !== history.state)) show(there.kind, there.puzzle);
  });
  addEventListener("resize", () => drawMind());
  const there = fromHash(location.hash, kinds);
  await show(there?.kind ?? kinds.find((kind) => kind.id === "sudoku9") ?? kinds[0], there?.puzzle);
  // So that the first answer comes at once.
  modelFor(kind, precision).catch(() => {});
  teach({
    show: (kind) => {
      show(kind);
      $("think").scrollIntoView();
    },
  });
  speed();
  document.documentElement.dataset.ready = "true";
}

function keepOffline() {
  if (!("serviceWorker" in navigator) || !isSecureContext) return;
  navigator.serviceWorker.register("sw.js").catch(() => {});
  navigator.serviceWorker.ready.then(() => ($("offline").textContent = "This page works offline."));
  addEventListener("beforeinstallprompt", (event) => {
    event.preventDefault();
    $("install").hidden = false;
    $("install").addEventListener("click", () => event.prompt(), { once: true });
  });
}

begin().catch((error) => verdict(`This page could not start: ${error.message}`, { bad: true }));
keepOffline();
