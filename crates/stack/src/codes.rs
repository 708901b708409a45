//! The stable codes of errors, and the page of each: `stack explain E0301`.
//!
//! A code never changes its meaning and is never used again for something else. To add one: a line here, and a page
//! `docs/errors/CODE.md` with the headings that [`HEADINGS`](self) names in the tests below.
//!
//! | group | about |
//! |---|---|
//! | 01xx | the command line and the configuration |
//! | 02xx | state and lock |
//! | 03xx | credentials and permissions |
//! | 04xx | what AWS refuses |
//! | 05xx | AWS that does not answer, or not in time |
//! | 06xx | plans that are refused |
//! | 07xx | interruptions |
//! | 09xx | this machine and this program |

use std::fmt;

use serde_json::json;

use crate::config::closest;
use crate::exit::{Exit, Failure};
use crate::output::{Lines, print, print_json};

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident $code:literal,)+) => {
        /// What kind of error it is. Stable: scripts and runbooks may rely on it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Code {
            /// All there are, in order.
            pub const ALL: &[Code] = &[$(Code::$name,)+];

            /// As it is printed: `E0301`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Code::$name => $code,)+
                }
            }

            /// Its page, as Markdown.
            #[must_use]
            pub fn page(self) -> &'static str {
                match self {
                    $(Code::$name => include_str!(concat!("../../../docs/errors/", $code, ".md")),)+
                }
            }
        }
    };
}

codes! {
    /// The command line is wrong.
    CommandLine "E0101",
    /// The configuration is wrong.
    Configuration "E0102",
    /// A question has to be asked, and there is no terminal.
    NoTerminal "E0103",
    /// The environment's name is invalid or looks like a typo.
    Environment "E0104",
    /// The account or the region cannot do what the configuration asks for.
    Account "E0105",
    /// The file that the state was made with is missing.
    ConfigurationMissing "E0106",
    /// Another run holds the lock.
    Locked "E0201",
    /// The lock was lost, or cannot be used.
    LockLost "E0202",
    /// The state cannot be read or written.
    StateStore "E0203",
    /// The state is damaged.
    StateDamaged "E0204",
    /// The state belongs to something else, or is somewhere else.
    StateElsewhere "E0205",
    /// There is no state, or not what was asked for in it.
    NothingRecorded "E0206",
    /// The anchors cannot be written or do not confirm the state.
    Anchor "E0207",
    /// How a call for a resource ended is not known, so its record cannot be changed yet.
    Unsettled "E0208",
    /// AWS denies the call.
    Denied "E0301",
    /// No valid credentials.
    NoCredentials "E0302",
    /// The credentials have expired.
    Expired "E0303",
    /// A quota of the account is reached.
    Quota "E0401",
    /// AWS rejects a value.
    Refused "E0402",
    /// An object of that name exists already and is not this stack's.
    Conflict "E0403",
    /// Something else still uses the object.
    InUse "E0404",
    /// AWS reports that the object failed.
    Broken "E0405",
    /// The object is not what the plan saw.
    Changed "E0406",
    /// No connection to AWS.
    Unreachable "E0501",
    /// AWS did not answer, or with an error of its own.
    NoAnswer "E0502",
    /// AWS throttles the calls.
    Throttled "E0503",
    /// An object was not ready, or not gone, in time.
    Late "E0504",
    /// Something protected would be deleted.
    Protected "E0601",
    /// There is no plan for what is declared.
    NoPlan "E0602",
    /// A plan in a file cannot be run.
    PlanFile "E0603",
    /// Something that holds data would be replaced only because something that it needs is missing.
    NeedMissing "E0604",
    /// An object that exists cannot be adopted.
    Import "E0605",
    /// What --only, --exclude or --replace name cannot be chosen.
    Selection "E0606",
    /// An image cannot be deployed.
    Image "E0607",
    /// The run was interrupted.
    Interrupted "E0701",
    /// A file or the output cannot be written.
    Output "E0901",
    /// The embedded AWS cannot be used.
    Emulator "E0902",
    /// A defect of the program.
    Defect "E0903",
}

