//! The scene as tests elsewhere rely on it.

use super::*;

/// Writes frames and their truth for a look from outside: set `SCENE_DUMP` to a folder.
#[test]
#[ignore = "writes files for a look at the scene"]
fn dump() {
    let Some(folder) = std::env::var_os("SCENE_DUMP").map(std::path::PathBuf::from) else {
        return;
    };
    let every: f64 = std::env::var("EVERY_S").map_or(1.37, |s| s.parse().expect("seconds"));
    let scene = Scene::new(WallClock::start(), PicturePool::new(2)).expect("prepares");
    let mut lines = Vec::new();
    for index in 0..40_u32 {
        let elapsed = Duration::from_secs_f64(f64::from(index) * every);
        let frame = scene.frame_at(elapsed, Instant::now(), u64::from(index));
        let name = format!("{index:03}.i420");
        std::fs::write(folder.join(&name), frame.pixels.data()).expect("writes");
        let boxes: Vec<_> = frame
            .truth
            .expect("known")
            .iter()
            .map(|truth| format!("[{:?},{:?}]", truth.class, truth.bbox_px))
            .collect();
        lines.push(format!("{name:?}:[{}]", boxes.join(",")));
    }
    std::fs::write(
        folder.join("truth.json"),
        format!("{{{}}}", lines.join(",")),
    )
    .expect("writes");
}
