//! What goes wrong, how often it should, and how often it did.

use super::parts::Part;
use crate::bug::Bug;
use crate::dice::Dice;
use crate::fault::Fault;
use crate::options::Options;
use crate::script::{Call, Script};
use crate::trace::Trace;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// How long an outage lasts: sometimes longer than all attempts at a message.
const OUTAGE: Duration = Duration::from_hours(2);
const LONG_OUTAGE: Duration = Duration::from_hours(6);
/// Longer than a queue continues to deliver messages without an answer.
const LONG_OUTAGE_OF_SCORING: Duration = Duration::from_hours(9);
/// The share of schedules in which no message is handled twice.
const WITHOUT_REPEATS: f64 = 0.1;
/// Outages begin within this time, while there is work to do.
const OUTAGES_BEGIN: Duration = Duration::from_mins(12);

pub(crate) struct Faults {
    dice: Arc<Dice>,
    trace: Arc<Trace>,
    script: Option<Arc<Script>>,
    start: Instant,
    chances: Vec<f64>,
    counts: Vec<AtomicU64>,
    active: AtomicBool,
    people: PeopleAtWork,
    outages: Vec<Outage>,
    /// When the model's credit is used up.
    without_credit: Option<(Instant, Instant)>,
    is_credit_met: AtomicBool,
}

#[derive(Default)]
struct PeopleAtWork {
    are_gone: AtomicBool,
    gone: Notify,
}

impl PeopleAtWork {
    fn are_gone(&self) -> bool {
        self.are_gone.load(Ordering::Relaxed)
    }
}

/// A time in which a part is unavailable.
struct Outage {
    part: Part,
    fault: Fault,
    from: Instant,
    until: Instant,
    /// Whether a request met it.
    is_met: AtomicBool,
    /// Whether a request met it after the time of an ordinary outage.
    is_long_met: AtomicBool,
}

impl Faults {
    /// Draws which faults a schedule has, and how often. Most schedules have about half of them,
    /// because a fault that always hides another would keep it from ever happening.
    pub(crate) fn draw(
        dice: &Arc<Dice>,
        trace: &Arc<Trace>,
        options: Options,
        script: Option<&Arc<Script>>,
    ) -> Self {
        let level =
            if options.faults { [0.0, 0.5, 0.5, 1.0, 1.0, 2.0, 3.0][dice.below(7)] } else { 0.0 };
        // How often something was paid for can be judged only if nothing is repeated.
        let forgets_payments = options.bug == Some(Bug::PaidCallsForgotten);
        let nothing_repeats = forgets_payments || dice.chance(WITHOUT_REPEATS);
        let chances = Fault::ALL.iter().map(|fault| {
            let wanted = dice.chance(0.5) && !(nothing_repeats && fault.repeats());
            let level = if fault.is_rare() && level > 0.0 { 2.0 } else { level };
            if forgets_payments && *fault == Fault::GeminiAnswerLost {
                // A lost call was paid for, and the next attempt makes it again.
                return 0.5;
            }
            if wanted { (fault.chance() * level).min(0.8) } else { 0.0 }
        });
        let mut faults = Self {
            dice: Arc::clone(dice),
            trace: Arc::clone(trace),
            script: script.cloned(),
            start: Instant::now(),
            chances: chances.collect(),
            counts: Fault::ALL.iter().map(|_| AtomicU64::new(0)).collect(),
            active: AtomicBool::new(true),
            people: PeopleAtWork::default(),
            outages: Vec::new(),
            without_credit: None,
            is_credit_met: AtomicBool::new(false),
        };
        for (part, fault) in Part::ALL {
            if faults.is_drawn(fault) {
                let from = Instant::now() + dice.within(OUTAGES_BEGIN);
                let is_long = faults.is_drawn(Fault::LongOutage);
                let longest =
                    if part == Part::Scoring { LONG_OUTAGE_OF_SCORING } else { LONG_OUTAGE };
                let until = from + if is_long { longest } else { OUTAGE };
                let (is_met, is_long_met) = (AtomicBool::new(false), AtomicBool::new(false));
                faults.outages.push(Outage { part, fault, from, until, is_met, is_long_met });
            }
        }
        if faults.is_drawn(Fault::GeminiOutOfCredit) {
            let from = Instant::now() + dice.within(OUTAGES_BEGIN);
            faults.without_credit = Some((from, from + OUTAGE));
        }
        faults
    }

    /// Whether the model's credit is used up. The fault is counted when the first call meets it.
    pub(crate) fn is_out_of_credit(&self) -> bool {
        let now = Instant::now();
        let is_out = self.is_active_within(self.without_credit, now);
        if is_out && !self.is_credit_met.swap(true, Ordering::Relaxed) {
            self.count(Fault::GeminiOutOfCredit);
        }
        is_out
    }

