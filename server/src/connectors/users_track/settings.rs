//! The keys of a `users_track` destination in the configuration.

use std::sync::Arc;
use std::time::Duration;

use super::limits::{DELETES_A_SECOND, MOST_DELETES, MOST_OBJECTS, REQUESTS_A_SECOND};
use super::throttle::Most;
use crate::secret::Secret;
use crate::settings::{Section, Text};
use crate::sync::Destination;
use crate::types::IntegrationKind;

/// Default of `give_up_after`.
const GIVE_UP_AFTER: Duration = Duration::from_secs(300);
/// Default of `give_up_when_limited_after`.
const GIVE_UP_WHEN_LIMITED_AFTER: Duration = Duration::from_secs(3600);

/// Default of `max_in_flight`.
const MAX_IN_FLIGHT: usize = 256;

/// A service with `/users/track` and `/users/delete`.
#[derive(Debug, Clone)]
pub struct UsersTrack {
    /// The base URL, without a trailing slash.
    pub url: String,
    /// The key that is sent as a bearer token.
    pub api_key: Secret,
    /// Maximum objects per request; `None` for the service's maximum.
    pub batch_size: Option<usize>,
    /// Maximum requests in a second; `None` for somewhat less than the service's maximum.
    pub requests_per_second: Option<u32>,
    /// Maximum requests in flight; `None` for the default.
    pub max_in_flight: Option<usize>,
    /// Whether users that the service does not know are skipped instead of created.
    pub update_existing_only: bool,
    /// How long a failing request is retried before the sync ends in `error`.
    pub give_up_after: Duration,
    /// How long a request is retried while the service answers every request with 429, before the sync ends in `error`.
    pub give_up_when_limited_after: Duration,
}

impl UsersTrack {
    /// How many requests it may send and have in flight.
    pub(super) fn most(&self, kind: IntegrationKind) -> Most {
        let usual = match kind {
            IntegrationKind::UserDeletes => DELETES_A_SECOND,
            _ => REQUESTS_A_SECOND,
        };
        Most {
            rate: f64::from(self.requests_per_second.unwrap_or(usual)),
            in_flight: self.max_in_flight.unwrap_or(MAX_IN_FLIGHT),
        }
    }
}

/// Reads the keys of the section.
pub fn configure(section: &mut Section<'_, '_>, kind: Option<IntegrationKind>) -> Option<Arc<dyn Destination>> {
    let url = section.needed("url").and_then(|url| base_url(section, &url));
    let missing = "a `users_track` destination needs `api_key`, such as `api_key = { env = \"BRAZE_API_KEY\" }`";
    let api_key = section.secret("api_key", missing);
    if let Some(key) = &api_key
        && !key.get_ref().expose().bytes().all(|byte| byte.is_ascii_graphic())
    {
        let message = "the key has a space, a line break or another character that API keys do not contain; check where it is read from";
        section.problem(key.span(), message);
    }
    let deletes = kind == Some(IntegrationKind::UserDeletes);
    let update_existing_only = section.flag("update_existing_only");
    if let Some(flag) = update_existing_only.as_ref().filter(|_| deletes) {
        section.problem(flag.span(), "`update_existing_only` has no effect with `user_deletes`; remove it");
    }
    let most = if deletes { MOST_DELETES } else { MOST_OBJECTS };
    let batch_size = section.number("batch_size", 1..=most as u64).map(|size| size as usize);
    let requests_per_second = section.number("requests_per_second", 1..=100_000).map(|requests| requests as u32);
    let max_in_flight = section.number("max_in_flight", 1..=1000).map(|requests| requests as usize);
    let give_up_after = section.duration("give_up_after", GIVE_UP_AFTER);
    let give_up_when_limited_after = section.duration("give_up_when_limited_after", GIVE_UP_WHEN_LIMITED_AFTER);
    Some(Arc::new(UsersTrack {
        url: url?,
        api_key: api_key?.into_inner(),
        batch_size,
        requests_per_second,
        max_in_flight,
        update_existing_only: update_existing_only.is_some_and(|flag| flag.into_inner()),
        give_up_after,
        give_up_when_limited_after,
    }))
}

fn base_url(section: &mut Section<'_, '_>, text: &Text) -> Option<String> {
    let wrong = match reqwest::Url::parse(text.get_ref()) {
        _ if !text.get_ref().contains("://") => {
            "this is not a whole URL; write https:// in front, such as `https://rest.iad-03.braze.com`".into()
        }
        Err(error) => format!("this is not a URL: {error}"),
        Ok(url) if !matches!(url.scheme(), "http" | "https") => {
            "write a URL that begins with https:// or http://".into()
        }
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            "remove the user name and password from this URL; `api_key` is enough".into()
        }
        Ok(url) if url.query().is_some() || url.fragment().is_some() => {
            "remove everything from the `?` or `#` on".into()
        }
        Ok(url) => {
            let url = url.as_str().trim_end_matches('/');
            match ["/users/track", "/users/delete"].into_iter().find(|path| url.ends_with(path)) {
                Some(path) => format!("`url` is the address without the path of the endpoint; remove `{path}`"),
                None => return Some(url.to_owned()),
            }
        }
    };
    section.problem(text.span(), wrong);
    None
}

