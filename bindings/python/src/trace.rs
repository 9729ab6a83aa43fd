//! Every step of a thought, as arrays and as a picture.

use crate::error;
use numpy::{IntoPyArray, PyArrayDyn, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use recurra::engine::{PackedModel, TrmEngine};
use recurra::model::TrmModel;
use recurra_cli::embedded::{Frame, Look, Thought, to_svg, write_gif};
use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What is to be traced.
pub(crate) struct Wish<'a> {
    pub(crate) model: &'a TrmModel,
    pub(crate) weights: &'a Arc<PackedModel>,
    pub(crate) threads: usize,
    pub(crate) question: Vec<u16>,
    pub(crate) identifier: usize,
    pub(crate) steps: usize,
    pub(crate) until_verified: bool,
    pub(crate) stop: &'a AtomicBool,
}

/// What was seen.
pub(crate) struct Seen {
    look: Look,
    thought: Thought,
    lines: Vec<String>,
    question: String,
    /// `[steps, places, vocabulary]`.
    logits: Vec<f32>,
    probabilities: Vec<f32>,
    halt: Vec<f32>,
    sizes: [usize; 3],
}

/// Thinks about the question and keeps everything.
pub(crate) fn think(wish: &Wish<'_>) -> recurra::Result<Seen> {
    let (config, spec) = (wish.model.config(), wish.model.header.task.as_ref());
    let task = spec.and_then(|spec| spec.task().ok());
    let (places, vocabulary) = (config.seq_len, config.vocab_size);
    let groups = config.groups.as_deref();
    let mut engine = TrmEngine::with_weights(wish.weights.clone(), wish.threads);
    engine.start(&wish.question, wish.identifier)?;
    let (mut logits, mut probabilities, mut halt) = (Vec::new(), Vec::new(), Vec::new());
    let (mut frames, mut lines): (Vec<Frame>, Vec<String>) = Default::default();
    let line = |tokens: &[u16]| {
        task.as_ref()
            .map_or(String::new(), |task| task.line(tokens))
    };
    for _ in 0..wish.steps {
        if wish.stop.load(Ordering::Relaxed) {
            return Err(recurra::Error::Cancelled);
        }
        engine.step();
        let mut answer = vec![0; places];
        let seen = engine.decode();
        seen.answer_into(&mut answer);
        let sure = (0..places).map(|place| seen.probability(place)).collect();
        let first = probabilities.len();
        probabilities.resize(first + places * vocabulary, 0.0);
        for place in 0..places {
            logits.extend_from_slice(&seen.row(place)[..vocabulary]);
            let at = first + place * vocabulary;
            seen.probabilities_into(place, &mut probabilities[at..at + vocabulary]);
        }
        let halts = engine.halt_logits();
        halt.extend(halts);
        let verified = task
            .as_ref()
            .and_then(|task| task.verify(&wish.question, &answer));
        let weighs = groups.is_some();
        lines.push(line(&answer));
        frames.push(Frame {
            answer,
            sure,
            candidates: if weighs {
                probabilities[first..].to_vec()
            } else {
                Vec::new()
            },
            halt: halts[0],
            verified,
        });
        if wish.until_verified && verified == Some(true) {
            break;
        }
    }
    Ok(Seen {
        look: Look::new(spec, places, vocabulary, groups),
        lines,
        question: line(&wish.question),
        logits,
        probabilities,
        halt,
        sizes: [frames.len(), places, vocabulary],
        thought: Thought {
            title: spec.map_or("question".into(), ToString::to_string),
            question: wish.question.clone(),
            frames,
        },
    })
}

/// A thought, step by step.
#[pyclass(frozen, module = "recurra._native")]
pub(crate) struct Trace {
    look: Look,
    thought: Thought,
    /// The question in one line; empty where the model names no task.
    #[pyo3(get)]
    question: String,
    /// The answer after each step, in one line.
    #[pyo3(get)]
    answers: Vec<String>,
    /// Whether the rules held after each step.
    #[pyo3(get)]
    verified: Vec<Option<bool>>,
    /// Tokens, `[steps, places]`.
    #[pyo3(get)]
    tokens: Py<PyArrayDyn<u16>>,
    /// Probability of each of them.
    #[pyo3(get)]
    certainty: Py<PyArrayDyn<f32>>,
    /// `[steps, places, vocabulary]`.
    #[pyo3(get)]
    logits: Py<PyArrayDyn<f32>>,
    /// `[steps, places, vocabulary]`.
    #[pyo3(get)]
    probabilities: Py<PyArrayDyn<f32>>,
    /// Logits of "halt" and "continue", `[steps, 2]`.
    #[pyo3(get)]
    halt: Py<PyArrayDyn<f32>>,
}

impl Trace {
    pub(crate) fn new(py: Python<'_>, seen: Seen) -> PyResult<Trace> {
        let Seen {
            look,
            thought,
            lines,
            question,
            logits,
            probabilities,
            halt,
            sizes: [steps, places, vocabulary],
        } = seen;
        let frames = &thought.frames;
        let tokens: Vec<u16> = frames
            .iter()
            .flat_map(|f| f.answer.iter().copied())
            .collect();
        let certainty: Vec<f32> = frames.iter().flat_map(|f| f.sure.iter().copied()).collect();
        let shaped = |numbers: Vec<f32>, shape: &[usize]| -> PyResult<Py<PyArrayDyn<f32>>> {
            Ok(numbers.into_pyarray(py).reshape(shape.to_vec())?.unbind())
        };
        Ok(Trace {
            question,
            answers: lines,
            verified: frames.iter().map(|f| f.verified).collect(),
            tokens: tokens
                .into_pyarray(py)
                .reshape(vec![steps, places])?
                .unbind(),
            certainty: shaped(certainty, &[steps, places])?,
            logits: shaped(logits, &[steps, places, vocabulary])?,
            probabilities: shaped(probabilities, &[steps, places, vocabulary])?,
            halt: shaped(halt, &[steps, 2])?,
            look,
            thought,
        })
    }
}

#[pymethods]
impl Trace {
    /// All steps side by side, as SVG.
    fn svg(&self) -> String {
        to_svg(&self.look, std::slice::from_ref(&self.thought))
    }

    /// One step after the other, as a GIF.
    fn gif<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let mut file = Cursor::new(Vec::new());
        write_gif(&mut file, &self.look, std::slice::from_ref(&self.thought))
            .map_err(|e| error::argument(e.to_string()))?;
        Ok(PyBytes::new(py, file.get_ref()))
    }
}
