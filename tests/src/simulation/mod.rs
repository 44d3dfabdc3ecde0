//! Deterministic simulation of the whole system.
//!
//! One seed is one *schedule*: the real functions, clients, fold and upsert over the three seams,
//! in one thread on paused time, while the seed decides how long every step takes, what goes wrong
//! and what people do meanwhile. Every await on a seam is a turn at which another part goes on. An
//! oracle that shares no code with what it judges watches what the simulated services saw, and
//! judges all along and in the end ([`Invariant`]).
//!
//! The same seed gives the same trace, byte for byte. A schedule that breaks a promise is run
//! again for its trace.
//!
//! That the oracle would notice is shown by planting bugs. Each is a test of its own in
//! `tests/tests/simulation`, which prints how many seeds, counted from 0, it took:
//!
//! | planted bug | caught by | seeds needed |
//! |---|---|---|
//! | [`Bug::TokensDropped`]: token usage is read and dropped on the way to the record | Tokens | 1 |
//! | [`Bug::TokensOfUselessAnswersDropped`]: only whole answers report their usage | Tokens | 1 |
//! | [`Bug::RunIdFromClock`]: a run's id is made anew from the clock at every delivery | Messages | 1 |
//! | [`Bug::RefusalIgnored`]: airtable refuses a record for a wrong type; the refusal is taken for success | Messages | 1 |
//! | [`Bug::ErrorTakenForMissing`]: an error of Airtable is taken for "there is no such record": one is created | OneRecord | 2 |
//! | [`Bug::CheckThenCreate`]: a record is looked for, and created later if it was not there | OneRecord | 2 |
//! | [`Bug::ReadAddWrite`]: a number is read, added to and written back | Numbers | 1 |
//! | [`Bug::StandaloneNotCounted`]: only orchestrated runs are counted | Messages | 1 |
//! | [`Bug::PostsNotFound`]: the posts of a harvest are not found, without an error | Numbers | 1 |
//! | [`Bug::ClosedTooEarly`]: a record is closed when its work is begun | Ends | 1 |
//! | [`Bug::RequestsPerLead`]: the rubric and the row are read anew for each lead | Rates | 1 |
//! | [`Bug::FailedLeadDated`]: a lead whose call failed is dated as if it were scored | Leads | 1 |
//! | [`Bug::SecondHarvestOverwrites`]: the totals of a second harvest overwrite the first one's | Numbers | 8 |
//! | [`Bug::CutAnswerAccepted`]: an answer that was cut off is mended and taken for whole | Leads | 1 |
//! | [`Bug::EventsNotStored`]: a message counts as done before its events are stored | Numbers | 1 |
//! | [`Bug::FailuresIgnored`]: the failed messages of a batch are not reported: they are deleted with the others | Messages | 1 |
//! | [`Bug::BilledTwice`]: a retry reports its calls a second time | Tokens | 1 |
//! | [`Bug::OlderStateWritten`]: a record that was written already is written again with older numbers | Numbers | 1 |
//! | [`Bug::LeadsMixedUp`]: two leads' rows are mixed up | Leads | 1 |
//! | [`Bug::PostsOverwritten`]: new posts take the place of those that were there | Leads | 1 |
//! | [`Bug::ScoreForgotten`]: what a run scored is forgotten when its message comes again | ScoredOnce | 1 |
//! | [`Bug::ReasonOfDeadLetterLost`]: a dead letter does not say why it is one | Messages | 20 |
//! | [`Bug::HumanFieldCleared`]: cells that a write does not name are cleared | HumanFields | 3 |
//! | [`Bug::BalanceClaimed`]: the record claims to be balanced whatever it is | Balance | 1 |
//! | [`Bug::WebhookNotQueued`]: a webhook is accepted and not queued | Messages | 1 |
//! | [`Bug::TicksLost`]: no tick comes: what people did to records stays | Numbers | 13 |
//! | [`Bug::EverythingSkipped`]: every lead is found to have nothing new | Leads | 1 |
//! | [`Bug::SecondPageLost`]: of the leads that wait only the first page is planned | Leads | 1 |
//! | [`Bug::PostNotReported`]: a lead's last post is left out of the report | Numbers | 1 |
//! | [`Bug::EndedAtOnce`]: a record is given its end when it is given its beginning | Ends | 1 |
//! | [`Bug::StallNamesNothing`]: a stalled record does not name what is missing | Ends | 1 |
//! | [`Bug::ProfilesMixedUp`]: two profiles' assessments are mixed up | Leads | 1 |
//! | [`Bug::PenaltyIgnored`]: a base that told an invocation to wait is asked again at once | Rates | 1 |

mod branches;
mod bug;
mod dice;
mod env;
mod fault;
mod options;
mod oracle;
mod people;
mod scenario;
mod schedule;
mod script;
mod trace;

pub use branches::Branch;
pub use bug::Bug;
pub use env::plain::Plain;
pub use fault::Fault;
pub use options::Options;
pub use oracle::{Invariant, Violation};
pub use schedule::{Report, play, run};
pub use script::Script;
