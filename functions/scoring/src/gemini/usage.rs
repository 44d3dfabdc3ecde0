//! Reads from an answer's usage which tokens are billed.
//!
//! The documentation describes one reading: total = prompt + candidates + thoughts + tool, with the
//! cached tokens in the prompt. Real answers differ: thoughts are in the candidates, or only in the
//! total; the total lacks the thoughts; the prompt lacks its cached part; counters are null,
//! strings or missing. The total shows which reading is right.

use serde_json::Value;
use shared::core::tokens::TokenUsage;
use shared::messages::Reading;

/// A counter above this is not a number of tokens: no model reads or writes that many.
const MOST: u64 = 100_000_000;

/// One member of `usageMetadata`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counter {
    /// Missing or null. This means zero, except for the prompt and the total.
    Absent,
    Known(u64),
    /// Neither a number nor a string that contains one.
    Garbled,
}

impl Counter {
    fn of(metadata: &Value, names: [&str; 2]) -> Self {
        let value = names.iter().find_map(|name| metadata.get(name)).unwrap_or(&Value::Null);
        let number = match value {
            Value::Null => return Self::Absent,
            Value::String(text) if text.trim().is_empty() => return Self::Absent,
            Value::String(text) => text.trim().parse::<f64>().ok(),
            Value::Number(number) => number.as_f64(),
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a whole number within the range"
        )]
        number
            .filter(|n| n.fract() == 0.0 && (0.0..=MOST as f64).contains(n))
            .map_or(Self::Garbled, |n| Self::Known(n as u64))
    }

    /// The counter itself, or if it is missing, the sum of its counters by modality.
    fn or_of(self, details: &Value) -> Self {
        if self != Self::Absent {
            return self;
        }
        let counts = details.as_array().into_iter().flatten();
        let counts = counts.map(|detail| Self::of(detail, ["tokenCount", "token_count"]));
        counts.fold(self, |sum, count| match (sum, count) {
            (Self::Garbled, _) | (_, Self::Garbled) => Self::Garbled,
            (sum, Self::Absent) => sum,
            (sum, Self::Known(tokens)) => Self::Known(sum.value() + tokens),
        })
    }

    fn value(self) -> u64 {
        match self {
            Self::Known(tokens) => tokens,
            Self::Absent | Self::Garbled => 0,
        }
    }

    fn is_known(self) -> bool {
        matches!(self, Self::Known(_))
    }
}

/// The counters as they were sent.
struct Counters {
    prompt: Counter,
    cached: Counter,
    output: Counter,
    thoughts: Counter,
    tool: Counter,
    total: u64,
}

/// The tokens that an answer was billed for, as far as its usage shows; `None` if it shows nothing.
pub(super) fn read_usage(metadata: &Value) -> Option<(TokenUsage, Reading)> {
    let of = |camel, snake| Counter::of(metadata, [camel, snake]);
    let by_modality = |camel, snake| {
        let details = [camel, snake].into_iter().find_map(|name: &str| metadata.get(name));
        details.unwrap_or(&Value::Null)
    };
    let prompt = by_modality("promptTokensDetails", "prompt_tokens_details");
    let cached = by_modality("cacheTokensDetails", "cache_tokens_details");
    let output = by_modality("candidatesTokensDetails", "candidates_tokens_details");
    let tool = by_modality("toolUsePromptTokensDetails", "tool_use_prompt_tokens_details");
    let counters = Counters {
        prompt: of("promptTokenCount", "prompt_token_count").or_of(prompt),
        cached: of("cachedContentTokenCount", "cached_content_token_count").or_of(cached),
        output: of("candidatesTokenCount", "candidates_token_count").or_of(output),
        thoughts: of("thoughtsTokenCount", "thoughts_token_count"),
        tool: of("toolUsePromptTokenCount", "tool_use_prompt_token_count").or_of(tool),
        total: of("totalTokenCount", "total_token_count").value(),
    };
    let (usage, reading) = if counters.total == 0 {
        counters.without_total()
    } else {
        match counters.adding_up() {
            Some(usage) => (usage, Reading::Exact),
            None => counters.completed(),
        }
    };
    let reading = match (reading, counters.cached) {
        (Reading::Exact, Counter::Garbled) => Reading::Unsplit,
        (reading, _) => reading,
    };
    (usage.total > 0).then_some((usage, reading))
}

/// A usage whose total is the sum of its parts.
fn summed(usage: TokenUsage) -> TokenUsage {
    TokenUsage { total: usage.parts(), ..usage }
}

impl Counters {
    /// The prompt including its cached part. If more tokens are cached than counted, the counter
    /// lacks the cached part.
    fn whole_prompt(&self) -> u64 {
        let (prompt, cached) = (self.prompt.value(), self.cached.value());
        if cached > prompt { prompt + cached } else { prompt }
    }

    /// The documented reading with this prompt.
    fn documented(&self, prompt: u64) -> TokenUsage {
        summed(TokenUsage {
            prompt,
            cached: self.cached.value(),
            output: self.output.value(),
            thoughts: self.thoughts.value(),
            tool: self.tool.value(),
            ..TokenUsage::default()
        })
    }

