//! A connection string, taken apart and not yet interpreted.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::environment::{ByVariable, Environment, VARIABLES};
use super::pass_file::PassFile;
use super::{Config, ConfigError, is_blank, key_value, keyword, service, tls, url};

/// What a connection string says, keyword by keyword: what libpq's `PQconninfoParse` gives.
///
/// [`Config`] parses strings by itself. This is for who wants to look at one first, or to have a say in what it may say.
///
/// ```
/// use purepg_conn::ConnectionString;
///
/// let string: ConnectionString = "postgres://me@db.example/app?application_name=shop".parse()?;
/// assert_eq!(string.get("host"), Some("db.example"));
/// assert_eq!(string.get("port"), None);
///
/// let string = string.allow_only(&["host", "user", "dbname", "application_name"])?;
/// assert_eq!(string.config()?.settings().user(), "me");
/// # Ok::<(), purepg_conn::ConfigError>(())
/// ```
///
/// Parsing follows the rules of the format, and knows the keywords; what their values mean is looked at by [`config`](Self::config) alone.
/// Nothing is read but the string, until [`complete`](Self::complete) is called.
///
/// `Debug` shows no secret; [`get`](Self::get) gives what was written, a password as well.
#[derive(Clone, Default, PartialEq, Eq)]
#[must_use = "a connection string does nothing until it becomes a Config"]
pub struct ConnectionString {
    /// Each keyword once.
    given: Vec<Given>,
    /// Run-time parameters, which only the environment names.
    parameters: Vec<Given>,
    completed: Option<Completed>,
}

#[derive(Clone, PartialEq, Eq)]
struct Given {
    keyword: &'static str,
    value: Zeroizing<String>,
    origin: Origin,
}

/// Where something is said.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Origin {
    String,
    Variable(&'static str),
    Service { file: Arc<Path>, line: usize },
}

/// What is left to look for when all is said.
#[derive(Clone, PartialEq, Eq)]
struct Completed {
    home: Option<PathBuf>,
}

impl ConnectionString {
    /// What is said of a keyword, if anything is; the last of several equal ones counts. An empty value was said, too.
    pub fn get(&self, keyword: &str) -> Option<&str> {
        let mut given = self.given.iter();
        let found = given.find(|given| given.keyword == keyword)?;
        Some(found.value.as_str())
    }

