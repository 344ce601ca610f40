//! What visitors take home: frames, strips, GIFs, and prints.

use std::io::Cursor;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use image::{ImageFormat, RgbImage};
use serde_json::Value;

use super::client::{Answer, Form, delete, ended, get, job, patch, photo, post, post_json};
use crate::station::{Station, fresh_folder};
use crate::timing::HANG_TIMEOUT;

const ADMIN: [(&str, &str); 1] = [("Authorization", "Bearer test-admin-token")];
const FRAME: &str = "[booth.frame]\nenabled = true\nevent = \"Sommerfest Köln\"\n\
                     caption = \"Schön, dass du da warst\"\ndate = \"%d.%m.%Y\"\n";

/// A finished job of this form, in the style that changes nothing.
fn made(station: &Station, form: Form) -> Value {
    let id = post(station, &form.text("style", "plain"), &[]).id();
    let done = ended(station, &id);
    assert_eq!(done["state"], "done", "{done}");
    done
}

fn address(job: &Value, field: &str) -> String {
    job[field]
        .as_str()
        .unwrap_or_else(|| panic!("no {field}: {job}"))
        .to_owned()
}

fn decoded(answer: &Answer) -> RgbImage {
    assert_eq!(answer.status, 200, "{}", answer.text());
    image::load_from_memory(&answer.body)
        .expect("a picture")
        .into_rgb8()
}

/// A sheet of shots, each of one grey.
fn sheet(columns: u32, rows: u32, [width, height]: [u32; 2]) -> Vec<u8> {
    let picture = RgbImage::from_fn(columns * width, rows * height, |x, y| {
        let shot = y / height * columns + x / width;
        image::Rgb([20 + 18 * shot as u8; 3])
    });
    let mut png = Cursor::new(Vec::new());
    picture
        .write_to(&mut png, ImageFormat::Png)
        .expect("encoded");
    png.into_inner()
}

#[test]
fn a_frame_is_around_what_is_saved_and_not_around_what_is_stored() {
    let station = Station::configured(FRAME, &["--model", "none"]);
    let done = made(&station, Form::default().image(&photo(640, 480)));
    assert_eq!(done["event"], "Sommerfest Köln");
    let stored = decoded(&get(&station, &address(&done, "result"), &[]));
    assert_eq!(stored.dimensions(), (640, 480));

    let keepsake = address(&done, "keepsake");
    assert!(keepsake.ends_with("/keepsake.jpg"), "{keepsake}");
    let answer = get(&station, &keepsake, &[]);
    assert_eq!(answer.header("cache-control"), "private, no-store");
    let framed = decoded(&answer);
    assert_eq!(framed.width(), 1800);
    let corner = framed.get_pixel(3, 3).0;
    assert!(
        corner.iter().all(|level| *level > 250),
        "white paper: {corner:?}"
    );
    let ink = framed
        .pixels()
        .filter(|pixel| pixel.0.iter().all(|level| *level < 60))
        .count();
    assert!(ink > 3000, "the event is written on it: {ink} dark pixels");

    let saved = get(&station, &format!("{keepsake}?download=1"), &[]);
    let name = saved.header("content-disposition").to_owned();
    assert!(
        name.starts_with("attachment; filename=\"sommerfest-koeln-20"),
        "{name}"
    );
    assert!(name.ends_with("-plain.jpg\""), "{name}");
    assert!(name.contains(&address(&done, "file_name")), "{name}");

    let id = address(&done, "id");
    assert_eq!(
        delete(&station, &format!("/api/stylise/{id}"), &[]).status,
        204
    );
    assert_eq!(
        get(&station, &keepsake, &[]).status,
        404,
        "erased with its result"
    );
}

#[test]
fn without_a_frame_the_result_itself_is_taken_home() {
    let station = Station::start(&["--model", "none"]);
    let done = made(&station, Form::default().image(&photo(64, 64)));
    assert_eq!(done["keepsake"], done["result"]);
    assert_eq!(
        (&done["event"], &done["print"]),
        (&Value::Null, &Value::Null)
    );
    let id = address(&done, "id");
    for other in ["keepsake.jpg", "keepsake.gif"] {
        let path = format!("/api/stylise/{id}/{other}");
        assert_eq!(get(&station, &path, &[]).status, 404, "{other}");
    }
}

