use super::*;

#[test]
fn ticks_follow_the_capture_time_and_never_go_back() {
    let origin = Instant::now();
    let mut clock = RtpClock::new(origin);
    let after = |ms| origin + Duration::from_millis(ms);
    let ticks = [1000, 1033, 1020, 1033, 1067].map(|ms| clock.ticks(after(ms)));
    assert_eq!(ticks, [90_000, 92_970, 92_971, 92_972, 96_030]);
}

#[test]
fn ticks_wrap_with_the_timestamp() {
    let origin = Instant::now();
    let mut clock = RtpClock::new(origin);
    let day = clock.ticks(origin + Duration::from_secs(86_400));
    assert_eq!(u64::from(day), 86_400 * 90_000 % (1 << 32));
}

#[test]
fn ntp_time_is_seconds_since_1900_and_a_fraction() {
    let origin = Instant::now();
    let clock = ReportClock::new(origin, SystemTime::UNIX_EPOCH + Duration::from_secs(100));
    let later = clock.ntp(origin + Duration::from_millis(1500));
    assert_eq!(later >> 32, NTP_TO_UNIX_S + 101);
    assert_eq!(later & 0xffff_ffff, 1 << 31);
    let middle = clock.ntp_middle(origin + Duration::from_millis(1500));
    assert_eq!(middle & 0xffff, 1 << 15);
}
