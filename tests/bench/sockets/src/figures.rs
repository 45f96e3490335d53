//! What is told of a race.

use crate::contestants::Entry;
use crate::counts::Counts;
use crate::goals::{CONTESTANT, Goal, goal};
use crate::rounds::Race;
use crate::stats::{least, median};
use crate::workload::Workload;

/// What a contestant is to the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Does nothing but the protocol.
    Floor,
    /// This client, in one of its forms.
    Own,
    /// Somebody else's client.
    Peer,
}

/// The role of the contestant of this name.
pub fn role(name: &str) -> Role {
    if name == "floor" {
        Role::Floor
    } else if name.starts_with("purepg") {
        Role::Own
    } else {
        Role::Peer
    }
}

/// One workload.
#[derive(Debug, Clone)]
pub struct Figures {
    /// Which.
    pub workload: Workload,
    /// Its contestants.
    pub lines: Vec<Line>,
}

/// One contestant in one workload.
#[derive(Debug, Clone)]
pub struct Line {
    /// Who.
    pub contestant: &'static Entry,
    /// The least of all rounds, microseconds of the processor for each unit.
    pub least: f64,
    /// The median of all rounds.
    pub median: f64,
    /// The median of all rounds, units for each second.
    pub rate: f64,
    /// The least by the floor's least.
    pub of_floor: Option<f64>,
    /// The least by the least of all peers.
    pub of_peer: Option<f64>,
    /// What was counted besides.
    pub counts: Counts,
}

impl Figures {
    /// Of these runs.
    pub fn new(race: &Race) -> Self {
        let times = race.series.iter().filter_map(|series| {
            Some(Line {
                contestant: series.contestant,
                least: least(series.cpu.iter().copied())?,
                median: median(series.cpu.iter().copied())?,
                rate: median(series.rate.iter().copied())?,
                of_floor: None,
                of_peer: None,
                counts: Counts::default(),
            })
        });
        let mut lines: Vec<Line> = times.collect();
        let best = |wanted| {
            let those = lines
                .iter()
                .filter(|line| role(line.contestant.name) == wanted);
            least(those.map(|line| line.least))
        };
        let (floor, peer) = (best(Role::Floor), best(Role::Peer));
        for line in &mut lines {
            line.of_floor = floor.map(|floor| line.least / floor);
            line.of_peer = peer.map(|peer| line.least / peer);
        }
        Self {
            workload: race.workload,
            lines,
        }
    }

    /// The contestant of this name.
    pub fn line(&self, name: &str) -> Option<&Line> {
        self.lines.iter().find(|line| line.contestant.name == name)
    }

    /// What the client has reached, and the goal: ratios of the same kind. `None` if it was not there, or nobody to compare it with.
    pub fn reached(&self) -> Option<(f64, Goal)> {
        let line = self.line(CONTESTANT)?;
        let goal = goal(self.workload);
        let reached = match goal {
            Goal::OfFloor(_) => line.of_floor?,
            Goal::OfPeer(_) => line.of_peer?,
        };
        Some((reached, goal))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rounds::Series;

    fn entry(name: &'static str) -> &'static Entry {
        Box::leak(Box::new(Entry {
            name,
            run: |_, _| Ok(None),
            note: "",
        }))
    }

    fn race(workload: Workload, contestants: &[(&'static str, [f64; 3])]) -> Race {
        let series = contestants.iter().map(|&(name, cpu)| Series {
            contestant: entry(name),
            cpu: cpu.to_vec(),
            rate: vec![10.0, 30.0, 20.0],
        });
        Race {
            workload,
            series: series.collect(),
        }
    }

    #[test]
    fn ratios_are_of_the_least() {
        let race = race(
            Workload::Select,
            &[
                ("floor", [4.0, 5.0, 6.0]),
                ("purepg-tokio", [7.0, 5.0, 9.0]),
                ("slow", [12.0, 11.0, 10.0]),
                ("fast", [8.0, 9.0, 11.0]),
            ],
        );
        let figures = Figures::new(&race);
        let own = figures.line("purepg-tokio").unwrap();
        assert_eq!((own.least, own.median, own.rate), (5.0, 7.0, 20.0));
        assert_eq!(own.of_floor, Some(5.0 / 4.0));
        assert_eq!(own.of_peer, Some(5.0 / 8.0));
        assert_eq!(figures.reached(), Some((1.25, Goal::OfFloor(5.0 / 3.69))));
    }

    #[test]
    fn where_there_is_no_floor_the_goal_is_one_beside_the_peers() {
        let rounds = [("purepg-tokio", [2.0, 1.0, 3.0]), ("peer", [2.0, 4.0, 2.0])];
        let figures = Figures::new(&race(Workload::Connect, &rounds));
        assert_eq!(figures.reached(), Some((0.5, Goal::OfPeer(0.95))));
        let alone = Figures::new(&race(Workload::Connect, &rounds[..1]));
        assert_eq!(alone.reached(), None);
        assert_eq!(
            Figures::new(&race(Workload::Select, &rounds)).reached(),
            None
        );
    }
}
