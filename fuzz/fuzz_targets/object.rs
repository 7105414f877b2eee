#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rememo::fuzzing::object(bytes));
