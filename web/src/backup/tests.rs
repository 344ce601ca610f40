//! Archives that no program of ours would make, and the way from a backup to a restore without a booth.

use std::fs::{self, File};
use std::io::{Cursor, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

use super::checking::check;
use super::error::BackupError;
use super::kept::{FILES, Folder, KeptFolders};
use super::manifest::{Fingerprint, Manifest};
use super::restoring::{present, restore};
use super::writing::{self, Secrets, append_entry};
use crate::access::hex;
use crate::test_folder::TestFolder;

const NOW_MS: u64 = 1_800_000_000_000;

fn folders(home: &Path) -> KeptFolders {
    KeptFolders {
        state: home.join("state"),
        data: home.join("data"),
    }
}

fn nothing(_: u64, _: u64) {}

fn backup(folders: &KeptFolders, secrets: Secrets) -> Vec<u8> {
    let mut archive = Vec::new();
    writing::write(&mut archive, folders, secrets, NOW_MS, &mut nothing).expect("written");
    archive
}

fn on_disk(folder: &TestFolder, archive: &[u8]) -> File {
    let path = folder.join("backup.tar");
    fs::write(&path, archive).expect("room");
    File::open(path).expect("there")
}

fn checked(archive: &[u8]) -> Result<Manifest, BackupError> {
    let folder = TestFolder::new();
    check(&mut on_disk(&folder, archive), &mut nothing)
}

/// Writes a file with a content of its own for each that is kept.
fn fill(folders: &KeptFolders) {
    for file in &FILES {
        let path = folders.path(file.folder).join(file.name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("room");
        fs::write(path, format!("content of {}\n", file.name)).expect("room");
    }
    let open = r#"{"closed":false,"by":"person","who":null,"reason":null,"since_unix_ms":1}"#;
    fs::write(folders.state.join("shutter.json"), open).expect("room");
}

fn restored(archive: &[u8], to: &KeptFolders) -> bool {
    let folder = TestFolder::new();
    let mut file = on_disk(&folder, archive);
    let manifest = check(&mut file, &mut nothing).expect("whole");
    let report = restore(&mut file, &manifest, to, NOW_MS, &mut nothing).expect("restored");
    report.is_closed
}

#[test]
fn every_kept_file_comes_back_private_and_the_audit_tells_of_it() {
    let home = TestFolder::new();
    let from = folders(&home.join("from"));
    fill(&from);
    let to = folders(&home.join("to"));
    let archive = backup(&from, Secrets::Included);
    assert!(!restored(&archive, &to), "open, as it was");
    for file in &FILES {
        let path = |folders: &KeptFolders| folders.path(file.folder).join(file.name);
        let (old, new) = (fs::read(path(&from)), fs::read(path(&to)));
        let (old, new) = (old.expect("there"), new.expect("restored"));
        if file.name == "audit.jsonl" {
            assert!(new.starts_with(&old) && new.len() > old.len());
        } else if file.name != "shutter.json" {
            assert_eq!(new, old, "{}", file.name);
        }
        let mode = fs::metadata(path(&to)).expect("there").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", file.name);
    }
    assert_eq!(present(&to).len(), FILES.len());
    for folder in [Folder::State, Folder::Data] {
        let names = fs::read_dir(to.path(folder)).expect("a folder");
        let hidden = names.filter(|name| {
            let name = name.as_ref().expect("an entry").file_name();
            name.to_string_lossy().starts_with('.')
        });
        assert_eq!(hidden.count(), 0, "nothing is left");
    }
}

#[test]
fn without_secrets_those_that_are_there_stay_and_changed_settings_end() {
    let home = TestFolder::new();
    let (from, to) = (folders(&home.join("from")), folders(&home.join("to")));
    fill(&from);
    fill(&to);
    fs::write(to.state.join("admin-token"), "of this machine").expect("room");
    fs::remove_file(from.state.join("settings.json")).expect("there");
    let archive = backup(&from, Secrets::LeftOut);
    let manifest = checked(&archive).expect("whole");
    assert!(!manifest.has_secrets && !manifest.entries.contains_key("state/admin-token"));
    restored(&archive, &to);
    let text = |name: &str| fs::read_to_string(to.state.join(name)).expect("there");
    assert_eq!(text("admin-token"), "of this machine");
    assert_eq!(text("settings.json"), "{}");
}

#[test]
fn the_shutter_is_closed_unless_it_is_known_to_be_open() {
    let closed = r#"{"closed":true,"by":"person","who":null,"reason":null,"since_unix_ms":1}"#;
    let open = closed.replace("true", "false");
    let cases = [
        (Some(open.as_str()), None, false),
        (Some(open.as_str()), Some(closed), true),
        (Some(closed), Some(open.as_str()), true),
        (Some("{damaged"), None, true),
        (Some(open.as_str()), Some("{damaged"), true),
        // A station that never closed it has no file.
        (None, None, false),
    ];
    for (in_backup, present, expected) in cases {
        let home = TestFolder::new();
        let (from, to) = (folders(&home.join("from")), folders(&home.join("to")));
        for (folders, content) in [(&from, in_backup), (&to, present)] {
            fs::create_dir_all(&folders.state).expect("room");
            if let Some(content) = content {
                fs::write(folders.state.join("shutter.json"), content).expect("room");
            }
        }
        let archive = backup(&from, Secrets::Included);
        assert_eq!(
            restored(&archive, &to),
            expected,
            "{in_backup:?} over {present:?}"
        );
        let kept = crate::shutter::kept_state(Some(&to.state), NOW_MS);
        assert_eq!(kept.closed, expected);
    }
    // Made by somebody else.
    let home = TestFolder::new();
    assert!(
        restored(&archive_of(&[]), &folders(&home)),
        "no state at all"
    );
}

/// An archive with these entries and a manifest that is right for them.
fn archive_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = Builder::new(Vec::new());
    let mut manifest = Manifest::new(NOW_MS, false);
    for (name, content) in entries {
        append_entry(
            &mut tar,
            name,
            content.len() as u64,
            0,
            Cursor::new(content),
        )
        .expect("room");
        let listed = Fingerprint {
            bytes: content.len() as u64,
            sha256: hex(Sha256::digest(content)),
        };
        manifest.entries.insert((*name).to_owned(), listed);
    }
    with_manifest(tar, &manifest)
}

fn with_manifest(mut tar: Builder<Vec<u8>>, manifest: &Manifest) -> Vec<u8> {
    let json = serde_json::to_vec(manifest).expect("JSON");
    append_entry(&mut tar, "manifest.json", json.len() as u64, 0, &json[..]).expect("room");
    tar.into_inner().expect("whole")
}

fn why(archive: &[u8]) -> String {
    checked(archive).expect_err("refused").to_string()
}

#[test]
fn a_foreign_entry_refuses_the_whole_archive() {
    checked(&archive_of(&[("state/settings.json", b"{}")])).expect("fine");
    for name in [
        "state/evil",
        "booth/pictures/x.jpg",
        "etc/passwd",
        "state/shutter.json/x",
    ] {
        let told = why(&archive_of(&[(name, b"x")]));
        assert!(told.contains(name) && told.contains("refused"), "{told}");
    }
    // Names that the library does not even write.
    for name in ["/etc/passwd", "../../etc/passwd", "state/../../x"] {
        let mut tar = Builder::new(Vec::new());
        let mut header = Header::new_ustar();
        header.set_size(1);
        let field = &mut header.as_old_mut().name;
        field[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        tar.append(&header, &b"x"[..]).expect("room");
        let told = why(&with_manifest(tar, &Manifest::new(NOW_MS, false)));
        assert!(told.contains(name), "{told}");
    }
    for kind in [
        EntryType::Symlink,
        EntryType::Link,
        EntryType::Directory,
        EntryType::Fifo,
        EntryType::Block,
        EntryType::GNULongName,
        EntryType::GNUSparse,
        EntryType::XHeader,
    ] {
        let mut tar = Builder::new(Vec::new());
        let mut header = Header::new_ustar();
        header.set_path("state/settings.json").expect("short");
        header.set_entry_type(kind);
        header.set_size(0);
        header.set_cksum();
        tar.append(&header, std::io::empty()).expect("room");
        let told = why(&with_manifest(tar, &Manifest::new(NOW_MS, false)));
        assert!(told.contains("refused"), "{kind:?}: {told}");
    }
    let twice: [(&str, &[u8]); 2] = [("state/settings.json", b"1"), ("state/settings.json", b"2")];
    assert!(why(&archive_of(&twice)).contains("once more"));
}

#[test]
fn sizes_are_limited_before_anything_is_read() {
    let mut header = Header::new_ustar();
    header.set_path("state/admin-token").expect("short");
    header.set_size(1 << 40);
    header.set_cksum();
    let mut archive = header.as_bytes().to_vec();
    archive.extend([0; 1024]);
    let told = why(&archive);
    assert!(
        told.contains("1099511627776 bytes of state/admin-token"),
        "{told}"
    );
}

#[test]
fn a_changed_or_cut_archive_is_refused() {
    let home = TestFolder::new();
    let from = folders(&home);
    fill(&from);
    let archive = backup(&from, Secrets::Included);
    checked(&archive).expect("whole");
    let at = archive
        .windows(7)
        .position(|part| part == b"content")
        .expect("a file's content");
    let mut changed = archive.clone();
    changed[at] ^= 1;
    assert!(why(&changed).contains("damaged or was changed"));
    for length in (0..archive.len()).step_by(512) {
        let cut = &archive[..length];
        // The end of the manifest may be padding.
        if let Ok(manifest) = checked(cut) {
            assert_eq!(manifest, checked(&archive).expect("whole"));
        }
    }
    assert!(checked(&archive[..archive.len() / 2]).is_err());
    for junk in [&b""[..], b"no tar at all", &[0xFF; 2048], &[0; 2048]] {
        checked(junk).expect_err("no backup");
    }
    let mut file = Vec::new();
    file.write_all(&archive).expect("room");
    let unlisted = {
        let mut tar = Builder::new(Vec::new());
        append_entry(&mut tar, "state/settings.json", 2, 0, &b"{}"[..]).expect("room");
        with_manifest(tar, &Manifest::new(NOW_MS, false))
    };
    assert!(why(&unlisted).contains("state/settings.json"));
}

#[test]
fn a_restore_that_fails_changes_nothing() {
    let home = TestFolder::new();
    let (from, to) = (folders(&home.join("from")), folders(&home.join("to")));
    fill(&from);
    fill(&to);
    fs::write(to.state.join("admin-token"), "of this machine").expect("room");
    let archive = backup(&from, Secrets::Included);
    let manifest = checked(&archive).expect("whole");
    // The file changes between the check and the restore.
    let at = archive.windows(7).position(|part| part == b"content");
    let mut changed = archive.clone();
    changed[at.expect("content")] ^= 1;
    let folder = TestFolder::new();
    let mut file = on_disk(&folder, &changed);
    restore(&mut file, &manifest, &to, NOW_MS, &mut nothing).expect_err("changed");
    let token = fs::read_to_string(to.state.join("admin-token")).expect("there");
    assert_eq!(token, "of this machine");
    assert!(!super::swap::is_interrupted(&to.state));
}
