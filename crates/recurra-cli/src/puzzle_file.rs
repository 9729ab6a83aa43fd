//! Where generated puzzles go: a table, or a folder of arrays in the form of the published data sets.

use crate::exit::UsageError;
use crate::output::OutputFile;
use anyhow::anyhow;
use recurra::tasks::dataset::{Finished, Layout, Part, Writer, identifiers_json};
use recurra::tasks::task::{Pair, Tokens};
use recurra::tasks::{Task, grid, maze, sudoku};
use std::io::{self, BufWriter, StdoutLock, Write};
use std::path::{Path, PathBuf};

/// How puzzles are written.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// A table with the columns `question` and `answer`
    Csv,
    /// A folder with NumPy arrays of tokens, as published data sets have it: OUTPUT/train, or OUTPUT/test with
    /// --split test
    Npy,
}

/// A puzzle in both forms.
pub(crate) trait Written {
    /// Question and answer as fields of a table.
    fn fields(&self) -> [String; 2];
    /// Question and answer as a model sees them.
    fn tokens(&self) -> [Vec<u16>; 2];
    /// How hard it is, where a table says that and it is known.
    fn rating(&self) -> Option<u64> {
        None
    }
}

impl Written for sudoku::Generated {
    fn fields(&self) -> [String; 2] {
        [self.question.to_line(), self.answer.to_line()]
    }

    fn tokens(&self) -> [Vec<u16>; 2] {
        [self.question.encode(), self.answer.encode()]
    }
}

impl Written for maze::Generated {
    fn fields(&self) -> [String; 2] {
        [self.question.to_field(), self.answer.to_field()]
    }

    fn tokens(&self) -> [Vec<u16>; 2] {
        [self.question.encode(), self.answer.encode()]
    }
}

/// A puzzle made by declared rules, as a table has it and as a model sees it.
pub(crate) struct Ruled {
    fields: [String; 2],
    tokens: [Tokens; 2],
    rating: Option<u64>,
}

impl Ruled {
    /// A puzzle of this task.
    pub(crate) fn new(task: &dyn Task, made: grid::Generated) -> Self {
        Self::of(task, made.pair, made.rating)
    }

    /// A puzzle of any task, whose lines may need quotes in a table.
    pub(crate) fn of(task: &dyn Task, pair: Pair, rating: Option<u64>) -> Self {
        let tokens = [pair.question, pair.answer];
        Ruled {
            fields: [&tokens[0], &tokens[1]].map(|tokens| field(task.line(tokens))),
            tokens,
            rating,
        }
    }
}

impl Written for Ruled {
    fn fields(&self) -> [String; 2] {
        self.fields.clone()
    }

    fn tokens(&self) -> [Vec<u16>; 2] {
        self.tokens.clone()
    }

    fn rating(&self) -> Option<u64> {
        self.rating
    }
}

/// A field of a table, in quotes where it could be read as something else.
fn field(text: String) -> String {
    if text != text.trim() || text.contains([',', '"']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text
}

/// Puzzles in the making: files appear whole or not at all.
pub(crate) enum PuzzleFile {
    Stdout(BufWriter<StdoutLock<'static>>),
    Table(OutputFile),
    Folder(Box<Folder>),
}

/// A folder of arrays in the making.
pub(crate) struct Folder {
    path: PathBuf,
    part: Part,
    writer: Writer<OutputFile>,
}

impl PuzzleFile {
    /// Begins a table (`-` is standard output), with a column for ratings or without, or the folder of a part with tokens of this
    /// length and vocabulary.
    pub(crate) fn create(
        path: &Path,
        format: Format,
        part: Part,
        (seq_len, vocab_size): (usize, usize),
        rated: bool,
    ) -> anyhow::Result<Self> {
        let stdout = path == Path::new("-");
        let mut file = match format {
            Format::Npy if stdout => {
                let text = "--format npy: expected a folder as --output".to_owned();
                return Err(UsageError(text).into());
            }
            Format::Npy => {
                let layout = Layout::plain(seq_len, vocab_size);
                PuzzleFile::Folder(Box::new(Folder::create(path, part, layout)?))
            }
            Format::Csv if stdout => PuzzleFile::Stdout(BufWriter::new(io::stdout().lock())),
            Format::Csv => PuzzleFile::Table(OutputFile::create(path)?),
        };
        file.line(format_args!(
            "question,answer{}",
            if rated { ",rating" } else { "" }
        ))?;
        Ok(file)
    }

    /// Writes a puzzle, with its rating if the table has a column for it.
    pub(crate) fn puzzle(&mut self, puzzle: &impl Written, rated: bool) -> anyhow::Result<()> {
        if let PuzzleFile::Folder(folder) = self {
            let [question, answer] = puzzle.tokens();
            let written = folder.writer.puzzle(&question, &answer);
            return written.map_err(|e| named(&folder.path, &e));
        }
        let [question, answer] = puzzle.fields();
        if !rated {
            return self.line(format_args!("{question},{answer}"));
        }
        let rating = puzzle.rating().map_or(String::new(), |r| r.to_string());
        self.line(format_args!("{question},{answer},{rating}"))
    }

    /// Everything takes its place.
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        match self {
            PuzzleFile::Stdout(mut out) => Ok(out.flush()?),
            PuzzleFile::Table(file) => file.finish(),
            PuzzleFile::Folder(folder) => folder.finish(),
        }
    }

    /// Writes a line of a table.
    fn line(&mut self, text: std::fmt::Arguments<'_>) -> anyhow::Result<()> {
        match self {
            // Bare: the reader may have gone.
            PuzzleFile::Stdout(out) => Ok(writeln!(out, "{text}")?),
            PuzzleFile::Table(file) => {
                let written = writeln!(file, "{text}");
                file.named(written)
            }
            PuzzleFile::Folder(_) => Ok(()),
        }
    }
}

impl Folder {
    fn create(path: &Path, part: Part, layout: Layout) -> anyhow::Result<Self> {
        let inside = path.join(part.name());
        std::fs::create_dir_all(&inside).map_err(|e| named(&inside, &e))?;
        let array = |name: &str| OutputFile::create(&inside.join(name));
        let files = (array("all__inputs.npy")?, array("all__labels.npy")?);
        let writer = Writer::new(layout, files.0, files.1).map_err(|e| named(&inside, &e))?;
        Ok(Folder {
            path: path.into(),
            part,
            writer,
        })
    }

    fn finish(self) -> anyhow::Result<()> {
        let inside = self.path.join(self.part.name());
        let finished = self.writer.finish().map_err(|e| named(&inside, &e))?;
        let Finished {
            inputs,
            labels,
            arrays,
            metadata,
        } = finished;
        inputs.finish()?;
        labels.finish()?;
        for (name, bytes) in arrays {
            OutputFile::write_whole(&inside.join(name), &bytes)?;
        }
        OutputFile::write_whole(&inside.join("dataset.json"), &metadata.to_json())?;
        // No puzzle has a vector of its own.
        let names = identifiers_json(&["<blank>".to_owned()]);
        OutputFile::write_whole(&self.path.join("identifiers.json"), &names)
    }
}

fn named(path: &Path, error: &io::Error) -> anyhow::Error {
    anyhow!("{}: {error}", path.display())
}
