//! What is under way, as rows at the foot of a terminal: grouped by tier, what has run longest first, each with what it waits for
//! and the time that it typically takes; below them what is done, and how long the rest takes.
//!
//! [`View`] knows what is under way and lays it out for a size; it is drawn by [`crate::footer`].

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use console::{measure_text_width, truncate_str};
use engine::{Address, Operation, Progress, visible};

use crate::progress::doing;

/// Below this width there is no room for words that can be left out.
const NARROW: usize = 60;
/// What is shorter is not worth an estimate.
const WORTH_SAYING: Duration = Duration::from_secs(5);
/// What a resource waits for is cut off, and not shown in fewer columns than these.
const FEWEST_WORDS: usize = 12;
/// So many rows of the terminal stay free: that of the cursor, and those above.
const FREE: usize = 3;

/// What is under way.
#[derive(Debug)]
pub(crate) struct View {
    begun: Instant,
    total: usize,
    /// How many are done, by tier.
    done: BTreeMap<String, usize>,
    running: Vec<Running>,
    is_stopping: bool,
    /// Whether this AWS takes the times that are typical of AWS.
    takes_time: bool,
}

#[derive(Debug)]
struct Running {
    address: Address,
    operation: Operation,
    begun: Instant,
    typical: Duration,
    /// How long what waits for it typically takes once it is done.
    after: Duration,
    waits_for: String,
}

impl View {
    /// An apply of this many tasks begins.
    pub(crate) fn new(total: usize, now: Instant) -> Self {
        let (done, running) = (BTreeMap::new(), Vec::new());
        Self { begun: now, total, done, running, is_stopping: false, takes_time: true }
    }

    /// The same without estimates.
    pub(crate) fn without_estimates(self) -> Self {
        Self { takes_time: false, ..self }
    }

    /// Takes note of what happened.
    pub(crate) fn observe(&mut self, progress: &Progress, now: Instant) {
        match progress {
            Progress::Started { address, operation, typical, remaining, .. } => {
                let (typical, remaining) = match self.takes_time {
                    true => (*typical, *remaining),
                    false => (Duration::ZERO, Duration::ZERO),
                };
                self.running.push(Running {
                    address: address.clone(),
                    operation: *operation,
                    begun: now,
                    typical,
                    after: remaining.saturating_sub(typical),
                    waits_for: String::new(),
                });
            }
            Progress::Waiting { address, operation: Some(operation), on, .. } => {
                if let Some(one) = self.find(address, *operation) {
                    on.clone_into(&mut one.waits_for);
                }
            }
            Progress::Done { address, operation, .. }
            | Progress::Failed { address, operation, .. }
            | Progress::Left { address, operation } => {
                self.running.retain(|one| one.address != *address || one.operation != *operation);
                *self.done.entry(address.tier().to_owned()).or_default() += 1;
            }
            Progress::Skipped { address, .. } => {
                *self.done.entry(address.tier().to_owned()).or_default() += 1
            }
            Progress::Stopping { .. } => self.is_stopping = true,
            _ => {}
        }
    }

    fn find(&mut self, address: &Address, operation: Operation) -> Option<&mut Running> {
        self.running.iter_mut().find(|one| one.address == *address && one.operation == operation)
    }

    /// How long the rest takes, if everything takes what it typically takes: the longest path from what is running. What takes
    /// longer than it should is taken to be done at once.
    fn left(&self, now: Instant) -> Duration {
        let path = |one: &Running| one.typical.saturating_sub(now.duration_since(one.begun)) + one.after;
        self.running.iter().map(path).max().unwrap_or_default()
    }

    /// The rows for a terminal of this size. They leave the last column free, where some terminals wrap, and rows for what stands
    /// above: a terminal that is cleared from its very top, as by a frame that fills it, may keep what was there among the lines
    /// that have scrolled away, frame by frame (tmux does).
    pub(crate) fn rows(&self, width: usize, height: usize, now: Instant) -> Vec<String> {
        let width = width.saturating_sub(1).max(1);
        let mut room = height.saturating_sub(FREE).max(1);
        let mut foot = vec![self.total_row(width, now)];
        room -= 1;
        if room >= 2 && !self.done.is_empty() {
            foot.insert(0, self.done_row());
            room -= 1;
        }
        let mut rows = self.running_rows(width, room, now);
        rows.append(&mut foot);
        rows.iter().map(|row| truncate_str(&visible(row), width, "…").into_owned()).collect()
    }

