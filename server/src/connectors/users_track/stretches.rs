//! Which objects of a batch to send next, while some objects prevent others from being accepted.
//!
//! A stretch is a range of consecutive objects. One that fails as a whole is halved. Large stretches are sent first, to
//! find out soon whether anything is accepted. Objects of one user keep their order. Single objects whose refusal is in
//! doubt (suspects) are set aside, and later objects of their users wait for them.

use std::cell::OnceCell;
use std::ops::Range;

use super::failures::Failures;
use super::patience::Patience;
use crate::sync::batch::Batch;

/// If a whole batch seems to be refused, this many single objects from different places are tried early.
const SAMPLES: usize = 10;
/// The batch is first halved into at least this many parts.
const PARTS: usize = 8;

/// Consecutive objects that are sent together.
#[derive(Debug, Clone)]
pub struct Stretch {
    /// Their indices in the batch.
    pub objects: Range<usize>,
    /// How long they have been retried.
    pub patience: Patience,
    /// The number of requests when the larger stretch that contained them failed or was refused.
    pub failed_at: Option<u64>,
    /// The service's failures at them.
    pub failures: Failures,
    /// For a single object: its refusal, if that is in doubt.
    pub doubt: Option<Doubt>,
    /// How often they were postponed.
    postponed: usize,
}

/// A refusal that may have nothing to do with the object.
#[derive(Debug, Clone)]
pub struct Doubt {
    /// The number of requests when the object was first refused.
    pub refused_at: u64,
    /// The service's message.
    pub reason: String,
    /// How often it was sent again without knowing whether the service processes anything.
    pub tries: usize,
    /// Whether a further refusal is final, because the service has processed other objects since the first.
    pub is_final: bool,
}

impl Stretch {
    fn part(&self, objects: Range<usize>) -> Stretch {
        Stretch { objects, postponed: 0, doubt: None, ..self.clone() }
    }

    /// The number of objects.
    pub fn len(&self) -> usize {
        self.objects.len()
    }
}

/// The stretches of a batch that are still to be sent.
#[derive(Debug)]
pub struct Stretches<'a> {
    batch: &'a Batch,
    waiting: Vec<Stretch>,
    /// Single objects that are set aside.
    suspects: Vec<Stretch>,
    users: OnceCell<Vec<u64>>,
    /// Whether any were refused together, and whether any were processed.
    refused: bool,
    processed: bool,
    samples: usize,
}

