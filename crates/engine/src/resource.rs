//! One object in the cloud: the trait that a resource author implements.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::address::Address;
use crate::error::CallError;
use crate::facts::Facts;
use crate::fields::fields;
use crate::foreign::ForeignId;
use crate::foresight::{Foreseen, Wish};
use crate::loss::Contents;
use crate::orphans::Sighting;
use crate::provider::Caller;
use crate::stage::{Data, Declared, Resolved, Stage};

/// What changing a property takes.
///
/// Exhaustive on purpose: whoever shows a plan must know what a change takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The object can be changed.
    InPlace,
    /// A new object must be created; CloudFormation calls such a property create-only.
    Replace,
}

/// How a create call whose answer was lost is settled, and how a retry is made safe.
///
/// Exhaustive on purpose: the safety of a create that was interrupted rests on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settle {
    /// The call takes a client token: the same call with the same token is the same object.
    Token,
    /// The object has a natural key (a name, a CIDR in a VPC): a second create is refused, and
    /// [`find`](Resource::find) looks the key up.
    Key,
    /// Neither: [`find`](Resource::find) looks for the intent's tag, which the create call set, for a grace
    /// period, before it is sent again.
    Tag,
}

/// In which order objects of a kind come and go, beyond what their references say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// Lists whose items the cloud does not give up while something that depends on the object uses them, such as the subnets of a
    /// group. Where one changes, what is new is added first, for those who wait for it; what is to go is taken away in a second
    /// call, after everything that depends on the object, over however many others, and goes. An item with an identity
    /// ([`Facts::lists`](crate::Facts)) that only changes is no new one, and is changed in the first call.
    pub widened_first: &'static [&'static str],
    /// Whether objects of the kind take over from each other. One that is not declared any more is deleted after those that are
    /// made in the same tier, so that there never is none.
    pub relieved: bool,
    /// Whether the cloud refuses to delete one while something refers to it. Where it would have to go before what refers to it
    /// can let go, there is no plan.
    pub held: bool,
    /// The kinds for whose sake it is refused: others only name the object. All, where none is named.
    pub held_by: &'static [&'static str],
    /// The kind of the object that it is a part of, such as the database of a user. With that it goes by itself: where the plan
    /// deletes that too, nothing is called for the part, which is gone when the whole is.
    pub part_of: Option<&'static str>,
}

impl Order {
    /// Nothing but what references say.
    pub const NONE: Self =
        Self { widened_first: &[], relieved: false, held: false, held_by: &[], part_of: None };
}

/// A create that is recorded in the journal before it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The resource.
    pub address: Address,
    /// 32 hexadecimal digits, unique to this intent: the client token of the call and the value of the intent tag.
    /// A restarted process sends the same one.
    pub token: String,
}

/// What [`find`](Resource::find) looks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// The resource.
    pub address: Address,
    /// The token of the intent that made the object. `None` is any object of the resource: one that was made by a run of
    /// which the state, an old copy perhaps, knows nothing.
    pub token: Option<String>,
    /// What the resource was called before. Objects that were made then say so.
    pub formerly: Vec<Address>,
    /// Whether it is for the object of the resource's natural key, whosever it is: somebody asks to see it.
    pub whosever: bool,
}

impl Search {
    /// For what an intent made.
    #[must_use]
    pub fn made_by(intent: &Intent) -> Self {
        Self { token: Some(intent.token.clone()), ..Self::made_for(intent.address.clone()) }
    }

    /// For whatever was made for a resource.
    #[must_use]
    pub fn made_for(address: Address) -> Self {
        Self { address, token: None, formerly: Vec::new(), whosever: false }
    }

    /// For the object of a resource's natural key, whosever it is.
    #[must_use]
    pub fn whosever(address: Address) -> Self {
        Self { whosever: true, ..Self::made_for(address) }
    }

    /// The same search, also for what was made for a resource when it was called otherwise.
    #[must_use]
    pub fn or_formerly<'a>(self, formerly: impl IntoIterator<Item = &'a Address>) -> Self {
        Self { formerly: formerly.into_iter().cloned().collect(), ..self }
    }

    /// What the resource is called and was called: an object of it has one of these.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        std::iter::once(&self.address).chain(&self.formerly)
    }

    /// Whether it is for what the intent with this token made.
    #[must_use]
    pub fn is_for(&self, token: &str) -> bool {
        self.token.as_ref().is_none_or(|wanted| wanted == token)
    }
}

/// One look at an object that is being created.
///
/// Exhaustive on purpose: whoever polls must know whether to go on.
#[derive(Clone, Debug, PartialEq)]
pub enum Readiness<O> {
    /// Dependents may go on.
    Ready(O),
    /// Not yet; the text is the cloud's own word for the state it is in, such as `pending`.
    Pending(String),
    /// It will never be ready; the text says why.
    Failed(String),
}

