//! The APIs that requests can be for, as the services declare them.

use std::sync::OnceLock;

use serde_json::Value;

use super::model::Model;
use super::request::{Call, Http};

/// All APIs.
pub(crate) struct Apis {
    /// Those with a model.
    pub(crate) modelled: &'static [Source],
    /// Those that speak the query protocol of EC2 and have none: the name that requests are signed for, and the XML namespace of
    /// answers.
    pub(crate) ec2_query: &'static [(&'static str, &'static str)],
    /// Those that have HTTP of their own: each recognizes its requests.
    pub(crate) own: &'static [fn(&Http) -> Option<Claimed>],
}

/// A request that an API has recognized which has HTTP of its own, so that no signature places it and no model reads it.
#[derive(Debug)]
pub(crate) struct Claimed {
    /// The signing name of the service whose API it is.
    pub(crate) service: &'static str,
    pub(crate) operation: String,
    pub(crate) region: String,
    /// What the call log says of the request.
    pub(crate) parameters: Value,
    pub(crate) body_at_most: usize,
}

impl Apis {
    /// What a request is that has no signature and that an API recognizes.
    pub(crate) fn claimed(&self, http: &Http) -> Option<Claimed> {
        self.own.iter().find_map(|claim| claim(http))
    }

    /// The XML namespace of an API that speaks the query protocol of EC2.
    pub(crate) fn ec2_namespace(&self, signing_name: &str) -> Option<&'static str> {
        self.ec2_query.iter().find(|(name, _)| *name == signing_name).map(|(_, namespace)| *namespace)
    }

    /// The API that has a signing name and, where several share it, the first segment of a path.
    pub(crate) fn placed(
        &'static self,
        signing_name: &str,
        first_segment: impl Fn() -> Option<String>,
    ) -> Option<&'static Model> {
        let signed = || self.modelled.iter().filter(move |source| source.signing_name == signing_name);
        let mut below = signed().filter(|source| source.below.is_some());
        let by_path = below.find(|source| first_segment().as_deref() == source.below);
        by_path.or_else(|| signed().find(|source| source.below.is_none())).map(Source::model)
    }

    /// The model of an API, by the name of its file.
    #[cfg(test)]
    pub(crate) fn named(&'static self, service: &str) -> Option<&'static Model> {
        self.modelled.iter().find(|source| source.service == service).map(Source::model)
    }
}

/// A model as it is written, and what it does not say.
pub(crate) struct Source {
    pub(crate) service: &'static str,
    signing_name: &'static str,
    below: Option<&'static str>,
    text: &'static str,
    extras: Extras,
    model: OnceLock<Model>,
}

/// What a model does not say of its API.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Extras {
    in_host: Option<fn(&str) -> Option<String>>,
    reads: Option<fn(&Call) -> bool>,
}

impl Source {
    /// The model of an API whose requests are signed for its name.
    pub(crate) const fn new(service: &'static str, text: &'static str) -> Source {
        let extras = Extras { in_host: None, reads: None };
        Source { service, signing_name: service, below: None, text, extras, model: OnceLock::new() }
    }

    /// Its requests are signed for another name, and are known by the first segment of their paths.
    pub(crate) const fn signed_as(mut self, signing_name: &'static str, below: &'static str) -> Source {
        self.signing_name = signing_name;
        self.below = Some(below);
        self
    }

    /// What a path begins with may be in the name of the host instead.
    pub(crate) const fn in_host(mut self, in_host: fn(&str) -> Option<String>) -> Source {
        self.extras.in_host = Some(in_host);
        self
    }

    /// Which calls change nothing, besides those whose names say so.
    pub(crate) const fn reads(mut self, reads: fn(&Call) -> bool) -> Source {
        self.extras.reads = Some(reads);
        self
    }

    pub(crate) fn model(&self) -> &Model {
        self.model.get_or_init(|| Model::parse(self.service, self.text, self.extras))
    }
}

impl Extras {
    /// The first segment of the path, if the name of the host has it.
    pub(crate) fn in_host(&self, host: &str) -> Option<String> {
        self.in_host.and_then(|in_host| in_host(host))
    }

    /// Whether a call changes nothing, though its name does not say so.
    pub(crate) fn reads(&self, call: &Call) -> bool {
        self.reads.is_some_and(|reads| reads(call))
    }
}
