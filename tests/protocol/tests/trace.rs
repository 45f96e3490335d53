//! The lines that [`Tracer`] prints. Those of whole messages are what libpq 18 prints for the same bytes, but for what its documentation
//! says.
//!
//! Conversations are written, and were recorded, in the format of the test kit's `trace`, which is another one: it loses nothing, and is
//! read back.

use purepg_proto::{TraceOptions, Tracer};
use purepg_testkit::trace::{Line, Trace};

/// Everything that is no secret.
fn shown() -> TraceOptions {
    TraceOptions::default().values(true)
}

/// Lines of a conversation in the kit's format, in ours.
fn traced(options: &TraceOptions, conversation: &str) -> String {
    fed(Tracer::new(options.clone()), conversation)
}

/// The same once it is open.
fn traced_open(options: &TraceOptions, conversation: &str) -> String {
    fed(Tracer::started(options.clone()), conversation)
}

fn fed(mut tracer: Tracer, conversation: &str) -> String {
    let mut out = String::new();
    for line in Trace::parse(conversation).unwrap().lines {
        match line {
            Line::Frontend(bytes) => tracer.frontend(&bytes, &mut out).unwrap(),
            Line::Backend(bytes) => tracer.backend(&bytes, &mut out).unwrap(),
            Line::Told(_) | Line::Remark(_) => {}
        }
    }
    tracer.end(&mut out).unwrap();
    out
}

#[track_caller]
fn assert_lines(options: &TraceOptions, pairs: &[(&str, &str)]) {
    for (message, line) in pairs {
        assert_eq!(
            traced_open(options, message),
            format!("{line}\n"),
            "{message}"
        );
    }
}

#[test]
fn a_line_for_every_message_of_a_client() {
    assert_lines(
        &shown(),
        &[
            (
                r"F Q select 'h\xc3\xa9llo'\0",
                "F\t20\tQuery\t \"select 'h\u{e9}llo'\"",
            ),
            (
                r"F P \0select $1::int4+1, $2::text\0\0\x02\0\0\0\x17\0\0\0\0",
                "F\t43\tParse\t \"\" \"select $1::int4+1, $2::text\" 2 23 0",
            ),
            (
                r"F B \0s1\0\0\x02\0\0\0\x01\0\x03\0\0\0\x0241\xff\xff\xff\xff\0\0\0\x04a'b\n\0\x01\0\x01",
                "F\t38\tBind\t \"\" \"s1\" 2 0 1 3 2 '41' -1 4 'a'b\\x0a' 1 1",
            ),
            (r"F D Ss1\0", "F\t8\tDescribe\t S \"s1\""),
            (r"F D P\0", "F\t6\tDescribe\t P \"\""),
            (r"F E p\0\0\0\0\x03", "F\t10\tExecute\t \"p\" 3"),
            (r"F C Pnope\0", "F\t10\tClose\t P \"nope\""),
            ("F H", "F\t4\tFlush"),
            ("F S", "F\t4\tSync"),
            (r"F d 1\tone\n", "F\t10\tCopyData\t '1\\x09one\\x0a'"),
            ("F c", "F\t4\tCopyDone"),
            (r"F f no more\0", "F\t12\tCopyFail\t \"no more\""),
            (
                r"F F \0\0\0\x8d\0\x01\0\x01\0\x02\0\0\0\x04\0\0\0\x04\xff\xff\xff\xff\0\x01",
                "F\t28\tFunctionCall\t 141 1 1 2 4 '\\x00\\x00\\x00\\x04' -1 1",
            ),
            ("F X", "F\t4\tTerminate"),
        ],
    );
}

