//! Whatever a model answers, only the leads in the call get scores.

use super::*;
use crate::gemini::Finish;
use crate::posts::stored::read_posts;
use crate::testing::chunk;

/// A lead with one post per text.
fn subject(texts: &[&str]) -> Subject {
    let posts: Vec<Value> = texts
        .iter()
        .map(|text| json!({"postUrl": format!("https://l/{text}"), "postContent": text}))
        .collect();
    Subject::Posts(read_posts(&json!(posts).to_string()).unwrap().posts)
}

fn call(wave: u32, leads: &[Subject]) -> CallPrompt {
    let attempt = "AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap();
    let id = CallId { attempt: &attempt, wave, round: 0, call: 0, cut_offs: 0 };
    let questions: Vec<Question<'_>> =
        leads.iter().map(|subject| Question { subject, profile: None }).collect();
    let chunk = chunk();
    PromptTemplate::of_chunk(&chunk, 4_096).write_call(&id, &questions.iter().collect::<Vec<_>>())
}

/// What an answer says about each lead: its scores, or why it has none.
fn read(answer: &Value, call: &CallPrompt) -> Result<Vec<String>, String> {
    let chunk = chunk();
    let template = PromptTemplate::of_chunk(&chunk, 4_096);
    let leads = template.read_answer(&answer.to_string(), call, &Finish::Stop)?;
    let told = leads.into_iter().map(|lead| match lead {
        Ok(Answer::Posts(scored)) => {
            format!("{:?}", scored.iter().map(|s| (s.index, s.score)).collect::<Vec<_>>())
        }
        Ok(Answer::Profile(_)) => "a profile".to_owned(),
        Err(reason) => reason,
    });
    Ok(told.collect())
}

fn score(id: &str, score: u8) -> Value {
    json!({"post_id": id, "post_score": score, "scoring_rationale": "r"})
}

#[test]
fn every_post_of_a_call_has_an_id_of_its_own_and_no_call_shares_one() {
    let leads = [subject(&["a", "b"]), subject(&["a"])];
    let (one, two) = (call(0, &leads), call(1, &leads));
    let ids = |call: &CallPrompt| call.ids.concat();
    let mut all = [ids(&one), ids(&two)].concat();
    assert_eq!(all.len(), 6);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 6);
    assert!(!one.user.contains("https://l/"), "URLs are no ids");
    assert_eq!(one.weights.len(), 2);
}

#[test]
fn the_order_of_answers_means_nothing() {
    let call = call(0, &[subject(&["a", "b"]), subject(&["c"])]);
    let [a, b] = [&call.ids[0][0], &call.ids[0][1]];
    let c = &call.ids[1][0];
    let answer = json!([score(c, 3), score(b, 2), score(a, 1)]);
    assert_eq!(read(&answer, &call).unwrap(), ["[(1, 2), (0, 1)]", "[(0, 3)]"]);
}

#[test]
fn a_lead_that_is_left_out_is_missing_and_the_other_is_not() {
    let call = call(0, &[subject(&["a"]), subject(&["b"])]);
    let told = read(&json!([score(&call.ids[1][0], 9)]), &call).unwrap();
    assert!(told[0].contains("no valid score"));
    assert_eq!(told[1], "[(0, 9)]");
}

#[test]
fn answers_for_ids_that_were_not_given_are_dropped() {
    let call = call(0, &[subject(&["a"])]);
    let stale = self::call(7, &[subject(&["a"])]);
    let own = &call.ids[0][0];
    let strangers = [&stale.ids[0][0], "", "1", "https://l/a", &format!("{own}1"), &own[1..]];
    let mut answer: Vec<Value> = strangers.iter().map(|id| score(id, 99)).collect();
    answer.push(json!({"post_id": [own], "post_score": 99}));
    answer.push(json!({"post_id": {"post_id": own}, "post_score": 99}));
    answer.push(score(own, 5));
    assert_eq!(read(&json!(answer), &call).unwrap(), ["[(0, 5)]"]);
}

