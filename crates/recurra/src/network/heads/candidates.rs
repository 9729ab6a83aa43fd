//! A candidate at each position: a cell and a symbol, cell after cell. No weight knows which.

use super::{Head, HeadSums, HeadWeights, halt_logits};
use crate::groups::Groups;
use crate::network::Network;
use crate::network::config::TrmConfig;
use crate::network::states::normal;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use recurra_kernels::AlignedMatrix;
use recurra_kernels::view::View;

/// Channels that a state of candidates can have.
pub(crate) const MOST_CHANNELS: usize = 256;

/// The head of a model over declared groups.
pub(super) struct Candidates;

/// Rows of the table of inputs: a candidate of an open cell, the symbol that is given in its cell, and any other there.
const OPEN: usize = 0;
const HERE: usize = 1;
const OTHERWISE: usize = 2;
const ROLES: usize = 3;

fn groups(config: &TrmConfig) -> &Groups {
    config
        .groups
        .as_ref()
        .expect("a model of candidates has groups")
}

/// The roles of all candidates, one after the other.
fn roles<'a>(groups: &'a Groups, question: &'a [u16]) -> impl Iterator<Item = usize> + 'a {
    question.iter().flat_map(move |&token| {
        let given = groups.symbol(token);
        (0..groups.symbols).map(move |symbol| match given {
            None => OPEN,
            Some(given) if given == symbol => HERE,
            Some(_) => OTHERWISE,
        })
    })
}

impl Head for Candidates {
    fn table_rows(&self, _: &TrmConfig) -> [usize; 2] {
        [ROLES, 1]
    }

    fn embed(
        &self,
        config: &TrmConfig,
        weights: &HeadWeights,
        question: &[u16],
        _: &[f32],
        x: &mut AlignedMatrix,
    ) {
        let scale = (config.hidden_size as f64).sqrt() as f32;
        for (p, role) in roles(groups(config), question).enumerate() {
            for (to, from) in x.row_mut(p).iter_mut().zip(weights.embed_tokens.row(role)) {
                *to = scale * from;
            }
        }
    }

    /// Random ones, the same in every question.
    fn own_states(&self, config: &TrmConfig, _: [&AlignedMatrix; 2]) -> [AlignedMatrix; 2] {
        let zeros = || AlignedMatrix::zeros(config.positions_len(), config.hidden_size);
        let [mut z_h, mut z_l] = [zeros(), zeros()];
        self.random_states([&mut z_h, &mut z_l], &mut ChaCha8Rng::seed_from_u64(0));
        [z_h, z_l]
    }

    /// Normal numbers, others in each candidate: nothing else tells apart candidates that the question treats alike.
    fn random_states(&self, z: [&mut AlignedMatrix; 2], rng: &mut ChaCha8Rng) {
        for z in z {
            for p in 0..z.rows() {
                z.row_mut(p)
                    .iter_mut()
                    .for_each(|v| *v = normal(rng) as f32);
            }
        }
    }

    /// A cell's logits are those of its candidates; tokens that are no symbols have none.
    fn decode(
        &self,
        network: &Network,
        config: &TrmConfig,
        weights: &HeadWeights,
        z_h: View,
        logits: View,
    ) {
        let groups = groups(config);
        let (d, vocab) = (network.d, config.vocab_size);
        let w = weights.lm_head.row(0);
        for cell in 0..groups.cells {
            // SAFETY: logits have a row of `vocab` numbers for each cell, and z_H one of `d` for each candidate.
            let row = unsafe { std::slice::from_raw_parts_mut(logits.at(cell, 0).ptr, vocab) };
            row.fill(f32::NEG_INFINITY);
            for (i, &token) in groups.tokens.iter().enumerate() {
                let at = z_h.at(cell * groups.symbols + i, 0).ptr;
                // SAFETY: as above.
                let z = unsafe { std::slice::from_raw_parts(at, d) };
                row[usize::from(token)] = z.iter().zip(w).map(|(a, b)| a * b).sum();
            }
        }
    }

    /// From the mean of all candidates.
    fn halt(&self, weights: &HeadWeights, z_h: &AlignedMatrix) -> [f32; 2] {
        let mut mean = [0.0; MOST_CHANNELS];
        let mean = &mut mean[..z_h.cols()];
        for p in 0..z_h.rows() {
            for (sum, z) in mean.iter_mut().zip(z_h.row(p)) {
                *sum += z;
            }
        }
        mean.iter_mut().for_each(|v| *v /= z_h.rows() as f32);
        halt_logits(weights, mean)
    }

    fn outputs_backward(
        &self,
        network: &Network,
        config: &TrmConfig,
        weights: &HeadWeights,
        d_logits: View,
        d_halt: f32,
        z_h: &mut AlignedMatrix,
        dz: &mut AlignedMatrix,
        sums: HeadSums<'_>,
    ) {
        let groups = groups(config);
        let symbols = groups.symbols;
        let w = weights.lm_head.row(0);
        let each = d_halt / network.l as f32;
        let to = sums.lm_head.row_mut(0);
        let to_halt = sums.q_head.row_mut(0);
        for p in 0..network.l {
            let token = groups.tokens[p % symbols];
            // SAFETY: logits have a row of `vocab` numbers for each cell.
            let g = unsafe { *d_logits.at(p / symbols, token.into()).ptr };
            let z = z_h.row(p);
            for (dz, (w, q)) in (dz.row_mut(p).iter_mut()).zip(w.iter().zip(weights.q_head.row(0)))
            {
                *dz = g * w + each * q;
            }
            for ((to, to_halt), z) in to.iter_mut().zip(to_halt.iter_mut()).zip(z) {
                *to += g * z;
                *to_halt += each * z;
            }
        }
        sums.q_bias.row_mut(0)[0] += d_halt;
        debug_assert_eq!(config.positions_len(), network.l);
    }

    fn embed_backward(
        &self,
        config: &TrmConfig,
        question: &[u16],
        dx: &AlignedMatrix,
        sums: HeadSums<'_>,
        _: &mut [f32],
    ) {
        let scale = (config.hidden_size as f64).sqrt() as f32;
        for (p, role) in roles(groups(config), question).enumerate() {
            let to = sums.embed_tokens.row_mut(role);
            for (to, from) in to.iter_mut().zip(dx.row(p)) {
                *to += scale * from;
            }
        }
    }
}
