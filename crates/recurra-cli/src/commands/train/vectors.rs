//! Training a model of vectors.

use super::{Args, HELD_OUT, Outcome, Recipe, Shape, set};
use crate::exit::{UsageError, count, message, report};
use crate::progress;
use crate::signals::Stop;
use recurra::model::{TrmModel, TrmWeights};
use recurra::tasks::vectors::VectorSpec;
use recurra::train::TrainPrecision;
use recurra::train::vectors::{VectorTrainConfig, VectorTrainer, architecture, calibrate};
use recurra::vectors::measure::{Retrieval, measure};
use recurra::vectors::{Pairs, RefineOptions, Refiner};
use std::sync::Arc;
use std::time::Instant;

/// What only vectors have.
#[derive(clap::Args)]
#[command(next_help_heading = "Vectors")]
pub(super) struct VectorFlags {
    /// Improvement steps about each question [default: 4]
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u16).range(1..=64))]
    think: Option<u16>,
    /// Scores are divided by this before the softmax [default: 0.05]
    #[arg(long, value_name = "X")]
    temperature: Option<f64>,
    /// Wrong passages of each question in the loss that the raw vectors find nearest [default: 4]
    #[arg(long, value_name = "N")]
    mined: Option<usize>,
    /// Length of the random vector that is added to what the network sees [default: 0]
    #[arg(long, value_name = "X")]
    noise: Option<f64>,
    /// Passages that each step retrieves and sees; the model then needs an index wherever it is asked [default: 0]
    #[arg(long, value_name = "N")]
    neighbours: Option<usize>,
    /// Name of the embedding model, where the pairs do not say it
    #[arg(long, value_name = "NAME")]
    embedder: Option<String>,
    /// Measure on the held-out questions every so many training steps; the best model is kept [default: 50]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    measure_every: Option<u64>,
}

/// Runs the command.
pub(super) fn run(args: &Args, threads: usize) -> anyhow::Result<Outcome> {
    let usage = |text: &str| Err(UsageError(text.into()).into());
    let Some(data) = &args.data else {
        return usage("--task vectors: expected --data with pairs of vectors");
    };
    if args.resume || args.from.is_some() {
        return usage(
            "--task vectors: expected neither --resume nor --from: a training of vectors begins anew",
        );
    }
    if args.patience.is_some() {
        return usage("--task vectors: expected no --patience: the best model is kept anyway");
    }
    if !args.size.is_empty()
        || !args.rules.is_empty()
        || args.shape.mixer.is_some()
        || args.shape.positions.is_some()
    {
        return usage(
            "--task vectors: expected no --size, --rules, --mixer or --positions, which are for puzzles",
        );
    }
    let flags = &args.vectors;
    let pairs = Pairs::open(data)?;
    let embedder = &pairs.embedder;
    let spec = VectorSpec {
        embedder: flags
            .embedder
            .clone()
            .or(embedder.name.clone())
            .unwrap_or_default(),
        hash: embedder.hash.clone().unwrap_or_default(),
        dimension: pairs.dimension,
        norm: embedder.norm.unwrap_or_else(|| pairs.norm()),
        questions: pairs.width.min(8),
        neighbours: flags.neighbours.unwrap_or(0),
    };
    spec.check()?;
    pairs.check(&spec).map_err(|e| e.in_file(data))?;
    let (train, held_out) = split(&pairs, args.held_out.unwrap_or(HELD_OUT));
    if train.len() < 2 || held_out.is_empty() {
        return Err(anyhow::anyhow!(
            "{}: expected pairs of several different answers, of which one in {} is held out, found {} pairs to train on and {} held out",
            data.display(),
            args.held_out.unwrap_or(HELD_OUT),
            train.len(),
            held_out.len()
        ));
    }
    let mut config = architecture(&spec);
    let Shape {
        hidden,
        layers,
        h_cycles,
        l_cycles,
        heads,
        expansion,
        swiglu_multiple,
        ..
    } = &args.shape;
    set(&mut config.hidden_size, *hidden);
    set(&mut config.num_layers, *layers);
    set(&mut config.h_cycles, *h_cycles);
    set(&mut config.l_cycles, *l_cycles);
    set(&mut config.num_heads, *heads);
    set(&mut config.expansion, *expansion);
    set(&mut config.swiglu_multiple, *swiglu_multiple);
    set(&mut config.halt_max_steps, flags.think.map(usize::from));
    config.validate()?;
    let recipe = recipe(&args.recipe, flags);
    let seed = recipe.train.seed;
    let weights = TrmWeights::random(&config, seed);
    let about = format!(
        "{spec}: {} weights, {} pairs to train on, {} held-out ones to measure, {}",
        TrmWeights::count(&config),
        train.len(),
        held_out.len(),
        count(threads as u64, "thread")
    );
    let mut trainer = VectorTrainer::new(spec, &config, recipe, Arc::new(train), weights, threads)?;
    let stop = Stop::listen(|_| {})?;
    report(&about);
    let (mut model, steps, seconds) = learn(args, &mut trainer, &held_out, &stop)?;
    let found = calibrate(&mut model, &held_out)?;
    let notes = &mut model.header.provenance;
    notes.insert("training_steps".into(), steps.into());
    notes.insert("training_seconds".into(), (seconds.round() as u64).into());
    notes.insert("seed".into(), seed.into());
    model.save(&args.output)?;
    message(&format!(
        "{} held-out questions: recall@1 {:.2} % (raw {:.2} %)",
        found.questions,
        100.0 * found.recall_at_1,
        100.0 * found.raw_recall_at_1
    ));
    Ok(stop.asked().map_or(Outcome::Finished, Outcome::Interrupted))
}

