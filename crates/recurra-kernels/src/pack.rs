//! Weights in the order in which a product reads them.

use super::Isa;
use super::fit::fitted;
use super::linear::{Linear, Precision, Q8Weights};
use super::matrix::{AlignedMatrix, LINE};
use super::nibbles;
use super::simd::{Bf16s, Bytes, Floats, Instructions, Nibbles, Simd, SimdOp};
use half::bf16;
use std::marker::PhantomData;

/// Cuts `0..total` into the fewest ranges of at most `most`, of lengths that differ by at most one.
#[inline(always)]
pub fn split(total: usize, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let parts = total.div_ceil(most);
    (0..parts).map(move |p| (total * p / parts, total * (p + 1) / parts))
}

/// As [`split`], but with `pairs` each half of `0..total` is cut, so that the gates of a range and the ups that
/// belong to them make one block.
#[inline(always)]
pub fn split_pairs(total: usize, most: usize, pairs: bool) -> impl Iterator<Item = (usize, usize)> {
    let each = if pairs { 2 } else { 1 };
    split(total / each, most / each).map(move |(from, to)| (from * each, to * each))
}

/// The side of a product on which weights `[outputs, inputs]` stand, and whether they are a SwiGLU's gate and up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// Right factor: panels of a few vectors of outputs, input after input.
    Panels,
    /// Right factor of a SwiGLU: each panel half gates, half the ups that belong to them.
    PairPanels,
    /// Left factor: blocks of a few rows (outputs), input after input.
    Rows,
    /// Left factor of a SwiGLU: each block half gates, half the ups that belong to them.
    PairRows,
}

/// A weight matrix `[n, k]` in the order in which a product on one instruction set reads it, in units of 4 bytes: a
/// float, two bfloat16 or four 8-bit integers that follow one another along `k`.
#[derive(Clone, Debug)]
pub struct PackedMatrix {
    /// The order.
    pub packing: Packing,
    /// Outputs.
    pub n: usize,
    /// Inputs.
    pub k: usize,
    /// Of the units; [`Precision::Q4`] where products take 4 bits ([`Isa::has_nibbles`]), otherwise they are packed as 8.
    pub precision: Precision,
    /// Whether the weights do not stay in the second-level cache from one use to the next, so that it pays to ask for
    /// them ahead. For smaller ones it costs a tenth of the time.
    pub stream: bool,
    data: AlignedMatrix<u32>,
    /// For 8 bits: the scale of each output, in packed order.
    scales: AlignedMatrix,
    /// For 8 bits: where the sum of each output starts, to undo the zero point of the activations.
    starts: AlignedMatrix<u32>,
}

/// Calls `put(place of input 0, step to the next input, packed place of the output, output)` for every output.
#[inline(always)]
fn outputs<S: Simd>(
    packing: Packing,
    n: usize,
    units: usize,
    mut put: impl FnMut(usize, usize, usize, usize),
) {
    let lanes = match packing {
        Packing::Panels | Packing::PairPanels => S::LANES,
        Packing::Rows | Packing::PairRows => 1,
    };
    let most = match packing {
        Packing::Panels => S::TILE.vecs,
        Packing::PairPanels => S::PAIR_TILE.vecs,
        Packing::Rows | Packing::PairRows => S::TILE.rows,
    };
    let pairs = matches!(packing, Packing::PairPanels | Packing::PairRows);
    for (v0, v1) in split_pairs(n.div_ceil(lanes), most, pairs) {
        let (first, width) = (v0 * lanes, (v1 - v0) * lanes);
        for c in 0..width {
            // Half of the block are gates; `first` counts gates and ups, so gates begin at half of it.
            let source = match packing {
                Packing::Panels | Packing::Rows => first + c,
                Packing::PairPanels | Packing::PairRows if c < width / 2 => first / 2 + c,
                Packing::PairPanels | Packing::PairRows => n / 2 + first / 2 + c - width / 2,
            };
            if source < n {
                put(first * units + c, width, first + c, source);
            }
        }
    }
}

/// f32 weights `[outputs, inputs]`: a matrix as it stands, or transposed for the backward pass.
#[derive(Clone, Copy)]
pub struct Entries<'a> {
    matrix: &'a AlignedMatrix,
    transposed: bool,
}

