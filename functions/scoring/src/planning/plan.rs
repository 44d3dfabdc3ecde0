//! From leads to chunks. Pure: the same leads give the same plan.

use super::plan_lead::PlanLead;
use crate::budget::{Allowance, Rates};
use shared::core::digest::id_of;
use shared::core::failure::Failure;
use shared::core::ids::PlanId;
use shared::core::limits::MAX_MESSAGE_BYTES;
use shared::messages::{
    Chunk, Fact, Kind, LeadsTable, MAX_PLAN_LEADS, Planned, PlannedChunk, PlannedLead, routes,
};
use shared::ports::OutgoingMessage;

/// Most leads in a chunk. Between two chunks of a lane no model call is made, so larger chunks hide
/// more of the model's latency. But a failure in a chunk delays its end, and a worker that dies
/// leaves everything that is not settled.
const CHUNK_LEADS: usize = 200;
/// Most leads in a chunk with a token limit. Estimates that are too high or too low only even out
/// within a chunk.
const LIMITED_CHUNK_LEADS: usize = 500;
/// Room for a chunk's leads, in bytes of JSON: the size of a message without its other content.
const CHUNK_BYTES: usize = MAX_MESSAGE_BYTES - 300_000;
/// Longest system prompt that fits in a message together with a chunk's leads.
pub(crate) const MAX_RUBRIC_BYTES: usize = 200_000;

pub(crate) struct Plan {
    pub(crate) id: PlanId,
    /// The plan whose leads it takes over.
    pub(crate) replaces: Option<PlanId>,
    chunks: Vec<LaneChunk>,
}

/// A chunk and its lane. Chunks of one lane are scored one after another, and a lead is in the same
/// lane in every plan. So no two workers write its row at the same time.
struct LaneChunk {
    lane: u32,
    leads: Vec<PlanLead>,
    /// Most tokens that it may use; `None` for a client without a limit.
    share: Option<u64>,
}

impl Plan {
    /// Divides leads into chunks. The plan's id is made from `about`, from what is left of the
    /// allowance, and from the leads with their posts. Planning the same harvest again gives the
    /// same plan. Leads beyond the allowance are planned too, in chunks that may use no tokens, so
    /// that the run's record counts them.
    ///
    /// # Errors
    /// If there are more leads than a plan may have. Nothing is queued then.
    pub(crate) fn new(
        about: &[&str],
        leads: Vec<PlanLead>,
        lanes: u32,
        (allowance, rates): (&mut Allowance, Option<&Rates>),
    ) -> Result<Self, Failure> {
        if leads.len() > MAX_PLAN_LEADS {
            return Err(Failure::dead_letter(format!(
                "{} leads are more than a plan takes ({MAX_PLAN_LEADS}); split the harvest",
                leads.len()
            )));
        }
        let id = plan_id(about, &leads, lanes, allowance);
        if allowance.left.is_none() {
            return Ok(Self { id, replaces: None, chunks: chunks(leads, lanes, CHUNK_LEADS) });
        }
        let (allowed, beyond): (Vec<_>, Vec<_>) =
            leads.into_iter().partition(|lead| allowance.take(lead.tokens));
        let mut chunks_of_both = chunks(allowed, lanes, LIMITED_CHUNK_LEADS);
        for chunk in &mut chunks_of_both {
            let asked = chunk.leads.iter().filter(|lead| lead.tokens > 0).count();
            let short = rates.map_or(0, |rates| rates.of_short_calls(asked));
            let of_leads: u64 = chunk.leads.iter().map(|lead| lead.tokens).sum();
            chunk.share = Some(of_leads + allowance.take_up_to(short));
        }
        chunks_of_both.extend(
            chunks(beyond, lanes, LIMITED_CHUNK_LEADS)
                .into_iter()
                .map(|chunk| LaneChunk { share: Some(0), ..chunk }),
        );
        Ok(Self { id, replaces: None, chunks: chunks_of_both })
    }

    /// Divides the rest of the allowance over the chunks, in proportion to what their leads are
    /// expected to use. How many posts the rows of harvested leads already have is known only when
    /// the rows are read.
    pub(crate) fn share_rest(&mut self, allowance: &mut Allowance) {
        let all: u64 = self.chunks.iter().filter_map(|chunk| chunk.share).sum();
        let Some(left) = allowance.left.as_mut().filter(|_| all > 0) else { return };
        let rest = std::mem::take(left);
        for share in self.chunks.iter_mut().filter_map(|chunk| chunk.share.as_mut()) {
            let part = u128::from(rest) * u128::from(*share) / u128::from(all);
            *share += u64::try_from(part).expect("a part is no more than the rest");
        }
    }

    /// The same plan, marked as taking over leads of `plan`.
    pub(crate) fn replacing(self, plan: &PlanId) -> Self {
        Self { replaces: Some(plan.clone()), ..self }
    }

