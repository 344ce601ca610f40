//! Sessions whose viewer hung up before its `DELETE` came.

use std::collections::VecDeque;

/// A page that closes its connection and then deletes its session has done everything right, but the
/// connection's own goodbye is faster than HTTP. Its `DELETE` finds the session here and is answered
/// as any other.
#[derive(Debug, Default)]
pub(super) struct Goodbyes {
    ids: VecDeque<String>,
}

/// The oldest are forgotten: by then the `DELETE` was lost with its page.
const REMEMBERED: usize = 256;

impl Goodbyes {
    pub(super) fn hung_up(&mut self, id: String) {
        if self.ids.len() == REMEMBERED {
            self.ids.pop_front();
        }
        self.ids.push_back(id);
    }

    /// Whether this session's viewer hung up of late. Answers once.
    pub(super) fn take(&mut self, id: &str) -> bool {
        let found = self.ids.iter().position(|known| known == id);
        found.and_then(|at| self.ids.remove(at)).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_goodbye_is_taken_once_and_the_oldest_are_forgotten() {
        let mut goodbyes = Goodbyes::default();
        (0..=REMEMBERED).for_each(|id| goodbyes.hung_up(id.to_string()));
        assert!(!goodbyes.take("0"));
        assert!(goodbyes.take("1"));
        assert!(!goodbyes.take("1"));
    }
}
