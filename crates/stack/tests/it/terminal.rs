//! What a person sees on a terminal while a run goes on.

use regex::Regex;
use serde_json::json;

use crate::command::Workplace;
use crate::pty::{Terminal, count};
use crate::server::Server;

const TOTAL: &str = r"^\[[#·]{20}\] \d+ of \d+ in \d+:\d\d(, about \d+:\d\d left|, stopping)?$";
const NARROW_TOTAL: &str = r"^\d+/\d+ in \d+:\d\d(, about \d+:\d\d left|, stopping)?$";

/// A server on which three gateways and the cluster stay under way.
fn slow(place: &Workplace) -> Server {
    let rule = |operation: &str| {
        json!({
            "of": { "operation": operation },
            "when": { "share": 1.0 },
            "fault": { "time_out": "after_effect" },
        })
    };
    let rules = json!({ "rules": [rule("CreateNatGateway"), rule("CreateDBCluster")] });
    Server::with_faults(place, &rules, &[])
}

/// An `up` on such a server.
fn up(place: &Workplace, server: &Server, variables: &[(&str, &str)]) -> Terminal {
    let variables = [&server.variables()[..], variables].concat();
    Terminal::begin(place, (80, 24), &variables, &["up", "--target", "aws", "--yes"])
}

#[test]
fn rows_of_what_is_under_way_fit_the_terminal_also_after_it_was_made_smaller() {
    let place = Workplace::new();
    let server = slow(&place);
    let mut terminal = up(&place, &server, &[("NO_COLOR", "1")]);
    let is_wide = |lines: &[String]| {
        count(lines, TOTAL) == 1
            && count(lines, r"^vpc$") == 1
            && count(lines, r"^  creating nat-[abc] +\d+:\d\d of about \d+:\d\d") == 3
            && count(lines, r"^done: .*vpc \d+") == 1
    };
    terminal.until("80 columns", is_wide, |lines| count(lines, TOTAL) > 1);

    terminal.resize((40, 20));
    let is_narrow = |lines: &[String]| {
        count(lines, NARROW_TOTAL) == 1 && count(lines, r"^  creating nat-[abc] +\d+:\d\d/\d+:\d\d$") == 3
    };
    terminal.until("40 columns", is_narrow, |lines| count(lines, NARROW_TOTAL) > 1);

    terminal.key(b"\x03");
    let (code, lines, written) = terminal.end();
    assert_eq!(code, Some(130), "{}", lines.join("\n"));
    let text = lines.join("");
    assert!(text.contains("Interrupted: "), "{lines:#?}");
    assert_eq!(count(&lines, NARROW_TOTAL) + count(&lines, "^  creating"), 0, "{}", lines.join("\n"));
    let written = String::from_utf8_lossy(&written).into_owned();
    let colours = Regex::new("\x1b\\[[0-9;]*m").unwrap();
    assert!(!colours.is_match(&written), "colours in spite of NO_COLOR: {written:?}");
    // What is done is counted in the rows, and has no line of its own.
    assert!(!written.contains("created vpc/"), "{written}");
}

#[test]
fn a_terminal_that_cannot_redraw_gets_a_line_for_each_event() {
    let place = Workplace::new();
    let server = slow(&place);
    let mut terminal = up(&place, &server, &[("TERM", "dumb")]);
    terminal.until(
        "a dumb terminal",
        |lines| count(lines, "^created ") >= 5,
        |lines| count(lines, TOTAL) > 0,
    );
    terminal.key(b"\x03");
    let (code, lines, written) = terminal.end();
    assert_eq!(code, Some(130), "{}", lines.join("\n"));
    assert!(!written.contains(&0x1b), "{}", String::from_utf8_lossy(&written));
}
