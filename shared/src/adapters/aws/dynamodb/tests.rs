use super::super::lambda::aws_for_tests;
use super::*;
use crate::adapters::actions;
use crate::adapters::loopback::{Loopback, Reply};
use crate::core::limits::MAX_EVENT_BYTES;
use serde_json::{Value, json};

pub(super) fn run() -> RunId {
    "261014-133000-Guy-Wilson".parse().unwrap()
}

fn event(id: &str) -> StoredEvent {
    StoredEvent { id: id.to_owned(), body: "{}".to_owned() }
}

fn projection(open: bool) -> Projection {
    Projection {
        events: 2,
        at: "2026-10-14T13:31:00.5Z".parse().unwrap(),
        record: "recX8s1pPiBf5rqTz".parse().unwrap(),
        open,
        appends: 3,
        shown: "as written".to_owned(),
        urgent: true,
    }
}

fn state_item() -> Value {
    json!({
        "pk": {"S": run().as_str()}, "sk": {"S": "M"}, "open": {"S": "y"},
        "shown_events": {"N": "2"}, "written_at": {"S": "2026-10-14T13:31:00.5Z"},
        "record": {"S": "recX8s1pPiBf5rqTz"}, "can_change": {"BOOL": true}, "appends": {"N": "4"},
        "shown": {"S": "as written"}, "shown_appends": {"N": "3"}, "urgent": {"BOOL": true},
    })
}

fn event_item(id: &str, body: &str) -> Value {
    json!({"pk": {"S": run().as_str()}, "sk": {"S": format!("E#{id}")}, "body": {"S": body}})
}

pub(super) async fn log_answered(replies: &[Value]) -> (DynamoEventLog, Loopback) {
    log_replied(replies.iter().map(|body| Reply::json(&body.to_string())).collect()).await
}

pub(super) async fn log_replied(replies: Vec<Reply>) -> (DynamoEventLog, Loopback) {
    let server = Loopback::serving(replies).await;
    (DynamoEventLog::new(aws_for_tests(&server.origin).dynamodb(), "runs".to_owned()), server)
}

fn written(body: &Value) -> Vec<&Value> {
    let writes = body["RequestItems"]["runs"].as_array().unwrap();
    writes.iter().map(|write| &write["PutRequest"]["Item"]["sk"]["S"]).collect()
}

#[tokio::test]
async fn a_run_is_marked_open_before_its_events_are_written_and_the_append_counted_after() {
    let (log, server) = log_answered(&[json!({})]).await;
    log.append(&run(), &[event("b"), event("a"), event("b")]).await.unwrap();
    let bodies = server.bodies();
    assert_eq!(bodies[0]["Key"], json!({"pk": {"S": run().as_str()}, "sk": {"S": "M"}}));
    assert_eq!(bodies[0]["UpdateExpression"], "SET #open = :yes REMOVE #finished");
    assert_eq!(written(&bodies[1]), ["E#a", "E#b"], "each once: DynamoDB refuses an item twice");
    let count = "SET #open = :yes REMOVE #finished ADD #appends :one";
    assert_eq!(bodies[2]["UpdateExpression"], count);
    assert_eq!(bodies.len(), 3);
}

#[tokio::test]
async fn events_are_written_25_at_a_time_and_what_was_not_taken_again() {
    let left = json!({"UnprocessedItems": {"runs": [
        {"PutRequest": {"Item": event_item("e00", "{}")}}
    ]}});
    let (log, server) = log_answered(&[json!({}), left, json!({})]).await;
    let events: Vec<_> = (0..26).map(|number| event(&format!("e{number:02}"))).collect();
    log.append(&run(), &events).await.unwrap();
    let bodies = server.bodies();
    assert_eq!(written(&bodies[1]).len(), 25);
    assert_eq!(written(&bodies[2]), ["E#e00"]);
    assert_eq!(written(&bodies[3]), ["E#e25"]);
}

