//! Whether a puzzle needs fewer steps when it starts from the end state of a near puzzle that was solved.
//!
//! Near is told by the answer state after the first step. The steps of finding out count: that first step, and where the
//! neighbour's state does not lead to a proof, the steps spent on it.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use recurra::cache::similar::{SimilarCache, SimilarConfig};
use recurra::engine::{Attempt, LatentState, Surroundings, TrmEngine};
use recurra::model::TrmModel;
use recurra::tasks::Task;
use recurra::tasks::task::{Pair, Tokens};
use recurra::thinking::{StopReason, StopRules};
use std::sync::Arc;

/// Most steps of a puzzle.
const STEPS: usize = 16;
/// Puzzles whose end states are kept.
const KNOWN: u64 = 1_000;
/// Puzzles that are asked.
const ASKED: u64 = 500;

pub(super) fn report() {
    println!(
        "\nStart states: {KNOWN} solved puzzles kept, {ASKED} others asked, at most {STEPS} steps"
    );
    println!(
        "{:<10} {:<34} {:>8} {:>11} {:>11}",
        "model", "start", "solved", "mean steps", "similarity"
    );
    for name in ["sudoku6", "sudoku4"] {
        let path = format!(
            "{}/../../models/{name}.safetensors",
            env!("CARGO_MANIFEST_DIR")
        );
        let model = TrmModel::open(path).unwrap();
        let task = model.header.task.clone().unwrap().task().unwrap();
        Trial {
            engine: TrmEngine::new(&model, 1),
            task,
        }
        .report(name);
    }
}

struct Trial {
    engine: TrmEngine,
    task: Arc<dyn Task>,
}

impl Trial {
    fn report(&mut self, name: &str) {
        let wanted = |test: bool| move |class: u64| class.is_multiple_of(5) == test;
        let task = self.task.clone();
        let known = (0..KNOWN).filter_map(|n| task.generate(1, n, &wanted(false)));
        let asked: Vec<Pair> = (0..ASKED)
            .filter_map(|n| task.generate(2, n, &wanted(true)))
            .collect();
        let places = self.engine.z_h().rows() * self.engine.z_h().cols();
        let mut config = SimilarConfig::new(places, -1.0);
        config.max_bytes = 1 << 32;
        let kept: SimilarCache<Arc<LatentState>> = SimilarCache::new(config, |_| 0).unwrap();
        for pair in known {
            self.begin(&pair.question);
            let mut attempt = Attempt::new(StopRules::new(STEPS), pair.question.len());
            let first = self.advance(&mut attempt, &pair.question);
            let fingerprint = self.fingerprint();
            let end = first.or_else(|| self.run(&mut attempt, &pair.question));
            if end == Some(StopReason::Verified) {
                let mut state = self.engine.new_state();
                self.engine.exchange(&mut state);
                kept.insert(&fingerprint, Arc::new(state)).unwrap();
            }
        }
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        for start in [
            Start::Own,
            Start::Nearest(-1.0),
            Start::Nearest(0.9),
            Start::Random,
        ] {
            let (mut solved, mut steps, mut similarity, mut near) = (0, 0, 0.0, 0);
            for pair in &asked {
                self.begin(&pair.question);
                let mut attempt = Attempt::new(StopRules::new(STEPS), pair.question.len());
                let mut end = self.advance(&mut attempt, &pair.question);
                if end.is_none() {
                    match start {
                        Start::Own => {}
                        Start::Random => self.engine.start_elsewhere(&mut rng),
                        Start::Nearest(least) => {
                            let found = kept.nearest(&self.fingerprint()).unwrap();
                            if let Some(found) = found.filter(|f| f.similarity >= least) {
                                self.engine.start_from(&found.value);
                                similarity += f64::from(found.similarity);
                                near += 1;
                            }
                        }
                    }
                    end = self.run(&mut attempt, &pair.question);
                }
                solved += u64::from(end == Some(StopReason::Verified));
                steps += attempt.steps;
            }
            let share = 100.0 * solved as f64 / asked.len() as f64;
            let mean = steps as f64 / asked.len() as f64;
            let near = match near {
                0 => String::new(),
                n => format!("{:.3}", similarity / f64::from(n)),
            };
            println!(
                "{name:<10} {:<34} {share:>7.2}% {mean:>11.3} {near:>11}",
                start.name()
            );
        }
    }

    fn begin(&mut self, question: &Tokens) {
        self.engine.start(question, 0).unwrap();
    }

    fn advance(&mut self, attempt: &mut Attempt, question: &Tokens) -> Option<StopReason> {
        let check = |tokens: &[u16]| self.task.verify(question, tokens) == Some(true);
        let mut surroundings = Surroundings {
            check: Some(&check),
            ..Surroundings::default()
        };
        self.engine.advance(attempt, &mut surroundings)
    }

    fn run(&mut self, attempt: &mut Attempt, question: &Tokens) -> Option<StopReason> {
        loop {
            let end = self.advance(attempt, question);
            if end.is_some() {
                return end;
            }
        }
    }

    /// The answer state, position by position.
    fn fingerprint(&self) -> Vec<f32> {
        let z = self.engine.z_h();
        (0..z.rows()).flat_map(|i| z.row(i).to_vec()).collect()
    }
}

#[derive(Clone, Copy)]
enum Start {
    /// Goes on from its own first step.
    Own,
    /// After the first step, goes on from the end state of the nearest puzzle, if it is so near.
    Nearest(f32),
    /// After the first step, goes on from a random state: what any other start costs.
    Random,
}

impl Start {
    fn name(self) -> String {
        match self {
            Start::Own => "its own".into(),
            Start::Nearest(least) if least < 0.0 => "the nearest puzzle's end".into(),
            Start::Nearest(least) => format!("the same where its cosine is {least}"),
            Start::Random => "a random state".into(),
        }
    }
}
