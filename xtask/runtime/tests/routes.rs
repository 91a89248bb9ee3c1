//! Which operation a path belongs to, and what its variables are.

use openapi_dropshot_runtime::routes::{suits_dropshot, variables};

#[test]
fn variables_are_decoded_and_may_have_text_around_them() {
    for (template, path, expected) in [
        ("/pets/{id}", "/pets/17", vec![("id", "17")]),
        ("/pets/{id}", "//pets/a%2Fb%20c/", vec![("id", "a/b c")]),
        ("/{sid}.json", "/AC1.json", vec![("sid", "AC1")]),
        ("/{sid}.json", "/a.json.json", vec![("sid", "a.json")]),
        ("/repos/{owner}:{repo}", "/repos/me:it", vec![("owner", "me"), ("repo", "it")]),
        ("/v{version}/x", "/v12/x", vec![("version", "12")]),
        ("/a%20b/{id}%2B.txt", "/a%20b/1+.txt", vec![("id", "1")]),
        ("/{a}-{b}.txt", "/1-2-3.txt", vec![("a", "1"), ("b", "2-3")]),
    ] {
        let expected: Vec<(&str, String)> =
            expected.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
        assert_eq!(variables(template, path), expected, "{template} {path}");
    }
    assert!(variables("/{sid}.json", "/.json").is_empty(), "a variable is never empty");
    assert!(variables("/pets/{id}", "/pets/%ff").is_empty());
}

#[test]
fn dropshot_routes_paths_with_one_variable_or_literals_at_each_position() {
    assert!(suits_dropshot(&["/a/{id}", "/a/{id}/b", "/c"]));
    assert!(!suits_dropshot(&["/a/{id}", "/a/me"]));
    assert!(!suits_dropshot(&["/a/{id}", "/a/{name}/b"]));
    assert!(!suits_dropshot(&["/a/{id}.json"]));
    assert!(!suits_dropshot(&["/a//b"]), "dropshot panics at it");
    assert!(!suits_dropshot(&["/a%20b"]), "dropshot never finds it");
    assert!(!suits_dropshot(&["/a/{id}/b/{id}"]), "dropshot panics at it");
    assert!(!suits_dropshot(&["/a/{}"]), "dropshot panics at it");
    assert!(suits_dropshot(&["/a/", "/"]));
}
