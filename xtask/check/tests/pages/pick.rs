//! Choices that look arbitrary and are the same each time.

fn hash(seed: &str) -> u64 {
    let mixed = seed
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    mixed ^ (mixed >> 33)
}

/// A number below `count`, by a text.
pub fn pick(seed: &str, count: usize) -> usize {
    usize::try_from(hash(seed) % count.max(1) as u64).unwrap()
}

/// One of several, by a text.
pub fn one_of<'a, T: ?Sized>(seed: &str, of: &[&'a T]) -> &'a T {
    of[pick(seed, of.len())]
}

/// Some of many, by a text.
pub fn some<T>(all: Vec<T>, most: usize, seed: &str) -> Vec<T> {
    if all.len() <= most {
        return all;
    }
    let mut all: Vec<(u64, T)> =
        all.into_iter().enumerate().map(|(index, one)| (hash(&format!("{seed} {index}")), one)).collect();
    all.sort_by_key(|(hash, _)| *hash);
    all.into_iter().take(most).map(|(_, one)| one).collect()
}

/// Numbers in a row.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: &str) -> Dice {
        Dice(hash(seed) | 1)
    }

    pub fn below(&mut self, count: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 11) % count.max(1) as u64).unwrap()
    }
}
