//! Speed of the maze generator, and statistics of what it makes.
//!
//! `cargo bench -p recurra --bench maze -- [COUNT] [SIZE] [MIN_PATH]` (1000 mazes of 30x30 with paths of more than 110
//! moves) prints mazes a second of one core's time, and how paths and walls are distributed. Linux only: it reads `/proc`.

use recurra::tasks::maze::{Cell, Generator, Shape, rules};

/// CPU time of this thread, in seconds.
fn cpu_seconds() -> f64 {
    let text =
        std::fs::read_to_string("/proc/thread-self/schedstat").expect("/proc is there on Linux");
    let nanoseconds = text.split(' ').next().and_then(|n| n.parse::<u64>().ok());
    nanoseconds.expect("the first number is the time") as f64 / 1e9
}

/// Least, quantiles and most of some numbers.
fn describe(name: &str, mut numbers: Vec<f64>) {
    numbers.sort_by(f64::total_cmp);
    let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
    let at = |share: f64| numbers[(share * (numbers.len() - 1) as f64).round() as usize];
    let [least, low, median, high, most] = [0.0, 0.05, 0.5, 0.95, 1.0].map(at);
    println!(
        "{name:<16} least {least:.1}, 5 % below {low:.1}, median {median:.1}, mean {mean:.1}, 95 % below {high:.1}, most {most:.1}"
    );
}

fn main() {
    // `cargo bench` adds an argument of its own.
    let mut numbers = std::env::args()
        .skip(1)
        .filter_map(|a| a.parse::<usize>().ok());
    let count = numbers.next().unwrap_or(1000).max(1);
    let size = numbers.next().unwrap_or(30);
    let longer_than = numbers.next().unwrap_or(110);
    let shape = Shape::new(size, size).expect("a size from 2 to 64");
    let generator = Generator::new(shape, longer_than, 1).expect("a threshold that can be met");
    let mut moves = Vec::new();
    let mut walls = Vec::new();
    let start = cpu_seconds();
    let mazes: Vec<_> = (0..count as u64)
        .map(|number| {
            generator
                .puzzle(number)
                .expect("a threshold that can be met")
        })
        .collect();
    let seconds = cpu_seconds() - start;
    for maze in &mazes {
        assert!(rules::verifies(&maze.question, &maze.answer));
        moves.push(maze.answer.count(Cell::Path) as f64 + 1.0);
        walls.push(100.0 * maze.question.count(Cell::Wall) as f64 / shape.cells() as f64);
    }
    println!(
        "{count} mazes of {shape}, paths of more than {longer_than} moves: {:.1} a second of one core ({seconds:.1} s)",
        count as f64 / seconds
    );
    describe("moves", moves.clone());
    describe("walls, per cent", walls);
    println!("moves      share");
    let first = moves.iter().copied().fold(f64::MAX, f64::min) as usize / 5 * 5;
    let last = moves.iter().copied().fold(0.0, f64::max) as usize;
    for low in (first..=last).step_by(5) {
        let inside = moves
            .iter()
            .filter(|&&m| (low..low + 5).contains(&(m as usize)));
        let share = 100.0 * inside.count() as f64 / count as f64;
        println!("{low:>3} to {:<3} {share:>5.1} %", low + 4);
    }
}
