//! The proof that the numbers are right: thousands of schedules of the whole system, each from one
//! seed, with faults at every port. The crate `simulation` explains schedules and promises.
//!
//! `SEEDS=10000 cargo test --release -p simulation` runs that many new schedules on all cores. It
//! prints the first seed, and `FROM=<seed>` runs them again. `SEED=<seed>` runs one and prints its trace.

mod conformance;
mod scripts;

use simulation::{Branch, Bug, CHECKS, Fault, Invariant, Options, Report, Violation, run};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::io::Write;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Instant;

/// Even with this allocator, a sixth of a schedule's time is allocation.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Schedules of an ordinary test run with fixed seeds.
const FIXED: u64 = 300;
/// Schedules of an ordinary test run with new seeds.
const FRESH: u64 = 100;

/// A line of progress follows this many schedules.
const PROGRESS_EVERY: usize = 1_000;

/// With at least this many schedules, every kind of fault must have happened often enough.
const COVERED_FROM: usize = 10_000;
const COVERED: u64 = 1_000;
/// Outcomes of failed work that happen only in rare combinations: an unfinished task is given up
/// only if it made no progress in 25 attempts.
const RARE: [Branch; 2] = [Branch::HeldUpTooOften, Branch::NeverDone];

/// Prints a line even if the test passes, because people want to see what a run of the simulation
/// found.
fn say(line: impl Display) {
    writeln!(std::io::stdout().lock(), "{line}").expect("a place to print to");
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

#[test]
fn the_oracle_judges_by_what_was_so() {
    for (name, check) in CHECKS {
        say(name);
        check();
    }
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    let options = Options { trace: true, ..Options::default() };
    for seed in 0..8 {
        let [first, second] = [run(seed, options), run(seed, options)].map(|report| report.trace);
        let differs = first.iter().zip(&second).position(|(one, other)| one != other);
        assert_eq!(differs, None, "seed {seed}: {:?}", differs.map(|at| (&first[at], &second[at])));
        assert_eq!(first.len(), second.len());
        assert!(first.len() > 200, "{} lines are no trace of a whole run", first.len());
    }
}

#[test]
fn without_faults_every_schedule_is_right() {
    let options = Options { faults: false, ..Options::default() };
    for seed in 0..20 {
        passes(&run(seed, options));
    }
}

#[test]
fn schedules_keep_every_promise() {
    if let Some(seed) = number("SEED") {
        let report = run(seed, Options { trace: true, ..Options::default() });
        say(report.trace.join("\n"));
        return passes(&report);
    }
    let seeds: Vec<u64> = match number("SEEDS") {
        Some(count) => {
            let from = number("FROM").unwrap_or_else(|| fastrand::u64(FIXED..u64::MAX - count));
            say(format!("fresh seeds: {count} from {from}"));
            (from..from + count).collect()
        }
        None => (0..FIXED).chain((0..FRESH).map(|_| fastrand::u64(FIXED..))).collect(),
    };
    if number("SEEDS").is_none() {
        say(format!("fresh seeds: {:?}", &seeds[seeds.len() - FRESH as usize..]));
    }
    let begun = Instant::now();
    let mut coverage = Coverage::default();
    let mut broken = Vec::new();
    run_all(&seeds, |done, report| {
        coverage.add(&report);
        if !report.violations.is_empty() {
            say(format!("seed {} breaks a promise", report.seed));
            broken.push(report);
        }
        if done % PROGRESS_EVERY == 0 {
            say(format!("{done} of {}, {:.1} a second", seeds.len(), a_second(done, begun)));
        }
    });
    broken.sort_by_key(|report| report.seed);
    coverage.print(seeds.len(), begun);
    for report in &broken {
        let words: Vec<String> = report.violations.iter().map(in_words).collect();
        say(format!("seed {}:\n{}", report.seed, words.join("\n")));
    }
    if let Some(first) = broken.first() {
        say(format!("{} of {} schedules break a promise; the first:", broken.len(), seeds.len()));
        passes(first);
    }
    if seeds.len() >= COVERED_FROM {
        let rare: Vec<_> = coverage.faults.iter().filter(|(_, count)| **count < COVERED).collect();
        assert!(rare.is_empty(), "these faults happened less than {COVERED} times: {rare:?}");
        let never = coverage.failures.iter().filter(|(_, count)| **count == 0);
        let never: Vec<&Branch> =
            never.map(|(branch, _)| branch).filter(|branch| !RARE.contains(branch)).collect();
        assert!(never.is_empty(), "this never became of failed work: {never:?}");
    }
}

/// Runs the schedules of all seeds, on all cores. Calls `then` with each report, and with how many
/// there are so far.
fn run_all(seeds: &[u64], mut then: impl FnMut(usize, Report)) {
    let workers = std::thread::available_parallelism().map_or(1, NonZero::get);
    let next = AtomicUsize::new(0);
    let (reports, received) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..workers {
            let (reports, next) = (reports.clone(), &next);
            scope.spawn(move || {
                while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if reports.send(run(*seed, Options::default())).is_err() {
                        break;
                    }
                }
            });
        }
        drop(reports);
        received.iter().zip(1..).for_each(|(report, done)| then(done, report));
    });
}

