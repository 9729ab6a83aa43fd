//! Pictures of `recurra trace`.

use crate::common::{
    PUZZLE, SOLVED, config, copying_model, recurra, refused, status, stderr, stdout,
};
use recurra::TrmConfig;
use recurra::model::{TrmModel, TrmWeights};
use std::path::{Path, PathBuf};

fn fixture(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/npy")).join(name)
}

/// Runs `trace` with both pictures and returns the SVG and the number of frames of the GIF.
#[track_caller]
fn pictures(dir: &Path, model: &Path, arguments: &str, paths: &[&Path]) -> (String, usize) {
    let (svg, gif) = (dir.join("a.svg"), dir.join("a.gif"));
    let paths = [&[model], paths, &[&svg, &gif]].concat();
    let out = recurra(
        &format!("trace {{}} {arguments} --svg {{}} --gif {{}}"),
        &paths,
    );
    assert_eq!(status(&out), Some(0), "{}", stderr(&out));
    assert_eq!((stdout(&out), stderr(&out)), (String::new(), String::new()));
    let bytes = std::fs::read(gif).unwrap();
    let mut reader = gif::DecodeOptions::new().read_info(&bytes[..]).unwrap();
    let mut frames = 0;
    while reader.next_frame_info().unwrap().is_some() {
        frames += 1;
    }
    (std::fs::read_to_string(svg).unwrap(), frames)
}

#[test]
fn every_step_is_drawn_until_the_answer_is_verified() {
    let dir = tempfile::tempdir().unwrap();
    let model = copying_model(dir.path());
    // It says what it was asked: a whole grid is verified at once, the other never.
    let both = format!("{SOLVED} {PUZZLE}");
    let (svg, frames) = pictures(dir.path(), &model, &both, &[]);
    assert_eq!((frames, svg.matches(">halt ").count()), (1 + 4, 5));
    assert_eq!(svg.matches(">verified<").count(), 1);
    assert_eq!(svg.matches(">not verified<").count(), 4);
    assert!(svg.contains(">puzzle 1<") && svg.contains(">puzzle 2<"));
    let short = format!("{PUZZLE} --steps 2");
    assert_eq!(pictures(dir.path(), &model, &short, &[]).1, 2);
    let data = fixture("sudoku4");
    let flags = "--data {} --rows 2,1 --steps 1";
    let (svg, frames) = pictures(dir.path(), &model, flags, &[&data]);
    assert_eq!(frames, 2);
    assert!(svg.contains(">puzzle 1<") && svg.contains(">puzzle 2<"));
}

#[test]
fn a_model_of_no_known_task_is_drawn_in_colours() {
    let dir = tempfile::tempdir().unwrap();
    let config = TrmConfig {
        vocab_size: 12,
        seq_len: 9,
        puzzle_emb_ndim: 16,
        puzzle_emb_len: 1,
        num_puzzle_identifiers: 4,
        ..config()
    };
    let path = dir.path().join("grids.safetensors");
    let model = TrmModel::new(config.clone(), None, TrmWeights::random(&config, 1));
    model.save(&path).unwrap();
    let data = fixture("grids");
    let (svg, frames) = pictures(dir.path(), &path, "--data {} --rows 3", &[&data]);
    assert_eq!(frames, 4);
    assert!(svg.contains(">puzzle 3<") && !svg.contains("verified"));
    let svg = dir.path().join("b.svg");
    let out = recurra(&format!("trace {{}} {PUZZLE} --svg {{}}"), &[&path, &svg]);
    refused(&out, "puzzle 1: expected a model whose task is known");
}

#[test]
fn bad_puzzles_leave_no_picture() {
    let dir = tempfile::tempdir().unwrap();
    let model = copying_model(dir.path());
    let svg = dir.path().join("a.svg");
    let data = fixture("sudoku4");
    for (arguments, paths, part) in [
        (
            "12y............. --svg {}",
            &[&model, &svg][..],
            "puzzle 1: column 3",
        ),
        ("11.............. --svg {}", &[&model, &svg], "puzzle 1"),
        (
            "# --svg {}",
            &[&model, &svg],
            "puzzle 1: expected a puzzle, found none",
        ),
        (
            "--data {} --rows 3 --svg {}",
            &[&model, &data, &svg],
            "puzzle 3: expected a puzzle, found none",
        ),
    ] {
        let paths: Vec<&Path> = paths.iter().map(|path| path.as_path()).collect();
        refused(&recurra(&format!("trace {{}} {arguments}"), &paths), part);
    }
    assert!(!svg.exists());
}

#[test]
fn forms_do_not_mix() {
    let dir = tempfile::tempdir().unwrap();
    let model = copying_model(dir.path());
    for (arguments, part) in [
        ("1...............", "--tensors <IN>"),
        ("--svg a.svg", "expected puzzles to draw, or --data"),
        ("--tensors a --steps 1 -o b --svg c", "cannot be used with"),
        (
            "1............... --tensors a --steps 1 -o b",
            "cannot be used with",
        ),
        ("--tensors a --steps 1", "--output"),
        ("--tensors a -o b", "--steps"),
        ("1............... --svg a -o b", "--tensors"),
        ("1............... --svg a --rows 1", "--data"),
        ("--data a --rows 0 --svg a", "--rows"),
        (
            "1............... --svg a --steps 2001",
            "expected at most 2000 steps",
        ),
    ] {
        let out = recurra(&format!("trace {{}} {arguments}"), &[&model]);
        assert_eq!(status(&out), Some(2), "{arguments}: {}", stderr(&out));
        assert!(stderr(&out).contains(part), "{arguments}: {}", stderr(&out));
    }
}
