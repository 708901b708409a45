//! What is known of the kinds of the fake cloud, and what is in their objects.

use engine::{
    Contents, CreateOnly, Facts, How, ImportId, Keep, KeepValue, Limit, Listed, Loss, Named, Reads, Settle,
    Span, Tagging, Template, Times,
};
use serde_json::Value;

use crate::fake_cloud::{Inner, Spec};

const fn keep(property: &'static str, value: &'static str, how: How) -> Keep {
    Keep { property, value: KeepValue::Text(value), how }
}

/// What is known of each kind.
pub(crate) const FACTS: Facts = Facts {
    name: Named::ByName("Name"),
    create_only: CreateOnly::These(&["Name", "Shape", "Parents", "EarlyParents"]),
    lists: &[Listed::TAGS, Listed { path: "Grants", key: "Key" }],
    tags: Tagging::None,
    loss: Loss::Data("all its parts"),
    keeps: &[
        keep("Policy", "Snapshot", How::Copy("a snapshot")),
        keep("Policy", "Retain", How::Retain),
        keep("Guard", "Refuse", How::ForbidUnlessEmpty),
        keep("Guard", "Lock", How::Forbid),
    ],
    limits: &[Limit { property: "Limit", words: "parts beyond it" }],
    template: Template::AS_DECLARED,
    times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 1, longest: 600 } },
    import: ImportId { parts: &["Id"], words: "the id", example: "1" },
    reads: Reads { least: 1, most: 1, together: None },
    cost: None,
};

/// What is in an object.
pub(crate) fn contents(inner: &Inner, outputs: &Value) -> Contents {
    let Some(thing) = inner.by_id(outputs) else { return Contents::Empty };
    match thing.properties.get("Holds").and_then(Value::as_u64) {
        None => Contents::Unknown,
        Some(0) => Contents::Empty,
        Some(count) => Contents::Some {
            words: format!("{count} parts"),
            parts: (1..=count).map(|part| format!("{}/part-{part}", thing.id())).collect(),
        },
    }
}

/// A kind of key: what it encrypted is lost with it.
pub(crate) const CIPHER: Spec = Spec { name: "Test::Cipher", settle: Settle::Tag, seconds: (0, 0) };

/// What is known of keys.
const CIPHER_FACTS: Facts = Facts {
    loss: Loss::Keys("what it encrypted"),
    keeps: &[
        keep("Policy", "Retain", How::Retain),
        Keep { property: "Name", value: KeepValue::Any, how: How::RetainUnlessEmpty },
    ],
    limits: &[],
    ..FACTS
};

/// What is known of a kind: it takes as long as it is said to.
pub(crate) fn facts(spec: &Spec) -> Facts {
    let whole = |seconds: u64| u32::try_from(seconds.max(1)).unwrap();
    let span = |typical: u64, longest| Span { typical: whole(typical), longest };
    let times = Times { ready: span(spec.seconds.0, 300), gone: span(spec.seconds.1, 600) };
    Facts { times, ..if *spec == CIPHER { CIPHER_FACTS } else { FACTS } }
}
