//! Questions, on a pseudo-terminal: every one can be interrupted, and then nothing has changed.

use std::sync::Arc;
use std::time::Instant;

use engine::{Engine, LocalStore, Registry};

use crate::command::Workplace;
use crate::processes::there;
use crate::pty::{Terminal, count};
use crate::server::Server;
use crate::signals::{AT_ONCE, check_released};
use crate::state_s3::{Account, BUCKET, Machine};

const SIZE: (u16, u16) = (240, 60);
const CANCELLED: &str = "Cancelled; nothing changed.";

fn last(lines: &[String]) -> &str {
    lines.iter().rev().find(|line| !line.is_empty()).map_or("", String::as_str)
}

/// Interrupts a question, then answers it with another text than the one that is wanted, then ends the input.
#[track_caller]
fn decline(place: &Workplace, variables: &[(&str, &str)], arguments: &[&str], question: &str) -> Vec<String> {
    let mut said = Vec::new();
    for (answer, wanted) in [(b"\x03".as_slice(), 130), (b"no\r", 1), (b"\x04", 1)] {
        let mut terminal = Terminal::begin(place, SIZE, variables, arguments);
        terminal.until(question, |lines| last(lines).ends_with(question), |_| false);
        let begun = Instant::now();
        terminal.key(answer);
        let (code, lines, _) = terminal.end();
        let screen = lines.join("\n");
        assert!(begun.elapsed() < AT_ONCE, "{arguments:?}\n{screen}");
        assert_eq!(code, Some(wanted), "{arguments:?}\n{screen}");
        assert_eq!(last(&lines), CANCELLED, "{arguments:?}\n{screen}");
        assert_eq!(count(&lines, "nothing changed"), 1, "{arguments:?}\n{screen}");
        said.extend(lines);
    }
    said
}

#[test]
fn questions_about_the_embedded_aws_can_be_declined() {
    let place = Workplace::new();
    place.write("stack.toml", "[environments.prod]\n");
    let question = "no section [environments.qa]. Create a new environment qa? Type \"yes\" to continue:";
    let said = decline(&place, &[], &["up", "--env", "qa"], question);
    assert_eq!(count(&said, "to create"), 0, "{}", said.join("\n"));
    assert!(!place.state_directory("qa").exists());
    place.run(&["up"]).expect(0);
    let before = place.emulator_bytes();
    let destroy =
        "DELETE all of the above of payment dev (embedded, ap-southeast-1)? Type \"yes\" to continue:";
    decline(&place, &[], &["destroy"], destroy);
    let reset = "DELETE everything in the embedded AWS in .stack/emulator? Type \"yes\" to continue:";
    decline(&place, &[], &["emulator", "reset"], reset);
    decline(&place, &[], &["emulator", "reset", "--quiet"], reset);
    assert_eq!(place.emulator_bytes(), before);
    // No lock is left behind.
    place.run(&["preview", "--detailed-exitcode"]).expect(0);
    place.run(&["up"]).expect(0);
}

#[test]
fn the_question_about_a_plan_for_an_account_can_be_declined() {
    let place = Workplace::new();
    let server = Server::start(&place);
    // Otherwise it asks first whether the environment is meant.
    place.write("stack.toml", "[environments.dev]\n");
    let question = "do this to payment dev (account 123456789012, ap-southeast-1)? Type \"yes\" to continue:";
    decline(&place, &server.variables(), &["up", "--target", "aws"], question);
    check_released(&place);
    assert!(there(&place).is_empty());
}

