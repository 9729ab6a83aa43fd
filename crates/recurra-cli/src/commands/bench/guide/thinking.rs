//! What planning, stopping and remembering gain over whole questions, and what depth and restarts give for the same work.

use super::kernels::{Measured, ratio};
use super::report::Accuracy;
use super::statistics::Share;
use super::{Subject, Subjects};
use anyhow::anyhow;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use recurra::StopReason;
use recurra::cache::TrmCache;
use recurra::solver::{SolveOptions, Solver};
use recurra::tasks::task::Pair;
use recurra::thinking::{AdaptiveKSelector, AdaptiveOptions, KPredictor, StopRules};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The models that are asked whole questions: one that often fails in one attempt, one whose tasks have no proof before the end, one
/// over groups.
pub(super) const MODELS: [&str; 3] = ["sudoku9", "maze15", "sudoku"];

/// All that was measured.
pub(super) struct Thought {
    pub(super) rows: Measured,
    pub(super) accuracy: Vec<Accuracy>,
    /// Why attempts stopped, and how often.
    pub(super) stops: BTreeMap<&'static str, usize>,
}

/// Measures all rows about whole questions.
pub(super) fn measure(subjects: &Subjects) -> anyhow::Result<Thought> {
    let [first, maze, groups] = MODELS;
    let mut stops = BTreeMap::new();
    let mut rows = vec![(
        "early-stopping",
        Ok(early(&subjects.open(maze)?, subjects, &mut stops)?),
    )];
    rows.push(("k-prediction", planned(&subjects.open(first)?, subjects)?));
    rows.extend(remembered(&subjects.open(groups)?, subjects)?);
    let mut accuracy = Vec::new();
    for name in [first, groups] {
        accuracy.extend(matched(&subjects.open(name)?, subjects)?);
    }
    Ok(Thought {
        rows,
        accuracy,
        stops,
    })
}

/// Answers all of them on one thread, and returns how many are right and all steps.
fn answer(
    solver: &Solver,
    puzzles: &[Pair],
    options: &SolveOptions,
) -> anyhow::Result<(usize, usize)> {
    let (mut right, mut steps) = (0, 0);
    for puzzle in puzzles {
        let answer = solver.solve(&puzzle.question, options)?;
        // A maze may have several shortest paths.
        let same = answer.tokens == puzzle.answer;
        right += usize::from(same || answer.verified == Some(true));
        steps += answer.steps;
    }
    Ok((right, steps))
}

fn early(
    subject: &Subject,
    subjects: &Subjects,
    stops: &mut BTreeMap<&'static str, usize>,
) -> anyhow::Result<super::statistics::Gain> {
    let puzzles = subject.puzzles(0, subjects.effort.puzzles)?;
    let solver = Solver::new(&subject.model, 1)?;
    let usual = solver.options();
    let most = SolveOptions::new(StopRules::none(usual.stop.max_steps));
    for puzzle in &puzzles {
        let reason: StopReason = solver.solve(&puzzle.question, &usual)?.stopped;
        *stops.entry(reason.name()).or_default() += 1;
    }
    let (without, all) = answer(&solver, &puzzles, &most)?;
    let (with, some) = answer(&solver, &puzzles, &usual)?;
    let n = puzzles.len();
    let of = format!(
        "{}, {n} mazes: {:.2} steps instead of {:.2}; right {with} instead of {without}",
        subject.name,
        some as f64 / n as f64,
        all as f64 / n as f64
    );
    let go = |options: &SolveOptions| {
        let _ = std::hint::black_box(answer(&solver, &puzzles, options));
    };
    Ok(ratio(
        subjects.effort.rounds,
        of,
        || go(&most),
        || go(&usual),
    ))
}

