//! A report as JUnit XML, which CI systems show: a suite for each group, a case for each check.
//!
//! People read it, so that what comes from outside is escaped as on a terminal ([`engine::visible`]), a finding a line. That
//! leaves out everything that XML 1.0 cannot write, which is most control characters, U+FFFE and U+FFFF, even as a reference
//! (section 2.2, "Char"), and says which character it was.

use std::io::{self, Write};

use engine::visible;
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
    start.push_attribute(("name", &*visible(name)));
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
            failure.push_attribute(("message", &*visible(&message)));
            let mut text = String::new();
            for finding in findings {
                text.push_str(&visible(&finding.to_string()));
                text.push('\n');
            }
            text.push_str(advice);
            writer.write_event(Event::Start(failure))?;
            writer.write_event(Event::Text(BytesText::new(&text)))?;
            writer.write_event(Event::End(BytesEnd::new("failure")))?;
            writer.write_event(Event::End(BytesEnd::new("testcase")))
        }
        Outcome::Skipped { reason } => {
            writer.write_event(Event::Start(start))?;
            let mut skipped = BytesStart::new("skipped");
            skipped.push_attribute(("message", &*visible(reason)));
            writer.write_event(Event::Empty(skipped))?;
            writer.write_event(Event::End(BytesEnd::new("testcase")))
        }
    }
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
    fn every_character_survives_or_is_escaped() {
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
            text.contains("found <b> & \"quotes\" ]]> \\u{1b}[31m \\u{0} é\\tnew\\nline\ndo <this>"),
            "{text:?}"
        );
    }

    fn three(a: &str, b: &str, c: &str) -> (String, String, String) {
        (a.to_owned(), b.to_owned(), c.to_owned())
    }

    /// Every text of an XML file, attributes included.
    fn texts(xml: &str) -> Vec<String> {
        let mut reader = Reader::from_str(xml);
        let mut texts = Vec::new();
        loop {
            match reader.read_event().unwrap() {
                Event::Eof => return texts,
                Event::Start(start) | Event::Empty(start) => {
                    for attribute in start.attributes() {
                        let attribute = attribute.unwrap();
                        texts.push(quick_xml::escape::unescape(&attribute.value).unwrap().into_owned());
                    }
                }
                Event::Text(event) => texts.push(event.to_string()),
                _ => {}
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_from_outside_breaks_the_file_or_hides_in_it(
            found in proptest::prelude::any::<String>(),
            reason in proptest::prelude::any::<String>(),
            title in proptest::prelude::any::<String>(),
        ) {
            let findings = vec![Finding::new(&found, "a", &found), Finding::new("b", &found, "c")];
            let report = Report {
                checks: vec![
                    check("outputs/b", Outcome::Failed { findings, advice: "do this" }),
                    check("http/c", Outcome::Skipped { reason: reason.clone() }),
                ],
            };
            let mut xml = Vec::new();
            junit(&report, &title, &mut xml).unwrap();
            let xml = String::from_utf8(xml).unwrap();
            let legal = |one: char| matches!(one, '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
            proptest::prop_assert!(xml.chars().all(legal));
            let texts = texts(&xml);
            for text in &texts {
                proptest::prop_assert!(text.lines().all(|line| !line.contains(engine::is_hidden)), "{:?}", text);
            }
            proptest::prop_assert!(texts.contains(&visible(&reason).into_owned()));
            proptest::prop_assert!(texts.contains(&visible(&title).into_owned()));
        }
    }
}
