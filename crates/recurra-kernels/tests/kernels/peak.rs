//! What `peak` promises.

use recurra_kernels::Isa;
use recurra_kernels::peak::*;

#[test]
fn counts_are_of_what_is_done() {
    for isa in Isa::available() {
        assert_eq!(multiply_adds(isa, 3), 3 * 12 * 2 * isa.lanes() as u64);
        assert_eq!(int8_dots(isa, 3), 3 * 12 * 8 * isa.lanes() as u64);
        let data = vec![1.0; 1000];
        let floats = isa.compile(Reads {
            data: &data,
            rounds: 2,
        });
        assert_eq!(reads(isa, &data, 2), 4 * floats as u64);
        assert!(floats > 1000.0);
    }
}
