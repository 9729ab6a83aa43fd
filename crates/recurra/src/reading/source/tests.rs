//! Every kind of stream against the text that it says.

use super::*;
use crate::reading::arrays::npy::{Header, IntType};
use crate::reading::{Entry, Record};
use crate::tasks::sudoku::{Grid, PuzzleReader};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

const ONE: &str = "1234............";
const TWO: &str = "4321............";

/// The puzzles of a stream, or what is wrong, each with its line.
fn read(bytes: &[u8]) -> Vec<(u64, String)> {
    // A small buffer, as a pipe may give.
    let reader = io::BufReader::with_capacity(7, bytes);
    let shown = |entry: Entry<Record<Grid>>| {
        let text = entry.result.map(|puzzle| {
            let answer = puzzle
                .answer
                .map(|answer| format!(" -> {answer}"))
                .unwrap_or_default();
            format!("{}{answer}", puzzle.question)
        });
        (entry.line, text.unwrap_or_else(|error| error.to_string()))
    };
    PuzzleReader::new(reader, None).map(shown).collect()
}

fn both() -> Vec<(u64, String)> {
    vec![(1, ONE.to_owned()), (2, TWO.to_owned())]
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ::zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        let options = ::zip::write::SimpleFileOptions::default()
            .compression_method(::zip::CompressionMethod::Stored);
        archive.start_file(*name, options).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn array(lines: &[&str]) -> Vec<u8> {
    let header = Header {
        kind: IntType::U8.into(),
        rows: lines.len() as u64,
        columns: Some(lines[0].len() as u64),
    };
    let mut bytes = header.to_bytes();
    bytes.extend(
        lines
            .concat()
            .bytes()
            .map(|byte| if byte == b'.' { 0 } else { byte - b'0' }),
    );
    bytes
}

/// An array with a dictionary of one's own.
fn npy(dictionary: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\0".to_vec();
    bytes.extend((dictionary.len() as u16).to_le_bytes());
    bytes.extend(dictionary.as_bytes());
    bytes.extend(data);
    bytes
}

#[test]
fn packed_and_in_other_letters() {
    let text = format!("{ONE}\n{TWO}\n");
    assert_eq!(read(text.as_bytes()), both());
    let packed = gzip(text.as_bytes());
    assert_eq!(read(&packed), both());
    // Files that were put one behind the other.
    let parts = [
        gzip(format!("{ONE}\n").as_bytes()),
        gzip(format!("{TWO}\n").as_bytes()),
    ]
    .concat();
    assert_eq!(read(&parts), both());
    assert_eq!(
        read(&zip(&[("a/b.txt", text.as_bytes()), ("__MACOSX/x", b"")])),
        both()
    );
    for (mark, order) in [(true, false), (true, true), (false, false), (false, true)] {
        let mut bytes = Vec::new();
        for unit in [
            "\u{feff}".encode_utf16().collect::<Vec<_>>(),
            text.encode_utf16().collect(),
        ]
        .into_iter()
        .skip(usize::from(!mark))
        .flatten()
        {
            bytes.extend(if order {
                unit.to_be_bytes()
            } else {
                unit.to_le_bytes()
            });
        }
        assert_eq!(
            read(&bytes),
            both(),
            "mark {mark}, highest byte first {order}"
        );
    }
    let twice = read(&gzip(&packed));
    assert_eq!(twice.len(), 1);
    assert!(
        twice[0].1.contains("found a file compressed with gzip"),
        "{twice:?}"
    );
    // What is cut short gives what was there, and a message.
    let cut = read(&packed[..packed.len() - 10]);
    assert!(
        cut.last().unwrap().1.contains("expected to read on"),
        "{cut:?}"
    );
    assert!(read(b"\x1f\x8b\x08")[0].1.contains("expected to read on"));
}

#[test]
fn a_bomb_is_one_long_line() {
    let found = read(&gzip(&vec![b'1'; 1 << 24]));
    assert_eq!(
        found,
        [(
            1,
            "line 1: expected a line of at most 4096 bytes, found a longer one".to_owned()
        )]
    );
}

#[test]
fn arrays_are_puzzles() {
    let lines = [ONE, TWO, ONE];
    let all = vec![
        (1, ONE.to_owned()),
        (2, TWO.to_owned()),
        (3, ONE.to_owned()),
    ];
    assert_eq!(read(&array(&lines)), all);
    assert_eq!(read(&gzip(&array(&lines))), all);
    let data: Vec<u8> = lines
        .concat()
        .bytes()
        .map(|byte| if byte == b'.' { 0 } else { byte - b'0' })
        .collect();
    let three = "{'descr': '|i1', 'fortran_order': False, 'shape': (3, 4, 4), }";
    assert_eq!(read(&npy(three, &data)), all);
    let big: Vec<u8> = data
        .iter()
        .flat_map(|&n| f64::from(n).to_be_bytes())
        .collect();
    assert_eq!(read(&npy(&three.replace("|i1", ">f8"), &big)), all);
    // Columns follow one another: the first dimension goes first.
    let turned: Vec<u8> = (0..48)
        .map(|i| data[16 * (i % 3) + 4 * (i / 3 % 4) + i / 12])
        .collect();
    let fortran = three.replace("False", "True");
    assert_eq!(read(&npy(&fortran, &turned)), all);
    let cut = read(&npy(&fortran, &turned[..40]));
    assert!(cut.len() == 1 && cut[0].1.contains("its end"), "{cut:?}");
    // One grid, and one line of cells.
    assert_eq!(
        read(&npy(
            "{'descr': '|u1', 'fortran_order': False, 'shape': (4, 4), }",
            &data[..16]
        )),
        all[..1]
    );
    assert_eq!(
        read(&npy(
            "{'descr': '|u1', 'fortran_order': False, 'shape': (16,), }",
            &data[..16]
        )),
        all[..1]
    );
    // Cut short: what is whole is read.
    let cut = read(&npy(three, &data[..40]));
    assert_eq!(cut[..2], all[..2]);
    assert_eq!(
        cut[2].1,
        "line 3: expected 3 grids in an array, found its end after 2"
    );
    for (dictionary, says) in [
        (
            three.replace("False", "True").replace("(3,", "(300000000,"),
            "an array of more than 256 MiB in Fortran order",
        ),
        (three.replace("|i1", "<U81"), "an array of type '<U81'"),
        (
            three.replace("(3, 4, 4)", "(3, 4, 4, 4)"),
            "an array of 4 dimensions",
        ),
        (
            three.replace("(3, 4, 4)", "(3, 1000, 1000)"),
            "a grid has 1 to 4096 cells",
        ),
    ] {
        let found = read(&npy(&dictionary, &data));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].1.contains(says), "{found:?}");
    }
}

