//! Training against the reference implementation's losses, gradients and weights, and against finite differences.

use super::*;
use crate::fixtures::{largest_difference, model, tensors};
use crate::model::{TrmConfig, TrmWeights};
use crate::tasks::Task;
use rand_chacha::ChaCha8Rng;
use recurra_kernels::Isa;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Gives fixed samples in turn.
struct InTurn(Vec<Sample>, AtomicUsize);

impl SampleSource for InTurn {
    fn draw(&self, _: &mut ChaCha8Rng, sample: &mut Sample) {
        *sample = self.0[self.1.fetch_add(1, Ordering::Relaxed) % self.0.len()].clone();
    }
}

fn fixture_samples(
    config: &TrmConfig,
    forward: &BTreeMap<String, Vec<f64>>,
    labels: &[f64],
) -> InTurn {
    let n = config.seq_len;
    let samples = (0..3).map(|s| Sample {
        question: forward["inputs"][s * n..(s + 1) * n]
            .iter()
            .map(|&t| t as u16)
            .collect(),
        labels: labels[s * n..(s + 1) * n]
            .iter()
            .map(|&t| if t < 0.0 { IGNORE_LABEL } else { t as u16 })
            .collect(),
        puzzle: forward["puzzle_identifiers"][s] as usize,
        kind: 0,
    });
    InTurn(samples.collect(), AtomicUsize::new(0))
}

/// The optimiser of the fixtures.
fn fixture_config() -> TrainConfig {
    TrainConfig {
        batch_size: 3,
        lr: 1e-3,
        warmup: 0,
        decay: Decay::Constant,
        clip: 0.0,
        halt_exploration: 0.0,
        puzzle_lr: 0.0,
        ..TrainConfig::default()
    }
}

fn relative_difference(found: &[f32], expected: &[f64]) -> f64 {
    let norm = |it: &mut dyn Iterator<Item = f64>| it.map(|v| v * v).sum::<f64>().sqrt();
    let difference = norm(&mut found.iter().zip(expected).map(|(&f, e)| f64::from(f) - e));
    difference / norm(&mut expected.iter().copied()).max(1e-12)
}

#[test]
fn three_steps_agree_with_the_reference_implementation() {
    for name in ["mlp_no_puzzle", "att_learned", "att_rope"] {
        for threads in [1, 2] {
            let (config, weights) = model(name);
            let expected = tensors(name, "train.safetensors");
            let forward = tensors(name, "forward.safetensors");
            let source = fixture_samples(&config, &forward, &expected["labels"]);
            let mut trainer = Trainer::new(&config, fixture_config(), weights, threads).unwrap();
            let names: Vec<String> = TrmWeights::shapes(&config)
                .into_iter()
                .map(|(n, _)| n)
                .collect();
            for step in 0..3 {
                let report = trainer.step(&source, 0.0).unwrap();
                for (what, found) in [
                    ("loss", report.loss),
                    ("lm_loss", report.lm_loss),
                    ("q_halt_loss", report.halt_loss),
                ] {
                    let expected = expected[&format!("{what}.{step}")][0];
                    assert!(
                        (found - expected).abs() < 1e-4,
                        "{name} {what}.{step}: {found} for {expected}"
                    );
                }
                let halted: Vec<f64> = trainer
                    .slots
                    .iter()
                    .map(|s| f64::from(u8::from(s.halted)))
                    .collect();
                assert_eq!(
                    halted,
                    expected[&format!("halted.{step}")],
                    "{name} halted.{step}"
                );
                if step > 0 {
                    continue;
                }
                let mut checked = 0;
                for (tensor, gradient) in names.iter().zip(trainer.gradient().weights.tensors()) {
                    if let Some(expected) = expected.get(&format!("grad.{tensor}")) {
                        let difference = relative_difference(&gradient.to_vec(), expected);
                        assert!(difference < 1e-3, "{name} grad.{tensor}: {difference}");
                        checked += 1;
                    }
                }
                assert_eq!(
                    checked,
                    expected.keys().filter(|k| k.starts_with("grad.")).count()
                        - usize::from(config.puzzle_emb_ndim > 0)
                );
                if let Some(rows) = expected.get("grad.puzzle_emb_rows") {
                    let found: Vec<f32> = trainer
                        .slots
                        .iter()
                        .flat_map(|s| s.puzzle_gradient.clone())
                        .collect();
                    let difference = relative_difference(&found, rows);
                    assert!(difference < 1e-3, "{name} puzzle rows: {difference}");
                }
            }
            for (tensor, weight) in names.iter().zip(trainer.weights().tensors()) {
                if let Some(expected) = expected.get(&format!("after3.{tensor}")) {
                    let difference = largest_difference(&weight.to_vec(), expected);
                    assert!(difference < 1e-4, "{name} after3.{tensor}: {difference}");
                }
            }
        }
    }
}

