use std::fs;
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::npy::{Header, IntType, NpyReader, NumberType};
use super::*;
use crate::tasks::data::Puzzles;
use crate::tasks::sudoku::Sudoku;

/// A data set that NumPy wrote.
fn fixture(name: &str) -> PathBuf {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/npy");
    Path::new(root).join(name)
}

/// A copy that a test may spoil.
fn copy(name: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for file in fs::read_dir(fixture(name)).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), dir.path().join(file.file_name())).unwrap();
    }
    dir
}

fn examples(folder: &Path) -> Vec<Example> {
    let examples = Dataset::open(folder).unwrap().examples().unwrap();
    examples.map(|example| example.unwrap()).collect()
}

fn array(kind: IntType, columns: Option<u64>, numbers: &[i64]) -> Vec<u8> {
    let rows = numbers.len() as u64 / columns.unwrap_or(1);
    let header = Header {
        kind: kind.into(),
        rows,
        columns,
    };
    let mut bytes = header.to_bytes();
    npy::put_row(kind, numbers.iter().copied(), &mut bytes).unwrap();
    bytes
}

fn read(bytes: &[u8]) -> Result<(Header, Vec<i64>), String> {
    let mut reader =
        NpyReader::new(Cursor::new(bytes), bytes.len() as u64).map_err(|e| e.to_string())?;
    let mut numbers = Vec::new();
    while let Some(row) = reader.next_row().map_err(|e| e.to_string())? {
        for number in row {
            numbers.push(number.map_err(|other| other.to_string())?);
        }
    }
    Ok((reader.header(), numbers))
}

/// Writes the examples as they were read.
fn written(folder: &Path, inputs: IntType, labels: IntType) -> Vec<(String, Vec<u8>)> {
    let dataset = Dataset::open(folder).unwrap();
    let metadata = dataset.metadata().clone();
    let layout = Layout {
        seq_len: metadata.seq_len as usize,
        vocab_size: metadata.vocab_size as usize,
        ignore_label_id: metadata.ignore_label_id,
        num_puzzle_identifiers: metadata.num_puzzle_identifiers,
        inputs,
        labels,
    };
    let file = || Cursor::new(Vec::new());
    let mut writer = Writer::new(layout, file(), file()).unwrap();
    let all = examples(folder);
    for (i, example) in all.iter().enumerate() {
        writer.example(&example.question, &example.answer).unwrap();
        let next = all.get(i + 1);
        if next.is_none_or(|next| next.puzzle != example.puzzle) {
            writer.end_puzzle(example.identifier);
        }
        if next.is_none_or(|next| next.group != example.group) {
            writer.end_group();
        }
    }
    let mut finished = writer.finish().unwrap();
    // Published data sets count puzzles or groups here.
    finished.metadata.total_puzzles = metadata.total_puzzles;
    let mut files = vec![
        ("all__inputs.npy".into(), finished.inputs.into_inner()),
        ("all__labels.npy".into(), finished.labels.into_inner()),
        ("dataset.json".into(), finished.metadata.to_json()),
    ];
    files.extend(finished.arrays.map(|(name, bytes)| (name.into(), bytes)));
    files
}

#[test]
fn what_numpy_wrote_is_written_byte_for_byte() {
    for (name, inputs, labels) in [
        ("sudoku4", IntType::U8, IntType::U8),
        ("grids", IntType::I64, IntType::I32),
    ] {
        for part in [Part::Train, Part::Test] {
            let folder = fixture(name).join(part.name());
            let files = written(&folder, inputs, labels);
            assert_eq!(files.len(), fs::read_dir(&folder).unwrap().count());
            for (file, bytes) in files {
                assert!(bytes == fs::read(folder.join(&file)).unwrap(), "{file}");
            }
        }
        let file = fs::read(fixture(name).join("identifiers.json")).unwrap();
        let names: Vec<String> = serde_json::from_slice(&file).unwrap();
        assert_eq!(identifiers_json(&names), file);
    }
    let odd = ["\x7f\n\t\u{1}\"\\/é😀".to_owned()];
    let python = r#"["\u007f\n\t\u0001\"\\/\u00e9\ud83d\ude00"]"#;
    assert_eq!(String::from_utf8(identifiers_json(&odd)).unwrap(), python);
}

