//! Address arithmetic.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::protocol::parameters::Parameters;
use crate::protocol::response::Refusal;

/// Reads an IPv4 block. Host bits are cleared, as EC2 does (EC2 API Reference, CreateVpc, `CidrBlock`).
pub(super) fn block(p: &mut Parameters, name: &str) -> Result<Ipv4Net, Refusal> {
    let text = p.text(name)?;
    text.parse().map(|net: Ipv4Net| net.trunc()).map_err(|_| p.invalid(name, &text, "a valid CIDR block"))
}

/// A block that the state holds.
pub(super) fn stored(text: &str) -> Ipv4Net {
    text.parse().expect("blocks are parsed before they are stored")
}

/// VPCs and subnets are between /16 and /28 (VPC User Guide, "VPC CIDR blocks").
pub(super) fn has_legal_size(net: Ipv4Net) -> bool {
    (16..=28).contains(&net.prefix_len())
}

pub(super) fn overlap(a: Ipv4Net, b: Ipv4Net) -> bool {
    a.contains(&b) || b.contains(&a)
}

/// Addresses that can be used: EC2 keeps the first four and the last (VPC User Guide, "Subnet sizing").
pub(super) fn usable(net: Ipv4Net) -> u32 {
    (1u32 << (32 - net.prefix_len())) - 5
}

/// The address that a new interface gets: the lowest one that is not taken.
pub(super) fn free_address(net: Ipv4Net, taken: &[String]) -> Option<Ipv4Addr> {
    let first = u32::from(net.network()) + 4;
    (first..first + usable(net)).map(Ipv4Addr::from).find(|address| !taken.contains(&address.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_addresses_of_a_subnet_are_not_ours() {
        let net: Ipv4Net = "10.0.0.0/28".parse().expect("it is well formed");
        assert_eq!(usable(net), 11);
        assert_eq!(free_address(net, &[]).expect("it is well formed").to_string(), "10.0.0.4");
        let taken: Vec<String> = (4..15).map(|n| format!("10.0.0.{n}")).collect();
        assert_eq!(free_address(net, &taken), None);
    }
}
