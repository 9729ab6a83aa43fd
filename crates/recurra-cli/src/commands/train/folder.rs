//! The folder of a training, beside its model: configuration, log, curves, checkpoint, and the best model so far.

use super::events::{self, EventFile};
use crate::chart::{Axis, Chart, Mark, Scale, Series};
use crate::exit::message;
use crate::numbers;
use crate::output::OutputFile;
use anyhow::anyhow;
use serde::Serialize;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Training steps done.
    pub step: u64,
    /// Samples seen.
    pub samples: u64,
    /// Seconds trained.
    pub seconds: f64,
    /// Learning rate.
    pub lr: f64,
    /// Mean loss of late.
    pub loss: f64,
    /// Share of samples answered right in training of late.
    pub exact: f64,
    /// Mean improvement steps of those.
    pub steps: f64,
    /// 2-norm of the gradient.
    pub gradient: f64,
    /// Share of held-out questions answered right, where measured.
    pub held_out: Option<f64>,
}

/// What a training writes into its folder as it goes on.
const FILES: [&str; 6] = [
    "checkpoint.safetensors",
    "best.safetensors",
    "log.csv",
    METRICS,
    "loss.svg",
    "exact.svg",
];

/// The rows of the log as JSON Lines.
const METRICS: &str = "metrics.jsonl";

const HEADER: &str = "step,samples,seconds,lr,loss,exact,steps,gradient,held_out";

impl Row {
    fn line(&self) -> String {
        let held_out = self.held_out.map(|h| format!("{h:.6}")).unwrap_or_default();
        format!(
            "{},{},{:.3},{:.4e},{:.6},{:.6},{:.3},{:.4e},{held_out}",
            self.step,
            self.samples,
            self.seconds,
            self.lr,
            self.loss,
            self.exact,
            self.steps,
            self.gradient
        )
    }

    /// Its numbers by the names that TensorBoard shows.
    fn scalars(&self) -> Vec<(&'static str, f64)> {
        let mut scalars = vec![
            ("train/loss", self.loss),
            ("train/exact", self.exact),
            ("train/steps", self.steps),
            ("train/gradient", self.gradient),
            ("train/lr", self.lr),
            ("train/samples", self.samples as f64),
        ];
        scalars.extend(self.held_out.map(|share| ("held_out/exact", share)));
        scalars
    }

    fn read(line: &str) -> Option<Row> {
        let fields: Vec<&str> = line.split(',').collect();
        let &[step, samples, ref numbers @ .., held_out] = &fields[..] else {
            return None;
        };
        let numbers: Option<Vec<f64>> = numbers.iter().map(|n| n.parse().ok()).collect();
        let &[seconds, lr, loss, exact, steps, gradient] = &numbers?[..] else {
            return None;
        };
        Some(Row {
            step: step.parse().ok()?,
            samples: samples.parse().ok()?,
            seconds,
            lr,
            loss,
            exact,
            steps,
            gradient,
            held_out: match held_out {
                "" => None,
                share => Some(share.parse().ok()?),
            },
        })
    }
}

/// The rows of a log. Lines that are none are told and left out; where there is no log, there are none.
pub(crate) fn read_log(file: &Path) -> Vec<Row> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let lines = text.lines().skip(1);
    let rows = lines.filter_map(|line| {
        let row = Row::read(line);
        if row.is_none() {
            message(&format!("{}: left out `{line}`", file.display()));
        }
        row
    });
    rows.collect()
}

/// Least seconds between two rows, and least share of the time trained so far: a long training has no endless log.
const PAUSE: f64 = 0.2;
const SHARE: f64 = 0.005;

/// The files that grow with every row, for those who watch.
#[derive(Debug)]
struct Live {
    metrics: File,
    events: EventFile,
}

impl Live {
    /// Begins both files anew with these rows.
    fn begin(folder: &Path, rows: &[Row]) -> io::Result<Self> {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            if entry
                .file_name()
                .to_string_lossy()
                .starts_with(events::PREFIX)
            {
                std::fs::remove_file(entry.path())?;
            }
        }
        let mut live = Live {
            metrics: File::create(folder.join(METRICS))?,
            events: EventFile::create(folder)?,
        };
        // What was trained before ends now, as far as anybody can tell.
        let last = rows.last().map_or(0.0, |row| row.seconds);
        let now = now();
        for row in rows {
            live.add(row, now - (last - row.seconds))?;
        }
        Ok(live)
    }

    fn add(&mut self, row: &Row, wall_time: f64) -> io::Result<()> {
        let line = serde_json::to_string(row)? + "\n";
        self.metrics.write_all(line.as_bytes())?;
        self.events.scalars(row.step, wall_time, &row.scalars())
    }
}

