//! The gallery shows only shared pictures.

use std::sync::{Arc, Mutex};

use stylise::{Booth, FocusPoint, GalleryPicture, MadeBy, State, Withheld};

use crate::checks::assert_no_picture;
use crate::rig::{FakeStylist, Rig, open_gate, png, submit, view, wait_for, wait_for_gate};

fn shown(booth: &Booth) -> Vec<GalleryPicture> {
    booth.gallery(false).expect("readable")
}

#[test]
fn a_picture_is_in_the_gallery_while_shared() {
    let mut rig = Rig::new("share");
    let stylist = FakeStylist::new(MadeBy::BuiltIn, |_, _| Ok(png([1, 1, 1])));
    let booth = rig.open(&[&stylist]);
    let id = submit(&booth, "ann", "pencil").id;
    wait_for(&booth, id, State::Done);
    assert!(shown(&booth).is_empty(), "not shared by default");
    let view = booth.set_share(id, true).expect("written").expect("known");
    assert!(view.share);
    let [on_the_wall] = shown(&booth).try_into().expect("one");
    assert_eq!(
        (on_the_wall.style.as_str(), on_the_wall.made_by),
        ("pencil", MadeBy::BuiltIn)
    );
    let picture = booth
        .gallery_picture(on_the_wall.id, false)
        .expect("readable");
    assert!(picture.expect("there").starts_with(&[0xff, 0xd8]));
    booth.set_share(id, false).expect("written");
    assert!(shown(&booth).is_empty());
    let picture = booth.gallery_picture(on_the_wall.id, true);
    assert_no_picture(picture.expect("readable"));
}

#[test]
fn other_carriers_show_a_picture_only_while_its_visitor_agrees_to_that() {
    let mut rig = Rig::new("carriers");
    let stylist = FakeStylist::new(MadeBy::BuiltIn, |_, _| Ok(png([1, 1, 1])));
    let booth = rig.open(&[&stylist]);
    let id = submit(&booth, "ann", "pencil").id;
    wait_for(&booth, id, State::Done);
    let set = |yes| {
        booth
            .set_on_carriers(id, yes)
            .expect("written")
            .expect("known")
    };
    assert!(!set(true).is_on_carriers, "it is not shared at all");
    booth.set_share(id, true).expect("written");
    assert!(!shown(&booth)[0].is_on_carriers, "shared here");
    let view = set(true);
    assert!(view.share && view.is_on_carriers && shown(&booth)[0].is_on_carriers);
    let view = set(false);
    assert!(view.share && !view.is_on_carriers && !shown(&booth)[0].is_on_carriers);
    set(true);
    booth.set_share(id, false).expect("written");
    booth.set_share(id, true).expect("written");
    assert!(!shown(&booth)[0].is_on_carriers, "agreed to anew, for here");
}

#[test]
fn the_owner_can_hide_and_erase() {
    let mut rig = Rig::new("admin");
    let stylist = FakeStylist::new(MadeBy::BuiltIn, |_, _| Ok(png([1, 1, 1])));
    let booth = rig.open(&[&stylist]);
    let id = submit(&booth, "ann", "pencil").id;
    booth.set_share(id, true).expect("written");
    wait_for(&booth, id, State::Done);
    let [picture] = shown(&booth).try_into().expect("one");
    assert!(booth.hide(picture.id, true).expect("written"));
    assert!(shown(&booth).is_empty());
    let hidden = booth.gallery_picture(picture.id, false);
    assert_no_picture(hidden.expect("readable"));
    assert!(
        booth
            .gallery_picture(picture.id, true)
            .expect("readable")
            .is_some()
    );
    assert!(booth.gallery(true).expect("readable")[0].hidden);
    assert!(booth.hide(picture.id, false).expect("written"));
    assert_eq!(shown(&booth).len(), 1);
    assert!(booth.erase_shown(picture.id).expect("written"));
    assert!(!booth.erase_shown(picture.id).expect("readable"), "once");
    assert_eq!(booth.view(id).expect("readable"), None);
    assert!(rig.pictures().is_empty());
}

