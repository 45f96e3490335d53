//! Files of services: libpq's `pg_service.conf`.

#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

use super::connection_string::{ConnectionString, Origin};
use super::environment::Environment;
use super::{ConfigError, is_blank, keyword};

/// Adds what the service says that is named by the string or by the environment, to what the string says itself.
pub(super) fn add(
    string: &mut ConnectionString,
    environment: &Environment,
) -> Result<(), ConfigError> {
    let Some(service) = string.get("service").map(str::to_owned) else {
        return Ok(());
    };
    for (file, must_be) in files(string, environment) {
        let text = match fs::read(&file) {
            Ok(bytes) => Zeroizing::new(bytes),
            Err(error) if must_be || file.exists() => {
                return Err(ConfigError::ServiceFile {
                    file,
                    line: None,
                    reason: error.to_string().into(),
                });
            }
            Err(_) => continue,
        };
        let text = str::from_utf8(&text).map_err(|_| ConfigError::ServiceFile {
            file: file.clone(),
            line: None,
            reason: "it must be UTF-8".into(),
        })?;
        if read(text, &service, &file, string)? {
            return Ok(());
        }
    }
    Err(ConfigError::UnknownService)
}

/// Where to look, in this order, and whether the file must be there.
fn files(string: &ConnectionString, environment: &Environment) -> Vec<(PathBuf, bool)> {
    let own = match string.get("servicefile") {
        Some(file) => Some((PathBuf::from(file), true)),
        None => environment
            .home()
            .map(|home| (home.join(".pg_service.conf"), false)),
    };
    let system = environment.system_folders();
    let mut system = system.iter().map(|folder| folder.join("pg_service.conf"));
    let system = system.find(|file| file.exists());
    own.into_iter()
        .chain(system.map(|file| (file, false)))
        .collect()
}

/// Adds the lines of a service, and says whether there is one.
fn read(
    text: &str,
    service: &str,
    file: &Path,
    string: &mut ConnectionString,
) -> Result<bool, ConfigError> {
    let file: Arc<Path> = file.into();
    let mut found = false;
    for (number, line) in (1..).zip(text.split('\n')) {
        let line = line.trim_matches(is_blank);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(rest) = line.strip_prefix('[') {
            if found {
                break;
            }
            let name = rest.strip_prefix(service);
            found = name.is_some_and(|rest| rest.starts_with(']'));
        } else if found {
            let origin = Origin::Service {
                file: Arc::clone(&file),
                line: number,
            };
            let (keyword, value) = pair(line).map_err(|reason| origin.syntax(reason))?;
            if string.get(keyword).is_none() {
                string.set(keyword, value, origin);
            }
        }
    }
    Ok(found)
}

fn pair(line: &str) -> Result<(&'static str, &str), &'static str> {
    if line.starts_with("ldap") {
        return Err("services are not looked up by LDAP");
    }
    let (name, value) = line
        .split_once('=')
        .ok_or("a keyword has no `=` after it")?;
    match keyword::find(0, name) {
        Ok("service" | "servicefile") => Err("a service cannot name another one"),
        Ok("requiressl") | Err(_) => Err("there is no such keyword"),
        Ok(keyword) => Ok((keyword, value)),
    }
}
