//! How well K is predicted, and what budgets of steps save, on a trained Sudoku model.
//!
//! `cargo bench -p recurra --bench adaptive -- MODEL DATA [--count N] [--limit K] [--max-k K] [--noise SHARE]
//! [--traces FILE [--more N]]`
//!
//! DATA is a file of puzzles, or `seed:N` for generated ones with no givens to spare. Each question is thought about step by
//! step until the rules verify the answer, for at most `--limit` steps (64). What was seen is kept in `--traces` and read
//! from there the next time; `--more` does only so many new ones and prints nothing but their number, so that a long
//! measurement can be done in pieces. `--noise` makes a good model a bad one: it adds to every weight a random number of so
//! many times its row's root mean square. The last 2,000 questions are held out, those before them are learnt from in order.

use recurra::engine::TrmEngine;
use recurra::model::TrmModel;
use recurra::tasks::TaskSpec;
use recurra::tasks::sudoku::{Generator, Grid, PuzzleReader, Sudoku, rules};
use recurra::thinking::adaptive::{FEATURES, QUESTION_FEATURES, residual};
use recurra::thinking::{
    AdaptiveKSelector, AdaptiveOptions, Feature, Features, KPredictor, Limits, Outcome,
};
use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::time::Instant;

/// Questions that are never learnt from.
const HELD_OUT: usize = 2000;

/// One question.
#[derive(Clone)]
struct Trace {
    /// Before the first step.
    question: Features,
    /// After it.
    state: Features,
    /// K needed; `None` where the limit was not enough.
    needed: Option<usize>,
}

impl Trace {
    /// As it was known before the first step.
    fn before(&self) -> Trace {
        Trace {
            state: self.question,
            ..self.clone()
        }
    }

    /// Its features; 0 for those that are missing.
    fn values(&self) -> [f64; FEATURES] {
        Feature::ALL.map(|feature| self.state.get(feature).unwrap_or(0.0).into())
    }
}

struct Arguments {
    model: String,
    data: String,
    count: usize,
    limit: usize,
    max_k: usize,
    traces: Option<String>,
    more: Option<usize>,
    noise: Option<f32>,
}

fn arguments() -> Result<Arguments, Box<dyn Error>> {
    let (mut plain, mut named) = (Vec::new(), std::collections::HashMap::new());
    // `cargo bench` adds an argument of its own.
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    while let Some(word) = words.next() {
        match word.strip_prefix("--") {
            Some(name) => {
                let value = words.next().ok_or(format!("{word}: expected a value"))?;
                named.insert(name.to_owned(), value);
            }
            None => plain.push(word),
        }
    }
    let Ok([model, data]) = <[String; 2]>::try_from(plain) else {
        return Err("expected MODEL DATA".into());
    };
    let mut number = |name: &str| named.remove(name).map(|v| v.parse::<usize>()).transpose();
    let arguments = Arguments {
        model,
        data,
        count: number("count")?.unwrap_or(7000),
        limit: number("limit")?.unwrap_or(64).max(1),
        max_k: number("max-k")?.unwrap_or(16).max(1),
        more: number("more")?,
        traces: named.remove("traces"),
        noise: named.remove("noise").map(|v| v.parse()).transpose()?,
    };
    match named.keys().next() {
        Some(name) => Err(format!("--{name}: no such argument").into()),
        None => Ok(arguments),
    }
}

fn questions(sudoku: Sudoku, data: &str, count: usize) -> Result<Vec<Grid>, Box<dyn Error>> {
    if let Some(seed) = data.strip_prefix("seed:") {
        let generator = Generator::new(sudoku, None, seed.parse()?)?;
        return (0..count as u64)
            .map(|number| Ok(generator.puzzle(number)?.question))
            .collect();
    }
    let file = BufReader::new(std::fs::File::open(data)?);
    let mut grids = Vec::new();
    for entry in PuzzleReader::new(file, Some(sudoku)).take(count) {
        grids.push(entry.result?.question);
    }
    Ok(grids)
}

/// Blank and padding are the tokens below 2.
fn given(token: u16) -> bool {
    token >= 2
}

