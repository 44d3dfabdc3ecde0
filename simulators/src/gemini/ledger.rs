//! What the simulator remembers: billed answers, cached prefixes, issued tokens.

use super::terms::ServedTier;
use super::usage::Usage;
use crate::Store;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// How a billed call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// A complete answer.
    Stop,
    /// An answer that was cut off by its limit. It may be empty.
    MaxTokens,
    /// An answer cut off by a filter.
    Safety,
    /// No answer: the prompt was blocked.
    Blocked,
    /// A complete answer with an undocumented finish reason.
    Unknown,
    /// No text: the model would have recited.
    Recitation,
    /// No text, without a reason.
    Silence,
}

/// One call that costs money, even if its answer was lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BilledAnswer {
    /// The `responseId` of the answer.
    pub response_id: String,
    /// The model that really answered. Its price applies.
    pub model: String,
    /// The tier that served the call. It decides the price.
    #[serde(default)]
    pub tier: ServedTier,
    /// When the call came.
    pub at: Timestamp,
    /// The billed tokens.
    pub usage: Usage,
    /// How the call ended.
    pub outcome: Outcome,
}

/// The sum of all billed calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct BilledTotals {
    /// The number of calls.
    pub answers: u64,
    /// Their tokens.
    pub usage: Usage,
}

#[derive(Serialize, Deserialize)]
struct Token {
    token: String,
    expires: Timestamp,
}

pub(super) struct Ledger {
    store: Arc<dyn Store>,
    pub(super) answers: Vec<BilledAnswer>,
    pub(super) totals: BilledTotals,
    prefixes: HashSet<String>,
    /// All issued tokens, with their expiry.
    pub(super) tokens: HashMap<String, Timestamp>,
}

impl Ledger {
    pub(super) fn read(store: Arc<dyn Store>) -> Self {
        let mut ledger = Self {
            answers: Vec::new(),
            totals: BilledTotals::default(),
            prefixes: HashSet::new(),
            tokens: HashMap::new(),
            store: Arc::clone(&store),
        };
        let mut entries = store.all();
        // Answers are numbered with leading zeros, so the order of keys is the order of calls.
        entries.sort();
        for (key, text) in entries {
            let taken = match key.split_once('/') {
                Some(("answer", _)) => {
                    serde_json::from_str(&text).map(|answer| ledger.count(answer)).is_ok()
                }
                Some(("token", _)) => serde_json::from_str(&text)
                    .map(|Token { token, expires }| ledger.tokens.insert(token, expires))
                    .is_ok(),
                Some(("prefix", hash)) => ledger.prefixes.insert(hash.to_owned()),
                Some(_) | None => false,
            };
            if !taken {
                tracing::warn!(key, "stored entry of the Gemini simulator not understood");
            }
        }
        ledger
    }

    fn count(&mut self, answer: BilledAnswer) {
        self.totals.answers += 1;
        self.totals.usage += answer.usage;
        self.answers.push(answer);
    }

    pub(super) fn bill(&mut self, answer: BilledAnswer) {
        let text = serde_json::to_string(&answer).expect("a billed answer is plain JSON");
        self.store.put(&format!("answer/{:012}", self.answers.len()), &text);
        self.count(answer);
    }

    /// Remembers a prefix by its hash. Returns whether it was seen before.
    pub(super) fn seen(&mut self, hash: String) -> bool {
        if self.prefixes.contains(&hash) {
            return true;
        }
        self.store.put(&format!("prefix/{hash}"), "1");
        self.prefixes.insert(hash);
        false
    }

    pub(super) fn add_token(&mut self, token: String, expires: Timestamp) {
        let stored = Token { token, expires };
        let text = serde_json::to_string(&stored).expect("a token is plain JSON");
        self.store.put(&format!("token/{:06}", self.tokens.len()), &text);
        self.tokens.insert(stored.token, expires);
    }

    pub(super) fn accepts(&self, token: &str, now: Timestamp) -> bool {
        self.tokens.get(token).is_some_and(|&expires| now < expires)
    }

    pub(super) fn clear(&mut self) {
        self.store.clear();
        *self = Self::read(Arc::clone(&self.store));
    }
}
