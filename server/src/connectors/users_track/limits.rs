//! Braze's limits.

/// Maximum objects per request to `/users/track`.
pub const MOST_OBJECTS: usize = 75;
/// Maximum users per request to `/users/delete`.
pub const MOST_DELETES: usize = 50;
/// Braze accepts 4 MB; the rest is for the JSON around the objects.
pub const MOST_BYTES: usize = 3_900_000;
/// Requests to `/users/track` in a second: Braze accepts 1,000, from all callers of a workspace together.
pub const REQUESTS_A_SECOND: u32 = 975;
/// Requests to `/users/delete` in a second: Braze accepts 20,000 in a minute, together with a few other endpoints.
pub const DELETES_A_SECOND: u32 = 310;
