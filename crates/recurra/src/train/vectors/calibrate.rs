//! When a model stops, and when it is not trusted: found on questions that it was not trained on.

use crate::error::Result;
use crate::model::TrmModel;
use crate::model::refining::Refining;
use crate::vectors::measure::{Retrieval, measure};
use crate::vectors::{Pairs, RefineOptions, Refiner};

/// Points of recall@1 that stopping earlier may lose.
const LOSS: f64 = 0.005;
/// Confidences at which thinking might stop.
const HALTS: [f32; 8] = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99];

/// Finds the confidence at which `model` may stop thinking with a loss of half a point of recall@1 at most, and the
/// confidence below which its first answers do better; both are put into its header.
///
/// # Errors
/// As [`measure`].
pub fn calibrate(model: &mut TrmModel, held_out: &Pairs) -> Result<Refining> {
    let refiner = Refiner::new(model)?;
    let always = RefineOptions {
        max_steps: model.config().halt_max_steps,
        halt_above: 2.0,
        raw_below: 0.0,
    };
    let all = measure(&refiner, held_out, always)?;
    let full = Retrieval::of(&all.ranks).recall_at_1;
    let mut best = (all, Refining::ALWAYS.halt_above);
    // The least sure first: it stops earliest.
    for halt_above in HALTS {
        let measured = measure(
            &refiner,
            held_out,
            RefineOptions {
                halt_above,
                ..always
            },
        )?;
        if Retrieval::of(&measured.ranks).recall_at_1 >= full - LOSS {
            best = (measured, halt_above);
            break;
        }
    }
    let (measured, halt_above) = best;
    let raw_below = trust(
        &measured
            .answers
            .iter()
            .map(|a| a.confidence)
            .collect::<Vec<_>>(),
        &measured.ranks,
        &measured.raw_ranks,
    );
    let chosen = measured
        .answers
        .iter()
        .zip(measured.ranks.iter().zip(&measured.raw_ranks));
    let ranks: Vec<usize> = chosen
        .map(|(a, (&rank, &raw))| if a.confidence >= raw_below { rank } else { raw })
        .collect();
    let refining = Refining {
        halt_above,
        raw_below,
        questions: held_out.len(),
        raw_recall_at_1: Retrieval::of(&measured.raw_ranks).recall_at_1,
        recall_at_1: Retrieval::of(&ranks).recall_at_1,
    };
    model.header.refining = Some(refining.clone());
    Ok(refining)
}

/// The confidence below which raw vectors find passages better: the one with which the mean of one over the rank is largest,
/// the least of equals.
fn trust(confidence: &[f32], ranks: &[usize], raw: &[usize]) -> f32 {
    let mut order: Vec<usize> = (0..ranks.len()).collect();
    order.sort_by(|&a, &b| confidence[a].total_cmp(&confidence[b]));
    let gain = |i: usize| 1.0 / raw[i] as f64 - 1.0 / ranks[i] as f64;
    let (mut sum, mut best) = (0.0, (1e-9, 0.0));
    for (n, &i) in order.iter().enumerate() {
        sum += gain(i);
        // Those up to here are returned raw if the threshold is above this one and not above the next.
        let next = order.get(n + 1).map_or(f32::INFINITY, |&j| confidence[j]);
        if next > confidence[i] && sum > best.0 {
            let between = if next.is_finite() {
                0.5 * (confidence[i] + next)
            } else {
                1.5
            };
            best = (sum, between);
        }
    }
    best.1
}

// No browser has such models.
#[cfg(all(test, not(target_family = "wasm")))]
mod tests {
    use super::*;

    #[test]
    fn the_unsure_are_returned_raw_where_that_is_better() {
        let confidence = [0.1, 0.2, 0.8, 0.9];
        assert_eq!(trust(&confidence, &[9, 9, 1, 1], &[1, 1, 9, 9]), 0.5);
        assert_eq!(trust(&confidence, &[1, 1, 1, 1], &[9, 9, 9, 9]), 0.0);
        assert_eq!(trust(&confidence, &[9, 9, 9, 9], &[1, 1, 1, 1]), 1.5);
        assert_eq!(trust(&confidence, &[3, 3, 3, 3], &[3, 3, 3, 3]), 0.0);
    }
}
