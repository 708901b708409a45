//! When an alarm looks, and at what range of data.

use aws_sdk_cloudwatch::types::{
    EvaluationWindow as LiveWindow, WallClockWindow as LiveClock, WarmUpConfiguration as LiveWarmUp,
};
use serde::{Deserialize, Serialize};

use crate::wire::{count_or_zero, number};

/// The range of data that an alarm looks at, where it does not slide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct EvaluationWindow {
    /// It is a whole hour, day or the like.
    pub wall_clock_window: WallClockWindow,
}

/// A range between two times of a clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct WallClockWindow {
    /// Where the clock is; UTC if it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
}

impl EvaluationWindow {
    pub(super) fn for_call(&self) -> LiveWindow {
        let timezone = self.wall_clock_window.timezone.clone();
        LiveWindow::WallClockWindow(LiveClock::builder().set_timezone(timezone).build())
    }

    /// One that slides is as none.
    pub(super) fn from_live(live: &LiveWindow) -> Option<Self> {
        let clock = live.as_wall_clock_window().ok()?;
        let timezone = clock.timezone().map(str::to_owned);
        Some(Self { wall_clock_window: WallClockWindow { timezone } })
    }
}

/// For how long an alarm says nothing after it was put.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct WarmUpConfiguration {
    /// In minutes, two days at most.
    pub warm_up_period_duration_in_minutes: u32,
    /// Also where there is enough data before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_start_evaluating_after_warm_up_period_ends: bool,
}

impl WarmUpConfiguration {
    pub(super) fn for_call(&self) -> LiveWarmUp {
        LiveWarmUp::builder()
            .warm_up_period_duration_in_minutes(number(self.warm_up_period_duration_in_minutes))
            .only_start_evaluating_after_warm_up_period_ends(
                self.only_start_evaluating_after_warm_up_period_ends,
            )
            .build()
    }

    pub(super) fn from_live(live: &LiveWarmUp) -> Self {
        Self {
            warm_up_period_duration_in_minutes: count_or_zero(live.warm_up_period_duration_in_minutes()),
            only_start_evaluating_after_warm_up_period_ends: live
                .only_start_evaluating_after_warm_up_period_ends()
                .unwrap_or_default(),
        }
    }
}
