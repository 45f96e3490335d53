//! `purepg-conn`, over a stream in memory: COPY of rows with an `int8`, an `int4` and a text.

use purepg_conn::{Connection, Error, Type};

use crate::script::{Answers, Memory, Script, now};
use crate::stream::{greeting, message};
use crate::visit;

const IN: &str = "copy target from stdin";
const OUT: &str = "copy target to stdout";
const TYPES: [u32; 3] = [20, 23, 25];
const NAME: &str = "a name of some length";

/// An open connection, so many rows, and what the server says to the COPYs.
#[derive(Debug)]
pub struct Copies {
    connection: Connection<Memory>,
    script: Script,
    types: [Type; 3],
    lines: Vec<String>,
    /// For text and for binary.
    in_begun: [Answers; 2],
    in_ended: Answers,
    out: [Answers; 2],
}

impl Copies {
    /// Of so many rows.
    pub fn of(rows: usize) -> Self {
        let (script, connection) = Script::connect(&greeting().into());
        let lines = |i| format!("{i}\t{}\t{NAME}\n", i % 1_000);
        let lines: Vec<String> = (0..rows).map(lines).collect();
        let tuple = |i: usize| {
            let (id, number) = (i as u64, u32::try_from(i % 1_000).expect("it is small"));
            let name = u32::try_from(NAME.len()).expect("it is short");
            [
                b"\0\x03\0\0\0\x08",
                &id.to_be_bytes()[..],
                b"\0\0\0\x04",
                &number.to_be_bytes(),
                &name.to_be_bytes(),
                NAME.as_bytes(),
            ]
            .concat()
        };
        let ended = [
            message(b'C', format!("COPY {rows}\0").as_bytes()),
            message(b'Z', b"I"),
        ]
        .concat();
        let out = |format: u8, data: &mut dyn Iterator<Item = Vec<u8>>| {
            let data = data.flat_map(|data| message(b'd', &data));
            let data: Vec<u8> = data.collect();
            let bytes = [begun(b'H', format), data, message(b'c', b""), ended.clone()];
            bytes.concat().into()
        };
        let header = [&b"PGCOPY\n\xff\r\n\0"[..], &[0; 8]].concat();
        let tuples = (0..rows).map(tuple);
        let trailer = vec![0xff; 2];
        Self {
            connection,
            script,
            types: TYPES.map(|oid| Type::from_oid(oid).expect("they are built in")),
            in_begun: [0, 1].map(|format| begun(b'G', format).into()),
            out: [
                out(0, &mut lines.iter().map(|line| line.clone().into_bytes())),
                out(1, &mut [header].into_iter().chain(tuples).chain([trailer])),
            ],
            in_ended: ended.into(),
            lines,
        }
    }

    /// `copy_in`, a `send` for each line.
    pub fn lines_in(&mut self) -> u64 {
        self.script.answer(&self.in_begun[0]);
        now(async {
            let mut copy = self.connection.copy_in(IN).await?;
            for line in &self.lines {
                copy.send(line).await?;
            }
            copy.flush().await?;
            self.script.answer(&self.in_ended);
            copy.finish().await
        })
        .expect("a count")
    }

    /// `copy_in_rows`, a `send` for each tuple.
    pub fn rows_in(&mut self) -> u64 {
        self.script.answer(&self.in_begun[1]);
        now(async {
            let mut copy = self.connection.copy_in_rows(IN, &self.types).await?;
            for i in 0..self.lines.len() {
                let number = i32::try_from(i % 1_000).expect("it is small");
                copy.send((i64::from(number), number, NAME)).await?;
            }
            self.script.answer(&self.in_ended);
            copy.finish().await
        })
        .expect("a count")
    }

    /// `copy_out`, lent.
    pub fn lines_out(&mut self) -> u64 {
        self.script.answer(&self.out[0]);
        now(async {
            let mut copy = self.connection.copy_out(OUT).await?;
            let mut sum = 0;
            while let Some(run) = copy.next_run().await? {
                sum += run.iter().map(|line| visit(Some(line))).sum::<u64>();
            }
            Ok::<_, Error>(sum)
        })
        .expect("the data is whole")
    }

    /// What that sums up.
    pub fn lines_sum(&self) -> u64 {
        let lines = self.lines.iter();
        lines.map(|line| visit(Some(line.as_bytes()))).sum()
    }

    /// `copy_out_rows`, each decoded.
    pub fn rows_out(&mut self) -> u64 {
        self.script.answer(&self.out[1]);
        now(async {
            let mut copy = self.connection.copy_out_rows(OUT, &self.types).await?;
            let mut sum = 0;
            while let Some(row) = copy.next().await {
                let row = row?;
                let (id, number, name): (i64, i32, &str) = row.decode()?;
                sum += id.cast_unsigned() + u64::from(number.cast_unsigned()) + name.len() as u64;
            }
            Ok::<_, Error>(sum)
        })
        .expect("the data is whole")
    }

    /// What that sums up.
    pub fn rows_sum(&self) -> u64 {
        let rows = (0..self.lines.len() as u64).map(|i| i + i % 1_000 + NAME.len() as u64);
        rows.sum()
    }
}

/// The answer with which data begins, of three columns in one format.
fn begun(tag: u8, format: u8) -> Vec<u8> {
    message(tag, &[format, 0, 3, 0, format, 0, format, 0, format])
}
