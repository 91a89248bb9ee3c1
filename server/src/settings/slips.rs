//! Common slips in TOML, and what to write instead. The parser only says what it expected.

use std::ops::Range;

/// Quotation marks of word processors.
const CURLY: &str = "“”„‟‘’‚‛«»";

/// Keys with what there is instead of them.
type Instead = (&'static [&'static str], &'static str);

/// Keys that other programs have or that belong elsewhere, in any table.
const IN_ANY_TABLE: &[Instead] = &[
    (
        &["cron", "every", "frequency", "interval", "schedule", "schedules"],
        "syncs run on a schedule with `schedule = \"*/15 * * * *\"` in [[integrations]], above [integrations.source]",
    ),
    (
        &["keep_payloads", "lookback", "max_duration", "max_failed_share", "only_changed"],
        "it is a setting of the integration: write it above [integrations.source]",
    ),
    (
        &["max_in_flight", "requests_per_second"],
        "it is a setting of a `users_track` destination: write it in [integrations.destination]",
    ),
    (
        &["columns", "fields", "filter", "mapping", "query", "select", "sql", "view", "where"],
        "`table` names a table or a view: write the query as a view in the database",
    ),
];

/// The same for keys that mean something else in a source or destination.
const OUTSIDE_OF_CONNECTORS: &[Instead] = &[
    (
        &["cert", "certificate", "cert_file", "https", "key_file", "ssl", "tls", "tls_cert", "tls_key"],
        "`certificate` and `key` in [server.tls] name the PEM files for TLS",
    ),
    (&["addr", "address", "bind", "host", "port"], "`listen` in [server] is the address and the port"),
    (&["log", "log_level", "logging", "logs"], "RUST_LOG sets what is logged, such as RUST_LOG=cdi_server=debug"),
    (&["metrics", "prometheus"], "`listen` in [admin] is the address of `/metrics`"),
    (
        &["from", "recipient", "recipients", "smtp", "to"],
        "e-mail is set in a [[notify]] entry: `email = { from = \"…\", smtp = { env = \"NAME\" }, to = [\"…\"] }`; without `to` it goes to \
         the `contact_emails` of the integration, and a webhook has no recipients",
    ),
    (
        &["signing_secret", "slack", "webhook", "webhook_secret", "webhook_url", "webhooks"],
        "messages are sent to a webhook by a [[notify]] entry: `webhook = { url = { env = \"NAME\" }, secret = { env = \"NAME\" } }`",
    ),
];

/// What there is instead of a key that is not known.
pub(super) fn instead_of(key: &str, is_of_connector: bool) -> Option<&'static str> {
    let others = if is_of_connector { &[] } else { OUTSIDE_OF_CONNECTORS };
    IN_ANY_TABLE.iter().chain(others).find(|(keys, _)| keys.contains(&key)).map(|(_, instead)| *instead)
}

