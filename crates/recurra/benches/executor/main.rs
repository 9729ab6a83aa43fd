//! What it gains that a sample that is done leaves at once, that workers share nothing, and that short questions go
//! first.
//!
//! `cargo bench -p recurra --bench executor -- [batches] [workers] [replay] [PUZZLES] [ROUNDS] [MODEL]` prints the tables
//! asked for, or all three, from generated puzzles of the model's size; the model is `models/sudoku6.safetensors` where
//! no path is given. Contenders take turns in each round; the ratios are those of one round, and what is printed is
//! their median. The last table is a replay in virtual time, with no clock in it: same model, same table.

mod replay;
mod think;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use recurra::engine::PackedModel;
use recurra::executor::{Cancelled, ExecutorConfig, Job, Order, ParallelTrmExecutor, Schedule};
use recurra::kernels::Isa;
use recurra::model::TrmModel;
use recurra::tasks::TaskSpec;
use recurra::tasks::sudoku::{Generator, Sudoku};
use std::sync::Arc;
use std::time::Instant;
use think::{Done, Group, MOST_STEPS, Mode, Question, Thought};

/// Samples in a fixed batch.
const BATCH: usize = 32;

fn main() {
    // `cargo bench` adds an argument of its own.
    let args = std::env::args().skip(1).filter(|a| !a.starts_with("--"));
    let (mut parts, mut numbers, mut path) = (Vec::new(), Vec::new(), None);
    for arg in args {
        match arg.parse::<usize>() {
            Ok(number) => numbers.push(number),
            Err(_) if ["batches", "workers", "replay"].contains(&&*arg) => parts.push(arg),
            Err(_) => path = Some(arg),
        }
    }
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|p| p == part);
    let puzzles = numbers.first().copied().unwrap_or(320);
    let rounds = numbers.get(1).copied().unwrap_or(5);
    let shipped = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../models/sudoku6.safetensors"
    );
    let model = TrmModel::open(path.as_deref().unwrap_or(shipped)).expect("a model file");
    let Some(TaskSpec::Sudoku { size }) = model.header.task else {
        panic!("expected a model of Sudoku");
    };
    let sudoku = Sudoku::new(size).expect("a size of Sudoku");
    let weights = PackedModel::new(Isa::detect(), model.config(), &model.weights);
    let weights = Arc::new(weights);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);

    let generator = Generator::new(sudoku, None, 99).expect("minimal puzzles of any size");
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let questions: Vec<Question> = (0..puzzles as u64)
        .map(|n| generator.puzzle(n).expect("a minimal puzzle"))
        .map(|puzzle| Question::new(puzzle, geometric(&mut rng)))
        .collect();

    println!(
        "{} minimal {size}x{size} puzzles, at most {MOST_STEPS} steps, {}, {threads} threads, {rounds} rounds",
        questions.len(),
        Isa::detect().name(),
    );
    let bench = Bench {
        weights,
        questions,
        rounds,
    };
    if wanted("batches") {
        println!("\nRe-packing against fixed batches of {BATCH}");
        bench.batches("until verified", Done::Verified, threads);
        bench.batches("geometric lengths", Done::AsGiven, threads);
    }
    if wanted("workers") {
        println!("\nWorkers, geometric lengths");
        bench.workers();
    }
    if wanted("replay") {
        println!("\nWaits in steps; 2 workers, 80 % load");
        replay::tables(&bench.lengths(threads));
    }
}

/// Steps of a made-up question: each step is the last with probability 1/3; mean 3, the longest cut at the limit.
fn geometric(rng: &mut ChaCha8Rng) -> usize {
    let mut steps = 1;
    while steps < MOST_STEPS && rng.random::<f64>() > 1.0 / 3.0 {
        steps += 1;
    }
    steps
}

struct Bench {
    weights: Arc<PackedModel>,
    questions: Vec<Question>,
    rounds: usize,
}

/// What one way of working through all questions took.
struct Run {
    seconds: f64,
    thoughts: Vec<Thought>,
}

impl Run {
    fn steps(&self) -> usize {
        self.thoughts.iter().map(|t| t.steps).sum()
    }

    fn right(&self) -> usize {
        self.thoughts.iter().filter(|t| t.right).count()
    }
}

