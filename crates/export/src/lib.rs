//! A declared graph as a CloudFormation template: for review, for tools that judge templates, and as a way out.
//!
//! Kinds and property names are CloudFormation's already. What is left to do: references become `Ref`, `Fn::GetAtt` and
//! `Fn::Sub`; account, region and partition become pseudo parameters, and availability zones parameters, so that the
//! template says the same wherever it is used; an order that no reference says any more becomes `DependsOn`; what is
//! protected is retained. Pure: nothing is called.
//!
//! Which properties and attributes a type has, and what its `Ref` gives, are CloudFormation's facts. They are in
//! `cloudformation.json`, written by `scripts/cloudformation-facts` from CloudFormation's own schemas. A property that is not
//! there is an error, unless its resource names it in [`own_properties`](engine::Template::own_properties).

mod facts;
mod names;
mod template;
mod text;

pub use template::{ExportError, Place, template};
