//! Where the server is and which key is used: options, then the environment, then the configuration file.

use cdi_client::{BuildError, Client};

use crate::args::Common;
use crate::cache::Cache;
use crate::environment::{Setting, environment};
use crate::failure::{Exit, Failure};
use crate::profile::Profile;
use crate::retries::Retries;
use crate::shell::{quoted, quoted_path};

/// A client, and where its settings come from.
pub(crate) struct Settings {
    pub(crate) client: Client,
    /// How a command line for the same server begins.
    pub(crate) command: String,
    pub(crate) url_origin: String,
    pub(crate) key_origin: String,
    pub(crate) cache: Cache,
}

impl Settings {
    pub(crate) fn new(common: &Common, retries: &Retries) -> Result<Settings, Failure> {
        let profile = Profile::choose(common)?;
        // A profile named by an option takes precedence over the environment.
        let profile_first = common.profile.is_some();
        let first_of = |from_environment: Option<Setting>, from_profile: Option<Setting>| match profile_first {
            true => from_profile.or(from_environment),
            false => from_environment.or(from_profile),
        };
        let option = common.url.clone().map(|value| Setting { value, origin: "--url".into() });
        let url = option.or(first_of(environment("CDI_URL")?, profile.as_ref().map(Profile::url)));
        let Some(url) = url else {
            return Err(Failure::configuration(
                "the server's URL is missing: set CDI_URL (a shell variable needs `export`), pass --url, or write a profile (see \
                 cdi help environment)",
            ));
        };
        // A key must only be sent to its own server.
        let (own, foreign) = profile.into_iter().partition::<Vec<_>, _>(|profile| profile.url().value == url.value);
        let from_environment = environment("CDI_API_KEY")?;
        let from_profile = match own.first() {
            Some(profile) if profile_first || from_environment.is_none() => profile.key()?,
            _ => None,
        };
        let Some(key) = first_of(from_environment, from_profile) else {
            return Err(Failure::configuration(match foreign.first() {
                Some(profile) => format!(
                    "the API key is missing: set CDI_API_KEY; the key of {} is only sent to the URL of that profile",
                    profile.url().origin
                ),
                None => "the API key is missing: set CDI_API_KEY (a shell variable needs `export`), or write a profile (see \
                         cdi help environment)"
                    .into(),
            }));
        };
        let client = client(&url, &key, retries)?;
        Ok(Settings {
            cache: Cache::new(client.base_url(), &key.value),
            client,
            command: command(common),
            url_origin: url.origin,
            key_origin: key.origin,
        })
    }
}

fn client(url: &Setting, key: &Setting, retries: &Retries) -> Result<Client, Failure> {
    let retries = retries.clone();
    let builder = Client::builder()
        .user_agent(concat!("cdi/", env!("CARGO_PKG_VERSION")))
        .api_key(&key.value)
        .on_retry(move |retry| retries.note(retry));
    builder.server(&url.value).build().map_err(|error| match &error {
        BuildError::Key(problem) => Failure::configuration(format!("the API key from {} {problem}", key.origin)),
        BuildError::Url { url: shown, reason, .. } => {
            Failure::configuration(format!("the URL {shown} from {}: {reason}", url.origin))
        }
        BuildError::Server(_) => Failure::configuration(format!("{error} (from {})", url.origin)),
        BuildError::Http(_) => Failure::new(Exit::Trouble, "configuration", error.to_string()).advise(&roots_advice()),
        _ => Failure::configuration(error.to_string()),
    })
}

/// What to do without any root certificates.
fn roots_advice() -> String {
    let named = |name: &str| Some(format!("{name} is {}", std::env::var_os(name)?.display()));
    let named: Vec<String> = ["SSL_CERT_FILE", "SSL_CERT_DIR"].into_iter().filter_map(named).collect();
    if named.is_empty() {
        "https needs root certificates; Linux has them in the package ca-certificates".into()
    } else {
        format!("https needs root certificates, and {}, where there are none in PEM", named.join(" and "))
    }
}

/// How a command line for the same server begins, as a shell reads it.
fn command(common: &Common) -> String {
    let text = |value: &Option<String>| value.as_deref().map(quoted);
    let options = [
        ("--config", common.config.as_deref().map(quoted_path)),
        ("--profile", text(&common.profile)),
        ("--url", text(&common.url)),
    ];
    let mut command = String::from("cdi");
    for (option, value) in options {
        if let Some(value) = value {
            command.push_str(&format!(" {option} {value}"));
        }
    }
    command
}