    /// The keywords of which something is said.
    pub fn keywords(&self) -> impl Iterator<Item = &'static str> {
        self.given.iter().map(|given| given.keyword)
    }

    /// Refuses whatever else a string may say, before anybody asks what it means: for one that comes from a stranger.
    /// [`Config::SAFE_KEYWORDS`] is a list to begin with.
    ///
    /// # Errors
    ///
    /// [`ConfigError::NotAllowed`] when something is said of a keyword that is not among `keywords`. Parts of a URL count as keywords.
    pub fn allow_only(self, keywords: &[&str]) -> Result<Self, ConfigError> {
        let stranger = self.keywords().find(|said| !keywords.contains(said));
        stranger.map_or(Ok(self), |keyword| Err(ConfigError::NotAllowed { keyword }))
    }

    /// Adds what the string leaves out, as `psql` would: from the service that it or `PGSERVICE` names, then from the environment, then what
    /// libpq takes for granted. What is said already stays; for the order, and for the files that are read, see
    /// [`Config::parse_with_env`].
    ///
    /// # Errors
    ///
    /// When the service is not to be found, or a file of services cannot be read or breaks the rules of its format; when the value of a
    /// variable is not UTF-8.
    pub fn complete(mut self, environment: &Environment) -> Result<Self, ConfigError> {
        self.add_variables(environment, |variable| {
            matches!(variable, ByVariable::Keyword("service" | "servicefile"))
        })?;
        service::add(&mut self, environment)?;
        self.add_variables(environment, |_| true)?;
        if self.is_empty("user")
            && let Some(user) = environment.user()
        {
            self.set("user", user, Origin::String);
        }
        let port = self.get("port").filter(|port| !port.is_empty());
        if self.is_empty("host")
            && self.is_empty("hostaddr")
            && let Some(host) = environment.default_host(port.unwrap_or("5432"))
        {
            self.set("host", &host, Origin::String);
        }
        let home = environment.home().map(Path::to_owned);
        self.completed = Some(Completed { home });
        Ok(self)
    }

    fn is_empty(&self, keyword: &str) -> bool {
        self.get(keyword).is_none_or(str::is_empty)
    }

    fn add_variables(
        &mut self,
        environment: &Environment,
        wanted: impl Fn(ByVariable) -> bool,
    ) -> Result<(), ConfigError> {
        for &(name, variable) in VARIABLES {
            let Some(value) = environment.get(name).filter(|_| wanted(variable)) else {
                continue;
            };
            self.add_variable(name, variable, value)
                .map_err(|error| Origin::Variable(name).blame(error))?;
        }
        Ok(())
    }

    fn add_variable(
        &mut self,
        name: &'static str,
        variable: ByVariable,
        value: &OsStr,
    ) -> Result<(), ConfigError> {
        let value = value.to_str().ok_or(ConfigError::Syntax {
            part: "value",
            reason: "it must be UTF-8",
        });
        let origin = Origin::Variable(name);
        match variable {
            ByVariable::Keyword(keyword) if self.get(keyword).is_none() => {
                self.set(keyword, value?, origin);
            }
            ByVariable::Parameter(parameter) => {
                let value = value?;
                if !value.eq_ignore_ascii_case("default") {
                    self.parameters.push(Given::new(parameter, value, origin));
                }
            }
            ByVariable::Other if name == "PGREQUIRESSL" && self.get("sslmode").is_none() => {
                match value? {
                    "" | "0" => {}
                    value => {
                        let (keyword, value) = keyword::translate("requiressl", value)?;
                        self.set(keyword, value, origin);
                    }
                }
            }
            ByVariable::Keyword(_) | ByVariable::Other => {}
        }
        Ok(())
    }

    /// What it means.
    ///
    /// # Errors
    ///
    /// When a value is none that its keyword can have, or a keyword is not supported.
    pub fn config(&self) -> Result<Config, ConfigError> {
        let mut config = Config::new("", "");
        for given in &self.given {
            let settled = match given.keyword {
                "service" | "servicefile" => self.completed.is_some(),
                // As for libpq: one that is empty is none, and says that there is to be none.
                "fallback_application_name" => self.get("application_name").is_some(),
                _ => false,
            };
            if !settled {
                let result = keyword::apply(&mut config.settings, given.keyword, &given.value);
                result.map_err(|error| given.origin.blame(error))?;
            }
        }
        for parameter in &self.parameters {
            let (name, value) = (parameter.keyword, parameter.value.as_str());
            keyword::check_protected(name, value).map_err(|error| parameter.origin.blame(error))?;
            config = config.parameter(name, value);
        }
        if let Some(Completed { home: Some(home) }) = &self.completed {
            let settings = &mut config.settings;
            let pass_file = &mut settings.pass_file;
            pass_file.get_or_insert_with(|| PassFile::in_home(home));
            tls::default_files(settings, home);
        }
        Ok(config)
    }

    /// Takes in what was written for the `number`th keyword.
    pub(super) fn add(
        &mut self,
        number: usize,
        keyword: &str,
        value: &str,
    ) -> Result<(), ConfigError> {
        let keyword = keyword::find(number, keyword)?;
        let (keyword, value) = keyword::translate(keyword, value)?;
        self.set(keyword, value, Origin::String);
        Ok(())
    }

    pub(super) fn set(&mut self, keyword: &'static str, value: &str, origin: Origin) {
        let said = Given::new(keyword, value, origin);
        let mut given = self.given.iter_mut();
        match given.find(|given| given.keyword == keyword) {
            Some(given) => *given = said,
            None => self.given.push(said),
        }
    }
}

impl Given {
    fn new(keyword: &'static str, value: &str, origin: Origin) -> Self {
        Self {
            keyword,
            value: Zeroizing::new(value.to_owned()),
            origin,
        }
    }
}

impl Origin {
    /// Says where the mistake is.
    fn blame(&self, error: ConfigError) -> ConfigError {
        match self {
            Self::String => error,
            Self::Variable(variable) => ConfigError::Variable {
                variable,
                error: Box::new(error),
            },
            Self::Service { .. } => self.syntax(error.to_string()),
        }
    }

    pub(super) fn syntax(&self, reason: impl Into<Box<str>>) -> ConfigError {
        let (file, line) = match self {
            Self::Service { file, line } => (file.to_path_buf(), Some(*line)),
            Self::String | Self::Variable(_) => (PathBuf::new(), None),
        };
        ConfigError::ServiceFile {
            file,
            line,
            reason: reason.into(),
        }
    }
}

/// Takes a URL or a list of `keyword=value` apart.
impl FromStr for ConnectionString {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        if text.contains('\0') {
            return Err(ConfigError::Nul {
                part: "connection string",
            });
        }
        let mut string = Self::default();
        if let Some(rest) = url::strip_scheme(text) {
            url::parse(rest, &mut string)?;
        } else if has_another_scheme(text) {
            return Err(ConfigError::Syntax {
                part: "scheme",
                reason: "it is postgres:// or postgresql://",
            });
        } else {
            key_value::parse(text, &mut string)?;
        }
        Ok(string)
    }
}

fn has_another_scheme(text: &str) -> bool {
    let scheme = text.trim_start_matches(is_blank).split_once("://");
    scheme.is_some_and(|(scheme, _)| {
        !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric())
    })
}

impl fmt::Debug for ConnectionString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.given.iter().map(|given| {
            let is_secret = keyword::is_secret(given.keyword);
            let value = if is_secret { "***" } else { &given.value };
            (given.keyword, value)
        });
        f.debug_map().entries(shown).finish()
    }
}
