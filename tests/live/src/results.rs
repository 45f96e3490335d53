//! What became of the queries of a pipeline.

use purepg_conn::{ByteStream, Error, PipelineResults, QueryOutcome};

/// All of them.
///
/// # Panics
/// When there are more behind the end.
pub async fn all<S: ByteStream>(
    mut results: PipelineResults<'_, '_, S>,
) -> Vec<Result<QueryOutcome, Error>> {
    let mut all = Vec::new();
    while let Some(result) = results.next().await {
        all.push(result);
    }
    assert!(results.next().await.is_none());
    all
}

/// `ok 3` is a row count, otherwise the SQLSTATE or what else went wrong.
pub fn told(results: &[Result<QueryOutcome, Error>]) -> Vec<String> {
    let told = results.iter().map(|result| match result {
        Ok(outcome) => format!("ok {}", outcome.row_count),
        Err(Error::Aborted) => "aborted".to_owned(),
        Err(Error::Encode(_)) => "encode".to_owned(),
        Err(error) => error
            .sqlstate()
            .map_or_else(|| error.to_string(), str::to_owned),
    });
    told.collect()
}