    fn without_total(&self) -> (TokenUsage, Reading) {
        let counters = [self.output, self.thoughts, self.tool];
        let is_garbled = counters.contains(&Counter::Garbled) || !self.prompt.is_known();
        let reading = if is_garbled { Reading::Partial } else { Reading::Exact };
        (self.documented(self.whole_prompt()), reading)
    }

    /// The first reading whose sum is the total.
    fn adding_up(&self) -> Option<TokenUsage> {
        let (counted, cached) = (self.prompt.value(), self.cached.value());
        if !self.prompt.is_known() {
            return None;
        }
        let whole = self.whole_prompt();
        let prompts = [whole, counted + cached];
        // The candidates include the thoughts.
        let inclusive = |usage: TokenUsage| {
            let is_possible = usage.thoughts <= usage.output;
            is_possible
                .then(|| summed(TokenUsage { output: usage.output - usage.thoughts, ..usage }))
        };
        for usage in prompts.map(|prompt| self.documented(prompt)) {
            let readings = [Some(usage), inclusive(usage)];
            if let Some(found) = readings.into_iter().flatten().find(|it| it.total == self.total) {
                return Some(found);
            }
        }
        // The total lacks the part that the prompt lacks.
        let usage = self.documented(whole);
        let left_out = whole - counted;
        let readings = [Some(usage), inclusive(usage)];
        if let Some(found) =
            readings.into_iter().flatten().find(|it| it.total == self.total + left_out)
        {
            return Some(found);
        }
        // The total lacks the thoughts.
        [usage, self.documented(counted + cached)]
            .into_iter()
            .find(|it| [0, left_out].iter().any(|out| it.total == self.total + it.thoughts + out))
    }

    /// The total with the known parts. If only one kind of tokens is not counted, the rest of the
    /// total belongs to it.
    fn completed(&self) -> (TokenUsage, Reading) {
        let usage = self.documented(self.whole_prompt());
        // Adds the cached part to a total that lacks it.
        let left_out = self.whole_prompt() - self.prompt.value();
        let total = if usage.total > self.total { self.total + left_out } else { self.total };
        let Some(rest) = total.checked_sub(usage.total) else {
            return (self.cut_to_total(), Reading::Partial);
        };
        let known = [self.prompt, self.output, self.thoughts].map(Counter::is_known);
        let with = match known {
            // Zero counters are omitted, and thoughts may be only in the total.
            [true, true, false] => TokenUsage { thoughts: rest, ..usage },
            [true, false, _] => TokenUsage { output: rest, ..usage },
            [false, true, _] if self.thoughts != Counter::Garbled => {
                TokenUsage { prompt: usage.prompt + rest, ..usage }
            }
            _ => return (summed(TokenUsage { unsplit: rest, ..usage }), Reading::Unsplit),
        };
        (summed(with), Reading::Exact)
    }

