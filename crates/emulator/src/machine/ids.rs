//! Identifiers in AWS's shape, never given twice.
//!
//! EC2 ids are a prefix and 17 hexadecimal digits, of which the first has been 0 since longer ids exist
//! (EC2 User Guide, "Resource IDs"). Ours are a counter scrambled by a bijection, so two ids of one source
//! can never be equal, and the counter is part of the persisted state. The seed is fixed in memory, so
//! that tests repeat, and fresh for a new state directory, so that a program which remembers objects of a
//! deleted directory does not take new objects for its own.

use std::hash::{BuildHasher, RandomState};

use serde::{Deserialize, Serialize};

/// Gives out identifiers.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct IdSource {
    seed: u64,
    given: u64,
}

impl IdSource {
    /// A source for one service in one region.
    pub(crate) fn new(seed: u64, region: &str) -> Self {
        let seed = region.bytes().fold(seed, |sum, byte| scramble(sum ^ u64::from(byte)));
        IdSource { seed, given: 0 }
    }

    /// The next number, unlike any before.
    pub(crate) fn number(&mut self) -> u64 {
        self.given += 1;
        scramble(self.given ^ self.seed)
    }

    /// An id such as `vpc-0123456789abcdef0`.
    pub(crate) fn id(&mut self, prefix: &str) -> String {
        format!("{prefix}-0{:016x}", self.number())
    }

    /// A UUID of version 4, such as `1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed`.
    pub(crate) fn uuid(&mut self) -> String {
        // All of the first number is in it, so that no UUID comes twice.
        let bits = u128::from(self.number()) << 58 | u128::from(self.number()) >> 6;
        let part = |from: u32, width: u32| (bits >> from) & ((1 << width) - 1);
        let [a, b, c, d, e] = [part(90, 32), part(74, 16), part(62, 12), part(48, 14), part(0, 48)];
        format!("{a:08x}-{b:04x}-4{c:03x}-{:04x}-{e:012x}", 0x8000 | d)
    }

    /// How many were given out.
    pub(crate) fn given(&self) -> u64 {
        self.given
    }
}

/// Each step can be undone (shift-xor, product with an odd number), so different numbers stay different.
fn scramble(number: u64) -> u64 {
    let number = (number ^ (number >> 31)).wrapping_mul(0xa24b_aed4_963e_e407);
    let number = (number ^ (number >> 29)).wrapping_mul(0x9fb2_1c65_1e98_df25);
    number ^ (number >> 32)
}

/// A number from 0 to below 1 that looks random and follows from a seed and what it is about.
pub(crate) fn draw(seed: u64, about: &str) -> f64 {
    let mixed =
        about.bytes().fold(scramble(seed), |sum, byte| scramble(sum ^ u64::from(byte)).wrapping_add(1));
    // The upper 53 bits are what a float holds exactly.
    (scramble(mixed) >> 11) as f64 / (1u64 << 53) as f64
}

/// The one random source: a seed for a new state directory.
pub(crate) fn fresh_seed() -> u64 {
    RandomState::new().hash_one("seed")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_have_the_shape_of_aws_and_never_repeat() {
        let mut source = IdSource::new(0, "eu-west-1");
        let ids: BTreeSet<String> = (0..10_000).map(|_| source.id("vpc")).collect();
        assert_eq!(ids.len(), 10_000);
        assert!(ids.iter().all(|id| {
            let digits = id.strip_prefix("vpc-").expect("it is a VPC id");
            digits.len() == 17 && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        }));
    }

    #[test]
    fn uuids_are_of_version_4_and_never_repeat() {
        let mut source = IdSource::new(0, "eu-west-1");
        let ids: BTreeSet<String> = (0..10_000).map(|_| source.uuid()).collect();
        assert_eq!(ids.len(), 10_000);
        assert!(ids.iter().all(|id| {
            let parts: Vec<&str> = id.split('-').collect();
            let digits = id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f' | b'-'));
            let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
            digits
                && lengths == [8, 4, 4, 4, 12]
                && parts[2].starts_with('4')
                && parts[3].starts_with(['8', '9', 'a', 'b'])
        }));
    }

    #[test]
    fn draws_repeat_and_spread_evenly() {
        let draws: Vec<f64> = (0..1000).map(|n| draw(7, &n.to_string())).collect();
        assert_eq!(draws[3], draw(7, "3"));
        assert_ne!(draws[3], draw(8, "3"));
        for tenth in 0..10 {
            let low = f64::from(tenth) / 10.0;
            let count = draws.iter().filter(|draw| (low..low + 0.1).contains(*draw)).count();
            assert!((60..140).contains(&count), "{count} of 1000 from {low}");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_ids() {
        let mut one = IdSource::new(1, "eu-west-1");
        let mut two = IdSource::new(1, "eu-west-1");
        assert_eq!(one.id("igw"), two.id("igw"));
    }
}
