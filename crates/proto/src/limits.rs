//! How much of everything a connection puts up with.

/// The limits of a connection: what a server sends grows no further, and what a caller queues is refused beyond them. What the core
/// writes by itself (a `Sync`, a `CopyFail`) is exempt: it is small, and must not fail.
///
/// | name | default | unit | reason |
/// | --- | --- | --- | --- |
/// | `max_message` | 1,073,741,828 | bytes | a server builds a message in a buffer of 1 GiB - 1 at the most (`MaxAllocSize`), and puts a header of five bytes before it |
/// | `max_short_message` | 30,000 | bytes | libpq takes a longer message as lost synchronisation, unless it carries data or text |
/// | `max_startup_message` | 2,001 | bytes | libpq's bound for an authentication request or a negotiation, from a server that nobody knows yet: 2,000 and the type byte |
/// | `max_startup_error` | 30,001 | bytes | libpq's bound for an error before authentication: 30,000 and the type byte |
/// | `max_columns` | 1,664 | columns | `MaxTupleAttributeNumber`: no server makes a wider result |
/// | `max_scram_iterations` | 1,000,000 | iterations | about a second of work, done where it can be stopped; there is no minimum above 1 |
/// | `max_scram_nonce` | 1,024 | bytes | servers take 1,024 bytes for a whole SASL message |
/// | `max_result` | off | bytes | rows and COPY data that one operation, or one of the executions of which it is made, may hand out: a result of any size can be read in constant memory, so only who collects it needs a bound |
/// | `output_high_water` | 1,048,576 | bytes | a batch is refused while this much waits to be sent, however large the batch is; data of a COPY while this much waits before what is queued behind it |
/// | `max_in_flight` | 100,000 | operations | that are owed something: each message of one takes less than 100 bytes of bookkeeping |
/// | `max_server_parameters` | 256 | parameters | servers report about fifteen |
/// | `max_server_parameter` | 8,192 | bytes | name and value of one: a `search_path` may be long |
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of one message, its type byte included.
    pub max_message: usize,
    /// Bytes of one message of a type that carries neither data nor text.
    pub max_short_message: usize,
    /// Bytes of one message before authentication is complete, errors aside.
    pub max_startup_message: usize,
    /// Bytes of an error before authentication is complete.
    pub max_startup_error: usize,
    /// Columns of one result.
    pub max_columns: usize,
    /// Rounds of key derivation that a server may ask for.
    pub max_scram_iterations: u32,
    /// Bytes of the nonce that a server may choose.
    pub max_scram_nonce: usize,
    /// Bytes of rows and of COPY data, their headers included, that one operation may hand out.
    pub max_result: usize,
    /// Bytes of output that wait to be sent and with which no further batch is accepted, and no further data of a COPY.
    pub output_high_water: usize,
    /// Operations that are owed something.
    pub max_in_flight: usize,
    /// Run-time parameters that a server may report.
    pub max_server_parameters: usize,
    /// Bytes of the name and the value of one of them.
    pub max_server_parameter: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_message: (1 << 30) + 4,
            max_short_message: 30_000,
            max_startup_message: 2_001,
            max_startup_error: 30_001,
            max_columns: 1_664,
            max_scram_iterations: 1_000_000,
            max_scram_nonce: 1_024,
            max_result: usize::MAX,
            output_high_water: 1 << 20,
            max_in_flight: 100_000,
            max_server_parameters: 256,
            max_server_parameter: 8 * 1024,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;
    use alloc::vec::Vec;

    use super::*;

    /// Each field has its row, in order, with the default that it has.
    #[test]
    fn the_table_says_what_the_defaults_are() {
        let rows = include_str!("limits.rs").lines();
        let rows = rows.filter_map(|line| line.strip_prefix("/// | `"));
        let told: Vec<String> = rows
            .map(|row| {
                let cells: Vec<&str> = row.split('|').map(str::trim).collect();
                assert!(cells.iter().take(4).all(|cell| !cell.is_empty()), "{row}");
                let default = match cells[1] {
                    "off" => format!("{}", usize::MAX),
                    number => number.replace(',', ""),
                };
                format!("{}: {default}", cells[0].trim_end_matches('`'))
            })
            .collect();
        let defaults = format!("Limits {{ {} }}", told.join(", "));
        assert_eq!(format!("{:?}", Limits::default()), defaults);
    }
}
