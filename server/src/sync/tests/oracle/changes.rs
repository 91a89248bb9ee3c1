//! The changes that a step makes to the source's rows.

use super::history::{Step, USERS, When};
use super::world::{Change, Content, FUTURE, Payload, TICK, Time, TimeFormat, World};
use crate::types::IntegrationKind;

/// The type, time format, source and destination of an integration.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    pub kind: IntegrationKind,
    pub format: TimeFormat,
    pub postgres: bool,
    pub file: bool,
    /// Whether `only_changed` is on at first, for attributes.
    pub only_changed: bool,
    /// Whether users have two identifiers, of which some rows have only one. `only_changed` stays on then, and no row appears or
    /// changes when the user has a newer one: rows with one identifier and rows with the other are not compared by their times.
    pub two_names: bool,
}

impl Setting {
    fn content(self, user: u8, time: Time, payload: Payload) -> Content {
        let by_email = self.two_names && (time / TICK) % 3 == 0;
        Content { user, time, payload: possible(self, payload), by_email }
    }
}

/// The number of different values of an attribute with `only_changed`.
const FEW: u32 = 4;
/// The tick of the first rows.
const FIRST_TICK: i64 = 100;

/// The changes of a step, in order. Steps that do not concern rows have none.
pub fn changes(world: &World, setting: Setting, step: &Step) -> Vec<Change> {
    let format = setting.format;
    let highest = world.highest.map_or(FIRST_TICK, |highest| highest.div_euclid(TICK));
    let insert = |user, time, payload| Change::Insert(setting.content(user, time, payload));
    if let Step::Insert { rows, user, when, spread, payload } = step {
        let first = match when {
            When::Ahead(ticks) => highest + i64::from(*ticks),
            When::Late(ticks) if !setting.two_names => highest - i64::from(*ticks),
            When::At | When::Late(_) => highest,
            When::Future => FUTURE,
        };
        let row = |number: u8| {
            let tick = first + if *spread { i64::from(number) } else { 0 };
            // Only the first row may be bad.
            let payload = if payload.is_bad() && number > 0 { Payload::A(u32::from(number)) } else { *payload };
            insert((user + number) % USERS, format.time(tick), payload)
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
    if setting.two_names {
        if let Step::Move { .. } | Step::Swap { .. } = step {
            return Vec::new();
        }
        let has_newer = |content: &Content| {
            world.rows.iter().any(|row| row.content.user == content.user && row.content.time > content.time)
        };
        places.retain(|place| !has_newer(&world.rows[*place].content));
    }
    if places.is_empty() {
        return Vec::new();
    }
    let index = places[usize::from(*row) % places.len()];
    let row = &world.rows[index];
    let Content { user, time, payload, .. } = row.content;
    let update = |user, time, payload| {
        let content = setting.content(user, time, payload);
        if content == row.content { Vec::new() } else { vec![Change::Update(index, content)] }
    };
    match step {
        Step::Repeat { copies, .. } => (0..*copies).map(|_| insert(user, time, payload)).collect(),
        Step::Amend { payload, .. } => update(user, time, *payload),
        Step::Renew { ahead, payload, .. } => {
            let tick = if time / TICK >= FUTURE { highest } else { highest.max(time.div_euclid(TICK)) };
            update(user, format.time(tick + i64::from(*ahead)), *payload)
        }
        Step::TakeBack { .. } => {
            row.before.last().map_or(Vec::new(), |before| update(before.user, before.time, before.payload))
        }
        Step::Move { user, .. } => update(*user, time, payload),
        Step::Delete { .. } => vec![Change::Delete(index)],
        Step::Swap { user, payload, .. } => vec![Change::Delete(index), insert(*user, time, *payload)],
        _ => Vec::new(),
    }
}

/// The nearest payload that is possible in this setting.
fn possible(setting: Setting, payload: Payload) -> Payload {
    use Payload::{A, B, BadEmail, Both, Increment, List, Object, Rewritten};
    match payload {
        _ if setting.kind == IntegrationKind::UserDeletes => A(0),
        // A file accepts every object.
        BadEmail(number) if setting.file => A(number),
        // With `only_changed`, values that return are of interest.
        A(number) if setting.only_changed => A(number % FEW),
        B(number) if setting.only_changed => B(number % FEW),
        Both(number) if setting.only_changed => Both(number % FEW),
        Rewritten(number) | Increment(number) if !setting.only_changed => A(number),
        Object(number, _) if !setting.only_changed => B(number),
        List(order) if !setting.only_changed => B(order.into()),
        payload => payload,
    }
}