#[test]
fn stylists_read_the_pictures_that_are_shown_and_no_others() {
    let mut rig = Rig::new("stylists");
    let stylist = FakeStylist::new(MadeBy::BuiltIn, |_, _| Ok(png([1, 1, 1])));
    let booth = rig.open(&[&stylist]);
    let gallery = stylist.gallery();
    let id = submit(&booth, "ann", "pencil").id;
    wait_for(&booth, id, State::Done);
    assert!(gallery.shown().is_empty(), "not shared");
    booth.set_share(id, true).expect("written");
    let [picture] = gallery.shown().try_into().expect("one");
    assert!(
        gallery
            .jpeg(picture)
            .expect("there")
            .starts_with(&[0xff, 0xd8])
    );
    let is_gone = || gallery.shown().is_empty() && gallery.jpeg(picture).is_none();
    booth.hide(picture, true).expect("written");
    assert!(is_gone(), "hidden by the owner");
    booth.hide(picture, false).expect("written");
    assert_eq!(gallery.shown(), [picture]);
    booth.set_share(id, false).expect("written");
    assert!(is_gone(), "withdrawn");
    drop(booth);
    assert!(gallery.shown().is_empty(), "the booth is closed");
}

#[test]
fn with_approval_first_a_picture_waits_and_stylists_do_not_read_it() {
    let mut rig = Rig::new("approval");
    let focus = FocusPoint { x: 0.5, y: 0.25 };
    let stylist = FakeStylist::new(MadeBy::BuiltIn, move |_, context| {
        context.set_focus(focus);
        Ok(png([1, 1, 1]))
    });
    let booth = rig.open(&[&stylist]);
    let gallery = stylist.gallery();
    let id = submit(&booth, "ann", "pencil").id;
    booth.set_share(id, true).expect("written");
    wait_for(&booth, id, State::Done);
    assert_eq!(view(&booth, id).withheld, None);
    let [picture] = shown(&booth).try_into().expect("one");
    assert_eq!((picture.waits, picture.focus), (false, Some(focus)));

    rig.settings.sharing.set(true, false);
    let job = view(&booth, id);
    assert_eq!((job.withheld, job.gallery), (Some(Withheld::Waits), None));
    assert!(shown(&booth).is_empty() && gallery.shown().is_empty());
    assert!(gallery.jpeg(picture.id).is_none());
    assert_no_picture(booth.gallery_picture(picture.id, false).expect("readable"));
    assert!(booth.gallery(true).expect("readable")[0].waits);
    let for_the_owner = booth.gallery_picture(picture.id, true).expect("readable");
    assert!(for_the_owner.is_some());

    booth.hide(picture.id, false).expect("approved");
    let job = view(&booth, id);
    assert_eq!((job.withheld, job.gallery), (None, Some(picture.id)));
    assert_eq!(shown(&booth).len(), 1);
    assert_eq!(gallery.shown(), [picture.id]);
    booth.hide(picture.id, true).expect("refused");
    assert_eq!(view(&booth, id).withheld, Some(Withheld::Refused));
    booth.set_share(id, false).expect("written");
    assert_eq!(view(&booth, id).withheld, None, "nobody wants to show it");
}

#[test]
fn a_result_that_is_made_while_sharing_is_paused_is_not_shared() {
    let mut rig = Rig::new("paused");
    let gate = Arc::new(Mutex::new(true));
    let held = Arc::clone(&gate);
    let stylist = FakeStylist::new(MadeBy::BuiltIn, move |_, context| {
        wait_for_gate(&held, context)?;
        Ok(png([1, 1, 1]))
    });
    let booth = rig.open(&[&stylist]);
    let before = submit(&booth, "ann", "pencil").id;
    booth.set_share(before, true).expect("written");
    wait_for(&booth, before, State::Done);
    *gate.lock().expect("no panic") = false;
    let meanwhile = submit(&booth, "bob", "pencil").id;
    booth.set_share(meanwhile, true).expect("written");
    rig.settings.sharing.set(false, true);
    open_gate(&gate);
    let done = wait_for(&booth, meanwhile, State::Done);
    assert!(!done.share);
    assert_eq!(shown(&booth).len(), 1, "what was shared before stays");
}