/// One property that an update changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Changed<R> {
    /// The live properties before the update.
    pub before: R,
    /// Names of the top-level properties that differ.
    pub properties: Vec<String>,
}

impl<R: Data> Changed<R> {
    /// Whether the property of this name differs.
    ///
    /// # Panics
    /// In a debug build, where there is no such property: a name that is written wrongly must not go unnoticed.
    #[must_use]
    pub fn has(&self, property: &str) -> bool {
        debug_assert!(
            fields::<R>().contains(&property),
            "{} has no property {property}",
            std::any::type_name::<R>()
        );
        self.properties.iter().any(|name| name == property)
    }
}

/// The declared form of a resource: what a tier author writes, where a property may be a reference.
pub trait Declares: Data {
    /// The same resource with every property known.
    type Resolved: Resource<Declared = Self>;
}

/// One object in the cloud, implemented on its resolved form.
///
/// # Contract
/// - `create` is one mutating call that returns as soon as the identity is known. What the cloud splits, is split:
///   what can only be set afterwards belongs into [`configure`](Resource::configure), or is a resource of its own.
/// - Every method may run again after a crash in the middle of it. `configure`, `update` and `delete` converge:
///   they look, or they are safe to repeat.
/// - No method waits, retries or sleeps; the engine owns clock, back-off and deadlines.
/// - `delete` of an object that is gone is `Ok`.
///
/// A struct that is still `Declared` cannot be handed to `create`:
///
/// ```compile_fail,E0277
/// async fn create<R: engine::Resource>(_resolved: &R) {}
///
/// #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
/// #[serde(bound = "")]
/// struct Bucket<S: engine::Stage> { name: S::Of<String> }
///
/// let declared = Bucket::<engine::Declared> { name: "ledger".into() };
/// create(&declared);
/// ```
#[async_trait]
pub trait Resource: Data {
    /// The CloudFormation type, such as `AWS::EC2::Subnet`.
    const KIND: &'static str;

    /// What else is known of the kind.
    const FACTS: Facts;

    /// How a lost create is settled.
    const SETTLE: Settle;

