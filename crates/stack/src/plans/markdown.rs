//! A plan as Markdown, for a pull request: what cannot be undone first, details folded, and never longer than a comment may be.
//!
//! Text from outside stands in HTML elements with every character escaped that HTML or Markdown would take for something, so that no
//! name or value can end a table, fold away what follows, or call somebody.

use std::fmt::Write as _;

use engine::{Action, Plan, Step};

use crate::heading::named_account;
use crate::losses::LossFate;
use crate::narrowed::{self, BeforeTold};
use crate::output::Lines;
use crate::plan_lines::{self, is_only_new, tier};
use crate::plans::document::Document;
use crate::render::{Counts, is_kept, remarks};
use crate::working::Unfinished;

/// GitHub takes 65,536 characters.
pub(crate) const MOST: usize = 60_000;
/// What says how much was left out needs so much.
const RESERVED: usize = 1_000;
/// Losses and warnings may take so much together.
const SAID: usize = 20_000;
/// The lines of one resource may take so much.
const OF_ONE: usize = 6_000;
/// What every line of a plan begins with on a terminal.
const MARGIN: &str = "  ";
/// A name may take so much.
const NAME: usize = 300;

/// What is shown, in the order in which it is.
#[derive(Clone, Debug, Default)]
struct Page {
    title: String,
    about: String,
    /// Each in one sentence; loud ones are told as a warning.
    losses: Vec<(bool, String)>,
    table: Vec<(String, Counts)>,
    sections: Vec<Section>,
    remarks: Vec<String>,
}

#[derive(Clone, Debug)]
struct Section {
    name: &'static str,
    /// Whether it is open from the beginning.
    open: bool,
    resources: Vec<Entry>,
}

/// A resource: its line, and what is below it.
#[derive(Clone, Debug)]
struct Entry {
    line: String,
    below: Vec<String>,
}

/// The page of a plan.
pub(crate) fn page(plan: &Plan, document: &Document, unfinished: Unfinished) -> String {
    let title = &document.title;
    let counts = document.summary.text();
    let nothing = if document.empty { "nothing to do; " } else { "" };
    let mut about = format!("`{}`", document.command.name());
    let place = match &title.account {
        Some(account) if title.target == "aws" => {
            format!(
                "AWS account {} in {}",
                named_account(account, title.account_alias.as_deref()),
                title.region
            )
        }
        _ => format!("the embedded AWS, {}", title.region),
    };
    let _ = write!(about, " on {}", code(&place));
    if let Some(caller) = &title.caller {
        let _ = write!(about, " as {}", code(caller));
    }
    if let Some(endpoint) = &title.endpoint {
        let _ = write!(about, " at {}", code(endpoint));
    }
    let _ = write!(
        about,
        ", planned at {} by {}",
        document.time,
        code(&format!("{} {}", title.program, title.version))
    );
    // The embedded AWS takes none of the times of the real one.
    if document.typical_seconds > 0 && title.target == "aws" {
        let _ = write!(about, "; it typically takes {}", duration(document.typical_seconds));
    }
    let asked = document.selection.as_ref().map(|told| &told.asked);
    let left_out = asked.and_then(|asked| narrowed::left_out(plan.narrowed(), asked));
    let before = document.left_out_before.as_ref().map(BeforeTold::line);
    for line in left_out.iter().chain(&before) {
        let _ = write!(about, "\n\n**{}**", inline(line));
    }
    let explained = asked.map_or_else(Lines::new, |asked| narrowed::explained(plan, asked, true));
    let mut tiers: Vec<&str> = Vec::new();
    for step in plan.steps().iter().filter(|step| step.is_change()) {
        if !tiers.contains(&tier(step)) {
            tiers.push(tier(step));
        }
    }
    let counted = |name: &&str| {
        let steps = plan.steps().iter().filter(|step| tier(step) == *name);
        ((*name).to_owned(), Counts::of_steps(steps))
    };
    let page = Page {
        title: format!("{} {}: {nothing}{counts}", title.project, title.environment),
        about,
        losses: document
            .losses
            .iter()
            .map(|loss| (!matches!(loss.fate, LossFate::Copied | LossFate::Retained), loss.text.clone()))
            .collect(),
        table: tiers.iter().map(counted).collect(),
        sections: sections(plan, unfinished),
        remarks: [plain(&explained), plain(&remarks(plan))].concat(),
    };
    page.write()
}

