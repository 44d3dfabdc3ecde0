//! The lists of models, and single models.

use super::terms::Surface;
use serde_json::{Value, json};

/// Every model, on the Developer API or on Vertex AI.
pub(super) fn models(names: &[String], surface: Surface) -> Value {
    let all: Value = names.iter().map(|name| model(name, surface)).collect();
    match surface {
        Surface::Studio => json!({"models": all}),
        Surface::Vertex => json!({"publisherModels": all}),
    }
}

/// One model.
pub(super) fn model(name: &str, surface: Surface) -> Value {
    match surface {
        Surface::Studio => json!({
            "name": format!("models/{name}"),
            "version": "001",
            "displayName": name,
            "inputTokenLimit": 1_048_576,
            "outputTokenLimit": 65_536,
            "supportedGenerationMethods": ["generateContent", "countTokens"],
            "thinking": true,
        }),
        Surface::Vertex => json!({
            "name": format!("publishers/google/models/{name}"),
            "versionId": "default",
            "launchStage": "GA",
        }),
    }
}
