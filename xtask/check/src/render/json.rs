//! Findings for programs: one object, whose `version` changes when its meaning does.
//!
//! ```json
//! {
//!   "version": 1,
//!   "findings": [
//!     {
//!       "rule": "page/error-message",
//!       "severity": "error",
//!       "message": "…",
//!       "place": {"file": "…", "line": 3, "column": 5, "end_line": 3, "end_column": 9, "label": "…"},
//!       "related": [{…}],
//!       "help": "…",
//!       "notes": ["…"],
//!       "fixable": true
//!     }
//!   ],
//!   "not_checked": ["…"],
//!   "allowed": 0,
//!   "coverage": {"comparisons": ["contract", "pages"], "operations": 2, "answers": 9, "schemas": 5, "pages": 5},
//!   "not_compared": [{"operation": "GET /things", "comparison": "pages", "reason": "…", "place": {…}}],
//!   "live": {
//!     "url": "…",
//!     "requests": 100,
//!     "seconds": 1.5,
//!     "operations": [
//!       {
//!         "id": "…",
//!         "seen": {"200": 3},
//!         "not_seen": {"503 Service Unavailable": "not tried: …"},
//!         "remarks": ["…"]
//!       }
//!     ]
//!   }
//! }
//! ```
//!
//! Lines and columns count from 1, columns in characters; an end is the column after the last character. `operations`
//! is the number of operations that took part in every comparison. `place` and `help` may be null, and so is `live` if
//! no server was tested.

use serde_json::{Map, Value, json};

use crate::outcome::{Live, NotCompared, Outcome};
use apidrift_core::finding::Finding;
use openapi_model::source::Place;

pub fn render(outcome: &Outcome) -> String {
    let findings: Vec<Value> = outcome.findings.iter().map(finding).collect();
    let document = json!({
        "version": 1,
        "findings": findings,
        "not_checked": outcome.unchecked,
        "allowed": outcome.allowed,
        "coverage": {
            "comparisons": outcome.coverage.comparisons,
            "operations": outcome.coverage.operations,
            "answers": outcome.coverage.answers,
            "schemas": outcome.coverage.schemas,
            "described": outcome.coverage.described,
            "claims": outcome.coverage.claims,
            "pages": outcome.coverage.pages,
        },
        "not_compared": outcome.not_compared.iter().map(not_compared).collect::<Vec<_>>(),
        "live": outcome.live.as_ref().map(live),
    });
    format!("{document:#}\n")
}

fn finding(finding: &Finding) -> Value {
    json!({
        "rule": finding.rule.info().name,
        "severity": finding.severity().name(),
        "message": finding.message,
        "place": finding.primary.as_ref().map(place),
        "related": finding.related.iter().map(place).collect::<Vec<_>>(),
        "help": finding.help,
        "notes": finding.notes,
        "fixable": !finding.fix.is_empty(),
    })
}

fn not_compared(part: &NotCompared) -> Value {
    json!({
        "operation": part.operation,
        "comparison": part.comparison,
        "reason": part.reason,
        "place": part.place.as_ref().map(place),
    })
}

fn live(live: &Live) -> Value {
    let operations = live.operations.iter().map(|operation| {
        json!({
            "id": operation.id,
            "seen": operation.seen.iter().map(|(label, times)| (label.clone(), json!(times))).collect::<Map<_, _>>(),
            "not_seen": operation.not_seen.iter().map(|(label, reason)| (label.clone(), json!(reason))).collect::<Map<_, _>>(),
            "remarks": operation.remarks,
        })
    });
    json!({
        "url": live.url,
        "requests": live.requests,
        "seconds": live.seconds,
        "operations": operations.collect::<Vec<_>>(),
    })
}

fn place(place: &Place) -> Value {
    let (line, column) = place.source.line_column(place.range.start);
    let (end_line, end_column) = place.source.line_column(place.range.end);
    json!({
        "file": place.source.path,
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
        "label": place.label,
    })
}
