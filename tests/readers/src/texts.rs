//! Puzzles, tables, rules and tasks of ARC-AGI.

use crate::choice;
use crate::memory::within;
use flate2::write::GzEncoder;
use recurra::TaskSpec;
use recurra::tasks::Task;
use recurra::tasks::arc::{Identifiers, TaskSet, read_task};
use recurra::tasks::grid::{self, GridTask, Layout, RulesFile};
use std::io::Write;
use std::sync::{Arc, OnceLock};

/// The tasks whose puzzles are read.
fn tasks() -> &'static [Arc<dyn Task>] {
    static TASKS: OnceLock<Vec<Arc<dyn Task>>> = OnceLock::new();
    TASKS.get_or_init(|| {
        let maze = |rows, cols| TaskSpec::Maze {
            rows,
            cols,
            min_path: 0,
        };
        let sudoku = |size| TaskSpec::Sudoku { size };
        let rules = include_str!("../../../examples/rules/latin-7.toml");
        let latin = RulesFile::read(rules).and_then(|rules| rules.alone(None));
        let specs = [
            sudoku(4),
            sudoku(6),
            sudoku(9),
            sudoku(16),
            maze(5, 5),
            maze(10, 7),
            TaskSpec::Grid(Box::new(latin.expect("an example of the repository"))),
        ];
        specs
            .iter()
            .map(|spec| spec.task().expect("they are tasks"))
            .collect()
    })
}

/// Puzzles in any text, as the first byte says: of which task, and whether packed.
pub fn puzzles(bytes: &[u8]) {
    let Some((which, rest)) = choice(bytes, 2 * tasks().len()) else {
        return;
    };
    let task = &tasks()[which / 2];
    let packed;
    let input: &[u8] = match which % 2 {
        0 => rest,
        _ => {
            let mut gzip = GzEncoder::new(Vec::new(), flate2::Compression::none());
            gzip.write_all(rest).expect("memory has room");
            packed = gzip.finish().expect("memory has room");
            &packed
        }
    };
    let limit = (8 << 20) + 64 * bytes.len();
    let entries: Vec<_> = within(limit, || task.read(Box::new(input)).take(50).collect());
    for entry in entries {
        let Ok(puzzle) = entry.result else { continue };
        assert_eq!(puzzle.question.len(), task.seq_len());
        // What is printed is read as the same.
        let line = task.line(&puzzle.question);
        let again = task
            .parse(&line)
            .unwrap_or_else(|e| panic!("{line:?}: {e}"));
        assert_eq!(again, puzzle.question, "{line:?}");
        drop(task.drawing(&puzzle.question).to_string());
        if let Some(answer) = &puzzle.answer {
            assert_eq!(answer.len(), task.seq_len());
            let line = task.line(answer);
            assert_eq!(task.read_answer(&line).as_ref(), Ok(answer), "{line:?}");
            // An objection is given exactly where the rules are broken.
            let (proof, objection) = (
                task.verify(&puzzle.question, answer),
                task.objection(&puzzle.question, answer),
            );
            assert!(!(proof == Some(true) && objection.is_some()));
        }
    }
}

/// A table of someone's own: what it is like, and then its puzzles.
pub fn survey(bytes: &[u8]) {
    let limit = (8 << 20) + 64 * bytes.len();
    let spec = within(limit, || {
        grid::survey(bytes, Layout::default(), &mut |_| {})
    });
    let Ok(spec) = spec else { return };
    let task = GridTask::new(spec).expect("a table that was surveyed is a task");
    for entry in task.read(Box::new(bytes)).take(50) {
        if let Ok(puzzle) = entry.result {
            assert_eq!(puzzle.question.len(), task.seq_len());
            drop(task.line(&puzzle.question));
        }
    }
}

/// Rules that are declared.
pub fn rules(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let limit = (4 << 20) + 512 * bytes.len();
    let Ok(rules) = within(limit, || RulesFile::read(text)) else {
        return;
    };
    let Ok(spec) = rules.alone(None) else { return };
    // A grid of 64x64 with 255 symbols has tables of some megabytes.
    let Ok(task) = within(256 << 20, || GridTask::new(spec.clone())) else {
        return;
    };
    drop(rules.check_generates(&spec));
    let empty = vec![1; task.seq_len()];
    drop(task.line(&empty));
    let _ = task.verify(&empty, &empty);
    drop(task.objection(&empty, &empty));
}

/// Tasks of ARC-AGI, their solutions and their identifiers.
pub fn arc(bytes: &[u8]) {
    let Some((form, rest)) = choice(bytes, 4) else {
        return;
    };
    let limit = (4 << 20) + 128 * bytes.len();
    within(limit, || match form {
        0 => drop(read_task("a", rest)),
        1 => {
            if let Ok(identifiers) = Identifiers::from_json(rest) {
                let written = identifiers.to_json();
                let again = Identifiers::from_json(written.as_bytes());
                assert_eq!(
                    again.expect("what is written can be read").to_json(),
                    written
                );
            }
        }
        2 => {
            let mut set =
                TaskSet::read(include_bytes!("../../data/arc/evaluation_challenges.json"));
            set.add_solutions(rest);
        }
        _ => drop(TaskSet::read(rest)),
    });
}
