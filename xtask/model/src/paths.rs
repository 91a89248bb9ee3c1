//! Paths with variables, and equality of paths.

/// A method and a path, normalised so that names of variables do not matter: equal results mean the same operation.
///
/// `/a/{id}.json` and `/a/{sid}.json` are the same; so is `/a/:id`, as other frameworks write `/a/{id}`.
pub fn call(method: &str, path: &str) -> String {
    format!("{method} {}", anonymous(path))
}

/// A path in which each variable is `{}`.
pub fn anonymous(path: &str) -> String {
    let parts: Vec<String> = path
        .split('/')
        .map(|part| if part.starts_with(':') && part.len() > 1 { "{}".to_owned() } else { without_names(part) })
        .collect();
    parts.join("/")
}

/// The names of the variables of a path, in order.
pub fn variables(path: &str) -> Vec<&str> {
    path.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name)).collect()
}

fn without_names(part: &str) -> String {
    let mut shown = String::with_capacity(part.len());
    let mut rest = part;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((_, behind)) = after.split_once('}') else { break };
        shown.push_str(before);
        shown.push_str("{}");
        rest = behind;
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_variables_are_ignored() {
        assert_eq!(call("GET", "/a/{Sid}.json"), call("GET", "/a/{sid}.json"));
        assert_eq!(call("GET", "/a/:id/b"), call("GET", "/a/{x}/b"));
        assert_ne!(call("GET", "/a/{x}.json"), call("GET", "/a/{x}"));
        assert_eq!(anonymous("/a/{from}-{to}/{"), "/a/{}-{}/{");
        assert_eq!(variables("/a/{from}-{to}.json"), ["from", "to"]);
    }
}
