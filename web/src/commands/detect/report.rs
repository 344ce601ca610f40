//! What `carrier detect` prints: JSON lines, CSV, a table, or one COCO file at the end. Pure.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use crate::cli::Format;

/// What was found in one picture.
#[derive(Debug, Serialize)]
pub(super) struct Found<'a> {
    pub(super) image: &'a str,
    /// Of a video.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub(super) frame: Option<VideoFrame>,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) detections: Vec<FoundThing<'a>>,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct VideoFrame {
    /// Counted from 0.
    frame: u64,
    /// Since the start.
    time_s: f64,
}

impl VideoFrame {
    pub(super) fn new(frame: u64, at: Duration) -> Self {
        // Microseconds, so that times are printed without rounding errors.
        let time_s = (at.as_secs_f64() * 1e6).round() / 1e6;
        Self { frame, time_s }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct FoundThing<'a> {
    pub(super) class: &'a str,
    pub(super) class_id: usize,
    pub(super) score: f32,
    /// The object of a video that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) track: Option<u64>,
    /// Left, top, right, bottom in pixels.
    #[serde(rename = "box")]
    pub(super) bbox_px: [f32; 4],
}

const CSV_HEADER: &str = "image,frame,time_s,class,class_id,score,track,left,top,right,bottom\n";

/// The text of all pictures.
#[derive(Debug)]
pub(super) struct Report {
    format: Format,
    /// Of COCO.
    images: Vec<Value>,
    annotations: Vec<Value>,
    has_begun: bool,
}

impl Report {
    pub(super) fn new(format: Format) -> Self {
        Self {
            format,
            images: Vec::new(),
            annotations: Vec::new(),
            has_begun: false,
        }
    }

    /// What is to be printed for a picture.
    pub(super) fn picture(&mut self, found: &Found<'_>) -> serde_json::Result<String> {
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        match self.format {
            Format::Jsonl => Ok(serde_json::to_string(found)? + "\n"),
            Format::Table => Ok(table(found)),
            Format::Csv => {
                let header = if is_first { CSV_HEADER } else { "" };
                Ok(header.to_owned() + &csv(found))
            }
            Format::Coco => {
                self.keep(found);
                Ok(String::new())
            }
        }
    }

    /// What is to be printed after the last picture.
    pub(super) fn end(&self, labels: &[String]) -> serde_json::Result<String> {
        match self.format {
            Format::Csv if !self.has_begun => Ok(CSV_HEADER.to_owned()),
            Format::Jsonl | Format::Table | Format::Csv => Ok(String::new()),
            Format::Coco => {
                let categories = labels.iter().enumerate();
                let categories = categories.map(|(id, name)| json!({"id": id, "name": name}));
                let all = json!({
                    "images": self.images,
                    "categories": categories.collect::<Vec<_>>(),
                    "annotations": self.annotations,
                });
                Ok(serde_json::to_string(&all)? + "\n")
            }
        }
    }

    /// In the form of COCO's annotations, with the scores that results have. Ids count from 1.
    fn keep(&mut self, found: &Found<'_>) {
        let image_id = self.images.len() + 1;
        let (width, height) = (found.width, found.height);
        let mut image = json!({
            "id": image_id, "file_name": found.image, "width": width, "height": height,
        });
        if let Some(VideoFrame { frame, time_s }) = found.frame {
            image["frame"] = json!(frame);
            image["time_s"] = json!(time_s);
        }
        self.images.push(image);
        for thing in &found.detections {
            let [left, top, right, bottom] = thing.bbox_px;
            let (width, height) = (right - left, bottom - top);
            let bbox = [left, top, width, height].map(rounded);
            let mut annotation = json!({
                "id": self.annotations.len() + 1,
                "image_id": image_id,
                "category_id": thing.class_id,
                "bbox": bbox,
                "area": rounded(width * height),
                "iscrowd": 0,
                "score": rounded(thing.score),
            });
            if let Some(track) = thing.track {
                annotation["track_id"] = json!(track);
            }
            self.annotations.push(annotation);
        }
    }
}

/// Without the digits that f32 does not have.
fn rounded(value: f32) -> f64 {
    (f64::from(value) * 1e4).round() / 1e4
}

fn csv(found: &Found<'_>) -> String {
    let quoted = |text: &str| match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    };
    let (frame, time_s) = match found.frame {
        Some(VideoFrame { frame, time_s }) => (frame.to_string(), time_s.to_string()),
        None => Default::default(),
    };
    let row = |thing: &FoundThing<'_>| {
        let track = thing.track.map(|track| track.to_string());
        let [left, top, right, bottom] = thing.bbox_px;
        format!(
            "{},{frame},{time_s},{},{},{},{},{left},{top},{right},{bottom}\n",
            quoted(found.image),
            quoted(thing.class),
            thing.class_id,
            thing.score,
            track.unwrap_or_default(),
        )
    };
    found.detections.iter().map(row).collect()
}

