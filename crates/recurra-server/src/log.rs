//! Logs, on standard error.

use crate::settings::LogForm;
use tracing_subscriber::EnvFilter;

/// Begins to log. `RUST_LOG` says what; without it, requests and what happens to the server.
pub(crate) fn start(form: LogForm) {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("warn,recurra_server=info,recurra::access=info"));
    let logs = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(filter);
    // A second start in one process changes nothing.
    match form {
        LogForm::Off => {}
        LogForm::Json => drop(
            logs.json()
                .flatten_event(true)
                .with_current_span(false)
                .try_init(),
        ),
        LogForm::Text => drop(logs.with_target(false).try_init()),
    }
}