#[test]
fn a_line_for_every_message_of_a_server() {
    assert_lines(
        &shown(),
        &[
            (
                r"B v \0\x03\0\0\0\0\0\x02_pq_.a\0_pq_.b\0",
                "B\t26\tNegotiateProtocolVersion\t 196608 2 \"_pq_.a\" \"_pq_.b\"",
            ),
            (r"B R \0\0\0\0", "B\t8\tAuthenticationOk"),
            (r"B R \0\0\0\x03", "B\t8\tAuthenticationCleartextPassword"),
            (r"B R \0\0\0\x05salt", "B\t12\tAuthenticationMD5Password"),
            (r"B R \0\0\0\x07", "B\t8\tAuthenticationGSS"),
            (
                r"B R \0\0\0\x08token",
                "B\t13\tAuthenticationGSSContinue\t 'BBBB'",
            ),
            (r"B R \0\0\0\t", "B\t8\tAuthenticationSSPI"),
            (
                r"B R \0\0\0\nSCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0",
                "B\t42\tAuthenticationSASL\t \"SCRAM-SHA-256-PLUS\" \"SCRAM-SHA-256\" \"\"",
            ),
            (
                r"B R \0\0\0\x0br=,s=,i=1",
                "B\t17\tAuthenticationSASLContinue\t 'BBBB'",
            ),
            (
                r"B R \0\0\0\x0cv=",
                "B\t10\tAuthenticationSASLFinal\t 'BBBB'",
            ),
            (
                r#"B S search_path\0"$user", public\0"#,
                "B\t32\tParameterStatus\t \"search_path\" \"\"$user\", public\"",
            ),
            (
                r"B K \0\0O\x5f2\x90k\xb1",
                "B\t12\tBackendKeyData\t 20319 'BBBB'",
            ),
            ("B Z I", "B\t5\tReadyForQuery\t I"),
            (
                r"B T \0\x02a\0\0\0@\x01\0\x02\0\0\0\x17\0\x04\xff\xff\xff\xff\0\0b\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\x01",
                "B\t46\tRowDescription\t 2 \"a\" 16385 2 23 4 -1 0 \"b\" 0 0 25 65535 -1 1",
            ),
            (
                r"B D \0\x03\0\0\0\x011\0\0\0\0\xff\xff\xff\xff",
                "B\t19\tDataRow\t 3 1 '1' 0 '' -1",
            ),
            (r"B C SELECT 1\0", "B\t13\tCommandComplete\t \"SELECT 1\""),
            ("B I", "B\t4\tEmptyQueryResponse"),
            ("B 1", "B\t4\tParseComplete"),
            ("B 2", "B\t4\tBindComplete"),
            ("B 3", "B\t4\tCloseComplete"),
            ("B n", "B\t4\tNoData"),
            ("B s", "B\t4\tPortalSuspended"),
            (
                r"B t \0\x02\0\0\0\x17\0\0\0\x19",
                "B\t14\tParameterDescription\t 2 23 25",
            ),
            (
                r"B G \0\0\x02\0\0\0\0",
                "B\t11\tCopyInResponse\t \\x00 2 0 0",
            ),
            (r"B H \x01\0\x01\0\x01", "B\t9\tCopyOutResponse\t \\x01 1 1"),
            (r"B W \0\0\0", "B\t7\tCopyBothResponse\t \\x00 0"),
            (r"B d \xff\xff", "B\t6\tCopyData\t '\\xff\\xff'"),
            ("B c", "B\t4\tCopyDone"),
            (
                r"B V \0\0\0\x04\0\0\0\x18",
                "B\t12\tFunctionCallResponse\t 4 '\\x00\\x00\\x00\\x18'",
            ),
            (r"B V \xff\xff\xff\xff", "B\t8\tFunctionCallResponse\t -1"),
            (
                r"B A \0\0O\x87ch\0pay load\0",
                "B\t20\tNotificationResponse\t 20359 \"ch\" \"pay load\"",
            ),
            (
                r"B N SNOTICE\0VNOTICE\0C00000\0Mhello\0\0",
                "B\t35\tNoticeResponse\t S \"NOTICE\" V \"NOTICE\" C \"00000\" M \"hello\" \\x00",
            ),
            (
                r"B E SERROR\0VERROR\0C22012\0Mdivision by zero\0Fint.c\0L870\0Rint4div\0\0",
                "B\t65\tErrorResponse\t S \"ERROR\" V \"ERROR\" C \"22012\" M \"division by zero\" F \"int.c\" L \"870\" R \"int4div\" \\x00",
            ),
        ],
    );
}

