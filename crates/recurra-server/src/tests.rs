//! What unit tests need.

use crate::settings::{Limits, LogForm, Settings};

/// Settings of a server that listens nowhere.
pub(crate) fn settings() -> Settings {
    Settings {
        models: Vec::new(),
        listen: None,
        unix: None,
        threads: 1,
        cache: None,
        cache_size: 1,
        cache_memory: None,
        upstream: None,
        upstream_model: None,
        upstream_key: None,
        similar: None,
        learnt: None,
        page: None,
        mcp: false,
        limits: Limits::default(),
        keys: Vec::new(),
        allowed_hosts: Vec::new(),
        allowed_origins: Vec::new(),
        tls: None,
        log: LogForm::Off,
    }
}
