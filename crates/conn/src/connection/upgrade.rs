//! A connection whose stream becomes one of TLS.

use std::mem;

use crate::connection::Connection;
use crate::error::Error;
use crate::runtime::ByteStream;
use crate::tls::Tls;
use crate::wire::Wire;

impl<S: ByteStream> Connection<S> {
    /// Does what the core has asked for. Dropping the future loses the stream.
    pub(crate) async fn upgrade(&mut self, tls: &Tls) -> Result<(), Error> {
        let Wire::Plain(stream) = mem::replace(&mut self.stream, Wire::Gone) else {
            // The core asks once.
            return Err(Error::Closed);
        };
        let (stream, facts) = tls.handshake(stream).await?;
        self.stream = Wire::Tls(Box::new(stream));
        self.core.tls_established(facts)?;
        self.tls = Some(tls.clone());
        Ok(())
    }
}
