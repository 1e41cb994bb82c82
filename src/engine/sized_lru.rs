//! A map of limited size in bytes that drops the least recently used entries first.
//!
//! It stands apart from the prediction cache because it does not depend on what it stores: the `lru` crate keeps the order
//! of use, this file adds the count of bytes.

use std::hash::Hash;

use lru::LruCache;

/// Values by key, each with its size in bytes.
pub(super) struct SizedLru<K: Hash + Eq, V> {
    entries: LruCache<K, Entry<V>>,
    bytes: usize,
}

struct Entry<V> {
    value: V,
    bytes: usize,
}

impl<K: Hash + Eq, V> SizedLru<K, V> {
    /// An empty map. Its budget is given with every insertion, because others may change it at any time.
    pub fn new() -> Self {
        Self { entries: LruCache::unbounded(), bytes: 0 }
    }

    /// The sum of the sizes of all entries.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The value of `key`, which becomes the most recently used one.
    pub fn get(&mut self, key: &K) -> Option<&V> {
        self.entries.get(key).map(|entry| &entry.value)
    }

    #[cfg(test)]
    fn holds(&self, key: &K) -> bool {
        self.entries.contains(key)
    }

    /// Removes the value of `key`.
    pub fn take(&mut self, key: &K) -> Option<V> {
        let entry = self.entries.pop(key)?;
        self.bytes -= entry.bytes;
        Some(entry.value)
    }

    /// Stores `value`, of `bytes` bytes, as the most recently used entry and drops the oldest ones until all fit
    /// `budget`. A value larger than the whole budget is not stored, and drops nothing.
    pub fn insert(&mut self, key: K, value: V, bytes: usize, budget: usize) {
        self.take(&key);
        if bytes > budget {
            return;
        }
        self.trim(budget - bytes);
        self.entries.put(key, Entry { value, bytes });
        self.bytes += bytes;
    }

    /// Drops the least recently used entries until all fit `budget`.
    pub fn trim(&mut self, budget: usize) {
        while self.bytes > budget
            && let Some((_, oldest)) = self.entries.pop_lru()
        {
            self.bytes -= oldest.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_entry_goes_first() {
        let mut cache = SizedLru::new();
        cache.insert(1, 'a', 10, 20);
        cache.insert(2, 'b', 10, 20);
        assert_eq!(cache.get(&1), Some(&'a'));
        cache.insert(3, 'c', 10, 20);
        assert_eq!([1, 2, 3].map(|key| cache.holds(&key)), [true, false, true]);
        assert_eq!((cache.bytes(), cache.get(&3)), (20, Some(&'c')));
    }

    #[test]
    fn the_count_follows_replaced_and_removed_values() {
        let mut cache = SizedLru::new();
        cache.insert('x', 1, 6, 20);
        cache.insert('x', 2, 9, 20);
        assert_eq!((cache.bytes(), cache.get(&'x')), (9, Some(&2)));
        assert_eq!((cache.take(&'x'), cache.take(&'x'), cache.bytes()), (Some(2), None, 0));
    }

    #[test]
    fn what_is_larger_than_the_budget_is_not_stored_and_drops_nothing() {
        let mut cache = SizedLru::new();
        cache.insert(1, (), 5, 5);
        cache.insert(2, (), 6, 5);
        assert_eq!((cache.holds(&1), cache.holds(&2), cache.bytes()), (true, false, 5));
        cache.trim(4);
        assert_eq!((cache.holds(&1), cache.bytes()), (false, 0));
    }
}
