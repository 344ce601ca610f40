//! A view of the games in the words of the station's language, as it is painted.

use detector::{
    BannerClock, BannerFlash, BannerFlashKind, BannerSide, GameBanner, MarkedAs, MarkedTrack,
};
use play::{FlashKind, GameMark, GameView, GameWords, MarkRole};

pub(super) fn banner_of(view: &GameView, words: &GameWords) -> GameBanner {
    GameBanner {
        line: words.say(&view.line),
        big_word: view.big_word.as_ref().map(|word| words.say(word)),
        clock: view.countdown.map(|countdown| BannerClock {
            ends_at: countdown.ends_at,
            total: countdown.total,
        }),
        score: view.score,
        flash: view.flash.map(|flash| BannerFlash {
            kind: match flash.kind {
                FlashKind::Good => BannerFlashKind::Good,
                FlashKind::Bad => BannerFlashKind::Bad,
                FlashKind::Photo => BannerFlashKind::Photo,
            },
            since: flash.since,
        }),
        sides: view.sides.as_ref().map(|sides| {
            sides.each_ref().map(|side| BannerSide {
                text: words.say(&side.text),
                persons: side.persons,
                is_chosen: side.is_chosen,
            })
        }),
        rows: view.rows.iter().map(|row| words.say(row)).collect(),
    }
}

pub(super) fn marked(mark: &GameMark, words: &GameWords) -> MarkedTrack {
    let region = mark.region;
    MarkedTrack {
        track_id: mark.track_id,
        region: [region.left, region.top, region.right, region.bottom],
        role: match mark.role {
            MarkRole::Found => MarkedAs::Found,
            MarkRole::Playing => MarkedAs::Playing,
            MarkRole::Out => MarkedAs::Out,
            MarkRole::Counted => MarkedAs::Counted,
        },
        text: mark.text.as_ref().map(|text| words.say(text)),
    }
}
