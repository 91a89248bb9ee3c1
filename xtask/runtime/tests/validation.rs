//! Values are validated in reasonable time, whatever they are.

use std::time::{Duration, Instant};

use openapi_dropshot_runtime::tables::Validate as _;
use openapi_dropshot_runtime::validation::{Checked, Schemas, parse};
use serde_json::{Value, json};

static SCHEMAS: Schemas = Schemas::new(|| {
    parse(&[
        ("Tree", r##"{"anyOf": [{"$ref": "#/$defs/Left"}, {"$ref": "#/$defs/Right"}]}"##),
        ("Left", r##"{"type": "object", "required": ["left"], "properties": {"child": {"$ref": "#/$defs/Tree"}}}"##),
        (
            "Right",
            r##"{"type": "object", "required": ["right"], "properties": {"right": {"type": "string"}, "child": {"$ref": "#/$defs/Tree"}}}"##,
        ),
    ])
});
static TREE: Checked = Checked::new(&SCHEMAS, r##"{"$ref": "#/$defs/Tree"}"##);

/// A tree whose innermost part has `right`.
fn nested(depth: usize, right: Value) -> Value {
    (0..depth).fold(json!({ "right": right }), |child, _| json!({"right": "", "child": child}))
}

#[test]
fn a_violation_deep_inside_alternatives_is_found_at_once() {
    let began = Instant::now();
    assert_eq!(TREE.violation(&nested(60, "".into())), None);
    assert_eq!(TREE.violation(&nested(60, 1.into())).as_deref(), Some("it does not fit its schema"));
    assert!(TREE.violation(&nested(2, 1.into())).is_some_and(|reason| reason.contains("anyOf")), "it is described");
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
}
