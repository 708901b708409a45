//! Filter expressions of groups, such as `service("api") { fault } AND responsetime > 5`.

/// Whether an expression can be one: its quotes and brackets close (X-Ray Developer Guide, "Using filter expressions").
/// Keywords are not checked.
pub(super) fn is_well_formed(expression: &str) -> bool {
    let mut open = Vec::new();
    let mut in_quotes = false;
    for c in expression.chars() {
        match c {
            '"' => in_quotes = !in_quotes,
            _ if in_quotes => {}
            '(' => open.push(')'),
            '{' => open.push('}'),
            '[' => open.push(']'),
            ')' | '}' | ']' if open.pop() != Some(c) => return false,
            _ => {}
        }
    }
    !in_quotes && open.is_empty()
}

#[cfg(test)]
mod tests {
    use super::is_well_formed;

    #[test]
    fn quotes_and_brackets_close() {
        let good =
            ["", "fault = true", "service(\"a)\") { fault OR error }", "annotation[user] = \"x\"", "!ok"];
        assert!(good.into_iter().all(is_well_formed));
        let wrong = ["service(\"a\"", "service(\"a)", "(fault}", "fault)", "\"open"];
        assert!(!wrong.into_iter().any(is_well_formed));
    }
}
