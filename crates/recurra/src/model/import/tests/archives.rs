//! Zip archives that are not quite what torch.save writes.

use super::super::read_checkpoint;
use super::support::{Claim, Pickle, TWO_BY_THREE, f32_bytes, fixture, torch_file, zip_file};
use proptest::prelude::*;
use std::io::{Cursor, Write};
use zip::write::{SimpleFileOptions, ZipWriter};

fn refused(file: &[u8], expected: &str) {
    let message = read_checkpoint(file).unwrap_err().to_string();
    assert!(message.contains(expected), "{message}");
}

fn small_file() -> Vec<u8> {
    let storage = f32_bytes((0..6).map(|i| i as f32));
    torch_file(&Pickle::state(&[("w", TWO_BY_THREE)]), &[&storage])
}

#[test]
fn other_archives_are_refused() {
    let pickle = Pickle::state(&[]);
    refused(
        &zip_file(&[("word/document.xml", b"")]),
        "not one of torch.save",
    );
    refused(
        &zip_file(&[("a/b/data.pkl", &pickle)]),
        "not one of torch.save",
    );
    refused(
        &zip_file(&[("a/data.pkl", &pickle), ("b/data.pkl", &pickle)]),
        "more than one folder",
    );
    refused(
        &zip_file(&[("a/data.pkl", &pickle), ("a/byteorder", b"big")]),
        "byteorder: expected little, found big",
    );
    assert!(read_checkpoint(&zip_file(&[("a/data.pkl", &pickle)])).is_ok());
}

/// Positions of `needle`.
fn all(bytes: &[u8], needle: &[u8]) -> Vec<usize> {
    (0..bytes.len())
        .filter(|&at| bytes[at..].starts_with(needle))
        .collect()
}

#[test]
fn compressed_and_encrypted_entries_are_refused() {
    let file = small_file();
    let locals = all(&file, b"PK\x03\x04");
    let centrals = all(&file, b"PK\x01\x02");
    assert_eq!((locals.len(), centrals.len()), (3, 3));
    for method in [8, 93, 14] {
        let mut file = file.clone();
        file[locals[2] + 8] = method;
        file[centrals[2] + 10] = method;
        refused(&file, "entry `step_1/data/0` is compressed");
    }
    let mut file = file;
    file[locals[2] + 6] |= 1;
    file[centrals[2] + 8] |= 1;
    refused(&file, "entry `step_1/data/0` is encrypted");
}

#[test]
fn claimed_sizes_are_checked() {
    let file = small_file();
    let central = all(&file, b"PK\x01\x02")[2];
    let with_sizes = |compressed: u32, size: u32| {
        let mut file = file.clone();
        file[central + 20..central + 24].copy_from_slice(&compressed.to_le_bytes());
        file[central + 24..central + 28].copy_from_slice(&size.to_le_bytes());
        file
    };
    refused(&with_sizes(24, 1 << 30), "two different sizes");
    refused(&with_sizes(1 << 30, 1 << 30), "larger than the file");
    refused(&with_sizes(23, 23), "checksum");
    refused(&with_sizes(100, 100), "step_1/data/0`");
    assert!(read_checkpoint(&with_sizes(24, 24)).is_ok());

    // Damage in the numbers themselves.
    let mut file = file.clone();
    let at = all(&file, &f32_bytes([4.0, 5.0]))[0];
    file[at] ^= 1;
    refused(&file, "its checksum does not fit");
}

#[test]
fn entries_over_one_another_are_refused() {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let storage = vec![0; 4096];
    let keys: Vec<String> = (0..20).map(|i| i.to_string()).collect();
    let claims: Vec<_> = keys
        .iter()
        .map(|key| {
            let claim = Claim {
                key,
                numel: 1024,
                ..TWO_BY_THREE
            };
            (key.as_str(), claim)
        })
        .collect();
    zip.start_file("s/data.pkl", stored).unwrap();
    zip.write_all(&Pickle::state(&claims)).unwrap();
    zip.start_file("s/data/0", stored).unwrap();
    zip.write_all(&storage).unwrap();
    for key in &keys[1..] {
        zip.shallow_copy_file("s/data/0", &format!("s/data/{key}"))
            .unwrap();
    }
    let file = zip.finish().unwrap().into_inner();
    refused(&file, "lies over another entry");
}

#[test]
fn every_truncation_is_an_error() {
    let file = small_file();
    assert!(read_checkpoint(&file).is_ok());
    for length in 0..file.len() {
        read_checkpoint(&file[..length]).unwrap_err();
    }
}

#[test]
fn claimed_numbers_of_entries_are_checked() {
    let file = small_file();
    let end = file.len() - 22;
    for (at, claim) in [
        (8, [0xff; 4]),
        (8, [0xfe, 0xff, 0xfe, 0xff]),
        (12, [0xff; 4]),
        (16, [0xff; 4]),
    ] {
        let mut file = file.clone();
        file[end + at..end + at + 4].copy_from_slice(&claim);
        // Whether the crate takes a wrong size of the directory or not: no more than what is there is read.
        if let Ok(tensors) = read_checkpoint(&file) {
            assert_eq!(tensors.len(), 1);
        }
    }
}

proptest! {
    #![proptest_config(crate::testing::cases(256))]

    #[test]
    fn changed_bytes_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut file = small_file();
        for (at, byte) in changes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        let _ = read_checkpoint(&file);
    }

    /// The directory at the end of a file of PyTorch, and the records around it.
    #[test]
    fn changed_directories_never_panic(back in 0usize..1600, byte in any::<u8>()) {
        let mut file = fixture("mlp_no_puzzle", "checkpoint.pt");
        let at = file.len() - 1 - back;
        file[at] = byte;
        let _ = read_checkpoint(&file);
    }

    #[test]
    fn changed_safetensors_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut file = fixture("mlp_no_puzzle", "model.safetensors");
        for (at, byte) in changes {
            let at = at.index(1200);
            file[at] = byte;
        }
        let _ = read_checkpoint(&file);
    }
}
