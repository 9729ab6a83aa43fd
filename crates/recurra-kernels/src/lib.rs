//! Matrices and the arithmetic on them, one file per instruction set: a part of the crate `recurra`, and no crate to
//! depend on by itself.
//!
//! A kernel is written once over [`simd::Simd`]; a new instruction set is one new file that implements it,
//! and one line in [`Isa`]. Which kernels there are stands in [`compiled`]: this crate holds their machine code, so that
//! a change in the crates above compiles none of it again.
//!
//! Kernels count places instead of zipping iterators: those of the standard library are inlined only where a whole crate is
//! one unit, and this one is compiled as several side by side.
#![allow(clippy::needless_range_loop)]

pub mod activation;
pub mod attention;
#[cfg(target_arch = "x86_64")]
pub mod avx2;
#[cfg(target_arch = "x86_64")]
pub mod avx512;
pub mod compiled;
pub mod epilogue;
pub mod fit;
pub mod format;
pub mod gather;
pub mod linear;
pub mod map;
pub mod matrix;
pub mod messages;
pub mod neighbours;
#[cfg(target_arch = "aarch64")]
pub mod neon;
pub mod nibbles;
pub mod norm;
pub mod optimizer;
pub mod pack;
pub mod peak;
pub mod probe;
pub mod product;
pub mod quantize;
pub mod scalar;
pub mod simd;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub mod simd128;
#[cfg(target_arch = "x86_64")]
pub mod sse41;
pub mod swiglu;
pub mod view;

pub use compiled::Kernel;
pub use linear::{Bf16Weights, Linear, Precision, Q4Weights, Q8Weights};
pub use map::Function;
pub use matrix::AlignedMatrix;
pub use pack::{PackedMatrix, Packing};
use simd::{Bf16s, Bytes, Floats, Instructions, Nibbles, Simd, SimdOp};

/// This processor has no instruction set of that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("instruction set: expected one of {}, found `{found}`", available.join(", "))]
pub struct UnknownIsa {
    /// Those that it has, the fastest first.
    pub available: Vec<&'static str>,
    /// The name asked for.
    pub found: String,
}

/// An instruction set that this processor has.
#[derive(Debug, Clone, Copy)]
pub enum Isa {
    /// Plain Rust.
    #[cfg(not(all(feature = "small", target_arch = "wasm32", target_feature = "simd128")))]
    Scalar(scalar::Scalar),
    /// SSE4.1.
    #[cfg(target_arch = "x86_64")]
    Sse41(sse41::Sse41),
    /// AVX2 with FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Avx2<false>),
    /// AVX2 with FMA and VNNI.
    #[cfg(target_arch = "x86_64")]
    Avx2Vnni(avx2::Avx2<true>),
    /// AVX-512.
    #[cfg(target_arch = "x86_64")]
    Avx512(avx512::Avx512<0>),
    /// AVX-512 with VNNI.
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni(avx512::Avx512<1>),
    /// AVX-512 with VNNI and BF16.
    #[cfg(target_arch = "x86_64")]
    Avx512Bf16(avx512::Avx512<2>),
    /// NEON.
    #[cfg(target_arch = "aarch64")]
    Neon(neon::Neon<false>),
    /// NEON with dot products of bytes.
    #[cfg(target_arch = "aarch64")]
    NeonDot(neon::Neon<true>),
    /// WebAssembly's vectors of 128 bits.
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    Simd128(simd128::Simd128),
}