impl Stretches<'_> {
    /// Starts with the whole batch as one stretch.
    pub fn of(batch: &Batch) -> Stretches<'_> {
        let whole = Stretch {
            objects: 0..batch.len(),
            patience: Patience::default(),
            failed_at: None,
            failures: Failures::default(),
            doubt: None,
            postponed: 0,
        };
        let (waiting, suspects, users) = (vec![whole], Vec::new(), OnceCell::new());
        Stretches { batch, waiting, suspects, users, refused: false, processed: false, samples: 0 }
    }

    /// The user of each object; empty if all users differ. Computed only when something is not processed at once.
    fn users(&self) -> &[u64] {
        self.users.get_or_init(|| {
            let items = self.batch.items();
            let users: Vec<u64> = items.iter().map(|item| item.user).collect();
            let mut each = users.clone();
            each.sort_unstable();
            let several = each.windows(2).any(|pair| pair[0] == pair[1]);
            if several { users } else { Vec::new() }
        })
    }

    /// The next stretch, if any may be sent before the suspects. `keep_sampling`: whether single objects are tried rather than
    /// further halves.
    pub fn next(&mut self, keep_sampling: bool) -> Option<Stretch> {
        let order = |stretch: &Stretch| (stretch.postponed, std::cmp::Reverse(stretch.len()), stretch.objects.start);
        let free = (0..self.waiting.len()).filter(|index| self.is_free(*index));
        let stretch =
            free.min_by_key(|index| order(&self.waiting[*index])).map(|index| self.waiting.swap_remove(index))?;
        let wanted = keep_sampling || self.samples < SAMPLES;
        let sample = self.refused && !self.processed && self.waiting.len() + 1 >= PARTS && wanted;
        if sample && stretch.len() > 1 {
            self.samples += 1;
            let first = stretch.objects.start;
            self.waiting.push(stretch.part(first + 1..stretch.objects.end));
            return Some(stretch.part(first..first + 1));
        }
        Some(stretch)
    }

    /// Whether all objects are of different users, so that any of them may be sent first.
    pub fn are_independent(&self) -> bool {
        self.users().is_empty()
    }

    /// Records that objects were processed.
    pub fn processed(&mut self) {
        self.processed = true;
    }

    /// Records that objects were refused together.
    pub fn refused(&mut self) {
        self.refused = true;
    }

    /// Halves a stretch that was not processed.
    pub fn halve(&mut self, stretch: &Stretch) {
        let middle = stretch.objects.start + stretch.len() / 2;
        self.waiting.push(stretch.part(stretch.objects.start..middle));
        self.waiting.push(stretch.part(middle..stretch.objects.end));
    }

    /// Postpones a stretch until the others have been sent.
    pub fn postpone(&mut self, mut stretch: Stretch) {
        stretch.postponed += 1;
        self.waiting.push(stretch);
    }

    /// Sets aside a single object whose refusal is in doubt.
    pub fn set_aside(&mut self, stretch: Stretch) {
        self.suspects.push(stretch);
    }

    /// The number of requests at the earliest refusal of a suspect; `None` if there are no suspects.
    pub fn first_refusal(&self) -> Option<u64> {
        self.suspects.iter().filter_map(|suspect| suspect.doubt.as_ref()).map(|doubt| doubt.refused_at).min()
    }

    /// Releases the suspects since whose refusal the service has processed other objects, to be sent a last time.
    pub fn release_suspects(&mut self, has_processed_after: impl Fn(u64) -> bool) {
        for mut suspect in std::mem::take(&mut self.suspects) {
            match &mut suspect.doubt {
                Some(doubt) if !has_processed_after(doubt.refused_at) => self.suspects.push(suspect),
                Some(doubt) => {
                    doubt.is_final = true;
                    self.waiting.push(suspect);
                }
                None => self.waiting.push(suspect),
            }
        }
    }

    /// Releases the suspect with the fewest tries, to see whether it is still refused.
    pub fn try_one(&mut self) {
        let order = |suspect: &Stretch| (suspect.doubt.as_ref().map_or(0, |doubt| doubt.tries), suspect.objects.start);
        let next = (0..self.suspects.len()).min_by_key(|index| order(&self.suspects[*index]));
        let Some(mut suspect) = next.map(|index| self.suspects.swap_remove(index)) else { return };
        if let Some(doubt) = &mut suspect.doubt {
            doubt.tries += 1;
        }
        self.waiting.push(suspect);
    }

    /// Takes out all suspects; they are not sent again.
    pub fn take_suspects(&mut self) -> Vec<Stretch> {
        let mut suspects = std::mem::take(&mut self.suspects);
        suspects.sort_unstable_by_key(|suspect| suspect.objects.start);
        suspects
    }

    /// Whether no earlier object of the same users is waiting.
    fn is_free(&self, index: usize) -> bool {
        let objects = &self.waiting[index].objects;
        let left = self.waiting.iter().chain(&self.suspects).map(|stretch| &stretch.objects);
        let mut older = left.filter(|older| older.start < objects.start);
        let is_newer = |older: &Range<usize>| {
            let users = self.users();
            !users.is_empty() && users[older.clone()].iter().any(|user| users[objects.clone()].contains(user))
        };
        !older.any(is_newer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::row::{Identifier, Row};

    fn batch(users: impl IntoIterator<Item = usize>) -> Batch {
        let mut batch = Batch::default();
        for (number, user) in (0..).zip(users) {
            let user = Identifier::ExternalId(user.to_string());
            batch.push(number, Row::unkeyed(0, Some(user), None, None), b',', |_, _| Ok(())).unwrap();
        }
        batch
    }

    #[test]
    fn large_stretches_go_first_and_all_objects_come_once() {
        let batch = batch(0..20);
        let mut stretches = Stretches::of(&batch);
        let (mut lengths, mut alone) = (Vec::new(), Vec::new());
        while let Some(stretch) = stretches.next(false) {
            lengths.push(stretch.len());
            if stretch.len() > 1 { stretches.halve(&stretch) } else { alone.push(stretch.objects.start) }
        }
        assert!(lengths.is_sorted_by(|one, next| one >= next), "{lengths:?}");
        alone.sort_unstable();
        assert_eq!(alone, (0..20).collect::<Vec<_>>());
    }

    #[test]
    fn single_objects_from_all_over_a_refused_batch_are_tried_early() {
        let batch = batch(0..75);
        let mut stretches = Stretches::of(&batch);
        let (mut requests, mut alone) = (0, Vec::new());
        while alone.len() < SAMPLES {
            let stretch = stretches.next(false).unwrap();
            requests += 1;
            stretches.refused();
            if stretch.len() > 1 { stretches.halve(&stretch) } else { alone.push(stretch.objects.start) }
        }
        assert_eq!(requests, PARTS - 1 + SAMPLES);
        assert!(alone.iter().any(|object| *object < 10) && alone.iter().any(|object| *object > 60), "{alone:?}");
    }

    #[test]
    fn as_long_as_everything_is_refused_each_request_tells_of_another_object() {
        let batch = batch(0..75);
        let mut stretches = Stretches::of(&batch);
        let (mut requests, mut alone) = (0, 0);
        while let Some(stretch) = stretches.next(alone >= SAMPLES) {
            requests += 1;
            stretches.refused();
            if stretch.len() > 1 { stretches.halve(&stretch) } else { alone += 1 }
        }
        assert_eq!((alone, requests), (75, PARTS - 1 + 75));
    }

    #[test]
    fn objects_of_one_user_keep_their_order() {
        let users = |object: usize| object % 4;
        let batch = batch((0..40).map(users));
        let mut stretches = Stretches::of(&batch);
        assert!(!stretches.are_independent());
        let mut sent: Vec<Vec<usize>> = vec![Vec::new(); 4];
        while let Some(stretch) = stretches.next(false) {
            stretches.refused();
            if stretch.len() > 3 {
                stretches.halve(&stretch);
                continue;
            }
            for object in stretch.objects {
                sent[users(object)].push(object);
            }
        }
        assert!(sent.iter().all(|objects| objects.len() == 10 && objects.is_sorted()), "{sent:?}");
    }

    #[test]
    fn a_suspect_delays_only_newer_objects_of_its_user() {
        let batch = batch([1, 2, 1, 2]);
        let mut stretches = Stretches::of(&batch);
        let refused = |mut stretch: Stretch, refused_at| {
            stretch.doubt = Some(Doubt { refused_at, reason: "no".into(), tries: 0, is_final: false });
            stretch
        };
        let mut alone = Vec::new();
        while let Some(stretch) = stretches.next(false) {
            match stretch.len() {
                1 => {
                    alone.push(stretch.objects.start);
                    let number = alone.len() as u64;
                    stretches.set_aside(refused(stretch, number));
                }
                _ => stretches.halve(&stretch),
            }
        }
        assert_eq!((alone, stretches.first_refusal()), (vec![0, 1], Some(1)));
        stretches.release_suspects(|refused_at| refused_at < 2);
        let again = stretches.next(false).unwrap();
        assert!(again.objects == (0..1) && again.doubt.unwrap().is_final);
        // The next ones are in one part with an object of the user who still waits.
        assert!(stretches.next(false).is_none());
        stretches.try_one();
        assert_eq!(stretches.next(false).unwrap().objects, 1..2);
        assert_eq!(stretches.next(false).unwrap().objects, 2..4);
    }

    #[test]
    fn postponed_stretches_come_last() {
        let batch = batch(0..2);
        let mut stretches = Stretches::of(&batch);
        let whole = stretches.next(false).unwrap();
        stretches.halve(&whole);
        let first = stretches.next(false).unwrap();
        stretches.postpone(first);
        assert_eq!(stretches.next(false).unwrap().objects, 1..2);
        assert_eq!(stretches.next(false).unwrap().objects, 0..1);
        assert!(stretches.next(false).is_none());
    }
}
