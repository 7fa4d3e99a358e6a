//! `cargo +nightly fuzz run annotation --features libfuzzer`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| sapa_fuzz::targets::annotation(input));
