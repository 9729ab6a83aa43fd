//! The task as a whole: from a table to tokens and back, and what its answers are held against.

use super::read::Layout;
use super::toy::Toy;
use super::{GridSpec, GridTask, RulesFile, Shape, ShapeRule, survey};
use crate::tasks::task::Task;
use crate::tasks::{InputError, TaskSpec};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn survey_of(table: &str) -> (GridSpec, Vec<InputError>) {
    let mut refused = Vec::new();
    let spec = survey(table.as_bytes(), Layout::default(), &mut |error| {
        refused.push(error)
    });
    (spec.unwrap(), refused)
}

pub(super) fn task(table: &str, rules: &str) -> GridTask {
    let rules = RulesFile::read(rules).unwrap();
    GridTask::new(rules.declare(survey_of(table).0).unwrap()).unwrap()
}

fn toy(toy: Toy) -> (GridTask, String) {
    let table = toy.table(1, 0, 60);
    (task(&table, toy.rules()), table)
}

#[test]
fn toys_are_read_encoded_written_and_checked() {
    for kind in Toy::ALL {
        let (task, table) = toy(kind);
        let mut lines = table.lines().skip(1);
        for entry in task.read(Box::new(table.as_bytes())) {
            let puzzle = entry.result.unwrap();
            let (question, answer) = (puzzle.question, puzzle.answer.unwrap());
            assert_eq!(
                (question.len(), answer.len()),
                (task.seq_len(), task.seq_len())
            );
            assert!(
                question
                    .iter()
                    .chain(&answer)
                    .all(|&t| usize::from(t) < task.vocab_size())
            );
            let line = format!("{},{}", task.line(&question), task.line(&answer));
            assert_eq!(Some(line.as_str()), lines.next());
            assert_eq!(task.parse(&task.line(&question)).unwrap(), question);
            assert_eq!(task.objection(&question, &answer), None);
            assert_eq!(task.broken(&answer), 0.0);
            task.admit(&question).unwrap();
            let expected = match kind {
                Toy::LatinSquares => Some(true),
                _ => None,
            };
            assert_eq!(task.verify(&question, &answer), expected, "{kind:?}");
            let mut tidied = answer.clone();
            task.tidy(&mut tidied);
            assert_eq!(tidied, answer);
        }
        assert_eq!(lines.next(), None);
    }
}

#[test]
fn toys_are_what_they_say() {
    let table = Toy::BitCounts.table(1, 0, 20);
    for line in table.lines().skip(1) {
        let (question, answer) = line.split_once(',').unwrap();
        let ones = question
            .split('/')
            .map(|row| row.matches('1').count().to_string());
        assert_eq!(ones.collect::<Vec<_>>().join("/"), answer);
    }
    for kind in Toy::ALL {
        let all = kind.table(3, 0, 30);
        let later = kind.table(3, 20, 10);
        assert!(all.ends_with(later.strip_prefix("question,answer\n").unwrap()));
        assert_ne!(all, kind.table(4, 0, 30));
    }
    // An independent rule: water stands beside water or is a spring, and no dry cell is beside it.
    for line in Toy::FloodFill.table(1, 0, 50).lines().skip(1) {
        let (question, answer) = line.split_once(',').unwrap();
        let cells = |text: &str| text.replace('/', "").into_bytes();
        let (question, answer) = (cells(question), cells(answer));
        for (i, &cell) in answer.iter().enumerate() {
            let beside =
                |j: usize| i != j && (i / 5 == j / 5 && i.abs_diff(j) == 1 || i.abs_diff(j) == 5);
            let wet_beside = (0..25).any(|j| beside(j) && answer[j] == b'o');
            match cell {
                b'o' => assert!(question[i] == b'o' || wet_beside && question[i] == b'.'),
                b'.' => assert!(!wet_beside && question[i] == b'.'),
                _ => assert_eq!(question[i], b'#'),
            }
        }
    }
}

