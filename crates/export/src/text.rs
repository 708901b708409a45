//! Texts in which something is put in: as `Ref`, `Fn::GetAtt` or `Fn::Sub`, whichever is the plainest.

use serde_json::{Value, json};

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// As it is.
    Text(String),
    /// What CloudFormation puts in: a logical id, a parameter, or an attribute as `Id.Attribute`.
    Put(String),
}

/// The pieces as a template has them.
pub(crate) fn value(pieces: Vec<Piece>) -> Value {
    match pieces.as_slice() {
        [] => json!(""),
        [Piece::Put(name)] => put(name),
        pieces if pieces.iter().all(|piece| matches!(piece, Piece::Text(_))) => json!(plain(pieces)),
        pieces => json!({ "Fn::Sub": pieces.iter().map(Piece::in_sub).collect::<String>() }),
    }
}

fn put(name: &str) -> Value {
    match name.split_once('.') {
        Some((id, attribute)) => json!({ "Fn::GetAtt": [id, attribute] }),
        None => json!({ "Ref": name }),
    }
}

fn plain(pieces: &[Piece]) -> String {
    let text = |piece: &Piece| match piece {
        Piece::Text(text) | Piece::Put(text) => text.clone(),
    };
    pieces.iter().map(text).collect()
}

impl Piece {
    fn in_sub(&self) -> String {
        match self {
            // IAM has variables of the same shape, such as `${aws:PrincipalTag/team}`.
            Piece::Text(text) => text.replace("${", "${!"),
            Piece::Put(name) => format!("${{{name}}}"),
        }
    }
}

/// Texts that stand for something of the place, and what is put in their stead.
pub(crate) struct Needles(Vec<(String, Vec<Piece>)>);

impl Needles {
    /// At one place in a text the longest one is taken.
    pub(crate) fn new(mut needles: Vec<(String, Vec<Piece>)>) -> Self {
        needles.retain(|(needle, _)| !needle.is_empty());
        needles.sort_by_key(|(needle, _)| std::cmp::Reverse(needle.len()));
        Self(needles)
    }

    /// The pieces of a text.
    pub(crate) fn split(&self, text: &str) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((at, needle, put)) = self.first_in(rest) {
            if at > 0 {
                pieces.push(Piece::Text(rest[..at].to_owned()));
            }
            pieces.extend_from_slice(put);
            rest = &rest[at + needle.len()..];
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        pieces
    }

    fn first_in(&self, text: &str) -> Option<(usize, &str, &[Piece])> {
        let found =
            self.0.iter().filter_map(|(needle, put)| Some((text.find(needle)?, needle.as_str(), &put[..])));
        // `min_by_key` keeps the first of equals, which is the longest.
        found.min_by_key(|(at, ..)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Piece {
        Piece::Text(text.to_owned())
    }

    fn put(name: &str) -> Piece {
        Piece::Put(name.to_owned())
    }

    #[test]
    fn the_plainest_form_is_taken() {
        assert_eq!(value(vec![]), json!(""));
        assert_eq!(value(vec![text("a"), text("b ${x}")]), json!("ab ${x}"));
        assert_eq!(value(vec![put("Vpc")]), json!({ "Ref": "Vpc" }));
        assert_eq!(
            value(vec![put("Db.Endpoint.Address")]),
            json!({ "Fn::GetAtt": ["Db", "Endpoint.Address"] })
        );
    }

    #[test]
    fn what_looks_like_a_variable_in_a_text_stays_one_of_iam() {
        let pieces = vec![text("${aws:username}/"), put("Db.Arn"), text("/"), put("AWS::Region")];
        assert_eq!(value(pieces), json!({ "Fn::Sub": "${!aws:username}/${Db.Arn}/${AWS::Region}" }));
    }

    #[test]
    fn needles_are_found_wherever_they_are_and_the_longest_wins() {
        let needles = Needles::new(vec![
            ("xx-1".to_owned(), vec![put("AWS::Region")]),
            ("xx-1a".to_owned(), vec![put("Zone1")]),
            ("arn:aws:".to_owned(), vec![text("arn:"), put("AWS::Partition"), text(":")]),
        ]);
        assert_eq!(needles.split("xx-1a"), [put("Zone1")]);
        assert_eq!(
            needles.split("arn:aws:s3:xx-1:b"),
            [text("arn:"), put("AWS::Partition"), text(":"), text("s3:"), put("AWS::Region"), text(":b")]
        );
        assert_eq!(needles.split("none"), [text("none")]);
        assert_eq!(needles.split(""), []);
    }
}
