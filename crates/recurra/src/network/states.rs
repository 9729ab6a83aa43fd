//! Random numbers of initial states and weights.

use rand::Rng;
use recurra_kernels::AlignedMatrix;

/// Standard deviation of a standard normal cut off at two.
pub(crate) const CUT_NORMAL_STD: f64 = 0.879_625_661_034_239_8;

/// Fills a latent state as the reference implementation draws initial states: truncated normal of variance 1, the same for
/// all positions.
pub(crate) fn random_state(z: &mut AlignedMatrix, rng: &mut impl Rng) {
    let draw = |_| (cut_normal(rng) / CUT_NORMAL_STD) as f32;
    let init: Vec<f32> = (0..z.cols()).map(draw).collect();
    for position in 0..z.rows() {
        z.row_mut(position).copy_from_slice(&init);
    }
}

/// A standard normal number in -2..2.
pub(crate) fn cut_normal(rng: &mut impl Rng) -> f64 {
    loop {
        let normal = normal(rng);
        if normal.abs() <= 2.0 {
            return normal;
        }
    }
}

/// A standard normal number, after Box and Muller.
pub(crate) fn normal(rng: &mut impl Rng) -> f64 {
    let mut uniform = || ((rng.next_u64() >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
    let (u, v) = (uniform(), uniform());
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}
