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

#[cfg(test)]
mod tests {
    use super::*;

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
