//! What a person sees, command by command, compared with the files of `tests/transcripts`: plans, drift and what is said after a
//! run. `STACK_TRANSCRIPTS=write` writes the files anew; what changed then is read in their diff.
//!
//! Ids, hashes, times and dates are not the same in each run, so they are replaced by what they are. The lines that tell progress
//! are left out, since their order is not fixed.

use std::fmt::Write as _;
use std::path::Path;

use aws_sdk_ec2::types::{AttributeBooleanValue, Tag};
use regex::Regex;

use crate::command::{Ended, Workplace};

/// Where lines are as long as this program makes them, and no value alone is longer.
const WIDTH: usize = 300;

pub(crate) struct Transcript {
    text: String,
}

impl Transcript {
    pub(crate) fn new() -> Self {
        Self { text: String::new() }
    }

    /// Runs a command, and writes down what it said.
    pub(crate) fn run(&mut self, place: &Workplace, arguments: &[&str]) {
        self.note(arguments, &place.run(arguments));
    }

    /// Writes down what a command said.
    pub(crate) fn note(&mut self, arguments: &[&str], ended: &Ended) {
        let arguments: Vec<String> = arguments.iter().map(|one| quoted(one)).collect();
        let _ = writeln!(self.text, "$ stack {}", arguments.join(" "));
        for line in ended.err.lines().chain(ended.out.lines()).filter(|line| !is_progress(line)) {
            let _ = writeln!(self.text, "{line}");
        }
        if ended.code != 0 {
            let _ = writeln!(self.text, "(exit code {})", ended.code);
        }
        self.text.push('\n');
    }

    #[track_caller]
    pub(crate) fn compare(self, name: &str) {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts").join(format!("{name}.txt"));
        let text = without_chance(&self.text);
        if std::env::var_os("STACK_TRANSCRIPTS").is_some_and(|wish| wish == "write") {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &text).unwrap();
            return;
        }
        let wanted = std::fs::read_to_string(&path).unwrap_or_default();
        for (number, (is, wanted)) in text.lines().zip(wanted.lines()).enumerate() {
            assert_eq!(is, wanted, "{}, line {}, of\n{text}", path.display(), number + 1);
        }
        assert_eq!(text, wanted, "{}", path.display());
    }
}

fn quoted(argument: &str) -> String {
    if argument.contains(['[', '"', ' ']) { format!("'{argument}'") } else { argument.to_owned() }
}

fn is_progress(line: &str) -> bool {
    // Layers are sent side by side.
    if line.contains("; in all ") {
        return true;
    }
    ["created ", "changed ", "deleted ", "adopted ", "settled ", "still ", "failed "]
        .iter()
        // What stands in a column is none.
        .any(|start| line.strip_prefix(start).is_some_and(|rest| !rest.starts_with(' ')))
}

