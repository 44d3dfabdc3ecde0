//! What goes wrong, how often, and how often it did.

use super::dice::Dice;
use super::trace::Trace;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// How long an outage lasts: longer than the tries of a message last, now and then.
const OUTAGE: Duration = Duration::from_hours(2);
const LONG_OUTAGE: Duration = Duration::from_hours(6);
/// Outages begin within this, while there is work to do.
const OUTAGES_BEGIN: Duration = Duration::from_mins(12);

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident = $chance:expr),+ $(,)?) => {
        /// A kind of fault.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Fault { $($(#[$doc])* $name),+ }

        impl Fault {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// In which share of its opportunities it happens in an ordinary schedule.
            fn chance(self) -> f64 {
                match self { $(Self::$name => $chance),+ }
            }
        }
    };
}

faults! {
    /// A message comes again, 1 to 20 times, after it was handled.
    DeliveredAgain = 0.004,
    /// A message is put on its queue twice, as by a sender whose first answer was lost.
    SentTwice = 0.01,
    /// A message is held back for minutes.
    DelayedMinutes = 0.01,
    /// A message is held back for 34 hours: Apify gives up after 32.
    DelayedHours = 0.0018,
    /// Dead letters are redriven only after 28 days.
    RedrivenLate = 0.5,
    /// Groups are served in another order than their messages came.
    GroupsReordered = 0.1,
    /// A message's visibility ends while it is being handled: a second worker gets it.
    VisibilityLapsed = 0.008,
    /// A worker dies before an effect.
    CrashBefore = 0.003,
    /// A worker dies after an effect, before it hears of it.
    CrashAfter = 0.003,
    /// An invocation has little time.
    DeadlineShort = 0.04,
    /// Airtable does what was asked; its answer is lost.
    AirtableAnswerLost = 0.01,
    /// Gemini answers and bills; the answer is lost.
    GeminiAnswerLost = 0.012,
    /// Apify's answer is lost.
    ApifyAnswerLost = 0.03,
    /// A queue takes the messages; its answer is lost.
    QueueAnswerLost = 0.008,
    /// The log stores some or all of what it was given; its answer is lost.
    LogAnswerLost = 0.01,
    /// A request to Airtable never arrives.
    AirtableNotReached = 0.01,
    /// A call of Gemini never arrives.
    GeminiNotReached = 0.0075,
    /// A request to Apify never arrives.
    ApifyNotReached = 0.02,
    /// A queue cannot be reached.
    QueueNotReached = 0.005,
    /// The log cannot be reached.
    LogNotReached = 0.01,
    /// Of several messages in one request a queue takes only some.
    SendPartial = 0.05,
    /// Airtable answers 429 and nothing for 30 seconds.
    AirtableLimited = 0.004,
    /// Airtable answers 500.
    AirtableBroken = 0.008,
    /// Airtable answers 503.
    AirtableOverloaded = 0.008,
    /// Gemini answers 429.
    GeminiLimited = 0.0075,
    /// Gemini answers 500.
    GeminiBroken = 0.006,
    /// Gemini answers 503.
    GeminiOverloaded = 0.006,
    /// Apify answers 429.
    ApifyLimited = 0.02,
    /// Apify answers 500 or 503.
    ApifyBroken = 0.02,
    /// Airtable is away for two hours.
    AirtableOutage = 0.22,
    /// Gemini is away for two hours.
    GeminiOutage = 0.2,
    /// Apify is away for two hours.
    ApifyOutage = 0.22,
    /// The queues are away for two hours.
    QueueOutage = 0.22,
    /// The log is away for two hours.
    LogOutage = 0.22,
    /// An outage lasts for six hours: messages are given up.
    LongOutage = 0.22,
    /// Something that no function can read is put on a queue.
    PoisonMessage = 0.1,
    /// Airtable forgets where a listing was.
    StaleIterator = 0.03,
    /// A person deletes a run record.
    RecordDeleted = 0.06,
    /// A person edits the numbers of a run record.
    RecordEdited = 0.06,
    /// A person edits the Run ID of a run record.
    RunIdEdited = 0.05,
    /// A person ticks `Retry` on a run record.
    RetryTicked = 0.04,
    /// A person duplicates a run record.
    RecordDuplicated = 0.06,
    /// A person renames a field of the run records, and names it back later.
    FieldRenamed = 0.05,
    /// A person deletes a lead.
    LeadDeleted = 0.06,
    /// Apify sends a webhook twice.
    WebhookTwice = 0.12,
    /// Apify never sends a webhook.
    WebhookMissing = 0.06,
    /// A webhook names a client that nobody knows.
    WebhookOfStranger = 0.1,
}

impl Fault {
    /// Whether it is drawn once for a schedule or a person's day, not at every step.
    fn is_rare(self) -> bool {
        self.chance() >= 0.04 && !matches!(self, Self::GroupsReordered | Self::SendPartial)
    }

    /// Whether it is what people do in Airtable.
    fn is_of_people(self) -> bool {
        matches!(
            self,
            Self::RecordDeleted
                | Self::RecordEdited
                | Self::RunIdEdited
                | Self::RetryTicked
                | Self::RecordDuplicated
                | Self::FieldRenamed
                | Self::LeadDeleted
        )
    }
}

/// A service that is asked over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    Airtable,
    Gemini,
    Apify,
}

