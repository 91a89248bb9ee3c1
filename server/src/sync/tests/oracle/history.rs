//! Random histories: sequences of changes to a source and syncs of it.
//!
//! Steps are relative ("a row at the highest time that a sync has seen"), so that a history stays valid when shrinking removes
//! steps.

use std::time::Duration;

use proptest::prelude::*;

use super::changes::Setting;
use super::world::Payload;

/// The number of users.
pub const USERS: u8 = 6;

/// The date of an inserted row, relative to the highest time that any sync could see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// This many ticks later.
    Ahead(u8),
    /// At that time.
    At,
    /// This many ticks earlier: it was committed late. The default lookback is ten ticks.
    Late(u8),
    /// In the future.
    Future,
}

/// A step of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Inserts rows of consecutive users, all at one time or, with `spread`, each a tick later.
    Insert { rows: u8, user: u8, when: When, spread: bool, payload: Payload },
    /// Inserts copies of a row.
    Repeat { row: u8, copies: u8 },
    /// Changes a row's payload, with the same time.
    Amend { row: u8, payload: Payload },
    /// Changes a row's payload, with a newer time.
    Renew { row: u8, ahead: u8, payload: Payload },
    /// Reverts an amended row to its previous payload.
    TakeBack { row: u8 },
    /// Changes a row's user, with the same time.
    Move { row: u8, user: u8 },
    /// Deletes a row.
    Delete { row: u8 },
    /// Deletes a row and inserts another at its time.
    Swap { row: u8, user: u8, payload: Payload },
    /// Changes the integration's settings.
    Set { batch: u8, lookback: u8, share: bool },
    /// Switches `only_changed` off or on.
    Switch,
    /// Resets the watermark. With `forget`, the destination has lost everything, so that what it has is forgotten too.
    Reset { forget: bool },
    /// Replaces the destination by another, empty one, and resets the watermark, with or without `forget`.
    Elsewhere { forget: bool },
    /// Starts a sync, or resumes an interrupted one.
    Sync { interruption: Interruption, faults: Faults },
}

/// How a sync is interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interruption {
    /// Not at all.
    None,
    /// Its worker crashes after this many polls.
    Crash(u16),
    /// A stop is requested after this many polls.
    Stop(u16),
}

/// The faults of the service during a sync.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Faults {
    /// Faults in place of the first responses.
    pub answers: Vec<Fault>,
    /// Every request with an object of this user gets a 500.
    pub fails_at: Option<u8>,
    /// Every request with an object of this user gets a 400 that does not name the object.
    pub refuses: Option<u8>,
}

/// A fault in place of a normal response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    None,
    Error,
    Unavailable,
    TooMany,
    Cut,
    /// The request arrives, but the response is lost.
    CutAfterwards,
    /// The request arrives, and a proxy answers 200 without a body.
    Proxy,
    /// The request arrives, and a proxy answers 502.
    ErrorAfterwards,
    /// All objects are refused together.
    Refused,
}

/// The lookbacks that `Set` chooses from, the default first.
pub const LOOKBACKS: [Duration; 3] = [Duration::from_secs(600), Duration::from_secs(180), Duration::from_secs(1800)];

fn when() -> impl Strategy<Value = When> {
    prop_oneof![
        8 => (1..4_u8).prop_map(When::Ahead),
        4 => Just(When::At),
        4 => (1..11_u8).prop_map(When::Late),
        1 => (11..30_u8).prop_map(When::Late),
        1 => Just(When::Future),
    ]
}

fn payload() -> impl Strategy<Value = Payload> {
    prop_oneof![
        8 => (0..9_u32).prop_map(Payload::A),
        2 => (0..9_u32).prop_map(Payload::B),
        2 => (1..9_u32).prop_map(Payload::Both),
        1 => (0..2_u32).prop_map(Payload::NoObject),
        1 => (0..2_u32).prop_map(Payload::BadEmail),
        1 => (0..4_u32).prop_map(Payload::Rewritten),
        1 => ((1..3_u32), any::<bool>()).prop_map(|(number, order)| Payload::Object(number, order)),
        1 => any::<bool>().prop_map(Payload::List),
        1 => (1..4_u32).prop_map(Payload::Increment),
    ]
}

fn fault() -> impl Strategy<Value = Fault> {
    use Fault::{Cut, CutAfterwards, Error, ErrorAfterwards, None, Proxy, Refused, TooMany, Unavailable};
    prop_oneof![
        Just(None),
        Just(Error),
        Just(Unavailable),
        Just(TooMany),
        Just(Cut),
        Just(CutAfterwards),
        Just(Proxy),
        Just(ErrorAfterwards),
        Just(Refused)
    ]
}

fn faults() -> impl Strategy<Value = Faults> {
    let user = || 0..USERS;
    prop_oneof![
        6 => Just(Faults::default()),
        3 => prop::collection::vec(fault(), 1..5).prop_map(|answers| Faults { answers, ..Faults::default() }),
        1 => user().prop_map(|user| Faults { fails_at: Some(user), ..Faults::default() }),
        1 => user().prop_map(|user| Faults { refuses: Some(user), ..Faults::default() }),
    ]
}

