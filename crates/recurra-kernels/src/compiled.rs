//! The kernels that there are.
//!
//! Generic code is compiled where it is used. So that kernels are compiled in this crate, each is named here, and each
//! product by its format and its epilogue: what is not in the list does not compile elsewhere.

use super::Isa;
use super::attention::{Rotate, SoftmaxBytes, SoftmaxRows, SoftmaxRowsBackward};
use super::epilogue::{
    Acts, ActsBf16, Add, Epilogue, KeepPre, Store, StoreScaled, SwiGluPanels, SwiGluRows,
};
use super::format::{Bf16, F32, Format, Int8};
use super::gather::Dots;
use super::messages::{SumOthers, SumRows};
use super::nibbles::Int4;
use super::norm::{AddInto, NormCols, NormColsBackward, NormRows, NormRowsBackward};
use super::optimizer::{AdamUpdate, MoveAverage};
use super::product::Product;
use super::quantize::{Bf16Cols, Bf16Rows, QuantizeCols, QuantizeRows};
use super::swiglu::{SwiGluBackward, SwiGluBackwardBf16};

/// A kernel that is compiled in this crate; see [`Isa::run`].
pub trait Kernel {
    /// What it returns.
    type Output;
    /// Runs it on an instruction set.
    fn run_on(self, isa: Isa) -> Self::Output;
}

macro_rules! kernels {
    ($($kernel:ty)*) => { $(
        impl Kernel for $kernel {
            type Output = ();
            #[inline(never)]
            fn run_on(self, isa: Isa) {
                isa.compile(self);
            }
        }
    )* };
}

kernels! {
    AddInto NormCols NormColsBackward NormRows NormRowsBackward
    Rotate<'_> SoftmaxBytes SoftmaxRows SoftmaxRowsBackward
    Bf16Cols Bf16Rows QuantizeCols QuantizeRows
    SwiGluBackward SwiGluBackwardBf16
    AdamUpdate<'_> MoveAverage<'_> Dots<'_> SumOthers SumRows<'_>
}

/// An epilogue that may follow products of a format.
pub trait Follows<F: Format>: Epilogue {
    /// The product, with the epilogue.
    fn product(product: Product<'_, F, Self>, isa: Isa);
}

impl<F: Format, E: Follows<F>> Kernel for Product<'_, F, E> {
    type Output = ();
    #[inline]
    fn run_on(self, isa: Isa) {
        E::product(self, isa);
    }
}

macro_rules! products {
    ($($format:ty: $($epilogue:ty),*;)*) => { $($(
        impl Follows<$format> for $epilogue {
            #[inline(never)]
            fn product(product: Product<'_, $format, Self>, isa: Isa) {
                isa.compile(product);
            }
        }
    )*)* };
}

products! {
    F32: Store, Add, StoreScaled,
        SwiGluPanels<Acts<false>>, SwiGluPanels<KeepPre<Acts<false>>>,
        SwiGluRows<Acts<false>>, SwiGluRows<KeepPre<Acts<false>>>;
    Bf16: Store, Add,
        SwiGluPanels<Acts<true>>, SwiGluPanels<KeepPre<Acts<true>>>,
        SwiGluPanels<ActsBf16<false>>, SwiGluPanels<KeepPre<ActsBf16<false>>>,
        SwiGluRows<Acts<true>>, SwiGluRows<ActsBf16<true>>, SwiGluRows<KeepPre<ActsBf16<true>>>;
    Int8<false>: Store, Add, SwiGluPanels<Acts<true>>;
    Int8<true>: Store, Add, SwiGluRows<Acts<true>>;
    Int4: Store, Add, SwiGluPanels<Acts<true>>;
}

/// An epilogue that may follow a linear layer, whatever the precision of its weights.
pub trait FollowsLinear:
    Follows<F32> + Follows<Bf16> + Follows<Int8<false>> + Follows<Int4>
{
}
impl<E: Follows<F32> + Follows<Bf16> + Follows<Int8<false>> + Follows<Int4>> FollowsLinear for E {}
