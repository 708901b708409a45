//! A sample of what `cargo run --release -p reliability -- --full` runs in full.

use reliability::{Backend, Case, Harm, Options, Scenario, Stage, cases, run, sample};

const SEED: u64 = 1;

fn converges(scenario: Scenario) {
    let stage = Stage::set(scenario, Backend::Local).unwrap();
    all_converge(&stage, &sample(&cases(&stage, SEED, 2), SEED, 36));
}

fn all_converge(stage: &Stage, chosen: &[Case]) {
    let mut failed = Vec::new();
    let mut came_about = 0;
    run(stage, chosen, Options { jobs: 2 }, |verdict| {
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
fn a_part_of_an_update_is_done_whatever_goes_wrong_and_the_rest_is_left_as_it_is() {
    converges(Scenario::Part);
}

#[test]
fn the_stack_is_destroyed_whatever_goes_wrong() {
    converges(Scenario::Destroy);
}

#[test]
fn what_somebody_else_made_is_adopted_whatever_goes_wrong() {
    converges(Scenario::Import);
}

#[test]
fn what_somebody_changed_is_taken_into_the_state_whatever_goes_wrong() {
    let stage = Stage::set(Scenario::Accept, Backend::Local).unwrap();
    assert!(stage.clean.calls.iter().all(|call| !call.mutating), "accepting changes nothing in the cloud");
    let changed = |address: &str| {
        let properties =
            |sight: &reliability::Sight| sight.state.current(address).map(|it| it.properties.clone());
        (properties(&stage.was), properties(&stage.is))
    };
    let (was, is) = changed("alb/load-balancer");
    assert_ne!(was, is);
    assert_eq!(changed("vpc/flow-log").1, None);
    // At every write, and at a sample of everything else.
    let all = cases(&stage, SEED, 2);
    let (writes, others): (Vec<Case>, Vec<Case>) =
        all.into_iter().partition(|case| matches!(case.harm, Harm::Write(..)));
    assert!(writes.len() > 10, "{}", writes.len());
    all_converge(&stage, &writes);
    all_converge(&stage, &sample(&others, SEED, 24));
}

#[test]
fn the_stack_comes_up_whatever_goes_wrong_with_its_state_in_s3() {
    let stage = Stage::set(Scenario::Up, Backend::S3).unwrap();
    let mut all = cases(&stage, SEED, 1);
    // What else goes wrong does so wherever the state is kept.
    all.retain(|case| matches!(case.harm, Harm::Request(..)));
    all_converge(&stage, &sample(&all, SEED, 12));
}

#[test]
fn two_runs_in_which_nothing_goes_wrong_make_the_same_calls_and_writes() {
    for state in [Backend::Local, Backend::S3] {
        let stage = Stage::set(Scenario::Up, state).unwrap();
        let again = stage.before.copy().run(&stage.wanted, &reliability::Fate::default());
        assert_eq!(again.calls, stage.clean.calls);
        assert_eq!(again.writes, stage.clean.writes);
        assert_eq!(again.requests, stage.clean.requests);
        assert_eq!(again.writes.is_empty(), state == Backend::S3);
        assert_eq!(again.requests.is_empty(), state == Backend::Local);
    }
}

#[test]
fn a_case_is_found_again_by_its_id() {
    for state in [Backend::Local, Backend::S3] {
        let stage = Stage::set(Scenario::Up, state).unwrap();
        for case in cases(&stage, SEED, 2) {
            assert_eq!(case.to_string().parse::<Case>().unwrap(), case);
        }
    }
    for text in ["", "up", "up/call-x-before", "sideways/call-1-before", "up/call-1-beside", "up/write-1"] {
        assert!(text.parse::<Case>().is_err(), "{text}");
    }
}
