//! Training, with a callback on the thread that asked for it.

use crate::error;
use pyo3::prelude::*;
use recurra_cli::embedded::{self, Row};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

/// How often this thread looks for signals.
const PAUSE: Duration = Duration::from_millis(20);

/// Trains as `recurra train` does with these flags. `callback` gets the JSON of a line of the log after every step; where it gives
/// `False`, the training ends. Gives the model's path, and whether it ended before its time. Where the callback or a signal's handler
/// raises, the state is saved first.
#[pyfunction]
#[pyo3(signature = (flags, callback=None))]
pub(crate) fn train(
    py: Python<'_>,
    flags: Vec<OsString>,
    callback: Option<Py<PyAny>>,
) -> PyResult<(PathBuf, bool)> {
    let stop = AtomicBool::new(false);
    let watched = callback.is_some();
    let mut raised = None;
    let trained = py.detach(|| {
        thread::scope(|scope| {
            // The training waits for the callback: what it is told is how things stand.
            let (tell, told) = sync_channel::<Row>(0);
            let (answer, answered) = sync_channel::<()>(0);
            let stop = &stop;
            let worker = scope.spawn(move || {
                let mut watch = move |row: &Row| {
                    if watched && tell.send(row.clone()).is_ok() {
                        answered.recv().ok();
                    }
                    !stop.load(Ordering::Relaxed)
                };
                embedded::train(flags, &mut watch)
            });
            loop {
                let event = told.recv_timeout(PAUSE);
                if let Err(RecvTimeoutError::Disconnected) = event {
                    break;
                }
                if raised.is_none() {
                    let go_on = Python::attach(|py| {
                        py.check_signals()?;
                        match (&event, &callback) {
                            (Ok(row), Some(callback)) => {
                                let row = serde_json::to_string(row)
                                    .map_err(|e| error::argument(e.to_string()))?;
                                let said = callback.bind(py).call1((row,))?;
                                Ok(said.is_none() || said.is_truthy()?)
                            }
                            _ => Ok(true),
                        }
                    });
                    match go_on {
                        Ok(true) => {}
                        Ok(false) => stop.store(true, Ordering::Relaxed),
                        Err(error) => {
                            stop.store(true, Ordering::Relaxed);
                            raised = Some(error);
                        }
                    }
                }
                if event.is_ok() {
                    answer.send(()).ok();
                }
            }
            worker
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    });
    if let Some(error) = raised {
        return Err(error);
    }
    let trained = trained.map_err(error::of_program)?;
    Ok((trained.model, trained.interrupted))
}