#[tokio::test]
async fn events_that_are_never_taken_are_an_error() {
    let left = json!({"UnprocessedItems": {"runs": [
        {"PutRequest": {"Item": event_item("a", "{}")}}
    ]}});
    let (log, server) = log_answered(&[json!({}), left]).await;
    let error = log.append(&run(), &[event("a")]).await.unwrap_err();
    assert_eq!(error.reason, "1 events were not accepted");
    assert_eq!(server.requests().len(), 6);
}

#[tokio::test]
async fn nothing_is_written_when_one_event_is_too_large() {
    let (log, server) = log_answered(&[json!({})]).await;
    let large = StoredEvent { id: "b".to_owned(), body: "x".repeat(MAX_EVENT_BYTES + 1) };
    log.append(&run(), &[event("a"), large]).await.unwrap_err();
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_run_is_read_page_by_page_consistently_and_its_state_first() {
    let first = json!({
        "Items": [state_item(), event_item("b", "2")],
        "LastEvaluatedKey": {"pk": {"S": run().as_str()}, "sk": {"S": "E#b"}},
    });
    let last = json!({"Items": [event_item("a", "1")]});
    let (log, server) = log_answered(&[first, last]).await;
    let read = log.read(&run()).await.unwrap();
    assert_eq!(read.events, ["1", "2"]);
    assert_eq!(read.projection, Some(projection(true)));
    assert_eq!(server.bodies()[0]["ConsistentRead"], true);
    assert_eq!(server.bodies()[0]["ScanIndexForward"], false);
    assert_eq!(server.bodies()[1]["ExclusiveStartKey"]["sk"]["S"], "E#b");
}

#[tokio::test]
async fn an_item_of_an_earlier_release_is_read_and_is_urgent_when_its_run_has_ended() {
    let mut open = state_item();
    open.as_object_mut().unwrap().remove("urgent");
    let mut ended = open.clone();
    ended["can_change"] = json!({"BOOL": false});
    let (log, _server) = log_answered(&[json!({"Item": open}), json!({"Item": ended})]).await;
    for is_urgent in [false, true] {
        let known = log.log_head(&run()).await.unwrap().projection.unwrap();
        assert!(!known.urgent);
        assert_eq!(known.is_urgent(), is_urgent);
    }
}

#[tokio::test]
async fn a_run_that_was_only_opened_has_no_projection() {
    let opened = json!({"pk": {"S": run().as_str()}, "sk": {"S": "M"}, "open": {"S": "y"}});
    let (log, server) =
        log_answered(&[json!({"Item": opened}), json!({}), json!({"Item": state_item()})]).await;
    let [opened, never, written] =
        [log.log_head(&run()).await, log.log_head(&run()).await, log.log_head(&run()).await]
            .map(Result::unwrap);
    assert_eq!(opened, LogHead::default());
    assert_eq!(never, LogHead::default(), "a run never heard of");
    assert_eq!(written.projection, Some(projection(true)));
    assert_eq!(server.bodies()[0]["ConsistentRead"], true);
}

#[tokio::test]
async fn a_saved_projection_closes_the_run_when_it_can_not_change_any_more() {
    let (log, server) = log_answered(&[json!({})]).await;
    log.save_projection(&run(), &projection(true)).await.unwrap();
    log.save_projection(&run(), &projection(false)).await.unwrap();
    let [open, closed] = &server.bodies()[..] else { panic!("two requests") };
    let set = "SET #events = :events, #at = :at, #record = :record, #change = :change, \
               #shown = :shown, #shown_appends = :appends, #urgent = :urgent";
    assert_eq!(open["UpdateExpression"], format!("{set}, #open = :yes REMOVE #finished"));
    assert_eq!(closed["UpdateExpression"], format!("{set}, #finished = :yes REMOVE #open"));
    let newer = "(attribute_not_exists(#events) OR #events <= :events)";
    assert_eq!(open["ConditionExpression"], newer);
    assert_eq!(
        closed["ConditionExpression"],
        format!("{newer} AND (attribute_not_exists(#appends) OR #appends = :appends)")
    );
    assert_eq!(
        closed["ExpressionAttributeValues"],
        json!({":events": {"N": "2"}, ":at": {"S": "2026-10-14T13:31:00.5Z"},
            ":record": {"S": "recX8s1pPiBf5rqTz"}, ":change": {"BOOL": false},
            ":shown": {"S": "as written"}, ":appends": {"N": "3"}, ":urgent": {"BOOL": true},
            ":yes": {"S": "y"}})
    );
}

#[tokio::test]
async fn a_run_that_was_appended_to_meanwhile_is_saved_and_stays_open() {
    let failed = Reply::refusal("ConditionalCheckFailedException", "no");
    let (log, server) = log_replied(vec![failed, Reply::json("{}")]).await;
    log.save_projection(&run(), &projection(false)).await.unwrap();
    let [closing, open] = &server.bodies()[..] else { panic!("two requests") };
    assert!(closing["UpdateExpression"].as_str().unwrap().ends_with("REMOVE #open"));
    assert!(open["UpdateExpression"].as_str().unwrap().ends_with("#open = :yes REMOVE #finished"));
}

#[tokio::test]
async fn the_finished_runs_are_read_by_age() {
    let mut item = state_item();
    item["can_change"] = json!({"BOOL": false});
    let (log, server) = log_answered(&[json!({"Items": [item]})]).await;
    let since = "2026-10-07T00:00:00Z".parse().unwrap();
    assert_eq!(log.finished_runs(since).await.unwrap(), [(run(), projection(false))]);
    let body = &server.bodies()[0];
    assert_eq!(body["IndexName"], "finished-runs");
    assert_eq!(body["ExpressionAttributeValues"][":since"]["S"], "2026-10-07T00:00:00Z");
}

#[tokio::test]
async fn a_harvest_that_was_heard_of_has_an_item() {
    let ids = ["HG7ML7M8z78YcAPEB", "uPBN9qaKd2iLs5naZ"].map(HarvestKey::of);
    let key = |id: &str| json!({"pk": {"S": format!("apify#{id}")}, "sk": {"S": "H"}});
    let left = json!({"Responses": {"runs": []}, "UnprocessedKeys": {"runs": {
        "Keys": [key("uPBN9qaKd2iLs5naZ")]
    }}});
    let found = json!({"Responses": {"runs": [key("uPBN9qaKd2iLs5naZ")]}, "UnprocessedKeys": {}});
    let (log, server) = log_answered(&[json!({}), left, found]).await;
    log.hear(&ids).await.unwrap();
    assert_eq!(log.heard(&ids).await.unwrap().into_iter().collect::<Vec<_>>(), ids[1..]);
    let bodies = server.bodies();
    let put = &bodies[0]["RequestItems"]["runs"][0]["PutRequest"]["Item"];
    assert_eq!(*put, key("HG7ML7M8z78YcAPEB"));
    assert_eq!(bodies[1]["RequestItems"]["runs"]["Keys"].as_array().unwrap().len(), 2);
    assert_eq!(bodies[2]["RequestItems"]["runs"]["Keys"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_open_runs_are_those_in_the_index() {
    let answer = json!({"Items": [{"pk": {"S": run().as_str()}, "open": {"S": "y"}}]});
    let (log, server) = log_answered(&[answer]).await;
    assert_eq!(log.open_runs().await.unwrap(), [run()]);
    assert_eq!(server.bodies()[0]["IndexName"], "open-runs");
}

#[tokio::test]
async fn the_cost_of_a_harvest_is_asked_for_and_given_in_one_request() {
    let first = "261014-133000-Ada-Park";
    let answer = json!({"Attributes": {"cost_of": {"S": first}}});
    let (log, server) = log_answered(&[answer]).await;
    let harvest = "HG7ML7M8z78YcAPEB".parse().unwrap();
    assert_eq!(log.claim_cost(&harvest, &run()).await.unwrap().as_str(), first);
    let asked = &server.bodies()[0];
    assert_eq!(asked["UpdateExpression"], "SET #run = if_not_exists(#run, :run)");
    assert_eq!(asked["ExpressionAttributeValues"][":run"]["S"], run().as_str());
    assert_eq!(asked["ReturnValues"], "ALL_NEW", "the run that has it, which may be another");
}

#[tokio::test]
async fn an_error_of_dynamodb_is_told_in_its_words() {
    let refusal = Reply::refusal("ResourceNotFoundException", "no table");
    let (log, _server) = log_replied(vec![refusal]).await;
    assert_eq!(
        log.read(&run()).await.unwrap_err().to_string(),
        "the event log is not reachable: ResourceNotFoundException: no table"
    );
}

#[tokio::test]
async fn the_log_does_what_its_policy_allows_and_nothing_else() {
    let (log, server) = log_answered(&[json!({})]).await;
    log.append(&run(), &[event("a")]).await.unwrap();
    log.read(&run()).await.unwrap();
    log.log_head(&run()).await.unwrap();
    log.save_projection(&run(), &projection(true)).await.unwrap();
    let harvests = [HarvestKey::of("uPBN9qaKd2iLs5naZ")];
    log.hear(&harvests).await.unwrap();
    log.heard(&harvests).await.unwrap();
    let (index, of_index) = log_answered(&[json!({})]).await;
    index.open_runs().await.unwrap();
    index.finished_runs(jiff::Timestamp::UNIX_EPOCH).await.unwrap();
    assert_eq!(server.operations(), operations(actions::EVENT_LOG));
    assert_eq!(of_index.operations(), operations(actions::EVENT_LOG_INDEX));
}

fn operations(actions: &[&str]) -> Vec<String> {
    actions.iter().map(|action| action["dynamodb:".len()..].to_lowercase()).collect()
}

#[tokio::test]
async fn with_a_retention_events_say_when_they_go_and_the_run_when_the_first_of_them_does() {
    let (log, server) = log_answered(&[json!({})]).await;
    let now: Timestamp = "2026-10-14T13:31:00Z".parse().unwrap();
    let log = DynamoEventLog { clock: Clock::showing(move || now), ..log };
    let log = log.forgetting_after(Some(SignedDuration::from_hours(24 * 400)));
    log.append(&run(), &[event("a")]).await.unwrap();
    let gone = (now.as_second() + 400 * 86_400).to_string();
    let bodies = server.bodies();
    let item = &bodies[1]["RequestItems"]["runs"][0]["PutRequest"]["Item"];
    assert_eq!(item["expires_at"]["N"], gone);
    let counted = bodies[2]["UpdateExpression"].as_str().unwrap();
    assert!(counted.contains("#forgets = if_not_exists(#forgets, :expires)"), "{counted}");
    assert_eq!(bodies[2]["ExpressionAttributeValues"][":expires"]["N"], gone);
    assert!(bodies[2]["Key"]["sk"]["S"] == "M" && !bodies[2].to_string().contains("expires_at"));
}

#[tokio::test]
async fn a_run_that_lost_events_is_not_read_as_if_it_were_whole() {
    let now: Timestamp = "2026-10-14T13:31:00Z".parse().unwrap();
    for (from, is_whole) in [(now.as_second() + 1, true), (now.as_second(), false)] {
        let mut state = state_item();
        state["forgets_from"] = json!({"N": from.to_string()});
        let (log, _server) = log_answered(&[json!({"Items": [state, event_item("b", "2")]})]).await;
        let log = DynamoEventLog { clock: Clock::showing(move || now), ..log };
        let read = log.read(&run()).await;
        assert_eq!(read.is_ok(), is_whole, "{read:?}");
    }
}

#[tokio::test]
async fn an_item_that_cannot_be_read_keeps_nobody_from_looking_at_the_others() {
    let mut odd = state_item();
    odd["pk"] = json!({"S": "of tomorrow"});
    let mut newer = state_item();
    newer["shown_events"] = json!({"S": "many"});
    let (log, _server) = log_answered(&[json!({"Items": [odd, newer, state_item()]})]).await;
    let finished = log.finished_runs(Timestamp::UNIX_EPOCH).await.unwrap();
    assert_eq!(finished.iter().map(|(run, _)| run).collect::<Vec<_>>(), [&run()]);
    let (log, _server) = log_answered(&[json!({"Items": [odd, state_item()]})]).await;
    assert_eq!(log.open_runs().await, Ok(vec![run()]));
}