    /// The facts about the plan, to be reported after its chunks are queued.
    pub(crate) fn facts(
        &self,
        kind: Kind,
        part_of: Option<PlanId>,
        leads_table: Option<LeadsTable>,
    ) -> Vec<Fact> {
        let mut facts: Vec<Fact> = self
            .chunks
            .iter()
            .zip(0..)
            .map(|(LaneChunk { leads, .. }, chunk)| {
                let leads = leads.iter().map(|lead| PlannedLead::of(&lead.lead, lead.posts));
                let leads = leads.collect();
                Fact::PlannedChunk(PlannedChunk { plan: self.id.clone(), kind, chunk, leads })
            })
            .collect();
        let (plan, chunks) = (self.id.clone(), self.chunk_count());
        let replaces = self.replaces.clone();
        let planned = Planned { plan, kind, chunks, part_of, replaces, leads_table };
        facts.push(Fact::Planned(planned));
        facts
    }

    /// The chunks as messages. Each lane is a message group. `empty` is a chunk of the plan without
    /// leads.
    pub(crate) fn into_messages(self, empty: &Chunk) -> Vec<OutgoingMessage> {
        self.chunks
            .into_iter()
            .zip(0..)
            .map(|(LaneChunk { lane, leads, share }, index)| {
                let leads = leads.into_iter().map(|lead| lead.lead).collect();
                let chunk = Chunk { index, token_share: share, leads, ..empty.clone() };
                routes::chunk(chunk, lane)
            })
            .collect()
    }

    pub(crate) fn chunk_count(&self) -> u32 {
        u32::try_from(self.chunks.len()).expect("a plan has at most 25,000 chunks")
    }
}

fn plan_id(about: &[&str], leads: &[PlanLead], lanes: u32, allowance: &Allowance) -> PlanId {
    let mut parts: Vec<String> = about.iter().map(|part| (*part).to_owned()).collect();
    parts.push(lanes.to_string());
    parts.push(match allowance.left {
        Some(left) => format!("{left} tokens"),
        None => format!("{CHUNK_LEADS} leads"),
    });
    for PlanLead { lead, posts, .. } in leads {
        parts.push(lead.key.to_string());
        parts.push(posts.to_string());
        parts.extend(lead.posts.iter().map(|post| post.key().to_string()));
    }
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    id_of(&parts).try_into().expect("an id has the form of a plan id")
}

/// Divides leads into chunks of one lane each, with at most `most` leads, that fit in a message.
fn chunks(leads: Vec<PlanLead>, lanes: u32, most: usize) -> Vec<LaneChunk> {
    let mut of_lanes: Vec<Vec<PlanLead>> = (0..lanes).map(|_| Vec::new()).collect();
    for lead in leads {
        of_lanes[lead.lane(lanes)].push(lead);
    }
    let mut chunks: Vec<LaneChunk> = Vec::new();
    for (lane, leads) in (0..).zip(of_lanes) {
        let mut room = 0;
        for lead in leads {
            let size = json_len(&lead.lead);
            match chunks.last_mut() {
                Some(chunk) if chunk.lane == lane && chunk.leads.len() < most && size <= room => {
                    room -= size;
                    chunk.leads.push(lead);
                }
                Some(_) | None => {
                    room = CHUNK_BYTES.saturating_sub(size);
                    chunks.push(LaneChunk { lane, leads: vec![lead], share: None });
                }
            }
        }
    }
    chunks
}

