//! Augmentations, their names, and the table of identifiers.

use super::super::distinct::distinct;
use super::super::{Augmentation, Identifiers, Question, encode, questions};
use super::{any_grid, grid, set, task};
use crate::testing::cases;
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn random(seed: u64) -> Augmentation {
    Augmentation::random(&mut ChaCha8Rng::seed_from_u64(seed))
}

#[test]
fn symmetries_are_numbered_as_in_the_reference() {
    // What its `dihedral_transform` makes of this grid.
    let images = [
        "123/456", "36/25/14", "654/321", "41/52/63", "321/654", "456/123", "14/25/36", "63/52/41",
    ];
    for (symmetry, image) in images.into_iter().enumerate() {
        let augmentation = Augmentation::of_square(symmetry);
        assert_eq!(
            augmentation.apply(&grid("123/456")),
            grid(image),
            "{symmetry}"
        );
    }
}

#[test]
fn names() {
    let name = "25ff71a9|||t3|||0987654321";
    let (task, augmentation) = Augmentation::split_name(name).unwrap();
    assert_eq!((task, augmentation.name(task).as_str()), ("25ff71a9", name));
    assert_eq!(augmentation.apply(&grid("012/349")), grid("70/69/18"));
    assert_eq!(
        Augmentation::split_name("x"),
        Some(("x", Augmentation::IDENTITY))
    );
    assert_eq!(Augmentation::IDENTITY.name("x"), "x");
    for bad in [
        "",
        "|||t3|||0987654321",
        "x|||",
        "x|||t8|||0123456789",
        "x|||t|||0123456789",
        "x|||t10|||0123456789",
        "x|||3|||0123456789",
        "x|||t1",
        "x|||t1|||012345678",
        "x|||t1|||0123456788",
        "x|||t1|||01234567899",
        "x|||t1|||012345678:",
        "x|||t1|||0123456789|||",
        // The identity has no name of its own.
        "x|||t0|||0123456789",
    ] {
        assert_eq!(Augmentation::split_name(bad), None, "{bad}");
    }
}

#[test]
fn drawn_augmentations_never_change() {
    // Puzzle tables that people trained depend on these.
    let names: Vec<String> = (0..3).map(|seed| random(seed).to_string()).collect();
    let expected = [
        "|||t4|||0893126574",
        "|||t1|||0387452169",
        "|||t5|||0839614527",
    ];
    assert_eq!(names, expected);
}

#[test]
fn all_augmentations_are_drawn() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut symmetries = [0; 8];
    let mut places = [[0; 10]; 10];
    for _ in 0..8000 {
        let name = Augmentation::random(&mut rng).name("x");
        let name = name.trim_start_matches("x|||t").as_bytes();
        if name.len() < 2 {
            continue;
        }
        symmetries[usize::from(name[0] - b'0')] += 1;
        for (colour, &digit) in name[4..].iter().enumerate() {
            places[colour][usize::from(digit - b'0')] += 1;
        }
    }
    assert!(
        symmetries.iter().all(|&n| (900..1100).contains(&n)),
        "{symmetries:?}"
    );
    for (colour, row) in places.iter().enumerate() {
        for (becomes, &count) in row.iter().enumerate() {
            match (colour, becomes) {
                (0, 0) => assert!(count > 7990),
                (0, _) | (_, 0) => assert_eq!(count, 0),
                _ => assert!((780..1000).contains(&count), "{colour} {becomes}: {count}"),
            }
        }
    }
}

#[test]
fn equal_images_are_counted_once() {
    // One colour, all grids symmetric: 9 colours are all the difference there is.
    let plain = task("plain", &["1>1", "11/11>1", "1>11/11"]);
    assert_eq!(distinct(&plain, 8, 1).len(), 9);
    assert_eq!(distinct(&plain, 1000, 1).len(), 9);
    // The order of the pairs makes no difference: these two are exchanged when turned.
    let turning = task("turning", &["01/00>0", "10/00>0", "00/01>0", "00/10>0"]);
    assert_eq!(distinct(&turning, 1000, 1).len(), 9);
    let rich = task("rich", &["123/456>789", "1>2"]);
    let many = distinct(&rich, 1000, 1);
    assert_eq!((many.len(), many[0]), (1001, Augmentation::IDENTITY));
    assert_eq!(many[..11], distinct(&rich, 10, 1));
    assert_ne!(many, distinct(&rich, 1000, 2));
    assert_eq!(distinct(&rich, 0, 1).len(), 1);
}

