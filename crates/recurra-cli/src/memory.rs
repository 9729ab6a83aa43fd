//! How much memory is free, and what would not fit into it.

use crate::exit::UsageError;
use sysinfo::{MemoryRefreshKind, ProcessesToUpdate, RefreshKind, System, get_current_pid};

/// Bytes that this process can still get: what the machine, or the control group that it runs in, has left. All there may be where
/// nobody tells.
pub(crate) fn free() -> u64 {
    let memory = MemoryRefreshKind::nothing().with_ram();
    let system = System::new_with_specifics(RefreshKind::nothing().with_memory(memory));
    let group = system
        .cgroup_limits()
        .map_or(u64::MAX, |limits| limits.free_memory);
    match system.available_memory().min(group) {
        0 => u64::MAX,
        free => free,
    }
}

/// Bytes that this process has in memory; none where nobody tells.
pub(crate) fn resident() -> Option<u64> {
    let process = get_current_pid().ok()?;
    let mut system = System::new();
    system.refresh_processes(ProcessesToUpdate::Some(&[process]), false);
    Some(system.process(process)?.memory())
}

/// Refuses more of something than fit into memory, where each takes so many bytes.
pub(crate) fn fits(flag: &str, asked: u64, each: u64, things: &str) -> Result<(), UsageError> {
    let (each, free) = (each.max(1), free());
    let most = (free / each).max(1);
    if asked <= most {
        return Ok(());
    }
    Err(UsageError(format!(
        "{flag}: expected at most {most} {things}, as {} of memory are free and each takes {}; found {asked}",
        told(free),
        told(each)
    )))
}

/// A number of bytes as people write it.
pub(crate) fn told(bytes: u64) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let power = (bytes.max(1).ilog2() / 10).min(4);
    match power {
        0 => format!("{bytes} bytes"),
        _ => format!(
            "{:.1} {}",
            bytes as f64 / f64::from(1u32 << 10).powi(power as i32),
            units[power as usize]
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_and_what_does_not() {
        assert!(free() > 1 << 20);
        assert!(resident().is_none_or(|bytes| bytes > 1 << 20));
        assert!(fits("--pool", 10, 100, "puzzles").is_ok());
        let error = fits("--pool", u64::MAX, 1 << 20, "puzzles").unwrap_err().0;
        assert!(
            error.starts_with("--pool: expected at most ") && error.contains("each takes 1.0 MiB"),
            "{error}"
        );
        assert_eq!(
            [0, 1023, 1024, 3 << 29].map(told),
            ["0 bytes", "1023 bytes", "1.0 KiB", "1.5 GiB"]
        );
    }
}
