//! What all handlers share.

use crate::body::Budget;
use crate::desk::Desk;
use crate::guard::Guard;
use crate::models::Models;
use crate::settings::Settings;
use crate::upstream::Upstream;
use metrics_exporter_prometheus::PrometheusHandle;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What all handlers share.
pub(crate) struct State {
    pub(crate) settings: Settings,
    pub(crate) models: Models,
    /// What texts are embedded by, for models of vectors.
    pub(crate) upstream: Option<Upstream>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) guard: Guard,
    pub(crate) bodies: Budget,
    pub(crate) metrics: PrometheusHandle,
    /// Whether it is about to stop.
    pub(crate) stopping: AtomicBool,
}

/// The same, as handlers have it.
pub(crate) type Shared = Arc<State>;
