//! One set of puzzles, read once.

use super::distribution::Distribution;
use super::keys::{Keys, hash};
use super::problems::{Kind, Problems};
use super::rules::{Found, Rules, Table};
use crate::progress;
use anyhow::{anyhow, bail};
use rayon::prelude::*;
use recurra::tasks::Task;
use recurra::tasks::data::Puzzles;
use recurra::tasks::dataset::{Dataset, Part as Which, part_of};
use recurra::tasks::maze::grid::VOCAB_SIZE;
use recurra::tasks::maze::{self, Maze, MazeReader, MazeTask, Shape};
use recurra::tasks::sudoku::{PuzzleReader, Sudoku};
use recurra::tasks::task::{Entry, Puzzle};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Puzzles in memory at a time.
const CHUNK: usize = 1024;

/// What a set was found to hold.
pub(super) struct Part {
    pub(super) name: String,
    pub(super) kind: PuzzleKind,
    pub(super) puzzles: u64,
    pub(super) refused: u64,
    /// Puzzles whose exact search, or symmetric form, was given up.
    pub(super) undecided: u64,
    pub(super) questions: Keys,
    /// None where the task's symmetries are not known.
    pub(super) forms: Option<Keys>,
    /// None where solutions do not tell puzzles apart.
    pub(super) solutions: Option<Keys>,
    pub(super) measures: BTreeMap<&'static str, Distribution>,
}

/// What kind of puzzles.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum PuzzleKind {
    Sudoku(Sudoku),
    Maze(Shape),
    Table(Table),
    /// Tokens that nobody here knows more about.
    Tokens {
        seq_len: u64,
        vocab_size: u64,
    },
}

impl PuzzleKind {
    /// What the task knows about them.
    fn rules(&self) -> Option<&dyn Rules> {
        match self {
            PuzzleKind::Sudoku(sudoku) => Some(sudoku),
            PuzzleKind::Maze(shape) => Some(shape),
            PuzzleKind::Table(table) => Some(table),
            PuzzleKind::Tokens { .. } => None,
        }
    }
}

impl std::fmt::Display for PuzzleKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            PuzzleKind::Sudoku(sudoku) => write!(f, "sudoku {sudoku}"),
            PuzzleKind::Maze(shape) => write!(f, "maze {shape}"),
            PuzzleKind::Table(table) => table.0.spec().fmt(f),
            PuzzleKind::Tokens {
                seq_len,
                vocab_size,
            } => write!(f, "{seq_len} tokens of {vocab_size}"),
        }
    }
}

/// What a path holds: one set, or the parts of a data set.
pub(super) fn parts_of(path: &Path) -> anyhow::Result<Vec<(PathBuf, Which)>> {
    if !path.is_dir() || path.join("dataset.json").is_file() {
        return Ok(vec![(path.into(), Which::Train)]);
    }
    let parts = [Which::Train, Which::Test].map(|which| (path.join(which.name()), which));
    let there = |(path, _): &(PathBuf, Which)| path.join("dataset.json").is_file();
    let found: Vec<_> = parts.into_iter().filter(there).collect();
    if found.is_empty() {
        // This says what was expected.
        part_of(path, Which::Train)?;
    }
    Ok(found)
}

/// Finds out what kind of puzzles a set holds: of a folder by its sizes and first question, of a text by the first
/// puzzle that can be read.
fn kind_of(path: &Path) -> anyhow::Result<PuzzleKind> {
    if path.is_dir() {
        return kind_of_folder(&Dataset::open(path)?);
    }
    let sudoku = PuzzleReader::new(open(path)?, None).find_map(|entry| entry.result.ok());
    if let Some(puzzle) = sudoku {
        return Ok(PuzzleKind::Sudoku(puzzle.question.sudoku()));
    }
    let maze = MazeReader::new(open(path)?, None).find_map(|entry| entry.result.ok());
    match maze {
        Some(puzzle) => Ok(PuzzleKind::Maze(puzzle.question.shape())),
        None => bail!("{}: no puzzle that could be read", path.display()),
    }
}

fn kind_of_folder(dataset: &Dataset) -> anyhow::Result<PuzzleKind> {
    let (seq_len, vocab_size) = (dataset.metadata().seq_len, dataset.metadata().vocab_size);
    let fits = |s: &Sudoku| (s.cells() as u64, s.vocab_size() as u64) == (seq_len, vocab_size);
    let shape = Shape::square_with_cells(seq_len as usize);
    if let Some(shape) = shape.filter(|_| vocab_size == VOCAB_SIZE as u64) {
        // Other grids of five symbols have no start and goal.
        let first = dataset.examples()?.find_map(Result::ok);
        let maze = first.map(|example| Maze::decode(shape, &example.question));
        if maze.is_some_and(|maze| maze::rules::check_question(&maze).is_ok()) {
            return Ok(PuzzleKind::Maze(shape));
        }
    }
    let sudoku = Sudoku::ALL.into_iter().find(fits);
    Ok(sudoku.map_or(
        PuzzleKind::Tokens {
            seq_len,
            vocab_size,
        },
        PuzzleKind::Sudoku,
    ))
}

fn open(path: &Path) -> anyhow::Result<BufReader<File>> {
    let file = File::open(path).map_err(|e| anyhow!("{}: {e}", path.display()))?;
    Ok(BufReader::new(file))
}

