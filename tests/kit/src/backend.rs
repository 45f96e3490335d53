//! What a server sends: every message, as bytes.
//!
//! The mirror image of the core's decoders, with nothing checked: lies are what tests are for. [`message`] and [`declared`] make what no
//! server would send.

use std::fmt::Debug;

/// A whole message of any type, with the length that its body has.
///
/// # Panics
/// When no length word can say how long the body is.
pub fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = i32::try_from(body.len() + 4).expect("a message is shorter than 2 GiB");
    declared(tag, length, body)
}

/// The same with a length word of one's own, which counts itself in honest messages.
pub fn declared(tag: u8, length: i32, body: &[u8]) -> Vec<u8> {
    [&[tag][..], &length.to_be_bytes(), body].concat()
}

/// `AuthenticationOk`.
pub fn authentication_ok() -> Vec<u8> {
    authentication(0, b"")
}

/// `AuthenticationCleartextPassword`.
pub fn authentication_cleartext() -> Vec<u8> {
    authentication(3, b"")
}

/// `AuthenticationMD5Password`.
pub fn authentication_md5(salt: [u8; 4]) -> Vec<u8> {
    authentication(5, &salt)
}

/// `AuthenticationSASL`: the mechanisms that the server offers.
pub fn authentication_sasl(mechanisms: &[&str]) -> Vec<u8> {
    let mut body: Vec<u8> = mechanisms.iter().flat_map(|name| c_string(name)).collect();
    body.push(0);
    authentication(10, &body)
}

/// `AuthenticationSASLContinue`.
pub fn authentication_sasl_continue(data: impl AsRef<[u8]>) -> Vec<u8> {
    authentication(11, data.as_ref())
}

/// `AuthenticationSASLFinal`.
pub fn authentication_sasl_final(data: impl AsRef<[u8]>) -> Vec<u8> {
    authentication(12, data.as_ref())
}

/// An authentication message of any code.
pub fn authentication(code: i32, rest: &[u8]) -> Vec<u8> {
    message(b'R', &[&code.to_be_bytes(), rest].concat())
}

/// `ParameterStatus`.
pub fn parameter_status(name: &str, value: &str) -> Vec<u8> {
    message(b'S', &[c_string(name), c_string(value)].concat())
}

/// `BackendKeyData`.
pub fn backend_key_data(process_id: i32, secret: &[u8]) -> Vec<u8> {
    message(b'K', &[&process_id.to_be_bytes(), secret].concat())
}

/// `NegotiateProtocolVersion`: the whole version word, and the options that the server does not know.
pub fn negotiate_protocol_version(version: i32, options: &[&str]) -> Vec<u8> {
    let mut body = version.to_be_bytes().to_vec();
    body.extend(i32::from(count(options.len())).to_be_bytes());
    body.extend(options.iter().flat_map(|name| c_string(name)));
    message(b'v', &body)
}

/// `ReadyForQuery`: `I`, `T` or `E`.
pub fn ready(status: u8) -> Vec<u8> {
    message(b'Z', &[status])
}

/// `RowDescription`: name, type and format (0 is text, 1 is binary) of each column, which belongs to no table.
pub fn row_description(columns: &[(&str, u32, i16)]) -> Vec<u8> {
    let mut body = count(columns.len()).to_be_bytes().to_vec();
    for (name, type_oid, format) in columns {
        body.extend(c_string(name));
        body.extend(0_u32.to_be_bytes()); // table
        body.extend(0_i16.to_be_bytes()); // its column
        body.extend(type_oid.to_be_bytes());
        body.extend((-1_i16).to_be_bytes()); // size of the type
        body.extend((-1_i32).to_be_bytes()); // modifier of the type
        body.extend(format.to_be_bytes());
    }
    message(b'T', &body)
}

/// `DataRow`; `None` is NULL.
///
/// # Panics
/// When no length word can say how long a value is.
pub fn data_row<V: AsRef<[u8]>>(values: &[Option<V>]) -> Vec<u8> {
    let mut body = count(values.len()).to_be_bytes().to_vec();
    for value in values {
        match value {
            None => body.extend((-1_i32).to_be_bytes()),
            Some(value) => {
                let value = value.as_ref();
                let length = i32::try_from(value.len()).expect("a value is shorter than 2 GiB");
                body.extend(length.to_be_bytes());
                body.extend(value);
            }
        }
    }
    message(b'D', &body)
}

/// `CommandComplete`.
pub fn command_complete(tag: &str) -> Vec<u8> {
    message(b'C', &c_string(tag))
}

/// `EmptyQueryResponse`.
pub fn empty_query() -> Vec<u8> {
    message(b'I', b"")
}

/// `ErrorResponse` of fields of one's own.
pub fn error(fields: &[(u8, &str)]) -> Vec<u8> {
    message(b'E', &diagnostics(fields))
}

/// `ErrorResponse` as a server writes it at the least: severity in both fields, SQLSTATE, message.
pub fn error_response(severity: &str, sqlstate: &str, text: &str) -> Vec<u8> {
    error(&[
        (b'S', severity),
        (b'V', severity),
        (b'C', sqlstate),
        (b'M', text),
    ])
}

/// `NoticeResponse` of fields of one's own.
pub fn notice(fields: &[(u8, &str)]) -> Vec<u8> {
    message(b'N', &diagnostics(fields))
}

