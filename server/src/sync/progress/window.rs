//! The rows from the first unacknowledged one on.
//!
//! Rows are kept in blocks. A block is reduced while its rows are acknowledged, so that memory follows the number of
//! unacknowledged rows, however far the first of them is behind.

use std::collections::VecDeque;

/// Rows in a full block.
const BLOCK: usize = 1024;
/// A full block is reduced to its unacknowledged rows when it keeps this many rows for each of them.
const SPARSE: usize = 8;

/// The rows from the first unacknowledged one on, and perhaps some before.
#[derive(Debug, Default)]
pub struct Window {
    /// The number of the first block's first row.
    first: u64,
    /// All are full, except the last.
    blocks: VecDeque<Block>,
    /// The first `passed` rows that the first block keeps are acknowledged.
    passed: usize,
    /// Unacknowledged rows.
    pending: usize,
    acknowledged_to: Option<i64>,
}

#[derive(Debug, Default)]
struct Block {
    /// Its rows by offset: all of them, or after a reduction all that were not acknowledged then.
    kept: Vec<Row>,
    /// Rows that were added.
    len: usize,
    pending: usize,
    /// The last row's `UPDATED_AT`.
    last: i64,
}

#[derive(Debug)]
struct Row {
    updated_at: i64,
    digest: u128,
    offset: u16,
    is_acknowledged: bool,
}

impl Window {
    /// Adds a row, and returns its number.
    pub fn push(&mut self, updated_at: i64, digest: u128) -> u64 {
        self.add(updated_at, digest, false)
    }

    /// Adds a row that is acknowledged already.
    pub fn pass(&mut self, updated_at: i64) {
        if self.pending == 0 {
            self.acknowledged_to = Some(updated_at);
        } else {
            self.add(updated_at, 0, true);
        }
    }

    /// Acknowledges a row; returns its `UPDATED_AT` and digest, or `None` if it was acknowledged before.
    pub fn acknowledge(&mut self, number: u64) -> Option<(i64, u128)> {
        let index = usize::try_from(number.checked_sub(self.first)?).ok()?;
        let (number, offset) = (index / BLOCK, index % BLOCK);
        let block = self.blocks.get_mut(number)?;
        let place = block.find(offset)?;
        let row = &mut block.kept[place];
        if std::mem::replace(&mut row.is_acknowledged, true) {
            return None;
        }
        let acknowledged = (row.updated_at, row.digest);
        block.pending -= 1;
        self.pending -= 1;
        if number == 0 && self.passed == place {
            self.advance();
        }
        self.reduce(number);
        Some(acknowledged)
    }

    /// Number of rows that are not acknowledged.
    pub fn pending(&self) -> usize {
        self.pending
    }

    /// Number of rows from about the first unacknowledged one on.
    pub fn span(&self) -> u64 {
        if self.pending == 0 {
            return 0;
        }
        let last = self.blocks.back().map_or(0, |block| block.len);
        (self.blocks.len().saturating_sub(1) * BLOCK + last) as u64 - self.passed as u64
    }

    /// The `UPDATED_AT` up to which all rows are acknowledged. It may be that of a row somewhat before the last of these.
    pub fn acknowledged_to(&self) -> Option<i64> {
        self.acknowledged_to
    }

    fn add(&mut self, updated_at: i64, digest: u128, is_acknowledged: bool) -> u64 {
        if self.blocks.back().is_none_or(|block| block.len == BLOCK) {
            self.blocks.push_back(Block::default());
        }
        let last = self.blocks.len() - 1;
        let block = &mut self.blocks[last];
        let offset = block.len;
        block.kept.push(Row { updated_at, digest, offset: offset as u16, is_acknowledged });
        block.len += 1;
        block.last = updated_at;
        block.pending += usize::from(!is_acknowledged);
        self.pending += usize::from(!is_acknowledged);
        if block.len == BLOCK {
            self.reduce(last);
        }
        self.first + (last * BLOCK + offset) as u64
    }

