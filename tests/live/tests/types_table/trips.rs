//! What a type of PostgreSQL and a Rust type make of each other: literals are read, and go back to the server.

use std::collections::BTreeSet;

use purepg_conn::{
    ByteStream, Column, Connection, DecodeErrorKind, EncodeErrorKind, Error, Field, Format, ToSql,
    Type,
};

use purepg_tests_live::AsText;

use crate::rust::{Read, RustType};
use crate::server::ServerType;
use crate::table::{Formats, Support};

/// A literal as the server has it.
struct Sample {
    /// What the output function writes.
    text: String,
    /// What the send function writes, where there is one.
    binary: Option<Vec<u8>>,
}

impl Sample {
    fn raw(&self, format: Format) -> Option<&[u8]> {
        match format {
            Format::Text => Some(self.text.as_bytes()),
            Format::Binary => self.binary.as_deref(),
        }
    }
}

/// A type of PostgreSQL with what the server has of it.
pub(crate) struct Known {
    pub(crate) server: &'static ServerType,
    pub(crate) ty: Type,
    samples: Vec<Sample>,
    /// Its array, with samples that hold one value and NULL.
    array: Option<(Type, Vec<Sample>)>,
}

/// What the server has of a type; nothing, where it has no such type.
pub(crate) async fn ask<S: ByteStream>(
    conn: &mut Connection<S>,
    server: &'static ServerType,
) -> Option<Known> {
    let name = server.name;
    let exists = "select to_regtype($1) is not null";
    if !conn.fetch_scalar::<bool>(exists, (name,)).await.unwrap() {
        return None;
    }
    let ty = conn.type_info(name).await.unwrap();
    let sql = "select nullif(typsend::oid, 0)::regproc::text, typarray from pg_type where oid = $1";
    let (send, array): (Option<String>, u32) = conn
        .fetch_one(sql, (ty.oid(),))
        .await
        .unwrap()
        .decode()
        .unwrap();
    let array = match array {
        0 => None,
        oid => Some(conn.type_info(oid).await.unwrap()),
    };
    let mut known = Known {
        server,
        ty,
        samples: Vec::new(),
        array: array.map(|ty| (ty, Vec::new())),
    };
    for literal in server.literals {
        let literal = literal.replace('\'', "''");
        let value = format!("'{literal}'::{name}");
        known
            .samples
            .push(sample(conn, &value, send.as_deref()).await);
        if let Some((_, samples)) = &mut known.array {
            let value = format!("array[{value}, null]");
            let send = send.as_ref().map(|_| "array_send");
            samples.push(sample(conn, &value, send).await);
        }
    }
    Some(known)
}

async fn sample<S: ByteStream>(
    conn: &mut Connection<S>,
    value: &str,
    send: Option<&str>,
) -> Sample {
    let binary = match send {
        None => "null::bytea".to_owned(),
        // Types that borrow it have to be called its own.
        Some("textsend") => format!("textsend(({value})::text)"),
        Some(send) => format!("{send}({value})"),
    };
    let sql = format!("select format('%s', {value}), {binary}");
    let row = conn.fetch_one(&sql, ()).await;
    let row = row.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let (text, binary) = row.decode().unwrap();
    Sample { text, binary }
}

pub(crate) async fn try_all<S: ByteStream>(
    conn: &mut Connection<S>,
    known: &Known,
    rust: &RustType,
) -> Support {
    let mut support = Support::default();
    let what = format!("{} and {} {}", known.server.name, rust.feature, rust.name);
    let mut columns = Vec::new();
    for format in [Format::Text, Format::Binary] {
        columns.push((Column::new("a", known.ty.clone(), format), format));
    }
    let mut are_written = false;
    if let Some(reader) = &rust.reader
        && (reader.accepts)(&known.ty)
    {
        let mut refused = BTreeSet::new();
        for (column, format) in &columns {
            for sample in &known.samples {
                let Some(raw) = sample.raw(*format) else {
                    continue;
                };
                match (reader.read)(Field::new(column, Some(raw))) {
                    Ok(value) => {
                        set(&mut support, *format, |support| &mut support.results);
                        if let Some(value) = value {
                            are_written = true;
                            write(
                                conn,
                                known,
                                &*value,
                                Some(&sample.text),
                                &mut support,
                                &what,
                            )
                            .await;
                        }
                    }
                    Err(error) => {
                        // `NaN` is no decimal, `24:00` is no time of most crates.
                        refused.insert(format!("{:?}", error.kind()));
                        let unfit = [
                            DecodeErrorKind::OutOfRange,
                            DecodeErrorKind::Unsupported,
                            DecodeErrorKind::Invalid,
                        ];
                        assert!(unfit.contains(&error.kind()), "{what}: {error}");
                    }
                }
            }
        }
        let never = rust.name == "char";
        assert!(
            support.results.any() || never,
            "{what}: accepted, but no literal is read: {refused:?}"
        );
        arrays(known, rust, &mut support, &what);
    }
    if !are_written {
        for value in (rust.samples)() {
            write(conn, known, &*value, None, &mut support, &what).await;
        }
        // The server reads its own text.
        for sample in known.samples.iter().filter(|_| rust.name == "&str") {
            let (text, expected) = (sample.text.as_str(), Some(sample.text.as_str()));
            write(conn, known, &text, expected, &mut support, &what).await;
        }
    }
    support
}

