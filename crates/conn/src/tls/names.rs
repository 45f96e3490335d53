//! Whether a certificate is for a host, by libpq's rules, which are older and simpler than those of web browsers: the common name counts
//! where there is no alternative name of the host's kind, and a wildcard stands for exactly one label.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use futures_rustls::rustls::pki_types::CertificateDer;
use futures_rustls::rustls::{CertificateError, Error, OtherError};
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Tag, Tagged as _};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::certificate::{self, Certificate};

/// Nothing if the certificate is for `host`.
pub(super) fn check(certificate: &CertificateDer<'_>, host: &str) -> Result<(), Error> {
    let certificate = certificate::parse(certificate)?;
    let names = Names::of(&certificate)?;
    if names.include(host) {
        return Ok(());
    }
    let host = host.into();
    let error = OtherError(Arc::new(OtherHost { host, names }));
    Err(Error::InvalidCertificate(CertificateError::Other(error)))
}

/// What a certificate is for.
#[derive(Debug, Default)]
struct Names {
    dns: Vec<String>,
    addresses: Vec<Vec<u8>>,
    common: Option<String>,
}

impl Names {
    fn of(certificate: &Certificate) -> Result<Self, Error> {
        let bad = |_| Error::InvalidCertificate(CertificateError::BadEncoding);
        let tbs = certificate.tbs_certificate();
        let mut names = Self::default();
        let alternative = tbs.get_extension::<SubjectAltName>().map_err(bad)?;
        for name in alternative.map(|(_, names)| names.0).unwrap_or_default() {
            match name {
                GeneralName::DnsName(name) => names.dns.push(name.to_string()),
                GeneralName::IpAddress(bytes) => names.addresses.push(bytes.as_bytes().to_vec()),
                _ => {}
            }
        }
        let mut subject = tbs.subject().iter();
        let common = subject.find(|attribute| attribute.oid == COMMON_NAME);
        let text = common.map(|attribute| &attribute.value);
        let text = text.filter(|value| TEXTS.contains(&value.tag()));
        names.common = text.and_then(|value| String::from_utf8(value.value().to_vec()).ok());
        Ok(names)
    }

    fn include(&self, host: &str) -> bool {
        let address = host.parse::<IpAddr>().ok().map(octets);
        let is_address = |bytes: &Vec<u8>| Some(bytes) == address.as_ref();
        if self.dns.iter().any(|name| matches(name, host)) || self.addresses.iter().any(is_address)
        {
            return true;
        }
        // An alternative name of the same kind leaves the common name without a say.
        let same_kind = match address {
            Some(_) => !self.addresses.is_empty(),
            None => !self.dns.is_empty(),
        };
        !same_kind && self.common.as_ref().is_some_and(|name| matches(name, host))
    }
}

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

const TEXTS: [Tag; 4] = [
    Tag::Utf8String,
    Tag::PrintableString,
    Tag::Ia5String,
    Tag::TeletexString,
];

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

/// A name with a zero byte is nobody's.
fn matches(name: &str, host: &str) -> bool {
    if name.contains('\0') || name.is_empty() {
        return false;
    }
    if name.eq_ignore_ascii_case(host) {
        return true;
    }
    let Some(suffix) = name
        .strip_prefix('*')
        .filter(|rest| rest.starts_with('.') && rest.len() > 1)
    else {
        return false;
    };
    let Some((label, rest)) = host.split_once('.') else {
        return false;
    };
    !label.is_empty()
        && suffix
            .strip_prefix('.')
            .is_some_and(|domain| domain.eq_ignore_ascii_case(rest))
}

/// A certificate of somebody else's.
#[derive(Debug)]
struct OtherHost {
    host: Box<str>,
    names: Names,
}

impl std::error::Error for OtherHost {}