fn think(engine: &mut TrmEngine, question: &Grid, limit: usize) -> Result<Trace, Box<dyn Error>> {
    let tokens = question.encode();
    let (rows, vocab_size) = (engine.config().positions_len(), engine.config().vocab_size);
    engine.start(&tokens, 0)?;
    let embedding = (0..rows).map(|p| engine.x().row(p));
    let known = Features::of_question(&tokens, vocab_size, given, embedding);
    let before: Vec<Vec<f32>> = (0..rows).map(|p| engine.z_h().row(p).to_vec()).collect();
    let mut trace = Trace {
        question: known,
        state: known,
        needed: None,
    };
    let mut answer = vec![0; tokens.len()];
    for step in 1..=limit {
        engine.step();
        engine.decode().answer_into(&mut answer);
        let grid = Grid::decode(question.sudoku(), &answer);
        if step == 1 {
            let halt = engine.halt_logits()[0];
            let after = (0..rows).map(|p| engine.z_h().row(p));
            let change = residual(before.iter().map(Vec::as_slice), after).unwrap_or(f32::NAN);
            let logits = engine.decode();
            let places = (0..tokens.len()).map(|i| logits.row(i));
            let state = known.with_state(&tokens, given, places, halt);
            trace.state = state
                .with_broken(rules::missing(&grid))
                .with_residual(change);
        }
        if rules::verifies(question, &grid) {
            trace.needed = Some(step);
            break;
        }
    }
    Ok(trace)
}

/// A line of the file of traces: all features, nothing where one is missing, and K, 0 for unsolved.
fn to_line(trace: &Trace) -> String {
    let entry = |f: &Feature| trace.state.get(*f).map_or(String::new(), |v| v.to_string());
    let mut fields: Vec<String> = Feature::ALL.iter().map(entry).collect();
    fields.push(trace.needed.unwrap_or(0).to_string());
    fields.join(",")
}

fn of_line(line: &str, limit: usize) -> Result<Trace, Box<dyn Error>> {
    let fields: Vec<&str> = line.split(',').collect();
    if fields.len() != FEATURES + 1 {
        return Err(format!("traces: expected {} fields: {line}", FEATURES + 1).into());
    }
    let (mut question, mut state) = (Features::UNKNOWN, Features::UNKNOWN);
    for (i, (feature, text)) in Feature::ALL.into_iter().zip(&fields).enumerate() {
        if !text.is_empty() {
            state.set(feature, text.parse()?);
            if i < QUESTION_FEATURES {
                question.set(feature, text.parse()?);
            }
        }
    }
    let needed = Some(fields[FEATURES].parse()?).filter(|steps| (1..=limit).contains(steps));
    Ok(Trace {
        question,
        state,
        needed,
    })
}

/// Adds noise to all weights but the biases and initial states: sums of twelve uniform numbers, nearly normal.
fn spoil(model: &mut TrmModel, share: f32) {
    let mut weights = model.weights.to_f32();
    let mut state = 12345u64;
    let mut uniform = || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 40) as f32 / (1u64 << 24) as f32
    };
    for matrix in weights
        .tensors_mut()
        .into_iter()
        .filter(|matrix| matrix.rows() >= 8)
    {
        for row in 0..matrix.rows() {
            let row = matrix.row_mut(row);
            let rms = (row.iter().map(|x| x * x).sum::<f32>() / row.len() as f32).sqrt();
            for x in row {
                let normal = (0..12).map(|_| uniform()).sum::<f32>() - 6.0;
                *x += share * rms * normal;
            }
        }
    }
    model.weights = weights.into();
}

/// Traces of all questions, or of some more of them.
fn traces(arguments: &Arguments) -> Result<Vec<Trace>, Box<dyn Error>> {
    let mut model = TrmModel::open(&arguments.model)?;
    if let Some(share) = arguments.noise {
        spoil(&mut model, share);
    }
    let Some(TaskSpec::Sudoku { size }) = model.header.task else {
        return Err("expected a Sudoku model".into());
    };
    let sudoku = Sudoku::new(size).ok_or("a size that no Sudoku has")?;
    let mut traces = Vec::new();
    let mut file = None;
    if let Some(path) = &arguments.traces {
        let opened = std::fs::OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)?;
        for line in BufReader::new(&opened).lines() {
            traces.push(of_line(&line?, arguments.limit)?);
        }
        file = Some(opened);
    }
    traces.truncate(arguments.count);
    let end = arguments
        .count
        .min(traces.len() + arguments.more.unwrap_or(usize::MAX - traces.len()));
    if traces.len() < end {
        let mut engine = TrmEngine::new(&model, 1);
        for question in &questions(sudoku, &arguments.data, end)?[traces.len()..] {
            let trace = think(&mut engine, question, arguments.limit)?;
            if let Some(file) = &mut file {
                writeln!(file, "{}", to_line(&trace))?;
            }
            traces.push(trace);
        }
    }
    Ok(traces)
}

