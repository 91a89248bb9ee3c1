//! Tests of syncs with a real source, store and destination.

mod acknowledged;
mod delivery;
mod leases;
mod only_changed;
mod oracle;
mod outages;
mod postgres;
mod reading;
mod recorded_once;
mod refusals;
mod retries;
mod rig;
mod same_updated_at;
mod transient_errors;
