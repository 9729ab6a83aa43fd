//! What tests of several rooms share.

use proptest::test_runner::{Config, RngSeed};

/// So many random cases, the same ones in every run.
pub(crate) fn cases(cases: u32) -> Config {
    Config {
        cases,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..Config::default()
    }
}
