//! A sample of what `cargo run --release -p reliability -- --full` runs in full.

use reliability::{Case, Options, Scenario, Stage, cases, run, sample};

const SEED: u64 = 1;

fn converges(scenario: Scenario) {
    let stage = Stage::set(scenario).unwrap();
    let chosen = sample(&cases(&stage, SEED, 2), SEED, 36);
    let mut failed = Vec::new();
    let mut came_about = 0;
    run(&stage, &chosen, Options { jobs: 2 }, |verdict| {
        came_about += usize::from(verdict.possible);
        if verdict.possible && !verdict.converged() {
            failed.push(format!("{}: {:#?} {:#?}", verdict.case, verdict.findings, verdict.story));
        }
    });
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(came_about > chosen.len() / 2, "{came_about} of {}", chosen.len());
}

#[test]
fn the_stack_comes_up_whatever_goes_wrong() {
    converges(Scenario::Up);
}

#[test]
fn the_stack_is_updated_whatever_goes_wrong() {
    converges(Scenario::Update);
}

#[test]
fn the_stack_is_destroyed_whatever_goes_wrong() {
    converges(Scenario::Destroy);
}

#[test]
fn two_runs_in_which_nothing_goes_wrong_make_the_same_calls_and_writes() {
    let stage = Stage::set(Scenario::Up).unwrap();
    let again = stage.before.copy().run(&stage.wanted, &reliability::Fate::default());
    assert_eq!(again.calls, stage.clean.calls);
    assert_eq!(again.writes, stage.clean.writes);
}

#[test]
fn a_case_is_found_again_by_its_id() {
    let stage = Stage::set(Scenario::Up).unwrap();
    for case in cases(&stage, SEED, 2) {
        assert_eq!(case.to_string().parse::<Case>().unwrap(), case);
    }
    for text in ["", "up", "up/call-x-before", "sideways/call-1-before", "up/call-1-beside", "up/write-1"] {
        assert!(text.parse::<Case>().is_err(), "{text}");
    }
}
