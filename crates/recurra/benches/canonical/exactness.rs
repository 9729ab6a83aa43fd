//! That forms are equal where they must be, and nowhere else.

use std::collections::HashMap;
use std::error::Error;
use std::time::Instant;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use recurra::tasks::sudoku::{Canonizer, Grid, Symmetry, rules, solver};

use crate::matching;

/// A question with what is known of it.
struct Known<'a> {
    question: &'a Grid,
    answer: Grid,
    symmetry: Symmetry,
}

/// Puts each question through random symmetries. Prints what was wrong; an error if anything was.
pub(crate) fn check(questions: &[Grid], variants: usize) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let rng = &mut ChaCha8Rng::seed_from_u64(2);
    let mut canonizer = Canonizer::new();
    let mut known: HashMap<Grid, Known> = HashMap::new();
    let (mut count, mut skipped, mut repeated) = (0usize, 0, 0);
    let (mut split, mut joined, mut wrong) = (0, 0, 0);
    for question in questions {
        // Without the only answer there is nothing to compare with.
        let Some(answer) = solver::solve(question, None).unique() else {
            skipped += 1;
            continue;
        };
        count += 1;
        let form = canonizer.canonical(question).ok_or("given up")?;
        // What a cache would hold: the answer of the form, which is solved on its own.
        let stored = solver::solve(&form.grid, None).unique();
        let stored = stored.ok_or("a form without the only answer")?;
        wrong += usize::from(form.symmetry.inverse().apply(&stored) != answer);
        for _ in 0..variants {
            let symmetry = Symmetry::random(question.sudoku(), rng);
            let variant = symmetry.apply(question);
            let other = canonizer.canonical(&variant).ok_or("given up")?;
            split += usize::from(other.grid != form.grid);
            let found = other.symmetry.inverse().apply(&stored);
            let right = found == symmetry.apply(&answer) && rules::verifies(&variant, &found);
            wrong += usize::from(!right);
        }
        let now = Known {
            question,
            answer,
            symmetry: form.symmetry,
        };
        match known.get(&form.grid) {
            Some(before) => {
                repeated += 1;
                joined += usize::from(!leads(&now, before));
            }
            None => drop(known.insert(form.grid, now)),
        }
    }
    let (alike, same) = compare_different(&known);
    println!(
        "\n{count} puzzles x {variants} variants in {:.1} s ({skipped} puzzles without one answer left out)",
        start.elapsed().as_secs_f64()
    );
    println!("variants whose form is not their puzzle's: {split}");
    println!(
        "variants whose answer, mapped back from the form's, is not the exact solver's: {wrong}"
    );
    println!("puzzles with the form of an earlier one: {repeated}, and not its image: {joined}");
    println!(
        "pairs with different forms and equal profiles: {alike}, and images of each other: {same}"
    );
    match split + joined + wrong + same {
        0 => Ok(()),
        errors => Err(format!("{errors} errors").into()),
    }
}

/// Whether the symmetries of two puzzles with one form lead from one to the other, answers included.
fn leads(from: &Known, to: &Known) -> bool {
    let symmetry = from.symmetry.then(&to.symmetry.inverse());
    symmetry.is_some_and(|symmetry| {
        symmetry.apply(from.question) == *to.question && symmetry.apply(&from.answer) == to.answer
    })
}

/// Of puzzles with different forms: how many pairs an invariant cannot tell apart, and how many of these
/// trying out finds to be the same puzzle.
fn compare_different(known: &HashMap<Grid, Known>) -> (usize, usize) {
    let mut alike: HashMap<_, Vec<&Grid>> = HashMap::new();
    for puzzle in known.values() {
        let profile = matching::profile(puzzle.question);
        alike.entry(profile).or_default().push(puzzle.question);
    }
    let (mut pairs, mut same) = (0, 0);
    for grids in alike.values() {
        for (i, a) in grids.iter().enumerate() {
            pairs += i;
            same += grids[..i]
                .iter()
                .filter(|b| matching::same_class(a, b))
                .count();
        }
    }
    (pairs, same)
}