/// Somebody, or a script, that says yes to whatever will be asked: nobody agrees to a plan that they have not seen.
#[test]
fn what_is_typed_before_a_question_does_not_answer_it() {
    let place = Workplace::new();
    let server = Server::start(&place);
    // Otherwise it asks first whether the environment is meant.
    place.write("stack.toml", "[environments.dev]\n");
    let mut terminal = Terminal::begin(&place, SIZE, &server.variables(), &["up", "--target", "aws"]);
    terminal.key(b"yes\r");
    let question = "do this to payment dev (account 123456789012, ap-southeast-1)? Type \"yes\" to continue:";
    let is_begun = |lines: &[String]| count(lines, "^created |^  creating ") > 0;
    terminal.until(question, |lines| last(lines).ends_with(question), is_begun);
    terminal.key(b"no\r");
    let (code, lines, _) = terminal.end();
    assert_eq!((code, last(&lines)), (Some(1), CANCELLED), "{}", lines.join("\n"));
    assert!(there(&place).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_question_about_the_bucket_can_be_declined() {
    let account = Account::empty();
    let machine = Machine::new();
    let question = &format!("make bucket {BUCKET} (ap-southeast-1)? Type \"yes\" to continue:");
    for quiet in [&[][..], &["--quiet"]] {
        let arguments = [&["bootstrap", "--target", "aws"], quiet].concat();
        let said = decline(&machine.0, &account.server.variables(), &arguments, question);
        // What is asked about is shown, also with `--quiet`.
        assert_eq!(count(&said, r"^  \+ bucket "), 3, "{}", said.join("\n"));
    }
    assert!(account.s3().head_bucket().bucket(BUCKET).send().await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_questions_about_a_state_that_is_overwritten_can_be_declined() {
    let account = Account::new().await;
    let (one, other) = (Machine::new(), Machine::new());
    one.record(1).await;
    one.run(&account, &["state", "push"]).expect(0);
    other.run(&account, &["state", "pull"]).expect(0);
    other.record(2).await;
    let keys = account.keys().await;
    let question = format!("OVERWRITE the state in s3://{BUCKET}/payment/dev? Type \"yes\" to continue:");
    decline(&other.0, &account.server.variables(), &["state", "push", "--target", "aws"], &question);
    assert_eq!(account.keys().await, keys);
    other.run(&account, &["state", "push"]).expect(0);

    let journal = one.0.path().join(".stack/aws/dev/journal.jsonl");
    let before = std::fs::read(&journal).unwrap();
    let question = "/.stack/aws/dev? Type \"yes\" to continue:";
    decline(&one.0, &account.server.variables(), &["state", "pull", "--target", "aws"], question);
    assert_eq!(std::fs::read(&journal).unwrap(), before);
    one.run(&account, &["state", "pull"]).expect(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_question_about_the_lock_of_a_run_that_lives_can_be_declined() {
    let place = Workplace::new();
    let store = Arc::new(LocalStore::new(place.state_directory("dev")));
    let session = Engine::new(Arc::new(Registry::new(())), store).open().await.unwrap();
    let held = place.run(&["state", "lock", "--json"]).expect(0).json();
    let id = held["by"]["id"].as_str().unwrap();
    decline(&place, &[], &["unlock", "--force"], &format!("To take its lock away, type its id ({id}):"));
    assert_eq!(place.run(&["state", "lock", "--json"]).expect(0).json()["by"]["id"], id);
    session.close().await.unwrap();
}

const ARN: &str = "arn:aws:acm:eu-west-1:123456789012:certificate/12345678-1234-1234-1234-123456789012";

/// Answers that cannot be right, each with what is said of it.
type Typed = &'static [(&'static str, &'static str)];

/// What is shown of each of the questions of `init`, an answer, and answers that cannot be right, with what is said of them.
const INIT: [(&str, &str, Typed); 5] = [
    ("Project [payment]:", "shop", &[("Shop!", "`Shop!` is not the name of a project; use 1 to 32 lower")]),
    (
        "Environments, with commas between them [dev,prod]:",
        "test, live",
        &[
            ("test,Live", "`Live` is not the name of an environment; use 1 to 16"),
            (",", "no environment is named"),
        ],
    ),
    ("Region [ap-southeast-1]:", "eu-west-1", &[("mars", "`mars` is not an AWS region; write it like")]),
    (
        "ARN of a certificate in ACM, for HTTPS [none]:",
        ARN,
        &[
            ("arn:x", "`arn:x` is not the ARN of a certificate in ACM; write it like arn:aws:acm:eu-west-1:"),
            (
                "arn:aws:acm:us-east-1:123456789012:certificate/1234",
                "the certificate is in us-east-1 and the load balancer in eu-west-1",
            ),
        ],
    ),
    (
        "Name on the certificate, such as payments.example.com:",
        "pay.example.com",
        &[
            ("", "with a certificate, the name on it is needed"),
            ("https://pay", "`https://pay` is not a host name"),
        ],
    ),
];

fn init(place: &Workplace) -> Terminal {
    Terminal::begin(place, SIZE, &[], &["init"])
}

fn file(place: &Workplace) -> String {
    std::fs::read_to_string(place.path().join("stack.toml")).unwrap()
}

fn answer(terminal: &mut Terminal, question: &str, answer: &str) {
    terminal.until(question, |lines| last(lines) == question, |_| false);
    terminal.key(format!("{answer}\r").as_bytes());
}

#[test]
fn init_asks_again_until_an_answer_can_be_right_and_writes_what_options_would() {
    let place = Workplace::new();
    let mut terminal = init(&place);
    for (question, right, wrong) in INIT {
        for (typed, said) in wrong {
            answer(&mut terminal, question, typed);
            terminal.until(said, |lines| lines.iter().any(|line| line.starts_with(said)), |_| false);
        }
        answer(&mut terminal, question, right);
    }
    let (code, lines, _) = terminal.end();
    assert_eq!(code, Some(0), "{}", lines.join("\n"));
    assert_eq!(last(&lines), "stack.toml is written: `stack preview --env test` shows what it deploys");

    let by_options = Workplace::new();
    let names = ["--project", "shop", "--environments", "test,live", "--region", "eu-west-1"];
    let tls = ["--certificate", ARN, "--domain", "pay.example.com"];
    by_options.run(&[&["init"], &names[..], &tls].concat()).expect(0);
    assert_eq!(file(&place), file(&by_options));
}

#[test]
fn init_takes_the_default_for_an_empty_line_and_asks_for_nothing_that_an_option_gives() {
    let place = Workplace::new();
    let mut terminal = Terminal::begin(&place, SIZE, &[], &["init", "--region", "eu-west-1"]);
    for question in [INIT[0].0, INIT[1].0, INIT[3].0] {
        answer(&mut terminal, question, "");
    }
    let (code, lines, _) = terminal.end();
    assert_eq!(code, Some(0), "{}", lines.join("\n"));
    assert_eq!(count(&lines, "^Region"), 0, "{}", lines.join("\n"));
    let by_options = Workplace::new();
    by_options.run(&["init", "--yes", "--region", "eu-west-1"]).expect(0);
    assert_eq!(file(&place), file(&by_options));
}

#[test]
fn init_writes_nothing_if_it_is_interrupted_or_the_input_ends_at_any_of_its_questions() {
    let place = Workplace::new();
    for (key, wanted) in [(b"\x03", 130), (b"\x04", 1)] {
        for until in 0..INIT.len() {
            let mut terminal = init(&place);
            for (question, right, _) in &INIT[..until] {
                answer(&mut terminal, question, right);
            }
            let question = INIT[until].0;
            terminal.until(question, |lines| last(lines) == question, |_| false);
            terminal.key(key);
            let (code, lines, _) = terminal.end();
            assert_eq!(code, Some(wanted), "{}", lines.join("\n"));
            assert_eq!(last(&lines), CANCELLED, "{}", lines.join("\n"));
            assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
        }
    }
}

#[test]
fn a_wrong_option_is_an_error_before_anything_is_asked() {
    let place = Workplace::new();
    let (code, lines, _) = Terminal::begin(&place, SIZE, &[], &["init", "--region", "mars"]).end();
    assert_eq!(code, Some(65), "{}", lines.join("\n"));
    assert_eq!(lines[0], "error[E0102]: --region: `mars` is not an AWS region");
    assert_eq!(count(&lines, "^Project"), 0, "{}", lines.join("\n"));
}
