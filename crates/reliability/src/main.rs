//! Kills the whole stack at every call and every write, and prints what became of it.
//!
//! Results are appended to a file, one case a line, so a run that is stopped goes on where it was.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::{Args, Parser, Subcommand};
use reliability::changes::{self, Bases, End};
use reliability::{Backend, Case, Options, Results, Scenario, Stage, Verdict};

/// Kills the whole stack at every call and every write, and prints what became of it.
#[derive(Debug, Parser)]
#[command(name = "reliability", args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Also>,
    /// How the state is kept.
    #[arg(long, value_enum, default_value = "local")]
    state: Backend,
    /// Only this scenario.
    #[arg(long)]
    scenario: Option<Scenario>,
    /// What random cases and the sample are drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many cases of each scenario, of every kind about as many.
    #[arg(long, default_value_t = 60, conflicts_with = "full")]
    cases: usize,
    /// All of them.
    #[arg(long)]
    full: bool,
    /// How many storms, double deaths and the like are drawn for each scenario.
    #[arg(long, default_value_t = 50)]
    drawn: u64,
    /// Threads.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Only cases in which something goes wrong with the state itself: its writes, or its requests to S3.
    #[arg(long)]
    kept: bool,
    /// One part of all cases, such as 1/4.
    #[arg(long, value_parser = shard, default_value = "1/1")]
    shard: (usize, usize),
    /// Where results are kept. Cases that are in it are not run again, and count in the table.
    #[arg(long)]
    results: Option<PathBuf>,
    /// Runs this case only, and tells what happened.
    #[arg(long)]
    case: Option<Case>,
}

#[derive(Debug, Subcommand)]
enum Also {
    /// Changes every key of the configuration on a live stack, and back again.
    Changes(Changes),
}

#[derive(Debug, Args)]
struct Changes {
    /// What pairs and sequences are drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many pairs, and how many sequences.
    #[arg(long, default_value_t = 100)]
    drawn: u64,
    /// Threads.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Only cases whose name contains this; given several times, one after the other.
    #[arg(long)]
    only: Vec<String>,
    /// Where results are kept, a line each. Cases that are in it are not run again.
    #[arg(long)]
    results: Option<PathBuf>,
    /// Where the table of all results is written.
    #[arg(long)]
    document: Option<PathBuf>,
    /// The commit that is named in it.
    #[arg(long, default_value = "unknown")]
    commit: String,
    /// Runs this case only, and tells what happened.
    #[arg(long)]
    case: Option<String>,
}