impl Entries<'_> {
    /// A matrix as it stands.
    #[inline]
    pub fn of(matrix: &AlignedMatrix) -> Entries<'_> {
        Entries {
            matrix,
            transposed: false,
        }
    }

    /// A matrix transposed.
    #[inline]
    pub fn transposed(matrix: &AlignedMatrix) -> Entries<'_> {
        Entries {
            matrix,
            transposed: true,
        }
    }

    #[inline]
    fn shape(self) -> (usize, usize) {
        let (rows, cols) = (self.matrix.rows(), self.matrix.cols());
        if self.transposed {
            (cols, rows)
        } else {
            (rows, cols)
        }
    }

    #[inline]
    fn value(self, output: usize, input: usize) -> f32 {
        if self.transposed {
            self.matrix.row(input)[output]
        } else {
            self.matrix.row(output)[input]
        }
    }

    /// Units of a float.
    #[inline]
    fn floats(self) -> impl Fn(usize, usize) -> u32 {
        move |r, i| self.value(r, i).to_bits()
    }

    /// Units of two bfloat16.
    #[inline]
    fn pairs(self) -> impl Fn(usize, usize) -> u32 {
        let (_, inputs) = self.shape();
        let bits = move |r, i| match i < inputs {
            true => u32::from(bf16::from_f32(self.value(r, i)).to_bits()),
            false => 0,
        };
        move |r, i| bits(r, 2 * i) | bits(r, 2 * i + 1) << 16
    }
}

/// Packs `units` units an output, each given by `unit(output, index)`.
struct Pack<'a, F, U> {
    packing: Packing,
    n: usize,
    units: usize,
    unit: F,
    data: &'a mut AlignedMatrix<u32>,
    uses: PhantomData<U>,
}

impl<F: Fn(usize, usize) -> u32, U: Instructions> SimdOp for Pack<'_, F, U> {
    type Output = ();
    type Uses = U;
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let out = self.data.padded_mut();
        outputs::<S>(self.packing, self.n, self.units, |at, step, _, source| {
            let column = out[at..].iter_mut().step_by(step).take(self.units);
            for (i, to) in column.enumerate() {
                *to = (self.unit)(source, i);
            }
        });
    }
}

/// Scales and starting sums of 8-bit weights, in packed order.
struct PackScales<'a> {
    packing: Packing,
    weights: &'a Q8Weights,
    scales: &'a mut [f32],
    starts: &'a mut [u32],
}

impl SimdOp for PackScales<'_> {
    type Output = ();
    type Uses = Bytes;
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let w = self.weights;
        outputs::<S>(self.packing, w.rows, 0, |_, _, place, source| {
            self.scales[place] = w.scales[source];
            let row = &w.values[source * w.cols..][..w.cols];
            let sum: i32 = row.iter().map(|&v| i32::from(v)).sum();
            self.starts[place] = (-S::ACT_ZERO * sum) as u32;
        });
    }
}

impl PackedMatrix {
    /// The most inputs of 8-bit weights: with more, a sum of products might not fit 32 bits.
    pub const MAX_INPUTS_Q8: usize = (i32::MAX / (255 * 127)) as usize;

    /// Packs the weights (`[outputs, inputs]`) of a linear layer for products on `isa`.
    ///
    /// Where the instruction set has no products of bfloat16, such weights are widened to f32 here: to widen them on
    /// every use takes a third of the time of a product.
    ///
    /// # Panics
    /// If a SwiGLU's gate and up do not fill whole blocks: their width is a multiple of 16
    /// (`TrmConfig::swiglu_width`), which does on every instruction set. If 8-bit
    /// weights have more than [`PackedMatrix::MAX_INPUTS_Q8`] inputs.
    pub fn new(isa: Isa, packing: Packing, weights: &Linear) -> Self {
        match weights {
            Linear::F32(w) => Self::of_floats(isa, packing, w),
            Linear::Bf16(w) if isa.has_bf16() => {
                let value = |r: usize, c: usize| match c < w.cols {
                    true => u32::from(w.values[r * w.cols + c].to_bits()),
                    false => 0,
                };
                let unit = |r: usize, i: usize| value(r, 2 * i) | value(r, 2 * i + 1) << 16;
                Self::pack::<Bf16s>(isa, packing, Precision::Bf16, w.rows, w.cols, unit)
            }
            Linear::Bf16(_) => Self::of_floats(isa, packing, &weights.to_f32()),
            Linear::Q8(w) => Self::of_bytes(isa, packing, w),
            Linear::Q4(w) => {
                let bytes = w.to_q8();
                if matches!(packing, Packing::Panels | Packing::PairPanels) && isa.has_nibbles() {
                    let unit = |r: usize, i: usize| nibbles::packed_unit(w, r, i);
                    let packed =
                        Self::pack::<Nibbles>(isa, packing, Precision::Q4, w.rows, w.cols, unit);
                    packed.with_scales(isa, &bytes)
                } else {
                    Self::of_bytes(isa, packing, &bytes)
                }
            }
        }
    }

    /// Packs f32 weights; panics as [`PackedMatrix::new`].
    #[inline]
    pub fn of_floats(isa: Isa, packing: Packing, w: &AlignedMatrix) -> Self {
        Self::rounded(isa, packing, Precision::F32, Entries::of(w))
    }

