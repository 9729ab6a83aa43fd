//! Unchecked views of matrices, for kernels whose parts run on several threads.

use super::epilogue::{Acts, ActsBf16, Add, KeepPre, Store};
use super::matrix::{AlignedMatrix, LINE};
use super::product::{Lhs, Rhs};

/// A place in a row-major matrix of f32, with the distance of its rows.
///
/// Whoever builds a kernel on a view promises that the matrix outlives it, that the kernel stays inside, and
/// that threads which run at the same time write to different elements.
#[derive(Debug, Clone, Copy)]
pub struct View {
    /// The first number.
    pub ptr: *mut f32,
    /// Distance of rows.
    pub stride: usize,
}

// SAFETY: a view is a pointer with the promise above, which covers threads.
unsafe impl Send for View {}
// SAFETY: as above.
unsafe impl Sync for View {}

impl View {
    /// The part of the matrix from element (row, col).
    #[inline]
    pub fn at(self, row: usize, col: usize) -> View {
        View {
            ptr: self.ptr.wrapping_add(row * self.stride + col),
            ..self
        }
    }

    /// As a left factor.
    #[inline]
    pub fn lhs<'a>(self) -> Lhs<'a> {
        Lhs::Strided {
            ptr: self.ptr.cast(),
            row: self.stride,
            col: 1,
        }
    }

    /// The transposed matrix as a left factor.
    #[inline]
    pub fn transposed_lhs<'a>(self) -> Lhs<'a> {
        Lhs::Strided {
            ptr: self.ptr.cast(),
            row: 1,
            col: self.stride,
        }
    }

    /// As a right factor.
    #[inline]
    pub fn rhs<'a>(self) -> Rhs<'a> {
        Rhs::Rows {
            ptr: self.ptr.cast(),
            stride: self.stride,
        }
    }

    /// Results replace what is here.
    #[inline]
    pub fn store(self) -> Store {
        Store {
            ptr: self.ptr,
            stride: self.stride,
        }
    }

    /// Results are added to what is here.
    #[inline]
    pub fn add(self) -> Add {
        Add {
            ptr: self.ptr,
            stride: self.stride,
        }
    }

    /// A SwiGLU whose result goes here; with `SHORT` to be quantised.
    #[inline]
    pub fn acts<const SHORT: bool>(self) -> Acts<SHORT> {
        Acts {
            ptr: self.ptr,
            stride: self.stride,
        }
    }

    /// The same memory as units of a float each.
    #[inline]
    pub fn units(self) -> Units {
        Units {
            ptr: self.ptr.cast(),
            stride: self.stride,
        }
    }
}

/// Where the gates and the ups of a SwiGLU are kept for the backward pass, in one matrix.
#[derive(Clone, Copy)]
pub struct Pre {
    /// Gates.
    pub gate: View,
    /// Ups.
    pub up: View,
}

impl Pre {
    /// A sink that keeps gates and ups here.
    #[inline]
    pub fn keep<A>(self, acts: A) -> KeepPre<A> {
        KeepPre {
            acts,
            gate: self.gate.ptr,
            up: self.up.ptr,
            stride: self.gate.stride,
        }
    }
}

/// The same for a matrix of units, each of which holds several numbers of a product's inner sum.
#[derive(Debug, Clone, Copy)]
pub struct Units {
    /// The first unit.
    pub ptr: *mut u32,
    /// Distance of rows.
    pub stride: usize,
}

// SAFETY: as for a view.
unsafe impl Send for Units {}
// SAFETY: as for a view.
unsafe impl Sync for Units {}

impl Units {
    /// The same memory as floats.
    #[inline]
    pub fn view(self) -> View {
        View {
            ptr: self.ptr.cast(),
            stride: self.stride,
        }
    }

    /// The part of the matrix from unit (row, col).
    #[inline]
    pub fn at(self, row: usize, col: usize) -> Units {
        Units {
            ptr: self.ptr.wrapping_add(row * self.stride + col),
            ..self
        }
    }

    /// As a left factor.
    #[inline]
    pub fn lhs<'a>(self) -> Lhs<'a> {
        Lhs::Strided {
            ptr: self.ptr,
            row: self.stride,
            col: 1,
        }
    }

    /// As a right factor.
    #[inline]
    pub fn rhs<'a>(self) -> Rhs<'a> {
        Rhs::Rows {
            ptr: self.ptr,
            stride: self.stride,
        }
    }

    /// The transposed matrix as a left factor.
    #[inline]
    pub fn transposed_lhs<'a>(self) -> Lhs<'a> {
        Lhs::Strided {
            ptr: self.ptr,
            row: 1,
            col: self.stride,
        }
    }

    /// A SwiGLU whose result goes here as bfloat16.
    #[inline]
    pub fn acts<const PAIRS: bool>(self) -> ActsBf16<PAIRS> {
        ActsBf16 {
            ptr: self.ptr,
            stride: self.stride,
        }
    }
}

impl AlignedMatrix<u32> {
    /// A view of the units.
    #[inline]
    pub fn units(&mut self) -> Units {
        Units {
            ptr: self.as_mut_ptr(),
            stride: self.stride(),
        }
    }
}

impl AlignedMatrix {
    /// A view that may be written through.
    #[inline]
    pub fn view(&mut self) -> View {
        View {
            ptr: self.as_mut_ptr(),
            stride: self.stride(),
        }
    }

    /// A view that must not be written through.
    #[inline]
    pub fn view_const(&self) -> View {
        View {
            ptr: self.as_ptr().cast_mut(),
            stride: self.stride(),
        }
    }
}

/// Copies `rows` rows of `cols` numbers.
pub fn copy_rows(from: View, to: View, rows: usize, cols: usize) {
    for r in 0..rows {
        // SAFETY: both views hold rows of at least `cols` numbers, in different matrices.
        unsafe { std::ptr::copy_nonoverlapping(from.at(r, 0).ptr, to.at(r, 0).ptr, cols) }
    }
}

/// `to[c][r] = from[r][c]`.
pub fn transpose(from: Units, to: Units, rows: usize, cols: usize) {
    // A cache line of the result at a time.
    for first in (0..rows).step_by(LINE) {
        for c in 0..cols {
            for r in first..rows.min(first + LINE) {
                // SAFETY: `from` holds `rows x cols` units, `to` as many.
                unsafe { *to.at(c, r).ptr = *from.at(r, c).ptr }
            }
        }
    }
}
