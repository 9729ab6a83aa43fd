//! Every format against a notation that takes all that stands there.

use super::*;
use proptest::prelude::*;
use std::io::BufRead;

/// A question or an answer is its text, and where it begins.
struct Plain;

impl Notation for Plain {
    type Grid = (u64, Option<usize>, String);

    const DIALECT: Dialect = Dialect {
        longest: 200,
        ..Dialect::PLAIN
    };

    fn is_table(&mut self, line: Text<'_>, _: Option<&[Field]>) -> bool {
        line.bytes.contains(&b',')
    }

    fn given(
        &mut self,
        question: Given,
        answer: Option<Given>,
    ) -> Result<Read<Self::Grid>, InputError> {
        let read = |given: Given| {
            let field = given.joined();
            let Place { line, column } = field.text().start;
            Ok((line, column, field.text().utf8()?.to_owned()))
        };
        let question = read(question)?;
        let answer = answer.map(read);
        Ok(Read { question, answer })
    }

    fn plain<R: BufRead>(
        &mut self,
        first: Text<'_>,
        _: &mut Lines<R>,
    ) -> Option<Result<Read<Self::Grid>, InputError>> {
        let place = first.start;
        Some(
            first
                .utf8()
                .map(|text| (place.line, place.column, text.to_owned()).into()),
        )
    }
}

/// Lines, and what stands there: question and answer with their places, source and rating; or what is wrong.
fn read(input: &str) -> Vec<(u64, String)> {
    let shown = |(line, column, text): (u64, Option<usize>, String)| {
        format!("{line}:{} {text:?}", column.unwrap_or(0))
    };
    let entries = Reader::of(input.as_bytes(), Plain).map(|entry| {
        let text = entry.result.map(|record| {
            let mut text = shown(record.question);
            text.extend(record.answer.map(|answer| format!(" -> {}", shown(answer))));
            text.extend(record.source.map(|source| format!(" of {source:?}")));
            text.extend(record.rating.map(|rating| format!(" rated {rating}")));
            text
        });
        (entry.line, text.unwrap_or_else(|error| error.to_string()))
    });
    entries.collect()
}

#[test]
fn columns_have_several_names() {
    for (question, answer, rating) in [
        ("question", "answer", "rating"),
        ("Puzzle", "SOLUTION", "difficulty"),
        ("input", "output", "Rating"),
        ("quizzes", "solutions", "Difficulty"),
    ] {
        let input = format!("{answer}, {question},source,{rating}\nx, a ,me,7\n");
        let found = [(2, "2:4 \"a\" -> 2:1 \"x\" of \"me\" rated 7".into())];
        assert_eq!(read(&input), found);
    }
    // Of two, the better name counts.
    assert_eq!(read("input,question\na,b\n"), [(2, "2:3 \"b\"".into())]);
    let both = "{\"input\": [[1.5]], \"question\": \"b\", \"rating\": \"hard\"}";
    assert_eq!(read(both), [(1, "1:0 \"b\"".into())]);
}

#[test]
fn fields_of_several_lines_have_places() {
    let input =
        "id,question,answer\n1,\"a\nb\",\"x\n\ny\" \n\n2, \"c\"\"\n d\",\"\"\n3,\"e,f\n4,g,h\n";
    let quote = "line 9, column 3: expected a quote that closes before the next comma \
                 or the end of the line, found one that does not";
    let found = [
        (2, "2:4 \"a\\nb\" -> 3:5 \"x\\n\\ny\"".into()),
        (7, "7:5 \"c\\\"\\n d\"".into()),
        (9, quote.into()),
        (10, "10:3 \"g\" -> 10:5 \"h\"".into()),
    ];
    assert_eq!(read(input), found);
}

#[test]
fn objects_and_lists_are_texts() {
    let input =
        "{\"question\": [\"ab\", [1, \"c\"]], \"answer\": null}\n# no\n[1]\n{\"answer\": \"x\"}\n";
    let found = [
        (1, "1:0 \"ab\\n1c\"".to_owned()),
        (
            3,
            "line 3, column 1: expected an object with `question` and `answer`, found sequence"
                .into(),
        ),
        (
            4,
            "line 4, column 15: expected an object with `question`, `puzzle`, `input` or `quizzes`, found `answer`"
                .into(),
        ),
    ];
    assert_eq!(read(input), found);
}

proptest! {
    #![proptest_config(crate::testing::cases(400))]

    /// Whatever stands there: nothing panics, and entries begin on lines of their own.
    #[test]
    fn any_lines(
        lines in prop::collection::vec(prop::sample::select(vec![
            "a", "\"a", "b\"", ",", "a,b", "\"a\",b", "{\"question\": \"a\"}", "{\"", "{", "# no", "", "é\"", "question,answer",
        ]), 0..30),
        head in prop::sample::select(vec!["", "question,answer\n", "{\"question\": \"\"}\n"]),
    ) {
        let input = head.to_owned() + &lines.join("\n");
        let found = read(&input);
        let count = input.lines().count() as u64;
        prop_assert!(found.iter().all(|entry| entry.0 <= count));
        prop_assert!(found.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