/// A model, and how to get the samples on which to train it.
type Case = (TrmConfig, TrmWeights, Box<dyn Fn() -> InTurn>);

fn fixture_case(name: &str) -> Case {
    let (config, weights) = model(name);
    let labels = tensors(name, "train.safetensors")["labels"].clone();
    let forward = tensors(name, "forward.safetensors");
    let of = config.clone();
    let source = move || fixture_samples(&of, &forward, &labels);
    (config, weights, Box::new(source))
}

/// The fixtures have no convolution.
fn conv_case() -> Case {
    let [.., config] = crate::network::limits::tests::each_mixer();
    let weights = TrmWeights::random(&config, 5);
    let tokens = |seed: usize| (0..16).map(move |i| ((i * i + seed * i + seed) % 6) as u16);
    let sample = move |seed: usize| Sample {
        question: tokens(seed).collect(),
        labels: tokens(seed + 3).collect(),
        puzzle: seed % 3,
        kind: 0,
    };
    let source = move || InTurn((0..3).map(sample).collect(), AtomicUsize::new(0));
    (config, weights, Box::new(source))
}

/// Nor messages over groups.
fn constraints_case() -> Case {
    let config = crate::network::limits::tests::constraints();
    let weights = contracted(&config, 5);
    let sample = |seed: usize| Sample {
        // Some cells are open.
        question: (0..16)
            .map(|i| (1 + (i * i + seed * i) % 5) as u16)
            .collect(),
        labels: (0..16).map(|i| (2 + (i + seed) % 4) as u16).collect(),
        puzzle: 0,
        kind: 0,
    };
    let source = move || InTurn((0..3).map(sample).collect(), AtomicUsize::new(0));
    (config, weights, Box::new(source))
}

/// Random weights, of which the layers' are small: untrained, the recursion is chaotic, and its derivatives are steep.
fn contracted(config: &TrmConfig, seed: u64) -> TrmWeights {
    let mut weights = TrmWeights::random(config, seed);
    for linear in weights.parts_mut().1 {
        linear.padded_mut().iter_mut().for_each(|v| *v *= 0.5);
    }
    weights
}

/// As the fixtures were trained; tokens that are no candidates have logits that only a softmax takes.
fn config_for(config: &TrmConfig) -> TrainConfig {
    match config.groups {
        None => fixture_config(),
        Some(_) => TrainConfig {
            probabilities: Probabilities::Softmax,
            ..fixture_config()
        },
    }
}

/// A directional derivative of the loss agrees with differences of losses, for every tensor. With one cycle the
/// gradient goes through the whole step, so it is the true derivative.
#[test]
fn gradients_agree_with_finite_differences() {
    let fixtures = ["mlp_no_puzzle", "att_learned", "att_rope"].map(fixture_case);
    for (mut config, weights, source) in fixtures
        .into_iter()
        .chain([conv_case(), constraints_case()])
    {
        config.h_cycles = 1;
        let loss_of = |weights: TrmWeights| {
            let mut trainer = Trainer::new(&config, config_for(&config), weights, 1).unwrap();
            let loss = trainer.step(&source(), 0.0).unwrap().loss;
            (loss, trainer)
        };
        let (_, trainer) = loss_of(weights.clone());
        let names = TrmWeights::shapes(&config);
        let gradients = trainer.gradient().weights.tensors();
        for (i, ((name, _), gradient)) in names.iter().zip(gradients).enumerate() {
            if gradient.rows() == 0 {
                continue;
            }
            // Along the gradient itself the derivative is its norm, well above rounding.
            let norm = gradient
                .padded()
                .iter()
                .map(|&g| f64::from(g).powi(2))
                .sum::<f64>()
                .sqrt();
            let moved = |step: f64| {
                let mut weights = weights.clone();
                let tensor = weights.tensors_mut().swap_remove(i);
                for (w, g) in tensor.padded_mut().iter_mut().zip(gradient.padded()) {
                    *w += (step * f64::from(*g) / norm) as f32;
                }
                loss_of(weights).0
            };
            let step = 1e-2;
            let numeric = (moved(step) - moved(-step)) / (2.0 * step);
            assert!(
                (numeric / norm - 1.0).abs() < 1e-2,
                "{:?} {name}: {numeric} for {norm}",
                config.mixer
            );
        }
    }
}