impl Isa {
    /// Every instruction set that this processor has, the fastest first.
    pub fn available() -> Vec<Isa> {
        // Miri interprets Rust: it knows few intrinsics.
        #[cfg(miri)]
        {
            return vec![Isa::Scalar(scalar::Scalar)];
        }
        #[cfg(target_arch = "x86_64")]
        let bf16 = avx512::Avx512::<2>::detect();
        [
            #[cfg(target_arch = "x86_64")]
            bf16.filter(|isa| isa.pays()).map(Isa::Avx512Bf16),
            #[cfg(target_arch = "x86_64")]
            avx512::Avx512::<1>::detect().map(Isa::Avx512Vnni),
            #[cfg(target_arch = "x86_64")]
            bf16.filter(|isa| !isa.pays()).map(Isa::Avx512Bf16),
            #[cfg(target_arch = "x86_64")]
            avx512::Avx512::<0>::detect().map(Isa::Avx512),
            #[cfg(target_arch = "x86_64")]
            avx2::Avx2::<true>::detect().map(Isa::Avx2Vnni),
            #[cfg(target_arch = "x86_64")]
            avx2::Avx2::<false>::detect().map(Isa::Avx2),
            #[cfg(target_arch = "x86_64")]
            sse41::Sse41::detect().map(Isa::Sse41),
            #[cfg(target_arch = "aarch64")]
            neon::Neon::<true>::detect().map(Isa::NeonDot),
            #[cfg(target_arch = "aarch64")]
            neon::Neon::<false>::detect().map(Isa::Neon),
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Some(Isa::Simd128(simd128::Simd128)),
            #[cfg(not(all(
                feature = "small",
                target_arch = "wasm32",
                target_feature = "simd128"
            )))]
            Some(Isa::Scalar(scalar::Scalar)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// The fastest that this processor has, or the one that the environment variable `RECURRA_ISA` names, for tests
    /// and bug reports. A name that this processor does not know is ignored here: [`Isa::forced`] tells.
    pub fn detect() -> Isa {
        let forced = Self::forced().ok().flatten();
        forced.unwrap_or_else(|| Self::available()[0])
    }

    /// The instruction set that the environment variable `RECURRA_ISA` names, if it is set to anything; an error where
    /// this processor has none of that name.
    pub fn forced() -> Result<Option<Isa>, UnknownIsa> {
        match std::env::var_os("RECURRA_ISA") {
            Some(name) if !name.is_empty() => Self::named(&name.to_string_lossy()).map(Some),
            _ => Ok(None),
        }
    }

    /// The instruction set of this name ([`Isa::name`]), if this processor has it.
    pub fn named(name: &str) -> Result<Isa, UnknownIsa> {
        let all = Self::available();
        let found = all.iter().find(|isa| isa.name() == name).copied();
        found.ok_or_else(|| UnknownIsa {
            available: all.iter().map(|isa| isa.name()).collect(),
            found: name.to_owned(),
        })
    }

    /// Its name, as `RECURRA_ISA` takes it.
    pub fn name(self) -> &'static str {
        match self {
            #[cfg(not(all(
                feature = "small",
                target_arch = "wasm32",
                target_feature = "simd128"
            )))]
            Isa::Scalar(_) => "scalar",
            #[cfg(target_arch = "x86_64")]
            Isa::Sse41(_) => "sse41",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2Vnni(_) => "avxvnni",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512(_) => "avx512",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Vnni(_) => "avx512vnni",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Bf16(_) => "avx512bf16",
            #[cfg(target_arch = "aarch64")]
            Isa::Neon(_) => "neon",
            #[cfg(target_arch = "aarch64")]
            Isa::NeonDot(_) => "neondot",
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Isa::Simd128(_) => "simd128",
        }
    }

    /// Whether it has products of bfloat16. Without them, bfloat16 weights are widened when they are packed.
    pub fn has_bf16(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Bf16(_) => true,
            _ => false,
        }
    }

    /// Whether products take 4-bit weights as they are. Without that, such weights are expanded to 8 bits when they are
    /// packed.
    pub fn has_nibbles(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2(_) => true,
            _ => false,
        }
    }

    /// Runs a kernel.
    #[inline]
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        kernel.run_on(self)
    }

    /// Compiles an operation for every instruction set where this is called, and runs it for this one: for this crate and its
    /// tests. Elsewhere, [`Isa::run`].
    #[inline]
    pub fn compile<O: SimdOp>(self, op: O) -> O::Output {
        O::Uses::run(self, op)
    }

    /// Floats in one of its vectors.
    pub fn lanes(self) -> usize {
        struct Lanes;
        impl SimdOp for Lanes {
            type Output = usize;
            type Uses = Floats;
            #[inline(always)]
            fn run<S: Simd>(self, _: S) -> usize {
                S::LANES
            }
        }
        self.compile(Lanes)
    }
}

impl Instructions for Floats {
    #[inline]
    fn run<O: SimdOp>(isa: Isa, op: O) -> O::Output {
        match isa {
            #[cfg(not(all(
                feature = "small",
                target_arch = "wasm32",
                target_feature = "simd128"
            )))]
            Isa::Scalar(s) => s.vectorize(op),
            #[cfg(target_arch = "x86_64")]
            Isa::Sse41(s) => s.vectorize(op),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2(s) => s.vectorize(op),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2Vnni(s) => s.base().vectorize(op),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512(s) => s.vectorize(op),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Vnni(s) => s.base().vectorize(op),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Bf16(s) => s.base().vectorize(op),
            #[cfg(target_arch = "aarch64")]
            Isa::Neon(s) => s.vectorize(op),
            #[cfg(target_arch = "aarch64")]
            Isa::NeonDot(s) => s.base().vectorize(op),
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Isa::Simd128(s) => s.vectorize(op),
        }
    }
}

impl Instructions for Bytes {
    #[inline]
    fn run<O: SimdOp>(isa: Isa, op: O) -> O::Output {
        match isa {
            #[cfg(not(all(
                feature = "small",
                target_arch = "wasm32",
                target_feature = "simd128"
            )))]
            Isa::Scalar(s) => s.vectorize(op),
            #[cfg(target_arch = "x86_64")]
            Isa::Sse41(s) => s.vectorize(op),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2(s) => s.vectorize(op),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2Vnni(s) => s.vectorize(op),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512(s) => s.vectorize(op),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Vnni(s) => s.vectorize(op),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Bf16(s) => s.vnni().vectorize(op),
            #[cfg(target_arch = "aarch64")]
            Isa::Neon(s) => s.vectorize(op),
            #[cfg(target_arch = "aarch64")]
            Isa::NeonDot(s) => s.vectorize(op),
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Isa::Simd128(s) => s.vectorize(op),
        }
    }
}

impl Instructions for Bf16s {
    #[inline]
    fn run<O: SimdOp>(isa: Isa, op: O) -> O::Output {
        match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Bf16(s) => s.vectorize(op),
            // No model asks for it where [`Isa::has_bf16`] says no, and a training that does is slow.
            #[cfg(all(feature = "small", target_arch = "wasm32"))]
            _ => {
                drop(op);
                unreachable!("bfloat16 is left out of this build")
            }
            #[cfg(not(all(feature = "small", target_arch = "wasm32")))]
            _ => scalar::Scalar.vectorize(op),
        }
    }
}

impl Instructions for Nibbles {
    #[inline]
    fn run<O: SimdOp>(isa: Isa, op: O) -> O::Output {
        match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2(s) => s.vectorize(op),
            // No model asks for it where [`Isa::has_nibbles`] says no.
            #[cfg(all(feature = "small", target_arch = "wasm32"))]
            _ => {
                drop(op);
                unreachable!("products of 4 bits are left out of this build")
            }
            #[cfg(not(all(feature = "small", target_arch = "wasm32")))]
            _ => scalar::Scalar.vectorize(op),
        }
    }
}
