//! The convolution over the cells of a grid, in the precision of its weights: one product with what each position sees.

use super::layer::{Inject, Network};
use super::linear::RowBuffer;
use crate::kernels::PackedMatrix;
use crate::kernels::view::{View, copy_rows};

/// The convolution's scratch space as its kernels see it.
#[derive(Clone, Copy)]
pub(crate) struct ConvViews {
    /// The state after the injection, `[positions, hidden]`: neighbours are read here while rows of the state change.
    pub(crate) x: View,
    /// For each part, means of positions: `[parts * 2, hidden]`.
    pub(crate) means: View,
    /// What positions see, `[rows, seen]`.
    pub(crate) seen: View,
    pub(crate) rows: RowBuffer,
}

impl Network<'_> {
    /// `kept` are the places of the tape: for the state after the injection, and for what the norm divides by.
    pub(super) fn mix_conv(
        &self,
        kernel: &PackedMatrix,
        z: View,
        inject: Option<Inject>,
        views: ConvViews,
        kept: Option<[View; 2]>,
    ) {
        let (d, part) = (self.d, self.member.part());
        let x = kept.map_or(views.x, |[x, _]| x);
        let mine = part.of(self.l);
        let rows = z.at(mine.start, 0);
        self.inject(inject, rows, mine.start, 0, mine.len(), d);
        copy_rows(rows, x.at(mine.start, 0), mine.len(), d);
        self.member.meet();
        // Each member works the means out for itself: that is less than to meet once more.
        let means = views.means.at(2 * part.part, 0);
        self.neighbours.average(x, means);
        self.on_rows(&mut |member, first, count, at| {
            let mine = member.part().of(count);
            let (seen, buffer) = (views.seen.at(at, 0), views.rows.at(at));
            let own = seen.at(mine.start, 0);
            self.neighbours
                .gather(x, means, own, first + mine.start, mine.len());
            self.prepare_rows(kernel, own, mine.len(), buffer.at(mine.start));
            member.meet();
            let input = self.prepared(kernel, seen, buffer);
            let z = z.at(first, 0);
            self.linear(count, input, kernel, z.add(), member.part());
            member.meet();
            let inverse = kept.map(|[_, inverse]| inverse.at(0, first + mine.start));
            self.norm_rows(z.at(mine.start, 0), mine.len(), inverse);
        });
    }
}
