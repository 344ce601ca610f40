//! The code by which a visitor takes the picture of a round home from a display. Only of rounds that the owner or a key has
//! started: a visitor's phone has the picture of its own round. All displays show the same one. Pure.

use screen::Code;
use stylise::JobId;
use uuid::Uuid;

#[derive(Debug, Default)]
pub(crate) struct StripCode {
    /// For whose picture a code was made.
    round: Option<u64>,
    shown: Option<(Uuid, Code)>,
}

impl StripCode {
    /// `picture`: round and job of the picture on offer. `make` makes its handover and the code; `is_open` says whether one
    /// can still be used. The code is shown until somebody has used it, it is too old, or the next round starts.
    pub(crate) fn follow(
        &mut self,
        picture: Option<(u64, JobId)>,
        make: impl FnOnce(JobId) -> Option<(Uuid, Code)>,
        is_open: impl FnOnce(Uuid) -> bool,
    ) -> Option<Code> {
        let round = picture.map(|(round, _)| round);
        if round != self.round {
            self.round = round;
            self.shown = picture.and_then(|(_, job)| make(job));
        }
        self.shown.take_if(|(secret, _)| !is_open(*secret));
        self.shown.as_ref().map(|(_, code)| code.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn code(number: u128) -> (Uuid, Code) {
        let code = Code {
            title: number.to_string(),
            caption: String::new(),
            matrix: Arc::new(crate::qr::matrix("x").expect("short")),
        };
        (Uuid::from_u128(number), code)
    }

    #[test]
    fn one_code_is_made_for_each_picture_and_shown_until_it_is_used() {
        let mut codes = StripCode::default();
        let job = JobId::random();
        let mut made = 0;
        let mut follow = |picture, is_open: bool| {
            let make = |_| {
                made += 1;
                Some(code(made))
            };
            let shown = codes.follow(picture, make, |_| is_open);
            shown.map(|code| code.title)
        };
        let first = Some("1".to_owned());
        assert_eq!(follow(None, true), None);
        assert_eq!(follow(Some((7, job)), true), first);
        assert_eq!(follow(Some((7, job)), true), first, "the same");
        assert_eq!(follow(Some((7, job)), false), None, "used");
        assert_eq!(follow(Some((7, job)), true), None, "and not made again");
        assert_eq!(follow(None, true), None, "the next round started");
        assert_eq!(follow(Some((8, job)), true), Some("2".to_owned()));
    }
}
