//! `recurra runs`: trainings side by side.

use super::train::folder::{self, Row};
use crate::chart::{Axis, Chart, Mark, Scale, Series};
use crate::exit::{self, Exit};
use crate::general::GENERAL;
use crate::output::Sink;
use anyhow::anyhow;
use serde::Serialize;
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Compare trainings: the folders `MODEL.training` in a folder, the best on held-out puzzles first
///
/// Of each: training steps, minutes, samples a second, loss, share of the held-out puzzles answered right (last measured and
/// best), and where the trainings differ, the settings that do. --svg draws their curves into one chart.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Folder with trainings, itself or in it
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Draw the held-out shares of all against the minutes; `-` is standard output, without the table
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Print one JSON object a line
    #[arg(long, help_heading = GENERAL)]
    json: bool,
}

/// A training as its folder tells of it.
#[derive(Serialize)]
struct Training {
    name: String,
    steps: u64,
    samples: u64,
    seconds: f64,
    loss: f64,
    held_out: Option<f64>,
    best: Option<f64>,
    /// Settings that are not those of all trainings.
    differs: serde_json::Map<String, Value>,
    #[serde(skip)]
    configuration: serde_json::Map<String, Value>,
    #[serde(skip)]
    curve: Vec<(f64, f64)>,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    let mut trainings = Vec::new();
    let mut refused = false;
    for path in folders(&args.dir)? {
        match Training::open(&path) {
            Ok(training) => trainings.push(training),
            Err(error) => {
                refused = true;
                exit::message(&error.to_string());
            }
        }
    }
    if trainings.is_empty() {
        let dir = args.dir.display();
        return Err(anyhow!(
            "{dir}: expected folders `MODEL.training`, found none that could be read"
        ));
    }
    tell_apart(&mut trainings);
    trainings.sort_by(|a, b| {
        let best = |t: &Training| t.best.unwrap_or(-1.0);
        best(b)
            .total_cmp(&best(a))
            .then_with(|| a.name.cmp(&b.name))
    });
    if let Some(file) = &args.svg {
        if trainings.iter().all(|t| t.curve.is_empty()) {
            return Err(anyhow!(
                "--svg: expected a training whose held-out puzzles were asked, found none"
            ));
        }
        Sink::write_whole(file, chart(&trainings).to_svg().as_bytes())?;
    }
    let mut text = String::new();
    if args.json {
        for training in &trainings {
            text += &(serde_json::to_string(training)? + "\n");
        }
    } else if args.svg.as_deref() != Some(Path::new("-")) {
        text = table(&trainings);
    }
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(Exit::refused(refused))
}

/// The folders of trainings in a folder, or itself.
fn folders(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let is_training = |path: &Path| path.join("config.json").is_file();
    if is_training(dir) {
        return Ok(vec![dir.into()]);
    }
    let failed = |e: std::io::Error| anyhow!("{}: {e}", dir.display());
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|end| end == "training") && is_training(&path) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

impl Training {
    fn open(path: &Path) -> anyhow::Result<Self> {
        let file = path.join("config.json");
        let named = |e: &dyn std::fmt::Display| anyhow!("{}: {e}", file.display());
        let text = std::fs::read_to_string(&file).map_err(|e| named(&e))?;
        let configuration: Value = serde_json::from_str(&text).map_err(|e| named(&e))?;
        let rows = folder::read_log(&path.join("log.csv"));
        let Some(last) = rows.last() else {
            return Err(anyhow!("{}: nothing in its log yet", path.display()));
        };
        let measured = || rows.iter().filter_map(|row| Some((row, row.held_out?)));
        let name = path.file_stem().unwrap_or(path.as_os_str());
        Ok(Training {
            name: exit::printable(&name.to_string_lossy()),
            steps: last.step,
            samples: last.samples,
            seconds: last.seconds,
            loss: last.loss,
            held_out: measured().next_back().map(|(_, share)| share),
            best: measured().map(|(_, share)| share).reduce(f64::max),
            differs: serde_json::Map::new(),
            configuration: settings(&configuration),
            curve: measured()
                .map(|(row, share): (&Row, f64)| (row.seconds / 60.0, share))
                .collect(),
        })
    }
}

/// The settings of a training by name: of architecture, recipe and data, not what becomes of them.
fn settings(configuration: &Value) -> serde_json::Map<String, Value> {
    let parts = ["architecture", "training", "data"];
    let parts = parts
        .iter()
        .filter_map(|part| configuration[part].as_object());
    let entries = parts.flatten();
    let passing = ["seconds", "best", "recent", "budget", "no_better"];
    let entries = entries.filter(|(key, _)| !passing.contains(&key.as_str()));
    entries
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// Finds the settings that some trainings have and others do not.
fn tell_apart(trainings: &mut [Training]) {
    let all: Vec<_> = trainings.iter().map(|t| t.configuration.clone()).collect();
    for training in trainings {
        let own = &training.configuration;
        let same = |key: &String, value: &Value| all.iter().all(|t| t.get(key) == Some(value));
        let differs = own.iter().filter(|(key, value)| !same(key, value));
        training.differs = differs
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
    }
}

fn table(trainings: &[Training]) -> String {
    let longest = trainings.iter().map(|t| t.name.chars().count()).max();
    let width = longest.unwrap_or(0).max("training".len());
    let percent = |share: Option<f64>| share.map_or("-".into(), |s| format!("{:.1} %", 100.0 * s));
    let mut text = format!(
        "{:<width$} {:>9} {:>8} {:>9} {:>8} {:>9} {:>9}\n",
        "training", "steps", "minutes", "samples/s", "loss", "held out", "best"
    );
    for t in trainings {
        text += &format!(
            "{:<width$} {:>9} {:>8.1} {:>9.0} {:>8.4} {:>9} {:>9}\n",
            t.name,
            t.steps,
            t.seconds / 60.0,
            t.samples as f64 / t.seconds,
            t.loss,
            percent(t.held_out),
            percent(t.best)
        );
        let differs = t
            .differs
            .iter()
            .map(|(key, value)| exit::printable(&format!("{key} {value}")));
        let differs: Vec<_> = differs.collect();
        if !differs.is_empty() {
            text += &format!("  {}\n", differs.join(", "));
        }
    }
    text
}

fn chart(trainings: &[Training]) -> Chart {
    let series = trainings.iter().filter(|t| !t.curve.is_empty());
    let series = series.map(|t| Series {
        name: t.name.clone(),
        mark: if t.curve.len() > 1 {
            Mark::Line
        } else {
            Mark::Dots
        },
        points: t.curve.clone(),
    });
    Chart {
        title: "Held-out puzzles answered right".into(),
        x: Axis {
            label: "minutes".into(),
            scale: Scale::Linear,
        },
        y: Axis {
            label: "exact".into(),
            scale: Scale::Percent,
        },
        series: series.collect(),
    }
}
