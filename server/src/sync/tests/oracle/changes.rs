//! What a step changes in the source as it stands.

use super::history::{Step, USERS, When};
use super::world::{Change, Content, FUTURE, Says, TICK, TimeFormat, World};
use crate::types::IntegrationKind;

/// What is synced from where to where.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    pub kind: IntegrationKind,
    pub format: TimeFormat,
    pub postgres: bool,
    pub file: bool,
}

/// The tick at which rows begin.
const FIRST_TICK: i64 = 100;

/// What a step changes, in order. Steps that are not about rows change nothing.
pub fn changes(world: &World, setting: Setting, step: &Step) -> Vec<Change> {
    let format = setting.format;
    let highest = world.highest.map_or(FIRST_TICK, |highest| highest.div_euclid(TICK));
    let insert = |user, time, says| Change::Insert(Content { user, time, says: possible(setting, says) });
    if let Step::Insert { rows, user, when, spread, says } = step {
        let first = match when {
            When::Ahead(ticks) => highest + i64::from(*ticks),
            When::At => highest,
            When::Late(ticks) => highest - i64::from(*ticks),
            When::Future => FUTURE,
        };
        let row = |number: u8| {
            let tick = first + if *spread { i64::from(number) } else { 0 };
            // One bad row is enough.
            let says = if says.is_bad() && number > 0 { Says::A(u32::from(number)) } else { *says };
            insert((user + number) % USERS, format.time(tick), says)
        };
        return (0..*rows).map(row).collect();
    }
    let (Step::Repeat { row, .. }
    | Step::Amend { row, .. }
    | Step::Renew { row, .. }
    | Step::TakeBack { row }
    | Step::Move { row, .. }
    | Step::Delete { row }
    | Step::Swap { row, .. }) = step
    else {
        return Vec::new();
    };
    let mut places: Vec<usize> = (0..world.rows.len()).collect();
    if let Step::TakeBack { .. } = step {
        places.retain(|place| !world.rows[*place].before.is_empty());
    }
    if places.is_empty() {
        return Vec::new();
    }
    let index = places[usize::from(*row) % places.len()];
    let row = &world.rows[index];
    let Content { user, time, says } = row.content;
    let update = |user, time, says| {
        let content = Content { user, time, says: possible(setting, says) };
        if content == row.content { Vec::new() } else { vec![Change::Update(index, content)] }
    };
    match step {
        Step::Repeat { copies, .. } => (0..*copies).map(|_| insert(user, time, says)).collect(),
        Step::Amend { says, .. } => update(user, time, *says),
        Step::Renew { ahead, says, .. } => {
            let tick = if time / TICK >= FUTURE { highest } else { highest.max(time.div_euclid(TICK)) };
            update(user, format.time(tick + i64::from(*ahead)), *says)
        }
        Step::TakeBack { .. } => {
            row.before.last().map_or(Vec::new(), |before| update(before.user, before.time, before.says))
        }
        Step::Move { user, .. } => update(*user, time, says),
        Step::Delete { .. } => vec![Change::Delete(index)],
        Step::Swap { user, says, .. } => vec![Change::Delete(index), insert(*user, time, *says)],
        _ => Vec::new(),
    }
}

/// What a row can say there.
fn possible(setting: Setting, says: Says) -> Says {
    match says {
        _ if setting.kind == IntegrationKind::UserDeletes => Says::A(0),
        // A file takes every object.
        Says::BadEmail(number) if setting.file => Says::A(number),
        says => says,
    }
}