#[test]
fn specifications_are_inferred() {
    let shape = |rows, cols| Shape::new(rows, cols).unwrap();
    let (spec, refused) = survey_of("question,answer\nab/cd,10 2\nab/cd,3 a\n");
    assert!(refused.is_empty());
    assert_eq!(spec.symbols, ["2", "3", "10", "a", "b", "c", "d"]);
    assert_eq!(
        (spec.frame, spec.vocab_size(), spec.seq_len()),
        (shape(2, 2), 9, 4)
    );
    assert_eq!(spec.question, ShapeRule::Fixed(shape(2, 2)));
    assert_eq!(spec.answer, ShapeRule::Fixed(shape(1, 2)));
    let (spec, _) = survey_of("question,answer\nab,ba\nabc/abc,cba/cba\n");
    assert_eq!(
        (spec.question, spec.answer),
        (ShapeRule::Ends, ShapeRule::AsQuestion)
    );
    assert_eq!(spec.frame, shape(2, 3));
    let (spec, _) = survey_of("question,answer\nab,ba\nabc/abc,cba\n");
    assert_eq!(
        (spec.question, spec.answer),
        (ShapeRule::Ends, ShapeRule::Ends)
    );
    // Without marks between rows, squares are squares; a sequence is one where lengths differ or it is no square.
    let nine = "123456789".repeat(9);
    let (spec, _) = survey_of(&format!("question,answer\n{nine},1234\n"));
    assert_eq!(spec.question, ShapeRule::Fixed(shape(9, 9)));
    assert_eq!(spec.answer, ShapeRule::Fixed(shape(2, 2)));
    let (spec, _) = survey_of("question,answer\n1234,12\n");
    assert_eq!(spec.question, ShapeRule::Fixed(shape(1, 4)));
    let layout = Layout::both("1x4".parse().unwrap());
    let spec = survey(
        "question,answer\n1234,4321\n".as_bytes(),
        layout,
        &mut |_| (),
    )
    .unwrap();
    assert_eq!(spec.question, ShapeRule::Fixed(shape(1, 4)));
    let error = survey(
        "question,answer\nab,\n".as_bytes(),
        Layout::default(),
        &mut |_| (),
    );
    assert_eq!(
        error.unwrap_err().to_string(),
        "data: expected questions with answers, found none"
    );
}

#[test]
fn specifications_go_round_and_hostile_ones_are_refused() {
    for kind in Toy::ALL {
        let (task, _) = toy(kind);
        let spec = task.spec();
        let text = serde_json::to_string(&spec).unwrap();
        assert_eq!(
            serde_json::from_str::<TaskSpec>(&text).unwrap(),
            spec,
            "{text}"
        );
    }
    let good = r##"{"symbols": [".", "1", "2"], "frame": [2, 2], "question": {"fixed": [2, 2]},
        "answer": {"fixed": [2, 2]}, "rules": {"blank": ".", "keep": "givens", "permutation": ["row"]}}"##;
    let read = |text: &str| serde_json::from_str::<GridSpec>(text);
    read(good).unwrap().validate().unwrap();
    for (from, to, says) in [
        (
            "\"2\"]",
            "\"1\"]",
            "field `symbols`: expected each symbol once, found '1' twice",
        ),
        ("\"2\"]", "\" \"]", "expected a symbol of 1 to 32 bytes"),
        (
            "[\".\", \"1\", \"2\"]",
            "[]",
            "expected symbols, found none",
        ),
        (
            "\"blank\": \".\"",
            "\"blank\": \"x\"",
            "field `blank`: expected a symbol of the data (. 1 2), found 'x'",
        ),
        (
            "\"question\": {\"fixed\": [2, 2]}",
            "\"question\": {\"fixed\": [2, 3]}",
            "within the frame (2x2), found 2x3",
        ),
        (
            "\"question\": {\"fixed\": [2, 2]}",
            "\"question\": \"as_question\"",
            "expected its own shape",
        ),
        (
            "\"answer\": {\"fixed\": [2, 2]}",
            "\"answer\": \"as_question\"",
            "the shape of the questions",
        ),
        (
            "[\"row\"]",
            "[\"box 2x64\"]",
            "field `permutation`: expected units that part the answers (2x2), found `box 2x64`",
        ),
        (
            "[\"row\"]",
            "[\"region\"]",
            "expected `regions` beside `region`, found none",
        ),
    ] {
        let text = good.replacen(from, to, 1);
        let error = read(&text).unwrap().validate().unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    for (from, to) in [
        ("[2, 2]", "[0, 2]"),
        ("[2, 2]", "[2, 65]"),
        ("\"row\"", "\"rows\""),
        ("\"keep\"", "\"kept\""),
    ] {
        assert!(read(&good.replacen(from, to, 1)).is_err(), "{to}");
    }
}

