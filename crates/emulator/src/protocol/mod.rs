//! What is on the wire: requests, answers and refusals, in all protocols of AWS.
//!
//! It knows no service and no machine. Which APIs there are it is told ([`apis`]).
//!
//! | module | what it is |
//! |---|---|
//! | [`request`] | from an HTTP request to a [`Call`](request::Call) |
//! | [`response`] | from an answer or a refusal to an HTTP response |
//! | [`model`] | the models of APIs: where an input is in a request, what is not allowed in it, how an output is written |
//! | [`parameters`], [`xml`] | the same for EC2's protocol, which has no model |
//! | [`bounds`] | how large and how deep a request may be |
//! | [`secrets`] | parameters without what is secret |

pub(crate) mod apis;
pub(crate) mod bounds;
pub(crate) mod model;
pub(crate) mod parameters;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod secrets;
mod xml;
