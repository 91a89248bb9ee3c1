//! What has arrived beside what was seeded.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use hyper::body::Bytes;
use serde_json::{Map, Value};

use crate::seed;

/// Which rows have arrived.
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

/// Each line of the file is a row, and every row is there.
pub fn lines(file: &Path, rows: u32) {
    let mut arrived = Arrived(vec![false; rows as usize]);
    for line in BufReader::new(File::open(file).unwrap()).lines() {
        arrived.take(&serde_json::from_str(&line.unwrap()).unwrap());
    }
    arrived.are_all();
}

/// Each object of the requests is a row, and every row is there.
pub fn bodies(bodies: &[Bytes], rows: u32) {
    let mut arrived = Arrived(vec![false; rows as usize]);
    for body in bodies {
        let body: Map<String, Value> = serde_json::from_slice(body).unwrap();
        body["attributes"].as_array().unwrap().iter().for_each(|object| arrived.take(object.as_object().unwrap()));
    }
    arrived.are_all();
}