#[test]
fn an_id_counts_however_the_model_writes_it() {
    let call = call(0, &[subject(&["a"])]);
    let own = &call.ids[0][0];
    for written in
        [own.to_uppercase(), format!(" {own}\n"), format!("`{own}`"), own.replace('-', "\u{2011}")]
    {
        assert_eq!(read(&json!([score(&written, 5)]), &call).unwrap(), ["[(0, 5)]"], "{written}");
    }
    let other_names = json!([{"postId": own, "Post Score": "5%", "scoringRationale": "r"}]);
    assert_eq!(read(&other_names, &call).unwrap(), ["[(0, 5)]"]);
}

#[test]
fn a_second_score_for_a_post_makes_its_lead_missing_and_no_other() {
    let call = call(0, &[subject(&["a"]), subject(&["b"])]);
    let answer = json!([
        score(&call.ids[0][0], 10),
        score(&call.ids[1][0], 50),
        score(&call.ids[0][0], 100)
    ]);
    let told = read(&answer, &call).unwrap();
    assert!(told[0].contains("gives one post two different scores"));
    assert_eq!(told[1], "[(0, 50)]");
}

#[test]
fn what_names_no_post_that_was_asked_about_is_no_answer() {
    let call = call(0, &[subject(&["a"])]);
    for answer in [json!({"post_id": "a", "post_score": 9}), json!("x"), json!(null), json!([])] {
        assert!(read(&answer, &call).is_err(), "{answer}");
    }
    let chunk = chunk();
    let template = PromptTemplate::of_chunk(&chunk, 4_096);
    assert!(template.read_answer("I rate them 70.", &call, &Finish::Stop).is_err());
}

#[test]
fn of_an_answer_that_did_not_end_by_itself_the_leads_count_that_are_whole() {
    let call = call(0, &[subject(&["a"]), subject(&["b", "c"])]);
    let [a, b, c] = [&call.ids[0][0], &call.ids[1][0], &call.ids[1][1]];
    let chunk = chunk();
    let template = PromptTemplate::of_chunk(&chunk, 4_096);
    let used = |text: &str, finish| {
        let of_leads = template.read_answer(text, &call, &finish);
        of_leads.map(|leads| leads.iter().map(Result::is_ok).collect::<Vec<_>>())
    };
    let whole = json!([score(a, 1), score(b, 2), score(c, 3)]).to_string();
    let one_missing = json!([score(a, 1), score(b, 2)]).to_string();
    let one_wrong = json!([score(a, 1), score(b, 101), score(c, 101)]).to_string();
    let other = json!([score(b, 2)]).to_string();
    for finish in [Finish::Unsaid, Finish::CutOff] {
        let used = |text: &str| used(text, finish.clone());
        assert_eq!(used(&whole), Ok(vec![true, true]));
        assert_eq!(used(&one_missing), Ok(vec![true, false]));
        assert_eq!(used(&one_wrong), Ok(vec![true, false]));
        assert!(used(&other).is_err(), "no lead is whole");
    }
    let cut = |from: &str| whole.split_once(from).unwrap().0.to_owned();
    for finish in [Finish::Stop, Finish::Unsaid, Finish::CutOff] {
        let used = |text: &str| used(text, finish.clone());
        assert_eq!(used(&cut(c)), Ok(vec![true, false]), "of the second a post is missing");
        assert!(used(&cut(b)).is_ok() && used(&cut(a)).is_err());
    }
}

#[test]
fn the_room_for_an_answer_is_for_thoughts_too_and_grows_with_each_cut_off() {
    let attempt = "AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap();
    let subject = subject(&["a"]);
    let question = Question { subject: &subject, profile: None };
    let room = |thinking_room, cut_offs| {
        let id = CallId { attempt: &attempt, wave: 0, round: 0, call: 0, cut_offs };
        let chunk = chunk();
        let template = PromptTemplate::of_chunk(&chunk, thinking_room);
        template.write_call(&id, &[&question]).max_output_tokens
    };
    assert_eq!([0, 1, 2, 9].map(|cut_offs| room(4_096, cut_offs)), [4_496, 17_984, 65_536, 65_536]);
    assert_eq!(room(32_768, 0), 33_168);
}
