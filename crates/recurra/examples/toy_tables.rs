//! Writes the three toy tables, for training and for testing, and their rules into a folder.
//!
//! `cargo run --release -p recurra --example toy_tables -- FOLDER`

use recurra::tasks::grid::toy::Toy;
use std::path::PathBuf;

/// Puzzles to train on.
const TRAIN: u64 = 20_000;
/// Puzzles to test with.
const TEST: u64 = 1_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os()
        .nth(1)
        .ok_or("expected a folder, found none")?;
    let folder = PathBuf::from(folder);
    std::fs::create_dir_all(&folder)?;
    for toy in Toy::ALL {
        toy.write(&folder, TRAIN, TEST)?;
    }
    Ok(())
}
