//! What has changed between two versions of the configuration file: names of entries, never their contents.

use std::collections::BTreeMap;

use toml::{Table, Value};

/// The lists of entries that a reload replaces: the list, the key that identifies an entry, and the key with its name.
const LISTS: [(&str, &str, &str); 4] =
    [("integrations", "id", "name"), ("keys", "name", "name"), ("workspaces", "id", "id"), ("notify", "name", "name")];
/// At most this many entries are named of each kind of change.
const NAMED: usize = 5;

/// What was added, removed and changed in the text of a file, such as `added: key "airflow"; changed: integration "Users"`;
/// `None` if that is nothing. Files and environment variables that it refers to are not compared.
pub fn between(old: &str, new: &str) -> Option<String> {
    let (Ok(old), Ok(new)) = (old.parse::<Table>(), new.parse::<Table>()) else { return None };
    let (mut added, mut removed, mut changed) = (Vec::new(), Vec::new(), Vec::new());
    for (list, id, name) in LISTS {
        let (old, new) = (entries(&old, list, id), entries(&new, list, id));
        let noun = list.strip_suffix('s').unwrap_or(list);
        let shown = |entry: &Value| format!("{noun} {:?}", text(entry, name).or(text(entry, id)).unwrap_or_default());
        for (key, entry) in &new {
            match old.get(key) {
                None => added.push(shown(entry)),
                Some(before) if before != entry => changed.push(shown(entry)),
                Some(_) => {}
            }
        }
        removed.extend(old.iter().filter(|(key, _)| !new.contains_key(*key)).map(|(_, entry)| shown(entry)));
    }
    let said = [("added", added), ("removed", removed), ("changed", changed)].map(|(verb, entries)| {
        let more = entries.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        (!entries.is_empty()).then(|| format!("{verb}: {}{more}", entries[..entries.len().min(NAMED)].join(", ")))
    });
    let said: Vec<String> = said.into_iter().flatten().collect();
    (!said.is_empty()).then(|| said.join("; "))
}

/// The entries of a list by what identifies them.
fn entries<'a>(file: &'a Table, list: &str, id: &str) -> BTreeMap<&'a str, &'a Value> {
    let entries = file.get(list).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    entries.iter().filter_map(|entry| Some((text(entry, id)?, entry))).collect()
}

fn text<'a>(entry: &'a Value, key: &str) -> Option<&'a str> {
    entry.get(key)?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integration(id: usize, name: &str, more: &str) -> String {
        format!("[[integrations]]\nid = \"{id}\"\nname = \"{name}\"\n{more}\n")
    }

    #[test]
    fn entries_are_named_and_their_contents_are_not() {
        let old =
            integration(1, "Users", "") + &integration(2, "Events", "") + "[[keys]]\nname = \"old\"\nhash = \"a\"\n";
        let new = integration(2, "Events", "paused = true")
            + &integration(1, "People", "")
            + "[[keys]]\nname = \"new\"\nhash = \"hidden\"\n[[notify]]\nname = \"on-call\"\n";
        assert_eq!(
            between(&old, &new).unwrap(),
            "added: key \"new\", notify \"on-call\"; removed: key \"old\"; changed: integration \"People\", integration \"Events\""
        );
        assert_eq!(between(&new, &new), None);
        assert_eq!(between(&new, &(integration(2, "Events", "paused = true") + "x")), None, "it is no TOML");
    }

    #[test]
    fn of_many_entries_some_are_named() {
        let many: String = (1000..3000).map(|number| integration(number, &format!("I{number}"), "")).collect();
        let said = between("", &many).unwrap();
        let named: Vec<String> = (1000..1005).map(|number| format!("integration \"I{number}\"")).collect();
        assert_eq!(said, format!("added: {} and 1995 more", named.join(", ")));
    }
}
