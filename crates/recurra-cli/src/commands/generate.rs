//! `recurra generate`: puzzles from a seed.

mod grid;
mod maze;
mod sudoku;
mod table;

use crate::exit::Exit;

/// Generate puzzles from a seed, as a CSV table with the columns `question` and `answer` or as NumPy arrays
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(clap::Subcommand)]
enum Task {
    Sudoku(sudoku::Args),
    Maze(maze::Args),
    Grid(grid::Args),
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    match &args.task {
        Task::Sudoku(args) => sudoku::run(args),
        Task::Maze(args) => maze::run(args),
        Task::Grid(args) => grid::run(args),
    }
}
