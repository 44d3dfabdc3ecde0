//! Events in any order, any number of times.

use super::missing::another_plan_told;
use super::*;

fn eventful() -> Vec<MetricsEvent> {
    let (died, lived, late) = (attempt(0, 3), attempt(0, 4), attempt(1, 5));
    finished()
        .opened()
        .tell(run_failed(Some(harvest_id()), "base denied"))
        .harvested(HarvestStatus::Succeeded, 9, true)
        .announced(&died, 3)
        .announced(&lived, 2)
        .billed(&lived, &[answered(70), CallOutcome::Lost])
        .settled(&lived, &[(1, blocked()), (2, SCORED), (5, Outcome::NotALead)])
        .tell(note(NoteKind::Record, "told"))
        .tell(note(NoteKind::Stalled, "told"))
        .done(&lived)
        .settled(&late, &[(3, blocked()), (4, SCORED)])
        .gave_up(&late, ErrorCategory::Airtable)
        .events
}

proptest! {
    #[test]
    fn any_order_and_any_repetition_of_events_give_the_same_state(
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..60),
        order in Just((0..eventful().len()).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let events = eventful();
        let told = RunState::fold(&events).unwrap();
        let mut shuffled: Vec<&MetricsEvent> = order.iter().map(|at| &events[*at]).collect();
        for pick in picks {
            let again = pick.get(&events);
            let place = pick.index(shuffled.len());
            shuffled.insert(place, again);
        }
        let state = RunState::fold(shuffled).unwrap();
        prop_assert_eq!(state.summary(), told.summary());
        prop_assert_eq!(state, told);
    }
}

#[test]
fn a_client_that_is_named_once_is_named_whatever_comes_first() {
    let told = finished().events;
    let mut nameless = told.clone();
    for event in &mut nameless {
        event.run.client_name.clear();
    }
    let name =
        |events: Vec<&MetricsEvent>| RunState::fold(events).unwrap().summary().header.client_name;
    assert_eq!(name(nameless.iter().chain(&told[..1]).collect()), "Guy Wilson");
    assert_eq!(name(told[..1].iter().chain(&nameless).collect()), "Guy Wilson");
}

#[test]
fn a_run_began_when_any_event_says_so_and_was_named_beforehand_if_any_says_so() {
    let told = finished().events;
    let mut early = told[1].clone();
    early.run.opened_at = start() - SignedDuration::from_mins(5);
    early.run.run_type = RunType::Orchestrated;
    for events in [[&[early.clone()], &told[..]].concat(), [&told[..], &[early]].concat()] {
        let summary = RunState::fold(&events).unwrap().summary();
        let began = start() - SignedDuration::from_mins(5);
        assert_eq!((summary.started_at, summary.header.opened_at), (began, began));
        assert_eq!(summary.header.run_type, RunType::Orchestrated);
    }
}

#[test]
fn a_plan_that_is_told_again_was_planned_the_first_time() {
    let again = finished().tell(another_plan_told()).tell(another_plan_told());
    assert_eq!(again.summary().planned, finished().tell(another_plan_told()).summary().planned);
}