#[test]
fn archives_of_arrays() {
    let solved = ["1234341221434321", "4321214334121234"];
    let archive = zip(&[
        ("solutions.npy", &array(&solved)),
        ("quizzes.npy", &array(&[ONE, TWO])),
    ]);
    let found = read(&archive);
    assert_eq!(
        found,
        [
            (1, format!("{ONE} -> {}", solved[0])),
            (2, format!("{TWO} -> {}", solved[1]))
        ]
    );
    assert_eq!(read(&zip(&[("arr_0.npy", &array(&[ONE, TWO]))])), both());
    let says = |files: &[(&str, &[u8])], says: &str| {
        let found = read(&zip(files));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].1.contains(says), "{found:?}");
    };
    says(
        &[("a.npy", &array(&[ONE])), ("b.npy", &array(&[ONE]))],
        "found `a`, `b`",
    );
    says(
        &[
            ("puzzle.npy", &array(&[ONE])),
            ("solution.npy", &array(&solved)),
        ],
        "expected 1 grids in the array `solution`",
    );
    says(&[("x/data.pkl", b"")], "a checkpoint of torch.save");
    says(
        &[("[Content_Types].xml", b""), ("xl/workbook.xml", b"")],
        "an Excel workbook",
    );
    says(
        &[("a.csv", b""), ("b.csv", b"")],
        "a zip archive of 2 files, the first `a.csv`: unpack it",
    );
    says(&[], "an empty zip archive");
    assert!(read(b"PK\x03\x04nothing")[0].1.contains("damaged"));
}

