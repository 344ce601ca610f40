//! Why the server refused something, with a technical message for the log and a plain one for visitors.

use serde_json::Value;
use thiserror::Error;

use crate::stylist::StylistError;

/// Longer texts of a server are cut, because they may be shown on a phone.
const WORDS_MAX_CHARS: usize = 240;

/// Why a call failed. The texts are for people.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum CallError {
    /// Connection refused, broken, or timed out.
    #[error("The ComfyUI server cannot be reached: {0}")]
    Unreachable(String),
    /// HTTP status 400 or above.
    #[error("The ComfyUI server answers HTTP {status}: {}", one_line(body))]
    Refused { status: u16, body: String },
    #[error("The ComfyUI server's answer is too large or incomplete.")]
    TooLong,
    #[error("What answers there is no ComfyUI.")]
    Malformed,
}

/// The meaning of an HTTP error status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ServerError {
    /// Waiting helps.
    Unavailable(String),
    /// The uploaded photo is gone, because the server was restarted in between.
    PictureGone,
    /// A retry would be refused too.
    Final(String),
}

impl ServerError {
    /// What the booth makes of it.
    pub(super) fn into_stylist_error(self) -> StylistError {
        match self {
            Self::Unavailable(why) => unavailable(&why),
            Self::Final(why) => failed(CANNOT, &why),
            Self::PictureGone => failed(CANNOT, "the ComfyUI server lost the photo"),
        }
    }

    /// Interprets status and body; the body may be anything.
    pub(super) fn read(status: u16, body: &str) -> Self {
        match status {
            400 => Self::bad_request(body),
            401 => final_(
                "The ComfyUI server wants to know who asks: its owner has to set `token` in [stylise].",
            ),
            403 => final_(
                "The ComfyUI server, or a proxy before it, refuses this station: its owner has to look at `token`, `headers` and the address in [stylise].",
            ),
            404 | 405 => final_(
                "At that address is no ComfyUI: its owner has to look at `comfyui` in [stylise], with the base path if there is one.",
            ),
            413 => final_(
                "The picture is larger than the ComfyUI server takes: its owner can raise --max-upload-size, or the limit of the proxy before it.",
            ),
            429 | 502..=504 => {
                Self::Unavailable(format!("The ComfyUI server is not ready (HTTP {status})."))
            }
            _ => {
                let said = one_line(body);
                Self::Final(format!("The ComfyUI server failed (HTTP {status}): {said}"))
            }
        }
    }

    /// `{"error": {...}, "node_errors": {...}}`. On old servers the error may be a string and the node
    /// errors an array; a proxy may send anything.
    fn bad_request(body: &str) -> Self {
        let Ok(answer) = serde_json::from_str::<Value>(body) else {
            return Self::Final(format!(
                "The ComfyUI server refused the order: {}",
                one_line(body)
            ));
        };
        let nodes = answer["node_errors"].as_object().into_iter().flatten();
        let errors = nodes.flat_map(|(node, told)| {
            let class = told["class_type"].as_str().unwrap_or(node);
            let list = told["errors"].as_array().into_iter().flatten();
            list.map(move |error| (class, error))
        });
        let errors: Vec<_> = errors.collect();
        if errors.iter().any(|(_, error)| is_missing_picture(error)) {
            return Self::PictureGone;
        }
        if let Some((class, error)) = errors.first() {
            return Self::Final(of_node(class, error));
        }
        Self::Final(of_order(&answer["error"]))
    }
}

fn final_(text: &str) -> ServerError {
    ServerError::Final(text.to_owned())
}

fn is_missing_picture(error: &Value) -> bool {
    let details = error["details"].as_str().unwrap_or_default();
    error["type"] == "custom_validation_failed" && details.contains("Invalid image file")
}

/// An error of one input of one node.
fn of_node(class: &str, error: &Value) -> String {
    let info = &error["extra_info"];
    let input = info["input_name"].as_str().unwrap_or("?");
    let details = one_line(error["details"].as_str().unwrap_or_default());
    match error["type"].as_str() {
        Some("value_not_in_list") => {
            let lacks = match &info["received_value"] {
                Value::String(name) => format!("`{}`", one_line(name)),
                _ => details,
            };
            format!(
                "The ComfyUI server does not have {lacks} ({input} of {class}). Its owner has to put \
                 it there; `carrier doctor` says where."
            )
        }
        Some("required_input_missing") => format!(
            "The workflow lacks {input} of {class}, which this ComfyUI wants: its owner has to export it anew."
        ),
        _ => {
            let message = one_line(error["message"].as_str().unwrap_or("refused"));
            format!(
                "The ComfyUI server refused the workflow at {class}: {message} ({details}). Its owner has \
                 to fix the workflow."
            )
        }
    }
}

