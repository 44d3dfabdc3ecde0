//! Reports facts about a run to the metrics finalizer.

use jiff::Timestamp;
use shared::core::clock::Clock;
use shared::core::failure::Failure;
use shared::core::ids::{BaseId, PostKey};
use shared::core::limits::MAX_EVENT_BYTES;
use shared::messages::{
    Fact, LeadOutcome, MetricsEvent, Note, NoteKind, RunHeader, Settled, routes,
};
use shared::ports::{Queue, QueueName};

pub(crate) struct Reporter<'a, Q> {
    pub(crate) queue: &'a Q,
    pub(crate) clock: &'a Clock,
    /// The base with the run records. Its events are one message group.
    pub(crate) record_base: &'a BaseId,
    pub(crate) run: &'a RunHeader,
}

impl<Q: Queue> Reporter<'_, Q> {
    /// Reports facts in order. Returns once the queue has all of them.
    ///
    /// A `Planned` fact is sent last, when the queue has the others, because the queue may accept
    /// only some of the messages that are sent together. If planning died at that moment, a plan
    /// without the facts about its chunks would never be done.
    pub(crate) async fn report(&self, facts: Vec<Fact>) -> Result<(), Failure> {
        self.report_at(self.clock.now(), facts).await
    }

    /// Like [`Self::report`], but with a time from the past. A fact that is reported again with the
    /// same time is the same event.
    pub(crate) async fn report_at(&self, at: Timestamp, facts: Vec<Fact>) -> Result<(), Failure> {
        for fact in &facts {
            log_failure(fact);
        }
        let (plans, others): (Vec<Fact>, Vec<Fact>) =
            facts.into_iter().partition(|fact| matches!(fact, Fact::Planned(_)));
        for facts in [others, plans] {
            if !facts.is_empty() {
                self.send(at, facts).await?;
            }
        }
        Ok(())
    }

    /// If the task waits because of a denial, reports that on the record, because a person may have
    /// to act. Returns the failure with which the task waits.
    pub(crate) async fn waits(&self, failure: Failure) -> Failure {
        if failure.is_denial { self.says_why(failure).await } else { failure }
    }

    /// Reports on the record why a task waits. Returns the failure with which it waits.
    pub(crate) async fn says_why(&self, failure: Failure) -> Failure {
        let note = told_note(format!("{}{failure}", Note::HAD_TO_WAIT));
        self.report(vec![note]).await.err().unwrap_or(failure)
    }

    async fn send(&self, at: Timestamp, facts: Vec<Fact>) -> Result<(), Failure> {
        let messages = facts
            .into_iter()
            .flat_map(|fact| split_to_fit(MetricsEvent { run: self.run.clone(), at, fact }))
            .map(|event| routes::event(&event, self.record_base))
            .collect();
        self.queue.send(QueueName::Metrics, messages).await.map_err(Failure::retry)
    }
}

/// Logs a permanent failure. If a person invokes the function by hand, they see no facts, and the
/// message is done.
fn log_failure(fact: &Fact) {
    if let Fact::RunFailed(failed) = fact {
        let harvest = failed.apify_run.as_ref().map(tracing::field::display);
        tracing::warn!(reason = failed.reason, apify.run_id = harvest, "the run failed");
    }
    if let Fact::ChunkFailed(failed) = fact {
        tracing::warn!(reason = failed.reason, "the chunk failed");
    }
}

/// A note for the run's record about input that was not used as given. A person has to look at it.
pub(crate) fn input_note(text: String) -> Fact {
    Fact::Noted(Note { kind: NoteKind::Input, text, needs_action: true })
}

/// A note for the run's record that needs no action.
pub(crate) fn told_note(text: String) -> Fact {
    Fact::Noted(Note { kind: NoteKind::Input, text, needs_action: false })
}

