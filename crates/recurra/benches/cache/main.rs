//! What the cache costs and saves.
//!
//! `cargo bench -p recurra --bench cache [-- hits|starts]`: times of hits beside the time of thinking; whether the end
//! state of a near puzzle is a good state to start from.

mod hits;
mod starts;

fn main() {
    let parts: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with('-'))
        .collect();
    let wanted = |name: &str| parts.is_empty() || parts.iter().any(|part| part == name);
    if wanted("hits") {
        hits::report();
    }
    if wanted("starts") {
        starts::report();
    }
}

/// The middle of some numbers.
fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}