#[test]
fn verified_is_what_the_rules_prove() {
    let table = "question,answer\n1./..,12/21\n.2/..,12/21\n";
    let proof = "blank = '.'\nkeep = 'givens'\npermutation = ['row', 'column']\n";
    let proven = task(table, &format!("{proof}proof = true"));
    let partial = task(table, proof);
    let none = task(table, "");
    let tokens = |text: &str| proven.parse(text).unwrap();
    let question = tokens("1./..");
    for (answer, verified, says) in [
        ("12/21", Some(true), None),
        (
            "21/12",
            Some(false),
            Some("expected '1' at row 1, column 1, as in the question, found '2'"),
        ),
        (
            "1./21",
            Some(false),
            Some("expected a symbol to fill in at row 1, column 2, found '.'"),
        ),
    ] {
        // A model may answer what no reader would accept.
        let answer: Vec<u16> = answer
            .replace('/', "")
            .bytes()
            .map(|c| match c {
                b'.' => 4,
                _ => u16::from(c - b'0') + 1,
            })
            .collect();
        assert_eq!(proven.verify(&question, &answer), verified);
        assert_eq!(partial.verify(&question, &answer), verified.filter(|v| !v));
        assert_eq!(none.verify(&question, &answer), None);
        assert_eq!(proven.objection(&question, &answer).as_deref(), says);
    }
    let pad = [0, 2, 3, 2];
    assert_eq!(proven.verify(&question, &pad), Some(false));
    assert_eq!(proven.broken(&pad), 1.0);
    assert_eq!(proven.broken(&[2, 2, 3, 2]), 2.0 / 12.0);
    assert!(
        proven.is_given(2) && !proven.is_given(4) && !proven.is_given(1) && !proven.is_given(999)
    );
    let error = proven.admit(&[2, 2, 4, 4]).unwrap_err().to_string();
    assert!(
        error.ends_with(
            "at most once in row 1, found '1' twice: at row 1, column 1 and at row 1, column 2"
        ),
        "{error}"
    );
}

#[test]
fn shapes_that_differ_are_told_by_ends() {
    let task = task("question,answer\na,b\nab/ba/ab,aa\n", "");
    assert_eq!(task.grid_spec().answer, ShapeRule::Ends);
    let question = task.parse("ab").unwrap();
    assert_eq!(question, [2, 3, 1, 1, 0, 0]);
    assert_eq!(task.drawing(&question).to_string(), "a b\n");
    let mut noise = [2, 1, 3, 0, 3, 3];
    task.tidy(&mut noise);
    assert_eq!(
        (noise, task.line(&noise)),
        ([2, 1, 3, 1, 3, 1], "a/b/b".into())
    );
}

#[test]
fn drawings_line_words_up() {
    let task = task("question,answer\n1 10/a 2,1\n", "");
    let tokens = task.parse("1 10/a 2").unwrap();
    assert_eq!(task.drawing(&tokens).to_string(), " 1 10\n a  2\n");
    let places: Vec<_> = task.drawing(&tokens).0[0]
        .iter()
        .map(|glyph| glyph.place)
        .collect();
    assert_eq!(places, [None, Some(0), None, Some(1), Some(1)]);
}

proptest! {
    #![proptest_config(crate::testing::cases(128))]

    /// Whatever a model answers, nothing panics, and tidying settles it.
    #[test]
    fn any_tokens(kind in 0..4usize, tokens in prop::collection::vec(0..12u16, 36)) {
        let task = match kind {
            3 => task("question,answer\nab,b\nabcabc/defdef,b/a\n", ""),
            _ => toy(Toy::ALL[kind]).0,
        };
        let limit = task.vocab_size() as u16;
        let mut tokens: Vec<u16> = tokens[..task.seq_len()].iter().map(|&t| t % limit).collect();
        let question = tokens.clone();
        task.tidy(&mut tokens);
        let once = tokens.clone();
        task.tidy(&mut tokens);
        prop_assert_eq!(&tokens, &once);
        let _ = (task.verify(&question, &tokens), task.objection(&question, &tokens), task.broken(&tokens));
        let _ = (task.line(&question), task.drawing(&tokens), task.admit(&question));
        if let Some((form, symmetry)) = task.canonical(&question) {
            prop_assert_eq!(symmetry.apply(&question), form);
        }
    }

    /// Images of a puzzle are puzzles, and share form and class.
    #[test]
    fn symmetries_of_toys(kind in 0..3usize, seed: u64, number in 0..1000u64) {
        let (task, _) = toy(Toy::ALL[kind]);
        let table = Toy::ALL[kind].table(2, number, 1);
        let entry = task.read(Box::new(table.as_bytes())).next().unwrap();
        let puzzle = entry.result.unwrap();
        let (question, answer) = (puzzle.question, puzzle.answer.unwrap());
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let symmetry = task.random_symmetry(&question, &mut rng).unwrap();
        let (image, solved) = (symmetry.apply(&question), symmetry.apply(&answer));
        prop_assert_eq!(symmetry.inverse().apply(&image), question.clone());
        prop_assert_eq!(task.objection(&image, &solved), None);
        let (form, to) = task.canonical(&question).unwrap();
        prop_assert_eq!(&task.canonical(&image).unwrap().0, &form);
        prop_assert_eq!(task.objection(&form, &to.apply(&answer)), None);
        let text = format!("question,answer\n{},{}\n", task.line(&image), task.line(&solved));
        prop_assert!(task.read(Box::new(text.as_bytes())).next().unwrap().result.is_ok());
        let class = |question: Vec<u16>, answer: Vec<u16>| {
            task.split_class(&crate::tasks::task::Pair { question, answer })
        };
        prop_assert_eq!(class(image, solved), class(question, answer));
    }
}
