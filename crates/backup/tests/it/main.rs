//! The backup tier.