/// A part of the outside world that can be away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Service(Service),
    Queue,
    Log,
}

impl Part {
    const ALL: [(Self, Fault); 5] = [
        (Self::Service(Service::Airtable), Fault::AirtableOutage),
        (Self::Service(Service::Gemini), Fault::GeminiOutage),
        (Self::Service(Service::Apify), Fault::ApifyOutage),
        (Self::Queue, Fault::QueueOutage),
        (Self::Log, Fault::LogOutage),
    ];
}

/// The faults of one schedule.
pub(super) struct Faults {
    chances: Vec<f64>,
    counts: Vec<AtomicU64>,
    active: AtomicBool,
    people: PeopleAtWork,
    outages: Vec<Outage>,
}

/// Whether people still act.
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

/// A time in which a part is away.
struct Outage {
    part: Part,
    fault: Fault,
    from: Instant,
    until: Instant,
    /// Whether a request met it.
    is_met: AtomicBool,
    /// Whether a request met it after the time that an ordinary one lasts.
    is_long_met: AtomicBool,
}

impl Faults {
    /// Draws which kinds a schedule has and how often. Most schedules have about half of them:
    /// a fault that always hides another would else never let it be seen.
    pub(super) fn draw(dice: &Dice, are_wanted: bool) -> Self {
        let level =
            if are_wanted { [0.0, 0.5, 0.5, 1.0, 1.0, 2.0, 3.0][dice.below(7)] } else { 0.0 };
        let chances = Fault::ALL.iter().map(|fault| {
            let wanted = dice.chance(0.5);
            let level = if fault.is_rare() && level > 0.0 { 2.0 } else { level };
            if wanted { (fault.chance() * level).min(0.8) } else { 0.0 }
        });
        let mut faults = Self {
            chances: chances.collect(),
            counts: Fault::ALL.iter().map(|_| AtomicU64::new(0)).collect(),
            active: AtomicBool::new(true),
            people: PeopleAtWork::default(),
            outages: Vec::new(),
        };
        for (part, fault) in Part::ALL {
            if faults.is_drawn(fault, dice) {
                let from = Instant::now() + dice.within(OUTAGES_BEGIN);
                let is_long = faults.is_drawn(Fault::LongOutage, dice);
                let until = from + if is_long { LONG_OUTAGE } else { OUTAGE };
                let (is_met, is_long_met) = (AtomicBool::new(false), AtomicBool::new(false));
                faults.outages.push(Outage { part, fault, from, until, is_met, is_long_met });
            }
        }
        faults
    }

    /// Draws whether `fault` happens at this opportunity, and counts it: only for a fault that has
    /// its effect whenever it is drawn.
    pub(super) fn hits(&self, fault: Fault, dice: &Dice) -> bool {
        let hits = self.is_drawn(fault, dice);
        if hits {
            self.count(fault);
        }
        hits
    }

    /// Draws whether `fault` is to be tried; it is counted when it has its effect.
    pub(super) fn is_drawn(&self, fault: Fault, dice: &Dice) -> bool {
        let happens =
            if fault.is_of_people() { !self.people.are_gone() } else { self.are_active() };
        happens && dice.chance(self.chances[fault as usize])
    }

    pub(super) fn count(&self, fault: Fault) {
        self.counts[fault as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Whether `part` is away now.
    pub(super) fn is_away(&self, part: Part) -> bool {
        self.outage(part).is_some()
    }

    /// Whether a request to `part` finds it away. An outage is counted when the first one does.
    pub(super) fn meets_outage(&self, part: Part) -> bool {
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

    /// Says when outages begin and end, until the faults do.
    pub(super) async fn tell_outages(&self, trace: &Trace) {
        let ends = |outage: &Outage| {
            [(outage.from, "goes away"), (outage.until, "is back")]
                .map(|(at, what)| (at, outage.part, what))
        };
        let mut moments: Vec<_> = self.outages.iter().flat_map(ends).collect();
        moments.sort_by_key(|(at, ..)| *at);
        for (at, part, what) in moments {
            let name = match part {
                Part::Service(service) => format!("{service:?}"),
                Part::Queue | Part::Log => format!("{part:?}"),
            };
            tokio::time::sleep_until(at).await;
            if self.are_active() {
                trace.say(|| format!("{name} {what}"));
            }
        }
    }

    /// Whether an outage goes on or is still to come.
    pub(super) fn has_outage(&self) -> bool {
        let now = Instant::now();
        self.outages.iter().any(|outage| outage.until > now)
    }

    /// Whether anything goes wrong still.
    pub(super) fn are_active(&self) -> bool {
        self.active.load(Ordering::Relaxed)
    }

    /// Returns when people leave the bases alone.
    pub(super) async fn people_gone(&self) {
        self.people.gone.notified().await;
    }

    /// People leave the bases alone from now on.
    pub(super) fn send_people_home(&self) {
        self.people.are_gone.store(true, Ordering::Relaxed);
        self.people.gone.notify_one();
    }

    /// Ends all faults but those of people, outages too.
    pub(super) fn stop(&self) {
        self.active.store(false, Ordering::Relaxed);
    }

    /// How often each kind happened.
    pub(super) fn counts(&self) -> impl Iterator<Item = (Fault, u64)> {
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed));
        Fault::ALL.iter().copied().zip(counts)
    }
}