#[test]
fn messages_without_a_type_byte() {
    let conversation = r"
F - \x04\xd2\x160
F - \x04\xd2\x16/
F - \x04\xd2\x16.\0\0Q\x0f#\xd8\xe7+
F - \x04\xd2\x16.\0\0Q\x0fthirty-two bytes of a secret key
F - \0\x03\0\x02user\0me\0database\0postgres\0\0
F Q \0
";
    assert_eq!(
        traced(&shown(), conversation),
        "F\t8\tGSSENCRequest\t 1234 5680\n\
         F\t8\tSSLRequest\t 1234 5679\n\
         F\t16\tCancelRequest\t 1234 5678 20751 'BBBB'\n\
         F\t44\tCancelRequest\t 1234 5678 20751 'BBBB'\n\
         F\t35\tStartupMessage\t 3 2 \"user\" \"me\" \"database\" \"postgres\"\n\
         F\t5\tQuery\t \"\"\n"
    );
}

/// Feeds bytes of either direction to a tracer of a connection from its beginning.
fn exchange(pieces: &[(char, &[u8])]) -> String {
    exchanged(shown(), pieces)
}

fn exchanged(options: TraceOptions, pieces: &[(char, &[u8])]) -> String {
    let mut tracer = Tracer::new(options);
    let mut out = String::new();
    for (side, bytes) in pieces {
        match side {
            'F' => tracer.frontend(bytes, &mut out).unwrap(),
            _ => tracer.backend(bytes, &mut out).unwrap(),
        }
    }
    tracer.end(&mut out).unwrap();
    out
}

const SSL_REQUEST: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";
const GSSENC_REQUEST: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x30";
const STARTUP: &[u8] = b"\0\0\0\x11\0\x03\0\0user\0me\0\0";

#[test]
fn one_byte_answers_a_request_for_encryption() {
    let trace = exchange(&[
        ('F', GSSENC_REQUEST),
        ('B', b"N"),
        ('F', SSL_REQUEST),
        ('B', b"S"),
        ('F', STARTUP),
        ('B', b"NZ\0\0\0\x05I"),
    ]);
    assert_eq!(
        trace,
        "F\t8\tGSSENCRequest\t 1234 5680\n\
         B\t1\tGSSENCResponse\t N\n\
         F\t8\tSSLRequest\t 1234 5679\n\
         B\t1\tSSLResponse\t S\n\
         F\t17\tStartupMessage\t 3 0 \"user\" \"me\"\n\
         B\t1509949440\tNoticeResponse\t \\x05 \"I\" ...\n\
         incomplete message: 6 of 1509949440 bytes\n",
        "an N is an answer only where one is awaited"
    );
    let strange = exchange(&[('F', SSL_REQUEST), ('B', b"\x1b")]);
    assert!(
        strange.ends_with("B\t1\tSSLResponse\t \\x1b\n"),
        "{strange}"
    );
}

#[test]
fn security_02_the_text_of_an_error_before_encryption_is_not_shown() {
    let error = b"E\0\0\0\x1cSFATAL\0Mcall 0900-1234\0\0";
    let trace = exchange(&[('F', SSL_REQUEST), ('B', &error[..3]), ('B', &error[3..])]);
    assert!(
        trace.ends_with("5679\nB\t28\tErrorResponse\t 'BBBB'\n"),
        "{trace}"
    );
    let later = exchange(&[
        ('F', SSL_REQUEST),
        ('B', b"N"),
        ('F', STARTUP),
        ('B', error),
    ]);
    assert!(later.contains("call 0900-1234"), "{later}");
}