#[test]
fn a_strip_is_four_shots_of_one_job() {
    let station = Station::configured(FRAME, &["--model", "none"]);
    let form = Form::default().text("photo", "strip");
    let done = made(&station, form.clone().image(&sheet(2, 2, [160, 120])));
    assert_eq!(done["photo_kind"], "strip");
    let strip = decoded(&get(&station, &address(&done, "keepsake"), &[]));
    assert_eq!(strip.height(), 2400);
    let middle = strip.width() / 2;
    let mut levels: Vec<u8> = (0..2400).map(|y| strip.get_pixel(middle, y)[0]).collect();
    levels.retain(|level| *level < 90);
    for expected in [20, 38, 56, 74] {
        let near = levels
            .iter()
            .filter(|level| level.abs_diff(expected) < 5)
            .count();
        assert!(near > 300, "{expected}: {near} pixels");
    }

    let refused = |form: &Form| post(&station, &form.clone().text("style", "plain"), &[]);
    let empty = refused(&form);
    assert_eq!(empty.status, 400, "{}", empty.text());
    let small = refused(&form.clone().image(&sheet(2, 2, [40, 30])));
    assert!(
        small.status == 422 && small.error().contains("64 pixels"),
        "{}",
        small.text()
    );
    let elsewhere = form
        .text("made_by", "comfyui")
        .image(&sheet(2, 2, [160, 120]));
    assert_eq!(refused(&elsewhere).status, 422);
}

#[test]
fn a_boomerang_is_a_gif_and_a_still_in_the_gallery() {
    let station = Station::configured(FRAME, &["--model", "none"]);
    let form = Form::default()
        .text("photo", "boomerang")
        .text("share", "1");
    let done = made(&station, form.image(&sheet(3, 4, [96, 72])));
    let path = address(&done, "keepsake");
    let gif = get(&station, &path, &[]);
    assert_eq!(gif.header("content-type"), "image/gif");
    assert!(gif.body.starts_with(b"GIF89a"));
    assert!(address(&done, "file_name").ends_with(".gif"));
    let shown = get(&station, "/api/gallery", &[]).json();
    assert_eq!(shown["pictures"][0]["photo_kind"], "boomerang");
    let still = decoded(&get(&station, &address(&shown["pictures"][0], "url"), &[]));
    assert_eq!(still.dimensions(), (96, 72));
}

/// A station whose `lp` writes its arguments and its input into files.
fn with_printer(toml: &str) -> Station {
    let home = fresh_folder();
    let lp = home.join("bin/lp");
    std::fs::create_dir(home.join("bin")).expect("a folder");
    let script = "#!/bin/sh\nprintf '%s\\n' \"$@\" >\"$TMPDIR/lp.args\"\n\
                  cat >\"$TMPDIR/lp.part\" && mv \"$TMPDIR/lp.part\" \"$TMPDIR/lp.jpg\"\n";
    std::fs::write(&lp, script).expect("written");
    std::fs::set_permissions(&lp, PermissionsExt::from_mode(0o755)).expect("ours");
    Station::in_folder(home, toml, &["--model", "none"])
}

fn ask(station: &Station, job: &Value, copies: u32) -> Answer {
    let path = format!("/api/stylise/{}/print", address(job, "id"));
    post_json(station, &path, &format!("{{\"copies\": {copies}}}"))
}