    /// What is running, as far as there is room for it.
    fn running_rows(&self, width: usize, room: usize, now: Instant) -> Vec<String> {
        let mut running: Vec<&Running> = self.running.iter().collect();
        running.sort_by_key(|one| one.begun);
        let shown = Self::fitting(&running, room);
        let mut rows = Vec::new();
        let mut tiers: Vec<&str> = Vec::new();
        for one in &running[..shown] {
            if !tiers.contains(&one.address.tier()) {
                tiers.push(one.address.tier());
            }
        }
        let name = |one: &Running| format!("{} {}", doing(one.operation), one.address.name());
        let widest = running[..shown].iter().map(|one| measure_text_width(&name(one))).max().unwrap_or(0);
        for tier in tiers {
            rows.push(tier.to_owned());
            for one in running[..shown].iter().filter(|one| one.address.tier() == tier) {
                rows.push(one.row(&name(one), widest, width, now));
            }
        }
        if shown < running.len() && room > 0 {
            rows.push(format!("  … and {} more", running.len() - shown));
        }
        rows
    }

    /// How many have room, with a row for each of their tiers, and one for how many have none.
    fn fitting(running: &[&Running], room: usize) -> usize {
        let needs = |count: usize| {
            let mut tiers: Vec<&str> = running[..count].iter().map(|one| one.address.tier()).collect();
            tiers.sort_unstable();
            tiers.dedup();
            count + tiers.len() + usize::from(count < running.len())
        };
        (0..=running.len()).rev().find(|count| needs(*count) <= room).unwrap_or(0)
    }

    fn done_row(&self) -> String {
        let tiers: Vec<String> = self.done.iter().map(|(tier, count)| format!("{tier} {count}")).collect();
        format!("done: {}", tiers.join(", "))
    }

    fn total_row(&self, width: usize, now: Instant) -> String {
        let done: usize = self.done.values().sum();
        let elapsed = clock(now.duration_since(self.begun));
        let left = self.left(now);
        let left = match (self.is_stopping, left >= WORTH_SAYING) {
            (true, _) => ", stopping".to_owned(),
            (false, true) => format!(", about {} left", clock(left)),
            (false, false) => String::new(),
        };
        if width < NARROW {
            return format!("{done}/{} in {elapsed}{left}", self.total);
        }
        let bar = 20;
        let full = (bar * done).checked_div(self.total).unwrap_or(bar).min(bar);
        format!(
            "[{}{}] {done} of {} in {elapsed}{left}",
            "#".repeat(full),
            "·".repeat(bar - full),
            self.total
        )
    }
}

impl Running {
    fn row(&self, name: &str, widest: usize, width: usize, now: Instant) -> String {
        let elapsed = now.duration_since(self.begun);
        let is_narrow = width < NARROW;
        let time = match (self.typical >= WORTH_SAYING, is_narrow) {
            (false, _) => clock(elapsed),
            (true, true) => format!("{}/{}", clock(elapsed), clock(self.typical)),
            (true, false) => format!("{} of about {}", clock(elapsed), clock(self.typical)),
        };
        let most = width.saturating_sub(measure_text_width(&time) + 4).max(1);
        let name = truncate_str(name, most, "…");
        let widest = widest.min(most);
        let gap = " ".repeat(widest.saturating_sub(measure_text_width(&name)));
        let row = format!("  {name}{gap}  {time}");
        // "12:34 of about 56:78" is as wide as times get.
        let words = width.saturating_sub(widest + 4 + 20 + 2);
        if self.waits_for.is_empty() || is_narrow || words < FEWEST_WORDS {
            return row;
        }
        format!("{row:<column$}  {}", self.waits_for, column = widest + 4 + 20)
    }
}

