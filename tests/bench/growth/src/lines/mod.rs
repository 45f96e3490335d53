//! The lines: what grows, how far, and what must not be passed on the way.

mod columns;
mod connections;
mod parameters;
mod pipelines;
mod rows;
mod statements;
mod table;
mod values;

use std::error::Error;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;

use purepg_conn_tokio::{Config, Connection};
use purepg_testkit::server::{DATABASE, USER_TRUST};

use crate::figure::Figure;
use crate::measure::{Meter, Point};

pub use table::LINES;

/// Anything may go wrong, and is told in words.
pub type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Something that grows. Its ways are drawn into one chart.
#[derive(Debug)]
pub struct Line {
    /// A word for the command line, and for the file of the chart.
    pub name: &'static str,
    /// What the chart is about.
    pub title: &'static str,
    /// What the sizes count.
    pub size: &'static str,
    /// In which ways it is done.
    pub ways: &'static [Way],
}

/// One way to do it.
#[derive(Debug)]
pub struct Way {
    /// A few words.
    pub name: &'static str,
    /// What is timed: one of these.
    pub unit: &'static str,
    /// The sizes of a whole run.
    pub full: &'static [u64],
    /// Those of a short run.
    pub quick: &'static [u64],
    /// Those of a test, which looks at the bounds only.
    pub check: &'static [u64],
    /// What the chart of costs shows.
    pub cost: Figure,
    /// What the chart of memory shows.
    pub memory: Option<Figure>,
    /// What the table shows.
    pub figures: &'static [Figure],
    /// What must hold.
    pub bounds: &'static [Bound],
    /// Does it once.
    pub run: Run,
}

/// Does one size of one way, as the meter wants it.
pub type Run = for<'a> fn(&'a Server, u64, &'a mut Meter) -> Working<'a>;

/// What is done until it is done.
pub type Working<'a> = Pin<Box<dyn Future<Output = Result<()>> + 'a>>;

/// Bytes that must not be passed: so many, and so many for each of the size.
#[derive(Debug, Clone, Copy)]
pub struct Bound {
    /// Of what.
    pub figure: Figure,
    /// Whatever the size.
    pub flat: u64,
    /// For each of the size.
    pub each: u64,
}

impl Bound {
    /// What is wrong with a point, if it is beyond.
    pub fn check(self, point: &Point) -> Option<String> {
        let allowed = self.flat + self.each * point.size;
        let found = self.figure.of(point);
        (found > allowed as f64).then(|| {
            let figure = self.figure;
            format!("{figure:?} is {found:.0} bytes, and {allowed} are the most")
        })
    }
}

/// Where the server is: a Unix socket.
#[derive(Debug, Clone)]
pub struct Server {
    /// The folder of the socket.
    pub folder: PathBuf,
    /// The port in the socket's name.
    pub port: u16,
}

impl Server {
    /// How it is reached.
    pub fn config(&self) -> Config {
        Config::new(self.folder.display().to_string(), USER_TRUST)
            .port(self.port)
            .database(DATABASE)
    }

    /// A connection that has run a small query.
    ///
    /// # Errors
    /// Whatever goes wrong.
    pub async fn connect(&self) -> Result<Connection> {
        let mut conn = purepg_conn_tokio::connect(&self.config()).await?;
        small_queries(&mut conn, 1).await?;
        Ok(conn)
    }
}

/// So many small queries, as any application makes them.
///
/// # Errors
/// Whatever goes wrong.
pub async fn small_queries(conn: &mut Connection, count: i32) -> Result<()> {
    for number in 0..count {
        let same: i32 = conn.fetch_scalar("select $1::int4", (number,)).await?;
        assert_eq!(same, number);
    }
    Ok(())
}

/// How often something of a size is done, so that enough is done in all to be timed: so many in all, but once at least, and not more often
/// than `most`.
fn repetitions(size: u64, in_all: u64, most: u64) -> u64 {
    (in_all / size.max(1)).clamp(1, most)
}

fn int4(size: u64) -> Result<i32> {
    Ok(i32::try_from(size)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words_and_tests_look_at_every_bound() {
        for line in &LINES {
            assert!(line.name.chars().all(|letter| letter.is_ascii_lowercase()));
            for way in line.ways {
                assert!(!way.full.is_empty() && !way.quick.is_empty());
                let bounded = !way.bounds.is_empty();
                assert_eq!(
                    bounded,
                    !way.check.is_empty(),
                    "{}: {}",
                    line.name,
                    way.name
                );
            }
        }
    }

    #[test]
    fn a_bound_is_for_each_and_whatever_the_size() {
        let bound = Bound {
            figure: Figure::Peak,
            flat: 100,
            each: 2,
        };
        let point = |peak| Point {
            size: 10,
            before: 50,
            peak,
            ..Point::default()
        };
        assert_eq!(bound.check(&point(170)), None);
        assert!(bound.check(&point(171)).is_some());
    }
}
