//! Time on the wall and of the processor, between two moments.

use std::time::{Duration, Instant};

use cpu_time::ProcessTime;

/// Started and stopped by a contestant.
#[derive(Debug, Default)]
pub struct Stopwatch {
    started: Option<(Instant, ProcessTime)>,
    measured: Option<Measured>,
}

/// What was measured between start and stop.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    /// On the wall.
    pub wall: Duration,
    /// Of the processor, by all threads of this process, in user and in system mode.
    pub cpu: Duration,
}

impl Stopwatch {
    /// The work begins.
    pub fn start(&mut self) {
        self.started = Some((Instant::now(), ProcessTime::now()));
    }

    /// The work is done.
    pub fn stop(&mut self) {
        let (wall, cpu) = self.started.take().expect("it was started");
        let (cpu, wall) = (cpu.elapsed(), wall.elapsed());
        self.measured = Some(Measured { wall, cpu });
    }

    /// The work was done by somebody else, who measured it.
    pub fn report(&mut self, measured: Measured) {
        self.measured = Some(measured);
    }

    /// What was measured, once it was stopped.
    pub fn measured(&self) -> Option<Measured> {
        self.measured
    }
}
