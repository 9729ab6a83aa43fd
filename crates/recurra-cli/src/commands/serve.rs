//! `recurra serve`: models behind an address.

use crate::arc::is_arc;
use crate::exit::{Exit, UsageError, message};
use crate::task::Size;
use crate::thinking::open_model;
use crate::threads::Threads;
use anyhow::anyhow;
use recurra::Solver;
use recurra::solver::ArcSolver;
use recurra::vectors::Refiner;
use recurra_server::{ConfigFile, Key, LogForm, ModelSource, Open, Opened, Settings, TlsFiles};
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// Answer questions over HTTP, and offer tools to language models
///
/// POST /v1/solve answers questions, /openapi.json describes all routes, /try is a page to try it. Every answer is checked against the
/// task's own rules. SIGTERM answers what was accepted and ends with status 0; SIGHUP reads the models again.
///
/// Without --keys everybody who reaches the address may ask. Only names of this machine are answered to while it listens on loopback, and
/// only pages of the same origin may ask.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Model files; NAME=FILE gives another name than the file's
    #[arg(value_name = "MODEL")]
    models: Vec<String>,
    /// Listen at this address [default: 127.0.0.1:8080, or none with --unix]; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Listen at a Unix socket
    #[arg(long, value_name = "PATH")]
    unix: Option<PathBuf>,
    /// Read settings from a file in TOML: the names of these flags, limits, and models with other sizes and rules
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Keep answers in this file, and look there before thinking; one process at a time can use it
    #[arg(long, value_name = "FILE")]
    cache: Option<PathBuf>,
    /// Most MiB of the file [default: 256]
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=32 << 10))]
    cache_size: Option<u64>,
    /// Keep answers in so many MiB of memory, each model [default: 64 with --cache, else none]
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=1 << 20))]
    cache_memory: Option<u64>,
    /// Let this service embed the texts that POST /v1/embeddings is sent for models of vectors: the URL of its route, such as
    /// https://example.com/v1/embeddings
    ///
    /// The environment variable RECURRA_EMBEDDINGS_KEY is the key for it. Without one, and without --keys, the asker's is passed on
    #[arg(long, value_name = "URL")]
    embeddings_upstream: Option<String>,
    /// The service's name for its model [default: the embedding model's name in the model of vectors]
    #[arg(long, value_name = "NAME")]
    embeddings_model: Option<String>,
    /// The least cosine at which a question of vectors gets a near one's answer, before feedback has moved it; above 1 for none
    #[arg(long, value_name = "X")]
    similar: Option<f32>,
    /// Keep what POST /v1/feedback teaches models of vectors in this folder
    #[arg(long, value_name = "FOLDER")]
    learnt: Option<PathBuf>,
    /// Show the page in this folder at `/`, as web/build.mjs makes it
    #[arg(long, value_name = "FOLDER")]
    page: Option<PathBuf>,
    /// Offer tools to language models at /mcp
    #[arg(long)]
    mcp: bool,
    /// Answer only those who have a key of this file: a name, the key's SHA-256 and perhaps rate=QUESTIONS a second in each line
    ///
    /// The environment variable RECURRA_API_KEYS holds such lines, too
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// Answer under this name, besides those that are given; `*` is any
    #[arg(long, value_name = "NAME")]
    allowed_host: Vec<String>,
    /// Let pages of this origin ask; `*` is any
    #[arg(long, value_name = "ORIGIN")]
    allowed_origin: Vec<String>,
    /// Speak TLS with this certificate, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's key, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// What requests may cost, as NAME=NUMBER: see docs/serving.md
    #[arg(long, value_name = "LIMIT")]
    limit: Vec<String>,
    /// How to write logs, to standard error [default: text on a terminal, else json]
    #[arg(long, value_name = "FORM", value_parser = ["json", "text", "off"])]
    log: Option<String>,
    #[command(flatten)]
    threads: Threads,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    let config = match &args.config {
        Some(path) => ConfigFile::open(path)?,
        None => ConfigFile::default(),
    };
    let settings = settings(args, config)?;
    // Batches of vectors are thought about on these.
    rayon::ThreadPoolBuilder::new()
        .num_threads(settings.threads)
        .build_global()
        .map_err(|e| anyhow!("{} threads: {e}", settings.threads))?;
    recurra_server::serve(settings, open(), |addresses| {
        for address in addresses {
            message(&format!("listening at {address}"));
        }
    })?;
    Ok(Exit::Done)
}

