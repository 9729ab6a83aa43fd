//! One set of puzzles, read once.

use super::distribution::Distribution;
use super::keys::{Keys, hash};
use super::problems::{Kind, Problems};
use super::rules::{Found, Rules, Table};
use crate::input::note;
use crate::progress;
use anyhow::{anyhow, bail};
use rayon::prelude::*;
use recurra::reading;
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
    /// Puzzles that have an answer, right or wrong.
    pub(super) answers: u64,
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
    /// Nothing that could be read.
    Nothing,
}

impl PuzzleKind {
    /// What the task knows about them.
    pub(super) fn rules(&self) -> Option<&dyn Rules> {
        match self {
            PuzzleKind::Sudoku(sudoku) => Some(sudoku),
            PuzzleKind::Maze(shape) => Some(shape),
            PuzzleKind::Table(table) => Some(table),
            PuzzleKind::Tokens { .. } | PuzzleKind::Nothing => None,
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
            PuzzleKind::Nothing => f.write_str("no puzzle that could be read"),
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
/// puzzle that can be read. Where there is none, what is wrong is told.
fn kind_of(path: &Path, name: &str, problems: &mut Problems) -> anyhow::Result<(PuzzleKind, u64)> {
    if path.is_dir() {
        return Ok((kind_of_folder(&Dataset::open(path)?)?, 0));
    }
    let sudoku = first(PuzzleReader::new(open(path)?, None), |puzzle| {
        PuzzleKind::Sudoku(puzzle.question.sudoku())
    });
    let sudoku = match sudoku {
        Ok(kind) => return Ok((kind, 0)),
        Err(wrong) => wrong,
    };
    let maze = first(MazeReader::new(open(path)?, None), |puzzle| {
        PuzzleKind::Maze(puzzle.question.shape())
    });
    let maze = match maze {
        Ok(kind) => return Ok((kind, 0)),
        Err(wrong) => wrong,
    };
    // What is a maze with a slip is many bad lines of a Sudoku, and the other way round.
    let wrong = if maze.count < sudoku.count {
        maze
    } else {
        sudoku
    };
    if wrong.count == 0 {
        bail!("{name}: no puzzle in it");
    }
    for (line, text) in wrong.first {
        problems.add(name, line, Kind::Refused, text);
    }
    Ok((PuzzleKind::Nothing, wrong.count))
}

/// Lines that could not be read, and the first of them.
#[derive(Default)]
struct Wrong {
    count: u64,
    first: Vec<(u64, String)>,
}

/// What the first puzzle is that can be read, or why there is none.
fn first<G>(
    entries: impl Iterator<Item = reading::Entry<reading::Record<G>>>,
    kind: impl FnOnce(reading::Record<G>) -> PuzzleKind,
) -> Result<PuzzleKind, Wrong> {
    let mut wrong = Wrong::default();
    for entry in entries {
        match entry.result {
            Ok(puzzle) => return Ok(kind(puzzle)),
            Err(error) => {
                wrong.count += 1;
                if wrong.first.len() < CHUNK {
                    wrong.first.push((entry.line, error.within(entry.line)));
                }
            }
        }
    }
    Err(wrong)
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
        PuzzleKind::Tokens { .. } | PuzzleKind::Nothing => None,
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
    /// Whether it has an answer, right or wrong.
    answered: bool,
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
        let name = path.display().to_string();
        let (kind, refused) = match told {
            Some(told) => (told.clone(), 0),
            None => kind_of(path, &name, problems)?,
        };
        let comparable = |kind: &PuzzleKind| *kind != PuzzleKind::Nothing;
        let other = like
            .filter(|(expected, _)| *expected != kind && comparable(expected) && comparable(&kind));
        if let Some((expected, other)) = other {
            bail!("{name}: expected {expected} as in {other}, found {kind}");
        }
        let known = kind.clone();
        let rules = known.rules();
        let mut part = Part {
            name,
            kind,
            puzzles: 0,
            refused,
            answers: 0,
            undecided: 0,
            questions: Keys::default(),
            forms: rules.is_some().then(Keys::default),
            solutions: rules
                .filter(|r| r.tells_by_solution())
                .map(|_| Keys::default()),
            measures: BTreeMap::new(),
        };
        if part.kind == PuzzleKind::Nothing {
            return Ok(part);
        }
        let mut puzzles = entries(path, which, &part.kind)?;
        let bar = progress::bar(puzzles.known_len(), "puzzles");
        loop {
            let chunk: Vec<Entry> = puzzles.by_ref().take(CHUNK).collect();
            let count = chunk.len();
            for entry in &chunk {
                note(&part.name, entry.note.as_deref());
            }
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
        if part.puzzles + part.refused == 0 {
            bail!("{}: no puzzle in it", part.name);
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
        self.answers += u64::from(looked.answered);
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
        objection,
        ..
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
        answered: answer.is_some() || objection.is_some(),
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
    if let Some(objection) = objection {
        let text = format!("answer: {}", objection.within(entry.line));
        looked.problem = Some((Kind::WrongAnswer, text));
    }
    looked.undecided |= form.is_none();
    looked.solution = solution.map(|solution| hash(&solution, identifier));
    Ok(looked)
}
