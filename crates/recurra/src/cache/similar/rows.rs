//! Fingerprints, scaled to length 1 so that a scalar product is the cosine.

use super::pages::next_of;
use recurra_kernels::gather::Dots;
use recurra_kernels::{AlignedMatrix, Isa};

/// What a page of rows may take.
const PAGE_BYTES: usize = 64 << 10;

/// Rows of one length, in pages.
pub(super) struct Rows {
    isa: Isa,
    dimensions: usize,
    stride: usize,
    /// A page has `1 << shift` rows.
    shift: u32,
    pages: Vec<AlignedMatrix>,
    len: usize,
}

impl Rows {
    pub(super) fn new(dimensions: usize) -> Self {
        let stride = AlignedMatrix::<f32>::stride_for(dimensions);
        let rows = PAGE_BYTES / (stride * size_of::<f32>());
        Rows {
            isa: Isa::detect(),
            dimensions,
            stride,
            shift: rows.max(1).ilog2(),
            pages: Vec::new(),
            len: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// A row with its padding.
    pub(super) fn row(&self, at: u32) -> &[f32] {
        let (page, start) = self.place(at);
        &self.pages[page].padded()[start..][..self.stride]
    }

    fn place(&self, at: u32) -> (usize, usize) {
        let within = at as usize & ((1 << self.shift) - 1);
        (at as usize >> self.shift, within * self.stride)
    }

    /// Adds a row, given with its padding.
    pub(super) fn push(&mut self, row: &[f32]) {
        if self.len == self.pages.len() << self.shift {
            let page = AlignedMatrix::zeros(1 << self.shift, self.dimensions);
            self.pages.push(page);
        }
        let at = self.len as u32;
        self.len += 1;
        self.write(at, row);
    }

    fn write(&mut self, at: u32, row: &[f32]) {
        let (page, start) = self.place(at);
        self.pages[page].padded_mut()[start..][..self.stride].copy_from_slice(row);
    }

    /// Takes a row out; the last one takes its place.
    pub(super) fn swap_remove(&mut self, at: u32) {
        self.len -= 1;
        let last = self.row(self.len as u32).to_vec();
        self.write(at, &last);
        self.pages.truncate(self.len.div_ceil(1 << self.shift));
    }

    /// The cosines of `query` (with its padding) and some rows.
    pub(super) fn cosines(&self, query: &[f32], ids: &[u32], out: &mut Vec<f32>) {
        out.clear();
        out.resize(ids.len(), 0.0);
        self.isa.run(Dots {
            query,
            pages: &self.pages,
            shift: self.shift,
            ids,
            out,
        });
    }

    /// Bytes of all pages.
    pub(super) fn bytes(&self) -> usize {
        self.pages.len() * self.page_bytes() + self.pages.capacity() * size_of::<AlignedMatrix>()
    }

    /// Bytes that one more row would take.
    pub(super) fn bytes_of_next(&self) -> usize {
        if self.len < self.pages.len() << self.shift {
            return 0;
        }
        self.page_bytes() + next_of(&self.pages)
    }

    fn page_bytes(&self) -> usize {
        (self.stride * size_of::<f32>()) << self.shift
    }
}

/// A fingerprint of finite numbers at length 1, with its padding. `None` where it has no direction: all are zero.
pub(super) fn unit(fingerprint: &[f32]) -> Option<Vec<f32>> {
    // Squares of f32 neither overflow nor vanish in f64.
    let squares: f64 = fingerprint.iter().map(|&x| f64::from(x).powi(2)).sum();
    if squares == 0.0 {
        return None;
    }
    let mut unit = vec![0.0; AlignedMatrix::<f32>::stride_for(fingerprint.len())];
    for (to, &x) in unit.iter_mut().zip(fingerprint) {
        // With one zero only, as two of them would be two fingerprints.
        *to = (f64::from(x) / squares.sqrt()) as f32 + 0.0;
    }
    Some(unit)
}