/// An error of the whole order.
fn of_order(error: &Value) -> String {
    if let Value::String(text) = error {
        return format!("The ComfyUI server refused the order: {}", one_line(text));
    }
    let (kind, class) = (
        error["type"].as_str(),
        error["extra_info"]["class_type"].as_str(),
    );
    if let (Some("missing_node_type" | "invalid_prompt"), Some(class)) = (kind, class) {
        return format!(
            "The ComfyUI server does not know the node {}: its owner has to install it.",
            one_line(class)
        );
    }
    let message = error["message"]
        .as_str()
        .or(kind)
        .unwrap_or("no reason given");
    let details = error["details"].as_str();
    let details = details.filter(|details| !details.is_empty() && *details != message);
    let details = details.map(|details| format!(" ({})", one_line(details)));
    format!(
        "The ComfyUI server refused the order: {}{}",
        one_line(message),
        details.unwrap_or_default()
    )
}

/// The text as one line of limited length without control characters.
pub(super) fn one_line(text: &str) -> String {
    let plain = text.split(|c: char| c.is_whitespace() || c.is_control());
    let mut line = String::new();
    for part in plain.filter(|part| !part.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(part);
        if line.chars().count() > WORDS_MAX_CHARS {
            let mut cut: String = line.chars().take(WORDS_MAX_CHARS).collect();
            cut.push('…');
            return cut;
        }
    }
    if line.is_empty() {
        "no reason given".clone_into(&mut line);
    }
    line
}

pub(super) const AWAY: &str =
    "the picture server is away; your picture is kept, and made when the server is back";
pub(super) const NOTHING: &str = "the picture server can make no style now";
pub(super) const CANNOT: &str = "The picture server cannot make this style now. Try another one. The owner of this station \
                                 finds the reason in its log.";
pub(super) const TOO_LARGE: &str =
    "This style is too large for the picture server's memory. Try another one.";
pub(super) const STOPPED: &str = "The picture was stopped at the picture server. Ask again.";
pub(super) const LOST: &str = "The picture server lost the picture twice. Ask again.";
pub(super) const SLOW: &str =
    "The picture server took too long. Ask again later, or try another style.";
pub(super) const QUEUE: &str =
    "Others kept the picture server busy for too long. Ask again later, or try another style.";

/// A permanent failure; logs the technical message.
pub(super) fn failed(visitor: &str, technical: &str) -> StylistError {
    tracing::warn!(technical, "order failed");
    StylistError::Failed(visitor.to_owned())
}

/// An outage; logs the technical message.
pub(super) fn unavailable(technical: &str) -> StylistError {
    tracing::warn!(technical, "ComfyUI server unavailable");
    StylistError::Unavailable(AWAY.to_owned())
}

#[cfg(test)]
mod tests {

    use super::*;

    fn said(body: &str) -> String {
        match ServerError::read(400, body) {
            ServerError::Final(words) => words,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn node_errors_name_the_missing_file() {
        let told = said(
            r#"{"error":{"type":"prompt_outputs_failed_validation","message":"Prompt outputs failed validation","details":"","extra_info":{}},
        "node_errors":{"10":{"class_type":"CheckpointLoaderSimple","dependent_outputs":["60"],"errors":[
        {"type":"value_not_in_list","message":"Value not in list","details":"ckpt_name: 'x.safetensors' not in []",
         "extra_info":{"input_name":"ckpt_name","input_config":null,"received_value":"x.safetensors"}}]}}}"#,
        );
        assert!(
            told.contains("`x.safetensors`") && told.contains("ckpt_name"),
            "{told}"
        );
    }

    #[test]
    fn a_missing_photo_is_recognised() {
        let body = r#"{"error":{},"node_errors":{"20":{"class_type":"LoadImage","errors":[
        {"type":"custom_validation_failed","details":"image - Invalid image file: a.jpg [temp]"}]}}}"#;
        assert_eq!(ServerError::read(400, body), ServerError::PictureGone);
    }

    #[test]
    fn errors_of_old_servers_and_proxies_are_parsed() {
        assert!(said(r#"{"error":"no prompt","node_errors":[]}"#).ends_with("no prompt"));
        let class = r#"{"error":{"type":"missing_node_type","message":"m","extra_info":{"class_type":"Foo"}},"node_errors":{}}"#;
        assert!(said(class).contains("node Foo"), "{}", said(class));
        assert!(said("").ends_with("no reason given"));
        let long = said(&"<html>\u{1b}[2J ".repeat(1000));
        assert!(
            long.chars().count() < 320 && !long.contains('\u{1b}'),
            "{long}"
        );
        assert!(said("[]").contains("no reason"));
    }

    #[test]
    fn each_status_says_what_to_do() {
        assert!(matches!(
            ServerError::read(503, ""),
            ServerError::Unavailable(_)
        ));
        for (status, about) in [
            (413, "max-upload-size"),
            (403, "token"),
            (401, "token"),
            (404, "base path"),
            (500, "HTTP 500"),
        ] {
            let ServerError::Final(told) = ServerError::read(status, "x") else {
                panic!("{status}");
            };
            assert!(told.contains(about), "{told}");
        }
    }
}
