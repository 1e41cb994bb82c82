//! Random numbers, of which a run needs many and fast.

/// Xorshift64* (Vigna 2016).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// In 0..`end`; 0 for an empty range.
    pub fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { ((self.next() >> 16) % end as u64) as usize }
    }

    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub fn of<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        list.get(self.below(list.len()))
    }

    /// A range within 0..`length`, short ones more often.
    pub fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let from = self.below(length);
        let most = [4, 32, 256, length][self.below(4)];
        from..(from + 1 + self.below(most)).min(length)
    }
}
