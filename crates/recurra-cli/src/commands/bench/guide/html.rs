//! The report as one page without anything from elsewhere.

use super::report::{Report, Verdict};
use crate::chart::{Axis, Chart, Mark, Scale, Series, escaped};
use std::fmt::Write;

const STYLE: &str = "
:root{color-scheme:light dark;--good:#1a7f37;--bad:#b35900;--none:#6e7781;--line:#d0d7de}
@media(prefers-color-scheme:dark){:root{--good:#3fb950;--bad:#e09b4c;--none:#8b949e;--line:#30363d}}
body{font:16px/1.5 system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%;margin:1rem 0}
th,td{text-align:left;vertical-align:top;padding:.4rem .6rem;border-bottom:1px solid var(--line)}
td.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
small{color:var(--none)}
.holds{color:var(--good)}.falls-short{color:var(--bad)}.not-measured{color:var(--none)}
svg{max-width:100%;height:auto}
";

/// The page.
pub(super) fn page(report: &Report) -> String {
    let mut page = String::new();
    write(report, &mut page).expect("strings can be written to");
    page
}

fn write(report: &Report, to: &mut String) -> std::fmt::Result {
    let holds = report
        .rows
        .iter()
        .filter(|row| row.verdict == Verdict::Holds)
        .count();
    let cpu = report.cpu.as_deref().unwrap_or("unknown processor");
    let load = report.load.map_or(String::new(), |load| {
        format!(", load {load:.1} when it began")
    });
    write!(
        to,
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>What each optimisation gains</title>\n<style>{STYLE}</style>\n<h1>What each optimisation gains</h1>\n\
         <p>{holds} of {} targets hold. Recurra {} on {}, {}, {} threads{load}.<br><code>{}</code></p>\n",
        report.rows.len(),
        escaped(&report.program),
        escaped(cpu),
        escaped(&report.instruction_set),
        report.threads,
        escaped(&report.command),
    )?;
    write!(
        to,
        "{}\n<p>Bars above 1 are gains; the scale of caches, which gain much more, would hide the rest, so they stand in the table alone.</p>\n",
        chart(report).to_svg()
    )?;
    to.push_str(
        "<table>\n<tr><th>Optimisation<th>Gain, times<th>95 % interval<th>Target<th></tr>\n",
    );
    for row in &report.rows {
        let (gain, interval, of) = match &row.gain {
            Some(gain) => (
                format!("{:.2}", gain.median),
                format!("{:.2} to {:.2}", gain.low, gain.high),
                gain.of.as_str(),
            ),
            None => (
                "-".into(),
                "-".into(),
                row.reason.as_deref().unwrap_or_default(),
            ),
        };
        let class = row.verdict.text().replace(' ', "-");
        writeln!(
            to,
            "<tr><td>{}<br><small>{}</small><td class=n>{gain}<td class=n>{interval}<td class=n>{}<br><small>{}</small><td class={class}>{}</tr>",
            escaped(&row.title),
            escaped(of),
            row.at_least,
            escaped(&row.guide),
            row.verdict.text()
        )?;
    }
    to.push_str("</table>\n<h2>Depth against restarts, for the same steps at most</h2>\n<table>\n<tr><th>Model<th>How it thinks<th>Exact, with its 95 % interval<th>Steps a puzzle</tr>\n");
    for one in &report.accuracy {
        writeln!(
            to,
            "<tr><td>{}<td>{}<td class=n>{}<td class=n>{:.1}</tr>",
            escaped(&one.model),
            escaped(&one.way),
            escaped(&one.exact.text()),
            one.mean_steps
        )?;
    }
    to.push_str("</table>\n<h2>Checklist</h2>\n<table>\n");
    for check in &report.checks {
        let (class, verdict) = match check.passed {
            Some(true) => ("holds", "passed"),
            Some(false) => ("falls-short", "failed"),
            None => ("not-measured", "not checked"),
        };
        writeln!(
            to,
            "<tr><td>{}<br><small>{}</small><td class={class}>{verdict}</tr>",
            escaped(&check.title),
            escaped(&check.found)
        )?;
    }
    to.push_str("</table>\n<h2>Models</h2>\n<ul>\n");
    for model in &report.models {
        writeln!(
            to,
            "<li>{} <code>{}</code>",
            escaped(&model.name),
            escaped(&model.id)
        )?;
    }
    to.push_str("</ul>\n</html>\n");
    Ok(())
}

/// Gains below ten, which one scale can show.
fn chart(report: &Report) -> Chart {
    let shown = report.rows.iter().filter_map(|row| {
        let gain = row.gain.as_ref().filter(|gain| gain.median < 10.0)?;
        Some((row.name.clone(), gain.median))
    });
    let (names, gains): (Vec<_>, Vec<_>) = shown.unzip();
    Chart {
        title: "Gain, times".into(),
        x: Axis {
            label: String::new(),
            scale: Scale::Names(names),
        },
        y: Axis {
            label: "times".into(),
            scale: Scale::Linear,
        },
        series: vec![Series {
            name: "gain".into(),
            mark: Mark::Bars,
            points: gains
                .into_iter()
                .enumerate()
                .map(|(i, gain)| (i as f64, gain))
                .collect(),
        }],
    }
}
