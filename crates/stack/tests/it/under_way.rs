//! What other commands say of a run while it is under way, and after it was interrupted: what it has in hand is nobody else's doing.

use crate::command::{Ended, Workplace};
use crate::server::Server;

/// A line that says that a check failed.
fn failed(ended: &Ended) -> Vec<&str> {
    ended.out.lines().filter(|line| line.starts_with("FAILED")).collect()
}

#[test]
fn what_a_run_has_in_hand_is_left_out_while_it_is_under_way_and_its_own_afterwards() {
    let place = Workplace::new();
    // At AWS's own pace, gateways and the load balancer take minutes.
    let server = Server::start_with(&place, &["--latency", "1"]);
    let mut up = server.begin(&place, &["up"]);
    up.after(40, "created ");

    let preview = server.run(&place, &["preview"]).expect(0);
    assert!(preview.err.contains(" is under way since "), "{}", preview.err);
    assert!(preview.out.contains("  being created by the run under way"), "{}", preview.out);
    let refresh = server.run(&place, &["refresh", "--detailed-exitcode"]).expect(0);
    assert!(
        refresh.err.contains(" is under way since ")
            && refresh.err.contains(": what it has in hand is left out: "),
        "{}",
        refresh.err
    );
    assert!(refresh.out.contains("no drift"), "{}", refresh.out);
    let verify = server.run(&place, &["verify"]);
    assert_eq!(failed(&verify), [""; 0], "{}", verify.out);
    assert!(verify.err.contains(" is under way since "), "{}", verify.err);
    verify.expect(0);

    up.end_by("INT").0.expect(130);
    let preview = server.run(&place, &["preview"]).expect(0);
    assert!(preview.out.contains("  the last run did not finish it"), "{}", preview.out);
    for shown in [&preview, &server.run(&place, &["preview", "--markdown"]).expect(0)] {
        assert!(!shown.out.contains("outside of this program"), "{}", shown.out);
    }
    let document = server.run(&place, &["preview", "--json"]).expect(0).json();
    for change in document["changes"].as_array().unwrap() {
        assert_eq!(change["drift"].as_array().map(Vec::len), Some(0), "{change}");
    }
    let refresh = server.run(&place, &["refresh", "--detailed-exitcode"]).expect(0);
    assert!(refresh.err.contains("not finished by the last run, and left out: "), "{}", refresh.err);
}
