#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| recurra_fuzz_readers::model(bytes));
