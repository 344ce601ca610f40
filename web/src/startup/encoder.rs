//! The H.264 encoder, told in the log.

use signaling::NewEncoder;
use signaling::encode::selection::{self, EncoderChoice, Selected};

pub(super) fn select_encoder(choice: EncoderChoice) -> NewEncoder {
    let Selected {
        new_encoder,
        name,
        refused,
    } = selection::select_encoder(choice);
    for reason in refused {
        tracing::warn!(reason, "a hardware encoder is not used");
    }
    tracing::info!(encoder = name, "H.264 encoder");
    new_encoder
}
