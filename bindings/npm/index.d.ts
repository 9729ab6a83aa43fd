/** A task, as a model's file names it. */
export type Task =
  | { name: "sudoku"; size: 4 | 6 | 9 | 16 }
  | { name: "maze"; rows: number; cols: number; min_path?: number }
  | { name: "grid"; [field: string]: unknown };

/** How to think: the names and values of the program's flags. */
export interface SolveOptions {
  /** Most improvement steps of one attempt. */
  max_steps?: number;
  /** Before this step no rule but `verified` ends an attempt. */
  min_steps?: number;
  /** What ends an attempt: `verified,halt`, `stable=2`, `plateau`, `residual`, or `none`. */
  stop?: string;
  /** Most seconds for a question, over all attempts. */
  time?: number;
  /** How often to start again while the rules do not hold. */
  restarts?: number;
  /** What is different about a restart: `symmetry`, `start`, `noise=0.5`, or `guess`. */
  restart_by?: string;
  /** Attempts that think in turn on one worker. */
  side_by_side?: number;
  /** Seed of all that is random. */
  seed?: number;
  /** Gives the question up: the promise is rejected with the signal's reason. */
  signal?: AbortSignal;
}

export interface Answer {
  line: number;
  /** The question, in one line. */
  question: string;
  /** The answer, in one line. */
  answer: string;
  /** Whether the task's own rules hold; null: it has none. */
  verified: boolean | null;
  /** Improvement steps, over all attempts. */
  steps: number;
  /** Attempts begun after the first. */
  restarts: number;
  stopped: "verified" | "halt" | "stable" | "plateau" | "residual" | "max_steps" | "time" | "contradiction";
  /** Halting logit. */
  halt: number;
  seconds: number;
  source: string;
}

export interface Step {
  event: "step";
  /** Which attempt, from 0. */
  attempt: number;
  /** Steps of this attempt, from 1. */
  step: number;
  answer: string;
  /** Probability of the likeliest symbol of each place. */
  certainty: number[];
  halt: number;
  verified: boolean | null;
  /** Where `candidates` was asked: the probability of every token at every place, place by place. */
  candidates?: Float32Array;
}

export type Event = { event: "attempt"; attempt: number } | Step | ({ event: "answer" } & Answer);

export interface ModelInfo {
  id: string;
  task: Task;
  precision: "f32" | "bf16" | "q8" | "q4";
  weights: number;
  places: number;
  vocabulary: number;
  cols: number;
  mixer: string;
  max_steps: number;
  flops_per_step: number;
  /** Whether its restarts guess. */
  guesses: boolean;
  provenance: Record<string, unknown>;
}

export interface OpenOptions {
  /** Another task of the kind, for weights that do not depend on the size. */
  task?: Task;
  /** `sha256-…`, as in HTML. Needs a secure context. */
  integrity?: string;
  progress?: (done: number, total: number | null) => void;
  signal?: AbortSignal;
  /** Most bytes of a download [256 MiB]. */
  most?: number;
}

export interface Model {
  readonly info: ModelInfo;
  /** The bytes of its file. */
  readonly bytes: Uint8Array;
  /** `spread`: restarts run on all workers, and the first verified answer ends the others. */
  solve(question: string, options?: SolveOptions & { spread?: boolean }): Promise<Answer>;
  /** What happens while it thinks; the answer comes last. Who stops listening gives the question up. */
  steps(question: string, options?: SolveOptions & { candidates?: boolean }): AsyncGenerator<Event, void, void>;
  /** Answers in the questions' order, from all workers; a bad question gives its error and the others go on. */
  solveMany(
    questions: Iterable<string> | AsyncIterable<string>,
    options?: SolveOptions,
  ): AsyncGenerator<Answer | { question: string; error: string }, void, void>;
  /** Improvement steps done in about so many milliseconds. */
  bench(options?: { milliseconds?: number; signal?: AbortSignal }): Promise<{ steps: number; seconds: number }>;
  dispose(): void;
}

export interface TrainPlan {
  task: Task;
  /** `constraints`, or the task's usual one. */
  mixer?: "constraints";
  hidden?: number;
  l_cycles?: number;
  batch?: number;
  lr?: number;
  warmup?: number;
  ema?: number;
  seed?: number;
  /** Puzzles to practise on [2000]. */
  pool?: number;
  /** One solution in so many is never practised on [5]. */
  held_out?: number;
  /** Held-out puzzles [256]. */
  tests?: number;
}

export type TrainEvent =
  | { event: "trained"; seconds: number; step: number; loss: number; finished: number; exact: number; lr: number }
  | { event: "measured"; seconds: number; step: number; count: number; right: number; exact: number | null };

export interface Trainer {
  readonly info: { task: Task; weights: number; pool: number; tests: number; batch: number; places: number };
  /** For so many seconds or steps; ends early at a held-out share of `until`, or when `signal` is aborted. */
  train(
    options: { seconds?: number; steps?: number; measure?: number; measure_every?: number; until?: number },
    how?: { signal?: AbortSignal; tell?: (event: TrainEvent) => void },
  ): Promise<{ seconds: number; steps: number; exact: number | null; best: number | null; cancelled: boolean }>;
  /** The model as it is. */
  model(): Promise<Model>;
  dispose(): void;
}

export interface HostOptions {
  /** Most workers [as many as cores, at most 8]. */
  workers?: number;
  /** The build to load, instead of the fastest. */
  build?: "relaxed" | "simd" | "scalar";
  /** Most bytes that a worker may use; beyond it calls fail with a message. */
  maxMemory?: number;
  /** Where the files lie, if not beside this one. */
  workerUrl?: string | URL;
  wasmUrls?: Partial<Record<"relaxed" | "simd" | "scalar", string | URL>>;
}

/** Workers that come when they are needed. */
export class Recurra {
  constructor(options?: HostOptions);
  readonly workers: number;
  /** The build that was loaded, after the first call. */
  readonly build?: "relaxed" | "simd" | "scalar";
  openModel(source: string | URL | ArrayBuffer | ArrayBufferView, options?: OpenOptions): Promise<Model>;
  openTrainer(plan: TrainPlan): Promise<Trainer>;
  generate(task: Task, options?: { seed?: number; number?: number; givens?: number }): Promise<{ question: string; answer: string }>;
  /** Reads a puzzle in any form; refuses one without exactly one solution. */
  read(task: Task, text: string): Promise<{ question: string; tokens: number[] }>;
  check(task: Task, question: string, answer: string): Promise<{ verified: boolean | null; objection: string | null }>;
  memory(): Promise<{ module: number; live: number; most: number; allocations: number }[]>;
  dispose(): void;
}

export function openModel(source: string | URL | ArrayBuffer | ArrayBufferView, options?: OpenOptions): Promise<Model>;
export function openTrainer(plan: TrainPlan): Promise<Trainer>;
export const generate: Recurra["generate"];
export const read: Recurra["read"];
export const check: Recurra["check"];
/** Builds that this engine can load, the fastest first. */
export function available(): ("relaxed" | "simd" | "scalar")[];
export function download(url: string | URL, options?: Omit<OpenOptions, "task">): Promise<Uint8Array>;
