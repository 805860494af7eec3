//! The faults that a test can ask for.

use std::time::Duration;

use serde_json::Value;

use super::secret_form::SecretForm;

/// What goes wrong with one request.
#[derive(Clone, Debug)]
pub enum Fault {
    /// No fault. It fills a place in the queue.
    None,
    /// A chosen answer. See [`Fault::status`] and [`Fault::header`].
    Status {
        /// The status.
        status: u16,
        /// Its headers.
        headers: Vec<(String, String)>,
        /// Its body.
        body: Vec<u8>,
    },
    /// The normal answer, this much later.
    Delay(Duration),
    /// No answer, and the connection stays open.
    Hang,
    /// Head and some body, and then nothing more.
    HangMidBody,
    /// A TCP reset instead of an answer.
    Reset,
    /// Head and some body, and then a TCP reset.
    ResetMidBody,
    /// A body that ends before its `Content-Length`.
    Truncated,
    /// A 200 with a body of this many bytes.
    Huge(usize),
    /// A 200 with a body that never ends, in chunks.
    Endless,
    /// A redirect.
    Redirect {
        /// The status.
        status: u16,
        /// The `Location`.
        location: String,
    },
    /// An error of Port's shape with this text as `error` and `message`, and in `x-trace-id` as far as a
    /// header can hold it.
    Hostile {
        /// The status.
        status: u16,
        /// The text.
        text: String,
    },
    /// A 200 with this body.
    Body {
        /// The content type.
        content_type: String,
        /// The body.
        body: Vec<u8>,
    },
    /// An error whose message holds the secret that the request carried: the client secret, or the bearer
    /// token. The first form is in `x-trace-id` too.
    EchoSecret {
        /// The status.
        status: u16,
        /// The forms, in the order they are repeated.
        forms: Vec<SecretForm>,
    },
    /// A JSON-RPC error with the request's id.
    RpcError {
        /// The code.
        code: i64,
        /// The message.
        message: String,
    },
    /// The normal answer, with `Connection: close`.
    ConnectionClose,
    /// This status before the body is read, with `Connection: close`. The record has no body.
    CloseEarly(u16),
    /// This status with a `Retry-After`.
    RetryAfter {
        /// The status.
        status: u16,
        /// The form and length of the wait.
        wait: Wait,
    },
}

/// The forms of `Retry-After`.
#[derive(Clone, Debug)]
pub enum Wait {
    /// Seconds.
    Seconds(u64),
    /// An HTTP date, this far from the answer.
    Date(Duration),
    /// Any text.
    Text(String),
}

impl Fault {
    /// An answer with this status and an empty body.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::answer(status, "")
    }

    /// An answer with this status and body.
    #[must_use]
    pub fn answer(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::Status { status, headers: Vec::new(), body: body.into() }
    }

    /// A 200 with this JSON.
    #[must_use]
    pub fn json(body: &Value) -> Self {
        Self::Body { content_type: "application/json".to_owned(), body: body.to_string().into() }
    }

    /// Adds a header. Only a [`Fault::Status`] has headers; the others stay as they are.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        if let Self::Status { headers, .. } = &mut self {
            headers.push((name.into(), value.into()));
        }
        self
    }
}
