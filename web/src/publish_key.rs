//! Who may publish: the admin, or whoever holds the token for just that.

use crate::admin::AdminToken;
use crate::credentials::{bearer, equal};

/// What a request about publishing may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PublishRight {
    /// Publish while nobody does.
    Publish,
    /// Take another's place too.
    TakeOver,
}

/// The right that these headers give. `whip_token` is the one of the configuration.
pub(crate) fn publish_right(
    admin: &AdminToken,
    whip_token: Option<&str>,
    authorization: Option<&str>,
    cookie: Option<&str>,
) -> Option<PublishRight> {
    if admin.admits(authorization, cookie) {
        return Some(PublishRight::TakeOver);
    }
    let given = authorization.and_then(bearer)?;
    let token = whip_token?.trim();
    equal(given, token).then_some(PublishRight::Publish)
}

#[test]
fn the_admin_may_take_over_and_the_whip_token_may_publish() {
    let admin = AdminToken::obtain(Some("correct horse"), None);
    let right = |authorization| publish_right(&admin, Some("battery staple"), authorization, None);
    assert_eq!(
        right(Some("Bearer correct horse")),
        Some(PublishRight::TakeOver)
    );
    assert_eq!(
        right(Some("Bearer battery staple")),
        Some(PublishRight::Publish)
    );
    for wrong in [
        None,
        Some("Bearer wrong"),
        Some("battery staple"),
        Some("Bearer "),
    ] {
        assert_eq!(right(wrong), None, "{wrong:?}");
    }
    let without = publish_right(&admin, None, Some("Bearer battery staple"), None);
    assert_eq!(without, None);
}
