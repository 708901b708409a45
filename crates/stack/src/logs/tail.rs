//! The events of a log group, each once, for as long as somebody wants to see them.
//!
//! An event may be shown some time after it was written, and after others that are younger. So each look reads again what the last
//! one may have missed, and leaves out the events that were there.

use std::collections::HashMap;
use std::time::Duration;

use aws::{LogEvent, LogEvents};
use engine::{CallError, Host};
use tokio::time::sleep;

/// From one look for new events to the next.
pub(super) const POLL: Duration = Duration::from_secs(2);

/// How much later than a younger one an event may be shown, in milliseconds, and still be found.
const OVERLAP: u64 = 30_000;

/// By how much this machine's clock may be ahead of those of the writers, in milliseconds. AWS refuses calls of clocks that are
/// five minutes off (IAM User Guide, "Elements of an AWS API request signature").
const AHEAD: u64 = 300_000;

/// What was seen of a log group.
#[derive(Debug)]
struct Seen {
    /// Events are read from here on.
    from: u64,
    /// The time of the newest event.
    newest: u64,
    /// The time of each event that may be read again, by its id.
    times: HashMap<String, u64>,
}

impl Seen {
    fn new(since: u64) -> Self {
        Self { from: since, newest: since, times: HashMap::new() }
    }

    /// Those that were not seen before.
    fn fresh(&mut self, mut events: Vec<LogEvent>) -> Vec<LogEvent> {
        events.retain(|event| self.times.insert(event.id.clone(), event.millis).is_none());
        let newest = events.iter().map(|event| event.millis).max();
        self.newest = newest.map_or(self.newest, |newest| newest.max(self.newest));
        events
    }

    /// From when on is read after a look that began at `asked`.
    ///
    /// Clocks differ. A writer's may be ahead, so what is in the future says nothing about the rest; this machine's may be, so
    /// that a new event looks old. Without the last limit, a filter that finds little would read all of the group again each time.
    fn start_after(asked: u64, newest: u64, from: u64) -> u64 {
        let reached = newest.min(asked).saturating_sub(OVERLAP);
        reached.max(asked.saturating_sub(AHEAD)).max(from)
    }

    fn move_on(&mut self, asked: u64) {
        self.from = Self::start_after(asked, self.newest, self.from);
        self.times.retain(|_, millis| *millis >= self.from);
    }
}

/// Reads a log group, page by page.
pub(super) struct Tail<'a> {
    events: LogEvents,
    host: &'a dyn Host,
    seen: Seen,
    follows: bool,
    /// When the present look began.
    asked: Option<u64>,
    token: Option<String>,
}

impl<'a> Tail<'a> {
    /// Everything since a time; with `follows`, also what comes later.
    pub(super) fn new(events: LogEvents, host: &'a dyn Host, since: u64, follows: bool) -> Self {
        Self { events, host, seen: Seen::new(since), follows, asked: None, token: None }
    }

    /// The newest events, oldest first. What comes [`next`](Self::next) is what came after them.
    pub(super) async fn last(&mut self, count: u32) -> Result<Vec<LogEvent>, CallError> {
        let asked = self.host.now_millis();
        let (from, follows) = (self.seen.from, self.follows);
        // What the next look reads again is seen now, though it is not printed.
        let at_least = |newest| if follows { Seen::start_after(asked, newest, from) } else { u64::MAX };
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let events = self.events.newest(from, count, at_least).await?;
        self.asked = Some(asked);
        let mut last = self.seen.fresh(events);
        last.truncate(count);
        last.reverse();
        Ok(last)
    }

    /// The events of the next page that were not there before; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<LogEvent>>, CallError> {
        match (self.asked, &self.token) {
            (None, _) => self.asked = Some(self.host.now_millis()),
            (Some(_), Some(_)) => {}
            (Some(_), None) if !self.follows => return Ok(None),
            (Some(asked), None) => {
                self.seen.move_on(asked);
                sleep(POLL).await;
                self.asked = Some(self.host.now_millis());
            }
        }
        let (page, token) = self.events.page(self.seen.from, self.token.take()).await?;
        self.token = token;
        Ok(Some(self.seen.fresh(page)))
    }
}

