//! How well K is predicted, and what budgets of steps save, on a trained Sudoku model.
//!
//! `cargo bench -p recurra --bench adaptive -- MODEL DATA [--count N] [--held-out N] [--limit K] [--max-k K]
//! [--noise SHARE] [--traces FILE [--more N]]`
//!
//! DATA is a file of puzzles, or `seed:N` for generated ones with no givens to spare. Each question is thought about step by
//! step until the rules verify the answer, for at most `--limit` steps (64). What was seen is kept in `--traces` and read
//! from there the next time; `--more` does only so many new ones and prints nothing but their number, so that a long
//! measurement can be done in pieces. `--noise` makes a good model a bad one: it adds to every weight a random number of so
//! many times its row's root mean square. The last `--held-out` questions (2,000) are never learnt from; those before them
//! are, in their order.

mod report;
mod rivals;
mod traces;

use std::error::Error;

struct Arguments {
    model: String,
    data: String,
    count: usize,
    held_out: usize,
    limit: usize,
    max_k: usize,
    traces: Option<String>,
    more: Option<usize>,
    noise: Option<f32>,
}

fn arguments() -> Result<Arguments, Box<dyn Error>> {
    let (mut plain, mut named) = (Vec::new(), std::collections::HashMap::new());
    // `cargo bench` adds an argument of its own.
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    while let Some(word) = words.next() {
        match word.strip_prefix("--") {
            Some(name) => {
                let value = words.next().ok_or(format!("{word}: expected a value"))?;
                named.insert(name.to_owned(), value);
            }
            None => plain.push(word),
        }
    }
    let Ok([model, data]) = <[String; 2]>::try_from(plain) else {
        return Err("expected MODEL DATA".into());
    };
    let mut number = |name: &str| named.remove(name).map(|v| v.parse::<usize>()).transpose();
    let arguments = Arguments {
        model,
        data,
        count: number("count")?.unwrap_or(7000),
        held_out: number("held-out")?.unwrap_or(2000).max(1),
        limit: number("limit")?.unwrap_or(64).max(1),
        max_k: number("max-k")?.unwrap_or(16).max(1),
        more: number("more")?,
        traces: named.remove("traces"),
        noise: named.remove("noise").map(|v| v.parse()).transpose()?,
    };
    match named.keys().next() {
        Some(name) => Err(format!("--{name}: no such argument").into()),
        None => Ok(arguments),
    }
}
fn main() -> Result<(), Box<dyn Error>> {
    let arguments = arguments()?;
    let traces = traces::all(&arguments)?;
    if arguments.more.is_some() {
        println!("{} traces", traces.len());
    } else if traces.len() < arguments.held_out + 250 {
        return Err(format!(
            "expected {} questions or more, found {}",
            arguments.held_out + 250,
            traces.len()
        )
        .into());
    } else {
        report::print(&traces, &arguments);
    }
    Ok(())
}
