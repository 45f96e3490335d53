//! The trace of whatever either side says.

use std::fmt::Write;

use purepg_proto::{TraceOptions, Tracer};

use crate::input::Input;
use crate::{LARGEST_GROWTH, allocated};

/// What a line of a trace begins with.
const BEGINNINGS: [&str; 5] = [
    "F\t",
    "B\t",
    "mismatched message length: ",
    "incomplete message",
    "lost synchronization: ",
];

/// Bytes of both sides, in turn: the lines do not depend on the cuts, none can be mistaken for another, and they are not much longer than
/// what came.
pub fn trace(data: &[u8]) {
    let mut input = Input::new(data);
    let flags = input.byte();
    let max = if flags & 0x10 == 0 {
        16 * 1024
    } else {
        usize::from(input.byte())
    };
    let options = TraceOptions::default()
        .values(flags & 1 == 0)
        .statements(flags & 2 == 0)
        .reports(flags & 4 == 0)
        .regress(flags & 8 != 0)
        .max_message(max);
    let size = 1 + usize::from(input.byte());
    let mut parts = Vec::new();
    while !input.is_empty() {
        let (side, length) = (input.byte(), input.word());
        parts.push((side & 1 == 0, input.bytes(length)));
    }
    let tracer = || {
        if flags & 0x20 == 0 {
            Tracer::new(options.clone())
        } else {
            Tracer::started(options.clone())
        }
    };
    let whole = lines(tracer(), &parts, usize::MAX);
    assert_eq!(lines(tracer(), &parts, 1), whole, "byte by byte");
    assert_eq!(
        lines(tracer(), &parts, size),
        whole,
        "{size} bytes at a time"
    );
    let came: usize = parts.iter().map(|(_, bytes)| bytes.len()).sum();
    assert!(whole.len() <= 32 * came + 300, "{came}: {whole}");
    assert!(whole.is_empty() || whole.ends_with('\n'));
    for line in whole.lines() {
        let known = BEGINNINGS.iter().any(|start| line.starts_with(start));
        let harmless = |char: char| !char.is_control() || char == '\t';
        assert!(known && line.chars().all(harmless), "{line:?}");
    }
}

fn lines(mut tracer: Tracer, parts: &[(bool, &[u8])], size: usize) -> String {
    let mut out = Lines::default();
    let mut came = 0;
    for (frontend, bytes) in parts {
        for piece in bytes.chunks(size.min(bytes.len()).max(1)) {
            came += piece.len();
            let before = allocated();
            let written = if *frontend {
                tracer.frontend(piece, &mut out)
            } else {
                tracer.backend(piece, &mut out)
            };
            written.expect("it takes everything");
            let grown = allocated() - before - std::mem::take(&mut out.allocated);
            assert!(grown <= LARGEST_GROWTH + 32 * came, "{grown} for {came}");
        }
    }
    tracer.end(&mut out).expect("it takes everything");
    out.text
}

/// A text, and how much memory it took.
#[derive(Default)]
struct Lines {
    text: String,
    allocated: usize,
}

impl Write for Lines {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let before = allocated();
        self.text.push_str(text);
        self.allocated += allocated() - before;
        Ok(())
    }
}
