//! A cluster that is made once for each PostgreSQL and copied for each server: `initdb` takes ten
//! times as long as everything else.

use super::{
    DATABASE, PASSWORD, SUPERUSER, USER_MD5, USER_PASSWORD, USER_SCRAM, USER_TRUST,
    account::Account,
    binaries::Binaries,
    error::{Doing, StartError},
    folders,
    run::{Input, run},
};
use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io, iter,
    os::unix::fs::MetadataExt,
    path::Path,
};

/// The version of what this file does. Whoever changes it adds one, so that nobody copies what an
/// older recipe made.
const RECIPE: u32 = 2;

/// The role that owns [`DATABASE`], and whose members all other users are: from PostgreSQL 15 on,
/// only a database's owner creates in its schema `public`.
const OWNERS: &str = "purepg_owners";

/// Copies the template of a PostgreSQL, which is made first if there is none, to `data`.
pub(super) fn copy(binaries: &Binaries, data: &Path, account: Account) -> Result<(), StartError> {
    let name = name(binaries).doing(|| "looking at postgres".into())?;
    folders::shared_tree(
        &folders::scratch(account)?,
        &name,
        account,
        |tree| make(binaries, tree, account),
        |tree| {
            // By `cp`, not by us: the files must belong to the account.
            let mut cp = account.command(Path::new("cp"), Path::new("/"));
            run(cp.arg("-Rp").arg(tree).arg(data), &Input::Nothing).map(drop)
        },
    )
}

/// Says which build of PostgreSQL, and which recipe: a template serves no other.
fn name(binaries: &Binaries) -> io::Result<String> {
    let postgres = binaries.path("postgres").canonicalize()?;
    let metadata = fs::metadata(&postgres)?;
    let mut hasher = DefaultHasher::new();
    (
        postgres,
        metadata.len(),
        metadata.mtime(),
        metadata.mtime_nsec(),
    )
        .hash(&mut hasher);
    let build = hasher.finish();
    Ok(format!(
        "template-{}-{build:016x}-{RECIPE}",
        binaries.release()
    ))
}

fn make(binaries: &Binaries, tree: &Path, account: Account) -> Result<(), StartError> {
    let mut initdb = binaries.command("initdb", account, tree);
    initdb
        .arg("-D")
        .arg(tree)
        .args(["-U", SUPERUSER, "-A", "trust"]);
    initdb.args(["-E", "UTF8", "--locale=C", "--no-sync"]);
    // The smallest write-ahead log: a third less to copy, and it is recycled early.
    initdb.arg("--wal-segsize=1");
    run(&mut initdb, &Input::Nothing)?;

    // There may be no psql. A backend on its own takes a command a line from its standard input.
    let mut single = binaries.command("postgres", account, tree);
    single
        .arg("--single")
        .arg("-D")
        .arg(tree)
        .args(["-c", "fsync=off"]);
    single.args(["-c", "exit_on_error=on", "postgres"]);
    run(&mut single, &Input::Text(&roles()))?;

    // Written over, it stays the account's own.
    fs::write(tree.join("pg_hba.conf"), hba()).doing(|| "writing pg_hba.conf".into())
}

/// A user for each method, and how its password is stored.
const USERS: [(&str, &str, Option<&str>); 4] = [
    (USER_TRUST, "trust", None),
    (USER_PASSWORD, "password", Some("scram-sha-256")),
    (USER_MD5, "md5", Some("md5")),
    (USER_SCRAM, "scram-sha-256", Some("scram-sha-256")),
];

/// One command in each line.
fn roles() -> String {
    let mut lines = vec![format!("create role {OWNERS}")];
    for (user, _, stored) in USERS {
        lines.push(format!("create role {user} login in role {OWNERS}"));
        if let Some(stored) = stored {
            lines.push(format!("set password_encryption = '{stored}'"));
            lines.push(format!("alter role {user} password '{PASSWORD}'"));
        }
    }
    lines.push(format!("create database {DATABASE} owner {OWNERS}\n"));
    lines.join("\n")
}

/// Who gets in how, over both kinds of sockets. Nobody else gets in at all.
fn hba() -> String {
    let users = USERS.iter().map(|(user, method, _)| (*user, *method));
    let lines = iter::once((SUPERUSER, "trust"))
        .chain(users)
        .flat_map(|(user, method)| {
            [
                format!("local all {user} {method}\n"),
                format!("host all {user} 127.0.0.1/32 {method}\n"),
            ]
        });
    // `all` is every database, but not the write-ahead log of all of them.
    let log = format!("local replication {SUPERUSER} trust\n");
    lines.chain([log]).collect()
}
