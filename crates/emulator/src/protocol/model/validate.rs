//! What the model forbids in an input.

use serde_json::{Number, Value};

use super::shape::{Kind, Shape};
use super::{Model, Operation, text};

/// The first thing in an input that the model forbids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    /// Where it is, such as `Tags.3.Key`. Items are counted from 1.
    pub(crate) path: String,
    /// What it is.
    pub(crate) problem: Problem,
    /// AWS's sentence about it, without the values of secrets.
    pub(crate) message: String,
}

/// What the model forbids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// A required member is not there.
    Missing,
    /// The model has no such member.
    Unknown,
    /// The value is of another type.
    Type,
    /// A text, list, map or blob is too short or too long.
    Length,
    /// A number is too small or too large.
    Range,
    /// A text does not match its pattern.
    Pattern,
    /// A text is none of those that are allowed.
    Enum,
}

/// Finds the first violation of the model by an input. In every structure, unknown members come first and
/// missing ones second.
pub(crate) fn check(model: &Model, operation: &Operation, input: &Value) -> Result<(), Violation> {
    Walk { model, path: Vec::new(), secret: false }.value(model.input(operation), input)
}

struct Walk<'a> {
    model: &'a Model,
    path: Vec<Step>,
    /// Whether the value is part of something that must not be shown.
    secret: bool,
}

enum Step {
    Member(String),
    Item(usize),
}

impl Walk<'_> {
    fn value(&mut self, shape: &Shape, value: &Value) -> Result<(), Violation> {
        let was_secret = self.secret;
        self.secret |= shape.sensitive;
        self.simple(shape, value)?;
        match value {
            Value::Object(members) if shape.kind == Kind::Structure => self.structure(shape, members)?,
            Value::Object(entries) if shape.kind == Kind::Map => self.map(shape, entries)?,
            Value::Array(items) if shape.kind == Kind::List => {
                let inner = self.model.shape(shape.item());
                for (index, item) in items.iter().enumerate() {
                    self.inside(Step::Item(index + 1), |walk| walk.value(inner, item))?;
                }
            }
            _ => {}
        }
        self.secret = was_secret;
        Ok(())
    }

    fn inside(
        &mut self,
        step: Step,
        visit: impl FnOnce(&mut Self) -> Result<(), Violation>,
    ) -> Result<(), Violation> {
        self.path.push(step);
        visit(self)?;
        self.path.pop();
        Ok(())
    }

    fn structure(
        &mut self,
        shape: &Shape,
        members: &serde_json::Map<String, Value>,
    ) -> Result<(), Violation> {
        if let Some(name) = members.keys().find(|name| !shape.members.contains_key(*name)) {
            let sentence = "Member is not one that the operation has";
            return Err(self.at(name).violation(Problem::Unknown, None, sentence));
        }
        let given = |name: &&String| members.get(*name).is_some_and(|value| !value.is_null());
        if let Some(name) = shape.required.iter().find(|name| !given(name)) {
            return Err(self.at(name).violation(
                Problem::Missing,
                Some(&Value::Null),
                "Member must not be null",
            ));
        }
        for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
            let inner = self.model.shape(&shape.members[name].shape);
            self.inside(Step::Member(name.clone()), |walk| walk.value(inner, value))?;
        }
        Ok(())
    }

    fn map(&mut self, shape: &Shape, entries: &serde_json::Map<String, Value>) -> Result<(), Violation> {
        let (keys, values) = (self.model.shape(shape.map_key()), self.model.shape(shape.item()));
        for (key, value) in entries {
            let text = Value::String(key.clone());
            self.inside(Step::Member(key.clone()), |walk| {
                walk.value(keys, &text)?;
                walk.value(values, value)
            })?;
        }
        Ok(())
    }

    /// Checks what can be seen without looking inside.
    fn simple(&mut self, shape: &Shape, value: &Value) -> Result<(), Violation> {
        if let Some(sentence) = wrong_type(shape.kind, value) {
            return Err(self.violation(Problem::Type, Some(value), sentence));
        }
        if let Some((problem, sentence)) = wrong_size(shape, value) {
            return Err(self.violation(problem, Some(value), &sentence));
        }
        let Value::String(text) = value else {
            return Ok(());
        };
        if !shape.values.is_empty() && !shape.values.contains(text) {
            let sentence = format!("Member must satisfy enum value set: [{}]", shape.values.join(", "));
            return Err(self.violation(Problem::Enum, Some(value), &sentence));
        }
        match &shape.pattern {
            Some(pattern) if shape.kind == Kind::String && !pattern.matches(text) => {
                let sentence = format!("Member must satisfy regular expression pattern: {}", pattern.text);
                Err(self.violation(Problem::Pattern, Some(value), &sentence))
            }
            _ => Ok(()),
        }
    }

    fn at(&mut self, name: &str) -> &Self {
        self.path.push(Step::Member(name.to_owned()));
        self
    }

    fn violation(&self, problem: Problem, value: Option<&Value>, sentence: &str) -> Violation {
        let path: Vec<String> = self
            .path
            .iter()
            .map(|step| match step {
                Step::Member(name) => name.clone(),
                Step::Item(number) => number.to_string(),
            })
            .collect();
        let shown = match value {
            Some(Value::Null) => "Value null".to_owned(),
            Some(value) if !self.secret => format!("Value '{}'", shown(value)),
            _ => "Value".to_owned(),
        };
        let message = format!(
            "1 validation error detected: {shown} at '{}' failed to satisfy constraint: {sentence}",
            self.spoken_path()
        );
        Violation { path: path.join("."), problem, message }
    }

    /// The path as AWS's messages write it: `tags.3.member.key`.
    fn spoken_path(&self) -> String {
        let step = |step: &Step| match step {
            Step::Member(name) => {
                let mut letters = name.chars();
                letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
            }
            Step::Item(number) => format!("{number}.member"),
        };
        self.path.iter().map(step).collect::<Vec<String>>().join(".")
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn wrong_type(kind: Kind, value: &Value) -> Option<&'static str> {
    let (right, sentence) = match kind {
        Kind::Structure => (value.is_object(), "Member must be a structure"),
        Kind::List => (value.is_array(), "Member must be a list"),
        Kind::Map => (value.is_object(), "Member must be a map"),
        Kind::String => (value.is_string(), "Member must be a string"),
        Kind::Boolean => (value.is_boolean(), "Member must be a boolean"),
        Kind::Integer => {
            let fits = value.as_i64().is_some_and(|number| i32::try_from(number).is_ok());
            (fits, "Member must be an integer")
        }
        Kind::Long => (value.is_i64(), "Member must be a long"),
        Kind::Float | Kind::Double => {
            let special = value.as_str().is_some_and(|text| ["NaN", "Infinity", "-Infinity"].contains(&text));
            (special || value.is_number(), "Member must be a number")
        }
        Kind::Timestamp => (value.is_number(), "Member must be a timestamp"),
        Kind::Blob => (value.as_str().and_then(text::bytes).is_some(), "Member must be base64"),
        Kind::Document => (true, ""),
    };
    (!right).then_some(sentence)
}