/// `4:05`, or `1:02:03`.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(at: &str, typical: u64, remaining: u64) -> Progress {
        Progress::Started {
            address: Address::new(at).unwrap(),
            kind: "AWS::Test::Kind".to_owned(),
            operation: Operation::Create,
            typical: Duration::from_secs(typical),
            remaining: Duration::from_secs(remaining),
        }
    }

    fn waiting(at: &str, on: &str) -> Progress {
        Progress::Waiting {
            address: Address::new(at).unwrap(),
            operation: Some(Operation::Create),
            on: on.to_owned(),
            refused: None,
        }
    }

    fn done(at: &str) -> Progress {
        Progress::Done {
            address: Address::new(at).unwrap(),
            operation: Operation::Create,
            adopted: false,
            took: Duration::ZERO,
        }
    }

    /// In the middle of a run: two tiers are busy, the second since longer.
    fn busy() -> (View, Instant) {
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let mut view = View::new(172, begun);
        for progress in [started("vpc/vpc", 1, 600), done("vpc/vpc"), started("database/cluster", 60, 440)] {
            view.observe(&progress, begun);
        }
        view.observe(&done("database/cluster"), at(50));
        view.observe(&started("database/writer", 380, 380), at(50));
        view.observe(&started("ecs/service", 180, 181), at(60));
        view.observe(&started("vpc/nat-gateway-a", 100, 130), at(20));
        view.observe(&started("monitoring/alarm", 1, 1), at(299));
        view.observe(&waiting("database/writer", "its status is creating"), at(60));
        view.observe(&waiting("ecs/service", "2 of 4 tasks are running\u{1b}[2J"), at(60));
        (view, at(300))
    }

    #[test]
    fn without_estimates_only_the_time_that_passed_is_shown() {
        let begun = Instant::now();
        let mut view = View::new(2, begun).without_estimates();
        view.observe(&started("vpc/nat-gateway-a", 100, 130), begun);
        let rows = view.rows(100, 24, begun + Duration::from_secs(20));
        assert_eq!(rows[..2], ["vpc", "  creating nat-gateway-a  0:20"]);
        assert!(rows[2].ends_with("0 of 2 in 0:20"), "{rows:?}");
    }

    #[test]
    fn rows_are_grouped_by_tier_and_what_runs_longest_comes_first() {
        let (view, now) = busy();
        assert_eq!(
            view.rows(100, 24, now),
            [
                "vpc",
                "  creating nat-gateway-a  4:40 of about 1:40",
                "database",
                "  creating writer         4:10 of about 6:20    its status is creating",
                "ecs",
                "  creating service        4:00 of about 3:00    2 of 4 tasks are running\\u{1b}[2J",
                "monitoring",
                "  creating alarm          0:01",
                "done: database 1, vpc 1",
                "[····················] 2 of 172 in 5:00, about 2:10 left",
            ]
        );
    }

    #[test]
    fn in_a_small_terminal_words_are_left_out_and_rows_are_counted() {
        let (view, now) = busy();
        assert_eq!(
            view.rows(40, 10, now),
            [
                "vpc",
                "  creating nat-gateway-a  4:40/1:40",
                "database",
                "  creating writer         4:10/6:20",
                "  … and 2 more",
                "done: database 1, vpc 1",
                "2/172 in 5:00, about 2:10 left",
            ]
        );
        for (width, height) in [(80, 24), (40, 20), (20, 3), (10, 2), (1, 1), (0, 0)] {
            let rows = view.rows(width, height, now);
            assert!(rows.len() <= height.saturating_sub(3).max(1), "{width}×{height}: {rows:#?}");
            let widest = rows.iter().map(|row| measure_text_width(row)).max().unwrap();
            assert!(widest <= width.saturating_sub(1).max(1), "{width}×{height}: {rows:#?}");
        }
    }

    #[test]
    fn a_frame_never_fills_the_terminal_however_much_is_under_way() {
        let now = Instant::now();
        let mut view = View::new(172, now);
        (0..60).for_each(|number| view.observe(&started(&format!("vpc/subnet-{number}"), 60, 60), now));
        view.observe(&done("ecs/cluster"), now);
        for height in 4..60 {
            let rows = view.rows(80, height, now);
            assert!(rows.len() <= height - 3, "{height}: {rows:#?}");
            // A tier and one of its resources need room for both.
            assert!(height < 9 || rows.len() == height - 3, "{height}: {rows:#?}");
        }
    }

    #[test]
    fn what_is_skipped_or_fails_counts_as_over_and_stopping_is_said() {
        let (mut view, now) = busy();
        let (address, operation) = (Address::new("ecs/service").unwrap(), Operation::Create);
        let because = address.clone();
        view.observe(&Progress::Failed { address, operation, reason: "no".to_owned() }, now);
        let address = Address::new("monitoring/other").unwrap();
        view.observe(&Progress::Skipped { address, operation, because }, now);
        view.observe(&Progress::Stopping { calls: 2 }, now);
        let rows = view.rows(80, 24, now);
        assert!(!rows.iter().any(|row| row.contains("service")), "{rows:#?}");
        assert_eq!(rows[rows.len() - 2], "done: database 1, ecs 1, monitoring 1, vpc 1");
        assert_eq!(rows[rows.len() - 1], "[····················] 4 of 172 in 5:00, stopping");
    }
}
