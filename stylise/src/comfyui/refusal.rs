//! Why the server did not take something, in words for the visitor and for the owner.

use serde_json::Value;

/// Longer words of a server are cut: they are shown on a phone.
const WORDS_MAX_CHARS: usize = 240;

/// What a status above 399 means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Waiting helps.
    Away(String),
    /// The uploaded picture is not there any more: the server was started again in between.
    PictureGone,
    /// It would be refused again.
    Final(String),
}

impl Refusal {
    /// Reads status and body; anything may stand in the body.
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
                Self::Away(format!("The ComfyUI server is not ready (HTTP {status})."))
            }
            _ => {
                let said = words(body);
                Self::Final(format!("The ComfyUI server failed (HTTP {status}): {said}"))
            }
        }
    }

    /// `{"error": {...}, "node_errors": {...}}`. In old servers the error may be a string and the node
    /// errors an array; a proxy may answer anything.
    fn bad_request(body: &str) -> Self {
        let Ok(answer) = serde_json::from_str::<Value>(body) else {
            return Self::Final(format!(
                "The ComfyUI server refused the order: {}",
                words(body)
            ));
        };
        let nodes = answer.get("node_errors").and_then(Value::as_object);
        let errors = nodes.into_iter().flatten().flat_map(|(node, told)| {
            let class = told.get("class_type").and_then(Value::as_str);
            let class = class.unwrap_or(node).to_owned();
            let list = told.get("errors").and_then(Value::as_array);
            let list = list.into_iter().flatten();
            list.map(move |error| (class.clone(), error))
        });
        let errors: Vec<_> = errors.collect();
        if errors.iter().any(|(_, error)| is_missing_picture(error)) {
            return Self::PictureGone;
        }
        if let Some((class, error)) = errors.first() {
            return Self::Final(of_node(class, error));
        }
        let error = answer.get("error").unwrap_or(&Value::Null);
        Self::Final(of_order(error))
    }
}

fn final_(text: &str) -> Refusal {
    Refusal::Final(text.to_owned())
}

fn is_missing_picture(error: &Value) -> bool {
    word(error, "type") == Some("custom_validation_failed")
        && word(error, "details").is_some_and(|details| details.contains("Invalid image file"))
}

/// What is wrong with one input of one node.
fn of_node(class: &str, error: &Value) -> String {
    let info = error.get("extra_info");
    let input = info
        .and_then(|info| word(info, "input_name"))
        .unwrap_or("?");
    let details = words(word(error, "details").unwrap_or_default());
    match word(error, "type") {
        Some("value_not_in_list") => {
            let received = info.and_then(|info| info.get("received_value"));
            let lacks = match received {
                Some(Value::String(name)) => format!("`{}`", words(name)),
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
            let message = words(word(error, "message").unwrap_or("refused"));
            format!(
                "The ComfyUI server refused the workflow at {class}: {message} ({details}). Its owner has \
                 to mend the workflow."
            )
        }
    }
}

/// What is wrong with the whole order.
fn of_order(error: &Value) -> String {
    if let Value::String(text) = error {
        return format!("The ComfyUI server refused the order: {}", words(text));
    }
    let info = error.get("extra_info");
    let class = info.and_then(|info| word(info, "class_type"));
    if let (Some("missing_node_type" | "invalid_prompt"), Some(class)) =
        (word(error, "type"), class)
    {
        return format!(
            "The ComfyUI server does not know the node {}: its owner has to install it.",
            words(class)
        );
    }
    let message = word(error, "message")
        .or(word(error, "type"))
        .unwrap_or("no reason given");
    let details =
        word(error, "details").filter(|details| !details.is_empty() && *details != message);
    let details = details.map(|details| format!(" ({})", words(details)));
    format!(
        "The ComfyUI server refused the order: {}{}",
        words(message),
        details.unwrap_or_default()
    )
}

fn word<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str()
}

/// One line of it, not too long, nothing that could command a terminal.
pub(super) fn words(text: &str) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn said(body: &str) -> String {
        match Refusal::read(400, body) {
            Refusal::Final(words) => words,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn node_errors_name_the_file_that_is_missing() {
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
    fn a_picture_that_went_is_uploaded_again() {
        let body = r#"{"error":{},"node_errors":{"20":{"class_type":"LoadImage","errors":[
            {"type":"custom_validation_failed","details":"image - Invalid image file: a.jpg [temp]"}]}}}"#;
        assert_eq!(Refusal::read(400, body), Refusal::PictureGone);
    }

    #[test]
    fn old_servers_and_proxies_are_read_leniently() {
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
        assert!(matches!(Refusal::read(503, ""), Refusal::Away(_)));
        for (status, about) in [
            (413, "max-upload-size"),
            (403, "token"),
            (401, "token"),
            (404, "base path"),
            (500, "HTTP 500"),
        ] {
            let Refusal::Final(told) = Refusal::read(status, "x") else {
                panic!("{status}");
            };
            assert!(told.contains(about), "{told}");
        }
    }
}
