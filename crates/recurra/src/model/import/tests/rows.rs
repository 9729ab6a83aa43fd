//! Rows of tables that are not loaded.

use super::super::{TableRows, read_checkpoint};
use super::support::{
    Claim, Pickle, TWO_BY_THREE, f32_bytes, fixture, safetensors_file, torch_file,
};
use crate::model::import::ImportedTensor;
use half::bf16;
use proptest::prelude::*;
use safetensors::Dtype;
use std::io::{Cursor, Read, Seek, SeekFrom};

const TABLE: &str = "puzzle_emb.weights";

fn rows(file: &[u8], name: &str, rows: &[usize]) -> Result<Vec<f32>, String> {
    let table = TableRows::open(Cursor::new(file), name);
    let read = table.and_then(|mut table| table.read(rows));
    read.map(|matrix| matrix.to_vec())
        .map_err(|e| e.to_string())
}

#[test]
fn rows_are_those_of_the_whole_table() {
    for (model, file) in [
        ("att_rope", "checkpoint.pt"),
        ("att_rope", "model.safetensors"),
        ("mlp_sudoku9", "model.safetensors"),
    ] {
        let bytes = fixture(model, file);
        let tensors = read_checkpoint(&bytes).unwrap();
        let ImportedTensor { shape, data } = &tensors[TABLE];
        let table = TableRows::open(Cursor::new(&bytes), TABLE).unwrap();
        assert_eq!(table.shape()[..], shape[..]);
        let wanted = [shape[0] - 1, 0, 0];
        let expected: Vec<f32> = (wanted.iter())
            .flat_map(|row| data[row * shape[1]..][..shape[1]].iter().copied())
            .collect();
        assert_eq!(
            rows(&bytes, TABLE, &wanted).unwrap(),
            expected,
            "{model} {file}"
        );
        assert!(rows(&bytes, TABLE, &[]).unwrap().is_empty());
        let message = rows(&bytes, TABLE, &[0, shape[0]]).unwrap_err();
        let expected = format!("a row below {0}, found {0}", shape[0]);
        assert!(message.contains(&expected), "{message}");
        assert!(rows(&bytes, "lm_head.weight", &[1]).is_ok());
        let message = rows(&bytes, "nothing", &[]).unwrap_err();
        assert_eq!(message, "tensor `nothing`: expected a table, found none");
    }
    let message = rows(&fixture("mlp_no_puzzle", "checkpoint.pt"), TABLE, &[]).unwrap_err();
    assert_eq!(
        message,
        format!("tensor `{TABLE}`: expected a table, found none")
    );
}

