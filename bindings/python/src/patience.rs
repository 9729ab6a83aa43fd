//! Long work: other Python threads run meanwhile, and Ctrl-C ends it.

use pyo3::prelude::*;
use std::panic::resume_unwind;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// How often this thread looks for signals.
const PAUSE: Duration = Duration::from_millis(20);

/// Does work on a thread of its own, while this one looks for signals: only the thread that called can take them. Where a signal's
/// handler raises, as that of Ctrl-C does, `cancel` is called, and the exception is the result when the work has ended.
pub(crate) fn patiently<T: Send>(
    py: Python<'_>,
    cancel: &(dyn Fn() + Sync),
    work: impl FnOnce() -> T + Send,
) -> PyResult<T> {
    py.detach(|| {
        thread::scope(|scope| {
            let (working, ended) = channel::<()>();
            let worker = scope.spawn(move || {
                let _ends_with_the_work = working;
                work()
            });
            let mut raised = None;
            while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(PAUSE) {
                if raised.is_none()
                    && let Err(error) = Python::attach(|py| py.check_signals())
                {
                    cancel();
                    raised = Some(error);
                }
            }
            let result = worker.join().unwrap_or_else(|panic| resume_unwind(panic));
            raised.map_or(Ok(result), Err)
        })
    })
}
