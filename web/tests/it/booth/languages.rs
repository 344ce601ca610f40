//! Language files, of the program and of the owner.

use super::client::get;
use crate::station::{Station, fresh_folder};

#[test]
fn a_language_file_of_the_owner_is_offered_and_goes_first() {
    let folder = fresh_folder();
    let words = r#"{"language.name": "Latina", "x": "imago"}"#;
    std::fs::write(folder.join("la.json"), words).expect("written");
    std::fs::write(folder.join("en.json"), words).expect("written");
    let toml = format!("[booth]\nlanguages = {:?}\n", folder.display().to_string());
    let station = Station::configured(&toml, &["--model", "none"]);
    let list = get(&station, "/lang", &[]).json();
    let list = list["languages"].as_array().expect("a list").clone();
    let own = serde_json::json!({"code": "la", "name": "Latina"});
    assert!(list.contains(&own), "{list:?}");
    for file in ["/lang/la.json", "/lang/en.json"] {
        let answer = get(&station, file, &[]);
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.text(), words, "{file}");
    }
    // Language files can be changed while the program runs.
    let mended = words.replace("imago", "pictura");
    std::fs::write(folder.join("la.json"), &mended).expect("written");
    assert_eq!(get(&station, "/lang/la.json", &[]).text(), mended);
    std::fs::remove_dir_all(folder).expect("removed");
}
