//! The store of answers: what it takes, what a kill costs, how large its file gets.
//!
//! `cargo bench -p recurra --bench store -- [speed] [kill] [lost] [limit] [NUMBER]` does the parts asked for, or all:
//! the times of getting, putting, committing and opening with 100 MB; NUMBER kills (200) of a program that writes, after
//! each of which everything is checked; NUMBER / 10 kills at random times that tell how old the oldest lost record was;
//! a long random run under a limit of 64 MiB.

mod kill;
mod limit;
mod lost;
mod records;
mod speed;

use std::path::Path;
use std::process::Command;

fn main() {
    // `cargo bench` adds an argument of its own.
    let args: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with("--"))
        .collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let number = |text: &str| text.parse::<u64>().expect("a number");
    match *args {
        // What this program runs itself for.
        ["kill-writer", path, full, from] => {
            return kill::write_on(Path::new(path), full == "true", number(from));
        }
        ["lost-writer", path, from] => return lost::write_on(Path::new(path), number(from)),
        ["speed-writer", path] => return speed::write_on(Path::new(path)),
        _ => {}
    }
    let count = args.iter().find_map(|a| a.parse::<u64>().ok());
    let count = count.unwrap_or(200);
    let parts: Vec<&&str> = args.iter().filter(|a| a.parse::<u64>().is_err()).collect();
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|p| **p == part);
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    if wanted("speed") {
        speed::table(folder);
    }
    if wanted("kill") {
        let summary = kill::rounds(folder, count as usize, |path, full, from| {
            let (full, from) = (full.to_string(), from.to_string());
            itself("kill-writer", path, &[&full, &from])
        });
        println!("\n{count} kills, every store opened, verified and whole: {summary:?}");
    }
    if wanted("lost") {
        lost::table(folder, count / 10);
    }
    if wanted("limit") {
        limit::table(folder);
    }
}

/// Runs this program with these arguments.
fn itself(what: &str, path: &Path, rest: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.arg(what).arg(path).args(rest);
    command
}
