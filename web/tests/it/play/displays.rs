//! The code of a round's picture on displays, and the game that the station starts by itself.

use serde_json::{Value, json};

use super::{Events, ask, owner, start, station_with_person};
use crate::station::{Station, agent, get};

/// Pixels of a module, and light modules around a code.
const MODULE_PX: usize = 4;
const QUIET: usize = 4;

/// What a phone reads in the codes of the layout of a display; who asks is a viewer or the owner.
fn codes(station: &Station, who: (&str, &str)) -> Vec<String> {
    let address = station.at("/api/screen?width=1280&height=800");
    let mut answer = agent()
        .get(address)
        .header(who.0, who.1)
        .call()
        .expect("an answer");
    let layout = answer.body_mut().read_to_string().expect("text");
    let layout: Value = serde_json::from_str(&layout).expect("JSON");
    let panels = layout["panels"].as_array().expect("panels").iter();
    let items = panels.flat_map(|panel| panel["items"].as_array().expect("items"));
    let rows = items.filter_map(|item| item["rows"].as_array());
    rows.map(|rows| read(rows)).collect()
}

fn read(rows: &[Value]) -> String {
    let rows: Vec<&[u8]> = rows
        .iter()
        .map(|row| row.as_str().expect("text").as_bytes())
        .collect();
    let side = (rows.len() + 2 * QUIET) * MODULE_PX;
    let is_dark = |x: usize, y: usize| {
        let module = |at: usize| (at / MODULE_PX).checked_sub(QUIET);
        let row = module(y).and_then(|y| rows.get(y));
        row.zip(module(x)).and_then(|(row, x)| row.get(x)) == Some(&b'1')
    };
    let luma = |x, y| if is_dark(x, y) { 0 } else { 255 };
    let mut picture = rqrr::PreparedImage::prepare_from_greyscale(side, side, luma);
    let grids = picture.detect_grids();
    grids[0].decode().expect("a code that a phone can read").1
}

#[test]
fn a_code_takes_the_picture_of_the_owners_round_home_from_a_display_once() {
    let Some(station) = station_with_person("[play]\ngroup_faces = 1\n") else {
        return;
    };
    let (name, token) = owner(&station);
    let owner = (name, token.as_str());
    let handover = |who| {
        let codes = codes(&station, who).into_iter();
        let mut secrets =
            codes.filter_map(|code| Some(code.split_once("#handover=")?.1.to_owned()));
        secrets.next()
    };
    assert_eq!(handover(owner), None);
    let mut events = Events::follow(&station);
    let started = start(&station, "group-photo", owner);
    assert_eq!(started.status, 201, "{}", started.body);
    events.state(|state| !state["result"]["strip"].is_null());
    let secret = handover(owner).expect("a code of the picture");
    let visitor = ("X-Nothing", "x");
    assert_eq!(
        handover(visitor),
        None,
        "whoever reads it can take the picture"
    );
    assert_eq!(
        handover(owner).as_ref(),
        Some(&secret),
        "the same on all displays"
    );

    let by = json!({"by": "6f2c1f3e-6f4b-4a3a-9a37-2f3b1e0f7a11"});
    let redeemed = ask(
        &station,
        "POST",
        &format!("/api/handovers/{secret}"),
        visitor,
        &by,
    );
    assert_eq!(redeemed.status, 200, "{}", redeemed.body);
    let job = redeemed.body["id"].as_str().expect("a job");
    assert_eq!(get(&station.at(&format!("/api/stylise/{job}"))).0, 200);
    assert_eq!(handover(owner), None, "somebody has the picture");
}

/// The shortest time without use is a minute.
#[test]
#[ignore = "takes over a minute"]
fn a_station_that_nobody_uses_starts_a_game_when_somebody_is_in_view() {
    let config = "[play]\nattraction_after_minutes = 1\ngames = [\"how-many\"]\n";
    let Some(station) = station_with_person(config) else {
        return;
    };
    let mut events = Events::follow(&station);
    let started = events.game("round_started");
    assert_eq!(
        (&started["by"], &started["game"]),
        (&json!("attraction"), &json!("how-many"))
    );
    events.state(|state| state["view"]["game"] == "how-many");
}
