//! `cargo +nightly fuzz run yaml --features libfuzzer`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| sapa_fuzz::targets::yaml(input));