/// What to write instead of what the parser has stumbled over at these bytes; `None` if its own message has to do. It repeats
/// nothing that may be a secret.
pub(super) fn explained(text: &str, span: &Range<usize>, message: &str) -> Option<String> {
    let wrong = text.get(span.clone()).unwrap_or_default();
    let line = line_at(text, span.start);
    let (before, rest) = text.split_at_checked(span.start)?;
    if let Some((key, _)) = message.strip_prefix("unknown field `").and_then(|rest| rest.split_once('`')) {
        return instead_of(key, false).map(|instead| format!("unknown field `{key}`; {instead}"));
    }
    let is = |starts: &[&str]| starts.iter().any(|start| message.starts_with(start));
    if is(&["too few unicode value digits", "missing escaped value"]) {
        return Some(
            "a backslash in `\"…\"` begins an escape; write the text in single quotes, such as 'C:\\data', or double the backslash"
                .into(),
        );
    }
    let unquoted = is(&["string values must be quoted", "invalid boolean"]);
    let half_quoted = is(&["missing opening quote", "invalid basic string", "invalid literal string"]);
    if (unquoted || half_quoted || is(&["invalid unquoted key"])) && line.contains(|letter| CURLY.contains(letter)) {
        return Some("write straight quotes: `\"…\"`, not “…”".into());
    }
    if unquoted && ["true", "false", "yes", "no", "on", "off"].contains(&wrong.to_lowercase().as_str()) {
        return Some("write `true` or `false`, or a text in quotes: `\"…\"`".into());
    }
    if unquoted {
        return Some("a text needs quotes: write `\"…\"`".into());
    }
    if is(&["invalid float", "invalid integer", "invalid date"]) {
        return Some("this is neither a number nor a text in quotes: `\"…\"`".into());
    }
    if half_quoted {
        let place = if is(&["missing opening quote"]) { "opening" } else { "closing" };
        return Some(format!("the {place} quote of this text is missing"));
    }
    if is(&["invalid multi-line"]) {
        return Some("the closing quotes of this text are missing".into());
    }
    if is(&["key with no value", "missing assignment"])
        && (before.trim_end().ends_with(':') || rest.trim_start().starts_with(':'))
    {
        return Some("write `=` between key and value, not `:`".into());
    }
    if is(&["extra `=`"]) {
        return Some("write one `=` between key and value".into());
    }
    if is(&["unexpected key or value"])
        && let Some(mark @ (',' | ';')) = rest.chars().next()
    {
        return Some(format!("remove the `{mark}`"));
    }
    if is(&["invalid type: sequence, expected a map"]) {
        let name = wrong.strip_prefix("[[")?.strip_suffix("]]")?;
        return Some(format!("write `[{name}]`, with one bracket: there is only one"));
    }
    None
}

fn line_at(text: &str, offset: usize) -> &str {
    let start = text.get(..offset).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1);
    text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::problem::toml_problem;

    /// The message for a text that is read as a table of tables.
    fn said(text: &str) -> String {
        type File = std::collections::BTreeMap<String, std::collections::BTreeMap<String, toml::Value>>;
        toml_problem(text, &toml::from_str::<File>(text).unwrap_err()).message
    }

    #[test]
    fn slips_are_answered_with_what_to_write() {
        let of_value = |value: &str| said(&format!("[server]\nlisten = {value}\n"));
        for (value, expected) in [
            (r#""C:\Users\me""#, "a backslash in `\"…\"` begins an escape; write the text in single quotes"),
            (r#""C:\data""#, "a backslash in `\"…\"` begins an escape"),
            ("“Users”", "write straight quotes: `\"…\"`, not “…”"),
            ("\"Users”", "write straight quotes"),
            ("‘Users’", "write straight quotes"),
            ("\"Users", "the closing quote of this text is missing"),
            ("'Users", "the closing quote of this text is missing"),
            ("\"\"\"Users", "the closing quotes of this text are missing"),
            ("Users\"", "the opening quote of this text is missing"),
            ("ten", "a text needs quotes: write `\"…\"`"),
            ("10m", "a text needs quotes"),
            ("sqlite:opencdi.db", "a text needs quotes"),
            ("[cdi.integration_list]", "a text needs quotes"),
            ("0.0.0.0:8080", "this is neither a number nor a text in quotes"),
            ("True", "write `true` or `false`, or a text in quotes"),
            ("yes", "write `true` or `false`"),
            ("{ env: \"X\" }", "write `=` between key and value, not `:`"),
            ("= \"x\"", "write one `=` between key and value"),
            ("\"x\";", "remove the `;`"),
            ("1,000", "remove the `,`"),
        ] {
            let message = of_value(value);
            assert!(message.starts_with(expected), "{value}: {message}");
        }
        assert_eq!(said("[server]\nlisten: \"x\""), "write `=` between key and value, not `:`");
        assert_eq!(said("[[server]]\nlisten = \"x\""), "write `[server]`, with one bracket: there is only one");
        assert_eq!(said("server = []"), "invalid type: sequence, expected a map");
    }

    #[test]
    fn what_may_be_a_secret_is_not_repeated() {
        for value in ["hunter2", "\"hunter2", "hunter2\"", "“hunter2”", "\"hunter2\\q\"", "\"hunter2\";"] {
            let message = said(&format!("[server]\napi_key = {value}"));
            assert!(!message.contains("hunter2"), "{message}");
        }
    }
}