/// Seconds since 1970.
fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs_f64()
}

/// The folder, and the log that it holds.
#[derive(Debug)]
pub(super) struct RunFolder {
    path: PathBuf,
    rows: Vec<Row>,
    /// Of the process that writes.
    live: Option<Live>,
}

impl RunFolder {
    /// The folder of a training, `MODEL.training`, with an empty log. Touches no file.
    pub(super) fn new(model: &Path) -> Self {
        RunFolder {
            path: Self::path_of(model),
            rows: Vec::new(),
            live: None,
        }
    }

    /// Makes the folder for a new training, with its configuration, to which the command line, version, host and time are added.
    /// What an older one has left there goes: nobody is to take it for the new one's.
    pub(super) fn begin(&mut self, configuration: &serde_json::Value) -> anyhow::Result<()> {
        let path = &self.path;
        std::fs::create_dir_all(path).map_err(|e| anyhow!("{}: {e}", path.display()))?;
        for name in FILES {
            let file = path.join(name);
            match std::fs::remove_file(&file) {
                Err(e) if e.kind() != ErrorKind::NotFound => {
                    return Err(anyhow!("{}: {e}", file.display()));
                }
                _ => {}
            }
        }
        let mut configuration = numbers::plain(configuration)?;
        let began = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ");
        configuration["command"] = std::env::args().collect();
        configuration["version"] = env!("RECURRA_VERSION").into();
        configuration["host"] = sysinfo::System::host_name().into();
        configuration["began"] = began.to_string().into();
        let text = serde_json::to_string_pretty(&configuration)? + "\n";
        OutputFile::write_whole(&path.join("config.json"), text.as_bytes())?;
        self.open()
    }

    /// Opens the files that grow with every row; the rows so far are the first of them.
    pub(super) fn open(&mut self) -> anyhow::Result<()> {
        let live = Live::begin(&self.path, &self.rows);
        self.live = Some(live.map_err(|e| anyhow!("{}: {e}", self.path.display()))?);
        Ok(())
    }

    /// The folder of a training that goes on after so many steps: what its log says of later ones did not come to be. Touches no file.
    pub(super) fn resume(model: &Path, step: u64) -> Self {
        let mut folder = Self::new(model);
        let rows = read_log(&folder.path.join("log.csv")).into_iter();
        folder.rows = rows.filter(|row| row.step <= step).collect();
        folder
    }

    /// Where it is: `MODEL.training`.
    pub(super) fn path_of(model: &Path) -> PathBuf {
        let mut name = model.file_name().unwrap_or_default().to_owned();
        name.push(".training");
        model.with_file_name(name)
    }

    /// The whole state of the training.
    pub(super) fn checkpoint(model: &Path) -> PathBuf {
        Self::path_of(model).join("checkpoint.safetensors")
    }

    /// The best model so far.
    pub(super) fn best(&self) -> PathBuf {
        self.path.join("best.safetensors")
    }

    /// Whether it is time for another row.
    pub(super) fn is_due(&self, seconds: f64) -> bool {
        let last = self
            .rows
            .last()
            .map_or(f64::NEG_INFINITY, |row| row.seconds);
        seconds - last >= PAUSE.max(SHARE * seconds)
    }

    /// Adds a row: to the log, which is written with the next checkpoint, and to the files for those who watch.
    pub(super) fn add(&mut self, row: Row) -> anyhow::Result<()> {
        if let Some(live) = &mut self.live {
            let added = live.add(&row, now());
            added.map_err(|e| anyhow!("{}: {e}", self.path.display()))?;
        }
        self.rows.push(row);
        Ok(())
    }

    /// Writes log and curves.
    pub(super) fn save(&self) -> anyhow::Result<()> {
        let mut log = String::from(HEADER) + "\n";
        for row in &self.rows {
            writeln!(log, "{}", row.line()).expect("a string takes any text");
        }
        OutputFile::write_whole(&self.path.join("log.csv"), log.as_bytes())?;
        if self.rows.is_empty() {
            return Ok(());
        }
        for (name, chart) in [("loss.svg", self.loss()), ("exact.svg", self.exact())] {
            OutputFile::write_whole(&self.path.join(name), chart.to_svg().as_bytes())?;
        }
        Ok(())
    }

