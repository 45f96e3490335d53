//! Makes the targets' first inputs, most of them of the recorded conversations of `tests/protocol`: `seeds [FOLDER]`, by default `tests/fuzz/corpus`.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use purepg_fuzz::input::Command;
use purepg_fuzz::{PLACES, Said, batches, codec};
use purepg_testkit::backend;
use purepg_testkit::frontend::Frontend;
use purepg_testkit::trace::{Line, Trace};

/// A body that is longer than this shows nothing that a shorter one does not.
const LONG: usize = 400;

type Inputs = BTreeSet<Vec<u8>>;

fn main() -> Result<(), Box<dyn Error>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let corpus = std::env::args().nth(1).map(PathBuf::from);
    let corpus = corpus.unwrap_or_else(|| here.join("corpus"));
    let mut traces = Vec::new();
    for entry in fs::read_dir(here.join("../protocol/transcripts"))? {
        traces.push(Trace::parse(&fs::read_to_string(entry?.path())?)?);
    }
    let of_each = |make: fn(&Trace) -> Inputs| traces.iter().flat_map(make).collect::<Inputs>();
    let protocol = [
        ("operations", of_each(operations)),
        ("startup", &of_each(startup) | &entrances()),
        ("messages", of_each(messages)),
        ("sasl", exchanges()),
        ("model", runs()),
        ("trace", of_each(trace)),
        ("names", statements()),
        ("config", strings()),
        ("copy", rows()),
    ];
    let codecs = codec::TABLES.iter();
    let codecs = codecs.map(|(name, table)| (*name, codec::seeds(table).into_iter().collect()));
    for (target, inputs) in protocol.into_iter().chain(codecs) {
        let folder = corpus.join(target);
        fs::create_dir_all(&folder)?;
        for (number, input) in inputs.iter().enumerate() {
            fs::write(folder.join(format!("seed-{number}")), input)?;
        }
        println!("{target}: {} seeds", inputs.len());
    }
    Ok(())
}

/// What was said once the connection was open.
fn operations(trace: &Trace) -> Inputs {
    let opened = |line: &Line| matches!(line, Line::Backend(message) if message.starts_with(b"Z"));
    let lines = trace.lines.iter();
    let lines = lines.skip_while(|line| !opened(line)).skip(1);
    let mut startup = trace.frontend();
    startup.truncate(200);
    let replicates = startup.windows(11).any(|text| text == b"replication");
    let mut inputs = Inputs::new();
    for (tight, declares) in [(0, false), (4, false), (0, true)] {
        let mut seed = Seed {
            declares,
            batch: Vec::new(),
            input: vec![tight | if replicates { 3 } else { 0 }],
        };
        for line in lines.clone() {
            match line {
                Line::Frontend(message) => seed.client(message),
                Line::Backend(message) => seed.server(message),
                Line::Told(_) | Line::Remark(_) => {}
            }
        }
        inputs.insert(seed.input);
    }
    inputs
}

/// A seed that is being made.
struct Seed {
    /// A text that speaks of COPY is declared to be one.
    declares: bool,
    /// The messages of the operation that is being read.
    batch: Vec<u8>,
    input: Vec<u8>,
}

impl Seed {
    fn server(&mut self, message: &[u8]) {
        self.begin();
        let (tag, body) = (message[0], &message[5..]);
        Command::Message(tag, &body[..body.len().min(LONG)]).write(&mut self.input);
        Command::Take(0).write(&mut self.input);
    }

    fn client(&mut self, message: &[u8]) {
        let Ok(message) = Frontend::decode(message[0], &message[5..]) else {
            return;
        };
        if let Some(code) = batches::encode(&message) {
            // One of each makes an operation, a second one begins another.
            let again = |other: &u8| code & 0x0f < 3 && *other & 0x0f == code & 0x0f;
            if self.batch.iter().any(again) || self.batch.len() == 14 {
                self.begin();
            }
            self.batch.push(code);
            if matches!(message, Frontend::Query(_) | Frontend::Sync) {
                self.begin();
            }
            return;
        }
        self.begin();
        let command = match message {
            Frontend::CopyData(data) => Command::CopyData(0, data.len()),
            Frontend::CopyDone => Command::CopyFinish(0, true),
            Frontend::CopyFail(_) => Command::CopyFinish(0, false),
            Frontend::Terminate => Command::Terminate,
            _ => return,
        };
        command.write(&mut self.input);
        Command::Send(0).write(&mut self.input);
    }

