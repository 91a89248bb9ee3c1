//! The keys of a `users_track` destination in the configuration.

use std::sync::Arc;
use std::time::Duration;

use super::limits::{MOST_DELETES, MOST_OBJECTS};
use crate::secret::Secret;
use crate::settings::{Section, Text};
use crate::sync::Destination;
use crate::types::IntegrationKind;

/// How long a request is tried again while the service is in trouble.
const GIVE_UP_AFTER: Duration = Duration::from_secs(300);
/// How long it is tried again while the service has too many requests.
const GIVE_UP_WHEN_LIMITED_AFTER: Duration = Duration::from_secs(3600);

/// A service with `/users/track`.
#[derive(Debug, Clone)]
pub struct UsersTrack {
    /// Its base URL, without a slash at the end.
    pub url: String,
    /// The key that is sent as a bearer token.
    pub api_key: Secret,
    /// Objects in a request, where fewer are wanted than the service takes.
    pub batch_size: Option<usize>,
    /// Whether users that the service does not know are left out instead of made.
    pub update_existing_only: bool,
    /// How long a request is tried again while the service is in trouble, before the sync ends in `error`.
    pub give_up_after: Duration,
    /// How long a request is tried again while the service has too many requests and takes none at all, before the sync ends
    /// in `error`.
    pub give_up_when_limited_after: Duration,
}

/// Reads the keys.
pub fn configure(section: &mut Section<'_, '_>, kind: Option<IntegrationKind>) -> Option<Arc<dyn Destination>> {
    let url = section.needed("url").and_then(|url| base_url(section, &url));
    let missing = "a `users_track` destination needs `api_key`, such as `api_key = { env = \"BRAZE_API_KEY\" }`";
    let api_key = section.secret("api_key", missing);
    if let Some(key) = &api_key
        && !key.get_ref().expose().bytes().all(|byte| byte.is_ascii_graphic())
    {
        let message = "the key that was read has a blank, a line break or another character that keys do not have";
        section.problem(key.span(), message);
    }
    let deletes = kind == Some(IntegrationKind::UserDeletes);
    let update_existing_only = section.flag("update_existing_only");
    if let Some(flag) = update_existing_only.as_ref().filter(|_| deletes) {
        section.problem(flag.span(), "`update_existing_only` means nothing for `user_deletes`");
    }
    let most = if deletes { MOST_DELETES } else { MOST_OBJECTS };
    let batch_size = section.number("batch_size", 1..=most as u64).map(|size| size as usize);
    let give_up_after = section.duration("give_up_after", GIVE_UP_AFTER);
    let give_up_when_limited_after = section.duration("give_up_when_limited_after", GIVE_UP_WHEN_LIMITED_AFTER);
    Some(Arc::new(UsersTrack {
        url: url?,
        api_key: api_key?.into_inner(),
        batch_size,
        update_existing_only: update_existing_only.is_some_and(|flag| flag.into_inner()),
        give_up_after,
        give_up_when_limited_after,
    }))
}

fn base_url(section: &mut Section<'_, '_>, text: &Text) -> Option<String> {
    let wrong = match reqwest::Url::parse(text.get_ref()) {
        Err(error) => format!("this is not a URL: {error}"),
        Ok(url) if !matches!(url.scheme(), "http" | "https") => {
            "write a URL that begins with https:// or http://".into()
        }
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            "a user name or password does not belong into this URL; `api_key` is all that is needed".into()
        }
        Ok(url) if url.query().is_some() || url.fragment().is_some() => "leave out what follows `?` and `#`".into(),
        Ok(url) => return Some(url.as_str().trim_end_matches('/').to_owned()),
    };
    section.problem(text.span(), wrong);
    None
}
