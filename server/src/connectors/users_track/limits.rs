//! Braze's limits per request.

/// Maximum objects per request to `/users/track`.
pub const MOST_OBJECTS: usize = 75;
/// Maximum users per request to `/users/delete`.
pub const MOST_DELETES: usize = 50;
/// Braze accepts 4 MB; the rest is for the JSON around the objects.
pub const MOST_BYTES: usize = 3_900_000;
