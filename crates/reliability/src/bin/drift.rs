//! Prints what becomes of everything that somebody changes or adds behind our back: the tables of `docs/drift.md`.

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::Parser;
use reliability::drift::{Base, DEEDS, Deed, EXCEPTIONS, Expected, Seen, changes};

/// Runs the drift matrix on a live stack in virtual time, and prints it as Markdown.
#[derive(Debug, Parser)]
#[command(name = "drift")]
struct Cli {
    /// Only entries whose name has this in it: a deed such as `route-table/route`, or a kind, address or property.
    #[arg(long)]
    only: Option<String>,
    /// Only what somebody adds, without the generated changes of properties.
    #[arg(long)]
    deeds: bool,
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
    for deed in DEEDS.iter().filter(|deed| is_chosen(deed.id)) {
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
            (Some(refused), _) => refused.clone(),
            (None, Some((_, _, why))) if word == "exception" => (*why).to_owned(),
            _ => fails(&seen),
        };
        let row = format!("| `{}` | another value | {word} | {why} |", change.property);
        rows.entry(change.kind).or_default().push(row);
    }
    for (kind, rows) in rows {
        println!(
            "### {kind}\n\n| entry | what somebody does | what comes of it | `verify`, or why |\n|---|---|---|---|"
        );
        println!("{}\n", rows.join("\n"));
    }
    for (word, count) in counts {
        println!("{word}: {count}");
    }
    if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
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
