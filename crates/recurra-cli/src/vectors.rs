//! Models of vectors, as `eval` and `solve` take them.

use crate::exit::{Exit, UsageError};
use crate::threads::Threads;
use recurra::model::file::Header;
use recurra::solver::Refusal;
use recurra::tasks::TaskSpec;
use recurra::vectors::measure::{Retrieval, measure};
use recurra::vectors::{Pairs, RefineOptions, Refiner, VectorQuestion};
use serde::{Deserialize, Serialize};
use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Instant;

/// Whether a model file is one for vectors. A file that cannot be read is not: whoever opens it next says why.
pub(crate) fn is_vectors(model: &Path) -> bool {
    Header::open(model).is_ok_and(|header| matches!(header.task, Some(TaskSpec::Vectors(_))))
}

/// What `eval` prints.
#[derive(Serialize)]
struct Report {
    queries: usize,
    passages: usize,
    recall_at_1: f64,
    recall_at_10: f64,
    mrr: f64,
    raw_recall_at_1: f64,
    raw_recall_at_10: f64,
    raw_mrr: f64,
    /// The share of the answers that were refined; the others are the first answers.
    refined: f64,
    mean_steps: f64,
    mean_confidence: f64,
    seconds: f64,
}

/// `recurra eval` of pairs.
pub(crate) fn eval(
    model: &Path,
    data: &Path,
    steps: Option<usize>,
    threads: Threads,
    json: bool,
) -> anyhow::Result<Exit> {
    threads.start()?;
    let refiner = Refiner::open(model)?;
    let pairs = Pairs::open(data)?;
    let options = options(&refiner, steps);
    let started = Instant::now();
    let measured = measure(&refiner, &pairs, options).map_err(|e| e.in_file(data))?;
    let seconds = started.elapsed().as_secs_f64();
    let (refined, raw) = (
        Retrieval::of(&measured.ranks),
        Retrieval::of(&measured.raw_ranks),
    );
    let n = pairs.len() as f64;
    let mean =
        |of: &dyn Fn(&recurra::Refined) -> f64| measured.answers.iter().map(of).sum::<f64>() / n;
    let report = Report {
        queries: pairs.len(),
        passages: measured.passages,
        recall_at_1: refined.recall_at_1,
        recall_at_10: refined.recall_at_10,
        mrr: refined.mrr,
        raw_recall_at_1: raw.recall_at_1,
        raw_recall_at_10: raw.recall_at_10,
        raw_mrr: raw.mrr,
        refined: mean(&|a| f64::from(u8::from(a.refined))),
        mean_steps: mean(&|a| a.steps as f64),
        mean_confidence: mean(&|a| f64::from(a.confidence)),
        seconds,
    };
    let text = if json {
        serde_json::to_string(&report)? + "\n"
    } else {
        table(&report)
    };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(Exit::Done)
}

fn table(r: &Report) -> String {
    let row = |name: &str, refined: f64, raw: f64| {
        format!(
            "{name:<14} {:>7.2} %  raw {:>7.2} %\n",
            100.0 * refined,
            100.0 * raw
        )
    };
    format!(
        "{} questions, {} passages, {:.2} s with ranking\n",
        r.queries, r.passages, r.seconds
    ) + &row("recall@1", r.recall_at_1, r.raw_recall_at_1)
        + &row("recall@10", r.recall_at_10, r.raw_recall_at_10)
        + &row("MRR", r.mrr, r.raw_mrr)
        + &format!(
            "{:.1} % of the answers refined, {:.2} steps, confidence {:.2} in the mean\n",
            100.0 * r.refined,
            r.mean_steps,
            r.mean_confidence
        )
}

/// The model's own options, with other steps if they are asked for: then all of them are done.
fn options(refiner: &Refiner, steps: Option<usize>) -> RefineOptions {
    let own = refiner.options();
    match steps {
        None => own,
        Some(max_steps) => RefineOptions {
            max_steps,
            halt_above: 2.0,
            ..own
        },
    }
}

