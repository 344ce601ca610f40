//! One operation of the service, as its module describes it for the OpenAPI document.

use axum::http::{Method, StatusCode};
use schemars::{JsonSchema, Schema, SchemaGenerator};

pub(crate) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

pub(crate) struct Operation {
    pub(super) method: Method,
    /// As in the table, without the `*` of a wildcard.
    pub(super) path: &'static str,
    pub(super) summary: &'static str,
    pub(super) note: Option<&'static str>,
    /// Besides those of the path.
    pub(super) parameters: Vec<Parameter>,
    pub(super) body: Option<Content>,
    pub(super) answers: Vec<Answer>,
}

pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) place: &'static str,
    pub(super) description: &'static str,
}

pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) content: Content,
}

pub(super) enum Content {
    None,
    Json(SchemaOf),
    Events(SchemaOf),
    /// A media type without a schema.
    Media(&'static str),
}

impl Answer {
    pub(super) fn reason(&self) -> &'static str {
        let status = StatusCode::from_u16(self.status).ok();
        status
            .and_then(|status| status.canonical_reason())
            .unwrap_or("Answer")
    }
}

impl Operation {
    fn new(method: Method, path: &'static str, summary: &'static str) -> Self {
        Self {
            method,
            path,
            summary,
            note: None,
            parameters: Vec::new(),
            body: None,
            answers: Vec::new(),
        }
    }

    pub(crate) fn get(path: &'static str, summary: &'static str) -> Self {
        Self::new(Method::GET, path, summary)
    }

    pub(crate) fn post(path: &'static str, summary: &'static str) -> Self {
        Self::new(Method::POST, path, summary)
    }

    pub(crate) fn put(path: &'static str, summary: &'static str) -> Self {
        Self::new(Method::PUT, path, summary)
    }

    pub(crate) fn patch(path: &'static str, summary: &'static str) -> Self {
        Self::new(Method::PATCH, path, summary)
    }

    pub(crate) fn delete(path: &'static str, summary: &'static str) -> Self {
        Self::new(Method::DELETE, path, summary)
    }

    /// Further sentences.
    pub(crate) fn note(self, note: &'static str) -> Self {
        Self {
            note: Some(note),
            ..self
        }
    }

    pub(crate) fn query(self, name: &'static str, description: &'static str) -> Self {
        self.parameter("query", name, description)
    }

    pub(crate) fn header(self, name: &'static str, description: &'static str) -> Self {
        self.parameter("header", name, description)
    }

    fn parameter(
        mut self,
        place: &'static str,
        name: &'static str,
        description: &'static str,
    ) -> Self {
        self.parameters.push(Parameter {
            name,
            place,
            description,
        });
        self
    }

    /// The request's body is this JSON.
    pub(crate) fn takes<T: JsonSchema>(self) -> Self {
        Self {
            body: Some(Content::Json(|generator| generator.subschema_for::<T>())),
            ..self
        }
    }

    pub(crate) fn takes_media(self, kind: &'static str) -> Self {
        Self {
            body: Some(Content::Media(kind)),
            ..self
        }
    }

    pub(crate) fn json<T: JsonSchema>(self, status: u16) -> Self {
        self.answer(
            status,
            Content::Json(|generator| generator.subschema_for::<T>()),
        )
    }

    /// Server-sent events with this JSON as data.
    pub(crate) fn events<T: JsonSchema>(self) -> Self {
        self.answer(
            200,
            Content::Events(|generator| generator.subschema_for::<T>()),
        )
    }

    pub(crate) fn media(self, status: u16, kind: &'static str) -> Self {
        self.answer(status, Content::Media(kind))
    }

    /// An answer without a body.
    pub(crate) fn empty(self, status: u16) -> Self {
        self.answer(status, Content::None)
    }

    fn answer(mut self, status: u16, content: Content) -> Self {
        self.answers.push(Answer { status, content });
        self
    }
}
