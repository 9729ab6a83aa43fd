//! What a resumed training keeps: flags that contradict it are refused by name.

use super::Args;
use super::flags::{MixerName, PositionsName};
use super::saved::Saved;
use crate::exit::UsageError;
use crate::task::{Size, TaskName};
use recurra::tasks::TaskSpec;
use recurra::train::{Decay, Probabilities, Rule, TrainPrecision};
use recurra::{Mixer, Positions};
use std::fmt::Display;
use std::path::Path;

/// The flags that say other than the run does.
#[derive(Default)]
struct Contradictions(Vec<String>);

impl Contradictions {
    /// A flag, what was asked for, and what the run has.
    fn look<T: PartialEq + Display>(&mut self, flag: &str, asked: Option<T>, has: T) {
        if let Some(asked) = asked.filter(|asked| *asked != has) {
            self.0
                .push(format!("{flag} {asked} (the training has {has})"));
        }
    }
}

/// Refuses flags that contradict what a training began with. Those that say the same are welcome.
pub(super) fn refuse_contradictions(args: &Args, saved: &Saved) -> anyhow::Result<()> {
    let (config, train, notes) = (&saved.head.architecture, &saved.head.train, &saved.notes);
    let mut found = Contradictions::default();

    found.look("--task", args.task, TaskName::of(&notes.task));
    if !args.size.is_empty() {
        let several = args.size.len() > 1;
        let tasks = notes.tasks().take(if several { usize::MAX } else { 1 });
        let sizes: Vec<Size> = tasks.filter_map(Size::of).collect();
        found.look("--size", Some(list(&args.size)), list(&sizes));
    }
    if !args.rules.is_empty() {
        let asked = asked_tasks(args, &notes.task, notes.data.as_deref())?;
        if !asked.iter().eq(notes.tasks()) {
            let rules: Vec<_> = args.rules.iter().map(|path| path.display()).collect();
            let text = format!("--rules {} (the training has others)", list(&rules));
            found.0.push(text);
        }
    }
    if !args.shares.is_empty() {
        let others = notes.others.iter().map(|part| part.share);
        let shares: Vec<f64> = std::iter::once(notes.share).chain(others).collect();
        found.look("--shares", Some(list(&args.shares)), list(&shares));
    }
    let min_path = match &notes.task {
        TaskSpec::Maze { min_path, .. } => min_path.to_string(),
        _ => "none".to_owned(),
    };
    let asked = args.min_path.map(|moves| moves.to_string());
    found.look("--min-path", asked, min_path);
    let real = |path: &Path| std::fs::canonicalize(path).unwrap_or(path.into());
    let data = |path: &Path| real(path).display().to_string();
    if !args.data.is_empty() {
        let asked: Vec<_> = args.data.iter().map(|path| data(path)).collect();
        let has: Vec<_> = notes.parts().filter_map(|part| part.data).collect();
        let has = match has[..] {
            [] => "none".to_owned(),
            _ => list(&has.iter().map(|path| data(path)).collect::<Vec<_>>()),
        };
        found.look("--data", Some(list(&asked)), has);
    }
    found.look("--pool", args.pool, notes.pool);
    found.look("--held-out", args.held_out, notes.held_out);
    if notes.task == TaskSpec::Arc {
        found.look("--augmentations", args.augmentations, notes.augmentations);
    }

    let shape = &args.shape;
    found.look("--hidden", shape.hidden, config.hidden_size);
    found.look("--layers", shape.layers, config.num_layers);
    found.look("--h-cycles", shape.h_cycles, config.h_cycles);
    found.look("--l-cycles", shape.l_cycles, config.l_cycles);
    let think = shape.think.map(usize::from);
    found.look("--think", think, config.halt_max_steps);
    found.look("--heads", shape.heads, config.num_heads);
    found.look("--expansion", shape.expansion, config.expansion);
    let multiple = config.swiglu_multiple;
    found.look("--swiglu-multiple", shape.swiglu_multiple, multiple);
    let mixer = match config.mixer {
        Mixer::Mlp => name(MixerName::Mlp),
        Mixer::Attention => name(MixerName::Attention),
        Mixer::Conv => name(MixerName::Conv),
        Mixer::Constraints => name(MixerName::Constraints),
        // Models of vectors are not resumed.
        Mixer::Tokens => "tokens".to_owned(),
    };
    found.look("--mixer", shape.mixer.map(name), mixer);
    let positions = match config.positions {
        Positions::None => "none".to_owned(),
        Positions::Rotary => name(PositionsName::Line),
        Positions::Grid { .. } => name(PositionsName::Grid),
        Positions::Learned => name(PositionsName::Learned),
    };
    found.look("--positions", shape.positions.map(name), positions);

    let recipe = &args.recipe;
    found.look("--batch", recipe.batch, train.batch_size);
    let optimizer = recipe
        .optimizer
        .filter(|&o| Rule::from(o) != train.optimizer);
    if let Some(other) = optimizer {
        found.look("--optimizer", Some(name(other)), "another".into());
    }
    found.look("--lr", recipe.lr, train.lr);
    found.look("--warmup", recipe.warmup, train.warmup);
    if recipe.constant_lr && train.decay != Decay::Constant {
        found
            .0
            .push("--constant-lr (the training has a cosine)".into());
    }
    found.look("--weight-decay", recipe.weight_decay, train.weight_decay);
    found.look("--curriculum", recipe.curriculum, train.curriculum);
    found.look("--random-start", recipe.random_start, train.random_start);
    found.look("--starts", recipe.starts, train.starts);
    let probabilities = recipe.probabilities;
    if let Some(other) = probabilities.filter(|&p| Probabilities::from(p) != train.probabilities) {
        found.look("--probabilities", Some(name(other)), "the other".into());
    }
    let precision = recipe.precision;
    if let Some(other) = precision.filter(|&p| TrainPrecision::from(p) != train.precision) {
        found.look("--precision", Some(name(other)), "the other".into());
    }
    let smoothing = train.label_smoothing;
    found.look("--label-smoothing", recipe.label_smoothing, smoothing);
    found.look("--ema", recipe.ema, train.ema);
    found.look("--clip", recipe.clip, train.clip);
    found.look("--seed", recipe.seed, train.seed);

    if found.0.is_empty() {
        return Ok(());
    }
    Err(UsageError(format!(
        "--resume: expected no flag that contradicts the training, found {}; to begin another, name another --output",
        found.0.join(", ")
    ))
    .into())
}

