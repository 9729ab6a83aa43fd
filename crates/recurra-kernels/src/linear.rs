//! The weights of a linear layer in the precision in which they are stored.

use super::matrix::AlignedMatrix;
use half::bf16;

/// How the weights of linear layers are stored and multiplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Precision {
    /// 32-bit floats.
    F32,
    /// bfloat16: f32 with 7 bits of fraction.
    Bf16,
    /// 8-bit integers, one scale an output: [`Q8Weights`].
    Q8,
    /// 4-bit integers, one scale an output and one small integer factor a group of inputs: [`Q4Weights`].
    Q4,
}

impl Precision {
    /// All of them, the most exact first.
    pub const ALL: [Precision; 4] = [
        Precision::F32,
        Precision::Bf16,
        Precision::Q8,
        Precision::Q4,
    ];

    /// Its name on the command line and in reports.
    #[inline]
    pub fn name(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::Bf16 => "bf16",
            Precision::Q8 => "q8",
            Precision::Q4 => "q4",
        }
    }
}

impl std::fmt::Display for Precision {
    #[inline]
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// bfloat16 weights `[rows, cols]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Bf16Weights {
    /// Outputs.
    pub rows: usize,
    /// Inputs.
    pub cols: usize,
    /// Row by row, `rows * cols`.
    pub values: Vec<bf16>,
}

/// 8-bit weights `[rows, cols]`: weight (r, c) is `scales[r] * values[r, c]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Q8Weights {
    /// Outputs.
    pub rows: usize,
    /// Inputs.
    pub cols: usize,
    /// Row by row, `rows * cols`, each in -127..=127.
    pub values: Vec<i8>,
    /// One a row, each finite and not negative.
    pub scales: Vec<f32>,
}

/// 4-bit weights `[rows, cols]`: weight (r, c) is `scales[r] * multipliers[r, c / 32] * (nibble - 8)`.
///
/// A group's factor is an integer so that factor times value is an 8-bit integer again: products either expand the
/// weights when they are packed and go on as for [`Q8Weights`], or multiply a group's sum by its factor, which is exact.
#[derive(Debug, Clone, PartialEq)]
pub struct Q4Weights {
    /// Outputs.
    pub rows: usize,
    /// Inputs.
    pub cols: usize,
    /// Row by row, two to a byte, the even input in the low half; rows of `cols.div_ceil(2)` bytes.
    pub nibbles: Vec<u8>,
    /// Row by row, one for each group of [`Q4Weights::GROUP`] inputs, each in 1..=[`Q4Weights::MAX_MULTIPLIER`].
    pub multipliers: Vec<u8>,
    /// One a row, each finite and not negative.
    pub scales: Vec<f32>,
}

impl Q8Weights {
    /// The scaled integer at (row, col).
    #[inline]
    pub fn value(&self, row: usize, col: usize) -> i8 {
        self.values[row * self.cols + col]
    }
}

impl Q4Weights {
    /// Inputs that share a multiplier.
    pub const GROUP: usize = 32;
    /// The largest multiplier: times -8 it still is an 8-bit integer.
    pub const MAX_MULTIPLIER: u8 = 15;

    /// Bytes in a row of nibbles.
    #[inline]
    pub fn row_bytes(cols: usize) -> usize {
        cols.div_ceil(2)
    }

    /// Multipliers in a row.
    #[inline]
    pub fn groups(cols: usize) -> usize {
        cols.div_ceil(Self::GROUP)
    }

    /// The nibble at (row, col).
    #[inline]
    pub fn nibble(&self, row: usize, col: usize) -> u8 {
        let byte = self.nibbles[row * Self::row_bytes(self.cols) + col / 2];
        if col.is_multiple_of(2) {
            byte & 15
        } else {
            byte >> 4
        }
    }

    /// The scaled integer at (row, col): multiplier times value.
    #[inline]
    pub fn value(&self, row: usize, col: usize) -> i8 {
        let multiplier = self.multipliers[row * Self::groups(self.cols) + col / Self::GROUP];
        multiplier as i8 * (self.nibble(row, col) as i8 - 8)
    }

    /// The same weights with 8-bit integers.
    #[inline]
    pub fn to_q8(&self) -> Q8Weights {
        let (rows, cols) = (self.rows, self.cols);
        Q8Weights {
            rows,
            cols,
            values: (0..rows * cols)
                .map(|i| self.value(i / cols, i % cols))
                .collect(),
            scales: self.scales.clone(),
        }
    }
}

/// The weights of a linear layer without bias, `[outputs, inputs]`.
#[derive(Debug, Clone)]
pub enum Linear {
    /// 32-bit floats.
    F32(AlignedMatrix),
    /// bfloat16.
    Bf16(Bf16Weights),
    /// 8-bit integers.
    Q8(Q8Weights),
    /// 4-bit integers.
    Q4(Q4Weights),
}

impl Linear {
    /// Outputs.
    #[inline]
    pub fn rows(&self) -> usize {
        match self {
            Linear::F32(w) => w.rows(),
            Linear::Bf16(w) => w.rows,
            Linear::Q8(w) => w.rows,
            Linear::Q4(w) => w.rows,
        }
    }

    /// Inputs.
    #[inline]
    pub fn cols(&self) -> usize {
        match self {
            Linear::F32(w) => w.cols(),
            Linear::Bf16(w) => w.cols,
            Linear::Q8(w) => w.cols,
            Linear::Q4(w) => w.cols,
        }
    }

    /// The precision of its weights.
    #[inline]
    pub fn precision(&self) -> Precision {
        match self {
            Linear::F32(_) => Precision::F32,
            Linear::Bf16(_) => Precision::Bf16,
            Linear::Q8(_) => Precision::Q8,
            Linear::Q4(_) => Precision::Q4,
        }
    }

    /// The weights as f32.
    pub fn to_f32(&self) -> AlignedMatrix {
        let (rows, cols) = (self.rows(), self.cols());
        let fill = |weight: &dyn Fn(usize, usize) -> f32| {
            let mut matrix = AlignedMatrix::zeros(rows, cols);
            for r in 0..rows {
                for (c, to) in matrix.row_mut(r).iter_mut().enumerate() {
                    *to = weight(r, c);
                }
            }
            matrix
        };
        match self {
            Linear::F32(w) => w.clone(),
            Linear::Bf16(w) => fill(&|r, c| w.values[r * cols + c].to_f32()),
            Linear::Q8(w) => fill(&|r, c| w.scales[r] * f32::from(w.value(r, c))),
            Linear::Q4(w) => fill(&|r, c| w.scales[r] * f32::from(w.value(r, c))),
        }
    }
}

impl From<AlignedMatrix> for Linear {
    #[inline]
    fn from(weights: AlignedMatrix) -> Self {
        Linear::F32(weights)
    }
}
