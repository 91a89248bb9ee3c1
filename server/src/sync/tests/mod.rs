//! What a sync promises, with a real source, a real store and a real destination.

mod delivery;
mod histories;
mod leases;
mod postgres;
mod reading;
mod rig;
mod trouble;

pub use rig::postgres;
