//! What SCRAM binds to: `tls-server-end-point` (RFC 5929, section 4.1), a hash of the server's certificate by the hash function that
//! its signature names, or by SHA-256 where that is MD5 or SHA-1.

use futures_rustls::rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512, Sha512_224, Sha512_256};
use x509_cert::der::asn1::{ContextSpecific, ObjectIdentifier};
use x509_cert::der::{Encode as _, Reader as _, SliceReader, TagNumber};
use x509_cert::spki::AlgorithmIdentifierOwned;

use super::certificate;

/// `None` where the signature names no hash function, as Ed25519's does, or one that is not known here.
pub(super) fn server_end_point(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let parsed = certificate::parse(certificate).ok()?;
    hash_of(parsed.signature_algorithm()).map(|hash| hash.digest(certificate))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hash {
    Sha224,
    Sha256,
    Sha384,
    Sha512,
    Sha512_224,
    Sha512_256,
}

impl Hash {
    fn digest(self, data: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha224 => Sha224::digest(data).to_vec(),
            Self::Sha256 => Sha256::digest(data).to_vec(),
            Self::Sha384 => Sha384::digest(data).to_vec(),
            Self::Sha512 => Sha512::digest(data).to_vec(),
            Self::Sha512_224 => Sha512_224::digest(data).to_vec(),
            Self::Sha512_256 => Sha512_256::digest(data).to_vec(),
        }
    }
}

fn hash_of(signature: &AlgorithmIdentifierOwned) -> Option<Hash> {
    if signature.oid == RSASSA_PSS {
        return hash_of_pss(signature);
    }
    find(SIGNATURES, signature.oid)
}

/// What the parameters of RSASSA-PSS name: SHA-1 if they do not say (RFC 4055, section 3.1).
fn hash_of_pss(signature: &AlgorithmIdentifierOwned) -> Option<Hash> {
    let parameters = signature.parameters.as_ref()?.to_der().ok()?;
    let mut reader = SliceReader::new(&parameters).ok()?;
    let hash = reader.sequence(|reader| {
        let hash =
            ContextSpecific::<AlgorithmIdentifierOwned>::decode_explicit(reader, TagNumber(0))?;
        // What else there is says nothing of the hash.
        reader.drain(reader.remaining_len())?;
        x509_cert::der::Result::Ok(hash)
    });
    match hash.ok()? {
        Some(hash) => find(HASHES, hash.value.oid),
        None => Some(Hash::Sha256),
    }
}

fn find(table: &[(&str, Hash)], oid: ObjectIdentifier) -> Option<Hash> {
    let oid = oid.to_string();
    let found = table.iter().find(|(known, _)| *known == oid);
    found.map(|(_, hash)| *hash)
}

const RSASSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");

const SIGNATURES: &[(&str, Hash)] = &[
    // RSA with MD5, SHA-1, SHA-2.
    ("1.2.840.113549.1.1.4", Hash::Sha256),
    ("1.2.840.113549.1.1.5", Hash::Sha256),
    ("1.2.840.113549.1.1.14", Hash::Sha224),
    ("1.2.840.113549.1.1.11", Hash::Sha256),
    ("1.2.840.113549.1.1.12", Hash::Sha384),
    ("1.2.840.113549.1.1.13", Hash::Sha512),
    ("1.2.840.113549.1.1.15", Hash::Sha512_224),
    ("1.2.840.113549.1.1.16", Hash::Sha512_256),
    // ECDSA with SHA-1, SHA-2.
    ("1.2.840.10045.4.1", Hash::Sha256),
    ("1.2.840.10045.4.3.1", Hash::Sha224),
    ("1.2.840.10045.4.3.2", Hash::Sha256),
    ("1.2.840.10045.4.3.3", Hash::Sha384),
    ("1.2.840.10045.4.3.4", Hash::Sha512),
    // DSA with SHA-1, SHA-2.
    ("1.2.840.10040.4.3", Hash::Sha256),
    ("2.16.840.1.101.3.4.3.1", Hash::Sha224),
    ("2.16.840.1.101.3.4.3.2", Hash::Sha256),
    ("2.16.840.1.101.3.4.3.3", Hash::Sha384),
    ("2.16.840.1.101.3.4.3.4", Hash::Sha512),
];

const HASHES: &[(&str, Hash)] = &[
    ("1.2.840.113549.2.5", Hash::Sha256),
    ("1.3.14.3.2.26", Hash::Sha256),
    ("2.16.840.1.101.3.4.2.4", Hash::Sha224),
    ("2.16.840.1.101.3.4.2.1", Hash::Sha256),
    ("2.16.840.1.101.3.4.2.2", Hash::Sha384),
    ("2.16.840.1.101.3.4.2.3", Hash::Sha512),
    ("2.16.840.1.101.3.4.2.5", Hash::Sha512_224),
    ("2.16.840.1.101.3.4.2.6", Hash::Sha512_256),
];

#[cfg(test)]
mod tests {
    use x509_cert::der::Decode as _;

    use super::*;

    /// `SEQUENCE { oid, NULL }`, or with other parameters.
    fn algorithm(der: &[u8]) -> AlgorithmIdentifierOwned {
        AlgorithmIdentifierOwned::from_der(der).unwrap()
    }

    #[test]
    fn security_10_the_hash_is_what_the_signature_names() {
        let known = |oid: &str| AlgorithmIdentifierOwned {
            oid: oid.parse().unwrap(),
            parameters: None,
        };
        for (oid, hash) in [
            ("1.2.840.113549.1.1.5", Some(Hash::Sha256)),
            ("1.2.840.113549.1.1.13", Some(Hash::Sha512)),
            ("1.2.840.10045.4.3.3", Some(Hash::Sha384)),
            ("1.3.101.112", None),
            ("1.3.101.113", None),
            ("2.16.840.1.101.3.4.3.17", None),
        ] {
            assert_eq!(hash_of(&known(oid)), hash, "{oid}");
        }
    }

    #[test]
    fn the_parameters_of_pss_name_the_hash() {
        // RFC 4055's identifiers of PSS with SHA-384 and a salt of 48 bytes, and of PSS with everything left out.
        let sha384 = [
            0x30, 0x41, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a, 0x30,
            0x34, 0xa0, 0x0f, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04,
            0x02, 0x02, 0x05, 0x00, 0xa1, 0x1c, 0x30, 0x1a, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
            0xf7, 0x0d, 0x01, 0x01, 0x08, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65,
            0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0xa2, 0x03, 0x02, 0x01, 0x30,
        ];
        assert_eq!(hash_of(&algorithm(&sha384)), Some(Hash::Sha384));
        let default = [
            0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a, 0x30,
            0x00,
        ];
        assert_eq!(hash_of(&algorithm(&default)), Some(Hash::Sha256));
        let missing = [
            0x30, 0x0b, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a,
        ];
        assert_eq!(hash_of(&algorithm(&missing)), None);
    }
}
