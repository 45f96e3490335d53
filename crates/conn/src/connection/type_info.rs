//! Types that are not built in: looked up when a statement has them, or when somebody asks.

use purepg_proto::{OpId, Reply, TransactionStatus};
use purepg_types::{Converter, Oid, Type};

use crate::connection::Connection;
use crate::error::{Error, UsageError};
use crate::runtime::ByteStream;
use crate::types::{Lookup, Wanted};

/// What names a type: its oid, or its name as SQL has it, such as `mood`, `app.mood` or `"Mood"[]`.
pub trait TypeName: sealed::Sealed {
    #[doc(hidden)]
    fn oid(&self) -> Option<Oid>;

    #[doc(hidden)]
    fn name(&self) -> String;
}

mod sealed {
    use purepg_types::Oid;

    #[expect(
        unnameable_types,
        reason = "a sealed trait is one that nobody can name"
    )]
    pub trait Sealed {}
    impl Sealed for Oid {}
    impl Sealed for str {}
    impl Sealed for String {}
    impl<T: Sealed + ?Sized> Sealed for &T {}
}

impl TypeName for Oid {
    fn oid(&self) -> Option<Oid> {
        Some(*self)
    }

    fn name(&self) -> String {
        self.to_string()
    }
}

impl TypeName for str {
    fn oid(&self) -> Option<Oid> {
        None
    }

    fn name(&self) -> String {
        self.into()
    }
}

impl TypeName for String {
    fn oid(&self) -> Option<Oid> {
        None
    }

    fn name(&self) -> String {
        self.clone()
    }
}

impl<T: TypeName + ?Sized> TypeName for &T {
    fn oid(&self) -> Option<Oid> {
        (**self).oid()
    }

    fn name(&self) -> String {
        (**self).name()
    }
}

impl<S: ByteStream> Connection<S> {
    /// What a type is: its name, its schema, and what it consists of.
    ///
    /// The answer is kept: a type is looked up once, together with all that it consists of, and so are the types of every statement that is
    /// prepared. It is forgotten when a command of this connection alters or drops a type, when a value turns up that it does not explain,
    /// such as a label that was added to an enum, and when the server no longer knows a type. A name is looked up with the search
    /// path of that moment; `DISCARD ALL` or a new search path do not make it forgotten: [`forget_types`](Self::forget_types) does.
    ///
    /// # Errors
    /// [`UsageError::UnknownType`] when there is none such; [`Error::Database`] when the name is no name, and what ends a connection.
    ///
    /// # Cancel safety
    /// Dropping the future costs nothing.
    pub async fn type_info(&mut self, ty: impl TypeName + Send) -> Result<Type, Error> {
        let (oid, name) = (ty.oid(), ty.name());
        self.make_way().await?;
        self.types.refresh();
        let wanted = match oid {
            Some(oid) if self.types.missing([oid]).is_empty() => {
                return self.known_type(Some(self.types.get(oid)), name);
            }
            Some(oid) => Wanted::Oids(vec![oid]),
            None => match self.types.by_name(&name) {
                Some(ty) => return Ok(ty),
                None => Wanted::Name(name.as_str().into()),
            },
        };
        self.check_transaction()?;
        if let Err(error) = self.check_text(&name) {
            return Err(self.settled(error).await);
        }
        match self.look_up(wanted).await {
            Ok(()) => {
                let found = match oid {
                    Some(oid) => Some(self.types.get(oid)),
                    None => self.types.by_name(&name),
                };
                self.known_type(found, name)
            }
            Err(error) => Err(self.settled(error).await),
        }
    }

    fn known_type(&self, found: Option<Type>, name: String) -> Result<Type, Error> {
        let name = name.into();
        let found = found.filter(|ty| !ty.is_unknown());
        found.ok_or_else(|| UsageError::UnknownType { name }.into())
    }

    /// Forgets what was looked up of types that are not built in. Statements that are kept look it up again when they are run.
    pub fn forget_types(&mut self) {
        self.types.forget();
    }

    /// From now on, dynamic values ([`Value`](crate::Value)) of this type are what the converter makes of them, also in arrays, ranges, composite
    /// values and records: [`Converter`] says more. The type is named by its oid, or by its name, with or without its schema; it need not exist yet.
    ///
    /// It is for this connection. A type of one's own implements [`FromSql`](crate::FromSql) and needs no converter.
    pub fn add_converter(&mut self, ty: impl TypeName, converter: Converter) {
        self.types.add_converter(&ty.name(), converter);
        // They were described without it.
        self.statements.clear();
    }

    /// Looks types up, with a segment of its own.
    pub(super) async fn look_up(&mut self, wanted: Wanted) -> Result<(), Error> {
        let mut lookup = Lookup::new(wanted);
        let op = self.begin_lookup(&lookup, true)?;
        loop {
            let reply = self.reply(op).await?;
            if let Some(result) = self.follow_lookup(&mut lookup, reply) {
                result?;
                self.learn(lookup);
                return Ok(());
            }
        }
    }

    /// Looks up what values of anonymous records had in them that is not known, if there was something.
    pub(super) async fn look_up_members(&mut self) -> Result<(), Error> {
        let failed = self.transaction_status() == TransactionStatus::Failed;
        if failed || self.check_readable().is_err() {
            return Ok(());
        }
        let missing = self.types.missing_in_records();
        if missing.is_empty() {
            return Ok(());
        }
        self.look_up(Wanted::Oids(missing)).await
    }

    /// Sends the question; `sync`: it ends its segment.
    pub(super) fn begin_lookup(&mut self, lookup: &Lookup, sync: bool) -> Result<OpId, Error> {
        let version = self.core.parameter("server_version").map(String::from);
        self.operation(|batch| {
            lookup.write(batch, version.as_deref());
            if sync {
                batch.sync();
            } else {
                batch.flush();
            }
        })
    }

    /// Takes note of an answer; gives the result once there is one.
    pub(super) fn follow_lookup(
        &mut self,
        lookup: &mut Lookup,
        reply: Reply,
    ) -> Option<Result<(), Error>> {
        match reply {
            Reply::Columns(columns) => lookup.columns(columns),
            Reply::Rows(rows) => {
                if let Err(error) = self.check_readable().and_then(|()| lookup.rows(rows)) {
                    return Some(Err(error));
                }
            }
            Reply::Finished(outcome) => {
                let result = self.check(outcome, None);
                // Not PostgreSQL, or one that hides its catalogue: it will say the same the next time.
                let refused = result.as_ref().err().and_then(Error::sqlstate);
                let by_number = matches!(lookup.wanted, Wanted::Oids(_));
                if by_number
                    && refused.is_some_and(|code| code.starts_with("42") || code.starts_with("0A"))
                {
                    self.types.turn_off();
                }
                return Some(result);
            }
            _ => {}
        }
        None
    }

    pub(super) fn learn(&mut self, lookup: Lookup) {
        let (wanted, found) = lookup.finish();
        self.types.learn(&wanted, &found);
    }
}
