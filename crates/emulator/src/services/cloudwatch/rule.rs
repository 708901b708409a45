//! The rules of composite alarms, such as `ALARM("a") AND NOT (OK(b) OR INSUFFICIENT_DATA(c))`.

use std::collections::BTreeSet;

use super::alarm_name;
use crate::protocol::response::ensure;

/// The names of the alarms that a rule refers to.
///
/// # Errors
///
/// What cannot be read, in CloudWatch's words.
pub(super) fn children(rule: &str) -> Result<BTreeSet<String>, String> {
    let mut reader = Reader { rule, at: 0, elements: 0, children: BTreeSet::new() };
    reader.rule()?;
    match reader.word() {
        Some(word) => Err(reader.unsupported(word)),
        None if reader.children.len() > 100 => Err("A rule can name 100 alarms at most".to_owned()),
        None => Ok(reader.children),
    }
}

struct Reader<'a> {
    rule: &'a str,
    at: usize,
    elements: usize,
    children: BTreeSet<String>,
}

impl<'a> Reader<'a> {
    /// `condition AND condition OR …`
    fn rule(&mut self) -> Result<(), String> {
        self.condition()?;
        while self.takes("AND") || self.takes("OR") {
            self.condition()?;
        }
        Ok(())
    }

    fn condition(&mut self) -> Result<(), String> {
        while self.takes("NOT") {}
        let Some(word) = self.word() else {
            return Err("The rule ends too early".to_owned());
        };
        match word.to_ascii_uppercase().as_str() {
            "(" => {
                self.next(word);
                self.element()?;
                self.rule()?;
                self.expect(")")
            }
            "TRUE" | "FALSE" => {
                self.next(word);
                self.element()
            }
            "ALARM" | "OK" | "INSUFFICIENT_DATA" => {
                self.next(word);
                self.element()?;
                self.expect("(")?;
                let name = self.name()?;
                self.children.insert(alarm_name(&name).to_owned());
                self.expect(")")
            }
            _ => Err(self.unsupported(word)),
        }
    }

    /// PutCompositeAlarm, AlarmRule: "as many as 500 elements".
    fn element(&mut self) -> Result<(), String> {
        self.elements += 1;
        match self.elements {
            ..=500 => Ok(()),
            _ => Err("A rule can have 500 elements at most".to_owned()),
        }
    }

    /// A name, in quotes or up to the parenthesis.
    fn name(&mut self) -> Result<String, String> {
        let rest = self.rest();
        if let Some(quoted) = rest.strip_prefix('"') {
            let end = quoted.find('"').ok_or("A quote is not closed")?;
            self.at += end + 2;
            return Ok(quoted[..end].to_owned());
        }
        let end = rest.find([')', '(']).ok_or("A parenthesis is not closed")?;
        self.at += end;
        match rest[..end].trim_end() {
            "" => Err(format!("A name is missing at char {}", self.at)),
            name => Ok(name.to_owned()),
        }
    }

    /// The next word or parenthesis, which stays.
    fn word(&mut self) -> Option<&'a str> {
        let rest = self.rest();
        let first = rest.chars().next()?;
        let length = match first {
            '(' | ')' => 1,
            _ => rest.find(|c: char| c.is_whitespace() || c == '(' || c == ')').unwrap_or(rest.len()),
        };
        Some(&rest[..length])
    }

    fn rest(&mut self) -> &'a str {
        let rest = &self.rule[self.at..];
        self.at += rest.len() - rest.trim_start().len();
        rest.trim_start()
    }

    fn next(&mut self, word: &str) {
        self.at += word.len();
    }

    fn takes(&mut self, wanted: &str) -> bool {
        let next = self.word().filter(|word| word.eq_ignore_ascii_case(wanted));
        next.inspect(|word| self.next(word)).is_some()
    }

    fn expect(&mut self, wanted: &str) -> Result<(), String> {
        ensure(self.takes(wanted), || format!("'{wanted}' is missing at char {}", self.at))
    }

    fn unsupported(&self, word: &str) -> String {
        format!("Unsupported token '{word}' at char {}", self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(rule: &str) -> Vec<String> {
        children(rule).unwrap_or_else(|reason| panic!("{rule}: {reason}")).into_iter().collect()
    }

    #[test]
    fn a_rule_names_its_alarms() {
        assert_eq!(names("ALARM(CPUUtilizationTooHigh) AND NOT ALARM(DeploymentInProgress)").len(), 2);
        assert_eq!(
            names("(ALARM(\"high (cpu)\") OR OK(b)) AND INSUFFICIENT_DATA( c )"),
            ["b", "c", "high (cpu)"]
        );
        assert_eq!(names("ALARM(\"arn:aws:cloudwatch:eu-west-1:123456789012:alarm:x\") or true"), ["x"]);
        assert!(names("FALSE").is_empty());
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        let wrong = [
            "",
            "()",
            "ALARM",
            "ALARM()",
            "ALARM(a",
            "ALARM(a))",
            "ALARM(a) ALARM(b)",
            "NOT",
            "MAYBE(a)",
            "a AND",
        ];
        for rule in wrong {
            assert!(children(rule).is_err(), "{rule}");
        }
        let deep = format!("{}TRUE{}", "(".repeat(501), ")".repeat(501));
        assert!(children(&deep).is_err());
        let many = (0..101).map(|n| format!("ALARM(a{n})")).collect::<Vec<_>>().join(" OR ");
        assert!(children(&many).is_err());
    }
}
