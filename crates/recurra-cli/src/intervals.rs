//! Intervals of shares.

/// Two-sided 95 % of a normal distribution.
pub(crate) const Z: f64 = 1.959_963_984_540_054;

/// The 95 % interval of a share of so many (Wilson 1927).
pub(crate) fn wilson(share: f64, count: u64) -> [f64; 2] {
    let n = count as f64;
    let middle = share + Z * Z / (2.0 * n);
    let width = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let whole = 1.0 + Z * Z / n;
    [(middle - width) / whole, (middle + width) / whole].map(|end| end.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of R: binom::binom.wilson.
    #[test]
    fn shares_have_wilsons_interval() {
        let close = |found: [f64; 2], expected: [f64; 2]| {
            let far = found.iter().zip(expected);
            let far = far.into_iter().any(|(f, e)| (f - e).abs() > 5e-5);
            assert!(!far, "{found:?}");
        };
        close(wilson(0.8, 10), [0.4902, 0.9433]);
        close(wilson(1.0, 10), [0.7225, 1.0]);
        let [low, high] = wilson(1.0, 100);
        assert!(low > 0.96 && high == 1.0);
    }
}
