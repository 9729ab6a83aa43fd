//! The state of several samples: what goes in, what is read from it.
//!
//! A sample's rows are its answer, the vectors of its question, and those that the present step has retrieved, all by the
//! input projection, each with the learned row of its role. The answer's row is where everything is read: what to add to the
//! first answer, and the halting logit.

use super::check::length;
use super::flat::FlatIndex;
use crate::engine::PackedModel;
use crate::network::Network;
use crate::tasks::vectors::{Norm, VectorSpec};
use recurra_kernels::AlignedMatrix;
use recurra_kernels::product::Rhs;
use recurra_kernels::view::View;

/// Vector and role together keep the variance of one.
pub(crate) const EACH: f32 = std::f32::consts::FRAC_1_SQRT_2;

/// By what input embeddings are multiplied.
pub(crate) fn input_scale(hidden: usize) -> f32 {
    EACH * (hidden as f64).sqrt() as f32
}

/// The role of question vector `i`, of those that a model has: 0 is the answer's.
fn question_role(spec: &VectorSpec, i: usize) -> usize {
    1 + i.min(spec.questions - 1)
}

/// The role of a retrieved vector.
fn neighbour_role(spec: &VectorSpec) -> usize {
    1 + spec.questions
}

/// The role of a sample's token `i`.
pub(crate) fn role(spec: &VectorSpec, i: usize, tokens: usize) -> usize {
    match i {
        0 => 0,
        i if i >= tokens - spec.neighbours => neighbour_role(spec),
        i => question_role(spec, i - 1),
    }
}

/// How many tokens a sample has whose question has so many vectors.
pub(crate) fn tokens(spec: &VectorSpec, questions: usize) -> usize {
    1 + if spec.in_turn { 1 } else { questions } + spec.neighbours
}

/// How many steps a question of so many vectors takes, where they are taken in turn.
pub(crate) fn turns(questions: usize) -> usize {
    questions.saturating_sub(1).max(1)
}

/// The vectors of a question that a step, from 0, sees: all, or one if they are taken in turn.
pub(crate) fn seen<'a>(spec: &VectorSpec, question: &'a [f32], step: usize) -> &'a [f32] {
    if !spec.in_turn {
        return question;
    }
    let last = question.len() / spec.dimension - 1;
    let at = (1 + step).min(last);
    &question[at * spec.dimension..][..spec.dimension]
}

/// Writes the states with which thinking begins.
pub(crate) fn first_states(model: &PackedModel, states: [&mut AlignedMatrix; 2], rows: usize) {
    let own = [&model.head.h_init, &model.head.l_init];
    for (z, own) in states.into_iter().zip(own) {
        (0..rows).for_each(|row| z.row_mut(row).copy_from_slice(own.row(0)));
    }
}

/// Writes a vector in length 1.
pub(crate) fn direction(vector: &[f32], to: &mut [f32]) {
    let scale = (1.0 / length(vector)) as f32;
    for (to, from) in to.iter_mut().zip(vector) {
        *to = scale * from;
    }
}

/// Puts the vectors that the samples' present answers retrieve into their last rows of `v`.
pub(crate) fn retrieve(
    index: &FlatIndex,
    spec: &VectorSpec,
    answers: &[f32],
    v: &mut AlignedMatrix,
    tokens: usize,
) {
    let found = index.nearest(answers, spec.neighbours);
    for (i, found) in found.into_iter().enumerate() {
        let first = (i + 1) * tokens - spec.neighbours;
        for (j, (at, _)) in found.into_iter().enumerate() {
            direction(index.vector(at), v.row_mut(first + j));
        }
    }
}

/// Input embeddings of all rows of samples of so many tokens: `v` holds a vector of length 1 in each.
pub(crate) fn embed(
    network: &Network,
    model: &PackedModel,
    spec: &VectorSpec,
    v: View,
    x: View,
    tokens: usize,
) {
    let (dimension, d, rows) = (model.config().vocab_size, network.d, network.l);
    let table = model.head.embed_tokens.view_const().rhs();
    network.product(rows, d, dimension, v.lhs(), table, x.store());
    let scale = input_scale(d);
    let roles = model.head.embed_pos.as_ref().expect("roles are learned");
    for row in 0..rows {
        // SAFETY: `x` holds `rows` rows of `d` numbers, which nobody else uses.
        let x = unsafe { std::slice::from_raw_parts_mut(x.at(row, 0).ptr, d) };
        for (x, role) in x
            .iter_mut()
            .zip(roles.row(role(spec, row % tokens, tokens)))
        {
            *x = scale * (*x + role);
        }
    }
}