/// The names are the server's own words, so they are escaped, and cut short.
impl fmt::Display for OtherHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Names {
            dns,
            addresses,
            common,
        } = &self.names;
        let addresses = addresses.iter().map(|bytes| {
            let four = <[u8; 4]>::try_from(bytes.as_slice()).map(IpAddr::from);
            let sixteen = || <[u8; 16]>::try_from(bytes.as_slice()).map(IpAddr::from);
            four.or_else(|_| sixteen())
                .map_or_else(|_| "?".into(), |address| address.to_string())
        });
        let all = dns.iter().cloned().chain(addresses).chain(common.clone());
        let mut shown: Vec<String> = all
            .take(SHOWN + 1)
            .map(|name| name.escape_debug().take(LONGEST).collect())
            .collect();
        if shown.len() > SHOWN {
            shown.truncate(SHOWN);
            shown.push("others".into());
        }
        let of = match shown.as_slice() {
            [] => "nobody in particular".to_owned(),
            names => names.join(", "),
        };
        write!(
            f,
            "the certificate is for {of}, not for {}",
            self.host.escape_debug()
        )
    }
}

/// So many names are shown, and so much of each.
const SHOWN: usize = 5;
const LONGEST: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dns: &[&str], addresses: &[&str], common: Option<&str>) -> Names {
        Names {
            dns: dns.iter().map(|name| (*name).into()).collect(),
            addresses: addresses
                .iter()
                .map(|text| octets(text.parse().unwrap()))
                .collect(),
            common: common.map(Into::into),
        }
    }

    #[test]
    fn security_07_names_match_as_they_do_for_libpq() {
        for (name, host, fits) in [
            ("db.example", "db.example", true),
            ("DB.example", "db.EXAMPLE", true),
            ("db.example", "db.example.", false),
            ("db.example", "x.db.example", false),
            ("*.example", "db.example", true),
            ("*.EXAMPLE", "db.example", true),
            ("*.example", "a.b.example", false),
            ("*.example", "example", false),
            ("*.example", ".example", false),
            ("*.a.example", "b.a.example", true),
            ("d*.example", "db.example", false),
            ("*", "db", false),
            ("*.", "db.", false),
            ("db.*", "db.example", false),
            ("*.*.example", "a.b.example", false),
            ("", "", false),
            ("xn--bcher-kva.example", "bücher.example", false),
        ] {
            assert_eq!(matches(name, host), fits, "{name} {host}");
        }
    }

    #[test]
    fn security_08_a_zero_byte_hides_nothing() {
        assert!(!matches("db.example\0.evil", "db.example"));
        assert!(!matches("db.example\0.evil", "db.example\0.evil"));
        let long = format!("{}.example", "a".repeat(60));
        assert!(!matches(&long[..32], &long) && !matches(&long, &long[..32]));
    }

    #[test]
    fn the_common_name_counts_where_nothing_of_its_kind_does() {
        let cn = Some("db.example");
        assert!(names(&[], &[], cn).include("db.example"));
        assert!(names(&[], &["192.0.2.1"], cn).include("db.example"));
        assert!(!names(&["other.example"], &[], cn).include("db.example"));
        assert!(names(&[], &[], Some("192.0.2.1")).include("192.0.2.1"));
        assert!(names(&["db.example"], &[], Some("192.0.2.1")).include("192.0.2.1"));
        assert!(!names(&[], &["192.0.2.2"], Some("192.0.2.1")).include("192.0.2.1"));
        assert!(names(&[], &["192.0.2.1"], None).include("192.0.2.1"));
        assert!(names(&[], &["2001:db8::1"], None).include("2001:DB8:0::1"));
        assert!(names(&["192.0.2.1"], &[], None).include("192.0.2.1"));
        assert!(!names(&[], &[], None).include("db.example"));
    }

    #[test]
    fn an_error_tells_whose_it_is() {
        let show = |names| {
            let host = "h".into();
            OtherHost { host, names }.to_string()
        };
        let text = show(names(&["a\n", "*.b"], &["192.0.2.1"], Some("c")));
        assert_eq!(
            text,
            r"the certificate is for a\n, *.b, 192.0.2.1, c, not for h"
        );
        assert_eq!(
            show(Names::default()),
            "the certificate is for nobody in particular, not for h"
        );
        let many = show(names(&["a"; 1000], &[], None));
        assert_eq!(
            many,
            "the certificate is for a, a, a, a, a, others, not for h"
        );
    }
}