    /// Packs f32 weights as f32 or as bfloat16. Where the instruction set has no products of bfloat16 they are rounded all the
    /// same, and multiplied by plain Rust.
    ///
    /// # Panics
    /// As [`PackedMatrix::new`], and for a precision of integers.
    #[inline]
    pub fn rounded(isa: Isa, packing: Packing, precision: Precision, w: Entries<'_>) -> Self {
        let (n, k) = w.shape();
        match precision {
            Precision::F32 => Self::pack::<Floats>(isa, packing, precision, n, k, w.floats()),
            Precision::Bf16 => Self::pack::<Bf16s>(isa, packing, precision, n, k, w.pairs()),
            Precision::Q8 | Precision::Q4 => panic!("weights are not rounded to integers here"),
        }
    }

    #[inline]
    fn of_bytes(isa: Isa, packing: Packing, w: &Q8Weights) -> Self {
        let w = &*fitted(isa, w);
        let unit = |r: usize, i: usize| {
            let row = &w.values[r * w.cols..][..w.cols];
            let value = |c: usize| row.get(c).map_or(0, |&v| v as u8);
            u32::from_le_bytes([4 * i, 4 * i + 1, 4 * i + 2, 4 * i + 3].map(value))
        };
        Self::pack::<Bytes>(isa, packing, Precision::Q8, w.rows, w.cols, unit).with_scales(isa, w)
    }

    /// Adds what belongs to these 8-bit weights, or to 4-bit ones that are the same when they are expanded.
    fn with_scales(mut self, isa: Isa, w: &Q8Weights) -> Self {
        assert!(w.cols <= Self::MAX_INPUTS_Q8, "{} inputs", w.cols);
        let padded = w.rows.next_multiple_of(LINE);
        self.scales = AlignedMatrix::zeros(1, padded);
        self.starts = AlignedMatrix::zeros(1, padded);
        isa.compile(PackScales {
            packing: self.packing,
            weights: w,
            scales: self.scales.padded_mut(),
            starts: self.starts.padded_mut(),
        });
        self
    }

    fn pack<U: Instructions>(
        isa: Isa,
        packing: Packing,
        precision: Precision,
        n: usize,
        k: usize,
        unit: impl Fn(usize, usize) -> u32,
    ) -> Self {
        if matches!(packing, Packing::PairPanels | Packing::PairRows) {
            assert!(
                n.is_multiple_of(2 * LINE),
                "gate and up rows: expected a multiple of {}, found {n}",
                2 * LINE,
            );
        }
        let units = match precision {
            Precision::Q4 => nibbles::packed_units(k),
            _ => k.div_ceil(per_unit(precision)),
        };
        let mut data = AlignedMatrix::zeros(1, n.next_multiple_of(LINE) * units);
        isa.compile(Pack {
            packing,
            n,
            units,
            unit,
            data: &mut data,
            uses: PhantomData::<U>,
        });
        PackedMatrix {
            packing,
            n,
            k,
            precision,
            stream: false,
            data,
            scales: AlignedMatrix::zeros(0, 0),
            starts: AlignedMatrix::zeros(0, 0),
        }
    }

    /// Packs other f32 weights of the same shape into the same memory, in the same precision.
    ///
    /// # Panics
    /// For another shape, or packed integers.
    #[inline]
    pub fn repack(&mut self, isa: Isa, w: Entries<'_>) {
        assert_eq!(w.shape(), (self.n, self.k));
        match self.precision {
            Precision::F32 => self.fill::<Floats>(isa, w.floats()),
            Precision::Bf16 => self.fill::<Bf16s>(isa, w.pairs()),
            Precision::Q8 | Precision::Q4 => panic!("weights are not rounded to integers here"),
        }
    }

    #[inline]
    fn fill<U: Instructions>(&mut self, isa: Isa, unit: impl Fn(usize, usize) -> u32) {
        isa.compile(Pack {
            packing: self.packing,
            n: self.n,
            units: self.units(),
            unit,
            data: &mut self.data,
            uses: PhantomData::<U>,
        });
    }

    /// Units of the inner sum of a product with it, as the other factor counts them.
    #[inline]
    pub fn units(&self) -> usize {
        self.k.div_ceil(per_unit(self.precision))
    }

    /// Bytes that it takes in memory.
    #[inline]
    pub fn bytes(&self) -> usize {
        4 * (self.data.padded().len() + self.scales.padded().len() + self.starts.padded().len())
    }

    /// The first number.
    #[inline]
    pub fn as_ptr(&self) -> *const u32 {
        self.data.as_ptr()
    }

    /// The scale of each output, in packed order; for 8 bits.
    #[inline]
    pub fn scales(&self) -> *const f32 {
        self.scales.as_ptr()
    }

    /// Where the sum of each output starts; for 8 bits.
    #[inline]
    pub fn starts(&self) -> *const u32 {
        self.starts.as_ptr()
    }
}

/// Numbers in a unit of 4 bytes, as products take them.
pub fn per_unit(precision: Precision) -> usize {
    match precision {
        Precision::F32 => 1,
        Precision::Bf16 => 2,
        Precision::Q8 | Precision::Q4 => 4,
    }
}
