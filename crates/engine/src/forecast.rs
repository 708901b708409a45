//! How long a plan typically takes.

use std::time::Duration;

use crate::plan::Plan;

impl Plan {
    /// How long the work on each step typically takes, in the order of [`steps`](Plan::steps). Nothing where nothing happens in the
    /// cloud.
    #[must_use]
    pub fn typical_times(&self) -> Vec<Duration> {
        let mut times = vec![0; self.steps().len()];
        for task in &self.schedule.tasks {
            if self.steps()[task.step].is_change() {
                times[task.step] += task.own;
            }
        }
        times.into_iter().map(Duration::from_secs).collect()
    }

    /// How long all of it typically takes: the longest chain of steps that wait for each other.
    #[must_use]
    pub fn typical_time(&self) -> Duration {
        let longest = self.schedule.tasks.iter().map(|task| task.remaining).max();
        Duration::from_secs(longest.filter(|_| !self.is_empty()).unwrap_or(0))
    }
}