/// A planted bug must be caught within this many seeds.
const SEEDS_OF_BUG: u64 = 200;

/// The seeds of a bug begin at one that shows it, which saves the schedules before. A long
/// simulation (`SEEDS`) begins at 0, and prints how many seeds it takes to meet the bug.
macro_rules! planted_bugs {
    ($($name:ident: $bug:ident => $invariant:ident $(from $seed:literal)?),+ $(,)?) => {
        $(#[test]
        fn $name() {
            is_caught(Bug::$bug, Invariant::$invariant, 0 $(+ $seed)?);
        })+

        #[test]
        fn every_planted_bug_has_its_test() {
            assert_eq!([$(Bug::$bug),+].as_slice(), Bug::ALL);
        }
    };
}

planted_bugs! {
    tokens_that_are_dropped_on_the_way_are_missed: TokensDropped => Tokens,
    tokens_of_useless_answers_are_missed: TokensOfUselessAnswersDropped => Tokens,
    a_run_id_from_the_clock_is_noticed: RunIdFromClock => Messages,
    a_refusal_taken_for_success_is_noticed: RefusalIgnored => Messages,
    a_record_created_after_an_error_is_one_too_many: ErrorTakenForMissing => OneRecord,
    a_record_created_after_a_look_is_one_too_many: CheckThenCreate => OneRecord from 3,
    a_number_that_is_added_to_is_too_high: ReadAddWrite => Numbers from 1,
    a_standalone_run_that_is_not_counted_is_missed: StandaloneNotCounted => Messages,
    posts_that_are_not_found_are_missed: PostsNotFound => Numbers,
    a_record_closed_too_early_is_noticed: ClosedTooEarly => Ends,
    requests_for_each_lead_are_too_many: RequestsPerLead => Rates,
    a_failed_lead_that_is_dated_is_noticed: FailedLeadDated => Leads,
    a_harvest_that_is_overwritten_is_missed: SecondHarvestOverwrites => Numbers from 7,
    an_answer_that_was_cut_off_scores_nothing: CutAnswerAccepted => Leads from 2,
    an_event_that_is_not_stored_is_missed: EventsNotStored => Numbers,
    a_failed_message_that_is_deleted_is_missed: FailuresIgnored => Messages from 12,
    calls_billed_twice_are_noticed: BilledTwice => Tokens from 1,
    an_older_state_on_a_record_is_noticed: OlderStateWritten => Numbers,
    leads_that_are_mixed_up_are_noticed: LeadsMixedUp => Leads,
    posts_that_are_overwritten_are_missed: PostsOverwritten => Leads,
    a_scored_lead_that_is_scored_again_is_noticed: ScoreForgotten => ScoredOnce from 2,
    a_dead_letter_without_a_reason_is_noticed: ReasonOfDeadLetterLost => Messages from 9,
    a_human_field_that_is_cleared_is_noticed: HumanFieldCleared => HumanFields,
    a_balance_that_is_claimed_is_no_balance: BalanceClaimed => Balance,
    a_webhook_that_is_not_queued_is_missed: WebhookNotQueued => Messages,
    ticks_that_never_come_are_missed: TicksLost => Numbers from 9,
    leads_that_are_all_skipped_are_missed: EverythingSkipped => Leads,
    waiting_leads_that_are_not_planned_are_missed: SecondPageLost => Leads,
    a_post_that_is_not_reported_is_missed: PostNotReported => Numbers,
    an_end_that_is_the_beginning_is_noticed: EndedAtOnce => Ends,
    a_stall_that_names_nothing_is_noticed: StallNamesNothing => Ends from 2,
    profiles_that_are_mixed_up_are_noticed: ProfilesMixedUp => Leads from 2,
    a_denial_that_passes_and_costs_a_lead_is_noticed: DenialTakenForFinal => Leads from 13,
    an_error_that_is_read_as_nothing_is_noticed: ErrorCellTakenForEmpty => Leads from 3,
    a_limit_that_is_ignored_is_noticed: UnreadableLimitIgnored => Tokens,
    leads_that_do_not_exist_and_are_not_told_of_are_missed: UnknownLeadsIgnored => Numbers from 14,
    a_limit_of_items_that_is_not_seen_is_caught: LimitOfItemsNotSeen => Numbers from 8,
    items_that_vanish_are_caught: OddItemsDropped => Numbers from 1,
    a_harvest_whose_cost_two_runs_count_is_caught: CostCountedTwice => Numbers from 4,
    a_penalty_that_is_ignored_is_noticed: PenaltyIgnored => Rates,
    a_failed_task_that_keeps_its_place_is_noticed: FailedTaskKeepsPlace => Lanes,
    attempts_that_are_never_counted_are_noticed: AttemptFromReceiveCount => Lanes,
    calls_that_go_on_without_credit_are_noticed: CreditIgnored => Payments from 9,
    thoughts_that_are_in_the_total_alone_are_missed: ThoughtsOfTotalDropped => Tokens from 14,
    an_answer_that_is_thrown_away_is_noticed: WrappedAnswerDropped => Payments from 13,
    a_second_end_that_is_lost_is_missed: SecondEndLost => Numbers from 2,
    calls_that_are_paid_for_and_forgotten_are_noticed: PaidCallsForgotten => Payments,
    progress_that_is_only_claimed_is_noticed: ProgressClaimed => Lanes,
    leads_that_are_wrongly_taken_for_settled_are_missed: LeadsTakenForSettled => Leads,
    calls_billed_under_another_wave_are_noticed: BilledUnderAnotherWave => Tokens from 1,
    waves_that_overlap_under_a_limit_are_noticed: LimitedWavesOverlap => Tokens from 40,
}

