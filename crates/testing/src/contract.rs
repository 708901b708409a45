//! What every kind of resource promises, asked of each kind on the embedded AWS.
//!
//! 1. Created, it reads back as declared; then there is nothing to do, and doing it sends nothing.
//! 2. A property that is changed alone is changed in place, alone, and can be changed back.
//! 3. A property that cannot be changed replaces the object; nothing of the old one is left.
//! 4. A property that is changed behind the program's back is seen, alone, and repaired. So is a tag that says whose it is.
//! 5. An object that is deleted behind its back is missed, and made again.
//! 6. Whichever answer of a call that changes something is lost, there is exactly one object afterwards, as declared.
//! 7. Tags are what [`Facts::tags`](engine::Facts) says, right after the call that creates the object.
//! 8. Deleted, nothing is left. Deleting it once more is no error.
//! 9. [`Facts`](engine::Facts) are true: the name, the calls of a read, the id for an import, what would be lost.
//!
//! # How a new kind gets its entry
//! In `tests/it/contract.rs` of its tier, write a function that adds what the resource needs around it, and returns an
//! [`Entry`]: the resource itself, and for each of its properties another value that AWS accepts, or the reason why there is
//! none. Then add the function's name to the list of [`contract!`](crate::contract!). A kind that is registered and not in
//! the list fails the tier's tests, and so does a property that the entry does not mention.
//!
//! ```
//! # use vpc_of_the_example as vpc;
//! # mod vpc_of_the_example { pub fn kinds(_: &mut aws::Registry) {} }
//! use aws::resources::Key;
//! use testing::contract::{Around, Entry};
//!
//! fn key(_around: &mut Around<()>) -> Entry<Key> {
//!     let key = Key {
//!         description: "Encrypts the ledger".to_owned(),
//!         enabled: true,
//!         deletion_date: None,
//!         enable_key_rotation: true,
//!         rotation_period_in_days: None,
//!         key_policy: aws::policy::PolicyDocument::new([]),
//!         pending_window_in_days: 30,
//!         deletion_policy: aws::DeletionPolicy::Delete,
//!         tags: aws::Tags::new().with("Name", "ledger"),
//!     };
//!     Entry::of(key)
//!         .other("Description", |key| key.description = "Encrypts more".to_owned())
//!         .fixed(["KeyPolicy"], "an example has only one")
//! }
//! ```
//!
//! Each point begins with a copy of the same account and state, so that one that fails does not disturb another one. All run
//! in virtual time.

mod bench;
mod entry;
mod facts;
mod life;
mod lost;

pub use entry::{Around, Entry, Erased};

use std::collections::{BTreeMap, BTreeSet};

use aws::Registry;
use engine::{Change, Provider};

use crate::{World, context};
use bench::{Bench, Saved, Subject};
use entry::Case;

/// Why something does not hold.
type Broken = String;

/// Ends a point that does not hold.
macro_rules! hold {
    ($condition:expr, $($reason:tt)+) => {
        if !$condition {
            return Err(format!($($reason)+));
        }
    };
}
use hold;

/// One test for each entry, named like it, and one that every kind of the tier has an entry.
///
/// `around` is an async function that makes what only other tiers can declare, such as a network, with calls of its own. What it
/// returns is [`Around::inputs`].
#[macro_export]
macro_rules! contract {
    ($kinds:path, around $around:ident, { $($entry:ident),+ $(,)? }) => {
        mod holds {
            $(
                #[tokio::test(start_paused = true)]
                async fn $entry() {
                    $crate::contract::holds($kinds, super::$around, |around| super::$entry(around).into()).await;
                }
            )+

            #[tokio::test(start_paused = true)]
            async fn for_every_kind_that_the_tier_registers() {
                let mut entries = $crate::contract::Entries::new(super::$around).await;
                $( entries.add(|around| super::$entry(around).into()); )+
                entries.assert_complete($kinds);
            }
        }
    };
}

/// For a tier that needs nothing of others.
pub async fn nothing(_world: &World) {}

/// The entries of a tier.
pub struct Entries<I> {
    inputs: I,
    world: World,
    /// Each kind with the properties that its entries mention.
    kinds: BTreeMap<&'static str, BTreeSet<&'static str>>,
}

impl<I: Clone> Entries<I> {
    /// None yet.
    pub async fn new(around: impl AsyncFn(&World) -> I) -> Self {
        let world = World::new(|_| ());
        Self { inputs: around(&world).await, world, kinds: BTreeMap::new() }
    }

    /// Notes the kind of an entry.
    pub fn add(&mut self, entry: impl FnOnce(&mut Around<I>) -> Erased) {
        let erased = entry(&mut Around::new(self.inputs.clone()));
        self.kinds.entry(erased.kind()).or_default().extend(erased.cases.keys());
    }

    /// Every kind that is registered has an entry, and each of its properties is in one of its entries.
    ///
    /// # Panics
    /// With the first one without.
    pub fn assert_complete(&self, kinds: fn(&mut Registry)) {
        let mut registry = Registry::new(context(&self.world.emulator));
        kinds(&mut registry);
        for (name, kind) in registry.kinds() {
            let mentioned = self.kinds.get(name);
            let mentioned = mentioned.unwrap_or_else(|| panic!("{name} has no entry in the contract"));
            let missing: Vec<_> = kind.properties().iter().filter(|one| !mentioned.contains(*one)).collect();
            assert!(missing.is_empty(), "{name}: no entry in the contract mentions {missing:?}");
        }
    }
}

