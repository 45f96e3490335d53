//! A large value takes its own size and little more.
//!
//! In a binary of its own: what the process holds is measured from outside.

use purepg_conn::Runtime;
use purepg_proto::{Connection, Event, Limits, Nonce, Reply, Startup, Transport};
use purepg_testkit::backend;
use purepg_tests_live::{Context, on_async_std, on_tokio, peak_kib, resident_kib};

/// What a real server is asked for: it holds it three times, and takes a second for each 100 MB.
const LARGE: usize = 32_000_000;

/// What the core alone is fed.
const HUGE: usize = 500_000_000;

/// What the process may hold beside the value.
const SLACK_KIB: u64 = 4 * 1024;

#[test]
fn acceptance_37_a_large_value_takes_its_size_once() {
    if !what_is_freed_is_given_back() {
        return;
    }
    // One after the other, the largest last: they measure the same process.
    on_tokio(one_value);
    on_async_std(one_value);
    the_core_alone();
}

/// Runs this program once more, with a heap that gives large pieces back at once, and says whether this is that time.
///
/// glibc keeps some of what was freed, the more the larger it was: then the process holds more than the driver does.
fn what_is_freed_is_given_back() -> bool {
    const SETTING: &str = "MALLOC_MMAP_THRESHOLD_";
    if std::env::var_os(SETTING).is_some() {
        return true;
    }
    let this = std::env::current_exe().unwrap();
    let again = std::process::Command::new(this)
        .args(std::env::args_os().skip(1))
        .env(SETTING, "131072")
        .status();
    assert!(again.unwrap().success(), "see above");
    false
}

async fn one_value<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    conn.fetch("select repeat('x', 1000)", ()).await.unwrap();
    let simple = format!("select repeat('x', {LARGE})");
    let extended = "select repeat('x', $1)";
    let length = i32::try_from(LARGE).unwrap();
    let memory = Memory::of(LARGE);

    let mut rows = conn.query(&simple, ()).await.unwrap();
    let batch = rows.next_batch().await.unwrap().unwrap();
    check(batch.iter().next().unwrap().get(0).unwrap());
    memory.holds(1, "lent");
    drop(batch);
    assert_eq!(rows.row_count().await.unwrap(), 1);
    memory.holds(0, "lent, and over");

    let mut rows = conn.query(extended, (length,)).await.unwrap();
    let row = rows.next().await.unwrap().unwrap();
    check(row.get(0).unwrap());
    assert_eq!(rows.row_count().await.unwrap(), 1);
    let row = row.detach();
    memory.holds(1, "kept");
    drop(row);

    let row = conn.fetch_one(extended, (length,)).await.unwrap();
    check(row.get(0).unwrap());
    memory.holds(1, "the only one");
    drop(row);

    let rows = conn.fetch(&simple, ()).await.unwrap();
    check(rows[0].get(0).unwrap());
    memory.holds(1, "all");
    drop(rows);

    // What nobody wants is not held at all.
    assert_eq!(conn.execute(&simple, ()).await.unwrap(), 1);
    drop(conn.query(&simple, ()).await.unwrap());
    conn.ping().await.unwrap();
    memory.holds(0, "nobody's");
}

/// It grows with what arrives, whatever was declared, and holds nothing twice on the way.
fn the_core_alone() {
    let startup = Startup::new("anybody", Transport::UnixSocket);
    let nonce = Nonce::from_entropy([7; Nonce::ENTROPY_LEN]);
    let mut core = Connection::new(startup, nonce, Limits::default());
    let feed = |core: &mut Connection, bytes: &[u8]| core.recv_bytes(bytes).unwrap();
    feed(&mut core, &backend::let_in());
    while core.next_event().unwrap().is_some() {}
    let mut batch = core.batch();
    batch.query("select");
    batch.commit().unwrap();
    core.output_sent(core.output().len());
    feed(&mut core, &backend::row_description(&[("a", 25, 0)]));
    while core.next_event().unwrap().is_some() {}

    let memory = Memory::of(HUGE);
    let length = |bytes: usize| i32::try_from(bytes).unwrap().to_be_bytes();
    let head = [&b"D"[..], &length(HUGE + 10), b"\0\x01", &length(HUGE)];
    feed(&mut core, &head.concat());
    let mut left = HUGE;
    while left > 0 {
        assert!(core.next_event().unwrap().is_none(), "it is not whole");
        let space = core.recv_space();
        // As a socket has it.
        let n = space.len().min(left).min(1 << 16);
        space[..n].fill(b'x');
        core.recv_filled(n);
        left -= n;
    }
    let Some(Event::Reply(_, Reply::Rows(rows))) = core.next_event().unwrap() else {
        panic!("a row is there")
    };
    let value = rows.iter().next().unwrap().field(0).unwrap().unwrap();
    assert_eq!(value.unwrap().len(), HUGE);
    memory.holds(1, "the core");
    drop(rows);
    let rest = [backend::command_complete("SELECT 1"), backend::ready(b'I')];
    feed(&mut core, &rest.concat());
    while core.next_event().unwrap().is_some() {}
    assert!(core.is_idle());
    memory.holds(0, "the core, and over");
}

fn check(text: &str) {
    let piece = "x".repeat(1 << 16);
    assert_eq!(text.len(), LARGE);
    let mut pieces = text.as_bytes().chunks(piece.len());
    assert!(pieces.all(|found| found == &piece.as_bytes()[..found.len()]));
}

/// What the process held first.
struct Memory {
    before_kib: u64,
    value: usize,
}

impl Memory {
    fn of(value: usize) -> Self {
        Self {
            before_kib: resident_kib(),
            value,
        }
    }

    /// The process holds so many values now, and never held more than one.
    fn holds(&self, values: usize, what: &str) {
        let kib = |values: usize| u64::try_from(values * self.value / 1024).unwrap();
        let now = resident_kib().saturating_sub(self.before_kib);
        let most = peak_kib().saturating_sub(self.before_kib);
        println!("{what}: {now} KiB more than before, {most} KiB at the most");
        assert!(now < kib(values) + SLACK_KIB, "{what}: {now} KiB");
        assert!(most < kib(1) + SLACK_KIB, "{what}: {most} KiB at the most");
    }
}