fn json_len(value: &impl serde::Serialize) -> usize {
    serde_json::to_vec(value).map_or(0, |json| json.len() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planning::harvest::ProfilePosts;
    use crate::testing::{chunk, post};
    use shared::core::linkedin::ProfileKey;
    use shared::messages::Post;

    fn lead(n: usize, posts: Vec<Post>) -> PlanLead {
        let profile = ProfileKey::of(&format!("linkedin.com/in/lead-{n}")).unwrap();
        let mut found = ProfilePosts::default();
        for post in posts {
            found.add(post);
        }
        PlanLead::harvested(profile, found)
    }

    fn plan(about: &[&str], leads: Vec<PlanLead>, lanes: u32) -> Result<Plan, Failure> {
        Plan::new(about, leads, lanes, (&mut Allowance { left: None }, None))
    }

    #[test]
    fn a_chunk_has_at_most_two_hundred_leads_and_a_lead_keeps_its_lane() {
        let lanes = |leads: Vec<PlanLead>| {
            let plan = self::plan(&["a"], leads, 2).unwrap();
            let lanes = plan.chunks.iter().flat_map(|chunk| {
                assert!(chunk.leads.len() <= CHUNK_LEADS);
                chunk.leads.iter().map(|lead| (lead.lead.key.clone(), chunk.lane))
            });
            lanes.collect::<std::collections::BTreeMap<_, _>>()
        };
        let all = lanes((0..1_500).map(|n| lead(n, vec![])).collect());
        assert_eq!(all.len(), 1_500);
        let in_first = all.values().filter(|lane| **lane == 0).count();
        assert!((500..=1_000).contains(&in_first), "both lanes work: {in_first}");
        for (key, lane) in lanes((1_480..1_520).map(|n| lead(n, vec![])).collect()) {
            assert!(all.get(&key).is_none_or(|known| *known == lane));
        }
        let messages = plan(&["a"], vec![lead(1, vec![])], 1).unwrap().into_messages(&chunk());
        assert_eq!(messages[0].group(), "appX8s1pPiBf5rqTz#0");
    }

    #[test]
    fn every_chunk_fits_into_a_message_whatever_its_leads_posted() {
        let wordy = |n| {
            lead(n, (0..40).map(|p| post(&format!("u{n}-{p}"), &"\u{1}é\"".repeat(900))).collect())
        };
        let plan = self::plan(&["a"], (0..30).map(wordy).collect(), 2).unwrap();
        assert!(plan.chunks.len() > 1);
        let empty = Chunk { rubric: "r".repeat(MAX_RUBRIC_BYTES), ..chunk() };
        for message in plan.into_messages(&empty) {
            assert!(message.body().len() <= MAX_MESSAGE_BYTES, "{}", message.body().len());
        }
    }

    #[test]
    fn posts_that_no_cell_has_room_for_are_left_out_oldest_first_and_counted() {
        let posts = [("old", "2024", 30_000), ("new", "2026", 60_000), ("long", "2025", 60_000)];
        let posts = posts.map(|(url, posted_at, length)| Post {
            posted_at: posted_at.to_owned(),
            ..post(url, &"ж".repeat(length))
        });
        let plan = self::plan(&["a"], vec![lead(1, posts.to_vec())], 1).unwrap();
        let kept = &plan.chunks[0].leads[0].lead.posts;
        assert_eq!(kept.iter().map(|post| post.url.as_str()).collect::<Vec<_>>(), ["new", "old"]);
        let facts = plan.facts(Kind::Post, None, None);
        let Fact::PlannedChunk(told) = &facts[0] else { panic!("{facts:?}") };
        assert_eq!((told.leads[0].posts, told.leads[0].left_out), (3, 1));
    }

    #[test]
    fn a_plan_of_the_same_content_is_the_same_plan() {
        let id = |leads| plan(&["run", "harvest"], leads, 2).unwrap().id;
        let one = || vec![lead(1, vec![post("u", "x")])];
        assert_eq!(id(one()), id(one()));
        assert_ne!(id(one()), id(vec![lead(1, vec![])]));
        assert_ne!(id(one()), plan(&["run", "other"], one(), 2).unwrap().id);
    }

    #[test]
    fn leads_beyond_the_allowance_are_planned_in_chunks_that_may_use_nothing() {
        let waiting = |n: usize| PlanLead { tokens: 10, ..lead(n, vec![]) };
        let mut allowance = Allowance { left: Some(605) };
        let leads = (0..100).map(waiting).collect();
        let plan = Plan::new(&["a"], leads, 2, (&mut allowance, None)).unwrap();
        let shares: Vec<(u32, usize, u64)> =
            plan.chunks.iter().map(|c| (c.lane, c.leads.len(), c.share.unwrap())).collect();
        assert_eq!(shares.len(), 4, "{shares:?}");
        assert_eq!(shares.iter().map(|(_, leads, _)| leads).sum::<usize>(), 100);
        assert_eq!(shares.iter().map(|(.., share)| share).sum::<u64>(), 600);
        assert_eq!((shares[2].2, shares[3].2), (0, 0));
        assert_eq!(allowance.left, Some(0));
    }

    #[test]
    fn a_chunk_whose_call_is_not_full_may_use_the_whole_rubric() {
        let rates = Rates { kind: Kind::Post, system: 4_000, leads_per_call: 10 };
        let leads = || vec![PlanLead { tokens: rates.of_lead(400, 1), ..lead(1, vec![]) }];
        let of_call = 1_000 + 100 + 32;
        let share = |left| {
            let mut allowance = Allowance { left: Some(left) };
            let plan = Plan::new(&["a"], leads(), 1, (&mut allowance, Some(&rates))).unwrap();
            (plan, allowance)
        };
        let (plan, allowance) = share(5_000);
        assert_eq!((plan.chunks[0].share, allowance.left), (Some(of_call), Some(5_000 - of_call)));
        let (plan, allowance) = share(500);
        assert_eq!((plan.chunks[0].share, allowance.left), (Some(500), Some(0)), "no more is left");
        let (mut plan, mut allowance) = share(5_000);
        plan.share_rest(&mut allowance);
        assert_eq!((plan.chunks[0].share, allowance.left), (Some(5_000), Some(0)));
    }

    #[test]
    fn more_leads_than_a_plan_takes_are_refused_as_a_whole() {
        let leads: Vec<PlanLead> = vec![lead(1, vec![]); MAX_PLAN_LEADS + 1];
        let error = plan(&["a"], leads, 2).err().unwrap();
        assert!(error.to_string().starts_with("25001 leads are more than a plan takes"));
    }
}
