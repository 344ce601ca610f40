//! The rights that each token gives.

use crate::access::admin::AdminToken;
use crate::access::credentials::equal;
use crate::access::viewer_token::ViewerToken;

/// What the sender of a request may do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Rights {
    /// See the feed, the booth and the statistics.
    pub(crate) watch: bool,
    pub(crate) publish: Option<PublishRight>,
    pub(crate) read_metrics: bool,
    /// Change what others see.
    pub(crate) admin: bool,
}

/// Rights to publish, in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PublishRight {
    /// Publish while nobody else does.
    Publish,
    /// Also end another publisher's session.
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

    pub(crate) const WATCH: Self = Self {
        watch: true,
        ..Self::NONE
    };

    const PUBLISH: Self = Self {
        publish: Some(PublishRight::Publish),
        ..Self::NONE
    };

    const READ_METRICS: Self = Self {
        read_metrics: true,
        ..Self::NONE
    };

    pub(crate) fn union(self, other: Self) -> Self {
        Self {
            watch: self.watch || other.watch,
            publish: self.publish.max(other.publish),
            read_metrics: self.read_metrics || other.read_metrics,
            admin: self.admin || other.admin,
        }
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Tokens<'a> {
    pub(crate) admin: &'a AdminToken,
    pub(crate) viewers: Option<&'a ViewerToken>,
    pub(crate) whip: Option<&'a str>,
    pub(crate) metrics: Option<&'a str>,
}

impl Tokens<'_> {
    /// The rights of a request without a token.
    pub(crate) fn without_token(&self) -> Rights {
        Rights {
            watch: self.viewers.is_none(),
            read_metrics: self.viewers.is_none() && self.metrics.is_none(),
            ..Rights::NONE
        }
    }

    /// The rights that this token gives; `None`: it is wrong. All tokens are compared, in constant time.
    pub(crate) fn rights_of(&self, given: &str) -> Option<Rights> {
        let is = |token: Option<&str>| token.is_some_and(|token| equal(given, token.trim()));
        let is_viewers = self.viewers.is_some_and(|viewers| viewers.matches(given));
        let rights = [
            (self.admin.matches(given), Rights::ADMIN),
            (is_viewers, Rights::WATCH),
            (is(self.whip), Rights::PUBLISH),
            (is(self.metrics), Rights::READ_METRICS),
        ];
        let opened = rights.into_iter().filter(|(is_right, _)| *is_right);
        opened.map(|(_, rights)| rights).reduce(Rights::union)
    }
}

#[cfg(test)]
mod tests {
    use crate::access::viewer_token::CookieKey;

    use super::*;

    #[test]
    fn each_token_gives_its_own_right_and_the_admin_token_all() {
        let admin = AdminToken::obtain(Some("correct horse"), None);
        let viewers = ViewerToken::new("let-me-watch", &CookieKey::obtain(None));
        let tokens = Tokens {
            admin: &admin,
            viewers: Some(&viewers),
            whip: Some(" battery staple "),
            metrics: Some("count-my-beans"),
        };
        assert_eq!(tokens.without_token(), Rights::NONE);
        assert_eq!(tokens.rights_of("correct horse"), Some(Rights::ADMIN));
        let watch = tokens.rights_of("let-me-watch").expect("watching");
        assert!(watch.watch && !watch.read_metrics && watch.publish.is_none() && !watch.admin);
        let publish = tokens.rights_of("battery staple").expect("publishing");
        assert_eq!(
            (publish.publish, publish.watch),
            (Some(PublishRight::Publish), false)
        );
        let metrics = tokens.rights_of("count-my-beans").expect("metrics");
        assert!(metrics.read_metrics && !metrics.watch && !metrics.admin);
        for wrong in ["", "correct", "correct horse ", "let-me-watc", "battery"] {
            assert_eq!(tokens.rights_of(wrong), None, "{wrong:?}");
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
        let all = tokens.without_token();
        assert!(all.watch && all.read_metrics && all.publish.is_none() && !all.admin);
        assert_eq!(tokens.rights_of(""), None);
        let guarded = Tokens {
            metrics: Some("count-my-beans"),
            ..tokens
        };
        let all = guarded.without_token();
        assert!(all.watch && !all.read_metrics);
    }

    #[test]
    fn rights_add_up() {
        let publish = Rights {
            publish: Some(PublishRight::Publish),
            ..Rights::NONE
        };
        assert_eq!(publish.union(Rights::ADMIN), Rights::ADMIN);
        assert_eq!(Rights::ADMIN.union(publish), Rights::ADMIN);
        assert_eq!(publish.union(Rights::NONE), publish);
    }
}
