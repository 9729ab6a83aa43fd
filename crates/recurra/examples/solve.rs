//! Answers a puzzle with a trained model, and shows what the model believed after each improvement step.
//!
//! `cargo run --release -p recurra --example solve`

use recurra::{Event, Solver};

fn main() -> recurra::Result<()> {
    let solver = Solver::open(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../models/sudoku4.safetensors"
    ))?;
    let options = solver.options_with_restarts(4, None);
    for event in solver.stream("1.....3..2.....4", &options)? {
        match event? {
            Event::Attempt { attempt } => println!("attempt {attempt}"),
            Event::Step(step) => println!("step {}: {}", step.step, step.text),
            Event::Answer(answer) => println!(
                "{}, verified: {:?} after {} steps",
                answer.text, answer.verified, answer.steps
            ),
        }
    }
    Ok(())
}