#[test]
fn examples_know_their_puzzle_and_group() {
    let all = examples(&fixture("grids/train"));
    let place = |e: &Example| (e.identifier, e.puzzle, e.group);
    let places: Vec<_> = all.iter().map(place).collect();
    let [a, b, c] = [(1, 0, 0), (2, 1, 0), (3, 2, 1)];
    assert_eq!(places, [a, a, b, b, b, c, c]);
    // The fixture's answer is the question plus one, and does not count where the question is 0.
    for example in &all {
        for (&q, &a) in example.question.iter().zip(&example.answer) {
            assert_eq!(a, if q == 0 { IGNORED } else { (q + 1) % 12 });
        }
    }
    let sudoku = Dataset::open(&fixture("sudoku4/train")).unwrap();
    assert_eq!((sudoku.len(), sudoku.puzzles(), sudoku.groups()), (6, 6, 3));
}

#[test]
fn a_path_needs_no_flag() {
    let task = Sudoku::new(4).unwrap();
    let read = |path: &Path, part| -> Vec<Vec<u16>> {
        let puzzles = Puzzles::open(path, part, Some(&task)).unwrap();
        puzzles.map(|e| e.result.unwrap().question).collect()
    };
    let whole = fixture("sudoku4");
    let (train, test) = (whole.join("train"), whole.join("test"));
    assert_eq!(read(&whole, Part::Train), read(&train, Part::Test));
    assert_eq!(read(&whole, Part::Test), read(&test, Part::Train));
    assert_eq!(read(&whole, Part::Test).len(), 2);
    let dir = tempfile::tempdir().unwrap();
    let csv = dir.path().join("a.csv");
    let lines =
        "question,answer\n1.3..2......2..1,1432321441232341\n.2.4....3....4..,1234432131422413\n";
    fs::write(&csv, lines).unwrap();
    assert_eq!(read(&csv, Part::Test), read(&test, Part::Test));

    let refuse = |path: &Path, task| {
        let opened = Puzzles::open(path, Part::Test, task);
        opened.err().expect("refused").to_string()
    };
    let nine = Sudoku::new(9).unwrap();
    let other = refuse(&whole, Some(&nine));
    let expected = "expected seq_len 81 and vocab_size 11 of sudoku 9x9, found 16 and 6";
    assert!(other.contains(expected), "{other}");
    assert!(refuse(&csv, None).contains("known task"));
    assert!(refuse(dir.path(), Some(&task)).contains("`test/dataset.json`"));
    assert!(refuse(&dir.path().join("nothing"), Some(&task)).contains("nothing"));
}

#[test]
fn bad_rows_are_told_and_passed_over() {
    let dir = copy("sudoku4/test");
    let file = dir.path().join("all__inputs.npy");
    let mut bytes = fs::read(&file).unwrap();
    let first = bytes.len() - 32;
    bytes[first + 6] = 200;
    fs::write(&file, bytes).unwrap();
    let file = dir.path().join("all__labels.npy");
    let mut labels = vec![-100; 32];
    labels[20] = -1;
    fs::write(&file, array(IntType::I32, Some(16), &labels)).unwrap();
    let dataset = Dataset::open(dir.path()).unwrap();
    let told: Vec<_> = dataset.examples().unwrap().collect();
    let text = |i: usize| told[i].as_ref().unwrap_err().to_string();
    assert_eq!(told.len(), 2);
    assert_eq!(
        text(0),
        "line 1, column 7: expected a token from 0 to 5 in all__inputs.npy, found 200"
    );
    assert_eq!(
        text(1),
        "line 2, column 5: expected a token from 0 to 5, -100 or 0 in all__labels.npy, found -1"
    );
}

