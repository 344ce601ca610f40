//! Pure: what the tokens of this station open.

use crate::admin::AdminToken;
use crate::credentials::equal;
use crate::viewer_token::ViewerToken;

/// What whoever sent a request may do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Rights {
    /// See the feed, the booth and the figures.
    pub(crate) watch: bool,
    pub(crate) publish: Option<PublishRight>,
    pub(crate) read_metrics: bool,
    /// Change what others see.
    pub(crate) admin: bool,
}

/// What a request about publishing may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PublishRight {
    /// Publish while nobody does.
    Publish,
    /// Take another's place too.
    TakeOver,
}

impl Rights {
    pub(crate) const ADMIN: Self = Self {
        watch: true,
        publish: Some(PublishRight::TakeOver),
        read_metrics: true,
        admin: true,
    };

    pub(crate) const NONE: Self = Self {
        watch: false,
        publish: None,
        read_metrics: false,
        admin: false,
    };

    /// What either of the two gives.
    pub(crate) fn and(self, other: Self) -> Self {
        let takes_over = [self.publish, other.publish].contains(&Some(PublishRight::TakeOver));
        let publish = self.publish.or(other.publish);
        Self {
            watch: self.watch || other.watch,
            publish: publish.map(|right| {
                if takes_over {
                    PublishRight::TakeOver
                } else {
                    right
                }
            }),
            read_metrics: self.read_metrics || other.read_metrics,
            admin: self.admin || other.admin,
        }
    }
}

/// All tokens there are.
#[derive(Clone, Copy)]
pub(crate) struct Tokens<'a> {
    pub(crate) admin: &'a AdminToken,
    pub(crate) viewers: Option<&'a ViewerToken>,
    pub(crate) whip: Option<&'a str>,
    pub(crate) metrics: Option<&'a str>,
}

impl Tokens<'_> {
    /// What needs no token here.
    pub(crate) fn open_to_all(&self) -> Rights {
        Rights {
            watch: self.viewers.is_none(),
            read_metrics: self.viewers.is_none() && self.metrics.is_none(),
            ..Rights::NONE
        }
    }

    /// What this one opens; none: nothing. All are compared, in constant time.
    pub(crate) fn opened_by(&self, given: &str) -> Option<Rights> {
        let is = |token: Option<&str>| token.is_some_and(|token| equal(given, token.trim()));
        let rights = [
            (self.admin.is(given), Rights::ADMIN),
            (
                self.viewers.is_some_and(|viewers| viewers.is(given)),
                Rights {
                    watch: true,
                    ..Rights::NONE
                },
            ),
            (
                is(self.whip),
                Rights {
                    publish: Some(PublishRight::Publish),
                    ..Rights::NONE
                },
            ),
            (
                is(self.metrics),
                Rights {
                    read_metrics: true,
                    ..Rights::NONE
                },
            ),
        ];
        let opened = rights.into_iter().filter(|(is_right, _)| *is_right);
        opened.map(|(_, rights)| rights).reduce(Rights::and)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cookie_key::CookieKey;

    #[test]
    fn each_token_opens_its_own_door_and_the_admins_opens_all() {
        let admin = AdminToken::obtain(Some("correct horse"), None);
        let viewers = ViewerToken::new("let-me-watch", &CookieKey::obtain(None));
        let tokens = Tokens {
            admin: &admin,
            viewers: Some(&viewers),
            whip: Some(" battery staple "),
            metrics: Some("count-my-beans"),
        };
        assert_eq!(tokens.open_to_all(), Rights::NONE);
        assert_eq!(tokens.opened_by("correct horse"), Some(Rights::ADMIN));
        let watch = tokens.opened_by("let-me-watch").expect("watching");
        assert!(watch.watch && !watch.read_metrics && watch.publish.is_none() && !watch.admin);
        let publish = tokens.opened_by("battery staple").expect("publishing");
        assert_eq!(
            (publish.publish, publish.watch),
            (Some(PublishRight::Publish), false)
        );
        let metrics = tokens.opened_by("count-my-beans").expect("metrics");
        assert!(metrics.read_metrics && !metrics.watch && !metrics.admin);
        for wrong in ["", "correct", "correct horse ", "let-me-watc", "battery"] {
            assert_eq!(tokens.opened_by(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn without_tokens_everybody_watches_and_nobody_publishes() {
        let admin = AdminToken::obtain(Some("correct horse"), None);
        let tokens = Tokens {
            admin: &admin,
            viewers: None,
            whip: None,
            metrics: None,
        };
        let all = tokens.open_to_all();
        assert!(all.watch && all.read_metrics && all.publish.is_none() && !all.admin);
        assert_eq!(tokens.opened_by(""), None);
        let guarded = Tokens {
            metrics: Some("count-my-beans"),
            ..tokens
        };
        let all = guarded.open_to_all();
        assert!(all.watch && !all.read_metrics);
    }

    #[test]
    fn rights_add_up() {
        let publish = Rights {
            publish: Some(PublishRight::Publish),
            ..Rights::NONE
        };
        assert_eq!(publish.and(Rights::ADMIN), Rights::ADMIN);
        assert_eq!(Rights::ADMIN.and(publish), Rights::ADMIN);
        assert_eq!(publish.and(Rights::NONE), publish);
    }
}
