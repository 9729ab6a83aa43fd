//! The machine's own limits: arithmetic and memory.

use super::machine;
use super::timed::{LEAST_TIME, Timed};
use rayon::prelude::*;
use recurra::kernels::matrix::LINE;
use recurra::kernels::{AlignedMatrix, Isa, Precision, peak};
use std::time::Instant;

/// Arithmetic whose peak can be measured. One more is a line here, beside its name in [`limit`].
const ARITHMETIC: &[(&str, Rounds)] = &[
    ("f32", peak::multiply_adds),
    ("bf16", peak::bf16_dots),
    ("int8", peak::int8_dots),
];

/// Does so many rounds on one core and returns the operations.
type Rounds = fn(Isa, u64) -> u64;

/// The arithmetic that limits the products of a precision.
pub(super) fn limit(precision: Precision) -> &'static str {
    match precision {
        Precision::F32 => "f32",
        Precision::Bf16 => "bf16",
        Precision::Q8 | Precision::Q4 => "int8",
    }
}

/// A limit to be measured.
pub(super) struct Limit<'a, What> {
    pub(super) what: What,
    pub(super) threads: usize,
    pub(super) timed: Timed<'a>,
}

/// Arithmetic peaks, for each number of threads.
pub(super) fn arithmetic(isa: Isa, counts: &[usize]) -> Vec<Limit<'static, &'static str>> {
    let mut limits = Vec::new();
    for &(what, one) in ARITHMETIC {
        if what == "bf16" && !isa.has_bf16() {
            continue;
        }
        let rounds = rounds_for(|rounds| {
            one(isa, rounds);
        });
        for &threads in counts {
            limits.push(Limit {
                what,
                threads,
                timed: Timed::new(move || match threads {
                    1 => one(isa, rounds),
                    _ => rayon::broadcast(|_| one(isa, rounds)).iter().sum(),
                }),
            });
        }
    }
    limits
}

/// A buffer to read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Buffer {
    /// What holds it.
    pub(super) level: &'static str,
    /// Its size; for a cache that each core has, for each thread.
    pub(super) bytes: usize,
}

/// The buffers that are read, and their memory.
pub(super) struct Memory {
    /// As large as half a second-level cache, one a thread.
    near: Vec<AlignedMatrix>,
    /// Much larger than all caches, shared out to the threads.
    far: AlignedMatrix,
}

const MIB: usize = 1 << 20;

impl Memory {
    pub(super) fn new(threads: usize) -> Self {
        let near = machine::cache(2).unwrap_or(MIB) / 2;
        // A cache of several processors' size may be told of and not be this machine's alone.
        let far = (2 * machine::cache(3).unwrap_or(0)).clamp(128 * MIB, 1024 * MIB);
        let filled = |bytes: usize| {
            let mut buffer = AlignedMatrix::zeros(1, bytes / size_of::<f32>());
            // Zeros that nobody wrote are one page of memory, mapped many times.
            buffer.row_mut(0).fill(1.0);
            buffer
        };
        Memory {
            near: (0..threads).map(|_| filled(near)).collect(),
            far: filled(far),
        }
    }

    /// Read bandwidths, for each number of threads.
    pub(super) fn limits<'a>(&'a self, isa: Isa, counts: &[usize]) -> Vec<Limit<'a, Buffer>> {
        let mut limits = Vec::new();
        for &threads in counts {
            let near = &self.near[..threads];
            let rounds = rounds_for(|rounds| {
                peak::reads(isa, near[0].row(0), rounds);
            });
            let read = move |buffer: &AlignedMatrix| peak::reads(isa, buffer.row(0), rounds);
            let timed = Timed::new(move || match near {
                [one] => read(one),
                all => all.par_iter().with_max_len(1).map(read).sum(),
            });
            limits.push(Limit {
                what: Buffer::of("L2", &near[0]),
                threads,
                timed,
            });
            let far = self.far.row(0);
            let share = far.len().div_ceil(threads).next_multiple_of(LINE);
            let read = move |part: &[f32]| peak::reads(isa, part, 1);
            let timed = Timed::new(move || match threads {
                1 => read(far),
                _ => far.par_chunks(share).with_max_len(1).map(read).sum(),
            });
            limits.push(Limit {
                what: Buffer::of("memory", &self.far),
                threads,
                timed,
            });
        }
        limits
    }
}

impl Buffer {
    fn of(level: &'static str, buffer: &AlignedMatrix) -> Self {
        Buffer {
            level,
            bytes: size_of_val(buffer.row(0)),
        }
    }
}

/// Rounds that take one thread about as long as a measurement should.
fn rounds_for(one: impl Fn(u64)) -> u64 {
    let mut rounds = 1;
    loop {
        let started = Instant::now();
        one(rounds);
        if started.elapsed() >= LEAST_TIME {
            return rounds;
        }
        rounds *= 2;
    }
}
