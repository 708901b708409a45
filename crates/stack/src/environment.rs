//! The name of an environment: `dev`, `prod`, `pr1234`.

use std::fmt;
use std::str::FromStr;

use crate::config::closest;

/// The longest name. It is part of resource names, and a target group's name has 32 characters at the most.
pub(crate) const MAX_LENGTH: usize = 16;

/// A checked name: lower case letters, digits and hyphens, beginning with a letter and not ending with a hyphen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Environment(String);

/// A text that cannot name an environment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the name of an environment")]
pub struct InvalidEnvironment(String);

/// What would be right, for the hint of an error.
pub(crate) const RULE: &str = "use 1 to 16 lower case letters, digits and hyphens, beginning with a letter and not ending with a \
                        hyphen, such as dev, staging, prod or pr1234";

impl FromStr for Environment {
    type Err = InvalidEnvironment;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let good = text.len() <= MAX_LENGTH
            && text.bytes().all(allowed)
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && !text.ends_with('-');
        if good { Ok(Self(text.to_owned())) } else { Err(InvalidEnvironment(text.to_owned())) }
    }
}

impl Environment {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name that is meant where one is a slip away from another. Names that differ in a number, such as those of pull requests,
/// are close and no slip; and two slips in a short name make any other.
pub(crate) fn meant<'a>(name: &str, others: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let letters = |name: &str| name.chars().filter(|one| !one.is_ascii_digit()).collect::<String>();
    let slips = (name.len() / 3).min(2);
    closest(name, others.filter(|other| letters(other) != letters(name)), slips)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        for good in ["dev", "test", "staging", "prod", "pr1234", "a", "blue-green-1"] {
            assert!(good.parse::<Environment>().is_ok(), "{good}");
        }
        for bad in ["", "Dev", "1dev", "-dev", "dev-", "dev_1", "a-name-of-seventee", "dév", "a b", "../x"] {
            assert!(bad.parse::<Environment>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_one_slip_away_is_meant_and_another_number_is_not() {
        for (name, others, wanted) in [
            ("prdo", ["prod", "dev"], Some("prod")),
            ("stagin", ["staging", "dev"], Some("staging")),
            ("pr12", ["pr13", "pr1"], None),
            ("qa", ["qb", "dev"], None),
            ("test", ["prod", "dev"], None),
        ] {
            assert_eq!(meant(name, others.into_iter()), wanted, "{name}");
        }
    }
}
