//! A state that somebody damaged.
