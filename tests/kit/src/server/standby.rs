//! A second server, which follows the first: streaming replication.

use std::fs;
use std::path::Path;

use super::error::{Doing, StartError};
use super::process::{Launch, free_port};
use super::run::{Input, run};
use super::{Options, SUPERUSER, Server, folder};

impl Server {
    /// Starts a standby of this server, of the same version, on a port of its own, that has the same data from then on. It is a hot standby, and says
    /// it is `standby` (for `synchronous_standby_names`). `select pg_promote()` makes a primary of it.
    ///
    /// There need not be a `pg_basebackup`: this server is shut down, copied, and started again, so its sessions end.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub fn start_standby(&self, options: Options) -> Result<Self, StartError> {
        let account = self.launch.account;
        let (folder, watchdog) = folder(account)?;
        let conninfo = format!(
            "host={} port={} user={SUPERUSER} application_name=standby",
            self.launch.folder.display(),
            self.port
        );
        let sockets = options.sockets().to_vec();
        let mut assignments = options.into_assignments();
        assignments.push(format!("primary_conninfo={conninfo}"));
        // Without its primary it sleeps for five seconds otherwise, and is not promoted meanwhile.
        assignments.push("wal_retrieve_retry_interval=50ms".into());
        let launch = Launch {
            binaries: self.launch.binaries.clone(),
            account,
            folder,
            assignments,
            sockets,
        };
        self.shut_down();
        // By `cp`, not by us: the files must belong to the account.
        let mut cp = account.command(Path::new("cp"), Path::new("/"));
        run(
            cp.arg("-Rp").arg(self.launch.data()).arg(launch.data()),
            &Input::Nothing,
        )?;
        let signal = launch.data().join("standby.signal");
        let doing = || "writing standby.signal".to_owned();
        fs::write(&signal, "").doing(doing)?;
        account.adopt(&signal).doing(doing)?;
        self.restart()?;
        Self::launch_on(launch, watchdog, free_port)
    }
}
