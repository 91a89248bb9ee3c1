//! Values of one of several types are read as the type that keeps all of them.

#![allow(clippy::unwrap_used)]

use openapi_dropshot_runtime::unions::{keeps, one_of, present, read};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Cat {
    name: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Dog {
    name: String,
    breed: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
enum Pet {
    Cat(Cat),
    Dog(Dog),
    Name(String),
}

impl<'de> Deserialize<'de> for Pet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        one_of(
            deserializer,
            "kind",
            &[
                (|value| read(value).map(Pet::Cat), &["cat"], &["name"]),
                (|value| read(value).map(Pet::Dog), &["dog", "hound"], &["name"]),
                (|value| read(value).map(Pet::Name), &[], &[]),
            ],
        )
    }
}

fn pet(value: Value) -> Option<Pet> {
    serde_json::from_value(value).ok()
}

#[test]
fn the_alternative_that_keeps_everything_wins_over_the_first_that_fits() {
    let dog = |breed: &str| Dog { name: "Rex".into(), breed: Some(breed.into()) };
    assert_eq!(pet(json!({"name": "Tom"})), Some(Pet::Cat(Cat { name: "Tom".into() })));
    assert_eq!(pet(json!({"name": "Rex", "breed": "pug"})), Some(Pet::Dog(dog("pug"))));
    assert_eq!(pet(json!("Tom")), Some(Pet::Name("Tom".into())));
    assert_eq!(pet(json!({"name": "Tom", "age": 3})), Some(Pet::Cat(Cat { name: "Tom".into() })), "nothing keeps all");
    assert_eq!(pet(json!(17)), None);
}

#[test]
fn the_discriminator_decides_where_several_fit() {
    let value = json!({"name": "Rex", "kind": "hound"});
    assert_eq!(pet(value), Some(Pet::Dog(Dog { name: "Rex".into(), breed: None })));
}

#[test]
fn numbers_and_times_may_be_written_otherwise() {
    assert!(keeps(
        &json!({"at": "2026-01-01T01:00:00+01:00", "n": 1}),
        &json!({"at": "2026-01-01T00:00:00Z", "n": 1.0})
    ));
    assert!(!keeps(&json!({"a": 1, "b": 2}), &json!({"a": 1})));
    assert!(!keeps(&json!(["a"]), &json!(["a", "b"])));
}

#[test]
fn absent_and_null_are_different() {
    #[derive(Deserialize)]
    struct Patch {
        #[serde(default, deserialize_with = "present")]
        note: Option<Option<String>>,
    }
    let note = |text: &str| serde_json::from_str::<Patch>(text).unwrap().note;
    assert_eq!(note("{}"), None);
    assert_eq!(note(r#"{"note": null}"#), Some(None));
    assert_eq!(note(r#"{"note": "x"}"#), Some(Some("x".into())));
}

/// Types that contain each other, and neither of which says everything of the values below.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
enum Tree {
    Left(Box<Left>),
    Right(Box<Right>),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Left {
    child: Option<Tree>,
    left: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Right {
    child: Option<Tree>,
    right: String,
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        one_of(
            deserializer,
            "",
            &[
                (|value| read(value).map(Tree::Left), &[], &["left"]),
                (|value| read(value).map(Tree::Right), &[], &["right"]),
            ],
        )
    }
}

#[test]
fn alternatives_that_are_nested_deeply_do_not_take_forever() {
    let nested = |depth: usize, part: Value| {
        (0..depth).fold(part.clone(), |child, _| {
            let mut part = part.clone();
            part["child"] = child;
            part
        })
    };
    assert!(serde_json::from_value::<Tree>(nested(60, json!({"right": ""}))).is_ok(), "only one has what is needed");
    let either = json!({"left": "", "right": ""});
    assert!(serde_json::from_value::<Tree>(nested(10, either.clone())).is_ok());
    let error = serde_json::from_value::<Tree>(nested(60, either.clone())).unwrap_err();
    assert_eq!(error.to_string(), "its alternatives are nested too deeply");
    assert!(serde_json::from_value::<Tree>(nested(10, either)).is_ok(), "each value has the same effort");
}
