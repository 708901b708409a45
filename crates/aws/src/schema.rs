//! JSON schemas for types of other crates, for arguments that editors check while they are written:
//! `#[schemars(with = "aws::schema::Ipv4Block")]`.

use std::borrow::Cow;

/// The pattern of a block of IPv4 addresses in a schema: who reads the schema knows by it what is meant.
pub const IPV4_BLOCK: &str = r"^([0-9]{1,3}\.){3}[0-9]{1,3}/[0-9]{1,2}$";

/// A block of IPv4 addresses, such as `10.0.0.0/16`: the schema of an `Ipv4Net`.
#[derive(Debug)]
pub struct Ipv4Block;

impl schemars::JsonSchema for Ipv4Block {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Ipv4Block".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": IPV4_BLOCK })
    }
}