fn shard(text: &str) -> Result<(usize, usize), String> {
    let parse = || {
        let (part, of) = text.split_once('/')?;
        let (part, of) = (part.parse().ok()?, of.parse().ok()?);
        (1..=of).contains(&part).then_some((part, of))
    };
    parse().ok_or_else(|| "it looks like 1/4".to_owned())
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match (&cli.command, cli.case) {
        (Some(Also::Changes(options)), _) => change(options),
        (None, Some(case)) => one(case),
        (None, None) => matrix(&cli),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs one case and tells all of it.
fn one(case: Case) -> Result<bool, Box<dyn std::error::Error>> {
    let stage = Stage::set(case.scenario, case.state)?;
    println!("without harm: {:?} after {} calls", stage.clean.ended, stage.clean.calls.len());
    let start = Instant::now();
    let verdict = case.run(&stage);
    for line in &verdict.story {
        println!("{line}");
    }
    tell(&verdict, true);
    println!("{:.1} s", start.elapsed().as_secs_f64());
    Ok(verdict.converged())
}

fn tell(verdict: &Verdict, always: bool) {
    let Verdict { case, again, .. } = verdict;
    let word = match (verdict.possible, verdict.converged()) {
        (false, _) => "not possible",
        (_, true) => "converged",
        (_, false) => "NOT CONVERGED",
    };
    if always || !verdict.converged() {
        eprintln!("{case}: {word} after {again} more runs");
        let findings = &verdict.findings;
        for (what, found) in [
            ("orphan", &findings.orphans),
            ("duplicate", &findings.duplicates),
            ("problem", &findings.problems),
        ] {
            found.iter().for_each(|line| eprintln!("  {what}: {line}"));
        }
    }
}

fn matrix(cli: &Cli) -> Result<bool, Box<dyn std::error::Error>> {
    let start = Instant::now();
    let mut results = Results::default();
    let mut facts = String::new();
    let known = match &cli.results {
        Some(path) => known(path)?,
        None => HashMap::new(),
    };
    for scenario in
        Scenario::ALL.into_iter().filter(|scenario| cli.scenario.is_none_or(|only| only == *scenario))
    {
        let stage = Stage::set(scenario, cli.state)?;
        let mut all = reliability::cases(&stage, cli.seed, cli.drawn);
        all.retain(|case| !cli.kept || case.harm.is_of_the_state());
        let clean = &stage.clean;
        facts += &format!(
            "{}: {} calls ({} that change something), {}, {} s of virtual time, {} cases\n",
            scenario.name(),
            clean.calls.len(),
            clean.calls.iter().filter(|call| call.mutating).count(),
            match cli.state {
                Backend::Local => format!("{} writes", clean.writes.len()),
                Backend::S3 => format!(
                    "{} requests to S3 ({} writes)",
                    clean.requests.len(),
                    clean.requests.iter().filter(|request| request.mutating).count()
                ),
            },
            clean.took.as_secs(),
            all.len()
        );
        eprint!("{}", facts.lines().last().map(|line| format!("{line}\n")).unwrap_or_default());
        let chosen = if cli.full { all } else { reliability::sample(&all, cli.seed, cli.cases) };
        let (part, of) = cli.shard;
        let chosen = chosen.into_iter().skip(part - 1).step_by(of);
        let new: Vec<Case> = chosen.filter(|case| !known.contains_key(&case.to_string())).collect();
        let of_this = |known: &&Verdict| (known.case.state, known.case.scenario) == (cli.state, scenario);
        known.values().filter(of_this).for_each(|known| results.add(known));
        let mut file = match &cli.results {
            Some(path) => Some(fs::File::options().create(true).append(true).open(path)?),
            None => None,
        };
        let mut count = 0;
        reliability::run(&stage, &new, Options { jobs: cli.jobs }, |verdict| {
            results.add(verdict);
            tell(verdict, false);
            count += 1;
            if count % 500 == 0 {
                eprintln!("{count} of {} ({:.0} s)", new.len(), start.elapsed().as_secs_f64());
            }
            if let Some(file) = &mut file {
                // What is not kept is run again.
                let _ = file.write_all(line(verdict).as_bytes());
            }
        });
    }
    print!("{facts}\n{}", results.table());
    println!("\nseed {}, {:.0} s", cli.seed, start.elapsed().as_secs_f64());
    let total = results.total();
    Ok(total.converged == total.cases)
}

/// A case of which it is kept what became of it.
fn line(verdict: &Verdict) -> String {
    let Verdict { case, possible, again, human, findings, .. } = verdict;
    let (orphans, duplicates) = (findings.orphans.len(), findings.duplicates.len());
    format!("{case}\t{possible}\t{again}\t{human}\t{orphans}\t{duplicates}\t{}\n", findings.problems.len())
}

fn known(path: &Path) -> std::io::Result<HashMap<String, Verdict>> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(HashMap::new()),
        text => text?,
    };
    let read = |line: &str| {
        let parts: Vec<&str> = line.split('\t').collect();
        let [case, possible, again, human, orphans, duplicates, problems] = parts[..] else { return None };
        let times = |number: &str| number.parse().ok().map(|number| vec![String::new(); number]);
        let findings = reliability::Findings {
            orphans: times(orphans)?,
            duplicates: times(duplicates)?,
            problems: times(problems)?,
        };
        let verdict = Verdict {
            case: case.parse().ok()?,
            possible: possible.parse().ok()?,
            again: again.parse().ok()?,
            human: human.parse().ok()?,
            findings,
            story: Vec::new(),
        };
        Some((case.to_owned(), verdict))
    };
    Ok(text.lines().filter_map(read).collect())
}

fn change(options: &Changes) -> Result<bool, Box<dyn std::error::Error>> {
    let bases = Bases::new();
    if let Some(name) = &options.case {
        let case = changes::find(name, options.seed).ok_or_else(|| format!("there is no case `{name}`"))?;
        println!("{case:#?}");
        let verdict = case.run(&bases);
        println!("{}", serde_json::to_string_pretty(&verdict)?);
        return Ok(verdict.end() != End::Fault);
    }
    let start = Instant::now();
    let mut cases = changes::cases();
    cases.extend(changes::drawn(options.seed, options.drawn));
    let all = cases.len();
    if !options.only.is_empty() {
        let place = |case: &changes::Case| {
            let name = case.to_string();
            options.only.iter().position(|only| name.contains(only))
        };
        cases.retain(|case| place(case).is_some());
        cases.sort_by_key(place);
    }
    let kept = options.results.as_ref().map(fs::read_to_string).and_then(Result::ok).unwrap_or_default();
    let mut verdicts: Vec<changes::Verdict> =
        kept.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let known: BTreeSet<String> = verdicts.iter().map(|verdict| verdict.case.clone()).collect();
    cases.retain(|case| !known.contains(&case.to_string()));
    let mut file = match &options.results {
        Some(path) => Some(fs::File::options().create(true).append(true).open(path)?),
        None => None,
    };
    changes::run(&cases, &bases, options.jobs, |verdict| {
        eprintln!("{:?} {} ({:.0} s)", verdict.end(), verdict.case, start.elapsed().as_secs_f64());
        verdict.faults().for_each(|fault| eprintln!("  {fault}"));
        let line = serde_json::to_string(verdict).map(|line| line + "\n");
        if let (Some(file), Ok(line)) = (&mut file, line) {
            // What is not kept is run again.
            let _ = file.write_all(line.as_bytes());
        }
        verdicts.push(verdict.clone());
    });
    verdicts.sort_by(|one, other| one.case.cmp(&other.case));
    let document = changes::document(&verdicts, all, options.seed, &options.commit);
    match &options.document {
        Some(path) => fs::write(path, document)?,
        None => print!("{document}"),
    }
    Ok(verdicts.iter().all(|verdict| verdict.end() != End::Fault))
}