fn table(found: &Found<'_>) -> String {
    let when = match found.frame {
        Some(VideoFrame { time_s, .. }) => format!(" at {time_s:.2} s"),
        None => String::new(),
    };
    let (image, width, height) = (found.image, found.width, found.height);
    let mut text = format!("{image}{when} ({width}x{height})\n");
    if found.detections.is_empty() {
        text += "  nothing found\n";
    }
    for thing in &found.detections {
        let [x1, y1, x2, y2] = thing.bbox_px;
        let at = format!("{x1:.0},{y1:.0} to {x2:.0},{y2:.0}");
        let track = thing.track.map(|track| format!("  #{track}"));
        text += &format!(
            "  {:<16} {:>3.0} %  {at}{}\n",
            thing.class,
            thing.score * 100.0,
            track.unwrap_or_default(),
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(image: &str, frame: Option<VideoFrame>) -> Found<'_> {
        let thing = FoundThing {
            class: "hot dog",
            class_id: 52,
            score: 0.5,
            track: frame.map(|_| 7),
            bbox_px: [1.0, 2.0, 11.0, 22.5],
        };
        Found {
            image,
            frame,
            width: 64,
            height: 48,
            detections: vec![thing],
        }
    }

    fn video_frame() -> Option<VideoFrame> {
        Some(VideoFrame::new(3, Duration::from_nanos(100_000_000)))
    }

    #[test]
    fn json_lines_have_a_frame_for_videos_alone() {
        let mut report = Report::new(Format::Jsonl);
        let line = report.picture(&found("a.jpg", None)).expect("text");
        assert_eq!(
            line,
            "{\"image\":\"a.jpg\",\"width\":64,\"height\":48,\"detections\":[{\"class\":\"hot dog\",\
             \"class_id\":52,\"score\":0.5,\"box\":[1.0,2.0,11.0,22.5]}]}\n"
        );
        let line = report
            .picture(&found("a.mp4", video_frame()))
            .expect("text");
        let line: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!((&line["frame"], &line["time_s"]), (&json!(3), &json!(0.1)));
        assert_eq!(line["detections"][0]["track"], json!(7));
        assert_eq!(report.end(&[]).expect("text"), "");
    }

    #[test]
    fn csv_has_one_header_and_quotes_names() {
        let mut report = Report::new(Format::Csv);
        assert_eq!(report.end(&[]).expect("text"), CSV_HEADER);
        let first = report
            .picture(&found("a \"b\", c.jpg", None))
            .expect("text");
        let row = "\"a \"\"b\"\", c.jpg\",,,hot dog,52,0.5,,1,2,11,22.5\n";
        assert_eq!(first, CSV_HEADER.to_owned() + row);
        let second = report
            .picture(&found("v.mp4", video_frame()))
            .expect("text");
        assert_eq!(second, "v.mp4,3,0.1,hot dog,52,0.5,7,1,2,11,22.5\n");
        assert_eq!(report.end(&[]).expect("text"), "");
    }

    #[test]
    fn coco_has_images_categories_and_annotations() {
        let mut report = Report::new(Format::Coco);
        for picture in [found("a.jpg", None), found("v.mp4", video_frame())] {
            assert_eq!(report.picture(&picture).expect("text"), "");
        }
        let text = report.end(&["person".to_owned()]).expect("text");
        let all: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(all["categories"], json!([{"id": 0, "name": "person"}]));
        assert_eq!(all["images"][0]["file_name"], "a.jpg");
        assert_eq!(all["images"][1]["frame"], 3);
        let last = &all["annotations"][1];
        assert_eq!((&last["id"], &last["image_id"]), (&json!(2), &json!(2)));
        assert_eq!(last["bbox"], json!([1.0, 2.0, 10.0, 20.5]));
        assert_eq!(
            (&last["area"], &last["track_id"]),
            (&json!(205.0), &json!(7))
        );
    }
}