fn planned(
    subject: &Subject,
    subjects: &Subjects,
) -> anyhow::Result<Result<super::statistics::Gain, String>> {
    let effort = subjects.effort;
    let solver = Solver::new(&subject.model, 1)?;
    let options = solver.options();
    let predictor = KPredictor::new(subject.model.id());
    let plan = AdaptiveOptions::new(options.stop.max_steps);
    let planner =
        Solver::new(&subject.model, 1)?.adapting(AdaptiveKSelector::new(plan, predictor))?;
    let (solved, _) = answer(
        &planner,
        &subject.puzzles(1_000_000, effort.lessons)?,
        &options,
    )?;
    // Before that, everything gets the most steps.
    const LEAST: usize = 50;
    if solved < LEAST {
        return Ok(Err(format!(
            "the planner needs {LEAST} answered questions, and {solved} were"
        )));
    }
    let puzzles = subject.puzzles(0, effort.puzzles)?;
    let (without, all) = answer(&solver, &puzzles, &options)?;
    let (with, some) = answer(&planner, &puzzles, &options)?;
    let n = puzzles.len();
    let of = format!(
        "{}, {n} puzzles after {} to learn from: {:.2} steps instead of {:.2}; right {with} instead of {without}",
        subject.name,
        effort.lessons,
        some as f64 / n as f64,
        all as f64 / n as f64
    );
    let go = |solver: &Solver| {
        let _ = std::hint::black_box(answer(solver, &puzzles, &options));
    };
    Ok(Ok(ratio(
        effort.rounds,
        of,
        || go(&solver),
        || go(&planner),
    )))
}

/// The same questions again, and symmetric forms of them.
fn remembered(subject: &Subject, subjects: &Subjects) -> anyhow::Result<Measured> {
    let puzzles = subject.puzzles(0, subjects.effort.puzzles)?;
    let solver = Solver::new(&subject.model, 1)?;
    let options = solver.options_with_restarts(31, None);
    let cache = Arc::new(TrmCache::new(solver.cache_config(64 << 20)?));
    let knows = Solver::new(&subject.model, 1)?.remembering(cache)?;
    answer(&knows, &puzzles, &options)?;
    let task = solver.task()?.clone();
    let mut rng = ChaCha8Rng::seed_from_u64(super::SEED);
    let mut images = Vec::new();
    for puzzle in &puzzles {
        let symmetry = task.random_symmetry(&puzzle.question, &mut rng);
        let symmetry =
            symmetry.ok_or_else(|| anyhow!("{}: expected a task with symmetries", subject.name))?;
        images.push(task.image(puzzle, &symmetry));
    }
    let mut all = Vec::new();
    for (row, what, asked) in [
        ("exact-cache", "known puzzles", &puzzles),
        ("similar-cache", "symmetric forms of known puzzles", &images),
    ] {
        let (right, steps) = answer(&knows, asked, &options)?;
        let n = asked.len();
        // Puzzles that were not solved are not known.
        let of = format!(
            "{}, {n} {what}: {right} right, {steps} steps thought",
            subject.name
        );
        let go = |solver: &Solver| {
            let _ = std::hint::black_box(answer(solver, asked, &options));
        };
        all.push((
            row,
            Ok(ratio(
                subjects.effort.rounds,
                of,
                || go(&solver),
                || go(&knows),
            )),
        ));
    }
    Ok(all)
}

/// One long attempt against several short ones with as many steps in all.
fn matched(subject: &Subject, subjects: &Subjects) -> anyhow::Result<Vec<Accuracy>> {
    const TIMES: usize = 4;
    let solver = Solver::new(&subject.model, subjects.threads)?;
    let puzzles = subject.puzzles(2_000_000, subjects.effort.judged)?;
    let questions: Vec<_> = puzzles
        .iter()
        .map(|puzzle| puzzle.question.clone())
        .collect();
    let again = solver.options_with_restarts(TIMES - 1, None);
    let steps = again.stop.max_steps;
    let once = |max_steps| {
        let mut options = solver.options();
        options.stop.max_steps = max_steps;
        options
    };
    let ways = [
        (format!("one attempt of {steps} steps"), once(steps)),
        (
            format!("one attempt of {} steps", TIMES * steps),
            once(TIMES * steps),
        ),
        (format!("{TIMES} attempts of {steps} steps"), again),
    ];
    let mut all = Vec::new();
    for (way, options) in ways {
        let (mut right, mut steps) = (0, 0);
        let answers = solver.solve_many(&questions, &options, &|| ())?;
        for (answer, puzzle) in answers.into_iter().zip(&puzzles) {
            let answer = answer?;
            right += usize::from(answer.tokens == puzzle.answer);
            steps += answer.steps;
        }
        all.push(Accuracy {
            model: subject.name.into(),
            way,
            exact: Share::new(right, puzzles.len()),
            mean_steps: steps as f64 / puzzles.len() as f64,
        });
    }
    Ok(all)
}
