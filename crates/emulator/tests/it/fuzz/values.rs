//! Values for the shapes of a model.

use serde_json::{Map, Value, json};

use super::draw::Draw;

/// Texts that were in answers: with them later requests reach what earlier ones made.
#[derive(Default)]
pub(super) struct Known(Vec<String>);

impl Known {
    /// How many are kept.
    const MOST: usize = 400;

    pub(super) fn learn(&mut self, body: &[u8]) {
        let text = String::from_utf8_lossy(body);
        let is_part = |char: char| char.is_ascii_alphanumeric() || "-_:/.+=@".contains(char);
        let words = text.split(|char| !is_part(char)).filter(|word| (5..=200).contains(&word.len()));
        for word in words.take(60) {
            if !self.0.iter().any(|known| known == word) {
                self.0.push(word.to_owned());
            }
        }
        let surplus = self.0.len().saturating_sub(Self::MOST);
        self.0.drain(..surplus);
    }

    /// One that looks as if it could be meant: an ARN for an ARN.
    fn pick(&self, draw: &mut Draw, member: &str) -> Option<String> {
        let wants_arn = member.to_ascii_lowercase().ends_with("arn");
        let fits: Vec<&String> =
            self.0.iter().filter(|known| !wants_arn || known.starts_with("arn:")).collect();
        (!fits.is_empty()).then(|| (*draw.pick(&fits)).clone())
    }
}

/// Texts that mean something to some service, and texts that mean nothing to any.
const TEXTS: &[&str] = &[
    "payment",
    "a",
    "default",
    "10.0.0.0/16",
    "10.0.1.0/24",
    "0.0.0.0/0",
    "ap-southeast-1a",
    "ap-southeast-1",
    "tcp",
    "-1",
    "443",
    "arn:aws:iam::123456789012:role/payment",
    "arn:aws:sns:ap-southeast-1:123456789012:payment",
    "ecs.amazonaws.com",
    "rate(1 day)",
    "cron(0 6 * * ? *)",
    "cron(0 0 31 2 ? *)",
    "2026-11-30T00:00:00Z",
    "{}",
    "[]",
    "{\"Version\":\"2012-10-17\"}",
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"ecs-tasks.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}]}",
    "{\"rules\":[{\"rulePriority\":1}]}",
    "*",
    "%",
    "%00",
    "..",
    "../../etc/passwd",
    "/",
    "//",
    "\\",
    "\"",
    "<a>",
    "&amp;",
    "&#x0;",
    "\u{0}",
    "\u{feff}",
    "żółć",
    "𝔘𝔫𝔦",
    "\u{202e}",
    "\r\n",
    " ",
    "",
    "null",
    "true",
    "NaN",
    "1e400",
    "-0",
    "18446744073709551616",
    "SELECT 1",
    "CREATE ROLE \"a\" WITH LOGIN",
    "DO $$ BEGIN END $$",
    "(((((((((((((",
    "ALARM(a) AND NOT OK(b)",
    "$.level = \"a\"",
    "{ ($.a = 1) || ($.b = \"c\") }",
    "traffic-port",
    "alias/payment",
    "/aws/payment",
    "$LATEST",
    "HTTP",
    "db.serverless",
    "aurora-postgresql",
    "17.7",
    "AAAA",
    "====",
    "sha256:0",
];

