//! Which addresses and zones the subnets get, worked out and checked before any call.
//!
//! The reference layout is a /16 with /24 subnets at 10.0.0, 10.0.10 and 10.0.20 and upwards, one for each zone:
//! ten places for each group of subnets, so that a zone can be added without moving anything. Other sizes keep
//! that picture as long as they have room for it, and pack closer where they do not. Which place of a group is a zone's, says
//! its number.

use engine::DeclareError;
use ipnet::Ipv4Net;

use crate::zones::{MOST, suffix};
use crate::{Args, Inputs};

/// AWS allows /16 to /28, for VPCs and for subnets (Amazon VPC User Guide, "VPC CIDR blocks").
const LARGEST: u8 = 16;
const SMALLEST: u8 = 28;
/// The reference's subnets. There is no need for larger ones.
const COMFORTABLE: u8 = 24;
/// Groups of subnets: public, private, database.
const GROUPS: usize = 3;
/// How many zones a network may span; no region has more than six.
const ZONES: std::ops::RangeInclusive<usize> = 2..=6;
const DEFAULT_ZONES: usize = 3;

/// Where the subnets are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// One for each zone, in the order of their numbers.
    pub zones: Vec<Zone>,
}

/// One zone's subnets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// The zone's name, such as `ap-southeast-1a`.
    pub name: String,
    /// What it is called in addresses of resources, such as `a`.
    pub suffix: String,
    /// Its number, in names and addresses: see [`Recorded`](crate::Recorded).
    pub number: usize,
    /// Whether it has a NAT gateway already.
    pub has_nat: bool,
    /// Addresses of its public subnet.
    pub public: Ipv4Net,
    /// Addresses of its private subnet.
    pub private: Ipv4Net,
    /// Addresses of its database subnet.
    pub database: Ipv4Net,
}

impl Layout {
    /// Works out zones and addresses.
    ///
    /// # Errors
    /// [`DeclareError::Argument`] names the argument that cannot work.
    pub fn new(args: &Args, inputs: &Inputs) -> Result<Self, DeclareError> {
        check_vpc(args.cidr)?;
        let names = zones(args, inputs)?;
        let groups = [
            Group { argument: "public_subnet_cidrs", given: args.public_subnet_cidrs.as_deref() },
            Group { argument: "private_subnet_cidrs", given: args.private_subnet_cidrs.as_deref() },
            Group { argument: "database_subnet_cidrs", given: args.database_subnet_cidrs.as_deref() },
        ];
        let region = &inputs.place.region;
        let room = match groups.iter().all(|group| group.given.is_some()) {
            true => MOST,
            false => room(args.cidr, names.len())?,
        };
        let numbers = inputs.recorded.number(region, &names, room);
        let numbers: Vec<usize> = names.iter().map(|zone| numbers[zone]).collect();
        let mut blocks = Vec::new();
        for (position, group) in groups.iter().enumerate() {
            blocks.extend(group.blocks(args.cidr, position, &numbers)?);
        }
        check_apart(&blocks)?;
        let block = |group: usize, zone: usize| blocks[group * names.len() + zone].cidr;
        let zones = names.iter().zip(&numbers).enumerate().map(|(zone, (name, &number))| Zone {
            name: name.clone(),
            suffix: suffix(region, name).to_owned(),
            number,
            has_nat: inputs.recorded.has_nat(suffix(region, name), number),
            public: block(0, zone),
            private: block(1, zone),
            database: block(2, zone),
        });
        let mut zones: Vec<Zone> = zones.collect();
        zones.sort_by_key(|zone| zone.number);
        Ok(Self { zones })
    }
}

/// Whether two blocks have an address in common.
pub(crate) fn overlap(left: Ipv4Net, right: Ipv4Net) -> bool {
    left.contains(&right) || right.contains(&left)
}

struct Group<'a> {
    argument: &'static str,
    given: Option<&'a [Ipv4Net]>,
}

/// A subnet's addresses, and how to speak of them.
struct Block {
    cidr: Ipv4Net,
    /// The argument that gave it; none where it was worked out.
    argument: Option<String>,
}

impl Group<'_> {
    /// The blocks for zones of these numbers.
    fn blocks(&self, vpc: Ipv4Net, position: usize, numbers: &[usize]) -> Result<Vec<Block>, DeclareError> {
        let zones = numbers.len();
        let Some(given) = self.given else {
            let cidrs = carve(vpc, position, zones)?;
            return Ok(numbers
                .iter()
                .map(|number| Block { cidr: cidrs[number - 1], argument: None })
                .collect());
        };
        if given.len() != zones {
            return Err(DeclareError::argument(
                self.argument,
                format!("{} for {zones} zones", counted(given.len(), "CIDR block")),
                "give one CIDR block for each zone, or leave the argument out",
            ));
        }
        given
            .iter()
            .enumerate()
            .map(|(index, &cidr)| {
                let argument = format!("{}[{index}]", self.argument);
                check_size(&argument, cidr, "a subnet")?;
                if !vpc.contains(&cidr) {
                    return Err(DeclareError::argument(
                        argument,
                        format!("{cidr} is not inside the VPC's {vpc}"),
                        format!("choose a block inside {vpc}"),
                    ));
                }
                Ok(Block { cidr, argument: Some(argument) })
            })
            .collect()
    }
}

fn counted(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}

