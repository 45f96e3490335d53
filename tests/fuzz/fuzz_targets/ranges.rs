#![no_main]
#![allow(missing_docs, reason = "the library's function has the documentation")]

libfuzzer_sys::fuzz_target!(|data: &[u8]| purepg_fuzz::codec::ranges(data));