#[cfg(test)]
mod tests {
    use aws::{Account, Context, Identity};
    use aws_config::Region;
    use aws_sdk_cloudwatchlogs::types::InputLogEvent;
    use emulator::Emulator;
    use tokio::time::Instant;

    use super::*;

    /// When the clock of a new account begins.
    const NOW: u64 = 1_767_225_600_000;

    /// A machine whose clock is so many milliseconds before or behind AWS's.
    struct Machine {
        started: Instant,
        off: i64,
    }

    impl Host for Machine {
        fn now_millis(&self) -> u64 {
            let elapsed = u64::try_from(self.started.elapsed().as_millis()).unwrap();
            (NOW + elapsed).saturating_add_signed(self.off)
        }

        fn unique(&self) -> String {
            unreachable!("nothing is made")
        }

        fn holder(&self) -> String {
            unreachable!("nothing is locked")
        }
    }

    /// A log group at AWS's own pace: what is put is shown some seconds later.
    struct Place {
        context: Context,
        machine: Machine,
    }

    impl Place {
        async fn new(off: i64) -> Self {
            let emulator = Emulator::builder().latency(1.0).in_memory();
            let sdk = crate::embedded(&emulator, Region::new("eu-central-1"));
            let identity = Identity { project: "payment".to_owned(), environment: "dev".to_owned() };
            let account = Account { id: emulator::ACCOUNT_ID.to_owned(), partition: "aws".to_owned() };
            let context = Context::from_config(&sdk, identity, account).unwrap();
            context.logs().create_log_group().log_group_name("g").send().await.unwrap();
            for stream in ["a", "b"] {
                let stream = context.logs().create_log_stream().log_group_name("g").log_stream_name(stream);
                stream.send().await.unwrap();
            }
            Self { context, machine: Machine { started: Instant::now(), off } }
        }

        /// AWS's time.
        fn now(&self) -> u64 {
            self.machine.now_millis().saturating_add_signed(-self.machine.off)
        }

        async fn put(&self, stream: &str, lines: impl IntoIterator<Item = (u64, String)>) {
            let event = |(at, line): (u64, String)| {
                InputLogEvent::builder().timestamp(i64::try_from(at).unwrap()).message(line).build().unwrap()
            };
            let events = lines.into_iter().map(event).collect();
            let put = self.context.logs().put_log_events().log_group_name("g").log_stream_name(stream);
            let answer = put.set_log_events(Some(events)).send().await.unwrap();
            assert!(answer.rejected_log_events_info.is_none());
        }

        async fn say(&self, stream: &str, line: &str) {
            self.put(stream, [(self.now(), line.to_owned())]).await;
        }

