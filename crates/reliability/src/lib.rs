//! Kill it anywhere: the whole stack against the embedded AWS, with every call and every write going wrong in turn.

mod accepting;
mod audit;
mod case;
mod cases;
pub mod changes;
mod disk;
mod draw;
pub mod drift;
mod import;
mod kept;
mod life;
mod matrix;
mod meddle;
mod pause;
mod process;
mod scenario;
mod trouble;
mod world;

pub use audit::{Findings, audit};
pub use case::{Case, End, Harm, Lapse, UnknownCase, Verdict};
pub use cases::cases;
pub use disk::{WriteEnd, Written};
pub use kept::Backend;
pub use matrix::{Options, Results, Row, run, sample};
pub use meddle::Meddling;
pub use pause::Aside;
pub use scenario::{Broken, Scenario, Stage, first, second, third};
pub use trouble::Trouble;
pub use world::{Ended, Fate, REGION, Run, Sight, World};
