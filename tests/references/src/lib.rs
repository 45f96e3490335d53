//! How a type is compared with sqlx: what a server sends is read by both, and what both make of the value is written by both.

#![cfg(unix)]

use std::fmt::Debug;

use bytes::BytesMut;
use purepg_testkit::server::{DATABASE, Server, USER_TRUST};
use purepg_types::{Column, Field, Format, FromSqlOwned, IsNull, Kind, ToSql, Type, encode};
use sqlx::postgres::{
    PgArgumentBuffer, PgConnectOptions, PgConnection, PgRow, PgSslMode, Postgres,
};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Decode, Encode, Row as _};

/// A server, seen by sqlx.
#[derive(Debug)]
pub struct Reference {
    conn: PgConnection,
    /// What was compared so far.
    pub counted: Counted,
}

/// How much was compared.
#[derive(Clone, Copy, Default, Debug)]
pub struct Counted {
    /// Fields that both read as the same value.
    pub read: usize,
    /// Values of which both wrote the same bytes.
    pub written: usize,
    /// Fields that only we read.
    pub only_ours: usize,
}

/// What one side refuses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// Nothing: both read every literal.
    None,
    /// sqlx does not read some of the literals, in one of the formats at least.
    Theirs,
}

impl Reference {
    /// Connects to the server of this test binary.
    pub async fn connect() -> Self {
        let server = Server::shared();
        let options = PgConnectOptions::new()
            .host(server.host())
            .port(server.port())
            .username(USER_TRUST)
            .database(DATABASE)
            .ssl_mode(PgSslMode::Disable);
        let conn = options.connect().await.unwrap();
        let mut reference = Self {
            conn,
            counted: Counted::default(),
        };
        // Tests run at the same time.
        reference.run("select pg_advisory_lock(4711)").await;
        for extension in ["hstore", "citext", "ltree"] {
            reference
                .run(&format!("create extension if not exists {extension}"))
                .await;
        }
        reference.run("select pg_advisory_unlock(4711)").await;
        reference.run("set timezone = 'UTC'").await;
        reference
    }