#[test]
fn files_that_do_not_fit_are_named() {
    use IntType::{I32, I64, U8};
    let indices = |numbers: &[i64]| array(I32, None, numbers);
    for (file, bytes, part) in [
        (
            "labels",
            array(U8, Some(16), &[1; 48]),
            "expected 2 rows, as `all__inputs.npy` has, found 3",
        ),
        (
            "labels",
            array(U8, Some(8), &[1; 32]),
            "expected rows of 16 (`seq_len` of dataset.json), found rows of 8",
        ),
        ("inputs", array(U8, None, &[1; 32]), "found one dimension"),
        (
            "inputs",
            array(U8, Some(16), &[]),
            "expected at least one row",
        ),
        (
            "puzzle_indices",
            array(I32, Some(3), &[0, 1, 2]),
            "expected one dimension, found two",
        ),
        (
            "puzzle_indices",
            indices(&[1, 2]),
            "row 1: expected 0, found 1",
        ),
        (
            "puzzle_indices",
            indices(&[0, 0, 2]),
            "row 2: expected more than the 0 before it, found 0",
        ),
        (
            "puzzle_indices",
            indices(&[0, 1, 1]),
            "row 3: expected more than the 1 before it, found 1",
        ),
        (
            "puzzle_indices",
            indices(&[0, 3]),
            "row 2: expected at most 2, the number of examples, found 3",
        ),
        ("puzzle_indices", indices(&[0, -2]), "found -2"),
        ("puzzle_indices", indices(&[0, 1]), "found 1 as the last"),
        ("puzzle_indices", indices(&[0]), "found 0 as the last"),
        ("puzzle_indices", indices(&[]), "found nothing as the last"),
        (
            "puzzle_indices",
            array(I64, None, &[0, i64::MAX]),
            "the number of examples",
        ),
        (
            "group_indices",
            indices(&[0, 1]),
            "expected numbers from 0 to 2, the number of puzzles",
        ),
        (
            "puzzle_identifiers",
            indices(&[0]),
            "expected 2 numbers, one for each puzzle of `all__puzzle_indices.npy`",
        ),
        (
            "puzzle_identifiers",
            indices(&[0, 1]),
            "row 2: expected 0 or more and less than 1",
        ),
        (
            "puzzle_identifiers",
            indices(&[-1, 0]),
            "row 1: expected 0 or more and less than 1",
        ),
    ] {
        let dir = copy("sudoku4/test");
        let name = format!("all__{file}.npy");
        fs::write(dir.path().join(&name), bytes).unwrap();
        let error = Dataset::open(dir.path()).unwrap_err().to_string();
        assert!(
            error.contains(&name) && error.contains(part),
            "{part}: {error}"
        );
        fs::remove_file(dir.path().join(&name)).unwrap();
        let error = Dataset::open(dir.path()).unwrap_err().to_string();
        assert!(error.contains(&name), "{error}");
    }
}

#[test]
fn metadata_is_refused_by_field() {
    let good = fs::read_to_string(fixture("sudoku4/test/dataset.json")).unwrap();
    assert!(Metadata::parse(good.as_bytes()).is_ok());
    let older = good.replace("\"total_puzzles\": 2, ", "");
    let parsed = Metadata::parse(older.as_bytes()).unwrap();
    assert_eq!(parsed.total_puzzles, None);
    assert_eq!(parsed.to_json(), older.as_bytes());
    for (from, to, part) in [
        (
            "\"vocab_size\": 6",
            "\"vocab_size\": 0",
            "`vocab_size`: expected 1 to 32768, found 0",
        ),
        ("\"vocab_size\": 6", "\"vocab_size\": 1e9", "floating point"),
        ("\"vocab_size\": 6", "\"vocab_size\": -6", "-6"),
        ("\"seq_len\": 16", "\"seq_len\": 0", "`seq_len`"),
        ("\"seq_len\": 16, ", "", "missing field `seq_len`"),
        ("[\"all\"]", "[]", "`sets`: expected one name, found 0"),
        ("[\"all\"]", "[\"a\", \"b\"]", "found 2"),
        ("[\"all\"]", "[\"../all\"]", "found '../all'"),
        ("}", "", "EOF"),
    ] {
        let bad = good.replace(from, to);
        let error = Metadata::parse(bad.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(part), "{part}: {error}");
    }
    let dir = copy("sudoku4/test");
    fs::write(dir.path().join("dataset.json"), vec![b' '; 1 << 17]).unwrap();
    let error = Dataset::open(dir.path()).unwrap_err().to_string();
    assert!(error.contains("expected at most 65536 bytes"), "{error}");
}

