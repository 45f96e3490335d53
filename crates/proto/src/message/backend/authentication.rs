//! `Authentication…` (`R`).

use alloc::string::String;
use alloc::vec::Vec;

use crate::wire::reader::{Malformed, Reader};

/// What the server asks of a client that wants in, or says about its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Authentication<'a> {
    Ok,
    CleartextPassword,
    Md5Password { salt: [u8; 4] },
    Sasl { mechanisms: Vec<String> },
    SaslContinue { data: &'a [u8] },
    SaslFinal { data: &'a [u8] },
    Unsupported { name: &'static str },
}

impl<'a> Authentication<'a> {
    pub(crate) fn decode(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let message = match reader.i32("the kind of authentication")? {
            0 => Self::Ok,
            2 => Self::Unsupported { name: "KerberosV5" },
            3 => Self::CleartextPassword,
            5 => Self::Md5Password {
                salt: reader.array("a salt of four bytes")?,
            },
            6 => Self::Unsupported {
                name: "SCM credentials",
            },
            7 => Self::Unsupported { name: "GSSAPI" },
            8 => Self::Unsupported {
                name: "GSSAPI (continued)",
            },
            9 => Self::Unsupported { name: "SSPI" },
            10 => Self::Sasl {
                mechanisms: mechanisms(&mut reader)?,
            },
            11 => Self::SaslContinue {
                data: reader.rest(),
            },
            12 => Self::SaslFinal {
                data: reader.rest(),
            },
            _ => return Err(Malformed("a known kind of authentication")),
        };
        if !matches!(message, Self::Unsupported { .. }) {
            reader.end()?;
        }
        Ok(message)
    }
}

fn mechanisms(reader: &mut Reader<'_>) -> Result<Vec<String>, Malformed> {
    let mut mechanisms = Vec::new();
    loop {
        let name = reader.string("the name of a SASL mechanism")?;
        if name.is_empty() {
            return Ok(mechanisms);
        }
        mechanisms.push(name);
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec;

    use super::*;

    #[test]
    fn every_kind() {
        let decode = Authentication::decode;
        assert_eq!(decode(&[0, 0, 0, 0]), Ok(Authentication::Ok));
        assert_eq!(decode(&[0, 0, 0, 3]), Ok(Authentication::CleartextPassword));
        assert_eq!(
            decode(&[0, 0, 0, 5, 1, 2, 3, 4]),
            Ok(Authentication::Md5Password { salt: [1, 2, 3, 4] })
        );
        assert_eq!(
            decode(b"\0\0\0\x0aSCRAM-SHA-256\0OTHER\0\0"),
            Ok(Authentication::Sasl {
                mechanisms: vec!["SCRAM-SHA-256".to_string(), "OTHER".to_string()]
            })
        );
        assert_eq!(
            decode(b"\0\0\0\x0br="),
            Ok(Authentication::SaslContinue { data: b"r=" })
        );
        assert_eq!(
            decode(b"\0\0\0\x07"),
            Ok(Authentication::Unsupported { name: "GSSAPI" })
        );
    }

    #[test]
    fn malformed_ones_are_told() {
        for body in [
            &b""[..],
            b"\0\0\0",
            b"\0\0\0\x05\x01\x02\x03",
            b"\0\0\0\0\0",
            b"\0\0\0\x0aSCRAM-SHA-256\0",
            b"\0\0\0\x63",
            b"\xff\xff\xff\xff",
        ] {
            assert!(Authentication::decode(body).is_err(), "{body:?}");
        }
    }
}