#[test]
fn games_of_opensudoku() {
    let state: String = ONE
        .chars()
        .map(|c| {
            if c == '.' {
                "3|-|1|".to_owned()
            } else {
                format!("{c}|-|0|")
            }
        })
        .collect();
    let text = format!(
        "<?xml version=\"1.0\"?>\n<opensudoku>\n<name>a</name>\n<game data=\"{ONE}\" />\n<!-- \n -->\n<game state=\"1\" data=\"{TWO}\"/></opensudoku>"
    );
    assert_eq!(
        read(text.as_bytes()),
        [(4, ONE.to_owned()), (7, TWO.to_owned())]
    );
    // Only games of 81 cells are saved with a state.
    let nine = "..8.....79...7..6.427..8......72.5.9...8.5...2.9.13......2..971.9..8...43.....2..";
    let saved: String = nine
        .chars()
        .map(|c| {
            if c == '.' {
                "3|-|1|".to_owned()
            } else {
                format!("{c}|-|0|")
            }
        })
        .collect();
    let text = format!(
        "<opensudoku><folder><game data=\"version: 2&#10;{saved}\"/></folder></opensudoku>"
    );
    assert_eq!(read(text.as_bytes()), [(1, nine.to_owned())]);
    assert_eq!(state.len(), 16 * 6);
    let none = read(b"<?xml version='1.0'?><feed><entry/></feed>");
    assert!(none[0].1.contains("expected XML with games (`game` with `data`, as OpenSudoku writes it), found none in `feed`"), "{none:?}");
    let long = format!(
        "<?xml version=\"1.0\"?><opensudoku><game data=\"{}\"/></opensudoku>",
        "1".repeat(1 << 20)
    );
    assert!(
        read(long.as_bytes())[0]
            .1
            .contains("expected a tag of at most 65536 bytes"),
        "{:?}",
        read(long.as_bytes())
    );
    assert_eq!(read(b"<?xml version='1.0'?><opensudoku><game").len(), 1);
}

#[test]
fn letters_that_are_not_utf_8_cost_no_game_beside_them() {
    let mut text = b"<?xml version=\"1.0\"?>\n<opensudoku><name>caf\xe9</name>\n".to_vec();
    text.extend(format!("<game data=\"{ONE}\" note=\"").bytes());
    text.extend(b"\xff\"/>\n<game data=\"\xff\"/>\n");
    text.extend(format!("<game data=\"{TWO}\"/></opensudoku>").bytes());
    let games = read(&text);
    assert_eq!(games[0], (3, ONE.to_owned()));
    assert_eq!(games[1].0, 4);
    assert!(games[1].1.contains('\u{fffd}'), "{games:?}");
    assert_eq!(games[2..], [(5, TWO.to_owned())]);
}

#[test]
fn what_is_no_puzzles_is_named() {
    for (bytes, says) in [
        (
            &b"PAR1\x15\x04\x15"[..],
            "found a Parquet table: write it as CSV",
        ),
        (
            b"<!DOCTYPE html>\n<html>\n<body>\n",
            "found a web page (HTML): download the file itself",
        ),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 2\n",
            "found a pointer of Git LFS, not the file itself: fetch it with `git lfs pull`",
        ),
        (
            b"\x40\x01\0\0\0\0\0\0{\"a\": 1}",
            "found a safetensors file",
        ),
        (
            b"\x28\xb5\x2f\xfd\0\0\n\n\n",
            "found a file compressed with zstd",
        ),
    ] {
        let found = read(bytes);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].1.starts_with("line 1: expected puzzles as text"),
            "{found:?}"
        );
        assert!(found[0].1.contains(says), "{found:?}");
    }
}
