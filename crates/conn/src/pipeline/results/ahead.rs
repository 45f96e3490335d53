//! What of a pipeline is written before it is run: queries of which everything is known, so that their parameters need not be kept.

use std::time::Duration;

use purepg_types::Params;

use crate::error::Error;
use crate::pipeline::Item;
use crate::pipeline::results::{PipelineResults, Sent};
use crate::query::Query;
use crate::runtime::ByteStream;

impl<'q, S: ByteStream> PipelineResults<'_, 'q, S> {
    /// Writes a query that is pushed; false, and nothing was written, when it has to wait for its turn, be it only to be told what is wrong
    /// with it.
    pub(in crate::pipeline) fn write_ahead(
        &mut self,
        query: &Query<'_>,
        params: &dyn Params,
    ) -> bool {
        let connection = &mut *self.connection;
        let is_ahead = *self.is_ahead.get_or_insert_with(|| connection.begin_now());
        is_ahead
            && self.items.is_empty()
            && !self.connection.is_full()
            && matches!(self.write(query, params, false), Ok(true))
    }

    /// The same for a sync.
    pub(in crate::pipeline) fn sync_ahead(&mut self) -> bool {
        self.items.is_empty() && self.end_segment().is_ok()
    }

    /// What waits for its turn.
    pub(in crate::pipeline) fn push(&mut self, item: Item<'q>) {
        self.items.push_back(item);
    }

    /// Makes way, unless there is something written already: then there was nothing to make way for.
    pub(in crate::pipeline) async fn begin(
        &mut self,
        timeout: Option<Duration>,
    ) -> Result<(), Error> {
        if self.is_ahead == Some(true) {
            self.connection.go_on_within(timeout);
            if self.items.is_empty() {
                self.end_segment()?;
            }
            return Ok(());
        }
        match timeout {
            Some(timeout) => self.connection.make_way_within(Some(timeout)).await?,
            None => self.connection.make_way().await?,
        }
        self.connection.check_transaction()
    }

    /// Ends the segment behind what was written last, if one is open.
    pub(super) fn end_segment(&mut self) -> Result<(), Error> {
        if let Some(Sent::Queries(queries)) = self.sent.back()
            && self.begun
        {
            self.connection.sync_behind(queries.until)?;
            self.begun = false;
            self.segment += 1;
        }
        Ok(())
    }
}

impl<S> PipelineResults<'_, '_, S> {
    /// It is not run: nothing was sent, and what was written is taken back.
    pub(in crate::pipeline) fn take_back(&mut self) {
        if self.is_ahead == Some(true) {
            self.connection.give_up();
        }
    }
}
