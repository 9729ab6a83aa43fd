//! Attention among a sample's tokens.

use super::{
    INVERSE, MOST_TOKENS, OUT, QKV, SCRATCH_OUT, SCRATCH_QKV, X, add_scaled, attention, part,
    part_mut,
};
use crate::network::memory::ScratchViews;
use crate::network::{Inject, Network};
use recurra_kernels::view::{View, copy_rows};
use recurra_kernels::{AlignedMatrix, PackedMatrix};

impl Network<'_> {
    /// `z <- norm(z + o(attention(qkv(z))))` after the injection.
    pub(super) fn mix_tokens(
        &self,
        [qkv, o]: [&PackedMatrix; 2],
        z: View,
        inject: Option<Inject>,
        scratch: ScratchViews,
        tape: Option<&mut [AlignedMatrix]>,
    ) {
        let (mut found, mut out) = (
            scratch.mix[SCRATCH_QKV].view(),
            scratch.mix[SCRATCH_OUT].view(),
        );
        // With a tape, what backward needs is computed where it is kept.
        let (x_kept, inverse) = match tape {
            Some(tape) => {
                (found, out) = (tape[QKV].view(), tape[OUT].view());
                (Some(tape[X].view()), Some(tape[INVERSE].view()))
            }
            None => (None, None),
        };
        let (l, d, all) = (self.l, self.d, self.member.part());
        self.on_rows(&mut |member, first, count, at| {
            let mine = member.part().of(count);
            let (z, buffer) = (z.at(first, 0), scratch.z_rows.at(at));
            let rows = z.at(mine.start, 0);
            self.inject(inject, rows, first + mine.start, 0, mine.len(), d);
            if let Some(x) = x_kept {
                copy_rows(rows, x.at(first + mine.start, 0), mine.len(), d);
            }
            self.prepare_rows(qkv, rows, mine.len(), buffer.at(mine.start));
            member.meet();
            let input = self.prepared(qkv, z, buffer);
            self.linear(count, input, qkv, found.at(first, 0).store(), member.part());
            member.meet();
        });
        self.member.meet();
        for sample in all.of(l / self.block) {
            // SAFETY: the state has whole samples of `block` rows; each member takes samples of its own.
            unsafe { self.attend_tokens(found, out, sample * self.block) }
        }
        self.member.meet();
        self.add_found(o, out, z, scratch, inverse);
    }

    /// What the heads find in the sample that begins at row `first`.
    ///
    /// # Safety
    /// `qkv` and `out` hold its rows, and nobody else uses these rows of `out`.
    unsafe fn attend_tokens(&self, qkv: View, out: View, first: usize) {
        let (d, block) = (self.d, self.block);
        let head_dim = d / self.heads;
        let mut p = [0.0; MOST_TOKENS];
        for head in 0..self.heads {
            for row in 0..block {
                // SAFETY: as the caller promises; rows are read from one matrix and written to another.
                unsafe {
                    attention(qkv, [first, row, block], [head, head_dim, d], &mut p);
                    let to = part_mut(out, first + row, head * head_dim, head_dim);
                    to.fill(0.0);
                    for (j, &p) in p[..block].iter().enumerate() {
                        let value = part(qkv, first + j, 2 * d + head * head_dim, head_dim);
                        add_scaled(to, p, value);
                    }
                }
            }
        }
    }
}