/// A line of `solve`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// One vector or more, one after the other.
    question: Vec<f32>,
    /// The vector to move; without it, the question's first.
    #[serde(default)]
    initial: Option<Vec<f32>>,
}

/// `recurra solve` of JSON Lines.
pub(crate) fn solve(
    model: &Path,
    file: &Path,
    steps: Option<usize>,
    passages: Option<&Path>,
    threads: Threads,
    json: bool,
) -> anyhow::Result<Exit> {
    if !json {
        let text = "expected --json: questions and answers of a model of vectors are one JSON object a line";
        return Err(UsageError(text.into()).into());
    }
    threads.start()?;
    let mut refiner = Refiner::open(model)?;
    if let Some(path) = passages {
        let pairs = Pairs::open(path)?;
        pairs.check(refiner.spec()).map_err(|e| e.in_file(path))?;
        let (index, _) =
            recurra::vectors::measure::passages(&refiner, &pairs).map_err(|e| e.in_file(path))?;
        refiner = refiner.with_index(index)?;
    } else if refiner.spec().neighbours > 0 {
        let text = "this model retrieves passages while it thinks: expected --passages with the pairs that have them";
        return Err(UsageError(text.into()).into());
    }
    let options = options(&refiner, steps);
    let named = |e| anyhow::anyhow!("{}: {e}", file.display());
    let input: Box<dyn BufRead> = if file == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(std::io::BufReader::new(
            std::fs::File::open(file).map_err(named)?,
        ))
    };
    // A number takes 16 characters at most where it is written as floats are.
    let vectors = refiner.spec().dimension as u64 * 256;
    let mut lines = Lines {
        input,
        most: (vectors * 16).clamp(1 << 16, 1 << 28),
    };
    let (mut out, mut refused, mut line) = (std::io::stdout().lock(), false, 0u64);
    while let Some(text) = lines.next().map_err(named)? {
        line += 1;
        if text.as_ref().is_ok_and(|text| text.trim().is_empty()) {
            continue;
        }
        let answer = text.and_then(|text| ask(&refiner, &text, options));
        let value = match answer {
            Ok(refined) => {
                let mut value = serde_json::to_value(refined)?;
                value["line"] = line.into();
                value
            }
            Err(error) => {
                refused = true;
                serde_json::to_value(Refusal { line, error })?
            }
        };
        writeln!(out, "{value}")?;
    }
    if line == 0 {
        return Err(anyhow::anyhow!("{}: no question in it", file.display()));
    }
    Ok(Exit::refused(refused))
}

fn ask(refiner: &Refiner, text: &str, options: RefineOptions) -> Result<recurra::Refined, String> {
    let asked: Asked = serde_json::from_str(text).map_err(|e| e.to_string())?;
    let d = refiner.spec().dimension.min(asked.question.len());
    let question = VectorQuestion {
        question: &asked.question,
        initial: asked.initial.as_deref().unwrap_or(&asked.question[..d]),
    };
    refiner
        .reason_with(question, options)
        .map_err(|e| e.to_string())
}

/// Lines of a bounded length.
struct Lines {
    input: Box<dyn BufRead>,
    most: u64,
}

impl Lines {
    /// The next line, or why it cannot be one.
    fn next(&mut self) -> std::io::Result<Option<Result<String, String>>> {
        use std::io::Read;
        let mut bytes = Vec::new();
        (&mut self.input)
            .take(self.most)
            .read_until(b'\n', &mut bytes)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        if bytes.len() as u64 == self.most && bytes.last() != Some(&b'\n') {
            self.input.skip_until(b'\n')?;
            return Ok(Some(Err(format!(
                "expected a line of at most {} bytes, found a longer one",
                self.most
            ))));
        }
        let text = String::from_utf8(bytes)
            .map_err(|_| "expected UTF-8 text, found other bytes".to_owned());
        Ok(Some(text))
    }
}
