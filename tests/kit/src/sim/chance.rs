//! Runs that chance decides: that of a seed, or of a fuzzer's bytes.

use fastrand::Rng;

use purepg_proto::{ProtocolVersion, Replication, Startup, TlsRequest, Transport};

use super::operation::{COMMANDS, End, Operation};
use super::{CERTIFICATE_HASH, Fault, Sim, Step};
use crate::scripted::{Auth, ModelServer, Tls};

/// What a run is made of.
#[derive(Clone, Debug)]
pub struct Mix {
    /// The texts that are asked for.
    pub texts: Vec<&'static str>,
    /// Texts that are declared to be a `COPY FROM STDIN`.
    pub copies: Vec<&'static str>,
    /// The connection is one for replication.
    pub replicates: bool,
    /// So many of a hundred runs have a fault.
    pub faults: usize,
    /// The client may say good-bye.
    pub terminates: bool,
    /// At most so many steps.
    pub steps: usize,
}

/// All of them.
const MANY: usize = usize::MAX;

/// Who decides: gives a number below the one that it is asked with, which is never 0.
pub type Chance<'c> = dyn FnMut(usize) -> usize + 'c;

/// The seeds that a test plays: so many, or as many as the environment's `SIM_SEEDS` says, or the one that `SIM_SEED` names.
///
/// # Panics
/// When one of them is no number.
pub fn seeds(count: u64) -> std::ops::Range<u64> {
    let number = |name: &str| {
        let text = std::env::var(name).ok();
        text.map(|text| text.parse::<u64>().expect("a number"))
    };
    match number("SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SIM_SEEDS").unwrap_or(count),
    }
}

impl Sim {
    /// A run from the start of a connection to its end, all of it decided by the seed.
    ///
    /// # Panics
    /// When something is not as it should be; then the seed and the log are printed.
    pub fn play(seed: u64, mix: &Mix) -> Self {
        let mut rng = Rng::with_seed(seed);
        Self::run(Some(seed), mix, &mut |below| rng.usize(..below))
    }

    /// The same, decided by somebody else.
    ///
    /// # Panics
    /// When something is not as it should be.
    pub fn decided(mix: &Mix, chance: &mut Chance<'_>) -> Self {
        Self::run(None, mix, chance)
    }

    fn run(seed: Option<u64>, mix: &Mix, chance: &mut Chance<'_>) -> Self {
        let mut sim = entry(chance, mix);
        (sim.seed, sim.shown) = (seed, true);
        if chance(2) == 0 {
            // In every other run nothing is done, and nothing breaks, before the client is let in.
            sim.settle();
        }
        // How often everything goes both ways at once: in a run where it never does, little is ever answered.
        let pace = chance(4);
        let steps = chance(mix.steps + 1);
        let fault_at = (chance(100) < mix.faults).then(|| chance(steps + 1));
        for number in 0..=steps {
            if fault_at == Some(number) {
                // A place that something is on its way to, whenever that is possible.
                if sim.on_its_way.is_empty() {
                    sim.step(&Step::Send(MANY));
                }
                let fault = fault(chance, sim.on_its_way.len());
                sim.step(&Step::Fault(fault));
            } else {
                let step = step(chance, mix);
                sim.step(&step);
            }
            if chance(4) < pace {
                for step in [Step::Send(MANY), Step::Deliver(MANY), Step::Take(MANY)] {
                    sim.step(&step);
                }
            }
        }
        sim.finish();
        sim
    }
}

