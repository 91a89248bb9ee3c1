//! How much the service takes in one request.

/// Objects that `/users/track` takes in a request.
pub const MOST_OBJECTS: usize = 75;
/// Users that `/users/delete` takes in a request.
pub const MOST_DELETES: usize = 50;
/// The service takes 4 MB; some bytes are left for the JSON around the objects.
pub const MOST_BYTES: usize = 3_900_000;