    /// Outputs that an update in place may change; all others are known to stay, and the plan says so.
    /// [`poll_ready`](Resource::poll_ready) gives them as they are now: after an update whose answer was lost, nothing
    /// else does.
    const VOLATILE: &'static [&'static str] = &[];

    /// Properties that are compared also where they are not declared: what a live object has there, somebody else has added,
    /// and an update takes away. [`read`](Resource::read) leaves out such a property where the object is as one that does not
    /// say. Other properties that are not declared may have any value.
    const CLOSED: &'static [&'static str] = &[];

    /// Whether objects of one resource exist beside each other, and only the newest matters: revisions. Where there is an
    /// object that the state, an old copy perhaps, does not know, another one is made beside it if it is not as declared.
    /// Of other kinds there must not be two.
    const IS_REVISION: bool = false;

    /// In which order its objects come and go.
    const ORDER: Order = Order::NONE;

    /// What the calls need: clients, identity.
    type Context: Caller;

    /// The same struct at the declared stage.
    type Declared: Declares<Resolved = Self>;

    /// What other resources can refer to. A struct with named fields.
    type Outputs<S: Stage>: Data;

    /// What the object occupies that no second object can have: a name, or a range to take addresses from. Two
    /// objects of a kind with the same claim cannot exist together, unless [`coexists`](Resource::coexists) says
    /// so; then the old one is deleted before the new one is created. A kind that is settled by a natural key
    /// ([`Settle::Key`]) must name that key here.
    fn claim(&self) -> Option<String> {
        None
    }

    /// Whether two objects with the same claim can exist together after all.
    fn coexists(&self, _other: &Self) -> bool {
        false
    }

    /// Looks for an object that the search is for: by its natural key, or by its tags.
    ///
    /// # Errors
    /// [`ErrorClass::Conflict`](crate::ErrorClass::Conflict) if the natural key is taken by an object without our
    /// tags; otherwise as the calls fail.
    async fn find(
        &self,
        context: &Self::Context,
        search: &Search,
    ) -> Result<Option<Self::Outputs<Resolved>>, CallError>;

    /// Looks for an object that exists and that somebody names by its id, whosever it is. `self` is as declared, with what the
    /// parts of the id say; what else the id says of the object may be put into it. What the outputs are known from needs no
    /// call: whether the object exists is seen when it is read.
    ///
    /// # Errors
    /// As the calls fail.
    async fn identify(
        &mut self,
        context: &Self::Context,
        id: &ForeignId,
    ) -> Result<Option<Self::Outputs<Resolved>>, CallError> {
        match id.outputs() {
            Some(outputs) => Ok(Some(outputs)),
            None => self.find(context, &id.search()).await,
        }
    }

    /// All objects of the kind that carry the program's marks, whatever they were made for; `None` where the cloud has no way to list
    /// them.
    ///
    /// # Errors
    /// As the calls fail.
    async fn ours(
        _context: &Self::Context,
    ) -> Result<Option<Vec<Sighting<Self::Outputs<Resolved>>>>, CallError> {
        Ok(None)
    }

    /// Creates the object: one mutating call.
    ///
    /// # Errors
    /// As the call fails.
    async fn create(
        &self,
        context: &Self::Context,
        intent: &Intent,
    ) -> Result<Self::Outputs<Resolved>, CallError>;

    /// One look whether dependents can go on.
    ///
    /// # Errors
    /// As the call fails. `NotFound` is waited for: what was created a moment ago need not be visible yet.
    async fn poll_ready(
        _context: &Self::Context,
        outputs: &Self::Outputs<Resolved>,
    ) -> Result<Readiness<Self::Outputs<Resolved>>, CallError> {
        Ok(Readiness::Ready(outputs.clone()))
    }

    /// The same after an update to what `self` says, for a kind that goes on showing the object as ready while what was asked
    /// for is pending.
    ///
    /// # Errors
    /// As for [`poll_ready`](Resource::poll_ready).
    async fn poll_changed(
        &self,
        context: &Self::Context,
        outputs: &Self::Outputs<Resolved>,
    ) -> Result<Readiness<Self::Outputs<Resolved>>, CallError> {
        Self::poll_ready(context, outputs).await
    }

    /// Whether the cloud goes on showing the object as ready for a while after it has accepted a change of this top-level
    /// property. Then one look that finds it ready is not enough: it must be found ready for twice the grace period in which
    /// the cloud shows what is new.
    fn lingers(_property: &str) -> bool {
        false
    }

    /// Why the live value of a top-level property, which is not the declared one, is left as it is; `None` where it is to be
    /// changed. Such a difference is neither a change nor drift, but shown. The declared value is never a reference; of a
    /// [closed](Resource::CLOSED) property that is not declared it is `null`.
    fn accepts(_property: &str, _live: &Value, _declared: &Value) -> Option<String> {
        None
    }

    /// Whether what is declared can be, before anything is called that changes something. Asked for every declared resource
    /// of a plan.
    ///
    /// # Errors
    /// As the calls fail. Where this identity may not ask, nothing is said, and the cloud decides.
    async fn foresee(_context: &Self::Context, _wish: &Wish<'_>) -> Result<Foreseen, CallError> {
        Ok(Foreseen::nothing())
    }

    /// What can only be set once the object exists, before dependents see it as ready. Converges.
    ///
    /// # Errors
    /// As the calls fail.
    async fn configure(
        &self,
        _context: &Self::Context,
        _outputs: &Self::Outputs<Resolved>,
    ) -> Result<(), CallError> {
        Ok(())
    }

    /// The live properties, or `None` if the object is gone or going.
    ///
    /// `self` is what was last recorded: a property that the cloud does not return is copied from it, and one that
    /// it does not have is not reported.
    ///
    /// # Errors
    /// As the calls fail.
    async fn read(
        &self,
        context: &Self::Context,
        outputs: &Self::Outputs<Resolved>,
    ) -> Result<Option<Self>, CallError>;

    /// Changes the live object to what `self` says. Converges.
    ///
    /// # Errors
    /// As the calls fail.
    async fn update(
        &self,
        context: &Self::Context,
        outputs: &Self::Outputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<Self::Outputs<Resolved>, CallError>;

    /// Deletes the object, and only begins to where that takes time.
    ///
    /// # Errors
    /// As the calls fail; not where it is gone already.
    async fn delete(
        &self,
        context: &Self::Context,
        outputs: &Self::Outputs<Resolved>,
    ) -> Result<(), CallError>;

    /// What is in the object now and would be lost with it. Asked before a plan that deletes it is shown; for a kind whose
    /// [`loss`](Facts::loss) is nothing, never.
    ///
    /// # Errors
    /// As the calls fail.
    async fn contents(
        &self,
        _context: &Self::Context,
        _outputs: &Self::Outputs<Resolved>,
    ) -> Result<Contents, CallError> {
        Ok(Contents::Unknown)
    }

    /// Whether the object is gone for good, with what it held.
    ///
    /// # Errors
    /// As the calls fail.
    async fn poll_gone(
        &self,
        context: &Self::Context,
        outputs: &Self::Outputs<Resolved>,
    ) -> Result<bool, CallError> {
        Ok(self.read(context, outputs).await?.is_none())
    }
}

/// The outputs of a declared resource: references.
pub type OutputsOf<D> = <<D as Declares>::Resolved as Resource>::Outputs<Declared>;