fn recipe(recipe: &Recipe, flags: &VectorFlags) -> VectorTrainConfig {
    let mut config = VectorTrainConfig::default();
    recipe.apply(&mut config.train);
    // Samples of a few vectors gain nothing from shorter numbers.
    config.train.precision = recipe
        .precision
        .map_or(TrainPrecision::F32, TrainPrecision::from);
    set(&mut config.temperature, flags.temperature);
    set(&mut config.mined, flags.mined);
    set(&mut config.noise, flags.noise);
    config
}

/// Pairs to train on, and those of one answer in so many, which measure.
fn split(pairs: &Pairs, held_out: u64) -> (Pairs, Pairs) {
    let (_, answer) = pairs.distinct_answers();
    // By the answer's number, so that no answer is on both sides.
    let out = |i: &usize| (answer[*i] as u64).is_multiple_of(held_out);
    let (test, train): (Vec<usize>, Vec<usize>) = (0..pairs.len()).partition(out);
    (pairs.only(&train), pairs.only(&test))
}

/// Trains until the budget is spent or a signal asks for the end; the model that did best on held-out questions, with the steps and seconds it all took.
fn learn(
    args: &Args,
    trainer: &mut VectorTrainer,
    held_out: &Pairs,
    stop: &Stop,
) -> anyhow::Result<(TrmModel, u64, f64)> {
    let started = Instant::now();
    let seconds = 60.0 * args.minutes.unwrap_or(10.0);
    let every = args.vectors.measure_every.unwrap_or(50);
    let bar = progress::bar(args.steps, "steps");
    let mut best: Option<(f64, TrmModel)> = None;
    loop {
        let done = trainer.steps_done();
        let progress = match args.steps {
            Some(steps) => done as f64 / steps as f64,
            None => started.elapsed().as_secs_f64() / seconds,
        };
        let over = progress >= 1.0 || stop.asked().is_some();
        if over || (done > 0 && done.is_multiple_of(every)) {
            let model = trainer.model();
            let refiner = Refiner::new(&model)?;
            let options = RefineOptions {
                halt_above: 2.0,
                ..refiner.options()
            };
            let found = Retrieval::of(&measure(&refiner, held_out, options)?.ranks);
            bar.set_message(format!("recall@1 {:.2} %", 100.0 * found.recall_at_1));
            if best.as_ref().is_none_or(|(mrr, _)| found.mrr > *mrr) {
                best = Some((found.mrr, model));
            }
        }
        if over {
            break;
        }
        trainer.step(progress)?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    let (_, model) = best.expect("the last model was measured");
    Ok((model, trainer.steps_done(), started.elapsed().as_secs_f64()))
}
