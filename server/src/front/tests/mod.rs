//! The front before a small HTTP server: whatever a peer does ends, and well-behaved callers are served meanwhile.
//!
//! All deadlines are long but the one that a test is about.

mod files;
mod limits;
mod patience;
mod rig;
mod tls;
