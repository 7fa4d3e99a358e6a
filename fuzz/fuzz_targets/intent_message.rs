//! `cargo +nightly fuzz run intent_message --features libfuzzer`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| sapa_fuzz::targets::intent_message(input));