/// The puzzles of a set.
fn entries(path: &Path, which: Which, kind: &PuzzleKind) -> anyhow::Result<Puzzles> {
    let task: Option<Arc<dyn Task>> = match kind {
        _ if path.is_dir() => None,
        &PuzzleKind::Sudoku(sudoku) => Some(Arc::new(sudoku)),
        &PuzzleKind::Maze(shape) => Some(Arc::new(MazeTask::new(shape, 0))),
        PuzzleKind::Table(table) => Some(Arc::new(table.0.clone())),
        PuzzleKind::Tokens { .. } => None,
    };
    Ok(Puzzles::open(path, which, task.as_deref())?)
}

/// What was found out about one puzzle.
struct Looked {
    line: u32,
    question: u128,
    form: Option<u128>,
    solution: Option<u128>,
    undecided: bool,
    problem: Option<(Kind, String)>,
    measures: Vec<(&'static str, u64)>,
}

impl Part {
    /// Reads a set, of the kind that it is told to be or else found to be; it must be of this kind, that of the set with this
    /// name.
    pub(super) fn check(
        path: &Path,
        which: Which,
        told: Option<&PuzzleKind>,
        like: Option<(PuzzleKind, &str)>,
        problems: &mut Problems,
    ) -> anyhow::Result<Self> {
        let kind = told.cloned().map_or_else(|| kind_of(path), Ok)?;
        let name = path.display().to_string();
        if let Some((expected, other)) = like.filter(|(expected, _)| *expected != kind) {
            bail!("{name}: expected {expected} as in {other}, found {kind}");
        }
        let mut puzzles = entries(path, which, &kind)?;
        let known = kind.clone();
        let rules = known.rules();
        let bar = progress::bar(puzzles.known_len(), "puzzles");
        let mut part = Part {
            name,
            kind,
            puzzles: 0,
            refused: 0,
            undecided: 0,
            questions: Keys::default(),
            forms: rules.is_some().then(Keys::default),
            solutions: rules
                .filter(|r| r.tells_by_solution())
                .map(|_| Keys::default()),
            measures: BTreeMap::new(),
        };
        loop {
            let chunk: Vec<Entry> = puzzles.by_ref().take(CHUNK).collect();
            let count = chunk.len();
            let looked = |entry| look(entry, rules);
            let looked: Vec<_> = chunk.into_par_iter().map(looked).collect();
            bar.suspend(|| {
                looked
                    .into_iter()
                    .try_for_each(|one| part.add(one, problems))
            })?;
            bar.inc(count as u64);
            if count < CHUNK {
                break;
            }
        }
        bar.finish_and_clear();
        if part.puzzles == 0 {
            bail!("{}: no puzzle that could be read", part.name);
        }
        part.questions.sort();
        part.forms.iter_mut().for_each(Keys::sort);
        part.solutions.iter_mut().for_each(Keys::sort);
        Ok(part)
    }

    fn add(
        &mut self,
        looked: Result<Looked, (u64, String)>,
        problems: &mut Problems,
    ) -> anyhow::Result<()> {
        let looked = match looked {
            Ok(looked) => looked,
            Err((line, text)) => {
                self.refused += 1;
                problems.add(&self.name, line, Kind::Refused, text);
                return Ok(());
            }
        };
        self.puzzles += 1;
        self.undecided += u64::from(looked.undecided);
        self.questions.push(looked.question, looked.line);
        for (keys, hash) in [
            (&mut self.forms, looked.form),
            (&mut self.solutions, looked.solution),
        ] {
            if let (Some(keys), Some(hash)) = (keys, hash) {
                keys.push(hash, looked.line);
            }
        }
        if let Some((kind, text)) = looked.problem {
            problems.add(&self.name, looked.line.into(), kind, text);
        }
        for (name, value) in looked.measures {
            self.measures.entry(name).or_default().add(value);
        }
        Ok(())
    }
}

/// Finds out all that can be said about one puzzle alone; else the line and why it cannot be read.
fn look(entry: Entry, rules: Option<&dyn Rules>) -> Result<Looked, (u64, String)> {
    let Ok(line) = u32::try_from(entry.line) else {
        return Err((
            entry.line,
            format!("expected at most {} lines, found more", u32::MAX),
        ));
    };
    let Puzzle {
        question,
        answer,
        rating,
        identifier,
    } = entry
        .result
        .map_err(|e| (entry.line, e.within(entry.line)))?;
    let mut looked = Looked {
        line,
        question: hash(&question, identifier),
        form: None,
        solution: None,
        undecided: false,
        problem: None,
        measures: rating
            .map(|rating| ("rating", rating.into()))
            .into_iter()
            .collect(),
    };
    let Some(rules) = rules else {
        return Ok(looked);
    };
    looked.measures.extend(rules.measures(&question));
    let form = rules.canonical(&question);
    looked.form = form.as_ref().map(|form| hash(form, identifier));
    let broken = answer
        .as_ref()
        .and_then(|answer| rules.objection(&question, answer));
    let mut solution = answer.filter(|_| broken.is_none());
    looked.problem = match rules.solve(&question) {
        None => None,
        Some(Found::None(text)) => Some((Kind::NoSolution, text)),
        Some(Found::Many) => {
            let text = "expected exactly one solution, found more than one";
            Some((Kind::SeveralSolutions, text.into()))
        }
        Some(Found::One(found)) => {
            solution = Some(found);
            None
        }
        Some(Found::Unknown) => {
            looked.undecided = true;
            None
        }
    };
    if let Some(broken) = broken {
        looked.problem = Some((Kind::WrongAnswer, format!("answer: expected {broken}")));
    }
    looked.undecided |= form.is_none();
    looked.solution = solution.map(|solution| hash(&solution, identifier));
    Ok(looked)
}