fn outcome(trace: &Trace, budget: usize) -> Outcome {
    match trace.needed {
        Some(steps) if steps <= budget => Outcome::Solved { steps },
        _ => Outcome::Unsolved { budget },
    }
}

/// How far predictions are from the K of those that were solved: share within 2, mean absolute error.
fn score(pairs: impl Iterator<Item = (f64, usize)>) -> (f64, f64) {
    let (mut count, mut within, mut error) = (0usize, 0usize, 0.0);
    for (predicted, needed) in pairs {
        let off = (predicted - needed as f64).abs();
        count += 1;
        within += usize::from(off <= 2.0);
        error += off;
    }
    (100.0 * within as f64 / count as f64, error / count as f64)
}

fn row(name: &str, before: (f64, f64), after: Option<(f64, f64)>) {
    let cell = |(within, error): (f64, f64)| format!("{within:6.2} % {error:7.3}");
    let after = after.map_or(String::new(), cell);
    println!("  {name:<28} {}   {after}", cell(before));
}

fn report(all: &[Trace], arguments: &Arguments) {
    let (learnt, test) = all.split_at(all.len() - HELD_OUT);
    let limits = |max_k, quantile| Limits {
        min_k: 1,
        max_k,
        quantile,
    };
    let solved: Vec<(usize, &Trace)> = test.iter().filter_map(|t| Some((t.needed?, t))).collect();
    println!(
        "{} questions, the last {HELD_OUT} held out; {} of them solved within {} steps: {}",
        all.len(),
        solved.len(),
        arguments.limit,
        histogram(solved.iter().map(|s| s.0))
    );
    let sizes: Vec<usize> = [250, 1000, 5000, usize::MAX]
        .into_iter()
        .map(|n| n.min(learnt.len()))
        .collect();
    let mut done = 0;
    for &n in &sizes {
        if n == done {
            continue;
        }
        done = n;
        let examples = &learnt[..n];
        let mut predictor = KPredictor::new("");
        let begin = Instant::now();
        for trace in examples {
            predictor.learn(&trace.state, outcome(trace, arguments.limit));
        }
        let learn_us = begin.elapsed().as_secs_f64() * 1e6 / n as f64;
        println!("\nafter {n} examples: within 2, mean absolute error of K, of those solved");
        println!("  {:<28} {:<18} after it", "", "before step 1");
        let predict = |features: &Features| {
            predictor
                .predict(features, &limits(arguments.limit, 0.9))
                .expected as f64
        };
        let adaptive = |of: &dyn Fn(&Trace) -> Features| {
            score(solved.iter().map(|(k, t)| (predict(&of(t)), *k)))
        };
        row(
            "KPredictor",
            adaptive(&|t| t.question),
            Some(adaptive(&|t| t.state)),
        );
        let limit = limits(arguments.limit, 0.9);
        let names = predictor.explain(&Features::UNKNOWN, &limit);
        for (m, (name, ..)) in names.iter().enumerate() {
            let alone = |of: &dyn Fn(&Trace) -> Features| {
                let expected = |t| predictor.explain(&of(t), &limit)[m].2.expected as f64;
                score(solved.iter().map(|(k, t)| (expected(t), *k)))
            };
            row(
                &format!("  {name} alone"),
                alone(&|t| t.question),
                Some(alone(&|t| t.state)),
            );
        }
        let mut needed: Vec<usize> = examples.iter().filter_map(|t| t.needed).collect();
        needed.sort_unstable();
        let mean = needed.iter().sum::<usize>() as f64 / needed.len() as f64;
        let constant = |k: f64| score(solved.iter().map(|(needed, _)| (k, *needed)));
        let rivals: [Rival; 2] = [
            ("least squares on ln K, no more", &least_squares(examples)),
            ("median of the 15 nearest", &nearest(examples)),
        ];
        for (name, expected) in rivals {
            let of = |know: fn(&Trace) -> Trace| {
                score(solved.iter().map(|(k, t)| (expected(&know(t)), *k)))
            };
            row(name, of(Trace::before), Some(of(Trace::clone)));
        }
        row("running mean", constant(mean), None);
        row("running mean, rounded", constant(mean.round()), None);
        row(
            "running median",
            constant(needed[needed.len() / 2] as f64),
            None,
        );
        let constants = (1..=arguments.limit).map(|k| (k, constant(k as f64)));
        let (k, least) = constants
            .clone()
            .min_by(|a, b| a.1.1.total_cmp(&b.1.1))
            .expect("one");
        row(&format!("best constant for error: {k}"), least, None);
        let (k, most) = constants
            .max_by(|a, b| a.1.0.total_cmp(&b.1.0))
            .expect("one");
        row(&format!("best constant for within 2: {k}"), most, None);
        let begin = Instant::now();
        let sum: usize = test
            .iter()
            .map(|t| predictor.predict(&t.state, &limits(16, 0.9)).budget)
            .sum();
        let predict_us = begin.elapsed().as_secs_f64() * 1e6 / test.len() as f64;
        println!("  {learn_us:.1} us to learn one, {predict_us:.1} us to predict ({sum})");
        budgets(&predictor, test, arguments.max_k, &limits);
    }
    online(all, arguments);
}

