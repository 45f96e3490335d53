//! What TLS must not change: large data both ways, streams that move a byte at a time, futures that are dropped, cancels.

use std::time::{Duration, Instant};

use futures_util::future::join;
use purepg_conn::{ChannelBinding, Config, Error, Runtime, SqlState, SslMode, SslNegotiation};
use purepg_testkit::drop_at::drop_after;
use purepg_testkit::io::OneByte;
use purepg_testkit::server::{PASSWORD, Server, USER_SCRAM, USER_TRUST};
use purepg_tests_live::drops::cover;
use purepg_tests_live::{Context, Slow, Transport, Wrapped, live};

use crate::servers::{config, connect, roots, with_tls};

live!(
    large_data_both_ways,
    a_byte_at_a_time,
    dropped_at_every_poll_while_connecting,
    dropped_at_every_poll,
    security_06_a_cancel_goes_the_way_of_its_connection,
    a_good_bye_in_tls,
);

/// Everything that can be asked for at once.
fn strict(server: &Server) -> Config {
    config(server, USER_SCRAM)
        .password(PASSWORD)
        .ssl_mode(SslMode::VerifyFull)
        .ssl_root_cert(roots())
        .channel_binding(ChannelBinding::Require)
}

async fn slow<R: Runtime>(cx: &Context<R>) -> Slow<R> {
    let runtime = Wrapped::new(&cx.runtime, OneByte::new);
    let config = config(&with_tls()[0], USER_TRUST).ssl_mode(SslMode::Require);
    purepg_conn::connect(runtime, &config).await.unwrap()
}

async fn large_data_both_ways<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    for server in with_tls() {
        let mut conn = cx.try_connect(&strict(server)).await.unwrap();
        let text: String = ('a'..='z').cycle().take(20_000_000).collect();
        let back: String = conn
            .fetch_scalar("select $1::text", (&text,))
            .await
            .unwrap();
        assert!(back == text);
        // Both at once: neither waits for the other.
        let half = &text[..100_000];
        let mut pipeline = conn.pipeline();
        for _ in 0..300 {
            pipeline.push("select $1::text", (half,));
        }
        let mut results = pipeline.run().await.unwrap();
        let mut rows = 0;
        while let Some(result) = results.next().await {
            let row = &result.unwrap().rows[0];
            assert!(row.get::<&str>(0).unwrap() == half);
            rows += 1;
        }
        assert_eq!(rows, 300);
        drop(results);

        conn.execute("create temporary table t (a text)", ())
            .await
            .unwrap();
        let mut sink = conn.copy_in("copy t from stdin").await.unwrap();
        for _ in 0..200 {
            sink.send(format!("{half}\n").into_bytes()).await.unwrap();
        }
        assert_eq!(sink.finish().await.unwrap(), 200);
        let mut source = conn.copy_out("copy t to stdout").await.unwrap();
        let mut bytes = 0;
        while let Some(chunk) = source.next().await {
            bytes += chunk.unwrap().len();
        }
        assert_eq!(bytes, 200 * 100_001);
        conn.close().await.unwrap();
    }
}

async fn a_byte_at_a_time<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    for server in with_tls() {
        let runtime = Wrapped::new(&cx.runtime, OneByte::new);
        let mut conn = purepg_conn::connect(runtime, &strict(server))
            .await
            .unwrap();
        assert!(conn.is_encrypted() && conn.is_channel_bound());
        let text = "x".repeat(20_000);
        let row = conn
            .fetch_one("select $1::text, 7", (&text,))
            .await
            .unwrap();
        assert_eq!(row.decode::<(&str, i32)>().unwrap(), (&text[..], 7));
        let error = conn.execute("nonsense", ()).await.unwrap_err();
        assert_eq!(error.code(), Some(SqlState::SYNTAX_ERROR));
        assert!(conn.is_ready());
        conn.close().await.unwrap();
    }
}

async fn dropped_at_every_poll_while_connecting<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    let server = &with_tls()[0];
    // There are some thousands of places: each run takes another few of them.
    let config = config(server, USER_TRUST).ssl_mode(SslMode::Require);
    let (mut polls, mut places) = (0, 0);
    loop {
        let runtime = Wrapped::new(&cx.runtime, OneByte::new);
        let connected = drop_after(purepg_conn::connect(runtime, &config), polls).await;
        let Some(result) = connected else {
            places += 1;
            polls += 1 + polls / 25;
            continue;
        };
        let mut conn = result.unwrap();
        assert_eq!(conn.fetch_scalar::<i32>("select 1", ()).await.unwrap(), 1);
        break;
    }
    println!("connect with TLS: dropped at {places} places of {polls}");
    assert!(places > 50);
}

async fn dropped_at_every_poll<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    let mut conn = slow(&cx).await;
    assert!(conn.is_encrypted());
    cover::<R, _>("fetch, simple, TLS", &mut conn, async |conn| {
        conn.fetch("select generate_series(1, 3)", ()).await
    })
    .await;
    cover::<R, _>("fetch, extended, TLS", &mut conn, async |conn| {
        conn.fetch("select $1::text", ("mine, not yours",)).await
    })
    .await;
    cover::<R, _>("error, TLS", &mut conn, async |conn| {
        conn.execute("select 1/$1::int4", (0,)).await
    })
    .await;
}

async fn security_06_a_cancel_goes_the_way_of_its_connection<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    for server in with_tls() {
        let direct = server.version() >= 17;
        let negotiated = strict(server);
        let begun_at_once = strict(server).ssl_negotiation(SslNegotiation::Direct);
        let plain = config(server, USER_TRUST).ssl_mode(SslMode::Disable);
        let preferred = config(server, USER_TRUST);
        for (config, told) in [
            (Some(negotiated), "RST"),
            (Some(begun_at_once).filter(|_| direct), "T"),
            (Some(preferred), "RST"),
            (Some(plain), "C"),
        ] {
            let Some(config) = config else { continue };
            let (conn, streams) = connect(&cx, &config).await;
            let mut conn = conn.unwrap();
            streams.told();
            let token = conn.cancel_token();
            let cancel = async {
                cx.runtime.sleep(Duration::from_millis(50)).await;
                token.cancel().await.unwrap();
                Instant::now()
            };
            let (result, asked) = join(conn.execute("select pg_sleep(60)", ()), cancel).await;
            assert!(asked.elapsed() < Duration::from_secs(2));
            assert_eq!(result.unwrap_err().code(), Some(SqlState::QUERY_CANCELED));
            let requests = streams.told();
            assert!(!requests.is_empty());
            assert!(
                requests.iter().all(|request| request == told),
                "{requests:?}"
            );
            assert_eq!(conn.fetch_scalar::<i32>("select 1", ()).await.unwrap(), 1);
        }
    }
}

async fn a_good_bye_in_tls<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    let server = &with_tls()[0];
    for _ in 0..20 {
        let conn = cx.try_connect(&strict(server)).await.unwrap();
        conn.close().await.unwrap();
    }
    // The server's last words come through TLS, too.
    let mut conn = cx.try_connect(&strict(server)).await.unwrap();
    server
        .terminate_backend(conn.process_id().unwrap())
        .unwrap();
    let error = conn.execute("select pg_sleep(60)", ()).await.unwrap_err();
    assert!(matches!(error, Error::Database(_)), "{error:?}");
    assert_eq!(error.code(), Some(SqlState::ADMIN_SHUTDOWN));
    assert!(conn.is_dead());
}
