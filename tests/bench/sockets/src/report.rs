//! All that was measured, as a text.

use std::fmt::Write;
use std::path::Path;

use crate::chart;
use crate::contestants::Result;
use crate::figures::Figures;
use crate::rounds::Plan;
use crate::sizes::Size;
use crate::table;

/// The marks between which it stands in the page.
pub const MARK: &str = "sockets: figures";
/// The chart, as the page refers to it.
pub const CHART: &str = "performance/sockets.svg";
const CAPTION: &str = "Processor time of the client for each unit; the floor is 1";

/// A run that is over.
#[derive(Debug)]
pub struct Report<'a> {
    /// What was run.
    pub plan: &'a Plan,
    /// The server's.
    pub version: String,
    /// In which it was run.
    pub month: String,
    /// How many there were.
    pub processors: Option<usize>,
    /// What could not be done as it should.
    pub troubles: Vec<String>,
    /// Workload after workload.
    pub races: Vec<Figures>,
}

impl Report<'_> {
    /// Everything in words and numbers.
    pub fn tables(&self) -> String {
        self.text("")
    }

    /// The same with a reference to the chart.
    pub fn page(&self) -> String {
        self.text(&format!("![{CAPTION}]({CHART})\n\n"))
    }

    /// Draws the chart.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn draw(&self, path: &Path) -> Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        chart::draw(path, CAPTION, &chart::groups(&self.races))
    }

    fn text(&self, chart: &str) -> String {
        let contestants = &self.plan.contestants;
        let mut text = self.conditions();
        let _ = writeln!(text, "\n{}", table::overview(&self.races, contestants));
        text.push_str(chart);
        for figures in &self.races {
            let (title, details) = (figures.workload.title(), table::details(figures));
            let _ = writeln!(text, "### {title}\n\n{details}");
        }
        let _ = writeln!(text, "### The contestants\n\n{}", table::notes(contestants));
        text
    }

    fn conditions(&self) -> String {
        let mut text = format!("{}, PostgreSQL {}, ", self.month, self.version);
        let (system, machine) = (std::env::consts::OS, std::env::consts::ARCH);
        let _ = match self.processors {
            Some(1) => write!(text, "one processor, "),
            Some(number) => write!(text, "{number} processors, "),
            None => Ok(()),
        };
        let Plan { rounds, seed, .. } = self.plan;
        let _ = write!(text, "{system}, {machine}; {rounds} rounds, seed {seed}.");
        if self.plan.size == Size::Quick {
            text.push_str(" A quick run, which shows the form: its figures are worth little.");
        }
        for trouble in &self.troubles {
            let _ = write!(text, " Not as it should be: {trouble}.");
        }
        text.push('\n');
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_a_place_for_it() {
        let page = purepg_bench_page::read().unwrap();
        assert!(purepg_bench_page::replaced(&page, MARK, "new").is_some());
    }
}
