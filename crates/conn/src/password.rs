//! The password for a host, from the file that may have it.

use std::borrow::Cow;

use crate::config::{Host, PassKey, Settings, Warning};
use crate::connect::run_blocking;
use crate::error::Error;
use crate::runtime::Runtime;

/// The settings with the password for this host, and why there is none if the file is at fault.
pub(crate) async fn with_password<'a, R: Runtime + ?Sized>(
    runtime: &R,
    settings: &'a Settings,
    host: &Host,
) -> Result<(Cow<'a, Settings>, Option<Warning>), Error> {
    let Some(file) = settings.password_elsewhere().cloned() else {
        return Ok((Cow::Borrowed(settings), None));
    };
    let key = PassKey::new(host, settings);
    match run_blocking(runtime, move || file.look_up(&key)).await? {
        Ok(Some(password)) => {
            let mut settings = settings.clone();
            settings.set_password(password);
            Ok((Cow::Owned(settings), None))
        }
        Ok(None) => Ok((Cow::Borrowed(settings), None)),
        Err(warning) => {
            if let Some(handler) = settings.on_warning() {
                handler.call(&warning);
            }
            Ok((Cow::Borrowed(settings), Some(warning)))
        }
    }
}
