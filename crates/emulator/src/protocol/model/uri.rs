//! Templates of paths, and how a request's target is taken apart.

use serde::Deserialize;

use super::text::percent_decode;

/// Method, path, query and host of a request.
#[derive(Debug)]
pub(super) struct Target {
    /// The path's segments, still percent-encoded.
    pub(super) segments: Vec<String>,
    /// The query's pairs, decoded, in their order. A key without `=` has an empty value.
    pub(super) query: Vec<(String, String)>,
    /// The authority of an absolute URI, with its port.
    pub(super) authority: Option<String>,
}

impl Target {
    /// Takes apart an absolute URI or a path with a query.
    pub(super) fn parse(uri: &str) -> Result<Target, String> {
        let (authority, rest) = match uri.split_once("://") {
            Some((_, rest)) => {
                let end = rest.find(['/', '?']).unwrap_or(rest.len());
                (Some(rest[..end].to_owned()), &rest[end..])
            }
            None => (None, uri),
        };
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let path = path.strip_prefix('/').unwrap_or(path);
        let segments = path.split('/').map(str::to_owned).collect();
        Ok(Target { segments, query: form_pairs(query)?, authority })
    }

    /// The path as it was sent.
    pub(super) fn path(&self) -> String {
        format!("/{}", self.segments.join("/"))
    }
}

/// The decoded pairs of a form or a query.
pub(crate) fn form_pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decode = |text: &str| percent_decode(&text.replace('+', " "));
            Ok((decode(key)?, decode(value)?))
        })
        .collect()
}

/// The template of a path, such as `/{Bucket}/{Key+}?tagging`.
#[derive(Debug, Deserialize)]
#[serde(from = "String")]
pub(super) struct Template {
    segments: Vec<Segment>,
    query: Vec<(String, String)>,
}

#[derive(Debug)]
enum Segment {
    Literal(String),
    Label(String),
    /// A label that takes all segments that are left. It is the last one.
    Greedy(String),
}

impl From<String> for Template {
    fn from(text: String) -> Self {
        let (path, query) = text.split_once('?').unwrap_or((&text, ""));
        let segments = path.split('/').filter(|segment| !segment.is_empty()).map(Segment::parse).collect();
        let query = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        Template { segments, query }
    }
}

impl Segment {
    fn parse(text: &str) -> Segment {
        match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
            None => Segment::Literal(text.to_owned()),
            Some(name) => match name.strip_suffix('+') {
                None => Segment::Label(name.to_owned()),
                Some(name) => Segment::Greedy(name.to_owned()),
            },
        }
    }
}

/// The labels of a path, decoded, and how well it fits: literal segments, labels that are not greedy, and
/// parameters of the query that the template asks for. The greater is the better.
#[derive(Debug, PartialEq)]
pub(super) struct Fit {
    pub(super) labels: Vec<(String, String)>,
    pub(super) rank: (usize, usize, usize),
}

impl Template {
    /// Whether this is a request for the template's operation.
    pub(super) fn fit(&self, target: &Target) -> Option<Fit> {
        let asked = |(key, value): &(String, String)| {
            target.query.iter().any(|(name, given)| name == key && (value.is_empty() || given == value))
        };
        if !self.query.iter().all(asked) {
            return None;
        }
        let labels = self.labels(&target.segments)?;
        let literals = self.segments.iter().filter(|segment| matches!(segment, Segment::Literal(_))).count();
        let plain = self.segments.iter().filter(|segment| matches!(segment, Segment::Label(_))).count();
        Some(Fit { labels, rank: (literals, plain, self.query.len()) })
    }

    /// Whether the template itself asks for this key of the query.
    pub(super) fn asks_for(&self, key: &str) -> bool {
        self.query.iter().any(|(name, _)| name == key)
    }

    fn labels(&self, given: &[String]) -> Option<Vec<(String, String)>> {
        let mut labels = Vec::new();
        let mut rest = given;
        for segment in &self.segments {
            if let Segment::Greedy(name) = segment {
                let whole = rest.join("/");
                labels.push((name.clone(), percent_decode(&whole).ok().filter(|text| !text.is_empty())?));
                return Some(labels);
            }
            let (first, others) = rest.split_first()?;
            let text = percent_decode(first).ok().filter(|text| !text.is_empty())?;
            match segment {
                Segment::Literal(literal) if *literal != text => return None,
                Segment::Literal(_) => {}
                Segment::Label(name) | Segment::Greedy(name) => labels.push((name.clone(), text)),
            }
            rest = others;
        }
        // A slash at the end means nothing, neither in a template nor in a request.
        rest.iter().all(String::is_empty).then_some(labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(template: &str, uri: &str) -> Option<Fit> {
        Template::from(template.to_owned()).fit(&Target::parse(uri).expect("it is well formed"))
    }

    fn labels(template: &str, uri: &str) -> Option<Vec<String>> {
        fit(template, uri).map(|fit| fit.labels.into_iter().map(|(_, value)| value).collect())
    }

    #[test]
    fn labels_are_decoded_and_greedy_ones_take_the_rest() {
        let arn = "https://h:1/tags/arn%3Aaws%3Aapigateway%3A%3A%3A%2Frestapis%2Fx";
        assert_eq!(labels("/tags/{arn}", arn), Some(vec!["arn:aws:apigateway:::/restapis/x".to_owned()]));
        let key = labels("/{Bucket}/{Key+}", "/b//a%20b/c+d/");
        assert_eq!(key, Some(vec!["b".to_owned(), "/a b/c+d/".to_owned()]));
        assert_eq!(labels("/{Bucket}/{Key+}", "/b/"), None);
        assert_eq!(labels("/{Bucket}", "/b/"), Some(vec!["b".to_owned()]));
        assert_eq!(labels("/", "https://h"), Some(vec![]));
        assert_eq!(labels("/functions/", "/functions"), Some(vec![]));
        assert_eq!(labels("/functions/{name}", "/functions"), None);
    }

    #[test]
    fn a_template_may_ask_for_parameters_of_the_query() {
        assert!(fit("/{B}?tagging", "/b").is_none());
        assert!(fit("/{B}?list-type=2", "/b?list-type=1").is_none());
        let tagging = fit("/{B}?tagging", "/b?tagging=&x-id=Y").expect("it fits");
        let plain = fit("/{B}", "/b?tagging").expect("it fits");
        assert!(tagging.rank > plain.rank);
    }
}
