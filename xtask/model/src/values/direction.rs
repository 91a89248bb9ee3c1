//! Whether a value is sent or received.

/// The direction in which a value is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// To the server: `readOnly` properties are not sent and not required.
    Request,
    /// From the server: `writeOnly` properties are not sent and not required.
    Response,
}
