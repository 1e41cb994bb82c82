//! Things that are cheap to keep and dear to make, as many as fit.

use std::{collections::HashMap, hash::Hash};

/// Values by key, of a limited total size. What was not used for longest goes first.
pub struct LruCache<K, V> {
    limit: usize,
    bytes: usize,
    clock: u64,
    held: HashMap<K, Held<V>>,
}

struct Held<V> {
    value: V,
    bytes: usize,
    used: u64,
}

impl<K: Clone + Eq + Hash, V: Clone> LruCache<K, V> {
    /// Keeps `limit` bytes at most.
    pub fn new(limit: usize) -> Self {
        Self { limit, bytes: 0, clock: 0, held: HashMap::new() }
    }

    /// The value of `key`, made now if it is not here. `size` says how many bytes a value takes; one that is larger than
    /// the limit is not kept.
    pub fn get<E>(
        &mut self,
        key: K,
        make: impl FnOnce() -> Result<V, E>,
        size: impl FnOnce(&V) -> usize,
    ) -> Result<V, E> {
        self.clock += 1;
        if let Some(held) = self.held.get_mut(&key) {
            held.used = self.clock;
            return Ok(held.value.clone());
        }
        let value = make()?;
        let bytes = size(&value);
        if bytes <= self.limit {
            self.make_room(bytes);
            self.bytes += bytes;
            self.held.insert(key, Held { value: value.clone(), bytes, used: self.clock });
        }
        Ok(value)
    }

    fn make_room(&mut self, bytes: usize) {
        while self.bytes + bytes > self.limit {
            let Some(oldest) = self.held.iter().min_by_key(|(_, held)| held.used).map(|(key, _)| key.clone()) else {
                return;
            };
            self.bytes -= self.held.remove(&oldest).map_or(0, |held| held.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_last_stays() {
        let mut recent = LruCache::new(20);
        let mut made = Vec::new();
        for key in [1, 2, 1, 3, 1, 2] {
            let make = || {
                made.push(key);
                Ok::<_, ()>(key * 10)
            };
            assert_eq!(recent.get(key, make, |_| 10), Ok(key * 10));
            assert!(recent.bytes <= 20);
        }
        assert_eq!(made, [1, 2, 3, 2], "2 had to go for 3, 1 was in use");
    }

    #[test]
    fn what_is_too_large_is_made_each_time() {
        let mut recent = LruCache::new(5);
        for _ in 0..2 {
            assert_eq!(recent.get((), || Ok::<_, ()>('x'), |_| 6), Ok('x'));
            assert!(recent.held.is_empty() && recent.bytes == 0);
        }
        assert_eq!(recent.get((), || Err('e'), |_: &char| 1), Err('e'));
    }
}