    fn begin(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        if self.declares && self.batch.iter().any(|&code| batches::may_copy_in(code)) {
            self.batch
                .retain(|&code| batches::fits_before_copy_in(code));
            self.batch.push(batches::COPY_IN);
        }
        batches::know_columns(&mut self.batch);
        Command::Begin(&self.batch).write(&mut self.input);
        Command::Send(0).write(&mut self.input);
        self.batch.clear();
    }
}

/// What the server said until the connection was open.
fn startup(trace: &Trace) -> Inputs {
    let mut inputs = Inputs::new();
    let plain = [0, 2, 3, 10, 18, 0x22].map(|first| (first, 0, &[][..]));
    // What comes before the rest where TLS is asked for, and a newer version.
    let accepted = [
        Command::Bytes(b"S"),
        Command::Take(0),
        Command::Handshake(13),
    ];
    let refused = [Command::Bytes(b"N"), Command::Take(0)];
    let older = [Command::Message(b'v', &[0, 3, 0, 0, 0, 0, 0, 0])];
    let others = [
        (3, 0x01, &refused[..]),
        (3, 0x02, &accepted),
        (3, 0x06, &accepted),
        (3, 0x83, &accepted[1..]),
        (2, 0x20, &older),
        (0xc1, 0x01, &accepted),
    ];
    for (first, second, before) in plain.into_iter().chain(others) {
        let mut input = vec![first, second];
        Command::Send(0).write(&mut input);
        for command in before {
            command.write(&mut input);
        }
        Command::Send(0).write(&mut input);
        for line in &trace.lines {
            let Line::Backend(message) = line else {
                continue;
            };
            Command::Message(message[0], &message[5..]).write(&mut input);
            Command::Take(0).write(&mut input);
            Command::Derive.write(&mut input);
            Command::Send(0).write(&mut input);
            if message[0] == b'Z' {
                break;
            }
        }
        inputs.insert(input);
    }
    inputs
}

/// A server that lets the client in, by every way that there is.
fn entrances() -> Inputs {
    let ways = [1, 2, 3]
        .into_iter()
        .flat_map(|first| (0..=u8::MAX).map(move |second| (first, second)));
    let inputs = ways.map(|(first, second)| purepg_fuzz::honest(first, second));
    inputs
        .filter_map(|(input, open)| open.then_some(input))
        .collect()
}

/// Each message where it may come, and some that were not recorded.
fn messages(trace: &Trace) -> Inputs {
    let mut inputs = Inputs::new();
    let recorded = trace.lines.iter().filter_map(|line| match line {
        Line::Backend(message) => Some(message.clone()),
        _ => None,
    });
    let others = [
        backend::data_row(&[Some("12"), None]),
        backend::negotiate_protocol_version(3 << 16, &["_pq_.x"]),
        backend::notice_response("WARNING", "01000", "careful"),
        backend::notification(1, "channel", "payload"),
    ];
    for message in recorded.chain(others) {
        let (tag, body) = (message[0], &message[5..]);
        for (place, known) in PLACES.iter().enumerate() {
            if known.tags.contains(&tag) && body.len() <= LONG {
                let place = u8::try_from(place).unwrap_or(0);
                let cut = u8::try_from(message.len() / 2).unwrap_or(7);
                inputs.insert([&[place, tag, 0, cut, 0], body].concat());
            }
        }
    }
    inputs
}

/// An honest exchange, each beginning of it, and what others say.
fn exchanges() -> Inputs {
    let (first, last) = (Said::First(&[]), Said::Last(&[]));
    let honest = [Said::Offer(&[]), first, last, Said::LetIn];
    let offers = b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0OAUTHBEARER\0\0";
    let raw = b"r=BwcHBwcHBwcHBwcHBwcHBwcHserver,s=c2FsdA==,i=1";
    let foreign = [
        Said::Any(10, offers),
        Said::Any(11, raw),
        Said::Any(12, b"e=no"),
    ];
    let mut inputs = Inputs::new();
    for flags in [0, 1, 2, 4, 0x0c, 0x14, 0x24, 0x44, 0x54, 0x80, 0x82, 0x94] {
        for said in [&honest[..], &foreign, &[honest[0], first, Said::LetIn]] {
            for n in 1..=said.len() {
                let mut input = vec![flags];
                said[..n].iter().for_each(|said| said.write(&mut input));
                inputs.insert(input);
            }
        }
    }
    inputs
}