/// What a client answers stands behind what it was asked.
#[test]
fn the_message_p_is_named_after_what_was_asked_for() {
    for (asked, response, line) in [
        (r"\0\0\0\x03", r"secret\0", "NN\tPasswordMessage\t \"SSSS\""),
        (
            r"\0\0\0\x05salt",
            r"md5074db1e5423e13a84cc783add299f05a\0",
            "NN\tPasswordMessage\t \"SSSS\"",
        ),
        (r"\0\0\0\x07", "token", "9\tGSSResponse\t 'BBBB'"),
        (r"\0\0\0\x08token", "token", "9\tGSSResponse\t 'BBBB'"),
        (r"\0\0\0\t", "token", "9\tGSSResponse\t 'BBBB'"),
        (
            r"\0\0\0\nSCRAM-SHA-256\0\0",
            r"SCRAM-SHA-256\0\0\0\0\x08n,,n=,r=",
            "30\tSASLInitialResponse\t \"SCRAM-SHA-256\" 8 'BBBB'",
        ),
        (
            r"\0\0\0\nSCRAM-SHA-256-PLUS\0\0",
            r"SCRAM-SHA-256-PLUS\0\xff\xff\xff\xff",
            "27\tSASLInitialResponse\t \"SCRAM-SHA-256-PLUS\" -1",
        ),
        (r"\0\0\0\x0br=", "c=biws,r=,p=", "16\tSASLResponse\t 'BBBB'"),
        (
            r"\0\0\0\0",
            r"secret\0",
            "NN\tUnknownAuthenticationResponse\t \"SSSS\"",
        ),
        (
            r"\0\0\0\x63",
            r"secret\0",
            "NN\tUnknownAuthenticationResponse\t \"SSSS\"",
        ),
    ] {
        let conversation = format!("B R {asked}\nF p {response}\nF p again\\0\n");
        let trace = traced_open(&shown(), &conversation);
        let (_, answers) = trace.split_once('\n').unwrap();
        let unknown = "F\tNN\tUnknownAuthenticationResponse\t \"SSSS\"\n";
        assert!(
            answers.ends_with(&format!("F\t{line}\n{unknown}")),
            "{trace}"
        );
    }
}

/// The server may have asked for something else by the time the client's answer is seen.
#[test]
fn security_20_a_secret_under_another_name_stays_one() {
    let secrets = [
        r"hunter2hunter2\0",
        r"hunter2\0\0\0\0\x04hunter2",
        r"OAUTHBEARER\0\0\0\0\x22n,,\x01auth=Bearer hunter2\x01\x01",
        "c=hunter2,r=hunter2,p=hunter2",
        "hunter2",
    ];
    for asked in 0..=13_u8 {
        for secret in secrets {
            let conversation = format!("B R \\0\\0\\0\\x{asked:02x}\nF p {secret}");
            let trace = traced_open(&shown(), &conversation);
            assert_eq!(
                trace.lines().count(),
                2 + usize::from(trace.contains("mismatched")),
                "{trace}"
            );
            assert!(!trace.contains("hunter"), "{trace}");
        }
    }
}

#[test]
fn data_are_hidden_unless_they_are_asked_for() {
    assert_lines(
        &TraceOptions::default(),
        &[
            (
                r"F B \0\0\0\0\0\x03\0\0\0\x0241\xff\xff\xff\xff\0\0\0\0\0\0",
                "F\t26\tBind\t \"\" \"\" 0 3 2 'BBBB' -1 0 'BBBB' 0",
            ),
            (
                r"B D \0\x02\0\0\0\x011\xff\xff\xff\xff",
                "B\t15\tDataRow\t 2 1 'BBBB' -1",
            ),
            (r"F d 1\tone\n", "F\t10\tCopyData\t 'BBBB'"),
            (r"B d 1\tone\n", "B\t10\tCopyData\t 'BBBB'"),
            (
                r"F F \0\0\0\x8d\0\0\0\x01\0\0\0\x011\0\0",
                "F\t19\tFunctionCall\t 141 0 1 1 'BBBB' 0",
            ),
            (
                r"B V \0\0\0\x04\0\0\0\x18",
                "B\t12\tFunctionCallResponse\t 4 'BBBB'",
            ),
            (
                r"B A \0\0O\x87ch\0pay load\0",
                "B\t20\tNotificationResponse\t 20359 \"ch\" \"SSSS\"",
            ),
            (r"F Q select 'shown'\0", "F\t19\tQuery\t \"select 'shown'\""),
        ],
    );
}

