//! The contract finds kinds that break it.

mod contract;
mod flawed;
mod stores;
