//! What a sync promises, with a real source, a real store and a real destination.

mod delivery;
mod histories;
mod leases;
mod passing;
mod patience;
mod postgres;
mod reading;
mod refusals;
mod rig;
mod trouble;