    /// Runs what has no rows.
    pub async fn run(&mut self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut self.conn)
            .await
            .unwrap();
    }

    /// A row in this format: the simple protocol has results in text, the extended one, as sqlx uses it, in binary.
    async fn row(&mut self, sql: &str, format: Format) -> PgRow {
        let sql = AssertSqlSafe(sql.to_owned());
        let row = match format {
            Format::Text => sqlx::raw_sql(sql).fetch_one(&mut self.conn).await,
            Format::Binary => sqlx::query(sql).fetch_one(&mut self.conn).await,
        };
        row.unwrap()
    }

    /// Our type of that name.
    async fn ty(&mut self, name: &str) -> Type {
        let sql = format!("select '{name}'::regtype::oid::int8");
        let oid: i64 = self.row(&sql, Format::Binary).await.get(0);
        let oid = u32::try_from(oid).unwrap();
        Type::from_oid(oid).unwrap_or_else(|| Type::new(oid, name, Kind::Base, None))
    }

    /// Reads these literals as an `Ours` and as a `Theirs`, in both formats. Gives what was read, with what the server sends of it in
    /// binary.
    pub async fn check_read<Ours, Theirs>(
        &mut self,
        name: &str,
        literals: &[&str],
        refusal: Refusal,
        same: impl Fn(&Ours, &Theirs) -> bool,
    ) -> Vec<(Ours, Theirs, Vec<u8>)>
    where
        Ours: FromSqlOwned + Debug,
        Theirs: for<'r> Decode<'r, Postgres>,
    {
        let ty = self.ty(name).await;
        let (mut refused, mut read) = (0, Vec::new());
        for literal in literals {
            let sql = format!("select '{}'::{name}", literal.replace('\'', "''"));
            let binary = self.row(&sql, Format::Binary).await;
            let text = self.row(&sql, Format::Text).await;
            let sent = binary.try_get_raw(0).unwrap().as_bytes().unwrap();
            for (row, format) in [(&text, Format::Text), (&binary, Format::Binary)] {
                let raw = row.try_get_raw(0).unwrap();
                let column = Column::new("a", ty.clone(), format);
                let what = format!("{name} {} {format:?}", shown(literal));
                let field = Field::new(&column, Some(raw.as_bytes().unwrap()));
                let theirs = Theirs::decode(raw.clone());
                // What we do not read is nothing to compare: such a literal does not belong here.
                let ours = field.decode::<Ours>();
                let ours = ours.unwrap_or_else(|error| {
                    panic!("{what}: {error}, and by sqlx: {}", theirs.is_ok())
                });
                let theirs = match theirs {
                    Ok(theirs) => theirs,
                    Err(error) => {
                        println!("{what}: sqlx refuses it: {error}");
                        refused += 1;
                        continue;
                    }
                };
                assert!(
                    same(&ours, &theirs),
                    "{what}: {ours:?} by us, another by sqlx"
                );
                read.push((ours, theirs, sent.to_vec()));
            }
        }
        let is_expected = (refused > 0) == (refusal == Refusal::Theirs);
        assert!(
            is_expected && !read.is_empty(),
            "{name}: sqlx refuses {refused} of {}",
            2 * literals.len()
        );
        self.counted.only_ours += refused;
        self.counted.read += read.len();
        read
    }

    /// The same, and writes what both have read.
    pub async fn check<Ours, Theirs>(
        &mut self,
        name: &str,
        literals: &[&str],
        refusal: Refusal,
        same: impl Fn(&Ours, &Theirs) -> bool,
    ) where
        Ours: FromSqlOwned + ToSql + Debug,
        Theirs: for<'r> Decode<'r, Postgres> + for<'q> Encode<'q, Postgres>,
    {
        let ty = self.ty(name).await;
        for (ours, theirs, sent) in self.check_read(name, literals, refusal, same).await {
            assert_eq!(
                written(&ours, &ty),
                sent,
                "{name}: {ours:?} by us, and by the server"
            );
            assert_eq!(
                written_by_sqlx(&theirs),
                sent,
                "{name}: {ours:?} by sqlx, and by the server"
            );
            self.counted.written += 1;
        }
    }

    /// The same for a type that both have: both write what we have read.
    pub async fn check_same<T>(&mut self, name: &str, literals: &[&str], refusal: Refusal)
    where
        T: FromSqlOwned + ToSql + Debug,
        T: for<'r> Decode<'r, Postgres> + for<'q> Encode<'q, Postgres>,
    {
        self.check_alike(name, literals, refusal, equal::<T>).await;
    }

    /// The same, where sqlx reads a value that is the same in another form.
    pub async fn check_alike<T>(
        &mut self,
        name: &str,
        literals: &[&str],
        refusal: Refusal,
        same: impl Fn(&T, &T) -> bool,
    ) where
        T: FromSqlOwned + ToSql + Debug,
        T: for<'r> Decode<'r, Postgres> + for<'q> Encode<'q, Postgres>,
    {
        let ty = self.ty(name).await;
        for (value, _, sent) in self.check_read::<T, T>(name, literals, refusal, same).await {
            assert_eq!(
                written(&value, &ty),
                sent,
                "{name}: {value:?} by us, and by the server"
            );
            assert_eq!(
                written_by_sqlx(&value),
                sent,
                "{name}: {value:?} by sqlx, and by the server"
            );
            self.counted.written += 1;
        }
    }
}

/// As they are shown: NaN is not equal to itself.
pub fn equal<T: Debug>(one: &T, other: &T) -> bool {
    format!("{one:?}") == format!("{other:?}")
}

/// Equal, once theirs is made ours.
pub fn as_ours<Ours: Debug, Theirs>(
    convert: impl Fn(&Theirs) -> Ours,
) -> impl Fn(&Ours, &Theirs) -> bool {
    move |ours, theirs| equal(ours, &convert(theirs))
}

/// Some literals are very long.
fn shown(literal: &str) -> &str {
    literal.get(..60).unwrap_or(literal)
}

/// What we write.
fn written(value: &dyn ToSql, ty: &Type) -> Vec<u8> {
    let mut out = BytesMut::new();
    let is_null = encode(0, value, ty, Format::Binary, &mut out).unwrap();
    assert_eq!(is_null, IsNull::No);
    out.to_vec()
}

/// What sqlx writes.
fn written_by_sqlx<'q>(value: &impl Encode<'q, Postgres>) -> Vec<u8> {
    let mut buffer = PgArgumentBuffer::default();
    let is_null = value.encode_by_ref(&mut buffer).unwrap();
    assert!(!is_null.is_null());
    buffer.to_vec()
}
