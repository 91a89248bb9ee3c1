//! What a sync promises, with a real source, a real store and a real destination.

mod acknowledged;
mod delivery;
mod experiments;
mod leases;
mod oracle;
mod passing;
mod patience;
mod postgres;
mod reading;
mod refusals;
mod rig;
mod trouble;
mod written_twice;