fn wrong_size(shape: &Shape, value: &Value) -> Option<(Problem, String)> {
    if shape.min.is_none() && shape.max.is_none() {
        return None;
    }
    let (size, problem, what) = match (shape.kind, value) {
        (Kind::Blob, Value::String(blob)) => (length(text::bytes(blob)?.len()), Problem::Length, "length"),
        (Kind::String, Value::String(text)) => (length(text.chars().count()), Problem::Length, "length"),
        (_, Value::Array(items)) => (length(items.len()), Problem::Length, "length"),
        (_, Value::Object(entries)) => (length(entries.len()), Problem::Length, "length"),
        (_, Value::Number(number)) => (number.as_f64()?, Problem::Range, "value"),
        _ => return None,
    };
    let beyond = |limit: &Option<Number>, is_beyond: fn(f64, f64) -> bool| {
        limit.clone().filter(|limit| limit.as_f64().is_some_and(|limit| is_beyond(size, limit)))
    };
    let too_small = beyond(&shape.min, |size, limit| size < limit)
        .map(|limit| format!("Member must have {what} greater than or equal to {limit}"));
    let too_large = beyond(&shape.max, |size, limit| size > limit)
        .map(|limit| format!("Member must have {what} less than or equal to {limit}"));
    too_small.or(too_large).map(|sentence| (problem, sentence))
}

