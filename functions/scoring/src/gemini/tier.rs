//! The tier of a call. Flex costs half, but may be refused or slow. A call waits for flex as long
//! as the configuration allows and there is still time for a call at the standard tier.

use serde_json::Value;
use shared::core::deadline::Deadline;
use shared::core::tokens::Tier;
use std::time::Duration;
use tokio::time::Instant;

/// With less time than this, a flex call is not worth making.
pub(crate) const SHORTEST_FLEX: Duration = Duration::from_secs(10);

/// The configured tier of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TierChoice {
    /// Always the standard tier.
    Standard,
    /// The flex tier, but the standard tier for calls that flex did not answer in time.
    Flex {
        /// How long a wave waits for the flex tier.
        wait: Duration,
    },
}

/// A round of calls, and the time available for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Round {
    /// When the wave's first round began.
    pub(crate) begun: Instant,
    /// Whether no other round follows.
    pub(crate) is_last: bool,
    /// When the invocation ends.
    pub(crate) deadline: Deadline,
    /// The time that the wave needs after its calls are answered.
    pub(crate) kept_back: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Service {
    pub(crate) tier: RequestedTier,
    pub(crate) timeout: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestedTier {
    Standard,
    Flex,
}

impl TierChoice {
    /// How to make the calls of `round`. A call at the standard tier takes at most `timeout`.
    pub(crate) fn service(self, round: &Round, timeout: Duration) -> Service {
        let standard = Service { tier: RequestedTier::Standard, timeout };
        match self {
            Self::Standard => standard,
            Self::Flex { .. } if round.is_last => standard,
            Self::Flex { wait } => {
                let left = round.deadline.remaining().saturating_sub(timeout + round.kept_back);
                let patience = wait.saturating_sub(round.begun.elapsed()).min(left);
                if patience < SHORTEST_FLEX {
                    return standard;
                }
                Service { tier: RequestedTier::Flex, timeout: patience }
            }
        }
    }
}

/// The tier that served an answer, according to its usage: `serviceTier` from the Developer API,
/// `trafficType` from Vertex AI.
pub(super) struct ReportedTier(Option<String>);

impl ReportedTier {
    pub(super) fn of(usage: &Value) -> Self {
        const NAMES: [&str; 4] = ["serviceTier", "service_tier", "trafficType", "traffic_type"];
        let told = NAMES.iter().filter_map(|name| usage[name].as_str()).map(str::trim);
        let name = told
            .map(str::to_ascii_uppercase)
            .find(|name| !name.is_empty() && !name.ends_with("UNSPECIFIED"));
        // Remove the prefix of the enum's full name.
        let short = |name: String| {
            let short =
                ["SERVICE_TIER_", "TRAFFIC_TYPE_"].iter().find_map(|it| name.strip_prefix(it));
            short.map(str::to_owned).unwrap_or(name)
        };
        Self(name.map(short))
    }

    /// The tier to use for the price: the requested one if the answer names none. An unknown name
    /// has no price, because a note is better than a wrong sum.
    pub(super) fn tier(self, requested: RequestedTier) -> Tier {
        match self.0.as_deref().unwrap_or_default() {
            "" => match requested {
                RequestedTier::Standard => Tier::Standard,
                RequestedTier::Flex => Tier::Flex,
            },
            "STANDARD" | "ON_DEMAND" | "ON_DEMAND_STANDARD" => Tier::Standard,
            "FLEX" | "ON_DEMAND_FLEX" => Tier::Flex,
            "BATCH" => Tier::Batch,
            "PRIORITY" | "ON_DEMAND_PRIORITY" => Tier::Priority,
            "ON_DEMAND_OFFPEAK" | "OFFPEAK" => Tier::OffPeak,
            "PROVISIONED_THROUGHPUT" => Tier::Provisioned,
            _ => Tier::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RequestedTier as Requested;
    use super::*;
    use serde_json::json;

    const TIMEOUT: Duration = Duration::from_secs(60);
    const FLEX: TierChoice = TierChoice::Flex { wait: Duration::from_secs(50) };

    fn round(remaining: u64) -> Round {
        Round {
            begun: Instant::now(),
            is_last: false,
            deadline: Deadline::after(Duration::from_secs(remaining)),
            kept_back: Duration::from_secs(25),
        }
    }

    fn seconds(service: Service) -> (Requested, u64) {
        (service.tier, service.timeout.as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn flex_is_tried_until_the_wait_is_over() {
        let round = round(1_000);
        assert_eq!(seconds(FLEX.service(&round, TIMEOUT)), (Requested::Flex, 50));
        tokio::time::advance(Duration::from_secs(38)).await;
        assert_eq!(seconds(FLEX.service(&round, TIMEOUT)), (Requested::Flex, 12));
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!(seconds(FLEX.service(&round, TIMEOUT)), (Requested::Standard, 60));
    }

    #[tokio::test(start_paused = true)]
    async fn a_standard_call_still_fits_behind_every_flex_call() {
        assert_eq!(seconds(FLEX.service(&round(120), TIMEOUT)), (Requested::Flex, 35));
        assert_eq!(seconds(FLEX.service(&round(94), TIMEOUT)), (Requested::Standard, 60));
        assert_eq!(seconds(FLEX.service(&round(5), TIMEOUT)), (Requested::Standard, 60));
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_round_is_standard_and_so_is_every_round_without_flex() {
        let last = Round { is_last: true, ..round(1_000) };
        assert_eq!(FLEX.service(&last, TIMEOUT).tier, Requested::Standard);
        assert_eq!(TierChoice::Standard.service(&round(1_000), TIMEOUT).tier, Requested::Standard);
    }

    #[test]
    fn the_tier_that_served_is_what_the_answer_says() {
        let tier = |reported: Value, asked| ReportedTier::of(&reported).tier(asked);
        for (said, asked, served) in [
            (json!({"serviceTier": "standard"}), Requested::Flex, Tier::Standard),
            (json!({"serviceTier": "flex"}), Requested::Flex, Tier::Flex),
            (json!({"serviceTier": "FLEX"}), Requested::Standard, Tier::Flex),
            (json!({"serviceTier": "priority"}), Requested::Standard, Tier::Priority),
            (json!({"trafficType": "ON_DEMAND"}), Requested::Flex, Tier::Standard),
            (json!({"trafficType": "ON_DEMAND_FLEX"}), Requested::Flex, Tier::Flex),
            (json!({"trafficType": "ON_DEMAND_PRIORITY"}), Requested::Standard, Tier::Priority),
            (json!({"trafficType": "ON_DEMAND_OFFPEAK"}), Requested::Standard, Tier::OffPeak),
            (
                json!({"trafficType": "PROVISIONED_THROUGHPUT"}),
                Requested::Standard,
                Tier::Provisioned,
            ),
            (json!({"service_tier": "standard"}), Requested::Flex, Tier::Standard),
            (json!({"traffic_type": "ON_DEMAND"}), Requested::Flex, Tier::Standard),
            (
                json!({"serviceTier": "", "trafficType": "ON_DEMAND"}),
                Requested::Flex,
                Tier::Standard,
            ),
            (json!({"serviceTier": "SERVICE_TIER_STANDARD"}), Requested::Flex, Tier::Standard),
            (json!({"trafficType": "TRAFFIC_TYPE_UNSPECIFIED"}), Requested::Flex, Tier::Flex),
            (json!({"serviceTier": 7, "trafficType": null}), Requested::Flex, Tier::Flex),
            (json!({"serviceTier": "of_next_year"}), Requested::Flex, Tier::Unknown),
            (json!({"serviceTier": "unspecified"}), Requested::Standard, Tier::Standard),
            (json!({}), Requested::Flex, Tier::Flex),
            (json!({}), Requested::Standard, Tier::Standard),
        ] {
            assert_eq!(tier(said.clone(), asked), served, "{said} {asked:?}");
        }
    }
}
