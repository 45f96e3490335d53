//! What sockets are told: asked of the sockets themselves.

use std::net::TcpListener;
use std::time::Duration;

use futures_util::future::Either;
use purepg_conn::{Config, Endpoint, Runtime, SocketOptions};
use purepg_conn_async_std::AsyncStd;
use purepg_conn_tokio::Tokio;
use socket2::SockRef;

/// A socket of each adapter, to somebody who listens.
fn check(options: &SocketOptions, is_right: impl Fn(&SockRef<'_>)) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = Endpoint::Tcp(listener.local_addr().unwrap());
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let stream = tokio.block_on(Tokio.connect(&endpoint, options)).unwrap();
    let Either::Left(stream) = &stream else {
        panic!("it is TCP")
    };
    is_right(&SockRef::from(stream.get_ref()));
    let stream = async_std::task::block_on(AsyncStd.connect(&endpoint, options)).unwrap();
    let Either::Left(stream) = &stream else {
        panic!("it is TCP")
    };
    is_right(&SockRef::from(stream));
}

#[test]
fn keepalives_are_on_unless_told_otherwise() {
    let config = Config::new("h", "u");
    check(config.settings().socket_options(), |socket| {
        assert!(socket.tcp_nodelay().unwrap());
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_user_timeout().unwrap(), None);
    });
    let off = config
        .keepalives(false)
        .keepalives_idle(Duration::from_secs(7));
    check(off.settings().socket_options(), |socket| {
        assert!(!socket.keepalive().unwrap());
        assert_ne!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(7));
    });
}

#[test]
fn a_socket_is_told_what_the_configuration_says() {
    let text = "host=h user=u keepalives_idle=31 keepalives_interval=7 keepalives_count=3 \
        tcp_user_timeout=1500";
    let config: Config = text.parse().unwrap();
    check(config.settings().socket_options(), |socket| {
        assert!(socket.keepalive().unwrap());
        let time = socket.tcp_keepalive_time().unwrap();
        assert_eq!(time, Duration::from_secs(31));
        let interval = socket.tcp_keepalive_interval().unwrap();
        assert_eq!(interval, Duration::from_secs(7));
        assert_eq!(socket.tcp_keepalive_retries().unwrap(), 3);
        let timeout = socket.tcp_user_timeout().unwrap();
        assert_eq!(timeout, Some(Duration::from_millis(1500)));
    });
}
