//! What the server says unasked, on its way to whoever wants to know.

use purepg_proto::{Notice, Unsolicited};

use crate::connection::Connection;

impl<S> Connection<S> {
    /// For what the client itself has to say.
    pub(crate) fn remark(&mut self, notice: Notice) {
        self.inbox.push_notice(notice);
    }

    pub(super) fn note(&mut self, fact: Unsolicited) {
        match fact {
            Unsolicited::Notice(notice) => self.inbox.push_notice(notice),
            Unsolicited::Notification(notification) => {
                if self.is_misread(notification.channel())
                    || self.is_misread(notification.payload())
                {
                    self.inbox.drop_notification();
                } else {
                    self.inbox.push_notification(notification);
                }
            }
            Unsolicited::ParameterChanged(change) => {
                if change.name() == "search_path" {
                    // The same names may mean other things by now, with parameters of other types.
                    self.statements.clear();
                }
                self.check_parameters();
                if let Some(facts) = &self.facts {
                    facts.set_parameters(self.parameters());
                }
            }
            _ => {}
        }
    }
}
