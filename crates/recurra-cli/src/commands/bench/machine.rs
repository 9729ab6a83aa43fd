//! What the operating system tells of the processor.

#[cfg(target_os = "linux")]
use std::fs::read_to_string;

/// The processor's name.
#[cfg(target_os = "linux")]
pub(super) fn cpu() -> Option<String> {
    let info = read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// Bytes of the cache of a level (2 or above) that the first core uses.
#[cfg(target_os = "linux")]
pub(super) fn cache(level: usize) -> Option<usize> {
    // Index 0 and 1 are the first level's, of data and of instructions.
    let path = format!("/sys/devices/system/cpu/cpu0/cache/index{level}/size");
    let kib = read_to_string(path).ok()?;
    let kib: usize = kib.trim().strip_suffix('K')?.parse().ok()?;
    kib.checked_mul(1024)
}

/// Processes that want to run, as a mean over a minute.
#[cfg(target_os = "linux")]
pub(super) fn load() -> Option<f64> {
    let text = read_to_string("/proc/loadavg").ok()?;
    text.split(' ').next()?.parse().ok()
}

/// The load, which only Linux tells in a file.
#[cfg(not(target_os = "linux"))]
pub(super) fn load() -> Option<f64> {
    None
}

/// The processor's name, which only Linux tells in a file.
#[cfg(not(target_os = "linux"))]
pub(super) fn cpu() -> Option<String> {
    None
}

/// Bytes of a cache, which only Linux tells in a file.
#[cfg(not(target_os = "linux"))]
pub(super) fn cache(_: usize) -> Option<usize> {
    None
}
