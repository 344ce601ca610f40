use crate::{pictures, rig};
#[test]
fn scratch_eval() {
    let (Some(shared), Some(runtime)) = (rig::shared(), rig::runtime()) else { return };
    let name = std::env::var("SCRATCH_MODEL").unwrap();
    let mut detector = rig::open(&runtime, &rig::model(&shared, &name));
    let mut out = Vec::new();
    for entry in shared.join("eval/coco80_288/images").read_dir().unwrap() {
        let path = entry.unwrap().path();
        let picture = pictures::load(&path);
        for d in detector.detect(&picture, 0.02).unwrap() {
            let b = d.bbox;
            out.push(format!("[\"{}\",{},{},{},{},{},{}]", path.file_name().unwrap().to_str().unwrap(), d.class_id, d.score, b.x1, b.y1, b.x2, b.y2));
        }
    }
    std::fs::write(std::env::var("SCRATCH_OUT").unwrap(), format!("[{}]", out.join(",\n"))).unwrap();
}
