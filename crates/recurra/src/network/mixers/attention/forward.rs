//! Attention between the positions of a sample, in the precision of its weights.
//!
//! Scores are computed for a block of queries at a time and never stored whole. Keys are laid out transposed, as the
//! right factor of the scores; where weights are quantised, queries, keys and values are too.

use super::views::AttentionViews;
use super::{INVERSE, OUT, QKV, QUERY_BLOCK, X};
use crate::network::memory::ScratchViews;
use crate::network::{Inject, Network};
use recurra_kernels::attention::{Rotate, SoftmaxBytes, SoftmaxRows};
use recurra_kernels::compiled::Follows;
use recurra_kernels::epilogue::Store;
use recurra_kernels::format::{Bf16, F32, Format, Int8};
use recurra_kernels::matrix::LINE;
use recurra_kernels::pack::split;
use recurra_kernels::product::{Lhs, Part, Product, Rhs};
use recurra_kernels::quantize::{Bf16Cols, Bf16Rows, QuantizeCols, QuantizeRows};
use recurra_kernels::view::{View, copy_rows, transpose};
use recurra_kernels::{AlignedMatrix, PackedMatrix, Precision};

impl Network<'_> {
    pub(super) fn mix_attention(
        &self,
        [qkv, o]: [&PackedMatrix; 2],
        z: View,
        inject: Option<Inject>,
        scratch: ScratchViews,
        tape: Option<&mut [AlignedMatrix]>,
    ) {
        let mut views = AttentionViews::of(scratch.mix);
        // With a tape, what backward needs is computed where it is kept.
        let (x_kept, inverse) = match tape {
            Some(tape) => {
                (views.qkv, views.out) = (tape[QKV].view(), tape[OUT].view());
                (Some(tape[X].view()), Some(tape[INVERSE].view()))
            }
            None => (None, None),
        };
        let (l, d, all) = (self.l, self.d, self.member.part());
        // Queries, keys and values; keys and values laid out for the heads.
        self.on_rows(&mut |member, first, count, at| {
            let mine = member.part().of(count);
            let (z, buffer) = (z.at(first, 0), scratch.z_rows.at(at));
            let rows = z.at(mine.start, 0);
            self.inject(inject, rows, first + mine.start, 0, mine.len(), d);
            if let Some(x) = x_kept {
                copy_rows(z, x.at(first, 0), count, d);
            }
            self.prepare_rows(qkv, rows, mine.len(), buffer.at(mine.start));
            member.meet();
            let input = self.prepared(qkv, z, buffer);
            let here = views.qkv.at(first, 0);
            self.linear(count, input, qkv, here.store(), member.part());
            member.meet();
            let (first, count) = (first + mine.start, mine.len());
            if let [cos, sin] = &self.tables.floats[..] {
                let half = self.head_dim() / 2;
                let angles = first * half..(first + count) * half;
                self.isa.run(Rotate {
                    x: views.qkv.at(first, 0),
                    rows: count,
                    heads: 2 * self.heads,
                    cos: &cos[angles.clone()],
                    sin: &sin[angles],
                    half,
                    back: false,
                });
            }
            self.transpose_keys(views.qkv, views.keys, first, count);
        });
        self.member.meet();
        let precision = self.attention_precision(qkv);
        if precision != Precision::F32 {
            for head in all.of(self.heads) {
                self.quantize_head(precision, views, head);
            }
            self.member.meet();
        }
        // All keys are there: each member answers its own queries.
        let rows = all.of(l);
        // Head after head: its keys and values stay in the second-level cache for all queries.
        for head in 0..self.heads {
            for (from, to) in split(rows.len(), QUERY_BLOCK) {
                let queries = (rows.start + from, to - from);
                match precision {
                    Precision::F32 => self.attend(views, head, queries),
                    Precision::Bf16 => self.attend_bf16(views, head, queries),
                    Precision::Q8 | Precision::Q4 => self.attend_q8(views, head, queries),
                }
            }
        }
        self.member.meet();
        self.add_found(o, views.out, z, scratch, inverse);
    }

    /// `z <- norm(z + o(found))`: what the heads found goes into the state. `inverse` gets 1 / root mean square of each row.
    pub(in crate::network::mixers) fn add_found(
        &self,
        o: &PackedMatrix,
        found: View,
        z: View,
        scratch: ScratchViews,
        inverse: Option<View>,
    ) {
        self.on_rows(&mut |member, first, count, at| {
            let mine = member.part().of(count);
            let (z, found) = (z.at(first, 0), found.at(first, 0));
            let buffer = scratch.z_rows.at(at);
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

    /// The precision in which heads attend: that of the weights, but f32 where a head is no whole number of cache lines
    /// and its neighbour's numbers would be quantised with it, or where 8-bit products of all positions might overflow.
    fn attention_precision(&self, qkv: &PackedMatrix) -> Precision {
        if self.head_dim().is_multiple_of(LINE) && self.l <= PackedMatrix::MAX_INPUTS_Q8 {
            qkv.precision
        } else {
            Precision::F32
        }
    }

    fn head_dim(&self) -> usize {
        self.d / self.heads
    }

    /// Copies the keys of some positions into the heads' transposed matrices.
    pub(crate) fn transpose_keys(&self, qkv: View, keys: View, first: usize, count: usize) {
        // A line of the result at a time.
        for (from, to) in split(count, LINE) {
            let (r, rows) = (first + from, to - from);
            let (from, to) = (qkv.at(r, self.d), keys.at(0, r));
            transpose(from.units(), to.units(), rows, self.d);
        }
    }

    /// A head's values: its part of every row. A vector that reaches beyond the head meets its neighbour's numbers, or
    /// the room behind the last one.
    fn values(&self, views: AttentionViews, head: usize) -> View {
        views.qkv.at(0, 2 * self.d + head * self.head_dim())
    }

    /// Quantises a head's queries, keys and values.
    fn quantize_head(&self, precision: Precision, views: AttentionViews, head: usize) {
        let (l, head_dim, q) = (self.l, self.head_dim(), views.quantized);
        let queries = views.qkv.at(0, head * head_dim);
        let keys = views.keys.at(head * head_dim, 0);
        let values = self.values(views, head);
        match precision {
            Precision::F32 => {}
            Precision::Bf16 => {
                self.isa.run(Bf16Rows {
                    x: queries,
                    out: q.queries.at(0, head * head_dim / 2),
                    rows: l,
                    cols: head_dim,
                });
                self.isa.run(Bf16Cols {
                    x: keys,
                    out: q.keys.at(head * head_dim / 2, 0),
                    rows: head_dim,
                    cols: l,
                });
                self.isa.run(Bf16Cols {
                    x: values,
                    out: q.values.at(head * l.div_ceil(2), 0),
                    rows: l,
                    cols: head_dim,
                });
            }
            Precision::Q8 | Precision::Q4 => {
                self.isa.run(QuantizeRows {
                    x: queries,
                    out: q.queries.at(0, head * head_dim / 4),
                    rows: l,
                    cols: head_dim,
                    scales: q.query_scales.at(head, 0).ptr,
                });
                self.isa.run(QuantizeCols {
                    x: keys,
                    out: q.keys.at(head * head_dim / 4, 0),
                    rows: head_dim,
                    cols: l,
                    scales: q.key_scales.at(head, 0).ptr,
                    signed: true,
                    starts: Some(q.key_starts.at(head, 0).ptr),
                });
                self.isa.run(QuantizeCols {
                    x: values,
                    out: q.values.at(head * l.div_ceil(4), 0),
                    rows: l,
                    cols: head_dim,
                    scales: q.value_scales.at(head, 0).ptr,
                    signed: true,
                    starts: None,
                });
            }
        }
    }

    /// Scores of queries `first..first + count` of a head, not yet scaled, into rows `0..count` of `p`.
    pub(crate) fn scores(
        &self,
        qkv: View,
        keys: View,
        p: View,
        head: usize,
        (first, count): (usize, usize),
    ) {
        let head_dim = self.head_dim();
        let (query, keys) = (qkv.at(first, head * head_dim), keys.at(head * head_dim, 0));
        let size = (count, self.l, head_dim);
        self.head_product(size, query.lhs(), keys.rhs(), F32, p.store());
    }

    /// Softmax of scores, scaled by one over the square root of a head's width.
    pub(crate) fn softmax(&self, p: View, count: usize) {
        self.isa.run(SoftmaxRows {
            x: p,
            rows: count,
            cols: self.l,
            factor: self.attention_scale(),
        });
    }

    /// Where a head's answers to the queries from `first` on go.
    ///
    /// A head's last vector may reach into the next head's place, which is written after it; behind the last head there
    /// is room for it.
    fn head_out(&self, views: AttentionViews, head: usize, first: usize) -> Store {
        views.out.at(first, head * self.head_dim()).store()
    }

    /// A member's scores.
    fn own_scores(&self, views: AttentionViews) -> View {
        views.scores.at(self.member.part().part * QUERY_BLOCK, 0)
    }

    fn attend(&self, views: AttentionViews, head: usize, queries: (usize, usize)) {
        let (l, head_dim) = (self.l, self.head_dim());
        let (first, count) = queries;
        let p = self.own_scores(views);
        self.scores(views.qkv, views.keys, p, head, queries);
        self.softmax(p, count);
        let to = self.head_out(views, head, first);
        let values = self.values(views, head).rhs();
        self.head_product((count, head_dim, l), p.lhs(), values, F32, to);
    }

    fn attend_bf16(&self, views: AttentionViews, head: usize, (first, count): (usize, usize)) {
        let (l, head_dim, q) = (self.l, self.head_dim(), views.quantized);
        let p = self.own_scores(views);
        let size = (count, l, head_dim / 2);
        let query = q.queries.at(first, head * head_dim / 2).lhs();
        let keys = q.keys.at(head * head_dim / 2, 0).rhs();
        self.head_product(size, query, keys, Bf16, p.store());
        self.softmax(p, count);
        let out = q.probabilities.at(self.member.part().part * QUERY_BLOCK, 0);
        self.isa.run(Bf16Rows {
            x: p,
            out,
            rows: count,
            cols: l,
        });
        let to = self.head_out(views, head, first);
        let values = q.values.at(head * l.div_ceil(2), 0).rhs();
        self.head_product(
            (count, head_dim, l.div_ceil(2)),
            out.lhs(),
            values,
            Bf16,
            to,
        );
    }

    fn attend_q8(&self, views: AttentionViews, head: usize, (first, count): (usize, usize)) {
        let (l, head_dim, q) = (self.l, self.head_dim(), views.quantized);
        let part = self.member.part().part;
        let p = self.own_scores(views);
        let size = (count, l, head_dim / 4);
        let query = q.queries.at(first, head * head_dim / 4).lhs();
        let keys = q.keys.at(head * head_dim / 4, 0).rhs();
        let format = Int8::<false> {
            row_scales: q.query_scales.at(head, first).ptr,
            col_scales: q.key_scales.at(head, 0).ptr,
            starts: q.key_starts.at(head, 0).ptr,
        };
        self.head_product(size, query, keys, format, p.store());
        let (out, scales) = (
            q.probabilities.at(part * QUERY_BLOCK, 0),
            q.probability_scales.at(part, 0).ptr,
        );
        self.isa.run(SoftmaxBytes {
            x: p,
            out,
            rows: count,
            cols: l,
            factor: self.attention_scale(),
            scales,
        });
        let format = Int8::<false> {
            row_scales: scales,
            col_scales: q.value_scales.at(head, 0).ptr,
            starts: q.value_starts.at(head, 0).ptr,
        };
        let to = self.head_out(views, head, first);
        let values = q.values.at(head * l.div_ceil(4), 0).rhs();
        self.head_product(
            (count, head_dim, l.div_ceil(4)),
            out.lhs(),
            values,
            format,
            to,
        );
    }

    fn head_product<F: Format>(
        &self,
        (m, n, units): (usize, usize, usize),
        lhs: Lhs,
        rhs: Rhs,
        format: F,
        epilogue: Store,
    ) where
        Store: Follows<F>,
    {
        self.isa.run(Product {
            m,
            n,
            units,
            lhs,
            rhs,
            format,
            epilogue,
            part: Part::WHOLE,
        });
    }

    pub(crate) fn attention_scale(&self) -> f32 {
        1.0 / (self.head_dim() as f32).sqrt()
    }
}
