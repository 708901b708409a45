//! The objects of one kind, by name, id or ARN.
//!
//! A service names its kinds once ([`kinds`]), with what it says of a key that no object has and, where keys must be free, of one
//! that an object has already. Then every map of such objects finds them or refuses in the service's own words.

use std::collections::BTreeMap;

use super::{Refusal, refuse_if};

/// A kind of object.
pub(crate) trait Kind: Sized {
    /// The refusal of a key that no object has.
    fn absent(key: &str) -> Refusal;
}

/// A kind of object that is made under a key which must be free.
pub(crate) trait Unique: Kind {
    /// The refusal of a key that an object has.
    fn taken(key: &str) -> Refusal;
}

/// Declares kinds: `LogGroup: |name| …, |name| …;`, the first for a key that no object has, the second for one that is taken.
macro_rules! kinds {
    ($($kind:ty: $absent:expr $(, $taken:expr)?;)+) => {
        $(
            impl crate::services::table::Kind for $kind {
                fn absent(key: &str) -> crate::services::Refusal {
                    let absent: fn(&str) -> crate::services::Refusal = $absent;
                    absent(key)
                }
            }
            $(
                impl crate::services::table::Unique for $kind {
                    fn taken(key: &str) -> crate::services::Refusal {
                        let taken: fn(&str) -> crate::services::Refusal = $taken;
                        taken(key)
                    }
                }
            )?
        )+
    };
}
pub(crate) use kinds;

/// The objects of one kind.
pub(crate) trait Table<K> {
    fn find(&self, key: &str) -> Result<&K, Refusal>;
    fn find_mut(&mut self, key: &str) -> Result<&mut K, Refusal>;
    /// Removes an object.
    fn take(&mut self, key: &str) -> Result<K, Refusal>;
    fn check_free(&self, key: &str) -> Result<(), Refusal>
    where
        K: Unique;
}

impl<K: Kind> Table<K> for BTreeMap<String, K> {
    fn find(&self, key: &str) -> Result<&K, Refusal> {
        self.get(key).ok_or_else(|| K::absent(key))
    }

    fn find_mut(&mut self, key: &str) -> Result<&mut K, Refusal> {
        self.get_mut(key).ok_or_else(|| K::absent(key))
    }

    fn take(&mut self, key: &str) -> Result<K, Refusal> {
        self.remove(key).ok_or_else(|| K::absent(key))
    }

    fn check_free(&self, key: &str) -> Result<(), Refusal>
    where
        K: Unique,
    {
        refuse_if(self.contains_key(key), || K::taken(key))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::Table;
    use crate::services::Refusal;

    #[derive(Debug, PartialEq)]
    struct Thing(u8);

    kinds! {
        Thing: |key| Refusal::new("NotThere", key), |key| Refusal::new("Taken", key);
    }

    #[test]
    fn a_kind_says_in_its_own_words_what_is_not_there_and_what_is_taken() {
        let mut things = BTreeMap::from([("a".to_owned(), Thing(1))]);
        assert_eq!(things.find("a"), Ok(&Thing(1)));
        assert_eq!(things.find("b"), Err(Refusal::new("NotThere", "b")));
        assert_eq!(things.check_free("a"), Err(Refusal::new("Taken", "a")));
        assert_eq!(things.take("a"), Ok(Thing(1)));
        assert_eq!(things.check_free("a"), Ok(()));
        assert_eq!(things.find_mut("a"), Err(Refusal::new("NotThere", "a")));
    }
}