/// `NoticeResponse` as a server writes it at the least.
pub fn notice_response(severity: &str, sqlstate: &str, text: &str) -> Vec<u8> {
    notice(&[
        (b'S', severity),
        (b'V', severity),
        (b'C', sqlstate),
        (b'M', text),
    ])
}

/// `NotificationResponse`.
pub fn notification(process_id: i32, channel: &str, payload: &str) -> Vec<u8> {
    let body = [
        process_id.to_be_bytes().to_vec(),
        c_string(channel),
        c_string(payload),
    ];
    message(b'A', &body.concat())
}

/// `ParseComplete`.
pub fn parse_complete() -> Vec<u8> {
    message(b'1', b"")
}

/// `BindComplete`.
pub fn bind_complete() -> Vec<u8> {
    message(b'2', b"")
}

/// `CloseComplete`.
pub fn close_complete() -> Vec<u8> {
    message(b'3', b"")
}

/// `NoData`.
pub fn no_data() -> Vec<u8> {
    message(b'n', b"")
}

/// `PortalSuspended`.
pub fn portal_suspended() -> Vec<u8> {
    message(b's', b"")
}

/// `ParameterDescription`.
pub fn parameter_description(types: &[u32]) -> Vec<u8> {
    let mut body = count(types.len()).to_be_bytes().to_vec();
    body.extend(types.iter().flat_map(|oid| oid.to_be_bytes()));
    message(b't', &body)
}

/// `CopyInResponse`: so many columns, all of them in text.
pub fn copy_in_response(columns: usize) -> Vec<u8> {
    message(b'G', &copy_response(columns))
}

/// `CopyOutResponse`: so many columns, all of them in text.
pub fn copy_out_response(columns: usize) -> Vec<u8> {
    message(b'H', &copy_response(columns))
}

/// `CopyBothResponse`: so many columns, all of them in text.
pub fn copy_both_response(columns: usize) -> Vec<u8> {
    message(b'W', &copy_response(columns))
}

/// `CopyData`.
pub fn copy_data(data: &[u8]) -> Vec<u8> {
    message(b'd', data)
}

/// `CopyDone`.
pub fn copy_done() -> Vec<u8> {
    message(b'c', b"")
}

/// `FunctionCallResponse`.
pub fn function_call_response(value: Option<&[u8]>) -> Vec<u8> {
    let row = data_row(&[value]);
    message(b'V', &row[7..])
}

/// Everything up to the first `ReadyForQuery`, of a server that asks for no password.
pub fn let_in() -> Vec<u8> {
    let_in_with_key(4711, b"\x01\x02\x03\x04")
}

/// The same with a cancel key of one's own.
pub fn let_in_with_key(process_id: i32, secret: &[u8]) -> Vec<u8> {
    [
        authentication_ok(),
        parameter_status("server_version", "15.0"),
        parameter_status("client_encoding", "UTF8"),
        parameter_status("DateStyle", "ISO, MDY"),
        backend_key_data(process_id, secret),
        ready(b'I'),
    ]
    .concat()
}

fn copy_response(columns: usize) -> Vec<u8> {
    let mut body = vec![0];
    body.extend(count(columns).to_be_bytes());
    body.extend(vec![0; 2 * columns]);
    body
}

fn diagnostics(fields: &[(u8, &str)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (code, value) in fields {
        body.push(*code);
        body.extend(c_string(value));
    }
    body.push(0);
    body
}

fn c_string(text: &str) -> Vec<u8> {
    [text.as_bytes(), b"\0"].concat()
}

fn count<N: TryInto<u16, Error: Debug>>(n: N) -> u16 {
    n.try_into().expect("a count has sixteen bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Byte for byte as the manual's chapter "Message Formats" has them; `tests/protocol` shows that the core agrees.
    #[test]
    fn the_messages_of_the_manual() {
        assert_eq!(authentication_ok(), b"R\0\0\0\x08\0\0\0\0");
        assert_eq!(authentication_md5(*b"salt"), b"R\0\0\0\x0c\0\0\0\x05salt");
        assert_eq!(
            authentication_sasl(&["A", "B"]),
            b"R\0\0\0\x0d\0\0\0\x0aA\0B\0\0"
        );
        assert_eq!(
            negotiate_protocol_version(3 << 16, &["_pq_.x"]),
            b"v\0\0\0\x13\0\x03\0\0\0\0\0\x01_pq_.x\0"
        );
        assert_eq!(
            row_description(&[("a", 23, 1)]),
            b"T\0\0\0\x1a\0\x01a\0\0\0\0\0\0\0\0\0\0\x17\xff\xff\xff\xff\xff\xff\0\x01"
        );
        assert_eq!(
            data_row(&[Some("x"), None]),
            b"D\0\0\0\x0f\0\x02\0\0\0\x01x\xff\xff\xff\xff"
        );
        assert_eq!(error(&[(b'C', "42601")]), b"E\0\0\0\x0cC42601\0\0");
        assert_eq!(parameter_description(&[23]), b"t\0\0\0\x0a\0\x01\0\0\0\x17");
        assert_eq!(copy_out_response(1), b"H\0\0\0\x09\0\0\x01\0\0");
        assert_eq!(
            function_call_response(Some(b"x")),
            b"V\0\0\0\x09\0\0\0\x01x"
        );
        assert_eq!(declared(b'Z', 3, b"I"), b"Z\0\0\0\x03I");
    }
}
