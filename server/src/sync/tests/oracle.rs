//! Random histories, judged by what users are promised, whatever the engine does.
//!
//! The oracle knows the world: what stood in the source when, what has arrived, which rows were recorded as refused, and when
//! a sync ended well. It knows nothing of watermarks, digests, leases or orders of reading. What it takes as promised stands
//! in [`judge`] and, for attributes, in [`state`]; [`perfect`] shows that both can be kept and that each flaw is found.
//!
//! `OPENCDI_SEED` (decimal, or hexadecimal after `0x`) and `OPENCDI_HISTORIES` (how many for each test) say what is tried;
//! `OPENCDI_HISTORY` tries a single one. With `OPENCDI_SURVEY` a test does not end with the first broken promise, but
//! counts all and shows the shortest history of each kind.

mod changes;
mod drive;
mod history;
mod hunt;
mod judge;
mod perfect;
mod state;
mod world;

use crate::types::IntegrationKind::{self, Attributes, Events, Purchases, UserDeletes};
use changes::Setting;
use hunt::hunt;
use world::TimeFormat;

fn service(kind: IntegrationKind, format: TimeFormat) -> Setting {
    Setting { kind, format, postgres: false, file: false }
}

fn file(kind: IntegrationKind, format: TimeFormat) -> Setting {
    Setting { file: true, ..service(kind, format) }
}

fn from_postgres(setting: Setting) -> Setting {
    Setting { postgres: true, ..setting }
}

#[test]
fn attributes_at_a_service_are_what_the_source_says() {
    hunt(
        "attributes_at_a_service_are_what_the_source_says",
        1600,
        &[service(Attributes, TimeFormat::TextSeconds), service(Attributes, TimeFormat::UnixMilliseconds)],
    );
}

#[test]
fn attributes_from_postgres_are_what_the_source_says() {
    hunt(
        "attributes_from_postgres_are_what_the_source_says",
        300,
        &[
            from_postgres(service(Attributes, TimeFormat::Timestamptz)),
            from_postgres(service(Attributes, TimeFormat::TextMicros)),
        ],
    );
}

#[test]
fn events_arrive_as_often_as_they_stand_in_the_source() {
    hunt(
        "events_arrive_as_often_as_they_stand_in_the_source",
        1800,
        &[service(Events, TimeFormat::UnixSeconds), service(Events, TimeFormat::TextMixed)],
    );
}

#[test]
fn purchases_arrive_as_often_as_they_stand_in_the_source() {
    hunt(
        "purchases_arrive_as_often_as_they_stand_in_the_source",
        1800,
        &[service(Purchases, TimeFormat::TextMicros), service(Purchases, TimeFormat::UnixSeconds)],
    );
}

#[test]
fn events_and_purchases_from_postgres_arrive_as_often_as_they_stand_there() {
    hunt(
        "events_and_purchases_from_postgres_arrive_as_often_as_they_stand_there",
        300,
        &[
            from_postgres(service(Purchases, TimeFormat::Timestamptz)),
            from_postgres(service(Events, TimeFormat::TextMixed)),
        ],
    );
}

#[test]
fn users_are_deleted_once_for_each_row() {
    hunt(
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
    hunt(
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
    hunt(
        "a_file_from_postgres_has_each_line_once",
        300,
        &[from_postgres(file(Events, TimeFormat::Timestamptz)), from_postgres(file(Attributes, TimeFormat::TextMixed))],
    );
}
