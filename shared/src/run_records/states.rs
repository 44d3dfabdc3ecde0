//! The states of a run whose texts are tested, each built from its events.

use crate::core::tokens::{NanoUsd, TokenUsage};
use crate::fold::story::{
    MODEL, Story, answered_with, attempt, harvest_id, lead, note, plan_id, post, run_failed,
    whole_plan,
};
use crate::messages::{
    Billed, BilledCall, CallOutcome, Counted, ErrorCategory, Fact, Halt, HarvestAccount,
    HarvestStatus, Harvested, Kind, LeadsTable, Note, NoteKind, OpenedBy, Outcome, Planned,
    Reading, Served, SkipReason, UnknownReason, UnusedReason,
};
use jiff::SignedDuration;

/// A run of a client, with half a minute between two events and one post per lead.
pub(super) fn run_of(client: &str) -> Story {
    let mut story = Story { posts: 1, names_rows: true, ..Story::new() };
    story.step = SignedDuration::from_secs(30);
    story.header.run_stamp = "261123-094519".parse().unwrap();
    story.header.client = client.parse().unwrap();
    if client != "Guy-Wilson" {
        story.header.client_name.clear();
    }
    story
}

/// A run with four leads planned in two chunks. The plan names the table of the leads.
pub(super) fn planned(status: HarvestStatus) -> Story {
    with_plan(run_of("Guy-Wilson").opened().harvested(status, 4, true), &[&[1, 2], &[3, 4]])
}

fn with_plan(story: Story, chunks: &[&[u32]]) -> Story {
    let mut story = story.planned(chunks);
    let count = u32::try_from(chunks.len()).unwrap();
    let planned =
        Planned { leads_table: Some(table()), ..whole_plan(plan_id(), Kind::Post, count) };
    story.events.last_mut().unwrap().fact = Fact::Planned(planned);
    story
}

fn table() -> LeadsTable {
    LeadsTable { base: "appClient00000001".parse().unwrap(), table: "tblLeads000000001".to_owned() }
}

fn failed(category: ErrorCategory, detail: &str) -> Outcome {
    Outcome::Failed { category, detail: detail.to_owned() }
}

fn skipped(reason: SkipReason) -> Outcome {
    Outcome::Skipped { reason }
}

fn usage() -> TokenUsage {
    TokenUsage { prompt: 1_000, output: 200, total: 1_200, ..TokenUsage::default() }
}

impl Story {
    /// A chunk whose two leads end with `ends`, each after an answered call.
    fn chunk(self, chunk: u32, ends: [Outcome; 2]) -> Self {
        let (attempt, first) = (attempt(chunk, 1), chunk * 2 + 1);
        let [one, other] = ends;
        self.announced(&attempt, 2)
            .billed(&attempt, &[answered_with(usage()), answered_with(usage())])
            .settled(&attempt, &[(first, one), (first + 1, other)])
            .done(&attempt)
    }

    pub(super) fn scored(self, chunk: u32) -> Self {
        self.chunk(chunk, [Outcome::Scored, Outcome::Scored])
    }

    /// A chunk without model calls.
    fn unasked(self, chunk: u32, ends: [Outcome; 2]) -> Self {
        let (attempt, first) = (attempt(chunk, 1), chunk * 2 + 1);
        let [one, other] = ends;
        self.settled(&attempt, &[(first, one), (first + 1, other)]).done(&attempt)
    }

    fn failed(self, reason: &str) -> Self {
        self.tell(run_failed(Some(harvest_id()), reason))
    }

    fn waited(self, reason: &str) -> Self {
        self.tell(note(NoteKind::Input, &format!("{}{reason}", Note::HAD_TO_WAIT)))
    }

    pub(super) fn asked_for(self, text: &str) -> Self {
        let (kind, text) = (NoteKind::Input, text.to_owned());
        self.tell(Fact::Noted(Note { kind, text, needs_action: true }))
    }

