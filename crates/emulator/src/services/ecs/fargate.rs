//! How large a task can be on Fargate.

use super::client;
use crate::protocol::response::{Refusal, ensure};

/// CPU units and MiB of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) cpu: u32,
    pub(super) memory: u32,
}

/// ECS Developer Guide, "Amazon ECS task definition parameters for Fargate", "Task size": CPU units, the least and the most
/// MiB, and the step between.
const SIZES: [(u32, u32, u32, u32); 7] = [
    (256, 512, 2048, 512),
    (512, 1024, 4096, 1024),
    (1024, 2048, 8192, 1024),
    (2048, 4096, 16384, 1024),
    (4096, 8192, 30720, 1024),
    (8192, 16384, 61440, 4096),
    (16384, 32768, 122_880, 8192),
];

/// Reads the size of a task: CPU units or `.5 vCPU`, and MiB or `1 GB`.
///
/// # Errors
///
/// `ClientException` where Fargate has no such size.
pub(super) fn size(cpu: Option<&str>, memory: Option<&str>) -> Result<Size, Refusal> {
    let (Some(cpu), Some(memory)) = (cpu, memory) else {
        return Err(client("Fargate requires that 'cpu' and 'memory' be defined at the task level."));
    };
    let read = |text: &str, unit: &str| match text.trim().to_ascii_lowercase().strip_suffix(unit) {
        Some(number) => number.trim().parse::<f64>().ok().map(|number| (number * 1024.0).round() as u32),
        None => text.trim().parse().ok(),
    };
    let (Some(cpu), Some(memory)) = (read(cpu, "vcpu"), read(memory, "gb")) else {
        return Err(client("Invalid 'cpu' or 'memory' setting for task."));
    };
    let offers = |&(units, least, most, step): &(u32, u32, u32, u32)| {
        units == cpu && (least..=most).contains(&memory) && (memory - least).is_multiple_of(step)
    };
    // Between 512 and 2048 MiB, the smallest size has 512, 1024 and 2048.
    let is_gap = (cpu, memory) == (256, 1536);
    ensure(SIZES.iter().any(offers) && !is_gap, || {
        client(format!(
            "No Fargate configuration exists for given values: {cpu} CPU, {memory} memory. See the Amazon ECS documentation for the valid values."
        ))
    })?;
    Ok(Size { cpu, memory })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_both_forms_and_only_those_of_the_table_exist() {
        let code = |cpu, memory| size(Some(cpu), Some(memory)).map_err(|refusal| refusal.code);
        assert_eq!(code("512", "1024"), Ok(Size { cpu: 512, memory: 1024 }));
        assert_eq!(code(".5 vCPU", "1 GB"), Ok(Size { cpu: 512, memory: 1024 }));
        assert_eq!(code("1vCPU", "2GB"), Ok(Size { cpu: 1024, memory: 2048 }));
        let none = [
            ("512", "512"),
            ("512", "5120"),
            ("256", "1536"),
            ("300", "1024"),
            ("8192", "17408"),
            ("x", "1"),
        ];
        for (cpu, memory) in none {
            assert_eq!(code(cpu, memory), Err("ClientException".to_owned()), "{cpu} {memory}");
        }
    }
}