/// Gradients in bfloat16 differ by the rounding of what is multiplied: a number keeps 8 digits.
#[test]
fn gradients_in_bfloat16_are_those_in_f32_rounded() {
    let fixtures = ["mlp_no_puzzle", "att_learned", "att_rope"].map(fixture_case);
    for (config, weights, source) in fixtures.into_iter().chain([conv_case()]) {
        let gradient = |precision| {
            let train = TrainConfig {
                precision,
                ..fixture_config()
            };
            let mut trainer = Trainer::new(&config, train, weights.clone(), 1).unwrap();
            let loss = trainer.step(&source(), 0.0).unwrap().loss;
            let tensors = trainer.gradient().weights.tensors();
            let values: Vec<Vec<f32>> = tensors.iter().map(|tensor| tensor.to_vec()).collect();
            (loss, values)
        };
        let (loss, exact) = gradient(TrainPrecision::F32);
        let (loss_rounded, rounded) = gradient(TrainPrecision::Bf16);
        assert!(
            (loss_rounded / loss - 1.0).abs() < 0.02,
            "{loss_rounded} for {loss}"
        );
        assert_ne!(loss, loss_rounded);
        let names = TrmWeights::shapes(&config);
        for (((name, _), exact), rounded) in names.iter().zip(exact).zip(rounded) {
            let exact: Vec<f64> = exact.into_iter().map(f64::from).collect();
            let difference = relative_difference(&rounded, &exact);
            assert!(difference < 0.02, "{:?} {name}: {difference}", config.mixer);
        }
    }
}

/// The weights after some steps, or the error.
fn run(trainer: &mut Trainer, source: &dyn SampleSource, steps: usize, total: usize) {
    for _ in 0..steps {
        let progress = trainer.steps_done() as f64 / total as f64;
        trainer.step(source, progress).unwrap();
    }
}

fn small_training(threads: usize) -> (PuzzleSource, Trainer) {
    small_training_in(TrainPrecision::F32, threads)
}

fn small_training_in(precision: TrainPrecision, threads: usize) -> (PuzzleSource, Trainer) {
    let task = crate::tasks::TaskSpec::Sudoku { size: 4 };
    let sudoku = crate::tasks::sudoku::Sudoku::new(4).unwrap();
    let held_out = crate::tasks::HeldOut::new(5);
    let wanted = |class| !held_out.contains(class);
    let puzzles = (0..50).map(|n| sudoku.generate(1, n, &wanted).unwrap());
    let (mut config, train) = preset::preset(&task).unwrap();
    config.hidden_size = 24;
    config.puzzle_emb_ndim = 30;
    config.puzzle_emb_len = 2;
    let train = TrainConfig {
        batch_size: 7,
        halt_exploration: 0.5,
        precision,
        ..train
    };
    let weights = TrmWeights::random(&config, 3);
    let trainer = Trainer::new(&config, train, weights, threads).unwrap();
    let source = PuzzleSource::new(Arc::new(sudoku), puzzles, held_out);
    (source, trainer)
}

#[test]
fn a_resumed_training_is_the_same_byte_for_byte() {
    use TrainPrecision::{Bf16, F32};
    for (precision, threads) in [(F32, 1), (F32, 2), (Bf16, 2)] {
        let notes = serde_json::json!({ "seconds": 0.1 + 0.2 });
        let (source, mut whole) = small_training_in(precision, threads);
        run(&mut whole, &source, 12, 12);
        let (source, mut first) = small_training_in(precision, threads);
        run(&mut first, &source, 5, 12);
        let saved = first.to_checkpoint(&notes);
        let (mut second, kept) = Trainer::from_checkpoint(&saved, threads).unwrap();
        assert_eq!(kept, notes);
        run(&mut second, &source, 7, 12);
        assert!(whole.to_checkpoint(&notes) == second.to_checkpoint(&notes));
        assert!(whole.to_checkpoint(&notes) != saved);
    }
}

