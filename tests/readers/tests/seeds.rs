//! What fuzzing begins with passes through every reader, whole and a little damaged.

use recurra_fuzz_readers::{READERS, seeds};

/// One test, as memory is counted for the whole process.
#[test]
fn every_reader_takes_its_seeds() {
    let folder = tempfile::tempdir().unwrap();
    seeds::write(folder.path());
    for &(name, read) in READERS {
        let files = std::fs::read_dir(folder.path().join(name));
        let files: Vec<_> = files.unwrap_or_else(|e| panic!("{name}: {e}")).collect();
        assert!(!files.is_empty(), "{name}");
        for file in files {
            let mut bytes = std::fs::read(file.unwrap().path()).unwrap();
            read(&bytes);
            read(&bytes[..bytes.len() / 2]);
            let middle = bytes.len() / 2;
            if let Some(byte) = bytes.get_mut(middle) {
                *byte ^= 0x15;
            }
            read(&bytes);
        }
        read(&[]);
    }
}
