//! What a user's attributes must be at the destination: what the source's rows say, the newest last.

use std::collections::BTreeMap;

use serde_json::Value;

use super::judge::{Broken, Evidence, Promise};
use super::world::{Content, Version, World, user_name};

/// Compares all users' attributes as they arrived, in their order, with what the source says.
pub fn check(world: &World, evidence: &Evidence) -> Result<(), Broken> {
    let mut state: BTreeMap<(String, char), Value> = BTreeMap::new();
    for object in &evidence.arrived {
        let user = object["external_id"].as_str().unwrap_or_default();
        for attribute in ['a', 'b'] {
            if let Some(value) = object.get(attribute.to_string()) {
                state.insert((user.to_owned(), attribute), value.clone());
            }
        }
    }
    let users = world.rows.iter().map(|row| row.content.user).collect::<std::collections::BTreeSet<_>>();
    for (user, attribute) in users.into_iter().flat_map(|user| [(user, 'a'), (user, 'b')]) {
        let Some(right) = right_values(world, evidence, user, attribute) else { continue };
        let found = state.get(&(user_name(user), attribute));
        if !found.is_some_and(|found| right.contains(found)) {
            let found = found.map_or("nothing".into(), Value::to_string);
            let right = right.iter().map(Value::to_string).collect::<Vec<_>>().join(" or ");
            let name = user_name(user);
            return Err(Broken::new(
                Promise::State,
                format!("`{attribute}` of {name} is {found} at the destination; the source says {right}"),
            ));
        }
    }
    Ok(())
}

/// The values that an attribute of a user may have; nothing where it may have any.
fn right_values(world: &World, evidence: &Evidence, user: u8, attribute: char) -> Option<Vec<Value>> {
    let speaks = |content: &Content| (content.user == user).then(|| content.says.value(attribute)).flatten();
    let mut rows: Vec<(&Content, bool, Value)> = world
        .seen()
        .filter_map(|(content, promised)| {
            let is_sure = promised && evidence.excused(world, content) == 0;
            Some((content, is_sure, speaks(content)?))
        })
        .collect();
    rows.sort_by_key(|(content, ..)| std::cmp::Reverse(content.time));
    // The newest that must have arrived; above it, what may have.
    let newest = rows.iter().find(|(_, is_sure, _)| *is_sure)?.0.time;
    let mut right: Vec<Value> =
        rows.iter().filter(|(content, ..)| content.time >= newest).map(|(.., value)| value.clone()).collect();
    let newest_first_seen = rows
        .iter()
        .filter(|(content, ..)| content.time == newest)
        .map(|(content, ..)| world.stood[*content].first_seen)
        .min();
    for version in &world.versions {
        let Some(value) = speaks(&version.content) else { continue };
        // The same row has said something newer since, of the same attribute.
        let is_superseded = world.rows.iter().any(|row| {
            row.id == version.id && row.content.time >= version.content.time && speaks(&row.content).is_some()
        });
        let is_left_over = !is_superseded && version.content.time >= newest;
        if is_left_over || is_in_doubt(version, newest_first_seen) {
            right.push(value);
        }
    }
    Some(right)
}

/// Whether a version may have arrived without anybody knowing, after what counts now had been acknowledged: no sync that
/// saw it ended well, and what counts now had been there before.
fn is_in_doubt(version: &Version, newest_first_seen: Option<usize>) -> bool {
    !version.settled && newest_first_seen.is_some_and(|first_seen| first_seen < version.first_seen)
}