#[test]
fn a_curriculum_begins_as_a_shallower_model_and_ends_as_the_whole() {
    let (source, trainer) = small_training(1);
    let weights = trainer.weights().clone();
    let report = |cycles: usize, curriculum: bool, progress: f64| {
        let mut config = trainer.config().clone();
        (config.h_cycles, config.l_cycles) = (cycles, cycles);
        let train = TrainConfig {
            curriculum,
            ..trainer.train_config().clone()
        };
        let mut trainer = Trainer::new(&config, train, weights.clone(), 1).unwrap();
        let report = trainer.step(&source, progress).unwrap();
        (report.loss, report.gradient_norm)
    };
    for (progress, depth) in [(0.0, 1), (0.5, 2), (0.9, 3)] {
        assert_eq!(report(3, true, progress), report(depth, false, progress));
    }
    assert_ne!(report(3, true, 0.0), report(3, false, 0.0));
}

#[test]
fn random_starts_are_random_and_the_same_for_a_seed() {
    let (source, trainer) = small_training(1);
    let loss = |random_start: f64| {
        let train = TrainConfig {
            random_start,
            ..trainer.train_config().clone()
        };
        let weights = trainer.weights().clone();
        let mut trainer = Trainer::new(trainer.config(), train, weights, 1).unwrap();
        trainer.step(&source, 0.0).unwrap().loss
    };
    assert_eq!(loss(0.5), loss(0.5));
    let losses = [loss(0.0), loss(0.5), loss(1.0)];
    assert!(losses[0] != losses[1] && losses[1] != losses[2]);
}

#[test]
fn of_several_starts_the_best_is_trained() {
    let (source, trainer) = small_training(1);
    let loss = |starts: usize, random_start: f64| {
        let train = TrainConfig {
            batch_size: 1,
            starts,
            random_start,
            ..trainer.train_config().clone()
        };
        let weights = trainer.weights().clone();
        let mut trainer = Trainer::new(trainer.config(), train, weights, 1).unwrap();
        trainer.step(&source, 0.0).unwrap().lm_loss
    };
    // Each start that is added can only do better, and some do.
    let losses = [1, 2, 4, 16].map(|starts| loss(starts, 0.0));
    assert!(losses.is_sorted_by(|a, b| a >= b), "{losses:?}");
    assert!(losses[3] < losses[0], "{losses:?}");
    assert_eq!(loss(4, 0.0), losses[2]);
    assert_ne!(loss(4, 1.0), losses[2]);
}

#[cfg(not(target_family = "wasm"))]
/// What the members of a group report of some steps, and a checkpoint at the end; from a checkpoint, if there is one.
fn grouped(size: usize, steps: usize, saved: Option<&[u8]>) -> (Vec<StepReport>, Vec<u8>) {
    let train = |group: super::group::tests::Threads| {
        let (source, alone) = small_training(1);
        let mut trainer = match saved {
            Some(bytes) => {
                let restored = Trainer::from_checkpoint_in_group(bytes, 1, Box::new(group));
                restored.unwrap().0
            }
            None => {
                let (config, train) = (alone.config(), alone.train_config().clone());
                let weights = alone.weights().clone();
                Trainer::in_group(config, train, weights, 1, Box::new(group)).unwrap()
            }
        };
        let step = |_| trainer.step(&source, 0.0).unwrap();
        let reports: Vec<StepReport> = (0..steps).map(step).collect();
        (reports, trainer.to_checkpoint(&serde_json::Value::Null))
    };
    std::thread::scope(|scope| {
        let group = super::group::tests::Threads::group(size);
        let members: Vec<_> = group
            .into_iter()
            .map(|member| scope.spawn(move || train(member)))
            .collect();
        let mut all: Vec<_> = members.into_iter().map(|m| m.join().unwrap()).collect();
        let first = all.remove(0);
        // All members know the same.
        assert!(all.iter().all(|other| *other == first));
        first
    })
}

/// The same but for rounding, which steps by signs and by quotients make larger from one to the next.
#[cfg(not(target_family = "wasm"))]
fn nearly_the_same(found: &[StepReport], expected: &[StepReport]) {
    assert_eq!(found.len(), expected.len());
    for (step, (found, expected)) in found.iter().zip(expected).enumerate() {
        let most = if step < 4 { 1e-5 } else { 2e-3 };
        let difference = (found.loss - expected.loss).abs();
        assert!(difference < most, "{step}: {found:?} for {expected:?}");
        assert_eq!(found.step, expected.step);
    }
}