impl Bench {
    fn run(&self, mode: Mode, done: Done, workers: usize) -> Run {
        let size = match mode {
            Mode::Repacked => 1,
            Mode::UntilTheLast | Mode::AllSteps => BATCH,
        };
        let config = ExecutorConfig {
            workers,
            bound: 32 * workers.max(1),
            schedule: Schedule::Fifo,
        };
        let groups = self.questions.chunks(size).map(|questions| Group {
            weights: &self.weights,
            questions,
            mode,
            done,
        });
        let started = Instant::now();
        let thoughts = ParallelTrmExecutor::scoped(config, |executor| {
            let outcomes = executor.stream(groups, Order::Input);
            let thoughts = outcomes.flat_map(|(_, outcome)| outcome.expect("no job fails"));
            thoughts.collect()
        });
        Run {
            seconds: started.elapsed().as_secs_f64(),
            thoughts,
        }
    }

    fn batches(&self, title: &str, done: Done, threads: usize) {
        let modes = [Mode::Repacked, Mode::UntilTheLast, Mode::AllSteps];
        let (mut rates, mut ratios) = ([const { Vec::new() }; 3], [const { Vec::new() }; 3]);
        let mut last = None;
        for _ in 0..self.rounds {
            let runs = modes.map(|mode| self.run(mode, done, threads));
            for (i, run) in runs.iter().enumerate() {
                rates[i].push(self.questions.len() as f64 / run.seconds);
                ratios[i].push(run.seconds / runs[0].seconds);
            }
            last = Some(runs);
        }
        println!("{title:18} |    right | steps/puzzle | puzzles/s | re-packing is faster");
        for (i, run) in last.into_iter().flatten().enumerate() {
            let name = ["  re-packed", "  until the last", "  all steps"][i];
            let count = self.questions.len() as f64;
            let right = match done {
                Done::Verified => format!("{:.2} %", 100.0 * run.right() as f64 / count),
                Done::AsGiven => "-".to_owned(),
            };
            println!(
                "{name:18} | {right:>8} | {:12.2} | {:9.0} | {:.2}",
                run.steps() as f64 / count,
                median(&mut rates[i]),
                median(&mut ratios[i]),
            );
        }
    }

    /// The same work without an executor, shared out beforehand into equal numbers of steps: what the machine gives.
    fn halves(&self, threads: usize) -> f64 {
        let total: usize = self.questions.iter().map(|q| q.given).sum();
        let mut shares = vec![Vec::new(); threads];
        let mut before = 0;
        for question in &self.questions {
            shares[before * threads / total].push(question);
            before += question.given;
        }
        let started = Instant::now();
        std::thread::scope(|scope| {
            for share in shares {
                scope.spawn(move || {
                    let group = |questions| Group {
                        weights: &self.weights,
                        questions,
                        mode: Mode::Repacked,
                        done: Done::AsGiven,
                    };
                    let mut thinker = group(&[]).worker();
                    for question in share {
                        let group = group(std::slice::from_ref(question));
                        group.run(&mut thinker, &Cancelled::default());
                    }
                });
            }
        });
        started.elapsed().as_secs_f64()
    }

    fn workers(&self) {
        let executor = |workers| self.run(Mode::Repacked, Done::AsGiven, workers).seconds;
        let names = [
            "one worker",
            "two workers",
            "two threads, no executor",
            "whoever waits",
        ];
        let (mut rates, mut ratios) = ([const { Vec::new() }; 4], [const { Vec::new() }; 4]);
        for _ in 0..self.rounds {
            let seconds = [executor(1), executor(2), self.halves(2), executor(0)];
            for (i, s) in seconds.into_iter().enumerate() {
                rates[i].push(self.questions.len() as f64 / s);
                ratios[i].push(seconds[0] / s);
            }
        }
        println!("{:26} | puzzles/s | of one worker", "");
        for (i, name) in names.into_iter().enumerate() {
            let (rate, ratio) = (median(&mut rates[i]), median(&mut ratios[i]));
            println!("  {name:24} | {rate:9.0} | {ratio:.3}");
        }
    }

    /// Blanks and steps of each question, as measured and as made up.
    fn lengths(&self, threads: usize) -> Vec<replay::Length> {
        let run = self.run(Mode::Repacked, Done::Verified, threads);
        let length = |(question, thought): (&Question, &Thought)| replay::Length {
            blanks: question.blanks(),
            measured: thought.steps,
            given: question.given,
        };
        self.questions
            .iter()
            .zip(&run.thoughts)
            .map(length)
            .collect()
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