    /// Moves on to the first unacknowledged row.
    fn advance(&mut self) {
        while let Some(block) = self.blocks.front() {
            let more = block.kept[self.passed..].iter().take_while(|row| row.is_acknowledged);
            self.passed += more.count();
            if block.pending > 0 {
                let before = self.passed.checked_sub(1).and_then(|row| block.kept.get(row));
                self.acknowledged_to = before.map(|row| row.updated_at).or(self.acknowledged_to);
                return;
            }
            self.acknowledged_to = Some(block.last);
            if block.len < BLOCK {
                return;
            }
            self.blocks.pop_front();
            self.first += BLOCK as u64;
            self.passed = 0;
        }
    }

    /// Reduces a block if only few of the rows that it keeps are unacknowledged.
    fn reduce(&mut self, number: usize) {
        let Some(block) = self.blocks.get_mut(number) else { return };
        if block.len == BLOCK && block.kept.len() >= block.pending * SPARSE && !block.kept.is_empty() {
            block.kept.retain(|row| !row.is_acknowledged);
            block.kept.shrink_to_fit();
            if number == 0 {
                self.passed = 0;
            }
        }
    }
}

impl Block {
    /// The place of a row in `kept`.
    fn find(&self, offset: usize) -> Option<usize> {
        match self.kept.get(offset) {
            Some(row) if usize::from(row.offset) == offset => Some(offset),
            _ => self.kept.binary_search_by_key(&offset, |row| usize::from(row.offset)).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::RngExt as _;

    use super::*;
    use crate::testing;

    fn kept(window: &Window) -> usize {
        window.blocks.iter().map(|block| block.kept.capacity()).sum()
    }

    #[test]
    fn rows_are_acknowledged_once_in_any_order_and_the_time_of_the_rows_before_the_first_one_is_known() {
        for seed in 0..30 {
            let mut random = testing::random(seed);
            let (mut window, mut pending) = (Window::default(), Vec::new());
            let (mut time, mut unacknowledged) = (0, std::collections::BTreeMap::new());
            for _ in 0..20_000 {
                // It grows at first and shrinks later.
                if random.random_range(0..20_000) > time && random.random_ratio(9, 10) {
                    time += 1;
                    let number = window.push(time, time as u128);
                    pending.push(number);
                    unacknowledged.insert(number, time);
                } else if random.random_ratio(1, 5) {
                    time += 1;
                    window.pass(time);
                } else if !pending.is_empty() {
                    let at = pending.len() - 1 - random.random_range(0..pending.len().min(3000));
                    let number = pending.swap_remove(at);
                    let expected = unacknowledged.remove(&number).map(|time| (time, time as u128));
                    assert_eq!(window.acknowledge(number), expected, "seed {seed}");
                    assert_eq!(window.acknowledge(number), None, "seed {seed}");
                }
                assert_eq!(window.pending(), pending.len());
                let first = unacknowledged.first_key_value().map(|(_, time)| *time);
                let acknowledged_to = window.acknowledged_to().unwrap_or_default();
                match first {
                    None => assert_eq!(acknowledged_to, time, "seed {seed}"),
                    Some(first) => assert!(
                        acknowledged_to < first && acknowledged_to + BLOCK as i64 >= first,
                        "seed {seed}: {acknowledged_to} {first}"
                    ),
                }
            }
        }
    }

    #[test]
    fn memory_follows_the_unacknowledged_rows() {
        let mut window = Window::default();
        let slow: Vec<u64> = (0..1_000_000)
            .filter_map(|time| {
                let number = window.push(time, 0);
                let is_slow = time % 1000 == 0;
                if !is_slow {
                    window.acknowledge(number);
                }
                is_slow.then_some(number)
            })
            .collect();
        assert_eq!((window.pending(), window.span()), (1000, 1_000_000));
        assert!(kept(&window) <= 4 * BLOCK, "{}", kept(&window));
        for number in slow {
            assert!(window.acknowledge(number).is_some());
        }
        assert_eq!((window.pending(), window.span(), window.acknowledged_to()), (0, 0, Some(999_999)));
        assert!(window.blocks.len() <= 1);
        assert_eq!(window.acknowledge(5), None);
    }
}
