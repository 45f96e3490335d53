//! Pipelines: queries that do not wait for each other.

mod results;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use purepg_types::{Column, Params};

use crate::columns::Columns;
use crate::connection::Connection;
use crate::error::Error;
use crate::query::{IntoQuery, Query};
use crate::row::Row;
use crate::runtime::ByteStream;

pub use results::PipelineResults;

/// Queries that are queued first, and then run without waiting in between.
///
/// The queries up to a [`sync`](Self::sync), or to the end, are one transaction if none is open: when one fails, nothing of them stays, and the
/// ones behind it are not looked at ([`Error::Aborted`]). Every query goes through the extended protocol: a text holds one statement. A
/// `COPY FROM STDIN` or `TO STDOUT` is no query, and fails like one ([`UsageError::CopyInPipeline`](crate::UsageError::CopyInPipeline)).
///
/// Nothing of it is sent before it is run; dropped before that, it never happened. What the server need not be asked about is written to the
/// connection's output as it is pushed, so that its parameters need not be kept.
#[must_use = "nothing happens before it is run"]
pub struct Pipeline<'c, 'q, S> {
    /// `None` once it is run.
    results: Option<PipelineResults<'c, 'q, S>>,
    queries: usize,
    timeout: Option<Duration>,
}

enum Item<'q> {
    Query(Query<'q>, Box<dyn Params + 'q>),
    Sync,
}

/// What became of a query of a pipeline.
#[derive(Debug, Default)]
pub struct QueryOutcome {
    /// Its rows.
    pub rows: Vec<Row>,
    /// The number of rows that it counted; 0 for a command that counts none.
    pub row_count: u64,
    columns: Option<Arc<Columns>>,
}

impl QueryOutcome {
    /// The columns; none for a statement that returns no rows.
    pub fn columns(&self) -> &[Column] {
        self.columns
            .as_ref()
            .map_or(&[], |columns| columns.as_slice())
    }
}

impl<S: ByteStream> Connection<S> {
    /// An empty pipeline.
    pub fn pipeline<'q>(&mut self) -> Pipeline<'_, 'q, S> {
        Pipeline {
            results: Some(PipelineResults::new(self)),
            queries: 0,
            timeout: None,
        }
    }
}

impl<'c, 'q, S: ByteStream> Pipeline<'c, 'q, S> {
    /// Another query.
    pub fn push(&mut self, query: impl IntoQuery<'q>, params: impl Params + 'q) -> &mut Self {
        let query = query.into_query();
        if let Some(results) = &mut self.results
            && !results.write_ahead(&query, &params)
        {
            results.push(Item::Query(query, Box::new(params)));
        }
        self.queries += 1;
        self
    }

    /// Ends a transaction: what fails before this does not touch what comes behind it.
    pub fn sync(&mut self) -> &mut Self {
        if let Some(results) = &mut self.results
            && !results.sync_ahead()
        {
            results.push(Item::Sync);
        }
        self
    }

    /// How long it may take until the last result is there, instead of [`Config::query_timeout`](crate::Config::query_timeout); zero is
    /// no limit. It is as with [`Query::timeout`](crate::Query::timeout), for all of them together.
    pub fn timeout(&mut self, timeout: Duration) -> &mut Self {
        self.timeout = Some(timeout);
        self
    }

    /// How many queries it has.
    pub fn len(&self) -> usize {
        self.queries
    }

    /// True when it has no query.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Begins to run it. One round trip, if all statements are known; a text that is not takes one more when its turn comes.
    ///
    /// # Errors
    /// What ended the connection, if it has ended. What becomes of the queries is told by the results.
    ///
    /// # Cancel safety
    /// Dropping the future costs nothing, and nothing has happened.
    pub async fn run(mut self) -> Result<PipelineResults<'c, 'q, S>, Error> {
        let mut results = self.results.take().ok_or(Error::Closed)?;
        results.begin(self.timeout).await?;
        Ok(results)
    }
}

impl<S> Drop for Pipeline<'_, '_, S> {
    fn drop(&mut self) {
        if let Some(results) = &mut self.results {
            results.take_back();
        }
    }
}

impl<S> fmt::Debug for Pipeline<'_, '_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline")
            .field("queries", &self.queries)
            .finish_non_exhaustive()
    }
}
