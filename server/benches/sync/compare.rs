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