#[cfg(not(target_family = "wasm"))]
#[test]
fn a_group_trains_as_one_process_does() {
    let (expected, _) = grouped(1, 6, None);
    for size in [2, 3] {
        nearly_the_same(&grouped(size, 6, None).0, &expected);
    }
    // A group goes on where another, or a single process, has stopped.
    let (_, saved) = grouped(2, 3, None);
    let (expected, _) = grouped(1, 4, Some(&saved));
    for size in [2, 3] {
        nearly_the_same(&grouped(size, 4, Some(&saved)).0, &expected);
    }
    let (_, alone) = small_training(1);
    let group = super::group::tests::Threads::group(8).remove(0);
    let (config, train) = (alone.config(), alone.train_config().clone());
    let weights = alone.weights().clone();
    let error = Trainer::in_group(config, train, weights, 1, Box::new(group)).unwrap_err();
    assert!(error.to_string().contains("batch_size"), "{error}");
}

#[test]
fn broken_checkpoints_are_refused() {
    let (source, mut trainer) = small_training(1);
    run(&mut trainer, &source, 1, 1);
    let saved = trainer.to_checkpoint(&serde_json::Value::Null);
    for length in (0..saved.len()).step_by(saved.len() / 97) {
        assert!(Trainer::from_checkpoint(&saved[..length], 1).is_err());
    }
    let replaced = |from: &str, to: &str| {
        let at = saved
            .windows(from.len())
            .position(|w| w == from.as_bytes())
            .unwrap();
        let mut bytes = saved.clone();
        bytes[at..at + from.len()].copy_from_slice(to.as_bytes());
        Trainer::from_checkpoint(&bytes, 1).unwrap_err().to_string()
    };
    assert!(replaced("\\\"hidden_size\\\":24", "\\\"hidden_size\\\":99").contains("embed_tokens"));
    assert!(
        replaced("\\\"batch_size\\\":7", "\\\"batch_size\\\":9").contains("expected 9 samples")
    );
    assert!(replaced("\\\"version\\\":1", "\\\"version\\\":7").contains("version"));
    assert!(replaced("\"z_h.3\"", "\"z_q.3\"").contains("z_h.3"));
}

#[test]
fn a_diverging_training_stops_with_the_weights_as_they_were() {
    let (source, mut trainer) = small_training(1);
    run(&mut trainer, &source, 1, 1);
    let good = std::mem::replace(
        &mut trainer.weights.layers[0].mlp.down.row_mut(0)[0],
        f32::NAN,
    );
    trainer.repack();
    let before = trainer.weights.layers[1].mlp.down.to_vec();
    let error = trainer.step(&source, 0.0).unwrap_err();
    assert!(error.to_string().contains("diverged in step 2"), "{error}");
    assert_eq!(trainer.weights.layers[1].mlp.down.to_vec(), before);
    // What is saved then can be read, and training goes on from it.
    trainer.weights.layers[0].mlp.down.row_mut(0)[0] = good;
    let saved = trainer.to_checkpoint(&serde_json::Value::Null);
    let (mut again, _) = Trainer::from_checkpoint(&saved, 1).unwrap();
    run(&mut again, &source, 1, 1);
}

#[test]
fn training_learns() {
    // Plain Rust would take minutes for so many products of bfloat16.
    for precision in [TrainPrecision::F32, TrainPrecision::fastest(Isa::detect())] {
        let (source, mut trainer) = small_training_in(precision, 2);
        let first = trainer.step(&source, 0.0).unwrap().loss;
        run(&mut trainer, &source, 600, 600);
        let last = trainer.step(&source, 1.0).unwrap().loss;
        assert!(last < 0.75 * first, "{precision:?}: {first} to {last}");
    }
}