    /// Adds an account of items and targets to the reports of the harvest.
    fn account(mut self, account: HarvestAccount) -> Self {
        for event in &mut self.events {
            if let Fact::Harvested(harvested) = &mut event.fact {
                harvested.account = Some(account.clone());
            }
        }
        self
    }
}

/// The billed calls of an attempt's first round, with the reason why no further call is made.
fn halted(chunk: u32, category: ErrorCategory, detail: &str) -> Fact {
    let halt = Some(Halt { category, detail: detail.to_owned() });
    let calls = vec![BilledCall { call: 0, outcome: CallOutcome::Refused }];
    let (attempt, kind) = (attempt(chunk, 1), Kind::Post);
    Fact::Billed(Billed { attempt, kind, wave: 0, round: 0, calls, halt })
}

fn counted<R>(reason: R, count: u32, first: &[&str]) -> Counted<R> {
    Counted { reason, count, first: first.iter().map(|name| (*name).to_owned()).collect() }
}

/// Every state of a run, with the name of its snapshot.
pub(super) fn states() -> Vec<(&'static str, Story)> {
    let ended = || planned(HarvestStatus::Succeeded);
    let mut all = running();
    all.extend(completed());
    all.extend(of_odd_harvests());
    all.extend([
        ("completed_with_errors", with_errors()),
        ("completed_with_gaps", with_gaps()),
        ("nothing_scored_of_eight", nothing_of_eight()),
        ("harvest_gone", {
            let reason = "the dataset of Apify run HG7ML7M8z78YcAPEB is gone: Apify deletes \
                          unnamed datasets after some days; harvest again";
            let unread = counted(UnknownReason::NotRead, 4, &["/in/jane", "/in/max"]);
            let account =
                HarvestAccount { targets_unknown: vec![unread], ..HarvestAccount::default() };
            let story = run_of("Guy-Wilson").opened().harvested(HarvestStatus::Succeeded, 0, false);
            story.account(account).failed(reason)
        }),
        ("client_not_served", {
            let reason = "client \"Guy-Wilson\" has the status \"Paused\" and is not served: set \
                          \"Status\" to \"Active\"";
            run_of("Guy-Wilson").opened().failed(reason)
        }),
        ("client_not_served_after_its_harvest", {
            let reason = "client \"Guy-Wilson\" has the status \"Paused\" and is not served: set \
                          \"Status\" to \"Active\"";
            let account =
                HarvestAccount { items: 4, targets_with_posts: 4, ..HarvestAccount::default() };
            let story = run_of("Guy-Wilson").opened().harvested(HarvestStatus::Succeeded, 4, false);
            story.account(account).failed(reason)
        }),
        ("unattributed", {
            let reason = "neither the webhook nor the table \"Apify\" names a client for Apify run \
                          HG7ML7M8z78YcAPEB";
            run_of("(unattributed)").opened().failed(reason)
        }),
        ("stalled", {
            let mut story = ended().scored(0);
            story.now += SignedDuration::from_mins(31);
            story.tell(note(NoteKind::Stalled, "no progress for 31 minutes"))
        }),
        ("stalled_in_an_outage", {
            let mut story = ended().scored(0).waited("Airtable answers 503: it is overloaded");
            story.now += SignedDuration::from_mins(31);
            story.tell(note(NoteKind::Stalled, "no progress for 31 minutes"))
        }),
    ]);
    all
}

/// Runs that are not over.
fn running() -> Vec<(&'static str, Story)> {
    let ended = || planned(HarvestStatus::Succeeded);
    let depleted = "Your prepayment credits are depleted.";
    let expired = "API key expired. Please renew the API key.";
    vec![
        ("opened", run_of("Guy-Wilson").opened()),
        ("running", ended().scored(0)),
        ("running_asked_and_not_answered", ended().announced(&attempt(0, 1), 2)),
        (
            "waiting_for_apify",
            run_of("Guy-Wilson").opened().waited("Apify run HG7ML7M8z78YcAPEB is still running"),
        ),
        (
            "waiting_for_credit",
            ended().scored(0).announced(&attempt(1, 1), 1).tell(halted(
                1,
                ErrorCategory::NoCredit,
                depleted,
            )),
        ),
        (
            "waiting_for_a_key",
            ended().announced(&attempt(0, 1), 1).tell(halted(0, ErrorCategory::Auth, expired)),
        ),
    ]
}

