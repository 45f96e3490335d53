//! `void`: what functions return that return nothing.

use crate::error::BoxError;
use crate::ty::oids;
use crate::{FromSql, Type};

impl<'a> FromSql<'a> for () {
    fn accepts(ty: &Type) -> bool {
        ty.oid() == oids::VOID
    }

    fn from_binary(_: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        if raw.is_empty() {
            Ok(())
        } else {
            Err(super::invalid("void has no value"))
        }
    }

    fn from_text(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        Self::from_binary(ty, raw)
    }
}

#[cfg(test)]
mod tests {
    use crate::impls::testing::*;
    use crate::{Column, DecodeErrorKind, Type};

    #[test]
    fn void_is_nothing() {
        for format in FORMATS {
            let column = Column::new("a", Type::VOID, format);
            read::<()>(&column, b"").unwrap();
            assert_eq!(failure::<()>(&column, b"x").0, DecodeErrorKind::Invalid);
            let column = Column::new("a", Type::TEXT, format);
            assert_eq!(failure::<()>(&column, b"").0, DecodeErrorKind::WrongType);
        }
    }
}
