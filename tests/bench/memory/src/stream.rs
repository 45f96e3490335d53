//! What a server would send.

/// A whole answer to one simple query.
#[derive(Debug)]
pub struct Stream {
    /// From its `RowDescription` to its `ReadyForQuery`.
    pub bytes: Vec<u8>,
    /// How many rows are in it.
    pub rows: usize,
}

/// `int8`, `int4`, `text`: 40 bytes a row on average, frame and all.
pub fn three_columns(rows: usize) -> Stream {
    stream(rows, &[20, 23, 25], |row, n, noise| {
        row.value(&n.to_be_bytes());
        row.value(&0x0102_0304_u32.to_be_bytes());
        row.text(5 + noise % 9);
    })
}

/// Ten columns of eight types, one of them now and then NULL: 299 bytes a row on average, frame and all.
pub fn ten_columns(rows: usize) -> Stream {
    let types = [20, 23, 16, 701, 1184, 2950, 25, 25, 25, 17];
    stream(rows, &types, |row, n, noise| {
        row.value(&n.to_be_bytes());
        row.value(&0x0102_0304_u32.to_be_bytes());
        row.value(&[1]);
        row.value(&1.5_f64.to_be_bytes());
        row.value(&800_000_000_000_000_u64.to_be_bytes());
        row.value(&[0xab; 16]);
        row.text(15 + noise % 21);
        row.text(40 + noise % 41);
        row.text(80 + noise % 61);
        if n.is_multiple_of(4) {
            row.null();
        } else {
            row.value(&[0xcd; 16]);
        }
    })
}

/// Oids of the columns of [`ten_values`].
pub const TEN_TYPES: [u32; 10] = [20, 23, 25, 25, 16, 701, 1184, 2950, 3802, 17];

/// Names of the columns of [`ten_values`].
pub const TEN_NAMES: [&str; 10] = [
    "id", "visits", "name", "remark", "active", "score", "created", "token", "data", "picture",
];

/// The answer to one execution of a prepared statement: ten columns of nine types, in the binary format, whose values differ from row to
/// row.
pub fn ten_values(rows: usize) -> Stream {
    let mut bytes = message(b'2', b"");
    let mut noise = Noise::default();
    for n in 0..rows as u64 {
        let noise = noise.next_usize();
        let half = u32::try_from(noise).expect("24 bits");
        data_row(&mut bytes, |row| {
            row.value(&n.to_be_bytes());
            row.value(&half.to_be_bytes());
            row.text(10 + noise % 16);
            row.text(40 + noise % 41);
            row.value(&[u8::from(noise.is_multiple_of(3))]);
            row.value(&(f64::from(half) / 7.0).to_be_bytes());
            row.value(&(800_000_000_000_000 + u64::from(half) * 1_000_003).to_be_bytes());
            row.value(
                &u128::from(half)
                    .wrapping_mul(0x1234_5678_9abc_def1_0fed_cba9_8765_4321)
                    .to_be_bytes(),
            );
            row.value(
                &[
                    b"\x01",
                    format!(r#"{{"id": {n}, "tags": ["a", "b"], "n": {noise}}}"#).as_bytes(),
                ]
                .concat(),
            );
            row.value(&[0xcd; 32][..16 + noise % 17]);
        });
    }
    bytes.extend(message(b'C', format!("SELECT {rows}\0").as_bytes()));
    bytes.extend(message(b'Z', b"I"));
    Stream { bytes, rows }
}

/// The answer to a statement that is prepared and described: no parameters, and the columns of [`ten_values`].
pub fn described() -> Vec<u8> {
    let names = TEN_NAMES.map(String::from);
    let columns = row_description(names.into_iter().zip(TEN_TYPES), 0);
    described_as(&[], &columns)
}

/// The same of other types of parameters and another `RowDescription`, or `NoData`.
pub(crate) fn described_as(parameters: &[u32], columns: &[u8]) -> Vec<u8> {
    let count = u16::try_from(parameters.len()).expect("few parameters");
    let mut types = count.to_be_bytes().to_vec();
    types.extend(parameters.iter().flat_map(|oid| oid.to_be_bytes()));
    [
        &message(b'1', b""),
        &message(b't', &types),
        columns,
        &message(b'Z', b"I"),
    ]
    .concat()
}

/// What a server says to a start-up that needs no password.
pub fn greeting() -> Vec<u8> {
    let parameters = [
        ("in_hot_standby", "off"),
        ("integer_datetimes", "on"),
        ("TimeZone", "Etc/UTC"),
        ("IntervalStyle", "postgres"),
        ("search_path", "\"$user\", public"),
        ("is_superuser", "off"),
        ("application_name", ""),
        ("default_transaction_read_only", "off"),
        ("scram_iterations", "4096"),
        ("DateStyle", "ISO, MDY"),
        ("standard_conforming_strings", "on"),
        ("session_authorization", "bench"),
        ("client_encoding", "UTF8"),
        ("server_version", "18.1"),
        ("server_encoding", "UTF8"),
    ];
    let mut bytes = message(b'R', &[0; 4]);
    for (name, value) in parameters {
        bytes.extend(message(b'S', format!("{name}\0{value}\0").as_bytes()));
    }
    bytes.extend(message(b'K', &[1; 8]));
    bytes.extend(message(b'Z', b"I"));
    bytes
}

fn stream(rows: usize, types: &[u32], mut row: impl FnMut(&mut Row<'_>, u64, usize)) -> Stream {
    let mut bytes = row_description(unnamed(types), 1);
    let mut noise = Noise::default();
    for n in 0..rows as u64 {
        let noise = noise.next_usize();
        data_row(&mut bytes, |fields| row(fields, n, noise));
    }
    bytes.extend(message(b'C', format!("SELECT {rows}\0").as_bytes()));
    bytes.extend(message(b'Z', b"I"));
    Stream { bytes, rows }
}

/// Numbers without a pattern, the same in every run.
#[derive(Debug)]
pub struct Noise(u64);

impl Default for Noise {
    fn default() -> Self {
        Self(1)
    }
}

impl Noise {
    /// 24 bits of a congruential generator.
    fn next_usize(&mut self) -> usize {
        let next = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = next.wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 40).expect("24 bits")
    }

    /// Another order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.next_usize() % (i + 1));
        }
    }
}

