//! Commands in texts, as they can be copied: with everything that this command was told about what to do, and where.

use std::path::Path;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use secrets::{SHOWN, masked};
use serde_json::json;

use crate::chosen::Asked;
use crate::cli::{DEFAULT_ENVIRONMENT, DEFAULT_STATE_DIR, Options, Target};
use crate::exit::Failure;
use crate::plans::document::Running;
use crate::run::Work;

/// A command of this program in a text: `stack state push`.
static COMMAND: LazyLock<Regex> = LazyLock::new(|| {
    let commands = "up|preview|refresh|outputs|verify|destroy|import|bootstrap|unlock|state|env|history|deploy|rollback|deployments|\
                    logs";
    Regex::new(&format!("`stack ((?:{commands})(?: [^`]*)?)`")).expect("it is one")
});

/// Commands whose plan depends on every value of the configuration.
const PLANNING: [&str; 6] = ["up", "preview", "destroy", "import", "deploy", "rollback"];

/// Commands that read no more of the configuration than where the state is, and the keys that say so.
const OF_THE_STATE: [&str; 7] = ["outputs", "unlock", "state", "env", "history", "deployments", "logs"];
const WHERE_THE_STATE_IS: [&str; 4] = ["aws", "project", "region", "state"];

/// The same text with each command as `command` has it. One that ends with its flags already stays, and so does one that names a
/// stack.
fn completed(text: &str, flags: impl Fn(&str) -> String, command: impl Fn(&str) -> String) -> String {
    let own = [" --env ", " --target ", " --state-dir ", " --config "];
    let whole = |found: &Captures<'_>| {
        let flags = flags(&found[1]);
        let is_whole = !flags.is_empty() && found[1].ends_with(&flags);
        match is_whole || own.iter().any(|option| found[1].contains(option)) {
            true => found[0].to_owned(),
            false => command(&found[1]),
        }
    };
    COMMAND.replace_all(text, whole).into_owned()
}

/// The name of the command that a line begins with.
fn name_of(command: &str) -> &str {
    command.split(' ').next().unwrap_or_default()
}

/// A word as a POSIX shell reads it.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |one: char| one.is_ascii_alphanumeric() || "_@%+=:,./-".contains(one);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// A path as a POSIX shell reads it.
pub(crate) fn quoted_path(path: &Path) -> String {
    quoted(&path.display().to_string())
}

/// `KEY=VALUE` for a shell. A value that may be a secret is left out in a way that no shell takes.
fn assigned(key: &str, value: &str) -> String {
    let name = key.rsplit(['.', '_']).next().unwrap_or(key);
    match masked(&json!({ name: value }))[name] == value {
        true => quoted(&format!("{key}={value}")),
        false => format!("{}{SHOWN}", quoted(&format!("{key}="))),
    }
}

/// Where the stack is, and what the configuration is, as the line of a command says it.
pub(crate) fn flags(options: &Options, command: &str) -> String {
    let Options { env, target, state_dir, config, region, set, .. } = options;
    let mut text = String::new();
    // It lists those of all environments.
    if env != DEFAULT_ENVIRONMENT && command != "env list" {
        text += &format!(" --env {}", quoted(env));
    }
    if *target != Target::Embedded {
        text += &format!(" --target {}", target.name());
    }
    if state_dir != Path::new(DEFAULT_STATE_DIR) {
        text += &format!(" --state-dir {}", quoted_path(state_dir));
    }
    if let Some(config) = config {
        text += &format!(" --config {}", quoted_path(config));
    }
    if let Some(region) = region {
        text += &format!(" --region {}", quoted(region));
    }
    let needs_all = !OF_THE_STATE.contains(&name_of(command));
    for setting in set.iter().filter(|setting| needs_all || WHERE_THE_STATE_IS.contains(&setting.section())) {
        text += &format!(" --set {}", assigned(&setting.key(), setting.value()));
    }
    text
}

