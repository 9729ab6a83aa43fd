//! The part of a layer that mixes positions, forward.

use super::arena::{MixViews, PANEL_LINES, QUERY_BLOCK, ScratchViews};
use super::layer::{Inject, Network};
use super::packed::PackedMix;
use super::tape::MixTape;
use crate::kernels::PackedMatrix;
use crate::kernels::attention::{Rotate, SoftmaxRows};
use crate::kernels::epilogue::{StoreScaled, SwiGluRows};
use crate::kernels::matrix::LINE;
use crate::kernels::norm::{AddInto, NormCols};
use crate::kernels::pack::split;
use crate::kernels::product::Lhs;
use crate::kernels::view::{View, copy_rows};

impl Network<'_> {
    /// `z <- norm(z + mix(z))` after the injection. The norm runs along the positions for the MLP mixer, and
    /// along the channels for attention.
    pub(super) fn mix(
        &self,
        weights: &PackedMix,
        z: View,
        inject: Option<Inject>,
        scratch: ScratchViews,
        tape: Option<&mut MixTape>,
    ) {
        match (weights, scratch.mix, tape) {
            (PackedMix::Mlp { gate_up, down }, MixViews::Mlp { .. }, tape) => {
                let kept = tape.map(|tape| match tape {
                    MixTape::Mlp { x, pre, inverse } => MlpKept {
                        x: x.view(),
                        pre: pre.view(),
                        inverse: inverse.view(),
                    },
                    MixTape::Attention { .. } => unreachable!("a tape of another mixer"),
                });
                self.mix_mlp(gate_up, down, z, inject, scratch.mix, kept);
            }
            (PackedMix::Attention { qkv, o }, MixViews::Attention { .. }, tape) => {
                self.mix_attention(qkv, o, z, inject, scratch, tape);
            }
            _ => unreachable!("scratch space of another mixer"),
        }
    }

    /// Channels do not meet in this half layer, so each member takes panels of them from end to end.
    fn mix_mlp(
        &self,
        gate_up: &PackedMatrix,
        down: &PackedMatrix,
        z: View,
        inject: Option<Inject>,
        scratch: MixViews,
        kept: Option<MlpKept>,
    ) {
        let (l, d, width) = (self.l, self.d, down.k);
        let part = self.member.part();
        let scratch = scratch.of_part(part.part, l, width);
        let lines = part.of(d.div_ceil(LINE));
        for (from, to) in split(lines.len(), PANEL_LINES) {
            let first = (lines.start + from) * LINE;
            let cols = ((to - from) * LINE).min(d - first);
            let z = z.at(0, first);
            self.inject(inject, z, 0, first, l, cols);
            let inverse = match kept {
                Some(kept) => {
                    copy_rows(z, kept.x.at(0, first), l, cols);
                    let pre = kept.pre.at(0, first);
                    let act = scratch.act;
                    let epilogue = SwiGluRows(act.acts_and_pre(pre, pre.at(width, 0)));
                    let (up, down) = (Lhs::Packed(gate_up), Lhs::Packed(down));
                    self.product(2 * width, cols, l, up, z.rhs(), epilogue);
                    self.product(l, cols, width, down, act.rhs(), z.add());
                    Some(kept.inverse.at(0, first).ptr)
                }
                None => {
                    self.mix_panel(gate_up, down, z, cols, scratch);
                    None
                }
            };
            self.isa.run(NormCols {
                x: z,
                rows: l,
                cols,
                eps: self.eps,
                inverse,
            });
        }
    }

    fn mix_attention(
        &self,
        qkv: &PackedMatrix,
        o: &PackedMatrix,
        z: View,
        inject: Option<Inject>,
        scratch: ScratchViews,
        tape: Option<&mut MixTape>,
    ) {
        let MixViews::Attention {
            qkv: qkv_buffer,
            keys,
            values,
            out,
            scores,
        } = scratch.mix
        else {
            unreachable!("scratch space of another mixer")
        };
        // With a tape, what backward needs is computed where it is kept.
        let (x_kept, qkv_view, out, inverse) = match tape {
            Some(MixTape::Attention {
                x,
                qkv,
                out,
                inverse,
            }) => (Some(x.view()), qkv.view(), out.view(), Some(inverse.view())),
            Some(MixTape::Mlp { .. }) => unreachable!("a tape of another mixer"),
            None => (None, qkv_buffer, out, None),
        };
        let (l, d, heads, all) = (self.l, self.d, self.heads, self.member.part());
        // Queries, keys and values; keys and values laid out for the heads.
        self.on_rows(&mut |member, first, count, at| {
            let mine = member.part().of(count);
            let (z, buffer) = (z.at(first, 0), scratch.z_rows.at(at));
            self.inject(
                inject,
                z.at(mine.start, 0),
                first + mine.start,
                0,
                mine.len(),
                d,
            );
            if let Some(x) = x_kept {
                copy_rows(z, x.at(first, 0), count, d);
            }
            let rows = z.at(mine.start, 0);
            self.prepare_rows(qkv, rows, mine.len(), buffer.at(mine.start));
            member.meet();
            let here = qkv_view.at(first, 0);
            let input = self.prepared(qkv, z, buffer);
            self.linear(count, input, qkv, here.store(), member.part());
            member.meet();
            let (first, count) = (first + mine.start, mine.len());
            if let Some(table) = self.rotary {
                let angles = first * table.half..(first + count) * table.half;
                self.isa.run(Rotate {
                    x: qkv_view.at(first, 0),
                    rows: count,
                    heads: 2 * heads,
                    cos: &table.cos[angles.clone()],
                    sin: &table.sin[angles],
                    half: table.half,
                    back: false,
                });
            }
            self.lay_out_heads(qkv_view, keys, values, first, count);
        });
        self.member.meet();
        // All keys are there: each member answers its own queries.
        let scores = scores.at(all.part * QUERY_BLOCK, 0);
        let rows = all.of(l);
        for (from, to) in split(rows.len(), QUERY_BLOCK) {
            let (first, count) = (rows.start + from, to - from);
            for head in 0..heads {
                self.attend(qkv_view, keys, values, scores, out, head, first, count);
            }
        }
        self.member.meet();
        self.on_rows(&mut |member, first, count, at| {
            let mine = member.part().of(count);
            let (z, found, buffer) = (z.at(first, 0), out.at(first, 0), scratch.z_rows.at(at));
            self.prepare_rows(
                o,
                found.at(mine.start, 0),
                mine.len(),
                buffer.at(mine.start),
            );
            member.meet();
            let input = self.prepared(o, found, buffer);
            self.linear(count, input, o, z.add(), member.part());
            member.meet();
            let inverse = inverse.map(|v| v.at(0, first + mine.start));
            self.norm_rows(z.at(mine.start, 0), mine.len(), inverse);
        });
    }

    /// Copies keys (transposed) and values of some positions into the heads' own matrices.
    pub(crate) fn lay_out_heads(
        &self,
        qkv: View,
        keys: View,
        values: View,
        first: usize,
        count: usize,
    ) {
        let (d, head_dim) = (self.d, self.d / self.heads);
        for r in first..first + count {
            for head in 0..self.heads {
                let (key, value) = (
                    qkv.at(r, d + head * head_dim),
                    qkv.at(r, 2 * d + head * head_dim),
                );
                for c in 0..head_dim {
                    // SAFETY: parts write to different positions; the matrices hold all positions and heads.
                    unsafe {
                        *keys.at(head * head_dim + c, r).ptr = *key.ptr.add(c);
                        *values.at(head * self.l + r, c).ptr = *value.ptr.add(c);
                    }
                }
            }
        }
    }

    /// Softmax of the scaled scores of queries `first..first + count` of a head, into rows `0..count` of `p`.
    pub(crate) fn probabilities(
        &self,
        qkv: View,
        keys: View,
        p: View,
        head: usize,
        first: usize,
        count: usize,
    ) {
        let head_dim = self.d / self.heads;
        let query = qkv.at(first, head * head_dim);
        let epilogue = StoreScaled {
            ptr: p.ptr,
            stride: p.stride,
            factor: self.attention_scale(),
        };
        let keys = keys.at(head * head_dim, 0);
        self.product(count, self.l, head_dim, query.lhs(), keys.rhs(), epilogue);
        self.isa.run(SoftmaxRows {
            x: p,
            rows: count,
            cols: self.l,
        });
    }

    #[allow(clippy::too_many_arguments)]
    fn attend(
        &self,
        qkv: View,
        keys: View,
        values: View,
        scores: View,
        out: View,
        head: usize,
        first: usize,
        count: usize,
    ) {
        let head_dim = self.d / self.heads;
        self.probabilities(qkv, keys, scores, head, first, count);
        // A head's last vector may reach into the next head's place, which is written after it; behind the
        // last head there is room for it.
        let to = out.at(first, head * head_dim);
        let values = values.at(head * self.l, 0);
        self.product(
            count,
            head_dim,
            self.l,
            scores.lhs(),
            values.rhs(),
            to.store(),
        );
    }

    pub(crate) fn attention_scale(&self) -> f32 {
        1.0 / ((self.d / self.heads) as f32).sqrt()
    }

    /// Adds the injection to a part of `z` that starts at (row, col).
    fn inject(
        &self,
        inject: Option<Inject>,
        z: View,
        row: usize,
        col: usize,
        rows: usize,
        cols: usize,
    ) {
        if let Some(Inject { a, b }) = inject {
            self.isa.run(AddInto {
                z,
                a: a.at(row, col),
                b: b.map(|b| b.at(row, col)),
                rows,
                cols,
            });
        }
    }
}

/// Where the MLP mixer keeps what its backward pass needs.
#[derive(Clone, Copy)]
struct MlpKept {
    x: View,
    pre: View,
    inverse: View,
}