    fn is_active_within(&self, time: Option<(Instant, Instant)>, now: Instant) -> bool {
        self.are_active() && time.is_some_and(|(from, until)| (from..until).contains(&now))
    }

    /// Draws whether `fault` happens at this opportunity, and counts it. Only for a fault that
    /// always has an effect when it is drawn.
    pub(crate) fn hits(&self, fault: Fault) -> bool {
        let hits = self.is_drawn(fault);
        if hits {
            self.count(fault);
        }
        hits
    }

    /// Draws whether to try `fault`. It is counted later, when it has an effect.
    pub(crate) fn is_drawn(&self, fault: Fault) -> bool {
        let happens =
            if fault.is_of_people() { !self.people.are_gone() } else { self.are_active() };
        happens && self.dice.chance(self.chances[fault as usize])
    }

    /// Like [`Self::is_drawn`], for an opportunity that a script may name.
    pub(crate) fn is_drawn_at(&self, fault: Fault, call: &Call<'_>) -> bool {
        self.is_scripted(fault, call) || self.is_drawn(fault)
    }

    /// Whether a script says that `fault` strikes here.
    pub(crate) fn is_scripted(&self, fault: Fault, call: &Call<'_>) -> bool {
        let strikes = |script: &Arc<Script>| script.strikes(fault, call, self.start);
        self.are_active() && self.script.as_ref().is_some_and(strikes)
    }

    /// How long a message is held back according to the script.
    pub(crate) fn held(&self, call: &Call<'_>) -> Option<Duration> {
        self.script.as_ref().and_then(|script| script.held(call, self.start))
    }

    /// How much longer a call takes according to the script.
    pub(crate) fn delay(&self, call: &Call<'_>) -> Duration {
        self.script.as_ref().map_or(Duration::ZERO, |script| script.delay(call, self.start))
    }

    pub(crate) fn count(&self, fault: Fault) {
        self.counts[fault as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How often a fault happened.
    pub(crate) fn count_of(&self, fault: Fault) -> u64 {
        self.counts[fault as usize].load(Ordering::Relaxed)
    }

    pub(crate) fn is_away(&self, part: Part) -> bool {
        self.outage(part).is_some()
    }

    /// Whether `part` is unavailable for a request. An outage is counted at its first request.
    pub(crate) fn meets_outage(&self, part: Part) -> bool {
        let Some(outage) = self.outage(part) else { return false };
        if !outage.is_met.swap(true, Ordering::Relaxed) {
            self.count(outage.fault);
        }
        let is_long = outage.from.elapsed() > OUTAGE;
        if is_long && !outage.is_long_met.swap(true, Ordering::Relaxed) {
            self.count(Fault::LongOutage);
        }
        true
    }

    fn outage(&self, part: Part) -> Option<&Outage> {
        let now = Instant::now();
        let of_part =
            |outage: &&Outage| outage.part == part && (outage.from..outage.until).contains(&now);
        self.are_active().then(|| self.outages.iter().find(of_part)).flatten()
    }

    /// Traces when outages begin and end, until the faults end.
    pub(crate) async fn tell_outages(&self) {
        let ends = |outage: &Outage| {
            [(outage.from, "goes away"), (outage.until, "is back")]
                .map(|(at, what)| (at, outage.part, what))
        };
        let mut moments: Vec<_> = self.outages.iter().flat_map(ends).collect();
        moments.sort_by_key(|(at, ..)| *at);
        for (at, part, what) in moments {
            let name = match part {
                Part::Service(service) => format!("{service:?}"),
                Part::Queue | Part::Log | Part::Scoring => format!("{part:?}"),
            };
            tokio::time::sleep_until(at).await;
            if self.are_active() {
                self.trace.say(|| format!("{name} {what}"));
            }
        }
    }

    /// Whether there is an outage now or later.
    pub(crate) fn has_outage(&self) -> bool {
        let now = Instant::now();
        self.outages.iter().any(|outage| outage.until > now)
            || self.without_credit.is_some_and(|(_, until)| until > now)
    }

    /// Whether anything still goes wrong.
    pub(crate) fn are_active(&self) -> bool {
        self.active.load(Ordering::Relaxed)
    }

    /// Returns when people stop editing the bases.
    pub(crate) async fn people_gone(&self) {
        self.people.gone.notified().await;
    }

    /// Makes people stop editing the bases.
    pub(crate) fn send_people_home(&self) {
        self.people.are_gone.store(true, Ordering::Relaxed);
        self.people.gone.notify_one();
    }

    /// Ends all faults except those of people, including outages.
    pub(crate) fn stop(&self) {
        self.active.store(false, Ordering::Relaxed);
    }

    pub(crate) fn counts(&self) -> impl Iterator<Item = (Fault, u64)> {
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed));
        Fault::ALL.iter().copied().zip(counts)
    }
}