/// A warning if requests to this URL leave the machine unencrypted.
pub fn unencrypted(url: &str) -> Option<String> {
    let url = reqwest::Url::parse(url).ok().filter(|url| url.scheme() == "http")?;
    let host = url.host_str()?;
    // An IPv6 address is in brackets.
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    let is_local = address.map_or(host == "localhost" || host.ends_with(".localhost"), |address| address.is_loopback());
    (!is_local).then(|| format!("the API key and the rows are sent to {host} unencrypted; write `https://` in `url`"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::settings::{RawSection, Reader};

    /// The settings in a file with this table, or its problems.
    fn settings(text: &str, kind: IntegrationKind) -> Result<String, Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("key"), "the-key\n").unwrap();
        std::fs::write(folder.path().join("two lines"), "the\nkey\n").unwrap();
        let text = format!("[destination]\nkind = \"users_track\"\n{text}");
        let mut file: BTreeMap<String, toml::Spanned<RawSection>> = toml::from_str(&text).unwrap();
        let mut reader = Reader::new(&text, &folder.path().join("opencdi.toml"));
        let mut section = Section::new(&mut reader, file.remove("destination").unwrap());
        section.kind().unwrap();
        let configured = configure(&mut section, Some(kind));
        section.refuse_others();
        let read = reader.finish(());
        read.map(|()| format!("{:?}", configured.unwrap())).map_err(|problems| {
            problems.into_iter().map(|problem| format!("{}: {}", problem.key, problem.message)).collect()
        })
    }

    #[test]
    fn the_keys_are_read() {
        let text = settings(
            "url = \"https://x/\"\napi_key = { file = \"key\" }\nbatch_size = 10\nrequests_per_second = 100\nmax_in_flight = 20\nupdate_existing_only = true\ngive_up_after = \"1m\"",
            IntegrationKind::Attributes,
        );
        assert_eq!(
            text.unwrap(),
            "UsersTrack { url: \"https://x\", api_key: …, batch_size: Some(10), requests_per_second: Some(100), \
             max_in_flight: Some(20), update_existing_only: true, give_up_after: 60s, give_up_when_limited_after: 3600s }"
        );
    }

    #[test]
    fn the_path_of_an_endpoint_is_refused() {
        let problems = |url: &str| {
            let text = format!("url = \"{url}\"\napi_key = {{ file = \"key\" }}");
            settings(&text, IntegrationKind::Attributes).err()
        };
        for (path, written) in
            [("/users/track", "https://x/users/track"), ("/users/delete", "https://x/proxy/users/delete/")]
        {
            let expected =
                format!("destination.url: `url` is the address without the path of the endpoint; remove `{path}`");
            assert_eq!(problems(written), Some(vec![expected]));
        }
        assert_eq!(problems("https://x/proxy/users"), None);
    }

    #[test]
    fn a_key_that_leaves_the_machine_unencrypted_is_warned_of() {
        assert_eq!(
            unencrypted("http://rest.iad-03.braze.com").unwrap(),
            "the API key and the rows are sent to rest.iad-03.braze.com unencrypted; write `https://` in `url`"
        );
        assert!(unencrypted("http://10.0.0.1:8080").is_some() && unencrypted("http://[fd00::1]/x").is_some());
        for safe in ["https://x", "http://localhost:1", "http://braze.localhost", "http://127.0.0.2", "http://[::1]:80"]
        {
            assert_eq!(unencrypted(safe), None, "{safe}");
        }
    }

    #[test]
    fn all_problems_are_reported_at_once() {
        let text = "url = 5\napi_key = { file = \"two lines\" }\nbatch_size = 51\nrequests_per_second = 0\nmax_in_flight = 1001\nupdate_existing_only = true\npath = \"x\"";
        let known = "`kind`, `url`, `api_key`, `update_existing_only`, `batch_size`, `requests_per_second`, `max_in_flight`, `give_up_after`, `give_up_when_limited_after`";
        assert_eq!(
            settings(text, IntegrationKind::UserDeletes).unwrap_err(),
            [
                "destination.url: invalid type: integer `5`, expected a text in quotes",
                "destination.api_key: the key has a space, a line break or another character that API keys do not contain; check where it is read from",
                "destination.update_existing_only: `update_existing_only` has no effect with `user_deletes`; remove it",
                "destination.batch_size: write a number from 1 to 50",
                "destination.requests_per_second: write a number from 1 to 100000",
                "destination.max_in_flight: write a number from 1 to 1000",
                &format!(
                    "destination.path: `users_track` has no key `path`; remove or correct it (its keys are {known})"
                ),
            ]
        );
    }
}
