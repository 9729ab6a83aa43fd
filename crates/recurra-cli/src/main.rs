//! The program `recurra`.
fn main() {}
