//! What `gather` promises.

use recurra_kernels::AlignedMatrix;
use recurra_kernels::Isa;
use recurra_kernels::gather::*;

#[test]
fn products_are_those_of_plain_loops_on_every_instruction_set() {
    for cols in [1, 3, 16, 17, 33, 64, 100, 384] {
        let value = |seed: usize| move |i: usize| ((i * 37 + seed * 11) % 29) as f32 / 29.0 - 0.5;
        let pages: Vec<AlignedMatrix> = (0..3)
            .map(|page| {
                let values: Vec<f32> = (0..4 * cols).map(value(page)).collect();
                AlignedMatrix::from_slice(4, cols, &values)
            })
            .collect();
        let query: Vec<f32> = (0..cols).map(value(5)).collect();
        let ids = [11, 0, 5, 5, 2, 9, 7];
        for isa in Isa::available() {
            let mut out = [0.0; 7];
            isa.run(Dots {
                query: AlignedMatrix::from_slice(1, cols, &query).padded(),
                pages: &pages,
                shift: 2,
                ids: &ids,
                out: &mut out,
            });
            for (&id, &found) in ids.iter().zip(&out) {
                let row = pages[id as usize / 4].row(id as usize % 4);
                let products = row
                    .iter()
                    .zip(&query)
                    .map(|(&a, &b)| f64::from(a) * f64::from(b));
                let expected: f64 = products.sum();
                assert!((f64::from(found) - expected).abs() < 1e-5, "{}", isa.name());
            }
        }
    }
}
