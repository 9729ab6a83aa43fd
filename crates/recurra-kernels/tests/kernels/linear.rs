//! What `linear` promises.

use recurra_kernels::linear::*;

#[test]
fn four_bits_expand_to_eight() {
    let q4 = Q4Weights {
        rows: 2,
        cols: 33,
        nibbles: (0..2 * 17).map(|i| (i * 37) as u8).collect(),
        multipliers: vec![1, 15, 7, 3],
        scales: vec![0.5, 2.0],
    };
    let q8 = q4.to_q8();
    // Byte 16 holds place 32, of the second group; byte 17 + 1 holds places 2 and 3 of the second row.
    assert_eq!(q8.value(0, 32), 15 * ((16 * 37 % 16) as i8 - 8));
    assert_eq!(q8.value(1, 3), 7 * ((18 * 37 % 256 / 16) as i8 - 8));
    let (a, b) = (Linear::Q4(q4).to_f32(), Linear::Q8(q8).to_f32());
    assert_eq!(a.to_vec(), b.to_vec());
    assert_eq!(a.row(0)[32], 0.5 * 15.0 * (16.0 * 37.0 % 16.0 - 8.0));
}
