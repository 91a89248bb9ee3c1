//! What the command line does besides serving: each command in a file.

pub mod check;
pub mod key;
pub mod preview;
pub mod row_errors;
pub mod watermark;
