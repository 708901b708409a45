//! The file of `import --all`: which object each resource adopts, as TOML or as lines of JSON.

use std::path::Path;

use serde_json::Value;

use crate::codes::Code;
use crate::exit::{Exit, Failure};

/// An address and an id, as somebody wrote them, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) address: String,
    pub(crate) id: String,
}

/// Reads the file.
///
/// # Errors
/// Where it cannot be read, or is neither; the message names file and line.
pub(crate) fn read(path: &Path) -> Result<Vec<Wish>, Failure> {
    let name = path.display();
    let refused = |reason: String| {
        Failure::new(Exit::Usage, format!("{name}: {reason}"))
            .hint("lines such as `\"vpc/vpc\" = \"vpc-0a1b2c3d4e5f60718\"`, or `{\"vpc/vpc\": \"vpc-0a1b2c3d4e5f60718\"}`")
            .coded(Code::CommandLine)
    };
    let text = std::fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
    let wishes = parse(&text).map_err(|(line, reason)| refused(format!("line {line}: {reason}")))?;
    match wishes.is_empty() {
        true => Err(refused("it names no resource".to_owned())),
        false => Ok(wishes),
    }
}

/// What is wrong, and in which line.
type Wrong = (usize, String);

fn parse(text: &str) -> Result<Vec<Wish>, Wrong> {
    match text.trim_start().starts_with('{') {
        true => lines(text),
        false => table(text),
    }
}

fn table(text: &str) -> Result<Vec<Wish>, Wrong> {
    let line_of = |offset: usize| text[..offset.min(text.len())].lines().count().max(1);
    let table: toml::Table = toml::from_str(text).map_err(|error| {
        let line =
            error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        (line, error.message().to_owned())
    })?;
    let wish = |(address, value): (String, toml::Value)| match value {
        toml::Value::String(id) => Ok(Wish { address, id }),
        _ => {
            let line = text.find(address.as_str()).map_or(1, line_of);
            Err((line, format!("the id of {address} is not a string")))
        }
    };
    table.into_iter().map(wish).collect()
}

fn lines(text: &str) -> Result<Vec<Wish>, Wrong> {
    let mut wishes: Vec<Wish> = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let wrong = |reason: String| (number + 1, reason);
        let members: serde_json::Map<String, Value> =
            serde_json::from_str(line).map_err(|error| wrong(error.to_string()))?;
        for (address, id) in members {
            let Value::String(id) = id else {
                return Err(wrong(format!("the id of {address} is not a string")));
            };
            if wishes.iter().any(|one| one.address == address) {
                return Err(wrong(format!("{address} is there twice")));
            }
            wishes.push(Wish { address, id });
        }
    }
    Ok(wishes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(address: &str, id: &str) -> Wish {
        Wish { address: address.to_owned(), id: id.to_owned() }
    }

    #[test]
    fn toml_and_lines_of_json_say_the_same() {
        let wanted = Ok(vec![wish("vpc/igw", "igw-1"), wish("vpc/vpc", "vpc-1")]);
        assert_eq!(
            parse("# by hand\n\"vpc/vpc\" = \"vpc-1\"\n\"vpc/igw\" = \"igw-1\"\n").map(sorted),
            wanted
        );
        assert_eq!(parse("{\"vpc/vpc\": \"vpc-1\"}\n\n{\"vpc/igw\": \"igw-1\"}\n").map(sorted), wanted);
        assert_eq!(parse("{\"vpc/vpc\": \"vpc-1\", \"vpc/igw\": \"igw-1\"}").map(sorted), wanted);
    }

    fn sorted(mut wishes: Vec<Wish>) -> Vec<Wish> {
        wishes.sort_by(|one, other| one.address.cmp(&other.address));
        wishes
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        assert_eq!(
            parse("\"a/b\" = \"1\"\n\"a/c\" = 2\n").unwrap_err(),
            (2, "the id of a/c is not a string".to_owned())
        );
        assert_eq!(parse("\"a/b\" = \"1\"\na/c = \"2\"\n").unwrap_err().0, 2);
        assert_eq!(parse("\"a/b\" = \"1\"\n\"a/b\" = \"2\"\n").unwrap_err().0, 2);
        assert_eq!(
            parse("{\"a/b\": \"1\"}\n{\"a/b\": \"2\"}").unwrap_err(),
            (2, "a/b is there twice".to_owned())
        );
        assert_eq!(parse("{\"a/b\": \"1\"}\nnothing").unwrap_err().0, 2);
        assert_eq!(parse("{\"a/b\": 1}").unwrap_err().1, "the id of a/b is not a string");
    }
}
