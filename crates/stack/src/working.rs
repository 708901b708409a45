//! Another run that works on the same stack, or may, while a command looks.

use engine::{Holder, Survey, lock_holder};

use crate::exit::Failure;
use crate::output::Lines;
use crate::render::some_of;
use crate::run::Work;
use crate::time::rfc3339;
use crate::unlock::ago;

/// So many resources are named in one line.
const NAMED: usize = 4;

/// A run that holds the lock, and whose process is not known to have ended.
#[derive(Clone, Debug)]
pub(crate) struct Working {
    who: String,
    doing: String,
    since: String,
    /// Whether it is known to live: a run that was killed leaves its lock, and another machine cannot know that at once.
    lives: bool,
}

impl Working {
    /// That it works, and what follows from that.
    pub(crate) fn so(&self, consequence: &str) -> String {
        let Self { who, doing, since, lives } = self;
        match lives {
            true => format!("{}: {consequence}", self.told()),
            false => format!(
                "{who} holds the lock since {since}, for {doing}: if that run is still under way, {consequence}"
            ),
        }
    }

    /// The same without what follows.
    pub(crate) fn told(&self) -> String {
        let Self { who, doing, since, .. } = self;
        format!("{doing} by {who} is under way since {since}")
    }
}

/// Whose unfinished work it is that a plan shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Unfinished {
    /// Of a run that has ended.
    #[default]
    Interrupted,
    /// Of one that lives.
    Living,
    /// Of one that may live.
    Holder,
}

impl Unfinished {
    pub(crate) fn by(working: Option<&Working>) -> Self {
        match working {
            None => Self::Interrupted,
            Some(Working { lives: true, .. }) => Self::Living,
            Some(_) => Self::Holder,
        }
    }

    /// The run.
    pub(crate) fn run(self) -> &'static str {
        match self {
            Self::Interrupted => "the interrupted run",
            Self::Living => "the run under way",
            Self::Holder => "the run that holds the lock",
        }
    }
}

impl Work {
    /// The run that works on the stack, or may.
    pub(crate) async fn who_works(&self) -> Result<Option<Working>, Failure> {
        let store = self.kept().await?.files();
        // What is wrong with the lock is said to who needs it.
        let Ok(Some(Holder { who, purpose, since, is_dead: false, lives, .. })) = lock_holder(&*store).await
        else {
            return Ok(None);
        };
        let doing = purpose.unwrap_or_else(|| "a run".to_owned());
        Ok(Some(Working { who, doing, since: format!("{} ({})", rfc3339(since), ago(since)), lives }))
    }
}

/// What is no drift since a run has it in hand, which comes to its end by itself or by the next `up`.
pub(crate) fn left_out(working: Option<&Working>, survey: &Survey, up: &str) -> Lines {
    let in_hand = survey.in_hand();
    let names: Vec<&str> = in_hand.iter().map(|address| address.as_str()).collect();
    let named = some_of(&names, NAMED);
    match (working, names.is_empty()) {
        (None, true) => Lines::new(),
        (None, false) => {
            Lines::from(&format!("not finished by the last run, and left out: {named}; {up} finishes them"))
        }
        (Some(run), true) => Lines::from(&run.so("what differs may be its doing")),
        (Some(run), false) => Lines::from(&run.so(&format!("what it has in hand is left out: {named}"))),
    }
}
