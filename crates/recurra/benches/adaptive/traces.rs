//! What a model does with each question, step by step.

use super::Arguments;
use recurra::engine::TrmEngine;
use recurra::model::TrmModel;
use recurra::tasks::TaskSpec;
use recurra::tasks::sudoku::{Generator, Grid, PuzzleReader, Sudoku, rules};
use recurra::thinking::adaptive::{FEATURES, QUESTION_FEATURES, residual};
use recurra::thinking::{Feature, Features};
use std::error::Error;
use std::io::{BufRead, BufReader, Write};

/// One question.
#[derive(Clone)]
pub(crate) struct Trace {
    /// Before the first step.
    pub(crate) question: Features,
    /// After it.
    pub(crate) state: Features,
    /// K needed; `None` where the limit was not enough.
    pub(crate) needed: Option<usize>,
}

impl Trace {
    /// As it was known before the first step.
    pub(crate) fn before(&self) -> Trace {
        Trace {
            state: self.question,
            ..self.clone()
        }
    }

    /// Its features; 0 for those that are missing.
    pub(crate) fn values(&self) -> [f64; FEATURES] {
        Feature::ALL.map(|feature| self.state.get(feature).unwrap_or(0.0).into())
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
pub(crate) fn all(arguments: &Arguments) -> Result<Vec<Trace>, Box<dyn Error>> {
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
