//! What the journal records.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::address::Address;
use crate::error::ErrorClass;

/// The number of the record of an intent. The one that created an object is also that object's identity in state, where it
/// tells the object from others that were or are at the same address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(u64);

impl Seq {
    /// Records are counted from 1.
    pub(crate) fn of_record(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub fn record(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a mutating call does.
///
/// Exhaustive on purpose: whoever shows what happens needs a word for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// A new object.
    Create,
    /// A change of an object.
    Update,
    /// The end of an object.
    Delete,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Operation::Create => "create",
            Operation::Update => "update",
            Operation::Delete => "delete",
        })
    }
}

/// What a mutating call does, and to which object. Only a create is without one.
///
/// Exhaustive on purpose: what becomes of an interrupted call depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mutation {
    /// A new object.
    Create,
    /// A change of this object.
    Update(Seq),
    /// The end of this object.
    Delete(Seq),
}

impl Mutation {
    /// What it does.
    #[must_use]
    pub fn operation(self) -> Operation {
        match self {
            Mutation::Create => Operation::Create,
            Mutation::Update(_) => Operation::Update,
            Mutation::Delete(_) => Operation::Delete,
        }
    }

    /// The object that it changes or deletes.
    #[must_use]
    pub fn object(self) -> Option<Seq> {
        match self {
            Mutation::Create => None,
            Mutation::Update(object) | Mutation::Delete(object) => Some(object),
        }
    }

    /// From the two fields that stand for it in journal and state.
    pub(crate) fn from_fields(operation: Operation, object: Option<Seq>) -> Result<Self, String> {
        match (operation, object) {
            (Operation::Create, None) => Ok(Mutation::Create),
            (Operation::Update, Some(object)) => Ok(Mutation::Update(object)),
            (Operation::Delete, Some(object)) => Ok(Mutation::Delete(object)),
            (Operation::Create, Some(object)) => Err(format!("a create cannot have the object {object}")),
            (Operation::Update | Operation::Delete, None) => Err(format!("the {operation} has no object")),
        }
    }
}

/// A mutating call that is about to be made, as it is recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Intended {
    /// The resource.
    pub address: Address,
    /// Its kind.
    pub kind: String,
    /// What the call does, and to which object.
    pub mutation: Mutation,
    /// The client token and intent tag.
    pub token: String,
    /// What is sent; for a delete, what was last known.
    pub properties: Value,
    /// The resources that it refers to.
    pub dependencies: Vec<Address>,
    /// Whether it is protected from now on.
    pub protect: bool,
}

/// [`Intended`] as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct IntendedFields<'a> {
    address: Cow<'a, Address>,
    kind: Cow<'a, str>,
    operation: Operation,
    token: Cow<'a, str>,
    properties: Cow<'a, Value>,
    dependencies: Cow<'a, [Address]>,
    protect: bool,
    object: Option<Seq>,
}

impl Serialize for Intended {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { address, kind, mutation, token, properties, dependencies, protect } = self;
        IntendedFields {
            address: Cow::Borrowed(address),
            kind: Cow::Borrowed(kind),
            operation: mutation.operation(),
            token: Cow::Borrowed(token),
            properties: Cow::Borrowed(properties),
            dependencies: Cow::Borrowed(dependencies),
            protect: *protect,
            object: mutation.object(),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Intended {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = IntendedFields::deserialize(deserializer)?;
        Ok(Self {
            mutation: Mutation::from_fields(fields.operation, fields.object)
                .map_err(serde::de::Error::custom)?,
            address: fields.address.into_owned(),
            kind: fields.kind.into_owned(),
            token: fields.token.into_owned(),
            properties: fields.properties.into_owned(),
            dependencies: fields.dependencies.into_owned(),
            protect: fields.protect,
        })
    }
}

/// What a session is for, as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// The random name of its holding of the lock, as [`Holder::id`](crate::Holder::id).
    pub id: String,
    /// What it does, such as its command: see [`Engine::with_purpose`](crate::Engine::with_purpose).
    pub purpose: String,
    /// Whom the cloud takes it for: see [`Engine::with_caller`](crate::Engine::with_caller).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
}

/// How a session ended, as it says itself.
///
/// Exhaustive on purpose: whoever shows past runs needs a word for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All was done, or there was nothing to do.
    Done,
    /// Something failed.
    Failed,
    /// A signal came first.
    Interrupted,
    /// Whoever was asked did not agree, so nothing was done.
    Cancelled,
}

