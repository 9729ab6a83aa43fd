//! The front desk, with a model that knows nothing.

use super::*;
use crate::model::{TrmConfig, TrmWeights};
use crate::tasks::TaskSpec;
use crate::tasks::sudoku::{Grid, Sudoku};
use crate::tasks::task::Pair;
use crate::thinking::Rule;
use crate::thinking::{StopReason, StopRules};
use crate::{Mixer, Positions, SWIGLU_MULTIPLE};
use std::collections::HashSet;
use std::time::Duration;

const PUZZLE: &str = "...22.1...3.1...";
const ANSWER: &str = "3142241342311324";

fn solver() -> Solver {
    of(config(), TaskSpec::Sudoku { size: 4 })
}

fn of(config: TrmConfig, task: TaskSpec) -> Solver {
    let weights = TrmWeights::random(&config, 1);
    let model = TrmModel::new(config, Some(task), weights);
    Solver::new(&model, 2).unwrap()
}

fn config() -> TrmConfig {
    TrmConfig {
        vocab_size: 6,
        seq_len: 16,
        hidden_size: 16,
        num_heads: 2,
        expansion: 1.0,
        swiglu_multiple: SWIGLU_MULTIPLE,
        num_layers: 1,
        h_cycles: 1,
        l_cycles: 1,
        mixer: Mixer::Attention,
        positions: Positions::Rotary,
        puzzle_emb_ndim: 0,
        puzzle_emb_len: 0,
        num_puzzle_identifiers: 1,
        halt_max_steps: 4,
        rms_norm_eps: 1e-5,
        rope_theta: 10000.0,
        groups: None,
    }
}

fn tokens(line: &str) -> Tokens {
    line.parse::<Grid>().unwrap().encode()
}

fn options(stop: StopRules) -> SolveOptions {
    SolveOptions {
        restarts: 3,
        ..SolveOptions::new(stop)
    }
}

#[test]
fn the_time_is_for_all_attempts_together() {
    let (solver, question) = (solver(), tokens(PUZZLE));
    let answer = |time| {
        let stop = StopRules {
            time,
            ..StopRules::new(5)
        };
        solver.solve(&question, &options(stop)).unwrap()
    };
    let timeless = answer(None);
    assert_eq!((timeless.steps, timeless.restarts), (20, 3));
    assert_eq!(timeless.stopped, StopReason::MaxSteps);
    assert!(timeless.seconds > 0.0 && timeless.seconds.is_finite());
    // One step is always done, and no attempt begins when the time is up.
    let timed = answer(Some(Duration::ZERO));
    assert_eq!((timed.steps, timed.restarts), (1, 0));
    assert_eq!(timed.stopped, StopReason::Time);
    assert_eq!(answer(Some(Duration::MAX)).steps, 20);
}

#[test]
fn an_attempt_that_is_given_up_is_followed_by_another() {
    let (solver, question) = (solver(), tokens(PUZZLE));
    let stop = StopRules::new(1000).with(Rule::Residual { below: 1e30 });
    let answer = solver.solve(&question, &options(stop)).unwrap();
    assert_eq!((answer.steps, answer.restarts), (4, 3));
    assert_eq!(answer.stopped, StopReason::Residual);
    assert_eq!(answer.verified, Some(false));
}

#[test]
fn attempts_do_not_depend_on_how_many_are_side_by_side() {
    let (solver, question) = (solver(), tokens(PUZZLE));
    let ends = |variation: &str, side_by_side, seed| {
        let options = SolveOptions {
            variation: variation.parse().unwrap(),
            side_by_side,
            seed,
            restarts: 5,
            ..SolveOptions::new(StopRules::none(3))
        };
        let mut ends = Vec::new();
        let watch = &mut |event| {
            if let Event::Step(g) = event
                && g.step == 3
            {
                ends.push((g.attempt, g.tokens, g.halt.to_bits()));
            }
        };
        let answer = solver.watch(&question[..], &options, watch).unwrap();
        assert_eq!((answer.steps, answer.restarts), (18, 5));
        ends.sort();
        (ends, answer.tokens)
    };
    for variation in ["symmetry", "noise=0.5", "start", "symmetry,start,noise=0.1"] {
        let alone = ends(variation, 1, 7);
        assert_eq!(alone.0.len(), 6);
        // Each begins another way.
        let grids: HashSet<_> = alone.0.iter().map(|(_, grid, _)| grid).collect();
        assert!(grids.len() > 3, "{variation}");
        for side_by_side in [2, 3, 5, 64] {
            assert_eq!(ends(variation, side_by_side, 7), alone, "{variation}");
        }
        assert_ne!(ends(variation, 1, 8).0, alone.0, "{variation}");
    }
}

#[test]
fn what_is_recorded_is_what_would_have_been_seen() {
    let solver = solver();
    let (question, known) = (tokens(PUZZLE), tokens(ANSWER));
    let pair = |question: &Tokens, answer: &Tokens| Pair {
        question: question.clone(),
        answer: answer.clone(),
    };
    let puzzles = [
        pair(&question, &known),
        pair(&known, &known),
        pair(&question, &question),
    ];
    let recorded = solver.record(&puzzles, 6, &|| {}).unwrap();
    for (Pair { question, answer }, readings) in puzzles.iter().zip(recorded) {
        let readings = readings.unwrap();
        let mut seen = Vec::new();
        let options = SolveOptions {
            restarts: 0,
            ..options(StopRules::none(6))
        };
        let watch = &mut |event| {
            if let Event::Step(step) = event {
                seen.push(step);
            }
        };
        solver.watch(&question[..], &options, watch).unwrap();
        assert_eq!(readings.len(), 6);
        assert!(readings[0].changed);
        for (i, (reading, glimpse)) in readings.iter().zip(&seen).enumerate() {
            assert_eq!(reading.halt_logit, glimpse.halt);
            assert_eq!(reading.verified, glimpse.verified);
            assert_eq!(reading.right, glimpse.tokens == *answer);
            if reading.changed && i > 0 {
                // Tokens that stand for blanks may have changed, and nothing else.
                let same = seen[i - 1].tokens == glimpse.tokens;
                assert!(!same || glimpse.tokens.contains(&1));
            }
            assert!(reading.residual > 0.0 && reading.residual.is_finite());
            assert!((1.0 / 6.0..=1.0).contains(&reading.confidence));
        }
    }
    let nine = Sudoku::new(9).unwrap();
    let other = [pair(&Grid::blank(nine).encode(), &known)];
    assert!(solver.record(&other, 6, &|| {}).unwrap()[0].is_err());
}

mod guesses;
mod shared;
