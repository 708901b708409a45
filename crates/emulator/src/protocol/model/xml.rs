//! A small XML reader, and what a writer needs.
//!
//! It reads what AWS clients send: elements, texts, comments and CDATA. A document type is refused.

use crate::protocol::response::ensure;
pub(super) use crate::protocol::xml::escape;

/// An element with what is in it. Names are without their prefixes.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) children: Vec<Element>,
    /// All text directly in the element.
    pub(super) text: String,
}

/// Deeper documents are refused, because reading them recurses.
const DEEPEST: usize = 64;

/// Reads a document and gives its root element.
pub(super) fn parse(text: &str) -> Result<Element, String> {
    let mut reader = Reader { rest: text.strip_prefix('\u{feff}').unwrap_or(text) };
    reader.skip_misc()?;
    let root = reader.element(0)?;
    reader.skip_misc()?;
    match reader.rest {
        "" => Ok(root),
        rest => Err(format!("text after the root element: {}", beginning(rest))),
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    /// Skips white space, declarations, processing instructions and comments.
    fn skip_misc(&mut self) -> Result<(), String> {
        loop {
            self.rest = self.rest.trim_start();
            if self.rest.starts_with("<?") {
                self.through("?>")?;
            } else if self.rest.starts_with("<!--") {
                self.through("-->")?;
            } else {
                return Ok(());
            }
        }
    }

    /// Takes everything up to and with an end mark, and gives what was before the mark.
    fn through(&mut self, end: &str) -> Result<&'a str, String> {
        let (before, after) = self.rest.split_once(end).ok_or_else(|| format!("{end} is missing"))?;
        self.rest = after;
        Ok(before)
    }

    fn element(&mut self, depth: usize) -> Result<Element, String> {
        if depth > DEEPEST {
            return Err(format!("elements are nested more than {DEEPEST} times"));
        }
        let tag = match self.rest.strip_prefix('<') {
            Some(rest) if rest.starts_with(|first: char| first.is_alphabetic() || first == '_') => {
                self.tag()?
            }
            _ => return Err(format!("an element is expected at {}", beginning(self.rest))),
        };
        let empty = tag.ends_with('/');
        let full_name = tag.trim_end_matches('/').split_whitespace().next().unwrap_or_default();
        let mut element = Element { name: local(full_name).to_owned(), ..Element::default() };
        if !empty {
            self.content(full_name, &mut element, depth)?;
        }
        Ok(element)
    }

    /// A tag without its brackets. An attribute's value may hold a `>`.
    fn tag(&mut self) -> Result<&'a str, String> {
        let mut quote = None;
        for (index, character) in self.rest.char_indices().skip(1) {
            match (quote, character) {
                (None, '>') => {
                    let tag = &self.rest[1..index];
                    self.rest = &self.rest[index + 1..];
                    return Ok(tag);
                }
                (None, '"' | '\'') => quote = Some(character),
                (Some(open), _) if open == character => quote = None,
                _ => {}
            }
        }
        Err("a tag is not closed".to_owned())
    }

    fn content(&mut self, name: &str, element: &mut Element, depth: usize) -> Result<(), String> {
        loop {
            if let Some(rest) = self.rest.strip_prefix("</") {
                self.rest = rest;
                let end = self.through(">")?.trim_end();
                return ensure(end == name, || format!("<{name}> is closed by </{end}>"));
            } else if self.rest.starts_with("<!--") {
                self.through("-->")?;
            } else if let Some(rest) = self.rest.strip_prefix("<![CDATA[") {
                self.rest = rest;
                element.text.push_str(self.through("]]>")?);
            } else if self.rest.starts_with("<?") {
                self.through("?>")?;
            } else if self.rest.starts_with('<') {
                element.children.push(self.element(depth + 1)?);
            } else {
                let end = self.rest.find('<').ok_or_else(|| format!("<{name}> is not closed"))?;
                unescape(&mut element.text, &self.rest[..end])?;
                self.rest = &self.rest[end..];
            }
        }
    }
}

fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

fn beginning(text: &str) -> String {
    text.chars().take(20).collect()
}

fn unescape(out: &mut String, text: &str) -> Result<(), String> {
    // A parser reads every end of a line as a line feed.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut parts = text.split('&');
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (name, rest) = part.split_once(';').ok_or("an & is not escaped")?;
        out.push(entity(name).ok_or_else(|| format!("unknown entity &{name};"))?);
        out.push_str(rest);
    }
    Ok(())
}

fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            code.ok().and_then(char::from_u32)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_texts_and_entities_are_read() {
        let text = "<?xml version=\"1.0\"?>\n<!-- x -->\n<a:Root xmlns=\"u\" b='>'><One/><Two>a&lt;&#65;&#x42;\
                    <![CDATA[<&>]]></Two><!-- y --></a:Root>\n";
        let root = parse(text).expect("it is well formed");
        assert_eq!(root.name, "Root");
        assert_eq!(root.children[0], Element { name: "One".into(), ..Element::default() });
        assert_eq!((root.children[1].name.as_str(), root.children[1].text.as_str()), ("Two", "a<AB<&>"));
    }

    #[test]
    fn what_is_broken_is_refused() {
        let deep = "<a>".repeat(200) + &"</a>".repeat(200);
        for text in
            ["", "<a>", "<a></b>", "<a/><b/>", "<a>&x;</a>", "<a>&</a>", "<!DOCTYPE a><a/>", "<a", &deep]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_escaped_is_read_back() {
        let text = "a<b>&\"c\"\r\n\t é";
        let mut out = String::from("<a>");
        escape(&mut out, text);
        out.push_str("</a>");
        assert_eq!(parse(&out).expect("it is well formed").text, text);
    }
}
