//! Training against the reference implementation's losses, gradients and weights, and against finite differences.

use super::*;
use crate::fixtures::{largest_difference, model, tensors};
use crate::model::{TrmConfig, TrmWeights};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
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
