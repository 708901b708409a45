//! How large a task can be on Fargate.

use engine::DeclareError;

/// CPU units, the least and the most MiB, and the step between (ECS Developer Guide, "Amazon ECS task definition
/// parameters for Fargate", "Task size").
const SIZES: [(u32, u32, u32, u32); 7] = [
    (256, 512, 2048, 512),
    (512, 1024, 4096, 1024),
    (1024, 2048, 8192, 1024),
    (2048, 4096, 16_384, 1024),
    (4096, 8192, 30_720, 1024),
    (8192, 16_384, 61_440, 4096),
    (16_384, 32_768, 122_880, 8192),
];

/// Whether Fargate has a size.
pub(crate) fn check(cpu: u32, memory: u32) -> Result<(), DeclareError> {
    let Some((_, least, most, step)) = SIZES.into_iter().find(|(units, ..)| *units == cpu) else {
        let sizes: Vec<String> = SIZES.iter().map(|(units, ..)| units.to_string()).collect();
        let reason = format!("Fargate has no task with {cpu} CPU units");
        return Err(DeclareError::argument("cpu", reason, format!("use one of {}", sizes.join(", "))));
    };
    let fits = (least..=most).contains(&memory) && (memory - least).is_multiple_of(step);
    // The smallest size is the one exception: 512, 1024 and 2048.
    if fits && (cpu, memory) != (256, 1536) {
        return Ok(());
    }
    let reason = format!("Fargate has no task with {cpu} CPU units and {memory} MiB");
    let hint = match cpu {
        256 => "use 512, 1024 or 2048".to_owned(),
        _ => format!("use {least} to {most} in steps of {step}, or another cpu"),
    };
    Err(DeclareError::argument("memory", reason, hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sizes_of_the_table_are_accepted() {
        for (cpu, memory) in [(256, 512), (256, 2048), (512, 1024), (4096, 30_720), (16_384, 122_880)] {
            assert!(check(cpu, memory).is_ok(), "{cpu} {memory}");
        }
        for (cpu, memory) in [(256, 1536), (512, 512), (512, 1500), (512, 5120), (8192, 17_408), (300, 1024)]
        {
            assert!(check(cpu, memory).is_err(), "{cpu} {memory}");
        }
        let error = check(512, 512).unwrap_err().to_string();
        assert_eq!(error, "memory: Fargate has no task with 512 CPU units and 512 MiB");
    }
}
