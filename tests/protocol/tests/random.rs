//! Random bytes, and random operations against a model of the server.

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use purepg_proto::{Batch, Bind, Event, Limits, Outcome, Reply, RowShape, Target, UsageError};
use purepg_testkit::backend::{authentication_ok, let_in, message, row_description};
use purepg_testkit::scripted::{Auth, ModelServer};
use purepg_tests_protocol::driver::{Driver, startup};

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

/// A core in one of the places where bytes can meet it.
fn somewhere(place: usize) -> Driver {
    let mut driver = Driver::new(startup().password("secret"), Limits::default());
    driver.send();
    if place == 1 {
        driver.feed(&authentication_ok());
    }
    if place < 2 {
        return driver;
    }
    driver.feed(&let_in());
    if place > 2 {
        driver.query("select 1");
        driver.begin(|batch| extended(batch, "select 1", false));
        driver.begin(|batch| extended(batch, "select 1", true));
        driver.send();
    }
    if place > 3 {
        driver.feed(&row_description(&[("a", 23, 0), ("b", 25, 0)]));
    }
    if place > 4 {
        driver.abandon(0);
    }
    driver
}

const PLACES: usize = 6;

/// Bytes come, then the end: every operation ends once, and nothing panics.
fn survives(driver: &mut Driver, pieces: &[Vec<u8>]) {
    let abandoned = driver.core.in_flight() < driver.ops.len();
    let mut lines = Vec::new();
    for piece in pieces {
        if driver.core.recv_bytes(piece).is_ok() {
            lines.extend(driver.take());
        }
    }
    lines.extend(driver.eof());
    let count = |what: &str| lines.iter().filter(|line| line.contains(what)).count();
    assert_eq!(count("Closed "), 1, "{lines:?}");
    assert!(lines.last().unwrap().starts_with("Err "));
    assert!(abandoned || count(" Finished ") <= driver.ops.len());
    assert_eq!(driver.core.in_flight(), 0);
    assert!(driver.core.is_dead() && !driver.core.wants_read() && !driver.core.wants_write());
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

/// What somebody may do next, or what may happen.
#[derive(Clone, Debug)]
enum Step {
    Begin(Kind),
    /// One of those that are under way, counted from the newest.
    Abandon(usize),
    AbandonAll,
    /// So many bytes reach the server.
    Send(usize),
    /// So many bytes reach the client.
    Deliver(usize),
    /// So many events are taken.
    Take(usize),
    /// A batch that comes to nothing.
    RollBack(Kind),
    Terminate,
}

#[derive(Clone, Debug)]
enum Kind {
    Query(&'static str),
    Extended(&'static str, bool),
    /// The same, and the server is told to send what it has.
    Flushed(&'static str),
    Limited(&'static str, bool),
    Prepare(&'static str),
    Close,
    Sync,
}

const HARMLESS: &[&str] = &[
    "",
    "select 1",
    "rows 3",
    "rows 2 fail",
    "fail",
    "nonsense",
    "copy out 2",
    "notice x",
    "set a b",
    "notify c p",
    "insert 1 deferred",
];
const BLOCKS: &[&str] = &[
    "begin",
    "commit",
    "rollback",
    "savepoint s",
    "rollback to s",
];
const SEVERAL: &[&str] = &[
    "select 1; fail; select 2",
    "rows 1; insert x; select 1",
    "copy out 1; nonsense",
];
const COPIES: &[&str] = &["copy in", "select 1; copy in; select 1"];
const ENDS: &[&str] = &["fatal", "die"];

fn extended(batch: &mut Batch<'_>, sql: &str, sync: bool) {
    batch.parse("", sql, &[]);
    let bound: Result<_, UsageError> = batch.bind(Bind::default(), |_| Ok(()));
    bound
        .expect("nothing here fails")
        .describe(Target::Portal(""))
        .execute("", None, RowShape::Described);
    if sync {
        batch.sync();
    }
}

impl Kind {
    /// `number` is what tells an insert from the others.
    fn write(&self, batch: &mut Batch<'_>, number: usize) {
        let text = |sql: &str| {
            if sql == "insert" {
                format!("insert #{number}")
            } else {
                sql.to_owned()
            }
        };
        match self {
            Self::Query(sql) => {
                batch.query(&text(sql));
            }
            Self::Extended(sql, sync) => extended(batch, &text(sql), *sync),
            Self::Flushed(sql) => {
                extended(batch, &text(sql), false);
                batch.flush();
            }
            Self::Limited(sql, sync) => {
                batch.parse("", sql, &[]);
                let bound: Result<_, UsageError> = batch.bind(Bind::default(), |_| Ok(()));
                bound
                    .expect("nothing here fails")
                    .describe(Target::Portal(""))
                    .execute("", Some(2), RowShape::Described);
                if *sync {
                    batch.sync();
                }
            }
            Self::Prepare(sql) => {
                batch
                    .parse("s", sql, &[])
                    .describe(Target::Statement("s"))
                    .flush();
            }
            Self::Close => {
                batch
                    .close(Target::Statement("s"))
                    .close(Target::Portal("p"))
                    .sync();
            }
            Self::Sync => {
                batch.sync();
            }
        }
    }

    /// True when the fate of an insert is known once its operation is over.
    fn settles(&self) -> bool {
        matches!(self, Self::Query("insert") | Self::Extended("insert", true))
    }
}

/// A client, a server, and what is on its way between them.
struct World {
    driver: Driver,
    server: ModelServer,
    /// Sent by the server, and not there yet.
    on_its_way: Vec<u8>,
    kinds: Vec<Kind>,
    fates: Vec<Fate>,
    closed: usize,
    dead: bool,
}

/// What became of an operation.
#[derive(Clone, Debug, PartialEq)]
enum Fate {
    UnderWay,
    Ended(Outcome),
    Abandoned { unsent: bool },
}

impl World {
    fn new() -> Self {
        let mut server = ModelServer::new(Auth::Trust);
        let mut driver = Driver::new(startup(), Limits::default());
        driver.converse(&mut server);
        Self {
            driver,
            server,
            on_its_way: Vec::new(),
            kinds: Vec::new(),
            fates: Vec::new(),
            closed: 0,
            dead: false,
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Begin(kind) => self.begin(kind),
            Step::Abandon(back) => {
                if let Some(op) = self.kinds.len().checked_sub(back + 1) {
                    self.abandon(op);
                }
            }
            Step::AbandonAll => {
                (0..self.kinds.len()).for_each(|op| self.note_abandoned(op));
                self.driver.core.abandon_all();
            }
            Step::Send(n) => self.send(*n),
            Step::Deliver(n) => self.deliver(*n),
            Step::Take(n) => {
                self.take(*n);
            }
            Step::Terminate => self.driver.core.terminate(),
            Step::RollBack(kind) => {
                let mut batch = self.driver.core.batch();
                kind.write(&mut batch, usize::MAX);
            }
        }
        let core = &self.driver.core;
        assert_eq!(core.output().is_empty(), !core.wants_write());
    }

    fn begin(&mut self, kind: &Kind) {
        if self.driver.core.is_open() {
            let number = self.kinds.len();
            self.driver.begin(|batch| kind.write(batch, number));
            self.kinds.push(kind.clone());
            self.fates.push(Fate::UnderWay);
        }
    }

    fn abandon(&mut self, op: usize) {
        self.note_abandoned(op);
        self.driver.abandon(op);
    }

    fn note_abandoned(&mut self, op: usize) {
        if self.fates[op] == Fate::UnderWay {
            // The whole message waits, its header too: nothing of it was sent.
            let text = format!("insert #{op}\0").into_bytes();
            let output = self.driver.core.output();
            let at = output.windows(text.len()).position(|window| window == text);
            let header = if matches!(self.kinds[op], Kind::Query(_)) {
                5
            } else {
                6
            };
            let unsent = at.is_some_and(|at| at >= header);
            self.fates[op] = Fate::Abandoned { unsent };
        }
    }

    fn send(&mut self, n: usize) {
        let core = &mut self.driver.core;
        let n = n.min(core.output().len());
        self.server.receive(&core.output()[..n]);
        core.output_sent(n);
        self.on_its_way.extend(self.server.take_output());
    }

    fn deliver(&mut self, n: usize) {
        let core = &mut self.driver.core;
        if self.on_its_way.is_empty() {
            if self.server.is_closed() {
                core.recv_eof();
            }
            return;
        }
        let space = core.recv_space();
        let n = n.min(self.on_its_way.len()).min(space.len());
        for (slot, byte) in space.iter_mut().zip(self.on_its_way.drain(..n)) {
            *slot = byte;
        }
        core.recv_filled(n);
    }

    /// Takes up to `n` events; tells how many there were.
    fn take(&mut self, n: usize) -> usize {
        for taken in 0..n {
            match self.driver.core.next_event() {
                Ok(None) => return taken,
                Ok(Some(event)) => self.note(&event),
                Err(_) => {
                    self.dead = true;
                    return taken;
                }
            }
        }
        n
    }

    fn note(&mut self, event: &Event) {
        assert_eq!(self.closed, 0, "the end is the last event");
        match event {
            Event::Closed(_) => self.closed += 1,
            Event::Reply(op, reply) => {
                let op = self.driver.ops.iter().position(|known| known == op);
                let fate = &mut self.fates[op.expect("an operation that was begun")];
                assert_eq!(*fate, Fate::UnderWay, "{reply:?}");
                if let Reply::Finished(outcome) = reply {
                    *fate = Fate::Ended(outcome.clone());
                }
            }
            _ => {}
        }
    }

    /// Until nobody has anything to say.
    fn settle(&mut self) {
        loop {
            let before = self.on_its_way.len();
            self.send(usize::MAX);
            self.deliver(usize::MAX);
            let taken = self.take(usize::MAX);
            let core = &self.driver.core;
            let waits = !core.wants_write() && self.on_its_way.is_empty();
            if self.dead || (taken == 0 && waits && before == 0 && !self.server.is_closed()) {
                return;
            }
        }
    }

    /// Whatever has happened: every operation ends once, or was abandoned, and the two agree about where they stand.
    fn finish(&mut self, blocks: bool) {
        self.settle();
        self.begin(&Kind::Sync);
        self.settle();
        if self.server.status() != b'I' {
            self.begin(&Kind::Query("rollback"));
            self.settle();
        }
        for (op, fate) in self.fates.iter().enumerate() {
            assert_ne!(*fate, Fate::UnderWay, "op{op}, {:?}", self.kinds[op]);
        }
        if self.dead {
            assert_eq!(self.closed, 1);
            return;
        }
        assert!(self.server.is_idle(), "{:?}", self.server.received());
        assert!(self.driver.core.is_idle(), "{:?}", self.driver.core);
        if !blocks {
            self.check_effects();
        }
    }

    /// What happened is what was told.
    fn check_effects(&self) {
        for (op, (kind, fate)) in self.kinds.iter().zip(&self.fates).enumerate() {
            let text = format!("insert #{op}");
            let effects = self.server.effects().iter();
            let count = effects.filter(|effect| **effect == text).count();
            match fate {
                Fate::Ended(Outcome::Complete) if kind.settles() => assert_eq!(count, 1, "{text}"),
                Fate::Ended(Outcome::Failed(_) | Outcome::Skipped) if kind.settles() => {
                    assert_eq!(count, 0, "{text}");
                }
                Fate::Abandoned { unsent: true } => assert_eq!(count, 0, "{text}"),
                _ => assert!(count <= 1, "{text}"),
            }
        }
    }
}

fn steps(sql: &[&[&'static str]]) -> impl Strategy<Value = Vec<Step>> + use<> {
    let ends = u32::from(sql.contains(&ENDS));
    let sql = prop_oneof![
        2 => Just("insert"),
        3 => prop::sample::select(sql.concat()),
    ];
    let kind = prop_oneof![
        4 => sql.clone().prop_map(Kind::Query),
        4 => (sql.clone(), any::<bool>()).prop_map(|(sql, sync)| Kind::Extended(sql, sync)),
        2 => sql.clone().prop_map(Kind::Flushed),
        1 => (sql.clone(), any::<bool>()).prop_map(|(sql, sync)| Kind::Limited(sql, sync)),
        1 => sql.prop_map(Kind::Prepare),
        1 => Just(Kind::Close),
        1 => Just(Kind::Sync),
    ];
    let bytes = || prop_oneof![1..10_usize, 10..100_usize, Just(usize::MAX)];
    let step = prop_oneof![
        6 => kind.clone().prop_map(Step::Begin),
        3 => (0..4_usize).prop_map(Step::Abandon),
        1 => Just(Step::AbandonAll),
        4 => bytes().prop_map(Step::Send),
        3 => bytes().prop_map(Step::Deliver),
        3 => (1..6_usize).prop_map(Step::Take),
        1 => kind.prop_map(Step::RollBack),
        ends => Just(Step::Terminate),
    ];
    prop::collection::vec(step, 0..40)
}

fn play(steps: &[Step]) -> World {
    let mut world = World::new();
    for step in steps {
        world.step(step);
    }
    world
}

proptest! {
    #![proptest_config(config(1_500))]

    #[test]
    fn what_happened_is_what_was_told(steps in steps(&[HARMLESS])) {
        let mut world = play(&steps);
        world.finish(false);
        prop_assert!(!world.dead);
    }

    #[test]
    fn blocks_and_texts_of_several_statements(steps in steps(&[HARMLESS, BLOCKS, SEVERAL])) {
        let mut world = play(&steps);
        world.finish(true);
        prop_assert!(!world.dead);
    }

    #[test]
    fn copies_that_nobody_declared_and_sessions_that_end(
        steps in steps(&[HARMLESS, BLOCKS, SEVERAL, COPIES, ENDS]),
    ) {
        play(&steps).finish(true);
    }
}

/// The alphabet of the steps reaches what it is to reach: else the tests above show nothing.
#[test]
fn the_steps_reach_everything() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let strategy = steps(&[HARMLESS]);
    let mut seen = [0_usize; 6];
    for _ in 0..600 {
        let mut world = play(&strategy.new_tree(&mut runner).unwrap().current());
        world.finish(false);
        for fate in &world.fates {
            seen[match fate {
                Fate::Ended(Outcome::Complete) => 0,
                Fate::Ended(Outcome::Failed(_)) => 1,
                Fate::Ended(Outcome::Skipped) => 2,
                Fate::Abandoned { unsent: true } => 3,
                Fate::Abandoned { unsent: false } => 4,
                _ => 5,
            }] += 1;
        }
    }
    let [complete, failed, skipped, unsent, sent, others] = seen;
    assert!(complete > 1_000 && failed > 200 && skipped > 50, "{seen:?}");
    assert!(unsent > 200 && sent > 1_000 && others == 0, "{seen:?}");
}