fn interruption() -> impl Strategy<Value = Interruption> {
    prop_oneof![
        6 => Just(Interruption::None),
        3 => (1..60_u16).prop_map(Interruption::Crash),
        1 => (1..60_u16).prop_map(Interruption::Stop),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let row = || 0..20_u8;
    let user = || 0..USERS;
    prop_oneof![
        6 => (prop_oneof![4 => 1..5_u8, 1 => 5..25_u8], user(), when(), any::<bool>(), payload())
            .prop_map(|(rows, user, when, spread, payload)| Step::Insert { rows, user, when, spread, payload }),
        1 => (row(), 1..3_u8).prop_map(|(row, copies)| Step::Repeat { row, copies }),
        2 => (row(), payload()).prop_map(|(row, payload)| Step::Amend { row, payload }),
        2 => (row(), 1..4_u8, payload()).prop_map(|(row, ahead, payload)| Step::Renew { row, ahead, payload }),
        3 => row().prop_map(|row| Step::TakeBack { row }),
        1 => (row(), user()).prop_map(|(row, user)| Step::Move { row, user }),
        2 => row().prop_map(|row| Step::Delete { row }),
        2 => (row(), user(), payload()).prop_map(|(row, user, payload)| Step::Swap { row, user, payload }),
        1 => (1..4_u8, 0..3_u8, any::<bool>()).prop_map(|(batch, lookback, share)| Step::Set { batch, lookback, share }),
        7 => (interruption(), faults()).prop_map(|(interruption, faults)| Step::Sync { interruption, faults }),
    ]
}

/// A row is amended, synced and reverted, which random steps do rarely.
fn amend_and_take_back() -> impl Strategy<Value = Vec<Step>> {
    let seen = || Step::Sync { interruption: Interruption::None, faults: Faults::default() };
    (0..20_u8, payload())
        .prop_map(move |(row, payload)| vec![seen(), Step::Amend { row, payload }, seen(), Step::TakeBack { row: 0 }])
}

/// A row is amended, which a disturbed sync sees, and reverted.
fn amend_and_take_back_in_trouble() -> impl Strategy<Value = Vec<Step>> {
    let seen = || Step::Sync { interruption: Interruption::None, faults: Faults::default() };
    let interruption = prop_oneof![2 => (1..40_u16).prop_map(Interruption::Crash), 1 => interruption()];
    (0..20_u8, payload(), interruption, faults()).prop_map(move |(row, payload, interruption, faults)| {
        vec![seen(), Step::Amend { row, payload }, Step::Sync { interruption, faults }, Step::TakeBack { row: 0 }]
    })
}

/// A row is amended and synced while `only_changed` is off, and reverted when it is on again.
fn amend_while_off_and_take_back() -> impl Strategy<Value = Vec<Step>> {
    let seen = || Step::Sync { interruption: Interruption::None, faults: Faults::default() };
    (0..20_u8, payload()).prop_map(move |(row, payload)| {
        let amend = Step::Amend { row, payload };
        vec![seen(), Step::Switch, amend, seen(), Step::Switch, Step::TakeBack { row: 0 }]
    })
}

fn only_changed_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        Just(Step::Switch),
        any::<bool>().prop_map(|forget| Step::Reset { forget }),
        any::<bool>().prop_map(|forget| Step::Elsewhere { forget }),
    ]
}

/// A row gets newer times, under changing identifiers, with values that return, while syncs are disturbed.
fn renew_in_trouble() -> impl Strategy<Value = Vec<Step>> {
    let interruption = prop_oneof![2 => Just(Interruption::None), 1 => (1..40_u16).prop_map(Interruption::Crash)];
    let faults = prop_oneof![
        2 => Just(Faults::default()),
        1 => (0..USERS).prop_map(|user| Faults { refuses: Some(user), ..Faults::default() }),
        1 => faults(),
    ];
    let payload = prop_oneof![4 => (1..3_u32).prop_map(Payload::A), 1 => Just(Payload::Increment(1))];
    let renewed = (1..4_u8, payload, interruption, faults);
    (0..20_u8, prop::collection::vec(renewed, 2..6)).prop_map(|(row, renewed)| {
        let renew = |(ahead, payload, interruption, faults)| {
            [Step::Renew { row, ahead, payload }, Step::Sync { interruption, faults }]
        };
        renewed.into_iter().flat_map(renew).collect()
    })
}

/// Random histories, with the steps that are of interest in this setting.
pub fn histories(setting: Setting) -> impl Strategy<Value = Vec<Step>> {
    let weight = if setting.only_changed { 4 } else { 0 };
    let part = prop_oneof![
        60 => step().prop_map(|step| vec![step]),
        1 => amend_and_take_back(),
        2 * weight => amend_and_take_back_in_trouble(),
        weight / 4 => amend_while_off_and_take_back(),
        if setting.two_names { 10 } else { 0 } => renew_in_trouble(),
        weight => only_changed_step().prop_map(|step| vec![step]),
    ];
    prop::collection::vec(part, 2..13).prop_map(|parts| parts.concat())
}