/// A file with this header and these bytes after it.
fn with_header(version: u8, text: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY".to_vec();
    bytes.extend([version, 0]);
    let length = text.len() as u32;
    match version {
        1 => bytes.extend((length as u16).to_le_bytes()),
        _ => bytes.extend(length.to_le_bytes()),
    }
    bytes.extend(text.as_bytes());
    bytes.extend(data);
    bytes
}

#[test]
fn other_spellings_of_a_header_mean_the_same() {
    for (version, text) in [
        (
            1,
            "{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }",
        ),
        (
            2,
            "{\"shape\":(3,),\"descr\":\"|u1\",\"fortran_order\":False}\n",
        ),
        (
            3,
            " { 'shape' : ( 3 ) , 'fortran_order' : False , 'descr' : '|u1' } ",
        ),
    ] {
        let (header, numbers) = read(&with_header(version, text, &[7, 8, 9])).unwrap();
        assert_eq!((header.kind, header.rows), (IntType::U8.into(), 3));
        assert_eq!(numbers, [7, 8, 9]);
    }
}

#[test]
fn rows_are_read_in_either_order_and_of_any_type() {
    // Several blocks of rows, and columns that follow one another.
    let (rows, columns) = (300_000u64, 3u64);
    let number = |row: u64, column: u64| (row * 7 + column * 11) % 30_000;
    let text = |fortran: &str| {
        format!("{{'descr': '>i2', 'fortran_order': {fortran}, 'shape': ({rows}, {columns}), }}")
    };
    let bytes = |n: u64| (n as u16).to_be_bytes();
    let by_column = (0..columns).flat_map(|c| (0..rows).flat_map(move |r| bytes(number(r, c))));
    let by_row = (0..rows).flat_map(|r| (0..columns).flat_map(move |c| bytes(number(r, c))));
    let fortran = read(&with_header(
        1,
        &text("True"),
        &by_column.collect::<Vec<_>>(),
    ));
    let c = read(&with_header(1, &text("False"), &by_row.collect::<Vec<_>>()));
    assert!(fortran == c);
    let numbers = c.unwrap().1;
    assert_eq!(numbers[3 * 299_999 + 2], number(299_999, 2) as i64);
    let float = |value: f64| {
        let text = "{'descr': '<f8', 'fortran_order': True, 'shape': (1,), }";
        read(&with_header(1, text, &value.to_le_bytes())).map(|(_, numbers)| numbers)
    };
    assert_eq!(float(-100.0), Ok(vec![-100]));
    assert_eq!(float(2.5), Err("2.5".to_owned()));
}

