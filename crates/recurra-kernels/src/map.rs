//! Functions of one number on whole slices, of any length and alignment.

use super::Isa;
use super::activation::{full_exp, full_sigmoid, gelu, gelu_tanh, rsqrt, silu, tanh};
use super::matrix::LINE;
use super::simd::{Floats, Simd, SimdOp};

/// A function of one number.
///
/// The errors stated hold on every instruction set and for every float. They are in ULP: the distance of floats at the
/// exact result, which is 2^-149 where that is subnormal. NaN gives NaN, and an infinity the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// e^x, to 1.5 ULP.
    Exp,
    /// 1 / (1 + e^-x), to 2.5 ULP; in 0..=1.
    Sigmoid,
    /// x / (1 + e^-x), also called swish, to 3.5 ULP.
    Silu,
    /// The hyperbolic tangent, to 1.5 ULP; in -1..=1.
    Tanh,
    /// x times the share of the normal distribution up to x, to 5 ULP: the exact form, x (1 + erf(x / sqrt 2)) / 2.
    Gelu,
    /// x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2, the approximation of [`Function::Gelu`] that some models are
    /// trained with: to 4 ULP from x = -1 on, and to 250 below, where what it approximates is further away.
    GeluTanh,
    /// 1 / sqrt x, to 2 ULP; of -0 minus infinity, and of less NaN.
    Rsqrt,
}

impl Isa {
    /// Replaces every number by the function of it.
    ///
    /// ```
    /// use recurra_kernels::{Function, Isa};
    /// let mut x = [-1.0, 0.0, 1.0];
    /// Isa::detect().apply(Function::Silu, &mut x);
    /// assert_eq!(x[1], 0.0);
    /// assert!((x[2] - 0.731_058_6).abs() < 1e-6);
    /// ```
    pub fn apply(self, function: Function, x: &mut [f32]) {
        self.compile(Apply { function, x });
    }
}

struct Apply<'a> {
    function: Function,
    x: &'a mut [f32],
}

impl SimdOp for Apply<'_> {
    type Output = ();
    type Uses = Floats;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        match self.function {
            Function::Exp => each(s, self.x, |v| full_exp(s, v)),
            Function::Sigmoid => each(s, self.x, |v| full_sigmoid(s, v)),
            Function::Silu => each(s, self.x, |v| silu(s, v)),
            Function::Tanh => each(s, self.x, |v| tanh(s, v)),
            Function::Gelu => each(s, self.x, |v| gelu(s, v)),
            Function::GeluTanh => each(s, self.x, |v| gelu_tanh(s, v)),
            Function::Rsqrt => each(s, self.x, |v| rsqrt(s, v)),
        }
    }
}

/// Calls `f` at one place only, so that it is compiled into the kernel.
#[inline(always)]
fn each<S: Simd>(s: S, x: &mut [f32], f: impl Fn(S::F) -> S::F) {
    let tail = x.len() % S::LANES;
    let (whole, rest) = x.split_at_mut(x.len() - tail);
    // What does not fill a vector is copied to where it does.
    let mut last = [0.0; LINE];
    last[..tail].copy_from_slice(rest);
    let ends = if tail > 0 { S::LANES } else { 0 };
    let vectors = whole.chunks_exact_mut(S::LANES);
    for chunk in vectors.chain(last[..ends].chunks_exact_mut(S::LANES)) {
        // SAFETY: a chunk is one vector long.
        unsafe { s.store(chunk.as_mut_ptr(), f(s.load(chunk.as_ptr()))) }
    }
    rest.copy_from_slice(&last[..tail]);
}