/// The flags, and what the file says where they say nothing.
fn settings(args: &Args, config: ConfigFile) -> anyhow::Result<Settings> {
    let mut models = args
        .models
        .iter()
        .map(|m| ModelSource::of_flag(m))
        .collect::<anyhow::Result<Vec<_>>>()?;
    models.extend(config.model);
    if models.is_empty() {
        return Err(UsageError("expected a model to serve, found none".into()).into());
    }
    let mut limits = config.limits;
    for limit in &args.limit {
        limits
            .set(limit)
            .map_err(|e| UsageError(format!("--limit: {e}")))?;
    }
    let unix = args.unix.clone().or(config.unix);
    let usual = || {
        unix.is_none()
            .then(|| SocketAddr::from(([127, 0, 0, 1], 8080)))
    };
    let tls = args
        .tls_cert
        .clone()
        .zip(args.tls_key.clone())
        .map(|(cert, key)| TlsFiles { cert, key });
    let form = match args.log.as_deref() {
        Some("json") => Some(LogForm::Json),
        Some("text") => Some(LogForm::Text),
        Some(_) => Some(LogForm::Off),
        None => config.log,
    };
    let both = |flags: &[String], file: Vec<String>| [flags.to_vec(), file].concat();
    Ok(Settings {
        keys: keys(args.keys.as_ref().or(config.keys.as_ref()))?,
        models,
        listen: args.listen.or(config.listen).or_else(usual),
        unix: unix.clone(),
        threads: args.threads.count_or(config.threads),
        cache: args.cache.clone().or(config.cache),
        cache_size: args.cache_size.or(config.cache_size).unwrap_or(256),
        cache_memory: args.cache_memory.or(config.cache_memory),
        upstream: args
            .embeddings_upstream
            .clone()
            .or(config.embeddings_upstream),
        upstream_model: args.embeddings_model.clone().or(config.embeddings_model),
        upstream_key: std::env::var("RECURRA_EMBEDDINGS_KEY").ok(),
        similar: args.similar.or(config.similar),
        learnt: args.learnt.clone().or(config.learnt),
        page: args.page.clone().or(config.page),
        mcp: args.mcp || config.mcp,
        limits,
        allowed_hosts: both(&args.allowed_host, config.allowed_hosts),
        allowed_origins: both(&args.allowed_origin, config.allowed_origins),
        tls: tls.or(config.tls),
        log: form.unwrap_or(match std::io::stderr().is_terminal() {
            true => LogForm::Text,
            false => LogForm::Json,
        }),
    })
}

/// Keys of a file and of the environment.
fn keys(path: Option<&PathBuf>) -> anyhow::Result<Vec<Key>> {
    let mut keys = Vec::new();
    if let Some(path) = path {
        let named = |e: &dyn std::fmt::Display| anyhow!("{}: {e}", path.display());
        let text = std::fs::read_to_string(path).map_err(|e| named(&e))?;
        keys = Key::read_all(&text).map_err(|e| named(&e))?;
        if keys.is_empty() {
            // Nobody means everybody by a file of keys.
            return Err(named(&"expected a key, found none"));
        }
    }
    if let Ok(text) = std::env::var("RECURRA_API_KEYS") {
        keys.extend(Key::read_all(&text).map_err(|e| anyhow!("RECURRA_API_KEYS: {e}"))?);
    }
    Ok(keys)
}

/// Opens models as the other commands do.
pub(crate) fn open() -> Open {
    Arc::new(|source, threads| {
        let file = &source.file;
        if is_arc(file) {
            let solver: Solver = ArcSolver::open(file, None, threads)?.into();
            return Ok(Opened::Arc(solver));
        }
        if crate::vectors::is_vectors(file) {
            return Ok(Opened::Vectors(Refiner::open(file)?));
        }
        let size = source.size.as_ref().map(|size| size.parse::<Size>());
        let size = size
            .transpose()
            .map_err(|e| anyhow!("model `{}`: size: {e}", source.name))?;
        Ok(Opened::Puzzles(Box::new(open_model(
            file,
            size,
            source.rules.as_deref(),
        )?)))
    })
}