impl Work {
    /// A failure whose advice names commands that can be copied.
    pub(crate) fn complete(&self, failure: Failure) -> Failure {
        let hint = failure.hint.map(|hint| self.with_commands(&hint));
        Failure { hint, ..failure }
    }

    /// A text whose commands can be copied.
    pub(crate) fn with_commands(&self, text: &str) -> String {
        let flags = |command: &str| flags(&self.options, command);
        completed(text, flags, |command| self.command(command))
    }

    /// A command that works on the same stack as this one, with the same configuration, between backquotes.
    pub(crate) fn command(&self, command: &str) -> String {
        let plans = PLANNING.contains(&name_of(command));
        let variables = self.variables.iter().filter(|_| plans);
        let variables: String =
            variables.map(|(name, value)| format!("{} ", assigned(name, value))).collect();
        format!("`{variables}{} {command}{}`", self.program.name(), flags(&self.options, command))
    }

    /// What to do about a run that did not finish: run it again, for what is still to do of what it was asked for, or, if it was a
    /// plan in a file, make a new plan first.
    pub(crate) fn resuming(&self, running: Running, again: &Asked) -> String {
        let mut asked = again.flags();
        // What was deployed is recorded, and need not be named again.
        if self.image.is_some() {
            asked += " --retry";
        }
        let text = match &self.plan_file {
            None => format!("run {} again", self.command(&format!("{}{asked}", running.name()))),
            Some(path) => anew(running, &asked, path, |command| self.command(command)),
        };
        match text.contains(SHOWN) {
            true => format!("{text} (write the value that is not shown in place of {SHOWN})"),
            false => text,
        }
    }
}

/// How a plan in a file is made and run once more, with the same flags for what is asked for.
pub(crate) fn anew(running: Running, asked: &str, path: &Path, command: impl Fn(&str) -> String) -> String {
    let (path, name) = (quoted_path(path), running.name());
    let preview = match running {
        Running::Up => "preview",
        Running::Destroy => "destroy --preview",
    };
    format!(
        "make a new plan with {}, look at it, then run {}",
        command(&format!("{preview}{asked} --out {path}")),
        command(&format!("{name} {path}"))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_in_advice_gets_what_it_needs_and_only_once() {
        let command = |command: &str| format!("`pay {command} --env prod --target aws`");
        let text = "run `stack state push`, `stack bootstrap --adopt` or `up`; `aws s3api x` stays, as `stack.toml` does";
        let once = completed(text, |_| String::new(), command);
        assert_eq!(
            once,
            "run `pay state push --env prod --target aws`, `pay bootstrap --adopt --env prod --target aws` or `up`; `aws s3api x` \
             stays, as `stack.toml` does"
        );
        for whole in ["`stack up --env prod`", "`stack up --target aws`", "`stack up --state-dir x`"] {
            assert_eq!(completed(whole, |_| String::new(), command), whole);
        }
        let whole = "`stack up --set vpc.nat=single`";
        assert_eq!(completed(whole, |_| " --set vpc.nat=single".to_owned(), command), whole);
    }

    #[test]
    fn a_word_is_quoted_where_a_shell_would_read_it_otherwise() {
        for (word, wanted) in [
            ("vpc.nat=single", "vpc.nat=single"),
            ("", "''"),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
            ("$(rm)", "'$(rm)'"),
            ("[\"a\"]", "'[\"a\"]'"),
            ("`x`", "'`x`'"),
            ("*", "'*'"),
        ] {
            assert_eq!(quoted(word), wanted);
        }
    }

    #[test]
    fn a_secret_is_not_repeated() {
        // Put together here, so that nobody takes the source for a leak.
        let secret = format!("AKIA{}", "A7".repeat(8));
        assert_eq!(assigned("tags.Owner", &secret), "tags.Owner=(secret)");
        assert_eq!(assigned("tags.Owner", "me and you"), "'tags.Owner=me and you'");
    }
}