fn length(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::APIS;

    fn violation(service: &str, operation: &str, input: Value) -> Option<(String, Problem, String)> {
        let model = APIS.named(service).expect("there is one");
        let found = check(model, &model.operations[operation], &input).err()?;
        Some((found.path, found.problem, found.message))
    }

    fn problem(service: &str, operation: &str, input: Value) -> Option<(String, Problem)> {
        violation(service, operation, input).map(|(path, problem, _)| (path, problem))
    }

    fn role(change: Value) -> Option<(String, Problem)> {
        let mut input = json!({"RoleName": "r", "AssumeRolePolicyDocument": "{}"});
        let members = input.as_object_mut().expect("it is an object");
        members.extend(change.as_object().cloned().expect("it is an object"));
        problem("iam", "CreateRole", input)
    }

    fn found(path: &str, problem: Problem) -> Option<(String, Problem)> {
        Some((path.to_owned(), problem))
    }

    #[test]
    fn every_kind_of_violation_is_found_at_its_place() {
        assert_eq!(role(json!({})), None);
        assert_eq!(role(json!({"RoleName": null})), found("RoleName", Problem::Missing));
        assert_eq!(role(json!({"Other": 1, "RoleName": null})), found("Other", Problem::Unknown));
        assert_eq!(role(json!({"RoleName": "a".repeat(65)})), found("RoleName", Problem::Length));
        assert_eq!(role(json!({"RoleName": "a b"})), found("RoleName", Problem::Pattern));
        assert_eq!(role(json!({"MaxSessionDuration": 1})), found("MaxSessionDuration", Problem::Range));
        assert_eq!(role(json!({"MaxSessionDuration": "x"})), found("MaxSessionDuration", Problem::Type));
        assert_eq!(role(json!({"Tags": {"1": "x"}})), found("Tags", Problem::Type));
        let tags = json!([{"Key": "ä", "Value": ""}, {"Key": "", "Value": ""}]);
        assert_eq!(role(json!({"Tags": tags})), found("Tags.2.Key", Problem::Length));
        assert_eq!(
            problem("kms", "CreateKey", json!({"KeyUsage": "WRITE"})),
            found("KeyUsage", Problem::Enum)
        );
        assert_eq!(
            problem("kms", "CreateKey", json!({"Tags": [{"TagKey": "a"}]})),
            found("Tags.1.TagValue", Problem::Missing)
        );
        let tags = json!({"resourceArn": "arn:aws:logs:a", "tags": {"a\n": "b"}});
        assert_eq!(problem("logs", "TagResource", tags), found("tags.a\n", Problem::Pattern));
        let parts = json!({"Name": "s", "SecretBinary": "*"});
        assert_eq!(problem("secretsmanager", "CreateSecret", parts), found("SecretBinary", Problem::Type));
    }

    #[test]
    fn the_message_is_in_awss_manner() {
        let tags =
            json!({"RoleName": "r", "AssumeRolePolicyDocument": "{}", "Tags": [{"Key": "", "Value": ""}]});
        let (_, _, message) = violation("iam", "CreateRole", tags).expect("it is refused");
        assert_eq!(
            message,
            "1 validation error detected: Value '' at 'tags.1.member.key' failed to satisfy constraint: \
             Member must have length greater than or equal to 1"
        );
        let (_, _, message) =
            violation("iam", "CreateRole", json!({"RoleName": "r"})).expect("it is refused");
        assert_eq!(
            message,
            "1 validation error detected: Value null at 'assumeRolePolicyDocument' failed to satisfy \
             constraint: Member must not be null"
        );
    }

    #[test]
    fn secrets_are_not_in_messages() {
        let long = "hunter2".repeat(10_000);
        let input = json!({"Name": "s", "SecretString": long});
        let (path, problem, message) =
            violation("secretsmanager", "CreateSecret", input).expect("it is refused");
        assert_eq!((path.as_str(), problem), ("SecretString", Problem::Length));
        assert!(!message.contains("hunter2"), "{message}");
        let input = json!({"FunctionName": "f", "Role": "arn:aws:iam::123456789012:role/r", "Code": {},
            "Environment": {"Variables": {"1bad": "hunter2"}}});
        let (_, problem, message) = violation("lambda", "CreateFunction", input).expect("it is refused");
        assert_eq!(problem, Problem::Pattern);
        assert!(!message.contains("hunter2"), "{message}");
        let input = json!({"Name": "s", "Password": "hunter2"});
        let (_, _, message) = violation("secretsmanager", "CreateSecret", input).expect("it is refused");
        assert!(!message.contains("hunter2"), "{message}");
    }
}
