//! `recurra cache`: looks into a file of answers, empties it, checks it.

use crate::exit::{Exit, message, printable};
use crate::general::GENERAL;
use crate::shipped;
use recurra::Error;
use recurra::cache::store::Report;
use recurra::cache::{Store, StoreOptions};
use recurra::model::{ModelId, TrmModel};
use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Look into a file of answers, empty it, check it
///
/// The file maps questions to answers, those of several models side by side; another model's answers are never given.
/// It must not be in use meanwhile.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    Stat(StatArgs),
    Clear(ClearArgs),
    Verify(VerifyArgs),
}

#[derive(clap::Args)]
struct ReportArgs {
    /// File of answers
    file: PathBuf,
    /// Print one JSON object
    #[arg(long, help_heading = GENERAL)]
    json: bool,
}

/// Print the number of answers of each model, and the size of the file
#[derive(clap::Args)]
struct StatArgs {
    #[command(flatten)]
    report: ReportArgs,
}

/// Check every answer against its checksum, and report what is damaged and where
///
/// The exit status is 1 if anything is. A damaged answer is never used, and the rest of the file stays usable. A last write
/// that was cut off by a crash is reported, but is no damage: no earlier answer is lost by it.
#[derive(clap::Args)]
struct VerifyArgs {
    #[command(flatten)]
    report: ReportArgs,
}

/// Delete all answers, or those of one model, and free their space on the disk
#[derive(clap::Args)]
struct ClearArgs {
    /// File of answers
    file: PathBuf,
    /// Only those of this model: its file, or its hash as `stat` prints it
    #[arg(long, value_name = "MODEL", value_parser = shipped::model())]
    model: Option<PathBuf>,
}

/// Damaged places that are listed for people.
const MOST_LISTED: usize = 20;

#[derive(Serialize)]
struct Info {
    file: String,
    bytes: u64,
    entries: u64,
    models: Vec<Model>,
    /// Records whose place a newer one has taken.
    superseded: u64,
    damaged: Vec<Damaged>,
    /// Where a write was cut off.
    unfinished: Vec<u64>,
}

#[derive(Serialize)]
struct Model {
    model: String,
    entries: u64,
    bytes: u64,
}

#[derive(Serialize)]
struct Damaged {
    at: u64,
    bytes: u64,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    match &args.what {
        What::Stat(StatArgs { report: args }) => {
            print(&info(&args.file, false)?, args.json)?;
            Ok(Exit::Done)
        }
        What::Verify(VerifyArgs { report: args }) => {
            let info = info(&args.file, true)?;
            print(&info, args.json)?;
            if let Some(first) = info.damaged.first() {
                message(&format!(
                    "{}: damaged in {}, first {} at byte {}",
                    info.file,
                    counted(info.damaged.len() as u64, "place"),
                    counted(first.bytes, "byte"),
                    first.at
                ));
            }
            Ok(Exit::refused(!info.damaged.is_empty()))
        }
        What::Clear(args) => clear(args),
    }
}

fn info(path: &Path, payloads: bool) -> recurra::Result<Info> {
    let report = Report::of(path, payloads)?;
    let models = report.models.iter().map(|used| Model {
        model: used.model.to_string(),
        entries: used.entries,
        bytes: used.bytes,
    });
    let damaged = report.damaged.iter().map(|damage| Damaged {
        at: damage.at,
        bytes: damage.bytes,
    });
    Ok(Info {
        file: path.display().to_string(),
        bytes: report.file_bytes,
        entries: report.entries(),
        models: models.collect(),
        superseded: report.superseded,
        damaged: damaged.collect(),
        unfinished: report.unfinished,
    })
}

fn print(info: &Info, json: bool) -> anyhow::Result<()> {
    let text = if json {
        serde_json::to_string(info)? + "\n"
    } else {
        table(info)
    };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(())
}

fn table(info: &Info) -> String {
    let mut rows = vec![
        ("file", format!("{}, {} bytes", info.file, info.bytes)),
        ("answers", info.entries.to_string()),
    ];
    for used in &info.models {
        let size = format!("{} answers, {} bytes", used.entries, used.bytes);
        rows.push(("model", format!("{} ({size})", used.model)));
    }
    if info.superseded > 0 {
        rows.push(("superseded", info.superseded.to_string()));
    }
    for damage in info.damaged.iter().take(MOST_LISTED) {
        let bytes = counted(damage.bytes, "byte");
        rows.push(("damaged", format!("{bytes} at byte {}", damage.at)));
    }
    if info.damaged.len() > MOST_LISTED {
        let more = info.damaged.len() - MOST_LISTED;
        rows.push(("", format!("and {}", counted(more as u64, "more place"))));
    }
    for at in info.unfinished.iter().take(MOST_LISTED) {
        rows.push((
            "unfinished",
            format!("a write that was cut off at byte {at}"),
        ));
    }
    let line = |(name, value): &(&str, String)| format!("{name:<16} {}\n", printable(value));
    rows.iter().map(line).collect()
}

fn clear(args: &ClearArgs) -> anyhow::Result<Exit> {
    // Opening would begin a new file where there is none.
    std::fs::metadata(&args.file).map_err(|source| Error::Io {
        path: args.file.clone(),
        source,
    })?;
    let model = args.model.as_deref().map(model).transpose()?;
    let options = StoreOptions {
        // The file's limit is the business of whoever fills it.
        max_bytes: u64::MAX,
        ..StoreOptions::default()
    };
    let removed = Store::open(&args.file, options)?.clear(model.as_ref())?;
    let text = format!("{:<16} {}\n", "forgotten", counted(removed, "answer"));
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(Exit::Done)
}

/// The model of this file, or of this hash: its file may be long gone.
fn model(name: &Path) -> recurra::Result<ModelId> {
    let hash = name.to_str().and_then(|text| text.parse().ok());
    match hash {
        Some(id) if !name.exists() => Ok(id),
        _ => Ok(TrmModel::open(name)?.digest()),
    }
}

fn counted(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