/// The contract holds for a kind.
///
/// # Panics
/// With every point that does not hold.
pub async fn holds<I>(
    kinds: fn(&mut Registry),
    around: impl AsyncFn(&World) -> I,
    entry: impl FnOnce(&mut Around<I>) -> Erased,
) {
    let world = World::new(kinds);
    let mut around = Around::new(around(&world).await);
    let entry = entry(&mut around);
    let subject = Subject::new(around.into_declarations(&entry), entry);
    let mut broken = Points { kind: subject.kind().to_owned(), broken: Vec::new() };
    all(world, kinds, subject, &mut broken).await;
    assert!(broken.broken.is_empty(), "{}", broken.broken.join("\n"));
}

struct Points {
    kind: String,
    broken: Vec<String>,
}

impl Points {
    fn note(&mut self, point: &str, held: Result<(), Broken>) {
        if let Err(reason) = held {
            self.broken.push(format!("{}: {point}: {reason}", self.kind));
        }
    }
}

async fn all(world: World, kinds: fn(&mut Registry), subject: Subject, points: &mut Points) {
    let bench = Bench::new(world, kinds, subject);
    points.note("entry", every_property_has_a_case(&bench));
    let before = match bench.surrounded().await {
        Ok(before) => before,
        Err(reason) => return points.note("what is around it", Err(reason)),
    };
    let (made, created) = match life::created(&bench.from(&before).await).await {
        Ok(made) => made,
        Err(reason) => return points.note("created", Err(reason)),
    };
    points.note("created, there is nothing to do", life::settled(&bench.from(&made).await).await);
    points.note("facts", facts::are_true(&bench.from(&made).await).await);
    points.note("tags", facts::tags(&bench.from(&before).await).await);

    let mut updates = BTreeMap::new();
    for (property, case) in bench.subject.cases() {
        let fresh = bench.from(&made).await;
        let mut note = |what: &str, held| points.note(&format!("{property} {what}"), held);
        match case {
            Case::Fixed(_) => {}
            Case::Recorded(other) => {
                note("changed, which AWS does not have", life::only_recorded(&fresh, property, other).await);
            }
            Case::Other(other) if bench.kind().change(property) == Change::Replace => {
                note("replaced", life::replaced(&fresh, other).await);
            }
            Case::Other(other) => {
                match life::changed(&fresh, property, other).await {
                    // Another property that is changed by the same calls would only show the same.
                    Ok((calls, then)) => {
                        updates.entry(calls).or_insert((other, then));
                    }
                    Err(reason) => note("changed", Err(reason)),
                }
                let fresh = bench.from(&made).await;
                note("changed behind its back", life::changed_behind_its_back(&fresh, property, other).await);
            }
        }
    }
    points.note("its tags", life::tags_of_ours_changed(&bench.from(&made).await).await);
    points.note("deleted behind its back", life::deleted_behind_its_back(&bench.from(&made).await).await);
    let deleted = life::deleted(&bench.from(&made).await, &before).await;
    let deleted = deleted.unwrap_or_else(|reason| {
        points.note("deleted", Err(reason));
        Vec::new()
    });

    let base = &bench.subject.properties();
    answers_are_lost(points, &bench, &before, "create", &created, Some(base), &made).await;
    for (calls, (other, then)) in &updates {
        answers_are_lost(points, &bench, &made, "update", calls, Some(other), then).await;
    }
    answers_are_lost(points, &bench, &made, "delete", &deleted, None, &before).await;
}

async fn answers_are_lost(
    points: &mut Points,
    bench: &Bench,
    from: &Saved,
    what: &str,
    calls: &[String],
    wanted: Option<&serde_json::Value>,
    then: &Saved,
) {
    for (number, call) in calls.iter().enumerate() {
        for fault in lost::FAULTS {
            let point = format!("{what}, {call} (call {}), {fault:?}", number + 1);
            let bench = bench.with_fault(from, number, fault).await;
            points.note(&point, lost::made_good(&bench, wanted, then).await);
        }
    }
}

fn every_property_has_a_case(bench: &Bench) -> Result<(), Broken> {
    let properties: BTreeSet<&str> = bench.kind().properties().iter().copied().collect();
    let cases: BTreeSet<&str> = bench.subject.cases().map(|(property, _)| property).collect();
    let missing: Vec<_> = properties.difference(&cases).collect();
    let unknown: Vec<_> = cases.difference(&properties).collect();
    let elsewhere = bench.subject.entry.rest_elsewhere;
    hold!(elsewhere || missing.is_empty(), "no other value for {missing:?}");
    hold!(unknown.is_empty(), "no such property: {unknown:?}");
    Ok(())
}

fn provided<'a>(registry: &'a Registry, kind: &str) -> &'a dyn engine::Kind {
    registry.kind(kind).unwrap_or_else(|| panic!("{kind} is not registered"))
}
