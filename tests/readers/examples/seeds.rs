//! Writes what fuzzing begins with into `fuzz/corpus`, once: `cargo run -p recurra-fuzz-readers --example seeds`.

fn main() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus");
    recurra_fuzz_readers::seeds::write(std::path::Path::new(corpus));
}
