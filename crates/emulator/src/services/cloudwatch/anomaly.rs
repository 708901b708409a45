//! Anomaly detectors. They are kept, and never trained.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::alarm::Dimension;
use super::metrics_list::{self, MetricDataQuery};
use super::{invalid_combination, invalid_value, missing, not_found, page};
use crate::services::{Answer, Call, Cx, Refusal, refuse_if, to_json};

/// A detector as DescribeAnomalyDetectors has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Detector {
    anomaly_detector_id: String,
    single_metric_anomaly_detector: Option<Single>,
    metric_math_anomaly_detector: Option<Math>,
    configuration: Option<Configuration>,
    metric_characteristics: Option<Value>,
    state_value: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Single {
    account_id: Option<String>,
    namespace: Option<String>,
    metric_name: Option<String>,
    #[serde(default)]
    dimensions: Vec<Dimension>,
    stat: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Math {
    metric_data_queries: Option<Vec<MetricDataQuery>>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Configuration {
    #[serde(default)]
    excluded_time_ranges: Vec<Range>,
    metric_timezone: Option<String>,
    adaptation_speed: Option<String>,
    outlier_filtering_strength: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Range {
    start_time: f64,
    end_time: f64,
}

/// What is watched, in the three ways of saying it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Input {
    anomaly_detector_id: Option<String>,
    namespace: Option<String>,
    metric_name: Option<String>,
    dimensions: Option<Vec<Dimension>>,
    stat: Option<String>,
    single_metric_anomaly_detector: Option<Single>,
    metric_math_anomaly_detector: Option<Math>,
    configuration: Option<Configuration>,
    metric_characteristics: Option<Value>,
}

#[derive(Clone, Debug, PartialEq)]
enum Watched {
    Single(Single),
    Math(Math),
}

impl Input {
    /// PutAnomalyDetector, SingleMetricAnomalyDetector and MetricMathAnomalyDetector: each excludes all others.
    fn watched(self) -> Result<(Watched, Option<Configuration>, Option<Value>), Refusal> {
        let flat = self.namespace.is_some()
            || self.metric_name.is_some()
            || self.dimensions.is_some()
            || self.stat.is_some();
        let watched = match (flat, self.single_metric_anomaly_detector, self.metric_math_anomaly_detector) {
            (false, Some(single), None) => Watched::Single(single.checked()?),
            (false, None, Some(math)) => Watched::Math(math.checked()?),
            (true, None, None) => {
                let single = Single {
                    account_id: None,
                    namespace: self.namespace,
                    metric_name: self.metric_name,
                    dimensions: self.dimensions.unwrap_or_default(),
                    stat: self.stat,
                };
                Watched::Single(single.checked()?)
            }
            (false, None, None) => return Err(missing("SingleMetricAnomalyDetector")),
            _ => return Err(invalid_combination("The ways to say what is watched exclude each other.")),
        };
        Ok((watched, self.configuration, self.metric_characteristics))
    }
}

impl Single {
    fn checked(mut self) -> Result<Self, Refusal> {
        let parts = [("Namespace", &self.namespace), ("MetricName", &self.metric_name), ("Stat", &self.stat)];
        if let Some((name, _)) = parts.into_iter().find(|(_, part)| part.is_none()) {
            return Err(missing(name));
        }
        self.dimensions.sort();
        Ok(self)
    }
}

impl Math {
    fn checked(self) -> Result<Self, Refusal> {
        let queries = self.metric_data_queries.as_deref().ok_or_else(|| missing("MetricDataQueries"))?;
        metrics_list::check(queries, None).map_err(|refusal| invalid_value(refusal.message))?;
        Ok(self)
    }
}

impl Configuration {
    /// PutAnomalyDetector, Configuration: "You can specify as many as 10 time ranges."
    fn check(&self) -> Result<(), Refusal> {
        let ranges = &self.excluded_time_ranges;
        refuse_if(ranges.len() > 10 || ranges.iter().any(|range| range.start_time >= range.end_time), || {
            invalid_value("ExcludedTimeRanges must be 10 ranges at most, each with its start first.")
        })
    }
}

impl Detector {
    fn watches(&self, watched: &Watched) -> bool {
        match watched {
            Watched::Single(single) => self.single_metric_anomaly_detector.as_ref() == Some(single),
            Watched::Math(math) => self.metric_math_anomaly_detector.as_ref() == Some(math),
        }
    }
}

pub(super) fn put(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let input: Input = call.input()?;
    let (watched, configuration, metric_characteristics) = input.watched()?;
    configuration.iter().try_for_each(Configuration::check)?;
    let state = &mut cx.r.cloudwatch;
    let same = state.detectors.values_mut().find(|detector| detector.watches(&watched));
    if let Some(detector) = same {
        detector.configuration = configuration;
        detector.metric_characteristics = metric_characteristics;
        return Ok(json!({"AnomalyDetectorId": detector.anomaly_detector_id}));
    }
    let id = format!("{:016x}{:016x}", state.ids.number(), state.ids.number());
    let (single, math) = match watched {
        Watched::Single(single) => (Some(single), None),
        Watched::Math(math) => (None, Some(math)),
    };
    let detector = Detector {
        anomaly_detector_id: id.clone(),
        single_metric_anomaly_detector: single,
        metric_math_anomaly_detector: math,
        configuration,
        metric_characteristics,
        state_value: "PENDING_TRAINING".to_owned(),
    };
    state.detectors.insert(id.clone(), detector);
    Ok(json!({"AnomalyDetectorId": id}))
}

pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let input: Input = call.input()?;
    let detectors = &mut cx.r.cloudwatch.detectors;
    let found = match &input.anomaly_detector_id {
        Some(id) => detectors.contains_key(id).then(|| id.clone()),
        None => {
            let (watched, _, _) = input.watched()?;
            detectors.iter().find(|(_, detector)| detector.watches(&watched)).map(|(id, _)| id.clone())
        }
    };
    let id = found.ok_or_else(|| not_found("There is no such anomaly detector."))?;
    detectors.remove(&id);
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct DescribeInput {
    anomaly_detector_ids: Option<Vec<String>>,
    namespace: Option<String>,
    metric_name: Option<String>,
    dimensions: Option<Vec<Dimension>>,
    anomaly_detector_types: Option<Vec<String>>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

pub(super) fn describe(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let mut input: DescribeInput = call.input()?;
    input.check()?;
    if let Some(dimensions) = &mut input.dimensions {
        dimensions.sort();
    }
    let detectors = cx.r.cloudwatch.detectors.iter().filter(|(_, detector)| input.wants(detector));
    let detectors = detectors.map(|(id, detector)| (id.clone(), detector.described()));
    let (detectors, token) = page(detectors, input.next_token.as_deref(), input.max_results.unwrap_or(100))?;
    Ok(json!({"AnomalyDetectors": detectors, "NextToken": token}))
}

impl DescribeInput {
    fn check(&self) -> Result<(), Refusal> {
        let filters = self.namespace.is_some()
            || self.metric_name.is_some()
            || self.dimensions.is_some()
            || self.anomaly_detector_types.is_some();
        if self.anomaly_detector_ids.is_some() && filters {
            return Err(invalid_combination("AnomalyDetectorIds allows no filter."));
        }
        match self.max_results {
            Some(101..) => Err(invalid_value("MaxResults must be 100 at most.")),
            _ => Ok(()),
        }
    }

    fn wants(&self, detector: &Detector) -> bool {
        if let Some(ids) = &self.anomaly_detector_ids {
            return ids.contains(&detector.anomaly_detector_id);
        }
        // DescribeAnomalyDetectors, AnomalyDetectorTypes: "If empty, defaults to SINGLE_METRIC."
        let kinds = self.anomaly_detector_types.as_deref().unwrap_or_default();
        let wants = |kind: &str| kinds.iter().any(|wanted| wanted == kind);
        match &detector.single_metric_anomaly_detector {
            Some(single) => {
                (kinds.is_empty() || wants("SINGLE_METRIC"))
                    && self.namespace.as_ref().is_none_or(|_| single.namespace == self.namespace)
                    && self.metric_name.as_ref().is_none_or(|_| single.metric_name == self.metric_name)
                    && self.dimensions.as_ref().is_none_or(|dimensions| single.dimensions == *dimensions)
            }
            None => wants("METRIC_MATH"),
        }
    }
}

impl Detector {
    /// With the members of a single metric in their old places too (AnomalyDetector).
    fn described(&self) -> Value {
        let mut described = to_json(self);
        if let Some(single) = &self.single_metric_anomaly_detector {
            described["Namespace"] = json!(single.namespace);
            described["MetricName"] = json!(single.metric_name);
            described["Dimensions"] = json!(single.dimensions);
            described["Stat"] = json!(single.stat);
        }
        described
    }
}