/// Small Sudokus of two sizes, learnt by one model.
fn mixture(group: Box<dyn super::Group>, threads: usize) -> (super::Mixture, Trainer) {
    use crate::tasks::{HeldOut, TaskSpec};
    let specs = [4, 6].map(|size| TaskSpec::Sudoku { size });
    let (config, train) = super::preset::constraints(&specs[0]).unwrap();
    let config = TrmConfig {
        hidden_size: 16,
        ..config
    };
    let train = TrainConfig {
        batch_size: 6,
        ..train
    };
    let configs = specs
        .each_ref()
        .map(|spec| config.for_task(&specs[0], spec).unwrap());
    let sources = specs.iter().map(|spec| {
        let (task, held_out) = (spec.task().unwrap(), HeldOut::new(5));
        let allowed = |class| !held_out.contains(class);
        let puzzles = (0..4).map(|n| task.generate(1, n, &allowed).unwrap());
        let source = super::PuzzleSource::new(task.clone(), puzzles, held_out);
        (Box::new(source) as Box<dyn SampleSource>, 1.0)
    });
    let source = super::Mixture::new(sources.collect()).unwrap();
    let weights = TrmWeights::random(&config, 3);
    let trainer = Trainer::of_mixture(&configs, train, weights, threads, group);
    (source, trainer.unwrap())
}

#[test]
fn a_mixture_draws_all_its_tasks_and_goes_on_from_a_checkpoint() {
    let notes = serde_json::Value::Null;
    let (source, mut whole) = mixture(Box::new(super::Alone), 2);
    // Where samples halt early, others of another size take their places.
    for _ in 0..20 {
        whole.step(&source, 0.1).unwrap();
    }
    let kinds: Vec<usize> = whole.slots.iter().map(|slot| slot.sample.kind).collect();
    assert!(kinds.contains(&0) && kinds.contains(&1), "{kinds:?}");
    for slot in &whole.slots {
        assert_eq!(slot.sample.question.len(), [16, 36][slot.sample.kind]);
        assert_eq!(slot.z_h.rows(), [64, 216][slot.sample.kind]);
    }
    let saved = whole.to_checkpoint(&notes);
    let (mut second, _) = Trainer::from_checkpoint(&saved, 2).unwrap();
    assert_eq!(second.configs().len(), 2);
    for _ in 0..3 {
        assert_eq!(
            whole.step(&source, 0.2).unwrap(),
            second.step(&source, 0.2).unwrap()
        );
    }
    assert!(whole.to_checkpoint(&notes) == second.to_checkpoint(&notes));
}

#[cfg(not(target_family = "wasm"))]
#[test]
fn a_group_of_processes_shares_a_mixture() {
    let notes = serde_json::Value::Null;
    let (source, mut alone) = mixture(Box::new(super::Alone), 1);
    alone.step(&source, 0.1).unwrap();
    let saved = alone.to_checkpoint(&notes);
    let of_group = |member| {
        let (source, mut trainer) = mixture(Box::new(member), 1);
        trainer.step(&source, 0.1).unwrap();
        let whole = trainer.whole_batch();
        let states = whole.iter().map(|slot| (slot.sample.clone(), slot.steps));
        states.collect::<Vec<_>>()
    };
    let members = super::group::tests::Threads::group(2);
    let found: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = members
            .into_iter()
            .map(|member| scope.spawn(move || of_group(member)))
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    let (restored, _) = Trainer::from_checkpoint(&saved, 1).unwrap();
    let expected = restored.slots.iter();
    let expected: Vec<_> = expected.map(|s| (s.sample.clone(), s.steps)).collect();
    assert_eq!(found, [expected.clone(), expected]);
}

#[test]
fn tasks_that_cannot_share_weights_are_refused() {
    let (_, trainer) = mixture(Box::new(super::Alone), 1);
    let configs: Vec<TrmConfig> = trainer.configs().cloned().collect();
    let wider = TrmConfig {
        hidden_size: 32,
        ..configs[1].clone()
    };
    for (configs, names) in [
        (vec![], "expected 1 to 64, found 0"),
        (vec![configs[0].clone(); 65], "expected 1 to 64, found 65"),
        (vec![configs[0].clone(), wider], "one set of weights"),
    ] {
        let train = trainer.train_config().clone();
        let weights = trainer.weights().clone();
        let refused = Trainer::of_mixture(&configs, train, weights, 1, Box::new(super::Alone));
        let text = refused.unwrap_err().to_string();
        assert!(text.contains(names), "{text}");
    }
    for share in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let (source, _) = mixture(Box::new(super::Alone), 1);
        assert!(super::Mixture::new(vec![(Box::new(source), share)]).is_err());
    }
    assert!(super::Mixture::new(vec![]).is_err());
}
