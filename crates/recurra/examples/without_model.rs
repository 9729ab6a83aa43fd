//! How many puzzles are solved by singles and random guesses alone, in so many attempts: what a model must be better than.
//!
//! `cargo run --release -p recurra --example without_model -- PUZZLES [9 | RULES.toml] [1,8,32,64]`

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use recurra::tasks::TaskSpec;
use recurra::tasks::constraints::{Constraints, attempt};
use recurra::tasks::grid::RulesFile;
use std::error::Error;
use std::fs::{File, read_to_string};
use std::io::BufReader;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let puzzles = args
        .first()
        .ok_or("expected a file of puzzles, found none")?;
    let rules = args.get(1).map_or("9", String::as_str);
    let counts = args.get(2).map_or("1,8,32,64", String::as_str);
    let counts: Vec<usize> = counts
        .split(',')
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    let spec = match rules.parse() {
        Ok(size) => TaskSpec::Sudoku { size },
        Err(_) => TaskSpec::Grid(Box::new(
            RulesFile::read(&read_to_string(rules)?)?.alone(None)?,
        )),
    };
    let task = spec.task()?;
    let groups = task
        .groups()
        .ok_or("expected rules that are groups of cells that differ")?;
    let constraints = Constraints::new(&groups).ok_or("expected fewer symbols")?;

    let most = counts.iter().copied().max().unwrap_or(0);
    let (mut asked, mut solved) = (0, vec![0; counts.len()]);
    for entry in task.read(Box::new(BufReader::new(File::open(puzzles)?))) {
        let question = groups.decode(&entry.result?.question);
        let question = question.ok_or("expected givens that are symbols")?;
        let mut rng = ChaCha8Rng::seed_from_u64(asked);
        let first = (1..=most).find(|_| attempt(&constraints, &question, &mut rng).is_some());
        for (solved, &count) in solved.iter_mut().zip(&counts) {
            *solved += usize::from(first.is_some_and(|first| first <= count));
        }
        asked += 1;
    }
    for (count, solved) in counts.iter().zip(solved) {
        let share = 100.0 * solved as f64 / asked.max(1) as f64;
        println!("{count:4} attempts: {solved} of {asked}, {share:.2} %");
    }
    Ok(())
}
