//! Known answers.

use recurra_kernels::{Isa, probe};

#[test]
fn every_instruction_set_knows_the_answers() {
    for isa in Isa::available() {
        assert!(probe::knows(isa), "{}", isa.name());
    }
}
