//! Several threads on one sample.

/// Runs `work(part)` for every part in `0..parts`, at the same time where threads are to be had.
///
/// Allocates nothing: parts are halved by `rayon::join`, whose jobs live on the stack.
pub(crate) fn on_parts(parts: usize, work: &(impl Fn(usize) + Sync)) {
    halves(0, parts, work);
}

fn halves(from: usize, to: usize, work: &(impl Fn(usize) + Sync)) {
    match to - from {
        0 => {}
        1 => work(from),
        n => {
            let middle = from + n / 2;
            #[cfg(feature = "threads")]
            rayon::join(|| halves(from, middle, work), || halves(middle, to, work));
            #[cfg(not(feature = "threads"))]
            {
                halves(from, middle, work);
                halves(middle, to, work);
            }
        }
    }
}

/// The `part`-th of `parts` ranges that share `0..total` out evenly.
pub(crate) fn share(total: usize, part: usize, parts: usize) -> std::ops::Range<usize> {
    total * part / parts..total * (part + 1) / parts
}
