//! Identification of visitors, limits per visitor and address, and the viewer token.

use super::client::{Form, a_style, connect_from, ended, get, job, photo, post, post_from};
use std::io::Write;

use crate::station::Station;

fn cookie(set_cookie: &str) -> String {
    assert!(set_cookie.starts_with("carrier_visitor="), "{set_cookie}");
    assert!(set_cookie.contains("; HttpOnly; SameSite=Lax; Max-Age=86400"));
    set_cookie.split(';').next().expect("a pair").to_owned()
}

#[test]
fn each_visitor_has_a_share_and_is_told_when_to_come_again() {
    let toml = "[booth]\nper_visitor_max = 1\n";
    let station = Station::configured(toml, &["--model", "none"]);
    let form = Form::style(&a_style(&station)).image(&photo(1500, 1500));
    // A visitor's second job is refused until the first one is over; on a busy machine that may be early.
    let busy = |headers: &[(&str, &str)]| {
        let first = post(&station, &form, headers);
        let mut last = first.id();
        loop {
            let again = post(&station, &form, headers);
            if again.status == 429 {
                return (first, last, again);
            }
            assert_eq!(ended(&station, &last)["state"], "done");
            last = again.id();
        }
    };
    // Without a cookie, the address identifies the visitor.
    let (first, first_id, again) = busy(&[]);
    let me = cookie(first.header("set-cookie"));
    let wait: u32 = again.header("retry-after").parse().expect("seconds");
    assert!(
        wait >= 1 && again.error().contains("earlier"),
        "{}",
        again.text()
    );

    let (mine, my_id, _) = busy(&[("Cookie", &me)]);
    assert_eq!(mine.header("set-cookie"), "", "whoever has one keeps it");
    let you = cookie(get(&station, "/", &[]).header("set-cookie"));
    assert_ne!(me, you);
    let yours = post(&station, &form, &[("Cookie", &you)]);
    for id in [first_id, my_id, yours.id()] {
        assert_eq!(ended(&station, &id)["state"], "done");
    }
    assert_eq!(
        post(&station, &form, &[]).status,
        202,
        "there is room again"
    );
}

#[test]
fn made_up_cookies_are_no_visitors() {
    let toml = "[booth]\nper_visitor_max = 1\n";
    let station = Station::configured(toml, &["--model", "none"]);
    let form = Form::style(&a_style(&station)).image(&photo(1500, 1500));
    let answers: Vec<_> = (0..6_u32)
        .map(|number| {
            let cookie = format!("carrier_visitor={number:064x}");
            post(&station, &form, &[("Cookie", &cookie)])
        })
        .collect();
    let refused = answers.iter().filter(|answer| answer.status == 429);
    assert!(refused.count() > 0, "they are one visitor: their address");
    let fresh = cookie(answers[0].header("set-cookie"));
    assert_eq!(post(&station, &form, &[("Cookie", &fresh)]).status, 202);
}

#[test]
fn one_address_cannot_fill_the_queue() {
    let toml = "[booth]\nqueue_max = 20\n";
    let station = Station::configured(toml, &["--model", "none"]);
    let form = Form::style(&a_style(&station)).image(&photo(1500, 1500));
    // Visitors with valid cookies.
    let refused = (0..60).any(|_| {
        let visitor = cookie(get(&station, "/booth", &[]).header("set-cookie"));
        post_from([127, 0, 0, 2], &station, &form, &visitor) == 429
    });
    assert!(refused, "an address has a share");
    assert_eq!(post_from([127, 0, 0, 3], &station, &form, ""), 202);
    assert_eq!(post_from([127, 0, 0, 4], &station, &form, ""), 202);
}

#[test]
fn uploads_of_one_address_leave_room_for_others() {
    let toml = "[booth]\nper_visitor_max = 1000\nqueue_max = 1000\n";
    let station = Station::configured(toml, &["--model", "none"]);
    let form = Form::style(&a_style(&station)).image(&photo(64, 64));
    let drips: Vec<_> = (0..8)
        .map(|_| {
            let mut stream = connect_from([127, 0, 0, 2], &station);
            let head = "POST /api/stylise HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\
                Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n";
            stream.write_all(head.as_bytes()).expect("sent");
            stream
        })
        .collect();
    // They have all their places when the next one is refused.
    while post_from([127, 0, 0, 2], &station, &form, "") != 429 {}
    assert_eq!(post_from([127, 0, 0, 3], &station, &form, ""), 202);
    drop(drips);
}

#[test]
fn a_full_queue_says_so() {
    let toml = "[booth]\nqueue_max = 1\nper_visitor_max = 9\n";
    let station = Station::configured(toml, &["--model", "none"]);
    let form = Form::style(&a_style(&station)).image(&photo(1500, 1500));
    let answers: Vec<_> = (0..5).map(|_| post(&station, &form, &[])).collect();
    let refused = answers.iter().find(|answer| answer.status == 429);
    let refused = refused.expect("five do not fit");
    assert!(refused.error().contains("full"), "{}", refused.text());
    assert!(refused.header("retry-after").parse::<u32>().is_ok());
    for answer in answers.iter().filter(|answer| answer.status == 202) {
        let queued = job(&station, &answer.id());
        assert_ne!(queued["state"], "failed", "{queued}");
    }
}

#[test]
fn the_booth_needs_the_viewer_token() {
    let toml = "[viewers]\ntoken = \"let-me-watch\"\n";
    let station = Station::configured(toml, &["--model", "none"]);
    let bearer = [("Authorization", "Bearer let-me-watch")];
    for path in [
        "/booth",
        "/gallery",
        "/join",
        "/play",
        "/api/styles",
        "/api/gallery",
        "/api/join",
        "/qr/booth.svg",
        "/api/stylise/6f2c1f3e-6f4b-4a3a-9a37-2f3b1e0f7a11",
        "/gallery/6f2c1f3e-6f4b-4a3a-9a37-2f3b1e0f7a11.jpg",
    ] {
        assert_eq!(get(&station, path, &[]).status, 401, "{path}");
        assert_ne!(get(&station, path, &bearer).status, 401, "{path}");
    }
    assert_eq!(post(&station, &Form::style("x"), &[]).status, 401);
    assert_eq!(post(&station, &Form::style("x"), &bearer).status, 422);
    // Codes must contain the token.
    let join = get(&station, "/api/join", &bearer).json();
    let link = join["booth_url"].as_str().expect("an address");
    assert!(link.ends_with("/booth?token=let-me-watch"), "{link}");
}
