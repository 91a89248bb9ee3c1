//! URLs and paths in example requests.

use regex::Regex;

use super::parameter_text::decoded;

/// Whether a path segment matches another that has `{}` for its variables.
pub fn fits_part(wanted: &str, given: &str) -> bool {
    !given.is_empty() && variables(wanted, given).is_some()
}

/// The values of the variables in one path segment, if it matches the template.
pub fn variables<'p>(wanted: &'p str, given: &'p str) -> Option<Vec<(&'p str, &'p str)>> {
    if !wanted.contains('{') {
        return (wanted == given || decoded(wanted) == decoded(given)).then(Vec::new);
    }
    if let Some(name) = wanted.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'))
        && !name.contains('{')
    {
        return Some(vec![(name, given)]);
    }
    let mut form = String::from("^");
    let mut rest = wanted;
    while let Some((before, after)) = rest.split_once('{') {
        let (_, behind) = after.split_once('}')?;
        form.push_str(&regex::escape(before));
        form.push_str("(.+?)");
        rest = behind;
    }
    form.push_str(&regex::escape(rest));
    form.push('$');
    let found = Regex::new(&form).ok()?.captures(given)?;
    let values = found.iter().skip(1).flatten().map(|value| value.as_str());
    Some(openapi_model::paths::variables(wanted).into_iter().zip(values).collect())
}

/// A URL without its query and fragment, and the query.
pub fn divide(url: &str) -> (&str, &str) {
    let url = url.split('#').next().unwrap_or_default();
    url.split_once('?').unwrap_or((url, ""))
}

/// `https://host:port` of a URL, and its path.
pub fn split(url: &str) -> (&str, &str) {
    let after_scheme = url.find("://").map_or(0, |at| at + 3);
    match url[after_scheme..].find('/') {
        Some(at) => url.split_at(after_scheme + at),
        None => (url, ""),
    }
}

/// Whether a base URL matches a server URL, whose variables match any text without a dot or a slash. Case and the
/// default port are ignored.
pub fn matches(server: &str, base: &str) -> bool {
    let (server, base) = (server.to_lowercase(), base.to_lowercase());
    let usual = [("https://", ":443"), ("http://", ":80")];
    let port = usual.into_iter().find(|(scheme, _)| base.starts_with(scheme)).map_or("", |(_, port)| port);
    let mut rest = base.strip_suffix(port).unwrap_or(&base);
    let mut parts = server.split(['{', '}']);
    let Some(after) = rest.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    rest = after;
    while let (Some(_variable), Some(literal)) = (parts.next(), parts.next()) {
        let end = rest.find(['.', '/']).unwrap_or(rest.len());
        if end == 0 {
            return false;
        }
        let Some(after) = rest[end..].strip_prefix(literal) else {
            return false;
        };
        rest = after;
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_servers_with_variables_are_recognised() {
        let server = "https://rest.{instance}.braze.com";
        assert!(matches(server, "https://rest.iad-03.braze.com"));
        assert!(matches(server, "https://REST.iad-03.Braze.com:443"));
        for other in [
            "https://rest.braze.com",
            "http://rest.iad-03.braze.com",
            "https://rest.iad-03.braze.com.evil.org",
            "https://rest..braze.com",
            "https://rest.a.b.braze.com",
        ] {
            assert!(!matches(server, other), "{other}");
        }
        assert!(matches("https://{host}", "https://x"));
        assert_eq!(split("https://x.{y}.org/v1/"), ("https://x.{y}.org", "/v1/"));
        assert_eq!(split("https://x.org"), ("https://x.org", ""));
    }
}
