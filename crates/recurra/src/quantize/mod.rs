//! Models in fewer bits: rounds weights so that the model goes on thinking as it did.
//!
//! `moments` lets a model think about questions and looks at what each of its linear layers sees, in all steps of
//! the recursion; [`quantize`] rounds the weights with what was seen in mind; [`compare`] says how far the result
//! thinks as the exact model does.

mod fidelity;
mod metric;
mod moments;
mod rounding;
#[cfg(test)]
mod tests;

pub use fidelity::{Fidelity, LeastAndMean, compare};
pub use moments::{Moment, Moments, moments};

use crate::error::{Error, Result};
use crate::model::file::table_kind;
use crate::model::tensors::{Kind, to_bf16};
use crate::model::{TrmConfig, TrmModel, TrmWeights};
use metric::Metric;
use recurra_kernels::{AlignedMatrix, Bf16Weights, Linear, PackedMatrix, Precision};

/// Called after each question, from any thread.
pub type Progress<'a> = &'a (dyn Fn() + Sync);

/// The model with its linear layers in precision `to` and its large tables in bfloat16.
///
/// With the moments of the layers' inputs, 8 and 4 bits are rounded for the least error in the layers' outputs;
/// without, each weight to the nearest. The same model and moments give the same bytes. What was done is told in the
/// provenance.
///
/// # Errors
/// [`Error::Format`] for a model that is not in f32: what was lost before cannot be made up for; [`Error::Tensor`] for a
/// layer of more inputs than 8-bit products can sum ([`PackedMatrix::MAX_INPUTS_Q8`]).
pub fn quantize(model: &TrmModel, to: Precision, seen: Option<&Moments>) -> Result<TrmModel> {
    refuse_inexact(model)?;
    if to == Precision::F32 {
        return Ok(model.clone());
    }
    if to >= Precision::Q8 {
        refuse_wide(model.config())?;
    }
    let mut layer = 0;
    let mut weights: TrmWeights<Linear> = model.weights.to_f32().map(|weights| {
        let metric = || match seen {
            Some(seen) => Metric::new(&seen.layers[layer]),
            None => Metric::plain(weights.cols()),
        };
        let linear = match to {
            Precision::F32 => Linear::F32(weights),
            Precision::Bf16 => Linear::Bf16(bf16(&weights)),
            Precision::Q8 => Linear::Q8(rounding::q8(&weights, &metric())),
            Precision::Q4 => Linear::Q4(rounding::q4(&weights, &metric())),
        };
        layer += 1;
        linear
    });
    let shapes = TrmWeights::table_shapes(model.config());
    for ((name, _), table) in shapes.iter().zip(weights.parts_mut().0) {
        if table_kind(name) == Kind::Table {
            let numbers = table.padded_mut().iter_mut();
            numbers.for_each(|v| *v = to_bf16(*v).to_f32());
        }
    }
    let mut header = model.header.clone();
    // What was measured was measured with other weights.
    header.thinking = None;
    let how = match (to, seen) {
        (Precision::Q8 | Precision::Q4, Some(seen)) => format!(
            "error-compensating rounding to {to}, calibrated on {} questions",
            seen.questions
        ),
        _ => format!("rounding to the nearest {to}"),
    };
    for (key, value) in [
        ("quantized_from", model.precision().name().to_owned()),
        ("quantized_by", how),
    ] {
        header.provenance.insert(key.into(), value.into());
    }
    Ok(TrmModel { header, weights })
}

/// Refuses a model whose layers have more inputs than a sum of 8-bit products has room for.
fn refuse_wide(config: &TrmConfig) -> Result<()> {
    let most = PackedMatrix::MAX_INPUTS_Q8;
    let shapes = TrmWeights::linear_shapes(config);
    match shapes.into_iter().find(|(_, shape)| shape[1] > most) {
        None => Ok(()),
        Some((name, shape)) => Err(Error::Tensor {
            name,
            expected: format!("at most {most} inputs, to be multiplied in 8 bits"),
            found: shape[1].to_string(),
        }),
    }
}

/// Refuses a model whose weights have lost precision already.
fn refuse_inexact(model: &TrmModel) -> Result<()> {
    match model.precision() {
        Precision::F32 => Ok(()),
        found => Err(Error::Format(format!(
            "expected weights in f32, found {found}; quantize the model that this one was made from"
        ))),
    }
}

fn bf16(weights: &AlignedMatrix) -> Bf16Weights {
    Bf16Weights {
        rows: weights.rows(),
        cols: weights.cols(),
        values: weights.to_vec().into_iter().map(to_bf16).collect(),
    }
}
