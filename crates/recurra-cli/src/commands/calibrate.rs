//! `recurra calibrate`: which setting of each stop rule saves most steps at a stated loss.

use crate::exit::{Exit, UsageError};
use crate::general::GENERAL;
use crate::input::Puzzles;
use crate::known;
use crate::output::{OutputFile, refuse_inputs};
use crate::progress;
use crate::record::{MOST_READINGS, Recorder};
use crate::shipped;
use crate::thinking;
use crate::threads::Threads;
use anyhow::anyhow;
use recurra::model::TrmModel;
use recurra::thinking::{Calibration, RuleKind, calibrate};
use serde::Serialize;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// Find for each stop rule the setting that saves most steps at a stated loss
///
/// The model does the maximum number of steps on each puzzle, without stopping. From the readings after each step, each rule by
/// itself gets the setting with the fewest steps on average that loses at most --loss percentage points of exact
/// answers. DATA should be puzzles that the model was not trained on, like those it will
/// get. With --output a model file with these settings is written: `--stop` uses them for rules without a value.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Model file
    #[arg(value_parser = shipped::model())]
    model: PathBuf,
    /// Puzzles; `-` is standard input
    data: PathBuf,
    /// Exact accuracy that a rule may lose, in percentage points
    #[arg(long, value_name = "POINTS", default_value = "0.1", value_parser = points)]
    loss: f64,
    /// Improvement steps to compare with [default: the model's own limit]
    #[arg(long, value_name = "K")]
    max_steps: Option<NonZeroUsize>,
    /// Use at most so many puzzles [default: all, up to 4194304 steps]
    #[arg(long, value_name = "N")]
    limit: Option<NonZeroUsize>,
    #[command(flatten)]
    threads: Threads,
    /// Model file to write: the same model with the settings found [default: only print]
    #[arg(short, long, value_name = "MODEL")]
    output: Option<PathBuf>,
    /// Let --output be MODEL itself: settings that it has are replaced
    #[arg(long, requires = "output")]
    overwrite: bool,
    /// Print one JSON object
    #[arg(long, help_heading = GENERAL)]
    json: bool,
}

/// Puzzles that are thought about at a time.
const CHUNK: usize = 1024;

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    /// The file written.
    file: Option<String>,
    refused: u64,
    #[serde(flatten)]
    calibration: &'a Calibration,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    if let Some(output) = &args.output {
        let mut inputs = vec![("DATA", args.data.as_path())];
        if !args.overwrite {
            inputs.push(("MODEL (or --overwrite)", &args.model));
        }
        refuse_inputs(&[("--output", output)], &inputs)?;
    }
    let (_, solver, _) = thinking::open(&args.model, None, None, args.threads)?;
    let max_steps = args
        .max_steps
        .map_or(solver.options().stop.max_steps, usize::from);
    let limit = args.limit.map_or(usize::MAX, usize::from);
    let asked = args.limit.map_or(1, usize::from).saturating_mul(max_steps);
    if asked > MOST_READINGS {
        return Err(UsageError(format!(
            "--limit and --max-steps: expected at most {MOST_READINGS} steps of all puzzles together, found {asked}"
        ))
        .into());
    }
    let task = solver.task()?.clone();
    let mut puzzles = Puzzles::open(&args.data, &*task)?;
    let bar = progress::bar(None, "puzzles");
    let mut recorder = Recorder::new(max_steps);
    let mut refused = known::Refused::default();
    loop {
        let missing = limit - recorder.trajectories.len();
        // One more than there is room for tells whether something is left out.
        let most = missing.min(CHUNK).min(recorder.room() + 1);
        if most == 0 {
            break;
        }
        let Some(known) = known::chunk(&mut puzzles, &*task, most, &mut refused, &bar) else {
            break;
        };
        recorder.add(&solver, &known, &|| bar.inc(1))?;
        if recorder.left_out() {
            break;
        }
    }
    bar.finish_and_clear();
    refused.tell_rest(puzzles.name());
    let refused = refused.count;
    let calibration = calibrate(&recorder.trajectories, args.loss)
        .ok_or_else(|| anyhow!("{}: no puzzle that could be used", puzzles.name()))?;
    if let Some(output) = &args.output {
        let mut model = TrmModel::open(&args.model)?;
        model.header.thinking = Some(calibration.clone());
        OutputFile::write_whole(output, &model.to_bytes())?;
    }
    let report = Report {
        file: args.output.as_ref().map(|path| path.display().to_string()),
        refused,
        calibration: &calibration,
    };
    let text = if args.json {
        serde_json::to_string(&report)? + "\n"
    } else {
        report.table()
    };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(Exit::refused(refused > 0))
}

fn points(text: &str) -> Result<f64, String> {
    let points = text.parse().ok().filter(|p| (0.0..=100.0).contains(p));
    points.ok_or_else(|| "expected 0 to 100 percentage points".to_owned())
}

impl Report<'_> {
    /// For people: one row a rule.
    fn table(&self) -> String {
        let c = self.calibration;
        let points = format!("{} points", c.loss);
        let mut text = String::new();
        for (name, value) in [
            ("puzzles", c.count.to_string()),
            ("refused", self.refused.to_string()),
            ("loss allowed", points),
        ] {
            text += &format!("{name:<14} {value:>12}\n");
        }
        let heads = [
            "mean steps",
            "saved",
            "exact",
            "lost",
            "won",
            "fewest",
            "most",
        ];
        text.push('\n');
        text += &row("rule", heads.map(str::to_owned));
        let (most, percent) = (c.max_steps, |share: f64| format!("{:.2} %", 100.0 * share));
        let cells = |mean: f64, exact: f64, counts: [String; 4]| {
            let [lost, won, fewest, most_steps] = counts;
            let saved = percent(1.0 - mean / most as f64);
            [
                format!("{mean:.2}"),
                saved,
                percent(exact),
                lost,
                won,
                fewest,
                most_steps,
            ]
        };
        let none = [0, 0, most, most].map(|n| n.to_string());
        text += &row("none", cells(most as f64, c.exact, none));
        for m in &c.rules {
            let counts = [
                m.lost as usize,
                m.won as usize,
                m.fewest_steps,
                m.most_steps,
            ];
            let counts = counts.map(|n| n.to_string());
            text += &row(&m.rule.to_string(), cells(m.mean_steps, m.exact, counts));
        }
        for kind in RuleKind::ALL
            .into_iter()
            .filter(|&kind| c.rule(kind).is_none())
        {
            text += &format!("{kind:<20} saves nothing at this loss\n");
        }
        if self.file.is_none() {
            text += "\nnot stored: --output MODEL writes a model file with these settings\n";
        }
        text
    }
}

/// A row of the table of rules.
fn row(name: &str, cells: [String; 7]) -> String {
    let widths = [11, 9, 10, 6, 6, 8, 6];
    let cells = cells.iter().zip(widths);
    let cells: String = cells
        .map(|(cell, width)| format!(" {cell:>width$}"))
        .collect();
    format!("{name:<20}{cells}\n")
}
