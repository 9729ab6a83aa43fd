//! The reader against arbitrary input.

use proptest::prelude::*;

use super::*;
use crate::tasks::maze::grid::tests::any_maze;
use crate::tasks::maze::rules;

/// Lines that a reader may take for something.
fn any_line() -> impl Strategy<Value = Vec<u8>> {
    let text = |pattern: &'static str, most: usize| {
        let chars: Vec<char> = pattern.chars().collect();
        prop::collection::vec(prop::sample::select(chars), 0..most)
            .prop_map(|chars| chars.into_iter().collect::<String>().into_bytes())
    };
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..120),
        text("..# SGo", 5),
        text("..... SGo", 20),
        text("SG,\"x", 9),
        prop::sample::select(vec![
            FOUR,
            NINE,
            "",
            "   ",
            "...",
            "S..",
            "..G",
            "; no",
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
        sides in prop::option::of((2..5usize, 2..5usize)),
        buffer in 1..64usize,
    ) {
        let shape = sides.and_then(|(rows, cols)| Shape::new(rows, cols));
        let input = lines.join(&b'\n');
        let count = 1 + input.iter().filter(|&&byte| byte == b'\n').count() as u64;
        let entries: Vec<Entry> =
            MazeReader::new(BufReader::with_capacity(buffer, &input[..]), shape).collect();
        let mut last = 0;
        for entry in &entries {
            // Each entry begins on a line of its own, so there are no more entries than lines.
            prop_assert!(last < entry.line && entry.line <= count);
            last = entry.line;
            match &entry.result {
                Ok(puzzle) => {
                    prop_assert!(rules::check_question(&puzzle.question).is_ok());
                    prop_assert!(shape.is_none_or(|shape| puzzle.question.shape() == shape));
                }
                Err(error) => prop_assert!(error.line >= entry.line && error.line <= count),
            }
        }
        let whole: Vec<Entry> = MazeReader::new(&input[..], shape).collect();
        prop_assert_eq!(entries, whole);
    }

    #[test]
    fn good_lines_are_never_lost(bad in prop::collection::vec("[^\r\n,]{0,40}", 1..20)) {
        let lines: Vec<String> = bad.iter().flat_map(|bad| [format!("z{bad}"), FOUR.into()]).collect();
        let found = read_fixed(lines.join("\n"), Shape::new(4, 4));
        prop_assert_eq!(found.iter().filter(|found| found.1 == FOUR).count(), bad.len());
    }

    #[test]
    fn drawings_come_back(maze in any_maze(), gap in 0..2usize) {
        let text = maze.to_pretty() + &"\n".repeat(gap) + &maze.to_pretty();
        let found: Vec<Entry> = MazeReader::new(text.as_bytes(), Some(maze.shape())).collect();
        prop_assert_eq!(found.len(), 2);
        for entry in found {
            match rules::check_question(&maze) {
                Ok(_) => prop_assert_eq!(&entry.result.unwrap().question, &maze),
                Err(fault) => prop_assert_eq!(entry.result.unwrap_err().found, fault.to_string()),
            }
        }
    }
}
