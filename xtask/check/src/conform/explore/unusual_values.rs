//! Values, methods, headers and bodies that servers often mishandle.

/// Parts of values that servers often mishandle, percent-encoded.
pub(super) const UNUSUAL: &[&str] = &[
    "%2F",
    "%2f..%2f",
    "%00",
    "%0d%0aX-Injected:%20y",
    "%C0%AF",
    "%E0%80%AF",
    "%F4%90%80%80",
    "%ED%A0%80",
    "%ff",
    "%25%32%46",
    "%252F",
    "%zz",
    "%",
    "%5C",
    "%2e%2e",
    ";a=b",
    "+",
    "%20",
    "%09",
    "%E2%80%AE",
    "%F0%9F%98%80",
    "e%CC%81",
    "null",
    "undefined",
    "-1",
    "1e999",
    "%27%20OR%20%271%27=%271",
    "%22",
    "%3Cscript%3E",
    "$%7Bjndi:x%7D",
    "%7B%7D",
    "*",
    "~",
    "@",
    ":",
];

/// Whole values at which servers often fail: where numbers end, and long texts and such beyond ASCII; percent-encoded.
pub(super) const BOUNDARIES: &[&str] =
    &["0", "-1", "1", "2147483648", "-2147483649", "9223372036854775808", "1e30", "0.1", "%C3%A9%E6%97%A5", LONG];

/// A text that is longer than most columns of databases.
pub(super) const LONG: &str = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

/// Methods besides the documented one.
pub(super) const METHODS: &[&str] = &[
    "GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "QUERY", "PROPFIND", "FOO", "get", "Post",
    "X-Y",
];

/// Headers that change what some servers do.
pub(super) const HEADERS: &[(&str, &[u8])] = &[
    ("accept", b"text/html"),
    ("accept", b"application/xml;q=0.9, */*;q=0"),
    ("accept-charset", b"utf-16"),
    ("accept-language", b"\xff\xfe"),
    ("content-type", b"application/json"),
    ("content-type", b"text/plain; charset=utf-7"),
    ("content-type", b"multipart/form-data"),
    ("content-type", b"\x80/\x80"),
    ("content-encoding", b"gzip"),
    ("cookie", b"session=admin; session=other"),
    ("expect", b"100-continue"),
    ("forwarded", b"for=127.0.0.1;host=localhost;proto=https"),
    ("idempotency-key", b"1"),
    ("origin", b"https://elsewhere.example.com"),
    ("x-forwarded-for", b"127.0.0.1"),
    ("x-forwarded-host", b"localhost"),
    ("x-http-method-override", b"DELETE"),
    ("x-original-url", b"/"),
    ("x-rewrite-url", b"/admin"),
    ("x-request-id", b"00000000-0000-0000-0000-000000000000"),
    ("x-ratelimit-remaining", b"1000000"),
    ("x-user", b"admin"),
];

/// Bodies where none is expected.
pub(super) const BODIES: &[&[u8]] =
    &[b"{}", b"[", b"null", b"{\"id\":null,\"cursor\":[", b"<?xml version=\"1.0\"?><a/>", b"\xff\xfe\x00"];

/// The basis of IDs that do not exist.
pub(super) const UNKNOWN: u128 = 0x3b1f_6c08_94d7_4a25_8e60_c5f2_17ad_b943;
