//! Random histories: what may happen to a source and to syncs of it, one step after the other.
//!
//! Steps are told by relations ("a row at the highest time that a sync has seen"), so that a history stays one when steps
//! are left out of it.

use std::time::Duration;

use proptest::prelude::*;

use super::world::Says;

/// Users that there are.
pub const USERS: u8 = 6;

/// When a row that comes is dated, seen from the highest time that any sync could see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// So many ticks later.
    Ahead(u8),
    /// At that very time.
    At,
    /// So many ticks earlier: it was committed late. The usual lookback is ten ticks.
    Late(u8),
    /// In the future of everybody's clock.
    Future,
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// So many rows come, of one user after the other, all at one time or each a tick later.
    Insert { rows: u8, user: u8, when: When, spread: bool, says: Says },
    /// Rows come that say the same as one that is there.
    Repeat { row: u8, copies: u8 },
    /// A row says something else under the same time.
    Amend { row: u8, says: Says },
    /// A row says something else at a newer time.
    Renew { row: u8, ahead: u8, says: Says },
    /// A row that has changed under its time says again what it said before.
    TakeBack { row: u8 },
    /// A row becomes one of another user, under the same time.
    Move { row: u8, user: u8 },
    /// A row goes.
    Delete { row: u8 },
    /// A row goes, and another comes at its time.
    Swap { row: u8, user: u8, says: Says },
    /// Somebody changes the integration's settings.
    Set { batch: u8, lookback: u8, share: bool },
    /// A sync begins, or one that was cut goes on.
    Sync { cut: Cut, mood: Mood },
}

/// How a sync is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// It is not.
    None,
    /// Its worker dies after so many steps.
    Crash(u16),
    /// Its process is asked to stop after so many steps.
    Stop(u16),
}

/// How the service is while a sync runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mood {
    /// Answers in place of the first usual ones.
    pub answers: Vec<Trouble>,
    /// It fails at every request with an object of this user: 500.
    pub fails_at: Option<u8>,
    /// It refuses every request with an object of this user, without naming it: 400.
    pub refuses: Option<u8>,
}

/// What may come in place of the usual answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    None,
    Error,
    Unavailable,
    TooMany,
    Cut,
    /// The request arrives, its answer does not.
    CutAfterwards,
    /// The request arrives, and something in between answers that all is well.
    Proxy,
    /// The request arrives, and something in between says that it failed.
    ErrorAfterwards,
    /// All objects are refused together.
    Refused,
}

/// The lookbacks that settings choose from, the usual one first.
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

fn says() -> impl Strategy<Value = Says> {
    prop_oneof![
        8 => (0..9_u32).prop_map(Says::A),
        2 => (0..9_u32).prop_map(Says::B),
        2 => (1..9_u32).prop_map(Says::Both),
        1 => (0..2_u32).prop_map(Says::NoObject),
        1 => (0..2_u32).prop_map(Says::BadEmail),
    ]
}

fn trouble() -> impl Strategy<Value = Trouble> {
    use Trouble::{Cut, CutAfterwards, Error, ErrorAfterwards, None, Proxy, Refused, TooMany, Unavailable};
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

fn mood() -> impl Strategy<Value = Mood> {
    let user = || 0..USERS;
    prop_oneof![
        6 => Just(Mood::default()),
        3 => prop::collection::vec(trouble(), 1..5).prop_map(|answers| Mood { answers, ..Mood::default() }),
        1 => user().prop_map(|user| Mood { fails_at: Some(user), ..Mood::default() }),
        1 => user().prop_map(|user| Mood { refuses: Some(user), ..Mood::default() }),
    ]
}

fn cut() -> impl Strategy<Value = Cut> {
    prop_oneof![
        6 => Just(Cut::None),
        3 => (1..60_u16).prop_map(Cut::Crash),
        1 => (1..60_u16).prop_map(Cut::Stop),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let row = || 0..20_u8;
    let user = || 0..USERS;
    prop_oneof![
        6 => (prop_oneof![4 => 1..5_u8, 1 => 5..25_u8], user(), when(), any::<bool>(), says())
            .prop_map(|(rows, user, when, spread, says)| Step::Insert { rows, user, when, spread, says }),
        1 => (row(), 1..3_u8).prop_map(|(row, copies)| Step::Repeat { row, copies }),
        2 => (row(), says()).prop_map(|(row, says)| Step::Amend { row, says }),
        2 => (row(), 1..4_u8, says()).prop_map(|(row, ahead, says)| Step::Renew { row, ahead, says }),
        3 => row().prop_map(|row| Step::TakeBack { row }),
        1 => (row(), user()).prop_map(|(row, user)| Step::Move { row, user }),
        2 => row().prop_map(|row| Step::Delete { row }),
        2 => (row(), user(), says()).prop_map(|(row, user, says)| Step::Swap { row, user, says }),
        1 => (1..4_u8, 0..3_u8, any::<bool>()).prop_map(|(batch, lookback, share)| Step::Set { batch, lookback, share }),
        7 => (cut(), mood()).prop_map(|(cut, mood)| Step::Sync { cut, mood }),
    ]
}

/// A row says something else, a sync sees that, and the row says again what it said before: by chance this is rare.
fn there_and_back() -> impl Strategy<Value = Vec<Step>> {
    let seen = || Step::Sync { cut: Cut::None, mood: Mood::default() };
    (0..20_u8, says())
        .prop_map(move |(row, says)| vec![seen(), Step::Amend { row, says }, seen(), Step::TakeBack { row: 0 }])
}

/// Histories of a sync.
pub fn histories() -> impl Strategy<Value = Vec<Step>> {
    let part = prop_oneof![60 => step().prop_map(|step| vec![step]), 1 => there_and_back()];
    prop::collection::vec(part, 2..13).prop_map(|parts| parts.concat())
}
