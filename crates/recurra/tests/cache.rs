//! A solver with a cache, on a model that ships.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use recurra::cache::{CacheConfig, TrmCache};
use recurra::model::TrmModel;
use recurra::solver::{Answer, SolveOptions, Solver, Source};
use recurra::tasks::Task;
use recurra::tasks::sudoku::Sudoku;
use recurra::tasks::sudoku::grid::BLANK;
use recurra::tasks::task::{Pair, Tokens};
use recurra::thinking::{StopReason, StopRules};
use std::sync::Arc;
use std::time::Duration;

fn model() -> TrmModel {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../models/sudoku4.safetensors"
    );
    TrmModel::open(path).unwrap()
}

fn solver(threads: usize) -> (Solver, Arc<TrmCache>) {
    let solver = Solver::new(&model(), threads).unwrap();
    let cache = Arc::new(TrmCache::new(solver.cache_config(1 << 20).unwrap()));
    (solver.remembering(cache.clone()).unwrap(), cache)
}

fn puzzles(count: u64) -> Vec<Pair> {
    let sudoku = Sudoku::new(4).unwrap();
    let puzzle = |number| sudoku.generate(11, number, &|_| true).unwrap();
    (0..count).map(puzzle).collect()
}

/// Puzzles with two givens left, so that they have many answers: a model trained on unique ones mixes these up.
fn open_puzzles(count: u64) -> Vec<Pair> {
    let mut puzzles = puzzles(count);
    for puzzle in &mut puzzles {
        let givens = puzzle.question.iter_mut().filter(|token| **token > BLANK);
        givens.skip(2).for_each(|token| *token = BLANK);
    }
    puzzles
}

/// Each puzzle and two symmetric forms of it, with their answers, one form of all puzzles after the other.
fn forms(puzzles: &[Pair]) -> Vec<Pair> {
    let sudoku = Sudoku::new(4).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(12);
    let mut forms = puzzles.to_vec();
    for _ in 0..2 {
        for puzzle in puzzles {
            let symmetry = sudoku.random_symmetry(&puzzle.question, &mut rng).unwrap();
            forms.push(Pair {
                question: symmetry.apply(&puzzle.question),
                answer: symmetry.apply(&puzzle.answer),
            });
        }
    }
    forms
}

fn answers(solver: &Solver, forms: &[Pair], options: &SolveOptions) -> Vec<Answer> {
    let questions: Vec<Tokens> = forms.iter().map(|p| p.question.clone()).collect();
    let answers = solver.solve_many(&questions, options, &|| {}).unwrap();
    answers.into_iter().map(Result::unwrap).collect()
}

#[test]
fn all_forms_of_a_puzzle_are_thought_about_once() {
    let puzzles = puzzles(60);
    let forms = forms(&puzzles);
    for threads in [1, 4] {
        let (solver, cache) = solver(threads);
        let options = SolveOptions {
            restarts: 8,
            ..SolveOptions::new(StopRules::new(16))
        };
        let answers = answers(&solver, &forms, &options);
        for (form, answer) in forms.iter().zip(&answers) {
            assert_eq!(answer.verified, Some(true));
            assert_eq!(answer.tokens, form.answer);
            let known = answer.source == Source::Exact;
            assert_eq!(known, answer.steps == 0);
            assert_eq!(answer.stopped, StopReason::Verified);
        }
        let thought = answers.iter().filter(|a| a.source == Source::Model).count();
        let counters = cache.counters();
        // Some of the puzzles are forms of one another.
        assert!(thought <= puzzles.len() && thought > 20, "{thought}");
        assert_eq!(counters.misses, thought as u64);
        assert_eq!(counters.exact, (forms.len() - thought) as u64);
        assert_eq!((counters.entries, counters.refused), (thought as u64, 0));
        if threads == 1 {
            let later = &answers[puzzles.len()..];
            assert!(later.iter().all(|a| a.source == Source::Exact));
        }
    }
}

#[test]
fn answers_without_proof_are_for_the_same_question_and_options() {
    let (solver, cache) = solver(1);
    let hasty = SolveOptions::new(StopRules::none(1));
    let puzzles = open_puzzles(600);
    let first = answers(&solver, &puzzles, &hasty);
    let unproven: Vec<usize> = (0..puzzles.len())
        .filter(|&i| first[i].verified == Some(false))
        .collect();
    assert!(!unproven.is_empty());
    let again = answers(&solver, &puzzles, &hasty);
    for (first, again) in first.iter().zip(&again) {
        assert_eq!(again.source, Source::Exact);
        if again.verified == first.verified {
            assert_eq!(again.tokens, first.tokens);
            assert_eq!((again.halt, again.stopped), (first.halt, first.stopped));
        } else {
            // Meanwhile another form of it was proven.
            assert_eq!(again.verified, Some(true));
        }
    }
    // Whoever gives more time is not put off with it, nor is another form of the question.
    let patient = SolveOptions::new(StopRules::new(16));
    for &i in &unproven {
        let question = &puzzles[i].question;
        let other_form = forms(&puzzles[i..=i]).remove(1).question;
        if other_form != *question {
            let answer = solver.solve(&other_form, &hasty).unwrap();
            assert!(answer.source == Source::Model || answer.verified == Some(true));
        }
        let answer = solver.solve(question, &patient).unwrap();
        if answer.source == Source::Exact {
            assert_eq!(answer.verified, Some(true));
        }
    }
    // What a clock has cut short is not kept.
    cache.clear();
    let timed = SolveOptions::new(StopRules {
        time: Some(Duration::ZERO),
        ..StopRules::none(16)
    });
    for _ in 0..2 {
        let answer = solver
            .solve(&puzzles[unproven[0]].question, &timed)
            .unwrap();
        assert_eq!((answer.source, answer.steps), (Source::Model, 1));
    }
}

#[test]
fn a_small_cache_forgets_and_is_never_wrong() {
    let forms = forms(&puzzles(300));
    let (solver, _) = solver(2);
    let cache = Arc::new(TrmCache::new(CacheConfig {
        max_bytes: 6_000,
        ..solver.cache_config(0).unwrap()
    }));
    let solver = solver.remembering(cache.clone()).unwrap();
    let options = SolveOptions {
        restarts: 8,
        ..SolveOptions::new(StopRules::new(16))
    };
    for (form, answer) in forms.iter().zip(answers(&solver, &forms, &options)) {
        assert_eq!(answer.tokens, form.answer);
    }
    let counters = cache.counters();
    assert!(counters.evictions > 0 && counters.exact > 0 && counters.entries > 0);
    assert!(counters.bytes <= 6_000);
}
