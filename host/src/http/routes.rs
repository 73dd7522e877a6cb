//! The routes: one table that makes both the router and its description, so that neither can know a route that the other
//! does not.

use axum::handler::Handler;
use axum::http::StatusCode;
use axum::routing::{self, MethodRouter};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::app::Shared;
use super::problem::Code;
use super::{
    acts, admin, backtests, backup, batch, blacklist, contracts, decisions, events, export, ledger, master_key, meta, privacy, rollout,
    uploads,
};

/// The media type of JSON that has none of its own.
pub(super) const JSON: &str = "application/json";

/// Every route, in the order in which the description lists them.
pub fn endpoints() -> Vec<Endpoint> {
    [
        events::endpoints(),
        batch::endpoints(),
        decisions::endpoints(),
        backtests::endpoints(),
        blacklist::endpoints(),
        acts::endpoints(),
        ledger::endpoints(),
        export::endpoints(),
        backup::endpoints(),
        master_key::endpoints(),
        admin::endpoints(),
        contracts::endpoints(),
        uploads::endpoints(),
        rollout::endpoints(),
        privacy::endpoints(),
        meta::endpoints(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Adds a type's schema to a generator.
pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// One method of one path.
pub struct Endpoint {
    /// `GET`, `POST`, `PUT` or `DELETE`.
    pub method: &'static str,
    /// The path's template; a last segment `{*name}` takes the rest of the path.
    pub path: &'static str,
    /// The operation's name for generated clients.
    pub id: &'static str,
    /// The group it is listed in.
    pub tag: &'static str,
    /// What it does, in a line.
    pub summary: &'static str,
    /// What there is to know beyond the summary.
    pub description: &'static str,
    /// Parameters of the query, as an object.
    pub query: Option<SchemaOf>,
    /// What is posted.
    pub body: Option<RequestBody>,
    /// What is answered when all is well, by status.
    pub answers: Vec<Answer>,
    /// Which problems it has besides those of every route.
    pub errors: Vec<Code>,
    /// Whether it needs no key.
    pub open: bool,
    /// Whether it is answered however full the server is.
    pub always: bool,
    /// Whether it has a batch's time instead of a request's.
    pub batch: bool,
    /// Whether it has an upload's time beside a request's.
    pub upload: bool,
    /// The handler.
    pub handler: MethodRouter<Shared>,
}

/// What is posted.
#[derive(Clone, Copy)]
pub enum RequestBody {
    /// A CloudEvent; its schemas are served.
    Event,
    /// A list of them.
    Batch,
    /// A merchant's configuration with its policies; its schema is served.
    Merchant,
    /// A policy's component, alone or in a form.
    Component,
    /// JSON of a type.
    Json(SchemaOf),
}

impl RequestBody {
    /// JSON of this type.
    pub fn of<T: JsonSchema>() -> Self {
        Self::Json(T::json_schema)
    }
}

/// One way in which all is well.
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// What it means.
    pub description: &'static str,
    /// What is in it.
    pub content: Content,
}

/// What an answer carries.
pub enum Content {
    /// Nothing.
    Nothing,
    /// JSON of a type, under its media type.
    Json(SchemaOf, &'static str),
    /// Text of a media type.
    Text(&'static str),
    /// JSON of a type, or text of a media type for who asks for that.
    JsonOr(SchemaOf, &'static str),
}

impl Endpoint {
    /// The path's template as the description has it, which knows no rest of a path.
    pub fn described_path(&self) -> String {
        self.path.replace("{*", "{")
    }
}

macro_rules! methods {
    ($($(#[$meta:meta])* $name:ident $text:literal,)+) => {$(
        $(#[$meta])*
        pub fn $name<H, T>(path: &'static str, id: &'static str, handler: H) -> Self
        where
            H: Handler<T, Shared>,
            T: 'static,
        {
            Self::new($text, path, id, routing::$name(handler))
        }
    )+};
}

impl Endpoint {
    methods! {
        /// A route for `GET`, and so for `HEAD`.
        get "GET",
        /// A route for `POST`.
        post "POST",
        /// A route for `PUT`.
        put "PUT",
        /// A route for `DELETE`.
        delete "DELETE",
    }

    fn new(method: &'static str, path: &'static str, id: &'static str, handler: MethodRouter<Shared>) -> Self {
        Self {
            method,
            path,
            id,
            tag: "",
            summary: "",
            description: "",
            query: None,
            body: None,
            answers: Vec::new(),
            errors: Vec::new(),
            open: false,
            always: false,
            batch: false,
            upload: false,
            handler,
        }
    }

    /// The group it is listed in.
    pub fn tag(self, tag: &'static str) -> Self {
        Self { tag, ..self }
    }

    /// What it does, in a line.
    pub fn summary(self, summary: &'static str) -> Self {
        Self { summary, ..self }
    }

    /// What there is to know beyond the summary.
    pub fn describe(self, description: &'static str) -> Self {
        Self { description, ..self }
    }

    /// Parameters of the query.
    pub fn query<T: JsonSchema>(self) -> Self {
        Self { query: Some(T::json_schema), ..self }
    }

    /// What is posted.
    pub fn body(self, body: RequestBody) -> Self {
        Self { body: Some(body), ..self }
    }

    /// JSON with status 200.
    pub fn answer<T: JsonSchema>(self, description: &'static str) -> Self {
        self.answered::<T>(StatusCode::OK, description)
    }

    /// JSON with this status.
    pub fn answered<T: JsonSchema>(self, status: StatusCode, description: &'static str) -> Self {
        self.with(Answer { status, description, content: Content::Json(|generator| generator.subschema_for::<T>(), JSON) })
    }

    /// JSON with status 200 under a media type of its own.
    pub fn answer_as<T: JsonSchema>(self, media_type: &'static str, description: &'static str) -> Self {
        let content = Content::Json(|generator| generator.subschema_for::<T>(), media_type);
        self.with(Answer { status: StatusCode::OK, description, content })
    }

    /// JSON with another status that is no error.
    pub fn also<T: JsonSchema>(self, status: StatusCode, description: &'static str) -> Self {
        self.answered::<T>(status, description)
    }

    /// JSON with status 200, or text of a media type where `accept` prefers it.
    pub fn answer_or<T: JsonSchema>(self, media_type: &'static str, description: &'static str) -> Self {
        let content = Content::JsonOr(|generator| generator.subschema_for::<T>(), media_type);
        self.with(Answer { status: StatusCode::OK, description, content })
    }

    /// Text with status 200.
    pub fn text(self, media_type: &'static str, description: &'static str) -> Self {
        self.with(Answer { status: StatusCode::OK, description, content: Content::Text(media_type) })
    }

    /// Status 204.
    pub fn no_content(self, description: &'static str) -> Self {
        self.with(Answer { status: StatusCode::NO_CONTENT, description, content: Content::Nothing })
    }

    fn with(mut self, answer: Answer) -> Self {
        self.answers.push(answer);
        self
    }

    /// Which problems it has besides those of every route.
    pub fn errors(mut self, errors: &[Code]) -> Self {
        self.errors.extend_from_slice(errors);
        self
    }

    /// It needs no key.
    pub fn open(self) -> Self {
        Self { open: true, ..self }
    }

    /// It is answered however full the server is.
    pub fn always(self) -> Self {
        Self { always: true, ..self }
    }

    /// It has a batch's time.
    pub fn batch(self) -> Self {
        Self { batch: true, ..self }
    }

    /// It has an upload's time beside a request's.
    pub fn upload(self) -> Self {
        Self { upload: true, ..self }
    }
}
