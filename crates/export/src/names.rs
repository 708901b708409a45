//! Logical ids: what a template calls its resources.

use std::collections::{HashMap, HashSet};

/// Gives each address an id of letters and digits: `vpc/private-subnet-1` is `VpcPrivateSubnet1`. Addresses whose ids would be
/// the same get a number, in their order.
pub(crate) fn logical_ids<'a>(addresses: impl Iterator<Item = &'a str>) -> HashMap<&'a str, String> {
    let mut taken = HashSet::new();
    addresses
        .map(|address| {
            let plain = logical_id(address);
            let mut id = plain.clone();
            let mut number = 1;
            while !taken.insert(id.clone()) {
                number += 1;
                id = format!("{plain}N{number}");
            }
            (address, id)
        })
        .collect()
}

fn logical_id(address: &str) -> String {
    let words = address.split(|letter: char| !letter.is_ascii_alphanumeric());
    words
        .filter_map(|word| {
            let (first, rest) = word.split_at_checked(1)?;
            Some(first.to_ascii_uppercase() + rest)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_letters_and_digits_and_no_two_are_the_same() {
        let ids = logical_ids(["vpc/private-subnet-1", "vpc/a-b", "vpc/a/b", "vpc/a_b"].into_iter());
        assert_eq!(ids["vpc/private-subnet-1"], "VpcPrivateSubnet1");
        assert_eq!(ids["vpc/a-b"], "VpcAB");
        assert_eq!(ids["vpc/a/b"], "VpcABN2");
        assert_eq!(ids["vpc/a_b"], "VpcABN3");
    }
}
