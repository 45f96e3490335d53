//! Batches of any messages, one byte each: those that make an operation, and those that are refused.

use std::sync::Arc;

use purepg_proto::{Batch, Bind, Columns, Format, RowShape, Target};
use purepg_testkit::frontend::{Frontend, Object};

/// Names of statements and portals.
const NAMES: [&str; 4] = ["", "s", "p", "a\0b"];

const TEXTS: [&str; 8] = [
    "select 1",
    "copy t from stdin",
    "copy t to stdout",
    "START_REPLICATION 0/0",
    "",
    "a\0b",
    "select 1; Copy t from stdin; copy t to stdout",
    "insert into t values ($1, $2)",
];

const LIMITS: [Option<u32>; 4] = [None, Some(1), Some(0), Some(u32::MAX)];

/// The byte that declares a `COPY FROM STDIN`.
pub const COPY_IN: u8 = 10;

/// True for a message with a text that is a `COPY FROM STDIN`.
pub fn may_copy_in(message: u8) -> bool {
    message == 0x10 || message & 0x4f == 0x41
}

/// True for what can stand before that declaration.
pub fn fits_before_copy_in(message: u8) -> bool {
    message & 0x0f < 9
}

/// Has an execute that nothing describes take the columns that were told last.
pub fn know_columns(messages: &mut [u8]) {
    let described = messages.iter().any(|code| matches!(code & 0x0f, 3 | 4));
    for code in messages {
        if *code & 0x0f == 5 && !described {
            *code += 1;
        }
    }
}

/// Writes the messages into a batch. `columns` are those that are known from before.
pub fn write(batch: &mut Batch<'_>, messages: &[u8], columns: Option<&Arc<Columns>>) {
    for message in messages {
        let which = usize::from(message >> 4);
        let (name, text) = (NAMES[which & 3], TEXTS[which & 7]);
        match message & 0x0f {
            0 => batch.query(text),
            1 => batch.parse(name, TEXTS[which >> 2], &[0, 23]),
            2 => bind(batch, name, which),
            3 => batch.describe(Target::Statement(name)),
            4 => batch.describe(Target::Portal(name)),
            5 | 6 => {
                let shape = match columns {
                    Some(columns) if message & 0x0f == 6 => RowShape::Known(Arc::clone(columns)),
                    _ => RowShape::Described,
                };
                batch.execute(name, LIMITS[which >> 2], shape)
            }
            7 => batch.close(Target::Statement(name)),
            8 => batch.close(Target::Portal(name)),
            9 => batch.flush(),
            COPY_IN => batch.copy_in(),
            12 => batch.prelude(text),
            13 => again(batch, which),
            14 => batch.silent_bind(),
            _ => batch.sync(),
        };
    }
}

fn bind<'b, 'c>(batch: &'b mut Batch<'c>, portal: &str, which: usize) -> &'b mut Batch<'c> {
    let formats = [Format::Binary; 3];
    let what = Bind {
        portal,
        statement: NAMES[which & 3],
        parameter_formats: &formats[..which & 3],
        result_formats: &formats[..which >> 2],
    };
    // The writer of a value may fail, and then nothing comes of the batch.
    let _ = batch
        .bind(what, |values| {
            values.bytes(Some(b"value"));
            values.bytes(None);
            if which == 15 { Err(()) } else { Ok(()) }
        })
        .is_err();
    batch
}

fn again<'b, 'c>(batch: &'b mut Batch<'c>, which: usize) -> &'b mut Batch<'c> {
    let _ = batch
        .again(|values| {
            (0..which & 3).for_each(|_| values.bytes(Some(b"another value")));
            if which == 15 { Err(()) } else { Ok(()) }
        })
        .is_err();
    batch
}

/// The byte for a message that was recorded, or one much like it.
pub fn encode(message: &Frontend) -> Option<u8> {
    let name = |name: &str| u8::from(!name.is_empty());
    Some(match message {
        Frontend::Query(sql) => {
            let sql = sql.to_ascii_lowercase();
            let text = match (sql.contains("copy"), sql.contains("from stdin")) {
                (true, true) => 1,
                (true, false) => 2,
                (false, _) if sql.is_empty() => 4,
                (false, _) => 0,
            };
            text << 4
        }
        Frontend::Parse { statement, sql, .. } => {
            let copies = sql.to_ascii_lowercase().contains("copy");
            1 | name(statement) << 4 | u8::from(copies) << 6
        }
        Frontend::Bind { portal, .. } => 2 | name(portal) << 4,
        Frontend::Describe(Object::Statement(statement)) => 3 | name(statement) << 4,
        Frontend::Describe(Object::Portal(portal)) => 4 | name(portal) << 4,
        Frontend::Execute { portal, max_rows } => {
            5 | name(portal) << 4 | u8::from(*max_rows > 0) << 6
        }
        Frontend::Close(Object::Statement(statement)) => 7 | name(statement) << 4,
        Frontend::Close(Object::Portal(portal)) => 8 | name(portal) << 4,
        Frontend::Flush => 9,
        Frontend::Sync => 11,
        _ => return None,
    })
}
