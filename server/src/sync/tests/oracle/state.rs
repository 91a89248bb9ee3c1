//! The guarantee for attributes: each user's state at the destination is that of the source's rows, the newest last.
//!
//! Rows of a user with the same time have no order. Attributes of a deleted row may stay. Rows are identified by their
//! content, as a sync sees them: of two equal rows it cannot be known which one was changed.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::judge::{Evidence, Guarantee, Violation, normal, user_of};
use super::world::{Content, World, user_name};

/// Compares all users' attributes, as they arrived in order, with the source.
pub fn check(world: &World, evidence: &Evidence) -> Result<(), Violation> {
    let mut state: BTreeMap<(u8, char), Value> = BTreeMap::new();
    for object in &evidence.arrived[evidence.since..] {
        let Some(user) = user_of(object) else { continue };
        for attribute in ['a', 'b'] {
            if let Some(value) = object.get(attribute.to_string()) {
                state.insert((user, attribute), normal(value));
            }
        }
    }
    let mut users: BTreeSet<u8> = world.rows.iter().map(|row| row.content.user).collect();
    users.retain(|user| !evidence.hidden_users.contains(user));
    for (user, attribute) in users.into_iter().flat_map(|user| [(user, 'a'), (user, 'b')]) {
        let Some(right) = right_values(world, evidence, user, attribute) else { continue };
        let found = state.get(&(user, attribute));
        if !found.is_some_and(|found| right.contains(found)) {
            let found = found.map_or("nothing".into(), Value::to_string);
            let right = right.iter().map(Value::to_string).collect::<Vec<_>>().join(" or ");
            let name = user_name(user);
            return Err(Violation::new(
                Guarantee::State,
                format!("`{attribute}` of {name} is {found} at the destination; in the source it is {right}"),
            ));
        }
    }
    Ok(())
}

/// The values that an attribute of a user may have; `None` if any value is allowed.
fn right_values(world: &World, evidence: &Evidence, user: u8, attribute: char) -> Option<Vec<Value>> {
    let is_valid = |content: &Content| content.user == user && !content.payload.is_bad();
    let value_of = |content: &Content| is_valid(content).then(|| content.payload.value(attribute)).flatten();
    let mut rows: Vec<(&Content, bool, Value)> = world
        .seen()
        .filter_map(|(content, guaranteed)| {
            let is_sure = guaranteed && evidence.excused(world, content) == 0;
            Some((content, is_sure, value_of(content)?))
        })
        .collect();
    rows.sort_by_key(|(content, ..)| std::cmp::Reverse(content.time));
    // The newest value that must have arrived; newer ones may have.
    let newest = rows.iter().find(|(_, is_sure, _)| *is_sure)?.0.time;
    let mut right: Vec<Value> =
        rows.iter().filter(|(content, ..)| content.time >= newest).map(|(.., value)| value.clone()).collect();
    // The part of a sync in which the current value was last new; it was sent after everything deleted by then.
    let sent = rows.iter().filter(|(content, is_sure, _)| *is_sure && content.time == newest);
    let last_new = sent.map(|(content, ..)| world.occurrences[*content].last_new()).max().unwrap_or_default();
    let is_current = |content: &Content| rows.iter().any(|(current, ..)| *current == content);
    for (content, occurrences) in world.occurrences.iter().filter(|(content, _)| !is_current(content)) {
        let may_be_left_over = match content.time.cmp(&newest) {
            // Attributes of a deleted row are not removed.
            Ordering::Greater => true,
            Ordering::Equal => occurrences.last_seen >= last_new,
            // It is older, so the newest value has replaced it.
            Ordering::Less => false,
        };
        if may_be_left_over {
            right.extend(value_of(content));
        }
    }
    right.dedup();
    Some(right)
}