/// A conversation, with options of several kinds.
fn trace(trace: &Trace) -> Inputs {
    let mut inputs = Inputs::new();
    for flags in [0, 0x0f, 0x18] {
        let mut input = vec![flags, 60];
        for line in &trace.lines {
            let (side, message) = match line {
                Line::Frontend(message) => (0, message),
                Line::Backend(message) => (1, message),
                Line::Told(_) | Line::Remark(_) => continue,
            };
            let length = message.len().min(LONG);
            input.push(side);
            input.extend(u16::try_from(length).unwrap_or(0).to_le_bytes());
            input.extend(&message[..length]);
        }
        inputs.insert(input);
    }
    inputs
}

/// Statements with something of everything that a name is not to be found in, each alone and all of them in one text.
fn statements() -> Inputs {
    let texts = [
        "select :a, :b from t where x = :a",
        "':a' 'it''s :a' :b",
        "E'\\':a' E'x'\n'\\' :a' :b",
        r"'\' :a' :b",
        "U&'\\0041' U&\":a\" N':a' B'0' X'f' :b",
        "\":a\" \"it\"\"s\" :b",
        "$$:a$$ $t$ $ :a $$ $t$ $größe$:a$größe$ a$b$ :b",
        "-- :a\n /* :a /* */ */ :b",
        "a::int f(a:=:b) a[1:n] a[:c] 'k':v",
        "a ? 'b' @? '$.a' :b",
        "$1 :a",
    ];
    let all = texts[..texts.len() - 1].join(" ");
    let texts = texts.into_iter().map(String::from).chain([all]);
    let read = |text: String| [0, 1].map(|flags| [&[flags], text.as_bytes()].concat());
    texts.flat_map(read).collect()
}

/// Connection strings; `\u{1}` is a secret, and `\u{2}` the same percent-encoded.
fn strings() -> Inputs {
    let texts = [
        "postgres://user:\u{1}@localhost:5432/db?sslmode=require&application_name=a%20b",
        "postgresql://user:\u{2}@[::1]/db?connect_timeout=10",
        "postgres://%2Frun%2Fpostgresql/db?user=me&password=\u{2}",
        "postgres://user:a@\u{1}@host/",
        "postgres://user:\u{1}/a@host:12\u{1}/db",
        "postgres://host1:1,host2:2/db?target_session_attrs=any",
        "host=localhost port=5432 user=me password=\u{1} dbname=db",
        "host = '/run/postgresql' user='a \\' b' password='\u{1} \\\\' options='-c a=b'",
        "user= password=\u{1}",
        "password='\u{1}",
        "pass\u{1}word=x sslmode=\u{1}",
        "sslmode=verify-full sslrootcert=system sslcert=a sslkey=b sslpassword=\u{1} sslcrl=c sslsni=0 sslcertmode=require",
        "sslnegotiation=direct sslmode=require ssl_min_protocol_version=TLSv1.2 ssl_max_protocol_version=TLSv1.3 channel_binding=require",
        "require_auth=!password,!md5 max_protocol_version=latest min_protocol_version=3.0 client_encoding=UTF8",
        "hostaddr=127.0.0.1 service=\u{1} passfile=\u{1} keepalives=1 load_balance_hosts=disable",
        "mysql://user:\u{1}@host/db",
    ];
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// Rows of a COPY in both formats.
fn rows() -> Inputs {
    let mut inputs = Inputs::new();
    for text in ["a\tb\\tc\t\\N\n\n", "\\x41\\101\\b\\.\t\\\\\n", "\\\t"] {
        inputs.insert([b"\0\0", text.as_bytes()].concat());
    }
    let value = |text: &str| Some(text.as_bytes().to_vec());
    for rows in [
        vec![],
        vec![vec![]],
        vec![vec![value("\0\0\0\x07"), value("text")]],
        vec![vec![None, value("")], vec![value("1234"), None]],
    ] {
        let columns = rows.first().map_or(2, Vec::len);
        let data = purepg_conn::fuzzing::copied(&vec![purepg_conn::Type::BYTEA; columns], &rows);
        let flags = u8::try_from(columns << 1 | 1).unwrap_or(1);
        inputs.insert([&[flags, 7], &data.unwrap_or_default()[..]].concat());
    }
    let mut extended = b"\x05\x03PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\x03abc".to_vec();
    extended.extend(b"\0\x02\0\0\0\x04\0\0\0\x01\xff\xff\xff\xff\xff\xff");
    inputs.insert(extended);
    inputs
}

/// Any bytes are a run.
fn runs() -> Inputs {
    let bytes = |seed| {
        let mut rng = fastrand::Rng::with_seed(seed);
        std::iter::repeat_with(|| rng.u8(..)).take(300).collect()
    };
    (0..200).map(bytes).collect()
}
