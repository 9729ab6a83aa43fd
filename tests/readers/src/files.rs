//! Arrays, pairs of vectors, caches and predictors.

use crate::choice;
use crate::memory::within;
use recurra::cache::{Store, StoreOptions};
use recurra::model::ModelId;
use recurra::reading::arrays::npy::NpyReader;
use recurra::tasks::Task;
use recurra::thinking::{Features, KPredictor, Limits, Outcome};
use recurra::vectors::Pairs;
use recurra::{TaskSpec, VectorSpec};
use std::io::{Cursor, Write};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use zip::write::{SimpleFileOptions, ZipWriter};

/// NumPy's arrays, as puzzles, as tokens, and in an archive.
pub fn arrays(bytes: &[u8]) {
    static TASK: OnceLock<Arc<dyn Task>> = OnceLock::new();
    let task = TASK.get_or_init(|| TaskSpec::Sudoku { size: 4 }.task().expect("it is a size"));
    let Some((form, rest)) = choice(bytes, 4) else {
        return;
    };
    let limit = (4 << 20) + 64 * bytes.len();
    let read = |bytes: &[u8]| {
        within(limit, || {
            for entry in task.read(Box::new(bytes)).take(1000) {
                if let Ok(puzzle) = entry.result {
                    assert_eq!(puzzle.question.len(), task.seq_len());
                }
            }
        });
    };
    match form {
        0 => {
            let mut file = within(limit, || {
                NpyReader::new(Cursor::new(rest), rest.len() as u64)
            });
            while let Ok(reader) = &mut file {
                match reader.next_row() {
                    Ok(Some(row)) => drop(row.count()),
                    _ => break,
                }
            }
        }
        1 => {
            // Two members of an archive, parted where the first byte says.
            let at = rest
                .first()
                .map_or(0, |&at| usize::from(at))
                .min(rest.len());
            let (first, second) = rest.split_at(at);
            let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
            let stored =
                SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
            for (name, data) in [("quizzes.npy", second), ("solutions.npy", first)] {
                zip.start_file(name, stored).expect("memory has room");
                zip.write_all(data).expect("memory has room");
            }
            read(&zip.finish().expect("memory has room").into_inner());
        }
        _ => read(rest),
    }
}

/// Pairs of vectors.
pub fn pairs(bytes: &[u8]) {
    let limit = (4 << 20) + 64 * bytes.len();
    let Ok(pairs) = within(limit, || Pairs::from_bytes(bytes)) else {
        return;
    };
    if pairs.validate().is_err() {
        return;
    }
    assert!(!pairs.is_empty());
    let spec = VectorSpec {
        embedder: pairs.embedder.name.clone().unwrap_or_default(),
        hash: pairs.embedder.hash.clone().unwrap_or_default(),
        dimension: pairs.dimension,
        norm: pairs.norm(),
        questions: 1,
        neighbours: 0,
        in_turn: false,
    };
    if pairs.check(&spec).is_ok() {
        // A model takes them.
        for i in 0..pairs.len() {
            let row = pairs.row(i);
            let mut all = [row.question, row.initial, row.answer, row.negatives]
                .into_iter()
                .flatten();
            assert!(all.all(|x| x.is_finite()));
        }
    }
    drop(pairs.distinct_answers());
}

/// What is learnt of K. The checksum is put right, so that what is behind it is reached.
pub fn predictor(bytes: &[u8]) {
    let Some((form, rest)) = choice(bytes, 4) else {
        return;
    };
    let mut bytes = rest.to_vec();
    if form > 0 {
        let sum = rest.iter().fold(0xcbf2_9ce4_8422_2325u64, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        bytes.extend(sum.to_le_bytes());
    }
    let limit = (4 << 20) + 64 * bytes.len();
    let read = within(limit, || KPredictor::from_bytes(&bytes, "model"));
    let Ok(mut predictor) = read else { return };
    let written = predictor.to_bytes();
    let again = KPredictor::from_bytes(&written, "model").expect("what is written can be read");
    assert_eq!(again.to_bytes(), written);
    let features =
        Features::of_question(&[2, 0, 1, 1], 6, |token| token >= 2, [&[0.1f32, 0.2][..]]);
    let limits = Limits {
        min_k: 1,
        max_k: 16,
        quantile: 0.9,
    };
    for steps in 1..4 {
        let foretold = predictor.predict(&features, &limits);
        assert!((limits.min_k..=limits.max_k).contains(&foretold.budget));
        predictor.learn(&features, Outcome::Solved { steps });
    }
}

/// The file of a cache: any bytes, or a whole one with some bytes changed. A key that it knows has the value that was put.
pub fn store(bytes: &[u8]) {
    static WHOLE: OnceLock<Vec<u8>> = OnceLock::new();
    let folder = folder();
    let whole = WHOLE.get_or_init(|| {
        let path = folder.join("whole");
        let store = Store::open(&path, options()).expect("a new file");
        for i in 0..40u8 {
            store.put(&ModelId([i % 3; 32]), &[i; 20], &value(i));
        }
        drop(store);
        std::fs::read(path).expect("it was written")
    });
    let Some((form, rest)) = choice(bytes, 4) else {
        return;
    };
    let changed;
    let file: &[u8] = match form {
        0 => rest,
        _ => {
            let mut whole = whole.clone();
            for change in rest.chunks_exact(4) {
                let at = usize::from(u16::from_le_bytes([change[0], change[1]]));
                // The records stand at the front; a cut now and then.
                match change[2] {
                    0 => whole.truncate(at),
                    _ if at < whole.len() => whole[at] = change[3],
                    _ => {}
                }
            }
            changed = whole;
            &changed
        }
    };
    let path = folder.join("changed");
    std::fs::write(&path, file).expect("there is room");
    let Ok(store) = within((24 << 20) + 16 * file.len(), || {
        Store::open(&path, options())
    }) else {
        return;
    };
    drop(store.verify());
    for i in 0..40u8 {
        if let Ok(Some(found)) = store.get(&ModelId([i % 3; 32]), &[i; 20]) {
            assert_eq!(found, value(i), "a value that was never put");
        }
    }
    store.put(&ModelId([9; 32]), b"new", b"value");
    let found = store
        .get(&ModelId([9; 32]), b"new")
        .expect("it is in memory");
    assert_eq!(found.as_deref(), Some(&b"value"[..]));
}

fn value(i: u8) -> Vec<u8> {
    (0..60).map(|j| i ^ j).collect()
}

fn options() -> StoreOptions {
    StoreOptions {
        max_bytes: 1 << 20,
        max_waiting: 1 << 16,
        commit_every: Duration::from_millis(1),
    }
}

/// A folder of this process, in memory where the system has such a one.
fn folder() -> &'static PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let memory = PathBuf::from("/dev/shm");
        let base = if memory.is_dir() {
            memory
        } else {
            std::env::temp_dir()
        };
        let folder = base.join(format!("recurra-fuzz-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder for temporary files");
        folder
    })
}
