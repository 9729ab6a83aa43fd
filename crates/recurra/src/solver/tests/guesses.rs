//! Attempts that go on from where the first one ended, with guesses.

use super::*;
use crate::error::Error;
use crate::tasks::grid::RulesFile;
use crate::thinking::{AdaptiveKSelector, AdaptiveOptions, KPredictor, Variation};
use std::sync::Arc;

const TASK: TaskSpec = TaskSpec::Sudoku { size: 4 };

/// A model over the groups of a 4x4 Sudoku.
fn over_groups() -> Solver {
    of(groups(), TASK)
}

fn groups() -> TrmConfig {
    TrmConfig {
        mixer: Mixer::Constraints,
        positions: Positions::None,
        groups: TASK.task().unwrap().groups().map(Arc::new),
        ..config()
    }
}

#[test]
fn attempts_that_guess_are_short_unless_somebody_says_otherwise() {
    let most = |steps, restarts, wishes: &str| {
        let long = TrmConfig {
            halt_max_steps: steps,
            ..groups()
        };
        let solver = of(long, TASK);
        let options = solver.options_with_restarts(restarts, None);
        assert_eq!(options.restarts, restarts);
        let wished = Wishes::read(wishes, &solver).unwrap();
        (options.stop.max_steps, wished.stop.max_steps)
    };
    assert_eq!(most(64, 0, "{}"), (64, 64));
    assert_eq!(most(64, 3, r#"{"restarts":3}"#), (20, 20));
    assert_eq!(most(12, 3, r#"{"restarts":3,"max_steps":64}"#), (12, 64));
    let by_start = r#"{"restarts":3,"restart_by":"start"}"#;
    assert_eq!(most(64, 3, by_start), (20, 64));
    // Other models guess where they are told to.
    let other = TrmConfig {
        halt_max_steps: 64,
        ..config()
    };
    let other = of(other, TASK);
    let most = |by| other.options_with_restarts(3, by).stop.max_steps;
    assert_eq!((most(None), most(Some(Variation::GUESS))), (64, 20));
}

fn guessing(max_steps: usize, restarts: usize) -> SolveOptions {
    SolveOptions {
        restarts,
        variation: Variation::GUESS,
        ..SolveOptions::new(StopRules {
            verified: true,
            ..StopRules::none(max_steps)
        })
    }
}

/// The certainties after the first step of each attempt, and the steps of each.
fn first_steps(solver: &Solver, options: &SolveOptions) -> Vec<(Vec<f32>, usize)> {
    let mut seen: Vec<(Vec<f32>, usize)> = Vec::new();
    let watch = &mut |event| {
        if let Event::Step(step) = event {
            if step.step == 1 {
                seen.push((step.certainty, 0));
            }
            seen[step.attempt].1 = step.step;
        }
    };
    let question = tokens(PUZZLE);
    solver.watch(&question[..], options, watch).unwrap();
    seen
}

#[test]
fn attempts_with_guesses_go_on_from_where_the_first_ended() {
    let prefix = TrmConfig {
        puzzle_emb_ndim: 20,
        puzzle_emb_len: 2,
        num_puzzle_identifiers: 2,
        ..config()
    };
    let prefix = of(prefix, TASK);
    for solver in [over_groups(), solver(), prefix] {
        let seen = first_steps(&solver, &guessing(4, 3));
        assert_eq!(seen[0].1, 4);
        assert!(seen.len() == 4 && seen[1..].iter().all(|(first, _)| *first != seen[0].0));
        assert_ne!(seen[1].0, seen[2].0);
    }
}

/// A budget of one step ends the first attempt, not a stop rule.
#[test]
fn they_do_so_where_the_planner_ended_it() {
    let selector = || AdaptiveKSelector::new(AdaptiveOptions::new(1), KPredictor::new("m"));
    for solver in [over_groups(), solver()] {
        let seen = first_steps(&solver.adapting(selector()).unwrap(), &guessing(4, 2));
        assert_eq!((seen.len(), seen[0].1), (3, 1));
        assert!(seen[1].1 > 1);
        assert!(seen[1..].iter().all(|(first, _)| *first != seen[0].0));
    }
}

#[test]
fn where_answers_cannot_be_givens_nothing_is_guessed() {
    let config = TrmConfig {
        mixer: Mixer::Conv,
        positions: Positions::Grid { cols: 4 },
        ..config()
    };
    let maze = TaskSpec::Maze {
        rows: 4,
        cols: 4,
        min_path: 0,
    };
    let solver = of(config, maze);
    for restarts in [0, 2] {
        let error = solver.ask_with("S...\n....\n....\n...G\n", &guessing(3, restarts));
        match error.unwrap_err() {
            Error::Config { field, found, .. } => {
                assert_eq!((field, found.as_str()), ("variation", "guess"));
            }
            other => panic!("{other}"),
        }
    }
    let rules = |keep: &str| {
        let text = format!("size = '2x2'\nfill = 'ab'\nblank = '.'\ndifferent = 'row'\n{keep}");
        RulesFile::read(&text).unwrap().alone(None).unwrap()
    };
    for (keep, guessable) in [
        ("keep = 'givens'", true),
        ("keep = 'ab'", true),
        ("keep = 'a'", false),
        ("", false),
    ] {
        let task = TaskSpec::Grid(Box::new(rules(keep))).task().unwrap();
        assert_eq!(task.guessable(), guessable, "{keep}");
    }
}