const REPORT: &str = r"B E SERROR\0VERROR\0C23505\0Mduplicate\0DKey (a)=(1)\0Hhint\0P15\0p1\0qselect 1\0Wcontext\0ss\0tt\0cc\0di\0nn\0Fx.c\0L1\0Rf\0?new\0\0";

#[test]
fn statements_and_reports_can_be_hidden() {
    let hidden = TraceOptions::default().statements(false);
    assert_lines(
        &hidden,
        &[
            (r"F Q select 1\0", "F\t13\tQuery\t \"SSSS\""),
            (
                r"F P name\0select 1\0\0\0",
                "F\t20\tParse\t \"name\" \"SSSS\" 0",
            ),
        ],
    );
    let error = traced_open(&hidden, REPORT);
    assert!(
        error.contains("M \"duplicate\"") && error.contains(" q \"SSSS\" W \"context\""),
        "{error}"
    );
    assert_lines(
        &TraceOptions::default().reports(false),
        &[(
            REPORT,
            "B\t113\tErrorResponse\t S \"ERROR\" V \"ERROR\" C \"23505\" M \"SSSS\" D \"SSSS\" H \"SSSS\" P \"15\" p \"1\" q \"SSSS\" W \"SSSS\" \
             s \"s\" t \"t\" c \"c\" d \"i\" n \"n\" F \"x.c\" L \"1\" R \"f\" ? \"SSSS\" \\x00",
        )],
    );
}

#[test]
fn regress_mode_masks_what_differs_from_run_to_run() {
    assert_lines(
        &shown().regress(true),
        &[
            (
                r"F P s\0select $1\0\0\x01\0\0\0\x17",
                "F\t22\tParse\t \"s\" \"select $1\" 1 NNNN",
            ),
            (
                r"F B \0\0\0\0\0\x01\0\0\0\x011\0\0",
                "F\t17\tBind\t \"\" \"\" 0 1 1 '1' 0",
            ),
            (r"F d x\n", "F\t6\tCopyData\t 'BBBB'"),
            (
                r"F F \0\0\0\x8d\0\0\0\0\0\0",
                "F\t14\tFunctionCall\t NNNN 0 0 0",
            ),
            (
                r"B t \0\x02\0\0\0\x17\0\0\0\x19",
                "B\t14\tParameterDescription\t 2 NNNN NNNN",
            ),
            (
                r"B T \0\x01a\0\0\0@\x01\0\x02\0\0\0\x17\0\x04\xff\xff\xff\xff\0\0",
                "B\t26\tRowDescription\t 1 \"a\" NNNN 2 NNNN 4 -1 0",
            ),
            (
                r"B K \0\0O\x5f2\x90k\xb1",
                "B\t12\tBackendKeyData\t NNNN 'BBBB'",
            ),
            (
                r"B A \0\0O\x87ch\0x\0",
                "B\t13\tNotificationResponse\t NNNN \"ch\" \"x\"",
            ),
            (
                r"B E SERROR\0C22012\0Mdivision by zero\0Fint.c\0L870\0Rint4div\0\0",
                "B\tNN\tErrorResponse\t S \"ERROR\" C \"22012\" M \"division by zero\" F \"SSSS\" L \"SSSS\" R \"SSSS\" \\x00",
            ),
            (r"B N Mx\0\0", "B\tNN\tNoticeResponse\t M \"x\" \\x00"),
        ],
    );
    let cancel = traced(
        &shown().regress(true),
        r"F - \x04\xd2\x16.\0\0Q\x0f#\xd8\xe7+",
    );
    assert_eq!(cancel, "F\t16\tCancelRequest\t 1234 5678 NNNN 'BBBB'\n");
}