    fn chart(&self, title: &str, label: &str, scale: Scale, series: Vec<Series>) -> Chart {
        Chart {
            title: title.into(),
            x: Axis {
                label: "samples".into(),
                scale: Scale::Linear,
            },
            y: Axis {
                label: label.into(),
                scale,
            },
            series,
        }
    }

    fn loss(&self) -> Chart {
        let points = self.rows.iter().map(|row| (row.samples as f64, row.loss));
        let loss = Series {
            name: "loss".into(),
            mark: Mark::Line,
            points: points.collect(),
        };
        self.chart("Loss in training", "loss", Scale::Linear, vec![loss])
    }

    fn exact(&self) -> Chart {
        let points = self.rows.iter().map(|row| (row.samples as f64, row.exact));
        let held_out = self.rows.iter();
        let held_out = held_out.filter_map(|row| Some((row.samples as f64, row.held_out?)));
        let series = [
            ("in training", points.collect::<Vec<_>>()),
            ("held out", held_out.collect()),
        ];
        let series = series.into_iter().filter(|(_, points)| !points.is_empty());
        let series = series.map(|(name, points)| Series {
            name: name.into(),
            mark: if points.len() > 1 {
                Mark::Line
            } else {
                Mark::Dots
            },
            points,
        });
        let (title, label) = ("Answered right", "exact");
        self.chart(title, label, Scale::Percent, series.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(step: u64, held_out: Option<f64>) -> Row {
        Row {
            step,
            samples: 128 * step,
            seconds: step as f64,
            lr: 2e-3,
            loss: 1.5,
            exact: 0.25,
            steps: 16.0,
            gradient: 0.5,
            held_out,
        }
    }

    #[test]
    fn a_resumed_log_ends_where_the_checkpoint_does() {
        let dir = tempfile::tempdir().unwrap();
        let model = dir.path().join("model");
        let mut folder = RunFolder::new(&model);
        folder.begin(&serde_json::json!({"seed": 1})).unwrap();
        assert!(folder.is_due(0.0));
        for (step, held_out) in [(1, None), (2, Some(0.125)), (3, None)] {
            folder.add(row(step, held_out)).unwrap();
        }
        assert!(!folder.is_due(3.1) && folder.is_due(3.2));
        folder.save().unwrap();
        let run = dir.path().join("model.training");
        // Those who watch have the rows at once, and after resuming those that came to be.
        let watched = || {
            let metrics = std::fs::read_to_string(run.join(METRICS)).unwrap();
            let steps = metrics.lines().map(|line| {
                let row: serde_json::Value = serde_json::from_str(line).unwrap();
                (row["step"].as_i64().unwrap(), row["held_out"].as_f64())
            });
            let entries = std::fs::read_dir(&run).unwrap().map(|e| e.unwrap());
            let mut events = entries.filter(|e| {
                let name = e.file_name().into_string().unwrap();
                name.starts_with(events::PREFIX)
            });
            let file = events.next().unwrap().path();
            assert!(events.next().is_none());
            let shown = events::tests::read(&std::fs::read(file).unwrap());
            let shown = shown.into_iter().map(|(step, _, numbers)| {
                let held_out = numbers.iter().find(|(name, _)| name == "held_out/exact");
                (step, held_out.map(|&(_, share)| f64::from(share)))
            });
            let (steps, shown): (Vec<_>, Vec<_>) = (steps.collect(), shown.collect());
            assert_eq!(steps, shown);
            steps
        };
        assert_eq!(watched(), [(1, None), (2, Some(0.125)), (3, None)]);
        let mut resumed = RunFolder::resume(&model, 2);
        assert_eq!(resumed.rows, [row(1, None), row(2, Some(0.125))]);
        resumed.open().unwrap();
        assert_eq!(watched(), [(1, None), (2, Some(0.125))]);
        resumed.add(row(4, None)).unwrap();
        assert_eq!(watched(), [(1, None), (2, Some(0.125)), (4, None)]);
        for name in ["config.json", "log.csv", "loss.svg", "exact.svg"] {
            assert!(dir.path().join("model.training").join(name).is_file());
        }
        // A line cut short by a full disk.
        let log = dir.path().join("model.training/log.csv");
        std::fs::write(&log, format!("{HEADER}\n{}\n4,5", row(1, None).line())).unwrap();
        assert_eq!(RunFolder::resume(&model, 9).rows, [row(1, None)]);
    }
}
