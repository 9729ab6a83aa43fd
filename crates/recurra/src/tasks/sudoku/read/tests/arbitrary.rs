//! The reader against arbitrary input.

use proptest::prelude::*;

use super::*;
use crate::tasks::sudoku::rules;

/// Lines that a reader may take for something.
fn any_line() -> impl Strategy<Value = Vec<u8>> {
    let text = |pattern: &'static str| {
        let chars: Vec<char> = pattern.chars().collect();
        prop::collection::vec(prop::sample::select(chars), 0..20)
            .prop_map(|chars| chars.into_iter().collect::<String>().into_bytes())
    };
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..120),
        text("1234.. |"),
        text("-+| "),
        text("12,\"x"),
        prop::sample::select(vec![
            NINE,
            FOUR,
            "",
            ".........",
            "1234",
            "......",
            "# no",
            "9...............",
            "A...............",
            "question,answer",
            "id,puzzle",
            "\u{feff}",
            "puzzle",
        ])
        .prop_map(|line| line.as_bytes().to_vec()),
    ]
}

proptest! {
    #![proptest_config(crate::testing::cases(400))]

    #[test]
    fn any_bytes_give_bounded_entries(
        lines in prop::collection::vec(any_line(), 0..40),
        size in prop::option::of(0..17usize),
        buffer in 1..64usize,
    ) {
        let input = lines.join(&b'\n');
        let count = 1 + input.iter().filter(|&&byte| byte == b'\n').count() as u64;
        let entries: Vec<Entry> =
            PuzzleReader::new(BufReader::with_capacity(buffer, &input[..]), size.and_then(Sudoku::new))
                .collect();
        let mut last = 0;
        for entry in &entries {
            // Each entry begins on a line of its own, so there are no more entries than lines.
            prop_assert!(last < entry.line && entry.line <= count);
            last = entry.line;
            match &entry.result {
                Ok(puzzle) => prop_assert!(rules::clashes(&puzzle.question).is_none()),
                Err(error) => prop_assert!(error.line >= entry.line && error.line <= count),
            }
        }
        let whole: Vec<Entry> = PuzzleReader::new(&input[..], size.and_then(Sudoku::new)).collect();
        prop_assert_eq!(entries, whole);
    }

    #[test]
    fn good_lines_are_never_lost(bad in prop::collection::vec("[^\r\n,]{0,12}[xyz?!]", 1..20)) {
        let lines: Vec<String> = bad.iter().flat_map(|bad| [format!("z{bad}"), NINE.into()]).collect();
        let good = read(lines.join("\n")).iter().filter(|found| found.1 == NINE).count();
        prop_assert_eq!(good, bad.len());
    }
}
