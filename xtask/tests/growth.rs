//! The work of the check grows with the contract and no faster. Counted in bytes that are allocated, which are the same on
//! every machine; `cargo xtask bench check` has the times.

#![allow(clippy::unwrap_used)]

use std::alloc::System;
use std::path::Path;

use apidrift::check::read_pages;
use apidrift_core::settings::Project;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use xtask::bench::check::Sample;

#[global_allocator]
static ALLOCATED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The bytes that checking a contract allocates.
fn bytes(sample: &Sample) -> f64 {
    let region = Region::new(ALLOCATED);
    sample.check();
    region.change().bytes_allocated as f64
}

#[test]
fn four_times_the_operations_take_four_times_the_memory_with_or_without_drift() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let project = Project::load(root).unwrap();
    let contract = project.read(&project.layout.contract).unwrap();
    let pages = read_pages(&project).unwrap();
    let (small, large) = (Sample::new(&contract, &pages, 30).unwrap(), Sample::new(&contract, &pages, 120).unwrap());
    assert_eq!(small.check(), (0, 30));
    assert_eq!(large.check(), (0, 120));
    assert!(large.drifted().check().0 > 100);
    for (small, large) in [(&small, &large), (&small.drifted(), &large.drifted())] {
        let growth = bytes(large) / bytes(small);
        assert!((3.0..4.5).contains(&growth), "four times the operations allocate {growth:.2} times as much");
    }
}
