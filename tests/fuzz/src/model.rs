//! A client and a model of a server, step by step, with everything that somebody may do and a stream that may break.

use purepg_testkit::sim::{BLOCKS, COPIES, ENDS, HARMLESS, Mix, SEVERAL, STREAMS, Sim};

use crate::input::Input;

/// Whatever is done, in whatever order: every operation ends once, the two agree about where they stand, and nobody waits for ever.
pub fn model(data: &[u8]) {
    let mut input = Input::new(data);
    let flags = input.byte();
    let texts = match flags & 3 {
        0 => HARMLESS.to_vec(),
        1 => [HARMLESS, BLOCKS, SEVERAL].concat(),
        2 => [HARMLESS, COPIES, STREAMS, STREAMS].concat(),
        _ => [HARMLESS, BLOCKS, SEVERAL, COPIES, ENDS].concat(),
    };
    let mix = Mix {
        texts,
        copies: COPIES.to_vec(),
        replicates: flags & 16 != 0,
        faults: if flags & 4 == 0 { 0 } else { 100 },
        terminates: flags & 8 != 0,
        steps: 80,
    };
    let sim = Sim::decided(&mix, &mut |below| input.below(below));
    if flags.is_multiple_of(8) {
        sim.check_effects();
    }
}
