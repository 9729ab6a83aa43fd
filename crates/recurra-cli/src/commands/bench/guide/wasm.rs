//! The gain of SIMD128 in WebAssembly, in Node, where it and the built package are there.

use super::Subjects;
use super::kernels::MODEL;
use super::statistics::Gain;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

const SCRIPT: &str = include_str!("wasm.mjs");

/// Measures it, or says why not.
pub(super) fn measure(subjects: &Subjects, package: &Path) -> Result<Gain, String> {
    if !package.join("wasm").is_dir() {
        return Err(format!(
            "{}: expected the built package (node bindings/build.mjs), or --npm",
            package.display()
        ));
    }
    let model = subjects.folder.join(format!("{MODEL}.safetensors"));
    let mut node = Command::new("node")
        .args(["--input-type=module", "-"])
        .arg(package)
        .arg(&model)
        .arg(subjects.effort.rounds.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| format!("node: {e}"))?;
    // A program that ends early says so by its status.
    if let Some(mut script) = node.stdin.take() {
        let _ = script.write_all(SCRIPT.as_bytes());
    }
    let output = node.wait_with_output().map_err(|e| format!("node: {e}"))?;
    if !output.status.success() {
        return Err(format!("node: {}", output.status));
    }
    let ratios: Vec<f64> =
        serde_json::from_slice(&output.stdout).map_err(|e| format!("node: {e}"))?;
    if ratios.is_empty() {
        return Err("node: expected ratios, found none".into());
    }
    Ok(Gain::new(ratios, format!("{MODEL}, f32, one worker")))
}
