//! What is promised, event by event and between any two calls.

use std::sync::Arc;

use purepg_proto::{Event, ProtocolError, Reply, StartupEvent};

use super::{Fate, Watched};
use crate::cut::show;

/// No space is ever lent that is larger than this and what has arrived so far.
const LARGEST_SPACE: usize = 128 * 1024;

impl Watched {
    pub(super) fn note(&mut self, event: &Event, ending: bool) {
        self.log.extend(show(event, &self.ops));
        match event {
            Event::Startup(event) => {
                assert!(!ending);
                self.awaits_tls = matches!(event, StartupEvent::UpgradeToTls);
                self.asked = self.awaits_tls || matches!(event, StartupEvent::DeriveKey(_));
            }
            Event::Reply(op, reply) => {
                let op = self.ops.iter().position(|known| known == op);
                let op = op.expect("an operation that was begun");
                assert_eq!(self.fates[op], Fate::UnderWay, "op{op} {reply:?}");
                if let Reply::Columns(columns) = reply {
                    self.columns = Some(Arc::clone(columns));
                }
                if let Reply::Finished(outcome) = reply {
                    self.fates[op] = Fate::Ended(outcome.clone());
                    self.under_way -= 1;
                } else {
                    assert!(!ending, "op{op} {reply:?}");
                }
            }
            Event::Unsolicited(_) => assert!(!ending),
            Event::Closed(_) => {
                self.closed = true;
                assert_eq!(self.under_way, 0, "{:?}", self.fates);
            }
            _ => {}
        }
    }

    pub(super) fn note_error(&mut self, error: ProtocolError) {
        assert!(self.closed, "the end comes before the error {error:?}");
        match &self.error {
            Some(known) => assert_eq!(*known, error, "it is sticky"),
            None => {
                self.log.push(format!("Err {error}"));
                self.error = Some(error);
            }
        }
        assert!(self.core.is_dead() && !self.core.is_open() && !self.core.is_idle());
        assert!(!self.core.wants_read() && !self.core.wants_write());
        assert_eq!((self.core.in_flight(), self.under_way), (0, 0));
    }

    /// What holds between any two calls.
    pub(super) fn check(&mut self) {
        let core = &self.core;
        let (reads, writes) = (core.wants_read(), core.wants_write());
        assert_eq!(core.output().is_empty(), !writes);
        assert!(!(core.is_dead() && (reads || writes)));
        assert!(self.under_way <= core.in_flight());
        let space = self.call(|core| core.recv_space().len());
        assert_eq!(space > 0, reads);
        assert!(
            space <= LARGEST_SPACE + self.arrived,
            "{space} bytes of space"
        );
        assert_eq!(self.core.wants_read(), reads, "lending changes nothing");
    }
}