/// The text without what differs from run to run.
fn without_chance(text: &str) -> String {
    let rules = [
        (r"\b(vpc|subnet|sg|sgr|rtb|igw|nat|acl|vpce|fl)-[0-9a-f]{17}\b", "$1-ID"),
        (r"\b(cluster|db)-[0-9A-Z]{20,}\b", "$1-ID"),
        (r"\b(cluster|cluster-ro)-[0-9a-z]*\d[0-9a-z]*\.", "$1-ID."),
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
        (r"\b[0-9a-f]{12,64}\b", "HEX"),
        (r"payment-alb-dev-\d+\.", "payment-alb-dev-NUMBER."),
        // The lists of runs, and what names one of them.
        (r"(?m)^[0-9a-f]{8}  20", "RUN  20"),
        (r"\brun [0-9a-f]{8}\b", "run RUN"),
        (r"(?m)\b[a-z_][\w-]*@[\w.-]+(, process \d+)?( as |$)", "USER@MACHINE$2"),
        (r"\b20\d\d-\d\d-\d\d \d\d:\d\d\b", "MINUTE"),
        (r"(?m)^\d\d:\d\d:\d\d  ", "CLOCK  "),
        (r"\(\d+ (s|min) ago\)", "(TIME ago)"),
        (r"(?m)^record   \d+$", "record   N"),
        (r" {2,}(\d+\.\d s|\d+ min \d+ s)\b", "  TIME"),
        (r"//[a-z0-9]{10}\.execute-api", "//API.execute-api"),
        (r"(API-Gateway-Execution-Logs(?:_|&#95;))[a-z0-9]{10}", "${1}API"),
        (r#""outputs":\{.*\},"report":"#, r#""outputs":{…},"report":"#),
        (r"\(record \d+ of", "(record N of"),
        (r"http://127\.0\.0\.1:\d+", "URL"),
        (r"held by \S+, process \d+", "held by USER@MACHINE, process N"),
        (r"(?m)for \d+ s$", "for N s"),
        (
            r"Interrupted: \d+ created, \d+ in progress, \d+ not started",
            "Interrupted: N created, N in progress, N not started",
        ),
        (r"waiting for \d+ calls? in flight", "waiting for N calls in flight"),
        (r"\brecord \d+\b", "record N"),
        (r#""records":\d+"#, r#""records":N"#),
        (r"\b20\d\d-\d\d-\d\dT[0-9:.]+Z", "TIME"),
        (r#"seconds":[0-9.]+"#, r#"seconds":N"#),
        (r"\d+\.\d s\b", "TIME"),
        (r"\b\d+ min \d+ s\b", "TIME"),
        (r"\b20\d\d-\d\d-\d\d\b", "DATE"),
    ];
    rules.iter().fold(text.replace("123456789012", "ACCOUNT"), |text, (pattern, instead)| {
        Regex::new(pattern).unwrap().replace_all(&text, *instead).into_owned()
    })
}

const LATENCY: [&str; 2] = ["--set", "monitoring.thresholds.response_seconds=3"];

#[tokio::test]
async fn the_life_of_a_stack_reads_well() {
    let place = Workplace::new();
    let mut first = Transcript::new();
    first.run(&place, &["refresh"]);
    first.run(&place, &["preview"]);
    first.run(&place, &["up"]);
    first.compare("first-up");

    let mut nothing = Transcript::new();
    nothing.run(&place, &["preview"]);
    nothing.run(&place, &["up"]);
    nothing.run(&place, &["refresh"]);
    nothing.compare("nothing-to-do");

    let mut update = Transcript::new();
    update.run(&place, &["preview", LATENCY[0], LATENCY[1], "--set", "alb.idle_timeout=70"]);
    update.compare("update");

    let mut json = Transcript::new();
    json.run(&place, &["preview", "--set", "monitoring.disabled_alarms=[\"api-latency\"]"]);
    json.run(&place, &["preview", "--set", "monitoring.api_anomaly=true"]);
    json.compare("json");

    let mut replacement = Transcript::new();
    replacement.run(&place, &["preview", "--set", "ecs.cpu=1024", "--set", "ecs.memory=2048"]);
    replacement.run(&place, &["preview", "--set", "database.database_name=pay2"]);
    replacement.compare("replacement");

    let mut drift = Transcript::new();
    let vpc = place.run(&["outputs", "vpcId"]).expect(0).out.trim_end().to_owned();
    let (ec2, off) = (place.ec2(), AttributeBooleanValue::builder().value(false).build());
    ec2.modify_vpc_attribute().vpc_id(&vpc).enable_dns_hostnames(off).send().await.unwrap();
    for (key, value) in [("Author", "somebody"), ("CostCenter", "17")] {
        let tag = Tag::builder().key(key).value(value).build();
        ec2.create_tags().resources(&vpc).tags(tag).send().await.unwrap();
    }
    drift.run(&place, &["refresh"]);
    drift.run(&place, &["preview"]);
    let both = ["preview", "--set", "tags.Author=me", "--set", "alb.waf.enabled=false"];
    let said = place.run(&both).expect(0).out;
    assert!(said.contains("Tags[Author].Value: \"somebody\" → \"me\"\n"), "{said}");
    assert!(said.contains("changed outside of this program, too; it was \"unknown\"\n"), "{said}");
    drift.run(&place, &["up"]);
    drift.compare("drift");

    // The record is lost, and what is there is found again.
    std::fs::remove_dir_all(place.state_directory("dev")).unwrap();
    let mut lost = Transcript::new();
    lost.run(&place, &["preview"]);
    let up = place.run(&["up"]).expect(0);
    let done = up.err.lines().find(|line| line.starts_with("Done in ")).unwrap();
    let adopted = Regex::new(r"\b(\d+) adopted\b").unwrap().captures(done).unwrap();
    assert!(adopted[1].parse::<u32>().unwrap() > 150, "{done}");
    lost.compare("state-lost");

    let mut destroy = Transcript::new();
    destroy.run(&place, &["destroy"]);
    destroy.run(
        &place,
        &["destroy", "--yes", "--set", "database.final_snapshot=true", "--set", "logs.keep_on_destroy=true"],
    );
    destroy.compare("destroy");
}

#[track_caller]
fn assert_short(what: &str, text: &str) {
    for line in text.lines() {
        assert!(line.chars().count() <= WIDTH, "{what}: {} characters: {line}", line.chars().count());
    }
}

/// In no plan of `dev` and `prod` is a line that nobody can read.
#[test]
fn no_line_of_a_plan_is_longer_than_a_person_reads() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../stack.toml");
    let place = Workplace::new();
    place.write("stack.toml", &std::fs::read_to_string(file).unwrap());
    let open = [
        "database.deletion_protection=false",
        "alb.deletion_protection=false",
        "alb.access_logs.delete_logs=true",
        "ecs.repository.delete_images=true",
        "database.allow_data_loss=[\"payment-aurora-dev\", \"payment-aurora-prod\"]",
    ];
    for environment in ["dev", "prod"] {
        let run = |arguments: &[&str], code: i32| {
            let mut all = arguments.to_vec();
            all.extend(["--env", environment]);
            open.iter().for_each(|setting| all.extend(["--set", setting]));
            let ended = place.run(&all).expect(code);
            assert_short(&format!("{all:?}"), &ended.out);
            assert_short(&format!("{all:?}"), &ended.err);
            ended
        };
        run(&["preview"], 0);
        run(&["up", "--yes"], 0);
        let changed = [
            "preview",
            "--set",
            "tags.Author=me",
            "--set",
            "vpc.cidr=10.0.0.0/17",
            "--set",
            "monitoring.disabled_alarms=[\"api-latency\"]",
            "--set",
            "ecs.cpu=1024",
            "--set",
            "ecs.memory=2048",
        ];
        let plan = run(&changed, 0).out;
        assert!(plan.contains("± vpc/vpc") && plan.contains("- monitoring/alarm-api-latency"), "{plan}");
        // Whole with `--details`.
        let mut all = changed.to_vec();
        all.extend(["--details", "--env", environment]);
        open.iter().for_each(|setting| all.extend(["--set", setting]));
        assert!(place.run(&all).expect(0).out.len() > plan.len());
        let destroy = run(&["destroy"], 64).err;
        assert!(destroy.contains("- vpc/vpc"), "{destroy}");
    }
}
