//! Random bytes, and random operations against a model of the server.

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use purepg_proto::{Limits, Outcome};
use purepg_testkit::backend::{
    authentication_ok, copy_in_response, let_in, message, row_description,
};
use purepg_testkit::sim::{
    BLOCKS, COMMANDS, COPIES, ENDS, End, Fate, HARMLESS, Operation, SEVERAL, Sim, Step, Watched,
};
use purepg_tests_protocol::driver::startup;

/// So many cases, or `PROPTEST_CASES`.
fn config(cases: u32) -> ProptestConfig {
    let wanted = std::env::var("PROPTEST_CASES").ok();
    ProptestConfig {
        cases: wanted
            .and_then(|wanted| wanted.parse().ok())
            .unwrap_or(cases),
        // A case that fails is shown, and belongs into a test of its own.
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..ProptestConfig::default()
    }
}

fn extended(sql: &'static str, end: End) -> Operation {
    Operation::Extended {
        sql,
        max_rows: None,
        end,
    }
}

/// A core in one of the places where bytes can meet it.
fn somewhere(place: usize) -> Watched {
    let mut core = Watched::new(startup().password("secret"), Limits::default());
    let feed = |core: &mut Watched, bytes: &[u8]| {
        core.copy(bytes).unwrap();
        while core.take() {}
        core.send(usize::MAX);
    };
    let begin = |core: &mut Watched, operation: &Operation| {
        core.begin(|batch| operation.write(batch, 0)).unwrap();
        core.send(usize::MAX);
    };
    core.send(usize::MAX);
    if place == 1 {
        feed(&mut core, &authentication_ok());
    }
    if place < 2 {
        return core;
    }
    feed(&mut core, &let_in());
    if place > 5 {
        let sql = "copy in";
        let extended = false;
        begin(&mut core, &Operation::Copy { sql, extended });
        feed(&mut core, &copy_in_response(1));
    } else if place > 2 {
        begin(&mut core, &Operation::Query("select 1"));
        begin(&mut core, &extended("select 1", End::Nothing));
        begin(&mut core, &extended("select 1", End::Sync));
    }
    if place == 4 || place == 5 {
        feed(&mut core, &row_description(&[("a", 23, 0), ("b", 25, 0)]));
    }
    if place == 5 || place == 7 {
        core.abandon(0);
    }
    core
}

const PLACES: usize = 8;

/// Bytes come, then the end: every operation ends once, and nothing panics.
fn survives(core: &mut Watched, pieces: &[Vec<u8>]) {
    for piece in pieces {
        // It wants none once it has ended.
        let _ = core.copy(piece);
        while core.take() {}
        core.send(usize::MAX);
    }
    core.eof();
    while core.take() {}
    assert!(core.is_over());
}

/// A message with a type that servers send, and a body that may mean something.
fn messages() -> impl Strategy<Value = Vec<u8>> {
    let tag = prop::sample::select(b"123ACDEGHIKNRSTVWZcdnstv".to_vec());
    let byte = prop_oneof![Just(0), Just(1), Just(255), any::<u8>()];
    let body = prop_oneof![
        prop::collection::vec(byte, 0..40),
        Just(b"SERROR\0VERROR\0C42601\0Mno\0\0".to_vec()),
        Just(b"SFATAL\0VFATAL\0C57P01\0Mbye\0\0".to_vec()),
        Just(b"SELECT 1\0".to_vec()),
        Just(b"I".to_vec()),
        Just(b"\0\x02\0\0\0\x01a\xff\xff\xff\xff".to_vec()),
        Just(Vec::new()),
    ];
    (tag, body).prop_map(|(tag, body)| message(tag, &body))
}

proptest! {
    #![proptest_config(config(2_000))]

    #[test]
    fn random_bytes_never_panic(
        place in 0..PLACES,
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..6),
    ) {
        survives(&mut somewhere(place), &pieces);
    }

    #[test]
    fn random_messages_never_panic(
        place in 0..PLACES,
        pieces in prop::collection::vec(messages(), 0..12),
    ) {
        survives(&mut somewhere(place), &pieces);
    }
}

