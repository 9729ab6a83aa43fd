//! How long a form takes.

use std::hint::black_box;
use std::time::Instant;

use recurra::tasks::sudoku::{Canonizer, Grid};

/// Prints one line for each sort of grids. Each grid is timed once in each of several rounds over all grids, and
/// the least counts: the machine's interruptions are not the search's.
pub(crate) fn print<'a>(sorts: impl Iterator<Item = (&'a str, &'a [Grid])>) {
    println!(
        "{:32} {:>7} {:>10} {:>10} {:>10}   {:>5} of {}",
        "microseconds",
        "grids",
        "median",
        "99.9 %",
        "worst",
        "cost",
        Canonizer::LIMIT
    );
    let mut canonizer = Canonizer::new();
    for (name, grids) in sorts {
        let mut times = vec![f64::MAX; grids.len()];
        let (mut cost, mut given_up) = (0, 0);
        let rounds = (10_000 / grids.len().max(1)).clamp(3, 30);
        for round in 0..rounds {
            for (grid, time) in grids.iter().zip(&mut times) {
                let start = Instant::now();
                let form = black_box(canonizer.canonical(black_box(grid)));
                *time = time.min(start.elapsed().as_secs_f64() * 1e6);
                cost = cost.max(canonizer.cost());
                given_up += usize::from(round == 0 && form.is_none());
            }
        }
        times.sort_by(f64::total_cmp);
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
        println!(
            "{name:32} {:7} {:10.2} {:10.2} {:10.2}   {cost:5}{}",
            grids.len(),
            at(0.5),
            at(0.999),
            at(1.0),
            match given_up {
                0 => String::new(),
                n => format!(", {n} GIVEN UP"),
            }
        );
    }
}
