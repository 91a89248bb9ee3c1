//! How the service behaves when its surroundings fail: its disk is full, its store is unreachable, a source is cut off,
//! replicas are killed or suspended. Everything is real: processes, files, Postgres, HTTP.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod ending;
mod full_disk;
mod opening;
mod replicas;
mod schedules;
mod source_cut;
mod store_away;
mod tools;
