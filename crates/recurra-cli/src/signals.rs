//! Signals that ask the program to end: Ctrl-C, and where there are such, TERM and HUP. What is worth keeping is kept first.

use anyhow::anyhow;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

/// The number of the signal of Ctrl-C.
pub(crate) const INTERRUPT: i32 = 2;

/// Whether the program was asked to end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stop(Arc<AtomicI32>);

impl Stop {
    /// Listens from now on. The first signal is noted and `then` is called, on a thread of its own; whoever asks a second time does not
    /// want to wait for what is being kept: the program ends at once.
    pub(crate) fn listen(then: impl FnOnce(i32) + Send + 'static) -> anyhow::Result<Self> {
        let stop = Stop::default();
        let noted = stop.clone();
        let mut then = Some(then);
        let note = move |signal| {
            noted.0.store(signal, Ordering::Relaxed);
            match then.take() {
                Some(then) => drop(std::thread::spawn(move || then(signal))),
                None => std::process::exit(128 + signal),
            }
        };
        watch(note).map_err(|e| anyhow!("signals: {e}"))?;
        Ok(stop)
    }

    /// The signal that asked, if any did.
    pub(crate) fn asked(&self) -> Option<i32> {
        Some(self.0.load(Ordering::Relaxed)).filter(|&signal| signal != 0)
    }
}

#[cfg(unix)]
fn watch(mut note: impl FnMut(i32) + Send + 'static) -> std::io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let ignored = ignored();
    let heard = [SIGINT, SIGTERM, SIGHUP].into_iter();
    // What `nohup`, or a shell that starts something in the background, has turned off stays off.
    let heard = heard.filter(|signal| ignored >> (signal - 1) & 1 == 0);
    let mut signals = signal_hook::iterator::Signals::new(heard)?;
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || signals.forever().for_each(&mut note))?;
    Ok(())
}

/// The signals that this process was started to ignore, a bit each, as far as the system tells.
#[cfg(unix)]
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}

#[cfg(not(unix))]
fn watch(mut note: impl FnMut(i32) + Send + 'static) -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(move || note(INTERRUPT))
}
