//! The whole booth with a real ComfyUI, closed while its first job runs.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use stylise::{
    Booth, BoothMetrics, BoothSettings, CheckedPicture, JobId, JobView, Limits, MadeBy, PhotoKind,
    PictureKind, State, Stylist, Submission,
};

use super::server::Server;
use super::{client, eventually, is_inverted, order, say};

pub(super) fn closed_in_the_middle(server: &Server) {
    let folder = std::env::temp_dir().join(format!("carrier-booth-{}", JobId::random()));
    let mut settings = BoothSettings::in_folder(folder.clone());
    settings.tick = Duration::from_millis(100);
    let open = || {
        let stylists: Vec<Arc<dyn Stylist>> = vec![client(server)];
        let metrics = BoothMetrics::register(&mut Registry::default(), &[MadeBy::Comfyui]);
        Booth::open(settings.clone(), stylists, metrics).expect("a booth")
    };
    let (before, kept_before) = (server.executions(), server.history());
    let booth = open();
    let jobs = ["first", "second"].map(|visitor| submit(&booth, visitor));
    eventually("the first step", || {
        view(&booth, jobs[0]).step.is_some_and(|step| step > 1)
    });
    booth.close();
    drop(booth);
    let booth = open();
    for job in jobs {
        eventually("the order ends", || view(&booth, job).state.is_over());
        assert_eq!(
            view(&booth, job).state,
            State::Done,
            "{:?}",
            view(&booth, job).error
        );
        let picture = booth.picture(job, PictureKind::Result).expect("readable");
        is_inverted(&picture.expect("kept"));
    }
    assert_eq!(
        server.executions() - before,
        2,
        "none lost, none made twice"
    );
    // Orders of earlier tests may still be leaving the history.
    eventually("both orders gone from the history", || {
        let mut names = server.history().into_iter().map(|(name, _)| name);
        names.all(|name| kept_before.contains_key(&name))
    });
    booth.close();
    let _ = std::fs::remove_dir_all(folder);
    say("through the booth, closed in the middle: both pictures, two executions, history erased");
}

fn submit(booth: &Booth, visitor: &str) -> JobId {
    let source = CheckedPicture::read(&order(None).source, &Limits::UPLOAD).expect("a picture");
    let submission = Submission {
        visitor: visitor.to_owned(),
        address: visitor.to_owned(),
        style: "inverted".to_owned(),
        photo_kind: PhotoKind::Single,
        made_by: None,
        source,
        share: false,
        key: None,
    };
    booth.submit(submission).expect("taken").job.id
}

fn view(booth: &Booth, job: JobId) -> JobView {
    booth.view(job).expect("readable").expect("known")
}
