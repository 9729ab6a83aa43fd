//! The numbers of every improvement step, to compare with another implementation.

use super::Args;
use crate::exit::Exit;
use crate::output::OutputFile;
use crate::progress;
use anyhow::{anyhow, bail};
use recurra::TrmConfig;
use recurra::engine::TrmEngine;
use recurra::kernels::AlignedMatrix;
use recurra::model::{TrmModel, disk};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

/// Longest header that readers of safetensors accept.
const MAX_HEADER: usize = 100_000_000;

/// Reads questions from `tensors` and writes `output`.
pub(super) fn run(
    args: &Args,
    tensors: &Path,
    output: &Path,
    steps: usize,
) -> anyhow::Result<Exit> {
    let model = TrmModel::open(&args.model)?;
    let threads = args.threads.start()?;
    let questions = read_questions(tensors, model.config())?;
    let batch = questions.len();
    let layout = Layout::new(model.config(), batch, steps)?;
    if std::fs::metadata(output).is_ok_and(|m| !m.is_file()) {
        bail!("{}: expected a regular file", output.display());
    }
    let mut engine = TrmEngine::new(&model, threads);
    drop(model);
    let mut out = OutputFile::create(output)?;
    let begun = layout.begin(&mut out);
    out.named(begun)?;
    let bar = progress::bar(Some((batch * steps) as u64), "steps");
    let seq_len = engine.config().seq_len;
    for (sample, question) in questions.iter().enumerate() {
        engine
            .start(&question.tokens, question.puzzle)
            .map_err(|e| anyhow!("{}: row {sample}: {e}", tensors.display()))?;
        for step in 0..steps {
            engine.step();
            let logits = engine.decode();
            let rows = (0..seq_len).map(|i| logits.row(i));
            let written = layout.write(&mut out, 2 * step, sample, rows);
            out.named(written)?;
            let q = engine.halt_logits();
            let written = layout.write(&mut out, 2 * step + 1, sample, [&q[..]].into_iter());
            out.named(written)?;
            bar.inc(1);
        }
        for (i, state) in [engine.z_h(), engine.z_l()].into_iter().enumerate() {
            let written = layout.write(&mut out, 2 * steps + i, sample, rows_of(state));
            out.named(written)?;
        }
    }
    bar.finish_and_clear();
    out.finish()?;
    Ok(Exit::Done)
}

fn rows_of(matrix: &AlignedMatrix) -> impl Iterator<Item = &[f32]> {
    (0..matrix.rows()).map(|r| matrix.row(r))
}

/// One row of `inputs`.
struct Question {
    tokens: Vec<u16>,
    puzzle: usize,
}

fn read_questions(path: &Path, config: &TrmConfig) -> anyhow::Result<Vec<Question>> {
    let bytes = disk::read(path)?;
    let name = path.display();
    let file = SafeTensors::deserialize(&bytes).map_err(|e| anyhow!("{name}: {e}"))?;
    let inputs = file
        .tensor("inputs")
        .map_err(|_| anyhow!("{name}: expected a tensor `inputs`, found none"))?;
    let batch = match *inputs.shape() {
        [batch, seq_len] if batch > 0 && seq_len == config.seq_len => batch,
        _ => bail!(
            "{name}: `inputs`: expected shape [batch, {}], found {:?}",
            config.seq_len,
            inputs.shape()
        ),
    };
    let tokens = integers(&inputs).map_err(|e| anyhow!("{name}: `inputs`: {e}"))?;
    let puzzles = match file.tensor("puzzle_identifiers") {
        Err(_) => vec![0; batch],
        Ok(view) if view.shape() == [batch] => {
            integers(&view).map_err(|e| anyhow!("{name}: `puzzle_identifiers`: {e}"))?
        }
        Ok(view) => bail!(
            "{name}: `puzzle_identifiers`: expected shape [{batch}], found {:?}",
            view.shape()
        ),
    };
    let question = |(row, (tokens, puzzle)): (usize, (&[i64], i64))| {
        let token = |(place, &token): (usize, &i64)| {
            let fits = u16::try_from(token).ok();
            fits.filter(|&t| usize::from(t) < config.vocab_size)
                .ok_or_else(|| {
                    anyhow!(
                        "{name}: `inputs`: expected tokens from 0 to {}, found {token} in row {row}, place {place}",
                        config.vocab_size - 1
                    )
                })
        };
        Ok(Question {
            tokens: tokens
                .iter()
                .enumerate()
                .map(token)
                .collect::<anyhow::Result<_>>()?,
            puzzle: usize::try_from(puzzle).map_err(|_| {
                anyhow!(
                    "{name}: `puzzle_identifiers`: expected 0 or more, found {puzzle} in row {row}"
                )
            })?,
        })
    };
    let rows = tokens.chunks_exact(config.seq_len).zip(puzzles);
    rows.enumerate().map(question).collect()
}