/// `declared` are texts that are said to be a `COPY FROM STDIN`.
fn operations(
    texts: &[&[&'static str]],
    declared: &'static [&'static str],
) -> impl Strategy<Value = Operation> + Clone + use<> {
    let sql = prop_oneof![
        2 => Just("insert"),
        3 => prop::sample::select(texts.concat()),
    ];
    let end = prop::sample::select(vec![End::Nothing, End::Sync]);
    let limited = |(sql, end)| Operation::Extended {
        sql,
        max_rows: Some(2),
        end,
    };
    let copies = if declared.is_empty() { 0 } else { 2 };
    let declared = prop_oneof![
        2 => prop::sample::select(if declared.is_empty() { &[""] } else { declared }),
        1 => sql.clone(),
    ];
    prop_oneof![
        4 => sql.clone().prop_map(Operation::Query),
        4 => (sql.clone(), end.clone()).prop_map(|(sql, end)| extended(sql, end)),
        2 => sql.clone().prop_map(|sql| extended(sql, End::Flush)),
        2 => (sql.clone(), 1..4_usize, end.clone())
            .prop_map(|(sql, more, end)| Operation::Again { sql, more, end }),
        1 => (sql.clone(), end).prop_map(limited),
        1 => sql.clone().prop_map(Operation::Prepare),
        1 => Just(Operation::Close),
        1 => Just(Operation::Sync),
        1 => (prop::sample::select(COMMANDS), sql.clone())
            .prop_map(|(command, sql)| Operation::Led(command, sql)),
        copies => (declared, any::<bool>())
            .prop_map(|(sql, extended)| Operation::Copy { sql, extended }),
    ]
}

fn steps(
    texts: &[&[&'static str]],
    declared: &'static [&'static str],
) -> impl Strategy<Value = Vec<Step>> + use<> {
    let ends = u32::from(texts.contains(&ENDS));
    let copies = u32::from(!declared.is_empty());
    let operation = operations(texts, declared);
    let bytes = || prop_oneof![1..10_usize, 10..100_usize, Just(usize::MAX)];
    let step = prop_oneof![
        6 => operation.clone().prop_map(Step::Begin),
        3 => (0..4_usize).prop_map(Step::Abandon),
        1 => prop_oneof![Just(Step::AbandonAll), Just(Step::AbortAll)],
        2 * copies => (0..3_usize, 0..300_usize).prop_map(|(back, n)| Step::CopyData(back, n)),
        copies => (0..3_usize, any::<bool>()).prop_map(|(back, done)| Step::CopyFinish(back, done)),
        4 => bytes().prop_map(Step::Send),
        3 => bytes().prop_map(Step::Deliver),
        3 => (1..6_usize).prop_map(Step::Take),
        1 => operation.prop_map(Step::RollBack),
        ends => Just(Step::Terminate),
    ];
    prop::collection::vec(step, 0..40)
}

fn play(steps: &[Step]) -> Sim {
    let mut sim = Sim::open();
    for step in steps {
        sim.step(step);
    }
    sim.finish();
    sim
}

proptest! {
    #![proptest_config(config(1_500))]

    #[test]
    fn what_happened_is_what_was_told(steps in steps(&[HARMLESS], &[])) {
        let sim = play(&steps);
        sim.check_effects();
        prop_assert!(!sim.client().is_over());
    }

    #[test]
    fn copies_that_are_declared(steps in steps(&[HARMLESS], &["copy in"])) {
        let sim = play(&steps);
        sim.check_effects();
        prop_assert!(!sim.client().is_over());
    }

    #[test]
    fn blocks_and_texts_of_several_statements(steps in steps(&[HARMLESS, BLOCKS, SEVERAL], COPIES)) {
        prop_assert!(!play(&steps).client().is_over());
    }

    #[test]
    fn whatever_there_is_and_sessions_that_end(
        steps in steps(&[HARMLESS, BLOCKS, SEVERAL, COPIES, ENDS], COPIES),
    ) {
        play(&steps);
    }
}

/// The alphabet of the steps reaches what it is to reach: else the tests above show nothing.
#[test]
fn the_steps_reach_everything() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let strategy = steps(&[HARMLESS], &[]);
    let mut seen = [0_usize; 6];
    for _ in 0..600 {
        let sim = play(&strategy.new_tree(&mut runner).unwrap().current());
        for (op, fate) in sim.client().fates().iter().enumerate() {
            seen[match fate {
                Fate::Ended(Outcome::Complete) => 0,
                Fate::Ended(Outcome::Failed(_)) => 1,
                Fate::Ended(Outcome::Skipped) => 2,
                Fate::Abandoned if sim.was_unsent(op) => 3,
                Fate::Abandoned => 4,
                _ => 5,
            }] += 1;
        }
    }
    let [complete, failed, skipped, unsent, sent, others] = seen;
    assert!(complete > 1_000 && failed > 200 && skipped > 50, "{seen:?}");
    assert!(unsent > 200 && sent > 1_000 && others == 0, "{seen:?}");
}
