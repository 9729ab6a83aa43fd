//! Progress on standard error; nothing where that is no terminal.

use crate::general;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::time::Duration;

/// A bar for so many things, or a counter where nobody knows how many.
pub(crate) fn bar(total: Option<u64>, things: &str) -> ProgressBar {
    let (bar, template) = match total {
        Some(total) => (
            ProgressBar::new(total),
            "{wide_bar} {human_pos}/{human_len} {prefix}, {rate}, {eta} left  {msg}",
        ),
        None => (
            ProgressBar::new_spinner(),
            "{spinner} {human_pos} {prefix}, {rate}  {msg}",
        ),
    };
    let style = ProgressStyle::with_template(template)
        .expect("the template is well-formed")
        .with_key(
            "rate",
            |state: &ProgressState, out: &mut dyn std::fmt::Write| {
                write!(out, "{:.1}/s", state.per_sec()).ok();
            },
        );
    let bar = bar.with_style(style).with_prefix(things.to_owned());
    if general::quiet() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    if !bar.is_hidden() {
        bar.enable_steady_tick(Duration::from_millis(200));
    }
    bar
}
