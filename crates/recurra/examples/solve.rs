//! Answers a puzzle with a trained model, and shows what the model believed after each improvement step.
//!
//! `cargo run --release -p recurra --example solve`

use recurra::model::TrmModel;
use recurra::solver::{SolveOptions, Solver};
use recurra::thinking::StopRules;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let model = TrmModel::open(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../models/sudoku4.safetensors"
    ))?;
    let mut solver = Solver::new(&model, 1)?;
    let task = solver.task().clone();
    let question = task.parse("1.....3..2.....4")?;
    // A puzzle without a solution, or with several, is refused before anybody thinks about it.
    task.admit(&question)?;
    let options = SolveOptions {
        restarts: 4,
        ..SolveOptions::new(StopRules::new(solver.default_steps()))
    };
    let answer = solver.solve_watched(&question, &options, &mut |glimpse| {
        println!("step {}: {}", glimpse.step, task.line(&glimpse.tokens));
    })?;
    println!("{}", task.drawing(&answer.tokens));
    println!(
        "verified: {:?} after {} steps",
        answer.verified, answer.steps
    );
    Ok(())
}
