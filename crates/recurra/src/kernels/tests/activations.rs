//! Transcendental functions against f64.

use crate::kernels::simd::{Floats, Simd, SimdOp};
use crate::kernels::{Isa, activation};

#[test]
fn exp_and_sigmoid_are_accurate() {
    struct Map<'a>(&'a mut [f32], &'static str);
    impl SimdOp for Map<'_> {
        type Output = ();
        type Uses = Floats;
        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            for chunk in self.0.chunks_exact_mut(S::LANES) {
                // SAFETY: a chunk is one vector long.
                unsafe {
                    let x = s.load(chunk.as_ptr());
                    let y = match self.1 {
                        "exp" => activation::exp::<S, false>(s, x),
                        "short exp" => activation::exp::<S, true>(s, x),
                        "sigmoid" => activation::sigmoid::<S, false>(s, x),
                        _ => activation::sigmoid::<S, true>(s, x),
                    };
                    s.store(chunk.as_mut_ptr(), y);
                }
            }
        }
    }
    let xs: Vec<f32> = (-87_000..88_000)
        .step_by(7)
        .map(|i| i as f32 / 1000.0)
        .collect();
    let xs = &xs[..xs.len() / 16 * 16];
    for isa in Isa::available() {
        for what in ["exp", "short exp", "sigmoid", "short sigmoid"] {
            let mut ys = xs.to_vec();
            isa.run(Map(&mut ys, what));
            for (&x, &y) in xs.iter().zip(&ys) {
                let exact = if what.ends_with("sigmoid") {
                    1.0 / (1.0 + (-x as f64).exp())
                } else {
                    (x as f64).exp()
                };
                let error = ((y as f64 - exact) / exact).abs();
                let stated = match what {
                    "exp" => 3e-7,
                    // Near the clamps, the product with log2 e rounds off more.
                    "short exp" => 1e-4,
                    "sigmoid" => 2e-7 + 1e-7 * f64::from(x.abs()),
                    _ => 1.5e-4,
                };
                assert!(
                    error < stated,
                    "{} {what} at {x}: {y} for {exact}",
                    isa.name()
                );
            }
        }
    }
}