/// The prefix of subnets.
fn subnet_prefix(vpc: Ipv4Net) -> u8 {
    // 32 places hold the reference's picture: ten for each group. A VPC that is too small for 32 has fewer.
    COMFORTABLE.max((vpc.prefix_len() + 5).min(SMALLEST))
}

/// How many subnets of one group there is room for.
fn room(vpc: Ipv4Net, zones: usize) -> Result<usize, DeclareError> {
    let places = 1_usize << subnet_prefix(vpc).saturating_sub(vpc.prefix_len());
    let stride = (places / GROUPS).min(MOST);
    if stride < zones {
        return Err(DeclareError::argument(
            "cidr",
            format!("{vpc} has no room for {} subnets of /{SMALLEST} or larger", zones * GROUPS),
            "choose a larger block, such as 10.0.0.0/16, or fewer zones",
        ));
    }
    Ok(stride)
}

/// All blocks for subnets of one group, worked out from the VPC's block: a zone's is the one of its number.
fn carve(vpc: Ipv4Net, position: usize, zones: usize) -> Result<Vec<Ipv4Net>, DeclareError> {
    let stride = room(vpc, zones)?;
    let blocks = vpc.subnets(subnet_prefix(vpc)).map_err(|error| {
        DeclareError::argument("cidr", error.to_string(), "choose a block from /16 to /28")
    })?;
    Ok(blocks.skip(position * stride).take(stride).collect())
}

fn check_vpc(cidr: Ipv4Net) -> Result<(), DeclareError> {
    check_size("cidr", cidr, "a VPC")?;
    let address = cidr.network();
    // What EC2 refuses; private addresses (RFC 1918) are what one wants, but others are allowed.
    let reserved = address.is_loopback() || address.is_link_local() || address.octets()[0] == 0;
    if reserved || address.octets()[0] >= 224 {
        return Err(DeclareError::argument(
            "cidr",
            format!("{cidr} is reserved and cannot be routed"),
            "choose private addresses, such as 10.0.0.0/16",
        ));
    }
    Ok(())
}

fn check_size(argument: &str, cidr: Ipv4Net, what: &str) -> Result<(), DeclareError> {
    if cidr.trunc() != cidr {
        return Err(DeclareError::argument(
            argument,
            format!("{cidr} is an address inside a block, not a block"),
            format!("did you mean {}?", cidr.trunc()),
        ));
    }
    let wrong = match cidr.prefix_len() {
        ..LARGEST => "large",
        LARGEST..=SMALLEST => return Ok(()),
        _ => "small",
    };
    Err(DeclareError::argument(
        argument,
        format!("{cidr} is too {wrong} for {what}"),
        format!("AWS allows /{LARGEST} to /{SMALLEST}"),
    ))
}

/// No two subnets may share an address. A block that was given is named before one that was worked out.
fn check_apart(blocks: &[Block]) -> Result<(), DeclareError> {
    for (index, block) in blocks.iter().enumerate() {
        let Some(other) = blocks[..index].iter().find(|other| overlap(other.cidr, block.cidr)) else {
            continue;
        };
        let (named, other) = match block.argument {
            Some(_) => (block, other),
            None => (other, block),
        };
        let argument = named.argument.clone().unwrap_or_else(|| "cidr".to_owned());
        let other_name = other.argument.as_deref().unwrap_or("which is worked out from `cidr`");
        return Err(DeclareError::argument(
            argument,
            format!("{} overlaps {} ({other_name})", named.cidr, other.cidr),
            "choose blocks that share no address; without all three lists, the others are worked out from `cidr`",
        ));
    }
    Ok(())
}

fn zones(args: &Args, inputs: &Inputs) -> Result<Vec<String>, DeclareError> {
    let region = &inputs.place.region;
    let available = &inputs.availability_zones;
    let hint = || format!("{region} has {}", available.join(", "));
    let Some(names) = &args.availability_zones else {
        let count = args.zone_count.unwrap_or(DEFAULT_ZONES);
        check_count("zone_count", count)?;
        if count > available.len() {
            return Err(DeclareError::argument(
                "zone_count",
                format!("{count} zones are more than {region} has"),
                hint(),
            ));
        }
        return Ok(available[..count].to_vec());
    };
    check_count("availability_zones", names.len())?;
    if let Some(count) = args.zone_count.filter(|count| *count != names.len()) {
        return Err(DeclareError::argument(
            "zone_count",
            format!("{count}, but availability_zones names {}", names.len()),
            "leave one of the two out",
        ));
    }
    for (index, name) in names.iter().enumerate() {
        let argument = format!("availability_zones[{index}]");
        if !available.contains(name) {
            let reason = format!("`{name}` is not an available zone of {region}");
            return Err(DeclareError::argument(argument, reason, hint()));
        }
        if names[..index].contains(name) {
            let reason = format!("`{name}` is named twice");
            return Err(DeclareError::argument(argument, reason, "name each zone once"));
        }
    }
    Ok(names.clone())
}

fn check_count(argument: &str, count: usize) -> Result<(), DeclareError> {
    if ZONES.contains(&count) {
        return Ok(());
    }
    Err(DeclareError::argument(
        argument,
        format!("{} cannot work", counted(count, "zone")),
        format!(
            "choose {} to {}: one zone is not highly available, and no region has more than six",
            ZONES.start(),
            ZONES.end()
        ),
    ))
}
