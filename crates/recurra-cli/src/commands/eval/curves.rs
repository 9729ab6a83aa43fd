//! What `eval --curves` writes: tables as CSV and pictures as SVG.

use crate::chart::{Axis, Chart, Mark, Scale, Series};
use crate::output::OutputFile;
use recurra::thinking::{Rule, RuleKind, Trajectories, curve, measure};
use std::path::Path;

/// Most points of a curve.
const POINTS: usize = 200;
/// Most bars of a histogram, beside that of what never was right.
const BARS: usize = 16;

/// Writes all of them. `by_restarts`: shares of exact and verified answers with at most so many restarts.
pub(super) fn write(
    folder: &Path,
    trajectories: &Trajectories,
    by_restarts: Option<&[(usize, [f64; 2])]>,
) -> anyhow::Result<()> {
    let mut files = vec![
        ("stopping", stopping(trajectories)),
        ("steps_needed", steps_needed(trajectories)),
    ];
    files.extend(by_restarts.map(|shares| ("restarts", restarts(shares))));
    for (name, (csv, chart)) in files {
        for (ending, text) in [("csv", csv), ("svg", chart.to_svg())] {
            let path = folder.join(name).with_extension(ending);
            OutputFile::write_whole(&path, text.as_bytes())?;
        }
    }
    Ok(())
}

/// Exact accuracy against mean steps, for each rule by itself with all its settings.
fn stopping(trajectories: &Trajectories) -> (String, Chart) {
    let mut csv = String::from("rule,mean_steps,exact\n");
    let mut series = Vec::new();
    let mut add = |name: &str, mark, points: Vec<(String, f64, f64)>| {
        for (rule, steps, exact) in &points {
            csv += &format!("{rule},{steps},{exact}\n");
        }
        if !points.is_empty() {
            series.push(Series {
                name: name.to_owned(),
                mark,
                points: points
                    .into_iter()
                    .map(|(_, steps, exact)| (steps, exact))
                    .collect(),
            });
        }
    };
    for kind in RuleKind::ALL {
        let points = curve(trajectories, kind, POINTS).into_iter();
        let points = points.map(|p| (p.rule.to_string(), p.mean_steps, p.exact));
        add(kind.name(), Mark::Line, points.collect());
    }
    let verified = measure(trajectories, Rule::Verified);
    let point = (
        Rule::Verified.to_string(),
        verified.mean_steps,
        verified.exact,
    );
    add("verified", Mark::Dots, vec![point]);
    let (count, max_steps) = (trajectories.len() as f64, trajectories.max_steps());
    let exact = trajectories.right_at_the_end() as f64 / count;
    add(
        "none",
        Mark::Dots,
        vec![("none".into(), max_steps as f64, exact)],
    );
    let chart = Chart {
        title: format!("Stop rules, each by itself, {count} puzzles"),
        x: Axis {
            label: "mean improvement steps".into(),
            scale: if max_steps < 4 {
                Scale::Linear
            } else {
                Scale::Log2
            },
        },
        y: Axis {
            label: "exact".into(),
            scale: Scale::Percent,
        },
        series,
    };
    (csv, chart)
}

/// How many puzzles needed how many steps.
fn steps_needed(trajectories: &Trajectories) -> (String, Chart) {
    let counts = trajectories.steps_needed();
    let never = trajectories.len() - counts.iter().sum::<usize>();
    let mut csv = String::from("steps,puzzles\n");
    for (i, count) in counts.iter().enumerate() {
        csv += &format!("{},{count}\n", i + 1);
    }
    csv += &format!("never,{never}\n");
    let width = counts.len().div_ceil(BARS);
    let bar = |(i, group): (usize, &[usize])| {
        let (first, last) = (i * width + 1, i * width + group.len());
        let name = if width == 1 {
            first.to_string()
        } else {
            format!("\u{2264} {last}")
        };
        (name, group.iter().sum())
    };
    let mut bars: Vec<(String, usize)> = counts.chunks(width).enumerate().map(bar).collect();
    bars.push(("never".into(), never));
    let points = bars.iter().enumerate();
    let share = |count: usize| count as f64 / trajectories.len() as f64;
    let points = points.map(|(i, (_, count))| (i as f64, share(*count)));
    let chart = Chart {
        title: format!(
            "Steps after which the answer is right and stays right, {} puzzles",
            trajectories.len()
        ),
        series: vec![Series {
            name: "puzzles".into(),
            mark: Mark::Bars,
            points: points.collect(),
        }],
        x: Axis {
            label: "improvement steps needed".into(),
            scale: Scale::Names(bars.into_iter().map(|bar| bar.0).collect()),
        },
        y: Axis {
            label: "share of puzzles (bars: %)".into(),
            scale: Scale::Percent,
        },
    };
    (csv, chart)
}

/// What restarts bring.
fn restarts(shares: &[(usize, [f64; 2])]) -> (String, Chart) {
    let mut csv = String::from("restarts,exact,verified\n");
    for (restarts, [exact, verified]) in shares {
        csv += &format!("{restarts},{exact},{verified}\n");
    }
    let series = |(i, name): (usize, &str)| Series {
        name: name.to_owned(),
        mark: Mark::Line,
        points: (0..)
            .map(f64::from)
            .zip(shares.iter().map(|s| s.1[i]))
            .collect(),
    };
    let chart = Chart {
        title: "Answers within so many restarts on symmetric forms".into(),
        x: Axis {
            label: "restarts".into(),
            scale: Scale::Names(shares.iter().map(|s| s.0.to_string()).collect()),
        },
        y: Axis {
            label: "share of puzzles".into(),
            scale: Scale::Percent,
        },
        series: ["exact", "verified"]
            .into_iter()
            .enumerate()
            .map(series)
            .collect(),
    };
    (csv, chart)
}
