//! What a server would answer, found out once from what the driver asks, so that it can be told again and again at no cost.

use std::collections::HashMap;

use crate::stream::{data_row, described_as, message, row_description, unnamed};

/// Returns its parameter, an `int4`.
pub(crate) const SELECT: &str = "select $1::int4";
/// Returns nothing, and takes an `int8`, an `int4` and a text.
pub(crate) const INSERT: &str = "insert into target values ($1, $2, $3)";

/// Knows these two statements, and transactions.
#[derive(Debug, Default)]
pub(crate) struct Server {
    statements: HashMap<String, String>,
    in_transaction: bool,
    /// Of the portal: its text, and its first parameter.
    bound: (String, Vec<u8>),
}

impl Server {
    /// To whole messages.
    pub(crate) fn answer(&mut self, mut asked: &[u8]) -> Vec<u8> {
        let mut answer = Vec::new();
        while let Some((&tag, rest)) = asked.split_first() {
            let length = rest.first_chunk().expect("a length");
            let length = usize::try_from(u32::from_be_bytes(*length)).expect("it is short");
            let (body, behind) = rest.split_at(length);
            self.message(tag, &body[4..], &mut answer);
            asked = behind;
        }
        answer
    }

    fn message(&mut self, tag: u8, body: &[u8], answer: &mut Vec<u8>) {
        match tag {
            b'Q' => {
                let (sql, _) = string(body);
                self.run(&sql, answer);
                self.ready(answer);
            }
            b'P' => {
                let (name, rest) = string(body);
                let (sql, _) = string(rest);
                self.statements.insert(name, sql);
                answer.extend(message(b'1', b""));
            }
            b'B' => {
                let (_, rest) = string(body);
                let (name, rest) = string(rest);
                let formats = usize::from(u16::from_be_bytes([rest[0], rest[1]]));
                // Behind the formats and the number of parameters.
                let first = &rest[2 + 2 * formats + 2..];
                let length = if formats == 0 {
                    0
                } else {
                    usize::from(first[3])
                };
                let first = first.get(4..4 + length).unwrap_or_default();
                self.bound = (self.statements[&name].clone(), first.into());
                answer.extend(message(b'2', b""));
            }
            b'D' if body.starts_with(b"S") => {
                let (name, _) = string(&body[1..]);
                let sql = &self.statements[&name];
                let types: &[u32] = if sql == SELECT { &[23] } else { &[20, 23, 25] };
                let described = described_as(types, &columns(sql));
                // Neither its `ParseComplete` nor its `ReadyForQuery`.
                answer.extend(&described[5..described.len() - 6]);
            }
            b'D' => answer.extend(columns(&self.bound.0)),
            b'E' => {
                let sql = self.bound.0.clone();
                self.run(&sql, answer);
            }
            b'S' => self.ready(answer),
            b'H' => {}
            _ => panic!("{:?} is not asked here", char::from(tag)),
        }
    }

    fn run(&mut self, sql: &str, answer: &mut Vec<u8>) {
        let tag = match sql {
            SELECT => {
                data_row(answer, |row| row.value(&self.bound.1));
                "SELECT 1"
            }
            INSERT => "INSERT 0 1",
            command => {
                self.in_transaction = command == "BEGIN";
                command
            }
        };
        answer.extend(message(b'C', format!("{tag}\0").as_bytes()));
    }

    fn ready(&self, answer: &mut Vec<u8>) {
        let status = if self.in_transaction { b"T" } else { b"I" };
        answer.extend(message(b'Z', status));
    }
}

fn columns(sql: &str) -> Vec<u8> {
    if sql == SELECT {
        row_description(unnamed(&[23]), 0)
    } else {
        message(b'n', b"")
    }
}

fn string(body: &[u8]) -> (String, &[u8]) {
    let end = body.iter().position(|&byte| byte == 0).expect("an end");
    let text = String::from_utf8_lossy(&body[..end]).into_owned();
    (text, &body[end + 1..])
}