/// The fields of one row, as they are appended.
pub(crate) struct Row<'a> {
    bytes: &'a mut Vec<u8>,
    count: u16,
}

impl Row<'_> {
    pub(crate) fn value(&mut self, value: &[u8]) {
        let length = u32::try_from(value.len()).expect("values are short");
        self.bytes.extend(length.to_be_bytes());
        self.bytes.extend(value);
        self.count += 1;
    }

    fn text(&mut self, length: usize) {
        let text = b"the quick brown fox jumps over the lazy dog, and then once more: \
            the quick brown fox jumps over the lazy dog, and over it all over again, for ever";
        self.value(&text[..length]);
    }

    fn null(&mut self) {
        self.bytes.extend((-1_i32).to_be_bytes());
        self.count += 1;
    }
}

pub(crate) fn data_row(bytes: &mut Vec<u8>, fields: impl FnOnce(&mut Row<'_>)) {
    let start = bytes.len();
    bytes.extend(b"D\0\0\0\0\0\0");
    let mut row = Row { bytes, count: 0 };
    fields(&mut row);
    let count = row.count.to_be_bytes();
    let length = u32::try_from(bytes.len() - start - 1).expect("rows are short");
    bytes[start + 1..start + 5].copy_from_slice(&length.to_be_bytes());
    bytes[start + 5..start + 7].copy_from_slice(&count);
}

pub(crate) fn unnamed(types: &[u32]) -> impl ExactSizeIterator<Item = (String, u32)> {
    let types = types.iter().enumerate();
    types.map(|(i, oid)| (format!("column_{i}"), *oid))
}

/// Of names and oids; the format is 0 for text and 1 for binary.
pub(crate) fn row_description(
    columns: impl ExactSizeIterator<Item = (String, u32)>,
    format: i16,
) -> Vec<u8> {
    let count = u16::try_from(columns.len()).expect("few columns");
    let mut body = count.to_be_bytes().to_vec();
    for (name, type_oid) in columns {
        body.extend(name.as_bytes());
        body.extend([0; 7]);
        body.extend(type_oid.to_be_bytes());
        body.extend((-1_i16).to_be_bytes());
        body.extend((-1_i32).to_be_bytes());
        body.extend(format.to_be_bytes());
    }
    message(b'T', &body)
}

/// One message with its frame.
pub fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).expect("messages are short");
    [&[tag][..], &length.to_be_bytes(), body].concat()
}

/// One row of one column, as text.
fn select_1() -> Vec<u8> {
    let mut bytes = Vec::new();
    data_row(&mut bytes, |fields| fields.value(b"1"));
    bytes.extend(message(b'C', b"SELECT 1\0"));
    bytes
}

/// What a server says to small queries.
#[derive(Debug)]
pub struct Replies {
    /// To a simple query that returns no rows.
    pub command: Vec<u8>,
    /// To the simple query `select 1`.
    pub simple: Vec<u8>,
    /// To bind, execute and sync of a prepared `select 1`.
    pub prepared: Vec<u8>,
    /// To [`PIPELINE`](Self::PIPELINE) times bind and execute, and one sync.
    pub pipeline: Vec<u8>,
}

impl Replies {
    /// Executions in a pipeline.
    pub const PIPELINE: usize = 100;
}

impl Default for Replies {
    fn default() -> Self {
        let ready = message(b'Z', b"I");
        let executed = [message(b'2', b""), select_1()].concat();
        Self {
            command: [message(b'C', b"INSERT 0 1\0"), ready.clone()].concat(),
            simple: [
                row_description(unnamed(&[23]), 1),
                select_1(),
                ready.clone(),
            ]
            .concat(),
            prepared: [executed.clone(), ready.clone()].concat(),
            pipeline: [executed.repeat(Self::PIPELINE), ready].concat(),
        }
    }
}
