//! Connection strings that nobody thought of.

use super::compare;
use super::corpus;
use super::program::Libpq;

/// What strings are made of, so that they come near the rules.
const PIECES: &[&str] = &[
    "postgres://",
    "postgresql://",
    "u",
    "p",
    "h",
    "d",
    "@",
    ":",
    "/",
    "?",
    "&",
    "=",
    " ",
    "  ",
    "\t",
    "\n",
    "'",
    "\\",
    "%",
    "%00",
    "%ff",
    "%C3%BC",
    "%20",
    "%41",
    "%2",
    "[",
    "]",
    "[::1]",
    ",",
    "+",
    "#",
    "host",
    "host=",
    "user=",
    "port=",
    "5432",
    "password=",
    "pass%77ord=",
    "dbname=",
    "sslmode=",
    "require",
    "ssl=true",
    "requiressl=1",
    "service=",
    "application_name=",
    "hostaddr=",
    "sslrootcert=",
    "options=",
    "uzer=",
    "ü",
    "日本",
    "😀",
    "''",
    "' '",
    "a b",
    r"\'",
    r"\\",
    "\u{b}",
    "\u{a0}",
    "\u{7f}",
    "true",
];

const STRINGS: u32 = 30_000;

#[test]
fn acceptance_01_strings_by_chance_say_the_same_to_libpq() {
    let Some(mut libpq) = Libpq::start() else {
        return;
    };
    let seed = std::env::var("PUREPG_TEST_SEED").ok();
    let seed = seed.map_or(0x5eed, |seed| {
        seed.parse().expect("PUREPG_TEST_SEED is a number")
    });
    let mut random = fastrand::Rng::with_seed(seed);
    let corpus = corpus::strings();
    let (mut accepted, mut complaints) = (0, Vec::new());
    for _ in 0..STRINGS {
        let text = if random.u8(0..3) == 0 {
            made_up(&mut random)
        } else {
            let text = &corpus[random.usize(..corpus.len())];
            mutated(text, &mut random)
        };
        match compare(&mut libpq, &text) {
            Ok(_) => accepted += u32::from(super::ours(&text).is_ok()),
            Err(complaint) => complaints.push(format!("{text:?}: {complaint}")),
        }
    }
    println!("{STRINGS} strings, {accepted} of them accepted, seed {seed}");
    assert!(
        complaints.is_empty(),
        "seed {seed}\n{}",
        complaints.join("\n")
    );
    // Neither side of the rules is out of reach.
    assert!(
        accepted > STRINGS / 10 && accepted < STRINGS / 10 * 9,
        "{accepted}"
    );
}

fn made_up(random: &mut fastrand::Rng) -> String {
    let length = random.usize(0..14);
    (0..length).map(|_| piece(random)).collect()
}

fn piece(random: &mut fastrand::Rng) -> &'static str {
    PIECES[random.usize(..PIECES.len())]
}

/// With some pieces put in, taken away, exchanged.
fn mutated(text: &str, random: &mut fastrand::Rng) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..random.usize(1..4) {
        let at = random.usize(..=chars.len());
        let to = chars.len().min(at + random.usize(0..3));
        let new = if random.bool() { piece(random) } else { "" };
        chars.splice(at..to, new.chars());
    }
    // A zero byte ends a string in C.
    chars.into_iter().filter(|c| *c != '\0').collect()
}
