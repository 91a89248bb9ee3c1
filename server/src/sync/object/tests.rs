//! What rows become.

use super::*;

fn row(identifier: Option<Identifier>, payload: Option<&str>) -> Row {
    Row::unkeyed(1_795_466_584_000_123, identifier, payload.map(str::to_owned), None)
}

fn user() -> Option<Identifier> {
    Some(Identifier::ExternalId("u\"1".into()))
}

fn object(row: &Row) -> Result<String, String> {
    object_of(IntegrationKind::Attributes, row)
}

fn object_of(kind: IntegrationKind, row: &Row) -> Result<String, String> {
    written(ObjectEncoder { kind, update_existing_only: None, bare_deletes: false }, row)
}

fn written(encoder: ObjectEncoder, row: &Row) -> Result<String, String> {
    let mut out = b"before ".to_vec();
    let result = encoder.write(row, &mut out);
    let text = String::from_utf8(out).unwrap();
    let text = text.strip_prefix("before ").unwrap().to_owned();
    match result {
        Ok(()) => {
            serde_json::from_str::<serde_json::Value>(&text).unwrap();
            Ok(text)
        }
        Err(reason) => {
            assert_eq!(text, "", "nothing is appended on refusal");
            Err(reason)
        }
    }
}

#[test]
fn the_identifier_stands_before_the_payload_whose_digits_are_kept() {
    let payload = " {\"n\":1.10, \"big\":12345678901234567890123,\n\"a\":null} ";
    assert_eq!(
        object(&row(user(), Some(payload))).unwrap(),
        r#"{"external_id":"u\"1","n":1.10, "big":12345678901234567890123, "a":null}"#
    );
    assert_eq!(object(&row(user(), Some("{ }"))).unwrap(), r#"{"external_id":"u\"1"}"#);
}

#[test]
fn every_identifier_has_its_place() {
    for (identifier, expected) in [
        (Identifier::BrazeId("b".into()), r#"{"braze_id":"b","x":1}"#),
        (Identifier::Email("e@x".into()), r#"{"email":"e@x","x":1}"#),
        (Identifier::Phone("+1".into()), r#"{"phone":"+1","x":1}"#),
        (
            Identifier::Alias { name: "n".into(), label: "l".into() },
            r#"{"user_alias":{"alias_name":"n","alias_label":"l"},"x":1}"#,
        ),
    ] {
        assert_eq!(identifier_object(&identifier), expected.replace(r#","x":1"#, ""));
        assert_eq!(object(&row(Some(identifier), Some(r#"{"x":1}"#))).unwrap(), expected);
    }
}

#[test]
fn rows_that_cannot_be_sent_are_refused_with_the_reason() {
    let many: Vec<String> = (0..251).map(|number| format!("\"k{number}\":1")).collect();
    let many = format!("{{{}}}", many.join(","));
    let long = format!("{{\"k\":\"{}\"}}", "x".repeat(LONGEST_PAYLOAD));
    for (payload, expected) in [
        (None, "PAYLOAD is null"),
        (Some(""), "PAYLOAD is empty"),
        (Some(" \n"), "PAYLOAD is empty"),
        (Some("{"), "not a JSON object: EOF"),
        (Some("[1]"), "not a JSON object"),
        (Some("7"), "not a JSON object"),
        (Some("{\"a\":1}{"), "not a JSON object"),
        (Some("{\"a\":}"), "not a JSON object"),
        (Some(r#"{"external_id":"x"}"#), "identifier `external_id`; put identifiers in their own columns"),
        (Some(r#"{"\u0062raze_id":"x"}"#), "identifier `braze_id`"),
        (Some(r#"{"user_alias":{}}"#), "identifier `user_alias`"),
        (Some(many.as_str()), "251 keys"),
        (Some(long.as_str()), "1,000,008 bytes; 1,000,000 are allowed"),
    ] {
        let reason = object(&row(user(), payload)).unwrap_err();
        assert!(reason.contains(expected), "{reason}");
    }
    assert!(object(&row(None, Some("{}"))).unwrap_err().contains("all identifier columns are null"));
    let empty = Some(Identifier::ExternalId(" ".into()));
    assert!(object(&row(empty, Some("{}"))).unwrap_err().contains("empty"));
}

#[test]
fn an_email_is_an_attribute_unless_it_is_the_identifier() {
    let payload = Some(r#"{"email":"new@example.com"}"#);
    assert!(object(&row(user(), payload)).is_ok());
    let by_email = Some(Identifier::Email("old@example.com".into()));
    assert!(object(&row(by_email, payload)).unwrap_err().contains("identifier `email`"));
}
#[test]
fn an_event_needs_a_name_and_happened_when_its_row_changed() {
    let event = |payload: &str| object_of(IntegrationKind::Events, &row(user(), Some(payload)));
    assert_eq!(
        event(r#"{"name":"seen","properties":{"a":1,"b":null}}"#).unwrap(),
        r#"{"external_id":"u\"1","name":"seen","properties":{"a":1,"b":null},"time":"2026-11-23T20:43:04.000123Z"}"#
    );
    assert_eq!(
        event(r#"{"name":"seen","time":"2020-01-01T00:00:00Z","properties":null}"#).unwrap(),
        r#"{"external_id":"u\"1","name":"seen","time":"2020-01-01T00:00:00Z","properties":null}"#
    );
    let long = "x".repeat(256);
    for (payload, reason) in [
        (r#"{}"#.to_owned(), "PAYLOAD has no `name`".to_owned()),
        (r#"{"name":7}"#.to_owned(), "`name` must be a string".to_owned()),
        (r#"{"name":""}"#.to_owned(), "`name` is empty".to_owned()),
        (format!(r#"{{"name":"{long}"}}"#), "`name` has 256 characters; 255 are allowed".to_owned()),
        (r#"{"name":"a","time":5}"#.to_owned(), "`time` must be a string".to_owned()),
        (
            r#"{"name":"a","time":"tomorrow"}"#.to_owned(),
            "`time` must be a date and time in ISO 8601, such as \"2026-11-01T12:00:00Z\"".to_owned(),
        ),
        (r#"{"name":"a","properties":[]}"#.to_owned(), "`properties` must be an object".to_owned()),
        (r#"{"name":"a","properties":{"":1}}"#.to_owned(), "a property's name is empty".to_owned()),
        (
            r#"{"name":"a","properties":{"\u0024x":1}}"#.to_owned(),
            "the name of the property `$x` begins with `$`".to_owned(),
        ),
        (
            format!(r#"{{"name":"a","properties":{{"{long}":1}}}}"#),
            "a property's name has 256 characters; 255 are allowed".to_owned(),
        ),
    ] {
        assert_eq!(event(&payload), Err(reason));
    }
}

#[test]
fn a_purchase_needs_a_product_a_currency_and_a_price_that_is_a_number() {
    let purchase = |payload: &str| object_of(IntegrationKind::Purchases, &row(user(), Some(payload)));
    assert_eq!(
        purchase(r#"{"product_id":"p","currency":"EUR","price":-9.90,"quantity":2}"#).unwrap(),
        r#"{"external_id":"u\"1","product_id":"p","currency":"EUR","price":-9.90,"quantity":2,"time":"2026-11-23T20:43:04.000123Z"}"#
    );
    for (payload, reason) in [
        (r#"{"currency":"EUR","price":1}"#, "PAYLOAD has no `product_id`"),
        (r#"{"product_id":"p","price":1}"#, "PAYLOAD has no `currency`"),
        (r#"{"product_id":"p","currency":"EUR"}"#, "PAYLOAD has no `price`"),
        (r#"{"product_id":"p","currency":"EUR","price":"1"}"#, "`price` must be a number"),
        (r#"{"product_id":"p","currency":"EUR","price":null}"#, "`price` must be a number"),
        (
            r#"{"product_id":"p","currency":"EUR","price":1,"quantity":"2"}"#,
            "`quantity` must be a whole number of at most 100",
        ),
        (
            r#"{"product_id":"p","currency":"EUR","price":1,"quantity":101}"#,
            "`quantity` must be a whole number of at most 100",
        ),
        (
            r#"{"product_id":"p","currency":"EUR","price":1,"quantity":1.5}"#,
            "`quantity` must be a whole number of at most 100",
        ),
        (
            r#"{"product_id":"p","currency":"Euro","price":1}"#,
            "`currency` must be an ISO 4217 code of three letters, such as \"EUR\"",
        ),
    ] {
        assert_eq!(purchase(payload), Err(reason.to_owned()));
    }
}

#[test]
fn users_are_deleted_by_what_only_one_user_has() {
    let (in_service, in_file) = (true, false);
    let deleted = |bare_deletes, identifier| {
        let row = row(Some(identifier), None);
        let kind = IntegrationKind::UserDeletes;
        let encoder = ObjectEncoder { kind, update_existing_only: None, bare_deletes };
        (written(encoder, &row), encoder.batch_key(&row))
    };
    let alias = || Identifier::Alias { name: "n".into(), label: "l".into() };
    assert_eq!(deleted(in_service, Identifier::ExternalId("e".into())), (Ok(r#""e""#.into()), BatchKey::USUAL));
    assert_eq!(deleted(in_service, Identifier::BrazeId("b".into())), (Ok(r#""b""#.into()), BatchKey::BRAZE_IDS));
    let written_alias = r#"{"alias_name":"n","alias_label":"l"}"#;
    assert_eq!(deleted(in_service, alias()), (Ok(written_alias.into()), BatchKey::ALIASES));
    let object = format!(r#"{{"user_alias":{written_alias}}}"#);
    assert_eq!(deleted(in_file, alias()), (Ok(object), BatchKey::USUAL));
    for several in [Identifier::Email("e".into()), Identifier::Phone("p".into())] {
        assert!(deleted(in_service, several).0.unwrap_err().contains("because several users may share"));
    }
}

#[test]
fn the_service_is_told_whether_to_make_users() {
    let written = |update_existing_only, identifier, payload| {
        let update_existing_only = Some(update_existing_only);
        let encoder = ObjectEncoder { kind: IntegrationKind::Attributes, update_existing_only, bare_deletes: false };
        written(encoder, &row(Some(identifier), Some(payload))).unwrap()
    };
    let (user, alias) = (Identifier::BrazeId("b".into()), Identifier::Alias { name: "n".into(), label: "l".into() });
    let of_alias = r#"{"user_alias":{"alias_name":"n","alias_label":"l"}"#;
    assert_eq!(written(false, user.clone(), "{}"), r#"{"braze_id":"b"}"#);
    assert_eq!(written(true, user.clone(), "{}"), r#"{"braze_id":"b","_update_existing_only":true}"#);
    assert_eq!(written(false, alias.clone(), "{}"), format!(r#"{of_alias},"_update_existing_only":false}}"#));
    let own = r#"{"_update_existing_only":false}"#;
    assert_eq!(written(true, user, own), r#"{"braze_id":"b","_update_existing_only":false}"#, "the row knows best");
}

#[test]
fn a_reason_repeats_nothing_that_the_payload_says() {
    for payload in ["\"secret\"", "[\"secret\"]", "{\"a\": secret}", "{\"secret\"", "{\"name\":{\"secret\":1}}"] {
        let reason = object_of(IntegrationKind::Events, &row(user(), Some(payload))).unwrap_err();
        assert!(!reason.contains("secret"), "{reason}");
    }
}

#[test]
fn numbers_that_are_infinite_to_other_programs_are_refused() {
    let long = "9".repeat(400);
    for value in ["1e400", "-1E400", "{\"a\":[1,2e999]}", &long, &format!("[{long}]")] {
        let payload = format!("{{\"price\":{value}}}");
        assert_eq!(
            object(&row(user(), Some(&payload))).unwrap_err(),
            "`price` is or contains a number that is too large, such as 1e400; numbers must be below 1.8e308"
        );
    }
    for value in ["1e300", "1e-400", "\"1e400\"", "\"route 6e400\"", &"9".repeat(300), &format!("\"{long}\"")] {
        assert!(object(&row(user(), Some(&format!("{{\"price\":{value}}}")))).is_ok(), "{value}");
    }
}
