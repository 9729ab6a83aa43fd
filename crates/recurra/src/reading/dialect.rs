//! What inputs are like: what all have in common, and what each task decides.

/// The names of the columns that are read, the best first: question, answer, source, rating, and the puzzle's own name.
pub(super) const COLUMNS: [&[&str]; 5] = [
    &[
        "question",
        "puzzle",
        "input",
        "quizzes",
        "quiz",
        "questions",
        "puzzles",
        "inputs",
        "problem",
    ],
    &[
        "answer",
        "solution",
        "output",
        "solutions",
        "answers",
        "outputs",
        "solved",
    ],
    &["source"],
    &["rating", "difficulty"],
    &["id"],
];

/// The first names of a column, for messages.
pub(super) fn told(column: usize) -> String {
    format!(
        "`{}`",
        COLUMNS[column][..4]
            .join("`, `")
            .replacen("`, `quizzes", "` or `quizzes", 1)
            .replacen("`, `solutions", "` or `solutions", 1)
    )
}

/// What the inputs of a task are like.
#[derive(Clone, Copy, Debug)]
pub struct Dialect {
    /// Bytes a line may have.
    pub longest: usize,
    /// With what a comment begins, where there are any.
    pub comment: Option<u8>,
    /// With what the first object of JSON Lines begins, white space aside.
    pub object: &'static [u8],
    /// Whether white space around a field of a table belongs to it.
    pub spaces_count: bool,
    /// Whether a table that names a column twice is refused.
    pub columns_once: bool,
    /// Whether JSON may list grids: a bracket is no cell.
    pub lists: bool,
}

impl Dialect {
    /// Lines of up to 4096 bytes, and comments with `#`.
    pub const PLAIN: Self = Dialect {
        longest: 4096,
        comment: Some(b'#'),
        object: b"{\"",
        spaces_count: false,
        columns_once: false,
        lists: true,
    };

    /// Bytes a value of JSON may have that goes over several lines.
    pub(super) fn longest_value(self) -> usize {
        self.longest.max(1 << 16)
    }

    /// Whether a text is a comment.
    pub(super) fn begins_comment(self, text: &[u8]) -> bool {
        self.comment.is_some() && text.first().copied() == self.comment
    }
}
