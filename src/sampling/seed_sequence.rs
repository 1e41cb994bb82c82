//! Seeds derived from a seed and a place, as numpy's `SeedSequence` gives them (after O'Neill's `seed_seq`).
//!
//! Separate from the Brownian motion that uses them, as a hash function of whole numbers.

const SHIFT: u32 = 16;

/// A hash whose constant changes with each word.
struct WordHash {
    constant: u32,
    factor: u32,
}

impl WordHash {
    fn of(&mut self, word: u32) -> u32 {
        let mixed = word ^ self.constant;
        self.constant = self.constant.wrapping_mul(self.factor);
        let mixed = mixed.wrapping_mul(self.constant);
        mixed ^ (mixed >> SHIFT)
    }
}

/// `N` seeds from `entropy` and the numbers of a place, by a pool of `pool` words.
pub(super) fn seeds<const N: usize>(entropy: u64, place: &[u64], pool: usize) -> [u32; N] {
    let mut words = words(entropy);
    if !place.is_empty() && words.len() < pool {
        words.resize(pool, 0);
    }
    words.extend(place.iter().flat_map(|&number| self::words(number)));
    let mut hash = WordHash { constant: 0x43B0_D7E5, factor: 0x931E_8875 };
    let mut state: Vec<u32> = (0..pool).map(|i| hash.of(words.get(i).copied().unwrap_or(0))).collect();
    for from in 0..pool {
        for to in (0..pool).filter(|to| *to != from) {
            state[to] = mixed(state[to], hash.of(state[from]));
        }
    }
    for &word in words.iter().skip(pool) {
        for value in &mut state {
            *value = mixed(*value, hash.of(word));
        }
    }
    let mut hash = WordHash { constant: 0x8B51_F9DD, factor: 0x58F3_8DED };
    std::array::from_fn(|i| hash.of(state[i % pool]))
}

/// Lowest word first, at least one.
fn words(number: u64) -> Vec<u32> {
    let (low, high) = (number as u32, (number >> 32) as u32);
    if high == 0 { vec![low] } else { vec![low, high] }
}

fn mixed(x: u32, y: u32) -> u32 {
    let value = x.wrapping_mul(0xCA01_F9DD).wrapping_sub(y.wrapping_mul(0x4973_F715));
    value ^ (value >> SHIFT)
}
