//! Compares the objects that have arrived with the seeded rows.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use hyper::body::Bytes;
use serde_json::{Map, Value};

use crate::seed;

/// For each row, whether it has arrived.
struct Arrived(Vec<bool>);

impl Arrived {
    fn take(&mut self, object: &Map<String, Value>) {
        let user = object["external_id"].as_str().unwrap();
        let row: u32 = user.strip_prefix("user-").unwrap().parse().unwrap();
        let mut expected: Map<String, Value> = serde_json::from_str(&seed::payload(row)).unwrap();
        expected.insert("external_id".into(), user.into());
        assert_eq!(*object, expected);
        assert!(!std::mem::replace(&mut self.0[row as usize], true), "{user} came twice");
    }

    fn are_all(&self) {
        let missing = self.0.iter().filter(|arrived| !**arrived).count();
        assert_eq!(missing, 0, "rows are missing");
    }
}

/// Checks that the lines of a file are exactly the rows.
pub fn lines(file: &Path, rows: u32) {
    let mut arrived = Arrived(vec![false; rows as usize]);
    for line in BufReader::new(File::open(file).unwrap()).lines() {
        arrived.take(&serde_json::from_str(&line.unwrap()).unwrap());
    }
    arrived.are_all();
}

/// Checks that the objects of the requests are exactly the rows.
pub fn bodies(bodies: &[Bytes], rows: u32) {
    let mut arrived = Arrived(vec![false; rows as usize]);
    for body in bodies {
        let body: Map<String, Value> = serde_json::from_slice(body).unwrap();
        body["attributes"].as_array().unwrap().iter().for_each(|object| arrived.take(object.as_object().unwrap()));
    }
    arrived.are_all();
}

/// Checks arrivals in little memory and time: each row comes once, and all objects together are as long as they must be.
pub struct Tally {
    arrived: Vec<u64>,
    pub rows: u32,
    bytes: u64,
}

impl Tally {
    pub fn new(rows: u32) -> Tally {
        Tally { arrived: vec![0; rows.div_ceil(64) as usize], rows: 0, bytes: 0 }
    }

    /// Takes objects, of which `framing` bytes and a separator between two belong to none.
    pub fn take(&mut self, objects: &str, framing: usize) {
        const USER: &str = "\"external_id\":\"user-";
        let before = self.rows;
        for (at, _) in objects.match_indices(USER) {
            let number = &objects[at + USER.len()..];
            let row: usize = number[..number.find('"').unwrap()].parse().unwrap();
            let (word, bit) = (&mut self.arrived[row / 64], 1 << (row % 64));
            assert_eq!(*word & bit, 0, "user-{row} came twice");
            *word |= bit;
            self.rows += 1;
        }
        let objects_taken = (self.rows - before) as usize;
        self.bytes += (objects.len() - framing - objects_taken.saturating_sub(1)) as u64;
    }

    /// Checks that all rows have come as they are.
    pub fn is_all(&self, rows: u32) {
        assert_eq!(self.rows, rows, "rows are missing");
        assert_eq!(self.bytes, (0..rows).map(|row| seed::object(row).len() as u64).sum::<u64>(), "objects differ");
    }
}