fn sections(plan: &Plan, unfinished: Unfinished) -> Vec<Section> {
    let of = |wanted: fn(&Step) -> bool| -> Vec<Entry> {
        let steps = plan.steps().iter().filter(|step| step.is_change() && wanted(step));
        steps
            .map(|step| {
                let mut lines = plain(&plan_lines::one(plan, step, unfinished)).into_iter();
                Entry { line: lines.next().unwrap_or_default(), below: lines.collect() }
            })
            .collect()
    };
    let section = |name, open, resources| Section { name, open, resources };
    vec![
        section("Replaced", true, of(|step| matches!(step.action, Action::Replace { .. }))),
        section("Deleted", true, of(|step| step.action == Action::Delete && !is_kept(step))),
        section("Changed", false, of(|step| step.action == Action::Update)),
        section("No longer managed", false, of(|step| step.action == Action::Delete && is_kept(step))),
        section("Finished", false, of(|step| step.action == Action::Unchanged)),
        section("Created again", false, of(|step| step.action == Action::Create && step.note.is_some())),
        section("Adopted", false, of(|step| step.encounter().is_some())),
        section("Created", false, of(|step| is_only_new(step) && step.encounter().is_none())),
    ]
}

/// Lines without colours, as they are indented on a terminal but for the margin that all of them have.
fn plain(lines: &Lines) -> Vec<String> {
    let line = |line: &str| line.strip_prefix(MARGIN).unwrap_or(line).trim_end().to_owned();
    lines.plain().lines().map(line).filter(|line| !line.is_empty()).collect()
}

impl Page {
    fn write(&self) -> String {
        let mut out = Out::default();
        out.push(&format!("## {}\n\n{}\n", inline(&cut(&self.title, NAME)), self.about));
        let mut said = 0;
        for loud in [true, false] {
            let of_it: Vec<&String> =
                self.losses.iter().filter(|(is_loud, _)| *is_loud == loud).map(|(_, text)| text).collect();
            if of_it.is_empty() {
                continue;
            }
            out.push(if loud { "\n> [!CAUTION]\n" } else { "\n> [!NOTE]\n" });
            let mut left = of_it.len();
            for text in of_it {
                let line = format!("> - {}\n", inline(text));
                if said + length(&line) > SAID {
                    break;
                }
                said += length(&line);
                left -= 1;
                out.push(&line);
            }
            if left > 0 {
                out.push(&format!("> - and {left} more, not shown here\n"));
            }
        }
        self.table(&mut out);
        let mut left: Vec<(&str, usize)> = Vec::new();
        for section in self.sections.iter().filter(|section| !section.resources.is_empty()) {
            let shown = section.write(&mut out);
            if shown < section.resources.len() {
                left.push((section.name, section.resources.len() - shown));
            }
        }
        let mut unsaid = self.remarks.len();
        if !self.remarks.is_empty() && out.fits(200) {
            out.push("\n<details><summary>Remarks</summary>\n<pre>\n");
            for line in self.remarks.iter().map(|line| format!("{}\n", escaped(&cut(line, OF_ONE)))) {
                if !out.fits(length(&line) + 100) {
                    break;
                }
                out.push(&line);
                unsaid -= 1;
            }
            out.push("</pre>\n</details>\n");
        }
        if unsaid > 0 {
            left.push(("remarks", unsaid));
        }
        if !left.is_empty() {
            let parts: Vec<String> =
                left.iter().map(|(name, count)| format!("{count} under {}", name.to_lowercase())).collect();
            out.push(&format!(
                "\n**Not everything fits in here.** Left out: {}. `preview` shows all of it.\n",
                parts.join(", ")
            ));
        }
        out.text
    }