fn wait_for_print(station: &Station, id: &str, state: &str) -> Value {
    let until = Instant::now() + HANG_TIMEOUT;
    loop {
        let job = job(station, id);
        if job["print"]["state"] == state {
            return job;
        }
        assert!(
            Instant::now() < until,
            "not {state}: {job}; {}",
            station.log()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn waiting(station: &Station) -> Vec<Value> {
    let list = get(station, "/api/admin/prints", &ADMIN).json();
    list["prints"].as_array().expect("a list").clone()
}

#[test]
fn the_owner_approves_each_print() {
    let printer = "[booth.print]\nprinter = \"photo\"\noptions = [\"media=Postcard; $HOME\"]\n";
    let station = with_printer(&format!("{FRAME}{printer}"));
    let done = made(&station, Form::default().image(&photo(640, 480)));
    assert_eq!(done["print"]["copies_left"], 2);
    assert_eq!(done["print"]["approval"], true);
    assert_eq!(ask(&station, &done, 3).status, 422);
    assert_eq!(ask(&station, &done, 2).status, 202);
    assert_eq!(ask(&station, &done, 1).status, 409, "it waits already");

    assert_eq!(get(&station, "/api/admin/prints", &[]).status, 401);
    let list = waiting(&station);
    assert_eq!((list.len(), &list[0]["copies"]), (1, &2.into()));
    let id = address(&done, "id");
    assert!(
        !list[0].to_string().contains(&id),
        "the job's id gives all rights"
    );
    assert_eq!(
        get(&station, &address(&list[0], "picture"), &[]).status,
        401
    );
    let seen = decoded(&get(&station, &address(&list[0], "picture"), &ADMIN));
    assert_eq!(seen.width(), 1800, "in its frame");
    assert!(
        !station.home.join("lp.jpg").exists(),
        "nothing is printed yet"
    );

    let path = format!("/api/admin/prints/{}", address(&list[0], "id"));
    assert_eq!(
        patch(&station, &path, r#"{"approved": true}"#, &[]).status,
        401
    );
    assert_eq!(
        patch(&station, &path, r#"{"approved": true}"#, &ADMIN).status,
        204
    );
    let printed = wait_for_print(&station, &id, "printed");
    assert_eq!(printed["print"]["copies_left"], 0);
    let paper = image::open(station.home.join("lp.jpg")).expect("a picture");
    assert_eq!(paper.width(), 1800);
    let arguments = std::fs::read_to_string(station.home.join("lp.args")).expect("written");
    let title = address(&done, "file_name");
    let expected = [
        "-d",
        "photo",
        "-n",
        "2",
        "-t",
        &title,
        "-o",
        "media=Postcard; $HOME",
    ];
    assert_eq!(arguments.lines().collect::<Vec<_>>(), expected);
    assert!(waiting(&station).is_empty());
}

#[test]
fn a_refused_or_erased_picture_is_not_printed() {
    let station = with_printer("[booth.print]\nprinter = \"photo\"\n");
    let refused = made(&station, Form::default().image(&photo(64, 64)));
    assert_eq!(ask(&station, &refused, 1).status, 202);
    let path = format!("/api/admin/prints/{}", address(&waiting(&station)[0], "id"));
    assert_eq!(
        patch(&station, &path, r#"{"approved": false}"#, &ADMIN).status,
        204
    );
    let job = job(&station, &address(&refused, "id"));
    assert_eq!(
        (&job["print"]["state"], &job["print"]["copies_left"]),
        (&"refused".into(), &2.into())
    );

    let erased = made(&station, Form::default().image(&photo(64, 64)));
    assert_eq!(ask(&station, &erased, 1).status, 202);
    let path = format!("/api/stylise/{}", address(&erased, "id"));
    assert_eq!(delete(&station, &path, &[]).status, 204);
    assert!(waiting(&station).is_empty());
    assert!(!station.home.join("lp.jpg").exists());
}

#[test]
fn without_approval_a_print_starts_at_once_and_a_failure_is_told() {
    let station = with_printer("[booth.print]\nprinter = \"photo\"\napproval = false\n");
    let first = made(&station, Form::default().image(&photo(64, 64)));
    assert_eq!(ask(&station, &first, 1).status, 202);
    wait_for_print(&station, &address(&first, "id"), "printed");

    let lp = station.home.join("bin/lp");
    std::fs::write(
        &lp,
        "#!/bin/sh\necho 'The printer or class does not exist.' >&2\nexit 1\n",
    )
    .expect("written");
    let second = made(&station, Form::default().image(&photo(64, 64)));
    assert_eq!(ask(&station, &second, 1).status, 202);
    let failed = wait_for_print(&station, &address(&second, "id"), "failed");
    assert_eq!(failed["print"]["copies_left"], 2, "nothing was printed");
    assert!(
        station
            .log()
            .contains("The printer or class does not exist."),
        "{}",
        station.log()
    );
}

/// `scripts/test-print.sh` starts the print system, and says where its printer writes to.
#[test]
#[ignore = "needs CUPS: make test-print"]
fn a_real_print_system_gets_a_strip() {
    let variable = |name| std::env::var(name).expect("scripts/test-print.sh sets it");
    let (queue, output) = (variable("PRINT_QUEUE"), variable("PRINT_OUTPUT"));
    let printer = format!(
        "[booth.print]\nprinter = \"{queue}\"\noptions = [\"fit-to-page\"]\napproval = false\n"
    );
    let station = Station::configured(&format!("{FRAME}{printer}"), &["--model", "none"]);
    let form = Form::default().text("photo", "strip");
    let done = made(&station, form.image(&sheet(2, 2, [160, 120])));
    assert_eq!(ask(&station, &done, 1).status, 202);
    wait_for_print(&station, &address(&done, "id"), "printed");
    let until = Instant::now() + HANG_TIMEOUT;
    let printed = || std::fs::metadata(Path::new(&output)).map_or(0, |file| file.len());
    while printed() < 10_000 {
        assert!(
            Instant::now() < until,
            "the printer has written {} bytes",
            printed()
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}
