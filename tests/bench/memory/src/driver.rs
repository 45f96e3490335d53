//! `purepg-conn`, over a stream in memory: rows are decoded as an application would.

use purepg_conn::{Connection, RowBatch, Statement};

use crate::script::{Answers, Memory, Script, now};
use crate::stream::{described, greeting};
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
        let (script, mut connection) = Script::connect(&greeting().into());
        script.answer(&described().into());
        let statement = now(connection.prepare("select * from t")).expect("it is described");
        Self {
            connection,
            statement,
            script,
        }
    }

    /// Every row, shown as the tuple of types of other crates, if it is the same in every other way.
    pub fn shown(&mut self, answer: &Answers) -> Vec<String> {
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
    pub fn walk(&mut self, answer: &Answers) -> u64 {
        self.batches(answer, |batch| batch.len() as u64)
    }

    /// Every row as a tuple, from the batches in which they arrived.
    pub fn tuples(&mut self, answer: &Answers) -> u64 {
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
    pub fn others_tuples(&mut self, answer: &Answers) -> u64 {
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
    pub fn structs(&mut self, answer: &Answers) -> u64 {
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
    pub fn shuffled(&mut self, answer: &Answers) -> u64 {
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
    pub fn gets(&mut self, answer: &Answers) -> u64 {
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
    pub fn batches(&mut self, answer: &Answers, mut each: impl FnMut(&RowBatch) -> u64) -> u64 {
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

/// Connects, and no more.
pub fn connect(greeting: &Answers) {
    let _ = Script::connect(greeting);
}
