//! Property tests: random histories, checked against what users are guaranteed, independently of the implementation.
//!
//! The oracle knows only what can be seen from outside: the source's rows at each time, the objects that have arrived, the row
//! errors, and when a sync ended without an error. It does not know watermarks, digests, leases or the order of reading. The
//! guarantees are in [`judge`], for attributes in [`state`], and with `only_changed` in [`only_changed`]. [`perfect`] tests the
//! oracle itself: a correct model passes, and each flaw is found.
//!
//! `OPENCDI_SEED` (decimal, or hexadecimal after `0x`) sets the seed, `OPENCDI_HISTORIES` the number of histories per test, and
//! `OPENCDI_HISTORY` runs a single one. With `OPENCDI_SURVEY` a test continues after a violation, counts all of them, and
//! prints the shortest history of each kind.

mod changes;
mod drive;
mod history;
mod judge;
mod only_changed;
mod perfect;
mod search;
mod state;
mod world;

use crate::types::IntegrationKind::{self, Attributes, Events, Purchases, UserDeletes};
use changes::Setting;
use search::find_counterexample;
use world::TimeFormat;

fn service(kind: IntegrationKind, format: TimeFormat) -> Setting {
    Setting { kind, format, postgres: false, file: false, only_changed: false, two_names: false }
}

fn file(kind: IntegrationKind, format: TimeFormat) -> Setting {
    Setting { file: true, ..service(kind, format) }
}

fn from_postgres(setting: Setting) -> Setting {
    Setting { postgres: true, ..setting }
}

/// With `only_changed`.
fn what_changed(setting: Setting) -> Setting {
    Setting { only_changed: true, ..setting }
}

#[test]
fn attributes_at_a_service_match_the_source() {
    find_counterexample(
        "attributes_at_a_service_match_the_source",
        1600,
        &[service(Attributes, TimeFormat::TextSeconds), service(Attributes, TimeFormat::UnixMilliseconds)],
    );
}

#[test]
fn attributes_from_postgres_match_the_source() {
    find_counterexample(
        "attributes_from_postgres_match_the_source",
        300,
        &[
            from_postgres(service(Attributes, TimeFormat::Timestamptz)),
            from_postgres(service(Attributes, TimeFormat::TextMicros)),
        ],
    );
}

#[test]
fn only_what_changed_is_sent_to_a_service() {
    find_counterexample(
        "only_what_changed_is_sent_to_a_service",
        800,
        &[
            what_changed(service(Attributes, TimeFormat::TextSeconds)),
            what_changed(service(Attributes, TimeFormat::UnixMilliseconds)),
        ],
    );
}

#[test]
fn only_what_changed_is_written_to_a_file() {
    find_counterexample(
        "only_what_changed_is_written_to_a_file",
        600,
        &[
            what_changed(file(Attributes, TimeFormat::TextMicros)),
            what_changed(file(Attributes, TimeFormat::TextMixed)),
        ],
    );
}

#[test]
fn only_what_changed_in_postgres_is_sent() {
    find_counterexample(
        "only_what_changed_in_postgres_is_sent",
        150,
        &[
            what_changed(from_postgres(service(Attributes, TimeFormat::Timestamptz))),
            what_changed(from_postgres(file(Attributes, TimeFormat::TextSeconds))),
            what_changed(from_postgres(service(Attributes, TimeFormat::TextMicros))),
        ],
    );
}

#[test]
fn what_changed_of_users_with_two_identifiers_is_sent() {
    let two_names = |setting: Setting| Setting { two_names: true, ..what_changed(setting) };
    find_counterexample(
        "what_changed_of_users_with_two_identifiers_is_sent",
        600,
        &[
            two_names(service(Attributes, TimeFormat::TextSeconds)),
            two_names(file(Attributes, TimeFormat::UnixMilliseconds)),
            two_names(from_postgres(service(Attributes, TimeFormat::Timestamptz))),
        ],
    );
}

#[test]
fn events_arrive_as_often_as_they_occur_in_the_source() {
    find_counterexample(
        "events_arrive_as_often_as_they_occur_in_the_source",
        1800,
        &[service(Events, TimeFormat::UnixSeconds), service(Events, TimeFormat::TextMixed)],
    );
}

#[test]
fn purchases_arrive_as_often_as_they_occur_in_the_source() {
    find_counterexample(
        "purchases_arrive_as_often_as_they_occur_in_the_source",
        1800,
        &[service(Purchases, TimeFormat::TextMicros), service(Purchases, TimeFormat::UnixSeconds)],
    );
}

#[test]
fn events_and_purchases_from_postgres_arrive_as_often_as_they_occur_there() {
    find_counterexample(
        "events_and_purchases_from_postgres_arrive_as_often_as_they_occur_there",
        300,
        &[
            from_postgres(service(Purchases, TimeFormat::Timestamptz)),
            from_postgres(service(Events, TimeFormat::TextMixed)),
        ],
    );
}

#[test]
fn users_are_deleted_once_for_each_row() {
    find_counterexample(
        "users_are_deleted_once_for_each_row",
        1200,
        &[
            service(UserDeletes, TimeFormat::UnixMilliseconds),
            service(UserDeletes, TimeFormat::TextMicros),
            service(UserDeletes, TimeFormat::TextSeconds),
            service(UserDeletes, TimeFormat::UnixSeconds),
            from_postgres(service(UserDeletes, TimeFormat::Timestamptz)),
        ],
    );
}

#[test]
fn a_file_has_each_line_once() {
    find_counterexample(
        "a_file_has_each_line_once",
        2700,
        &[
            file(Events, TimeFormat::UnixMilliseconds),
            file(Attributes, TimeFormat::TextSeconds),
            file(Events, TimeFormat::TextMixed),
        ],
    );
}

#[test]
fn a_file_from_postgres_has_each_line_once() {
    find_counterexample(
        "a_file_from_postgres_has_each_line_once",
        300,
        &[from_postgres(file(Events, TimeFormat::Timestamptz)), from_postgres(file(Attributes, TimeFormat::TextMixed))],
    );
}
