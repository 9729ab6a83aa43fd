//! What inputs are like: what all have in common, and what each task decides.

/// The names of the columns that are read, the best first: question, answer, source and rating.
pub(super) const COLUMNS: [&[&str]; 4] = [
    &["question", "puzzle", "input", "quizzes"],
    &["answer", "solution", "output", "solutions"],
    &["source"],
    &["rating", "difficulty"],
];

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
    /// How many names of the question are told where a header has none of them.
    pub names_told: usize,
}

impl Dialect {
    /// Lines of up to 4096 bytes, and comments with `#`.
    pub const PLAIN: Self = Dialect {
        longest: 4096,
        comment: Some(b'#'),
        object: b"{\"",
        spaces_count: false,
        columns_once: false,
        names_told: 3,
    };

    /// Whether a text is a comment.
    pub(super) fn begins_comment(self, text: &[u8]) -> bool {
        self.comment.is_some() && text.first().copied() == self.comment
    }
}