/// A way to predict K, with its name.
type Rival<'a> = (&'a str, &'a dyn Fn(&Trace) -> f64);

/// Features in standard deviations of those of the examples.
fn standardise(examples: &[Trace]) -> impl Fn(&Trace) -> [f64; FEATURES] + use<> {
    let count = examples.len() as f64;
    let (mut mean, mut deviation) = ([0.0; FEATURES], [0.0; FEATURES]);
    for example in examples {
        for (mean, value) in mean.iter_mut().zip(example.values()) {
            *mean += value / count;
        }
    }
    for example in examples {
        for (i, value) in example.values().into_iter().enumerate() {
            deviation[i] += (value - mean[i]).powi(2) / count;
        }
    }
    move |trace| {
        let values = trace.values();
        std::array::from_fn(|i| (values[i] - mean[i]) / deviation[i].sqrt().max(1e-5))
    }
}

/// The rounded exponential of ridge regression on ln K, by Gauss-Seidel iteration.
fn least_squares(examples: &[Trace]) -> impl Fn(&Trace) -> f64 + use<> {
    // One for what is known before the first step, one for all.
    let fit = |before: bool| {
        let examples: Vec<Trace> = examples
            .iter()
            .filter(|example| example.needed.is_some())
            .map(|example| {
                if before {
                    example.before()
                } else {
                    example.clone()
                }
            })
            .collect();
        let standard = standardise(&examples);
        let y = |example: &Trace| (example.needed.unwrap_or(1) as f64).ln();
        let mean = examples.iter().map(y).sum::<f64>() / examples.len() as f64;
        let (mut a, mut b) = ([[0.0; FEATURES]; FEATURES], [0.0; FEATURES]);
        for example in &examples {
            let z = standard(example);
            for i in 0..FEATURES {
                (0..FEATURES).for_each(|j| a[i][j] += z[i] * z[j]);
                b[i] += z[i] * (y(example) - mean);
            }
        }
        (0..FEATURES).for_each(|i| a[i][i] += 5.0);
        let mut w = [0.0; FEATURES];
        for _ in 0..2000 {
            for i in 0..FEATURES {
                let rest: f64 = (0..FEATURES)
                    .filter(|&j| j != i)
                    .map(|j| a[i][j] * w[j])
                    .sum();
                w[i] = (b[i] - rest) / a[i][i];
            }
        }
        move |trace: &Trace| {
            let z = standard(trace);
            let score = mean + (0..FEATURES).map(|i| w[i] * z[i]).sum::<f64>();
            score.exp().round().max(1.0)
        }
    };
    let (before, after) = (fit(true), fit(false));
    move |trace| {
        if trace.state.knows_state() {
            after(trace)
        } else {
            before(trace)
        }
    }
}

