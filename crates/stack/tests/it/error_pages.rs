//! The pages on errors, `docs/errors`, show what the program prints.

use std::path::Path;

use crate::command::Workplace;

/// A page: what it says the exit code is, the command of its example, and the lines that this prints.
struct Page {
    exit_code: Option<i32>,
    command: Vec<String>,
    shown: Vec<String>,
}

impl Page {
    fn of(code: &str) -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../docs/errors/{code}.md"));
        let page = std::fs::read_to_string(file).unwrap();
        let exit_code = page.replace('\n', " ").split_once("The exit code is ").map(|(_, rest)| {
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().unwrap()
        });
        let (_, example) = page.split_once("```text\n$ stack ").unwrap();
        let (command, printed) = example.split_once('\n').unwrap();
        let (printed, _) = printed.split_once("```").unwrap();
        let shown = printed.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
        let command = command.trim_end_matches(" </dev/null").split(' ').map(str::to_owned).collect();
        Self { exit_code, command, shown }
    }
}

/// Whether a line is as a page shows it, where `…` stands for anything.
fn is_like(line: &str, shown: &str) -> bool {
    let mut pieces = shown.split('…');
    let Some(mut rest) = line.strip_prefix(pieces.next().unwrap_or_default()) else { return false };
    for piece in pieces {
        let Some((_, after)) = rest.split_once(piece) else { return false };
        rest = after;
    }
    rest.is_empty() || shown.ends_with('…')
}

/// Runs the command of a page's example, which must print the lines of it, in this order, and end as the page says.
#[track_caller]
fn check(place: &Workplace, code: &str) {
    let Page { exit_code, command, shown } = Page::of(code);
    let arguments: Vec<&str> = command.iter().map(String::as_str).collect();
    let ended = place.run(&arguments);
    let mut lines = ended.err.lines();
    for shown in &shown {
        assert!(
            lines.any(|line| is_like(line, shown)),
            "{code}: no line, or none in this place, is\n{shown}\n{}",
            ended.err
        );
    }
    match exit_code {
        Some(exit_code) => assert_eq!(ended.code, exit_code, "{code}: {}", ended.err),
        None => assert_ne!(ended.code, 0, "{code}: {}", ended.err),
    }
}

#[test]
fn the_examples_are_what_the_program_prints() {
    let place = Workplace::new();
    for code in ["E0101", "E0602", "E0901"] {
        check(&place, code);
    }
    place.write("stack.toml", &format!("{}[vpc]\nnat = \"two\"\n", "\n".repeat(10)));
    check(&place, "E0102");
    place.write("stack.toml", "");
    place.run(&["up"]).expect(0);
    check(&place, "E0103");
    check(&place, "E0206");
    std::fs::remove_file(place.path().join("stack.toml")).unwrap();
    check(&place, "E0106");
    let journal = place.state_directory("dev").join("journal.jsonl");
    let good = std::fs::read_to_string(&journal).unwrap();
    let edited = good.lines().enumerate().map(|(index, line)| match index {
        3 => line.replacen("\"at\":1", "\"at\":2", 1),
        _ => line.to_owned(),
    });
    let edited: String = edited.map(|line| format!("{line}\n")).collect();
    assert_ne!(edited, good);
    std::fs::write(&journal, edited).unwrap();
    check(&place, "E0204");
}

#[test]
fn the_examples_with_an_environment_that_is_protected_are_what_the_program_prints() {
    let place = Workplace::new();
    place.write("stack.toml", "[environments.prod.database]\ndeletion_protection = true\n");
    place.run(&["up", "--env", "prod"]).expect(0);
    check(&place, "E0104");
    check(&place, "E0601");
}

#[test]
fn an_ellipsis_stands_for_anything_and_everything_else_for_itself() {
    for (line, shown, wanted) in [
        ("a b c", "a b c", true),
        ("a b c", "a b", false),
        ("a b c", "a …", true),
        ("a b c", "a … c", true),
        ("a b c", "a … d", false),
        ("x a b c", "a …", false),
    ] {
        assert_eq!(is_like(line, shown), wanted, "{line} {shown}");
    }
}