#[test]
fn hostile_headers_are_refused() {
    let dict = |descr: &str, order: &str, shape: &str| {
        format!("{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}")
    };
    let good = |shape: &str| dict("'|u1'", "False", shape);
    for (text, part) in [
        (
            dict("'<c8'", "False", "(1,)"),
            "type: expected integers of 1, 2, 4 or 8 bytes, floats of 2, 4 or 8, or booleans, found '<c8'",
        ),
        (dict("'|O'", "False", "(1,)"), "found '|O'"),
        (dict("'\\x1b[31m'", "False", "(1,)"), "found '\\\\x1b[31m'"),
        (dict("[('a', '<i4')]", "False", "(1,)"), "found '['"),
        (dict("'|u1'", "0", "(1,)"), "expected text, True, False"),
        (good("(-1,)"), "expected a number of 0 or more, found '-'"),
        (good("(1.5,)"), "expected ')', found '.'"),
        (good("(99999999999999999999999,)"), "below 2^64"),
        (
            good("(18446744073709551615, 18446744073709551615)"),
            "expected more than any file has bytes",
        ),
        (
            good("(4294967296, 4294967296)"),
            "expected more than any file has bytes",
        ),
        (
            good("(1000000000000,)"),
            "expected 1000000000000 bytes of data",
        ),
        (
            good("(2,)"),
            "expected 2 bytes of data for shape (2,) of |u1, found 1",
        ),
        (good("(0, 18446744073709551615)"), "expected 0 bytes"),
        (good("()"), "found 0 dimensions"),
        (good("(1, 1, 1)"), "found 3 dimensions"),
        (good("(1,"), "a number of 0 or more"),
        (good("(1,)").replace("'shape'", "'form'"), "found `form`"),
        (
            good("(1,)").replace("fortran_order", "shape"),
            "found `shape`",
        ),
        (
            "{'shape': (1,), 'shape': (1,)}".into(),
            "expected each key once",
        ),
        ("{'shape': (1,)}".into(), "found fewer keys"),
        ("{'descr: 1".into(), "a quote that closes"),
        ("{}x".into(), "expected its end, found 'x' at position 3"),
        (String::new(), "expected '{', found its end"),
        (
            "{'größe': 1}".into(),
            "header: expected ASCII, found byte 0xc3 at position 5",
        ),
    ] {
        let error = read(&with_header(1, &text, &[1])).unwrap_err();
        assert!(error.contains(part), "{text}: {error}");
    }
    let whole = with_header(1, &good("(1,)"), &[1]);
    for end in 0..whole.len() {
        assert!(read(&whole[..end]).is_err(), "{end}");
    }
    assert!(read(&[whole, vec![1]].concat()).is_err());
    for (bytes, part) in [
        (&b"PK\x03\x04abcdefgh"[..], "another beginning"),
        (b"\x93NUMPY\x04\x00abcd", "version 1, 2 or 3, found 4"),
        (
            b"\x93NUMPY\x02\x00\xff\xff\xff\xff",
            "at most 10000 bytes, found 4294967295",
        ),
    ] {
        let error = read(bytes).unwrap_err();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn the_writer_refuses_what_it_cannot_write() {
    let file = || Cursor::new(Vec::new());
    let mut writer = Writer::new(Layout::plain(2, 300), file(), file()).unwrap();
    for (question, answer) in [
        (&[1, 2, 3][..], &[1, 2][..]),
        (&[1, 2], &[1]),
        (&[1, 300], &[1, 2]),
        (&[1, IGNORED], &[1, 2]),
        (&[1, 256], &[1, 2]),
    ] {
        let error = writer.puzzle(question, answer).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}

proptest! {
    #![proptest_config(crate::testing::cases(256))]

    #[test]
    fn arrays_go_round(kind in 0..3usize, columns in prop::option::of(1..5u64), numbers in prop::collection::vec(any::<i64>(), 0..40)) {
        let kind = [IntType::U8, IntType::I32, IntType::I64][kind];
        let columns_or_one = columns.unwrap_or(1) as usize;
        let rows = numbers.len() / columns_or_one;
        let fitting = |n: i64| match kind {
            IntType::U8 => n & 255,
            IntType::I32 => i64::from(n as i32),
            IntType::I64 => n,
        };
        let numbers: Vec<i64> = numbers[..rows * columns_or_one].iter().map(|&n| fitting(n)).collect();
        let bytes = array(kind, columns, &numbers);
        prop_assert_eq!((bytes.len() - numbers.len() * NumberType::from(kind).bytes()) % 64, 0);
        let header = Header { kind: kind.into(), rows: rows as u64, columns };
        prop_assert_eq!(read(&bytes), Ok((header, numbers)));
    }

    #[test]
    fn spoiled_files_never_panic(place in 0..160usize, byte in any::<u8>(), cut in 0..400usize) {
        let mut bytes = array(IntType::I32, Some(4), &[1; 8]);
        if let Some(at) = bytes.get_mut(place) {
            *at = byte;
        }
        bytes.truncate(cut);
        let _ = read(&bytes);
    }
}
