use super::*;
use crate::routes::stylise::upload::UploadLimits;

const KIND: &str = "multipart/form-data; boundary=x";

fn part(head: &str, body: &str) -> String {
    format!("--x\r\nContent-Disposition: form-data; {head}\r\n\r\n{body}\r\n")
}

async fn read_all(kind: &str, body: String) -> Result<Form, ApiError> {
    let upload = Upload::new(body.into(), FORM_BYTES_MAX, UploadLimits::default());
    read(Some(&kind.parse().expect("header text")), &upload).await
}

async fn read_parts(parts: &[(&str, &str)]) -> Result<Form, ApiError> {
    let parts: String = parts.iter().map(|(head, body)| part(head, body)).collect();
    read_all(KIND, format!("{parts}--x--\r\n")).await
}

#[tokio::test]
async fn a_form_is_read_with_and_without_a_picture() {
    let style = ("name=\"style\"", "sketch");
    let form = read_parts(&[style]).await.expect("fine");
    assert_eq!(
        (form.style.as_str(), form.image, form.share),
        ("sketch", None, false)
    );
    let image = ("name=\"image\"; filename=\"a.jpg\"", "\u{1}\u{2}");
    let form = read_parts(&[image, ("name=\"share\"", "true"), style]).await;
    let form = form.expect("fine");
    assert_eq!(
        (form.image.as_deref(), form.share),
        (Some(&[1, 2][..]), true)
    );
    let not_chosen = ("name=\"image\"; filename=\"\"", "");
    let form = read_parts(&[style, not_chosen]).await.expect("fine");
    assert_eq!(form.image, None);
    let empty = ("name=\"image\"; filename=\"a.jpg\"", "");
    let form = read_parts(&[style, empty]).await.expect("its decoder says");
    assert_eq!(form.image, Some(Vec::new()));
}

#[tokio::test]
async fn forms_of_browsers_say_yes_in_their_way_and_send_further_fields() {
    let style = ("name=\"style\"", "sketch");
    for (said, agreed) in [("on", true), ("1", true), ("no", false), ("", false)] {
        let button = ("name=\"submit\"", "Send");
        let form = read_parts(&[style, button, ("name=\"share\"", said)]).await;
        assert_eq!(form.expect("fine").share, agreed, "{said}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let style = ("name=\"style\"", "sketch");
    for (parts, words) in [
        (vec![], "style is missing"),
        (vec![style, style], "style came twice"),
        (vec![("name=\"stile\"", "sketch")], "style is missing"),
        (vec![style, ("name=\"share\"", "maybe")], "share: \"maybe\""),
        (vec![style, ("name=\"made_by\"", "me")], "laptop or comfyui"),
        (
            vec![("name=\"style\"", &*"x".repeat(101))],
            "style is too long",
        ),
    ] {
        let problem = read_parts(&parts).await.expect_err(words);
        assert_eq!(problem.status, StatusCode::BAD_REQUEST, "{words}");
        assert!(problem.message.contains(words), "{}", problem.message);
    }
}

#[tokio::test]
async fn what_is_no_form_is_refused() {
    for (kind, body) in [
        ("application/json", "{}"),
        ("multipart/form-data", "--x--"),
        (KIND, ""),
        (
            KIND,
            "--x\r\nContent-Disposition: form-data; name=\"style\"\r\n\r\nsk",
        ),
        (KIND, "--x\r\n\0\0\0\r\n\r\n--x--"),
    ] {
        let problem = read_all(kind, body.to_owned()).await.expect_err(body);
        assert_eq!(problem.status, StatusCode::BAD_REQUEST, "{body}");
    }
}

#[tokio::test]
async fn a_picture_that_is_too_large_is_refused_whatever_its_form_says() {
    let large = "x".repeat(IMAGE_BYTES_MAX + 1);
    let image = ("name=\"image\"; filename=\"a.jpg\"", large.as_str());
    let problem = read_parts(&[image]).await.expect_err("too large");
    assert_eq!(problem.status, StatusCode::PAYLOAD_TOO_LARGE);
    let preamble = "x".repeat(FORM_BYTES_MAX + 1);
    let problem = read_all(KIND, preamble).await.expect_err("too large");
    assert_eq!(problem.status, StatusCode::PAYLOAD_TOO_LARGE);
}

/// An error is reported before the rest of the body arrives.
#[tokio::test]
async fn a_form_that_is_broken_before_its_end_is_answered_at_once() {
    let patience = UploadLimits {
        silence: std::time::Duration::from_secs(600),
        ..UploadLimits::default()
    };
    let head = "--x\r\nContent-Disposition: form-data; name=\"style\"\r\nno header\r\n\r\n";
    let begun = futures_util::stream::iter([Ok::<_, std::io::Error>(head)]);
    let body = futures_util::StreamExt::chain(begun, futures_util::stream::pending());
    let upload = Upload::new(Body::from_stream(body), FORM_BYTES_MAX, patience);
    let kind = KIND.parse().expect("header text");
    let read = tokio::time::timeout(
        std::time::Duration::from_secs(60),
        read(Some(&kind), &upload),
    );
    let problem = read.await.expect("an answer").expect_err("no header");
    assert_eq!(
        problem.status,
        StatusCode::BAD_REQUEST,
        "{}",
        problem.message
    );
}