fn table() -> Identifiers {
    let mut table = Identifiers::new();
    for task in &set("training").tasks {
        table.add(task, 20, 7);
    }
    table
}

#[test]
fn identifiers_are_the_places_of_names() {
    let mut table = table();
    assert_eq!((table.count(), table.tasks().len()), (1 + 4 * 21, 4));
    assert_eq!(table.get(0), None);
    assert_eq!(table.get(1), Some(("6150a2bd", Augmentation::IDENTITY)));
    assert_eq!(table.get(22), Some(("d631b094", Augmentation::IDENTITY)));
    assert_eq!(table.get(table.count()), None);
    let rows: Vec<usize> = table.rows("25ff71a9").map(|(row, _)| row).collect();
    assert!(rows.into_iter().eq(43..64));
    assert_eq!(table.rows("nobody").len(), 0);
    table.add(&set("training").tasks[0], 100, 8);
    assert_eq!(table.count(), 85);
}

#[test]
fn identifiers_are_written_and_read() {
    let table = table();
    let json = table.to_json();
    assert!(json.starts_with(r#"["<blank>","6150a2bd","6150a2bd|||t"#));
    let read = Identifiers::from_json(json.as_bytes()).unwrap();
    assert!((0..100).all(|row| read.get(row) == table.get(row)));
    // Blank rows may stand between, and the rows of a task need not be neighbours.
    let text = br#"["<blank>","<blank>","a","b","a|||t1|||0213456789"]"#;
    let table = Identifiers::from_json(text).unwrap();
    let rows = |task| table.rows(task).map(|(row, _)| row).collect::<Vec<_>>();
    assert_eq!((rows("a"), rows("b")), (vec![2, 4], vec![3]));
    assert_eq!(table.to_json().as_bytes(), text);
}

#[test]
fn other_identifiers_are_refused() {
    for (text, expected) in [
        ("{}", "expected a list of names"),
        ("[1]", "expected a list of names"),
        ("[]", "expected `<blank>` as the first name"),
        (r#"["a"]"#, "expected `<blank>` as the first name"),
        (
            r#"["<blank>","a","a"]"#,
            "expected every name once, found `a` in row 2 again",
        ),
        (
            r#"["<blank>","a|||t9|||0123456789"]"#,
            "found `a|||t9|||0123456789` in row 1",
        ),
        (r#"["<blank>",""]"#, "found `` in row 1"),
    ] {
        let message = Identifiers::from_json(text.as_bytes())
            .unwrap_err()
            .to_string();
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn questions_are_asked_under_every_augmentation() {
    let (table, tasks) = (table(), set("training").tasks);
    let input = &tasks[1].test[0].input;
    let asked: Vec<Question> = questions(&tasks[1].name, input, &table).collect();
    assert_eq!(asked.len(), 21);
    assert!(asked.iter().map(|question| question.puzzle).eq(22..43));
    for question in asked {
        // A model that repeats what it is asked.
        assert_eq!(question.read_answer(&question.tokens).as_ref(), Some(input));
        assert_eq!(question.read_answer(&[]), None);
    }
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn augmentations_are_undone(grid in any_grid(), seed: u64) {
        let augmentation = random(seed);
        let image = augmentation.apply(&grid);
        prop_assert_eq!(augmentation.inverse().apply(&image), grid);
        prop_assert_eq!(augmentation.inverse().inverse(), augmentation);
        let name = augmentation.name("task");
        prop_assert_eq!(Augmentation::split_name(&name), Some(("task", augmentation)));
    }

    #[test]
    fn questions_come_back(grid in any_grid(), answer in any_grid(), seed: u64) {
        let augmentation = random(seed);
        let question = Question { tokens: vec![], puzzle: 1, augmentation };
        let mut tokens = Vec::new();
        for grid in [grid, answer] {
            encode(&augmentation.apply(&grid), Default::default(), &mut tokens);
            prop_assert_eq!(question.read_answer(&tokens), Some(grid));
        }
    }
}
