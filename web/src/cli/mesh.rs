//! Options of `carrier mesh`.

use clap::{Args, ValueEnum};

pub(super) const NOTES: &str = "\
The running station of this machine is asked, which needs [mesh] enabled = true and a program with the feature mesh. Two
carriers are paired like this: one shows a code with `carrier mesh pair`, the owner of the other types it there with
`carrier mesh join`, within five minutes. On a network without multicast the link below the code is used instead. Without
a code, `carrier mesh join` reads the other one's QR code from this carrier's camera.

Examples:
  carrier mesh
  carrier mesh pair
  carrier mesh join acorn amber apple arrow badge baker banjo beach
  carrier mesh revoke north";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MeshAction {
    /// List the paired carriers
    List,
    /// Show a code for another carrier, and wait until it was used
    Pair,
    /// Pair with the carrier that shows this code or link; without one, that shows its QR code to the camera
    Join,
    /// End what is shared with a carrier, by its name or key
    Revoke,
}

#[derive(Debug, Args)]
pub(crate) struct MeshWish {
    /// What to do
    #[arg(value_enum, default_value_t = MeshAction::List)]
    pub(crate) action: MeshAction,
    /// The words of a code, a link, a name or a key
    pub(crate) words: Vec<String>,
}
