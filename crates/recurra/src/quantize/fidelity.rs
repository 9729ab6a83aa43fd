//! How far a model in fewer bits thinks as the exact one does.

use super::Progress;
use crate::engine::TrmEngine;
use crate::error::Result;
use crate::model::TrmModel;
use crate::train::Sample;
use recurra_kernels::AlignedMatrix;
use serde::Serialize;

/// The least and the mean of a number over questions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LeastAndMean {
    /// The least.
    pub least: f64,
    /// The mean.
    pub mean: f64,
}

/// Two models beside each other, thinking about the same questions for the same number of steps: for each question as
/// many as the exact one wants.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Fidelity {
    /// Questions.
    pub questions: usize,
    /// Cosine of the two answer states z_H after the first step.
    pub first_step: LeastAndMean,
    /// The same after the last step.
    pub last_step: LeastAndMean,
    /// Share of the questions whose two answers are the same in every place.
    pub same_answers: f64,
}

impl Fidelity {
    /// Below this mean cosine after the first or the last step, a model should be distrusted.
    pub const LEAST_COSINE: f64 = 0.98;

    /// Whether the other model thinks as the exact one does.
    pub fn is_good(&self) -> bool {
        self.cosine() >= Self::LEAST_COSINE
    }

    /// The lower of the two mean cosines.
    pub fn cosine(&self) -> f64 {
        self.first_step.mean.min(self.last_step.mean)
    }
}

/// What one question showed.
struct Seen {
    first: f64,
    last: f64,
    same: bool,
}

/// Compares a model with the exact one that it was made from. `None` without questions. `done` is called after each
/// question, from any thread.
///
/// # Errors
/// [`Error::Question`](crate::Error::Question) for a question that does not fit the models.
pub fn compare(
    exact: &TrmModel,
    other: &TrmModel,
    questions: &[Sample],
    threads: usize,
    done: Progress<'_>,
) -> Result<Option<Fidelity>> {
    if questions.is_empty() {
        return Ok(None);
    }
    let engines = [exact, other].map(|model| TrmEngine::new(model, 1).weights().clone());
    let work = |questions: &[Sample]| -> Result<Vec<Seen>> {
        let [mut exact, mut other] = engines
            .each_ref()
            .map(|weights| TrmEngine::with_weights(weights.clone(), 1));
        let one = |question| {
            let seen = think(&mut exact, &mut other, question)?;
            done();
            Ok(seen)
        };
        questions.iter().map(one).collect()
    };
    let parts = questions.chunks(questions.len().div_ceil(threads.max(1)));
    #[cfg(feature = "threads")]
    let seen: Result<Vec<Vec<Seen>>> = {
        use rayon::prelude::*;
        parts
            .collect::<Vec<_>>()
            .into_par_iter()
            .map(work)
            .collect()
    };
    #[cfg(not(feature = "threads"))]
    let seen: Result<Vec<Vec<Seen>>> = parts.map(work).collect();
    let seen: Vec<Seen> = seen?.into_iter().flatten().collect();
    let summary = |number: fn(&Seen) -> f64| LeastAndMean {
        least: seen.iter().map(number).fold(f64::INFINITY, f64::min),
        mean: seen.iter().map(number).sum::<f64>() / seen.len() as f64,
    };
    Ok(Some(Fidelity {
        questions: seen.len(),
        first_step: summary(|s| s.first),
        last_step: summary(|s| s.last),
        same_answers: summary(|s| f64::from(u8::from(s.same))).mean,
    }))
}

fn think(exact: &mut TrmEngine, other: &mut TrmEngine, question: &Sample) -> Result<Seen> {
    let mut seen = Seen {
        first: 0.0,
        last: 0.0,
        same: false,
    };
    exact.start(&question.question, question.puzzle)?;
    other.start(&question.question, question.puzzle)?;
    for step in 0..exact.config().halt_max_steps {
        exact.step();
        other.step();
        if step == 0 {
            seen.first = cosine(exact.z_h(), other.z_h());
        }
        if exact.halt_logits()[0] > 0.0 {
            break;
        }
    }
    seen.last = cosine(exact.z_h(), other.z_h());
    let answer = |engine: &mut TrmEngine| {
        let mut answer = vec![0; question.question.len()];
        engine.decode().answer_into(&mut answer);
        answer
    };
    seen.same = answer(exact) == answer(other);
    Ok(seen)
}

/// The cosine of the angle between two states.
fn cosine(a: &AlignedMatrix, b: &AlignedMatrix) -> f64 {
    // The padding is zero in both.
    let dot = |a: &AlignedMatrix, b: &AlignedMatrix| -> f64 {
        let pairs = a.padded().iter().zip(b.padded());
        pairs.map(|(&x, &y)| f64::from(x) * f64::from(y)).sum()
    };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt().max(f64::MIN_POSITIVE)
}
