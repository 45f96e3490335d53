//! `purepg-conn`, over a stream in memory: rows are decoded as an application would.

use std::fmt;
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::io::{AsyncRead, AsyncWrite};
use purepg_conn::{
    BoxFuture, Config, Connection, Endpoint, RowBatch, Runtime, SocketOptions, Statement,
};

use crate::PIECE;
use crate::stream::{described, message};
use crate::values::{Named, OthersTuple, Shuffled, Tuple, weigh};

/// An open connection, and its statement.
#[derive(Debug)]
pub struct Driver {
    connection: Connection<Memory>,
    statement: Statement,
    script: Script,
}

impl Driver {
    /// With a statement of the ten columns.
    pub fn open() -> Self {
        let script = Script::default();
        let parameter =
            |name: &str, value: &str| message(b'S', format!("{name}\0{value}\0").as_bytes());
        let greeting = [
            message(b'R', &[0; 4]),
            parameter("client_encoding", "UTF8"),
            parameter("DateStyle", "ISO, MDY"),
            parameter("server_version", "18.1"),
            message(b'K', &[1; 8]),
            message(b'Z', b"I"),
        ];
        script.answer(&greeting.concat().into());
        let config = Config::new("/nowhere", "bench");
        let connection = purepg_conn::connect(Arc::new(script.clone()), &config);
        let mut connection = now(connection).expect("the greeting is one");
        script.answer(&described().into());
        let statement = now(connection.prepare("select * from t")).expect("it is described");
        Self {
            connection,
            statement,
            script,
        }
    }

    /// Every row, shown as the tuple of types of other crates, if it is the same in every other way.
    pub fn shown(&mut self, answer: &Arc<[u8]>) -> Vec<String> {
        let mut all = Vec::new();
        self.batches(answer, |batch| {
            for row in batch {
                let others: OthersTuple<'_> = row.decode().expect("the values are of these types");
                let tuple: Tuple<'_> = row.decode().expect("the values are of these types");
                let named: Named<'_> = row.decode().expect("the values are of these types");
                let shuffled: Shuffled<'_> = row.decode().expect("the values are of these types");
                assert_eq!(named.tuple(), tuple);
                assert_eq!(shuffled.tuple(), tuple);
                let micros = others.6.timestamp_micros();
                assert_eq!(tuple.6.unix_micros(), Some(micros.into()));
                assert_eq!(&tuple.7, others.7.as_bytes());
                all.push(format!("{others:?}"));
            }
            0
        });
        all
    }

    /// No row as anything: what it costs to be handed the batches.
    pub fn walk(&mut self, answer: &Arc<[u8]>) -> u64 {
        self.batches(answer, |batch| batch.len() as u64)
    }

    /// Every row as a tuple, from the batches in which they arrived.
    pub fn tuples(&mut self, answer: &Arc<[u8]>) -> u64 {
        self.batches(answer, |batch| {
            let mut sum = 0_u64;
            for row in batch {
                let tuple: Tuple<'_> = row.decode().expect("the values are of these types");
                sum = sum.wrapping_add(weigh(&tuple));
            }
            sum
        })
    }

    /// The same with types of other crates.
    pub fn others_tuples(&mut self, answer: &Arc<[u8]>) -> u64 {
        self.batches(answer, |batch| {
            let mut sum = 0_u64;
            for row in batch {
                let tuple: OthersTuple<'_> = row.decode().expect("the values are of these types");
                sum = sum.wrapping_add(weigh(&tuple));
            }
            sum
        })
    }

    /// Every row as a struct, from the batches in which they arrived.
    pub fn structs(&mut self, answer: &Arc<[u8]>) -> u64 {
        self.batches(answer, |batch| {
            let mut sum = 0_u64;
            for row in batch {
                let named: Named<'_> = row.decode().expect("the values are of these types");
                sum = sum.wrapping_add(weigh(&named.tuple()));
            }
            sum
        })
    }

    /// The same where the fields have another order than the columns.
    pub fn shuffled(&mut self, answer: &Arc<[u8]>) -> u64 {
        self.batches(answer, |batch| {
            let mut sum = 0_u64;
            for row in batch {
                let named: Shuffled<'_> = row.decode().expect("the values are of these types");
                sum = sum.wrapping_add(weigh(&named.tuple()));
            }
            sum
        })
    }

    /// Every value of every row by its place: `row.get`.
    pub fn gets(&mut self, answer: &Arc<[u8]>) -> u64 {
        self.batches(answer, |batch| {
            let mut sum = 0_u64;
            for row in batch {
                let tuple: Result<Tuple<'_>, purepg_conn::Error> = (|| {
                    Ok((
                        row.get(0)?,
                        row.get(1)?,
                        row.get(2)?,
                        row.get(3)?,
                        row.get(4)?,
                        row.get(5)?,
                        row.get(6)?,
                        row.get(7)?,
                        row.get(8)?,
                        row.get(9)?,
                    ))
                })();
                sum = sum.wrapping_add(weigh(&tuple.expect("the values are of these types")));
            }
            sum
        })
    }

    /// What `each` makes of the batches of one result.
    pub fn batches(&mut self, answer: &Arc<[u8]>, mut each: impl FnMut(&RowBatch) -> u64) -> u64 {
        self.script.answer(answer);
        now(async {
            let mut sum = 0_u64;
            let mut rows = self.connection.query(&self.statement, ()).await?;
            while let Some(batch) = rows.next_batch().await? {
                sum = sum.wrapping_add(each(&batch));
            }
            Ok::<_, purepg_conn::Error>(sum)
        })
        .expect("the answer is whole")
    }
}

/// Nothing has to be waited for: it is all in memory. The driver lets others have their turn now and then.
fn now<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    for _ in 0..1_000_000 {
        if let Poll::Ready(result) = work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return result;
        }
    }
    panic!("the answer is not whole");
}

/// What the server says next, once it was asked.
#[derive(Clone, Default)]
struct Script(Arc<Mutex<Answer>>);

#[derive(Default)]
struct Answer {
    bytes: Arc<[u8]>,
    told: usize,
    asked: bool,
}

impl Script {
    fn answer(&self, bytes: &Arc<[u8]>) {
        *self.lock() = Answer {
            bytes: Arc::clone(bytes),
            told: 0,
            asked: false,
        };
    }

    fn lock(&self) -> MutexGuard<'_, Answer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long an answer is, not what is in it.
impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Script")
            .field(&self.lock().bytes.len())
            .finish()
    }
}

impl Runtime for Script {
    type Stream = Memory;

    fn connect(&self, _: &Endpoint, _: &SocketOptions) -> BoxFuture<'static, io::Result<Memory>> {
        let memory = Memory(self.clone());
        Box::pin(std::future::ready(Ok(memory)))
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }

    fn run_blocking(&self, job: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        job();
        Box::pin(std::future::ready(()))
    }
}

/// A stream that reads from the script, a piece at a time, and writes nowhere.
#[derive(Debug)]
struct Memory(Script);

impl AsyncRead for Memory {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        space: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut answer = self.0.lock();
        let rest = &answer.bytes[answer.told..];
        if rest.is_empty() || !answer.asked {
            return Poll::Pending;
        }
        let n = rest.len().min(space.len()).min(PIECE);
        space[..n].copy_from_slice(&rest[..n]);
        answer.told += n;
        Poll::Ready(Ok(n))
    }
}

impl AsyncWrite for Memory {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.lock().asked = true;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