/// The answers' rows of a state, as a matrix of one row a sample.
pub(crate) fn answers(z: View, tokens: usize) -> View {
    View {
        ptr: z.ptr,
        stride: tokens * z.stride,
    }
}

/// What the state says should be added to first answers of length 1, a row a sample.
pub(crate) fn read(
    network: &Network,
    model: &PackedModel,
    answers: View,
    samples: usize,
    to: View,
) {
    let head = Rhs::Packed(&model.head.lm_head_packed);
    let dimension = model.config().vocab_size;
    network.product(
        samples,
        dimension,
        network.d,
        answers.lhs(),
        head,
        to.store(),
    );
}

/// `initial` moved by `delta` times its length; as long as before where vectors are of length 1. Nothing to add changes no bit.
pub(crate) fn moved(norm: Norm, initial: &[f32], delta: &[f32], to: &mut [f32]) {
    let before = length(initial);
    let by = before as f32;
    for ((to, from), delta) in to.iter_mut().zip(initial).zip(delta) {
        *to = from + by * delta;
    }
    if norm == Norm::Unit {
        let scale = (before / length(to).max(f64::MIN_POSITIVE)) as f32;
        to.iter_mut().for_each(|v| *v *= scale);
    }
}

/// The gradient of `delta` from that of what [`moved`] gave, in place.
pub(crate) fn moved_backward(
    norm: Norm,
    initial: &[f32],
    moved: &[f32],
    gradient: &mut [f32],
    delta: &[f32],
) {
    let before = length(initial);
    if norm == Norm::Free {
        gradient.iter_mut().for_each(|g| *g *= before as f32);
        return;
    }
    // y = |a| u / |u| with u = a + |a| delta: du = (|a| / |u|) (g - y (y g) / |a|^2).
    let u = initial
        .iter()
        .zip(delta)
        .map(|(a, d)| f64::from(*a) + before * f64::from(*d));
    let after = u.map(|u| u * u).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
    let along = moved
        .iter()
        .zip(&*gradient)
        .map(|(y, g)| f64::from(*y) * f64::from(*g));
    let along = along.sum::<f64>() / (before * before);
    let scale = before * before / after;
    for (g, y) in gradient.iter_mut().zip(moved) {
        *g = (scale * (f64::from(*g) - along * f64::from(*y))) as f32;
    }
}

/// The halting logit of an answer's row.
pub(crate) fn halt_logit(model: &PackedModel, answer: &[f32]) -> f32 {
    let products = model.head.q_head.row(0).iter().zip(answer);
    products.map(|(a, b)| a * b).sum::<f32>() + model.head.q_bias[0]
}

/// The probability that belongs to a logit.
pub(crate) fn probability(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

/// A matrix's row of an answer.
pub(crate) fn answer_row(z: &AlignedMatrix, sample: usize, tokens: usize) -> &[f32] {
    z.row(sample * tokens)
}

// No browser has such models.
#[cfg(all(test, not(target_family = "wasm")))]
mod tests {
    use super::*;

    #[test]
    fn nothing_to_add_changes_no_bit() {
        let initial = [0.1f32, 0.7, -0.3, 0.64];
        for norm in [Norm::Unit, Norm::Free] {
            let mut to = [0.0; 4];
            moved(norm, &initial, &[0.0; 4], &mut to);
            assert_eq!(to, initial);
        }
    }

    #[test]
    fn gradients_agree_with_finite_differences() {
        let initial = [0.9f32, 0.7, -0.3, 0.64];
        let delta = [0.2f32, -0.4, 0.1, 0.3];
        let slope = [0.3f32, -1.0, 0.5, 2.0];
        for norm in [Norm::Unit, Norm::Free] {
            let loss = |delta: &[f32]| {
                let mut to = [0.0; 4];
                moved(norm, &initial, delta, &mut to);
                to.iter()
                    .zip(&slope)
                    .map(|(a, b)| f64::from(a * b))
                    .sum::<f64>()
            };
            let (mut to, mut gradient) = ([0.0; 4], slope);
            moved(norm, &initial, &delta, &mut to);
            moved_backward(norm, &initial, &to, &mut gradient, &delta);
            for i in 0..4 {
                let mut shifted = [delta; 2];
                shifted[0][i] += 1e-2;
                shifted[1][i] -= 1e-2;
                let expected = (loss(&shifted[0]) - loss(&shifted[1])) / 2e-2;
                assert!(
                    (f64::from(gradient[i]) - expected).abs() < 2e-3,
                    "{norm} {i}"
                );
            }
        }
    }
}
