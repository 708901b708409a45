//! Kill it anywhere: the whole stack against the embedded AWS, with every call and every write going wrong in turn.

mod disk;
mod life;
mod scenario;
mod world;

pub use disk::{WriteEnd, Written};
pub use scenario::{Broken, Scenario, Stage, first, second};
pub use world::{Ended, Fate, REGION, Run, Sight, World};
