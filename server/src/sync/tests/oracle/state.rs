//! What a user's attributes must be at the destination: what the source's rows say, the newest last.
//!
//! Rows of one user under one time have no order. What a row has said that is gone may stay. Rows are told apart by what they
//! say, as a sync sees them: nobody knows which of two rows that say the same was changed.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::Value;

use super::judge::{Broken, Evidence, Promise};
use super::world::{Content, World, user_name};

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
    // From then on what counts now was on its way, after whatever was gone by then.
    let sent = rows.iter().filter(|(content, is_sure, _)| *is_sure && content.time == newest);
    let last_new = sent.map(|(content, ..)| world.stood[*content].last_new).max().unwrap_or_default();
    let stands = |content: &Content| rows.iter().any(|(standing, ..)| *standing == content);
    for (content, stood) in world.stood.iter().filter(|(content, _)| !stands(content)) {
        let may_be_left_over = match content.time.cmp(&newest) {
            // Nobody takes back what a row has said that is gone.
            Ordering::Greater => true,
            Ordering::Equal => stood.last_seen >= last_new,
            // Nobody knows that it has arrived.
            Ordering::Less => false,
        };
        if may_be_left_over || stood.in_doubt > last_new {
            right.extend(speaks(content));
        }
    }
    right.dedup();
    Some(right)
}
