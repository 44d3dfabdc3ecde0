//! Reports facts about runs to the metrics finalizer.

use crate::Scoring;
use shared::core::failure::Failure;
use shared::core::limits::MAX_EVENT_BYTES;
use shared::messages::{Fact, LeadOutcome, MetricsEvent, RunHeader, Settled, routes};
use shared::ports::{Queue, QueueName, Transport};

/// Reports facts of a run, in their order, and that a plan is queued only when the queue has all
/// others: it may take any of the messages that it is sent together. Of a plan that is told without
/// what is in its chunks nobody could say when it is done, if planning dies then and begins anew
/// with another plan. Returns only when the queue has all of them.
pub(crate) async fn report<T: Transport, Q: Queue>(
    app: &Scoring<T, Q>,
    run: &RunHeader,
    facts: Vec<Fact>,
) -> Result<(), Failure> {
    let (plans, others): (Vec<Fact>, Vec<Fact>) =
        facts.into_iter().partition(|fact| matches!(fact, Fact::Planned(_)));
    for facts in [others, plans] {
        if !facts.is_empty() {
            send(app, run, facts).await?;
        }
    }
    Ok(())
}

async fn send<T: Transport, Q: Queue>(
    app: &Scoring<T, Q>,
    run: &RunHeader,
    facts: Vec<Fact>,
) -> Result<(), Failure> {
    let at = app.clock.now();
    let master = &app.config.airtable.master_base;
    let messages = facts
        .into_iter()
        .flat_map(|fact| fitting(MetricsEvent { run: run.clone(), at, fact }))
        .map(|event| routes::event(&event, master))
        .collect();
    app.queue.send(QueueName::Metrics, messages).await.map_err(Failure::retry)
}

/// The event, in as many parts as the event log needs to take it. What became of leads can be
/// told in any number of parts; leads with thousands of posts make it long.
fn fitting(event: MetricsEvent) -> Vec<MetricsEvent> {
    let Fact::Settled(settled) = &event.fact else { return vec![event] };
    if event.encode().len() <= MAX_EVENT_BYTES {
        return vec![event];
    }
    let Some(halves) = halves(&settled.leads) else { return vec![event] };
    halves
        .into_iter()
        .flat_map(|leads| {
            let settled = Settled { leads, ..settled.clone() };
            fitting(MetricsEvent { fact: Fact::Settled(settled), ..event.clone() })
        })
        .collect()
}

/// The outcomes in two parts; `None` when there is nothing to divide. A single lead is divided by
/// its posts: both parts tell its outcome.
fn halves(leads: &[LeadOutcome]) -> Option<[Vec<LeadOutcome>; 2]> {
    match leads {
        [] => None,
        [lead] => {
            let (examined, more_examined) = lead.examined.split_at(lead.examined.len() / 2);
            let (scored, more_scored) = lead.scored.split_at(lead.scored.len() / 2);
            if lead.examined.len().max(lead.scored.len()) < 2 {
                return None;
            }
            let part = |examined: &[_], scored: &[_]| LeadOutcome {
                examined: examined.to_vec(),
                scored: scored.to_vec(),
                ..lead.clone()
            };
            Some([vec![part(examined, scored)], vec![part(more_examined, more_scored)]])
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
    use shared::core::digest::{id_of, short_id_of};
    use shared::core::ids::PostKey;
    use shared::fold::RunState;
    use shared::messages::{AttemptRef, Kind, Outcome, RunType};

    /// A wave that settles leads with so many posts each.
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
        let run = RunHeader {
            run_stamp: "261123-100000".parse().unwrap(),
            client: "Guy-Wilson".parse().unwrap(),
            client_name: "Guy Wilson".to_owned(),
            run_type: RunType::Standalone,
            opened_at: at,
        };
        let fact = Fact::Settled(Settled { attempt, kind: Kind::Post, leads });
        MetricsEvent { run, at, fact }
    }

    #[test]
    fn no_event_is_longer_than_the_event_log_takes_and_the_parts_tell_the_same() {
        for (leads, posts) in [(10, 3_000), (1, 40_000), (3, 13_000)] {
            let whole = settled(leads, posts);
            let parts = fitting(whole.clone());
            assert!(parts.len() > 1);
            for part in &parts {
                let bytes = part.encode().len();
                assert!(bytes <= MAX_EVENT_BYTES, "{bytes} bytes");
            }
            assert_eq!(RunState::fold(&parts), RunState::fold([&whole]));
            let ids: std::collections::BTreeSet<String> = parts.iter().map(|p| p.id()).collect();
            assert_eq!(ids.len(), parts.len());
        }
    }

    #[test]
    fn an_event_that_fits_is_one_event() {
        let event = settled(10, 100);
        assert_eq!(fitting(event.clone()), [event]);
    }
}
