//! The learning rate over a training.

use serde::{Deserialize, Serialize};

/// How the learning rate goes on after the warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decay {
    /// It stays.
    Constant,
    /// It falls along half a cosine to the least ratio at the end.
    Cosine,
}

/// The learning rate relative to its peak: a linear warm-up over `warmup` steps, then the decay. `step` counts
/// from 0; `progress` is the share of the training that is done, 0 to 1.
pub fn learning_rate_ratio(decay: Decay, warmup: u64, least: f64, step: u64, progress: f64) -> f64 {
    let rise = ((step + 1) as f64 / warmup.max(1) as f64).min(1.0);
    let fall = match decay {
        Decay::Constant => 1.0,
        Decay::Cosine => {
            let wave = 0.5 * (1.0 + (std::f64::consts::PI * progress.clamp(0.0, 1.0)).cos());
            least + (1.0 - least) * wave
        }
    };
    rise * fall
}

/// How deep the recursion is at a time of the training, of `h_cycles` and `l_cycles`: a third of each until 0.3, two thirds
/// until 0.6, then all, rounded up. After Qasim and Zhang, "Accelerating Training Speed of Tiny Recursive Models via
/// Curriculum Guided Adaptive Recursion", 2025: early in a training deep recursion fits noise, and costs most.
pub fn depth(h_cycles: usize, l_cycles: usize, progress: f64) -> (usize, usize) {
    let thirds = 1 + usize::from(progress >= 0.3) + usize::from(progress >= 0.6);
    let part = |cycles: usize| (cycles * thirds).div_ceil(3);
    (part(h_cycles), part(l_cycles))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recursion_grows_deeper() {
        let depths = |h, l| [0.0, 0.29, 0.3, 0.6, 1.0].map(|progress| depth(h, l, progress));
        assert_eq!(depths(3, 6), [(1, 2), (1, 2), (2, 4), (3, 6), (3, 6)]);
        assert_eq!(depths(2, 3), [(1, 1), (1, 1), (2, 2), (2, 3), (2, 3)]);
        assert_eq!(depths(1, 0), [(1, 0); 5]);
    }

    #[test]
    fn warms_up_and_falls() {
        let ratio = |step, progress| learning_rate_ratio(Decay::Cosine, 10, 0.1, step, progress);
        assert!((ratio(0, 0.0) - 0.1).abs() < 1e-12);
        assert!((ratio(9, 0.0) - 1.0).abs() < 1e-12);
        assert!((ratio(500, 0.5) - 0.55).abs() < 1e-12);
        assert!((ratio(1000, 1.0) - 0.1).abs() < 1e-12);
        assert!((ratio(1000, 7.0) - 0.1).abs() < 1e-12);
        assert_eq!(learning_rate_ratio(Decay::Constant, 0, 0.0, 5, 0.9), 1.0);
    }
}