/// Runs whose harvest brought nothing, nothing useful, or more posts than fit in the rows.
fn of_odd_harvests() -> Vec<(&'static str, Story)> {
    let nothing = |status| {
        let story = run_of("Guy-Wilson").opened().harvested(status, 0, true);
        story.tell(Fact::Planned(whole_plan(plan_id(), Kind::Post, 0)))
    };
    let account = HarvestAccount { items: 4, targets_with_posts: 4, ..HarvestAccount::default() };
    let given_up = planned(HarvestStatus::Succeeded).scored(0);
    vec![
        ("harvest_without_posts", nothing(HarvestStatus::Succeeded)),
        ("harvest_failed_without_posts", nothing(HarvestStatus::Failed)),
        (
            "harvest_of_no_lead",
            planned(HarvestStatus::Succeeded)
                .account(account)
                .unasked(0, [Outcome::NotALead, Outcome::NotALead])
                .unasked(1, [Outcome::NotALead, Outcome::NotALead]),
        ),
        ("chunk_given_up", given_up.gave_up(&attempt(1, 1), ErrorCategory::Airtable)),
        ("posts_left_out", left_out(planned(HarvestStatus::Succeeded).scored(0).scored(1))),
    ]
}

/// A post did not fit in the first lead's cell.
fn left_out(mut story: Story) -> Story {
    for event in &mut story.events {
        if let Fact::Settled(settled) = &mut event.fact
            && let Some(first) = settled.leads.iter_mut().find(|one| one.lead == lead(1))
        {
            first.left_out = vec![post(1, 9)];
        }
    }
    story
}

/// Runs that ended well.
fn completed() -> Vec<(&'static str, Story)> {
    let ended = || planned(HarvestStatus::Succeeded);
    let waiting = OpenedBy::ScoreWaiting { kind: Kind::Profile, plan: plan_id() };
    let nothing = Fact::Planned(whole_plan(plan_id(), Kind::Profile, 0));
    let repaired = "record recA was gone; created again as recB from the log: somebody deleted it";
    let retried = "Retry was ticked (2026-11-23 10:05:59 UTC): queued again: 2 leads";
    let lost = [answered_with(usage()), CallOutcome::Lost];
    vec![
        ("completed", ended().scored(0).scored(1)),
        ("nothing_to_score", run_of("Guy-Wilson").opened_by(waiting).tell(nothing)),
        (
            "completed_with_skips",
            ended()
                .chunk(0, [Outcome::Scored, skipped(SkipReason::NoContent)])
                .unasked(1, [skipped(SkipReason::NoNewPosts), skipped(SkipReason::NoNewPosts)])
                .tell(note(NoteKind::Record, repaired))
                .tell(note(NoteKind::Record, retried)),
        ),
        (
            "completed_at_the_token_limit",
            ended().scored(0).unasked(
                1,
                [skipped(SkipReason::BudgetReached), skipped(SkipReason::BudgetReached)],
            ),
        ),
        (
            "completed_with_a_profile_that_is_no_lead",
            ended().scored(0).chunk(1, [Outcome::Scored, Outcome::NotALead]),
        ),
        (
            "completed_with_a_lost_answer",
            ended()
                .announced(&attempt(0, 1), 2)
                .billed(&attempt(0, 1), &lost)
                .settled(&attempt(0, 1), &[(1, Outcome::Scored), (2, Outcome::Scored)])
                .done(&attempt(0, 1))
                .scored(1),
        ),
        ("completed_after_an_outage", after_an_outage()),
        ("completed_with_older_posts", {
            let mut story = ended();
            story.posts = 2;
            story.scored(0).scored(1)
        }),
        ("completed_with_things_to_do", {
            let story = ended().asked_for("1 of the 3 leads named is in no row of the base: recX");
            story.scored(0).scored(1)
        }),
        ("completed_by_an_unpriced_model", unpriced()),
    ]
}

