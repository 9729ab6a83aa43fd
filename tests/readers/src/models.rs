//! Files of models, checkpoints and their configurations.

use crate::choice;
use crate::memory::within;
use recurra::model::import::{
    ImportedTensor, TableRows, config_from_yaml, read_checkpoint, weights_from_tensors,
};
use recurra::train::{CheckpointHead, Trainer};
use recurra::{Model, Solver};
use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use std::sync::OnceLock;
use zip::write::{SimpleFileOptions, ZipWriter};

/// A model file, and a step of thinking with what it holds.
pub fn model(bytes: &[u8]) {
    let limit = (16 << 20) + 32 * bytes.len();
    let Ok(model) = within(limit, || Model::from_bytes(bytes)) else {
        return;
    };
    let written = model.to_bytes();
    let again = Model::from_bytes(&written).expect("what is written can be read");
    assert_eq!(again.to_bytes(), written);
    // A step takes as long as the file's cycles say, which is the file's own affair.
    let config = model.config();
    if config.calls_per_step() > 40
        || config.seq_len > 300
        || config.hidden_size > 256
        || config.num_layers > 4
    {
        return;
    }
    let Ok(solver) = Solver::new(&model, 1) else {
        return;
    };
    let Ok(task) = solver.task() else { return };
    let Some(pair) = task.generate(1, 0, &|_| true) else {
        return;
    };
    let mut options = solver.options();
    options.stop.max_steps = 2;
    options.restarts = 1;
    if let Ok(answer) = solver.ask_with(task.line(&pair.question), &options)
        && answer.verified == Some(true)
    {
        let answer = task.read_answer(&answer.text).expect("an answer is one");
        assert_eq!(task.verify(&pair.question, &answer), Some(true));
    }
}

/// A checkpoint of PyTorch: the archive as it is, or its pickle alone, in an archive that is whole.
pub fn torch(bytes: &[u8]) {
    let Some((whole, rest)) = choice(bytes, 4) else {
        return;
    };
    let archive;
    let bytes: &[u8] = match whole {
        0 => rest,
        _ => {
            archive = archive_of(rest);
            &archive
        }
    };
    let limit = (24 << 20) + 64 * bytes.len();
    let read = within(limit, || read_checkpoint(bytes));
    if let Ok(tensors) = &read {
        for tensor in tensors.values() {
            assert_eq!(tensor.shape.iter().product::<usize>(), tensor.data.len());
        }
    }
    let rows = within(limit, || {
        TableRows::open(Cursor::new(bytes), "puzzle_emb.weights")
    });
    drop(rows);
}

/// What `torch.save` writes around a pickle: 64 numbers in storage 0, 8 in storage 1.
fn archive_of(pickle: &[u8]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let numbers: Vec<u8> = (0..64u8).flat_map(|i| f32::from(i).to_le_bytes()).collect();
    let entries: [(&str, &[u8]); 4] = [
        ("a/data.pkl", pickle),
        ("a/byteorder", b"little"),
        ("a/data/0", &numbers),
        ("a/data/1", &numbers[..32]),
    ];
    for (name, data) in entries {
        zip.start_file(name, stored).expect("memory has room");
        zip.write_all(data).expect("memory has room");
    }
    zip.finish().expect("memory has room").into_inner()
}

/// The YAML beside a checkpoint.
pub fn yaml(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    static TENSORS: OnceLock<[BTreeMap<String, ImportedTensor>; 2]> = OnceLock::new();
    let tensors = TENSORS.get_or_init(|| ["mlp_sudoku9", "att_rope"].map(tensors_of));
    for tensors in tensors {
        let limit = (8 << 20) + 512 * bytes.len();
        let config = within(limit, || config_from_yaml(text, tensors, Some(81)));
        if let Ok(config) = config {
            // Whether the weights fit is told, whatever the numbers are.
            drop(weights_from_tensors(&config, tensors));
        }
    }
}

fn tensors_of(model: &str) -> BTreeMap<String, ImportedTensor> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/reference");
    let file = format!("{folder}/{model}/model.safetensors");
    read_checkpoint(&std::fs::read(file).expect("it is in the repository")).expect("it is whole")
}

/// The checkpoint of a training.
pub fn checkpoint(bytes: &[u8]) {
    drop(CheckpointHead::read(bytes));
    let limit = (32 << 20) + 64 * bytes.len();
    let read = within(limit, || Trainer::from_checkpoint(bytes, 1));
    if let Ok((trainer, notes)) = read {
        let written = trainer.to_checkpoint(&notes);
        Trainer::from_checkpoint(&written, 1).expect("what is written can be read");
    }
}