#[test]
fn rows_may_lie_apart_in_their_storage() {
    let storage = f32_bytes((0..20).map(|i| i as f32));
    let file = |claim| torch_file(&Pickle::state(&[("inner.t", claim)]), &[&storage]);
    let apart = Claim {
        numel: 20,
        offset: 1,
        shape: &[3, 4],
        strides: &[7, 1],
        ..TWO_BY_THREE
    };
    assert_eq!(
        rows(&file(apart), "t", &[2, 0]).unwrap(),
        [15., 16., 17., 18., 1., 2., 3., 4.]
    );
    let one = Claim {
        shape: &[1, 4],
        strides: &[i64::MAX, 1],
        ..apart
    };
    assert_eq!(rows(&file(one), "t", &[0]).unwrap(), [1., 2., 3., 4.]);
    for (claim, expected) in [
        (
            Claim {
                strides: &[1, 4],
                ..apart
            },
            "numbers lie one after another",
        ),
        (
            Claim {
                shape: &[4, 4],
                ..apart
            },
            "places below 20",
        ),
        (
            Claim {
                shape: &[3, 8],
                ..apart
            },
            "no more than the 20 numbers",
        ),
        (
            Claim {
                shape: &[1 << 40, 1 << 40],
                ..apart
            },
            "no more than the 20 numbers",
        ),
        (
            Claim {
                shape: &[12],
                strides: &[1],
                ..apart
            },
            "expected rows and columns",
        ),
        (
            Claim {
                shape: &[0, 4],
                ..apart
            },
            "at least one number",
        ),
        (Claim { numel: 21, ..apart }, "a storage of 21 numbers"),
        (Claim { key: "1", ..apart }, "`step_1/data/1` is missing"),
        (
            Claim {
                kind: "LongStorage",
                ..apart
            },
            "int64",
        ),
    ] {
        let message = rows(&file(claim), "t", &[0]).unwrap_err();
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn half_precision_is_widened_and_what_is_not_finite_refused() {
    let numbers = [1.5f32, -0.25, f32::NAN, 2.0];
    let bytes: Vec<u8> = numbers
        .iter()
        .flat_map(|&x| bf16::from_f32(x).to_le_bytes())
        .collect();
    let file = safetensors_file(&[("t", Dtype::BF16, &[2, 2], &bytes)]);
    assert_eq!(rows(&file, "t", &[0]).unwrap(), [1.5, -0.25]);
    assert!(rows(&file, "t", &[1]).unwrap_err().contains("NaN"));
    let file = safetensors_file(&[("t", Dtype::I32, &[1, 1], &[0; 4])]);
    assert!(rows(&file, "t", &[0]).unwrap_err().contains("float32"));
}

#[test]
fn other_files_are_refused() {
    let one = 1f32.to_le_bytes();
    let two = safetensors_file(&[
        ("inner.t", Dtype::F32, &[1, 1], &one),
        ("model.inner.t", Dtype::F32, &[1, 1], &one),
    ]);
    assert!(
        rows(&two, "t", &[0])
            .unwrap_err()
            .contains("one tensor of this name")
    );
    for file in [
        &b""[..],
        b"PK",
        b"{}",
        b"\x80\x02}.",
        &[255; 100],
        b"\xff\xff\xff\xff\xff\xff\xff\xff{}",
    ] {
        assert!(rows(file, "t", &[]).is_err());
    }
    // The table ends behind the end of the file.
    let mut file = safetensors_file(&[("t", Dtype::F32, &[2, 2], &[0; 16])]);
    file.truncate(file.len() - 1);
    assert!(
        rows(&file, "t", &[0])
            .unwrap_err()
            .contains("within the file")
    );
    let header = br#"{"t":{"dtype":"F32","shape":[9223372036854775807,9],"data_offsets":[0,16]}}"#;
    let file = [&(header.len() as u64).to_le_bytes(), &header[..], &[0; 16]].concat();
    assert!(rows(&file, "t", &[0]).is_err());
}

/// A file of which only the beginning is in memory, and the rest zeros.
struct Vast {
    start: Vec<u8>,
    length: u64,
    at: u64,
    read: u64,
}

impl Read for Vast {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = (into.len() as u64).min(self.length.saturating_sub(self.at)) as usize;
        for (i, byte) in into[..count].iter_mut().enumerate() {
            let at = usize::try_from(self.at).unwrap() + i;
            *byte = self.start.get(at).copied().unwrap_or(0);
        }
        self.at += count as u64;
        self.read += count as u64;
        Ok(count)
    }
}

impl Seek for Vast {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::End(back) => self.length.saturating_add_signed(back),
            SeekFrom::Current(by) => self.at.saturating_add_signed(by),
        };
        Ok(self.at)
    }
}

#[test]
fn of_a_vast_table_only_the_rows_are_read() {
    // About as many rows as the three sets of ARC-AGI-1 have with 1000 augmentations each: 1.8 GB.
    let (rows, cols) = (876_407u64, 512u64);
    let size = rows * cols * 4;
    let header = format!(
        r#"{{"inner.t":{{"dtype":"F32","shape":[{rows},{cols}],"data_offsets":[0,{size}]}}}}"#
    );
    let mut vast = Vast {
        start: [&(header.len() as u64).to_le_bytes(), header.as_bytes()].concat(),
        length: 8 + header.len() as u64 + size,
        at: 0,
        read: 0,
    };
    let mut table = TableRows::open(&mut vast, "t").unwrap();
    let read = table.read(&[0, 876_406, 5]).unwrap();
    assert_eq!((read.rows(), read.cols()), (3, 512));
    assert_eq!(vast.read, vast.start.len() as u64 + 3 * cols * 4);
}

proptest! {
    #![proptest_config(crate::testing::cases(256))]

    #[test]
    fn damaged_files_do_no_harm(at: usize, byte: u8, cut: usize, torch: bool) {
        let storage = f32_bytes((0..6).map(|i| i as f32));
        let mut file = if torch {
            torch_file(&Pickle::state(&[("t", TWO_BY_THREE)]), &[&storage])
        } else {
            safetensors_file(&[("t", Dtype::F32, &[2, 3], &storage)])
        };
        let length = file.len();
        file[at % length] = byte;
        // Right or refused; the numbers themselves may be damaged too.
        if let Ok(read) = rows(&file, "t", &[1, 0]) {
            prop_assert!(read.len().is_multiple_of(2));
        }
        file.truncate(cut % length);
        let _ = rows(&file, "t", &[1, 0]);
    }
}
