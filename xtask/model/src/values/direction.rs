//! Whether values are sent or received.

/// Which way a value goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// To the server: what is `readOnly` is not sent, and not required.
    Request,
    /// From the server: what is `writeOnly` is not sent, and not required.
    Response,
}