#[test]
fn what_does_not_fit_its_length_is_told() {
    for (message, lines) in [
        (
            "B Z",
            "4\tReadyForQuery\nmismatched message length: consumed 5, expected 4",
        ),
        (
            r"B Z IT",
            "6\tReadyForQuery\t I\nmismatched message length: consumed 5, expected 6",
        ),
        (
            r"B D \0\x02\0\0\0\x011",
            "11\tDataRow\t 2 1 '1'\nmismatched message length: consumed 15, expected 11",
        ),
        (
            r"B D \0\x01\0\0\0\x091",
            "11\tDataRow\t 1 9 '1'\nmismatched message length: consumed 19, expected 11",
        ),
        (r"B D \0\x01\x80\0\0\0", "10\tDataRow\t 1 -2147483648"),
        (
            r"B D \xff\xff\xff\xff\xff\xff",
            "10\tDataRow\t 65535 -1\nmismatched message length: consumed 14, expected 10",
        ),
        (
            r"B C never ends",
            "14\tCommandComplete\t \"never ends\"\nmismatched message length: consumed 15, expected 14",
        ),
        (
            "B C",
            "4\tCommandComplete\nmismatched message length: consumed 5, expected 4",
        ),
        (
            r"B E SERROR\0",
            "11\tErrorResponse\t S \"ERROR\"\nmismatched message length: consumed 12, expected 11",
        ),
        (
            r"B v \0\x03\0\0\x7f\xff\xff\xff",
            "12\tNegotiateProtocolVersion\t 196608 2147483647\nmismatched message length: consumed 13, expected 12",
        ),
        (r"B R \0\0\0\x02", "8\tUnknown authentication message 2"),
        (
            r"B R \0",
            "5\tAuthentication\nmismatched message length: consumed 8, expected 5",
        ),
        (
            "B K",
            "4\tBackendKeyData\nmismatched message length: consumed 8, expected 4",
        ),
        ("B ?", "4\tUnknown message: 3f"),
        (
            r"B p what may be a secret",
            "24\tUnknown message: 70\nmismatched message length: consumed 4, expected 24",
        ),
    ] {
        assert_eq!(
            traced_open(&shown(), message),
            format!("B\t{lines}\n"),
            "{message}"
        );
    }
}

#[test]
fn what_cannot_be_a_message_ends_its_direction_alone() {
    const LOST: &str = "lost synchronization: nothing more can be read in this direction\n";
    let mut tracer = Tracer::started(shown());
    let mut out = String::new();
    tracer
        .backend(b"Z\0\0\0\x03Z\0\0\0\x05I", &mut out)
        .unwrap();
    tracer.backend(b"Z\0\0\0\x05I", &mut out).unwrap();
    tracer
        .frontend(b"S\0\0\0\x04\0\xff\xff\xff\xff", &mut out)
        .unwrap();
    tracer.end(&mut out).unwrap();
    assert_eq!(
        out,
        format!("B\t3\tUnknown message: 5a\n{LOST}F\t4\tSync\nF\t-1\tUnknown message: 00\n{LOST}")
    );
    for (first, length) in [
        (&b"\0\0\0\x07"[..], 7),
        (b"Q\0\0\0\x05", 1_358_954_496),
        (b"\0\0\x27\x15", 10_005),
    ] {
        let trace = exchange(&[('F', first), ('F', STARTUP)]);
        assert_eq!(trace, format!("F\t{length}\tUnknown message\n{LOST}"));
    }
}

