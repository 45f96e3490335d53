//! Passwords that are not ASCII, and what SASLprep makes of them: the cases of PostgreSQL's own tests, and bytes that are no text.

use purepg_conn::{Error, Runtime};
use purepg_tests_live::{Context, live};

use crate::servers::{create_role, fresh_role, servers, superuser};

live!(acceptance_17_passwords_are_prepared);

type Passwords = &'static [&'static [u8]];

/// What a role is given, as SQL has it; what then lets in, and what does not.
const CASES: [(&str, Passwords, Passwords); 6] = [
    // A soft hyphen is mapped to nothing, a Roman numeral to its letters. Case stays.
    (
        "'IX'",
        &[b"IX", b"I\xc2\xadX", b"\xe2\x85\xa8"],
        &[b"ix", b"I X"],
    ),
    ("'a'", &[b"a", b"\xc2\xaa"], &[b"A"]),
    // The server prepares what it is given, too.
    ("U&'\\00aa'", &[b"a", b"\xc2\xaa"], &[b""]),
    // Spaces that are not ASCII's are mapped to that.
    (
        "U&'a\\00a0b'",
        &[b"a b", b"a\xc2\xa0b", b"a\xe3\x80\x80b"],
        &[b"ab"],
    ),
    // What is prohibited has the whole of it taken as it is.
    (
        "U&'foo\\0007bar\\00aa'",
        &[b"foo\x07bar\xc2\xaa"],
        &[b"foobar\xc2\xaa", b"foo\x07bara"],
    ),
    // And so has what runs both ways.
    (
        "U&'foo\\06271bar'",
        &[b"foo\xd8\xa71bar"],
        &[b"foo1\xd8\xa7bar", b"foobar"],
    ),
];

async fn acceptance_17_passwords_are_prepared<R: Runtime>(cx: Context<R>) {
    for server in servers() {
        for (given, right, wrong) in CASES {
            let (_, config) = create_role(&cx, server, given).await;
            let enters = async |password: &[u8]| {
                let password = password.to_vec();
                let config = config
                    .clone()
                    .password_with(move |_| Ok(password.clone().into()));
                match cx.try_connect(&config).await {
                    Ok(_) => true,
                    Err(Error::InvalidPassword(_) | Error::MissingPassword { .. }) => false,
                    Err(error) => panic!("{error:?}"),
                }
            };
            for password in right {
                assert!(enters(password).await, "{given}: {password:x?}");
            }
            for password in wrong {
                assert!(!enters(password).await, "{given}: {password:x?}");
            }
        }
        bytes_that_are_no_text(&cx, server).await;
    }
}

/// A database without an encoding takes them.
async fn bytes_that_are_no_text<R: Runtime>(
    cx: &Context<R>,
    server: &purepg_testkit::server::Server,
) {
    let (database, role) = (fresh_role(), fresh_role());
    let mut admin = superuser(cx, server).await;
    let create =
        format!("create database {database} encoding 'SQL_ASCII' template template0 locale 'C'");
    admin.execute(&create, ()).await.unwrap();
    let config = cx
        .config_of(server, server.superuser())
        .database(&database)
        .parameter("password_encryption", "scram-sha-256");
    let mut conn = cx.try_connect(&config).await.unwrap();
    let sql = format!("create role {role} login password E'\\xff\\xc2\\xaa\\xfe'");
    conn.execute(&sql, ()).await.unwrap();
    for (password, right) in [
        (&b"\xff\xc2\xaa\xfe"[..], true),
        (b"\xffa\xfe", false),
        (b"\xc2\xaa", false),
    ] {
        let config = cx
            .config_of(server, &role)
            .password_with(move |_| Ok(password.into()));
        let connected = cx.try_connect(&config).await;
        assert_eq!(connected.is_ok(), right, "{password:x?}");
    }
    conn.close().await.unwrap();
    let drop = format!("drop database {database} with (force)");
    admin.execute(&drop, ()).await.unwrap();
}
