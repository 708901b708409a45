//! Mapping templates: so much of the Velocity Template Language as path overrides are written in.
//!
//! `#set($name = value)`, `#if(condition) … #else … #end`, references to `$context.httpMethod`, `$input.body`,
//! `$input.params('name')` and to what was set, and text. A value or an operand is a reference or a text in quotation marks;
//! a text in double ones may contain references. What is not known is an error, and API Gateway's answer to one is 500.
//! An override may be made once (API Gateway Developer Guide, "Override your API's request and response parameters": "An
//! override may only be applied to each parameter once").

use std::collections::BTreeMap;

use super::served::ApiRequest;
use crate::protocol::response::ensure;

/// What a template made of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rendered {
    pub(super) body: String,
    /// `$context.requestOverride.path`, where it was set.
    pub(super) path: Option<String>,
}

/// What is not understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unknown;

const OVERRIDE: &str = "context.requestOverride.path";

pub(super) fn render(
    template: &str,
    request: &ApiRequest<'_>,
    parameters: &BTreeMap<String, String>,
) -> Result<Rendered, Unknown> {
    let mut renderer = Renderer { rest: template, request, parameters, set: BTreeMap::new() };
    let mut body = String::new();
    renderer.block(true, &mut body)?;
    ensure(renderer.rest.is_empty(), || Unknown)?;
    Ok(Rendered { body, path: renderer.set.remove(OVERRIDE) })
}

struct Renderer<'a> {
    rest: &'a str,
    request: &'a ApiRequest<'a>,
    parameters: &'a BTreeMap<String, String>,
    set: BTreeMap<String, String>,
}

impl Renderer<'_> {
    fn take(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, text: &str) -> Result<(), Unknown> {
        self.rest = self.rest.trim_start();
        self.take(text).then_some(()).ok_or(Unknown)
    }

    /// Up to the end of the template, or to an `#else` or `#end`. What is not live leaves nothing behind.
    fn block(&mut self, live: bool, out: &mut String) -> Result<(), Unknown> {
        while !self.rest.is_empty() && !self.rest.starts_with("#else") && !self.rest.starts_with("#end") {
            if self.take("#set(") {
                self.assign(live)?;
            } else if self.take("#if(") {
                let holds = self.condition()?;
                self.block(live && holds, out)?;
                if self.take("#else") {
                    self.block(live && !holds, out)?;
                }
                self.expect("#end")?;
            } else if self.rest.starts_with('$') {
                let value = self.reference()?;
                out.push_str(if live { &value } else { "" });
            } else if self.rest.starts_with('#') {
                return Err(Unknown);
            } else {
                let end = self.rest.find(['$', '#']).unwrap_or(self.rest.len());
                let (text, rest) = self.rest.split_at(end);
                self.rest = rest;
                out.push_str(if live { text } else { "" });
            }
        }
        Ok(())
    }

    fn assign(&mut self, live: bool) -> Result<(), Unknown> {
        self.expect("$")?;
        let name = self.name();
        self.expect("=")?;
        let value = self.value()?;
        self.expect(")")?;
        if name.is_empty() || (name == OVERRIDE && live && self.set.contains_key(OVERRIDE)) {
            return Err(Unknown);
        }
        if live {
            self.set.insert(name, value);
        }
        Ok(())
    }

    /// `a == b`, `a != b`, and several of them with `&&` or `||`, from left to right.
    fn condition(&mut self) -> Result<bool, Unknown> {
        let mut holds = self.comparison()?;
        loop {
            self.rest = self.rest.trim_start();
            if self.take("&&") {
                holds &= self.comparison()?;
            } else if self.take("||") {
                holds |= self.comparison()?;
            } else {
                self.expect(")")?;
                return Ok(holds);
            }
        }
    }

    fn comparison(&mut self) -> Result<bool, Unknown> {
        let left = self.value()?;
        self.rest = self.rest.trim_start();
        let equal = match (self.take("=="), self.take("!=")) {
            (true, false) => true,
            (false, true) => false,
            _ => return Err(Unknown),
        };
        Ok((left == self.value()?) == equal)
    }

    fn value(&mut self) -> Result<String, Unknown> {
        self.rest = self.rest.trim_start();
        match self.rest.chars().next() {
            Some('$') => self.reference(),
            Some(quote @ ('"' | '\'')) => {
                let (text, rest) = self.rest[1..].split_once(quote).ok_or(Unknown)?;
                self.rest = rest;
                if quote == '\'' { Ok(text.to_owned()) } else { self.interpolated(text) }
            }
            _ => Err(Unknown),
        }
    }

    fn interpolated(&mut self, text: &str) -> Result<String, Unknown> {
        let set = self.set.clone();
        let mut inner = Renderer { rest: text, request: self.request, parameters: self.parameters, set };
        let mut out = String::new();
        inner.block(true, &mut out)?;
        inner.rest.is_empty().then_some(out).ok_or(Unknown)
    }

    /// A name with dots, which it does not end in.
    fn name(&mut self) -> String {
        let legal = |c: char| c.is_ascii_alphanumeric() || "_.".contains(c);
        let end = self.rest.find(|c| !legal(c)).unwrap_or(self.rest.len());
        let name = self.rest[..end].trim_end_matches('.');
        self.rest = &self.rest[name.len()..];
        name.to_owned()
    }

    fn reference(&mut self) -> Result<String, Unknown> {
        self.expect("$")?;
        let name = self.name();
        match name.as_str() {
            "context.httpMethod" => Ok(self.request.verb.to_owned()),
            // A body that is not there is an empty object to a template.
            "input.body" if self.request.body.is_empty() => Ok("{}".to_owned()),
            "input.body" => Ok(self.request.body.to_owned()),
            "input.params" => {
                self.expect("(")?;
                let name = self.value()?;
                self.expect(")")?;
                Ok(self.parameters.get(&name).cloned().unwrap_or_default())
            }
            name => self.set.get(name).cloned().ok_or(Unknown),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(template: &str, verb: &str, body: &str) -> Result<Rendered, Unknown> {
        let request = ApiRequest { verb, path: "/a/b", content_type: None, body };
        render(template, &request, &BTreeMap::from([("proxy".to_owned(), "a/b".to_owned())]))
    }

    #[test]
    fn a_template_overrides_the_path_once() {
        let template = "#set($rest = $input.params('proxy'))#set($path = \"/v1/$rest\")\
                        #set($context.requestOverride.path = $path)$input.body";
        let wanted = Rendered { body: "x".to_owned(), path: Some("/v1/a/b".to_owned()) };
        assert_eq!(rendered(template, "POST", "x"), Ok(wanted));
        let once = "#set($context.requestOverride.path = '/a')";
        assert_eq!(rendered(once, "GET", "").unwrap().path.as_deref(), Some("/a"));
        assert_eq!(rendered(&once.repeat(2), "GET", ""), Err(Unknown));
    }

    #[test]
    fn a_condition_decides_what_of_a_template_is_left() {
        let template =
            "#if($context.httpMethod != 'GET' && $context.httpMethod != \"HEAD\")$input.body#else-#end!";
        for (verb, body) in [("GET", "-!"), ("HEAD", "-!"), ("POST", "{}!")] {
            assert_eq!(rendered(template, verb, "").unwrap().body, body);
        }
        for unknown in ["$unknown", "#foreach($a in $b)#end", "#if($context.httpMethod)#end", "#set($a = 1)"]
        {
            assert_eq!(rendered(unknown, "GET", ""), Err(Unknown), "{unknown}");
        }
    }
}