    fn table(&self, out: &mut Out) {
        if self.table.is_empty() {
            return;
        }
        type Column = (&'static str, fn(&Counts) -> usize);
        let columns: [Column; 8] = [
            ("replace", |counts| counts.replace),
            ("delete", |counts| counts.delete),
            ("change", |counts| counts.update),
            ("keep", |counts| counts.keep),
            ("finish", |counts| counts.finish),
            ("create", |counts| counts.create),
            ("adopt", |counts| counts.adopt),
            ("unchanged", |counts| counts.unchanged),
        ];
        let used: Vec<&Column> =
            columns.iter().filter(|(_, of)| self.table.iter().any(|(_, counts)| of(counts) > 0)).collect();
        let names: Vec<&str> = used.iter().map(|(name, _)| *name).collect();
        out.push(&format!("\n| tier | {} |\n|---|{}\n", names.join(" | "), "--:|".repeat(used.len())));
        for (position, (tier, counts)) in self.table.iter().enumerate() {
            let numbers: Vec<String> = used
                .iter()
                .map(|(_, of)| match of(counts) {
                    0 => String::new(),
                    count => count.to_string(),
                })
                .collect();
            let row = format!("| {} | {} |\n", inline(tier), numbers.join(" | "));
            // More tiers than any program has.
            if out.length + length(&row) > MOST / 2 {
                let more = self.table.len() - position;
                out.push(&format!("\n{more} more tiers are not in this table.\n"));
                return;
            }
            out.push(&row);
        }
    }
}

impl Section {
    /// Writes as many resources as there is room for, and says how many those are.
    fn write(&self, out: &mut Out) -> usize {
        let open = if self.open { " open" } else { "" };
        let head = format!(
            "\n<details{open}><summary><b>{}: {}</b></summary>\n<pre>\n",
            self.name,
            self.resources.len()
        );
        const TAIL: &str = "</pre>\n</details>\n";
        if !out.fits(length(&head) + length(TAIL)) {
            return 0;
        }
        out.push(&head);
        let mut shown = 0;
        for resource in &self.resources {
            let whole = resource.write(true);
            let alone = resource.write(false);
            let Some(text) = [whole, alone].into_iter().find(|text| out.fits(length(text) + length(TAIL)))
            else {
                break;
            };
            out.push(&text);
            shown += 1;
        }
        out.push(TAIL);
        shown
    }
}

impl Entry {
    fn write(&self, whole: bool) -> String {
        let mut text = format!("{}\n", escaped(&cut(&self.line, NAME)));
        let mut left = self.below.len();
        for line in self.below.iter().filter(|_| whole) {
            let line = format!("{}\n", escaped(&cut(line, OF_ONE / 4)));
            if length(&text) + length(&line) > OF_ONE {
                break;
            }
            text.push_str(&line);
            left -= 1;
        }
        if left > 0 {
            let lines = if left == 1 { "line" } else { "lines" };
            let _ = writeln!(text, "    … {left} more {lines}");
        }
        text
    }
}

fn length(text: &str) -> usize {
    text.chars().count()
}

/// What was written so far.
#[derive(Default)]
struct Out {
    text: String,
    length: usize,
}

impl Out {
    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.length += length(text);
    }

    /// Whether there is room for so many characters more.
    fn fits(&self, more: usize) -> bool {
        self.length + more + RESERVED <= MOST
    }
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// Text inside of `<pre>`, where HTML alone means something; the others are for readers that know less of it.
fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('`', "&#96;").replace('|', "&#124;")
}

