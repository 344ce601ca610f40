//! Viewers who come from one address are mostly behind one bottleneck. Who joins there starts with a share of what the
//! others are known to get (ensemble sharing, RFC 9040): a keyframe at full speed would hold up their pictures. Pure.

/// The estimate with which a viewer starts. `known`: the estimates of those behind its address. `None`: there are none, or
/// one of them shows no limit.
pub(crate) fn share_bps(known: impl Iterator<Item = Option<u32>>) -> Option<u32> {
    let (mut sum, mut viewers) = (0_u64, 0_u64);
    for bps in known {
        sum += u64::from(bps?);
        viewers += 1;
    }
    let share = sum / (viewers + 1);
    u32::try_from(share).ok().filter(|_| viewers > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newcomer_gets_a_share_of_a_path_whose_limit_is_known() {
        let share = |known: &[Option<u32>]| share_bps(known.iter().copied());
        assert_eq!(share(&[]), None);
        assert_eq!(share(&[Some(1_400_000)]), Some(700_000));
        assert_eq!(share(&[Some(700_000), Some(500_000)]), Some(400_000));
        assert_eq!(share(&[Some(700_000), None]), None, "the path carries more");
    }
}
