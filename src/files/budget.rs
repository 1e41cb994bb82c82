//! How much memory the content of one file may take.
//!
//! Apart from the formats because the limit is on the sum: a list of empty entries, runs of a painted map and a packed picture
//! each take many times their own text, and a file may hold thousands of each. Deserializers get no argument, so the budget
//! belongs to the thread while it reads a file.

use std::{cell::Cell, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, SeqAccess, Visitor},
};

/// How many bytes a byte of a file may become.
const EXPANSION: usize = 50;
/// So much may always be taken: small files of flat pictures and of many defaults are read too.
const LEAST: usize = 64 << 20;

thread_local! {
    /// What is left; none where no file is being read.
    static LEFT: Cell<Option<usize>> = const { Cell::new(None) };
}

/// A file holds more than its size allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it would take far more memory than its size justifies")]
pub struct OverBudget;

/// Reads a file of `bytes`, with a budget for all that [`charge`] is told of meanwhile.
pub fn within_budget<T>(bytes: usize, read: impl FnOnce() -> T) -> T {
    /// Gives the budget before back, also in a panic.
    struct Before(Option<usize>);
    impl Drop for Before {
        fn drop(&mut self) {
            LEFT.set(self.0);
        }
    }
    let _before = Before(LEFT.replace(Some(bytes.saturating_mul(EXPANSION).max(LEAST))));
    read()
}

/// Takes memory off the budget of the file that is being read, before it is allocated.
///
/// # Errors
/// [`OverBudget`], and the budget is then as it was.
pub fn charge(bytes: usize) -> Result<(), OverBudget> {
    let Some(left) = LEFT.get() else { return Ok(()) };
    LEFT.set(Some(left.checked_sub(bytes).ok_or(OverBudget)?));
    Ok(())
}

/// Checks that the budget has so much left: for what is allocated for a moment, and nothing is taken off.
///
/// # Errors
/// [`OverBudget`].
pub fn check_room(bytes: usize) -> Result<(), OverBudget> {
    if LEFT.get().is_some_and(|left| left < bytes) { Err(OverBudget) } else { Ok(()) }
}

/// Deserializes a list whose entries are charged one by one, for `#[serde(deserialize_with)]`.
///
/// # Errors
/// Those of the entries, and [`OverBudget`].
pub fn charged_list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    struct List<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for List<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Vec<T>, A::Error> {
            let mut list = Vec::new();
            while let Some(entry) = entries.next_element()? {
                charge(size_of::<T>()).map_err(A::Error::custom)?;
                list.push(entry);
            }
            Ok(list)
        }
    }
    deserializer.deserialize_seq(List(PhantomData))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Lists {
        #[serde(deserialize_with = "charged_list")]
        all: Vec<[u64; 8]>,
    }

    #[test]
    fn the_sum_of_a_file_is_limited() {
        let text = format!("(all: [{}])", "(0,0,0,0,0,0,0,0),".repeat(1000));
        let read = || ron::from_str::<Lists>(&text).map(|lists| lists.all.len());
        assert_eq!(within_budget(text.len(), read), Ok(1000));
        let narrow = within_budget(text.len(), || charge(LEAST - 100).and_then(|()| read().map_err(|_| OverBudget)));
        assert_eq!(narrow, Err(OverBudget));
        assert_eq!(read(), Ok(1000), "without a file there is no limit");
    }

    #[test]
    fn a_budget_ends_with_its_file() {
        assert_eq!(within_budget(0, || charge(LEAST)), Ok(()));
        assert_eq!(within_budget(0, || charge(LEAST + 1)), Err(OverBudget));
        assert_eq!(within_budget(LEAST, || charge(LEAST + 1)), Ok(()));
        assert_eq!(within_budget(0, || check_room(LEAST).and_then(|()| charge(LEAST))), Ok(()));
        assert_eq!(within_budget(0, || charge(1).and_then(|()| check_room(LEAST))), Err(OverBudget));
        assert_eq!(charge(usize::MAX), Ok(()));
        let within = within_budget(0, || within_budget(LEAST, || charge(LEAST * 2)).and_then(|()| charge(LEAST)));
        assert_eq!(within, Ok(()));
    }
}