/// One record of the journal. `seq` always names the record number of the intent that it belongs to; for an
/// object, that is also its identity in state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// A process has taken the lock. It fences off a process that lost it: that one's next append is refused.
    Opened {
        /// Who.
        holder: String,
        /// What the state describes from now on: see [`Engine::bound_to`](crate::Engine::bound_to).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bound_to: Option<String>,
        /// Whose objects it describes from now on: see [`Engine::of_stack`](crate::Engine::of_stack).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stack: Option<String>,
        /// What for. Where it says so, the end of the session is recorded too.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        run: Option<Run>,
    },
    /// A session that has said what it is for ends.
    Ended {
        /// How.
        outcome: Outcome,
    },
    /// A process gave up its session without closing it, and lives on.
    Dropped {
        /// Who.
        holder: String,
    },
    /// A mutating call is about to be made. Durable before the call is.
    Intent(Intended),
    /// The identity of a created object is known. Durable before any further call for it.
    Created {
        /// The intent.
        seq: Seq,
        /// Outputs so far.
        outputs: Value,
        /// Whether the object was there already, made by a run of which the state knows nothing.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        adopted: bool,
    },
    /// A created object is ready, or an update is complete.
    Ready {
        /// The intent.
        seq: Seq,
        /// Final outputs.
        outputs: Value,
    },
    /// A created object will never be ready. The next plan replaces it.
    Broken {
        /// The intent.
        seq: Seq,
        /// In the cloud's words.
        reason: String,
    },
    /// A deleted object is gone.
    Gone {
        /// The intent.
        seq: Seq,
    },
    /// The call of an intent surely had no effect.
    Failed {
        /// The intent.
        seq: Seq,
        /// Why.
        class: ErrorClass,
    },
    /// What became of an interrupted update or delete was read from the cloud: the object is there, with these
    /// properties.
    Observed {
        /// The intent.
        seq: Seq,
        /// Live properties.
        properties: Value,
    },
    /// An object was found to be gone without our doing.
    Missing {
        /// The resource.
        address: Address,
        /// The object.
        object: Seq,
    },
    /// An object stays in the cloud and is not managed any more.
    Released {
        /// The resource.
        address: Address,
        /// The object.
        object: Seq,
    },
    /// All that is known at these addresses is taken out of the record. The objects stay in the cloud, and are not managed any
    /// more. One record for all of them, so that either all are forgotten or none is.
    Forgotten {
        /// The resources.
        addresses: Vec<Address>,
    },
    /// From now on, nothing at these addresses may be deleted or replaced, whatever is declared.
    Protected {
        /// The resources.
        addresses: Vec<Address>,
    },
    /// The end of such a protection.
    Unprotected {
        /// The resources.
        addresses: Vec<Address>,
    },
    /// An object that was replaced is what the address means again, since it is what is declared now. The one that had replaced
    /// it takes its place among the replaced ones.
    Restored {
        /// The resource.
        address: Address,
        /// The object.
        object: Seq,
    },
    /// All that is known at an address is at another one from now on, since the program calls the resource otherwise. Nothing is
    /// called: the objects are the same.
    Moved {
        /// What the resource was called.
        address: Address,
        /// What it is called now.
        to: Address,
    },
    /// What is known of an object changed without a call: its dependencies, its protection, or properties that the
    /// live object has already.
    Recorded {
        /// The resource.
        address: Address,
        /// The object.
        object: Seq,
        /// Its properties.
        properties: Value,
        /// The resources that it refers to.
        dependencies: Vec<Address>,
        /// Whether it is protected.
        protect: bool,
    },
    /// A run left out some of what there was to do: see [`Choice`](crate::Choice). Without addresses, the last run left out
    /// nothing.
    LeftOut {
        /// What was asked for, in the program's words.
        run: String,
        /// Where there was something to do.
        addresses: Vec<Address>,
    },
    /// What the program wants to know in later runs, and what is no resource.
    Remembered {
        /// What it is called.
        name: String,
        /// Without one, there is none any more.
        value: Option<Value>,
    },
    /// The stack's outputs, as references into state.
    Exports {
        /// Name to value.
        values: Value,
    },
}

impl Event {
    /// Whether it says only who had the journal, and nothing of any object.
    pub(crate) fn is_of_session(&self) -> bool {
        matches!(self, Event::Opened { .. } | Event::Ended { .. } | Event::Dropped { .. })
    }
}