/// Splits an event that is too long for the event log. Leads with thousands of posts can make
/// outcomes that long. They may be reported in any number of parts.
fn split_to_fit(event: MetricsEvent) -> Vec<MetricsEvent> {
    let Fact::Settled(settled) = &event.fact else { return vec![event] };
    if event.encode().len() <= MAX_EVENT_BYTES {
        return vec![event];
    }
    let Some(halves) = halves(&settled.leads) else { return vec![event] };
    halves
        .into_iter()
        .flat_map(|leads| {
            let settled = Settled { leads, ..settled.clone() };
            split_to_fit(MetricsEvent { fact: Fact::Settled(settled), ..event.clone() })
        })
        .collect()
}

/// The outcomes in two parts; `None` if they cannot be divided. A single lead is divided by its
/// posts, and both parts contain its outcome.
fn halves(leads: &[LeadOutcome]) -> Option<[Vec<LeadOutcome>; 2]> {
    match leads {
        [] => None,
        [lead] => {
            let posts = [&lead.examined, &lead.scored, &lead.left_out];
            if posts.iter().all(|posts| posts.len() < 2) {
                return None;
            }
            let halves = posts.map(|posts| posts.split_at(posts.len() / 2));
            let part = |[examined, scored, left_out]: [&[PostKey]; 3]| LeadOutcome {
                examined: examined.to_vec(),
                scored: scored.to_vec(),
                left_out: left_out.to_vec(),
                ..lead.clone()
            };
            let [first, second] = [halves.map(|half| half.0), halves.map(|half| half.1)];
            Some([vec![part(first)], vec![part(second)]])
        }
        leads => {
            let (first, second) = leads.split_at(leads.len() / 2);
            Some([first.to_vec(), second.to_vec()])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::run_header;
    use shared::core::digest::{id_of, short_id_of};
    use shared::fold::RunState;
    use shared::messages::{AttemptRef, Kind, Outcome};

    /// A wave that settles `leads` leads with `posts` posts each.
    fn settled(leads: usize, posts: usize) -> MetricsEvent {
        let at = "2026-11-23T10:00:00Z".parse().unwrap();
        let lead = |n: usize| {
            let n = n.to_string();
            let key = |post: usize| short_id_of(&["post", &n, &post.to_string()]);
            let keys: Vec<PostKey> = (0..posts).map(|post| key(post).try_into().unwrap()).collect();
            LeadOutcome {
                lead: short_id_of(&["lead", &n]).try_into().unwrap(),
                record: None,
                outcome: Outcome::Scored,
                examined: keys.clone(),
                left_out: keys.clone(),
                scored: keys,
            }
        };
        let attempt = AttemptRef {
            plan: id_of(&["plan"]).try_into().unwrap(),
            chunk: 0,
            started_at: at,
            attempt: id_of(&["attempt"]).try_into().unwrap(),
        };
        let leads = (0..leads).map(lead).collect();
        let fact = Fact::Settled(Settled { attempt, kind: Kind::Post, wave: None, leads });
        MetricsEvent { run: run_header(), at, fact }
    }

    #[test]
    fn no_event_exceeds_the_event_logs_limit_and_its_parts_fold_to_the_same_state() {
        for (leads, posts) in [(10, 3_000), (1, 40_000), (3, 13_000)] {
            let whole = settled(leads, posts);
            let parts = split_to_fit(whole.clone());
            assert!(parts.len() > 1);
            for part in &parts {
                let bytes = part.encode().len();
                assert!(bytes <= MAX_EVENT_BYTES, "{bytes} bytes");
            }
            assert_eq!(RunState::fold(&parts), RunState::fold([&whole]));
            let ids: std::collections::BTreeSet<String> =
                parts.iter().map(|p| p.encode_with_id().0).collect();
            assert_eq!(ids.len(), parts.len());
        }
    }

    #[test]
    fn an_event_that_fits_is_one_event() {
        let event = settled(10, 100);
        assert_eq!(split_to_fit(event.clone()), [event]);
    }
}