#[test]
fn long_messages_are_cut() {
    let short = TraceOptions::default().max_message(16);
    let query = format!("F Q select '{}'\\0", "x".repeat(100));
    assert_eq!(
        traced_open(&short, &query),
        "F\t114\tQuery\t \"select 'xxxxxxxx\" ...\n"
    );
    let row = format!(
        "B D \\0\\x02\\0\\0\\0\\x64{}\\0\\0\\0\\x011",
        "x".repeat(100)
    );
    assert_eq!(
        traced_open(&short, &row),
        "B\t115\tDataRow\t 2 100 'BBBB' ...\n"
    );
    let data = format!("B d {}", "x".repeat(100));
    assert_eq!(traced_open(&short, &data), "B\t104\tCopyData\t 'BBBB'\n");
    assert_eq!(
        traced_open(&short.clone().values(true), &data),
        "B\t104\tCopyData\t 'xxxxxxxxxxxxxxxx' ...\n"
    );
    // What is behind the cut cannot be checked.
    let ends = format!("B C {}", "x".repeat(100));
    assert_eq!(
        traced_open(&short, &ends),
        "B\t104\tCommandComplete\t \"xxxxxxxxxxxxxxxx\" ...\n"
    );
    // What decides how to go on is kept in any case.
    let pieces: [(char, &[u8]); 5] = [
        ('F', SSL_REQUEST),
        ('B', b"N"),
        ('F', STARTUP),
        ('B', b"R\0\0\0\x0c\0\0\0\x05salt"),
        ('F', b"p\0\0\0\x0bsecret\0"),
    ];
    assert_eq!(
        exchanged(short.max_message(0), &pieces),
        "F\t8\tSSLRequest\t 1234 5679\n\
         B\t1\tSSLResponse\t N\n\
         F\t17\tStartupMessage\t 3 0 ...\n\
         B\t12\tAuthenticationMD5Password ...\n\
         F\tNN\tPasswordMessage\t \"SSSS\"\n"
    );
}

#[test]
fn what_is_cut_off_at_the_end_is_told() {
    for (bytes, lines) in [
        (
            &b"D\0\0\0\x0f\0\x02\0\0\0\x011"[..],
            "B\t15\tDataRow\t 2 1 '1' ...\nincomplete message: 11 of 15 bytes\n",
        ),
        (
            b"Z\0\0\0\x05",
            "B\t5\tReadyForQuery ...\nincomplete message: 4 of 5 bytes\n",
        ),
        (b"Z\0\0", "B\t?\tincomplete header\n"),
        (b"", ""),
    ] {
        assert_eq!(exchange(&[('F', b""), ('B', bytes)]), lines);
    }
    assert_eq!(exchange(&[('F', b"\0")]), "F\t?\tincomplete header\n");
    assert_eq!(
        exchange(&[('F', &STARTUP[..14])]),
        "F\t17\tStartupMessage\t 3 0 \"user\" \"m\" ...\nincomplete message: 14 of 17 bytes\n"
    );
    let password = exchange(&[
        ('F', STARTUP),
        ('B', b"R\0\0\0\x08\0\0\0\x03"),
        ('F', b"p\0\0\0\x0bsecr"),
    ]);
    assert!(
        password.ends_with("F\tNN\tPasswordMessage\t \"SSSS\"\nincomplete message\n"),
        "{password}"
    );
}

#[test]
fn security_50_no_text_of_a_server_forges_a_line() {
    let forged = r"B E SERROR\0Mx\nB\t5\tReadyForQuery\t I\x1b[2J\r\xe2\x80\xae\xff\0\0";
    let trace = traced_open(&shown(), forged);
    assert_eq!(
        trace,
        "B\t45\tErrorResponse\t S \"ERROR\" M \"x\\x0aB\\x095\\x09ReadyForQuery\\x09 I\\x1b[2J\\x0d\\xe2\\x80\\xae\\xff\" \\x00\n"
    );
}
