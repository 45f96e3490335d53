//! How the demo looks: a line for each step, a bar while rows come, a table at the end.
//!
//! Without a terminal there is no bar, and with `NO_COLOR` no colour.

use std::fmt::Display;
use std::future::Future;
use std::time::{Duration, Instant};

use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};
use console::{Alignment, Term, pad_str, style};
use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};

use crate::Result;

/// What was done by each route, and how long it took.
pub(crate) struct Report {
    screen: Term,
    columns: Vec<Column>,
}

/// A runtime and a transport, and the steps taken there.
struct Column {
    runtime: &'static str,
    transport: &'static str,
    steps: Vec<(&'static str, Duration)>,
}

/// A line under the header, and no others.
const RULED: TableStyle =
    TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// A column in the making.
pub(crate) struct Route<'r> {
    report: &'r mut Report,
    column: Column,
    aloud: bool,
}

impl Report {
    pub(crate) fn new() -> Self {
        Self {
            screen: Term::stdout(),
            columns: Vec::new(),
        }
    }

    /// Something that may take a while.
    pub(crate) fn wait<T>(&self, doing: &'static str, work: impl FnOnce() -> T) -> T {
        let spinner = ProgressBar::new_spinner().with_message(doing);
        spinner.enable_steady_tick(Duration::from_millis(100));
        let done = work();
        spinner.finish_and_clear();
        done
    }

    pub(crate) fn heading(&self, text: &str) -> Result<()> {
        self.line(format_args!("\n{}\n", style(text).bold()))
    }

    /// A route that tells each step.
    pub(crate) fn aloud(&mut self, runtime: &'static str, transport: &'static str) -> Route<'_> {
        Route {
            report: self,
            column: Column {
                runtime,
                transport,
                steps: Vec::new(),
            },
            aloud: true,
        }
    }

    /// A route that tells only its end.
    pub(crate) fn quietly(&mut self, runtime: &'static str, transport: &'static str) -> Route<'_> {
        Route {
            aloud: false,
            ..self.aloud(runtime, transport)
        }
    }

    /// The times, side by side.
    pub(crate) fn table(&self) -> Result<()> {
        let mut table = Table::new();
        table.load_style(RULED);
        let names = self.columns.iter().map(Column::title);
        table.set_header(std::iter::once("milliseconds".to_owned()).chain(names));
        let Some(first) = self.columns.first() else {
            return Ok(());
        };
        for (place, (name, _)) in first.steps.iter().enumerate() {
            let times = self
                .columns
                .iter()
                .map(|column| milliseconds(column.steps[place].1));
            table.add_row(std::iter::once((*name).to_owned()).chain(times));
        }
        let totals = self
            .columns
            .iter()
            .map(|column| milliseconds(column.total()));
        table.add_row(std::iter::once("together".to_owned()).chain(totals));
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        for line in table.lines() {
            self.line(format_args!("   {}", line.trim_end()))?;
        }
        Ok(())
    }

    /// A step, or a route, that is done: what, with what result, and in what time.
    fn done(&self, what: &str, note: &str, time: Duration) -> Result<()> {
        let (note, more) = note.split_once('\n').unwrap_or((note, ""));
        self.line(format_args!(
            "  {} {} {} {}",
            style("✓").green(),
            style(pad_str(what, 15, Alignment::Left, None)).bold(),
            pad_str(note, 48, Alignment::Left, None),
            style(format_args!("{:>8} ms", milliseconds(time))).dim(),
        ))?;
        for line in more.lines() {
            self.line(format_args!("    {} {line}", style("│").dim()))?;
        }
        Ok(())
    }

    pub(crate) fn line(&self, line: impl Display) -> Result<()> {
        Ok(self.screen.write_line(&line.to_string())?)
    }
}

impl Route<'_> {
    /// Takes a step, and the time.
    pub(crate) async fn time<T, E: Display>(
        &mut self,
        step: &'static str,
        work: impl Future<Output = std::result::Result<T, E>>,
    ) -> Result<T> {
        let start = Instant::now();
        let done = work.await.map_err(|error| {
            let Column {
                runtime, transport, ..
            } = self.column;
            format!("{step}, with {runtime} over {transport}: {error}")
        })?;
        self.column.steps.push((step, start.elapsed()));
        Ok(done)
    }

    /// Tells what came of the last step.
    pub(crate) fn tell(&self, note: impl Display) -> Result<()> {
        match self.column.steps.last() {
            Some((step, time)) if self.aloud => self.report.done(step, &note.to_string(), *time),
            _ => Ok(()),
        }
    }

    /// A bar for so many rows. It goes when it is dropped.
    pub(crate) fn bar(&self, rows: u32) -> Result<ProgressBar> {
        let look =
            "  {spinner:.cyan} {prefix:15} {bar:30.cyan/dim} {human_pos} of {human_len} rows";
        let prefix = if self.aloud {
            "stream"
        } else {
            self.column.runtime
        };
        Ok(ProgressBar::new(rows.into())
            .with_style(ProgressStyle::with_template(look)?)
            .with_prefix(prefix)
            .with_finish(ProgressFinish::AndClear))
    }

    /// The last step is done.
    pub(crate) fn end(self) -> Result<()> {
        if !self.aloud {
            let steps = self.column.steps.len();
            let note = format!("{}, {steps} steps", self.column.transport);
            let total = self.column.total();
            self.report.done(self.column.runtime, &note, total)?;
        }
        self.report.columns.push(self.column);
        Ok(())
    }
}

impl Column {
    fn title(&self) -> String {
        format!("{}\n{}", self.runtime, self.transport)
    }

    fn total(&self) -> Duration {
        self.steps.iter().map(|(_, time)| *time).sum()
    }
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1_000.0)
}