/// A value for a shape: a good one mostly.
pub(super) fn value(
    draw: &mut Draw,
    shapes: &Value,
    shape: &str,
    member: &str,
    known: &Known,
    depth: usize,
) -> Value {
    if draw.one_in(60) {
        return anything(draw, 3);
    }
    let facts = &shapes[shape];
    match facts["type"].as_str().unwrap_or("string") {
        "structure" => structure(draw, shapes, facts, known, depth),
        "list" => {
            let most = if depth > 5 {
                1
            } else if draw.one_in(50) {
                80
            } else {
                4
            };
            let count = draw.below(most);
            let of = facts["member"].as_str().unwrap_or_default();
            (0..count).map(|_| value(draw, shapes, of, member, known, depth + 1)).collect()
        }
        "map" => {
            let count = if depth > 5 { 0 } else { draw.below(3) };
            let (keys, values) =
                (facts["key"].as_str().unwrap_or_default(), facts["value"].as_str().unwrap_or_default());
            let entry = |draw: &mut Draw| {
                let key = value(draw, shapes, keys, member, known, depth + 1);
                let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
                (key, value(draw, shapes, values, member, known, depth + 1))
            };
            Value::Object((0..count).map(|_| entry(draw)).collect())
        }
        "boolean" => json!(draw.one_in(2)),
        "integer" | "long" => {
            let bound = |name: &str| facts[name].as_i64();
            let near = [bound("min"), bound("max")].into_iter().flatten().flat_map(|at| [at, at - 1, at + 1]);
            let all: Vec<i64> = near.chain([0, 1, 2, 7, 30, 443, 65_536, -1, i64::MAX, i64::MIN]).collect();
            json!(draw.pick(&all))
        }
        "float" | "double" => json!(draw.pick(&[0.0, 1.0, -1.5, 99.9, 1e300, 5e-324])),
        "timestamp" => json!(draw.pick(&[0_i64, 1_764_460_800, -1, 253_402_300_800, i64::MAX])),
        "blob" => json!(draw.pick(&["", "QQ==", "UEsDBA==", "not base64!"])),
        _ => Value::String(text(draw, facts, member, known)),
    }
}

fn structure(draw: &mut Draw, shapes: &Value, facts: &Value, known: &Known, depth: usize) -> Value {
    let required: Vec<&str> =
        facts["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let count = facts["members"].as_object().map_or(0, Map::len);
    let optional = if depth > 3 { 8 } else { 4.max(count / 3) };
    let mut members = Map::new();
    for (name, member) in facts["members"].as_object().into_iter().flatten() {
        let is_given = match required.contains(&name.as_str()) {
            true => !draw.one_in(40),
            // What is hardly ever right by chance refuses all the rest.
            false if CONDITIONS.iter().any(|part| name.contains(part)) => draw.one_in(optional * 8),
            false => draw.one_in(optional),
        };
        if is_given {
            let shape = member["shape"].as_str().unwrap_or_default();
            members.insert(name.clone(), value(draw, shapes, shape, name, known, depth + 1));
        }
    }
    if draw.one_in(40) {
        members.insert("Unheard".to_owned(), anything(draw, 2));
    }
    Value::Object(members)
}

fn text(draw: &mut Draw, facts: &Value, member: &str, known: &Known) -> String {
    if let Some(words) = facts["enum"].as_array().filter(|_| !draw.one_in(15)) {
        return draw.pick(words).as_str().unwrap_or_default().to_owned();
    }
    if matches!(member, "Bucket" | "Key") && !draw.one_in(8) {
        return format!("payment-{}", draw.below(4));
    }
    if !draw.one_in(3)
        && let Some(known) = known.pick(draw, member)
    {
        return known;
    }
    match draw.below(12) {
        0 => draw.pick(TEXTS).repeat(1 + draw.below(40)),
        1 => "a"
            .repeat(usize::try_from(facts["max"].as_u64().unwrap_or(255).min(2000)).unwrap() + draw.below(2)),
        2..=6 => format!("payment-{}", draw.below(9)),
        _ => (*draw.pick(TEXTS)).to_owned(),
    }
}

/// Parts of the names of members that say what must be so.
const CONDITIONS: [&str; 6] =
    ["Checksum", "MD5", "IfMatch", "IfNoneMatch", "ExpectedBucketOwner", "SSECustomer"];

/// A value of any form.
pub(super) fn anything(draw: &mut Draw, depth: usize) -> Value {
    match draw.below(if depth == 0 { 5 } else { 8 }) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(draw.next()),
        3 => json!(*draw.pick(TEXTS)),
        4 => json!(-1.5),
        5 => (0..draw.below(4)).map(|_| anything(draw, depth - 1)).collect(),
        6 => json!({ *draw.pick(TEXTS): anything(draw, depth - 1) }),
        _ => {
            // Deeper than anything that is kept.
            let levels = draw.below(200);
            (0..levels).fold(json!(1), |inner, _| json!([inner]))
        }
    }
}