/// A part of what is known.
type Which = fn(&mut Support) -> &mut Formats;

fn set(support: &mut Support, format: Format, which: Which) {
    match format {
        Format::Text => which(support).text = true,
        Format::Binary => which(support).binary = true,
    }
}

/// Reads arrays of one value and NULL.
fn arrays(known: &Known, rust: &RustType, support: &mut Support, what: &str) {
    let (Some((ty, samples)), Some(read)) = (
        &known.array,
        rust.reader.as_ref().and_then(|reader| reader.array),
    ) else {
        return;
    };
    for format in [Format::Text, Format::Binary] {
        let column = Column::new("a", ty.clone(), format);
        let raws = samples.iter().filter_map(|sample| sample.raw(format));
        let mut results = raws.map(|raw| -> Read<'_> { read(Field::new(&column, Some(raw))) });
        if results.any(|result| result.is_ok()) {
            set(support, format, |support| &mut support.array_results);
        }
    }
    assert!(
        support.array_results.any() || !support.results.any(),
        "{what}: not in arrays"
    );
}

/// Sends a value in each format that it has, alone and in an array. To the server it is what it was read from; or the same in each, where it is not told.
async fn write<S: ByteStream>(
    conn: &mut Connection<S>,
    known: &Known,
    value: &dyn ToSql,
    expected: Option<&str>,
    support: &mut Support,
    what: &str,
) {
    // No function takes a void.
    if !value.accepts(&known.ty) || known.ty == Type::VOID {
        return;
    }
    let name = known.server.name;
    let mut expected = expected.map(str::to_owned);
    let (text, list) = (AsText(value), [value]);
    let lists = &list[..];
    let text_list = AsText(&lists);
    let scalar: Which = |support| &mut support.parameters;
    let array: Which = |support| &mut support.array_parameters;
    let cases: [(&dyn ToSql, Format, Which, bool); 4] = [
        (value, Format::Binary, scalar, false),
        (&text, Format::Text, scalar, false),
        (&lists, Format::Binary, array, true),
        (&text_list, Format::Text, array, true),
    ];
    for (value, format, which, is_array) in cases {
        let ty = if is_array {
            let Some((ty, _)) = &known.array else {
                continue;
            };
            ty
        } else {
            &known.ty
        };
        assert!(value.accepts(ty), "{what}");
        if format == Format::Binary && !value.supports_binary(ty) {
            continue;
        }
        let place = if is_array { "[1]" } else { "" };
        let brackets = if is_array { "[]" } else { "" };
        let sql = format!("select format('%s', ($1::{name}{brackets}){place})");
        let sent = conn.fetch_scalar::<String>(&sql, (value,)).await;
        let sent = match sent {
            Ok(sent) => sent,
            // A number that the type cannot hold; a text that it cannot read.
            Err(Error::Encode(error)) if error.kind() == EncodeErrorKind::Unsupported => continue,
            Err(error) if expected.is_none() => {
                assert!(conn.is_ready(), "{what}: {error}");
                continue;
            }
            Err(error) => panic!("{what}: {error}"),
        };
        let expected = expected.get_or_insert_with(|| sent.clone());
        assert_eq!(&sent, expected, "{what} {format:?}");
        set(support, format, which);
    }
}
