//! Error Details: why something could not be planned, and the leads that failed, by category.

use super::lines::{Line, bounded};
use super::todo::{MAX_ROWS, row};
use super::words::{many, sentence};
use crate::fold::Summary;
use crate::messages::ErrorCategory;

/// Failures, then each category with its first leads and the details of their errors.
pub(super) fn error_details(summary: &Summary) -> String {
    let failures = summary.failures.iter();
    let mut lines: Vec<Line> =
        failures.map(|(.., reason)| Line::new("failure", sentence(reason))).collect();
    for (category, examples) in &summary.errors {
        let leads = many(examples.len() as u64, "lead");
        let text = format!("{leads}, {} ({}):", title(*category), category.as_str());
        lines.push(Line::new("category", text));
        for (record, detail) in examples.iter().take(MAX_ROWS) {
            let of = record.as_ref().map(|record| row(summary, record.as_str()));
            let of = of.unwrap_or_else(|| "a lead whose row is not known".to_owned());
            lines.push(Line::new("lead", format!("  {of}: {detail}")));
        }
        let more = examples.len().saturating_sub(MAX_ROWS);
        if more > 0 {
            let text = format!("  and {} ({})", many(more as u64, "other"), category.as_str());
            lines.push(Line::new("lead", text));
        }
    }
    bounded(lines)
}

fn title(category: ErrorCategory) -> &'static str {
    match category {
        ErrorCategory::SafetyBlock => "safety filter of the model",
        ErrorCategory::ModelRefused => "text refused by the model",
        ErrorCategory::ModelNoAnswer => "no answer from the model",
        ErrorCategory::NoCredit => "no credit at the model's provider",
        ErrorCategory::Quota => "quota of the model",
        ErrorCategory::Timeout => "model too slow",
        ErrorCategory::Auth => "credentials of the model",
        ErrorCategory::AiResponseFormat => "unusable answer of the model",
        ErrorCategory::ModelConfig => "settings of the model",
        ErrorCategory::PostsUnreadable => "unreadable Posts Content",
        ErrorCategory::Airtable => "row in Airtable",
        ErrorCategory::Unknown => "unforeseen",
    }
}
