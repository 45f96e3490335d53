//! Starts a throw-away PostgreSQL, prints `HOST PORT SOCKET_DIR`, and ends it at the end of its
//! input or at Enter.
//!
//! ```text
//! cargo run -p purepg-testkit --bin serve [MAJOR_VERSION]
//! ```

fn main() -> std::process::ExitCode {
    #[cfg(unix)]
    match unix::serve() {
        Ok(()) => return std::process::ExitCode::SUCCESS,
        Err(error) => eprintln!("serve: {error}"),
    }
    #[cfg(not(unix))]
    eprintln!("serve: there is no such server on this system");
    std::process::ExitCode::FAILURE
}

#[cfg(unix)]
mod unix {
    use purepg_testkit::server::{Options, Server};
    use std::{env, error::Error, io};

    pub(super) fn serve() -> Result<(), Box<dyn Error>> {
        let mut options = Options::new();
        if let Some(version) = env::args().nth(1) {
            options = options.version(version.parse()?);
        }
        let server = Server::start(options)?;
        println!(
            "{} {} {}",
            server.host(),
            server.port(),
            server.socket_dir().display()
        );
        io::stdin().read_line(&mut String::new())?;
        Ok(())
    }
}