/// A client and a server that lets it in.
fn entry(chance: &mut Chance<'_>, mix: &Mix) -> Sim {
    let (tls, answer) = match chance(8) {
        0 => (TlsRequest::Prefer, Tls::Refused),
        1 => (TlsRequest::Prefer, Tls::Accepted),
        2 => (TlsRequest::Require, Tls::Accepted),
        3 => (TlsRequest::Direct, Tls::Refused),
        _ => (TlsRequest::None, Tls::Refused),
    };
    let transport = if tls == TlsRequest::None {
        Transport::UnixSocket
    } else {
        Transport::Tcp
    };
    let mut startup = Startup::new("me", transport).tls(tls);
    if chance(4) == 0 {
        startup = startup.max_protocol_version(ProtocolVersion::LATEST);
    }
    if mix.replicates {
        startup = startup.replication(Replication::Logical);
    }
    // A password in clear text goes nowhere else.
    let private = (tls, answer) != (TlsRequest::Prefer, Tls::Refused);
    let password = || "secret".to_owned();
    let auth = match chance(6) {
        0 if private => Auth::Cleartext(password()),
        1 => Auth::Md5(password()),
        2 => Auth::Scram {
            password: password(),
            iterations: if chance(2) == 0 { 1 } else { 7 },
        },
        _ => Auth::Trust,
    };
    if auth != Auth::Trust {
        startup = startup.password(password());
    }
    let mut server = ModelServer::new(auth).tls(answer);
    if chance(2) == 0 {
        server = server.certificate_hash(CERTIFICATE_HASH);
    }
    if chance(2) == 0 {
        server = server.speaks((3 << 16) + 2);
    }
    Sim::new(startup, server)
}

fn step(chance: &mut Chance<'_>, mix: &Mix) -> Step {
    match chance(28) {
        0..7 => Step::Begin(operation(chance, mix)),
        7 => Step::RollBack(operation(chance, mix)),
        8..10 => Step::Abandon(chance(4)),
        10 if chance(3) == 0 => Step::AbandonAll,
        10 if chance(3) == 0 => Step::AbortAll,
        11..13 => Step::CopyData(chance(2), bytes(chance).min(1_000)),
        13 => Step::CopyFinish(chance(2), chance(4) > 0),
        14 => Step::Derive,
        26 => Step::Handshake,
        27 => Step::SyncBehind(chance(2)),
        15 if mix.terminates && chance(4) == 0 => Step::Terminate,
        10 | 15..19 => Step::Send(bytes(chance)),
        19..22 => Step::Deliver(bytes(chance)),
        _ => Step::Take(1 + chance(5)),
    }
}

fn operation(chance: &mut Chance<'_>, mix: &Mix) -> Operation {
    let sql = match chance(5) {
        0 | 1 => "insert",
        _ => pick(chance, &mix.texts).unwrap_or("insert"),
    };
    let extended = |max_rows, end| Operation::Extended { sql, max_rows, end };
    match chance(19) {
        0..4 => Operation::Query(sql),
        4 | 5 => extended(None, End::Nothing),
        6 | 7 => extended(None, End::Sync),
        8 | 9 => extended(None, End::Flush),
        10 if chance(2) == 0 => extended(Some(2), End::Sync),
        10 => extended(Some(2), End::Nothing),
        11 => Operation::Prepare(sql),
        12 => Operation::Close,
        13 => Operation::Sync,
        17 | 18 => Operation::Again {
            sql,
            more: 1 + chance(3),
            end: [End::Nothing, End::Flush, End::Sync][chance(3)],
        },
        14 => Operation::Led(pick(chance, COMMANDS).unwrap_or(""), sql),
        _ => match pick(chance, &mix.copies) {
            Some(sql) => Operation::Copy {
                sql,
                extended: chance(2) == 0,
            },
            None => Operation::Query(sql),
        },
    }
}

fn pick(chance: &mut Chance<'_>, texts: &[&'static str]) -> Option<&'static str> {
    let index = chance(texts.len().max(1));
    texts.get(index).copied()
}

fn bytes(chance: &mut Chance<'_>) -> usize {
    match chance(3) {
        0 => 1 + chance(9),
        1 => 10 + chance(90),
        _ => MANY,
    }
}

fn fault(chance: &mut Chance<'_>, waiting: usize) -> Fault {
    let place = chance(waiting + 1);
    match chance(7) {
        0 => Fault::Stall(1 + chance(19)),
        1 => Fault::End,
        2 => Fault::Cut(place),
        3 => Fault::Reset,
        4 => Fault::Garbage(place, byte(chance)),
        5 => Fault::Dropped(place),
        _ => Fault::Flipped(place, byte(chance)),
    }
}

fn byte(chance: &mut Chance<'_>) -> u8 {
    u8::try_from(chance(256)).unwrap_or(0)
}