impl Code {
    /// What its page is about, in a few words.
    #[must_use]
    pub fn title(self) -> &'static str {
        let first = self.page().lines().next().unwrap_or_default();
        first.split_once(": ").map_or(first, |(_, title)| title)
    }

    /// The code of a failure that has none of its own.
    pub(crate) fn of_exit(exit: Exit) -> Self {
        match exit {
            Exit::Usage => Code::CommandLine,
            Exit::Configuration => Code::Configuration,
            Exit::Locked => Code::Locked,
            Exit::Interrupted => Code::Interrupted,
            Exit::Done | Exit::Failed | Exit::Changes => Code::Output,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// `E0301`, `e0301` or `301`.
fn named(text: &str) -> Option<Code> {
    let digits = text.trim_start_matches(['E', 'e']);
    if digits.len() > 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u32 = digits.parse().ok()?;
    let name = format!("E{number:04}");
    Code::ALL.iter().copied().find(|code| code.name() == name)
}

/// Prints the page of a code, or a line for each code.
pub(crate) fn explain(code: Option<&str>, as_json: bool) -> Result<Exit, Failure> {
    let explained = match code {
        None => None,
        Some(text) => Some(named(text).ok_or_else(|| unknown(text))?),
    };
    let entry = |code: &Code| json!({ "code": code.name(), "title": code.title() });
    let mut lines = Lines::new();
    match (explained, as_json) {
        (None, true) => return print_json(&Code::ALL.iter().map(entry).collect()).map(|()| Exit::Done),
        (Some(code), true) => {
            let mut page = entry(&code);
            page["page"] = code.page().into();
            return print_json(&page).map(|()| Exit::Done);
        }
        (None, false) => Code::ALL.iter().for_each(|code| {
            lines.line(format!("{code}  {}", code.title()));
        }),
        (Some(code), false) => code.page().lines().for_each(|line| {
            lines.line(line);
        }),
    }
    print(&lines).map(|()| Exit::Done)
}

fn unknown(text: &str) -> Failure {
    let meant = closest(&text.to_ascii_uppercase(), Code::ALL.iter().map(|code| code.name()), 1);
    let meant = meant.map_or_else(String::new, |code| format!("did you mean {code}? "));
    Failure::new(Exit::Usage, format!("`{text}` is not the code of an error"))
        .hint(format!("{meant}`explain` without a code lists all of them"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// What each page has, in this order.
    const HEADINGS: [&str; 4] = ["## What it means", "## Usual causes", "## What to do", "## Example"];

    #[test]
    fn every_code_has_a_page_and_every_page_a_code() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors");
        let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
        let files: BTreeSet<String> = files.map(|name| name.into_string().unwrap()).collect();
        let pages: BTreeSet<String> = Code::ALL.iter().map(|code| format!("{code}.md")).collect();
        assert_eq!(files, pages);
        assert_eq!(pages.len(), Code::ALL.len(), "a code is there twice");
        assert!(Code::ALL.is_sorted_by_key(|code| code.name()), "the list is not in order");
    }

    #[test]
    fn every_page_has_its_title_and_the_four_headings_with_something_below_each() {
        for code in Code::ALL {
            let page = code.page();
            assert!(page.starts_with(&format!("# {code}: ")), "{code}");
            let headings: Vec<&str> = page.lines().filter(|line| line.starts_with("## ")).collect();
            assert_eq!(headings, HEADINGS, "{code}");
            let sections: Vec<&str> = page.split("\n## ").skip(1).collect();
            for section in sections {
                let (heading, text) = section.split_once('\n').unwrap();
                assert!(text.trim().len() > 30, "{code}: {heading} says nothing");
            }
            // What is shown as an example is what this code looks like.
            let example = page.split("## Example").nth(1).unwrap();
            assert!(example.contains(code.name()), "{code}: its example does not show it");
            assert!(page.lines().all(|line| line.chars().count() <= 130), "{code} has a long line");
        }
    }

    #[test]
    fn a_code_is_found_as_people_type_it() {
        for text in ["E0301", "e0301", "0301", "301", "E301"] {
            assert_eq!(named(text), Some(Code::Denied), "{text}");
        }
        for text in ["", "E", "E9999", "E03010", "denied", "E-301", "E+301", "EE0301 "] {
            assert_eq!(named(text), None, "{text}");
        }
        assert!(unknown("E0310").hint.unwrap().starts_with("did you mean E0301?"));
    }
}