fn unpriced() -> Story {
    let served = Served { reading: Reading::Unsplit, ..Served::default() };
    let usage = TokenUsage { total: 1_900, unsplit: 1_900, ..TokenUsage::default() };
    let odd = CallOutcome::Answered { usage, model: "gemini-unheard-of".to_owned(), served };
    let known = Served { asked: Some("gemini-asked".to_owned()), ..Served::default() };
    let model = MODEL.to_owned();
    let other = CallOutcome::Answered { usage: self::usage(), model, served: known };
    planned(HarvestStatus::Succeeded)
        .announced(&attempt(0, 1), 2)
        .billed(&attempt(0, 1), &[odd, other])
        .settled(&attempt(0, 1), &[(1, Outcome::Scored), (2, Outcome::Scored)])
        .done(&attempt(0, 1))
        .scored(1)
}

fn after_an_outage() -> Story {
    let refused = [CallOutcome::Refused, CallOutcome::Refused];
    let lost = [CallOutcome::Refused, CallOutcome::Refused, CallOutcome::Refused];
    let first = attempt(0, 1);
    planned(HarvestStatus::Succeeded)
        .announced(&first, 2)
        .billed(&first, &refused)
        .announced(&attempt(0, 2), 3)
        .billed(&attempt(0, 2), &lost)
        .waited("leads have no result yet: the model is overloaded (503)")
        .announced(&attempt(0, 3), 2)
        .billed(&attempt(0, 3), &[answered_with(usage()), answered_with(usage())])
        .settled(&attempt(0, 3), &[(1, Outcome::Scored), (2, Outcome::Scored)])
        .done(&attempt(0, 3))
        .scored(1)
}

pub(super) fn with_errors() -> Story {
    let repaired = "record recA was gone; created again as recB from the log: somebody deleted it";
    planned(HarvestStatus::TimedOut)
        .chunk(0, [Outcome::Scored, failed(ErrorCategory::SafetyBlock, "blocked")])
        .tell(note(NoteKind::Record, repaired))
        .chunk(1, [Outcome::Scored, failed(ErrorCategory::Timeout, "60 s without an answer")])
}

fn with_gaps() -> Story {
    let account = HarvestAccount {
        items: 12,
        unused: vec![
            counted(UnusedReason::Comment, 5, &[]),
            counted(UnusedReason::Repeat, 1, &[]),
            counted(UnusedReason::Error, 1, &["item 9"]),
            counted(UnusedReason::UnknownShape, 1, &["keys text, who"]),
        ],
        targets_with_posts: 4,
        targets_empty: 0,
        targets_unknown: vec![counted(UnknownReason::MaxItems, 1, &["/in/lead-e"])],
        input_is_missing: false,
    };
    let story = run_of("Guy-Wilson").opened().tell(Fact::Harvested(Harvested {
        seen_at: None,
        finished_at: None,
        account: None,
        apify_run: harvest_id(),
        status: HarvestStatus::Succeeded,
        targets: 5,
        posts: 4,
        posts_without_profile: 0,
        cost: Some(NanoUsd(74_000_000)),
        plan: Some(plan_id()),
    }));
    with_plan(story.account(account), &[&[1, 2], &[3, 4]]).scored(0).scored(1)
}

/// Eight leads for which no model call could be made.
fn nothing_of_eight() -> Story {
    let story = run_of("Guy-Wilson").opened().harvested(HarvestStatus::Succeeded, 8, true);
    let story = with_plan(story, &[&[1, 2], &[3, 4], &[5, 6], &[7, 8]]);
    (0..4).fold(story, |story, chunk| {
        let unreadable = || failed(ErrorCategory::PostsUnreadable, "neither JSON nor text");
        story.unasked(chunk, [unreadable(), unreadable()])
    })
}