fn integers(view: &TensorView<'_>) -> anyhow::Result<Vec<i64>> {
    let data = view.data();
    Ok(match view.dtype() {
        Dtype::U8 => data.iter().map(|&b| b.into()).collect(),
        Dtype::I32 => {
            let words = data.as_chunks().0.iter();
            words.map(|&w| i32::from_le_bytes(w).into()).collect()
        }
        Dtype::I64 => {
            let words = data.as_chunks().0.iter();
            words.map(|&w| i64::from_le_bytes(w)).collect()
        }
        other => bail!("expected I32, I64 or U8, found {other:?}"),
    })
}

/// Where in the file each number goes. Samples are thought about one after the other, but lie together in
/// every tensor: so the places are known before, and nothing is kept in memory.
struct Layout {
    header: Vec<u8>,
    /// For each tensor, where it begins in the file and how many bytes one sample takes.
    tensors: Vec<(u64, u64)>,
}

impl Layout {
    fn new(config: &TrmConfig, batch: usize, steps: usize) -> anyhow::Result<Self> {
        let (positions, hidden) = (config.positions_len(), config.hidden_size);
        let too_many = || anyhow!("--steps {steps}: more than one safetensors file can hold");
        let mut json = String::from("{");
        let mut tensors = Vec::new();
        let mut end = 0u64;
        let mut add = |name: &str, shape: &[usize]| -> anyhow::Result<()> {
            let sample = 4 * shape.iter().map(|&n| n as u64).product::<u64>();
            let begin = end;
            end = sample
                .checked_mul(batch as u64)
                .and_then(|bytes| bytes.checked_add(begin))
                .ok_or_else(too_many)?;
            let shape: Vec<_> = [batch].iter().chain(shape).copied().collect();
            let comma = if tensors.is_empty() { "" } else { "," };
            json += &format!(
                r#"{comma}"{name}":{{"dtype":"F32","shape":{shape:?},"data_offsets":[{begin},{end}]}}"#
            );
            tensors.push((begin, sample));
            if json.len() > MAX_HEADER - 8 {
                return Err(too_many());
            }
            Ok(())
        };
        for step in 0..steps {
            add(
                &format!("logits.{step}"),
                &[config.seq_len, config.vocab_size],
            )?;
            add(&format!("q_logits.{step}"), &[2])?;
        }
        add("z_H", &[positions, hidden])?;
        add("z_L", &[positions, hidden])?;
        json.push('}');
        // Readers map the file and want the numbers aligned.
        json += &" ".repeat(json.len().next_multiple_of(8) - json.len());
        let mut header = (json.len() as u64).to_le_bytes().to_vec();
        header.extend_from_slice(json.as_bytes());
        for (begin, _) in &mut tensors {
            *begin += header.len() as u64;
        }
        Ok(Layout { header, tensors })
    }

    fn begin(&self, out: &mut OutputFile) -> std::io::Result<()> {
        out.write_all(&self.header)
    }

    fn write<'a>(
        &self,
        out: &mut OutputFile,
        tensor: usize,
        sample: usize,
        rows: impl Iterator<Item = &'a [f32]>,
    ) -> std::io::Result<()> {
        let (begin, bytes) = self.tensors[tensor];
        out.seek(SeekFrom::Start(begin + sample as u64 * bytes))?;
        for row in rows {
            for number in row {
                out.write_all(&number.to_le_bytes())?;
            }
        }
        Ok(())
    }
}
