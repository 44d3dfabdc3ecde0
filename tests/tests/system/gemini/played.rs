//! Plays cases to their end, and checks the results.

use super::stage::{Stage, case};
use crate::fake_gemini::{Case, Step};
use serde_json::Value;
use shared::schema::leads;

pub(crate) const SCORED: &str = "Completed: 5 harvested, 5 examined, 5 scored; balanced";

pub(crate) fn told(stage: &Stage) -> String {
    tests::told(&stage.records().remove(0))
}

/// Plays a case until its run is over.
pub(crate) async fn played(case: Case) -> Stage {
    let mut stage = Stage::set(case);
    stage.begin().await;
    stage.ends(1).await;
    stage
}

pub(crate) fn steps(steps: &Value) -> Vec<Step> {
    serde_json::from_value(steps.clone()).unwrap()
}

/// A case with five leads whose calls get these answers.
pub(crate) fn of_steps(these: &Value) -> Case {
    Case { steps: steps(these), ..case("02-stray-fragment-behind-the-json") }
}

/// A complete answer with this `usageMetadata`, as JSON text.
pub(crate) fn with_usage(usage: &str) -> String {
    format!(
        r#"{{"candidates":[{{"content":{{"parts":[{{"text":@@TEXT@@}}]}},"finishReason":"STOP"}}],"usageMetadata":{usage},"modelVersion":"gemini-3.5-flash-lite"}}"#
    )
}

pub(crate) fn error_of(lead: &serde_json::Map<String, Value>) -> String {
    lead.get(leads::POSTS_EVALUATION).and_then(Value::as_str).unwrap_or_default().to_owned()
}
