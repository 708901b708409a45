//! Writes what becomes of everything that somebody changes or adds behind our back: `docs/drift-matrix.md`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use reliability::drift::{Base, Deed, EXCEPTIONS, Expected, Seen, changes, deeds};

/// Runs the drift matrix on a live stack in virtual time, and writes it as Markdown.
#[derive(Debug, Parser)]
#[command(name = "drift")]
struct Cli {
    /// Only entries whose name has this in it: a deed such as `route-table/route`, or a kind, address or property.
    #[arg(long)]
    only: Option<String>,
    /// Only what somebody adds, without the generated changes of properties.
    #[arg(long)]
    deeds: bool,
    /// Where it is written to, instead of standard output.
    #[arg(long)]
    document: Option<PathBuf>,
    /// The commit that is named in it.
    #[arg(long, default_value = "unknown")]
    commit: String,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let base = match Base::deployed() {
        Ok(base) => base,
        Err(error) => {
            eprintln!("error: the stack cannot be deployed: {error}");
            return ExitCode::FAILURE;
        }
    };
    let is_chosen = |text: &str| cli.only.as_ref().is_none_or(|only| text.contains(only.as_str()));
    let mut rows: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = 0;
    for deed in deeds().filter(|deed| is_chosen(deed.id)) {
        let seen = base.after(async |hand| (deed.act)(hand).await);
        let (word, good) = deed_word(deed, &seen);
        *counts.entry(word).or_default() += 1;
        if !good {
            wrong += 1;
            eprintln!("WRONG {}: {seen:#?}", deed.id);
        }
        let why = match deed.expected {
            Expected::NotSeen(why) => why.to_owned(),
            _ => fails(&seen),
        };
        let row = format!("| `{}` | {} | {word} | {why} |", deed.id, deed.command);
        rows.entry(deed.kind.to_owned()).or_default().push(row);
    }
    let all = if cli.deeds { Vec::new() } else { changes(&base) };
    for change in all {
        let name = format!("{} {} {}", change.kind, change.address, change.property);
        if !is_chosen(&name) {
            continue;
        }
        let seen = change.run(&base);
        let exception = EXCEPTIONS
            .iter()
            .find(|(kind, property, _)| *kind == change.kind && *property == change.property);
        let word = match (&seen.refused, exception) {
            (Some(_), _) => "not tried",
            (None, _) if seen.is_repaired() => "seen and repaired",
            (None, Some(_)) => "exception",
            (None, None) => "WRONG",
        };
        if word == "WRONG" {
            wrong += 1;
            eprintln!("WRONG {name}: {seen:#?}");
        }
        *counts.entry(word).or_default() += 1;
        let why = match (&seen.refused, exception) {
            (Some(refused), _) => answer(refused),
            (None, Some((_, _, why))) if word == "exception" => (*why).to_owned(),
            _ => fails(&seen),
        };
        let row = format!("| `{}` | another value | {word} | {why} |", change.property);
        rows.entry(change.kind).or_default().push(row);
    }
    let document = document(&cli.commit, &rows, &counts);
    match &cli.document {
        None => println!("{document}"),
        Some(path) => {
            if let Err(error) = std::fs::write(path, document) {
                eprintln!("error: {} cannot be written: {error}", path.display());
                return ExitCode::FAILURE;
            }
        }
    }
    if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn document(commit: &str, rows: &BTreeMap<String, Vec<String>>, counts: &BTreeMap<&str, usize>) -> String {
    let mut text = String::from(
        "# What somebody changes or adds, entry by entry\n\n[drift.md](drift.md) says what is meant by what, and why. Every property \
         that can be changed in place gets another value,\nof the first object of each kind that has it, in the environment `dev`; \
         what is added is named by its command. *Not tried* is\nwhat the embedded AWS refused every value for that was tried, with \
         what it answered last.\n\n",
    );
    let _ = writeln!(text, "Commit {commit}.\n\n| what comes of it | entries |\n|---|--:|");
    for word in ["seen and repaired", "seen and kept", "not seen", "not tried", "exception", "WRONG"] {
        let _ = writeln!(text, "| {word} | {} |", counts.get(word).unwrap_or(&0));
    }
    for (kind, rows) in rows {
        let _ = writeln!(
            text,
            "\n## {kind}\n\n| entry | what somebody does | what comes of it | `verify`, or why |\n|---|---|---|---|\n{}",
            rows.join("\n")
        );
    }
    text
}

/// What a service answered, without the id of the request.
fn answer(refused: &str) -> String {
    let text = refused.split(" (request ").next().unwrap_or(refused).replace('|', "\\|").replace('\n', " ");
    match text.char_indices().nth(160) {
        None => text,
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

fn fails(seen: &Seen) -> String {
    match seen.failures.iter().copied().collect::<Vec<_>>() {
        none if none.is_empty() && seen.verify_fails => "fails: it changed".to_owned(),
        none if none.is_empty() => "passes".to_owned(),
        some => format!("fails: {}", some.join(", ")),
    }
}

fn deed_word(deed: &Deed, seen: &Seen) -> (&'static str, bool) {
    match deed.expected {
        Expected::Repaired(..) => ("seen and repaired", deed.is_as_expected(seen)),
        Expected::Kept(_) => ("seen and kept", deed.is_as_expected(seen)),
        Expected::NotSeen(_) => ("not seen", deed.is_as_expected(seen)),
    }
}
