//! A report as JUnit XML, which CI systems show: a suite for each group, a case for each check.

use std::io::{self, Write};

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use crate::result::{Check, Counts, Outcome, Report, count};

/// Writes the report as JUnit XML. `title` names what was verified.
///
/// # Errors
/// Where the sink cannot be written to.
pub fn junit(report: &Report, title: &str, sink: impl Write) -> io::Result<()> {
    let mut writer = Writer::new_with_indent(sink, b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let all = counted("testsuites", title, report.counts());
    writer.write_event(Event::Start(all))?;
    for suite in report.checks.chunk_by(|one, next| one.group() == next.group()) {
        let Some(group) = suite.first().map(Check::group) else { continue };
        writer.write_event(Event::Start(counted("testsuite", group, count(suite))))?;
        for check in suite {
            case(&mut writer, check)?;
        }
        writer.write_event(Event::End(BytesEnd::new("testsuite")))?;
    }
    writer.write_event(Event::End(BytesEnd::new("testsuites")))?;
    writer.get_mut().write_all(b"\n")
}

fn counted(element: &'static str, name: &str, counts: Counts) -> BytesStart<'static> {
    let Counts { passed, failed, skipped } = counts;
    let (tests, failures, skipped) =
        ((passed + failed + skipped).to_string(), failed.to_string(), skipped.to_string());
    let mut start = BytesStart::new(element);
    start.push_attribute(("name", legal(name).as_str()));
    start.push_attribute(("tests", tests.as_str()));
    start.push_attribute(("failures", failures.as_str()));
    start.push_attribute(("errors", "0"));
    start.push_attribute(("skipped", skipped.as_str()));
    start
}

fn case<W: Write>(writer: &mut Writer<W>, check: &Check) -> io::Result<()> {
    let mut start = BytesStart::new("testcase");
    start.push_attribute(("classname", check.group()));
    start.push_attribute(("name", check.id));
    match &check.outcome {
        Outcome::Passed => writer.write_event(Event::Empty(start)),
        Outcome::Failed { findings, advice } => {
            writer.write_event(Event::Start(start))?;
            let mut failure = BytesStart::new("failure");
            let message = check.refuted().unwrap_or_default();
            failure.push_attribute(("message", legal(&message).as_str()));
            let mut text = String::new();
            for finding in findings {
                text.push_str(&format!("{finding}\n"));
            }
            text.push_str(advice);
            writer.write_event(Event::Start(failure))?;
            writer.write_event(Event::Text(BytesText::new(&legal(&text))))?;
            writer.write_event(Event::End(BytesEnd::new("failure")))?;
            writer.write_event(Event::End(BytesEnd::new("testcase")))
        }
        Outcome::Skipped { reason } => {
            writer.write_event(Event::Start(start))?;
            let mut skipped = BytesStart::new("skipped");
            skipped.push_attribute(("message", legal(reason).as_str()));
            writer.write_event(Event::Empty(skipped))?;
            writer.write_event(Event::End(BytesEnd::new("testcase")))
        }
    }
}

/// XML 1.0 has no way to write most control characters, nor U+FFFE and U+FFFF ("Char", section 2.2).
fn legal(text: &str) -> String {
    let bad = |one: char| {
        (one.is_control() && !matches!(one, '\t' | '\n' | '\r' | '\u{7f}'..='\u{9f}'))
            || matches!(one, '\u{fffe}' | '\u{ffff}')
    };
    text.chars().map(|one| if bad(one) { char::REPLACEMENT_CHARACTER } else { one }).collect()
}

#[cfg(test)]
mod tests {
    use quick_xml::Reader;

    use super::*;
    use crate::Finding;

    fn check(id: &'static str, outcome: Outcome) -> Check {
        Check { id, verifies: "all \"is\" <well>", outcome }
    }

    #[test]
    fn every_character_survives_or_is_replaced() {
        let found = "<b> & \"quotes\" ]]> \u{1b}[31m \u{0} é\tnew\nline";
        let findings = vec![Finding::new("vpc/vpc", "a", found)];
        let report = Report {
            checks: vec![
                check("outputs/a", Outcome::Passed),
                check("outputs/b", Outcome::Failed { findings, advice: "do <this>" }),
                check("http/c", Outcome::Skipped { reason: "no \"endpoint\" & none <here>".to_owned() }),
            ],
        };
        let mut xml = Vec::new();
        junit(&report, "payment <dev>", &mut xml).unwrap();
        let xml = String::from_utf8(xml).unwrap();
        let mut reader = Reader::from_str(&xml);
        let (mut elements, mut text) = (Vec::new(), String::new());
        loop {
            match reader.read_event().unwrap() {
                Event::Eof => break,
                Event::Start(start) | Event::Empty(start) => {
                    let name = start.name().as_ref().to_owned();
                    let attributes = start.attributes().map(|attribute| {
                        let attribute = attribute.unwrap();
                        let key = attribute.key.as_ref().to_owned();
                        (key, quick_xml::escape::unescape(&attribute.value).unwrap().into_owned())
                    });
                    elements.push((name, attributes.collect::<Vec<_>>()));
                }
                Event::Text(event) => text.push_str(&event),
                Event::GeneralRef(entity) => {
                    let entity = format!("&{};", &*entity);
                    text.push_str(&quick_xml::escape::unescape(&entity).unwrap());
                }
                _ => {}
            }
        }
        let value = |element: usize, name: &str| {
            let (_, attributes) = &elements[element];
            attributes.iter().find(|(key, _)| key == name).unwrap().1.clone()
        };
        let names: Vec<&str> = elements.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            [
                "testsuites",
                "testsuite",
                "testcase",
                "testcase",
                "failure",
                "testsuite",
                "testcase",
                "skipped"
            ]
        );
        assert_eq!(value(0, "name"), "payment <dev>");
        assert_eq!((value(0, "tests"), value(0, "failures"), value(0, "skipped")), three("3", "1", "1"));
        assert_eq!((value(1, "tests"), value(1, "failures"), value(1, "skipped")), three("2", "1", "0"));
        assert_eq!(value(4, "message"), "not so: all \"is\" <well>");
        assert_eq!(value(7, "message"), "no \"endpoint\" & none <here>");
        assert!(
            text.contains("found <b> & \"quotes\" ]]> \u{fffd}[31m \u{fffd} é\tnew\nline\ndo <this>"),
            "{text:?}"
        );
    }

    fn three(a: &str, b: &str, c: &str) -> (String, String, String) {
        (a.to_owned(), b.to_owned(), c.to_owned())
    }
}
