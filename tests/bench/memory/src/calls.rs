//! `purepg-conn`, over a stream in memory: small statements, through the calls that an application makes.

use purepg_conn::{Connection, Error, Statement};

use crate::script::{Answers, Memory, Script, now};
use crate::server::{INSERT, SELECT, Server};
use crate::stream::greeting;

/// Statements that go together, in a pipeline and in `execute_many`.
pub const TOGETHER: usize = 100;

/// An open connection, and what the server says to one call.
#[derive(Debug)]
pub struct Calls {
    client: Client,
    call: Call,
    answers: Answers,
}

/// One call; gives what it returns, or the sum of that.
pub type Call = fn(&mut Client) -> u64;

impl Calls {
    /// Once the driver knows the statements.
    pub fn of(call: Call) -> Self {
        let (script, mut connection) = Script::connect(&greeting().into());
        script.ask(Server::default());
        let select = now(connection.prepare(SELECT)).expect("it is described");
        let insert = now(connection.prepare(INSERT)).expect("it is described");
        let mut client = Client {
            connection,
            script,
            select,
            insert,
            sets: (0..TOGETHER).map(set).collect(),
        };
        // A text is new the first time.
        call(&mut client);
        let (server, _) = client.script.asked();
        client.script.ask(server);
        call(&mut client);
        let (_, answers) = client.script.asked();
        Self {
            client,
            call,
            answers,
        }
    }

    /// Does it once more.
    pub fn once(&mut self) -> u64 {
        self.client.script.answer(&self.answers);
        (self.call)(&mut self.client)
    }
}

/// A connection and its statements.
#[derive(Debug)]
pub struct Client {
    connection: Connection<Memory>,
    script: Script,
    select: Statement,
    insert: Statement,
    sets: Vec<(i64, i32, &'static str)>,
}

impl Client {
    /// `fetch_scalar` of a statement that is prepared.
    pub fn fetch_prepared(&mut self) -> u64 {
        let value = now(self.connection.fetch_scalar::<i32>(&self.select, (7,)));
        u64::from(value.expect("a row").cast_unsigned())
    }

    /// The same of a text, whose statement the driver has kept.
    pub fn fetch_text(&mut self) -> u64 {
        let value = now(self.connection.fetch_scalar::<i32>(SELECT, (7,)));
        u64::from(value.expect("a row").cast_unsigned())
    }

    /// `execute` of a statement that is prepared, with three parameters.
    pub fn execute(&mut self) -> u64 {
        now(self.connection.execute(&self.insert, self.sets[7])).expect("a count")
    }

    /// The same in a transaction of its own, which is committed.
    pub fn transaction(&mut self) -> u64 {
        now(async {
            let mut transaction = self.connection.begin().await?;
            let count = transaction.execute(&self.insert, self.sets[7]).await?;
            transaction.commit().await?;
            Ok::<_, Error>(count)
        })
        .expect("a count")
    }

    /// [`TOGETHER`] times the select, in a pipeline.
    pub fn pipeline(&mut self) -> u64 {
        now(async {
            let mut pipeline = self.connection.pipeline();
            for i in 0..TOGETHER {
                pipeline.push(&self.select, (number(i),));
            }
            let mut results = pipeline.run().await?;
            let mut sum = 0;
            while let Some(result) = results.next().await {
                sum += u64::from(result?.rows[0].get::<i32>(0)?.cast_unsigned());
            }
            Ok::<_, Error>(sum)
        })
        .expect("as many rows")
    }

    /// [`TOGETHER`] times the insert, by `execute_many`.
    pub fn execute_many(&mut self) -> u64 {
        let sets = self.sets.iter().copied();
        now(self.connection.execute_many(&self.insert, sets)).expect("a count")
    }
}

/// The parameter of the select of this number.
fn number(i: usize) -> i32 {
    i32::try_from(i).expect("it is one of a hundred")
}

/// The parameters of the insert of this number.
fn set(i: usize) -> (i64, i32, &'static str) {
    let number = number(i);
    (number.into(), number, "a name of some length")
}