/// The tasks of the rules that were asked for, with what the run has where nothing else was.
fn asked_tasks(args: &Args, task: &TaskSpec, data: Option<&Path>) -> anyhow::Result<Vec<TaskSpec>> {
    let usual = Size::of(task).filter(|_| args.size.is_empty());
    let tasks = |size: Option<Size>| -> anyhow::Result<Vec<TaskSpec>> {
        let size = args.size.first().copied().or(size);
        let mut rules = args.rules.iter();
        let first = rules.next().map(|first| match data {
            Some(table) => TaskName::of_table(table, Some(first), size),
            None => TaskName::of_rules(first, size),
        });
        let rest = rules.map(|rules| TaskName::of_rules(rules, size));
        let all = first.into_iter().chain(rest);
        all.map(|task| Ok(recurra::tasks::Task::spec(&task?)))
            .collect()
    };
    // Rules may leave the size open, which the run knows.
    tasks(None).or_else(|error| match usual {
        Some(_) => tasks(usual),
        None => Err(error),
    })
}

/// A flag's value as it is written.
fn name(value: impl clap::ValueEnum) -> String {
    let value = value.to_possible_value();
    value.map_or(String::new(), |value| value.get_name().to_owned())
}

fn list(items: &[impl Display]) -> String {
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    items.join(",")
}