        fn tail(&self, pattern: Option<&str>, follows: bool) -> Tail<'_> {
            let events = LogEvents::new(&self.context, "g", pattern.map(str::to_owned));
            let since = self.machine.now_millis() - 3_600_000;
            Tail::new(events, &self.machine, since, follows)
        }
    }

    fn messages(events: Vec<LogEvent>) -> Vec<String> {
        events.into_iter().map(|event| event.message).collect()
    }

    async fn minute(tail: &mut Tail<'_>) -> Vec<String> {
        within(60, tail).await
    }

    /// What is new within so many seconds.
    async fn within(seconds: u64, tail: &mut Tail<'_>) -> Vec<String> {
        let (end, mut all) = (Instant::now() + Duration::from_secs(seconds), Vec::new());
        while Instant::now() < end {
            all.extend(messages(tail.next().await.unwrap().unwrap()));
        }
        // Which of two streams is shown first is chance.
        all.sort();
        all
    }

    async fn wait() {
        sleep(Duration::from_secs(20)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn without_follow_it_ends_with_what_is_there() {
        let place = Place::new(0).await;
        let at = place.now();
        let line = |number: u32| format!("line {number} {:100}", "");
        for batch in 0..5 {
            // More than a megabyte in all, and less at once.
            let lines = (batch * 5000)..(batch * 5000 + 5000);
            place.put("a", lines.map(|number| (at, line(number)))).await;
        }
        place.put("b", [(at + 1, "the last one".to_owned())]).await;
        wait().await;
        let (mut tail, mut all) = (place.tail(None, false), Vec::new());
        while let Some(page) = tail.next().await.unwrap() {
            assert!(page.len() <= 10_000);
            all.extend(messages(page));
        }
        assert_eq!((all.len(), &*all[0], &*all[25_000]), (25_001, &*line(0), "the last one"));
        // Its first pages are empty.
        let mut tail = place.tail(Some("last"), false);
        let mut pages = Vec::new();
        while let Some(page) = tail.next().await.unwrap() {
            pages.push(messages(page));
        }
        assert!(pages.len() >= 3 && pages[0].is_empty(), "{pages:?}");
        assert_eq!(pages.concat(), ["the last one"]);
        assert_eq!(messages(place.tail(None, false).last(2).await.unwrap()), [&line(24_999), "the last one"]);
    }

    #[tokio::test(start_paused = true)]
    async fn each_event_is_there_once_though_it_is_shown_late_and_clocks_differ() {
        // This machine is right, a minute behind, and four minutes before.
        for off in [0, -60_000, 240_000] {
            let place = Place::new(off).await;
            place.say("a", "first").await;
            let mut tail = place.tail(None, true);
            assert_eq!(minute(&mut tail).await, ["first"], "{off}");
            place.say("a", "second").await;
            place.say("b", "third").await;
            assert_eq!(minute(&mut tail).await, ["second", "third"], "{off}");
            // Twice the same is two events; and one is sent half a minute after it was written, behind younger ones.
            let written = place.now();
            place.say("b", "same").await;
            place.say("b", "same").await;
            let mut all = within(12, &mut tail).await;
            place.put("a", [(written - 20_000, "late".to_owned())]).await;
            all.extend(minute(&mut tail).await);
            assert_eq!(all, ["same", "same", "late"], "the late one is printed last, {off}");
            // Long after nothing was said.
            for _ in 0..10 {
                assert_eq!(minute(&mut tail).await, [""; 0], "{off}");
            }
            place.say("a", "again").await;
            assert_eq!(minute(&mut tail).await, ["again"], "{off}");
            assert!(tail.seen.times.len() < 10, "what is never read again is forgotten");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_writer_whose_clock_is_ahead_hides_nothing() {
        let place = Place::new(0).await;
        let mut tail = place.tail(None, true);
        place.put("a", [(place.now() + 600_000, "from the future".to_owned())]).await;
        assert_eq!(minute(&mut tail).await, ["from the future"]);
        place.say("b", "from now").await;
        assert_eq!(minute(&mut tail).await, ["from now"]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_before_the_newest_ones_does_not_come_after_them() {
        let place = Place::new(0).await;
        let at = place.now();
        place.put("a", (0..9).map(|number| (at + number / 3, format!("{number}")))).await;
        wait().await;
        let mut tail = place.tail(None, true);
        assert_eq!(messages(tail.last(2).await.unwrap()), ["7", "8"]);
        place.say("b", "new").await;
        assert_eq!(minute(&mut tail).await, ["new"]);
    }

    #[test]
    fn a_filter_that_finds_nothing_does_not_read_all_again_each_time() {
        let (hour, mut seen) = (3_600_000, Seen::new(NOW - 3_600_000));
        seen.move_on(NOW);
        assert_eq!(seen.from, NOW - AHEAD);
        seen.move_on(NOW + hour);
        assert_eq!(seen.from, NOW + hour - AHEAD);
    }
}
