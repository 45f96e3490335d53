//! Each message of a server where it may come, with any body, cut in any way.

use purepg_proto::{
    AuthMethod, AuthMethods, BearerToken, CopyEnd, Limits, ProtocolVersion, Replication, Startup,
    TlsRequest, Transport,
};
use purepg_testkit::backend::{
    authentication_cleartext, authentication_ok, authentication_sasl, authentication_sasl_continue,
    bind_complete, command_complete, copy_both_response, copy_done, copy_in_response,
    copy_out_response, let_in, message, no_data, parameter_description, parse_complete,
    row_description,
};
use purepg_testkit::sim::{End, Operation, Watched};

use crate::input::Input;
use crate::sasl::ENTROPY_AS_TEXT;
use crate::{drain, end, tight, usual, watched};

/// A place where a message can meet a connection, and the types that may come there.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    startup: fn(Startup) -> Startup,
    go: fn(&mut Watched),
    /// The types of messages that may come.
    pub tags: &'static [u8],
}

const fn place(go: fn(&mut Watched), tags: &'static [u8]) -> Place {
    let startup = |startup: Startup| startup.password("secret");
    Place { startup, go, tags }
}

/// Every state that a connection can be in, as far as messages go.
pub const PLACES: &[Place] = &[
    place(|_| {}, b"RvE"),
    place(offered, b"RE"),
    place(proved, b"RE"),
    place(|core| feed(core, &authentication_cleartext()), b"RE"),
    place(|core| feed(core, &authentication_ok()), b"SKNZE"),
    place(open, b"NSAE"),
    place(|core| ask(core, "select 1", &[]), b"TCIHGEZ"),
    place(|core| ask(core, "select 1", &columns()), b"DCE"),
    place(|core| ask(core, "copy", &copy_out_response(1)), b"dcE"),
    place(|core| ask(core, "copy", &copied_out()), b"CE"),
    place(|core| execute(core, &[]), b"1E"),
    place(|core| execute(core, &parse_complete()), b"2E"),
    place(|core| execute(core, &bound()), b"TnE"),
    place(
        |core| execute(core, &[bound(), no_data()].concat()),
        b"CIsHGE",
    ),
    place(
        |core| execute(core, &[bound(), columns()].concat()),
        b"DCIsE",
    ),
    place(|core| execute(core, &executed()), b"ZE"),
    place(
        |core| begin(core, &Operation::Prepare("x"), &parse_complete()),
        b"tE",
    ),
    place(
        |core| begin(core, &Operation::Prepare("x"), &prepared()),
        b"TnE",
    ),
    place(|core| begin(core, &Operation::Close, &[]), b"3E"),
    place(|core| begin(core, &COPY, &[]), b"GCE"),
    place(|core| begin(core, &COPY, &copy_in_response(1)), b"E"),
    place(copied_in, b"CE"),
    place(abandoned, b"DCE"),
    STREAM,
    TLS,
    NEWEST,
    OAUTH,
];

const STREAM: Place = Place {
    startup: |startup| startup.replication(Replication::Logical),
    go: |core| ask(core, "start_replication", &copy_both_response(0)),
    tags: b"dcE",
};

/// The answer to `SSLRequest` is awaited: a byte, and no message.
const TLS: Place = Place {
    startup: |_| Startup::new("me", Transport::Tcp).tls(TlsRequest::Prefer),
    go: |_| {},
    tags: b"SNE",
};

const NEWEST: Place = Place {
    startup: |startup| startup.max_protocol_version(ProtocolVersion::LATEST),
    go: |_| {},
    tags: b"vRE",
};

const OAUTH: Place = Place {
    startup: |startup| {
        let token = BearerToken::new("token").expect("a token");
        let methods = AuthMethods::only([AuthMethod::Oauth]);
        startup.bearer_token(token).require_auth(methods)
    },
    go: |core| feed(core, &authentication_sasl(&["OAUTHBEARER"])),
    tags: b"RE",
};

const COPY: Operation = Operation::Copy {
    sql: "copy",
    extended: false,
};

/// One message in one place: whole, byte by byte and cut in two it must be told alike.
pub fn messages(data: &[u8]) {
    let mut input = Input::new(data);
    let place = &PLACES[input.below(PLACES.len())];
    let tag = input.byte();
    let limits = if input.byte() & 1 == 0 {
        usual()
    } else {
        tight()
    };
    let place_of_cut = input.word();
    let message = message(tag, input.bytes(usize::MAX));
    let meet = |cut: &dyn Fn(usize) -> bool| {
        let mut core = go(place, limits.clone());
        let mut start = 0;
        while start < message.len() && core.core().wants_read() {
            let next = (start + 1..message.len()).find(|&at| cut(at));
            start += core.receive(&message[start..next.unwrap_or(message.len())]);
            drain(&mut core);
        }
        end(&mut core);
        core.log().to_vec()
    };
    let whole = meet(&|_| false);
    assert_eq!(meet(&|_| true), whole, "byte by byte");
    let cut = meet(&|at| at == place_of_cut);
    assert_eq!(cut, whole, "cut at {place_of_cut}");
}

/// A core in that place.
fn go(place: &Place, limits: Limits) -> Watched {
    let startup = Startup::new("me", Transport::UnixSocket);
    let mut core = watched((place.startup)(startup), limits);
    core.send(usize::MAX);
    (place.go)(&mut core);
    core
}

fn feed(core: &mut Watched, bytes: &[u8]) {
    // Tight limits may have ended it already.
    let _ = core.copy(bytes);
    drain(core);
    core.derive();
    core.send(usize::MAX);
}

fn offered(core: &mut Watched) {
    feed(core, &authentication_sasl(&["SCRAM-SHA-256"]));
}

fn proved(core: &mut Watched) {
    offered(core);
    let first = format!("r={ENTROPY_AS_TEXT}server,s=c2FsdA==,i=1");
    feed(core, &authentication_sasl_continue(first));
}

fn open(core: &mut Watched) {
    feed(core, &let_in());
}

/// Begins an operation, and feeds what the server says to it first.
fn begin(core: &mut Watched, operation: &Operation, said: &[u8]) {
    open(core);
    let _ = core.begin(|batch| operation.write(batch, 0));
    core.send(usize::MAX);
    if !said.is_empty() {
        feed(core, said);
    }
}

fn ask(core: &mut Watched, sql: &'static str, said: &[u8]) {
    begin(core, &Operation::Query(sql), said);
}

fn execute(core: &mut Watched, said: &[u8]) {
    let (max_rows, end) = (Some(2), End::Sync);
    let sql = "select 1";
    begin(core, &Operation::Extended { sql, max_rows, end }, said);
}

fn copied_in(core: &mut Watched) {
    begin(core, &COPY, &copy_in_response(1));
    if !core.fates().is_empty() {
        let _ = core.copy_data(0, b"data");
        let _ = core.copy_finish(0, CopyEnd::Done);
    }
    core.send(usize::MAX);
}

fn abandoned(core: &mut Watched) {
    ask(core, "select 1", &columns());
    core.abandon_all();
    core.send(usize::MAX);
}

fn columns() -> Vec<u8> {
    row_description(&[("a", 23, 0), ("b", 25, 1)])
}

fn copied_out() -> Vec<u8> {
    [copy_out_response(1), copy_done()].concat()
}

fn bound() -> Vec<u8> {
    [parse_complete(), bind_complete()].concat()
}

fn executed() -> Vec<u8> {
    [bound(), no_data(), command_complete("SELECT 1")].concat()
}

fn prepared() -> Vec<u8> {
    [parse_complete(), parameter_description(&[23])].concat()
}
