//! The journal of the whole stack, damaged: a clear error and nothing touched, or what it really said. Never another state.

use std::sync::OnceLock;

use engine::{File, Store as _};
use proptest::prelude::*;
use reliability::{Backend, Ended, Fate, Scenario, Stage, World};

/// The stack after `up`, and after that in the middle of nothing.
fn stage() -> &'static Stage {
    static STAGE: OnceLock<Stage> = OnceLock::new();
    STAGE.get_or_init(|| Stage::set(Scenario::Destroy, Backend::Local).unwrap())
}

fn on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

fn journal(world: &World) -> Vec<u8> {
    on(world.store().read(File::Journal)).unwrap().unwrap().bytes
}

fn with_journal(bytes: &[u8]) -> World {
    let world = stage().before.copy();
    on(async {
        let old = world.store().read(File::Journal).await.unwrap().unwrap();
        world.store().replace(File::Journal, Some(&old.version), bytes.to_vec()).await.unwrap();
    });
    world
}

/// Somebody's damage to a text of lines.
#[derive(Clone, Debug)]
enum Damage {
    Flip { at: usize, bit: u8 },
    Cut { at: usize },
    Swap { one: usize, other: usize },
    Double { line: usize, at: usize },
    Remove { line: usize },
    Insert { at: usize, bytes: Vec<u8> },
    Renumber { line: usize },
    Version(u32),
}

fn damage() -> impl Strategy<Value = Damage> {
    let anywhere = any::<prop::sample::Index>().prop_map(|index| index.index(1 << 24));
    prop_oneof![
        4 => (anywhere.clone(), 0..8_u8).prop_map(|(at, bit)| Damage::Flip { at, bit }),
        2 => anywhere.clone().prop_map(|at| Damage::Cut { at }),
        2 => (anywhere.clone(), anywhere.clone()).prop_map(|(one, other)| Damage::Swap { one, other }),
        2 => (anywhere.clone(), anywhere.clone()).prop_map(|(line, at)| Damage::Double { line, at }),
        2 => anywhere.clone().prop_map(|line| Damage::Remove { line }),
        2 => (anywhere.clone(), prop::collection::vec(any::<u8>(), 1..40))
            .prop_map(|(at, bytes)| Damage::Insert { at, bytes }),
        1 => anywhere.prop_map(|line| Damage::Renumber { line }),
        1 => prop_oneof![Just(0_u32), 2..9_u32].prop_map(Damage::Version),
    ]
}

impl Damage {
    fn of(&self, text: &[u8]) -> Vec<u8> {
        let mut bytes = text.to_vec();
        let mut lines: Vec<Vec<u8>> =
            text.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        let count = lines.len();
        match self {
            Damage::Flip { at, bit } => {
                let at = at % bytes.len();
                bytes[at] ^= 1 << bit;
                return bytes;
            }
            Damage::Cut { at } => {
                bytes.truncate(at % bytes.len());
                return bytes;
            }
            Damage::Insert { at, bytes: more } => {
                let at = at % bytes.len();
                bytes.splice(at..at, more.iter().copied());
                return bytes;
            }
            Damage::Swap { one, other } => lines.swap(one % count, other % count),
            Damage::Double { line, at } => lines.insert(at % count, lines[line % count].clone()),
            // The last line may be missing: that is how a record that was never acknowledged looks.
            Damage::Remove { line } => drop(lines.remove(line % (count - 1))),
            Damage::Renumber { line } => {
                let line = &mut lines[1 + line % (count - 1)];
                let text = String::from_utf8(line.clone()).unwrap();
                *line = text.replacen("{\"n\":", "{\"n\":1", 1).into_bytes();
            }
            Damage::Version(version) => {
                let text = String::from_utf8(lines[0].clone()).unwrap();
                lines[0] = text.replacen("\"version\":2", &format!("\"version\":{version}"), 1).into_bytes();
            }
        }
        lines.concat()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_journal_is_an_error_that_touches_nothing_or_says_what_it_said(damage in damage()) {
        let whole = journal(&stage().before);
        let damaged = damage.of(&whole);
        let mut world = with_journal(&damaged);
        match world.look() {
            Err(error) => {
                prop_assert!(error.contains("journal in memory, line "), "{error}");
                let run = world.run(&stage().wanted, &Fate::default());
                prop_assert!(matches!(run.ended, Ended::Refused(_)), "{:?}", run.ended);
                prop_assert!(run.calls.is_empty(), "it called {:?}", run.calls);
                prop_assert_eq!(journal(&world), damaged);
            }
            Ok(sight) => {
                // Read without an error: it says what the whole lines of the true one say that are left of it.
                let records = usize::try_from(sight.state.records).unwrap();
                let lines = whole.split_inclusive(|byte| *byte == b'\n').take(records + 1);
                let truth = with_journal(&lines.collect::<Vec<_>>().concat()).look().unwrap();
                prop_assert_eq!(&sight.state, &truth.state);
                let cut = matches!(damage, Damage::Cut { .. });
                prop_assert!(cut || sight.state.records + 1 >= stage().was.state.records, "{} records", records);
            }
        }
    }
}

#[test]
fn whatever_is_in_the_lock_file_nothing_is_called_without_the_lock() {
    for bytes in [&b""[..], b"{}", b"\xff\xfe", b"{\"holder\":\"x\",\"id\":\"y\",\"since\":1}\n"] {
        let mut world = stage().before.copy();
        on(world.store().replace(File::Lock, None, bytes.to_vec())).unwrap();
        let run = world.run(&stage().wanted, &Fate::default());
        let Ended::Refused(reason) = run.ended else { panic!("{:?}", run.ended) };
        assert!(reason.contains("lock in memory is not a valid lock file"), "{reason}");
        assert!(run.calls.is_empty());
    }
}