    /// The parts, cut to a total that is less than their sum. The prompt counts first because it is
    /// cheapest, so the result is a lower bound of the cost.
    fn cut_to_total(&self) -> TokenUsage {
        let usage = self.documented(self.whole_prompt());
        let mut left = self.total;
        let mut take = |tokens: u64| {
            let taken = tokens.min(left);
            left -= taken;
            taken
        };
        let prompt = take(usage.prompt);
        let tool = take(usage.tool);
        let output = take(usage.output);
        let thoughts = take(usage.thoughts);
        summed(TokenUsage {
            prompt,
            tool,
            output,
            thoughts,
            cached: usage.cached.min(prompt),
            ..usage
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Prompt, cached, output, thoughts, unsplit and total tokens, with how exact they are.
    fn read(metadata: &Value) -> Option<([u64; 6], Reading)> {
        let (usage, reading) = read_usage(metadata)?;
        assert_eq!(usage.parts(), usage.total, "{metadata}");
        let TokenUsage { prompt, cached, output, thoughts, unsplit, total, .. } = usage;
        Some(([prompt, cached, output, thoughts, unsplit, total], reading))
    }

    /// A usage with these counters: prompt, cached, candidates, thoughts, total. Counters of 0 are
    /// omitted.
    fn sent(counters: [u64; 5]) -> Value {
        let names = ["prompt", "cachedContent", "candidates", "thoughts", "total"];
        let named = names.iter().zip(counters).filter(|(_, count)| *count > 0);
        named.map(|(name, count)| (format!("{name}TokenCount"), json!(count))).collect()
    }

    #[test]
    fn the_total_tells_where_thoughts_and_cached_tokens_are_counted() {
        for (counters, is, what) in [
            ([6_200, 4_096, 310, 520, 7_030], [6_200, 4_096, 310, 520, 0, 7_030], "as documented"),
            ([1_000, 0, 900, 800, 1_900], [1_000, 0, 100, 800, 0, 1_900], "thoughts in candidates"),
            (
                [1_000, 0, 100, 0, 1_900],
                [1_000, 0, 100, 800, 0, 1_900],
                "thoughts in the total only",
            ),
            (
                [1_000, 0, 100, 800, 1_100],
                [1_000, 0, 100, 800, 0, 1_900],
                "a total without thoughts",
            ),
            ([904, 4_096, 100, 0, 1_004], [5_000, 4_096, 100, 0, 0, 5_100], "both without cached"),
            (
                [904, 4_096, 100, 0, 5_100],
                [5_000, 4_096, 100, 0, 0, 5_100],
                "a prompt without cached",
            ),
            (
                [5_000, 4_096, 100, 0, 9_196],
                [9_096, 4_096, 100, 0, 0, 9_196],
                "the same, a long one",
            ),
            ([904, 4_096, 900, 800, 5_900], [5_000, 4_096, 100, 800, 0, 5_900], "both at once"),
            ([904, 4_096, 900, 800, 1_804], [5_000, 4_096, 100, 800, 0, 5_900], "all three"),
            ([904, 4_096, 100, 800, 1_004], [5_000, 4_096, 100, 800, 0, 5_900], "nor thoughts"),
            ([904, 4_096, 100, 0, 1_804], [5_000, 4_096, 100, 800, 0, 5_900], "in the total only"),
            ([90, 0, 0, 0, 90], [90, 0, 0, 0, 0, 90], "a blocked prompt"),
            ([1_000, 0, 100, 0, 0], [1_000, 0, 100, 0, 0, 1_100], "no total"),
            ([0, 0, 100, 0, 1_100], [1_000, 0, 100, 0, 0, 1_100], "no prompt"),
            ([1_000, 0, 0, 0, 1_100], [1_000, 0, 100, 0, 0, 1_100], "no candidates"),
        ] {
            assert_eq!(read(&sent(counters)), Some((is, Reading::Exact)), "{what}");
        }
    }

    #[test]
    fn a_total_alone_counts_and_what_kinds_of_tokens_it_is_stays_open() {
        let total = [0, 0, 0, 0, 1_900, 1_900];
        assert_eq!(read(&sent([0, 0, 0, 0, 1_900])), Some((total, Reading::Unsplit)));
        let more = [1_000, 0, 100, 50, 10, 1_160];
        assert_eq!(read(&sent([1_000, 0, 100, 50, 1_160])), Some((more, Reading::Unsplit)));
    }

    #[test]
    fn a_counter_that_is_left_out_is_the_sum_of_its_modalities() {
        let metadata = json!({"totalTokenCount": 5_100,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 4_000}, {"modality": "IMAGE", "tokenCount": 1_000}],
            "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 4_000}],
            "candidates_tokens_details": [{"modality": "TEXT", "token_count": "100"}]});
        assert_eq!(read(&metadata), Some(([5_000, 4_000, 100, 0, 0, 5_100], Reading::Exact)));
        let odd =
            json!({"promptTokenCount": 1_000, "candidatesTokensDetails": [{"tokenCount": "x"}]});
        assert_eq!(read(&odd), Some(([1_000, 0, 0, 0, 0, 1_000], Reading::Partial)));
    }

    #[test]
    fn counters_that_contradict_their_total_count_at_least_as_the_total() {
        let cut = [1_000, 0, 100, 20, 0, 1_120];
        assert_eq!(read(&sent([1_000, 0, 100, 50, 1_120])), Some((cut, Reading::Partial)));
    }

    #[test]
    fn null_is_nothing_text_is_a_number_and_what_is_neither_is_told_by_the_others() {
        let exact = Some(([1_000, 0, 100, 0, 0, 1_100], Reading::Exact));
        let with = |name: &str, value: Value| {
            let mut metadata = sent([1_000, 0, 100, 0, 1_100]);
            metadata[name] = value;
            metadata
        };
        for odd in [json!(null), json!(""), json!(0), json!("0"), json!("NaN"), json!({})] {
            assert_eq!(read(&with("thoughtsTokenCount", odd.clone())), exact, "{odd}");
        }
        for odd in [json!(null), json!("abc"), json!(-5), json!(1.5), json!("100"), json!(100.0)] {
            assert_eq!(read(&with("candidatesTokenCount", odd.clone())), exact, "{odd}");
        }
        assert_eq!(read(&with("promptTokenCount", json!("abc"))), exact);
        assert_eq!(read(&with("totalTokenCount", json!("abc"))), exact, "the parts say the same");
        let snake = json!({"prompt_token_count": 1_000, "candidates_token_count": "100"});
        assert_eq!(read(&snake), exact);
        let (_, reading) = read(&with("cachedContentTokenCount", json!([]))).unwrap();
        assert_eq!(reading, Reading::Unsplit, "some may be cheaper");
    }

    #[test]
    fn what_cannot_be_read_and_has_no_total_makes_the_usage_partial_and_nothing_is_nothing() {
        let partial = json!({"promptTokenCount": 1_000, "candidatesTokenCount": "many"});
        assert_eq!(read(&partial), Some(([1_000, 0, 0, 0, 0, 1_000], Reading::Partial)));
        for nothing in
            [json!(null), json!([]), json!({}), json!({"totalTokenCount": "x"}), json!(7)]
        {
            assert_eq!(read(&nothing), None, "{nothing}");
        }
    }
}
