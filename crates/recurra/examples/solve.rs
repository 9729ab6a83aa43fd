//! Answers a puzzle with a trained model, and shows what the model believed after each improvement step.
//!
//! `cargo run --release -p recurra --example solve`

use recurra::model::TrmModel;
use recurra::solver::{SolveOptions, Solver, admit};
use recurra::tasks::sudoku::Grid;
use recurra::thinking::StopRules;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let model = TrmModel::open(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../models/sudoku4.safetensors"
    ))?;
    let mut solver = Solver::new(&model, 1)?;
    let question: Grid = "1.....3..2.....4".parse()?;
    // A puzzle without a solution, or with several, is refused before anybody thinks about it.
    admit(&question)?;
    let options = SolveOptions {
        restarts: 4,
        ..SolveOptions::new(StopRules::new(solver.default_steps()))
    };
    let answer = solver.solve_watched(&question, &options, &mut |glimpse| {
        println!("step {}: {}", glimpse.step, glimpse.grid);
    })?;
    println!("{}", answer.grid.to_pretty());
    println!(
        "verified: {:?} after {} steps",
        answer.verified, answer.steps
    );
    Ok(())
}