/// The median K of the 15 examples with the nearest features, all of which it remembers.
fn nearest(examples: &[Trace]) -> impl Fn(&Trace) -> f64 + use<> {
    let solved: Vec<Trace> = examples
        .iter()
        .filter(|example| example.needed.is_some())
        .cloned()
        .collect();
    let standard = standardise(&solved);
    let points: Vec<_> = solved
        .iter()
        .map(|example| (standard(example), example.needed))
        .collect();
    move |trace| {
        let z = standard(trace);
        let known = if trace.state.knows_state() {
            FEATURES
        } else {
            QUESTION_FEATURES
        };
        let distance = |point: &[f64; FEATURES]| -> f64 {
            (0..known).map(|i| (point[i] - z[i]).powi(2)).sum()
        };
        let mut near: Vec<_> = points
            .iter()
            .map(|(point, needed)| (distance(point), needed.unwrap_or(1)))
            .collect();
        near.sort_by(|a, b| a.0.total_cmp(&b.0));
        near.truncate(15);
        near.sort_by_key(|(_, needed)| *needed);
        near[near.len() / 2].1 as f64
    }
}

fn histogram(needed: impl Iterator<Item = usize>) -> String {
    let mut counts = std::collections::BTreeMap::new();
    needed.for_each(|k| *counts.entry(k).or_insert(0usize) += 1);
    let parts: Vec<String> = counts.iter().map(|(k, n)| format!("{k}: {n}")).collect();
    parts.join(", ")
}

fn budget_row(
    name: &str,
    plans: impl Iterator<Item = (usize, Option<usize>)>,
    base: Option<f64>,
) -> f64 {
    let (mut count, mut checked, mut full, mut exact) = (0.0, 0.0, 0.0, 0.0);
    for (budget, needed) in plans {
        count += 1.0;
        full += budget as f64;
        checked += needed.map_or(budget, |k| k.min(budget)) as f64;
        exact += f64::from(u8::from(needed.is_some_and(|k| k <= budget)));
    }
    let kept = base.map_or(String::new(), |base| {
        format!("{:7.2} % of those", 100.0 * exact / base)
    });
    println!(
        "  {name:<28} {:6.3} {:8.3}   {:6.2} % {kept}",
        checked / count,
        full / count,
        100.0 * exact / count
    );
    exact
}

/// Plans from the question and the first step.
fn budgets(
    predictor: &KPredictor,
    test: &[Trace],
    max_k: usize,
    limits: &dyn Fn(usize, f32) -> Limits,
) {
    println!("  {:<28} steps: until verified, all; exact", "budgets");
    let always = budget_row(
        &format!("always {max_k}"),
        test.iter().map(|t| (max_k, t.needed)),
        None,
    );
    for quantile in [0.9, 0.95, 0.99, 0.999] {
        let limits = limits(max_k, quantile);
        let plan = |t: &Trace| (predictor.predict(&t.state, &limits).budget, t.needed);
        budget_row(
            &format!("quantile {quantile}"),
            test.iter().map(plan),
            Some(always),
        );
    }
    for k in [2, 4, 8, 12].into_iter().filter(|&k| k < max_k) {
        budget_row(
            &format!("always {k}"),
            test.iter().map(|t| (k, t.needed)),
            Some(always),
        );
    }
}

/// A selector that knows nothing at first and learns only from what its own budgets let it see.
fn online(all: &[Trace], arguments: &Arguments) {
    println!("\nonline over all questions, learning from its own budgets");
    println!("  {:<28} steps: until verified, all; exact", "");
    let max_k = arguments.max_k;
    let always = budget_row(
        &format!("always {max_k}"),
        all.iter().map(|t| (max_k, t.needed)),
        None,
    );
    for quantile in [0.9, 0.99] {
        let mut options = AdaptiveOptions::new(max_k);
        options.limits.quantile = quantile;
        let mut selector = AdaptiveKSelector::new(options, KPredictor::new(""));
        let plans: Vec<_> = all
            .iter()
            .enumerate()
            .map(|(i, trace)| {
                let first = selector.plan(&trace.question, i as u64);
                let plan = selector.refine(&first, &trace.state);
                selector.learn(&trace.state, outcome(trace, plan.budget));
                (plan.budget, trace.needed)
            })
            .collect();
        budget_row(
            &format!("selector, quantile {quantile}"),
            plans.into_iter(),
            Some(always),
        );
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = arguments()?;
    let traces = traces(&arguments)?;
    if arguments.more.is_some() {
        println!("{} traces", traces.len());
    } else if traces.len() < HELD_OUT + 250 {
        return Err(format!(
            "expected {} questions or more, found {}",
            HELD_OUT + 250,
            traces.len()
        )
        .into());
    } else {
        report(&traces, &arguments);
    }
    Ok(())
}
