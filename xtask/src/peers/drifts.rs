//! Realistic drifts, made one at a time in the guide's example (`xtask/check/example`).

use std::path::Path;

use anyhow::{Context as _, ensure};

/// Which documents a drift makes disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A page disagrees with the contract.
    Page,
    /// The contract breaks clients of its earlier version, and disagrees with its server.
    Breaking,
    /// The contract itself is invalid.
    Unsound,
}

impl Kind {
    pub(super) const ALL: [Kind; 3] = [Kind::Page, Kind::Breaking, Kind::Unsound];

    pub(super) fn heading(self) -> &'static str {
        match self {
            Kind::Page => "between a page and the contract",
            Kind::Breaking => "between the contract and its earlier version",
            Kind::Unsound => "in the contract itself",
        }
    }
}

/// One edit of the example. On pages the new text is as long as the old, because some tools also report line lengths.
#[derive(Debug)]
pub(super) struct Drift {
    pub(super) kind: Kind,
    pub(super) what: &'static str,
    file: &'static str,
    text: &'static str,
    with: &'static str,
}

impl Drift {
    /// Applies it to a copy of the example.
    pub(super) fn make(&self, folder: &Path) -> anyhow::Result<()> {
        let file = folder.join(self.file);
        let text = std::fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
        let times = text.matches(self.text).count();
        ensure!(times == 1, "{}: {:?} occurs {times} times in {}", self.what, self.text, self.file);
        std::fs::write(&file, text.replacen(self.text, self.with, 1))
            .with_context(|| format!("{} cannot be written", file.display()))
    }
}

const CONTRACT: &str = "openapi.yaml";
const STATIONS: &str = "docs/stations.md";
const RENTALS: &str = "docs/rentals.md";

const fn drift(kind: Kind, what: &'static str, file: &'static str, text: &'static str, with: &'static str) -> Drift {
    Drift { kind, what, file, text, with }
}

use Kind::{Breaking, Page, Unsound};

/// All drifts, by kind.
pub(super) const DRIFTS: &[Drift] = &[
    drift(Page, "a parameter has a different name", STATIONS, "| `min_bikes` |", "| `min_count` |"),
    drift(
        Page,
        "a required parameter is called optional",
        STATIONS,
        "| `city` | string | Yes |",
        "| `city` | string | No |",
    ),
    drift(Page, "a parameter has a different type", STATIONS, "| `min_bikes` | integer |", "| `min_bikes` | boolean |"),
    drift(Page, "a bound differs", STATIONS, "1 to 100", "1 to 500"),
    drift(Page, "an error is missing", STATIONS, "| 404 | There is no such station. |\n", ""),
    drift(Page, "an error has a different status", RENTALS, "| 409 | The station has", "| 422 | The station has"),
    drift(
        Page,
        "a field of an example response has a different name",
        STATIONS,
        "```json\n{\"id\": \"st_42\", \"name\": \"Praça do Comércio\", \"bikes\": 7,",
        "```json\n{\"id\": \"st_42\", \"name\": \"Praça do Comércio\", \"free\": 7,",
    ),
    drift(
        Page,
        "a field of an example response has a different type",
        RENTALS,
        "\"price_cents\": 450",
        "\"price_cents\": \"4.50\"",
    ),
    drift(Page, "a curl line has a different path", STATIONS, "/v1/stations/st_42", "/v1/station/st_42"),
    drift(
        Page,
        "a curl line has a different method",
        RENTALS,
        "-X POST https://api.citybikes.example/v1/rentals/rt_9/return",
        "-X PUT https://api.citybikes.example/v1/rentals/rt_9/return",
    ),
    drift(Page, "an allowed value differs", RENTALS, "`city`, `cargo` or `electric`", "`city`, `cargo` or `battery`"),
    drift(Page, "a field of a request body has a different name", RENTALS, "| `note` |", "| `memo` |"),
    drift(Page, "an endpoint has a different path", RENTALS, "`GET /rentals/{rental_id}`", "`GET /rental/{rental_id}`"),
    drift(Breaking, "a required parameter has a different name", CONTRACT, "name: city\n", "name: town\n"),
    drift(
        Breaking,
        "an optional parameter becomes required",
        CONTRACT,
        "- name: min_bikes\n          in: query\n",
        "- name: min_bikes\n          in: query\n          required: true\n",
    ),
    drift(Breaking, "a value is no longer accepted", CONTRACT, "enum: [city, cargo, electric]", "enum: [city, cargo]"),
    drift(
        Breaking,
        "a field of a response is removed",
        CONTRACT,
        "      required: [id, name, bikes, docks]\n      properties:\n        id: {type: string, description: The station's ID., example: st_42}\n        name: {type: string, description: What stands on the sign., example: Praça do Comércio}\n        bikes: {type: integer, description: How many bikes are free., example: 7}\n        docks: {type: integer, description: How many docks are empty., example: 5}\n",
        "      required: [id, name, bikes]\n      properties:\n        id: {type: string, description: The station's ID., example: st_42}\n        name: {type: string, description: What stands on the sign., example: Praça do Comércio}\n        bikes: {type: integer, description: How many bikes are free., example: 7}\n",
    ),
    drift(
        Breaking,
        "a field of a request becomes required",
        CONTRACT,
        "required: [station_id]\n      properties:\n        station_id: {type: string",
        "required: [station_id, note]\n      properties:\n        station_id: {type: string",
    ),
    drift(
        Breaking,
        "an operation has a different path",
        CONTRACT,
        "  /rentals/{rental_id}/return:",
        "  /rentals/{rental_id}/end:",
    ),
    drift(
        Breaking,
        "a field of a response has a different type",
        CONTRACT,
        "bikes: {type: integer, description: How many bikes are free., example: 7}",
        "bikes: {type: string, description: How many bikes are free., example: '7'}",
    ),
    drift(Breaking, "a bound of a request becomes narrower", CONTRACT, "maxLength: 200", "maxLength: 100"),
    drift(
        Unsound,
        "a reference does not resolve",
        CONTRACT,
        "items: {$ref: '#/components/schemas/Station'}",
        "items: {$ref: '#/components/schemas/Stop'}",
    ),
    drift(Unsound, "an example does not fit its schema", CONTRACT, "example: 7}", "example: seven}"),
    drift(
        Unsound,
        "a parameter of a path is not described",
        CONTRACT,
        "      parameters:\n        - {$ref: '#/components/parameters/StationId'}\n",
        "",
    ),
    drift(Unsound, "two operations have the same ID", CONTRACT, "operationId: getRental", "operationId: getStation"),
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn each_drift_can_be_made() {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("check/example");
        for drift in DRIFTS {
            let folder = tempfile::tempdir().unwrap();
            super::super::copy(&example, folder.path()).unwrap();
            drift.make(folder.path()).unwrap();
            let before = std::fs::read_to_string(example.join(drift.file)).unwrap();
            assert_ne!(std::fs::read_to_string(folder.path().join(drift.file)).unwrap(), before, "{}", drift.what);
        }
    }

    #[test]
    fn the_table_of_the_guide_is_about_these_drifts() {
        let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("check/README.md");
        let guide = std::fs::read_to_string(guide).unwrap();
        let mut rest = guide.split_once("What `cargo xtask peers` printed.").unwrap().1;
        for drift in DRIFTS {
            let row = format!("\n| {} |", drift.what);
            rest = rest.split_once(&row).unwrap_or_else(|| panic!("run `cargo xtask peers`: {row} is missing")).1;
        }
        assert!(guide.contains(&format!("makes {} drifts", DRIFTS.len())));
    }
}
