//! Groups: random elements are elements, and the canonical form is the least image.

use super::super::tests::task;
use super::super::{Layout, RulesFile, survey};
use crate::tasks::Task;
use crate::tasks::task::{Pair, Tokens};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::HashSet;

/// A 4x4 Latin square with all that can be done to it.
const LATIN: &str = "question,answer\n1.../..2./.3../...4,1243/3421/4312/2134\n";

fn images(rules: &str, table: &str, question: &str) -> HashSet<Tokens> {
    let task = task(table, rules);
    let question = task.parse(question).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    (0..3000)
        .map(|_| {
            task.random_symmetry(&question, &mut rng)
                .unwrap()
                .apply(&question)
        })
        .collect()
}

#[test]
fn groups_have_as_many_elements_as_they_should() {
    let flat = "question,answer\nabcd/efgh/ijkl/mnop,abcd/efgh/ijkl/mnop\n";
    let all = "abcd/efgh/ijkl/mnop";
    let wide = "question,answer\nabc/def,abc/def\n";
    for (rules, table, question, count) in [
        ("symmetries = 'rotate'", flat, all, 4),
        ("symmetries = ['rotate', 'reflect']", flat, all, 8),
        ("symmetries = ['transpose', 'flip']", flat, all, 8),
        ("symmetries = ['reflect', 'flip']", flat, all, 4),
        ("symmetries = 'rotate'", wide, "abc/def", 2),
        ("symmetries = 'permute rows'", flat, all, 24),
        (
            "symmetries = ['permute rows', 'flip', 'reflect']",
            flat,
            all,
            48,
        ),
        (
            "symmetries = 'permute rows'\ndifferent = 'box 2x2'",
            flat,
            all,
            8,
        ),
        (
            "symmetries = ['permute rows', 'permute columns', 'transpose', 'rotate']\ndifferent = 'box 2x2'",
            flat,
            all,
            128,
        ),
        ("symmetries = 'permute symbols a b c'", flat, all, 6),
        (
            "symmetries = ['permute symbols a b', 'permute symbols c d e']",
            flat,
            all,
            12,
        ),
    ] {
        assert_eq!(images(rules, table, question).len(), count, "{rules}");
    }
}

#[test]
fn shapes_turn_within_their_frame() {
    let table = "question,answer\nab,ab\nabc/def/ghi,abc/def/ghi\n";
    let task = task(table, "symmetries = ['rotate', 'reflect']");
    let question = task.parse("abc/def").unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let images: HashSet<String> = (0..200)
        .map(|_| {
            task.line(
                &task
                    .random_symmetry(&question, &mut rng)
                    .unwrap()
                    .apply(&question),
            )
        })
        .collect();
    assert_eq!(images.len(), 8);
    assert!(
        images.contains("da/eb/fc") && images.contains("fed/cba"),
        "{images:?}"
    );
    for image in images {
        // An image is what reading it gives: ends are where they belong.
        let tokens = task.parse(&image).unwrap();
        assert_eq!(task.line(&tokens), image);
        let canonical = |tokens: &Tokens| task.canonical(tokens).unwrap().0;
        assert_eq!(canonical(&tokens), canonical(&question));
    }
}

#[test]
fn tasks_without_symmetries_have_no_form() {
    let task = task(LATIN, "");
    let question = task.parse("1.../..2./.3../...4").unwrap();
    assert!(task.canonical(&question).is_none());
    assert!(
        task.random_symmetry(&question, &mut ChaCha8Rng::seed_from_u64(1))
            .is_none()
    );
}

#[test]
fn too_many_orders_are_not_tried() {
    let row = "abcdefghijkl";
    let rows = [row; 12].join("/");
    let table = format!("question,answer\n{rows},{rows}\n");
    let task = task(
        &table,
        "symmetries = ['permute rows', 'permute columns', 'transpose']",
    );
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let mut question: Tokens = (0..144).map(|_| rng.random_range(2..14)).collect();
    let class = |question: &Tokens| {
        let pair = Pair {
            question: question.clone(),
            answer: question.clone(),
        };
        task.split_class(&pair)
    };
    for _ in 0..20 {
        let image = task
            .random_symmetry(&question, &mut rng)
            .unwrap()
            .apply(&question);
        assert_eq!(class(&image), class(&question));
        let (form, symmetry) = task.canonical(&question).unwrap();
        assert_eq!(symmetry.apply(&question), form);
        let before = class(&question);
        question[0] = 2 + (question[0] - 1) % 12;
        assert_ne!(class(&question), before);
    }
}

proptest! {
    #![proptest_config(crate::testing::cases(64))]

    /// Against all images, found by trying symmetries until there are no new ones.
    #[test]
    fn the_form_is_the_least_image(cells in prop::collection::vec(0..4usize, 9), case in 0..5usize) {
        let symmetries = [
            "['rotate']",
            "['rotate', 'reflect', 'permute symbols 1 2 3']",
            "['permute rows', 'permute symbols 1 2']",
            "['permute rows', 'permute columns', 'transpose']",
            "['permute columns', 'flip', 'permute symbols 1 3']",
        ][case];
        let spec = survey("question,answer\n123/..1/.23,123/..1/.23\n".as_bytes(), Layout::default(), &mut |_| ()).unwrap();
        let rules = RulesFile::read(&format!("symmetries = {symmetries}")).unwrap();
        let task = super::super::GridTask::new(rules.declare(spec).unwrap()).unwrap();
        let question: Tokens = cells.iter().map(|&cell| cell as u16 + 2).collect();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let images: HashSet<Tokens> = (0..2000)
            .map(|_| task.random_symmetry(&question, &mut rng).unwrap().apply(&question))
            .collect();
        let (form, _) = task.canonical(&question).unwrap();
        prop_assert_eq!(Some(&form), images.iter().min());
        for image in &images {
            prop_assert_eq!(&task.canonical(image).unwrap().0, &form);
        }
    }

    /// A question that is no image has another form.
    #[test]
    fn forms_tell_questions_apart(cells in prop::collection::vec(0..5usize, 16), seed: u64) {
        let task = task(LATIN, "blank = '.'\nsymmetries = ['transpose', 'permute rows', 'permute columns', 'permute symbols']");
        let question: Tokens = cells.iter().map(|&cell| cell as u16 + 2).collect();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let image = task.random_symmetry(&question, &mut rng).unwrap().apply(&question);
        let form = |tokens: &Tokens| task.canonical(tokens).unwrap().0;
        prop_assert_eq!(form(&image), form(&question));
        let mut other = image;
        // One blank more or less is another puzzle.
        other[3] = if other[3] == 6 { 2 } else { 6 };
        prop_assert_ne!(form(&other), form(&question));
    }
}
