//! Row-major matrices whose rows start on cache lines.

use bytemuck::{Pod, Zeroable};
use std::marker::PhantomData;

/// Elements (of 4 bytes) in a cache line, and in the widest vector of any instruction set here.
pub const LINE: usize = 16;

/// One cache line. A `Vec` of these is aligned in its data, which `align(64)` on a struct that holds a
/// `Vec<f32>` would not be.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
struct Line([u32; LINE]);

/// A number of 4 bytes: f32, or a unit of smaller ones in a u32.
pub trait Element: Pod + Default {}
impl Element for f32 {}
impl Element for u32 {}

/// A row-major `rows x cols` matrix of 4-byte elements. Each row starts on a 64-byte boundary and is padded to whole
/// cache lines.
///
/// The padding is zero when the matrix is made, and every kernel keeps it zero: a product of zero columns,
/// a sum or a norm of them is zero again. So kernels load and store whole vectors without masks.
#[derive(Clone)]
pub struct AlignedMatrix<T = f32> {
    rows: usize,
    cols: usize,
    stride: usize,
    data: Vec<Line>,
    element: PhantomData<T>,
}

impl<T: Element> AlignedMatrix<T> {
    /// Distance between rows, in elements, that a matrix of `cols` columns gets.
    ///
    /// Whole cache lines; one more where rows would lie a multiple of 512 bytes apart, since a column of
    /// such rows falls into few cache sets and evicts itself.
    #[inline]
    pub fn stride_for(cols: usize) -> usize {
        let lines = cols.div_ceil(LINE).max(1);
        (lines + usize::from(lines.is_multiple_of(8))) * LINE
    }

    /// A matrix of zeros.
    #[inline]
    pub fn zeros(rows: usize, cols: usize) -> Self {
        let stride = Self::stride_for(cols);
        AlignedMatrix {
            rows,
            cols,
            stride,
            data: vec![Line([0; LINE]); rows * stride / LINE],
            element: PhantomData,
        }
    }

    /// A matrix with the given values, row by row.
    ///
    /// # Panics
    /// If `values` does not hold `rows * cols` numbers.
    pub fn from_slice(rows: usize, cols: usize, values: &[T]) -> Self {
        assert_eq!(
            values.len(),
            rows * cols,
            "values of a {rows}x{cols} matrix"
        );
        let mut matrix = Self::zeros(rows, cols);
        if cols > 0 {
            for (r, row) in values.chunks_exact(cols).enumerate() {
                matrix.row_mut(r).copy_from_slice(row);
            }
        }
        matrix
    }

    /// Number of rows.
    #[inline]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns, without padding.
    #[inline]
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Distance between the starts of two rows, in elements.
    #[inline]
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Row `r`, without padding.
    #[inline]
    pub fn row(&self, r: usize) -> &[T] {
        &self.padded()[r * self.stride..][..self.cols]
    }

    /// Row `r`, without padding.
    #[inline]
    pub fn row_mut(&mut self, r: usize) -> &mut [T] {
        let (start, cols) = (r * self.stride, self.cols);
        &mut self.padded_mut()[start..][..cols]
    }

    /// All numbers with the padding: `rows * stride`.
    #[inline]
    pub fn padded(&self) -> &[T] {
        bytemuck::cast_slice(&self.data)
    }

    /// All numbers with the padding, which the caller must leave zero.
    #[inline]
    pub fn padded_mut(&mut self) -> &mut [T] {
        bytemuck::cast_slice_mut(&mut self.data)
    }

    /// The numbers without padding, row by row.
    #[inline]
    pub fn to_vec(&self) -> Vec<T> {
        (0..self.rows).flat_map(|r| self.row(r)).copied().collect()
    }

    /// Bytes that it takes in memory.
    #[inline]
    pub fn bytes(&self) -> usize {
        self.data.len() * size_of::<Line>()
    }

    /// The first number.
    #[inline]
    pub fn as_ptr(&self) -> *const T {
        self.padded().as_ptr()
    }

    /// The first number, to be written.
    #[inline]
    pub fn as_mut_ptr(&mut self) -> *mut T {
        self.padded_mut().as_mut_ptr()
    }
}

impl<T> std::fmt::Debug for AlignedMatrix<T> {
    #[inline]
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AlignedMatrix({}x{})", self.rows, self.cols)
    }
}
