//! Serves tiny recursive models: HTTP for programs, and tools for language models by the Model Context Protocol.
//!
//! The program's commands `serve` and `mcp` are [`serve`] and [`mcp_stdio`]. Every question, by whichever way it comes, goes through
//! `ask.rs` (limits) and `desk.rs` (the shared executor), and every failure is a `Problem`.

mod adapters;
mod ask;
mod body;
mod desk;
mod guard;
mod http;
mod listen;
mod log;
mod mcp;
mod measure;
mod models;
mod problem;
mod queue;
mod settings;
mod state;
mod upstream;

pub use guard::Key;
pub use models::{Open, Opened};
pub use settings::{ConfigFile, Limits, LogForm, ModelSource, Settings, TlsFiles};

use anyhow::anyhow;
use body::Budget;
use desk::Desk;
use guard::Guard;
use listen::Doors;
use models::Models;
use state::{Shared, State};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use upstream::Upstream;

/// How long connections are still taken after a stop was asked for, so that nobody finds a closed door who was told of an
/// open one.
const GRACE: Duration = Duration::from_millis(300);

/// Serves models over HTTP until the process is told to stop (SIGTERM, SIGINT); then answers what was accepted, and returns.
/// SIGHUP reads the models again. `opened` is called with the addresses.
///
/// # Errors
/// What cannot be opened: a model, an address, a file.
pub fn serve(settings: Settings, open: Open, opened: impl FnOnce(&[String])) -> anyhow::Result<()> {
    settings.check()?;
    log::start(settings.log);
    // Connections are files; what the system gives beyond the usual is taken.
    rlimit::increase_nofile_limit(u64::MAX).ok();
    let state = prepare(settings, open)?;
    // Its threads wait and copy; those of the desk think.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(state.settings.threads.clamp(1, 4))
        .enable_all()
        .build()?;
    let served = runtime.block_on(async {
        let doors = Doors::open(&state.settings).await?;
        let router = http::router(&state);
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(watch_signals(state.clone(), stop)?);
        opened(&doors.addresses());
        doors.serve(router, &state.settings, stopped).await;
        anyhow::Ok(())
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    state.desk.stop();
    served?;
    Ok(state.models.flush()?)
}

/// Offers models as tools over standard input and output until the other side closes them.
///
/// # Errors
/// As [`serve`].
pub fn mcp_stdio(settings: Settings, open: Open) -> anyhow::Result<()> {
    settings.check()?;
    log::start(settings.log);
    let state = prepare(settings, open)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let served = runtime.block_on(mcp::stdio(&state));
    // Reading from standard input cannot be interrupted.
    runtime.shutdown_background();
    state.desk.stop();
    served?;
    Ok(state.models.flush()?)
}

fn prepare(settings: Settings, open: Open) -> anyhow::Result<Shared> {
    let metrics = measure::start()?;
    let models = Models::open(&settings, open)?;
    let upstream = settings.upstream.as_ref().map(|url| {
        let key = settings.upstream_key.as_deref();
        Upstream::new(url, settings.upstream_model.clone(), key)
    });
    let upstream = upstream.transpose()?;
    let desk = Desk::start(&settings).map_err(|e| anyhow!("threads: {e}"))?;
    Ok(Arc::new(State {
        guard: Guard::new(&settings),
        bodies: Budget::new(settings.limits.bodies),
        stopping: AtomicBool::new(false),
        models,
        upstream,
        desk,
        metrics,
        settings,
    }))
}

/// Reads models again at SIGHUP, stops at SIGTERM and SIGINT.
fn watch_signals(
    state: Shared,
    stop: watch::Sender<bool>,
) -> std::io::Result<impl Future<Output = ()>> {
    let mut hangup = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        loop {
            tokio::select! {
                _ = hangup.recv() => {
                    let state = state.clone();
                    tokio::task::spawn_blocking(move || match state.models.read(&state.settings) {
                        Ok(()) => tracing::info!("models were read again"),
                        // It names files, which is for who runs the server.
                        Err(error) => tracing::error!(%error, "models stay as they were"),
                    });
                }
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
            }
        }
        tracing::info!("stopping");
        state.stopping.store(true, Ordering::Relaxed);
        tokio::time::sleep(GRACE).await;
        stop.send(true).ok();
        // Who asks a second time means it.
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        std::process::exit(1);
    })
}