/// Text where Markdown means something as well: every mark is a number.
fn inline(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for one in cut(text, 2_000).chars() {
        match one {
            ' ' | ',' | '.' | ':' | ';' | '/' | '(' | ')' | '-' | '…' => shown.push(one),
            one if one.is_alphanumeric() => shown.push(one),
            one => {
                let _ = write!(shown, "&#{};", u32::from(one));
            }
        }
    }
    shown
}

/// The same in a fixed pitch, where nobody is called by an `@`.
fn code(text: &str) -> String {
    format!("<code>{}</code>", inline(&cut(text, NAME)))
}

fn duration(seconds: u64) -> String {
    match seconds {
        0..=59 => format!("{seconds} s"),
        _ => format!("{} min", seconds.div_ceil(60)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn long(names: usize, lines: usize, text: &str) -> Page {
        let resources: Vec<Entry> = (0..names)
            .map(|at| Entry { line: format!("± t/{at}"), below: vec![text.to_owned(); lines] })
            .collect();
        let section = |name| Section { name, open: true, resources: resources.clone() };
        Page {
            title: text.to_owned(),
            about: "`up`".to_owned(),
            losses: (0..names).flat_map(|_| [(true, text.to_owned()), (false, text.to_owned())]).collect(),
            table: (0..names).map(|_| (text.to_owned(), Counts { create: 1, ..Counts::default() })).collect(),
            sections: vec![section("Replaced"), section("Deleted"), section("Created")],
            remarks: vec![text.to_owned(); names],
        }
    }

    #[test]
    fn however_large_a_plan_is_the_page_fits_and_what_is_left_out_is_counted() {
        for (names, lines, text) in [
            (5_000, 1, "x"),
            (50, 10_000, "y"),
            (2_000, 30, &"<".repeat(3_000)),
            (3, 3, &"|".repeat(100_000)),
        ] {
            let page = long(names, lines, text).write();
            assert!(length(&page) < MOST, "{}", length(&page));
            assert_eq!(page.matches("<details").count(), page.matches("</details>").count());
            assert_eq!(page.matches("<pre>").count(), page.matches("</pre>").count());
        }
        let page = long(5_000, 1, "x").write();
        let shown = page.lines().filter(|line| line.starts_with("± t/")).count();
        let left = 3 * 5_000 - shown;
        let counted: usize = page
            .split_once("Left out: ")
            .unwrap()
            .1
            .split(", ")
            .filter(|part| !part.contains("remarks"))
            .map(|part| part.split(' ').next().unwrap().parse::<usize>().unwrap())
            .sum();
        assert_eq!(counted, left);
    }

    #[test]
    fn what_is_lost_stands_before_the_table_and_what_goes_before_what_comes() {
        let page = long(1, 1, "loss").write();
        let order = ["CAUTION", "NOTE", "| tier |", "Replaced", "Deleted", "Created", "Remarks"];
        let found: Vec<usize> = order.iter().map(|part| page.find(part).unwrap()).collect();
        assert!(found.is_sorted(), "{found:?}\n{page}");
    }

    #[test]
    fn lines_are_indented_as_on_a_terminal() {
        let mut lines = Lines::new();
        lines.line("  ± t/a").line("      Name:").line("        \"b\"");
        assert_eq!(plain(&lines), ["± t/a", "    Name:", "      \"b\""]);
    }

    proptest! {
        #[test]
        fn no_text_means_anything_to_html_or_markdown(text in "[\\PC\n]{0,80}") {
            for shown in [inline(&text), code(&text), escaped(&text)] {
                let inner = shown.trim_start_matches("<code>").trim_end_matches("</code>");
                prop_assert!(!inner.contains(['<', '>', '`', '|']), "{}", shown);
            }
            let shown = inline(&text);
            prop_assert!(!shown.contains(['`', '|', '*', '_', '[', ']', '@', '\\', '\n', '!', '~']), "{}", shown);
        }
    }
}