/// Fails unless the oracle reports, within some seeds from this one, that `bug` breaks `invariant`.
fn is_caught(bug: Bug, invariant: Invariant, from: u64) {
    let options = Options { bug: Some(bug), ..Options::default() };
    let mut others = BTreeSet::new();
    let from = if number("SEEDS").is_some() { 0 } else { from };
    for seed in from..from + SEEDS_OF_BUG {
        let found: Vec<Invariant> =
            run(seed, options).violations.iter().map(|violation| violation.invariant).collect();
        if found.contains(&invariant) {
            say(format!("{bug:?}: {invariant:?}, seed {seed}, {} after the first", seed - from));
            return;
        }
        others.extend(found);
    }
    panic!("{bug:?} breaks {invariant:?} in no schedule; what it breaks: {others:?}");
}

/// Fails with the seed, the broken promises, the faults and the trace.
fn passes(report: &Report) {
    if report.violations.is_empty() {
        return;
    }
    let path = std::env::temp_dir().join(format!("runtally-schedule-{}.txt", report.seed));
    let traced = run(report.seed, Options { trace: true, ..Options::default() });
    std::fs::write(&path, traced.trace.join("\n")).expect("a place for the trace");
    let faults: Vec<String> = report
        .faults
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(fault, count)| format!("{fault:?} {count}"))
        .collect();
    let broken: Vec<String> = report.violations.iter().map(in_words).collect();
    panic!(
        "seed {} breaks a promise\n{}\nfaults: {}\ntrace: {}\nagain: SEED={} cargo test -p simulation \
         schedules -- --nocapture",
        report.seed,
        broken.join("\n"),
        faults.join(", "),
        path.display(),
        report.seed,
    );
}

fn in_words(violation: &Violation) -> String {
    format!("  {:?}: {}", violation.invariant, violation.what)
}

#[expect(clippy::cast_precision_loss, reason = "for people to read")]
fn a_second(schedules: usize, begun: Instant) -> f64 {
    schedules as f64 / begun.elapsed().as_secs_f64()
}

/// The faults and branches of all schedules together.
#[derive(Default)]
struct Coverage {
    faults: BTreeMap<Fault, u64>,
    failures: BTreeMap<Branch, u64>,
}

impl Coverage {
    fn add(&mut self, report: &Report) {
        for (fault, count) in &report.faults {
            *self.faults.entry(*fault).or_default() += count;
        }
        for (branch, count) in &report.failures {
            *self.failures.entry(*branch).or_default() += count;
        }
    }

    fn print(&self, schedules: usize, begun: Instant) {
        let (seconds, rate) = (begun.elapsed().as_secs(), a_second(schedules, begun));
        say(format!("{schedules} schedules in {seconds} s: {rate:.1} a second"));
        for (fault, count) in &self.faults {
            say(format!("  {:<22}{count:>9}", format!("{fault:?}")));
        }
        say("what became of failed work:");
        for (branch, count) in &self.failures {
            say(format!("  {:<22}{count:>9}", format!("{branch:?}")));
        }
    }
}
